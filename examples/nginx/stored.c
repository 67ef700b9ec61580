/* examples/nginx/stored.c -- an answer as bytes of an entry, and which answers may be kept.
 *
 * An entry is text, so that whoever gets it elsewhere can read it: the line "larder-nginx/1 SECONDS HOST QUERY", a
 * line for each field of the answer (Content-Type first, and always there), an empty line, the body. The status is 200.
 *
 * The policy's `serve` rules give permission and a limit; of RFC 9111 holds what can only forbid: no-store,
 * no-cache, private, Set-Cookie, Vary on more than Accept-Encoding, an encoding, Authorization without a word that allows it. */
#include "ngx_http_larder.h"

#include <string.h>

static const char larder_magic[] = "larder-nginx/1 ";

/* ---------------------------------------------------------------------------------------- which may */

typedef struct {
  unsigned forbidden : 1, shared : 1, timed : 1;
  int64_t seconds; /* of timed */
} larder_control_t;

static ngx_uint_t larder_is(const u_char *p, size_t n, const char *word) {
  return n == strlen(word) && ngx_strncasecmp((u_char *)p, (u_char *)word, n) == 0;
}

static void larder_read_control(const ngx_str_t *value, larder_control_t *out, ngx_uint_t *s_maxage) {
  const u_char *p = value->data, *end = p + value->len;
  while (p < end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == ',')) ++p;
    const u_char *name = p;
    while (p < end && *p != '=' && *p != ',' && *p != ' ') ++p;
    size_t n = (size_t)(p - name);
    const u_char *said = NULL;
    size_t m = 0;
    if (p < end && *p == '=') {
      ngx_uint_t quoted = ++p < end && *p == '"';
      p += quoted;
      said = p;
      while (p < end && (quoted ? *p != '"' : *p != ',' && *p != ' ')) ++p;
      m = (size_t)(p - said);
      p += quoted && p < end;
    }
    if (larder_is(name, n, "no-store") || larder_is(name, n, "no-cache") || larder_is(name, n, "private")) out->forbidden = 1;
    if (larder_is(name, n, "public") || larder_is(name, n, "must-revalidate") || larder_is(name, n, "s-maxage")) out->shared = 1;
    ngx_uint_t is_shared = larder_is(name, n, "s-maxage");
    if (is_shared || (larder_is(name, n, "max-age") && !*s_maxage)) {
      ngx_int_t seconds = said == NULL ? NGX_ERROR : ngx_atoi((u_char *)said, m > 9 ? 9 : m);
      out->timed = 1;
      out->seconds = seconds == NGX_ERROR ? 0 : seconds;
      *s_maxage = is_shared;
    }
  }
}

ngx_int_t larder_may_keep(ngx_http_request_t *r, int64_t *ttl_ms, int64_t *age) {
  ngx_http_headers_out_t *out = &r->headers_out;
  *ttl_ms = *age = 0;
  if (out->status != NGX_HTTP_OK || out->content_encoding != NULL) return NGX_DECLINED;
  larder_control_t control;
  ngx_memzero(&control, sizeof control);
  ngx_uint_t s_maxage = 0;
  int64_t expires = -1, date = -1;
  for (ngx_list_part_t *part = &out->headers.part; part != NULL; part = part->next) {
    ngx_table_elt_t *one = part->elts;
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (one[i].hash == 0) continue;
      const u_char *name = one[i].key.data;
      size_t n = one[i].key.len;
      ngx_str_t *value = &one[i].value;
      if (larder_is(name, n, "Set-Cookie") || larder_is(name, n, "Content-Range")) return NGX_DECLINED;
      if (larder_is(name, n, "Vary") && !larder_is(value->data, value->len, "Accept-Encoding")) return NGX_DECLINED;
      if (larder_is(name, n, "Content-Encoding") && !larder_is(value->data, value->len, "identity")) return NGX_DECLINED;
      if (larder_is(name, n, "Cache-Control")) larder_read_control(value, &control, &s_maxage);
      if (larder_is(name, n, "Age")) *age = ngx_atoi(value->data, value->len) > 0 ? ngx_atoi(value->data, value->len) : 0;
      if (larder_is(name, n, "Date")) date = (int64_t)ngx_parse_http_time(value->data, value->len);
      if (larder_is(name, n, "Expires")) {
        expires = (int64_t)ngx_parse_http_time(value->data, value->len);
        if (expires < 0) expires = 0; /* "0" means that it has */
      }
    }
  }
  if (control.forbidden || (r->headers_in.authorization != NULL && !control.shared)) return NGX_DECLINED;
  if (!control.timed && expires >= 0) {
    control.timed = 1;
    control.seconds = expires - (date >= 0 ? date : (int64_t)ngx_time());
  }
  if (!control.timed) return NGX_OK;
  control.seconds -= *age;
  *ttl_ms = control.seconds * 1000;
  return control.seconds > 0 ? NGX_OK : NGX_DECLINED;
}

/* ------------------------------------------------------------------------------------------- bytes */

/* Of one connection, or made anew by nginx. */
static ngx_uint_t larder_is_kept_field(const ngx_table_elt_t *one) {
  static const char *const left_out[] = {"Connection", "Keep-Alive",     "Transfer-Encoding", "TE",     "Trailer", "Upgrade",
                                         "Proxy-Connection", "Proxy-Authenticate", "Content-Length", "Content-Type", "Date",    "Server", "Age", "Accept-Ranges", "Content-Encoding"};
  if (one->hash == 0) return 0;
  for (ngx_uint_t i = 0; i < sizeof left_out / sizeof *left_out; ++i)
    if (larder_is(one->key.data, one->key.len, left_out[i])) return 0;
  return 1;
}

ngx_int_t larder_stored_add(larder_ctx_t *ctx, const u_char *data, size_t n, size_t most) {
  if (n > most || ctx->used > most - n) return NGX_DECLINED;
  if (ctx->used + n > ctx->size) {
    size_t size = ctx->size < 4096 ? 4096 : ctx->size;
    while (size < ctx->used + n) size *= 2;
    u_char *more = realloc(ctx->bytes, size);
    if (more == NULL) return NGX_ERROR;
    ctx->bytes = more;
    ctx->size = size;
  }
  ngx_memcpy(ctx->bytes + ctx->used, data, n);
  ctx->used += n;
  return NGX_OK;
}

static ngx_int_t larder_add_field(larder_ctx_t *ctx, const char *name, size_t n, const ngx_str_t *value) {
  const size_t most = 64 * 1024; /* all fields together */
  if (larder_stored_add(ctx, (const u_char *)name, n, most) != NGX_OK || larder_stored_add(ctx, (const u_char *)": ", 2, most) != NGX_OK) return NGX_DECLINED;
  if (larder_stored_add(ctx, value->data, value->len, most) != NGX_OK) return NGX_DECLINED;
  return larder_stored_add(ctx, (const u_char *)"\n", 1, most);
}

ngx_int_t larder_stored_begin(ngx_http_request_t *r, larder_ctx_t *ctx, int64_t age) {
  u_char line[sizeof larder_magic + NGX_TIME_T_LEN + NGX_SIZE_T_LEN + 2];
  u_char *end = ngx_sprintf(line, "%s%T %uz ", larder_magic, ngx_time() - (time_t)age, r->headers_in.server.len);
  if (larder_stored_add(ctx, line, (size_t)(end - line), 256) != NGX_OK) return NGX_DECLINED;
  if (larder_stored_add(ctx, ctx->identity.data, ctx->identity.len, 32 * 1024) != NGX_OK) return NGX_DECLINED;
  if (larder_stored_add(ctx, (const u_char *)"\n", 1, 64 * 1024) != NGX_OK) return NGX_DECLINED;
  if (larder_add_field(ctx, "Content-Type", 12, &r->headers_out.content_type) != NGX_OK) return NGX_DECLINED;
  for (ngx_list_part_t *part = &r->headers_out.headers.part; part != NULL; part = part->next) {
    ngx_table_elt_t *one = part->elts;
    for (ngx_uint_t i = 0; i < part->nelts; ++i)
      if (larder_is_kept_field(&one[i]) && larder_add_field(ctx, (const char *)one[i].key.data, one[i].key.len, &one[i].value) != NGX_OK) return NGX_DECLINED;
  }
  /* nginx' own files say it here only. */
  static const ngx_str_t modified = ngx_string("Last-Modified");
  if (r->headers_out.last_modified == NULL && r->headers_out.last_modified_time != -1) {
    u_char date[sizeof "Mon, 28 Sep 1970 06:00:00 GMT"];
    ngx_str_t value = {(size_t)(ngx_http_time(date, r->headers_out.last_modified_time) - date), date};
    if (larder_add_field(ctx, (const char *)modified.data, modified.len, &value) != NGX_OK) return NGX_DECLINED;
  }
  if (larder_stored_add(ctx, (const u_char *)"\n", 1, 128 * 1024) != NGX_OK) return NGX_DECLINED;
  ctx->head = ctx->used;
  return NGX_OK;
}

static u_char *larder_find(u_char *p, u_char *end, int c) { return p < end ? memchr(p, c, (size_t)(end - p)) : NULL; }

ngx_int_t larder_stored_read(const u_char *data, size_t n, larder_stored_t *out) {
  const size_t magic = sizeof larder_magic - 1;
  u_char *p = (u_char *)data, *end = p + n;
  if (n < magic || ngx_memcmp(p, larder_magic, magic) != 0) return NGX_DECLINED;
  p += magic;
  u_char *line = larder_find(p, end, '\n'), *space = line == NULL ? NULL : larder_find(p, line, ' ');
  u_char *second = space == NULL ? NULL : larder_find(space + 1, line, ' ');
  if (second == NULL) return NGX_DECLINED;
  out->since = ngx_atotm(p, (size_t)(space - p));
  ngx_int_t host = ngx_atoi(space + 1, (size_t)(second - space - 1));
  if (out->since == NGX_ERROR || host < 0 || host > line - second - 1) return NGX_DECLINED;
  out->host.data = second + 1;
  out->host.len = (size_t)host;
  out->query.data = second + 1 + host;
  out->query.len = (size_t)(line - out->query.data);
  p = line + 1;
  static const char type[] = "Content-Type: ";
  const size_t named = sizeof type - 1;
  line = larder_find(p, end, '\n');
  if (line == NULL || (size_t)(line - p) < named || ngx_memcmp(p, type, named) != 0) return NGX_DECLINED;
  out->type.data = p + named;
  out->type.len = (size_t)(line - out->type.data);
  p = out->headers.data = line + 1;
  while (p < end && *p != '\n') {
    line = larder_find(p, end, '\n');
    if (line == NULL) return NGX_DECLINED;
    p = line + 1;
  }
  if (p == end) return NGX_DECLINED;
  out->headers.len = (size_t)(p - out->headers.data);
  out->body.data = p + 1;
  out->body.len = (size_t)(end - out->body.data);
  return NGX_OK;
}

static ngx_int_t larder_give_type(ngx_http_request_t *r, const ngx_str_t *type) {
  ngx_http_headers_out_t *out = &r->headers_out;
  out->content_type = *type;
  out->content_type_len = type->len;
  out->content_type_lowcase = NULL;
  u_char *charset = type->len == 0 ? NULL : ngx_strlcasestrn(type->data, type->data + type->len, (u_char *)"charset=", 8 - 1);
  u_char *semicolon = larder_find(type->data, type->data + type->len, ';');
  if (charset == NULL || semicolon == NULL || semicolon > charset) return NGX_OK;
  out->content_type_len = (size_t)(semicolon - type->data);
  out->charset.data = charset + 8;
  out->charset.len = (size_t)(type->data + type->len - out->charset.data);
  return NGX_OK;
}

ngx_int_t larder_stored_give(ngx_http_request_t *r, const larder_stored_t *stored) {
  ngx_http_headers_out_t *out = &r->headers_out;
  out->status = NGX_HTTP_OK;
  out->content_length_n = (off_t)stored->body.len;
  if (larder_give_type(r, &stored->type) != NGX_OK) return NGX_ERROR;
  u_char *p = stored->headers.data, *end = p + stored->headers.len;
  while (p < end) {
    u_char *line = larder_find(p, end, '\n'), *colon = larder_find(p, end, ':');
    if (line == NULL || colon == NULL || colon + 2 > line) return NGX_ERROR;
    ngx_table_elt_t *one = ngx_list_push(&out->headers);
    if (one == NULL) return NGX_ERROR;
    ngx_memzero(one, sizeof *one);
    one->hash = 1;
    one->key.data = p;
    one->key.len = (size_t)(colon - p);
    one->value.data = colon + 2;
    one->value.len = (size_t)(line - one->value.data);
    if (larder_is(p, one->key.len, "ETag")) out->etag = one;
    if (larder_is(p, one->key.len, "Last-Modified")) {
      out->last_modified = one;
      out->last_modified_time = ngx_parse_http_time(one->value.data, one->value.len);
    }
    p = line + 1;
  }
  ngx_table_elt_t *age = ngx_list_push(&out->headers);
  if (age == NULL) return NGX_ERROR;
  ngx_memzero(age, sizeof *age);
  age->value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
  if (age->value.data == NULL) return NGX_ERROR;
  time_t seconds = ngx_time() > stored->since ? ngx_time() - stored->since : 0;
  age->value.len = (size_t)(ngx_sprintf(age->value.data, "%T", seconds) - age->value.data);
  ngx_str_set(&age->key, "Age");
  age->hash = 1;
  return NGX_OK;
}

ngx_chain_t *larder_stored_body(ngx_http_request_t *r, const larder_stored_t *stored) {
  ngx_chain_t *link = ngx_alloc_chain_link(r->pool);
  ngx_buf_t *buffer = ngx_calloc_buf(r->pool);
  if (link == NULL || buffer == NULL) return NULL;
  buffer->pos = buffer->start = stored->body.data;
  buffer->last = buffer->end = stored->body.data + stored->body.len;
  buffer->memory = stored->body.len != 0;
  buffer->last_buf = buffer->last_in_chain = 1;
  link->buf = buffer;
  link->next = NULL;
  return link;
}

/* ----------------------------------------------------------------------------------- values in use */

/* Of requests that are being answered; a worker that ends in the midst of them gives them back here. */
typedef struct larder_kept_s {
  larder_ref *ref;
  ngx_queue_t in;
} larder_kept_t;
static ngx_queue_t larder_kept = {&larder_kept, &larder_kept};

static void larder_kept_end(void *data) {
  larder_kept_t *kept = data;
  if (kept->ref == NULL) return;
  ngx_queue_remove(&kept->in);
  larder_ref_release(kept->ref);
  kept->ref = NULL;
}

ngx_int_t larder_ref_keep(ngx_http_request_t *r, larder_ref *ref) {
  ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, sizeof(larder_kept_t));
  if (cleanup == NULL) {
    larder_ref_release(ref);
    return NGX_ERROR;
  }
  larder_kept_t *kept = cleanup->data;
  kept->ref = ref;
  ngx_queue_insert_tail(&larder_kept, &kept->in);
  cleanup->handler = larder_kept_end;
  return NGX_OK;
}

void larder_refs_release(void) {
  while (!ngx_queue_empty(&larder_kept)) larder_kept_end(ngx_queue_data(ngx_queue_head(&larder_kept), larder_kept_t, in));
}
