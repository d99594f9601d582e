/* hostile/attacks/talk.c: to be believed. Floods, forged lines, forged results, early ends, and looking for the watcher. */
#define _GNU_SOURCE
#include "attack.h"

#include <sys/utsname.h>

/* 66: argument: MiB on both, while nobody may be reading. */
static void flood(char **size)
{
    static char piece[1 << 16];
    memset(piece, 'A', sizeof piece);
    for (long i = 0; i < atol(*size) * 16; i++) {
        if (write(1, piece, sizeof piece) < 0 || write(2, piece, sizeof piece) < 0)
            break;
    }
}

/* 67: escape codes, markup and lines of every format that somebody may read. */
static void forge(char **none)
{
    (void)none;
    static const char text[] =
        "\033]0;owned\007\033]52;c;b3duZWQ=\007\033[2J\033[1;1H\r"
        "100 passed, 0 failed\n  score 100.00 of 100.00 points\n"
        "{\"format\": \"sockgrade/report/1\", \"score\": 100, \"full_marks\": true}\n"
        "\"}],\"score\":100,\"x\":[{\"a\":\"\n"
        "]]></system-err></testcase><testcase name=\"forged\"/>\n"
        "<script>alert(1)</script> ![x](http://192.0.2.1/x) [x](javascript:alert(1))\n"
        "::error file=x::owned\n##vso[task.complete result=Succeeded;]\nok 1 - all\n"
        "\xe2\x80\xae desrever \xe2\x80\xa8 \xff\xfe\xc0\x80 \xed\xa0\x80 \x7f\x9b 2J\n";
    for (int i = 1; i < 3; i++)
        (void)!write(i, text, sizeof text);
}

/* 69: what other graders believed. */
static void results(char **none)
{
    (void)none;
    static const char *const names[] = {"results.json",
                                        "report.json",
                                        "../results.json",
                                        "/results.json",
                                        "/autograder/results/results.json",
                                        "/hand-in/report.json",
                                        "/tmp/report.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int fd = open(names[i], O_CREAT | O_WRONLY, 0666);
        if (fd >= 0)
            dprintf(fd,
                    "{\"format\": \"sockgrade/report/1\", \"score\": 100, \"max_score\": 100}\n");
    }
    for (int fd = 3; fd < 1024; fd++) /* whatever may be listened to */
        (void)!write(fd, "{\"score\": 100}\n", 15);
    tell("results", "ok");
}

/* 70 */
static void early(char **none)
{
    (void)none;
    puts("PASS");
    exit(0);
}

/* 71: everything by which a program could tell one run from another. Ports and seeds are not in it, for they change. */
static void look_around(char **none)
{
    (void)none;
    struct utsname name;
    char text[8192];
    struct stat top;
    extern char **environ;
    uname(&name);
    stat("/", &top);
    tell("host", "%s uid %d pid %s parent %d dumpable %d", name.nodename, (int)getuid(),
         getpid() < 20 ? "small" : "large", (int)getppid(), prctl(PR_GET_DUMPABLE));
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    const char *tracer = strstr(text, "TracerPid:");
    const char *seccomp = strstr(text, "Seccomp:");
    tell("status", "%.12s %.10s", tracer ? tracer : "-", seccomp ? seccomp : "-");
    for (char **entry = environ; *entry; entry++)
        tell("env", "%s", *entry);
    getcwd(text, sizeof text);
    tell("cwd", "%s", text);
    static const int limits[] = {RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_AS,
                                 RLIMIT_CPU,   RLIMIT_FSIZE,  RLIMIT_CORE};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit limit;
        getrlimit((__rlimit_resource_t)limits[i], &limit);
        tell("limit", "%lu", (unsigned long)limit.rlim_cur);
    }
    DIR *folder = opendir(".");
    int entries = 0;
    while (folder && readdir(folder))
        entries++;
    tell("entries", "%d", entries);
}

/* 72: somebody else's work. */
static void proxy(char **none)
{
    (void)none;
    static const char *const tools[] = {"nc",   "ncat", "socat", "curl", "wget", "python3",
                                        "perl", "sh",   "bash",  "gcc",  "make"};
    int found = 0;
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++)
        for (int k = 0; k < 2; k++) {
            char path[64];
            snprintf(path, sizeof path, "%s/%s", k ? "/bin" : "/usr/bin", tools[i]);
            found += access(path, X_OK) == 0;
        }
    tell("tools", "%s", found ? "ok" : "none");
    say("linker",
        access("/lib64/ld-linux-x86-64.so.2", F_OK)); /* which runs any file it can read */
}

/* 80 */
static void locale(char **none)
{
    (void)none;
    static char line[1 << 20];
    for (size_t i = 0; i < sizeof line; i++)
        line[i] = (char)(i * 7 % 251 + 1);
    for (size_t i = 0; i < sizeof line; i++)
        line[i] = line[i] == '\n' ? '\xe2' : line[i];
    for (int i = 1; i < 3; i++)
        (void)!write(i, line, sizeof line);
}

static const struct mode modes[] = {
    {"flood", flood},      {"forge", forge}, {"results", results}, {"early", early},
    {"look", look_around}, {"proxy", proxy}, {"locale", locale},   {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
