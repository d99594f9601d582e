/* verdict/points.c: what the verdicts of an assignment cost: weights scaled to its points, and the cap of each class. */
#include "verdict/verdict.h"

#include "base/mem.h"
#include "base/own.h"

#include <string.h>

/* Why a scenario loses points: under which class, or outside every cap. */
struct blame {
    const char *class_name; /* NULL: no class, no cap */
    bool in_full; /* a gate, a program that does not work at all, or behind one: no cap helps */
};

/* What the program is for does not work at all: it has shown nothing that a cap could save. */
static bool is_useless(const struct suite_entry *entry, const struct verdict *verdicts)
{
    for (size_t i = 0; i < entry->assignment->n_scenarios; i++)
        if (entry->assignment->scenarios[i].core && verdicts[i].kind == VERDICT_FAILED &&
            verdicts[i].uncapped)
            return true;
    return false;
}

static bool counts(const struct suite_entry *entry, size_t i)
{
    return !entry->selected || entry->selected[i];
}

static double weight(const struct suite_entry *entry, size_t i)
{
    double factor = entry->factors ? entry->factors[i] : 1;
    return counts(entry, i) ? entry->assignment->scenarios[i].points * factor : 0;
}

/* Needs point backwards only, so the blame of a need is known before it is handed on. */
static void find_blame(const struct suite_entry *entry, const struct verdict *verdicts,
                       struct blame *blame)
{
    for (size_t i = 0; i < entry->assignment->n_scenarios; i++) {
        const struct scenario *scenario = &entry->assignment->scenarios[i];
        blame[i] = (struct blame){verdicts[i].class_name, scenario->gate || verdicts[i].uncapped};
        for (size_t n = 0; verdicts[i].kind == VERDICT_SKIPPED && n < scenario->n_needs; n++) {
            const struct blame *need = &blame[scenario->needs[n]];
            if (verdict_passed(&verdicts[scenario->needs[n]]))
                continue;
            blame[i].in_full = blame[i].in_full || need->in_full;
            if (!blame[i].class_name)
                blame[i].class_name = need->class_name;
        }
    }
}

/* What is left of the cap of scenario i's class after the scenarios before it. */
static double allowance(const struct suite_entry *entry, const struct blame *blame,
                        const struct points *points, size_t i)
{
    double left = entry->assignment->cap * entry->points;
    for (size_t k = 0; k < i; k++)
        if (!blame[k].in_full && blame[k].class_name &&
            strcmp(blame[k].class_name, blame[i].class_name) == 0)
            left -= points[k].max - points[k].score;
    return left > 0 ? left : 0;
}

double verdict_points(const struct suite_entry *entry, const struct verdict *verdicts,
                      struct points *ret, double *ret_max, bool *ret_withheld)
{
    size_t count = entry->assignment->n_scenarios;
    AUTO_FREE struct blame *blame = xcalloc(count ? count : 1, sizeof *blame);
    find_blame(entry, verdicts, blame);
    bool useless = is_useless(entry, verdicts);
    *ret_withheld = false;
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += weight(entry, i);
    double score = 0;
    *ret_max = total > 0 ? entry->points : 0; /* nothing that counts was asked for */
    for (size_t i = 0; i < count; i++) {
        ret[i] = (struct points){.max = total > 0 ? weight(entry, i) * entry->points / total : 0};
        ret[i].class_name = blame[i].class_name;
        double loss = ret[i].max * (1 - verdicts[i].share);
        *ret_withheld = *ret_withheld || (counts(entry, i) && verdicts[i].kind == VERDICT_ERROR);
        if (loss > 0 && blame[i].class_name && !blame[i].in_full && !useless) {
            double most = allowance(entry, blame, ret, i);
            ret[i].capped = loss > most + 1e-9;
            loss = loss > most ? most : loss;
        }
        ret[i].score = ret[i].max - loss;
        score += ret[i].score;
    }
    return score;
}
