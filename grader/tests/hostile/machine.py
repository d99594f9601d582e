"""The machine that is attacked: this one, in namespaces of the test's own (mounts, network, IPC, host name), with canaries,
things that listen, and forgotten descriptors; and the run of sockgrade in it, watched from outside."""
import ctypes
import hashlib
import json
import os
import pathlib
import pty
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import tools  # noqa: E402  (the end-to-end tests' tools)

PATIENCE = 1800  # a backstop only: no check depends on it
PLACES = ("/", "/tmp", "/usr", "/usr/bin", "/etc", "/var/tmp", "/dev/shm", "/run", "/root", "/home", "/srv")
# What a grade may hold of a student's bytes is bounded (256 MiB of all endpoints together, 64 MiB of a body).
MAX_RSS_KIB = 420 << 10
LEAKED = (10, 251, 252)  # descriptors of the root folder, and of a socket at which somebody listens


def enter():
    """Runs this program once more, inside namespaces of its own; returns there."""
    if os.environ.get("HOSTILE_MACHINE") == str(os.getpid()):
        # whatever loses its parent below us becomes our child: nothing can get away unseen
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        return
    words = ["unshare", "--mount", "--net", "--ipc", "--uts", "--propagation", "private"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    os.environ["HOSTILE_MACHINE"] = str(os.getpid())
    os.environ["HOSTILE_ROOT"] = "1" if os.geteuid() == 0 else ""
    os.execvp(words[0], [*words, sys.executable, *sys.argv])


# Of this user's processes there are as many as it may have, at times: no other test runs as this one.
AS_USER = ("setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--inh-caps=-all")


def identities():
    """Name and command prefix of those who grade here."""
    if os.environ["HOSTILE_ROOT"]:
        return {"root": (), "user": AS_USER}
    return {"user": ("unshare", "--user", "--map-user=65534", "--map-group=65534")}


def validate(text):
    """By the report's schema; the message alone, for the schema and the report would be thousands of lines."""
    import jsonschema
    try:
        tools.validate(text)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"not a valid report: {error.message} at {list(error.absolute_path)}") from None


class Run:
    """One sockgrade, ended."""

    def __init__(self, status, out, err, rss_kib, stdin_after):
        self.status, self.out, self.err, self.rss_kib, self.stdin_after = status, out, err, rss_kib, stdin_after

    def report(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"status {self.status}, {self.rss_kib} KiB\n{self.out[-3000:]}\n{self.err[-3000:]}"


class Machine:
    identities = staticmethod(identities)

    def __init__(self):
        self.word = "canary" + secrets.token_hex(12)  # must not be seen in anything that leaves a box
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="sockgrade-hostile-"))
        self.place.chmod(0o755)
        self.public = tools.public_place()
        self.pids = set()  # of sockgrade and its children, for the names of control groups
        self.lock = threading.Lock()
        self._canaries()
        self._listeners()
        self.leaked = [os.open("/", os.O_RDONLY | os.O_DIRECTORY)]
        os.dup2(self.leaked[0], 10, inheritable=True)
        os.dup2(self.leaked[0], 251, inheritable=True)
        self.behind, forgotten = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.dup2(forgotten.detach(), 252, inheritable=True)
        self.master, self.slave = pty.openpty()
        self.reset()

    def reset(self):
        """As it was before anything was attacked: what the attacks did outside was theirs to do."""
        for path in self.canaries[:3]:
            path.write_text(f"#error {self.word}\n{self.word}\n")
        for place in ("/tmp", "/var/tmp", "/dev/shm", self.place_of_writes):
            for path in pathlib.Path(place).glob("sg-hostile-*"):
                path.unlink()
        tools.public_place.cache_clear()  # an ordinary user owns the old copy, and so did the attacks outside
        self.public = tools.public_place()
        self._reached()
        self.before = self.snapshot()

    def _canaries(self):
        """Where secrets are: another student's work, a key, the shadow file. All may be read by anybody, so that no
        permission stands in for the box."""
        self.canaries = [self.place / name for name in ("secret", "other-student.c", "expected-output")]
        for path in self.canaries:
            path.write_text(f"#error {self.word}\n{self.word}\n")
            path.chmod(0o666)
        self.place_of_writes = self.place / "open"
        self.place_of_writes.mkdir()
        self.place_of_writes.chmod(0o777)
        shadow = pathlib.Path("/etc/shadow")
        if shadow.exists():
            subprocess.run(["mount", "--bind", self.canaries[0], shadow], check=True)
            self.canaries.append(shadow)

    def _listeners(self):
        """A service on 127.0.0.1 and one with an abstract name, as a desktop and a container runtime have them."""
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.tcp.getsockname()[1]
        self.abstract = "sg-hostile-host"
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind("\0" + self.abstract)
        self.unix.listen(64)

    # ---- the run ----

    def _watch(self, process, seen):
        """The most memory that sockgrade itself held: VmHWM of it and of its workers, of which it only grows."""
        while process.poll() is None:
            try:
                children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            except OSError:
                children = []
            for pid in (str(process.pid), *children):
                try:
                    if os.readlink(f"/proc/{pid}/exe").endswith("/sockgrade"):
                        status = pathlib.Path(f"/proc/{pid}/status").read_text()
                        peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
                        seen["kib"] = max(seen["kib"], int(peak[0]) if peak else 0)
                except OSError:
                    pass
                seen["pids"].add(int(pid))
            time.sleep(0.02)

    def sockgrade(self, who, *words, env=None, cwd=None):
        """Runs it as that identity, with everything within reach that a careless caller leaves there."""
        home = pathlib.Path(tempfile.mkdtemp(dir=self.place, prefix="run-"))
        home.chmod(0o755)
        temporary = pathlib.Path(tempfile.mkdtemp(prefix="t-"))
        temporary.chmod(0o777)
        precious = home / "stdin"
        precious.write_text("precious\n")
        precious.chmod(0o666)
        environment = dict(os.environ, TMPDIR=str(temporary), SECRET_OF_THE_CALLER=self.word,
                           ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") or "exitcode=77", **(env or {}))
        command = [*identities()[who], str(self.public / "build" / "sockgrade"), *map(str, words)]
        seen = {"kib": 0, "pids": set()}
        with open(precious, "r+b") as stdin, open(home / "out", "w+b") as out, open(home / "err", "w+b") as err:
            process = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=err, env=environment, cwd=cwd,
                                       pass_fds=LEAKED)
            watcher = threading.Thread(target=self._watch, args=(process, seen))
            watcher.start()
            process.wait(PATIENCE)
            watcher.join()
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode("utf-8", "surrogateescape"))
        with self.lock:
            self.pids |= seen["pids"]
        run = Run(process.returncode, *texts, seen["kib"], precious.read_text())
        self._check_run(run, temporary)
        temporary.rmdir()
        shutil.rmtree(home)
        return run

    def _check_run(self, run, temporary):
        """What must hold of every run, whatever was handed in."""
        tools.expect(run.status in (0, 1, 2), f"sockgrade did not get through: {run!r}")
        tools.expect(not list(temporary.iterdir()), f"left in TMPDIR: {list(temporary.iterdir())}")
        tools.expect(run.stdin_after == "precious\n", f"stdin's file was rewritten: {run.stdin_after!r}")
        for text in (run.out, run.err):
            tools.expect(self.word not in text, f"a secret is in the report: {text[max(0, text.find(self.word) - 300):][:600]}")
            tools.expect("\x1b" not in text and "\x07" not in text, "an escape code went through")
        if "SOCKGRADE_SANITIZED" not in os.environ:
            tools.expect(run.rss_kib < MAX_RSS_KIB, f"sockgrade took {run.rss_kib} KiB")

    def grade(self, who, *words, **how):
        run = self.sockgrade(who, "grade", "--format", "json", *words, **how)
        tools.expect(run.status in (0, 1) and run.rss_kib > 0, repr(run))
        validate(run.out)
        return run.report()

    def naive(self, program, *arguments, own_network=True, stdin=None):
        """The same attack in what a naive launcher would make of it: namespaces, and no more. Returns its stderr. It is
        root there, in a user namespace, and its processes end with it."""
        words = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                 "--ipc", "--uts", "--propagation", "private", *(["--net"] if own_network else [])]
        prelude = "mount -t tmpfs x /mnt; cp $(dirname $1)/* /mnt; cd /mnt; ip link set lo up 2>/dev/null; sleep 1000 & \"$@\"; exit $?"
        prefix = identities()["user"] if os.environ["HOSTILE_ROOT"] else ()
        done = subprocess.run([*prefix, *words, "sh", "-c", prelude, "sh", str(program), *map(str, arguments)],
                              stdin=stdin or subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              pass_fds=LEAKED, timeout=PATIENCE, check=False,
                              start_new_session=True)  # no namespace keeps kill(0) from the caller's process group
        return done.stderr.decode("utf-8", "replace")

    # ---- before and after ----

    def snapshot(self):
        """Everything that an attack could leave on this machine. What others do on it meanwhile is not in it."""
        def lines(path):
            try:
                return pathlib.Path(path).read_text().splitlines()
            except OSError:
                return []
        digest = hashlib.sha256()
        for path in self.canaries:
            digest.update(path.read_bytes())
        reached = self._reached()
        return {
            "reached": reached,
            "mounts": sorted(line.split(" - ")[0].split(" ", 3)[3] for line in lines("/proc/self/mountinfo")),
            "ipc": [lines(f"/proc/sysvipc/{kind}")[1:] for kind in ("shm", "sem", "msg")],
            "unix": sorted(line.split()[-1] for line in lines("/proc/net/unix") if "@" in line or "/" in line),
            "sockets": sorted(line.split()[1] for kind in ("tcp", "tcp6", "udp", "udp6", "raw")
                              for line in lines(f"/proc/net/{kind}")[1:] if line.split()[3] == "0A" or kind != "tcp"),
            "host name": socket.gethostname(),
            "canaries": digest.hexdigest(),
            "written": sorted(str(p) for place in PLACES for p in pathlib.Path(place).glob("sg-hostile-*")),
            "open folder": sorted(p.name for p in self.place_of_writes.iterdir()),
        }

    def _reached(self):
        """Connections to what listens here, and what came through the forgotten socket."""
        found = 0
        self.behind.setblocking(False)
        try:
            while self.behind.recv(4096):
                found += 1
        except BlockingIOError:
            pass
        for listener in (self.tcp, self.unix):
            listener.setblocking(False)
            try:
                while True:
                    listener.accept()[0].close()
                    found += 1
            except BlockingIOError:
                pass
        return found

    def children(self):
        """Processes below this one, by what they are."""
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                return []
        text = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        names = []
        for pid in text.split():
            try:
                names.append(f"{pid} " + pathlib.Path(f"/proc/{pid}/comm").read_text().strip())
            except OSError:
                pass
        return names

    def groups_left(self):
        """Nothing of ours runs now: a number that is alive has been given anew, and so has the name that it is part of."""
        names = {f"sockgrade-{pid}" for pid in self.pids if not os.path.exists(f"/proc/{pid}")}
        return [os.path.join(top, name) for top, folders, _ in os.walk("/sys/fs/cgroup") for name in folders
                if name in names]

    def leftovers(self):
        """Problems, one line each; [] when the machine is as it was."""
        end = time.monotonic() + PATIENCE
        while self.children() and time.monotonic() < end:
            time.sleep(0.05)  # the kernel may still be taking the last box apart
        problems = [f"left behind: process {name}" for name in self.children()]
        problems += [f"left behind: control group {path}" for path in self.groups_left()]
        after = self.snapshot()
        problems += [f"changed: {key}: {self.before[key]} became {after[key]}" for key in after
                     if after[key] != self.before[key]]
        return problems

    def close(self):
        subprocess.run(["umount", "/etc/shadow"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.place, ignore_errors=True)
