"""The command line: help, exit statuses, unknown words, forms of output."""
import json
import os
import pty
import subprocess
import xml.dom.minidom

from tools import (binary, expect, expect_status, folder, grade, hand_in, part_of_reference, sockgrade, ROOT, TIMEOUT, validate)

ESCAPE = "\x1b["


def test_help_names_every_subcommand_and_exit_status():
    result = sockgrade("--help")
    expect_status(result, 0)
    for word in ("grade", "batch", "report", "lint", "explain", "doctor", "exit status"):
        expect(word in result.out, f"'{word}' is missing in the help:\n{result.out}")
    for word in ("grade", "batch", "report", "lint", "explain", "doctor"):
        expect_status(sockgrade(word, "--help"), 0)


def test_an_unknown_word_gets_the_nearest_one():
    result = sockgrade("grad")
    expect_status(result, 2)
    expect("did you mean 'grade'" in result.err, repr(result))
    result = sockgrade("grade", "--ony", "x", ".")
    expect_status(result, 2)
    expect("did you mean '--only'" in result.err, repr(result))


def test_numbers_and_settings_are_checked():
    for words in (["--seed", "x"], ["--jobs", "-1"], ["--var", "novalue"], ["--program", "=x"],
                  ["--format", "yaml"], ["--sandbox", "ful"]):
        expect_status(sockgrade("grade", *words, ROOT / "reference"), 2)


def test_an_unknown_scenario_in_only_is_an_error():
    result = sockgrade("grade", "--only", "tcp-echo-server/half-clse", ROOT / "reference")
    expect_status(result, 2)
    expect("half-clse" in result.err, repr(result))


def one_scenario(*words, **how):
    return sockgrade("grade", "--only", "udp-echo-server/echo", *words, part_of_reference("udp_echo_server"), **how)


def test_each_form_of_the_report():
    text = one_scenario()
    expect_status(text, 0)
    expect("udp-echo-server" in text.out and ESCAPE not in text.out, repr(text))
    as_json = one_scenario("--format", "json")
    validate(as_json.out)
    as_junit = one_scenario("--format", "junit")
    xml.dom.minidom.parseString(as_junit.out)
    with folder() as here:
        report = here / "report.json"
        expect_status(one_scenario("--format", "json", "-o", report), 0)
        expect(json.loads(report.read_text())["score"] > 0, "the report was not written")
        again = sockgrade("report", report)
        expect_status(again, 0)
        expect("udp-echo-server" in again.out, repr(again))
        expect_status(sockgrade("report", report, "--format", "junit"), 0)


def on_a_terminal(words, env):
    """Runs with a pseudo-terminal as output and error; returns what it shows and its status."""
    master, slave = pty.openpty()
    process = subprocess.Popen([binary(), *map(str, words)], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                               env=dict(os.environ, **env), close_fds=True)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    return shown.decode("utf-8", "replace"), process.wait(TIMEOUT)


def test_a_terminal_gets_a_live_line_and_colours_unless_no_color():
    words = ["grade", "--only", "udp-echo-server/echo", part_of_reference("udp_echo_server")]
    shown, status = on_a_terminal(words, {"TERM": "xterm", "NO_COLOR": ""})
    expect(status == 0, shown)
    expect("\r" in shown and "udp-echo-server/" in shown, "no live line:\n" + shown)
    expect(ESCAPE + "K" in shown, shown)
    expect(any(f"{ESCAPE}{n}" in shown for n in ("1m", "31m", "32m", "1;", "0;")), "no colours:\n" + repr(shown))
    shown, status = on_a_terminal(words, {"TERM": "xterm", "NO_COLOR": "1"})
    expect(status == 0 and not any(f"{ESCAPE}{n}m" in shown for n in (1, 31, 32, 33)), repr(shown))


def test_a_program_given_ready_made_needs_no_build():
    with folder() as here:
        source = ROOT / "reference"
        work = here / "copy"
        subprocess.run(["cp", "-R", str(source), str(work)], check=True)
        subprocess.run(["make", "-s", "-C", str(work), "udp_echo_server"], check=True, stdout=subprocess.DEVNULL)
        report, _ = grade("--program", f"udp_echo_server={work}/udp_echo_server", "--only",
                          "udp-echo-server/echo", status=0)
        expect(report["build"]["status"] == "ready-made", str(report["build"]))


def test_an_interpreter_can_be_the_program():
    with folder() as here:
        script = here / "echo.py"
        script.write_text("import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                          "s.bind(('', int(sys.argv[1])))\nwhile True:\n    d, a = s.recvfrom(65536)\n    s.sendto(d, a)\n")
        grade("--program", f"udp_echo_server=python3 {script}", "--only", "udp-echo-server/echo", status=0)


def test_a_fixed_port_is_used():
    report, _ = grade("--var", "port=7007", "--verbose", "--only", "udp-echo-server/echo",
                      part_of_reference("udp_echo_server"), status=0)
    expect("7007" in json.dumps(report), "the port was not used")


def test_the_seed_is_recorded_and_repeats_the_bytes():
    first, second = (grade("--seed", "42", "--verbose", "--only", "udp-echo-server/sizes",
                           part_of_reference("udp_echo_server"))[0] for _ in range(2))
    expect(first["seed"] == "42", "the seed is not in the report")

    def sent(report):
        return [e.get("bytes") for a in report["assignments"] for s in a["scenarios"]
                for e in s.get("trace", []) if e["event"] == "send"]
    expect(sent(first) and sent(first) == sent(second), "the same seed sent other bytes")


def test_explain_knows_the_classes():
    result = sockgrade("explain", "missing-htons-port")
    expect_status(result, 0)
    expect("htons" in result.out, repr(result))
    expect_status(sockgrade("explain", "no-such-class"), 2)
    listing = sockgrade("explain", "--list")
    expect_status(listing, 0)
    expect(len(listing.out.splitlines()) > 100, repr(listing))


def test_doctor_says_what_will_be_used():
    result = sockgrade("doctor")
    expect_status(result, 0)
    for word in ("user namespace", "veth", "a grade would use"):
        expect(word in result.out, f"'{word}' is missing:\n{result.out}")


def test_lint_finds_nothing_in_the_test_cases():
    result = sockgrade("lint")
    expect_status(result, 0)


def test_lint_names_file_line_and_the_nearest_key():
    with folder() as here:
        bad = here / "bad.json"
        bad.write_text('{\n  "assignment": "x",\n  "program": "p",\n  "scenarios": [\n'
                       '    {"id": "a", "title": "t", "level": "basic", "points": 1,\n'
                       '     "stepz": []}\n  ]\n}\n')
        result = sockgrade("lint", bad)
        expect_status(result, 2)
        expect(f"{bad}:6:" in result.out and "did you mean 'steps'" in result.out, repr(result))
        bad.write_text('{\n  "assignment": "x",,\n}')
        result = sockgrade("lint", bad)
        expect_status(result, 2)
        expect(f"{bad}:2:" in result.out + result.err, repr(result))


def test_the_template_builds_and_fails_politely():
    report, _ = grade(ROOT / "student-template", status=1)
    expect(report["build"]["status"] == "ok" and not report["build"]["warnings"], str(report["build"]))
    expect(report["score"] < 0.1 * report["max_score"], f"the template scores {report['score']}")


def test_a_hand_in_is_not_written_to():
    with folder() as here:
        place = hand_in(here / "h", udp_echo_server="int main(void){return 0;}\n")
        before = sorted((p.name, p.stat().st_mtime_ns) for p in place.iterdir())
        sockgrade("grade", "--only", "udp-echo-server/starts", place)
        expect(before == sorted((p.name, p.stat().st_mtime_ns) for p in place.iterdir()), "the hand-in changed")
