/* submission: archives as hand-ins: every form, what is made of it, and everything that refuses one, by name. */
#include "archive_lab.h"

TestSuite(submission_archive, .init = lab_begin, .fini = lab_end, .timeout = 120);

/* Nothing but the archive and the work folder is there, and nothing is in that but a copy. */
static void expect_nothing_left(void)
{
    AUTO_FREE char *left = xasprintf("%s/source", lab.work);
    struct err err = {0};
    cr_assert_eq(io_remove_tree(left, &err), 0);
    cr_assert_eq(rmdir(lab.work), 0, "something is left in the work folder");
    cr_assert_eq(unlink(lab.path), 0);
    cr_assert_eq(rmdir(lab.dir), 0, "something was written outside");
    cr_assert_eq(mkdir(lab.dir, 0700), 0);
}

static void expect_refusal(const char *kind, const char *part)
{
    struct submission *submission = lab_take(&lab);
    cr_assert_not_null(submission->refusal, "it was accepted");
    cr_assert_str_eq(submission->refusal_kind, kind, "%s", submission->refusal);
    cr_assert(strstr(submission->refusal, part), "%s", submission->refusal);
    cr_assert_str_eq(submission->digest, "");
    submission_free(submission);
    expect_nothing_left();
}

/* ---- what is accepted ---- */

static void pack_hand_in(const char *form, const char *wrapper)
{
    pack(form);
    AUTO_FREE char *makefile = xasprintf("%sMakefile", wrapper);
    AUTO_FREE char *source = xasprintf("%ssrc/\xc3\xbc.c", wrapper);
    pack_file(&packer, makefile, "all:\n");
    pack_file(&packer, source, "int x;\n");
    put();
}

Test(submission_archive, every_form_is_the_same_hand_in)
{
    static const char *const forms[] = {"zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "7z"};
    char first[65] = "";
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        pack_hand_in(forms[i], "");
        struct submission *submission = lab_take(&lab);
        cr_assert_null(submission->refusal, "%s: %s", forms[i], submission->refusal);
        cr_assert_str_eq(submission->form, forms[i]);
        cr_assert_str_eq(submission->name, "anna");
        cr_assert_null(submission->notices);
        AUTO_FREE char *text = lab_read(&lab, "src/\xc3\xbc.c");
        cr_assert_str_eq(text, "int x;\n");
        if (i == 0)
            (void)snprintf(first, sizeof first, "%s", submission->digest);
        cr_assert_eq(strlen(submission->digest), 64);
        cr_assert_str_eq(submission->digest, first, "%s differs", forms[i]);
        char alone[65];
        struct err err = {0};
        cr_assert_eq(submission_digest(lab.path, lab.work, alone, &err), 0, "%s", err.text);
        cr_assert_str_eq(alone, first);
        submission_free(submission);
    }
    expect_nothing_left();
}

Test(submission_archive, a_folder_around_everything_is_taken_off)
{
    pack_hand_in("zip", "anna-hw1/deeper/");
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    AUTO_FREE char *text = lab_read(&lab, "Makefile");
    cr_assert_str_eq(text, "all:\n");
    cr_assert(lab_noticed(submission, "anna-hw1/"));
    cr_assert(lab_noticed(submission, "deeper/"));
    submission_free(submission);
}

Test(submission_archive, what_systems_add_is_left_out_and_said)
{
    pack("zip");
    pack_file(&packer, "hw/Makefile", "all:\n");
    pack_file(&packer, "hw/.DS_Store", "x");
    pack_file(&packer, "hw/src/.DS_Store", "x");
    pack_file(&packer, "__MACOSX/hw/._Makefile", "x");
    pack_file(&packer, "hw/.git/config", "[core]\n\tfsmonitor = reboot\n");
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    AUTO_FREE char *text = lab_read(&lab, "Makefile");
    cr_assert_str_eq(text, "all:\n");
    cr_assert(lab_noticed(submission, ".DS_Store"));
    cr_assert(lab_noticed(submission, "__MACOSX"));
    cr_assert_null(lab_read(&lab, ".git/config"));
    cr_assert_null(lab_read(&lab, ".DS_Store"));
    size_t count = 0;
    while (submission->notices[count])
        count++;
    cr_assert_eq(count, 3, "one notice a kind, and one for the folder");
    submission_free(submission);
}

Test(submission_archive, a_folder_with_one_archive_in_it_is_that_archive)
{
    pack_hand_in("tar.gz", "");
    AUTO_FREE char *folder = xasprintf("%s/bert", lab.dir);
    AUTO_FREE char *inside = xasprintf("%s/final version.tgz", folder);
    cr_assert_eq(mkdir(folder, 0755), 0);
    cr_assert_eq(rename(lab.path, inside), 0);
    struct submission *submission = NULL;
    struct err err = {0};
    cr_assert_eq(submission_take(folder, lab.work, getuid(), getgid(), &submission, &err), 0);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    cr_assert_str_eq(submission->form, "tar.gz");
    cr_assert_str_eq(submission->name, "bert");
    submission_free(submission);
}

Test(submission_archive, the_last_of_two_entries_of_one_name_counts)
{
    pack("tar");
    pack_file(&packer, "Makefile", "first\n");
    pack_file(&packer, "b.c", "b");
    pack_file(&packer, "Makefile", "second\n");
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    AUTO_FREE char *text = lab_read(&lab, "Makefile");
    cr_assert_str_eq(text, "second\n");
    cr_assert(lab_noticed(submission, "Makefile is in the archive more than once"));
    submission_free(submission);
}

Test(submission_archive, names_that_differ_in_case_are_two_files_and_noticed)
{
    pack("zip");
    pack_file(&packer, "Makefile", "A\n");
    pack_file(&packer, "makefile", "b\n");
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal);
    cr_assert(lab_noticed(submission, "differs only in upper and lower case"));
    AUTO_FREE char *text = lab_read(&lab, "Makefile");
    cr_assert_str_eq(text, "A\n");
    submission_free(submission);
}

Test(submission_archive, links_within_it_are_what_they_name)
{
    pack("tar");
    pack_file(&packer, "common/util.h", "#define X\n");
    pack_entry(&packer, AE_IFLNK, "src/util.h", "../common/util.h", NULL, 0);
    pack_entry(&packer, 0, "hard.h", "common/util.h", NULL, 0);
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    AUTO_FREE char *soft = lab_read(&lab, "src/util.h");
    AUTO_FREE char *hard = lab_read(&lab, "hard.h");
    cr_assert_str_eq(soft, "#define X\n");
    cr_assert_str_eq(hard, "#define X\n");
    submission_free(submission);
}

Test(submission_archive, evil_names_are_escaped)
{
    pack("tar");
    pack_file(&packer, "a\nb.o", "x");
    pack_file(&packer, "-rf.o", "x");
    pack_file(&packer, "\xff\xfe.o", "x");
    pack_file(&packer, "\"$(reboot)'.o", "x");
    pack_file(&packer,
              "rtl\xe2\x80\xae"
              "c.o",
              "x");
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    cr_assert(lab_noticed(submission, "a\\nb.o was left out"));
    cr_assert(lab_noticed(submission, "-rf.o was left out"));
    cr_assert(lab_noticed(submission, "\\xff\\xfe.o was left out"));
    cr_assert_not(lab_noticed(submission, "\n"));
    cr_assert_not(lab_noticed(submission, "\xe2\x80\xae"));
    submission_free(submission);
}

/* ---- what is refused ---- */

static void expect_refused_name(const char *form, const char *name, const char *kind)
{
    pack(form);
    pack_file(&packer, "Makefile", "all:\n");
    pack_file(&packer, name, "evil");
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_not_null(submission->refusal, "'%s' was accepted", name);
    cr_assert_str_eq(submission->refusal_kind, kind, "%s", submission->refusal);
    submission_free(submission);
}

Test(submission_archive, names_that_leave_it)
{
    static const char *const names[] = {"../evil",  "a/../../evil", "/tmp/evil",
                                        "..\\evil", "a\\..\\b",     "C:\\evil",
                                        "C:/evil",  "\\\\host\\x",  "a/.."};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        expect_refused_name("tar", names[i], "path-leaves-tree");
        expect_refused_name("zip", names[i], "path-leaves-tree");
    }
    expect_nothing_left();
}

Test(submission_archive, names_that_are_too_long)
{
    char name[301];
    memset(name, 'n', 300);
    name[300] = '\0';
    expect_refused_name("tar", name, "too-deep");
    AUTO_BUF struct buf path = {0};
    for (int i = 0; i < 20; i++)
        (void)buf_printf(&path, "%.100s/", name);
    (void)buf_add_str(&path, "x");
    expect_refused_name("tar", path.data, "too-deep");
    expect_nothing_left();
}

Test(submission_archive, folders_that_are_too_deep)
{
    AUTO_BUF struct buf path = {0};
    for (int i = 0; i < 200; i++)
        (void)buf_add_str(&path, "d/");
    (void)buf_add_str(&path, "x");
    expect_refused_name("zip", path.data, "too-deep");
    expect_nothing_left();
}

Test(submission_archive, a_link_out_of_it)
{
    pack("tar");
    pack_file(&packer, "Makefile", "all:\n");
    pack_entry(&packer, AE_IFLNK, "secrets.h", "/etc/passwd", NULL, 0);
    put();
    expect_refusal("link-leaves-tree", "secrets.h");
}

Test(submission_archive, a_link_of_a_zip_out_of_it)
{
    pack("zip");
    pack_file(&packer, "Makefile", "all:\n");
    pack_entry(&packer, AE_IFLNK, "up.h", "../../work", NULL, 0);
    put();
    expect_refusal("link-leaves-tree", "up.h");
}

Test(submission_archive, writing_through_a_link)
{
    pack("tar");
    pack_entry(&packer, AE_IFLNK, "out", lab.dir, NULL, 0);
    pack_file(&packer, "out/evil", "evil");
    put();
    expect_refusal("link-leaves-tree", "out/evil");
}

Test(submission_archive, replacing_a_link_writes_nothing_through_it)
{
    AUTO_FREE char *victim = xasprintf("%s/victim", lab.dir);
    AUTO_CLOSE int fd = open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    pack("tar");
    pack_entry(&packer, AE_IFLNK, "x", victim, NULL, 0);
    pack_file(&packer, "x", "evil");
    pack_file(&packer, "y", "y");
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    AUTO_FREE char *text = lab_read(&lab, "x");
    cr_assert_str_eq(text, "evil");
    struct stat st;
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(st.st_size, 0);
    submission_free(submission);
    cr_assert_eq(unlink(victim), 0);
    expect_nothing_left();
}

Test(submission_archive, hard_links_out_of_it)
{
    static const char *const targets[] = {"/etc/passwd", "../work", "absent", "folder"};
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        pack("tar");
        pack_entry(&packer, AE_IFDIR, "folder", NULL, NULL, 0);
        pack_entry(&packer, 0, "h", targets[i], NULL, 0);
        put();
        struct submission *submission = lab_take(&lab);
        cr_assert_not_null(submission->refusal, "%s", targets[i]);
        cr_assert_str_eq(submission->refusal_kind, "link-leaves-tree", "%s", submission->refusal);
        submission_free(submission);
    }
    expect_nothing_left();
}

Test(submission_archive, a_hard_link_through_a_link)
{
    pack("tar");
    pack_entry(&packer, AE_IFLNK, "etc", "/etc", NULL, 0);
    pack_entry(&packer, 0, "h", "etc/passwd", NULL, 0);
    put();
    expect_refusal("link-leaves-tree", "h is a hard link");
}

Test(submission_archive, special_files)
{
    static const struct {
        mode_t type;
        const char *kind;
    } rows[] = {{AE_IFIFO, "fifo"}, {AE_IFCHR, "device"}, {AE_IFBLK, "device"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        pack("tar");
        pack_entry(&packer, rows[i].type, "special", NULL, NULL, 0);
        put();
        struct submission *submission = lab_take(&lab);
        cr_assert_not_null(submission->refusal);
        cr_assert_str_eq(submission->refusal_kind, rows[i].kind);
        submission_free(submission);
    }
    expect_nothing_left();
}

Test(submission_archive, a_file_that_is_a_folder_too)
{
    pack("tar");
    pack_file(&packer, "x", "file");
    pack_entry(&packer, AE_IFDIR, "x", NULL, NULL, 0);
    put();
    expect_refusal("duplicate", "is a file and a folder");
}

Test(submission_archive, a_folder_that_is_a_file_too)
{
    pack("tar");
    pack_file(&packer, "x/y", "file");
    pack_file(&packer, "x", "file");
    put();
    expect_refusal("duplicate", "is a file and a folder");
}

Test(submission_archive, an_archive_within_an_archive)
{
    pack_hand_in("zip", "");
    struct buf inner = {0};
    cr_assert_eq(io_read_file(lab.path, 1 << 20, &inner, ERR_HOST, NULL), 0);
    pack("tar");
    pack_entry(&packer, AE_IFREG, "hw/inner.zip", NULL, inner.data, inner.len);
    put();
    buf_done(&inner);
    expect_refusal("nested-archive", "inner.zip");
}

Test(submission_archive, a_password)
{
    packer = pack_begin("zip");
    cr_assert_eq(archive_write_set_options(packer.archive, "zip:encryption=traditional"),
                 ARCHIVE_OK);
    cr_assert_eq(archive_write_set_passphrase(packer.archive, "secret"), ARCHIVE_OK);
    pack_open(&packer);
    pack_file(&packer, "Makefile", "all:\n");
    put();
    expect_refusal("encrypted-archive", "password");
}

Test(submission_archive, what_is_no_archive)
{
    lab_put(&lab, "int main(void) { return 0; }\n", 29);
    expect_refusal("not-an-archive", "no archive");
}

Test(submission_archive, an_empty_file)
{
    lab_put(&lab, "", 0);
    expect_refusal("not-an-archive", "empty");
}
