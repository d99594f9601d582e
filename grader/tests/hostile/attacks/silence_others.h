/* hostile/attacks/silence_others.h: the part of silence.c in which another process does the work. */

static pid_t later(void (*deed)(pid_t, int), int fd)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        pause_ms(LATE_MS);
        deed(parent, fd);
        _exit(0);
    }
    return child;
}

static void send_signal(pid_t parent, int fd)
{
    (void)fd;
    kill(parent, SIGUSR1);
}

static void nop(pid_t parent, int fd)
{
    (void)parent, (void)fd;
}

static void by_signal(void)
{
    signal(SIGUSR1, nothing);
    later(send_signal, -1);
    pause();
    wait(NULL);
}

static void by_signalfd(void)
{
    sigset_t set;
    struct signalfd_siginfo info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, 0);
    later(send_signal, -1);
    (void)!read(fd, &info, sizeof info);
    close(fd);
    wait(NULL);
}

static void by_pidfd(void)
{
    pid_t child = later(nop, -1);
    struct pollfd set = {(int)syscall(SYS_pidfd_open, child, 0), POLLIN, 0};
    poll(&set, 1, -1);
    close(set.fd);
    wait(NULL);
}

/* Its child's child, which init adopts, in a session of its own. */
static void by_orphan(void)
{
    int ends[2];
    (void)!pipe(ends);
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            close(ends[0]);
            pause_ms(LATE_MS);
            (void)!write(ends[1], "12345678", 8);
        }
        _exit(0);
    }
    wait(NULL);
    read_8(ends[0]);
    close(ends[0]), close(ends[1]);
}

static void by_vfork(void)
{
    if (vfork() == 0) {
        struct timespec span = {0, LATE_MS * 1000000L};
        syscall(SYS_nanosleep, &span, NULL);
        _exit(0);
    }
    wait(NULL);
}

static void unlock(pid_t parent, int fd)
{
    (void)parent;
    flock(fd, LOCK_UN);
}

static void by_flock(void)
{
    int fd = open("lock", O_CREAT | O_RDWR, 0600);
    flock(fd, LOCK_EX);
    later(unlock, fd);
    int other = open("lock", O_RDWR);
    flock(other, LOCK_EX);
    close(fd), close(other);
    wait(NULL);
}

static void touch(pid_t parent, int fd)
{
    (void)parent, (void)fd;
    close(open("touched", O_CREAT | O_RDWR, 0600));
}

static void by_inotify(void)
{
    char event[4096];
    int fd = inotify_init();
    inotify_add_watch(fd, ".", IN_CREATE);
    unlink("touched");
    later(touch, -1);
    (void)!read(fd, event, sizeof event);
    close(fd);
    wait(NULL);
}

static void semaphore_up(pid_t parent, int id)
{
    (void)parent;
    struct sembuf up = {0, 1, 0};
    semop(id, &up, 1);
}

static void by_system_v(void)
{
    struct sembuf down = {0, -1, 0};
    int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    later(semaphore_up, id);
    semop(id, &down, 1);
    wait(NULL);
    semctl(id, 0, IPC_RMID);
}

static void by_queue(void)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    struct timespec end;
    char text[8];
    mqd_t queue = mq_open("/sg-hostile", O_CREAT | O_RDWR, 0600, &attributes);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += LATE_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    mq_timedreceive(queue, text, sizeof text, NULL, &end);
    mq_close(queue);
}

static void resume(pid_t parent, int fd)
{
    (void)fd;
    kill(parent, SIGCONT);
}

static void by_stop(void)
{
    later(resume, -1);
    raise(SIGSTOP);
    wait(NULL);
}

static void *thread_late(void *none)
{
    (void)none;
    pause_ms(LATE_MS);
    return NULL;
}

static void by_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, thread_late, NULL);
    pthread_join(thread, NULL);
}
