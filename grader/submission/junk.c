/* submission/junk.c: see junk.h. */
#include "submission/junk.h"

#include "base/own.h"
#include "base/text.h"

static const char *const patterns[] = {
    "__MACOSX",
    ".DS_Store",
    "._*", /* macOS: its own folder in zips, Finder, AppleDouble */
    "Thumbs.db",
    "[Dd]esktop.ini", /* Windows Explorer */
    "System Volume Information",
    ".Trashes" /* volumes that were handed in whole */
};

/* Its row, or their count. */
static unsigned row_of(const char *name)
{
    unsigned row = 0;
    while (row < ARRAY_SIZE(patterns) && !text_glob(patterns[row], name))
        row++;
    return row;
}

bool junk_is(const char *name)
{
    return row_of(name) < ARRAY_SIZE(patterns);
}

bool junk_is_news(unsigned *said, const char *name)
{
    unsigned bit = 1U << row_of(name);
    bool news = !(*said & bit);
    *said |= bit;
    return news;
}
