/* tests/unit/liblarder/c_host.c -- a whole round in C11: open, lease, fill, hit, invalidate, close. */
#include "c_host.h"

#include <larder/larder.h>

#include <poll.h>
#include <string.h>

#define EXPECT(what)              \
  do {                            \
    if (!(what)) return __LINE__; \
  } while (0)

static const char policy[] =
    "larder 1\n"
    "namespace menu { key \"{id}\"; ttl 5m }\n"
    "on write \"/menu/{id}\" { drop menu \"{id}\" }\n";

static int is(const larder_ref *ref, const char *text) {
  size_t n = 0;
  const char *data = larder_ref_data(ref, &n);
  return n == strlen(text) && memcmp(data, text, n) == 0;
}

int c_host_runs(const char *plugins) {
  larder_open_args args = {.size = sizeof args, .flags = LARDER_OPEN_VIRTUAL_TIME, .policy_text = policy, .plugin_path = plugins};
  larder_diag diag = {.size = sizeof diag};
  larder_kernel *k = larder_kernel_open(&args, &diag);
  EXPECT(k != NULL);
  EXPECT(larder_embed_abi() >= LARDER_EMBED_ABI);
  const int32_t menu = larder_kernel_space(k, "menu", 4);
  EXPECT(menu >= 0);

  larder_ref *ref = NULL;
  uint64_t lease = 0;
  EXPECT(larder_kernel_get(k, menu, "7", 1, NULL, 0, &ref, &lease) == LARDER_R_LEASE);
  EXPECT(lease != 0 && ref == NULL);
  EXPECT(larder_kernel_fill(k, lease, "soup", 4, NULL, NULL, 0) == LARDER_R_DONE);
  EXPECT(larder_kernel_get(k, menu, "7", 1, NULL, 0, &ref, &lease) == LARDER_R_HIT);
  EXPECT(is(ref, "soup") && lease == 0);
  EXPECT(larder_ref_ttl_ms(ref) == 300000);
  larder_ref_release(ref);

  char buf[8];
  EXPECT(larder_kernel_read(k, menu, "7", 1, buf, sizeof buf, NULL) == 4 && memcmp(buf, "soup", 4) == 0);
  EXPECT(larder_kernel_read(k, menu, "8", 1, buf, sizeof buf, NULL) == -16 - LARDER_R_NONE);

  larder_route_args route = {.size = sizeof route, .method = {"PUT", 3}, .path = {"/menu/7", 7}, .status = 200};
  EXPECT(larder_kernel_route(k, &route, NULL, 0, &ref) == LARDER_R_DONE);
  larder_ref_release(ref);

  larder_loop *loop = larder_loop_new(k);
  EXPECT(loop != NULL);
  uint64_t other = 0;
  EXPECT(larder_kernel_get(k, menu, "7", 1, loop, 1, &ref, &lease) == LARDER_R_LEASE);
  EXPECT(larder_kernel_get(k, menu, "7", 1, loop, 2, &ref, &other) == LARDER_R_WAIT);
  struct pollfd poll_fd = {.fd = larder_loop_fd(loop), .events = POLLIN};
  EXPECT(poll(&poll_fd, 1, 0) == 0);
  EXPECT(larder_kernel_fill(k, lease, "stew", 4, NULL, loop, 3) == LARDER_R_DONE);
  EXPECT(poll(&poll_fd, 1, 0) == 1);
  larder_completion done[4];
  EXPECT(larder_loop_drain(loop, done, 4) == 1);
  EXPECT(done[0].user == 2 && done[0].result == LARDER_R_HIT && is(done[0].ref, "stew"));
  larder_ref_release(done[0].ref);
  EXPECT(poll(&poll_fd, 1, 0) == 0);
  larder_loop_free(loop);
  larder_kernel_close(k);
  return 0;
}
