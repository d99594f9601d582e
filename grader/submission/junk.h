/* submission/junk.h: what operating systems put into folders and archives unasked. Shared by the files of this stage only. */
#ifndef GRADER_SUBMISSION_JUNK_H
#define GRADER_SUBMISSION_JUNK_H

#include <stdbool.h>

#define JUNK_NOTICE "%s: what an operating system adds by itself was left out"

/* Is a file or folder of this name such a thing? */
bool junk_is(const char *name);
/* The first time for its kind? `said` (0 at first) keeps which kinds were. One notice a kind is enough. */
bool junk_is_news(unsigned *said, const char *name);

#endif
