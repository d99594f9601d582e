"""The ladder: each thing that a machine may lack is made to lack beneath the real binary; message, exit status and tier
are checked."""
import functools
import os
import pathlib
import shutil
import subprocess
import threading

from tools import TIMEOUT, Skipped, as_user, build_dir, expect, expect_status, full_marks, grade, public_place, sockgrade, validate

# Runs a command under a filter that refuses what some containers refuse.
LACK = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>
int main(int c, char **v)
{
    (void)c;
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    int error = strstr(v[1], "enosys") ? ENOSYS : EPERM, bad = 0;
    if (strncmp(v[1], "clone", 5) == 0) { /* as docker's default profile: clone3 cannot be looked into */
        bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
        bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(error), SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
        bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(error), SCMP_SYS(unshare), 0);
    } else {
        bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(error), SCMP_SYS(pivot_root), 0);
    }
    if (bad || seccomp_load(f)) return 99;
    execvp(v[2], v + 2);
    return 98;
}
"""

# A kernel without veth: the request for one is answered as that kernel answers it.
NO_VETH = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
ssize_t sendto(int fd, const void *b, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    if (to && to->sa_family == AF_NETLINK && memmem(b, n, "veth", 4)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return real(fd, b, n, flags, to, len);
}
"""

REFERENCE = pathlib.Path(__file__).resolve().parents[3] / "reference"
SOME = ("--only", "tcp-echo-server/*", "--only", "http-client/*")


LOCK = threading.Lock()


def built(name, *how):
    with LOCK:  # a program that is being written cannot be run
        return build(name, *how)


@functools.cache
def build(name, text, *options):
    """A helper program, where anybody may run it."""
    program = public_place() / name
    subprocess.run(["cc", "-x", "c", "-", "-o", str(program), *options], input=text.encode(), check=True)
    return str(program)


def lack(what):
    return (built("lack", LACK, "-lseccomp"), what)


def masked(also=""):
    """Beneath a /proc that is covered in part, as in most containers."""
    user = as_user()
    unshare = ("unshare", "-Urm") if user or os.geteuid() != 0 else ("unshare", "-m")
    return (*user, *unshare, "sh", "-c", f'mount -t tmpfs none /proc/fs && {also or ":"} && exec "$@"', "sh")


def doctor_names(result, tier):
    expect(f"-> {tier} " in result.out, f"doctor should point at {tier!r}:\n{result!r}")


def refuses(prefix, *words):
    """Neither doctor nor grade goes on; both say why in one line, with these words."""
    result = sockgrade("doctor", prefix=prefix)
    expect_status(result, 3)
    expect("grading is not possible here" in result.out and "->" not in result.out, repr(result))
    result = sockgrade("grade", "--sandbox=full", REFERENCE, prefix=prefix)
    expect_status(result, 3)
    expect(result.err.count("\n") == 1 and not result.out, f"one line expected:\n{result!r}")
    for word in words:
        expect(word in result.err, f"{word!r} expected:\n{result!r}")


def works(tier, lacks, prefix=(), env=None):
    """A grade has full marks, its report carries the tier and names the lack, and doctor says the same."""
    result = sockgrade("doctor", prefix=prefix, env=env)
    expect_status(result, 0)
    doctor_names(result, tier)
    report, result = grade(*SOME, REFERENCE, prefix=prefix, env=env, status=0)
    validate(result.out)
    full_marks(report)
    expect(report["host"]["tier"] == tier, str(report["host"]))
    for word in lacks:
        expect(any(word in line for line in report["host"]["lacks"]), f"{word!r}: {report['host']}")


def test_nothing_lacks():
    works("namespaces", [])


def test_a_container_that_forbids_namespaces_is_named():
    for what, error in (("clone-eperm", "Operation not permitted"), ("clone-enosys", "Function not implemented")):
        for user in {(), as_user()}:
            refuses((*user, *lack(what)), f"seccomp profile forbids namespaces (clone: {error})",
                    "--security-opt seccomp=unconfined")


def test_user_namespaces_that_are_off_are_named():
    off = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    refuses((*as_user(), "unshare", "-Ur", "sh", "-c", off, "sh"), "user.max_user_namespaces is 0 (ENOSPC)",
            "sudo sysctl -w user.max_user_namespaces")


def test_without_sandbox_is_refused_in_so_many_words():
    for mode in ("degraded", "none"):
        for command in (("grade",), ("batch", "-o", "/nowhere")):
            result = sockgrade(*command, f"--sandbox={mode}", REFERENCE)
            expect_status(result, 2)
            expect(result.err.count("\n") == 1 and not result.out, f"one line expected:\n{result!r}")
            for words in (f"--sandbox={mode}: refused", "no silence", "sockgrade doctor"):
                expect(words in result.err, f"{words!r} expected:\n{result!r}")
    help_text = sockgrade("grade", "--help").out
    expect("degraded" not in help_text and "without namespaces nothing is graded" in help_text, help_text)


def test_a_masked_proc_costs_the_boxes_theirs():
    works("namespaces, no /proc", ["the visible /proc is masked", "systempaths=unconfined"], masked())


def test_a_stop_takes_effect_where_boxes_have_no_proc():
    """The caller's own /proc tells. Unit tests of the box, for what is looked at is the state of its threads."""
    test = public_place() / "build" / "test_sandbox_box"
    shutil.copy(build_dir() / "tests" / "test_sandbox_box", test)
    done = subprocess.run([*masked(), str(test), "--filter=box/stop*"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=TIMEOUT, check=False)
    told = done.stdout.decode("utf-8", "replace")
    expect(done.returncode == 0 and "Tested: 1 | Passing: 1" in told, told)


def test_settings_that_cannot_be_written_cost_low_ports():
    read_only = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys"
    works("namespaces, no /proc", ["ip_unprivileged_port_start cannot be written"], masked(read_only))


def test_pivot_root_refused_means_chroot():
    for user in {(), as_user()}:
        works("namespaces", ["pivot_root refused (Operation not permitted); using chroot"],
              (*user, *lack("pivot-eperm")))


def test_too_few_processes_are_named():
    works("namespaces", ["only 1500 processes here (ulimit -u)"], (*as_user(), "prlimit", "--nproc=1500:1500"))


def test_a_container_with_few_processes_is_named():
    groups = pathlib.Path("/sys/fs/cgroup/pids")
    if os.geteuid() != 0 or not groups.is_dir():
        raise Skipped("needs root and a control group of version 1")
    group = groups / f"sockgrade-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / "pids.max").write_text("1500", encoding="ascii")
        works("namespaces", ["only 1500 processes here (pids.max of the control group)"],
              ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"))
    finally:
        group.rmdir()


def test_no_veth_means_one_host():
    library = built("noveth.so", NO_VETH, "-shared", "-fPIC")
    works("one-host", ["no veth in this kernel", "share one host"], env={"LD_PRELOAD": library})


def test_no_veth_and_no_proc():
    library = built("noveth.so", NO_VETH, "-shared", "-fPIC")
    works("one-host, no /proc", ["no veth", "/proc is masked"], masked(), env={"LD_PRELOAD": library})
