/* build/artefacts.c: see artefacts.h. The box only hands descriptors of regular files out; names, modes and places of
 * the copies are ours. */
#include "build/artefacts.h"

#include "base/io.h"
#include "base/own.h"
#include "build/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK     ((size_t)64 << 10)
#define AT_A_TIME ((size_t)16) /* files of one box_collect() */

static const char *const folders[] = {
    [BUILD_PLAIN] = "bin",
    [BUILD_SANITIZED] = "bin-sanitized",
    [BUILD_BIG_ENDIAN] = "bin-big-endian",
    [BUILD_32_BIT] = "bin-32-bit",
};

int artefacts_prepare(const struct build_request *request, struct build *build, struct err *err)
{
    build->bin_dir = xasprintf("%s/%s", request->work_dir, folders[request->kind]);
    if (io_remove_tree(build->bin_dir, err) != 0)
        return -1;
    if (mkdir(build->bin_dir, 0755) != 0 ||
        chmod(build->bin_dir, 0755) != 0) /* whatever the umask is */
        return err_sys(err, ERR_HOST, errno, "cannot make the folder '%s'", build->bin_dir);
    build->n_programs = request->n_programs;
    build->programs = xcalloc(request->n_programs, sizeof *build->programs);
    for (size_t i = 0; i < request->n_programs; i++)
        build->programs[i].name = xstrdup(request->programs[i]);
    return 0;
}

/* Why a program is missing, where make's end does not explain it. */
static const struct {
    int cause;
    const char *reason;
} reasons[] = {
    {ELOOP, "it is a symbolic link; make must produce the program itself"},
    {EINVAL, "it is not a regular file"},
    {EISDIR, "it is a folder, not a program"},
    {ENXIO, "it is not a regular file"},
    {ENOTDIR, "make did not produce it"},
    {EFBIG, "it is larger than 64 MiB"},
    {EACCES, "it cannot be read: its permissions forbid it"},
};

static const char *const absent_because[] = {
    [BUILD_OK] = "make did not produce it",
    [BUILD_FAILED] = "make failed and did not produce it",
    [BUILD_NO_MAKEFILE] = "there is no Makefile",
    [BUILD_TIMEOUT] = "make did not end in time and did not produce it",
    [BUILD_FLOOD] = "make printed without end and did not produce it",
    [BUILD_READY_MADE] = "nothing was built",
};

void artefacts_explain(struct build *build, const int *causes)
{
    for (size_t i = 0; i < build->n_programs; i++) {
        if (build->programs[i].present)
            continue;
        const char *reason = absent_because[build->status];
        for (size_t k = 0; causes && k < ARRAY_SIZE(reasons); k++)
            if (reasons[k].cause == causes[i])
                reason = reasons[k].reason;
        build->programs[i].reason = xstrdup(reason);
    }
}

static int copy_bytes(int from, int to, const char *path, int *ret_cause, struct err *err)
{
    AUTO_FREE char *chunk = xmalloc(CHUNK);
    uint64_t total = 0;
    for (;;) {
        ssize_t n = io_read_full(from, chunk, CHUNK);
        if (n < 0)
            return err_sys(err, ERR_HOST, errno, "reading a built program for '%s'", path);
        if (n == 0)
            return 0;
        total += (uint64_t)n;
        if (total > BUILD_MAX_PROGRAM) {
            *ret_cause = EFBIG;
            return 0;
        }
        if (io_write_full(to, chunk, (size_t)n) != 0)
            return err_sys(err, ERR_HOST, errno, "writing '%s'", path);
    }
}

static int copy_program(int from, const struct build *build, const char *name, int *ret_cause,
                        struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", build->bin_dir, name);
    AUTO_CLOSE int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
    if (to < 0 || fchmod(to, 0755) != 0)
        return err_sys(err, ERR_HOST, errno, "cannot make '%s'", path);
    if (copy_bytes(from, to, path, ret_cause, err) != 0)
        return -1;
    if (*ret_cause)
        return unlink(path) == 0 ? 0 : err_sys(err, ERR_HOST, errno, "removing '%s'", path);
    /* closed before it is run: execve(2) gives ETXTBSY for a file that is open for writing */
    if (close(TAKE_FD(to)) != 0)
        return err_sys(err, ERR_HOST, errno, "writing '%s'", path);
    return 0;
}

/* One group of programs. The descriptors are closed whatever happens. */
static int collect_group(struct box *box, const struct build_request *request, struct build *build,
                         size_t first, size_t count, int *causes, struct err *err)
{
    int fds[AT_A_TIME];
    if (box_collect(box, request->programs + first, count, BUILD_MAX_PROGRAM, fds, causes, err) !=
        0)
        return -1;
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        AUTO_CLOSE int from = fds[i];
        if (result != 0 || from < 0)
            continue;
        causes[i] = 0;
        result = copy_program(from, build, request->programs[first + i], &causes[i], err);
        build->programs[first + i].present = result == 0 && causes[i] == 0;
        build->programs[first + i].of_kind =
            build->programs[first + i].present && tools_made(from, request->kind);
    }
    return result;
}

int artefacts_collect(struct box *box, const struct build_request *request, struct build *build,
                      struct err *err)
{
    AUTO_FREE int *causes = xcalloc(request->n_programs, sizeof *causes);
    for (size_t first = 0; first < request->n_programs; first += AT_A_TIME) {
        size_t left = request->n_programs - first;
        if (collect_group(box, request, build, first, left < AT_A_TIME ? left : AT_A_TIME,
                          causes + first, err) != 0)
            return -1;
    }
    artefacts_explain(build, causes);
    return 0;
}
