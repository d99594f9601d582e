/* nbo_client.c: lines "add|show|read|sum TYPE NUMBERS..." become requests, replies become decimal lines. */
#include "common.h"
#include "nbo.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *program = "nbo_client";
static const char blanks[] = " \t\r\n";

static int find(const char *word, const char *const names[], int count)
{
    for (int i = 0; word != NULL && i < count; i++) {
        if (strcmp(word, names[i]) == 0)
            return i;
    }
    return -1;
}

/* Puts the numbers that are left on the line, and says how many there were, or -1. */
static int put_numbers(FILE *out, int type)
{
    int count = 0;
    uint64_t number;
    for (char *word = strtok(NULL, blanks); word != NULL; word = strtok(NULL, blanks)) {
        if (parse_number(word, type, &number) < 0)
            return -1;
        put_number(out, type, number);
        count++;
    }
    return count;
}

static int put_sum(FILE *out, int type)
{
    char *memory = NULL;
    size_t size = 0;
    FILE *numbers = open_memstream(&memory, &size);
    if (numbers == NULL)
        return -1;
    int count = put_numbers(numbers, type);
    fclose(numbers);
    if (count >= 0 && count <= 65535) {
        put_number(out, 0x02, (uint64_t)count);
        fwrite(memory, 1, size, out);
    }
    free(memory);
    return count <= 65535 ? count : -1;
}

static int put_request(FILE *out, int operation, int type)
{
    char *word;
    uint64_t number;
    putc(operation, out);
    putc(type, out);
    switch (operation) {
    case ADD:
        return put_numbers(out, type) == 2 ? 0 : -1;
    case SHOW:
        return put_numbers(out, type) == 1 ? 0 : -1;
    case SUM:
        return put_sum(out, type) >= 0 ? 0 : -1;
    default:
        word = strtok(NULL, blanks);
        if (word == NULL || strtok(NULL, blanks) != NULL || strlen(word) > 255 ||
            parse_number(word, type, &number) < 0)
            return -1;
        putc((int)strlen(word), out);
        fputs(word, out);
        return 0;
    }
}

static int print_reply(FILE *in, int operation, int type)
{
    char text[256];
    uint64_t number;
    int want = operation == SUM ? 8 | (type & 0x80) : type;
    int status = getc(in), reply_type = getc(in);
    if (reply_type == EOF)
        return complain("reply", ferror(in) ? "cannot be read" : "the server closed without one");
    if (status != 0)
        return complain("reply", "the server refused the request");
    if (reply_type != want)
        return complain("reply", "is of a wrong type");
    if (operation == SHOW) {
        int length = getc(in);
        if (length == EOF || fread(text, 1, (size_t)length, in) != (size_t)length)
            return complain("reply", "cut off");
        fwrite(text, 1, (size_t)length, stdout);
    } else {
        if (get_number(in, want, &number) < 0)
            return complain("reply", "cut off");
        format_number(text, want, number);
        fputs(text, stdout);
    }
    putchar('\n');
    return fflush(stdout) != 0 ? fail("stdout") : 0;
}

static int one_line(FILE *in, FILE *out, char *line)
{
    static const char *const operations[] = {"add", "show", "read", "sum"};
    static const char *const types[] = {"u16", "u32", "u64", "i16", "i32", "i64"};
    static const int codes[] = {0x02, 0x04, 0x08, 0x82, 0x84, 0x88};
    int operation = find(strtok(line, blanks), operations, 4);
    int type = find(strtok(NULL, blanks), types, 6);
    if (operation < 0 || type < 0 || put_request(out, operation + 1, codes[type]) < 0)
        return complain("stdin", "a line that is no request");
    if (fflush(out) != 0)
        return fail("send");
    return print_reply(in, operation + 1, codes[type]);
}

int main(int argc, char *argv[])
{
    if (argc != 3 || parse_port(argv[2]) < 0) {
        fprintf(stderr, "usage: %s HOST PORT\n", program);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int fd = tcp_connect(argv[1], argv[2]);
    if (fd < 0)
        return 1;
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    if (in == NULL || out == NULL)
        return fail("fdopen");
    char *line = NULL;
    size_t room = 0;
    int rc = 0;
    while (rc == 0 && getline(&line, &room, stdin) >= 0) {
        if (line[strspn(line, blanks)] != '\0')
            rc = one_line(in, out, line);
    }
    free(line);
    fclose(in);
    if (rc != 0)
        _exit(rc); /* what is left in the buffer of out is half a request */
    fclose(out);
    return 0;
}
