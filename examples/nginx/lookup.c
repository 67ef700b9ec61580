/* examples/nginx/lookup.c -- PRECONTENT: which entry answers a request, and whether it is there.
 *
 * After access and authentication, before proxy_pass: who may not read a page does not read it from the
 * cache. What `return` says in the rewrite phase never comes here.
 *
 *   HIT    the entry is the answer, from where it stands in memory
 *   STALE  likewise; whoever gets the lease with it makes it anew in a subrequest behind
 *   LEASE  the application is asked, and its answer kept (answer.c)
 *   WAIT   the request is put aside: the worker goes on, and the loop wakes it
 *   PASS   the application is asked */
#include "ngx_http_larder.h"

enum { larder_patience_ms = 60000 };

static void larder_too_long(ngx_event_t *event) {
  larder_ctx_t *ctx = event->data;
  ngx_connection_t *c = ctx->request->connection;
  larder_loop_cancel(larder_loop_here, (uint64_t)(uintptr_t)ctx);
  ctx->waiting = 0;
  if (ctx->holding) {
    ngx_log_error(NGX_LOG_ERR, c->log, 0, "larder: this answer went out before the policy's rules were done");
    larder_release(ctx);
    return;
  }
  ctx->result = LARDER_R_PASS;
  larder_resume(ctx);
}

void larder_wait(larder_ctx_t *ctx) {
  ctx->waiting = 1;
  if (ctx->timer == NULL) ctx->timer = ngx_pcalloc(ctx->request->pool, sizeof *ctx->timer);
  if (ctx->timer == NULL) return;
  ctx->timer->handler = larder_too_long;
  ctx->timer->data = ctx;
  ctx->timer->log = ctx->request->connection->log;
  ngx_add_timer(ctx->timer, larder_patience_ms);
}

void larder_wait_end(larder_ctx_t *ctx) {
  ctx->waiting = 0;
  if (ctx->timer != NULL && ctx->timer->timer_set) ngx_del_timer(ctx->timer);
}

void larder_resume(larder_ctx_t *ctx) {
  ngx_http_request_t *r = ctx->request;
  ngx_connection_t *c = r->connection;
  ctx->arrived = 1;
  ngx_http_set_log_request(c->log, r);
  r->read_event_handler = ngx_http_block_reading;
  r->write_event_handler = ngx_http_core_run_phases;
  ngx_http_core_run_phases(r);
  ngx_http_run_posted_requests(c);
}

void larder_request_of(ngx_http_request_t *r, larder_route_args *args) {
  ngx_memzero(args, sizeof *args);
  args->size = sizeof *args;
  args->method.p = (const char *)r->method_name.data;
  args->method.n = r->method_name.len;
  /* As the client sent it: r->uri and r->args are what nginx' own rewrites made of it. */
  u_char *begin = r->unparsed_uri.data, *end = begin + r->unparsed_uri.len;
  u_char *question = ngx_strlchr(begin, end, '?');
  args->path.p = (const char *)begin;
  args->path.n = (size_t)((question != NULL ? question : end) - begin);
  if (question != NULL) {
    args->query.p = (const char *)question + 1;
    args->query.n = (size_t)(end - question - 1);
  }
  uint32_t count = 0;
  for (ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) count += (uint32_t)part->nelts;
  larder_field *fields = count == 0 ? NULL : ngx_palloc(r->pool, count * sizeof *fields);
  if (fields == NULL) return;
  args->headers = fields;
  for (ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) {
    ngx_table_elt_t *one = part->elts;
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      larder_field *field = &fields[args->nheaders++];
      field->name.p = (const char *)one[i].key.data;
      field->name.n = one[i].key.len;
      field->value.p = (const char *)one[i].value.data;
      field->value.n = one[i].value.len;
    }
  }
}

/* The application's answer would be a part, or none: it could not be kept. */
static ngx_uint_t larder_is_conditional(ngx_http_request_t *r) {
  const ngx_http_headers_in_t *in = &r->headers_in;
  return in->range != NULL || in->if_range != NULL || in->if_none_match != NULL || in->if_modified_since != NULL || in->if_match != NULL ||
         in->if_unmodified_since != NULL;
}

/* Entries of one key are told apart by host and query; a query that the key does not mention is not kept at all, or
 * the first client to make one up would have the entry. */
static ngx_uint_t larder_key_ignores_query(const larder_route_args *args, int32_t space, const larder_ref *key) {
  larder_route_args bare = *args;
  bare.query.p = NULL;
  bare.query.n = 0;
  int32_t other = -1;
  larder_ref *same = NULL;
  if (larder_kernel_serve(larder_kernel_here, &bare, &other, &same) != LARDER_R_HIT) return 0;
  size_t n, m;
  const void *a = larder_ref_data(key, &n), *b = larder_ref_data(same, &m);
  ngx_uint_t equal = space == other && n == m && memcmp(a, b, n) == 0;
  larder_ref_release(same);
  return equal;
}

/* Without what would make its answer a part or none. */
static ngx_int_t larder_whole_answer(ngx_http_request_t *r) {
  ngx_list_t all = r->headers_in.headers;
  ngx_http_headers_in_t *in = &r->headers_in;
  if (!larder_is_conditional(r)) return NGX_OK;
  if (ngx_list_init(&in->headers, r->pool, 16, sizeof(ngx_table_elt_t)) != NGX_OK) return NGX_ERROR;
  for (ngx_list_part_t *part = &all.part; part != NULL; part = part->next) {
    ngx_table_elt_t *one = part->elts;
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (&one[i] == in->range || &one[i] == in->if_range || &one[i] == in->if_none_match || &one[i] == in->if_modified_since ||
          &one[i] == in->if_match || &one[i] == in->if_unmodified_since)
        continue;
      ngx_table_elt_t *copy = ngx_list_push(&in->headers);
      if (copy == NULL) return NGX_ERROR;
      *copy = one[i];
    }
  }
  in->range = in->if_range = in->if_none_match = in->if_modified_since = in->if_match = in->if_unmodified_since = NULL;
  return NGX_OK;
}

/* As proxy_cache_background_update does it: a copy of the request goes to the application when this one is answered. */
static void larder_refresh_behind(ngx_http_request_t *r, larder_ctx_t *ctx) {
  ngx_http_request_t *sub = NULL;
  if (r->method != NGX_HTTP_GET || ngx_http_subrequest(r, &r->uri, &r->args, &sub, NULL, NGX_HTTP_SUBREQUEST_CLONE | NGX_HTTP_SUBREQUEST_BACKGROUND) != NGX_OK) {
    larder_lease_fail(ctx);
    return;
  }
  larder_ctx_t *behind = larder_ctx_make(sub, 1);
  if (behind == NULL || larder_whole_answer(sub) != NGX_OK) {
    larder_lease_fail(ctx);
    return;
  }
  behind->lease = ctx->lease;
  behind->fwd = LARDER_FWD_STALE;
  behind->identity = ctx->identity;
  ctx->lease = 0;
}

static ngx_int_t larder_answer(ngx_http_request_t *r, larder_ctx_t *ctx, const larder_stored_t *stored) {
  ngx_int_t rc = ngx_http_discard_request_body(r);
  if (rc != NGX_OK) return rc;
  r->allow_ranges = 1;
  if (larder_stored_give(r, stored) != NGX_OK) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  rc = ngx_http_send_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) return rc;
  ngx_chain_t *body = larder_stored_body(r, stored);
  return body == NULL ? NGX_ERROR : ngx_http_output_filter(r, body);
}

static ngx_int_t larder_pass(larder_ctx_t *ctx, unsigned why) {
  ctx->fwd = why;
  return NGX_DECLINED;
}

/* What a get came to. */
static ngx_int_t larder_judge(ngx_http_request_t *r, larder_ctx_t *ctx, ngx_int_t result, larder_ref *ref) {
  switch (result) {
    case LARDER_R_LEASE:
      if (r->method == NGX_HTTP_GET && !larder_is_conditional(r)) return larder_pass(ctx, LARDER_FWD_MISS);
      larder_lease_fail(ctx);
      return larder_pass(ctx, LARDER_FWD_MISS);
    case LARDER_R_PASS: return larder_pass(ctx, LARDER_FWD_MISS);
    case LARDER_R_ABSENT:
      ctx->hit = 1;
      return NGX_HTTP_NOT_FOUND;
    case LARDER_R_HIT:
    case LARDER_R_STALE: break;
    default:
      ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "larder: asked the application: %s", larder_result_name((larder_result)result));
      return larder_pass(ctx, LARDER_FWD_BYPASS);
  }
  larder_stored_t stored;
  if (larder_stored_of(ctx, ref, &stored) != NGX_OK) {
    /* Of another host or query, or of another program: it stays until it ends. */
    larder_ref_release(ref);
    larder_lease_fail(ctx);
    return larder_pass(ctx, LARDER_FWD_MISS);
  }
  if (larder_ref_keep(r, ref) != NGX_OK) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  ctx->hit = 1;
  if (result == LARDER_R_STALE && ctx->lease != 0) larder_refresh_behind(r, ctx);
  if (larder_tell_status(r, ctx, NULL, larder_ref_ttl_ms(ref)) != NGX_OK) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  ngx_http_finalize_request(r, larder_answer(r, ctx, &stored));
  return NGX_DONE;
}

static ngx_int_t larder_ask(ngx_http_request_t *r, larder_ctx_t *ctx) {
  larder_route_args args;
  larder_request_of(r, &args);
  int32_t space = -1;
  larder_ref *key = NULL;
  larder_result result = larder_kernel_serve(larder_kernel_here, &args, &space, &key);
  if (result != LARDER_R_HIT) return larder_pass(ctx, LARDER_FWD_BYPASS);
  if (args.query.n != 0 && larder_key_ignores_query(&args, space, key)) {
    larder_ref_release(key);
    return larder_pass(ctx, LARDER_FWD_BYPASS);
  }
  ctx->identity.len = r->headers_in.server.len + args.query.n;
  ctx->identity.data = ngx_pnalloc(r->pool, ctx->identity.len + 1);
  if (ctx->identity.data == NULL) {
    larder_ref_release(key);
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  u_char *end = ngx_cpymem(ctx->identity.data, r->headers_in.server.data, r->headers_in.server.len);
  if (args.query.n != 0) ngx_memcpy(end, args.query.p, args.query.n);

  size_t n;
  const char *text = larder_ref_data(key, &n);
  larder_ref *ref = NULL;
  result = larder_kernel_get(larder_kernel_here, space, text, n, larder_loop_here, (uint64_t)(uintptr_t)ctx, &ref, &ctx->lease);
  larder_ref_release(key);
  if (result != LARDER_R_WAIT) return larder_judge(r, ctx, result, ref);
  larder_wait(ctx);
  r->read_event_handler = ngx_http_test_reading;
  r->write_event_handler = ngx_http_request_empty_handler;
  return NGX_AGAIN;
}

ngx_int_t larder_lookup(ngx_http_request_t *r) {
  larder_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_larder_module);
  if (!conf->on || larder_kernel_here == NULL || r != r->main) return NGX_DECLINED;
  larder_ctx_t *ctx = larder_ctx_of(r);
  if (ctx == NULL) {
    ctx = larder_ctx_make(r, 0);
    if (ctx == NULL) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) return larder_pass(ctx, LARDER_FWD_METHOD);
    return larder_ask(r, ctx);
  }
  if (ctx->waiting) return NGX_AGAIN;
  if (!ctx->arrived) return NGX_DECLINED; /* after a redirect inside nginx */
  ctx->arrived = 0;
  larder_ref *ref = ctx->ref;
  ctx->ref = NULL;
  return larder_judge(r, ctx, ctx->result, ref);
}
