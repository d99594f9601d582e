/* build/build.h: make in a box -> programs, compiler messages. */
#ifndef GRADER_BUILD_BUILD_H
#define GRADER_BUILD_BUILD_H

#include "base/err.h"
#include "base/mem.h"
#include "sandbox/sandbox.h"
#include "submission/submission.h"

enum build_status {
    BUILD_OK,     /* make ended with 0 */
    BUILD_FAILED, /* make failed; programs that exist all the same are graded */
    BUILD_NO_MAKEFILE,
    BUILD_TIMEOUT,    /* make did not end within its limit */
    BUILD_FLOOD,      /* it wrote more than BUILD_MAX_OUTPUT and was ended */
    BUILD_READY_MADE, /* --program: nothing was built */
};
const char *build_status_name(
    enum build_status status); /* "ok", "failed", "no-makefile", "timeout", "flood", "ready-made" */

/* What make is to make of the same sources. For all but the first, compilers of ours stand before the real ones in its
 * PATH, and everything is made anew (make -B): objects that came with the hand-in are of the first kind. */
enum build_kind {
    BUILD_PLAIN,
    BUILD_SANITIZED,  /* with AddressSanitizer, LeakSanitizer, UndefinedBehaviorSanitizer */
    BUILD_BIG_ENDIAN, /* for s390x: big-endian, and all types as large as here */
    BUILD_32_BIT,     /* for i386: little-endian, and long, size_t and pointers have 4 bytes */
    BUILD_KINDS
};
/* What this machine lacks to make programs of that kind, with the remedy; NULL: nothing. The caller frees. */
char *build_lacks(enum build_kind kind);

#define BUILD_MAX_LOG     ((size_t)64 << 10)   /* bytes of output kept: head and tail */
#define BUILD_MAX_OUTPUT  ((uint64_t)64 << 20) /* bytes after which make is ended */
#define BUILD_MAX_PROGRAM ((uint64_t)64 << 20)
#define BUILD_MAX_SECONDS                                                                          \
    60.0 /* of student time (wall less run delay), and of processor time in all; wall x 10 as the hard cap */

struct build_program {
    char *name; /* "tcp_echo_server" */
    bool present;
    bool
        of_kind; /* present, and made by the compilers that stood before the real ones; always true of BUILD_PLAIN */
    char *
        reason; /* why not present: "make did not produce it", "it is a link", ...; NULL when present */
};

struct build_warning {
    char *file;
    int line;
    int column;
    char *text;
};

struct build {
    enum build_status status;
    int exit_code;  /* of make */
    double seconds; /* wall */
    struct buf log; /* sanitized text, head and tail with a line between */
    struct build_warning *
        warnings; /* compiler warnings and errors as far as they have the file:line:col: form; at most 100 */
    size_t n_warnings;
    char *bin_dir; /* folder on the host with the programs, mode 0755; for box_spec.bin_dir */
    struct build_program *programs;
    size_t n_programs;
};

struct build_request {
    const struct submission *submission;
    const char *work_dir;
    const char *const *programs; /* names to collect, n_programs */
    size_t n_programs;
    enum build_kind kind;
    bool
        by_name; /* make is asked for these programs by their names, not for its default goal: only what the Makefile has
                     a rule of its own for */
    unsigned jobs;      /* make -j */
    double max_seconds; /* 0: BUILD_MAX_SECONDS */
};

/* Runs make, at most BUILD_MAX_SECONDS of student time; how that is measured, and why so, is said in build/patience.h: wall
 * time less the run delay of the build's processes, with as much processor time in all, RLIMIT_CPU and ten times the wall
 * behind it. A make that does not run at all for 10 s (it waits for something that never comes) is ended then: BUILD_TIMEOUT, too.
 * Whatever the status, the programs that exist are copied to work_dir/bin (of the other kinds: to a folder beside it,
 * one a kind, which a build of the same kind before may have filled), mode 0755, by sockgrade itself, after every
 * process of the build is dead. Their reasons are sentences for the student.
 * -1 only for ERR_HOST; the sandbox's death while it ran is one (sandbox_check()). The environment of make is fixed (PATH=/usr/bin:/bin, HOME, LANG=C.UTF-8, TZ=UTC). */
int build_run(struct sandbox *sandbox, const struct build_request *request, struct build **ret,
              struct err *err);
void build_free(struct build *build);
/* The program of that name among those that were asked for; NULL: it was not, or there is no build. */
const struct build_program *build_program(const struct build *build, const char *name);

#endif
