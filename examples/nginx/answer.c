/* examples/nginx/answer.c -- filters: what the application answers is kept, or replaced by what is stale.
 *
 * The module stands before nginx' own header fields, compression and ranges: what is kept is what the application
 * said, and a hit goes through the rest of the chain as its answer would. An answer is kept when its last byte
 * has come, and only if that is as many as it promised. */
#include "ngx_http_larder.h"

static const char *const larder_fwd_names[] = {"", "uri-miss", "stale", "bypass", "method"};

/* The common one, and every hit has it: by hand. */
static u_char *larder_write_hit(u_char *p, int64_t ttl_ms) {
  p = ngx_cpymem(p, "larder; hit", 11);
  if (ttl_ms == -1) return p; /* without end */
  p = ngx_cpymem(p, "; ttl=", 6);
  int64_t seconds = ttl_ms / 1000;
  if (ttl_ms < 0) {
    *p++ = '-';
    seconds = -seconds;
  }
  u_char digits[20], *first = digits + sizeof digits;
  do *--first = (u_char)('0' + seconds % 10);
  while ((seconds /= 10) != 0);
  return ngx_cpymem(p, first, (size_t)(digits + sizeof digits - first));
}

ngx_int_t larder_tell_status(ngx_http_request_t *r, larder_ctx_t *ctx, const char *detail, int64_t ttl_ms) {
  const size_t most = ctx->hit ? sizeof "larder; hit; ttl=-9223372036854775807; detail=error" : sizeof "larder; fwd=uri-miss; stored";
  ngx_table_elt_t *field = ngx_list_push(&r->headers_out.headers);
  u_char *text = ngx_pnalloc(r->pool, most), *end = text + most, *p;
  if (field == NULL || text == NULL) return NGX_ERROR;
  if (ctx->hit) p = larder_write_hit(text, ttl_ms);
  else p = ngx_slprintf(text, end, "larder; fwd=%s%s", larder_fwd_names[ctx->fwd], ctx->keeping ? "; stored" : "");
  if (detail != NULL) p = ngx_slprintf(p, end, "; detail=%s", detail);
  ngx_memzero(field, sizeof *field);
  field->hash = 1;
  ngx_str_set(&field->key, "Cache-Status");
  field->value.data = text;
  field->value.len = (size_t)(p - text);
  return NGX_OK;
}

static ngx_uint_t larder_is_whose(const larder_stored_t *stored, const larder_ctx_t *ctx) {
  return stored->host.len + stored->query.len == ctx->identity.len && ngx_memcmp(stored->host.data, ctx->identity.data, stored->host.len) == 0 &&
         ngx_memcmp(stored->query.data, ctx->identity.data + stored->host.len, stored->query.len) == 0;
}

ngx_int_t larder_stored_of(const larder_ctx_t *ctx, const larder_ref *ref, larder_stored_t *out) {
  size_t n;
  const u_char *data = larder_ref_data(ref, &n);
  return larder_stored_read(data, n, out) == NGX_OK && larder_is_whose(out, ctx) ? NGX_OK : NGX_DECLINED;
}

/* The application failed, and the policy says `stale ... on error`. */
static ngx_int_t larder_replace(ngx_http_request_t *r, larder_ctx_t *ctx, larder_ref *stale) {
  larder_stored_t stored;
  if (larder_stored_of(ctx, stale, &stored) != NGX_OK) {
    larder_ref_release(stale);
    return NGX_OK;
  }
  int64_t ttl_ms = larder_ref_ttl_ms(stale);
  if (larder_ref_keep(r, stale) != NGX_OK) return NGX_ERROR;
  ngx_http_clean_header(r);
  if (larder_stored_give(r, &stored) != NGX_OK) return NGX_ERROR;
  ctx->held = larder_stored_body(r, &stored);
  if (ctx->held == NULL) return NGX_ERROR;
  ctx->hit = ctx->replaced = 1;
  return larder_tell_status(r, ctx, "error", ttl_ms);
}

/* An error page of nginx' own is not what the application answered. */
static ngx_uint_t larder_is_error_page(ngx_http_request_t *r, const larder_ctx_t *ctx) {
  ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
  return r->error_page || r->err_status != 0 || (ctx->redirected && core->recursive_error_pages);
}

static ngx_int_t larder_take_lease(ngx_http_request_t *r, larder_ctx_t *ctx) {
  int64_t age = 0;
  if (!larder_is_error_page(r, ctx) && larder_may_keep(r, &ctx->ttl_ms, &age) == NGX_OK) {
    larder_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_larder_module);
    ctx->length = r->headers_out.content_length_n;
    if (ctx->length <= (off_t)conf->max_body && larder_stored_begin(r, ctx, age) == NGX_OK) {
      ctx->keeping = 1;
      r->filter_need_in_memory = 1;
      return NGX_OK;
    }
  }
  larder_ref *stale = NULL;
  larder_result result = larder_kernel_fail(larder_kernel_here, ctx->lease, r->headers_out.status >= 500 && !ctx->refresh ? &stale : NULL);
  ctx->lease = 0;
  return result == LARDER_R_STALE && stale != NULL ? larder_replace(r, ctx, stale) : NGX_OK;
}

/* A write that was sent and never answered may have been done: then it counts as done. */
static ngx_uint_t larder_status_of_write(ngx_http_request_t *r) {
  ngx_http_upstream_t *u = r->upstream;
  ngx_uint_t nobody_knows = r->headers_out.status >= 500 && u != NULL && u->request_sent && u->headers_in.status_n == 0;
  return nobody_knows ? NGX_HTTP_OK : r->headers_out.status;
}

ngx_int_t larder_header_filter(ngx_http_request_t *r) {
  larder_ctx_t *ctx = larder_ctx_of(r);
  if (ctx == NULL) {
    larder_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_larder_module);
    if (!conf->on || r != r->main || (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) return larder_next_header(r);
    /* A write that was answered before PRECONTENT, as by `return`. */
    ctx = larder_ctx_make(r, 0);
    if (ctx == NULL) return NGX_ERROR;
    ctx->fwd = LARDER_FWD_METHOD;
  }
  if (ctx->seen || larder_kernel_here == NULL) return larder_next_header(r);
  ctx->seen = 1;
  if (ctx->hit) return larder_next_header(r);
  if (ctx->lease != 0 && larder_take_lease(r, ctx) != NGX_OK) return NGX_ERROR;
  if (ctx->refresh) {
    r->filter_need_in_memory = 1;
    r->header_sent = 1;
    return NGX_OK;
  }
  if (!ctx->hit && larder_tell_status(r, ctx, NULL, 0) != NGX_OK) return NGX_ERROR;
  if (!ctx->is_write || larder_report(r, ctx, larder_status_of_write(r), 1) != NGX_AGAIN) return larder_next_header(r);
  r->filter_need_in_memory = 1;
  return NGX_OK;
}

static void larder_give_up(larder_ctx_t *ctx) {
  ctx->keeping = 0;
  larder_lease_fail(ctx);
  ngx_free(ctx->bytes);
  ctx->bytes = NULL;
}

static void larder_keep(ngx_http_request_t *r, larder_ctx_t *ctx) {
  if (ctx->length >= 0 && (off_t)(ctx->used - ctx->head) != ctx->length) {
    larder_give_up(ctx);
    return;
  }
  larder_put_args args;
  ngx_memzero(&args, sizeof args);
  args.size = sizeof args;
  args.ttl_ms = ctx->ttl_ms;
  larder_result result = larder_kernel_fill(larder_kernel_here, ctx->lease, ctx->bytes, ctx->used, &args, larder_loop_here, 0);
  ctx->lease = 0;
  if (result < 0) ngx_log_error(NGX_LOG_WARN, r->connection->log, 0, "larder: this answer is not kept: %s", larder_problem());
  larder_give_up(ctx);
}

static void larder_collect(ngx_http_request_t *r, larder_ctx_t *ctx, ngx_chain_t *in) {
  larder_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_larder_module);
  for (; in != NULL && ctx->keeping; in = in->next) {
    ngx_buf_t *b = in->buf;
    if (larder_kernel_here == NULL || (!ngx_buf_in_memory(b) && ngx_buf_size(b) != 0) ||
        (ngx_buf_in_memory(b) && larder_stored_add(ctx, b->pos, (size_t)(b->last - b->pos), ctx->head + conf->max_body) != NGX_OK)) {
      larder_give_up(ctx);
    } else if (b->last_buf || (ctx->refresh && b->last_in_chain)) {
      larder_keep(r, ctx);
    }
  }
}

static void larder_consume(ngx_chain_t *in) {
  for (; in != NULL; in = in->next) {
    in->buf->pos = in->buf->last;
    in->buf->file_pos = in->buf->file_last;
  }
}

ngx_int_t larder_body_filter(ngx_http_request_t *r, ngx_chain_t *in) {
  larder_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_larder_module);
  if (ctx == NULL || !ctx->seen) return larder_next_body(r, in);
  if (ctx->holding) return larder_hold(r, ctx, in);
  if (ctx->keeping) larder_collect(r, ctx, in);
  if (ctx->refresh) {
    larder_consume(in);
    return NGX_OK;
  }
  if (!ctx->replaced) return larder_next_body(r, in);
  larder_consume(in);
  ngx_chain_t *body = ctx->held;
  ctx->held = NULL;
  return larder_next_body(r, body);
}
