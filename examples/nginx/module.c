/* examples/nginx/module.c -- directives, and where nginx calls in; see ngx_http_larder.h. */
#include "ngx_http_larder.h"

ngx_http_output_header_filter_pt larder_next_header;
ngx_http_output_body_filter_pt larder_next_body;

static void larder_ctx_end(void *data) {
  larder_ctx_t *ctx = data;
  if (ctx->waiting && larder_loop_here != NULL) larder_loop_cancel(larder_loop_here, (uint64_t)(uintptr_t)ctx);
  larder_wait_end(ctx);
  larder_lease_fail(ctx);
  larder_ref_release(ctx->ref);
  ctx->ref = NULL;
  if (ctx->bytes != NULL) ngx_free(ctx->bytes);
  ctx->bytes = NULL;
}

void larder_lease_fail(larder_ctx_t *ctx) {
  if (ctx->lease != 0 && larder_kernel_here != NULL) larder_kernel_fail(larder_kernel_here, ctx->lease, NULL);
  ctx->lease = 0;
}

larder_ctx_t *larder_ctx_make(ngx_http_request_t *r, unsigned refresh) {
  /* Of the main request: it is there as long as all its subrequests, and a request that is
   * terminated runs it at once. */
  ngx_http_cleanup_t *cleanup = ngx_http_cleanup_add(r->main, sizeof(larder_ctx_t));
  if (cleanup == NULL) return NULL;
  larder_ctx_t *ctx = cleanup->data;
  ngx_memzero(ctx, sizeof *ctx);
  ctx->request = r;
  ctx->refresh = refresh;
  ctx->is_write = !(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS));
  ctx->held_last = &ctx->held;
  cleanup->handler = larder_ctx_end;
  ngx_http_set_ctx(r, ctx, ngx_http_larder_module);
  return ctx;
}

larder_ctx_t *larder_ctx_of(ngx_http_request_t *r) {
  larder_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_larder_module);
  if (ctx != NULL || r != r->main || !r->internal) return ctx;
  for (ngx_http_cleanup_t *one = r->cleanup; one != NULL; one = one->next) {
    if (one->handler != larder_ctx_end || ((larder_ctx_t *)one->data)->request != r) continue;
    ctx = one->data;
    ctx->redirected = 1;
    ngx_http_set_ctx(r, ctx, ngx_http_larder_module);
    return ctx;
  }
  return NULL;
}

static ngx_int_t larder_init(ngx_conf_t *cf) {
  ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  ngx_http_handler_pt *handler = ngx_array_push(&core->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
  if (handler == NULL) return NGX_ERROR;
  *handler = larder_lookup;
  handler = ngx_array_push(&core->phases[NGX_HTTP_LOG_PHASE].handlers);
  if (handler == NULL) return NGX_ERROR;
  *handler = larder_log_phase;
  larder_next_header = ngx_http_top_header_filter;
  ngx_http_top_header_filter = larder_header_filter;
  larder_next_body = ngx_http_top_body_filter;
  ngx_http_top_body_filter = larder_body_filter;
  return NGX_OK;
}

static void *larder_main_make(ngx_conf_t *cf) { return ngx_pcalloc(cf->pool, sizeof(larder_main_conf_t)); }

static char *larder_main_init(ngx_conf_t *cf, void *conf) { return larder_check(cf, conf); }

static void *larder_loc_make(ngx_conf_t *cf) {
  larder_loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof *conf);
  if (conf == NULL) return NULL;
  conf->on = NGX_CONF_UNSET;
  conf->max_body = NGX_CONF_UNSET_SIZE;
  return conf;
}

static char *larder_loc_merge(ngx_conf_t *cf, void *parent, void *child) {
  larder_loc_conf_t *before = parent, *conf = child;
  larder_main_conf_t *whole = ngx_http_conf_get_module_main_conf(cf, ngx_http_larder_module);
  ngx_conf_merge_value(conf->on, before->on, 0);
  ngx_conf_merge_size_value(conf->max_body, before->max_body, 1024 * 1024);
  if (conf->on && whole->config.len == 0 && whole->policy.len == 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"larder on\" without a policy: write larder_config FILE or larder_policy FILE in http {}");
    return NGX_CONF_ERROR;
  }
  return NGX_CONF_OK;
}

/* A path, beside nginx.conf if it is not a whole one. */
static char *larder_set_path(ngx_conf_t *cf, ngx_command_t *command, void *conf) {
  char *wrong = ngx_conf_set_str_slot(cf, command, conf);
  if (wrong != NGX_CONF_OK) return wrong;
  ngx_str_t *path = (ngx_str_t *)((char *)conf + command->offset);
  return ngx_conf_full_name(cf->cycle, path, 1) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

static ngx_command_t larder_commands[] = {
  {ngx_string("larder_config"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, larder_set_path, NGX_HTTP_MAIN_CONF_OFFSET, offsetof(larder_main_conf_t, config), NULL},
  {ngx_string("larder_policy"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, larder_set_path, NGX_HTTP_MAIN_CONF_OFFSET, offsetof(larder_main_conf_t, policy), NULL},
  {ngx_string("larder"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET,
   offsetof(larder_loc_conf_t, on), NULL},
  {ngx_string("larder_max_body"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, ngx_conf_set_size_slot,
   NGX_HTTP_LOC_CONF_OFFSET, offsetof(larder_loc_conf_t, max_body), NULL},
  ngx_null_command};

static ngx_http_module_t larder_module_ctx = {NULL, larder_init, larder_main_make, larder_main_init, NULL, NULL, larder_loc_make, larder_loc_merge};

ngx_module_t ngx_http_larder_module = {NGX_MODULE_V1,
                                       &larder_module_ctx,
                                       larder_commands,
                                       NGX_HTTP_MODULE,
                                       NULL,
                                       NULL,
                                       larder_process_begin,
                                       NULL,
                                       NULL,
                                       larder_process_end,
                                       NULL,
                                       NGX_MODULE_V1_PADDING};
