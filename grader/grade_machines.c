/* grade_machines.c: see grade_machines.h: what is asked, of whom, and the runs. */
#include "grade_machines.h"

#include "base/mem.h"
#include "base/own.h"
#include "grade_wanted.h"

#include <string.h>
#include <sys/stat.h>

/* Both under an emulator: the processor could run programs of 32 bits itself, but a box ends whoever makes system calls of
 * another ABI (sandbox/filter.c), and the emulator makes those of this one. */
static const struct {
    enum build_kind kind;
    const char *emulator;
    const char *packages; /* of Debian 12 */
} kinds[MACHINES] = {
    [MACHINE_BIG_ENDIAN] = {BUILD_BIG_ENDIAN, "/usr/bin/qemu-s390x",
                            "gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user"},
    [MACHINE_32_BIT] = {BUILD_32_BIT, "/usr/bin/qemu-i386",
                        "gcc-12-multilib libc6-dev-i386 qemu-user"},
};

char *machine_lacks(enum machine machine)
{
    struct stat status;
    AUTO_FREE char *lacks = build_lacks(kinds[machine].kind);
    if (!lacks && (stat(kinds[machine].emulator, &status) != 0 || !S_ISREG(status.st_mode)))
        lacks = xasprintf("its emulator (%s) is not installed", kinds[machine].emulator);
    return lacks ? xasprintf("%s: make deps-bigendian, or apt install %s", lacks,
                             kinds[machine].packages)
                 : NULL;
}

/* ---- what is to be played ---- */

/* Load is left out: an emulated program is slow, and many clients say no more than one does. */
static bool suits(const struct scenario *scenario)
{
    return scenario->sanitizable && scenario->level != LEVEL_LOAD;
}

static bool is_built(const struct machines_pass *pass, const char *program)
{
    const struct build_program *built = build_program(pass->build, program);
    return built && built->present && !ready_made_find(pass->ready_made, program);
}

/* All that a scenario starts must be of the other machine, or the answer would be about something else. */
static bool all_built(const struct machines_pass *pass, const struct assignment *file,
                      const struct scenario *scenario)
{
    struct wanted_programs wanted;
    bool all = true;
    wanted_by_scenario(file, scenario, &wanted);
    for (size_t i = 0; i < wanted.count; i++)
        all = all && is_built(pass, wanted.names[i]);
    wanted_programs_done(&wanted);
    return all;
}

/* The rule: what failed by a class that is about byte order, or, but for its gates, in an assignment that is; with
 * --other-machines=all, of such an assignment also what passed. A gate that fails by another class means a program that
 * does not run at all. */
static bool is_asked(const struct machines_pass *pass, const struct assignment *file, size_t i,
                     const struct schedule_assignment *here)
{
    const struct verdict *verdict = &here->verdicts[i];
    const bool failed = verdict->kind == VERDICT_FAILED || verdict->kind == VERDICT_NON_STRICT;
    const struct bug_class *class = classes_find(pass->grade->suite->classes, verdict->class_name);
    if (!here->ran[i] || !suits(&file->scenarios[i]) || !all_built(pass, file, &file->scenarios[i]))
        return false;
    if (failed)
        return (file->byte_order && !file->scenarios[i].gate) ||
               (class && class->byte_order != BYTE_ORDER_NOT);
    return file->byte_order && verdict_passed(verdict) &&
           pass->options->other_machines == MACHINES_ALL;
}

static size_t select_scenarios(struct machines_pass *pass)
{
    const struct suite *suite = pass->grade->suite;
    size_t n = 0;
    pass->selected = xcalloc(suite->n_entries, sizeof *pass->selected);
    pass->answers = xcalloc(suite->n_entries, sizeof(struct machines_answers *));
    for (size_t a = 0; a < suite->n_entries; a++) {
        const struct assignment *file = suite->entries[a].assignment;
        pass->selected[a] = xcalloc(file->n_scenarios, sizeof **pass->selected);
        pass->answers[a] = xcalloc(file->n_scenarios, sizeof **pass->answers);
        for (size_t i = 0; i < file->n_scenarios; i++) {
            pass->selected[a][i] = is_asked(pass, file, i, &pass->grade->assignments[a]);
            pass->answers[a][i].asked =
                pass->selected[a][i] && pass->options->other_machines != MACHINES_OFF;
            n += pass->selected[a][i];
        }
    }
    return n;
}

/* ---- one machine ---- */

/* On a worker's thread. */
static void build_for(void *self)
{
    struct machine_side *side = self;
    const struct machines_pass *pass = side->pass;
    (void)wanted_build_selected(pass->sandbox, pass->submission, &side->suite, pass->work_dir,
                                kinds[side->machine].kind, &side->build, &side->build_error);
    for (size_t i = 0; i < side->suite.n_entries; i++) {
        const struct build_program *made =
            build_program(side->build, side->entries[i].assignment->program);
        if (!made || !made->of_kind)
            side->schedule.assignments[i].blocked_by = "build";
    }
    side->place.bin_dir = side->build ? side->build->bin_dir : NULL;
}

static void open_side(struct machines_pass *pass, enum machine machine)
{
    const struct suite *suite = pass->grade->suite;
    struct machine_side *side = &pass->sides[machine];
    *side = (struct machine_side){
        .machine = machine,
        .asked = true,
        .suite = *suite,
        .entries = xcalloc(suite->n_entries, sizeof *side->entries),
        .place = {.sandbox = pass->sandbox, .emulator = kinds[machine].emulator},
        .pass = pass,
    };
    side->suite.entries = side->entries;
    side->schedule = (struct schedule){
        .suite = &side->suite,
        .assignments = xcalloc(suite->n_entries, sizeof *side->schedule.assignments),
        .place = &side->place,
        .fixed_vars = pass->grade->fixed_vars,
        .options = pass->options,
        .stage = "other machines",
        .self = side,
        .prepare = build_for,
    };
    for (size_t i = 0; i < suite->n_entries; i++) {
        side->entries[i] = suite->entries[i];
        side->entries[i].selected = pass->selected[i];
        side->schedule.assignments[i].entry = &side->entries[i];
    }
}

/* Both are built before the first scenario is played, side by side. */
static void play(struct machines_pass *pass)
{
    struct schedule *passes[MACHINES];
    size_t count = 0;
    for (int machine = 0; machine < MACHINES; machine++) {
        struct machine_told *told = &pass->result.machines[machine];
        *told = (struct machine_told){.machine = (enum machine)machine, .status = "lacking"};
        told->text = machine_lacks((enum machine)machine);
        if (told->text)
            continue;
        open_side(pass, (enum machine)machine);
        passes[count++] = &pass->sides[machine].schedule;
    }
    pass->result.n_machines = MACHINES;
    pass->result.status = count ? "played" : "skipped";
    if (count)
        schedule_run(passes, count);
    else
        pass->result.text = "What failed about byte order could not be compared with other "
                            "machines: the tools are not installed. No points depend on it.";
}

void machines_play(struct machines_pass *pass)
{
    const size_t n = select_scenarios(pass);
    pass->result.status = "none";
    if (n > 0 && pass->options->other_machines == MACHINES_OFF)
        pass->result.status = "off";
    else if (n > 0)
        play(pass);
    machines_tell(pass);
}

static void side_done(struct machine_side *side)
{
    if (side->schedule.assignments)
        schedule_done(&side->schedule);
    free(side->entries);
    build_free(side->build);
}

void machines_done(struct machines_pass *pass)
{
    for (size_t a = 0; pass->selected && a < pass->grade->suite->n_entries; a++) {
        free(pass->selected[a]);
        free(pass->answers[a]);
    }
    free((void *)pass->selected);
    free((void *)pass->answers);
    for (int machine = 0; machine < MACHINES; machine++) {
        side_done(&pass->sides[machine]);
        free(pass->result.machines[machine].text);
    }
    for (size_t i = 0; i < pass->result.n_findings; i++)
        free((void *)pass->result.findings[i].scenarios);
    free(pass->result.findings);
}
