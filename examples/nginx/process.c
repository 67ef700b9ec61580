/* examples/nginx/process.c -- a kernel in each worker, its loop in nginx' event loop, and `nginx -t`.
 *
 * The kernel has threads, and threads do not survive fork(): so the master only reads and judges what the
 * kernels of its workers will be opened with. A worker that cannot open one says so and goes on without: the
 * cache may fail, the requests may not. */
#include "ngx_http_larder.h"

larder_kernel *larder_kernel_here;
larder_loop *larder_loop_here;
static ngx_connection_t *loop_connection;

static larder_open_args larder_args_of(const larder_main_conf_t *conf) {
  larder_open_args args;
  ngx_memzero(&args, sizeof args);
  args.size = sizeof args;
  if (conf->config.len != 0) args.config_path = (const char *)conf->config.data;
  if (conf->policy.len != 0) args.policy_path = (const char *)conf->policy.data;
  return args;
}

/* Each line of a text as a line of nginx' log. */
static void larder_log_lines(ngx_uint_t level, ngx_log_t *log, const char *text) {
  while (*text != '\0') {
    size_t n = strcspn(text, "\n");
    if (n != 0) ngx_log_error(level, log, 0, "larder: %*s", n, text);
    text += n + (text[n] == '\n');
  }
}

char *larder_check(ngx_conf_t *cf, larder_main_conf_t *conf) {
  if (conf->config.len == 0 && conf->policy.len == 0) return NGX_CONF_OK;
  larder_open_args args = larder_args_of(conf);
  larder_diag diag;
  ngx_memzero(&diag, sizeof diag);
  diag.size = sizeof diag;
  if (larder_kernel_check(&args, &diag) == LARDER_R_DONE) return NGX_CONF_OK;
  larder_log_lines(NGX_LOG_EMERG, cf->log, larder_problem());
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "larder: %s", diag.text);
  return NGX_CONF_ERROR;
}

static void larder_arrived(ngx_event_t *event) {
  /* One after the other: what one of them does may take back the next. */
  for (ngx_uint_t i = 0; i < 4096; ++i) {
    larder_completion one;
    if (larder_loop_drain(larder_loop_here, &one, 1) == 0) return;
    larder_ctx_t *ctx = (larder_ctx_t *)(uintptr_t)one.user;
    if (ctx == NULL) { /* of who does not wait: a fill, a report */
      if (one.result < 0) ngx_log_error(NGX_LOG_WARN, event->log, 0, "larder: what was begun behind a request failed: %s", larder_result_name(one.result));
      larder_ref_release(one.ref);
      continue;
    }
    larder_wait_end(ctx);
    ctx->result = one.result;
    if (ctx->holding) {
      larder_ref_release(one.ref);
      if (one.result < 0)
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0, "larder: the rules of this request did not fire: %s", larder_result_name(one.result));
      larder_release(ctx);
    } else {
      ctx->ref = one.ref;
      ctx->lease = one.lease;
      larder_resume(ctx);
    }
  }
}

ngx_int_t larder_process_begin(ngx_cycle_t *cycle) {
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
  larder_main_conf_t *conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_larder_module);
  if (conf == NULL || (conf->config.len == 0 && conf->policy.len == 0)) return NGX_OK;
  larder_open_args args = larder_args_of(conf);
  larder_diag diag;
  ngx_memzero(&diag, sizeof diag);
  diag.size = sizeof diag;
  larder_kernel_here = larder_kernel_open(&args, &diag);
  if (larder_kernel_here == NULL) {
    larder_log_lines(NGX_LOG_EMERG, cycle->log, larder_problem());
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "larder: this worker answers without a cache: %s", diag.text);
    return NGX_OK;
  }
  larder_loop_here = larder_loop_new(larder_kernel_here);
  if (larder_loop_here != NULL) loop_connection = ngx_get_connection(larder_loop_fd(larder_loop_here), cycle->log);
  if (loop_connection != NULL) {
    loop_connection->read->handler = larder_arrived;
    loop_connection->read->log = cycle->log;
    loop_connection->write->log = cycle->log;
    if (ngx_add_event(loop_connection->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) == NGX_OK) return NGX_OK;
  }
  ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "larder: no descriptor or connection is left for its loop: this worker answers without a cache");
  larder_process_end(cycle);
  return NGX_OK;
}

void larder_process_end(ngx_cycle_t *cycle) {
  if (loop_connection != NULL) {
    if (loop_connection->read->active) ngx_del_event(loop_connection->read, NGX_READ_EVENT, 0);
    ngx_free_connection(loop_connection);
    loop_connection->fd = (ngx_socket_t)-1;
    loop_connection = NULL;
  }
  larder_refs_release();
  larder_loop_free(larder_loop_here);
  larder_loop_here = NULL;
  larder_kernel_close(larder_kernel_here);
  larder_kernel_here = NULL;
}
