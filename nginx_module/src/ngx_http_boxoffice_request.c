
/*
 * Requests: reads HTTP and makes a call of it, or refuses.
 *
 * In this order, as the list of errors has it: route and method, what the query
 * and headers are by themselves, who asks, the body.
 */


#include "ngx_http_boxoffice_accept.h"
#include "ngx_http_boxoffice_lane.h"
#include "ngx_http_boxoffice_metrics.h"
#include "ngx_http_boxoffice_pool.h"
#include "ngx_http_boxoffice_query.h"
#include "ngx_http_boxoffice_stream.h"
#include "ngx_http_boxoffice_text.h"
#include "ngx_http_boxoffice_token.h"


#define NGX_HTTP_BOXOFFICE_KEY_MAX         200
#define NGX_HTTP_BOXOFFICE_SECRET_MAX      200
#define NGX_HTTP_BOXOFFICE_REQUEST_ID_MAX  64

/* what nginx's cache has room for as a key, with proxy_buffer_size as it is */
#define NGX_HTTP_BOXOFFICE_CACHED_MAX      3500


static ngx_int_t ngx_http_boxoffice_request_route(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_http_boxoffice_main_conf_t *bmcf);
static ngx_int_t ngx_http_boxoffice_request_path(ngx_http_request_t *r,
    ngx_str_t *path);
static ngx_int_t ngx_http_boxoffice_request_form(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_http_boxoffice_main_conf_t *bmcf,
    ngx_str_t *path);
static ngx_int_t ngx_http_boxoffice_request_file_route(ngx_http_request_t *r,
    ngx_http_boxoffice_main_conf_t *bmcf, ngx_str_t *path, ngx_str_t *suffix,
    ngx_http_boxoffice_match_t *match);
static void ngx_http_boxoffice_request_headers(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_table_elt_t **ngx_http_boxoffice_request_place(
    ngx_http_boxoffice_ctx_t *ctx, ngx_table_elt_t *h);
static void ngx_http_boxoffice_request_join(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *value);
static ngx_int_t ngx_http_boxoffice_request_identify(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_int_t ngx_http_boxoffice_request_options(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_params(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_has_body(ngx_http_request_t *r);
static ngx_uint_t ngx_http_boxoffice_request_is_cached(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_int_t ngx_http_boxoffice_request_cached(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_caller(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_actor(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_token(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_secret(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_key(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_media(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_int_t ngx_http_boxoffice_request_read(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static void ngx_http_boxoffice_request_body_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_boxoffice_request_body(ngx_http_request_t *r,
    ngx_http_boxoffice_call_t *call);
static ngx_int_t ngx_http_boxoffice_request_file(ngx_http_request_t *r,
    ngx_chain_t *cl);
static ngx_uint_t ngx_http_boxoffice_request_uncalled(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_blank(
    ngx_http_boxoffice_call_t *call);
static ngx_uint_t ngx_http_boxoffice_request_queue(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);
static ngx_uint_t ngx_http_boxoffice_request_add(
    ngx_http_boxoffice_ctx_t *ctx);
static void ngx_http_boxoffice_request_reading(ngx_http_request_t *r);
static void ngx_http_boxoffice_request_cleanup(void *data);


static ngx_str_t  ngx_http_boxoffice_public = ngx_string("public");


/* the headers that concern us, and where the context has them */

static const struct {
    ngx_str_t    name;
    size_t       offset;
} ngx_http_boxoffice_request_fields[] = {

    { ngx_string("authorization"),
      offsetof(ngx_http_boxoffice_ctx_t, authorization) },

    { ngx_string("idempotency-key"),
      offsetof(ngx_http_boxoffice_ctx_t, idempotency_key) },

    { ngx_string("boxoffice-secret"),
      offsetof(ngx_http_boxoffice_ctx_t, secret) },

    { ngx_string("accept"),
      offsetof(ngx_http_boxoffice_ctx_t, accept) },

    { ngx_string("x-request-id"),
      offsetof(ngx_http_boxoffice_ctx_t, request_id) },

    { ngx_string("origin"),
      offsetof(ngx_http_boxoffice_ctx_t, origin) },

    { ngx_string("content-encoding"),
      offsetof(ngx_http_boxoffice_ctx_t, encoding) },

    { ngx_string("access-control-request-method"),
      offsetof(ngx_http_boxoffice_ctx_t, preflight) },

    { ngx_null_string, 0 }
};


ngx_int_t
ngx_http_boxoffice_request_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_uint_t                       error;
    ngx_http_boxoffice_ctx_t        *ctx;
    ngx_http_boxoffice_loc_conf_t   *blcf;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    ctx = ngx_http_boxoffice_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    bmcf = ngx_http_get_module_main_conf(r, ngx_http_boxoffice_module);
    blcf = ngx_http_get_module_loc_conf(r, ngx_http_boxoffice_module);

    rc = ngx_http_boxoffice_request_route(r, ctx, bmcf);

    if (rc != NGX_OK
        || (blcf->place == NGX_HTTP_BOXOFFICE_ORIGIN
            && (ctx->match.route == NULL || !ctx->match.route->cache)))
    {
        return ngx_http_boxoffice_refuse(r, NGX_HTTP_BOXOFFICE_E_NOT_FOUND);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_http_boxoffice_request_options(r, ctx);
    }

    if (ctx->match.route == NULL) {
        return ngx_http_boxoffice_refuse(r,
                                    NGX_HTTP_BOXOFFICE_E_METHOD_NOT_ALLOWED);
    }

    ctx->call.request = r;
    ctx->call.route = ctx->match.route;
    ctx->call.actor.role = ngx_http_boxoffice_public;

    error = ngx_http_boxoffice_request_params(r, ctx);

    if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
        return ngx_http_boxoffice_problem_send(r, error, ctx->culprit,
                                               ctx->detail);
    }

    if (ngx_http_boxoffice_request_is_cached(r, ctx)
        && !ngx_http_boxoffice_request_has_body(r))
    {
        return ngx_http_boxoffice_request_cached(r, ctx);
    }

    error = ngx_http_boxoffice_request_caller(r, ctx);

    if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
        return ngx_http_boxoffice_problem_send(r, error, ctx->culprit,
                                               ctx->detail);
    }

    if (ctx->unacceptable) {
        return ngx_http_boxoffice_refuse(r,
                                         NGX_HTTP_BOXOFFICE_E_NOT_ACCEPTABLE);
    }

    return ngx_http_boxoffice_request_read(r, ctx);
}


static ngx_int_t
ngx_http_boxoffice_request_route(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_http_boxoffice_main_conf_t *bmcf)
{
    ngx_int_t  rc;
    ngx_str_t  path;

    rc = ngx_http_boxoffice_request_path(r, &path);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_boxoffice_route_find(bmcf->routes, &path, r->method,
                                       &ctx->match);

    if (ctx->accept
        && (ctx->accept->value.len != 3
            || ngx_strncmp(ctx->accept->value.data, "*/*", 3) != 0)
        && ngx_http_boxoffice_request_form(r, ctx, bmcf, &path) == NGX_OK)
    {
        rc = NGX_OK;
    }

    if (rc == NGX_OK && path.data != r->uri.data) {
        ngx_http_boxoffice_route_unmark(&ctx->match);
    }

    return rc;
}


/*
 * The path as nginx has decoded it; if there are encoded slashes in it, which
 * nginx has made borders of segments, a copy where they are marked.
 */

static ngx_int_t
ngx_http_boxoffice_request_path(ngx_http_request_t *r, ngx_str_t *path)
{
    u_char  *p, *last;

    *path = r->uri;

    if (!r->quoted_uri) {
        return NGX_OK;
    }

    last = r->unparsed_uri.data + r->unparsed_uri.len;

    for (p = r->unparsed_uri.data; p < last && *p != '?'; p++) {

        if (*p == '%' && last - p > 2 && p[1] == '2'
            && (p[2] == 'F' || p[2] == 'f'))
        {
            path->data = ngx_pnalloc(r->pool, r->unparsed_uri.len);
            if (path->data == NULL) {
                return NGX_ERROR;
            }

            return ngx_http_boxoffice_route_mark(path, &r->uri,
                                                 &r->unparsed_uri);
        }
    }

    return NGX_OK;
}


/*
 * What the client accepts: the path's own form, or a file beside it (orders,
 * orders.csv).  NGX_OK if it is one of these; a path that has no form of its
 * own is nothing to who does not name the file's.
 */

static ngx_int_t
ngx_http_boxoffice_request_form(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_http_boxoffice_main_conf_t *bmcf,
    ngx_str_t *path)
{
    ngx_int_t                         rc;
    ngx_str_t                        *accept;
    ngx_uint_t                        i;
    ngx_http_boxoffice_match_t        match;
    ngx_http_boxoffice_accept_t       best, found;
    const ngx_http_boxoffice_route_t *route;

    static ngx_str_t  suffixes[] = {
        ngx_string(".csv"),
        ngx_string(".jsonl")
    };

    accept = &ctx->accept->value;
    route = ctx->match.route;
    rc = NGX_DECLINED;

    ngx_memzero(&best, sizeof(ngx_http_boxoffice_accept_t));
    best.precision = 2;

    if (route) {
        if (route->type.len == 0) {
            return NGX_OK;
        }

        ngx_http_boxoffice_accept_find(accept, &route->type, &best);
        rc = NGX_OK;
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {

        for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {

            if (ngx_http_boxoffice_request_file_route(r, bmcf, path,
                                                      &suffixes[i], &match)
                != NGX_OK)
            {
                continue;
            }

            ngx_http_boxoffice_accept_find(accept, &match.route->type,
                                           &found);

            if (found.quality
                && (route || found.precision > best.precision)
                && ngx_http_boxoffice_accept_better(&found, &best))
            {
                ctx->match = match;
                best = found;
                rc = NGX_OK;
            }
        }
    }

    ctx->unacceptable = (rc == NGX_OK && best.quality == 0);

    return rc;
}


/* NGX_OK if there is a file of that kind beside the path */

static ngx_int_t
ngx_http_boxoffice_request_file_route(ngx_http_request_t *r,
    ngx_http_boxoffice_main_conf_t *bmcf, ngx_str_t *path, ngx_str_t *suffix,
    ngx_http_boxoffice_match_t *match)
{
    u_char     *p;
    ngx_str_t   file;

    file.len = path->len + suffix->len;
    file.data = ngx_pnalloc(r->pool, file.len);

    if (file.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(file.data, path->data, path->len);
    ngx_memcpy(p, suffix->data, suffix->len);

    if (ngx_http_boxoffice_route_find(bmcf->routes, &file, r->method, match)
        != NGX_OK
        || match->route == NULL || !match->route->stream)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* who asks, and what else is said in headers */

static ngx_uint_t
ngx_http_boxoffice_request_caller(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_uint_t  error;

    if (ctx->call.route->cache) {

        /* everybody gets the same bytes: the token is not looked at */

        return NGX_HTTP_BOXOFFICE_E_NONE;
    }

    error = ngx_http_boxoffice_request_secret(r, ctx);

    if (error == NGX_HTTP_BOXOFFICE_E_NONE) {
        error = ngx_http_boxoffice_request_actor(r, ctx);
    }

    if (error == NGX_HTTP_BOXOFFICE_E_NONE) {
        error = ngx_http_boxoffice_request_key(r, ctx);
    }

    return error;
}


ngx_http_boxoffice_ctx_t *
ngx_http_boxoffice_request_ctx(ngx_http_request_t *r)
{
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_boxoffice_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ctx->start = ngx_current_msec;

    ngx_http_boxoffice_request_headers(r, ctx);

    if (ngx_http_boxoffice_request_identify(r, ctx) != NGX_OK) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_boxoffice_module);

    return ctx;
}


/* finds the headers that concern us, in one pass over all */

static void
ngx_http_boxoffice_request_headers(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_uint_t         i;
    ngx_list_part_t   *part;
    ngx_table_elt_t   *h, **place;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            place = ngx_http_boxoffice_request_place(ctx, &h[i]);

            if (place == NULL) {
                continue;
            }

            if (*place && place == &ctx->accept) {
                ngx_http_boxoffice_request_join(r, ctx, &h[i].value);
                continue;
            }

            if (*place) {
                ctx->ambiguous = 1;
            }

            *place = &h[i];
        }
    }
}


/* where the context has a header, or NULL if it is none of ours */

static ngx_table_elt_t **
ngx_http_boxoffice_request_place(ngx_http_boxoffice_ctx_t *ctx,
    ngx_table_elt_t *h)
{
    size_t            offset;
    ngx_uint_t        i;
    const ngx_str_t  *name;

    for (i = 0; ngx_http_boxoffice_request_fields[i].name.len; i++) {
        name = &ngx_http_boxoffice_request_fields[i].name;
        offset = ngx_http_boxoffice_request_fields[i].offset;

        if (h->key.len == name->len
            && ngx_memcmp(h->lowcase_key, name->data, name->len) == 0)
        {
            return (ngx_table_elt_t **) ((u_char *) ctx + offset);
        }
    }

    return NULL;
}


/* a list may come in several headers; without memory the first has to do */

static void
ngx_http_boxoffice_request_join(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *value)
{
    u_char           *p;
    size_t            len;
    ngx_table_elt_t  *joined;

    len = ctx->accept->value.len + 1 + value->len;

    joined = ngx_pcalloc(r->pool, sizeof(ngx_table_elt_t));
    p = ngx_pnalloc(r->pool, len);

    if (joined == NULL || p == NULL) {
        return;
    }

    joined->value.data = p;
    joined->value.len = len;

    p = ngx_cpymem(p, ctx->accept->value.data, ctx->accept->value.len);
    *p++ = ',';
    ngx_memcpy(p, value->data, value->len);

    ctx->accept = joined;
}


/*
 * A client may name its request, in what is safe to log and to quote.  Else the
 * name is 128 bits: where it came from, and a counter.
 */

static ngx_int_t
ngx_http_boxoffice_request_identify(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    u_char     *p, *last;
    ngx_str_t  *id;

    static uint64_t    counter;
    static ngx_pid_t   pid;
    static uint64_t    seed;

    id = &ctx->call.request_id;

    if (ctx->request_id
        && ngx_http_boxoffice_text_word(ctx->request_id->value.data,
                                        ctx->request_id->value.len)
        && ctx->request_id->value.len <= NGX_HTTP_BOXOFFICE_REQUEST_ID_MAX)
    {
        *id = ctx->request_id->value;
        return NGX_OK;
    }

    if (pid != ngx_pid) {
        pid = ngx_pid;
        seed = (uint64_t) ngx_random() << 32 ^ (uint64_t) ngx_random()
               ^ (uint64_t) ngx_time() << 20 ^ (uint64_t) ngx_pid;
    }

    id->len = 32;
    id->data = ngx_pnalloc(r->pool, id->len);
    if (id->data == NULL) {
        return NGX_ERROR;
    }

    p = id->data;
    last = p + id->len;
    p = ngx_slprintf(p, last, "%016xL", seed);
    (void) ngx_slprintf(p, last, "%016xL", ++counter);

    return NGX_OK;
}


static ngx_int_t
ngx_http_boxoffice_request_options(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_str_t   none, *allow;
    ngx_int_t   rc;

    static ngx_str_t  headers = ngx_string("Authorization, Boxoffice-Secret, "
                                           "Content-Type, Idempotency-Key, "
                                           "If-Match, If-None-Match, "
                                           "X-Request-Id");
    static ngx_str_t  day = ngx_string("86400");

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_null(&none);
    allow = (ngx_str_t *) &ctx->match.resource->allow;

    if (ngx_http_boxoffice_reply_common(r, &ctx->call.request_id) != NGX_OK
        || ngx_http_boxoffice_header(r, "Allow", allow) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->preflight
        && (ngx_http_boxoffice_header(r, "Access-Control-Allow-Methods",
                                      allow)
            != NGX_OK
            || ngx_http_boxoffice_header(r, "Access-Control-Allow-Headers",
                                         &headers)
               != NGX_OK
            || ngx_http_boxoffice_header(r, "Access-Control-Max-Age", &day)
               != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_boxoffice_reply_send(r, NGX_HTTP_NO_CONTENT, NULL, &none);
}


static ngx_uint_t
ngx_http_boxoffice_request_params(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_int_t                   event;
    ngx_uint_t                  error;
    ngx_http_boxoffice_call_t  *call;

    call = &ctx->call;

    if (ctx->ambiguous) {
        ctx->detail = "A header is given more than once.";
        return NGX_HTTP_BOXOFFICE_E_BAD_REQUEST;
    }

    error = ngx_http_boxoffice_query_params(r, ctx);

    if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
        return error;
    }

    if (call->route->cache
        && call->params.len > NGX_HTTP_BOXOFFICE_CACHED_MAX)
    {
        ctx->detail = "The address is too long.";
        return NGX_HTTP_BOXOFFICE_E_BAD_REQUEST;
    }

    event = ctx->match.path->event;

    if (event != NGX_ERROR) {
        call->event = ngx_http_boxoffice_text_id(
                                                 ctx->match.values[event].data,
                                                 ctx->match.values[event].len);
    }

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


/*
 * Whether something follows the headers.  Over HTTP/2, nginx says chunked of a
 * body without a length.  A subrequest has none, whatever its headers say.
 */

static ngx_uint_t
ngx_http_boxoffice_request_has_body(ngx_http_request_t *r)
{
    return r == r->main
           && (r->headers_in.content_length_n > 0 || r->headers_in.chunked);
}


static ngx_uint_t
ngx_http_boxoffice_request_is_cached(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_http_boxoffice_loc_conf_t  *blcf;

    blcf = ngx_http_get_module_loc_conf(r, ngx_http_boxoffice_module);

    return ctx->call.route->cache && blcf->cached
           && blcf->place == NGX_HTTP_BOXOFFICE_API && !ctx->unacceptable;
}


/* the answer comes from nginx's cache: what proxy_pass left is asked */

static ngx_int_t
ngx_http_boxoffice_request_cached(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_http_boxoffice_loc_conf_t  *blcf;

    blcf = ngx_http_get_module_loc_conf(r, ngx_http_boxoffice_module);

    /*
     * These are not for a cache (RFC 9111, section 4.3.2); nginx's filter would
     * break off the answer that the cache is being filled with.
     */

    r->headers_in.if_match = NULL;
    r->headers_in.if_unmodified_since = NULL;

    if (ngx_http_boxoffice_reply_common(r, &ctx->call.request_id) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return blcf->cached(r);
}


static ngx_uint_t
ngx_http_boxoffice_request_secret(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_str_t  *value;

    static ngx_str_t  name = ngx_string("Boxoffice-Secret");

    if (ctx->secret == NULL) {
        return NGX_HTTP_BOXOFFICE_E_NONE;
    }

    value = &ctx->secret->value;

    if (value->len > NGX_HTTP_BOXOFFICE_SECRET_MAX
        || !ngx_http_boxoffice_text_printable(value->data, value->len))
    {
        ctx->culprit = &name;
        ctx->detail = "It is 1 to 200 printable ASCII characters.";
        return NGX_HTTP_BOXOFFICE_E_INVALID_REQUEST;
    }

    ctx->call.secret = *value;

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


static ngx_uint_t
ngx_http_boxoffice_request_actor(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    if (ctx->authorization == NULL) {

        return (ctx->call.route->roles & NGX_HTTP_BOXOFFICE_ROLE_PUBLIC)
               ? NGX_HTTP_BOXOFFICE_E_NONE
               : NGX_HTTP_BOXOFFICE_E_TOKEN_MISSING;
    }

    return ngx_http_boxoffice_request_token(r, ctx);
}


/* "Bearer" and the token (RFC 6750, section 2.1) */

static ngx_uint_t
ngx_http_boxoffice_request_token(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_str_t  token;

    token = ctx->authorization->value;

    if (token.len < sizeof("Bearer ") - 1
        || ngx_strncasecmp(token.data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           != 0)
    {
        return NGX_HTTP_BOXOFFICE_E_TOKEN_INVALID;
    }

    token.data += sizeof("Bearer ") - 1;
    token.len -= sizeof("Bearer ") - 1;

    while (token.len && token.data[0] == ' ') {
        token.data++;
        token.len--;
    }

    return ngx_http_boxoffice_token_check(r, &token, &ctx->call.actor);
}


ngx_uint_t
ngx_http_boxoffice_request_administrator(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_uint_t  error;

    if (ctx->authorization == NULL) {
        return NGX_HTTP_BOXOFFICE_E_TOKEN_MISSING;
    }

    error = ngx_http_boxoffice_request_token(r, ctx);

    if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
        return error;
    }

    return ngx_strcmp(ctx->call.actor.role.data, "admin") == 0
           ? NGX_HTTP_BOXOFFICE_E_NONE
           : NGX_HTTP_BOXOFFICE_E_FORBIDDEN;
}


static ngx_uint_t
ngx_http_boxoffice_request_key(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_str_t                   *value;
    const char                  *detail;
    ngx_http_boxoffice_call_t   *call;

    static ngx_str_t  name = ngx_string("Idempotency-Key");

    call = &ctx->call;
    detail = NULL;

    if (call->route->idempotency == NGX_HTTP_BOXOFFICE_IDEMPOTENCY_NONE) {
        return NGX_HTTP_BOXOFFICE_E_NONE;
    }

    if (ctx->idempotency_key) {
        value = &ctx->idempotency_key->value;
        call->key = *value;

        if (value->len > NGX_HTTP_BOXOFFICE_KEY_MAX
            || !ngx_http_boxoffice_text_printable(value->data, value->len))
        {
            detail = "It is 1 to 200 printable ASCII characters.";

        } else if (call->actor.subject.data == NULL
                   && !ngx_http_boxoffice_text_uuid(value->data, value->len))
        {
            detail = "Without a token it must be a UUID.";
        }

    } else if (call->route->idempotency
               == NGX_HTTP_BOXOFFICE_IDEMPOTENCY_REQUIRED)
    {
        detail = "This operation needs one.";
    }

    if (detail == NULL) {
        return NGX_HTTP_BOXOFFICE_E_NONE;
    }

    ctx->culprit = &name;
    ctx->detail = detail;

    return NGX_HTTP_BOXOFFICE_E_IDEMPOTENCY_KEY;
}


/* application/json, or what a PATCH is called by RFC 7396; no encoding */

static ngx_uint_t
ngx_http_boxoffice_request_media(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    u_char     *end, *last;
    size_t      len;
    ngx_str_t  *type;

    if (!ngx_http_boxoffice_request_has_body(r)) {
        return NGX_HTTP_BOXOFFICE_E_NONE;
    }

    if (ctx->encoding || r->headers_in.content_type == NULL) {
        return NGX_HTTP_BOXOFFICE_E_UNSUPPORTED_MEDIA;
    }

    type = &r->headers_in.content_type->value;
    last = type->data + type->len;
    end = ngx_strlchr(type->data, last, ';');

    len = (end ? end : last) - type->data;

    while (len && type->data[len - 1] == ' ') {
        len--;
    }

    if (len == sizeof("application/json") - 1
        && ngx_strncasecmp(type->data, (u_char *) "application/json", len)
           == 0)
    {
        return NGX_HTTP_BOXOFFICE_E_NONE;
    }

    if (r->method == NGX_HTTP_PATCH
        && len == sizeof("application/merge-patch+json") - 1
        && ngx_strncasecmp(type->data,
                           (u_char *) "application/merge-patch+json", len)
           == 0)
    {
        return NGX_HTTP_BOXOFFICE_E_NONE;
    }

    return NGX_HTTP_BOXOFFICE_E_UNSUPPORTED_MEDIA;
}


static ngx_int_t
ngx_http_boxoffice_request_read(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_uint_t                       error;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    if (!ctx->call.route->body && !ngx_http_boxoffice_request_has_body(r)) {

        rc = ngx_http_discard_request_body(r);

        if (rc != NGX_OK) {
            return rc;
        }

        error = ngx_http_boxoffice_request_queue(r, ctx);

        if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
            return ngx_http_boxoffice_refuse(r, error);
        }

        r->main->count++;

        return NGX_DONE;
    }

    error = ctx->call.route->body ? ngx_http_boxoffice_request_media(r, ctx)
                                  : NGX_HTTP_BOXOFFICE_E_NONE;

    if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
        return ngx_http_boxoffice_refuse(r, error);
    }

    bmcf = ngx_http_get_module_main_conf(r, ngx_http_boxoffice_module);

    if (ctx->call.route->lane
        && r->headers_in.content_length_n > (off_t) bmcf->lane_body_max)
    {
        return ngx_http_boxoffice_refuse(r,
                                        NGX_HTTP_BOXOFFICE_E_BODY_TOO_LARGE);
    }

    rc = ngx_http_read_client_request_body(r,
                                     ngx_http_boxoffice_request_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_boxoffice_request_body_handler(ngx_http_request_t *r)
{
    ngx_uint_t                 error;
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    error = ngx_http_boxoffice_request_body(r, &ctx->call);

    if (error == NGX_HTTP_BOXOFFICE_E_NONE && !ctx->call.route->body) {
        error = ngx_http_boxoffice_request_uncalled(r, ctx);

        if (error == NGX_HTTP_BOXOFFICE_E_NONE && ctx->call.body == NULL
            && ngx_http_boxoffice_request_is_cached(r, ctx))
        {
            ngx_http_finalize_request(r,
                                  ngx_http_boxoffice_request_cached(r, ctx));
            return;
        }
    }

    if (error == NGX_HTTP_BOXOFFICE_E_NONE) {
        error = ngx_http_boxoffice_request_queue(r, ctx);
    }

    if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
        ngx_http_finalize_request(r, ngx_http_boxoffice_refuse(r, error));
    }
}


/* gives the call the body, all of it in memory */

static ngx_uint_t
ngx_http_boxoffice_request_body(ngx_http_request_t *r,
    ngx_http_boxoffice_call_t *call)
{
    ngx_chain_t                     *cl;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    bmcf = ngx_http_get_module_main_conf(r, ngx_http_boxoffice_module);

    call->body = NULL;
    call->body_len = 0;

    /* a subrequest may have none, whatever its headers say */

    cl = r->request_body ? r->request_body->bufs : NULL;

    for ( /* void */ ; cl; cl = cl->next) {

        call->body_len += ngx_buf_size(cl->buf);

        if (call->route->lane && call->body_len > bmcf->lane_body_max) {
            return NGX_HTTP_BOXOFFICE_E_BODY_TOO_LARGE;
        }

        if (cl->buf->in_file
            && ngx_http_boxoffice_request_file(r, cl) != NGX_OK)
        {
            return NGX_HTTP_BOXOFFICE_E_INTERNAL;
        }
    }

    if (call->body_len) {
        call->body = r->request_body->bufs;
    }

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


/* a body that nginx has put into a file, as it was larger than its buffer */

static ngx_int_t
ngx_http_boxoffice_request_file(ngx_http_request_t *r, ngx_chain_t *cl)
{
    size_t      size;
    ssize_t     n;
    ngx_buf_t  *b;

    size = (size_t) ngx_buf_size(cl->buf);

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NGX_ERROR;
    }

    n = ngx_read_file(cl->buf->file, b->pos, size, cl->buf->file_pos);

    if (n != (ssize_t) size) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "boxoffice: read only %z of %uz bytes of a body",
                      n, size);
        return NGX_ERROR;
    }

    b->last += n;
    cl->buf = b;

    return NGX_OK;
}


/*
 * A body where the contract has none.  One that says nothing is as good as
 * none; any other goes to the database, which refuses what is in it by name.
 */

static ngx_uint_t
ngx_http_boxoffice_request_uncalled(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    if (!ngx_http_boxoffice_request_blank(&ctx->call)) {
        return ngx_http_boxoffice_request_media(r, ctx);
    }

    ctx->call.body = NULL;
    ctx->call.body_len = 0;

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


/* whether a body is blanks and at most an empty object */

static ngx_uint_t
ngx_http_boxoffice_request_blank(ngx_http_boxoffice_call_t *call)
{
    u_char       *p;
    ngx_uint_t    braces;
    ngx_chain_t  *cl;

    braces = 0;

    for (cl = call->body; cl; cl = cl->next) {

        for (p = cl->buf->pos; p < cl->buf->last; p++) {

            switch (*p) {

            case ' ':
            case '\t':
            case '\n':
            case '\r':
                break;

            case '{':
            case '}':
                if (braces++ != (*p == '}')) {
                    return 0;
                }
                break;

            default:
                return 0;
            }
        }
    }

    return braces != 1;
}


/*
 * The time that a call has begins here: how long a client takes to send its
 * body is no one else's business, who may share a batch with it.
 */

static ngx_uint_t
ngx_http_boxoffice_request_queue(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_uint_t           error;
    ngx_pool_cleanup_t  *cln;

    /*
     * The pool's: those of the request run as soon as a client leaves, also
     * while the call is on its way, and it may be sent back to the queue.
     */

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_BOXOFFICE_E_INTERNAL;
    }

    ctx->call.deadline = ngx_current_msec + ctx->call.route->deadline;

    error = ngx_http_boxoffice_request_add(ctx);

    if (error != NGX_HTTP_BOXOFFICE_E_NONE || ctx->call.route->stream) {
        return error;
    }

    cln->handler = ngx_http_boxoffice_request_cleanup;
    cln->data = &ctx->call;

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_boxoffice_request_reading;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


static ngx_uint_t
ngx_http_boxoffice_request_add(ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ctx->call.route->stream
         ? ngx_http_boxoffice_stream_start(&ctx->call)
         : ngx_http_boxoffice_lane_add(&ctx->call);

    if (rc == NGX_BUSY) {
        ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_QUEUE_FULL);
        return NGX_HTTP_BOXOFFICE_E_QUEUE_FULL;
    }

    if (rc != NGX_OK) {
        return ngx_http_boxoffice_pool_is_foreign()
               ? NGX_HTTP_BOXOFFICE_E_CONTRACT_MISMATCH
               : NGX_HTTP_BOXOFFICE_E_UNAVAILABLE;
    }

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


/*
 * The client has sent more, or has left.  Who left the queue is let go; what
 * has been sent will be done, and answered in case only half was closed.
 */

static void
ngx_http_boxoffice_request_reading(ngx_http_request_t *r)
{
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    if (ctx == NULL || ctx->call.lane == NULL || ctx->call.sent) {
        ngx_http_block_reading(r);
        return;
    }

    ngx_http_test_reading(r);
}


static void
ngx_http_boxoffice_request_cleanup(void *data)
{
    (void) ngx_http_boxoffice_lane_cancel(data);
}
