/* tests of scenario/load_net.c: the network of a world. */
#include "tests/scenario_help.h"

/* One finding each, in "net" of the file's world. */
Test(scenario_net, one_finding_each)
{
    static const struct {
        const char *net, *part;
    } cases[] = {
        {"{\"dely\": 1}", "unknown key 'dely' (did you mean 'delay'?)"},
        {"{\"delay\": -1}", "world.net.delay: must lie between 0 and 10"},
        {"{\"delay\": \"20ms\"}", "world.net.delay: must be a number"},
        {"{\"rate\": 10}", "world.net.rate: must lie between 1000"},
        {"{\"mtu\": 64}", "world.net.mtu: must lie between 128 and 1500"},
        {"{\"loss\": 1.5}", "world.net.loss: must lie between 0 and 1"},
        {"{\"loss\": 1}", "'loss' of every packet"},
        {"{\"to_peers\": {\"loss\": {\"every\": 1}}}",
         "world.net.to_peers: 'loss' of every packet"},
        {"{\"loss\": []}", "world.net.loss: must be a list of 1 to 64 packet numbers"},
        {"{\"loss\": [0]}", "world.net.loss[0]: must lie between 1"},
        {"{\"loss\": [3, 3]}", "world.net.loss[1]: 3 stands there twice"},
        {"{\"duplicate\": \"all\"}", "world.net.duplicate: must be a share (0.1), a list"},
        {"{\"reorder\": {}}", "world.net.reorder: must be {\"every\": n}"},
        {"{\"reorder\": {\"evry\": 2, \"every\": 2}}",
         "unknown key 'evry' (did you mean 'every'?)"},
        {"{\"to_program\": {\"mtu\": 576}}", "world.net.to_program.mtu: unknown key"},
        {"{\"to_program\": 3}", "world.net.to_program: must be an object"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *text = xasprintf(
            "{\"assignment\": \"a\", \"world\": {\"net\": %s}, \"scenarios\": [{\"id\": \"a\", "
            "\"title\": \"t\", \"steps\": []}]}",
            cases[i].net);
        AUTO_FREE char *findings = help_lint_text(text);
        cr_expect(strstr(findings, cases[i].part) != NULL, "no \"%s\" in: %s", cases[i].part,
                  findings);
        cr_expect_eq(strchr(findings, '\n'), findings + strlen(findings) - 1, "%s", findings);
    }
}

/* What a direction does not say is that of both; a scenario's net takes the place of the file's; {} is none. */
Test(scenario_net, directions_and_worlds)
{
    struct assignment *a = help_load(
        "{\"assignment\": \"a\", \"world\": {\"net\": {\"delay\": 0.02, \"mtu\": 576, \"loss\": "
        "0.1, \"rate\": 5000, \"to_peers\": {\"loss\": [2, 5], \"delay\": 0}, \"to_program\": "
        "{\"reorder\": {\"every\": 3}}}}, \"scenarios\": ["
        "{\"id\": \"a\", \"title\": \"t\", \"steps\": []},"
        "{\"id\": \"b\", \"title\": \"t\", \"world\": {\"net\": {\"duplicate\": 1}}, \"steps\": "
        "[]},"
        "{\"id\": \"c\", \"title\": \"t\", \"world\": {\"net\": {}}, \"steps\": []}]}");
    const struct world_net *net = a->scenarios[0].world.net;
    cr_assert(net != NULL);
    cr_expect_eq(net->mtu, 576);
    cr_expect(net->to_program.delay_s > 0.019 && net->to_program.delay_s < 0.021);
    cr_expect(net->to_program.rate > 4999 && net->to_peers.rate > 4999);
    cr_expect(net->to_program.loss.share > 0.09 && net->to_program.loss.n_numbers == 0);
    cr_expect_eq(net->to_program.reorder.every, 3);
    cr_expect(net->to_peers.delay_s < 0.001 && net->to_peers.reorder.every == 0);
    cr_expect(net->to_peers.loss.share < 0.001 && net->to_peers.loss.n_numbers == 2);
    cr_expect(net->to_peers.loss.numbers[0] == 2 && net->to_peers.loss.numbers[1] == 5);
    net = a->scenarios[1].world.net;
    cr_assert(net != NULL);
    cr_expect(net->mtu == 0 && net->to_peers.duplicate.share > 0.99 &&
              net->to_peers.loss.n_numbers == 0);
    cr_expect(a->scenarios[2].world.net == NULL);
    assignment_free(a);
}
