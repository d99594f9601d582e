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


SERVERS = {  # mode: number; ways of answering an HTTP request
    "endless-body": 75, "endless-line": 75, "endless-headers": 75, "endless-interim": 75, "huge-chunk": 75,
    "minus-length": 75, "huge-length": 75, "many-chunks": 75, "bomb": 75, "redirect": 47, "slow": 74, "half": 74,
    "reset": 74, "never-accepts": 76}
# of these both readers say that the answer has no end, and do not wait for their patience to run out
ENDLESS = ("endless-body", "endless-line", "endless-headers", "endless-interim", "many-chunks")


def peers(machine, who, home):
    """Servers that attack both of sockgrade's readers of HTTP, and clients that attack its server."""
    ask = [{"open": "a", "tcp": "${host}:${port}"}, {"send": "a", "data": "GET / HTTP/1.1\r\nHost: t\r\n\r\n", "may_fail": True},
           {"expect": "a", "http": {"status": 200, "body": "abc"}, "within": 1}]
    fetch = [{"fetch": "http://${host}:${port}/", "status": 200, "body": "abc", "within": 1}]
    scenarios = []
    for mode in SERVERS:
        start = {"start": "p", "args": [mode, "${port}", str(machine.port)], "ready": "tcp ${port}"}
        scenarios += [{"id": f"{mode}-{reader}", "title": mode, "steps": [start, *steps]}
                      for reader, steps in (("expect", ask), ("fetch", fetch))]
        if mode in ENDLESS:
            for scenario in scenarios[-2:]:
                scenario["steps"] = [{**step, "within": 300} if "within" in step else step for step in scenario["steps"]]
    served = [{"open": "l", "listen": "${peer}:${port}"}, {"start": "p", "args": ["shout", "${peer}", "${port}"], "ready": "none"},
              {"open": "c", "accept": "l"}]
    scenarios += [{"id": "shout-http", "title": "shout", "steps": [*served, {"expect": "c", "http": {"method": "GET"}, "within": 1}]},
                  {"id": "shout-eof", "title": "shout", "steps": [*served, {"expect": "c", "data": "GG", "eof": True, "within": 1}]}]
    write_suite(home / "cases", "peers", scenarios, 10)
    run_time.write_hand_in(home / "hand-in", ["peers"])
    report = machine.grade(who, "--testcases", home / "cases", "-j", 8, home / "hand-in")
    found = {number: [] for number in (*SERVERS.values(), 96)}
    for name, scenario in tools.scenarios(report).items():
        mode = name.split("/")[1].rsplit("-", 1)[0]
        if mode in ENDLESS and (scenario.get("class"), scenario.get("proof")) != ("endless-answer", "seen"):
            found[SERVERS[mode]].append(f"peers {name}: {scenario.get('class')}, {scenario.get('proof')}: {scenario.get('observed')}")
        if scenario["verdict"] != "failed":
            found[SERVERS.get(mode, 96)].append(f"peers {name}: {scenario['verdict']}: {scenario.get('observed')}")
    return found
