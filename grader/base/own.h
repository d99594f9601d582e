/* base/own.h: locals that clean up after themselves, and the handing over of what they hold.
 *
 *     AUTO_FREE char *text = NULL;     free(text) when the scope ends
 *     AUTO_CLOSE int fd = -1;          close(fd) when the scope ends, unless -1
 *     AUTO_JSON json_t *root = NULL;   json_decref(root)
 *     return TAKE_FD(fd);              the caller owns it from here on; the local is -1 again */
#ifndef GRADER_BASE_OWN_H
#define GRADER_BASE_OWN_H

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_free(void *place)
{
    free(*(void **)place);
}

static inline void own_close(const int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        (void)close(*fd); /* nothing was written through it that a failing close could lose */
        errno = saved;
    }
}

static inline void own_json(json_t **json)
{
    json_decref(*json);
}

static inline int own_take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#define AUTO_FREE  __attribute__((cleanup(own_free)))
#define AUTO_CLOSE __attribute__((cleanup(own_close)))
#define AUTO_JSON  __attribute__((cleanup(own_json)))

#define TAKE_FD(fd) own_take_fd(&(fd))
#define TAKE_PTR(ptr)                                                                              \
    ({                                                                                             \
        __typeof__(ptr) taken_ = (ptr);                                                            \
        (ptr) = NULL;                                                                              \
        taken_;                                                                                    \
    })

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
