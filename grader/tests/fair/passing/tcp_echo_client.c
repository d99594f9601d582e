/* Two processes, one for each direction; what the writer has sent stands in memory that both share. */
#define _GNU_SOURCE
#include "common.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct told {
    atomic_ullong sent;
    atomic_int ended, error;
};

/* To the server or to stdout. */
static int put(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static void copy_in(int fd, struct told *told)
{
    char bytes[32768];
    ssize_t n;
    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0) /* before they go: their echo may be back first */
            atomic_fetch_add(&told->sent, (unsigned long long)n);
        if (n < 0 || put(fd, bytes, (size_t)n) != 0) {
            atomic_store(&told->error, errno);
            return;
        }
    }
    atomic_store(&told->ended, 1);
    shutdown(fd, SHUT_WR);
}

int main(int argc, char *argv[])
{
    program = "tcp_echo_client";
    if (argc != 3 || parse_port(argv[2]) < 0)
        usage("HOST PORT");
    signal(SIGPIPE, SIG_IGN); /* write(2) says it, too */
    int fd = reach(argv[1], argv[2], SOCK_STREAM);
    struct told *told =
        mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        fail("mmap", strerror(errno));
    pid_t parent = getpid(), writer = fork();
    if (writer < 0)
        fail("fork", strerror(errno));
    if (writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            copy_in(fd, told);
        _exit(0);
    }
    char bytes[32768];
    unsigned long long got = 0;
    ssize_t n;
    int error = 0;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || put(STDOUT_FILENO, bytes, (size_t)n) != 0) {
            error = errno;
            break;
        }
        got += (unsigned long long)n;
    }
    kill(writer, SIGKILL); /* it may still wait for input that nobody needs */
    while (waitpid(writer, NULL, 0) < 0 && errno == EINTR)
        ;
    if (error == 0)
        error = atomic_load(&told->error);
    if (error != 0)
        fail("connection", strerror(error));
    if (!atomic_load(&told->ended))
        fail("server", "it closed before the end of the input");
    if (got < atomic_load(&told->sent))
        fail("server", "fewer bytes came back than were sent");
    munmap(told, sizeof *told);
    close(fd);
    return 0;
}
