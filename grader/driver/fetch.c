/* driver/fetch.c: see fetch.h. */
#include "driver/fetch.h"
#include "base/io.h"
#include "base/own.h"

#include <arpa/inet.h>
#include <sys/epoll.h>

#define CURL_TOO_LARGE 100 /* CURLE_TOO_LARGE, since 8.6 */
#define MAX_HEAD_BYTES ((size_t)256 << 10)
#define MAX_SIZE_BYTES ((size_t)1 << 20) /* of chunks, without their data */

/* libcurl keeps a line of up to 100 KiB, and calls a longer one a lack of memory, later versions by its name. */
static bool gave_up_on_line(const struct fetch *fetch)
{
    curl_off_t first_byte = 0;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
    return fetch->done && first_byte > 0 &&
           (fetch->result == CURLE_OUT_OF_MEMORY || (int)fetch->result == CURL_TOO_LARGE);
}

const char *fetch_endless(const struct fetch *fetch)
{
    if (gave_up_on_line(fetch))
        return "a header line of more than 100 KiB";
    if (fetch->responses > SCENARIO_MAX_INTERIM + 1)
        return "more than 64 interim responses (1xx) and no final one";
    if (fetch->head_bytes > MAX_HEAD_BYTES)
        return "a header of more than 256 KiB";
    if (fetch->body.dropped)
        return "a body of more than 64 MiB";
    if (fetch->body_bytes > MAX_SIZE_BYTES && fetch->body_bytes - MAX_SIZE_BYTES > fetch->body.len)
        return "a body in more than 1 MiB of chunk sizes";
    return NULL;
}

/* ---- libcurl's questions ---- */

static curl_socket_t open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = self;
    (void)purpose;
    int fd = fetch->run->target->socket(fetch->run->target->self, OBSERVE_PEERS_HOST,
                                        address->family, SOCK_STREAM, 0, &fetch->run->err);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static size_t keep_head(char *bytes, size_t size, size_t count, void *self)
{
    struct fetch *fetch = self;
    size_t len = size * count;
    fetch->head_bytes += len;
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buf_reset(&fetch->head); /* the final response counts */
        fetch->responses++;
    } else {
        (void)buf_add(&fetch->head, bytes, len);
    }
    return fetch_endless(fetch) ? 0 : len;
}

static size_t keep_body(char *bytes, size_t size, size_t count, void *self)
{
    struct fetch *fetch = self;
    return buf_add(&fetch->body, bytes, size * count) && !fetch_endless(fetch) ? size * count : 0;
}

static int note_traffic(CURL *easy, curl_infotype type, char *bytes, size_t len, void *self)
{
    struct fetch *fetch = self;
    bool out = type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT;
    bool in = type == CURLINFO_HEADER_IN || type == CURLINFO_DATA_IN;
    (void)easy;
    if (out)
        fetch->run->inputs++;
    if (type == CURLINFO_DATA_IN)
        fetch->body_bytes += len;
    if (in || out)
        trace_event(fetch->run->trace, run_us(fetch->run), out ? TRACE_SEND : TRACE_RECEIVE, "curl",
                    fetch->lane->active.number, bytes, len, NULL);
    return 0;
}

/* ---- its place in the loop ---- */

static void act(struct fetch *fetch, curl_socket_t socket, int mask)
{
    int running = 0;
    (void)curl_multi_socket_action(fetch->multi, socket, mask, &running);
    fetch_look(fetch);
}

static void watch_ready(struct run *run, void *self, uint32_t events)
{
    struct watch *watch = self;
    struct fetch *fetch = NULL;
    for (struct lane *lane = run->lanes; lane && !fetch; lane = lane->next)
        if (lane->active.fetch && watch >= lane->active.fetch->watches &&
            watch < lane->active.fetch->watches + MAX_FETCH_WATCHES)
            fetch = lane->active.fetch;
    int mask = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    if (fetch)
        act(fetch, watch->fd, mask);
}

static struct watch *free_watch(struct fetch *fetch)
{
    for (size_t i = 0; i < MAX_FETCH_WATCHES; i++)
        if (fetch->watches[i].fd < 0)
            return &fetch->watches[i];
    return NULL;
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *self, void *assigned)
{
    struct fetch *fetch = self;
    struct watch *watch = assigned ? assigned : free_watch(fetch);
    uint32_t events = 0;
    (void)easy;
    if (!watch)
        return -1;
    if (what == CURL_POLL_REMOVE) {
        (void)loop_watch(fetch->run, watch, 0);
        watch->fd = -1;
        return 0;
    }
    watch->fd = socket;
    watch->self = watch;
    watch->ready = watch_ready;
    events |= what & CURL_POLL_IN ? EPOLLIN : 0U;
    events |= what & CURL_POLL_OUT ? EPOLLOUT : 0U;
    (void)curl_multi_assign(fetch->multi, socket, watch);
    return loop_watch(fetch->run, watch, events);
}

static int set_timer(CURLM *multi, long ms, void *self)
{
    struct fetch *fetch = self;
    (void)multi;
    fetch->timer_ns = ms < 0 ? UINT64_MAX : io_now_ns() + (uint64_t)ms * 1000000;
    return 0;
}

uint64_t fetch_next_timer(const struct run *run)
{
    uint64_t next = UINT64_MAX;
    for (const struct lane *lane = run->lanes; lane; lane = lane->next)
        if (lane->active.fetch && lane->active.fetch->timer_ns < next)
            next = lane->active.fetch->timer_ns;
    return next;
}

void fetch_run_timers(struct run *run)
{
    uint64_t now = io_now_ns();
    for (struct lane *lane = run->lanes; lane; lane = lane->next) {
        struct fetch *fetch = lane->active.fetch;
        if (!fetch || fetch->timer_ns > now)
            continue;
        fetch->timer_ns = UINT64_MAX;
        act(fetch, CURL_SOCKET_TIMEOUT, 0);
    }
}

void fetch_look(struct fetch *fetch)
{
    int left = 0;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(fetch->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        fetch->done = true;
        fetch->result = message->data.result;
    }
}

/* ---- making and unmaking ---- */

/* A name would be looked up outside the test's network. */
static int check_host(const char *url, struct err *err)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    struct in_addr v4;
    struct in6_addr v6;
    char text[INET6_ADDRSTRLEN + 2] = "";
    if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        (void)snprintf(text, sizeof text, "%s", host[0] == '[' ? host + 1 : host);
    text[strcspn(text, "]")] = '\0';
    curl_free(host);
    curl_url_cleanup(parts);
    if (inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1)
        return 0;
    return err_set(err, ERR_USAGE, "the URL '%.100s' must name its host by a number", url);
}

static void set_request(struct fetch *fetch, const char *url)
{
    const struct fetch_step *step = &fetch->lane->active.step->u.fetch;
    const char *method = step->method;
    CURL *easy = fetch->easy;
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 3600L); /* patience is the timeline's */
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, keep_head);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    (void)curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, note_traffic);
    (void)curl_easy_setopt(easy, CURLOPT_DEBUGDATA, fetch);
    (void)curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
    if (method && strcmp(method, "HEAD") == 0)
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (method)
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static int set_headers(struct fetch *fetch, struct err *err)
{
    const struct fetch_step *step = &fetch->lane->active.step->u.fetch;
    for (size_t i = 0; i < step->n_headers; i++) {
        AUTO_FREE char *value = NULL;
        AUTO_FREE char *line = NULL;
        if (step->headers[i].pattern &&
            step_expand(fetch->lane, step->headers[i].pattern, &value, err) != 0)
            return -1;
        /* curl's ways to say it: "Name:" leaves the header out, "Name;" sends it empty */
        line = value ? xasprintf(*value ? "%s: %s" : "%s;%s", step->headers[i].name, value)
                     : xasprintf("%s:", step->headers[i].name);
        fetch->headers = curl_slist_append(fetch->headers, line);
    }
    return 0;
}

struct fetch *fetch_new(struct run *run, struct lane *lane, const char *url, struct err *err)
{
    if (check_host(url, err) != 0)
        return NULL;
    struct fetch *fetch = xcalloc(1, sizeof *fetch);
    fetch->run = run;
    fetch->lane = lane;
    fetch->timer_ns = UINT64_MAX;
    buf_init(&fetch->head, MAX_HEAD_BYTES);
    buf_init(&fetch->body, SCENARIO_MAX_DATA_BYTES);
    for (size_t i = 0; i < MAX_FETCH_WATCHES; i++)
        fetch->watches[i].fd = -1;
    fetch->multi = curl_multi_init();
    fetch->easy = curl_easy_init();
    if (!fetch->multi || !fetch->easy)
        (void)err_set(err, ERR_HOST, "libcurl cannot start");
    if (!fetch->multi || !fetch->easy || set_headers(fetch, err) != 0) {
        fetch_free(fetch);
        return NULL;
    }
    set_request(fetch, url);
    (void)curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    (void)curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
    (void)curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
    (void)curl_multi_add_handle(fetch->multi, fetch->easy);
    return fetch;
}

void fetch_free(struct fetch *fetch)
{
    if (!fetch)
        return;
    if (fetch->multi && fetch->easy)
        (void)curl_multi_remove_handle(fetch->multi, fetch->easy);
    curl_easy_cleanup(fetch->easy);
    (void)curl_multi_cleanup(fetch->multi);
    for (size_t i = 0; i < MAX_FETCH_WATCHES; i++)
        (void)loop_watch(fetch->run, &fetch->watches[i], 0);
    curl_slist_free_all(fetch->headers);
    buf_done(&fetch->head);
    buf_done(&fetch->body);
    free(fetch);
}
