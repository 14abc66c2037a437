
/*
 * Replies: makes HTTP of what came back from the database.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_md5.h>

#include "ngx_http_boxoffice_module.h"


static ngx_int_t ngx_http_boxoffice_reply_answer(
    ngx_http_boxoffice_call_t *call, ngx_http_boxoffice_row_t *row);
static ngx_int_t ngx_http_boxoffice_reply_headers(
    ngx_http_boxoffice_call_t *call, ngx_http_boxoffice_row_t *row);
static ngx_int_t ngx_http_boxoffice_reply_retry(ngx_http_request_t *r,
    ngx_uint_t seconds);
static ngx_int_t ngx_http_boxoffice_reply_inert(
    ngx_http_boxoffice_call_t *call);
static ngx_int_t ngx_http_boxoffice_reply_digest(ngx_http_request_t *r,
    ngx_str_t *body, ngx_str_t *etag);
static ngx_int_t ngx_http_boxoffice_reply_etag(ngx_http_request_t *r,
    ngx_str_t *etag);
static void ngx_http_boxoffice_reply_finish(ngx_http_request_t *r,
    ngx_int_t rc);


static ngx_str_t  ngx_http_boxoffice_problem_json =
    ngx_string("application/problem+json");


void
ngx_http_boxoffice_reply_row(ngx_http_boxoffice_call_t *call,
    ngx_http_boxoffice_row_t *row)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    ngx_http_set_log_request(r->connection->log, r);

    rc = NGX_ERROR;

    if (!r->connection->error) {
        rc = ngx_http_boxoffice_reply_answer(call, row);
    }

    ngx_http_boxoffice_reply_finish(r, rc);
}


void
ngx_http_boxoffice_reply_problem(ngx_http_boxoffice_call_t *call,
    ngx_uint_t error, const char *detail)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    ngx_http_set_log_request(r->connection->log, r);

    rc = NGX_ERROR;

    if (!r->connection->error) {
        rc = ngx_http_boxoffice_problem_send(r, error, NULL, detail);
    }

    ngx_http_boxoffice_reply_finish(r, rc);
}


static void
ngx_http_boxoffice_reply_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_boxoffice_reply_answer(ngx_http_boxoffice_call_t *call,
    ngx_http_boxoffice_row_t *row)
{
    ngx_str_t            body, *type;
    ngx_http_request_t  *r;

    r = call->request;

    if (row->status < NGX_HTTP_OK || row->status > 599) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "boxoffice: \"%V\" answered with status %ui",
                      &call->route->operation, row->status);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* the rows do not outlive this turn, the answer may */

    body.len = row->body.len;
    body.data = ngx_pnalloc(r->pool, body.len + 1);

    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(body.data, row->body.data, body.len);

    ngx_http_boxoffice_reply_plain(call);

    if (ngx_http_boxoffice_reply_common(r, &call->request_id) != NGX_OK
        || ngx_http_boxoffice_reply_headers(call, row) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    type = (row->status >= NGX_HTTP_BAD_REQUEST)
           ? &ngx_http_boxoffice_problem_json
           : (ngx_str_t *) &call->route->type;

    return ngx_http_boxoffice_reply_send(r, row->status, type, &body);
}


static ngx_int_t
ngx_http_boxoffice_reply_headers(ngx_http_boxoffice_call_t *call,
    ngx_http_boxoffice_row_t *row)
{
    ngx_str_t                      *cache;
    ngx_http_request_t             *r;
    ngx_http_boxoffice_loc_conf_t  *blcf;

    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  true_value = ngx_string("true");
    static ngx_str_t  bearer = ngx_string("Bearer realm=\"boxoffice\"");

    r = call->request;
    blcf = ngx_http_get_module_loc_conf(r, ngx_http_boxoffice_module);

    cache = &no_store;

    if (call->route->cache
        && (row->status == NGX_HTTP_OK || row->status == NGX_HTTP_NOT_FOUND))
    {
        cache = &blcf->cache_control;
    }

    if (call->route->cache && row->status == NGX_HTTP_OK
        && row->etag.len == 0
        && ngx_http_boxoffice_reply_digest(r, &row->body, &row->etag)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_boxoffice_header(r, "Cache-Control", cache) != NGX_OK
        || ngx_http_boxoffice_reply_etag(r, &row->etag) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (row->replayed
        && ngx_http_boxoffice_header(r, "Idempotency-Replayed", &true_value)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (row->status == NGX_HTTP_UNAUTHORIZED
        && ngx_http_boxoffice_header(r, "WWW-Authenticate", &bearer)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (row->retry_after
        && ngx_http_boxoffice_reply_retry(r, row->retry_after) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_boxoffice_reply_inert(call);
}


static ngx_int_t
ngx_http_boxoffice_reply_retry(ngx_http_request_t *r, ngx_uint_t seconds)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%ui", seconds) - value.data;

    return ngx_http_boxoffice_header(r, "Retry-After", &value);
}


/* a picture that is opened by itself is a document, which may have scripts */

static ngx_int_t
ngx_http_boxoffice_reply_inert(ngx_http_boxoffice_call_t *call)
{
    const ngx_str_t  *type;

    static ngx_str_t  svg = ngx_string("image/svg+xml");
    static ngx_str_t  policy = ngx_string("default-src 'none'; sandbox");

    type = &call->route->type;

    if (type->len != svg.len || ngx_memcmp(type->data, svg.data, svg.len) != 0)
    {
        return NGX_OK;
    }

    return ngx_http_boxoffice_header(call->request, "Content-Security-Policy",
                                     &policy);
}


/*
 * An answer that has in it both a secret and what somebody else chose (a name,
 * a note) tells the secret to who sees how long it gets (BREACH): compressed,
 * it is shorter if the two are alike.  gzip is told that its look at the
 * request has been taken, and that the answer is no.
 */

void
ngx_http_boxoffice_reply_plain(ngx_http_boxoffice_call_t *call)
{
#if (NGX_HTTP_GZIP)

    if (call->route->plain) {
        call->request->gzip_tested = 1;
        call->request->gzip_ok = 0;
    }

#endif
}


/* what is cached has a tag: without one of the database, that of its bytes */

static ngx_int_t
ngx_http_boxoffice_reply_digest(ngx_http_request_t *r, ngx_str_t *body,
    ngx_str_t *etag)
{
    u_char     digest[16];
    ngx_md5_t  md5;

    etag->data = ngx_pnalloc(r->pool, sizeof(digest) * 2);
    if (etag->data == NULL) {
        return NGX_ERROR;
    }

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, body->data, body->len);
    ngx_md5_final(digest, &md5);

    etag->len = ngx_hex_dump(etag->data, digest, sizeof(digest)) - etag->data;

    return NGX_OK;
}


/* an entity tag comes with its quotes; If-None-Match is nginx's to compare */

static ngx_int_t
ngx_http_boxoffice_reply_etag(ngx_http_request_t *r, ngx_str_t *etag)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    /* If-Match was the database's to compare, before the change */

    if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_HEAD) {
        r->disable_not_modified = 1;
    }

    if (etag->len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, etag->len + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "ETag");
    h->value.data = p;

    if (etag->data[0] != '"' && etag->data[0] != 'W') {
        *p++ = '"';
        p = ngx_cpymem(p, etag->data, etag->len);
        *p++ = '"';

    } else {
        p = ngx_cpymem(p, etag->data, etag->len);
    }

    h->value.len = p - h->value.data;
    r->headers_out.etag = h;

    return NGX_OK;
}


ngx_int_t
ngx_http_boxoffice_reply_common(ngx_http_request_t *r, ngx_str_t *request_id)
{
    ngx_http_boxoffice_ctx_t  *ctx;

    static ngx_str_t  any = ngx_string("*");
    static ngx_str_t  nosniff = ngx_string("nosniff");
    static ngx_str_t  exposed = ngx_string("ETag, Retry-After, X-Request-Id, "
                                           "Idempotency-Replayed, "
                                           "Content-Disposition");

    ctx = ngx_http_boxoffice_request_ctx(r);

    if (ngx_http_boxoffice_header(r, "X-Request-Id", request_id) != NGX_OK
        || ngx_http_boxoffice_header(r, "Access-Control-Allow-Origin", &any)
           != NGX_OK
        || ngx_http_boxoffice_header(r, "X-Content-Type-Options", &nosniff)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->origin == NULL) {
        return NGX_OK;
    }

    return ngx_http_boxoffice_header(r, "Access-Control-Expose-Headers",
                                     &exposed);
}


ngx_int_t
ngx_http_boxoffice_reply_header(ngx_http_request_t *r, const char *key,
    size_t key_len, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.len = key_len;
    h->key.data = (u_char *) key;
    h->value = *value;

    return NGX_OK;
}


/* without a charset many a client takes text for Latin-1 */

void
ngx_http_boxoffice_reply_type(ngx_http_request_t *r, const ngx_str_t *type)
{
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;

    if (type->len > 5 && ngx_strncmp(type->data, "text/", 5) == 0) {
        ngx_str_set(&r->headers_out.charset, "utf-8");
    }
}


/*
 * What has no tag is compared with none: nginx would say 304 to "If-None-Match:
 * *" and 412 to any If-Match or If-Unmodified-Since.
 */

void
ngx_http_boxoffice_reply_untagged(ngx_http_request_t *r)
{
    if (r->headers_out.etag == NULL) {
        r->disable_not_modified = 1;
    }
}


ngx_int_t
ngx_http_boxoffice_reply_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = body->len;

    if (status == NGX_HTTP_NO_CONTENT) {
        r->header_only = 1;
        r->headers_out.content_length_n = -1;

    } else {
        ngx_http_boxoffice_reply_type(r, type);
    }

    ngx_http_boxoffice_reply_untagged(r);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = body->len ? 1 : 0;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
