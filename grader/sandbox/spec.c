/* sandbox/spec.c: a box_spec on its way into the box: flat bytes in a sealed memfd.
 *
 * Both ends are this same program, so numbers travel as they are; lengths are checked all the same. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAX_SPEC_BYTES ((size_t)1 << 30)
#define MIB            ((uint64_t)1 << 20)

struct box_limits limits_with_defaults(const struct box_spec *spec)
{
    struct box_limits limits = spec->limits;
    bool build = spec->kind == BOX_BUILD;
    if (!limits.memory_bytes)
        limits.memory_bytes = 512 * MIB;
    if (!limits.file_bytes)
        limits.file_bytes = (build ? 256 : 64) * MIB;
    if (!limits.scratch_bytes)
        limits.scratch_bytes = (build ? 512 : 256) * MIB;
    if (!limits.processes)
        limits.processes = build ? 256 : 1024;
    if (!limits.open_files)
        limits.open_files = 1024;
    if (!limits.cpu_seconds)
        limits.cpu_seconds = 60;
    return limits;
}

/* ---- packing ---- */

static void pack_u64(struct buf *out, uint64_t value)
{
    (void)buf_add(out, &value, sizeof value);
}

static void pack_bytes(struct buf *out, const void *bytes, size_t len)
{
    pack_u64(out, len);
    if (len)
        (void)buf_add(out, bytes, len);
    (void)buf_add_char(out, '\0'); /* so that text can be used where it lies */
}

/* NULL and "" are told apart. */
static void pack_text(struct buf *out, const char *text)
{
    pack_u64(out, text != NULL);
    if (text)
        pack_bytes(out, text, strlen(text));
}

static void pack_list(struct buf *out, const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    pack_u64(out, count);
    for (size_t i = 0; i < count; i++)
        pack_text(out, list[i]);
}

static void pack_file(struct buf *out, const struct box_file *file)
{
    bool has_bytes = file->kind == BOX_FILE_DATA || file->kind == BOX_FILE_LINK;
    size_t len = file->kind == BOX_FILE_LINK ? strlen(file->bytes) : (size_t)file->len;
    pack_u64(out, file->kind);
    pack_u64(out, file->mode);
    pack_u64(out, file->len);
    pack_text(out, file->path);
    pack_bytes(out, file->bytes, has_bytes ? len : 0);
}

int spec_pack(const struct box_spec *spec, struct err *err)
{
    struct box_limits limits = limits_with_defaults(spec);
    AUTO_BUF struct buf out;
    buf_init(&out, MAX_SPEC_BYTES);
    pack_u64(&out, spec->kind);
    pack_u64(&out, spec->whole_usr);
    pack_u64(&out, spec->log_dir);
    pack_bytes(&out, &limits, sizeof limits);
    pack_list(&out, spec->argv);
    pack_list(&out, spec->env);
    pack_bytes(&out, spec->trace ? spec->trace->calls : NULL,
               spec->trace ? spec->trace->n_calls * sizeof *spec->trace->calls : 0);
    pack_u64(&out, spec->n_files);
    for (size_t i = 0; i < spec->n_files; i++)
        pack_file(&out, &spec->files[i]);
    pack_u64(&out, spec->n_host_names);
    for (size_t i = 0; i < spec->n_host_names; i++) {
        pack_text(&out, spec->host_names[i].address);
        pack_text(&out, spec->host_names[i].name);
    }
    if (out.dropped)
        return err_set(err, ERR_HOST, "a box's files are larger than %zu bytes", MAX_SPEC_BYTES);
    AUTO_CLOSE int fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || io_write_full(fd, out.data, out.len) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return err_sys(err, ERR_HOST, errno, "passing a box's description");
    return TAKE_FD(fd);
}

/* ---- unpacking ---- */

struct cursor {
    const char *at;
    size_t left;
    bool broken;
};

static uint64_t unpack_u64(struct cursor *in)
{
    uint64_t value = 0;
    if (in->left < sizeof value) {
        in->broken = true;
        return 0;
    }
    memcpy(&value, in->at, sizeof value);
    in->at += sizeof value;
    in->left -= sizeof value;
    return value;
}

/* Where the bytes lie, followed by a 0. */
static const char *unpack_bytes(struct cursor *in, uint64_t *ret_len)
{
    uint64_t len = unpack_u64(in);
    if (in->broken || in->left <= len) {
        in->broken = true;
        return "";
    }
    const char *bytes = in->at;
    in->at += len + 1;
    in->left -= len + 1;
    if (ret_len)
        *ret_len = len;
    return bytes;
}

static const char *unpack_text(struct cursor *in)
{
    return unpack_u64(in) ? unpack_bytes(in, NULL) : NULL;
}

static size_t unpack_count(struct cursor *in)
{
    uint64_t count = unpack_u64(in);
    if (count > in->left) { /* each element takes at least a byte */
        in->broken = true;
        return 0;
    }
    return (size_t)count;
}

static const char *const *unpack_list(struct cursor *in)
{
    size_t count = unpack_count(in);
    const char **list = xcalloc(count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = unpack_text(in);
    return list;
}

static void unpack_files(struct cursor *in, struct box_spec *ret)
{
    ret->n_files = unpack_count(in);
    struct box_file *files = xcalloc(ret->n_files, sizeof *files);
    for (size_t i = 0; i < ret->n_files; i++) {
        files[i].kind = (enum box_file_kind)unpack_u64(in);
        files[i].mode = (unsigned)unpack_u64(in);
        files[i].len = unpack_u64(in);
        files[i].path = unpack_text(in);
        files[i].bytes = unpack_bytes(in, NULL);
    }
    ret->files = files;
}

static void unpack_names(struct cursor *in, struct box_spec *ret)
{
    ret->n_host_names = unpack_count(in);
    struct box_host_name *names = xcalloc(ret->n_host_names, sizeof *names);
    for (size_t i = 0; i < ret->n_host_names; i++) {
        names[i].address = unpack_text(in);
        names[i].name = unpack_text(in);
    }
    ret->host_names = names;
}

/* Copied, for where they lie is not aligned. */
static const int *unpack_calls(struct cursor *in, size_t *ret_count)
{
    uint64_t len = 0;
    const char *bytes = unpack_bytes(in, &len);
    *ret_count = in->broken ? 0 : (size_t)len / sizeof(int);
    int *calls = xcalloc(*ret_count, sizeof *calls);
    if (*ret_count)
        memcpy(calls, bytes, *ret_count * sizeof *calls);
    return calls;
}

int spec_unpack(int fd, struct box_spec *ret, const int **ret_traced, size_t *ret_n_traced)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -1;
    size_t size = (size_t)status.st_size;
    const char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return -1;
    struct cursor in = {.at = bytes, .left = size};
    uint64_t len = 0;
    *ret = (struct box_spec){.kind = (enum box_kind)unpack_u64(&in)};
    ret->whole_usr = unpack_u64(&in) != 0;
    ret->log_dir = unpack_u64(&in) != 0;
    const char *limits = unpack_bytes(&in, &len);
    if (in.broken || len != sizeof ret->limits) {
        errno = EPROTO;
        return -1;
    }
    memcpy(&ret->limits, limits, sizeof ret->limits);
    ret->argv = unpack_list(&in);
    ret->env = unpack_list(&in);
    *ret_traced = unpack_calls(&in, ret_n_traced);
    unpack_files(&in, ret);
    unpack_names(&in, ret);
    if (in.broken || !ret->argv[0]) {
        errno = EPROTO;
        return -1;
    }
    return 0;
}
