/* fuzz/replay.c: a fuzz target without a fuzzer: reads each file named, and each file of each folder named, once.
 *
 * Prints how many there were; a mistake ends it as it ends libFuzzer: by a signal, after the name of the input. Nothing to
 * read is a mistake, too: a corpus that has gone missing must not look like one that passes. */
#include "fuzz/fuzz.h"

#include "base/io.h"
#include "base/own.h"

#include <dirent.h>
#include <sys/stat.h>

#define MAX_INPUT_BYTES ((size_t)1 << 20)

static int replay_file(const char *path)
{
    AUTO_BUF struct buf bytes = {0};
    struct err err = {0};
    if (io_read_file(path, MAX_INPUT_BYTES, &bytes, ERR_HOST, &err) != 0) {
        (void)fprintf(stderr, "replay: %s\n", err.text);
        return -1;
    }
    (void)fprintf(stderr, "%s\n", path); /* the last line before a mistake */
    /* exactly as many bytes as there are, so that a look beyond them is seen by AddressSanitizer */
    AUTO_FREE uint8_t *copy = xmalloc(bytes.len ? bytes.len : 1);
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    (void)LLVMFuzzerTestOneInput(copy, bytes.len);
    return 0;
}

static int replay_folder(const char *path, size_t *count)
{
    struct dirent **list = NULL;
    int result = 0;
    int n = scandir(path, &list, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.' && result == 0) {
            AUTO_FREE char *file = xasprintf("%s/%s", path, list[i]->d_name);
            result = replay_file(file);
            ++*count;
        }
        free(list[i]);
    }
    free((void *)list);
    return n < 0 ? -1 : result;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) != 0)
            return EXIT_FAILURE;
        if (S_ISDIR(st.st_mode) ? replay_folder(argv[i], &count) != 0
                                : (count++, replay_file(argv[i]) != 0))
            return EXIT_FAILURE;
    }
    (void)printf("%zu inputs\n", count);
    return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
