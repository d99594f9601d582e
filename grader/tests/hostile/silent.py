"""Programs that look dead and are not: sockgrade must never call such a silence proven. And programs that attack whoever
talks to them: endless answers, sizes that lie, storms."""
import json
import re
import shutil
import subprocess

import run_time
from machine import tools

WAYS = ("itimer", "timer", "timer-thread", "timerfd", "epoll", "flight", "hidden-table", "signal", "signalfd", "pidfd",
        "orphan", "vfork", "flock", "inotify", "system-v", "queue", "stop", "thread", "time-out", "cork", "pacing",
        "neighbour", "neighbour-6", "deferral", "exec")

# number in the table of each way
NUMBER = {"itimer": 91, "timer": 91, "timer-thread": 91, "timerfd": 91, "epoll": 91, "exec": 91, "time-out": 91, "queue": 91,
          "flight": 92, "hidden-table": 92, "signal": 93, "signalfd": 93, "pidfd": 93, "orphan": 93, "flock": 93,
          "inotify": 93, "system-v": 93, "stop": 93, "thread": 93, "vfork": 94, "cork": 95, "pacing": 95,
          "neighbour": 95, "neighbour-6": 95, "deferral": 95}


def write_suite(folder, file, scenarios, within):
    (folder / "suites").mkdir(parents=True)
    shutil.copy(tools.ROOT / "testcases" / "classes.json", folder)
    (folder / f"{file}.json").write_text(json.dumps(
        {"assignment": file, "title": file, "program": file, "within": within, "scenarios": scenarios}))
    (folder / "suites" / "course.json").write_text(json.dumps(
        {"suite": "hostile", "title": "attacks", "assignments": [{"assignment": file, "points": 10}]}))
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)


def silence(machine, who, home):
    """Each way of being late: the answer must be waited for."""
    scenarios = [{"id": way, "title": way, "steps": [
        {"start": "p", "args": [way, "${port}"], "ready": "udp ${port}"},
        {"open": "u", "udp": "${host}:${port}"}, {"send": "u", "data": "x"},
        {"expect": "u", "data": "late"}]} for way in WAYS]
    write_suite(home / "cases", "silence", scenarios, 60)
    run_time.write_hand_in(home / "hand-in", ["silence"])
    report = machine.grade(who, "--testcases", home / "cases", "-j", 8, "--verbose", home / "hand-in")
    found = {number: [] for number in NUMBER.values()}
    for name, scenario in tools.scenarios(report).items():
        way = name.split("/")[1]
        notes = [e for e in scenario.get("trace", []) if "silence was proven" in (e.get("text") or "")]
        if scenario["verdict"] != "ok" or notes:
            found[NUMBER[way]].append(f"silence {way}: {scenario['verdict']}, {scenario.get('proof')}: "
                                      f"{scenario.get('observed')} {notes}")
    return found
