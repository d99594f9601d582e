/* cli/report.c: `sockgrade report`: a stored report in another form. */
#include "cli/cli.h"

#include "base/io.h"
#include "base/own.h"
#include "report/report.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

struct wanted {
    const char *format, *output, *file;
    bool verbose, help;
};

static void print_help(void)
{
    (void)printf("usage: sockgrade report [OPTION...] FILE\n\n"
                 "Shows a stored report (the JSON that grade and batch write) in another form.\n\n"
                 "  --format FORM    text (default), json or junit\n"
                 "  -o, --output F   write to the file F\n"
                 "  -v, --verbose    text: passed scenarios and wire logs, too\n"
                 "      --help       this text\n");
}

static int parse(int argc, char **argv, struct wanted *ret, struct err *err)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *ret = (struct wanted){.format = "text"};
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "o:vh", options, NULL)) != -1;) {
        if (c == 'f')
            ret->format = optarg;
        else if (c == 'o')
            ret->output = optarg;
        else if (c == 'v')
            ret->verbose = true;
        else if (c == 'h')
            ret->help = true;
        else
            return err_set(err, ERR_USAGE, "report: option '%s' is unknown or lacks its value",
                           argv[optind - 1]);
    }
    if (ret->help)
        return 0;
    if (argc - optind != 1)
        return err_set(err, ERR_USAGE,
                       "report: name one report file; see `sockgrade report --help`");
    ret->file = argv[optind];
    if (strcmp(ret->format, "text") != 0 && strcmp(ret->format, "json") != 0 &&
        strcmp(ret->format, "junit") != 0)
        return err_set(err, ERR_USAGE, "report: --format is text, json or junit, not '%s'",
                       ret->format);
    return 0;
}

static void render_text(const json_t *report, const struct wanted *wanted, struct buf *out)
{
    const char *no_color = getenv("NO_COLOR");
    struct winsize size = {0};
    bool terminal = !wanted->output && isatty(STDOUT_FILENO) == 1;
    if (!terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40)
        size.ws_col = 0;
    struct report_style style = {
        .colour = terminal && !(no_color && *no_color),
        .verbose = wanted->verbose,
        .width = size.ws_col,
    };
    report_text(report, &style, out);
}

static int show(const struct wanted *wanted, struct err *err)
{
    AUTO_JSON json_t *report = NULL;
    AUTO_BUF struct buf out = {0};
    if (report_load(wanted->file, &report, err) != 0)
        return -1;
    if (strcmp(wanted->format, "junit") == 0)
        report_junit(report, &out);
    else if (strcmp(wanted->format, "text") == 0)
        render_text(report, wanted, &out);
    else if (report_json_text(report, &out, err) != 0)
        return -1;
    if (wanted->output)
        return io_write_file_atomic(wanted->output, out.data, out.len, err);
    if (io_write_full(STDOUT_FILENO, out.data, out.len) != 0)
        return err_set(err, ERR_HOST, "writing to standard output: %m");
    return 0;
}

int cli_report(int argc, char **argv)
{
    struct wanted wanted;
    struct err err = {0};
    int result = parse(argc, argv, &wanted, &err);
    if (result == 0 && wanted.help)
        print_help();
    else if (result == 0)
        result = show(&wanted, &err);
    if (result == 0)
        return EXIT_FULL_MARKS;
    (void)fprintf(stderr, "sockgrade: %s\n", err.text);
    return err.kind == ERR_USAGE ? EXIT_USAGE : EXIT_HOST;
}
