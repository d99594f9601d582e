/* grade_digest.c: what a report depends on besides the hand-in, as one SHA-256: `batch` grades again only what changed. */
#include "grade.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)16 << 20)

/* Length first, so that two texts cannot be taken for one. */
static void add_text(struct sha256_ctx *hash, const char *text)
{
    char head[32];
    int n = snprintf(head, sizeof head, "%zu:", strlen(text));
    sha256_update(hash, (size_t)n, (const uint8_t *)head);
    sha256_update(hash, strlen(text), (const uint8_t *)text);
}

static int add_file(struct sha256_ctx *hash, const char *path, struct err *err)
{
    AUTO_BUF struct buf bytes = {0};
    if (io_read_file(path, MAX_FILE_BYTES, &bytes, ERR_USAGE, err) != 0)
        return -1;
    add_text(hash, path);
    sha256_update(hash, bytes.len, (const uint8_t *)(bytes.data ? bytes.data : ""));
    return 0;
}

static int is_json(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".json") == 0;
}

static int add_test_cases(struct sha256_ctx *hash, const char *dir, struct err *err)
{
    struct dirent **names = NULL;
    int count = scandir(dir, &names, is_json, alphasort);
    if (count < 0)
        return err_sys(err, ERR_USAGE, errno, "test cases '%s'", dir);
    int result = 0;
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, names[i]->d_name);
        if (result == 0)
            result = add_file(hash, path, err);
        free(names[i]);
    }
    free(names);
    return result;
}

static void add_settings(struct sha256_ctx *hash, const struct grade_setting *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_text(hash, list[i].name);
        add_text(hash, list[i].value);
    }
    add_text(hash, "");
}

char *grade_digest(const struct grade_options *options, struct err *err)
{
    struct sha256_ctx hash;
    sha256_init(&hash);
    add_text(&hash, SOCKGRADE_VERSION);
    AUTO_FREE char *suite = options->suite_file
                                ? xstrdup(options->suite_file)
                                : xasprintf("%s/suites/course.json", options->testcases_dir);
    if (add_test_cases(&hash, options->testcases_dir, err) != 0 || add_file(&hash, suite, err) != 0)
        return NULL;
    for (size_t i = 0; i < options->n_only; i++)
        add_text(&hash, options->only[i]);
    add_settings(&hash, options->vars, options->n_vars);
    add_settings(&hash, options->programs, options->n_programs);
    char rest[64];
    (void)snprintf(rest, sizeof rest, "%llu %d %d %d", (unsigned long long)options->seed,
                   (int)options->verbose, (int)options->no_sanitizer, (int)options->other_machines);
    add_text(&hash, rest);
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&hash, sizeof digest, digest);
    char *text = xmalloc(2 * sizeof digest + 1);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}
