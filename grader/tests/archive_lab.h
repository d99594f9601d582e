/* tests/archive_lab.h: archives made in memory by libarchive, a folder to put them in, and taking them as hand-ins. */
#ifndef GRADER_TESTS_ARCHIVE_LAB_H
#define GRADER_TESTS_ARCHIVE_LAB_H

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "submission/submission.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAB_BYTES ((size_t)80 << 20)

struct lab {
    char dir[64];
    char *work, *path; /* path: where the archive is put */
};

static inline void lab_open(struct lab *lab)
{
    (void)snprintf(lab->dir, sizeof lab->dir, "/tmp/sockgrade-arc-XXXXXX");
    cr_assert_not_null(mkdtemp(lab->dir));
    lab->work = xasprintf("%s/work", lab->dir);
    lab->path = xasprintf("%s/anna.zip", lab->dir);
    cr_assert_eq(mkdir(lab->work, 0755), 0);
}

static inline void lab_close(struct lab *lab)
{
    struct err err = {0};
    cr_assert_eq(io_remove_tree(lab->dir, &err), 0, "%s", err.text);
    free(lab->work);
    free(lab->path);
}

static inline void lab_put(const struct lab *lab, const void *bytes, size_t len)
{
    AUTO_CLOSE int fd = open(lab->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0);
    cr_assert_eq(io_write_full(fd, bytes, len), 0);
}

/* ---- writing ---- */

/* An archive under way. The memory is touched only as far as it is used. */
struct packer {
    struct archive *archive;
    char *bytes;
    size_t len;
};

static inline struct packer pack_begin(const char *form)
{
    struct packer packer = {.archive = archive_write_new(), .bytes = xmalloc(LAB_BYTES)};
    struct archive *a = packer.archive;
    const char *filter = strncmp(form, "tar.", 4) == 0 ? form + 4 : NULL;
    if (strcmp(form, "zip") == 0 || strcmp(form, "stored-zip") == 0)
        cr_assert_eq(archive_write_set_format_zip(a), ARCHIVE_OK);
    else if (strcmp(form, "7z") == 0)
        cr_assert_eq(archive_write_set_format_7zip(a), ARCHIVE_OK);
    else
        cr_assert_eq(archive_write_set_format_gnutar(a), ARCHIVE_OK);
    if (strcmp(form, "stored-zip") == 0)
        cr_assert_eq(archive_write_zip_set_compression_store(a), ARCHIVE_OK);
    if (filter && strcmp(filter, "gz") == 0)
        cr_assert_eq(archive_write_add_filter_gzip(a), ARCHIVE_OK);
    if (filter && strcmp(filter, "bz2") == 0)
        cr_assert_eq(archive_write_add_filter_bzip2(a), ARCHIVE_OK);
    if (filter && strcmp(filter, "xz") == 0)
        cr_assert_eq(archive_write_add_filter_xz(a), ARCHIVE_OK);
    (void)archive_write_set_bytes_in_last_block(a, 1);
    return packer;
}

/* After the options, before the first entry. */
static inline void pack_open(struct packer *packer)
{
    cr_assert_eq(archive_write_open_memory(packer->archive, packer->bytes, LAB_BYTES, &packer->len),
                 ARCHIVE_OK, "%s", archive_error_string(packer->archive));
}

/* One entry; type: AE_IFREG and so on, 0 for a hard link; target: of a link. */
static inline void pack_entry(struct packer *packer, mode_t type, const char *path,
                              const char *target, const void *bytes, size_t len)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_perm(entry, type == AE_IFDIR ? 0755 : 0644);
    archive_entry_set_filetype(entry, type ? type : AE_IFREG);
    if (type == 0)
        archive_entry_set_hardlink(entry, target);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, target);
    archive_entry_set_size(entry, (la_int64_t)len);
    cr_assert_geq(archive_write_header(packer->archive, entry), ARCHIVE_WARN, "%s: %s", path,
                  archive_error_string(packer->archive));
    if (len)
        cr_assert_eq(archive_write_data(packer->archive, bytes, len), (la_ssize_t)len);
    archive_entry_free(entry);
}

static inline void pack_file(struct packer *packer, const char *path, const char *text)
{
    pack_entry(packer, AE_IFREG, path, NULL, text, strlen(text));
}

/* Closes the archive: its bytes are complete. */
static inline void pack_end(struct packer *packer)
{
    cr_assert_eq(archive_write_close(packer->archive), ARCHIVE_OK);
    cr_assert_eq(archive_write_free(packer->archive), ARCHIVE_OK);
    packer->archive = NULL;
}

static inline void pack_free(struct packer *packer)
{
    free(packer->bytes);
}

/* ---- taking ---- */

static inline struct submission *lab_take(const struct lab *lab)
{
    struct submission *submission = NULL;
    struct err err = {0};
    AUTO_FREE char *source = xasprintf("%s/source", lab->work);
    cr_assert_eq(io_remove_tree(source, &err), 0, "%s", err.text);
    cr_assert_eq(submission_take(lab->path, lab->work, getuid(), getgid(), &submission, &err), 0,
                 "%s", err.text);
    return submission;
}

/* The content of a file of the copy; NULL when there is none. The caller frees. */
static inline char *lab_read(const struct lab *lab, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/source/%s", lab->work, name);
    struct buf bytes = {0};
    if (io_read_file(path, 1 << 20, &bytes, ERR_HOST, NULL) != 0)
        return NULL;
    return buf_take(&bytes);
}

static inline bool lab_noticed(const struct submission *submission, const char *part)
{
    for (char **notice = submission->notices; notice && *notice; notice++)
        if (strstr(*notice, part))
            return true;
    return false;
}

/* ---- the lab of a test, and its archive under way ---- */

static struct lab lab;
static struct packer packer;

static inline void lab_begin(void)
{
    (void)setlocale(LC_ALL, "C.UTF-8"); /* libarchive writes no names outside ASCII without it */
    lab_open(&lab);
}

static inline void lab_end(void)
{
    lab_close(&lab);
}

static inline void pack(const char *form)
{
    packer = pack_begin(form);
    pack_open(&packer);
}

/* The archive is complete, and in its place. */
static inline void put(void)
{
    pack_end(&packer);
    lab_put(&lab, packer.bytes, packer.len);
    pack_free(&packer);
}

#endif
