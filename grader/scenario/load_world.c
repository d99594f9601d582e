/* scenario/load_world.c: files, hosts, addresses and limits that a program finds; its network is in load_net.c, its faulty
 * calls are in load_calls.c.
 *
 * A world is read on top of another one: the file's on top of nothing, a scenario's on top of the file's. Of two entries
 * with one name the inner one stays; addresses add up; a limit that is not said is inherited. Paths lead below ${dir} and
 * nowhere else; the targets of symbolic links are free, because links that lead outside are what some scenarios test.
 * Contents are checked on the merged world, in which {"file": ...} may name a file of either. */
#include "scenario/load.h"

#include "base/own.h"

#include <string.h>
#include <sys/stat.h>

#define MAX_ENTRIES 1000 /* files, hosts, addresses: each */

/* Below ${dir} and nowhere else. */
static bool safe_path(const char *path)
{
    if (!path[0] || path[0] == '/' || strlen(path) > 200)
        return false;
    while (*path) {
        const size_t len = strcspn(path, "/");
        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && strncmp(path, "..", 2) == 0))
            return false;
        path += len;
        if (path[0] == '/' && !path[1])
            return false;
        path += *path == '/';
    }
    return true;
}

static void load_mode(const struct at *object, struct world_file *ret)
{
    const char *text = NULL;
    struct at at;
    if (!at_get(object, "mode", &at) || !at_text(&at, &text))
        return;
    const size_t len = strlen(text);
    if (len < 3 || len > 4 || strspn(text, "01234567") != len) {
        at_say(&at, "must be an octal mode like \"644\" or \"000\"");
        return;
    }
    ret->mode = (unsigned)strtoul(text, NULL, 8) | S_IFREG;
}

/* {"data", "mode"}, {"link"}, {"fifo"}, {"sparse", "mode"}; anything else is data. */
static void load_file(struct loader *loader, const struct at *at, struct world_file *ret)
{
    static const char *const kinds[] = {"data", "link", "fifo", "sparse"};
    const struct key_table *const table = key_table(KEYS_WORLD_FILE);
    size_t n_kinds = 0;
    bool fifo = true;
    int64_t size = 0;
    struct at member;
    ret->path = at->key;
    if (!safe_path(ret->path))
        at_say_key(at, "must be a path below ${dir}, without '.' and '..'");
    for (size_t i = 0; json_is_object(at->json) && i < ARRAY_SIZE(kinds); i++)
        n_kinds += at_has(at, kinds[i]);
    if (n_kinds == 0 && !at_has(at, "mode")) {
        ret->data = load_data(loader->arena, at);
        return;
    }
    at_check_keys(at, &table, 1);
    if (n_kinds != 1)
        at_say(at, "must have one of data, link, fifo, sparse");
    ret->data = load_get_data(loader->arena, at, "data");
    if (at_get_text(at, "link", &ret->target))
        ret->kind = WORLD_LINK;
    if (at_get(at, "fifo", &member) && at_bool(&member, &fifo)) {
        ret->kind = WORLD_FIFO;
        if (!fifo)
            at_say(&member, "only true makes sense here");
    }
    if (at_get_integer(at, "sparse", 1, (int64_t)4 << 30, &size)) {
        ret->kind = WORLD_SPARSE;
        ret->size = (uint64_t)size;
    }
    load_mode(at, ret);
    if (ret->mode && (ret->kind == WORLD_LINK || ret->kind == WORLD_FIFO))
        at_say(at, "'mode' belongs to 'data' and 'sparse'");
}

static bool too_many(const struct at *at, size_t count)
{
    if (count > MAX_ENTRIES)
        at_say(at, "more than %d entries", MAX_ENTRIES);
    return count > MAX_ENTRIES;
}

static void load_files(struct loader *loader, const struct at *object, const struct world *outer,
                       struct world *ret)
{
    struct at files;
    struct at member;
    if (!at_get(object, "files", &files) || !at_is_object(&files))
        return;
    const size_t count = json_object_size(files.json);
    if (too_many(&files, count))
        return;
    struct world_file *list = arena_array(loader->arena, outer->n_files + count, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < outer->n_files; i++)
        if (!json_object_get(files.json, outer->files[i].path))
            list[n++] = outer->files[i];
    for (bool more = at_first(&files, &member); more; more = at_next(&member))
        load_file(loader, &member, &list[n++]);
    ret->files = list;
    ret->n_files = n;
}

static void load_hosts(struct loader *loader, const struct at *object, const struct world *outer,
                       struct world *ret)
{
    struct at hosts;
    struct at member;
    if (!at_get(object, "hosts", &hosts) || !at_is_object(&hosts))
        return;
    const size_t count = json_object_size(hosts.json);
    if (too_many(&hosts, count))
        return;
    struct world_host *list = arena_array(loader->arena, outer->n_hosts + count, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < outer->n_hosts; i++)
        if (!json_object_get(hosts.json, outer->hosts[i].name))
            list[n++] = outer->hosts[i];
    for (bool more = at_first(&hosts, &member); more; more = at_next(&member), n++) {
        list[n].name = member.key;
        if (!member.key[0] || strpbrk(member.key, " \t\n#"))
            at_say_key(&member, "is no host name");
        (void)at_get_texts(&hosts, member.key, &list[n].addresses, &list[n].n_addresses);
    }
    ret->hosts = list;
    ret->n_hosts = n;
}

static void load_addresses(struct loader *loader, const struct at *object,
                           const struct world *outer, struct world *ret)
{
    const char *const *own = NULL;
    size_t n_own = 0;
    if (!at_get_texts(object, "addresses", &own, &n_own))
        return;
    const char **list =
        arena_array(loader->arena, outer->n_addresses + n_own, sizeof(const char *));
    size_t n = 0;
    for (size_t i = 0; i < outer->n_addresses; i++)
        list[n++] = outer->addresses[i];
    for (size_t i = 0; i < n_own; i++)
        list[n++] = own[i];
    ret->addresses = list;
    ret->n_addresses = n;
}

void load_world(struct loader *loader, const struct at *object, const struct world *outer,
                struct world *ret)
{
    const struct key_table *const table = key_table(KEYS_WORLD);
    struct at world;
    *ret = *outer;
    if (!at_get(object, "world", &world) || !at_is_object(&world))
        return;
    at_check_keys(&world, &table, 1);
    load_files(loader, &world, outer, ret);
    load_hosts(loader, &world, outer, ret);
    load_addresses(loader, &world, outer, ret);
    load_net(loader, &world, ret);
    load_calls(loader, &world, outer, ret);
    load_limits(&world, &ret->limits_only);
    check_world(loader, &world, ret);
}
