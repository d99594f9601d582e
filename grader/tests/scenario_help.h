/* tests/scenario_help.h: what the tests of scenario/ share: a text as a file, its findings, its data. */
#ifndef GRADER_TESTS_SCENARIO_HELP_H
#define GRADER_TESTS_SCENARIO_HELP_H

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "scenario/scenario.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A fresh folder; the test removes it with help_remove(). */
static inline char *help_folder(void)
{
    char *folder = xstrdup("/tmp/sockgrade-scenario-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    return folder;
}

static inline void help_remove(char *folder)
{
    struct err err = {0};
    (void)io_remove_tree(folder, &err);
    free(folder);
}

static inline void help_write(const char *folder, const char *name, const char *text)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    cr_assert(file != NULL);
    cr_assert(fputs(text, file) >= 0);
    cr_assert(fclose(file) == 0);
}

static inline void help_collect(void *self, const char *line)
{
    (void)buf_printf(self, "%s\n", line);
}

/* All findings of a file, without the folder's name: "a.json:3:5: ...\n". The caller frees. */
static inline char *help_lint(const char *folder, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    struct buf lines = {0};
    struct buf out = {0};
    struct err err = {0};
    const int n = scenario_lint(path, folder, help_collect, &lines, &err);
    cr_assert(n >= 0, "%s", err.text);
    const size_t skip = strlen(folder) + 1;
    for (const char *line = lines.data; line && *line;) {
        const char *end = strchr(line, '\n');
        (void)buf_add(&out, line + skip, (size_t)(end - line) + 1 - skip);
        line = end + 1;
    }
    buf_done(&lines);
    return buf_take(&out);
}

/* The findings of one text. The caller frees. */
static inline char *help_lint_text(const char *text)
{
    char *folder = help_folder();
    help_write(folder, "a.json", text);
    char *findings = help_lint(folder, "a.json");
    help_remove(folder);
    return findings;
}

/* A file of one scenario with these steps (JSON without the brackets), after the start of "srv". */
static inline char *help_file(const char *steps)
{
    return xasprintf(
        "{\"assignment\": \"a\", \"program\": \"p\", \"args\": [\"${port}\"],\n"
        "\"world\": {\"files\": {\"www/a.txt\": \"hello world\\n\", \"pipe\": {\"fifo\": true}}},\n"
        "\"setup\": [{\"start\": \"srv\"}],\n"
        "\"scenarios\": [{\"id\": \"s\", \"title\": \"t\", \"steps\": [\n%s\n]}]}",
        steps);
}

static inline struct assignment *help_load(const char *text)
{
    char *folder = help_folder();
    AUTO_FREE char *path = xasprintf("%s/a.json", folder);
    struct assignment *assignment = NULL;
    struct err err = {0};
    help_write(folder, "a.json", text);
    const int rc = assignment_load(path, &assignment, &err);
    help_remove(folder);
    cr_assert(rc == 0, "%s", err.text);
    return assignment;
}

#endif
