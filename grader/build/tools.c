/* build/tools.c: see tools.h.
 *
 * Why scripts, and not CFLAGS on make's command line: that would replace what the Makefile says itself (-Iinclude, -std,
 * -pthread), and many Makefiles write `gcc -o` and nothing else. A script keeps every word and adds ours around them. */
#include "build/tools.h"

#include "base/mem.h"
#include "base/own.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Words are left out: those that this kind of build cannot have, and warnings, for the build proper has told them and
 * -Werror would end this one. Sources get their full path, since the sanitizers' runtime does not join it from pieces.
 * Then our words: in front what the hand-in may overrule, behind what wins. */
static const char *const script =
    "#!/bin/sh\n"
    "n=$#\n"
    "while [ \"$n\" -gt 0 ]; do\n"
    "    word=$1\n"
    "    shift\n"
    "    n=$((n - 1))\n"
    "    case $word in\n"
    "    %s) continue ;;\n"
    "    -fsanitize* | -fno-sanitize* | -pg) continue ;;\n"
    "    -Wl,* | -Wa,* | -Wp,*) ;;\n"
    "    -W*) continue ;;\n"
    "    *.c | *.cc | *.cpp | *.cxx | *.C)\n"
    "        case $word in /*) ;; *) [ -f \"$word\" ] && word=$PWD/${word#./} ;; esac ;;\n"
    "    esac\n"
    "    set -- \"$@\" \"$word\"\n"
    "done\n"
    "exec %s %s \"$@\" %s\n";

/* What is for this machine's processor, and how shared libraries are found: these programs have none. -flto would ask for
 * the plugin of another ar. */
#define OF_THIS_MACHINE "-m* | -fcf-protection* | -flto* | -static* | -pie | -no-pie | -rdynamic"

static const struct dialect {
    const char *gcc, *gxx;
    const char *left_out; /* patterns of sh(1)'s `case` */
    const char *before, *behind;
    const char
        *binutils;     /* "s390x-linux-gnu-": its ar and its kin; NULL: those of this machine do */
    bool keep_symbols; /* stripping would take line numbers away */
    uint16_t machine;  /* e_machine of its programs, elf(5); 0: this machine's */
    unsigned char elf_class, elf_order;
} dialects[BUILD_KINDS] = {
    /* The runtimes are linked statically: as two shared libraries they get in each other's way (only one of them obeys
     * log_path), and the box needs no library more. Two checks are left out: memcpy(p, NULL, 0) harms nobody and becomes
     * legal (N3322), and object-size repeats what AddressSanitizer says. -O1, as its manual advises: what -O2 optimises away
     * nobody finds, and compiling takes a quarter less. */
    [BUILD_SANITIZED] =
        {
            .gcc = "/usr/bin/gcc",
            .gxx = "/usr/bin/g++",
            .left_out = "-static | -static-pie | -s | -Wl,-s | -Wl,-S | -Wl,--strip-*",
            .before = "",
            .behind = "-w -g -O1 -U_FORTIFY_SOURCE -fsanitize=address,undefined "
                      "-fno-sanitize=nonnull-attribute,object-size -fno-omit-frame-pointer "
                      "-static-libasan -static-libubsan",
            .keep_symbols = true,
        },
    /* char is signed here and unsigned there, which is no matter of byte order: signed, unless the hand-in says other. */
    [BUILD_BIG_ENDIAN] =
        {
            .gcc = "/usr/bin/s390x-linux-gnu-gcc",
            .gxx = "/usr/bin/s390x-linux-gnu-g++",
            .left_out = OF_THIS_MACHINE,
            .before = "-fsigned-char",
            .behind = "-w -static",
            .binutils = "s390x-linux-gnu-",
            .machine = EM_S390,
            .elf_class = ELFCLASS64,
            .elf_order = ELFDATA2MSB,
        },
    /* <asm/...> lies where only the package gcc-multilib has a link to; that package cannot be installed beside a cross
     * compiler. */
    [BUILD_32_BIT] =
        {
            .gcc = "/usr/bin/gcc",
            .gxx = "/usr/bin/g++",
            .left_out = OF_THIS_MACHINE,
            .before = "-m32",
            .behind = "-w -static -idirafter /usr/include/x86_64-linux-gnu",
            .machine = EM_386,
            .elf_class = ELFCLASS32,
            .elf_order = ELFDATA2LSB,
        },
};

/* Everything that calls itself a C compiler becomes gcc: clang's reports need a symbolizer that no box holds, and it has no
 * libraries for another machine. */
static const struct tool {
    const char *name;
    const char *words;
    bool plus_plus;
} compilers[] = {
    {"gcc", "", false},      {"cc", "", false},       {"c99", "-std=c99", false},
    {"c11", "", false},      {"clang", "", false},    {"gcc-11", "", false},
    {"gcc-12", "", false},   {"gcc-13", "", false},   {"gcc-14", "", false},
    {"clang-14", "", false}, {"clang-15", "", false}, {"x86_64-linux-gnu-gcc", "", false},
    {"g++", "", true},       {"c++", "", true},       {"clang++", "", true},
};

static const struct {
    const char *name, *real;
} binutils[] = {
    {"ar", "ar"}, {"gcc-ar", "ar"}, {"ranlib", "ranlib"}, {"gcc-ranlib", "ranlib"},
    {"nm", "nm"}, {"ld", "ld"},     {"strip", "strip"},   {"objcopy", "objcopy"},
};

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
    const size_t most = ARRAY_SIZE(compilers) + ARRAY_SIZE(binutils) + 1;
    const struct dialect *dialect = &dialects[kind];
    *ret = (struct tools){0};
    if (kind == BUILD_PLAIN)
        return;
    ret->files = xcalloc(most, sizeof *ret->files);
    ret->texts = xcalloc(most, sizeof *ret->texts);
    for (size_t i = 0; i < ARRAY_SIZE(compilers); i++) {
        const struct tool *tool = &compilers[i];
        AUTO_FREE char *before = xasprintf("%s %s", tool->words, dialect->before);
        AUTO_BUF struct buf text = {0};
        (void)buf_printf(&text, script, dialect->left_out,
                         tool->plus_plus ? dialect->gxx : dialect->gcc, before, dialect->behind);
        add_script(ret, tool->name, text.data);
    }
    for (size_t i = 0; dialect->binutils && i < ARRAY_SIZE(binutils); i++) {
        AUTO_FREE char *text = xasprintf("#!/bin/sh\nexec /usr/bin/%s%s \"$@\"\n",
                                         dialect->binutils, binutils[i].real);
        add_script(ret, binutils[i].name, text);
    }
    if (dialect->keep_symbols)
        add_script(ret, "strip", "#!/bin/sh\nexit 0\n");
}

void tools_done(struct tools *tools)
{
    for (size_t i = 0; i < tools->count; i++)
        buf_done(&tools->texts[i]);
    free(tools->texts);
    free(tools->files);
    *tools = (struct tools){0};
}

/* ---- what is missing here ---- */

/* Debian's: gcc-s390x-linux-gnu and libc6-dev-s390x-cross, gcc-12-multilib and libc6-dev-i386. A compiler without its libc
 * is no compiler for this. */
static const struct {
    enum build_kind kind;
    const char *path, *what;
} needed[] = {
    {BUILD_BIG_ENDIAN, "/usr/bin/s390x-linux-gnu-gcc", "the cross compiler for s390x"},
    {BUILD_BIG_ENDIAN, "/usr/s390x-linux-gnu/lib/libc.a", "the C library for s390x"},
    {BUILD_32_BIT, "/usr/bin/gcc", "gcc"},
    {BUILD_32_BIT, "/usr/lib32/libc.a", "the C library for 32 bits"},
};

char *build_lacks(enum build_kind kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        struct stat status;
        if (needed[i].kind == kind &&
            (stat(needed[i].path, &status) != 0 || !S_ISREG(status.st_mode)))
            return xasprintf("%s (%s) is not installed", needed[i].what, needed[i].path);
    }
    return NULL;
}

/* ---- what was made ---- */

/* The name that gcc gives to the constructor by which an instrumented object registers itself (of priority 99, with a
 * number behind it). Linking with -fsanitize alone brings the runtime in, but no such thing. */
static const char constructor[] = "_sub_I_00099_";

/* The two fields behind the identification are of the program's own byte order. */
static bool is_for_machine(const unsigned char *bytes, size_t size, const struct dialect *dialect)
{
    if (size < sizeof(Elf32_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
        bytes[EI_CLASS] != dialect->elf_class || bytes[EI_DATA] != dialect->elf_order)
        return false;
    const unsigned char *halves = bytes + EI_NIDENT;
    const size_t low = dialect->elf_order == ELFDATA2LSB ? 0 : 1;
    const unsigned type = halves[low] | (unsigned)halves[1 - low] << 8;
    const unsigned machine = halves[2 + low] | (unsigned)halves[3 - low] << 8;
    return machine == dialect->machine && (type == ET_EXEC || type == ET_DYN);
}

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
    const struct dialect *dialect = &dialects[kind];
    bool found = dialect->machine
                     ? is_for_machine(bytes, size, dialect)
                     : memmem(bytes, size, constructor, sizeof constructor - 1) != NULL;
    (void)munmap(bytes, size);
    return found;
}
