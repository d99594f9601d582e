/* auth.c: the rules, and the question whether one of them lets a request pass. */
#include "http/auth.h"

#include "http/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int fail(char why[AUTH_WHY], const char *file, const char *reason)
{
    snprintf(why, AUTH_WHY, "%s: %s", file, reason);
    return -1;
}

/* One line. False: it is not three words, or a word is too long. */
static bool take_rule(struct auth *auth, const char *line)
{
    struct auth_rule *rule = &auth->rules[auth->count];
    char extra[2];
    /* 199 is RULE_TEXT - 1: it keeps sscanf() inside the arrays. %1s finds out whether there is a fourth word. */
    if (sscanf(line, "%199s %199s %199s %1s", rule->prefix, rule->user, rule->password, extra) !=
            3 ||
        rule->prefix[0] != '/')
        return false;
    size_t length = strlen(rule->prefix);
    if (rule->prefix[length - 1] == '/') /* "/private/" means "/private" */
        rule->prefix[length - 1] = '\0';
    auth->count++;
    return true;
}

int auth_load(struct auth *auth, const char *file, char why[AUTH_WHY])
{
    char line[3 * RULE_TEXT];
    int status = -1;
    auth->count = 0;
    FILE *stream = fopen(file, "re");
    if (stream == NULL)
        return fail(why, file, strerror(errno));
    while (fgets(line, sizeof line, stream) != NULL) {
        if (line[strspn(line, " \t\r\n")] == '\0') /* an empty line */
            continue;
        if (auth->count == RULES_MAX) {
            fail(why, file, "too many lines");
            goto out;
        }
        if (!take_rule(auth, line)) {
            fail(why, file, "a line is not `PREFIX USER PASSWORD`");
            goto out;
        }
    }
    if (ferror(stream)) {
        fail(why, file, "cannot be read");
        goto out;
    }
    status = 0;
out:
    fclose(stream);
    return status;
}

/* /private covers /private and /private/x, but not /privately. */
static bool covers(const char *prefix, const char *path)
{
    size_t length = strlen(prefix);
    return strncmp(path, prefix, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Of nested areas the innermost counts. NULL: the path is open to everybody. */
static const char *area_of(const struct auth *auth, const char *path)
{
    const char *area = NULL;
    for (size_t i = 0; i < auth->count; i++) {
        const char *prefix = auth->rules[i].prefix;
        if (covers(prefix, path) && (area == NULL || strlen(prefix) > strlen(area)))
            area = prefix;
    }
    return area;
}

/* "Basic " base64(user ":" password). The scheme's name is case-insensitive (RFC 9110, 11.1). */
static bool decode(const char *authorization, char pair[2 * RULE_TEXT], const char **password)
{
    if (authorization == NULL || strncasecmp(authorization, "Basic ", 6) != 0)
        return false;
    const char *coded = authorization + 6 + strspn(authorization + 6, " ");
    int length = base64_decode(coded, pair, 2 * RULE_TEXT);
    if (length < 0 || strlen(pair) != (size_t)length)
        return false;
    char *colon = strchr(pair, ':'); /* the first one: a password may hold more */
    if (colon == NULL)
        return false;
    *colon = '\0';
    *password = colon + 1;
    return true;
}

int auth_check(const struct auth *auth, const char *path, const char *authorization)
{
    char user[2 * RULE_TEXT]; /* first "user:password", then cut at the colon */
    const char *password = NULL;
    const char *area = area_of(auth, path);
    int status = 401;
    if (area == NULL)
        return 200;
    if (!decode(authorization, user, &password))
        return 401;
    for (size_t i = 0; i < auth->count; i++) {
        const struct auth_rule *rule = &auth->rules[i];
        if (strcmp(rule->user, user) != 0 || strcmp(rule->password, password) != 0)
            continue;
        if (strcmp(rule->prefix, area) == 0)
            return 200;
        status = 403; /* known, but not here; another rule may still let this user in */
    }
    return status;
}
