/* batch: which hand-ins are in what was named: downloads as archives and as folders, the forms of their names, who has what,
 * and what is broken at one student only. */
#include "roster_lab.h"

TestSuite(batch_roster, .init = lab_begin, .fini = end, .timeout = 120);

static const struct roster_entry *entry_of(const char *id)
{
    for (size_t i = 0; i < roster.count; i++)
        if (roster.entries[i].origin.id && strcmp(roster.entries[i].origin.id, id) == 0)
            return &roster.entries[i];
    cr_assert_fail("nobody is '%s'", id);
    return NULL;
}

static bool noticed(const struct roster_entry *entry, const char *part)
{
    for (char **notice = entry->origin.notices; notice && *notice; notice++)
        if (strstr(*notice, part))
            return true;
    return false;
}

/* The content of a file of a hand-in; NULL when it is not there. */
static char *content(const struct roster_entry *entry, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s%s%s", entry->path, *name ? "/" : "", name);
    struct buf bytes = {0};
    return io_read_file(path, 1 << 20, &bytes, ERR_HOST, NULL) == 0 ? buf_take(&bytes) : NULL;
}

static void expect_content(const char *id, const char *name, const char *wanted)
{
    AUTO_FREE char *text = content(entry_of(id), name);
    cr_assert_not_null(text, "%s has no %s", id, name);
    cr_assert_str_eq(text, wanted);
}

/* ---- Canvas ---- */

static void pack_canvas(void)
{
    pack("zip");
    pack_file(&packer, "doejane_12345_111_hw.zip", "old");
    pack_file(&packer, "doejane_LATE_12345_222_hw-1.zip", "new");
    pack_file(&packer, "lizloose_22222_333_Makefile", "all:\n");
    pack_file(&packer, "lizloose_22222_334_server.c", "int x;\n");
    pack_file(&packer, "lizloose_22222_335_data.zip", "data");
    pack_file(&packer, "tedtext_33333_text.html", "<p>I did it");
    pack_file(&packer, "index.html", "x");
    put();
}

Test(batch_roster, a_canvas_download)
{
    pack_canvas();
    make_good(lab.path, NULL);
    cr_assert_eq(roster.count, 3);
    cr_assert(strstr(said.data, "form canvas: 3 hand-ins, 1 late, 1 refused"), "%s", said.data);
    cr_assert(strstr(said.data, "set aside, since not of this form: index.html"), "%s", said.data);
    const struct roster_entry *jane = entry_of("12345");
    expect_content("12345", "", "new");
    cr_assert(strstr(jane->path, "/hw-1.zip"), "%s", jane->path);
    cr_assert_str_eq(jane->origin.name, "doejane");
    cr_assert_str_eq(jane->origin.label, "doejane_12345");
    cr_assert_eq(jane->origin.late, 1);
    cr_assert_eq(jane->origin.attempt, 2);
    cr_assert(noticed(jane, "doejane_12345_111_hw.zip was set aside"));
    expect_content("22222", "Makefile", "all:\n");
    expect_content("22222", "server.c", "int x;\n");
    expect_content("22222", "data.zip", "data");
    cr_assert_eq(entry_of("22222")->origin.late, 0);
    cr_assert_eq(entry_of("22222")->origin.attempt, 0);
    cr_assert_str_eq(entry_of("33333")->origin.refusal_kind, "nothing-handed-in");
}

Test(batch_roster, the_same_as_a_folder)
{
    AUTO_FREE char *folder = xasprintf("%s/download", lab.dir);
    cr_assert_eq(mkdir(folder, 0755), 0);
    free(lab.path);
    lab.path = xasprintf("%s/doejane_12345_222_hw.zip", folder);
    lab_put(&lab, "zip", 3);
    free(lab.path);
    lab.path = xasprintf("%s/lizloose_22222_333_server.c", folder);
    lab_put(&lab, "int x;\n", 7);
    AUTO_FREE char *link = xasprintf("%s/lenlink_44444_555_server.c", folder);
    cr_assert_eq(symlink("/etc/passwd", link), 0);
    make_good(folder, NULL);
    cr_assert_eq(roster.count, 3);
    cr_assert(strstr(entry_of("12345")->path, "/download/doejane"), "an archive stays where it is");
    expect_content("22222", "server.c", "int x;\n");
    cr_assert_str_eq(entry_of("44444")->origin.refusal_kind, "link-leaves-tree");
}

/* ---- the others ---- */

Test(batch_roster, a_moodle_download)
{
    pack("zip");
    pack_file(&packer, "Jane Doe_123_assignsubmission_file_/hw/Makefile", "all:\n");
    pack_file(&packer, "Jane Doe_123_assignsubmission_file_/hw/.git/config", "x");
    pack_file(&packer, "Jane Doe_123_assignsubmission_onlinetext_onlinetext.html", "x");
    pack_file(&packer, "J\xc3\xb6rg M_456_assignsubmission_file_server.c", "int x;\n");
    pack_file(&packer, "J\xc3\xb6rg M_456_assignsubmission_file_Makefile", "all:\n");
    put();
    make_good(lab.path, NULL);
    cr_assert_eq(roster.count, 2);
    cr_assert(strstr(said.data, "form moodle"), "%s", said.data);
    expect_content("123", "hw/Makefile", "all:\n");
    cr_assert_null(content(entry_of("123"), "hw/.git/config"));
    expect_content("456", "server.c", "int x;\n");
    cr_assert_str_eq(entry_of("456")->origin.name, "J\xc3\xb6rg M");
    cr_assert_eq(entry_of("456")->origin.late, -1, "its names do not tell");
}

Test(batch_roster, a_download_in_a_folder_of_its_own)
{
    pack("zip");
    pack_file(&packer, "assignment_9_export/submission_77/Makefile", "all:\n");
    pack_file(&packer, "assignment_9_export/submission_78/server.c", "int x;\n");
    pack_file(&packer, "assignment_9_export/submission_metadata.yml", "---\n");
    put();
    make_good(lab.path, NULL);
    cr_assert_eq(roster.count, 2);
    cr_assert(
        strstr(said.data, "form gradescope: 2 hand-ins; submission_metadata.yml: it tells of none"),
        "%s", said.data);
    expect_content("78", "server.c", "int x;\n");
}

Test(batch_roster, github_classroom_checkouts)
{
    static const char *const users[] = {"octo-cat", "octo-dog"};
    AUTO_FREE char *folder = xasprintf("%s/hw1-submissions", lab.dir);
    cr_assert_eq(mkdir(folder, 0755), 0);
    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        AUTO_FREE char *repository = xasprintf("%s/hw1-%s", folder, users[i]);
        AUTO_FREE char *git = xasprintf("%s/.git", repository);
        cr_assert_eq(mkdir(repository, 0755), 0);
        cr_assert_eq(mkdir(git, 0755), 0);
    }
    make_good(folder, NULL);
    cr_assert_eq(roster.count, 2);
    cr_assert_str_eq(entry_of("octo-cat")->origin.download, "github-classroom");
    cr_assert_str_eq(entry_of("octo-dog")->origin.label, "octo-dog");
}

Test(batch_roster, a_folder_of_archives_and_folders)
{
    pack("zip");
    pack_file(&packer, "anna.zip", "zip");
    pack_file(&packer, "bert/Makefile", "all:\n");
    pack_file(&packer, "carl/nothing.txt", "x");
    put();
    make_good(lab.path, NULL);
    cr_assert_eq(roster.count, 3);
    cr_assert_null(entry_of("anna")->origin.download);
    expect_content("bert", "Makefile", "all:\n");
    expect_content("carl", "nothing.txt", "x");
}

Test(batch_roster, what_has_a_makefile_is_one_hand_in)
{
    pack("zip");
    pack_file(&packer, "Makefile", "all:\n");
    pack_file(&packer, "doejane_12345_111_hw.zip", "x");
    pack_file(&packer, "doejane_12345_112_hw.zip", "x");
    put();
    make_good(lab.path, NULL);
    cr_assert_eq(roster.count, 1);
    cr_assert_str_eq(roster.entries[0].path, lab.path);
    cr_assert_null(said.data);
}

Test(batch_roster, a_pattern_and_its_attempts)
{
    pack("zip");
    pack_file(&packer, "hw1-anna-1.zip", "first");
    pack_file(&packer, "hw1-anna-3.zip", "third");
    pack_file(&packer, "hw1-anna-2.zip", "second");
    pack_file(&packer, "hw1-bert-1.zip", "bert");
    pack_file(&packer, "notes.txt", "x");
    put();
    make_good(lab.path, "^hw1-(?<name>\\w+)-(?<attempt>\\d+)\\.zip$");
    cr_assert_eq(roster.count, 2);
    cr_assert_str_eq(roster.entries[0].origin.name, "anna");
    cr_assert_eq(roster.entries[0].origin.attempt, 3);
    cr_assert(
        noticed(&roster.entries[0], "hw1-anna-2.zip was set aside: there is a later attempt"));
    AUTO_FREE char *text = content(&roster.entries[0], "");
    cr_assert_str_eq(text, "third");
}

Test(batch_roster, a_pattern_that_matches_nothing_is_an_error_of_usage)
{
    struct err err = {0};
    pack_canvas();
    const char *path = lab.path;
    cr_assert_eq(make(&path, 1, "^nobody(?<id>x)$", &err), -1);
    cr_assert_eq(err.kind, ERR_USAGE);
    cr_assert(strstr(err.text, "--student-regex"), "%s", err.text);
}

Test(batch_roster, files_of_one_student_as_operands)
{
    AUTO_FREE char *first = xasprintf("%s/doejane_12345_111_Makefile", lab.dir);
    AUTO_FREE char *second = xasprintf("%s/doejane_12345_112_server.c", lab.dir);
    AUTO_FREE char *plain = xasprintf("%s/bert", lab.dir);
    free(lab.path);
    lab.path = xstrdup(first);
    lab_put(&lab, "all:\n", 5);
    free(lab.path);
    lab.path = xstrdup(second);
    lab_put(&lab, "int x;\n", 7);
    cr_assert_eq(mkdir(plain, 0755), 0);
    const char *const paths[] = {first, plain, second};
    struct err err = {0};
    cr_assert_eq(make(paths, 3, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(roster.count, 2);
    expect_content("12345", "server.c", "int x;\n");
    expect_content("12345", "Makefile", "all:\n");
    cr_assert_str_eq(entry_of("bert")->path, plain);
}

/* ---- broken at one, whole at the others ---- */

Test(batch_roster, what_is_wrong_with_one_costs_nobody_else)
{
    AUTO_FREE char *zeros = xcalloc(1, (size_t)70 << 20);
    pack("zip");
    pack_file(&packer, "a_123_assignsubmission_file_/Makefile", "all:\n");
    pack_entry(&packer, AE_IFREG, "b_124_assignsubmission_file_/zeros", NULL, zeros,
               (size_t)70 << 20);
    pack_file(&packer, "b_124_assignsubmission_file_/more", "x");
    pack_file(&packer, "c_125_assignsubmission_file_/x", "file");
    pack_file(&packer, "c_125_assignsubmission_file_/x/y", "file");
    pack_file(&packer, "d_126_assignsubmission_file_/../../../evil", "x");
    pack_file(&packer, "d_126_assignsubmission_file_/x", "x");
    pack_entry(&packer, AE_IFLNK, "e_127_assignsubmission_file_/out", lab.dir, NULL, 0);
    pack_file(&packer, "e_127_assignsubmission_file_/out/evil", "x");
    pack_file(&packer, "../evil", "x");
    pack_file(&packer, "z_999_assignsubmission_file_/Makefile", "all:\n");
    put();
    make_good(lab.path, NULL);
    cr_assert_eq(roster.count, 6);
    static const struct {
        const char *id, *kind;
    } rows[] = {{"124", "too-large"},
                {"125", "link-leaves-tree"},
                {"126", "path-leaves-tree"},
                {"127", "link-leaves-tree"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct origin *origin = &entry_of(rows[i].id)->origin;
        cr_assert_not_null(origin->refusal, "%s was not refused", rows[i].id);
        cr_assert_str_eq(origin->refusal_kind, rows[i].kind, "%s", origin->refusal);
    }
    expect_content("123", "Makefile", "all:\n");
    expect_content("999", "Makefile", "all:\n");
    AUTO_FREE char *evil = xasprintf("%s/evil", lab.dir);
    cr_assert_neq(access(evil, F_OK), 0);
}

Test(batch_roster, a_damaged_download_is_an_error_that_says_so)
{
    struct err err = {0};
    packer = pack_begin("stored-zip");
    pack_open(&packer);
    pack_file(&packer, "doejane_12345_111_server.c", "int jane;\n");
    pack_file(&packer, "lizloose_22222_333_server.c", "int liz;\n");
    pack_end(&packer);
    char *data = memmem(packer.bytes, packer.len, "int jane", 8);
    cr_assert_not_null(data);
    data[4] = 'J'; /* its checksum is wrong, and nobody knows what else is */
    lab_put(&lab, packer.bytes, packer.len);
    pack_free(&packer);
    const char *path = lab.path;
    cr_assert_eq(make(&path, 1, NULL, &err), -1);
    cr_assert_eq(err.kind, ERR_USAGE, "%s", err.text);
    cr_assert(strstr(err.text, "download '"), "%s", err.text);
    cr_assert_eq(roster.count, 0);
}

Test(batch_roster, one_archive_that_cannot_be_opened_is_no_class_of_one)
{
    struct err err = {0};
    lab_put(&lab, "PK\003\004 cut off", 11);
    const char *both[] = {lab.path, lab.path};
    cr_assert_eq(make(both, 1, NULL, &err), -1);
    cr_assert_eq(err.kind, ERR_USAGE, "%s", err.text);
    cr_assert(strstr(err.text, "cannot be opened") && strstr(err.text, "no report was touched"),
              "%s", err.text);
    /* among others it is a hand-in like them */
    err = (struct err){0};
    cr_assert_eq(make(both, 2, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(roster.count, 2);
}
