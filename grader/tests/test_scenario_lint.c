/* What is wrong with a file: each finding with its place, its path and the nearest right word; all of them. */
#include "scenario/load.h"
#include "tests/scenario_help.h"

#include <errno.h>

static void expect_findings(const char *text, const char *const *parts, size_t n_parts)
{
    AUTO_FREE char *findings = help_lint_text(text);
    for (size_t i = 0; i < n_parts; i++)
        cr_expect(strstr(findings, parts[i]) != NULL, "no \"%s\" in: %s", parts[i], findings);
    size_t lines = 0;
    for (const char *c = findings; *c; c++)
        lines += *c == '\n';
    cr_expect_eq(lines, n_parts, "%zu findings: %s", lines, findings);
}

struct lint_case {
    const char *steps, *part;
};

/* One finding each, in the steps of a scenario that starts "srv". */
static void run_cases(const struct lint_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *text = help_file(cases[i].steps);
        expect_findings(text, &cases[i].part, 1);
    }
}

#define RUN(cases) run_cases(cases, ARRAY_SIZE(cases))
#define A          "{\"open\": \"a\", \"tcp\": \"${host}:${port}\"}, "

Test(scenario_lint, a_good_file_has_no_findings)
{
    AUTO_FREE char *text = help_file(A "{\"send\": \"a\", \"data\": \"x\"}");
    expect_findings(text, NULL, 0);
}

Test(scenario_lint, syntax_errors_have_a_line)
{
    static const char *const texts[] = {
        "",   "{",    "[1,2",          "{\"a\": 1,}",         "nonsense",
        "\"", "{} x", "{\"a\": \xff}", "{\"a\": 1, \"a\": 2}"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        const char *part = "a.json:1:";
        if (texts[i][0] == '\0')
            part = "a.json:1:0";
        expect_findings(texts[i], &part, 1);
    }
}

Test(scenario_lint, places_are_exact)
{
    const char *const parts[] = {
        "a.json:3:2: programm: unknown key 'programm' (did you mean 'program'?)",
        "a.json:4:13: within: must be a number, not a text",
        "a.json:7:34: scenarios[0].level: must be one of \"basic\", \"robust\", \"load\", "
        "\"hostile\", "
        "\"optional\" (did you mean 'basic'?)",
        "a.json:8:26: scenarios[0].steps[0].tcpp: unknown key 'tcpp' (did you mean 'tcp'?)",
        "a.json:8:12: scenarios[0].steps[0]: needs one of tcp, listen, accept, udp, bind",
    };
    expect_findings("{\n \"assignment\": \"a\",\n \"programm\": \"p\",\n  \"within\": \"2\",\n "
                    "\"scenarios\": [\n"
                    "  {\"id\": \"s\",\n   \"title\": \"t\",        \"level\": \"basik\",\n"
                    " \"steps\": [{\"open\": \"a\", \"tcpp\": \"${host}:${port}\"}]}]}",
                    parts, ARRAY_SIZE(parts));
}

Test(scenario_lint, the_head)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"[]", "must be an object, not a list"},
        {"{\"assignment\": \"a\"}", "needs 'scenarios'"},
        {"{\"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": []}]}",
         "needs 'assignment'"},
        {"{\"assignment\": \"a\", \"scenarios\": []}", "at least one scenario"},
        {"{\"assignment\": \"A b\", \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": "
         "[]}]}",
         "lower-case"},
        {"{\"assignment\": \"a\", \"cap\": 2, \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", "
         "\"steps\": []}]}",
         "must lie between"},
        {"{\"assignment\": \"a\", \"ready\": \"tcp\", \"scenarios\": [{\"id\": \"a\", \"title\": "
         "\"t\", \"steps\": []}]}",
         "ready: must be"},
        {"{\"assignment\": \"a\", \"vars\": {\"port\": \"1\"}, \"scenarios\": [{\"id\": \"a\", "
         "\"title\": \"t\", \"steps\": []}]}",
         "set by the grader"},
        {"{\"assignment\": \"a\", \"vars\": {\"a-b\": \"1\"}, \"scenarios\": [{\"id\": \"a\", "
         "\"title\": \"t\", \"steps\": []}]}",
         "letters, digits"},
        {"{\"assignment\": \"a\", \"setup\": [{\"start\": \"s\"}], \"scenarios\": [{\"id\": \"a\", "
         "\"title\": \"t\", \"steps\": []}]}",
         "needs 'program'"},
        {"{\"assignment\": \"a\", \"world\": {\"files\": {\"../x\": \"\"}}, \"scenarios\": "
         "[{\"id\": \"a\", \"title\": \"t\", \"steps\": []}]}",
         "path below"},
        {"{\"assignment\": \"a\", \"world\": {\"files\": {\"/etc/x\": \"\"}}, \"scenarios\": "
         "[{\"id\": \"a\", \"title\": \"t\", \"steps\": []}]}",
         "path below"},
        {"{\"assignment\": \"a\", \"world\": {\"files\": {\"x\": {\"data\": \"\", \"mode\": "
         "\"8\"}}}, \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": []}]}",
         "octal"},
        {"{\"assignment\": \"a\", \"world\": {\"files\": {\"x\": {\"link\": \"y\", \"fifo\": "
         "true}}}, \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": []}]}",
         "one of data, link, fifo, sparse"},
        {"{\"assignment\": \"a\", \"world\": {\"files\": {\"x\": \"${i}\"}}, \"scenarios\": "
         "[{\"id\": \"a\", \"title\": \"t\", \"steps\": []}]}",
         "file 'x': unknown variable ${i}"},
        {"{\"assignment\": \"a\", \"define\": {\"d\": [{\"do\": \"d\"}]}, \"scenarios\": [{\"id\": "
         "\"a\", \"title\": \"t\", \"steps\": [{\"do\": \"d\"}]}]}",
         "circle"},
        {"{\"assignment\": \"a\", \"scenarios\": [{\"id\": \"a\", \"steps\": []}]}",
         "needs 'title'"},
        {"{\"assignment\": \"a\", \"scenarios\": [{\"id\": \"a\", \"title\": \"t\"}]}",
         "needs 'steps'"},
        {"{\"assignment\": \"a\", \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": [], "
         "\"setup\": true}]}",
         "only false"},
        {"{\"assignment\": \"a\", \"scenarios\": [{\"id\": \"alpha\", \"title\": \"t\", \"steps\": "
         "[]},"
         "{\"id\": \"b\", \"title\": \"t\", \"needs\": [\"alpah\"], \"steps\": []}]}",
         "no scenario 'alpah' above this one"},
        {"{\"assignment\": \"a\", \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"needs\": "
         "[\"b\"], \"steps\": []},"
         "{\"id\": \"b\", \"title\": \"t\", \"steps\": []}]}",
         "no scenario 'b' above this one"},
        {"{\"assignment\": \"a\", \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": []},"
         "{\"id\": \"a\", \"title\": \"t\", \"steps\": []}]}",
         "taken by a scenario above"},
        {"{\"assignment\": \"a\", \"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": []},"
         "{\"id\": \"b\", \"title\": \"t\", \"gate\": true, \"steps\": []}]}",
         "a gate stands before"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect_findings(cases[i].text, &cases[i].part, 1);
}

Test(scenario_lint, steps)
{
    static const struct lint_case cases[] = {
        {"5", "must be an object, not a number"},
        {"{}", "has no verb"},
        {"{\"expct\": \"srv\", \"eof\": true}", "(did you mean 'expect'?)"},
        {"{\"wait\": 1, \"meet\": \"x\"}", "has two verbs, 'wait' and 'meet'"},
        {"{\"wait\": 1, \"force\": \"most\"}", "(did you mean 'must'?)"},
        {"{\"wait\": -1}", "must lie between"},
        {"{\"wait\": 1e300}", "must lie between"},
        {"{\"wait\": 1, \"within\": null}", "must be a number, not null"},
        {"{\"start\": \"b.c\"}", "a name has"},
        {"{\"start\": \"x\", \"until\": \"tcp 1\"}", "write it as 'ready'"},
        {"{\"start\": \"x\", \"stdin\": \"open\"}", "must be one of \"closed\""},
        {"{\"start\": \"x\", \"limits\": {\"nofiles\": 1}}", "(did you mean 'nofile'?)"},
        {"{\"open\": \"a\", \"tcp\": \"${host}\"}", "must be ADDRESS:PORT"},
        {"{\"open\": \"a\", \"tcp\": \"${host}:1\", \"udp\": \"${host}:1\"}",
         "has both 'tcp' and 'udp'"},
        {"{\"open\": \"a\", \"udp\": \"${host}:1\", \"refused\": true}", "means nothing for 'udp'"},
        {"{\"open\": \"a\", \"accept\": \"l\"}", "'l' is not open here"},
        {A "{\"open\": \"b\", \"accept\": \"a\"}", "'a' does not listen"},
        {A "{\"send\": \"a\"}", "needs 'data'"},
        {A "{\"send\": \"a\", \"data\": \"x\", \"gap\": 1}", "needs 'cut'"},
        {A "{\"send\": \"a\", \"data\": \"x\", \"cut\": [3, 2]}", "offsets must rise"},
        {A "{\"send\": \"a\", \"data\": \"x\", \"cut\": 0}", "must lie between"},
        {A "{\"send\": \"a\", \"data\": \"x\", \"to\": \"a\"}", "'to' is for UDP"},
        {A "{\"send\": \"alice\", \"data\": \"x\"}", "'alice' is not open here"},
        {A "{\"expect\": \"a\"}", "expects nothing"},
        {A "{\"expect\": \"a\", \"data\": \"x\", \"count\": 1}", "'data' and 'count' in one step"},
        {A "{\"expect\": \"a\", \"eof\": true, \"reset\": true}", "'eof' and 'reset' contradict"},
        {A "{\"expect\": \"a\", \"eof\": false}", "only true"},
        {A "{\"expect\": \"a\", \"silence\": 1, \"data\": \"x\"}", "cannot stand beside 'data'"},
        {A "{\"expect\": \"a\", \"data\": \"x\", \"open\": true}", "belongs to 'silence'"},
        {A "{\"expect\": \"a\", \"data\": \"x\", \"any_bytes\": true}", "belongs to 'silence'"},
        {A "{\"expect\": \"a\", \"silence\": 1, \"any_bytes\": true, \"else\": [{\"data\": \"x\", "
           "\"verdict\": \"ok\"}]}",
         "is never tried"},
        {A "{\"expect\": \"a\", \"data\": \"x\", \"any_order\": true}", "'any_order' is for UDP"},
        {"{\"open\": \"u\", \"udp\": \"${host}:1\"}, "
         "{\"expect\": \"u\", \"count\": 1, \"any_order\": true}",
         "'any_order' needs 'data'"},
        {A "{\"expect\": \"a\", \"matches\": \"a(\"}", "is no POSIX extended regular expression"},
        {A "{\"expect\": \"a.err\", \"eof\": true}", "is no program"},
        {A "{\"expect\": \"a\", \"eof\": true, \"else\": [{\"data\": \"x\"}]}",
         "needs 'hint' or 'verdict'"},
        {A "{\"expect\": \"a\", \"eof\": true, \"hint\": {\"eoff\": \"x\"}}",
         "(did you mean 'eof'?)"},
        {A "{\"expect\": \"a\", \"eof\": true, \"hint\": 5}", "must be a bug class"},
        {A "{\"expect\": \"a\", \"http\": {\"status\": 99}}", "must lie between"},
        {A "{\"expect\": \"a\", \"http\": {\"status\": \"6xx\"}}", "a class like \"4xx\""},
        {A "{\"expect\": \"a\", \"http\": {\"headers\": {\"a b\": \"x\"}}}", "is no header name"},
        {A "{\"expect\": \"a\", \"http\": {\"request\": true, \"status\": 200}}",
         "a request has no 'status'"},
        {A "{\"close\": \"a\", \"how\": \"TERM\"}", "signals are for programs"},
        {A "{\"close\": \"a\", \"how\": \"TERMM\"}", "(did you mean 'TERM'?)"},
        {"{\"close\": \"srv\", \"how\": \"reset\"}", "is no TCP connection"},
        {A "{\"close\": \"a\"}, {\"send\": \"a\", \"data\": \"x\"}",
         "'a' was closed in scenarios[0].steps[1]"},
        {A "{\"check\": \"a\", \"alive\": true}", "'a' is no program"},
        {"{\"check\": \"srv\"}", "checks nothing"},
        {"{\"check\": \"srv\", \"fds\": \"<5\"}", "is no bound"},
        {"{\"check\": \"srv\", \"fds\": \"\"}", "is no bound"},
        {"{\"check\": \"srv\", \"fds\": \"+nan\"}", "is no bound"},
        {"{\"check\": \"srv\", \"cpu\": \"<=1\"}", "needs 'for'"},
        {"{\"check\": \"srv\", \"alive\": true, \"for\": 1, \"within\": 1}", "either 'within'"},
        {"{\"check\": \"srv\", \"exit\": 256}", "must lie between"},
        {"{\"check\": \"srv\", \"listening\": true}", "must say where"},
        {"{\"fetch\": \"https://x/\"}", "must begin with http://"},
        {"{\"fetch\": \"http://${hosts}/\"}", "unknown variable ${hosts} (did you mean 'host'?)"},
        {"{\"repeat\": 0, \"steps\": []}", "must lie between"},
        {"{\"repeat\": 2}", "needs 'steps'"},
        {"{\"repeat\": [], \"steps\": []}", "must hold 1 to"},
        {"{\"parallel\": 5000, \"steps\": []}", "must lie between"},
        {"{\"parallel\": [[]], \"steps\": []}", "leave 'steps' out"},
        {"{\"parallel\": 2, \"steps\": [" A "{\"wait\": 0}]}, {\"send\": \"a\", \"data\": \"x\"}",
         "'a' is not open here"},
        {"{\"meet\": \"x\"}", "'meet' is for lanes"},
        {"{\"do\": \"nothing\"}", "no 'nothing' under the file's 'define'"},
        {"{\"repeat\": 2, \"as\": \"port\", \"steps\": []}", "set by the grader"},
        {"{\"repeat\": 2, \"as\": \"k\", \"steps\": [{\"start\": \"x\", \"args\": [\"${k}\"]}]}, "
         "{\"start\": \"y\", \"args\": [\"${k}\"]}",
         "unknown variable ${k}"},
        {"{\"open\": \"u\", \"udp\": \"${host}:1\"}, {\"expect\": \"u\", \"eof\": true}", "is UDP"},
        {"{\"open\": \"l\", \"listen\": \"${peer}:1\"}, {\"send\": \"l\", \"data\": \"x\"}",
         "only listens"},
    };
    RUN(cases);
}

Test(scenario_lint, what_is_right_is_not_complained_about)
{
    static const char *const steps[] = {
        "{\"repeat\": 9, \"as\": \"k\", \"steps\": [{\"open\": \"c${k}\", \"tcp\": "
        "\"${host}:${port}\"}]}, "
        "{\"send\": \"c7\", \"data\": \"x\"}",
        A "{\"close\": \"a\"}, " A "{\"send\": \"a\", \"data\": \"x\"}",
        A "{\"close\": \"a\", \"how\": \"write\"}, {\"expect\": \"a\", \"eof\": true}",
        A "{\"parallel\": 2, \"steps\": [{\"send\": \"a\", \"data\": \"${i}\"}]}",
        "{\"close\": \"srv\", \"how\": \"KILL\"}, {\"expect\": \"srv\", \"eof\": true}, "
        "{\"expect\": \"srv.err\", \"silence\": 0}",
        "{\"parallel\": [[" A "{\"meet\": \"x\"}], [" A "{\"meet\": \"x\"}]]}",
        A "{\"expect\": \"a\", \"silence\": 0.1, \"open\": true}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        AUTO_FREE char *text = help_file(steps[i]);
        AUTO_FREE char *findings = help_lint_text(text);
        cr_expect_str_eq(findings, "");
    }
}

Test(scenario_lint, bug_classes_are_known_when_there_are_any)
{
    char *folder = help_folder();
    AUTO_FREE char *text =
        help_file(A "{\"expect\": \"a\", \"eof\": true, \"hint\": \"never-close\"}");
    help_write(folder, "a.json", text);
    AUTO_FREE char *without = help_lint(folder, "a.json");
    cr_expect_str_eq(without, "");
    help_write(folder, "classes.json",
               "{\"classes\": {\"never-closes\": {\"sentence\": \"x {n}\"}, \"no-echo\": "
               "{\"sentence\": \"y\"}}}");
    AUTO_FREE char *with = help_lint(folder, "a.json");
    cr_expect(strstr(with, "unknown bug class 'never-close' (did you mean 'never-closes'?)") !=
                  NULL,
              "%s", with);
    help_remove(folder);
}

/* assignment_load() tells the first and counts the rest. */
Test(scenario_lint, loading_stops_with_the_first_finding)
{
    char *folder = help_folder();
    AUTO_FREE char *path = xasprintf("%s/a.json", folder);
    AUTO_FREE char *text = help_file("{\"wiat\": 1},\n{\"wait\": \"x\"}");
    struct assignment *assignment = NULL;
    struct err err = {0};
    help_write(folder, "a.json", text);
    cr_expect_eq(assignment_load(path, &assignment, &err), -1);
    cr_expect_eq(err.kind, ERR_USAGE);
    cr_expect(strstr(err.text, "a.json:5:1: scenarios[0].steps[0]: has no verb") != NULL, "%s",
              err.text);
    cr_expect(strstr(err.text, "(and 1 more") != NULL, "%s", err.text);
    cr_expect_null(assignment);
    struct err missing = {0};
    cr_expect_eq(assignment_load("/nonexistent/a.json", &assignment, &missing), -1);
    cr_expect(missing.kind == ERR_USAGE && strstr(missing.text, "/nonexistent/a.json") != NULL);
    help_remove(folder);
}

/* ---- hostile files: told, never fatal, never endless ---- */

static char *repeat_text(const char *text, size_t n)
{
    struct buf out = {0};
    for (size_t i = 0; i < n; i++)
        (void)buf_add_str(&out, text);
    return buf_take(&out);
}

static void lint_any(const char *text)
{
    AUTO_FREE char *findings = help_lint_text(text);
    cr_expect(strlen(findings) > 0 && strlen(findings) < 400000);
}

Test(scenario_lint, deep_and_large_files)
{
    AUTO_FREE char *open = repeat_text("[", 3000);
    lint_any(open);
    AUTO_FREE char *lists = repeat_text("[", 2000);
    AUTO_FREE char *ends = repeat_text("]", 2000);
    AUTO_FREE char *deep_steps = xasprintf("{\"repeat\": %s%s, \"steps\": []}", lists, ends);
    AUTO_FREE char *deep = help_file(deep_steps);
    lint_any(deep);
    AUTO_FREE char *inner = repeat_text("{\"repeat\": 2, \"steps\": [", 600);
    AUTO_FREE char *outer = repeat_text("]}", 600);
    AUTO_FREE char *nested_steps = xasprintf("%s%s", inner, outer);
    AUTO_FREE char *nested = help_file(nested_steps);
    lint_any(nested);
    AUTO_FREE char *many = repeat_text("{\"wait\": 0},", 2000);
    AUTO_FREE char *many_steps = xasprintf("%s{\"wait\": 0}", many);
    AUTO_FREE char *long_list = help_file(many_steps);
    lint_any(long_list);
    AUTO_FREE char *wrong = repeat_text("{\"wiat\": 0},", 900);
    AUTO_FREE char *wrong_steps = xasprintf("%s{\"wait\": 0}", wrong);
    AUTO_FREE char *wrong_list = help_file(wrong_steps);
    lint_any(wrong_list);
}

Test(scenario_lint, definitions_that_multiply)
{
    AUTO_BUF struct buf text = {0};
    (void)buf_add_str(&text, "{\"assignment\": \"a\", \"define\": {\"d0\": [{\"wait\": 0}]");
    for (int i = 1; i < 8; i++) {
        (void)buf_printf(&text, ", \"d%d\": [", i);
        for (int k = 0; k < 900; k++)
            (void)buf_printf(&text, "%s{\"do\": \"d%d\"}", k ? "," : "", i - 1);
        (void)buf_add_str(&text, "]");
    }
    (void)buf_add_str(
        &text,
        "}, \"scenarios\": [{\"id\": \"s\", \"title\": \"t\", \"steps\": [{\"do\": \"d7\"}]}]}");
    AUTO_FREE char *findings = help_lint_text(text.data);
    cr_expect(strstr(findings, "more than 100000 steps") != NULL, "%s", findings);
}

Test(scenario_lint, variables_that_multiply)
{
    AUTO_BUF struct buf text = {0};
    (void)buf_add_str(&text, "{\"assignment\": \"a\", \"program\": \"p\", \"vars\": {\"v0\": \"\"");
    for (int i = 1; i < 8; i++) {
        (void)buf_printf(&text, ", \"v%d\": \"", i);
        for (int k = 0; k < 900; k++)
            (void)buf_printf(&text, "${v%d}", i - 1);
        (void)buf_add_str(&text, "\"");
    }
    (void)buf_add_str(&text, "}, \"scenarios\": [{\"id\": \"s\", \"title\": \"t\", \"steps\": "
                             "[{\"start\": \"x\", \"args\": [\"${v7}\"]}]}]}");
    AUTO_FREE char *findings = help_lint_text(text.data);
    cr_expect(strstr(findings, "too often") != NULL, "%s", findings);
}

/* Every byte of a good file replaced by a few others: whatever comes of it, it is told or accepted. */
Test(scenario_lint, damaged_files)
{
    static const char bytes[] = "\"{[,:9x\n";
    AUTO_FREE char *good = help_file(
        A "{\"send\": \"a\", \"data\": [{\"hex\": \"00 ??\"}, {\"pack\": \"u8 i64\", \"of\": [1, "
          "-2]}, "
          "{\"times\": 2, \"of\": {\"gen\": \"lines\", \"size\": 9}}], \"cut\": [1, 2], \"gap\": "
          "0.1}, "
          "{\"expect\": \"a\", \"http\": {\"status\": [200, \"4xx\"], \"headers\": {\"a\": null}}, "
          "\"else\": [{\"closed\": true, \"verdict\": \"ok\"}]}, {\"check\": \"srv\", \"fds\": "
          "\"+2MiB\"}");
    char *folder = help_folder();
    for (size_t at = 0; good[at]; at++) {
        const char was = good[at];
        good[at] = bytes[at % (sizeof bytes - 1)];
        help_write(folder, "a.json", good);
        AUTO_FREE char *findings = help_lint(folder, "a.json");
        cr_expect(findings[0] == '\0' || strncmp(findings, "a.json:", 7) == 0, "%s", findings);
        good[at] = was;
    }
    help_remove(folder);
}

Test(scenario_lint, huge_numbers)
{
    static const struct lint_case cases[] = {
        {"{\"wait\": 99999999999999999999999}", "too big integer"},
        {"{\"wait\": 1e999}", "overflow"},
        {"{\"repeat\": 9223372036854775807, \"steps\": []}", "must lie between"},
        {A "{\"expect\": \"a\", \"count\": 9223372036854775807}", "must lie between"},
        {A "{\"send\": \"a\", \"data\": {\"times\": 9223372036854775807, \"of\": \"x\"}}",
         "must lie between"},
        {"{\"check\": \"srv\", \"rss\": \"+1e400\"}", "is no bound"},
        {A "{\"send\": \"a\", \"data\": {\"pack\": \"u64\", \"of\": [\"18446744073709551616\"]}}",
         "does not fit"},
    };
    RUN(cases);
}
