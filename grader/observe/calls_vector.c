/* observe/calls_vector.c: short counts for calls that bring several buffers (readv(2), writev(2), recvmsg(2), sendmsg(2)).
 *
 * How many buffers there are, and how long each is, stands in the program's memory. It is changed there for the time of the
 * call, and put back before the program goes on; memory that cannot be written, or that another thread's call has changed
 * at this moment, is left alone, and the call with it. */
#include "observe/calls_parts.h"
#include "observe/internal.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MOST_BUFFERS 64 /* of one call; IOV_MAX is 1024, and nobody has so many */

_Static_assert(sizeof(size_t) == sizeof(unsigned long),
               "the lengths in struct iovec and msghdr are words");

/* Where the buffers stand. */
struct vector {
    unsigned long at, count;
    unsigned long count_at; /* address of the count; 0: it is an argument */
};

static bool find_vector(pid_t tid, const struct user_regs_struct *registers, enum call_form form,
                        struct vector *ret)
{
    struct msghdr message;
    unsigned long at = registers_argument(registers, 1);
    if (form == FORM_VECTOR) {
        *ret = (struct vector){.at = at, .count = registers_argument(registers, 2)};
        return true;
    }
    if (obs_proc_memory(tid, at, &message, sizeof message) != 0)
        return false;
    *ret = (struct vector){.at = (unsigned long)message.msg_iov,
                           .count = message.msg_iovlen,
                           .count_at = at + offsetof(struct msghdr, msg_iovlen)};
    return true;
}

static void change(struct decision *ret, unsigned long address, unsigned long value)
{
    ret->words[ret->n_words++] = (struct memory_word){address, value};
}

bool calls_shorten_vector(pid_t tid, const struct user_regs_struct *registers, enum call_form form,
                          uint64_t max, struct decision *ret)
{
    struct iovec buffers[MOST_BUFFERS];
    struct vector vector = {0};
    size_t first = 0;
    uint64_t asked = 0;
    if (!find_vector(tid, registers, form, &vector) || !vector.count ||
        vector.count > MOST_BUFFERS ||
        obs_proc_memory(tid, vector.at, buffers, vector.count * sizeof buffers[0]) != 0)
        return false;
    while (first < vector.count && buffers[first].iov_len == 0)
        first++;
    for (size_t i = first; i < vector.count; i++)
        asked += buffers[i].iov_len;
    if (asked <= max)
        return false;
    uint64_t most = buffers[first].iov_len < max ? buffers[first].iov_len : max;
    ret->argument = CALLS_NO_ARGUMENT;
    ret->n_words = 0;
    if (most < buffers[first].iov_len)
        change(ret, vector.at + first * sizeof buffers[0] + offsetof(struct iovec, iov_len), most);
    if (vector.count_at) {
        change(ret, vector.count_at, first + 1);
    } else {
        ret->argument = 2;
        ret->value = first + 1;
    }
    ret->asked = asked;
    ret->most = most;
    return true;
}

/* Puts the first n words back. */
static void put_back(struct traced *thread, size_t n)
{
    while (n--)
        (void)obs_proc_memory_write(thread->tid, thread->words[n].address, &thread->words[n].value,
                                    sizeof thread->words[n].value);
    thread->n_words = 0;
}

void calls_restore_memory(struct traced *thread)
{
    put_back(thread, thread->n_words);
}

bool calls_change_memory(struct traced *thread, const struct decision *decision)
{
    for (size_t i = 0; i < decision->n_words; i++) {
        const struct memory_word *word = &decision->words[i];
        thread->words[i].address = word->address;
        if (obs_proc_memory(thread->tid, word->address, &thread->words[i].value,
                            sizeof thread->words[i].value) != 0 ||
            obs_proc_memory_write(thread->tid, word->address, &word->value, sizeof word->value) !=
                0) {
            put_back(thread, i);
            return false;
        }
    }
    thread->n_words = decision->n_words;
    return true;
}
