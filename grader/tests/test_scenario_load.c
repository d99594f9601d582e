/* A scenario file as checked plain data: what each key becomes. */
#include "scenario/load.h"
#include "tests/scenario_help.h"

#include <signal.h>

static struct assignment *load_steps_text(const char *steps)
{
    AUTO_FREE char *text = help_file(steps);
    return help_load(text);
}

static const char head[] =
    "{\"$schema\": \"scenario.schema.json\", \"assignment\": \"tcp-echo-server\", \"title\": "
    "\"Echo\",\n"
    " \"note\": \"n\", \"program\": \"p\", \"args\": [\"${port}\", \"x\"], \"ready\": \"tcp "
    "${port}\",\n"
    " \"within\": 1.5, \"cap\": 0.25, \"vars\": {\"get\": \"GET ${path}\", \"n\": 5},\n"
    " \"world\": {\"files\": {\"a\": \"file's\", \"b\": {\"data\": \"x\", \"mode\": \"000\"}},\n"
    "            \"hosts\": {\"echo.test\": [\"${peer}\", \"${peer2}\"]}, \"addresses\": "
    "[\"10.0.0.9\"],\n"
    "            \"limits\": {\"nofile\": 64, \"memory\": 100}},\n"
    " \"setup\": [{\"start\": \"srv\"}],\n"
    " \"define\": {\"first\": [{\"do\": \"second\"}], \"second\": [{\"wait\": 0.5}]},\n"
    " \"scenarios\": [\n"
    "  {\"id\": \"starts\", \"title\": \"S\", \"gate\": true, \"steps\": [{\"check\": \"srv\", "
    "\"alive\": true}]},\n"
    "  {\"id\": \"b\", \"title\": \"B\", \"note\": \"why\", \"level\": \"hostile\", \"force\": "
    "\"should\", \"points\": 2.5,\n"
    "   \"show\": \"name\", \"standard\": \"RFC 862\", \"hint\": \"no-echo\", \"setup\": false, "
    "\"repeat_seed\": 3,\n"
    "   \"world\": {\"files\": {\"a\": \"scenario's\", \"c\": {\"link\": \"../x\"}, \"d\": "
    "{\"fifo\": true}, \"e\": {\"sparse\": 1000}},\n"
    "             \"limits\": {\"nofile\": 12}, \"addresses\": [\"10.0.0.10\"]},\n"
    "   \"steps\": [{\"wait\": 0}, {\"wait\": 0, \"force\": \"must\"}, {\"do\": \"first\"},\n"
    "     {\"repeat\": [1, \"two\", {\"hex\": \"33\"}], \"as\": \"path\", \"steps\": [{\"open\": "
    "\"c${path}\", \"udp\": \"${get}:1\"}]}]},\n"
    "  {\"id\": \"c\", \"title\": \"C\", \"needs\": [\"b\", \"starts\"], \"steps\": [\n"
    "     {\"check\": \"srv\", \"cpu\": \"<=0.2\", \"for\": 0.5}]}\n"
    " ]}";

Test(scenario_load, the_head_of_a_file)
{
    struct assignment *a = help_load(head);
    cr_expect_str_eq(a->id, "tcp-echo-server");
    cr_expect_str_eq(a->title, "Echo");
    cr_expect_str_eq(a->program, "p");
    cr_assert_eq(a->n_args, 2);
    cr_expect_str_eq(a->args[0], "${port}");
    cr_expect_str_eq(a->ready, "tcp ${port}");
    cr_expect(a->within_s > 1.4 && a->within_s < 1.6);
    cr_expect(a->cap > 0.24 && a->cap < 0.26);
    cr_assert_eq(a->n_vars, 2);
    cr_expect_str_eq(a->vars[1].name, "n");
    cr_expect_str_eq(a->vars[1].value, "5");
    cr_expect_eq(a->n_scenarios, 3);
    assignment_free(a);
}

Test(scenario_load, the_head_of_a_scenario)
{
    struct assignment *a = help_load(head);
    const struct scenario *s = &a->scenarios[1];
    cr_expect_str_eq(s->id, "b");
    cr_expect_str_eq(s->note, "why");
    cr_expect_str_eq(level_name(s->level), "hostile");
    cr_expect_str_eq(show_name(s->show), "name");
    cr_expect(s->force == FORCE_SHOULD && s->rfc);
    cr_expect(s->points > 2.4 && s->points < 2.6);
    cr_expect_str_eq(s->standard, "RFC 862");
    cr_expect_str_eq(s->hints.any, "no-echo");
    cr_expect_eq(s->repeat_seed, 3);
    cr_expect(s->n_setup == 0 && s->n_steps == 4);
    cr_expect(a->scenarios[0].n_setup == 1 && a->scenarios[0].n_steps == 2);
    cr_expect(a->scenarios[0].force == FORCE_MUST && !a->scenarios[0].rfc);
    cr_expect(a->scenarios[0].repeat_seed == 1 && a->scenarios[0].level == LEVEL_BASIC);
    cr_expect(a->scenarios[2].alone && !s->alone);
    assignment_free(a);
}

Test(scenario_load, gates_are_needed_by_all_that_follows)
{
    struct assignment *a = help_load(head);
    cr_expect(a->scenarios[0].gate && a->scenarios[0].n_needs == 0);
    cr_assert_eq(a->scenarios[1].n_needs, 1);
    cr_expect_eq(a->scenarios[1].needs[0], 0);
    cr_assert_eq(a->scenarios[2].n_needs, 2);
    cr_expect(a->scenarios[2].needs[0] == 0 && a->scenarios[2].needs[1] == 1);
    assignment_free(a);
}

Test(scenario_load, a_scenario_s_force_is_that_of_its_own_steps)
{
    struct assignment *a = help_load(head);
    const struct scenario *s = &a->scenarios[1];
    cr_expect_eq(s->steps[0].force, FORCE_SHOULD);
    cr_expect_eq(s->steps[1].force, FORCE_MUST);
    cr_expect_eq(s->steps[2].u.definition->steps[0].force, FORCE_MUST);
    cr_expect_eq(s->steps[3].u.repeat.steps[0].force, FORCE_SHOULD);
    cr_expect_eq(a->scenarios[0].steps[0].force, FORCE_MUST);
    assignment_free(a);
}

static const struct world_file *file(const struct world *world, const char *path)
{
    for (size_t i = 0; i < world->n_files; i++)
        if (strcmp(world->files[i].path, path) == 0)
            return &world->files[i];
    cr_assert_fail("no %s", path);
    return NULL;
}

Test(scenario_load, the_scenario_s_world_lies_on_the_file_s)
{
    struct assignment *a = help_load(head);
    const struct world *outer = &a->scenarios[0].world;
    const struct world *inner = &a->scenarios[1].world;
    cr_expect_eq(outer->n_files, 2);
    cr_assert_eq(inner->n_files, 5);
    cr_expect(file(outer, "a")->data != file(inner, "a")->data);
    cr_expect(file(inner, "b")->mode == S_IFREG);
    cr_expect_eq(file(inner, "a")->mode, 0);
    cr_expect(file(inner, "c")->kind == WORLD_LINK);
    cr_expect_str_eq(file(inner, "c")->target, "../x");
    cr_expect_eq(file(inner, "d")->kind, WORLD_FIFO);
    cr_expect(file(inner, "e")->kind == WORLD_SPARSE && file(inner, "e")->size == 1000);
    cr_expect(inner->n_hosts == 1 && inner->hosts[0].n_addresses == 2);
    cr_expect_eq(inner->n_addresses, 2);
    cr_expect_eq(inner->limits_only.limits.open_files, 12);
    cr_expect(inner->limits_only.limits.memory_mib > 99);
    cr_expect_eq(outer->limits_only.limits.open_files, 64);
    assignment_free(a);
}

Test(scenario_load, places_of_steps)
{
    struct assignment *a = help_load(head);
    const struct step *step = &a->scenarios[1].steps[3].u.repeat.steps[0];
    cr_expect_str_eq(step->path, "scenarios[1].steps[3].steps[0]");
    cr_expect(step->where.line == 16 && step->where.column == 68, "%d:%d", step->where.line,
              step->where.column);
    cr_expect_str_eq(a->scenarios[0].steps[0].path, "setup[0]");
    cr_expect_str_eq(a->scenarios[1].steps[2].u.definition->steps[0].path, "define.first[0]");
    assignment_free(a);
}

Test(scenario_load, verbs_that_act)
{
    struct assignment *a =
        load_steps_text("{\"start\": \"b\", \"program\": \"q\", \"args\": [], \"stdin\": "
                        "\"closed\", \"ready\": \"none\",\n"
                        " \"limits\": {\"as\": 512, \"nproc\": 9, \"cpu\": 3}, \"within\": 4},\n"
                        "{\"open\": \"a\", \"tcp\": \"${host}:${port}\", \"from\": "
                        "\"${peer2}:${port2}\", \"rcvbuf\": 4096, \"read\": false},\n"
                        "{\"open\": \"l\", \"listen\": \"${peer}:${swap}\"}, {\"open\": \"x\", "
                        "\"accept\": \"l\", \"never\": true},\n"
                        "{\"open\": \"u\", \"udp\": \"[${host6}]:${port}\", \"connected\": true}, "
                        "{\"open\": \"w\", \"bind\": \"${peer}:${port}\"},\n"
                        "{\"open\": \"r\", \"tcp\": \"${host}:1\", \"refused\": true},\n"
                        "{\"send\": \"a\", \"data\": \"abcdef\", \"cut\": [1, 3], \"gap\": 0.01, "
                        "\"stall\": 2, \"may_fail\": true},\n"
                        "{\"send\": \"a\", \"data\": \"abc\", \"cut\": 2}, {\"send\": \"w\", "
                        "\"data\": \"x\", \"to\": \"u\"},\n"
                        "{\"close\": \"a\", \"how\": \"write\"}, {\"close\": \"srv\", \"how\": "
                        "\"STOP\"}, {\"close\": \"a\", \"how\": \"reset\"}, {\"close\": \"b\"}");
    const struct step *s = a->scenarios[0].steps + 1;
    cr_expect_str_eq(s[0].u.start.program, "q");
    cr_expect(s[0].u.start.args_set && s[0].u.start.n_args == 0 && s[0].u.start.stdin_closed);
    cr_expect_str_eq(s[0].u.start.ready, "none");
    cr_expect(s[0].u.start.limits.address_mib > 511 && s[0].u.start.limits.processes == 9 &&
              s[0].u.start.limits.cpu_seconds == 3);
    cr_expect(s[0].within_s > 3.9 && s[1].within_s < 0);
    cr_expect_eq(s[1].u.open.kind, OPEN_TCP);
    cr_expect_str_eq(s[1].u.open.from, "${peer2}:${port2}");
    cr_expect(s[1].u.open.rcvbuf == 4096 && s[1].u.open.no_read);
    cr_expect(s[2].u.open.kind == OPEN_LISTEN && s[3].u.open.kind == OPEN_ACCEPT);
    cr_expect(s[3].u.open.never);
    cr_expect_str_eq(s[3].u.open.target, "l");
    cr_expect(s[4].u.open.kind == OPEN_UDP && s[4].u.open.connected);
    cr_expect_eq(s[5].u.open.kind, OPEN_BIND);
    cr_expect(s[6].u.open.refused);
    cr_expect(s[7].u.send.n_cuts == 2 && s[7].u.send.cuts[1] == 3 && s[7].u.send.may_fail);
    cr_expect(s[7].u.send.gap_s > 0.009 && s[7].u.send.stall_s > 1.9);
    cr_expect_eq(s[8].u.send.cut_every, 2);
    cr_expect_str_eq(s[9].u.send.to, "u");
    cr_expect_eq(s[10].u.close.how, CLOSE_WRITE);
    cr_expect(s[11].u.close.how == CLOSE_SIGNAL && s[11].u.close.signal == SIGSTOP);
    cr_expect_eq(s[12].u.close.how, CLOSE_RESET);
    cr_expect_eq(s[13].u.close.how, CLOSE_BOTH);
    assignment_free(a);
}

Test(scenario_load, expectations_and_hints)
{
    struct assignment *a =
        load_steps_text("{\"open\": \"a\", \"tcp\": \"${host}:${port}\"},\n"
                        "{\"expect\": \"a\", \"data\": \"x\", \"eof\": true, \"hint\": "
                        "{\"nothing\": \"p\", \"other\": \"q\"},\n"
                        " \"else\": [{\"closed\": true, \"verdict\": \"non-strict\"}, {\"data\": "
                        "\"y\", \"hint\": \"z\"}]},\n"
                        "{\"expect\": \"a\", \"silence\": 0.5, \"open\": true}, {\"expect\": "
                        "\"a\", \"count\": 7},\n"
                        "{\"expect\": \"srv.err\", \"matches\": \"^a[0-9]$\"},\n"
                        "{\"expect\": \"a\", \"http\": {\"status\": [200, \"4xx\"], \"headers\": "
                        "{\"Date\": \"GMT\", \"X-A\": null},\n"
                        "  \"method\": \"HEAD\", \"framing\": \"chunked\", \"body\": \"b\"}},\n"
                        "{\"expect\": \"a\", \"http\": {\"request\": \"GET / HTTP/1.1\"}},\n"
                        "{\"fetch\": \"http://${host}:${port}/\", \"method\": \"GET\", "
                        "\"request_headers\": {\"X\": \"y\"}, \"status\": 200}");
    const struct step *s = a->scenarios[0].steps + 2;
    cr_expect(s[0].expect.data && s[0].expect.eof);
    cr_expect_str_eq(s[0].hints.by_outcome[OUTCOME_NOTHING], "p");
    cr_expect_str_eq(s[0].hints.by_outcome[OUTCOME_OTHER], "q");
    cr_expect_null(s[0].hints.any);
    cr_assert_eq(s[0].n_alternatives, 2);
    cr_expect(s[0].alternatives[0].closed && s[0].alternatives[0].verdict == VERDICT_NON_STRICT);
    cr_expect_str_eq(s[0].alternatives[1].hint, "z");
    cr_expect_eq(s[0].alternatives[1].verdict, VERDICT_FAILED);
    cr_expect(s[1].expect.silence_set && s[1].expect.open && s[1].expect.silence_s > 0.4);
    cr_expect(s[2].expect.count_set && s[2].expect.count == 7);
    cr_expect_str_eq(s[3].name, "srv.err");
    const struct http_want *http = s[4].expect.http;
    cr_expect(http->n_status == 2 && http->status[0] == 200 && http->status[1] == 4);
    cr_expect_str_eq(http->headers[0].name, "date");
    cr_expect_null(http->headers[1].pattern);
    cr_expect(http->framing == HTTP_FRAMING_CHUNKED && http->body);
    cr_expect_str_eq(http->method, "HEAD");
    cr_expect(s[5].expect.http->is_request);
    cr_expect_str_eq(s[6].u.fetch.url, "http://${host}:${port}/");
    cr_expect_eq(s[6].u.fetch.n_headers, 1);
    cr_expect_eq(s[6].u.fetch.want.n_status, 1);
    assignment_free(a);
}

Test(scenario_load, checks_and_their_bounds)
{
    struct assignment *a = load_steps_text(
        "{\"check\": \"srv\", \"alive\": false, \"fds\": \"+2\", \"threads\": 1, \"children\": "
        "\">=1\", \"zombies\": 0,\n"
        " \"rss\": \"+64MiB\", \"listening\": \"tcp ${port}\", \"within\": 1},\n"
        "{\"check\": \"srv\", \"exit\": [0, 2]}, {\"check\": \"srv\", \"exit\": \"nonzero\"},\n"
        "{\"check\": \"srv\", \"cpu\": \"<= 0.25\", \"for\": 0.5}, {\"check\": \"srv\", "
        "\"listening\": false}");
    const struct check_step *c = &a->scenarios[0].steps[1].u.check;
    cr_expect(c->alive_set && !c->alive);
    cr_expect(c->fds.kind == BOUND_GROWTH && c->threads.kind == BOUND_EQUAL &&
              c->children.kind == BOUND_AT_LEAST && c->zombies.kind == BOUND_EQUAL);
    cr_expect(c->rss.kind == BOUND_GROWTH && c->rss.value > 67108863.0 &&
              c->rss.value < 67108865.0);
    cr_expect_eq(c->cpu.kind, BOUND_NONE);
    cr_expect_str_eq(c->listening, "tcp ${port}");
    c = &a->scenarios[0].steps[2].u.check;
    cr_expect(c->exit_set && c->n_exits == 2 && c->exits[1] == 2);
    cr_expect(a->scenarios[0].steps[3].u.check.exit_nonzero);
    c = &a->scenarios[0].steps[4].u.check;
    cr_expect(c->cpu.kind == BOUND_AT_MOST && c->for_s > 0.4);
    c = &a->scenarios[0].steps[5].u.check;
    cr_expect(c->not_listening && c->listening && !c->listening[0]);
    assignment_free(a);
}

Test(scenario_load, loops_and_lanes)
{
    struct assignment *a =
        load_steps_text("{\"repeat\": 3, \"steps\": [{\"wait\": 0}]},\n"
                        "{\"parallel\": 4, \"as\": \"k\", \"steps\": [{\"open\": \"c\", \"tcp\": "
                        "\"${host}:${port}\"}, {\"meet\": \"all in\"},"
                        "  {\"send\": \"c\", \"data\": \"${k}\"}]},\n"
                        "{\"parallel\": [[{\"wait\": 0}], [{\"wait\": 1}, {\"wait\": 2}]]}");
    const struct step *s = a->scenarios[0].steps + 1;
    cr_expect(s[0].u.repeat.count == 3 && s[0].u.repeat.n_steps == 1 && !s[0].u.repeat.values);
    cr_expect(s[1].u.repeat.count == 4 && s[1].u.repeat.n_steps == 3);
    cr_expect_str_eq(s[1].u.repeat.as, "k");
    cr_expect_str_eq(s[1].u.repeat.steps[1].name, "all in");
    cr_expect(s[2].u.repeat.n_lanes == 2 && s[2].u.repeat.count == 2);
    cr_expect_eq(s[2].u.repeat.lanes[1].n_steps, 2);
    cr_expect(a->scenarios[0].alone);
    assignment_free(a);
}
