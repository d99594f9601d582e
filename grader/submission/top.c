/* submission/top.c: where in a hand-in its files begin. Students pack the folder that their files are in, or hand in a folder
 * with one archive in it: what is alone on its level is opened, what operating systems add does not count. */
#include "submission/intake.h"

#include "base/mem.h"
#include "base/own.h"
#include "submission/junk.h"
#include "submission/unpack.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_WRAPPERS 4

/* The name of the only entry that counts, or NULL when there are none or several. The caller frees. */
static char *only_entry(int folder)
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = own < 0 ? NULL : fdopendir(own);
    if (!listing) {
        if (own >= 0)
            (void)close(own);
        return NULL; /* the walk meets the same, and says it */
    }
    AUTO_FREE char *only = NULL;
    const struct dirent *entry;
    bool several = false;
    while (!several && (entry = readdir(listing))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
            junk_is(name))
            continue;
        several = only != NULL;
        if (!several)
            only = xstrdup(name);
    }
    (void)closedir(listing);
    return several ? NULL : TAKE_PTR(only);
}

/* Opens it: a folder, or a file whose name is an archive's; -1 when it is neither. */
static int open_only(int folder, const char *name, bool *ret_is_archive)
{
    struct stat st;
    size_t stem = 0;
    AUTO_CLOSE int fd =
        openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return -1;
    *ret_is_archive = S_ISREG(st.st_mode) && unpack_is_archive_name(name, &stem);
    return *ret_is_archive || S_ISDIR(st.st_mode) ? TAKE_FD(fd) : -1;
}

static void set_path(struct intake *intake, const char *name)
{
    (void)snprintf(intake->path, sizeof intake->path, "%s", name);
}

void intake_find_top(struct intake *intake, int *ret_archive)
{
    *ret_archive = -1;
    for (int turn = 0; turn < MAX_WRAPPERS; turn++) {
        bool is_archive = false;
        AUTO_FREE char *name = only_entry(intake->top_fd);
        int fd = name ? open_only(intake->top_fd, name, &is_archive) : -1;
        if (fd < 0)
            return;
        set_path(intake, name);
        if (is_archive) {
            *ret_archive = fd;
            return;
        }
        intake_notice(intake, "%s/ is all there is at the top: it was taken as the hand-in's own "
                              "folder");
        (void)close(intake->top_fd);
        intake->top_fd = fd;
        set_path(intake, "");
    }
}
