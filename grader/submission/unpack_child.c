/* submission/unpack_child.c: the process that parses an archive. It holds nothing worth having and can do nothing but send
 * frames; so nothing is decided here that the receiver could decide (limits, names, links).
 *
 * Zip archives are read by their directory only: a reader that takes the entries as they come accepts a truncated one. */
#include "submission/wire.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "submission/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK     ((size_t)64 << 10)
#define TAR_BLOCK 512

static void send_frame(enum wire_kind kind, uint32_t detail, const void *bytes, uint32_t len)
{
    struct wire_head head = {.kind = kind, .detail = detail, .len = len};
    if (io_write_full(STDOUT_FILENO, &head, sizeof head) != 0 ||
        (len && io_write_full(STDOUT_FILENO, bytes, len) != 0))
        _exit(0); /* the receiver has seen enough */
}

static _Noreturn void fail(enum wire_failure failure, const char *words)
{
    size_t len = strnlen(words, WIRE_MAX_TEXT);
    AUTO_FREE char *text = xstrndup(words, len);
    send_frame(WIRE_FAIL, failure, text, (uint32_t)len + 1);
    _exit(0);
}

static const char *words_of(struct archive *archive)
{
    const char *words = archive_error_string(archive);
    return words ? words : "no reason is known";
}

static _Noreturn void fail_damaged(struct archive *archive)
{
    bool encrypted = archive_read_has_encrypted_entries(archive) > 0;
    fail(encrypted ? FAIL_ENCRYPTED : FAIL_DAMAGED, words_of(archive));
}

/* ---- reading the file ---- */

static la_ssize_t read_some(struct archive *archive, void *self, const void **ret)
{
    *ret = self;
    ssize_t n = io_read(STDIN_FILENO, self, CHUNK);
    if (n < 0)
        archive_set_error(archive, errno, "the file cannot be read");
    return n;
}

static la_int64_t seek_to(struct archive *archive, void *self, la_int64_t offset, int whence)
{
    (void)self;
    off_t at = lseek(STDIN_FILENO, offset, whence);
    if (at < 0)
        archive_set_error(archive, errno, "it names a place outside itself");
    return at < 0 ? ARCHIVE_FATAL : at;
}

static struct archive *open_archive(char *chunk)
{
    struct archive *archive = archive_read_new();
    if (!archive)
        fail(FAIL_DAMAGED, "out of memory");
    if (archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
        archive_read_support_filter_bzip2(archive) != ARCHIVE_OK ||
        archive_read_support_filter_xz(archive) != ARCHIVE_OK ||
        archive_read_support_format_zip_seekable(archive) != ARCHIVE_OK ||
        archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_support_format_7zip(archive) != ARCHIVE_OK ||
        archive_read_set_read_callback(archive, read_some) != ARCHIVE_OK ||
        archive_read_set_seek_callback(archive, seek_to) != ARCHIVE_OK ||
        archive_read_set_callback_data(archive, chunk) != ARCHIVE_OK ||
        archive_read_open1(archive) != ARCHIVE_OK)
        /* nothing more may be asked of it: without a format libarchive 3.6 reads past its table of formats */
        fail(FAIL_NO_ARCHIVE, words_of(archive));
    return archive;
}

/* ---- its form, known from the first entry on ---- */

static enum wire_form tar_form(struct archive *archive)
{
    switch (archive_filter_code(archive, 0)) {
    case ARCHIVE_FILTER_GZIP:
        return FORM_TAR_GZ;
    case ARCHIVE_FILTER_BZIP2:
        return FORM_TAR_BZ2;
    case ARCHIVE_FILTER_XZ:
        return FORM_TAR_XZ;
    default:
        return FORM_TAR;
    }
}

static enum wire_form form_of(struct archive *archive)
{
    switch (archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK) {
    case ARCHIVE_FORMAT_ZIP:
        return FORM_ZIP;
    case ARCHIVE_FORMAT_7ZIP:
        return FORM_7Z;
    case ARCHIVE_FORMAT_TAR:
        return tar_form(archive);
    default:
        fail(FAIL_NO_ARCHIVE, "of another kind");
    }
}

static enum wire_form send_form(struct archive *archive)
{
    /* the filters, and the file itself */
    if (archive_filter_count(archive) > 2)
        fail(FAIL_NESTED, "compressed more than once");
    enum wire_form form = form_of(archive);
    send_frame(WIRE_FORM, form, NULL, 0);
    return form;
}

/* ---- the entries ---- */

static enum unpack_type type_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry) || archive_entry_hardlink_utf8(entry))
        return UNPACK_HARD_LINK;
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return archive_entry_perm(entry) & S_IXUSR ? UNPACK_PROGRAM : UNPACK_FILE;
    case AE_IFDIR:
        return UNPACK_FOLDER;
    case AE_IFLNK:
        return UNPACK_LINK;
    case AE_IFIFO:
        return UNPACK_FIFO;
    case AE_IFSOCK:
        return UNPACK_SOCKET;
    case AE_IFCHR:
    case AE_IFBLK:
        return UNPACK_DEVICE;
    default:
        return UNPACK_OTHER;
    }
}

/* A text in the locale (UTF-8) is the bytes as they are; one that is no UTF-8 there may still be had as UTF-8. */
static const char *target_of(struct archive_entry *entry, enum unpack_type type)
{
    const char *target = NULL;
    if (type == UNPACK_HARD_LINK && !(target = archive_entry_hardlink(entry)))
        target = archive_entry_hardlink_utf8(entry);
    if (type == UNPACK_LINK && !(target = archive_entry_symlink(entry)))
        target = archive_entry_symlink_utf8(entry);
    return target ? target : "";
}

static void send_entry(struct archive_entry *entry)
{
    enum unpack_type type = type_of(entry);
    const char *path = archive_entry_pathname(entry);
    if (!path)
        path = archive_entry_pathname_utf8(entry);
    if (!path)
        fail(FAIL_NAME, "the name of an entry cannot be read");
    const char *target = target_of(entry, type);
    char bytes[2 * (WIRE_MAX_TEXT + 1)];
    size_t path_len = strnlen(path, WIRE_MAX_TEXT), target_len = strnlen(target, WIRE_MAX_TEXT);
    memcpy(bytes, path, path_len);
    bytes[path_len] = '\0';
    memcpy(bytes + path_len + 1, target, target_len);
    bytes[path_len + 1 + target_len] = '\0';
    send_frame(WIRE_ENTRY, type, bytes, (uint32_t)(path_len + target_len + 2));
}

/* archive_read_data() fills the holes of sparse files, so what is counted is what would be written. */
static void send_data(struct archive *archive)
{
    char bytes[WIRE_MAX_BYTES];
    la_ssize_t n;
    while ((n = archive_read_data(archive, bytes, sizeof bytes)) > 0)
        send_frame(WIRE_DATA, 0, bytes, (uint32_t)n);
    if (n < 0) /* a wrong checksum is only a warning to libarchive */
        fail_damaged(archive);
    send_frame(WIRE_END, 0, NULL, 0);
}

/* A tar archive ends with blocks of zeros. One that was cut between two entries lacks them, and only that shows it; what is
 * compressed tells by itself that it was cut. */
static bool ends_with_zeros(void)
{
    char block[TAR_BLOCK];
    if (lseek(STDIN_FILENO, -TAR_BLOCK, SEEK_END) < 0 ||
        io_read_full(STDIN_FILENO, block, sizeof block) != (ssize_t)sizeof block)
        return false;
    for (size_t i = 0; i < sizeof block; i++)
        if (block[i])
            return false;
    return true;
}

_Noreturn void unpack_child_run(bool names_only)
{
    AUTO_FREE char *chunk = xmalloc(CHUNK);
    struct archive *archive = open_archive(chunk);
    struct archive_entry *entry = NULL;
    enum wire_form form = FORM_COUNT;
    int result;
    while ((result = archive_read_next_header(archive, &entry)) != ARCHIVE_EOF) {
        if (result < ARCHIVE_WARN)
            fail_damaged(archive);
        if (form == FORM_COUNT)
            form = send_form(archive);
        if (archive_entry_is_encrypted(entry))
            fail(FAIL_ENCRYPTED, "encrypted");
        send_entry(entry);
        if (names_only) /* the next header skips the data */
            send_frame(WIRE_END, 0, NULL, 0);
        else
            send_data(archive);
    }
    if (form == FORM_COUNT)
        form = send_form(archive);
    if (form == FORM_TAR && !ends_with_zeros())
        fail(FAIL_TRUNCATED, "");
    send_frame(WIRE_DONE, 0, NULL, 0);
    _exit(0); /* what is allocated goes with the process */
}
