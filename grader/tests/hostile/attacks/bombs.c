/* hostile/attacks/bombs.c: everything that a program can make grow. Every bomb has a size (its argument), so that it can
 * be shown to go off outside, where the same size is harmless; in a box a smaller limit stands before it. */
#define _GNU_SOURCE
#include "attack.h"

#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

#define MIB ((size_t)1 << 20)

static void touched(const char *what, long done, long wanted)
{
    tell(what, "%s", done >= wanted ? "ok" : "stopped");
}

/* 27: children that live on. */
static void forks(char **size)
{
    long wanted = atol(*size);
    long count = 0;
    while (count < wanted) {
        pid_t child = fork();
        if (child == 0)
            for (;;)
                pause();
        if (child < 0)
            break;
        count++;
    }
    touched("forks", count, wanted);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
}

static void *sleeper(void *none)
{
    for (;;)
        pause();
    return none;
}

/* 28 */
static void threads(char **size)
{
    long wanted = atol(*size);
    long count = 0;
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    while (count < wanted && pthread_create(&thread, &small, sleeper, NULL) == 0)
        count++;
    touched("threads", count, wanted);
    _exit(0);
}

/* 29: argument: MiB. */
static void memory(char **size)
{
    long wanted = atol(*size);
    for (long i = 0; i < wanted; i++) {
        char *piece = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED)
            break;
        memset(piece, 1, MIB);
    }
    tell("memory", "ok");
}

/* 30: memory that is nobody's page: shared, of memfds, of System V, of pipes and sockets. */
static void memfds(char **size)
{
    char *piece = malloc(MIB);
    memset(piece, 1, MIB);
    long done = 0;
    for (int i = 0; i < 100 && done < atol(*size); i++) {
        int fd = (int)syscall(SYS_memfd_create, "x", 0);
        for (int k = 0; fd >= 0 && k < 10 && write(fd, piece, MIB) == (ssize_t)MIB; k++)
            done++;
    }
    touched("memfds", done, atol(*size));
}

static void shared(char **size)
{
    long done = 0;
    for (; done < atol(*size); done++) {
        int id = shmget(IPC_PRIVATE, MIB, IPC_CREAT | 0600);
        void *at = id < 0 ? MAP_FAILED : shmat(id, NULL, 0);
        if (at == MAP_FAILED)
            break;
        memset(at, 1, MIB);
    }
    touched("shared", done, atol(*size));
}

static void pipes(char **size)
{
    static char piece[65536];
    long done = 0;
    for (; done < atol(*size); done++) {
        int ends[2];
        if (pipe(ends) != 0)
            break;
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        while (write(ends[1], piece, sizeof piece) > 0)
            continue;
    }
    touched("pipes", done, atol(*size));
}

static void sockets(char **size)
{
    static char piece[65536];
    long done = 0;
    for (; done < atol(*size); done++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
            break;
        while (write(ends[1], piece, sizeof piece) > 0)
            continue;
    }
    touched("sockets", done, atol(*size));
}

static void queues(char **size)
{
    static struct {
        long type;
        char text[8000];
    } message = {1, {0}};
    long done = 0;
    for (; done < atol(*size); done++) {
        int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        if (id < 0)
            break;
        while (msgsnd(id, &message, sizeof message.text, IPC_NOWAIT) == 0)
            continue;
    }
    touched("queues", done, atol(*size));
}

/* 31: arguments: folder, MiB, files. */
static void disk(char **arguments)
{
    char *piece = malloc(MIB);
    char path[256];
    long done = 0;
    long files = 0;
    memset(piece, 1, MIB);
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 100 && done < atol(arguments[1]); i++) {
        snprintf(path, sizeof path, "%s/sg-hostile-%d", arguments[0], i);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        for (int k = 0; k < 10 && write(fd, piece, MIB) == (ssize_t)MIB; k++)
            done++;
        close(fd);
    }
    touched("disk", done, atol(arguments[1]));
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "%s/sg-hostile-%d", arguments[0], i);
        unlink(path);
    }
    for (; files < atol(arguments[2]); files++) {
        snprintf(path, sizeof path, "%s/sg-hostile-n%ld", arguments[0], files);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        if (fd < 0)
            break;
        close(fd);
    }
    touched("files", files, atol(arguments[2]));
}

/* 32 */
static void descriptors(char **size)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    long done = 0;
    while (done < atol(*size) && dup(0) >= 0)
        done++;
    touched("descriptors", done, atol(*size));
}

static void *spinner(void *none)
{
    for (;;)
        continue;
    return none;
}

/* 33: every processor, and a place before everybody else. */
static void spin(char **none)
{
    (void)none;
    struct sched_param first = {10};
    errno = 0;
    long result = setpriority(PRIO_PROCESS, 0, -10);
    say("nice", result);
    say("fifo", sched_setscheduler(0, SCHED_FIFO, &first));
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } realtime = {48, 6, 0, 0, 0, 10000000, 20000000, 20000000};
    say("deadline", syscall(SYS_sched_setattr, 0, &realtime, 0));
    pthread_t thread;
    for (int i = 0; i < 8; i++)
        pthread_create(&thread, NULL, spinner, NULL);
    for (;;)
        continue;
}

/* 81: children that have ended, and that nobody waits for; then enough of them for pids to begin anew. */
static void zombies(char **size)
{
    long wanted = atol(*size);
    long count = 0;
    for (; count < wanted; count++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child < 0)
            break;
    }
    touched("zombies", count, wanted);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    for (int i = 0; i < 300; i++) { /* orphans: whoever adopts them must reap them */
        pid_t child = fork();
        if (child == 0) {
            if (fork() == 0)
                _exit(0);
            _exit(0);
        }
        if (child < 0) {
            touched("orphans", 0, 1);
            return;
        }
        waitpid(child, NULL, 0);
    }
    touched("orphans", 1, 1);
}

static const struct mode modes[] = {
    {"forks", forks},     {"threads", threads},
    {"memory", memory},   {"memfds", memfds},
    {"shared", shared},   {"pipes", pipes},
    {"sockets", sockets}, {"queues", queues},
    {"disk", disk},       {"descriptors", descriptors},
    {"spin", spin},       {"zombies", zombies},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
