/* grade_programs.c: see grade_programs.h. */
#include "grade_programs.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PROGRAM_BYTES ((size_t)64 << 20)
#define MAX_WORDS         64

/* One file into bin_dir, under its last name; mode 0755 where it was executable. */
static int copy_in(const char *path, const char *name, const char *bin_dir, struct err *err)
{
    AUTO_BUF struct buf bytes = {0};
    if (io_read_file(path, MAX_PROGRAM_BYTES, &bytes, ERR_USAGE, err) != 0)
        return -1;
    struct stat st;
    if (stat(path, &st) != 0)
        return err_sys(err, ERR_USAGE, errno, "--program: '%s'", path);
    AUTO_FREE char *copy = xasprintf("%s/%s", bin_dir, name);
    AUTO_CLOSE int fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || io_write_full(fd, bytes.data ? bytes.data : "", bytes.len) != 0 ||
        fchmod(fd, (st.st_mode & 0111) ? 0755 : 0644) != 0)
        return err_sys(err, ERR_HOST, errno, "--program: copying '%s' to '%s'", path, copy);
    return 0;
}

/* The word as the box sees it. Files below /usr are there anyway. */
static int place_word(const char *word, const char *bin_dir, char **ret, struct err *err)
{
    struct stat st;
    bool is_file = stat(word, &st) == 0 && S_ISREG(st.st_mode);
    if (!is_file || strncmp(word, "/usr/", 5) == 0 || strncmp(word, "/bin/", 5) == 0) {
        *ret = xstrdup(word);
        return 0;
    }
    const char *slash = strrchr(word, '/');
    const char *name = slash ? slash + 1 : word;
    if (copy_in(word, name, bin_dir, err) != 0)
        return -1;
    *ret = xasprintf("%s/%s", BOX_BIN_DIR, name);
    return 0;
}

/* A bare command name ("python3") is looked for where a box has its programs. */
static int resolve_command(char **word, const char *program, struct err *err)
{
    if (strchr(*word, '/')) {
        if (strncmp(*word, BOX_BIN_DIR "/", sizeof BOX_BIN_DIR) == 0 || access(*word, X_OK) == 0)
            return 0;
        return err_sys(err, ERR_USAGE, errno, "--program %s: '%s'", program, *word);
    }
    AUTO_FREE char *path = xasprintf("/usr/bin/%s", *word);
    if (access(path, X_OK) != 0)
        return err_sys(err, ERR_USAGE, errno,
                       "--program %s: '%s' is neither a file nor in /usr/bin", program, *word);
    free(*word);
    *word = TAKE_PTR(path);
    return 0;
}

static int split(const struct grade_setting *setting, const char *bin_dir, struct ready_made *ret,
                 struct err *err)
{
    ret->name = setting->name;
    ret->words = xcalloc(MAX_WORDS + 1, sizeof *ret->words);
    AUTO_FREE char *command = xstrdup(setting->value);
    char *state = NULL;
    size_t n = 0;
    for (char *word = strtok_r(command, " \t", &state); word;
         word = strtok_r(NULL, " \t", &state)) {
        if (n == MAX_WORDS)
            return err_set(err, ERR_USAGE, "--program %s: more than %d words", setting->name,
                           MAX_WORDS);
        if (place_word(word, bin_dir, &ret->words[n], err) != 0)
            return -1;
        n++;
    }
    if (n == 0)
        return err_set(err, ERR_USAGE, "--program %s: the command is empty", setting->name);
    return resolve_command(&ret->words[0], setting->name, err);
}

int ready_made_prepare(const struct grade_setting *programs, size_t count, const char *bin_dir,
                       struct ready_made_list *ret, struct err *err)
{
    ret->list = xcalloc(count, sizeof *ret->list);
    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        ret->count = i + 1;
        if (split(&programs[i], bin_dir, &ret->list[i], err) != 0)
            return -1;
    }
    return 0;
}

void ready_made_done(struct ready_made_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        for (char **word = list->list[i].words; word && *word; word++)
            free(*word);
        free((void *)list->list[i].words);
    }
    free(list->list);
    *list = (struct ready_made_list){0};
}

const struct ready_made *ready_made_find(const struct ready_made_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->list[i].name, name) == 0)
            return &list->list[i];
    return NULL;
}
