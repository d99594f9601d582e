/* build: the compilers that stand in for the real ones, and which programs they count as their own. */
#include "base/io.h"
#include "base/own.h"
#include "build/tools.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what a compiler is called with ---- */

static const char *script_of(const struct tools *tools, const char *name)
{
    for (size_t i = 0; i < tools->count; i++)
        if (strcmp(tools->files[i].path, name) == 0)
            return tools->files[i].bytes;
    return NULL;
}

/* The words that the compiler gets, itself first, one behind the other: the script is run with echo in its place. */
static char *compile(enum build_kind kind, const char *compiler, const char *words)
{
    struct tools tools;
    char dir[] = "/tmp/sockgrade-kinds-XXXXXX";
    struct err err = {0};
    cr_assert_not_null(mkdtemp(dir));
    tools_make(kind, &tools);
    const char *script = script_of(&tools, compiler);
    cr_assert_not_null(script, "%s", compiler);
    const char *call = strstr(script, "exec ");
    cr_assert_not_null(call);
    AUTO_FREE char *path = xasprintf("%s/cc", dir);
    AUTO_FREE char *text =
        xasprintf("%.*sset -f; echo %s", (int)(call - script), script, call + strlen("exec "));
    cr_assert_eq(io_write_file_atomic(path, text, strlen(text), &err), 0, "%s", err.text);
    AUTO_FREE char *command = xasprintf("cd %s && touch a.c && sh ./cc %s >out", dir, words);
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "%s", text);
    AUTO_FREE char *output = xasprintf("%s/out", dir);
    AUTO_BUF struct buf got = {0};
    cr_assert_eq(io_read_file(output, 65536, &got, ERR_HOST, &err), 0, "%s", err.text);
    char *line = got.data;
    line[strcspn(line, "\n")] = '\0';
    char *at = strstr(line, dir); /* which folder it was is no matter */
    if (at)
        memmove(at, at + strlen(dir), strlen(at + strlen(dir)) + 1);
    tools_done(&tools);
    cr_assert_eq(io_remove_tree(dir, &err), 0, "%s", err.text);
    return xstrdup(line);
}

static void expect_words(enum build_kind kind, const char *compiler, const char *given,
                         const char *got)
{
    AUTO_FREE char *words = compile(kind, compiler, given);
    cr_expect_str_eq(words, got);
}

Test(build_kinds, what_is_for_this_machine_s_processor_is_left_out)
{
    static const char given[] =
        "-std=c17 -O2 -march=native -mtune=native -mavx2 -m64 -msse4.2 -fcf-protection=full "
        "-flto=auto -fsanitize=address,undefined -fno-sanitize=null -pg -Wall -Werror -Wextra "
        "-static -pie -Iinclude -D_GNU_SOURCE -pthread -Wl,--as-needed -MMD -o prog a.c b.o -lm";
    static const char kept[] = "-std=c17 -O2 -Iinclude -D_GNU_SOURCE -pthread -Wl,--as-needed -MMD "
                               "-o prog /a.c b.o -lm";
    AUTO_FREE char *big =
        xasprintf("/usr/bin/s390x-linux-gnu-gcc -fsigned-char %s -w -static", kept);
    AUTO_FREE char *small =
        xasprintf("/usr/bin/gcc -m32 %s -w -static -idirafter /usr/include/x86_64-linux-gnu", kept);
    static const char *const names[] = {"gcc", "cc", "clang", "x86_64-linux-gnu-gcc"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        expect_words(BUILD_BIG_ENDIAN, names[i], given, big);
        expect_words(BUILD_32_BIT, names[i], given, small);
    }
}

Test(build_kinds, the_hand_in_s_word_about_char_counts)
{
    expect_words(BUILD_BIG_ENDIAN, "c99", "-funsigned-char -c a.c",
                 "/usr/bin/s390x-linux-gnu-gcc -std=c99 -fsigned-char -funsigned-char -c /a.c -w "
                 "-static");
    expect_words(BUILD_BIG_ENDIAN, "g++", "a.cc",
                 "/usr/bin/s390x-linux-gnu-g++ -fsigned-char a.cc -w -static");
}

Test(build_kinds, sanitizers_leave_the_processor_s_words)
{
    AUTO_FREE char *words = compile(BUILD_SANITIZED, "gcc", "-march=native -static -Werror a.c");
    cr_expect_eq(strncmp(words, "/usr/bin/gcc -march=native /a.c -w -g ", 38), 0, "%s", words);
}

Test(build_kinds, an_archive_of_objects_needs_that_machine_s_ar)
{
    struct tools tools;
    tools_make(BUILD_BIG_ENDIAN, &tools);
    const char *script = script_of(&tools, "ar");
    cr_assert_not_null(script);
    cr_expect_not_null(strstr(script, "/usr/bin/s390x-linux-gnu-ar"), "%s", script);
    tools_done(&tools);
    tools_make(BUILD_32_BIT, &tools);
    cr_expect_null(script_of(&tools, "ar"), "that of this machine does");
    tools_done(&tools);
    tools_make(BUILD_PLAIN, &tools);
    cr_expect_eq(tools.count, 0);
    tools_done(&tools);
}

/* ---- which artefacts are of a kind ---- */

static bool made(enum build_kind kind, const unsigned char *bytes, size_t len)
{
    AUTO_CLOSE int fd = memfd_create("artefact", MFD_CLOEXEC);
    cr_assert(fd >= 0 && io_write_full(fd, bytes, len) == 0);
    return tools_made(fd, kind);
}

/* A header of elf(5): class, byte order, type and machine in that byte order. */
static void header(unsigned char *ret, unsigned char class, unsigned char order, unsigned type,
                   unsigned machine)
{
    const bool big = order == ELFDATA2MSB;
    memset(ret, 0, 64);
    memcpy(ret, ELFMAG, SELFMAG);
    ret[EI_CLASS] = class;
    ret[EI_DATA] = order;
    ret[big ? 17 : 16] = (unsigned char)type;
    ret[big ? 19 : 18] = (unsigned char)machine;
}

Test(build_kinds, a_program_is_of_its_machine_s_kind_only)
{
    static const struct {
        unsigned char class, order;
        unsigned type, machine;
        bool big, small;
    } rows[] = {
        {ELFCLASS64, ELFDATA2MSB, ET_EXEC, EM_S390, true, false},
        {ELFCLASS64, ELFDATA2MSB, ET_DYN, EM_S390, true, false},
        {ELFCLASS64, ELFDATA2MSB, ET_REL, EM_S390, false, false},
        {ELFCLASS32, ELFDATA2MSB, ET_EXEC, EM_S390, false, false},
        {ELFCLASS64, ELFDATA2LSB, ET_EXEC, EM_S390, false, false},
        {ELFCLASS32, ELFDATA2LSB, ET_EXEC, EM_386, false, true},
        {ELFCLASS64, ELFDATA2LSB, ET_EXEC, EM_X86_64, false, false},
        {ELFCLASS32, ELFDATA2LSB, ET_EXEC, EM_X86_64, false, false}, /* x32 */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned char bytes[64];
        header(bytes, rows[i].class, rows[i].order, rows[i].type, rows[i].machine);
        cr_expect_eq(made(BUILD_BIG_ENDIAN, bytes, sizeof bytes), rows[i].big, "row %zu", i);
        cr_expect_eq(made(BUILD_32_BIT, bytes, sizeof bytes), rows[i].small, "row %zu", i);
        cr_expect_not(made(BUILD_32_BIT, bytes, 20), "cut short, row %zu", i);
        cr_expect(made(BUILD_PLAIN, bytes, sizeof bytes));
    }
    cr_expect_not(made(BUILD_BIG_ENDIAN, (const unsigned char *)"#!/bin/sh\n", 10));
    cr_expect_not(made(BUILD_BIG_ENDIAN, NULL, 0));
}
