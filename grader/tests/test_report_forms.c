/* tests/test_report_forms.c: one hand-made result in every form, with strings that try to break out of each. */
#include "base/io.h"
#include "base/own.h"
#include "report/report.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define HOSTILE "\033[31m<b>&\"]]>\xff\xfe\xe2\x80\xae\r\nTOTAL 10 of 10\x01\xef\xbf\xbf"

static json_t *make_report(bool obey_show)
{
    static const struct scenario scenarios[] = {
        {.id = "half-close", .title = "Half close", .standard = "RFC 9293 3.6.1", .points = 1},
        {.id = "secret", .title = "Secret", .points = 1, .show = SHOW_NOTHING},
    };
    const struct assignment assignment = {.id = "tcp-echo-server",
                                          .title = "TCP echo",
                                          .program = "tcp_echo_server",
                                          .scenarios = scenarios,
                                          .n_scenarios = 2};
    struct suite_entry entry = {.assignment = &assignment, .points = 10};
    const struct suite suite = {.id = "course",
                                .title = "Course",
                                .obey_show = obey_show,
                                .entries = &entry,
                                .n_entries = 1};
    struct trace trace;
    trace_init(&trace);
    trace_event(&trace, 1500, TRACE_RECEIVE, "a", 0, HOSTILE, sizeof HOSTILE - 1, HOSTILE);
    (void)buf_add_str(&trace.err_out, HOSTILE);
    struct verdict verdicts[] = {
        {.kind = VERDICT_FAILED,
         .proof = PROOF_SILENT,
         .class_name = "no-answer",
         .sentence = (char *)(uintptr_t) "Nothing " HOSTILE,
         .expected = (char *)(uintptr_t) "5 bytes",
         .observed = (char *)(uintptr_t)HOSTILE},
        {.kind = VERDICT_OK, .share = 1, .result = -1},
    };
    static const struct bug_class meaning = {.name = "swaps-by-hand", .sentence = "Swaps."};
    const struct machines_answers answers[] = {
        {.asked = true, .answers = {MACHINE_PASSES, MACHINE_UNCLEAR}},
        {.asked = true, .answers = {MACHINE_FAILS, MACHINE_NOT_BUILT}, .meaning = &meaning},
    };
    const struct machines_result machines = {
        .status = "played",
        .machines = {{.machine = MACHINE_BIG_ENDIAN,
                      .status = "not-built",
                      .text = (char *)(uintptr_t)HOSTILE,
                      .build_status = "failed",
                      .build_log = HOSTILE}},
        .n_machines = 1,
    };
    struct scenario_result results[] = {
        {&scenarios[0], true, &trace, &verdicts[0], {.max = 5}, &answers[0]},
        {&scenarios[1], true, &trace, &verdicts[1], {.max = 5, .score = 5}, &answers[1]},
    };
    struct assignment_result one = {&entry, "tcp_echo_server", "graded", NULL, 5, 10, results};
    const struct grade_result result = {.version = "0",
                                        .tier = "full",
                                        .limits = "rlimits",
                                        .cpus = 2,
                                        .submission_name = HOSTILE,
                                        .submission_digest = "",
                                        .suite = &suite,
                                        .grading_digest = "",
                                        .seed = UINT64_MAX,
                                        .build_status = "failed",
                                        .build_log = HOSTILE,
                                        .assignments = &one,
                                        .n_assignments = 1,
                                        .machines = &machines,
                                        .verbose = true};
    json_t *report = report_to_json(&result);
    trace_done(&trace);
    cr_assert_not_null(report);
    return report;
}

/* Exit status of python3 with this program, and a file with these bytes as its argument. */
static int python(const struct buf *bytes, const char *program)
{
    char path[] = "/tmp/sockgrade-report-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    cr_assert(fd >= 0 && io_write_full(fd, bytes->data, bytes->len) == 0);
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/usr/bin/python3", "python3", "-c", program, path, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    (void)close(fd);
    (void)unlink(path);
    return status;
}

Test(report, json_validates_and_comes_back)
{
    AUTO_JSON json_t *report = make_report(false);
    AUTO_BUF struct buf text = {0};
    struct err err = {0};
    cr_assert_eq(report_json_text(report, &text, &err), 0);
    cr_assert_eq(python(&text, "import json,sys,jsonschema as j\n"
                               "s=json.load(open('reports/report.schema.json'))\n"
                               "j.Draft202012Validator.check_schema(s)\n"
                               "j.Draft202012Validator(s).validate(json.load(open(sys.argv[1])))"),
                 0);
    cr_assert_str_eq(json_string_value(json_object_get(report, "seed")), "18446744073709551615");
}

Test(report, nothing_of_a_hidden_scenario_is_told)
{
    AUTO_JSON json_t *report = make_report(true);
    AUTO_BUF struct buf text = {0};
    struct err err = {0};
    cr_assert_eq(report_json_text(report, &text, &err), 0);
    cr_assert_null(strstr(text.data, "ecret"));
    cr_assert_null(strstr(text.data, "swaps-by-hand"));
    cr_assert_not_null(strstr(text.data, "half-close"));
    cr_assert_eq(python(&text,
                        "import json,sys,jsonschema as j\n"
                        "j.Draft202012Validator(json.load(open('reports/report.schema.json')))"
                        ".validate(json.load(open(sys.argv[1])))"),
                 0);
}

Test(report, other_machines_are_told_of_in_every_form)
{
    AUTO_JSON json_t *report = make_report(false);
    AUTO_BUF struct buf text = {0}, junit = {0};
    report_text(report, &(struct report_style){.width = 80}, &text);
    report_junit(report, &junit);
    cr_assert_not_null(strstr(text.data, "s390x passes, i386 unclear"), "%s", text.data);
    cr_assert_not_null(strstr(text.data, "log of this build"), "%s", text.data);
    cr_assert_not_null(strstr(junit.data, "other_machines: s390x passes, i386 unclear\n"));
    cr_assert_not_null(strstr(junit.data, "<system-out>swaps-by-hand: Swaps.</system-out>"));
}

Test(report, text_has_no_escape_codes_unless_coloured)
{
    AUTO_JSON json_t *report = make_report(false);
    AUTO_BUF struct buf plain = {0}, coloured = {0};
    report_text(report, &(struct report_style){.verbose = true}, &plain);
    report_text(report, &(struct report_style){.colour = true}, &coloured);
    cr_assert_null(memchr(plain.data, '\033', plain.len));
    cr_assert_null(memchr(plain.data, '\r', plain.len));
    cr_assert_null(strstr(plain.data, "\nTOTAL"), "a student's text stays behind its margin");
    cr_assert_not_null(strstr(plain.data, "proven silent"));
    cr_assert_not_null(strstr(plain.data, "RFC 9293 3.6.1"));
    cr_assert_not_null(strstr(plain.data, "total 5.00 of 10.00 points"));
    cr_assert_not_null(strstr(coloured.data, "\033[31m✗"));
}

Test(report, junit_is_xml_whatever_the_bytes)
{
    AUTO_JSON json_t *report = make_report(false);
    AUTO_BUF struct buf xml = {0};
    report_junit(report, &xml);
    cr_assert_eq(
        python(&xml, "import sys,xml.etree.ElementTree as e\n"
                     "r=e.parse(sys.argv[1]).getroot()\n"
                     "assert [t.get('name') for t in r.iter('testcase')]==['half-close','secret']\n"
                     "assert len(list(r.iter('failure')))==1"),
        0);
}

Test(report, the_example_comes_back_as_text)
{
    AUTO_JSON json_t *report = NULL;
    AUTO_BUF struct buf text = {0};
    struct err err = {0};
    cr_assert_eq(report_load("reports/example/report.json", &report, &err), 0, "%s", err.text);
    report_text(report, &(struct report_style){0}, &text);
    cr_assert_not_null(strstr(text.data, "strlen-on-binary  -3.50 points"));
    cr_assert_not_null(strstr(text.data, "waits for binary"));
    cr_assert_null(strstr(text.data, "echo      "), "what passed is told only when verbose");
}

Test(report, what_is_no_report_is_refused_with_its_place)
{
    json_t *report = NULL;
    struct err err = {0};
    cr_assert_eq(report_load("reports/report.schema.json", &report, &err), -1);
    cr_assert_eq(err.kind, ERR_USAGE);
    cr_assert_not_null(strstr(err.text, "no report"));
}
