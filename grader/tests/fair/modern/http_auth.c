#include "http_auth.h"

#include "net.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct user {
    char *prefix, *name, *password;
    struct user *next;
};

static struct user *users;

void load_users(const char *file)
{
    FILE *in = fopen(file, "re");
    char *line = NULL;
    size_t room = 0;
    if (in == NULL)
        die(file, strerror(errno));
    while (getline(&line, &room, in) >= 0) {
        struct user *u = calloc(1, sizeof *u);
        if (u == NULL)
            die(file, strerror(errno));
        int n = sscanf(line, "%ms %ms %m[^\r\n]", &u->prefix, &u->name, &u->password);
        if (n == EOF) {
            free(u);
            continue;
        }
        if (n != 3)
            die(file, "a line is not PREFIX USER PASSWORD");
        u->next = users;
        users = u;
    }
    if (ferror(in))
        die(file, strerror(errno));
    free(line);
    fclose(in);
}

/* Decodes into a string; false if it is no base64 or does not fit. */
static bool base64_decode(const char *from, char *to, size_t room)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned long bits = 0;
    int have = 0;
    char *end = to + room - 1;
    for (; *from != '\0' && *from != '='; from++) {
        const char *digit = strchr(digits, *from);
        if (digit == NULL || to == end)
            return false;
        bits = (bits << 6 | (unsigned long)(digit - digits)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (char)(bits >> have);
        }
    }
    *to = '\0';
    return strspn(from, "=") == strlen(from);
}

static bool covers(const char *prefix, const char *path)
{
    size_t n = strlen(prefix);
    return strncmp(path, prefix, n) == 0 &&
           (prefix[n - 1] == '/' || path[n] == '/' || path[n] == '\0');
}

int permission(const char *path, const char *authorization)
{
    char text[2048];
    const char *longest = "";
    for (const struct user *u = users; u != NULL; u = u->next) {
        if (covers(u->prefix, path) && strlen(u->prefix) > strlen(longest))
            longest = u->prefix;
    }
    if (*longest == '\0')
        return 200;
    if (strncasecmp(authorization, "basic ", 6) != 0)
        return 401;
    authorization += 6 + strspn(authorization + 6, " ");
    char *password;
    if (!base64_decode(authorization, text, sizeof text) || (password = strchr(text, ':')) == NULL)
        return 401;
    *password++ = '\0';
    int status = 401;
    for (const struct user *u = users; u != NULL; u = u->next) {
        if (strcmp(u->name, text) == 0 && strcmp(u->password, password) == 0) {
            if (strcmp(u->prefix, longest) == 0)
                return 200;
            status = 403;
        }
    }
    return status;
}
