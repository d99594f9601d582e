/* driver/address.c: addresses as scenarios write them. Numbers only: no resolver is ever asked. */
#include "base/text.h"
#include "driver/parts.h"

#include <arpa/inet.h>

static int set_host(const char *host, uint16_t port, struct address *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->storage;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        ret->len = sizeof *v4;
        return 0;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        ret->len = sizeof *v6;
        return 0;
    }
    return -1;
}

static int split(const char *text, char *host, size_t size, const char **ret_port)
{
    const char *colon = strrchr(text, ':');
    const char *end = colon;
    *ret_port = NULL;
    if (text[0] == '[') {
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return -1;
        colon = end[1] ? end + 1 : NULL;
        text++;
    } else if (!colon || strchr(text, ':') != colon) {
        end = text + strlen(text); /* no port, or a bare IPv6 address */
        colon = NULL;
    }
    if ((size_t)(end - text) >= size)
        return -1;
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = '\0';
    if (colon)
        *ret_port = colon + 1;
    return 0;
}

int sockaddr_parse(const char *text, bool with_port, struct address *ret, struct err *err)
{
    char host[INET6_ADDRSTRLEN];
    const char *port_text = NULL;
    unsigned long long port = 0;
    *ret = (struct address){0};
    if (split(text, host, sizeof host, &port_text) != 0 ||
        (port_text && (!text_to_u64(port_text, &port) || port > UINT16_MAX)) ||
        set_host(host, (uint16_t)port, ret) != 0)
        return err_set(err, ERR_USAGE, "'%.100s' is not ADDRESS:PORT in numbers", text);
    if (with_port && !port_text)
        return err_set(err, ERR_USAGE, "'%.100s' has no port", text);
    return 0;
}

uint16_t sockaddr_port(const struct address *address)
{
    if (address->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
}

void sockaddr_text(const struct address *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool v6 = address->storage.ss_family == AF_INET6;
    const void *from =
        v6 ? (const void *)&((const struct sockaddr_in6 *)&address->storage)->sin6_addr
           : (const void *)&((const struct sockaddr_in *)&address->storage)->sin_addr;
    if (address->len)
        (void)inet_ntop(address->storage.ss_family, from, host, sizeof host);
    (void)snprintf(text, size, v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)sockaddr_port(address));
}
