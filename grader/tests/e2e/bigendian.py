"""Byte order on other machines: what the same program, built for s390x and for i386, adds to a verdict; and what happens
where the tools are missing."""
import json
import os
import shutil
import xml.dom.minidom

import sanitizers
from tools import (ROOT, Skipped, as_user, copy_reference, expect, expect_status, folder, grade, hand_in, mutant, only_programs,
                   scenarios, sockgrade, validate)

MUTANTS = ROOT / "testcases" / "mutants"
TOOLS = {"s390x": ("/usr/bin/s390x-linux-gnu-gcc", "/usr/bin/qemu-s390x", "/usr/s390x-linux-gnu/lib/libc.a"),
         "i386": ("/usr/bin/qemu-i386", "/usr/lib32/libc.a")}


def needs_tools():
    missing = [path for paths in TOOLS.values() for path in paths if not os.path.isfile(path)]
    if missing:
        raise Skipped(f"make deps-bigendian: {', '.join(missing)} missing")


def section(report):
    return report["other_machines"]


def edited(place, name, before, after):
    """A copy of the reference in which one piece of a file is another."""
    copy_reference(place, "nbo_server", "nbo_client")
    text = (place / name).read_text()
    expect(before in text, f"{name} has changed")
    (place / name).write_text(text.replace(before, after))
    return place


def answers(report, name):
    told = scenarios(report)[name]["other_machines"]
    return told and (told["s390x"], told["i386"], told["means"])


def check_mutant(patch, name, expected, words, **how):
    """One mutant of the byte-order files: what other machines say of this scenario, and whether its sentence goes on."""
    with folder() as here:
        place = only_programs(mutant(MUTANTS / patch, here / "m"), "nbo_server", "nbo_client")
        report, result = grade("--only", f"{patch.split('/', maxsplit=1)[0]}/*", place, machines="failed", **how)
        validate(result.out)
        alone, _ = grade("--only", f"{patch.split('/', maxsplit=1)[0]}/*", place, **how)
    one, before = scenarios(report)[name], scenarios(alone)[name]
    expect(answers(report, name) == expected, f"{name}: {one['other_machines']}\n{json.dumps(section(report))[:3000]}")
    expect(one["hint"].startswith(before["hint"]), f"{one['hint']!r} does not begin with {before['hint']!r}")
    expect(words in one["hint"][len(before["hint"]):] if words else one["hint"] == before["hint"], one["hint"])
    expect({n: (s["verdict"], s.get("class"), s["score"]) for n, s in scenarios(report).items()} ==
           {n: (s["verdict"], s.get("class"), s["score"]) for n, s in scenarios(alone).items()}, "a verdict or a point moved")
    expect(section(report)["status"] == "played" and section(alone)["status"] == "off", json.dumps(section(alone)))
    expect(before["other_machines"] is None, "off, and asked all the same")
    return report


def test_a_server_that_sends_unconverted_numbers():
    needs_tools()
    report = check_mutant("byte-order/B04-no-htons.patch", "byte-order/read-u16",
                          ("passes", "fails", "conversion-missing"), "on a big-endian machine (s390x)")
    asked = {n for n, s in scenarios(report).items() if s["other_machines"]}
    failed = {n for n, s in scenarios(report).items() if s["verdict"] == "failed"}
    expect(asked == failed and failed, f"only what failed is asked: {asked ^ failed}")
    expect(not section(report)["findings"], "nothing that passes was asked")


def test_a_server_that_takes_numbers_unconverted_as_an_ordinary_user():
    needs_tools()
    check_mutant("byte-order/B02-no-ntohl.patch", "byte-order/show-u32", ("passes", "fails", "conversion-missing"),
                 "A conversion", prefix=as_user())


def test_a_client_that_sends_unconverted_numbers():
    needs_tools()
    check_mutant("byte-order-client/N05-no-htonl.patch", "byte-order-client/encode-u32",
                 ("passes", "fails", "conversion-missing"), "A conversion")


def test_a_conversion_of_the_wrong_size():
    needs_tools()
    check_mutant("byte-order/B08-htonl-on-16.patch", "byte-order/read-u16", ("passes", "fails", "conversion-wrong"),
                 "has the wrong size")


def test_halves_that_are_not_exchanged_are_wrong_everywhere():
    needs_tools()
    check_mutant("byte-order/B11-halves-not-exchanged.patch", "byte-order/read-u64", ("fails", "fails", None), "")


def test_a_mistake_of_another_kind_is_wrong_everywhere():
    needs_tools()
    check_mutant("byte-order/B14-u32-signed.patch", "byte-order/show-u32-high", ("fails", "fails", None), "")


def test_char_has_its_sign_there_too():
    """char is unsigned on s390x by its ABI: that would be another difference, and no missing conversion."""
    needs_tools()
    with folder() as here:
        place = edited(here / "h", "nbo/wire.c", "(code & 0x80U) != 0;", "(char)code >= 0x80;")
        report, _ = grade("--only", "byte-order/*", place, machines="failed")
    asked = {n: answers(report, n) for n, s in scenarios(report).items() if s["verdict"] == "failed"}
    expect(asked and set(asked.values()) == {("fails", "fails", None)}, asked)


def test_the_size_of_long():
    """Numbers of 32 bits are as long as a long: right with 4 bytes, wrong with 8."""
    needs_tools()
    with folder() as here:
        place = edited(here / "h", "nbo/wire.c", "type->size = code & 0x7fU;",
                       "type->size = (code & 0x7fU) == 4 ? sizeof(long) : code & 0x7fU;")
        report, _ = grade("--only", "byte-order/*", place, machines="failed")
    one = scenarios(report)["byte-order/show-u32"]
    expect(one["verdict"] == "failed" and answers(report, "byte-order/show-u32") == ("fails", "passes", "size-of-long"),
           one["other_machines"])
    expect("uint32_t" in one["hint"], one["hint"])


def check_right_here_only(place, name, expected, here):
    report, result = grade("--only", "byte-order/*", place, machines="all")
    validate(result.out)
    expect(result.status == 0 and report["score"] == report["max_score"], "it is right here")
    expect(answers(report, name) == expected, scenarios(report)[name]["other_machines"])
    found = [f for f in section(report)["findings"] if f["class"] == expected[2]]
    expect(len(found) == 1 and name.split("/")[1] in found[0]["scenarios"], json.dumps(section(report))[:3000])
    expect(found[0]["there"]["observed"] and found[0]["there"]["expected"], found)
    quiet, _ = grade("--only", "byte-order/*", place, machines="failed")
    expect(section(quiet) == {"status": "none", "text": None, "machines": [], "findings": []}, section(quiet))
    file = here / "report.json"
    file.write_text(result.out)
    text = sockgrade("report", file)
    for words in ("other machines", expected[2], "(costs no points)", "observed there"):
        expect(words in text.out, f"{words!r} is missing:\n{text!r}")
    junit = xml.dom.minidom.parseString(sockgrade("report", "--format", "junit", file).out)
    told = {t.parentNode.getAttribute("name"): t.firstChild.data for t in junit.getElementsByTagName("system-out")}
    expect(told.get(name.split("/")[1], "").startswith(f"{expected[2]}: "), told)
    expect(not junit.getElementsByTagName("failure"), "it fails nobody")


def test_bytes_swapped_by_hand_are_right_here_only():
    needs_tools()
    with folder() as here:
        place = edited(here / "h", "nbo/wire.c", "htons(number)", "(uint16_t)(number << 8 | number >> 8)")
        check_right_here_only(place, "byte-order/read-u16", ("fails", "passes", "swaps-by-hand"), here)


def test_a_long_that_happens_to_have_eight_bytes():
    needs_tools()
    with folder() as here:
        place = edited(here / "h", "nbo/wire.c", "type->size = code & 0x7fU;",
                       "type->size = (code & 0x7fU) == 8 ? sizeof(long) : code & 0x7fU;")
        check_right_here_only(place, "byte-order/show-u64", ("passes", "fails", "only-64-bit"), here)


def test_the_reference_is_right_everywhere():
    """Both of its programs, all of their scenarios: under the emulator nothing is called wrong that is right."""
    needs_tools()
    with folder() as here:
        place = copy_reference(here / "h", "nbo_server", "nbo_client")
        report, result = grade("--only", "byte-order/*", "--only", "byte-order-client/*", place, machines="all")
    expect(result.status == 0 and not section(report)["findings"], json.dumps(section(report))[:3000])
    asked = {n: answers(report, n) for n, s in scenarios(report).items() if s["other_machines"]}
    expect(len(asked) > 60 and set(asked.values()) == {("passes", "passes", None)},
           {n: a for n, a in asked.items() if a != ("passes", "passes", None)})
    expect([m["status"] for m in section(report)["machines"]] == ["played"] * 2, section(report))


def without_htons(here):
    return hand_in(here / "h", tcp_echo_server=sanitizers.server().replace("htons(atoi(argv[1]))", "atoi(argv[1])"))


def test_a_port_elsewhere():
    """An echo server that forgot htons: the class tells that other machines are to be asked, not the file."""
    needs_tools()
    with folder() as here:
        place = without_htons(here)
        report, _ = grade("--only", "tcp-echo-server/*", place, machines="failed")
        one = scenarios(report)["tcp-echo-server/starts"]
        expect(one["class"] == "missing-htons-port", one)
        expect(answers(report, "tcp-echo-server/starts") == ("passes", "fails", "conversion-missing"), one)
        text = sockgrade("grade", "--no-sanitizer", "--only", "tcp-echo-server/*", place).out
        expect("s390x passes, i386 fails" in text and "on a big-endian machine" in " ".join(text.split()), text)


def test_what_does_not_run_at_all_is_not_asked():
    with folder() as here:
        place = hand_in(here / "h", nbo_server="int main(void) { return 0; }")
        report, _ = grade("--only", "byte-order/*", place, machines="all")
    expect(section(report)["status"] == "none" and not section(report)["machines"], section(report))


def test_a_makefile_that_builds_for_this_machine_only():
    """Nor is it built by a rule of make's own, which would leave its flags and libraries out."""
    needs_tools()
    with folder() as here:
        place = without_htons(here)
        (place / "Makefile").write_text("all:\n\t/usr/bin/gcc -o tcp_echo_server tcp_echo_server.c\n")
        report, _ = grade("--only", "tcp-echo-server/*", place, machines="failed")
        expect(answers(report, "tcp-echo-server/starts") == ("not built", "not built", None), section(report))
        for machine in section(report)["machines"]:
            expect(machine["status"] == "not-built" and "full path" in machine["text"], machine)


def check_makefile(text):
    with folder() as here:
        place = without_htons(here)
        (place / "Makefile").write_text(text)
        report, _ = grade("--only", "tcp-echo-server/*", place, machines="failed")
    expect(answers(report, "tcp-echo-server/starts") == ("passes", "fails", "conversion-missing"), section(report))
    expect([m["build"]["status"] for m in section(report)["machines"]] == ["ok", "ok"], section(report))


def test_only_what_is_played_is_built():
    """make is asked for the program, not for its default goal, part of which cannot be made for other machines."""
    needs_tools()
    check_makefile("all: tcp_echo_server other\n%: %.c\n\t$(CC) -o $@ $<\nother:\n\tcommand -v gcc | grep '^/usr/bin/'\n")


def test_a_makefile_that_knows_no_program_by_name_and_makes_a_library():
    """Then the default goal it is; and the index of a library is made by that machine's ar."""
    needs_tools()
    check_makefile("all:\n\t$(CC) -march=native -flto -c -o server.o tcp_echo_server.c\n\tar rcs libserver.a server.o\n"
                   "\tgcc -flto -o tcp_echo_server libserver.a\ntcp_echo_server:\n\t@echo no; false\n")


# ---- where the tools are missing ----

def hidden(*paths):
    """A command prefix under which these files are no files: a device lies over each. The machine's own are not touched."""
    there = [path for path in paths if os.path.exists(path)]
    over = "".join(f"mount --bind /dev/null {path} && " for path in there)
    own = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--mount")
    return (*own, "sh", "-c", f'{over}exec "$@"', "sh")


def test_without_the_tools_it_is_skipped_and_says_so():
    prefix = hidden(*(path for paths in TOOLS.values() for path in paths))
    words = ("--no-sanitizer", "--only", "tcp-echo-server/*")
    with folder() as here:
        place = without_htons(here)
        alone, _ = grade("--only", "tcp-echo-server/*", place)
        result = sockgrade("grade", "--format", "json", *words, place, prefix=prefix)
        validate(result.out)
        report = json.loads(result.out)
        expect(section(report)["status"] == "skipped" and "not installed" in section(report)["text"], section(report))
        for machine, compiler in zip(section(report)["machines"], ("gcc-s390x-linux-gnu", "libc6-dev-i386")):
            expect(machine["status"] == "lacking" and "make deps-bigendian" in machine["text"] and
                   compiler in machine["text"], machine)
        one = scenarios(report)["tcp-echo-server/starts"]
        expect(answers(report, "tcp-echo-server/starts") == ("not run", "not run", None), one)
        expect(one["hint"] == scenarios(alone)["tcp-echo-server/starts"]["hint"], "nothing was added")
        expect(report["score"] == alone["score"] and result.status == 1, "no point depends on it")
        text = sockgrade("grade", *words, place, prefix=prefix)
        expect("the tools are not installed" in " ".join(text.out.split()), text)
        doctor = sockgrade("doctor", prefix=prefix)
        for machine in TOOLS:
            expect(any(line.startswith("lacks") and machine in line for line in doctor.out.splitlines()), doctor)


def test_one_machine_without_the_other():
    needs_tools()
    with folder() as here:
        place = without_htons(here)
        report, _ = grade("--only", "tcp-echo-server/*", place, machines="failed", prefix=hidden("/usr/bin/qemu-i386"))
    expect(answers(report, "tcp-echo-server/starts") == ("passes", "not run", "conversion-missing"), section(report))
    expect([m["status"] for m in section(report)["machines"]] == ["played", "lacking"], section(report))


# ---- what students may see ----

NUMBER = """#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 5))
        return 1;
    for (int c; (c = accept(s, NULL, NULL)) >= 0; close(c)) {
        unsigned short number = %s;
        write(c, &number, 2);
    }
}
"""


def play_number(show, number, machines, secret):
    steps = [{"open": "a", "tcp": "${host}:${port}"}, {"expect": "a", "data": {"hex": "0102"}, "hint": "missing-htons"}]
    with folder() as here:
        place = hand_in(here / "h", nbo_server=NUMBER % number)
        cases = here / "cases"
        (cases / "suites").mkdir(parents=True)
        shutil.copy(ROOT / "testcases" / "classes.json", cases)
        (cases / "byte-order.json").write_text(json.dumps(
            {"assignment": "byte-order", "program": "nbo_server", "args": ["${port}"], "ready": "tcp ${port}",
             "byte_order": True, "setup": [{"start": "srv"}],
             "scenarios": [{"id": "hidden-one", "title": "Hidden", "show": show, "steps": steps}]}))
        (cases / "suites" / "course.json").write_text(json.dumps(
            {"suite": "s", "show": True, "assignments": [{"assignment": "byte-order", "points": 9}]}))
        report, result = grade("--testcases", cases, place, machines=machines)
        validate(result.out)
        expect([m["scenarios"] for m in section(report)["machines"]] == [1, 1], f"it was played: {section(report)}")
        expect((secret in result.out) == (show == "all"), f"{show}: {result!r}")


def test_what_is_hidden_stays_hidden():
    needs_tools()
    for show in ("nothing", "name", "all"):
        play_number(show, "258", "failed", "conversion-missing")


def test_what_is_hidden_and_passes_stays_hidden():
    needs_tools()
    for show in ("nothing", "all"):
        play_number(show, "__builtin_bswap16(258)", "all", "swaps-by-hand")


def test_what_differs_by_more_than_one_thing():
    needs_tools()
    here_only = "sizeof(long) == 8 && htons(1) != 1"
    play_number("all", f"{here_only} ? 258 : htons(258)", "failed", "right-by-chance")
    play_number("all", f"{here_only} ? htons(258) : 7", "all", "only-this-machine")


# ---- the option ----

def test_the_option_is_checked():
    result = sockgrade("grade", "--other-machines", "faild", ROOT / "reference")
    expect_status(result, 2)
    expect("did you mean 'failed'?" in result.err, result)


def test_a_batch_passes_it_on_and_grades_again_when_it_changes():
    words = ("batch", "--no-sanitizer", "--only", "tcp-echo-server/starts")
    with folder() as here:
        place, out = without_htons(here), here / "out"
        told = []
        for which in ("off", "failed", "failed"):
            expect_status(sockgrade(*words, "--other-machines", which, place, "-o", out), 0)
            told.append(json.loads((out / "h.json").read_text()))
    expect([section(t)["status"] for t in told][0] == "off", section(told[0]))
    expect(section(told[1])["status"] in ("played", "skipped"), section(told[1]))
    expect(told[1] == told[2], "nothing changed, and it was graded again")
