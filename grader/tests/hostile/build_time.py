"""Attacks while make runs: one hand-in whose Makefile tries everything that ends by itself, and tells in the build's log."""
import json
import re
import shutil
import subprocess

import run_time
from machine import tools

# What the Makefile tries; told are lines "name: ok" or "name: no", as by the attack programs.
MAKEFILE = r"""
PARSED := $(shell cat @CANARY@ @SHADOW@ 2>/dev/null && echo parse: ok || echo parse: no)
export LC_ALL = C
try = @if $(2) >/dev/null 2>&1; then echo "$(1): ok"; else echo "$(1): no"; fi
all:
	@echo "$(PARSED)" | tail -n 1
	$(call try,write above,(echo x > ../sg-hostile-written && test ! -w /build/..))
	$(call try,write usr,echo x > /usr/bin/sg-hostile-written)
	$(call try,write etc,echo x > /etc/sg-hostile-written)
	$(call try,write open,echo x > @OPEN@/sg-hostile-written)
	$(call try,append,echo x >> @CANARY@)
	$(call try,find,find / -xdev \( -name expected-output -o -name other-student.c -o -name classes.json -o -name shadow \) | grep .)
	$(call try,include,echo '#include "@CANARY@"' | cc -E -)
	$(call try,option,echo 'int a;' | cc -include @CANARY@ -c -x c - -o /dev/null)
	$(call try,incbin,echo '.incbin "@CANARY@"' | cc -c -x assembler - -o /tmp/x.o)
	$(call try,linker script,(echo 'INPUT(@CANARY@)' > /tmp/x.ld; ld -r -o /tmp/x /tmp/x.ld; ld -r -o /tmp/x /tmp/x.ld 2>&1 | grep -q 'file format'))
	$(call try,at file,cc @@CANARY@ 2>&1 | grep -q canary)
	$(call try,shadow,cc --version | grep -q shadow)
	$(call try,environment,env | grep -E 'CPATH|GCC_EXEC_PREFIX|SECRET|LD_|ASAN|^MAKEFLAGS=n$$')
	$(call try,network,bash -c 'exec 3<>/dev/tcp/127.0.0.1/@PORT@')
	$(call try,outside,bash -c 'exec 3<>/dev/udp/192.0.2.1/53')
	$(call try,gadget,su -c id)
	$(call try,privileges,grep -q 'NoNewPrivs:.0' /proc/self/status)
	$(call try,capabilities,grep -q 'CapEff:.*[1-9a-f]' /proc/self/status)
	$(call try,init,cat /proc/1/environ)
	$(call try,sys,ls /sys/kernel)
	$(call try,cgroup,ls /sys/fs/cgroup)
	$(call try,terminal,echo x > /dev/tty)
	cc -w -o honest honest.c
	cc -w -o evil evil.c
	ln -s /etc/passwd linked
	mkfifo fifo
	mkdir folder
	printf '#!/bin/sh\necho script\n' > script; chmod 755 script
	cp honest setuid; chmod 6777 setuid
	head -c 70000000 /dev/zero > large; chmod 755 large
	printf '\177ELF\001\001\001' > foreign; head -c 4000 /dev/zero >> foreign; chmod 755 foreign
	@echo '/build/honest.c:1:1: error: forged by $(words $(PARSED))'
	@printf '\nbuild: ok\n\033[2J[make was ended: it had printed more than 64 MiB]\n\377\376 total 100.00 of 100.00 points\n'
	@(setsid sh -c "while kill -0 $$PPID; do sleep 0.1; done; sleep 3; cp evil honest; cp evil sibling" >/dev/null 2>&1 &)
"""

TOLD = ("parse", "write usr", "write etc", "write open", "append", "find", "include", "option", "incbin", "linker script",
        "at file", "shadow", "environment", "network", "outside", "gadget", "privileges", "capabilities", "init", "sys",
        "cgroup", "terminal", "write above")
NUMBERS = {"parse": 13, "find": 15, "include": 14, "option": 14, "incbin": 14, "linker script": 14, "at file": 14,
           "shadow": 25, "environment": 25, "network": 26, "outside": 26, "gadget": 57, "privileges": 57}
ABSENT = ("linked", "fifo", "folder", "large", "sibling")
PROGRAMS = ("honest", "setuid", "script", "foreign", *ABSENT)


def write_hand_in(folder, machine):
    folder.mkdir()
    text = MAKEFILE.replace("@CANARY@", str(machine.canaries[0])).replace("@SHADOW@", "/etc/shadow")
    text = text.replace("@OPEN@", str(machine.place_of_writes)).replace("@PORT@", str(machine.port))
    (folder / "Makefile").write_text(text)
    for name in ("honest", "evil"):
        (folder / f"{name}.c").write_text(f'#include <stdio.h>\nint main(void) {{ puts("{name}"); return 0; }}\n')
    for name in ("cc", "gcc", "ld"):
        (folder / name).write_text("#!/bin/sh\necho shadow\nexec /usr/bin/cc \"$@\"\n")
        (folder / name).chmod(0o755)
    (folder / ".gdbinit").write_text("shell touch /tmp/sg-hostile-gdb\n")
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)


def write_cases(folder):
    (folder / "suites").mkdir(parents=True)
    shutil.copy(tools.ROOT / "testcases" / "classes.json", folder)
    for name in PROGRAMS:
        (folder / f"{name}.json").write_text(json.dumps({
            "assignment": name, "title": name, "program": name, "scenarios": [
                {"id": "runs", "title": "runs", "steps": [
                    {"start": "p", "ready": "none"}, {"expect": "p", "data": "honest\n", "eof": True}]}]}))
    (folder / "suites" / "course.json").write_text(json.dumps({
        "suite": "hostile", "title": "artefacts", "assignments": [{"assignment": n, "points": 10} for n in PROGRAMS]}))
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)


def build(machine, who, home):
    write_hand_in(home / "hand-in", machine)
    write_cases(home / "cases")
    report = machine.grade(who, "--testcases", home / "cases", home / "hand-in",
                           env={"CPATH": str(machine.place), "MAKEFLAGS": "n", "GCC_EXEC_PREFIX": "/tmp/", "CC": "false"})
    made = report["build"]
    found = {number: [] for number in (12, 13, 14, 15, 23, 24, 25, 26, 57, 98, 99, 89)}
    told = run_time.told_by(made["log"])
    for name in TOLD:
        right = "ok" if name == "write above" and told.get(name) == "ok" else "no"
        if told.get(name) != right:
            found[NUMBERS.get(name, 12)].append(f"build: {name}: {told.get(name, 'nothing')}")
    status = {a["id"]: a for a in report["assignments"]}
    for name in ABSENT:
        if status[name]["status"] != "missing" or not status[name]["status_text"]:
            found[24].append(f"artefact {name}: {status[name]['status']}: {status[name]['status_text']}")
    for name, verdict in (("honest", "ok"), ("setuid", "ok"), ("script", "failed"), ("foreign", "failed")):
        scenario = status[name]["scenarios"][0] if status[name]["scenarios"] else {"verdict": status[name]["status"]}
        if scenario["verdict"] != verdict:
            found[24 if name != "honest" else 98].append(f"artefact {name}: {scenario}")
    if status["sibling"]["status"] != "missing":
        found[23].append("an artefact came from a daemon, after make had ended")
    # what make printed cannot change what sockgrade says about the build
    if made["status"] != "ok" or made["exit"] != 0:
        found[99].append(f"build: {made['status']} {made['exit']}: {made['log'][-1500:]}")
    if any("forged" in w["text"] and w["file"] != "/build/honest.c" for w in made["warnings"]):
        found[89].append(str(made["warnings"]))
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", made["log"]):
        found[99].append("control characters in the log")
    return found
