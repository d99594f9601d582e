/* tests of sandbox/: machines that cannot do it. Each is imitated in a child; the answer is one line with the cause and what
 * to do about it, and nothing is left running. */
#include "tests/sandbox_lab.h"

#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>

TestSuite(refuse, .timeout = 120);

/* What became of it, in the child. */
struct attempt {
    bool imitated; /* the machine was made unfit */
    bool opened;
    bool left; /* a process */
    char tier[64];
    char lacks[1024]; /* a line each */
    struct err err;
    size_t n_probes;
    struct sandbox_probe probes[32];
};

static void note_status(struct attempt *ret, const struct sandbox_status *status)
{
    (void)snprintf(ret->tier, sizeof ret->tier, "%s", status->tier);
    for (size_t i = 0; i < ARRAY_SIZE(status->lacks) && status->lacks[i]; i++) {
        size_t len = strlen(ret->lacks);
        (void)snprintf(ret->lacks + len, sizeof ret->lacks - len, "%s\n", status->lacks[i]);
    }
}

static void try_all(int (*imitate)(void), struct attempt *ret)
{
    struct sandbox *sandbox = NULL;
    struct sandbox_options options = {.work_dir = "/tmp"};
    ret->imitated = imitate() == 0;
    if (!ret->imitated) {
        (void)err_sys(&ret->err, ERR_HOST, errno, "imitating");
        return;
    }
    ret->opened = sandbox_open(&options, &sandbox, &ret->err) == 0;
    if (ret->opened)
        note_status(ret, sandbox_status(sandbox));
    ret->left = waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
    ret->n_probes = sandbox_probe(ret->probes, ARRAY_SIZE(ret->probes));
}

/* In a child, for only a process with one thread may enter a user namespace. */
static struct attempt *attempt(int (*imitate)(void))
{
    struct attempt *ret = xcalloc(1, sizeof *ret);
    int ends[2];
    cr_assert(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        try_all(imitate, ret);
        _exit(io_write_full(ends[1], ret, sizeof *ret) == 0 ? 0 : 1);
    }
    (void)close(ends[1]);
    cr_assert(io_read_full(ends[0], ret, sizeof *ret) == (ssize_t)sizeof *ret);
    (void)close(ends[0]);
    cr_assert(waitpid(child, NULL, 0) == child);
    cr_assert(ret->imitated, "%s", ret->err.text);
    return ret;
}

/* Refused with these words in its message; and the probe of that name has the remedy, too. */
static void expect_refusal(int (*imitate)(void), const char *cause, const char *probe,
                           const char *remedy)
{
    AUTO_FREE struct attempt *result = attempt(imitate);
    cr_expect(!result->opened && !result->left);
    cr_expect(result->err.kind == ERR_HOST);
    cr_expect(strstr(result->err.text, cause) && strstr(result->err.text, remedy), "%s",
              result->err.text);
    cr_expect(strchr(result->err.text, '\n') == NULL, "%s", result->err.text);
    bool found = false;
    for (size_t i = 0; i < result->n_probes; i++)
        if (strcmp(result->probes[i].name, probe) == 0) {
            found = true;
            cr_expect(!result->probes[i].ok && result->probes[i].required);
            cr_expect(strstr(result->probes[i].detail, remedy), "%s", result->probes[i].detail);
        }
    cr_expect(found, "no probe of '%s'", probe);
}

static int write_to(const char *path, const char *text)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && io_write(fd, text, strlen(text)) >= 0 ? 0 : -1;
}

/* A namespace in which this process may do as it likes, and stays the ordinary user that it is or becomes. */
static int enter_own_namespace(int more)
{
    char map[64];
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(65533, 65533, 65533) != 0 ||
                           setresuid(65533, 65533, 65533) != 0))
        return -1;
    uid_t uid = geteuid();
    gid_t gid = getegid();
    /* a change of uid made the files in /proc/self root's */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || unshare(CLONE_NEWUSER | more) != 0 ||
        write_to("/proc/self/setgroups", "deny") != 0)
        return -1;
    (void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
    if (write_to("/proc/self/uid_map", map) != 0)
        return -1;
    (void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
    return write_to("/proc/self/gid_map", map);
}

/* As containers do it that are not told otherwise: clone3 is unknown, clone with namespaces is not permitted. */
static int filter_namespaces(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    struct scmp_arg_cmp new_user = {0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER};
    int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 0);
    if (result == 0)
        result =
            seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &new_user);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}

Test(refuse, in_a_container_with_the_usual_filter)
{
    expect_refusal(filter_namespaces, "seccomp profile", "user namespace", "seccomp=unconfined");
}

static int use_up_namespaces(void)
{
    return enter_own_namespace(0) != 0 ? -1 : write_to("/proc/sys/user/max_user_namespaces", "0");
}

Test(refuse, where_namespaces_are_off)
{
    expect_refusal(use_up_namespaces, "max_user_namespaces is 0", "user namespace", "sudo sysctl");
}

/* A container hides parts of /proc by mounts over them; the kernel then refuses a second, whole one. */
static int mask_proc(void)
{
    return enter_own_namespace(CLONE_NEWNS) != 0
               ? -1
               : mount("/dev/null", "/proc/meminfo", NULL, MS_BIND, NULL);
}

/* Not a reason to refuse: the boxes do without, and it is said. */
Test(refuse, not_where_proc_is_masked)
{
    AUTO_FREE struct attempt *result = attempt(mask_proc);
    cr_expect(result->opened, "%s", result->err.text);
    cr_expect_str_eq(result->tier, "namespaces, no /proc");
    cr_expect(strstr(result->lacks, "/proc cannot be mounted") &&
                  strstr(result->lacks, "systempaths=unconfined"),
              "%s", result->lacks);
    for (size_t i = 0; i < result->n_probes; i++)
        if (strcmp(result->probes[i].name, "/proc") == 0)
            cr_expect(!result->probes[i].ok && !result->probes[i].required);
}

/* The same process is fit where nothing was done to it. */
static int leave_as_it_is(void)
{
    return enter_own_namespace(CLONE_NEWNS);
}

Test(refuse, not_without_a_reason)
{
    AUTO_FREE struct attempt *result = attempt(leave_as_it_is);
    cr_expect(result->opened, "%s", result->err.text);
    for (size_t i = 0; i < result->n_probes; i++)
        cr_expect(result->probes[i].ok || !result->probes[i].required, "%s: %s",
                  result->probes[i].name, result->probes[i].detail);
}
