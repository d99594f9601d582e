/* base/text_words.c: words that are near to each other, patterns, and numbers. */
#include "base/own.h"
#include "base/text.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD 200 /* longer words are near to nothing */

size_t text_distance(const char *a, const char *b)
{
    const size_t len_a = strlen(a);
    const size_t len_b = strlen(b);
    AUTO_FREE size_t *row = xreallocarray(NULL, len_b + 1, sizeof *row);
    for (size_t j = 0; j <= len_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= len_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            const size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            const size_t added = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = changed < added ? changed : added;
        }
    }
    return row[len_b];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    const size_t len = strlen(word);
    if (len > MAX_WORD)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const size_t other = strlen(candidates[i]);
        const size_t longer = len > other ? len : other;
        if (other > MAX_WORD)
            continue;
        const size_t distance = text_distance(word, candidates[i]);
        if (distance < best && distance * 3 <= longer) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

bool text_glob(const char *pattern, const char *text)
{
    return fnmatch(pattern, text, 0) == 0;
}

/* strtoull(3) and strtod(3) skip blanks and take signs: a number begins with its first digit here. */
bool text_to_u64(const char *text, unsigned long long *ret)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

bool text_to_double(const char *text, double *ret)
{
    char *end = NULL;
    if (!text[0] || strchr(" \t\r\n\v\f", text[0]))
        return false;
    errno = 0;
    *ret = strtod(text, &end);
    return *end == '\0' && errno == 0;
}
