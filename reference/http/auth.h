/* auth.h: who may see what: HTTP Basic authentication (RFC 7617) against a file of rules. */
#ifndef REFERENCE_HTTP_AUTH_H
#define REFERENCE_HTTP_AUTH_H

#include <stddef.h>

enum { RULES_MAX = 100, RULE_TEXT = 200, AUTH_WHY = 256 };

struct auth_rule {
    char prefix[RULE_TEXT]; /* "/private": it and all below it; "" for the whole site */
    char user[RULE_TEXT];
    char password[RULE_TEXT];
};

struct auth {
    struct auth_rule rules[RULES_MAX];
    size_t count;
};

/* Reads lines `PREFIX USER PASSWORD`. 0, or -1 with "what: reason" in `why`. */
int auth_load(struct auth *auth, const char *file, char why[AUTH_WHY]);

/*
 * May this be answered? `path` must be normalised (path.h); `authorization` is the header's value or NULL.
 * 200 yes · 401 not without a valid user and password · 403 a valid user, but of another area.
 */
int auth_check(const struct auth *auth, const char *path, const char *authorization);

#endif
