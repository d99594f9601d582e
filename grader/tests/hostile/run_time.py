"""Attacks at run time: one hand-in with all the attack programs, one scenario for each mode, each in a box of its own.

An attack tells on stderr what it could do. The table says what it must be told in a box. A line that is not "ok" there must be
"ok" outside, in what a naive launcher makes (Machine.naive): so each attack is shown to bite. Before the name:
    ~  the kernel or this machine closes this outside, too: not shown to bite
    =  the same is right outside
"""
import json
import re
import shutil
import subprocess

from machine import HERE, tools

ATTACKS = HERE / "attacks"


class Case:
    def __init__(self, numbers, file, mode, told="", args=(), limits=None, steps=None, verdict="ok", limit_hit=None,
                 bite=None, own_network=True, program=None):
        self.numbers = numbers if isinstance(numbers, tuple) else (numbers,)
        self.file, self.mode, self.args, self.told = file, mode, list(args), told
        self.limits, self.steps, self.verdict, self.limit_hit = limits, steps, verdict, limit_hit
        self.bite, self.own_network = bite, own_network
        self.id = f"a{self.numbers[0]}-{mode}"
        self.after = None  # a further check: after(scenario, told)

    def expectations(self):
        """[(mark, name, pattern)]"""
        found = []
        for line in self.told.strip().splitlines():
            mark, name, pattern = re.fullmatch(r"\s*([~=]?)\s*([^:]+): (.*)", line).groups()
            found.append((mark, name, pattern))
        return found

    def scenario(self):
        start = {"start": "p", "args": [self.mode, *map(str, self.args)], "ready": "none"}
        if self.limits:
            start["limits"] = self.limits
        steps = self.steps or [start, {"check": "p", "exit": 0, "within": 60}]
        return {"id": self.id, "title": self.mode, "steps": [start if s == "start" else s for s in steps]}


def told_by(text):
    """{"name": "what"} of an attack's lines; of a name that comes twice the first."""
    found = {}
    for line in text.replace("\\n", "\n").splitlines():
        name, colon, value = line.partition(": ")
        if colon:
            found.setdefault(name, value)
    return found


CLOSED = "EPERM|ENOSYS|EACCES"


def cases(machine):
    listens = [{"open": "l", "listen": "${peer}:${port}"}, "start"]
    udp = [{"open": "u", "bind": "${peer}:${port}"}, "start"]
    ends = {"check": "p", "exit": 0, "within": 60}
    secrets = [*map(str, machine.canaries), str(machine.place), str(machine.public / "testcases" / "classes.json"),
               str(machine.public / "reference" / "Makefile"), "/hand-in/../secret"]
    yield Case((39, 40, 41), "escape", "init", """
        mem: EACCES
        environ: EACCES
        maps: EACCES
        fd: EACCES
        root: EACCES
        exe: EACCES
        cmdline: empty
        vm_readv: EPERM
        getfd: EPERM
        seize: EPERM""")
    yield Case(42, "escape", "snoop", """
        others: none
        words: none""", args=[machine.word[:20], "sockgrade", "/root", "/home"])
    yield Case((43, 44), "escape", "descriptors", """
        inherited: none
        folder: EBADF""")
    yield Case(45, "escape", "stdio", "kind: pipes")
    yield Case(46, "escape", "tty", """
        ~tiocsti: EPERM
        ~high bits: EPERM
        ~tioclinux: EPERM
        ~dev tty: ENOENT
        ptmx: ENOENT
        ~tiocsctty: ENOTTY""")
    yield Case(55, "escape", "namespaces", """
        clone: EPERM
        clone net: EPERM
        clone3: ENOSYS
        setns: EPERM
        unshare mount: EPERM
        unshare net: EPERM
        unshare user: EPERM
        capabilities: none""")
    yield Case(56, "escape", "mounts", """
        tmpfs: EPERM
        bind: EPERM
        remount: EPERM
        umount: EPERM
        open_tree: EPERM
        fsopen: EPERM
        fsconfig: EPERM
        fsmount: EPERM
        ~mount_setattr: EPERM
        chroot: EPERM
        sethostname: EPERM""")
    yield Case((12, 56), "escape", "writes", f"""
        ~/: EROFS
        ~/usr: EROFS
        ~/usr/lib: EROFS
        ~/etc: EROFS
        ~/hand-in: EROFS
        ~/proc: EACCES|ENOENT|EROFS
        {machine.place_of_writes}: ENOENT""",
               args=["/", "/usr", "/usr/lib", "/etc", "/hand-in", "/proc", machine.place_of_writes])
    yield Case(57, "escape", "gadgets", """
        =own: ok
        su: ENOENT
        shell: ENOENT
        privileges: no new""")
    yield Case(58, "escape", "devices", """
        found: none
        entries: few
        ~block: EPERM
        ~character: EPERM
        ~kcore: EACCES|ENOENT|EPERM|EROFS
        ~sysrq: EROFS|EACCES|ENOENT
        ~sysctl: EROFS|EACCES""")
    yield Case(82, "escape", "cgroup", """
        sys: ENOENT
        fs: ENOENT
        ~mount v1: EPERM
        path: top""")
    yield Case((15, 69, 10), "escape", "secrets", """
        read: none
        ~written: none""", args=secrets)
    yield Case(103, "escape", "siblings", """
        write: EROFS|EACCES
        chmod: EROFS
        link: EXDEV|EROFS
        replace: EROFS
        remove: EROFS""", args=["/hand-in"], bite=["/mnt"])
    yield Case(104, "keeper", "inherited", """
        sockets: none
        spoken: none
        others: none""")
    yield Case(104, "keeper", "processes", """
        met: none
        lists: none
        taken: none
        entered: none""")
    yield Case(104, "keeper", "tables", """
        diag unix: EPROTONOSUPPORT
        diag tcp: EPROTONOSUPPORT
        unix: none
        ~packet: none
        ~owner: EPERM
        ~upper: EPERM
        ~upper pid: EPERM""", own_network=False)
    yield Case(104, "keeper", "owner", """
        ~init: lives
        =pipes: ok""")
    # one port is the scenario's: of the grader's own descriptors none can be talked to
    yield Case(104, "keeper", "ports", """
        ~open 0: 1
        ~open 1: 0""", args=["${peer}", "10.0.0.5"],
               steps=[*listens, {"open": "c", "accept": "l"}, {"check": "p", "exit": 0, "within": 60}])
    yield Case(59, "kernel", "keys", """
        add_key: EPERM
        request_key: EPERM
        keyctl: EPERM""")
    yield Case((60, 86), "kernel", "surface", f"""
        io_uring: ENOSYS
        ~perf: EPERM
        ~userfaultfd: EPERM
        ~bpf: EPERM
        ~kexec: EPERM
        ~syslog: EPERM
        ~kcmp: EPERM
        ~fanotify: EPERM
        name_to_handle: EPERM
        vmsplice: EPERM""")
    yield Case(61, "kernel", "newer", """
        ~listmount: ENOSYS
        ~lsm_list_modules: .*
        clone3: ENOSYS
        ~999: ENOSYS""")
    yield Case(62, "kernel", "tongues", """
        ~i386: Bad system call|refused
        ~x32: Bad system call|refused""")
    yield Case(63, "kernel", "stacks", """
        =query: ok
        exec: EPERM""")
    yield Case(47, "network", "outside", """
        loopback: ECONNREFUSED
        ~loopback udp: E.*|ok
        ~documentation: ENETUNREACH
        ~metadata: ENETUNREACH
        ~peer: ok""", args=[machine.port], own_network=False)
    yield Case(48, "network", "abstract", "abstract: ECONNREFUSED", args=[machine.abstract], own_network=False)
    yield Case((49, 50), "network", "families", """
        ~vsock: EAFNOSUPPORT
        packet: EAFNOSUPPORT
        ~alg: EAFNOSUPPORT
        ~xdp: EAFNOSUPPORT
        ~can: EAFNOSUPPORT
        ~bluetooth: EAFNOSUPPORT
        ~tipc: EAFNOSUPPORT
        ~rds: EAFNOSUPPORT
        ~netfilter: EPROTONOSUPPORT
        kobject: EPROTONOSUPPORT
        ~mptcp: EPROTONOSUPPORT
        ~sctp: EPROTONOSUPPORT
        raw: EPERM
        raw 6: EPERM
        =route: ok""")
    yield Case(51, "network", "reconfigure", """
        promiscuous: EPERM
        lo down: EPERM
        lo up: EPERM
        address: EPERM
        ~forward: EROFS|EACCES""")
    # a spoofed datagram would come first, and be one too many
    yield Case((52, 53), "network", "squat", """
        ~peer: EADDRNOTAVAIL
        ~transparent: EPERM
        ~honest: ok""", args=["${peer}", "${port}"],
               steps=[*udp, {"expect": "u", "data": "honest"}, ends])
    yield Case(54, "network", "flood", "=sent: ok", args=["${peer}", "${port}"], bite=["127.0.0.1", 9],
               steps=[*udp, ends])
    yield Case(77, "network", "oversize", "~sent: ok", args=["${peer}", "${port}"], steps=[*udp, ends])
    yield Case(84, "network", "holdout", "=in flight: ok")
    yield Case(27, "bombs", "forks", "forks: stopped", args=[120], limits={"nproc": 40})
    yield Case(28, "bombs", "threads", "threads: stopped", args=[120], limits={"nproc": 40})
    yield Case(29, "bombs", "memory", args=[150], limits={"memory": 48}, verdict="failed", limit_hit="memory")
    yield Case(30, "bombs", "shared", args=[150], limits={"memory": 48}, verdict="ok|failed", limit_hit="memory|None")
    yield Case(30, "bombs", "memfds", args=[150], limits={"memory": 48}, verdict="ok|failed", limit_hit="memory|None")
    yield Case(30, "bombs", "pipes", args=[2000], limits={"memory": 48}, verdict="ok|failed", limit_hit="memory|None")
    yield Case(30, "bombs", "sockets", args=[2000], limits={"memory": 48}, verdict="ok|failed", limit_hit="memory|None")
    yield Case(30, "bombs", "queues", args=[2000], limits={"memory": 48}, verdict="ok|failed", limit_hit="memory|None")
    yield Case(31, "bombs", "disk", """
        disk: stopped
        files: stopped""", args=["/tmp", 320, 80000], bite=["/mnt", 320, 80000])
    yield Case(32, "bombs", "descriptors", "descriptors: stopped", args=[900], limits={"nofile": 64})
    yield Case(33, "bombs", "spin", """
        ~nice: EPERM|EACCES
        ~fifo: EPERM
        ~deadline: EPERM""", limits={"cpu": 1}, verdict="failed", limit_hit="cpu", bite=False)
    yield Case(81, "bombs", "zombies", """
        =zombies: ok
        =orphans: ok""", args=[300])
    yield Case(34, "linger", "daemonize", "=daemons: ok", args=["sg-hostile-demon"])
    yield Case(35, "linger", "deaf", "=deaf: ok", steps=["start", {"expect": "p.err", "matches": "deaf: ok"}, {"check": "p", "alive": True}], bite=False)
    yield Case(36, "linger", "killer", """
        =child: ok
        init: lives""", bite=False)
    yield Case(37, "linger", "stop", "=stopped: ok", steps=["start", {"expect": "p.err", "matches": "stopped: ok"}, {"check": "p", "exit": 0, "within": 1}],
               verdict="failed", bite=False)
    yield Case(38, "linger", "sleeps", "=asleep: ok", verdict="failed", bite=False)
    yield Case(90, "linger", "vforks", "=deep: ok", args=[40], steps=["start", {"expect": "p.err", "matches": "deep: ok"}, {"check": "p", "alive": True}], bite=False)
    yield Case(101, "linger", "holds", "=held: ok", steps=[
        "start", {"check": "p", "exit": 0}, {"expect": "p", "eof": True, "within": 5}], verdict="failed", bite=False)
    yield Case(64, "linger", "core", "raise: EPERM", verdict="failed", bite=False)
    yield Case(65, "linger", "locks", """
        ~flock: ok|E.*
        ~lease: E.*""", args=["/usr/lib/x86_64-linux-gnu/libc.so.6", "/hand-in/linger"], bite=False)
    yield Case(66, "talk", "flood", args=[200], bite=False)
    yield Case((67, 87), "talk", "forge", bite=False)
    yield Case(69, "talk", "results", "=results: ok", bite=False)
    yield Case(70, "talk", "early", steps=["start", {"check": "p", "listening": "tcp ${port}"}], verdict="failed",
               bite=False)
    yield Case(72, "talk", "proxy", """
        tools: none
        =linker: ok|ENOENT""")
    yield Case(80, "talk", "locale", bite=False)
    listens = [*listens]
    yield Case((76, 96), "peers", "storm", "=made: ok", args=["${peer}", "${port}", 100000], bite=False,
               steps=[*listens, {"open": "c", "accept": "l"}, {"check": "p", "exit": 0, "within": 120}])
    yield Case((76, 97), "peers", "hold", args=["${peer}", "${port}"], bite=False, limits={"nofile": 1000},
               steps=[*listens, {"expect": "p.err", "matches": "held: ok", "within": 60}])


def write_cases(folder, files, all_cases):
    """Test cases of the attacks' own: an assignment for each attack program."""
    (folder / "suites").mkdir(parents=True)
    shutil.copy(tools.ROOT / "testcases" / "classes.json", folder)
    for file in files:
        scenarios = [case.scenario() for case in all_cases if case.file == file]
        (folder / f"{file}.json").write_text(json.dumps(
            {"assignment": file, "title": file, "program": file, "within": 30, "scenarios": scenarios}))
    (folder / "suites" / "course.json").write_text(json.dumps(
        {"suite": "hostile", "title": "attacks", "assignments": [{"assignment": f, "points": 10} for f in files]}))
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)


def write_hand_in(folder, files):
    folder.mkdir()
    for path in (*ATTACKS.glob("*.h"), *(ATTACKS / f"{f}.c" for f in files)):
        shutil.copy(path, folder)
    (folder / "Makefile").write_text(f"all: {' '.join(files)}\n%: %.c attack.h\n\tcc -w -O1 -pthread -o $@ $<\n")
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)


def compile_outside(folder, files):
    folder.mkdir()
    for file in files:
        subprocess.run(["cc", "-w", "-O1", "-pthread", "-o", folder / file, ATTACKS / f"{file}.c"], check=True)


def check_case(case, scenario):
    """Problems of one case in a box."""
    problems = []
    told = told_by(scenario.get("stderr") or "")
    limit = str((scenario.get("process") or {}).get("limit_hit"))
    if not re.fullmatch(case.verdict, scenario["verdict"]):
        problems.append(f"verdict {scenario['verdict']} ({scenario.get('class')}: {scenario.get('observed')}), "
                        f"not {case.verdict}; told {told}")
    if case.limit_hit and not re.fullmatch(case.limit_hit, limit):
        problems.append(f"limit {limit}, not {case.limit_hit}")
    for _, name, pattern in case.expectations():
        if not re.fullmatch(pattern, told.get(name, "nothing")):
            problems.append(f"{name}: {told.get(name, 'nothing')}, not {pattern}")
    return [f"{case.file} {case.mode}: {p}" for p in problems]


def check_bite(case, machine, programs):
    """Problems of one case outside: what the attack cannot do there either is no proof of anything."""
    if case.bite is False or not case.expectations():
        return []
    arguments = case.args if case.bite is None else case.bite
    if any("${" in str(a) for a in arguments):
        return []
    with open(machine.place / "naive-stdin", "w+", encoding="utf-8") as stdin:
        told = told_by(machine.naive(programs / case.file, case.mode, *arguments, own_network=case.own_network,
                                     stdin=stdin))
    return [f"{case.file} {case.mode}: does not bite: {name}: {told.get(name, 'nothing')} outside"
            for mark, name, pattern in case.expectations()
            if not mark and told.get(name) != "ok" or mark == "=" and not re.fullmatch(pattern, told.get(name, ""))]


FILES = ("escape", "keeper", "kernel", "network", "bombs", "linger", "talk", "peers")


def attacks(machine, who, home):
    """{number: problems}"""
    everything = list(cases(machine))
    write_cases(home / "cases", FILES, everything)
    write_hand_in(home / "hand-in", FILES)
    report = machine.grade(who, "--testcases", home / "cases", "-j", 2, home / "hand-in")
    tools.expect(report["build"]["status"] == "ok", report["build"]["log"])
    ran = tools.scenarios(report)
    found = {}
    for case in everything:
        problems = check_case(case, ran[f"{case.file}/{case.id}"])
        for number in case.numbers:
            found.setdefault(number, []).extend(problems)
    return found


def bites(machine, who, home):
    """The same attacks outside, once."""
    compile_outside(home / "programs", FILES)
    subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    found = {}
    for case in cases(machine):
        problems = check_bite(case, machine, home / "programs")
        for number in case.numbers:
            found.setdefault(number, []).extend(problems)
    return found
