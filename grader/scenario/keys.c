/* scenario/keys.c: the tables of keys. */
#include "scenario/keys.h"

#include "base/own.h"

#include <string.h>

static const struct key file_keys[] = {
    {"$schema", NULL}, {"assignment", NULL}, {"title", NULL},      {"note", NULL},
    {"program", NULL}, {"args", NULL},       {"ready", NULL},      {"within", NULL},
    {"cap", NULL},     {"vars", NULL},       {"world", NULL},      {"setup", NULL},
    {"define", NULL},  {"scenarios", NULL},  {"byte_order", NULL},
};
static const struct key scenario_keys[] = {
    {"id", NULL},    {"title", NULL},  {"note", NULL},        {"level", NULL},
    {"force", NULL}, {"points", NULL}, {"show", NULL},        {"needs", NULL},
    {"gate", NULL},  {"core", NULL},   {"standard", NULL},    {"hint", NULL},
    {"world", NULL}, {"setup", NULL},  {"repeat_seed", NULL}, {"steps", NULL},
};
static const struct key step_keys[] = {
    {"within", NULL}, {"force", NULL}, {"hint", NULL}, {"note", NULL}};
static const struct key start_keys[] = {
    {"start", NULL},  {"program", NULL}, {"args", NULL},
    {"stdin", NULL},  {"ready", NULL},   {"until", "write it as 'ready'"},
    {"limits", NULL},
};
static const struct key open_keys[] = {
    {"open", NULL}, {"tcp", NULL},       {"listen", NULL},  {"accept", NULL},
    {"udp", NULL},  {"bind", NULL},      {"from", NULL},    {"rcvbuf", NULL},
    {"read", NULL}, {"connected", NULL}, {"refused", NULL}, {"never", NULL},
};
static const struct key send_keys[] = {
    {"send", NULL}, {"data", NULL},  {"to", NULL},       {"cut", NULL},
    {"gap", NULL},  {"stall", NULL}, {"may_fail", NULL},
};
static const struct key expect_keys[] = {{"expect", NULL}, {"else", NULL}, {"any_order", NULL}};
static const struct key close_keys[] = {{"close", NULL}, {"how", NULL}};
static const struct key check_keys[] = {
    {"check", NULL},   {"alive", NULL},    {"exit", NULL},      {"fds", NULL},
    {"threads", NULL}, {"children", NULL}, {"zombies", NULL},   {"rss", NULL},
    {"vsize", NULL},   {"cpu", NULL},      {"listening", NULL}, {"for", NULL},
};
static const struct key fetch_keys[] = {
    {"fetch", NULL},  {"method", NULL},  {"request_headers", NULL},
    {"status", NULL}, {"headers", NULL}, {"body", NULL},
};
static const struct key wait_keys[] = {{"wait", NULL}};
static const struct key repeat_keys[] = {{"repeat", NULL}, {"as", NULL}, {"steps", NULL}};
static const struct key parallel_keys[] = {{"parallel", NULL}, {"as", NULL}, {"steps", NULL}};
static const struct key do_keys[] = {{"do", NULL}};
static const struct key meet_keys[] = {{"meet", NULL}};
static const struct key expectation_keys[] = {
    {"data", NULL}, {"eof", NULL},       {"reset", NULL},   {"closed", NULL}, {"silence", NULL},
    {"open", NULL}, {"any_bytes", NULL}, {"matches", NULL}, {"count", NULL},  {"http", NULL},
};
static const struct key alternative_keys[] = {{"hint", NULL}, {"verdict", NULL}, {"note", NULL}};
static const struct key http_keys[] = {
    {"request", NULL}, {"status", NULL}, {"headers", NULL},
    {"body", NULL},    {"method", NULL}, {"framing", NULL},
};
static const struct key hint_keys[] = {
    {"nothing", NULL}, {"short", NULL},     {"eof", NULL},     {"reset", NULL}, {"open", NULL},
    {"extra", NULL},   {"different", NULL}, {"refused", NULL}, {"other", NULL},
};
static const struct key data_keys[] = {
    {"hex", NULL},  {"base64", NULL}, {"file", NULL},  {"gen", NULL}, {"size", NULL},
    {"seed", NULL}, {"pack", NULL},   {"times", NULL}, {"of", NULL},
};
static const struct key world_keys[] = {
    {"files", NULL},
    {"hosts", NULL},
    {"addresses", NULL},
    {"limits", NULL},
    {"net", NULL},
    {"calls", NULL},
    {"user", "not available: programs always run as an unprivileged user"},
};
static const struct key world_file_keys[] = {
    {"data", NULL}, {"mode", NULL}, {"link", NULL}, {"fifo", NULL}, {"sparse", NULL},
};
static const struct key net_keys[] = {
    {"delay", NULL},   {"rate", NULL}, {"loss", NULL},       {"duplicate", NULL},
    {"reorder", NULL}, {"mtu", NULL},  {"to_program", NULL}, {"to_peers", NULL},
};
static const struct key net_way_keys[] = {
    {"delay", NULL}, {"rate", NULL}, {"loss", NULL}, {"duplicate", NULL}, {"reorder", NULL},
};
static const struct key net_every_keys[] = {{"every", NULL}};
static const struct key limits_keys[] = {
    {"nofile", NULL}, {"as", NULL}, {"nproc", NULL}, {"cpu", NULL}, {"memory", NULL},
};
#define SAY(kind) "say '" kind "': it stands for all calls of this kind"
static const struct key calls_keys[] = {
    {"accept", NULL},         {"connect", NULL},
    {"recv", NULL},           {"send", NULL},
    {"poll", NULL},           {"accept4", SAY("accept")},
    {"read", SAY("recv")},    {"recvfrom", SAY("recv")},
    {"recvmsg", SAY("recv")}, {"write", SAY("send")},
    {"sendto", SAY("send")},  {"sendmsg", SAY("send")},
    {"select", SAY("poll")},  {"epoll_wait", SAY("poll")},
};
static const struct key call_keys[] = {
    {"errno", NULL}, {"max", NULL},   {"nth", NULL},
    {"times", NULL}, {"every", NULL}, {"chance", NULL},
};
static const struct key suite_keys[] = {
    {"$schema", NULL},     {"suite", NULL},  {"title", NULL}, {"note", NULL},
    {"assignments", NULL}, {"levels", NULL}, {"show", NULL},  {"sanitizer", NULL},
};
static const struct key suite_entry_keys[] = {
    {"assignment", NULL}, {"points", NULL}, {"weights", NULL}};
static const struct key suite_sanitizer_keys[] = {
    {"points", NULL}, {"cap", NULL}, {"costs", NULL}, {"required", NULL}};
static const struct key classes_keys[] = {{"$schema", NULL}, {"note", NULL}, {"classes", NULL}};
static const struct key class_keys[] = {
    {"sentence", NULL}, {"cap", NULL}, {"read", NULL}, {"byte_order", NULL}};

#define TABLE(title, array)                                                                        \
    {                                                                                              \
        title, array, ARRAY_SIZE(array)                                                            \
    }
static const struct key_table tables[KEYS_COUNT] = {
    [KEYS_FILE] = TABLE("file", file_keys),
    [KEYS_SCENARIO] = TABLE("scenario", scenario_keys),
    [KEYS_STEP] = TABLE("step", step_keys),
    [KEYS_START] = TABLE("start", start_keys),
    [KEYS_OPEN] = TABLE("open", open_keys),
    [KEYS_SEND] = TABLE("send", send_keys),
    [KEYS_EXPECT] = TABLE("expect", expect_keys),
    [KEYS_CLOSE] = TABLE("close", close_keys),
    [KEYS_CHECK] = TABLE("check", check_keys),
    [KEYS_FETCH] = TABLE("fetch", fetch_keys),
    [KEYS_WAIT] = TABLE("wait", wait_keys),
    [KEYS_REPEAT] = TABLE("repeat", repeat_keys),
    [KEYS_PARALLEL] = TABLE("parallel", parallel_keys),
    [KEYS_DO] = TABLE("do", do_keys),
    [KEYS_MEET] = TABLE("meet", meet_keys),
    [KEYS_EXPECTATION] = TABLE("expectation", expectation_keys),
    [KEYS_ALTERNATIVE] = TABLE("alternative", alternative_keys),
    [KEYS_HTTP] = TABLE("http", http_keys),
    [KEYS_HINT] = TABLE("hint", hint_keys),
    [KEYS_DATA] = TABLE("data", data_keys),
    [KEYS_WORLD] = TABLE("world", world_keys),
    [KEYS_WORLD_FILE] = TABLE("world-file", world_file_keys),
    [KEYS_NET] = TABLE("net", net_keys),
    [KEYS_NET_WAY] = TABLE("net-way", net_way_keys),
    [KEYS_NET_EVERY] = TABLE("net-every", net_every_keys),
    [KEYS_LIMITS] = TABLE("limits", limits_keys),
    [KEYS_CALLS] = TABLE("calls", calls_keys),
    [KEYS_CALL] = TABLE("call", call_keys),
    [KEYS_SUITE] = TABLE("suite", suite_keys),
    [KEYS_SUITE_ENTRY] = TABLE("suite-entry", suite_entry_keys),
    [KEYS_SUITE_SANITIZER] = TABLE("suite-sanitizer", suite_sanitizer_keys),
    [KEYS_CLASSES] = TABLE("classes", classes_keys),
    [KEYS_CLASS] = TABLE("class", class_keys),
};

const struct key_table *key_table(enum key_object object)
{
    return &tables[object];
}

const struct key *key_find(const struct key_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->keys[i].name, name) == 0)
            return &table->keys[i];
    return NULL;
}

size_t key_names(const struct key_table *table, const char **names, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < table->count && n < max; i++)
        if (!table->keys[i].reserved)
            names[n++] = table->keys[i].name;
    return n;
}
