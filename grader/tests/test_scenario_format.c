/* testcases/FORMAT.md and testcases/scenario.schema.json say what the loader does: the same keys, in both directions;
 * and each example of the manual is a file that lints. */
#include "scenario/keys.h"
#include "tests/scenario_help.h"

#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static char *read_text(const char *path)
{
    struct buf text = {0};
    struct err err = {0};
    cr_assert_eq(io_read_file(path, (size_t)4 << 20, &text, ERR_HOST, &err), 0, "%s", err.text);
    return buf_take(&text);
}

static const struct key_table *table_of(const char *name)
{
    for (int i = 0; i < KEYS_COUNT; i++)
        if (strcmp(key_table((enum key_object)i)->name, name) == 0)
            return key_table((enum key_object)i);
    return NULL;
}

/* ---- the manual ---- */

/* The words in backticks of the first column of the table that follows; "x, y, " */
static char *first_column(const char *from)
{
    struct buf out = {0};
    const char *line = strchr(from, '\n');
    while (line && line[1] != '|')
        line = strchr(line + 1, '\n');
    for (; line && line[1] == '|'; line = strchr(line + 1, '\n')) {
        const char *open = strstr(line, "| `");
        if (open != line + 1)
            continue;
        const char *close = strchr(open + 3, '`');
        (void)buf_printf(&out, "%.*s, ", (int)(close - open - 3), open + 3);
    }
    return buf_take(&out);
}

static bool has_word(const char *words, const char *word)
{
    AUTO_FREE char *first = xasprintf("%s, ", word);
    AUTO_FREE char *later = xasprintf(", %s, ", word);
    return strncmp(words, first, strlen(first)) == 0 || strstr(words, later) != NULL;
}

Test(scenario_format, the_manual_has_every_key_and_no_other)
{
    AUTO_FREE char *manual = read_text("testcases/FORMAT.md");
    for (int i = 0; i < KEYS_COUNT; i++) {
        const struct key_table *table = key_table((enum key_object)i);
        AUTO_FREE char *marker = xasprintf("<!-- keys: %s -->", table->name);
        const char *at = strstr(manual, marker);
        cr_assert(at != NULL, "no %s", marker);
        AUTO_FREE char *words = first_column(at);
        size_t n_words = 0;
        for (const char *c = words; *c; c++)
            n_words += *c == ',';
        cr_expect_eq(n_words, table->count, "%s: %s", table->name, words);
        for (size_t k = 0; k < table->count; k++)
            cr_expect(has_word(words, table->keys[k].name), "%s: '%s' is missing in: %s",
                      table->name, table->keys[k].name, words);
    }
}

Test(scenario_format, the_manual_has_no_table_that_the_loader_does_not_know)
{
    AUTO_FREE char *manual = read_text("testcases/FORMAT.md");
    int n = 0;
    for (const char *at = manual; (at = strstr(at, "<!-- keys: ")) != NULL; at++, n++) {
        AUTO_FREE char *name = xstrndup(at + 11, strcspn(at + 11, " "));
        cr_expect(table_of(name) != NULL, "%s", name);
    }
    cr_expect_eq(n, KEYS_COUNT);
}

/* Calls each() with every complete file of the manual; returns how many there are. */
static int each_example(void (*each)(void *self, int number, const char *text), void *self)
{
    static const char fence[] = "```json file\n";
    AUTO_FREE char *manual = read_text("testcases/FORMAT.md");
    int n = 0;
    for (char *at = manual; (at = strstr(at, fence)) != NULL;) {
        at += sizeof fence - 1;
        char *end = strstr(at, "```");
        cr_assert(end != NULL);
        AUTO_FREE char *text = xstrndup(at, (size_t)(end - at));
        each(self, ++n, text);
        at = end + 3;
    }
    return n;
}

static void lint_example(void *self, int number, const char *text)
{
    struct buf lines = {0};
    struct err err = {0};
    (void)self;
    char *folder = help_folder();
    AUTO_FREE char *path = xasprintf("%s/a.json", folder);
    help_write(folder, "a.json", text);
    cr_expect_eq(scenario_lint(path, "testcases", help_collect, &lines, &err), 0,
                 "example %d: %s%s", number, lines.data ? lines.data : "", err.text);
    buf_done(&lines);
    help_remove(folder);
}

Test(scenario_format, the_examples_of_the_manual_are_sound)
{
    cr_expect_geq(each_example(lint_example, NULL), 20);
}

/* Every verb and every key of every table stands in some example, or in a delivered file: nothing is documented that
 * nobody has ever written. */
static void add_example(void *self, int number, const char *text)
{
    (void)number;
    (void)buf_add_str(self, text);
}

Test(scenario_format, the_examples_use_every_key)
{
    AUTO_BUF struct buf all = {0};
    (void)each_example(add_example, &all);
    static const enum key_object tables[] = {
        KEYS_START,   KEYS_OPEN,        KEYS_SEND,  KEYS_EXPECT,   KEYS_CLOSE,      KEYS_CHECK,
        KEYS_FETCH,   KEYS_REPEAT,      KEYS_WAIT,  KEYS_PARALLEL, KEYS_DO,         KEYS_MEET,
        KEYS_DATA,    KEYS_EXPECTATION, KEYS_HTTP,  KEYS_WORLD,    KEYS_WORLD_FILE, KEYS_NET,
        KEYS_NET_WAY, KEYS_NET_EVERY,   KEYS_CALLS, KEYS_CALL};
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        const struct key_table *table = key_table(tables[i]);
        for (size_t k = 0; k < table->count; k++) {
            AUTO_FREE char *quoted = xasprintf("\"%s\":", table->keys[k].name);
            if (strcmp(table->keys[k].name, "connected") == 0)
                continue; /* a plain udp endpoint with one more flag */
            cr_expect(table->keys[k].reserved || strstr(all.data, quoted) != NULL,
                      "no example for %s of %s", quoted, table->name);
        }
    }
}

/* ---- the schema ---- */

static json_t *load_schema(void)
{
    json_error_t error;
    json_t *schema =
        json_load_file("testcases/scenario.schema.json", JSON_REJECT_DUPLICATES, &error);
    cr_assert(schema != NULL, "%d: %s", error.line, error.text);
    return schema;
}

Test(scenario_format, the_schema_has_every_key_and_no_other)
{
    AUTO_JSON json_t *schema = load_schema();
    const json_t *definitions = json_object_get(schema, "$defs");
    for (int i = 0; i < KEYS_COUNT; i++) {
        const struct key_table *table = key_table((enum key_object)i);
        json_t *properties =
            json_object_get(json_object_get(definitions, table->name), "properties");
        cr_assert(properties != NULL, "no $defs.%s.properties", table->name);
        for (size_t k = 0; k < table->count; k++) {
            const bool there = json_object_get(properties, table->keys[k].name) != NULL;
            cr_expect_eq(there, !table->keys[k].reserved, "%s.%s", table->name,
                         table->keys[k].name);
        }
        const char *key = NULL;
        json_t *value = NULL;
        json_object_foreach(properties, key, value)
        {
            cr_expect(key_find(table, key) != NULL, "%s.%s is unknown to the loader", table->name,
                      key);
        }
    }
}

/* The validator's exit status for these files. */
static int validate(char *const *files, size_t n_files)
{
    const char *argv[128] = {"/usr/bin/python3", "-m", "jsonschema"};
    size_t n = 3;
    for (size_t i = 0; i < n_files && n < 120; i++) {
        argv[n++] = "-i";
        argv[n++] = files[i];
    }
    argv[n++] = "testcases/scenario.schema.json";
    posix_spawn_file_actions_t actions;
    cr_assert_eq(posix_spawn_file_actions_init(&actions), 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    cr_assert_eq(posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

struct example_files {
    char *folder;
    char *paths[50];
    size_t n;
};

static void write_example(void *self, int number, const char *text)
{
    struct example_files *files = self;
    AUTO_FREE char *name = xasprintf("%d.json", number);
    help_write(files->folder, name, text);
    cr_assert(files->n < ARRAY_SIZE(files->paths));
    files->paths[files->n++] = xasprintf("%s/%s", files->folder, name);
}

Test(scenario_format, the_schema_accepts_what_the_loader_accepts)
{
    struct example_files files = {.folder = help_folder()};
    static const char *const delivered[] = {
        "testcases/tcp-echo-server.json", "testcases/udp-echo-server.json",
        "testcases/byte-order.json",      "testcases/http-server.json",
        "testcases/classes.json",         "testcases/suites/course.json"};
    (void)each_example(write_example, &files);
    for (size_t i = 0; i < ARRAY_SIZE(delivered); i++)
        files.paths[files.n++] = xstrdup(delivered[i]);
    cr_expect_eq(validate(files.paths, files.n), 0);
    for (size_t i = 0; i < files.n; i++)
        free(files.paths[i]);
    help_remove(files.folder);
}

/* What the loader refuses by its tables alone, the schema refuses, too: one wrong key or value each. */
Test(scenario_format, the_schema_refuses_what_the_loader_refuses)
{
    static const char *const steps[] = {
        "{\"expct\": \"srv\"}",
        "{\"wait\": \"1\"}",
        "{\"open\": \"a\", \"tpc\": \"x:1\"}",
        "{\"send\": \"srv\"}",
        "{\"send\": \"srv\", \"data\": {\"hxe\": \"00\"}}",
        "{\"expect\": \"srv\", \"eof\": true, \"hint\": {\"eoff\": \"x\"}}",
        "{\"expect\": \"srv\", \"eof\": true, \"else\": [{\"dta\": \"x\", \"hint\": \"y\"}]}",
        "{\"expect\": \"srv\", \"http\": {\"status\": \"6xx\"}}",
        "{\"close\": \"srv\", \"how\": \"HUP\"}",
        "{\"check\": \"srv\", \"fds\": \"<5\"}",
        "{\"repeat\": 0, \"steps\": []}",
        "{\"parallel\": 2, \"steps\": [{\"wiat\": 1}]}",
    };
    char *folder = help_folder();
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        AUTO_FREE char *text = help_file(steps[i]);
        help_write(folder, "a.json", text);
        AUTO_FREE char *findings = help_lint(folder, "a.json");
        AUTO_FREE char *path = xasprintf("%s/a.json", folder);
        cr_expect(findings[0] != '\0', "%s", steps[i]);
        cr_expect_eq(validate(&path, 1), 1, "%s", steps[i]);
    }
    help_remove(folder);
}

Test(scenario_format, the_schema_refuses_the_calls_that_the_loader_refuses)
{
    static const char *const calls[] = {
        "{\"recvfrom\": {\"max\": 1}}",
        "{\"accept\": {\"max\": 1}}",
        "{\"accept\": {\"nth\": 1}}",
        "{\"connect\": {\"errno\": \"EINTR\", \"nth\": 1}}",
        "{\"recv\": {\"errno\": \"EINTR\", \"every\": 1}}",
        "{\"recv\": {\"max\": 1, \"times\": 2}}",
        "{\"recv\": {\"errno\": \"EINTR\"}}",
        "{\"recv\": {\"errno\": \"EINTR\", \"nth\": 2, \"every\": 2}}",
    };
    char *folder = help_folder();
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        AUTO_FREE char *text = xasprintf("{\"assignment\": \"a\", \"world\": {\"calls\": %s}, "
                                         "\"scenarios\": [{\"id\": \"a\", \"title\": \"t\", "
                                         "\"steps\": []}]}",
                                         calls[i]);
        help_write(folder, "a.json", text);
        AUTO_FREE char *findings = help_lint(folder, "a.json");
        AUTO_FREE char *path = xasprintf("%s/a.json", folder);
        cr_expect(findings[0] != '\0', "%s", calls[i]);
        cr_expect_eq(validate(&path, 1), 1, "%s", calls[i]);
    }
    help_remove(folder);
}
