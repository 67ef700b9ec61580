/* examples/c/lookup.c -- larder in a C program: look up, load what is missing, invalidate, on one poll loop.
 *
 *     cc lookup.c -llarder && ./a.out "GET 7" "GET 7" "PUT 7" "GET 7"
 *
 * Each argument is worked on in turn and answered with a line. The "database" is a function that counts. */
#include <larder/larder.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>

static const char policy[] =
    "larder 1\n"
    "namespace menu { key \"{id}\"; ttl 5m }\n"
    "on write \"/menu/{id}\" { drop menu \"{id}\" }\n";

static int loads = 0;

static int load(const char *id, char *out, size_t cap) { return snprintf(out, cap, "dish %s, load %d", id, ++loads); }

static void show(const char *how, const void *bytes, size_t n) { printf("%s %.*s\n", how, (int)n, (const char *)bytes); }

/* Waits for what others load. With one thread and one question at a time that does not happen; with two
 * processes above one Redis it does. */
static larder_result wait_for(larder_loop *loop, larder_ref **ref, uint64_t *lease) {
  larder_completion done;
  struct pollfd fd = {.fd = larder_loop_fd(loop), .events = POLLIN};
  while (larder_loop_drain(loop, &done, 1) == 0)
    if (poll(&fd, 1, 10000) <= 0) return LARDER_R_TIMEOUT;
  *ref = done.ref;
  *lease = done.lease;
  return done.result;
}

static int get(larder_kernel *k, larder_loop *loop, int32_t menu, const char *id) {
  larder_ref *ref = NULL;
  uint64_t lease = 0;
  larder_result result = larder_kernel_get(k, menu, id, strlen(id), loop, 1, &ref, &lease);
  if (result == LARDER_R_WAIT) result = wait_for(loop, &ref, &lease);
  if (result == LARDER_R_HIT || result == LARDER_R_STALE) {
    size_t n = 0;
    const void *data = larder_ref_data(ref, &n);
    show(larder_result_name(result), data, n);
    larder_ref_release(ref);
    if (lease == 0) return 0;
  } else if (result == LARDER_R_ABSENT) {
    puts("ABSENT");
    return 0;
  } else if (result < 0) {
    fprintf(stderr, "%s: %s\n", larder_result_name(result), larder_problem());
    return 1;
  }
  char value[64];
  const int n = load(id, value, sizeof value);
  if (result != LARDER_R_STALE) show(larder_result_name(result), value, (size_t)n);
  if (lease != 0) larder_kernel_fill(k, lease, value, (size_t)n, NULL, NULL, 0);
  return 0;
}

static int put(larder_kernel *k, const char *id) {
  char path[64];
  const int n = snprintf(path, sizeof path, "/menu/%s", id);
  larder_route_args route = {.size = sizeof route, .method = {"PUT", 3}, .path = {path, (size_t)n}, .status = 200};
  larder_ref *receipt = NULL;
  const larder_result result = larder_kernel_route(k, &route, NULL, 0, &receipt);
  size_t size = 0;
  const void *data = larder_ref_data(receipt, &size);
  if (result == LARDER_R_DONE) show("DROPPED", data, size);
  larder_ref_release(receipt);
  return result != LARDER_R_DONE;
}

int main(int argc, char **argv) {
  larder_open_args args = {.size = sizeof args, .policy_text = policy};
  larder_diag diag = {.size = sizeof diag};
  larder_kernel *k = larder_kernel_open(&args, &diag);
  if (k == NULL) {
    fprintf(stderr, "%s\n", diag.text);
    return 1;
  }
  larder_loop *loop = larder_loop_new(k);
  const int32_t menu = larder_kernel_space(k, "menu", 4);
  int failed = loop == NULL;
  for (int i = 1; i < argc && !failed; ++i) {
    if (strncmp(argv[i], "GET ", 4) == 0) failed = get(k, loop, menu, argv[i] + 4);
    else if (strncmp(argv[i], "PUT ", 4) == 0) failed = put(k, argv[i] + 4);
    else failed = fprintf(stderr, "%s: expected GET or PUT\n", argv[i]) > 0;
  }
  larder_loop_free(loop);
  larder_kernel_close(k);
  return failed;
}
