/* build/tools.c: see tools.h.
 *
 * Why scripts, and not CFLAGS on make's command line: that would replace what the Makefile says itself (-Iinclude, -std,
 * -pthread), and many Makefiles write `gcc -o` and nothing else. A script keeps every word and adds ours behind them. */
#include "build/tools.h"

#include "base/mem.h"
#include "base/own.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The words that are left out: what cannot be had together with the sanitizers, what would take the line numbers away
 * again, and warnings, for the build proper has told them and -Werror would end this one. Sources get their full path, since
 * the runtime does not join it from pieces. Then our words, which win. */
static const char *const script =
    "#!/bin/sh\n"
    "n=$#\n"
    "while [ \"$n\" -gt 0 ]; do\n"
    "    word=$1\n"
    "    shift\n"
    "    n=$((n - 1))\n"
    "    case $word in\n"
    "    -static | -static-pie | -s | -Wl,-s | -Wl,-S | -Wl,--strip-*) continue ;;\n"
    "    -fsanitize* | -fno-sanitize* | -pg) continue ;;\n"
    "    -Wl,* | -Wa,* | -Wp,*) ;;\n"
    "    -W*) continue ;;\n"
    "    *.c | *.cc | *.cpp | *.cxx | *.C)\n"
    "        case $word in /*) ;; *) [ -f \"$word\" ] && word=$PWD/${word#./} ;; esac ;;\n"
    "    esac\n"
    "    set -- \"$@\" \"$word\"\n"
    "done\n"
    "exec %s \"$@\" %s\n";

/* The runtimes are linked statically: as two shared libraries they get in each other's way (only one of them obeys
 * log_path), and the box needs no library more. Two checks are left out: memcpy(p, NULL, 0) harms nobody and becomes
 * legal (N3322), and object-size repeats what AddressSanitizer says. */
#define SANITIZERS                                                                                 \
    "-w -g -U_FORTIFY_SOURCE -fsanitize=address,undefined "                                        \
    "-fno-sanitize=nonnull-attribute,object-size -fno-omit-frame-pointer "                         \
    "-static-libasan -static-libubsan"

/* Everything that calls itself a C compiler becomes gcc: clang's reports need a symbolizer that no box holds. */
static const struct tool {
    const char *name;
    const char *real;
} compilers[] = {
    {"gcc", "/usr/bin/gcc"},          {"cc", "/usr/bin/gcc"},
    {"c99", "/usr/bin/gcc -std=c99"}, {"c11", "/usr/bin/gcc"},
    {"clang", "/usr/bin/gcc"},        {"gcc-11", "/usr/bin/gcc"},
    {"gcc-12", "/usr/bin/gcc"},       {"gcc-13", "/usr/bin/gcc"},
    {"gcc-14", "/usr/bin/gcc"},       {"clang-14", "/usr/bin/gcc"},
    {"clang-15", "/usr/bin/gcc"},     {"x86_64-linux-gnu-gcc", "/usr/bin/gcc"},
    {"g++", "/usr/bin/g++"},          {"c++", "/usr/bin/g++"},
    {"clang++", "/usr/bin/g++"},
};

/* Stripping an artefact would take the line numbers away. */
static const char *const nothing = "#!/bin/sh\nexit 0\n";

static void add_script(struct tools *tools, const char *name, const char *text)
{
    struct box_file *file = &tools->files[tools->count];
    struct buf *copy = &tools->texts[tools->count++];
    (void)buf_add_str(copy, text);
    *file = (struct box_file){
        .kind = BOX_FILE_DATA, .mode = 0755, .path = name, .bytes = copy->data, .len = copy->len};
}

void tools_make(enum build_kind kind, struct tools *ret)
{
    *ret = (struct tools){0};
    if (kind == BUILD_PLAIN)
        return;
    ret->files = xcalloc(ARRAY_SIZE(compilers) + 1, sizeof *ret->files);
    ret->texts = xcalloc(ARRAY_SIZE(compilers) + 1, sizeof *ret->texts);
    for (size_t i = 0; i < ARRAY_SIZE(compilers); i++) {
        AUTO_BUF struct buf text = {0};
        (void)buf_printf(&text, script, compilers[i].real, SANITIZERS);
        add_script(ret, compilers[i].name, text.data);
    }
    add_script(ret, "strip", nothing);
}

void tools_done(struct tools *tools)
{
    for (size_t i = 0; i < tools->count; i++)
        buf_done(&tools->texts[i]);
    free(tools->texts);
    free(tools->files);
    *tools = (struct tools){0};
}

/* The name that gcc gives to the constructor by which an instrumented object registers itself (of priority 99, with a
 * number behind it). Linking with -fsanitize alone brings the runtime in, but no such thing. */
static const char constructor[] = "_sub_I_00099_";

bool tools_made(int fd, enum build_kind kind)
{
    struct stat status;
    if (kind == BUILD_PLAIN)
        return true;
    if (fstat(fd, &status) != 0 || status.st_size <= 0)
        return false;
    size_t size = (size_t)status.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return false;
    bool found = memmem(bytes, size, constructor, sizeof constructor - 1) != NULL;
    (void)munmap(bytes, size);
    return found;
}
