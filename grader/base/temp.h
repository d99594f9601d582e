/* base/temp.h: temporary folders and files that do not outlive a killed process for long.
 *
 * Nothing can be tidied up after kill -9 by the one that was killed. So what is temporary is locked by whoever uses it
 * (flock(2): the lock goes with the process, however that ends), and whoever comes next removes what nobody has locked. */
#ifndef GRADER_BASE_TEMP_H
#define GRADER_BASE_TEMP_H

#include "base/err.h"

struct temp {
    char *path; /* NULL: there is none */
    int lock;   /* the open folder */
};

/* Removes folders BASE/PREFIX-?????? of ours that a killed process has left, then makes a fresh one, mode 0711 (other users
 * may pass through, not list), and locks it. ERR_HOST. */
int temp_make(const char *base, const char *prefix, struct temp *ret, struct err *err);
/* Removes it with all that is in it. What cannot be removed is left: the next one tries again. */
void temp_done(struct temp *temp);

/* Removes from a folder the files that a killed io_write_file_atomic() has left there. */
void temp_sweep_files(const char *folder);

#endif
