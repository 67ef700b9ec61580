/* gateway_@NAME@.c -- a line asks for NAMESPACE:KEY, a line answers with the value, or with nothing.
 *
 * One thread serves all connections. It listens in start, so that a taken port is an error with a reason, and in stop it ends
 * the connections and joins the thread. Everything it serves comes from larder.cache/1. */
#define _GNU_SOURCE
#include <larder/plugin/plugin.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CLIENTS = 256, LONGEST_LINE = 4096 };

typedef struct client {
  int fd;
  size_t size;
  char in[LONGEST_LINE];
} client;

typedef struct gateway {
  const larder_host *host;
  const larder_cache_api *cache;
  char listen[64], address[64];
  int socket, wake[2], runs;
  pthread_t thread;
  client *clients[MOST_CLIENTS]; /* of the thread */
  size_t count;
} gateway;

static void drop_client(gateway *me, size_t n) {
  close(me->clients[n]->fd);
  free(me->clients[n]);
  me->clients[n] = me->clients[--me->count];
}

/* Zero: the connection is over. Who does not read his answers is let go of. */
static int answer(const gateway *me, int fd, const char *asked, size_t size) {
  uint32_t ns = 0, prefix = 0;
  larder_cache_get item;
  memset(&item, 0, sizeof item);
  item.status = LARDER_MISS;
  if (me->cache->resolve(me->host, (larder_bytes){asked, size}, LARDER_NS_NONE, &ns, &prefix) == LARDER_OK) {
    larder_call call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    call.role = LARDER_ROLE_READ;
    call.deadline_ns = me->host->mono_ns(me->host) + 1000000000u;
    item.ns = ns;
    item.key = (larder_bytes){asked + prefix, size - prefix};
    if (me->cache->get_many(me->host, &item, 1, &call) != LARDER_OK) item.status = LARDER_E_IO;
  }
  int sent = 1;
  if (item.status == LARDER_OK) {
    sent = item.value.size == 0 || send(fd, item.value.data, item.value.size, MSG_NOSIGNAL) == (ssize_t)item.value.size;
    if (item.value.release != NULL) item.value.release(&item.value);
  }
  return sent && send(fd, "\n", 1, MSG_NOSIGNAL) == 1;
}

/* Zero: the connection is over. */
static int read_from(const gateway *me, client *from) {
  const ssize_t got = recv(from->fd, from->in + from->size, sizeof from->in - from->size, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return 0;
  if (got > 0) from->size += (size_t)got;
  size_t begin = 0;
  for (const char *end; (end = memchr(from->in + begin, '\n', from->size - begin)) != NULL; begin = (size_t)(end - from->in) + 1)
    if (!answer(me, from->fd, from->in + begin, (size_t)(end - from->in) - begin)) return 0;
  memmove(from->in, from->in + begin, from->size - begin);
  from->size -= begin;
  return from->size < sizeof from->in;
}

static void accept_one(gateway *me) {
  const int fd = accept4(me->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  client *made = me->count < MOST_CLIENTS ? malloc(sizeof *made) : NULL;
  if (made == NULL) {
    close(fd);
    return;
  }
  made->fd = fd;
  made->size = 0;
  me->clients[me->count++] = made;
}

static void *serve(void *self) {
  gateway *me = self;
  struct pollfd waits[MOST_CLIENTS + 2];
  for (;;) {
    const size_t count = me->count;
    waits[0] = (struct pollfd){me->wake[0], POLLIN, 0};
    waits[1] = (struct pollfd){me->socket, POLLIN, 0};
    for (size_t n = 0; n < count; ++n) waits[n + 2] = (struct pollfd){me->clients[n]->fd, POLLIN, 0};
    if (poll(waits, count + 2, -1) < 0) continue;
    if (waits[0].revents != 0) return NULL;
    /* From the end: dropping one moves the last into its place, which has been looked at. */
    for (size_t n = count; n-- > 0;)
      if (waits[n + 2].revents != 0 && !read_from(me, me->clients[n])) drop_client(me, n);
    if (waits[1].revents != 0) accept_one(me);
  }
}

static void close_all(gateway *me) {
  while (me->count != 0) drop_client(me, me->count - 1);
  int *const all[] = {&me->socket, &me->wake[0], &me->wake[1]};
  for (size_t n = 0; n < 3; ++n) {
    if (*all[n] >= 0) close(*all[n]);
    *all[n] = -1;
  }
}

static larder_status fail(gateway *me, larder_errbuf *err, const char *what) {
  const int size = snprintf(err->buf, err->cap, "cannot listen on %s: %s", me->listen, what);
  err->len = size < 0 ? 0 : (uint32_t)size < err->cap ? (uint32_t)size : err->cap - 1;
  close_all(me);
  return LARDER_E_IO;
}

static larder_status start(void *self, larder_errbuf *err) {
  gateway *me = self;
  char host[64];
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  const int on = 1;
  memset(&at, 0, sizeof at);
  at.sin_family = AF_INET;
  memcpy(host, me->listen, sizeof host);
  char *colon = strrchr(host, ':');
  if (colon == NULL) return fail(me, err, "it is HOST:PORT of IPv4");
  *colon = 0;
  if (inet_pton(AF_INET, host, &at.sin_addr) != 1) return fail(me, err, "it is HOST:PORT of IPv4");
  at.sin_port = htons((uint16_t)atoi(colon + 1));
  me->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  setsockopt(me->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(me->socket, (const struct sockaddr *)&at, sizeof at) != 0 || listen(me->socket, 64) != 0) return fail(me, err, strerror(errno));
  getsockname(me->socket, (struct sockaddr *)&at, &size);
  inet_ntop(AF_INET, &at.sin_addr, host, sizeof host);
  snprintf(me->address, sizeof me->address, "%.40s:%u", host, (unsigned)ntohs(at.sin_port));
  if (pipe2(me->wake, O_CLOEXEC) != 0) return fail(me, err, strerror(errno));
  if (pthread_create(&me->thread, NULL, serve, me) != 0) return fail(me, err, "no thread");
  me->runs = 1;
  return LARDER_OK;
}

static larder_status stop(void *self, uint64_t deadline_ns) {
  gateway *me = self;
  (void)deadline_ns;
  if (!me->runs) return LARDER_OK;
  me->runs = 0;
  if (write(me->wake[1], "x", 1) != 1) return LARDER_E_IO;
  pthread_join(me->thread, NULL);
  close_all(me);
  return LARDER_OK;
}

static larder_status address(void *self, uint32_t index, char *buf, uint32_t cap) {
  const gateway *me = self;
  const size_t size = strlen(me->address);
  if (index != 0) return LARDER_MISS;
  if (size >= cap) return LARDER_E_TOO_LARGE;
  memcpy(buf, me->address, size + 1);
  return LARDER_OK;
}

static const larder_gateway_v1 table = {.struct_size = sizeof(larder_gateway_v1), .address = address};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)err;
  const larder_config_api *options = host->service(host, LARDER_SVC_CONFIG);
  larder_bytes listens;
  gateway *me = calloc(1, sizeof *me);
  if (me == NULL) return LARDER_E_NOMEM;
  me->host = host;
  me->cache = host->service(host, LARDER_SVC_CACHE);
  me->socket = me->wake[0] = me->wake[1] = -1;
  if (options == NULL || me->cache == NULL || options->get_str(config, "listen", &listens) != LARDER_OK || listens.size >= sizeof me->listen) {
    free(me);
    return LARDER_E_CONFIG;
  }
  memcpy(me->listen, listens.data, listens.size);
  out->caps = 0;
  out->self = me;
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) {
  stop(self, 0);
  free(self);
}

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_GATEWAY,
                                           .name = "@NAME@",
                                           .caps = 0,
                                           .create = create,
                                           .destroy = destroy,
                                           .start = start,
                                           .stop = stop};

LARDER_MODULE(&component)
