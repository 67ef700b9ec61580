/* examples/everything.c -- every function of larder/larder.h once, on one kernel in memory and on virtual time.
 *
 *     build/release/bin/examples/everything_c
 *
 * Each step prints what came of it. tests/integration/hosts_test.py runs this program and says when a function of the
 * header is missing in it. Its C++ and Python siblings are everything.cpp and everything.py. */
#include <larder/larder.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define TEXT(s) (s), strlen(s)
#define STR(s) {(s), sizeof(s) - 1}

static const char policy[] =
    "larder 1\n"
    "namespace user    { key \"{id}\"; ttl 5m; stale 1m on error; absent 30s; with tag; tag \"{tag}\" }\n"
    "namespace profile { key \"{id}\"; ttl 10m }\n"
    "namespace page    { key \"{path...}\"; ttl 1m; tag \"pages\" }\n"
    "session login { ttl 30m sliding; store l1; encrypt; limit 3 per user }\n"
    "on GET \"/pages/{id}\"    { serve page \"{id}\" }\n"
    "on write \"/pages/{id}\"  { drop page \"{id}\" }\n"
    "on event \"moved\" (id)   { drop user \"{id}\" }\n"
    "alert few_hits when hit_rate < 99% for 1m -> log\n";
static const char config[] =
    "[store.l1]\nplugin = \"memory\"\n"
    "[session.login]\nplugin = \"sealed\"\nkeys = { env = \"SESSION_ENCRYPTION_KEY\" }\n"
    "[admin]\nenabled = false\n[log]\nlevel = \"error\"\n";
/* An application has it from its environment; this one is nobody's. */
static const char *const environment[] = {"SESSION_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", NULL};

static void show(const char *what, larder_result result) {
  printf("%-26s %s%s%s\n", what, result == LARDER_R_DONE ? "DONE" : larder_result_name(result), result < 0 ? ": " : "", result < 0 ? larder_problem() : "");
}

/* The first line of a text, which is released. */
static void show_text(const char *what, larder_result result, larder_ref *text) {
  size_t n = 0;
  const char *bytes = larder_ref_data(text, &n);
  const char *end = memchr(bytes, '\n', n);
  printf("%-26s %s %.*s\n", what, larder_result_name(result), (int)(end == NULL ? n : (size_t)(end - bytes)), bytes);
  larder_ref_release(text);
}

static void entries(larder_kernel *k, int32_t user, int32_t profile) {
  larder_ref *ref = NULL;
  uint64_t lease = 0;
  show("get of nothing", larder_kernel_get(k, user, TEXT("42"), NULL, 0, &ref, &lease));
  show("fill", larder_kernel_fill(k, lease, TEXT("Ann"), NULL, NULL, 0));
  larder_result got = larder_kernel_get(k, user, TEXT("42"), NULL, 0, &ref, &lease);
  printf("%-26s %lld\n", "ms it has left", (long long)larder_ref_ttl_ms(ref));
  larder_ref_release(larder_ref_retain(ref));
  show_text("get", got, ref);

  char buffer[16];
  printf("%-26s %lld bytes\n", "read", (long long)larder_kernel_read(k, user, TEXT("42"), buffer, sizeof buffer, NULL));

  const larder_field staff = {STR("tag"), STR("staff")};
  larder_put_args args = {.size = sizeof args, .with = &staff, .nwith = 1, .ttl_ms = 60000};
  show("put", larder_kernel_put(k, user, TEXT("43"), TEXT("Ben"), &args, NULL, 0));
  args.flags = LARDER_PUT_ONLY_NEW;
  show("put only if new", larder_kernel_put(k, user, TEXT("43"), TEXT("Bea"), &args, NULL, 0));
  show("put of a profile", larder_kernel_put(k, profile, TEXT("43"), TEXT("long"), NULL, NULL, 0));
  show("it depends", larder_kernel_depend(k, profile, TEXT("43"), user, TEXT("43")));
  show("expire in ten seconds", larder_kernel_expire(k, user, TEXT("43"), 10000));
  int64_t left = 0;
  show("ttl", larder_kernel_ttl(k, user, TEXT("43"), &left));
  printf("%-26s %lld\n", "which is", (long long)left);

  uint64_t cursor = 0;
  larder_ref *keys = NULL;
  show("keys", larder_kernel_keys(k, user, TEXT("4*"), &cursor, 100, &keys));
  size_t n = 0;
  const char *at = larder_ref_data(keys, &n);
  for (uint32_t length; n >= sizeof length; at += length, n -= length) {
    memcpy(&length, at, sizeof length);
    at += sizeof length, n -= sizeof length;
    printf("%-26s %.*s\n", "a key", (int)length, at);
  }
  larder_ref_release(keys);

  show("drop", larder_kernel_drop(k, user, TEXT("43"), NULL, 0));
  show("what depended on it", larder_kernel_get(k, profile, TEXT("43"), NULL, 0, &ref, &lease));
  show("fail", larder_kernel_fail(k, lease, NULL));
}

static void what_happened(larder_kernel *k, int32_t user, int32_t page) {
  larder_ref *receipt = NULL;
  larder_result said = larder_kernel_invalidate(k, LARDER_DO_EXPIRE, user, TEXT("namespace"), NULL, 0, &receipt);
  show_text("expire a namespace", said, receipt);

  larder_kernel_put(k, page, TEXT("7"), TEXT("<p>"), NULL, NULL, 0);
  larder_route_args request = {.size = sizeof request, .method = STR("GET"), .path = STR("/pages/7")};
  int32_t space = 0;
  larder_ref *key = NULL;
  said = larder_kernel_serve(k, &request, &space, &key);
  show_text("what serves GET /pages/7", said, key);
  request = (larder_route_args){.size = sizeof request, .method = STR("PUT"), .path = STR("/pages/7"), .status = 200};
  said = larder_kernel_route(k, &request, NULL, 0, &receipt);
  show_text("a write", said, receipt);

  const larder_field id = {STR("id"), STR("42")};
  said = larder_kernel_event(k, TEXT("moved"), &id, 1, NULL, 0, &receipt);
  show_text("an event", said, receipt);
  uint32_t queued = 0;
  show("warm", larder_kernel_warm(k, user, &queued));
}

static void sessions(larder_kernel *k) {
  larder_ref *id = NULL, *fresh = NULL, *data = NULL;
  size_t n = 0;
  show("session", larder_session_create(k, "login", TEXT("42"), TEXT("{\"cart\":[]}"), NULL, 0, &id));
  const char *secret = larder_ref_data(id, &n);
  larder_result said = larder_session_get(k, "login", secret, n, NULL, 0, &data);
  show_text("its data", said, data);
  said = larder_session_update(k, "login", secret, n, TEXT("{\"cart\":[\"soup\"]}"), NULL, 0, &data);
  show_text("changed", said, data);
  show("a new id", larder_session_rotate(k, "login", secret, n, NULL, 0, &fresh));
  larder_ref_release(id);
  secret = larder_ref_data(fresh, &n);
  show("ended", larder_session_end(k, "login", secret, n, NULL, 0));
  larder_ref_release(fresh);
  uint64_t ended = 0;
  show("all of a user ended", larder_session_end_user(k, "login", TEXT("42"), NULL, 0, &ended));
}

/* One key, two who want it: the first has the lease, the second hears of what it brings on the loop. */
static void event_loop(larder_kernel *k, int32_t user) {
  enum { ALERTS = 1, SECOND = 2, GONE = 3 };
  larder_loop *loop = larder_loop_new(k);
  show("alerts arrive there too", larder_loop_watch_alerts(loop, ALERTS));
  larder_ref *ref = NULL;
  uint64_t lease = 0, none = 0;
  show("the first", larder_kernel_get(k, user, TEXT("50"), loop, 0, &ref, &lease));
  show("the second", larder_kernel_get(k, user, TEXT("50"), loop, SECOND, &ref, &none));
  show("the third", larder_kernel_get(k, user, TEXT("50"), loop, GONE, &ref, &none));
  printf("%-26s %zu taken back\n", "the third goes away", larder_loop_cancel(loop, GONE));
  show("fill", larder_kernel_fill(k, lease, TEXT("Cat"), NULL, NULL, 0));

  struct pollfd readable = {.fd = larder_loop_fd(loop), .events = POLLIN};
  poll(&readable, 1, 10000);
  larder_completion done[8];
  const size_t n = larder_loop_drain(loop, done, 8);
  for (size_t i = 0; i < n; ++i) show_text(done[i].user == SECOND ? "the second hears" : "an alert", done[i].result, done[i].ref);
  larder_loop_free(loop);
}

int main(void) {
  printf("%-26s %s, revision %u of its header\n", "larder", larder_version(), (unsigned)larder_embed_abi());
  larder_open_args args = {.size = sizeof args, .flags = LARDER_OPEN_VIRTUAL_TIME, .config_text = config, .policy_text = policy, .env = environment};
  larder_diag diag = {.size = sizeof diag};
  show("check", larder_kernel_check(&args, &diag));
  larder_kernel *k = larder_kernel_open(&args, &diag);
  if (k == NULL) return puts(diag.text), 1;

  const int32_t user = larder_kernel_space(k, "user", 4), profile = larder_kernel_space(k, "profile", 7);
  size_t key_at = 0;
  const int32_t page = larder_kernel_resolve(k, TEXT("page:home"), &key_at);
  printf("%-26s at byte %zu\n", "the key of page:home", key_at);
  show("a key that does not fit", larder_kernel_check_key(k, user, TEXT("")));
  entries(k, user, profile);
  what_happened(k, user, page);
  sessions(k);
  event_loop(k, user);

  show("a minute passes", larder_kernel_advance(k, 61000));
  larder_ref *text = NULL;
  const larder_result said = larder_kernel_report(k, TEXT("explain PUT /pages/7"), &text);
  show_text("explain", said, text);
  larder_kernel_log(k, 1, TEXT("everything was done once"));
  show("reload", larder_kernel_reload(k, &diag));
  larder_kernel_close(k);
  puts("closed");
  return 0;
}
