/* cli/doctor.c: `sockgrade doctor`: what this machine can do, what will be used, and a remedy for each lack. */
#include "cli/cli.h"
#include "cli/scope.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/temp.h"
#include "grade_machines.h"
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PROBES 40

static bool print_probes(void)
{
    struct sandbox_probe probes[MAX_PROBES];
    size_t count = sandbox_probe(probes, MAX_PROBES);
    bool can_grade = count > 0;
    for (size_t i = 0; i < count; i++) {
        const char *mark = probes[i].ok ? "ok" : probes[i].required ? "MISSING" : "lacks";
        (void)printf("%-8s %-22s %s\n", mark, probes[i].name, probes[i].detail);
        can_grade = can_grade && (probes[i].ok || !probes[i].required);
    }
    return can_grade;
}

/* Nobody needs them to grade: they explain what failed about byte order. */
static void print_other_machines(void)
{
    static const char *const what[MACHINES] = {"big-endian", "32 bits"};
    for (int machine = 0; machine < MACHINES; machine++) {
        AUTO_FREE char *lacks = machine_lacks((enum machine)machine);
        AUTO_FREE char *name =
            xasprintf("%s (%s)", machine_name((enum machine)machine), what[machine]);
        (void)printf("%-8s %-22s %s\n", lacks ? "lacks" : "ok", name,
                     lacks ? lacks : "what fails about byte order is played there, too");
    }
}

/* Best first; the words are those of sandbox_status(). */
static void print_ladder(const char *in_force)
{
    static const struct {
        const char *tier, *what;
    } rungs[] = {
        {"namespaces", "two hosts joined by veth, a /proc of its own in every box"},
        {"namespaces, no /proc", "LeakSanitizer and what else reads /proc does not run"},
        {"one-host", "program and peers share a host: no veth"},
        {"one-host, no /proc", "both"},
    };
    (void)printf(
        "\nthe ladder; a grade takes the best that works, and refuses (exit 3) below it:\n");
    for (size_t i = 0; i < ARRAY_SIZE(rungs); i++)
        (void)printf("  %s %-22s %s\n", strcmp(in_force, rungs[i].tier) == 0 ? "->" : "  ",
                     rungs[i].tier, rungs[i].what);
}

/* Opens the sandbox for real: what a grade would use. */
static int print_in_force(void)
{
    struct temp temp = {0};
    struct err err = {0};
    struct sandbox *sandbox = NULL;
    if (temp_make("/tmp", "sockgrade-doctor", &temp, &err) != 0) {
        (void)printf("\n%s\n", err.text);
        return -1;
    }
    struct sandbox_options options = {.work_dir = temp.path};
    int result = sandbox_open(&options, &sandbox, &err);
    if (result == 0) {
        const struct sandbox_status *status = sandbox_status(sandbox);
        print_ladder(status->tier);
        (void)printf("\na grade would use: isolation by %s, limits by %s\n", status->tier,
                     status->limits);
        (void)printf("a control group delegated to this user: %s\n", scope_finding());
        for (size_t i = 0; i < ARRAY_SIZE(status->lacks) && status->lacks[i]; i++)
            (void)printf("  without: %s\n", status->lacks[i]);
    } else {
        print_ladder("");
        (void)printf("\ngrading is not possible here: %s\n", err.text);
    }
    sandbox_close(sandbox);
    temp_done(&temp);
    return result;
}

int cli_doctor(int argc, char **argv)
{
    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
        (void)fprintf(help ? stdout : stderr,
                      "usage: sockgrade doctor\n\n"
                      "Tries what a grade needs, and says the remedy for each lack.\n\n"
                      "exit status: 0 this machine can grade, 3 it cannot\n");
        return help ? EXIT_FULL_MARKS : EXIT_USAGE;
    }
    bool can_grade = print_probes();
    print_other_machines();
    return print_in_force() == 0 && can_grade ? EXIT_FULL_MARKS : EXIT_HOST;
}
