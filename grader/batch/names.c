/* batch/names.c: a hand-in's name becomes a file name: no separators, no control characters, nothing that another
 * operating system or a shell's pattern would read differently, not twice. */
#include "batch/parts.h"

#include "base/own.h"
#include "base/text.h"
#include "submission/submission.h"

#include <string.h>
#include <strings.h>

#define MAX_NAME_BYTES 100

/* Files of ours in the same folder. */
static const char *const reserved[] = {"summary", "gradebook"};

static bool is_plain(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

/* UTF-8 without control characters came in. */
static char *safe_name(char *name)
{
    size_t len = strlen(name);
    if (len > MAX_NAME_BYTES) {
        len = MAX_NAME_BYTES;
        while (len && ((unsigned char)name[len] & 0xC0) == 0x80)
            len--; /* not within a character */
        name[len] = '\0';
    }
    bool utf8 = text_is_utf8(name, len);
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (!is_plain(byte) && !(byte >= 0x80 && utf8))
            name[i] = '_';
    }
    if (name[0] == '.' || name[0] == '-') /* hidden, or an option to whoever globs it */
        name[0] = '_';
    if (len)
        return name;
    free(name);
    return xstrdup("hand-in");
}

static bool is_taken(const struct batch *batch, size_t before, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
        if (strcasecmp(reserved[i], name) == 0)
            return true;
    for (size_t i = 0; i < before; i++)
        if (strcasecmp(batch->hand_ins[i].name, name) == 0)
            return true;
    return false;
}

void names_assign(struct batch *batch, const char *out_dir)
{
    for (size_t i = 0; i < batch->n_hand_ins; i++) {
        struct batch_hand_in *hand_in = &batch->hand_ins[i];
        const char *label = hand_in->origin->label;
        AUTO_FREE char *bare = safe_name(label ? xstrdup(label) : submission_name(hand_in->path));
        hand_in->name = xstrdup(bare);
        for (unsigned turn = 2; is_taken(batch, i, hand_in->name); turn++) {
            free(hand_in->name);
            hand_in->name = xasprintf("%s-%u", bare, turn);
        }
        hand_in->report = xasprintf("%s/%s.json", out_dir, hand_in->name);
    }
}
