#include "http_auth.h"

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct rule {
    char prefix[256];
    char credentials[512]; /* base64 of USER:PASSWORD, as a client sends them */
};

static struct rule rules[256];
static int rule_count;

static void base64(const char *text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = (const unsigned char *)text;
    size_t left = strlen(text);
    while (left > 0) {
        unsigned long group = (unsigned long)from[0] << 16;
        if (left > 1)
            group |= (unsigned long)from[1] << 8;
        if (left > 2)
            group |= from[2];
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
        size_t step = left < 3 ? left : 3;
        from += step;
        left -= step;
    }
    *out = '\0';
}

int read_authfile(const char *name)
{
    char line[1024], user[128], password[128], both[258];
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        fail(name);
        return -1;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        struct rule *r = &rules[rule_count];
        int fields = sscanf(line, "%255s %127s %127s", r->prefix, user, password);
        if (fields <= 0)
            continue;
        if (fields != 3 || r->prefix[0] != '/' || rule_count == 255) {
            fclose(file);
            complain(name, "not lines of PREFIX USER PASSWORD");
            return -1;
        }
        size_t n = strlen(r->prefix);
        if (r->prefix[n - 1] == '/')
            r->prefix[n - 1] = '\0';
        snprintf(both, sizeof both, "%s:%s", user, password);
        base64(both, r->credentials);
        rule_count++;
    }
    fclose(file);
    return 0;
}

static int is_under(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

int may_see(const char *path, const char *authorization)
{
    const char *longest = NULL;
    int known = 0, allowed = 0;
    for (int i = 0; i < rule_count; i++) {
        if (is_under(path, rules[i].prefix) &&
            (longest == NULL || strlen(rules[i].prefix) > strlen(longest)))
            longest = rules[i].prefix;
    }
    if (longest == NULL)
        return 200;
    if (strncasecmp(authorization, "Basic ", 6) != 0)
        return 401;
    authorization += 6 + strspn(authorization + 6, " ");
    for (int i = 0; i < rule_count; i++) {
        if (strcmp(rules[i].credentials, authorization) == 0) {
            known = 1;
            if (strcmp(rules[i].prefix, longest) == 0)
                allowed = 1;
        }
    }
    return allowed ? 200 : known ? 403 : 401;
}
