/* examples/nginx/report.c -- what was written is told to the policy before the client hears of it.
 *
 * When the application has answered a write, its answer's header is held until the rules that it fires are
 * done, in every tier: whoever reads after a write that was acknowledged reads what it made. The worker goes on
 * meanwhile; the body is held too, up to a bound above which the answer goes out first and a line of the log says so.
 *
 * GETs that the application answered are told in the LOG phase, and nobody waits for what comes of it; and so is a
 * write whose client went away after it was sent, as done: nobody knows, and a drop too many costs a load. */
#include "ngx_http_larder.h"

enum { larder_hold_most = 1 << 20, larder_body_most = 64 * 1024 };

/* Of the request, if it is small and in memory; a rule that reads more of it finds nothing. */
static void larder_give_body(ngx_http_request_t *r, larder_route_args *args) {
  if (r->request_body == NULL || r->request_body->temp_file != NULL) return;
  size_t n = 0;
  ngx_chain_t *first = r->request_body->bufs;
  for (ngx_chain_t *one = first; one != NULL; one = one->next) {
    if (!ngx_buf_in_memory(one->buf) && ngx_buf_size(one->buf) != 0) return;
    n += (size_t)(one->buf->last - one->buf->pos);
  }
  if (n == 0 || n > larder_body_most) return;
  u_char *all = ngx_pnalloc(r->pool, n), *end = all;
  if (all == NULL) return;
  for (ngx_chain_t *one = first; one != NULL; one = one->next) end = ngx_cpymem(end, one->buf->pos, one->buf->last - one->buf->pos);
  args->body.p = (const char *)all;
  args->body.n = n;
}

ngx_int_t larder_report(ngx_http_request_t *r, larder_ctx_t *ctx, ngx_uint_t status, unsigned hold) {
  if (ctx->reported || larder_kernel_here == NULL || status == 0) return NGX_OK;
  ctx->reported = 1;
  larder_route_args args;
  larder_request_of(r, &args);
  args.status = (int32_t)status;
  larder_give_body(r, &args);
  uint64_t user = hold ? (uint64_t)(uintptr_t)ctx : 0;
  larder_result result = larder_kernel_route(larder_kernel_here, &args, larder_loop_here, user, NULL);
  if (result == LARDER_R_WAIT) {
    if (!hold) return NGX_OK;
    ctx->holding = 1;
    r->buffered |= NGX_HTTP_LARDER_BUFFERED;
    larder_wait(ctx);
    return NGX_AGAIN;
  }
  /* What does not fit in a queue is done at once: late is better than not at all. */
  if (result == LARDER_R_BUSY) result = larder_kernel_route(larder_kernel_here, &args, NULL, 0, NULL);
  if (result < 0) ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "larder: the rules of this request did not fire: %s", larder_problem());
  return NGX_OK;
}

ngx_int_t larder_hold(ngx_http_request_t *r, larder_ctx_t *ctx, ngx_chain_t *in) {
  for (; in != NULL; in = in->next) {
    ngx_buf_t *from = in->buf;
    size_t n = ngx_buf_in_memory(from) ? (size_t)(from->last - from->pos) : 0;
    ngx_buf_t *to = n != 0 ? ngx_create_temp_buf(r->pool, n) : ngx_calloc_buf(r->pool);
    ngx_chain_t *link = ngx_alloc_chain_link(r->pool);
    if (to == NULL || link == NULL || (n == 0 && ngx_buf_size(from) != 0)) return NGX_ERROR;
    if (n != 0) to->last = ngx_cpymem(to->last, from->pos, n);
    to->flush = from->flush;
    to->sync = from->sync;
    to->last_buf = from->last_buf;
    to->last_in_chain = from->last_in_chain;
    from->pos = from->last;
    from->file_pos = from->file_last;
    link->buf = to;
    link->next = NULL;
    *ctx->held_last = link;
    ctx->held_last = &link->next;
    ctx->held_bytes += n;
  }
  if (ctx->held_bytes <= larder_hold_most) return NGX_AGAIN;
  larder_loop_cancel(larder_loop_here, (uint64_t)(uintptr_t)ctx);
  larder_wait_end(ctx);
  ctx->holding = 0;
  ngx_log_error(NGX_LOG_WARN, r->connection->log, 0, "larder: this answer is large, and went out before the policy's rules were done");
  r->buffered &= ~NGX_HTTP_LARDER_BUFFERED;
  ngx_int_t rc = larder_next_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) return rc;
  ngx_chain_t *held = ctx->held;
  ctx->held = NULL;
  return larder_next_body(r, held);
}

void larder_release(larder_ctx_t *ctx) {
  ngx_http_request_t *r = ctx->request;
  ngx_connection_t *c = r->connection;
  ctx->holding = 0;
  r->buffered &= ~NGX_HTTP_LARDER_BUFFERED;
  ngx_http_set_log_request(c->log, r);
  ngx_int_t rc = larder_next_header(r);
  ngx_chain_t *held = ctx->held;
  ctx->held = NULL;
  if (rc == NGX_OK && !r->header_only && held != NULL) rc = larder_next_body(r, held);
  if (rc == NGX_ERROR || rc > NGX_OK) ngx_http_finalize_request(r, NGX_ERROR);
  else r->write_event_handler(r);
  ngx_http_run_posted_requests(c);
}

ngx_int_t larder_log_phase(ngx_http_request_t *r) {
  larder_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_larder_module);
  if (ctx == NULL || ctx->hit || ctx->refresh || ctx->reported) return NGX_OK;
  if (!ctx->is_write) {
    if (ctx->seen) larder_report(r, ctx, r->headers_out.status, 0);
  } else if (r->upstream != NULL && r->upstream->request_sent) {
    larder_report(r, ctx, NGX_HTTP_OK, 0);
  }
  return NGX_OK;
}
