/* examples/nginx/ngx_http_larder.h -- larder inside nginx: what the module's files share.
 *
 *   module.c   directives, and where nginx calls in
 *   process.c  a kernel in each worker, its loop in nginx' event loop, `nginx -t`
 *   lookup.c   PRECONTENT: which entry answers a request; hits, waiting, refreshing behind
 *   answer.c   filters: what the application answers is kept, or replaced by what is stale
 *   report.c   what was written is told to the policy before the client hears of it
 *   stored.c   an answer as bytes of an entry, and which answers may be kept
 *
 * A request is worked on by one thread, the worker's; everything larder does elsewhere comes back through
 * the loop. What a request holds (a lease, a value, a place in the loop) hangs on its cleanup, so it ends with the
 * request however that ends. */
#ifndef NGX_HTTP_LARDER_H
#define NGX_HTTP_LARDER_H
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <larder/larder.h>

#define NGX_HTTP_LARDER_BUFFERED 0x08

extern ngx_module_t ngx_http_larder_module;
extern ngx_http_output_header_filter_pt larder_next_header;
extern ngx_http_output_body_filter_pt larder_next_body;

/* Of this worker. NULL: it could not be opened (the log says why), and every request goes to the application. */
extern larder_kernel *larder_kernel_here;
extern larder_loop *larder_loop_here;

typedef struct {
  ngx_str_t config; /* larder_config; full paths */
  ngx_str_t policy; /* larder_policy */
} larder_main_conf_t;

typedef struct {
  ngx_flag_t on;        /* larder */
  size_t max_body;      /* larder_max_body */
} larder_loc_conf_t;

/* Why the application was asked, as RFC 9211 has it; larder_fwd_names are its words. */
enum { LARDER_FWD_NONE, LARDER_FWD_MISS, LARDER_FWD_STALE, LARDER_FWD_BYPASS, LARDER_FWD_METHOD };

typedef struct {
  ngx_http_request_t *request;
  uint64_t lease;   /* 0: none */
  larder_ref *ref;  /* of a completion until it is used */
  ngx_event_t *timer; /* keeps the worker alive for a request that waits, and ends the wait; NULL: it never did */
  ngx_int_t result; /* of the completion */
  unsigned waiting : 1;  /* a completion will arrive */
  unsigned arrived : 1;  /* it has, and nobody looked yet */
  unsigned is_write : 1;
  unsigned hit : 1;      /* answered by larder */
  unsigned refresh : 1;  /* a background subrequest that makes a stale entry anew; its answer goes nowhere else */
  unsigned redirected : 1; /* inside nginx, since the lookup */
  unsigned seen : 1;     /* the answer's header has passed */
  unsigned reported : 1; /* the policy knows of it */
  unsigned keeping : 1;  /* the body is collected */
  unsigned replaced : 1; /* a stale value goes out in the place of an error */
  unsigned sent : 1;     /* of replaced: its body is out */
  unsigned holding : 1;  /* the answer waits until the policy's rules are done */
  unsigned fwd : 3;      /* LARDER_FWD_* */
  ngx_str_t identity;    /* what tells requests of one key apart: host and query */
  int64_t ttl_ms;        /* of keeping: what the answer says of its life; 0: nothing */
  off_t length;          /* of keeping: what the answer says of its length; -1: nothing */
  u_char *bytes;         /* of keeping: head and body so far, of malloc */
  size_t used, size, head;
  ngx_chain_t *held, **held_last;
  size_t held_bytes;
} larder_ctx_t;

/* A value that stored.c has read: places in the value. */
typedef struct {
  ngx_str_t host, query, type, headers, body; /* headers: whole lines */
  time_t since;  /* when it was made, by the wall clock */
} larder_stored_t;

/* module.c */
larder_ctx_t *larder_ctx_make(ngx_http_request_t *r, unsigned refresh);
/* Also after a redirect inside nginx, which forgets contexts. NULL: there is none. */
larder_ctx_t *larder_ctx_of(ngx_http_request_t *r);
void larder_lease_fail(larder_ctx_t *ctx);

/* process.c */
char *larder_check(ngx_conf_t *cf, larder_main_conf_t *conf);
ngx_int_t larder_process_begin(ngx_cycle_t *cycle);
void larder_process_end(ngx_cycle_t *cycle);

/* lookup.c */
ngx_int_t larder_lookup(ngx_http_request_t *r);
/* A completion, or the end of patience, has arrived for a request that waits. */
void larder_resume(larder_ctx_t *ctx);
/* The request as the policy sees it, without status; memory is the request's. */
void larder_request_of(ngx_http_request_t *r, larder_route_args *args);
/* A completion will arrive, within a minute. Without memory for its end it may take longer. */
void larder_wait(larder_ctx_t *ctx);
void larder_wait_end(larder_ctx_t *ctx);

/* answer.c */
ngx_int_t larder_header_filter(ngx_http_request_t *r);
ngx_int_t larder_body_filter(ngx_http_request_t *r, ngx_chain_t *in);
/* The value's places, if it is an answer to this request. */
ngx_int_t larder_stored_of(const larder_ctx_t *ctx, const larder_ref *ref, larder_stored_t *out);
/* The field Cache-Status (RFC 9211). */
ngx_int_t larder_tell_status(ngx_http_request_t *r, larder_ctx_t *ctx, const char *detail, int64_t ttl_ms);

/* report.c */
/* The policy's rules fire. NGX_AGAIN: they are at it, and hold the answer until they are done. */
ngx_int_t larder_report(ngx_http_request_t *r, larder_ctx_t *ctx, ngx_uint_t status, unsigned hold);
ngx_int_t larder_hold(ngx_http_request_t *r, larder_ctx_t *ctx, ngx_chain_t *in);
void larder_release(larder_ctx_t *ctx);
ngx_int_t larder_log_phase(ngx_http_request_t *r);

/* stored.c */
/* May this answer be kept, for how long by its own word (*ttl_ms, 0: it has none), and how old is it (seconds)? */
ngx_int_t larder_may_keep(ngx_http_request_t *r, int64_t *ttl_ms, int64_t *age);
/* Begins ctx->bytes with the answer's head. */
ngx_int_t larder_stored_begin(ngx_http_request_t *r, larder_ctx_t *ctx, int64_t age);
ngx_int_t larder_stored_add(larder_ctx_t *ctx, const u_char *data, size_t n, size_t most);
ngx_int_t larder_stored_read(const u_char *data, size_t n, larder_stored_t *out);
/* The answer's head as nginx' own. */
ngx_int_t larder_stored_give(ngx_http_request_t *r, const larder_stored_t *stored);
/* Its body as the last buffer of the answer. */
ngx_chain_t *larder_stored_body(ngx_http_request_t *r, const larder_stored_t *stored);
/* Releases `ref` with the request; at once where it cannot. */
ngx_int_t larder_ref_keep(ngx_http_request_t *r, larder_ref *ref);
/* All that requests still hold: the worker ends. */
void larder_refs_release(void);
#endif
