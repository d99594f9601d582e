/* ${name} in texts. */
#include "base/own.h"
#include "scenario/vars.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_text(const struct vars *vars, const char *text, const char *wanted)
{
    AUTO_FREE char *out = NULL;
    struct err err = {0};
    cr_assert_eq(vars_expand(vars, text, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(out, wanted);
}

static void expect_error(const struct vars *vars, const char *text, const char *part)
{
    AUTO_FREE char *out = NULL;
    struct err err = {0};
    cr_assert_eq(vars_expand(vars, text, &out, &err), -1);
    cr_expect_eq(err.kind, ERR_USAGE);
    cr_expect(strstr(err.text, part) != NULL, "%s", err.text);
}

Test(scenario_vars, are_replaced_wherever_they_stand)
{
    struct vars vars;
    vars_init(&vars, NULL);
    vars_set(&vars, "port", "7007");
    vars_set(&vars, "host", "10.0.0.2");
    expect_text(&vars, "", "");
    expect_text(&vars, "${host}:${port}", "10.0.0.2:7007");
    expect_text(&vars, "a${port}b${port}", "a7007b7007");
    expect_text(&vars, "no $ and no {port}", "no $ and no {port}");
    vars_done(&vars);
}

Test(scenario_vars, inner_scopes_hide_outer_ones)
{
    struct vars outer;
    struct vars inner;
    vars_init(&outer, NULL);
    vars_init(&inner, &outer);
    vars_set(&outer, "i", "1");
    vars_set(&outer, "text", "lane ${i}");
    expect_text(&inner, "${text}", "lane 1");
    vars_set(&inner, "i", "2");
    vars_set(&inner, "i", "3");
    expect_text(&inner, "${text}", "lane 3");
    expect_text(&outer, "${text}", "lane 1");
    cr_expect_str_eq(vars_get(&inner, "i"), "3");
    cr_expect_null(vars_get(&inner, "j"));
    vars_done(&inner);
    vars_done(&outer);
}

Test(scenario_vars, errors_name_the_culprit)
{
    struct vars vars;
    vars_init(&vars, NULL);
    vars_set(&vars, "a", "${b}");
    vars_set(&vars, "b", "${a}");
    vars_set(&vars, "c", "x${nothing}");
    expect_error(&vars, "${nobody}", "${nobody}");
    expect_error(&vars, "${c}", "${nothing}");
    expect_error(&vars, "${a", "without its '}'");
    expect_error(&vars, "${a}", "deep");
    expect_error(&vars, "${}", "${}");
    vars_done(&vars);
}

Test(scenario_vars, growth_is_bounded)
{
    struct vars vars;
    vars_init(&vars, NULL);
    vars_set(&vars, "v0", "");
    for (int i = 1; i < 8; i++) {
        char name[16];
        char value[256] = "";
        (void)snprintf(name, sizeof name, "v%d", i);
        for (int k = 0; k < 20; k++) {
            const size_t len = strlen(value);
            (void)snprintf(value + len, sizeof value - len, "${v%d}", i - 1);
        }
        vars_set(&vars, name, value);
    }
    expect_error(&vars, "${v7}", "replacements"); /* 20^7 of them otherwise */
    vars_done(&vars);

    enum { BIG = 4 << 20 };
    char *big = xmalloc(BIG + 1);
    memset(big, 'x', BIG);
    big[BIG] = '\0';
    vars_init(&vars, NULL);
    vars_set(&vars, "big", big);
    expect_error(&vars, "${big}${big}${big}${big}${big}", "longer than");
    vars_done(&vars);
    free(big);
}
