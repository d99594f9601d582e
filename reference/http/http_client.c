/*
 * http_client.c: lesson 11, fetching a URL.
 *
 * One connection, one request, one response: the body goes to stdout, the rest decides about the exit status. It stops
 * where the response says that it ends, not where the connection ends: a server may keep that open.
 */
#include "http/response.h"
#include "http/url.h"
#include "net/net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 4 };

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "http_client: %s: %s\n", what, why);
    return EXIT_FAILED;
}

/* Host names the server as the URL does; without Connection: close it would have to wait for another request. */
static int send_request(int fd, const struct url *url)
{
    char request[URL_TARGET + 1024];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\n"
                          "Host: %s\r\n"
                          "User-Agent: http_client\r\n"
                          "Accept: */*\r\n"
                          "Connection: close\r\n"
                          "\r\n",
                          url->target, url->authority);
    return net_send_all(fd, request, (size_t)length);
}

static int fetch(int fd, const struct url *url)
{
    static struct input input;
    struct response response = {.status = 0};
    input.fd = fd;
    if (send_request(fd, url) < 0)
        return fail("send", strerror(errno));
    const char *wrong = response_head(&input, &response);
    if (wrong == NULL)
        wrong = response_body(&input, &response, stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail("stdout", strerror(errno));
    if (wrong != NULL)
        return fail(url->authority, wrong);
    if (response.status < 400)
        return EXIT_OK;
    fprintf(stderr, "%s\n", response.line);
    return EXIT_REFUSED;
}

int main(int argc, char *argv[])
{
    struct url url;
    char why[NET_WHY];
    if (argc != 2 || !url_parse(argv[1], &url)) {
        fprintf(stderr, "usage: http_client http://HOST[:PORT][/PATH][?QUERY]\n");
        return EXIT_USAGE;
    }
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    int fd = net_connect(url.host, url.port, SOCK_STREAM, why);
    if (fd < 0) {
        fprintf(stderr, "http_client: %s\n", why);
        return EXIT_FAILED;
    }
    int status = fetch(fd, &url);
    close(fd);
    return status;
}
