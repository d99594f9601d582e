/* submission/unpack_path.c: what the name of an archive's entry may be. */
#include "submission/unpack.h"

#include "base/own.h"
#include "submission/submission.h"

#include <string.h>
#include <strings.h>

#define MAX_COMPONENT 255 /* NAME_MAX of Linux file systems */

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

/* `C:`, `C:\x`, `C:/x`: a path that begins at a drive. */
static bool has_drive(const char *path)
{
    bool letter = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');
    return letter && path[1] == ':' && (!path[2] || is_slash(path[2]));
}

const char *unpack_path_fault(const char *path, const char **ret_kind)
{
    *ret_kind = "path-leaves-tree";
    if (is_slash(path[0]) || has_drive(path))
        return "%s is an absolute path; the names in an archive begin at its own top";
    if (!*path) {
        *ret_kind = "bad-name";
        return "an entry of the archive has no name%s";
    }
    for (const char *at = path; *at;) {
        size_t len = strcspn(at, "/\\");
        if (len == 2 && memcmp(at, "..", 2) == 0)
            return "%s leads out of the hand-in";
        if (strcspn(at, "/") > MAX_COMPONENT) {
            *ret_kind = "too-deep";
            return "%s has a name of more than 255 bytes";
        }
        at += len;
        at += strspn(at, "/\\");
    }
    *ret_kind = "too-deep";
    return strlen(path) > SUBMISSION_MAX_PATH ? "%s: a path of more than 1024 bytes" : NULL;
}

bool unpack_is_archive_name(const char *name, size_t *ret_stem)
{
    /* the longer ones first; the last row is of kinds that are not read, but are archives */
    static const char *const ends[] = {
        ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lzma", ".tar.z", ".tar", ".tgz",
        ".tbz2",   ".tbz",     ".txz",    ".zip",     ".7z",       ".rar",   ".cab", ".lzh",
    };
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        size_t end = strlen(ends[i]);
        if (len <= end || strcasecmp(name + len - end, ends[i]) != 0)
            continue;
        *ret_stem = len - end;
        return true;
    }
    *ret_stem = len;
    return false;
}
