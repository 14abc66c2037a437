
/*
 * Writes calls as the parameters of the one statement.
 *
 * Each of a batch's columns is an array: dimensions, whether it has nulls, the
 * type of its elements, their number, the first index, and for each its length
 * (-1: null) before its bytes.  All of it goes into one buffer which is sized
 * first, written once and kept for the next batch.
 */


#include "ngx_http_boxoffice_bind.h"


#define NGX_HTTP_BOXOFFICE_BIND_HEAD     20
#define NGX_HTTP_BOXOFFICE_BIND_KEEP     (1024 * 1024)

#define NGX_HTTP_BOXOFFICE_OID_BYTEA     17
#define NGX_HTTP_BOXOFFICE_OID_INT8      20
#define NGX_HTTP_BOXOFFICE_OID_INT4      23
#define NGX_HTTP_BOXOFFICE_OID_TEXT      25
#define NGX_HTTP_BOXOFFICE_OID_BYTEAS    1001
#define NGX_HTTP_BOXOFFICE_OID_TEXTS     1009
#define NGX_HTTP_BOXOFFICE_OID_INT8S     1016


typedef u_char *(*ngx_http_boxoffice_bind_pt)(u_char *p,
    ngx_http_boxoffice_call_t *call);


static size_t ngx_http_boxoffice_bind_size(ngx_queue_t *calls, ngx_uint_t n);
static ngx_int_t ngx_http_boxoffice_bind_reserve(
    ngx_http_boxoffice_bind_t *bind, size_t size, ngx_log_t *log);
static u_char *ngx_http_boxoffice_bind_array(u_char *p, ngx_queue_t *calls,
    ngx_uint_t n, uint32_t type, ngx_http_boxoffice_bind_pt element);
static u_char *ngx_http_boxoffice_bind_params(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_body(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_subject(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_role(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_organizer(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_key(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_secret(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_request_id(u_char *p,
    ngx_http_boxoffice_call_t *call);
static u_char *ngx_http_boxoffice_bind_text(u_char *p, ngx_str_t *text);
static u_char *ngx_http_boxoffice_bind_int4(u_char *p, uint32_t value);
static u_char *ngx_http_boxoffice_bind_int8(u_char *p, uint64_t value);


const char  ngx_http_boxoffice_bind_statement[] =
    "SELECT status, replayed, retry_after, etag, body"
    " FROM boxoffice_code.dispatch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
    " $11, $12)";

const char  ngx_http_boxoffice_bind_stream[] =
    "SELECT boxoffice_code.stream($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
    " $11, $12)";


const uint32_t
ngx_http_boxoffice_bind_types[NGX_HTTP_BOXOFFICE_BIND_PARAMS] = {
    NGX_HTTP_BOXOFFICE_OID_INT8,       /* event */
    NGX_HTTP_BOXOFFICE_OID_TEXT,       /* operation */
    NGX_HTTP_BOXOFFICE_OID_TEXT,       /* contract */
    NGX_HTTP_BOXOFFICE_OID_TEXTS,      /* params */
    NGX_HTTP_BOXOFFICE_OID_BYTEAS,     /* bodies */
    NGX_HTTP_BOXOFFICE_OID_TEXTS,      /* subjects */
    NGX_HTTP_BOXOFFICE_OID_TEXTS,      /* roles */
    NGX_HTTP_BOXOFFICE_OID_INT8S,      /* organizers */
    NGX_HTTP_BOXOFFICE_OID_TEXTS,      /* keys */
    NGX_HTTP_BOXOFFICE_OID_TEXTS,      /* secrets */
    NGX_HTTP_BOXOFFICE_OID_TEXTS,      /* request_ids */
    NGX_HTTP_BOXOFFICE_OID_INT4        /* deadline_ms */
};


const int
ngx_http_boxoffice_bind_formats[NGX_HTTP_BOXOFFICE_BIND_PARAMS] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
};


static const struct {
    uint32_t                     type;
    ngx_http_boxoffice_bind_pt   element;
} ngx_http_boxoffice_bind_arrays[] = {

    /* from the fourth parameter on */

    { NGX_HTTP_BOXOFFICE_OID_TEXT, ngx_http_boxoffice_bind_params },
    { NGX_HTTP_BOXOFFICE_OID_BYTEA, ngx_http_boxoffice_bind_body },
    { NGX_HTTP_BOXOFFICE_OID_TEXT, ngx_http_boxoffice_bind_subject },
    { NGX_HTTP_BOXOFFICE_OID_TEXT, ngx_http_boxoffice_bind_role },
    { NGX_HTTP_BOXOFFICE_OID_INT8, ngx_http_boxoffice_bind_organizer },
    { NGX_HTTP_BOXOFFICE_OID_TEXT, ngx_http_boxoffice_bind_key },
    { NGX_HTTP_BOXOFFICE_OID_TEXT, ngx_http_boxoffice_bind_secret },
    { NGX_HTTP_BOXOFFICE_OID_TEXT, ngx_http_boxoffice_bind_request_id }
};

#define NGX_HTTP_BOXOFFICE_BIND_ARRAYS                                        \
    (sizeof(ngx_http_boxoffice_bind_arrays)                                   \
     / sizeof(ngx_http_boxoffice_bind_arrays[0]))

#define NGX_HTTP_BOXOFFICE_BIND_FIRST                                         \
    (NGX_HTTP_BOXOFFICE_BIND_PARAMS - 1 - NGX_HTTP_BOXOFFICE_BIND_ARRAYS)


ngx_int_t
ngx_http_boxoffice_bind_calls(ngx_http_boxoffice_bind_t *bind,
    ngx_queue_t *calls, ngx_uint_t n, const ngx_http_boxoffice_route_t *route,
    int64_t event, ngx_msec_t deadline, ngx_log_t *log)
{
    u_char      *p, *from;
    size_t       size;
    ngx_uint_t   i, k;

    size = ngx_http_boxoffice_bind_size(calls, n);

    if (ngx_http_boxoffice_bind_reserve(bind, size, log) != NGX_OK) {
        return NGX_ERROR;
    }

    p = bind->start;

    bind->values[0] = (char *) p;
    bind->lengths[0] = 8;
    p = ngx_http_boxoffice_bind_int8(p, event);

    bind->values[1] = (char *) route->operation.data;
    bind->lengths[1] = route->operation.len;

    bind->values[2] = (char *) ngx_http_boxoffice_contract.data;
    bind->lengths[2] = ngx_http_boxoffice_contract.len;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_BIND_ARRAYS; i++) {
        k = NGX_HTTP_BOXOFFICE_BIND_FIRST + i;
        from = p;

        p = ngx_http_boxoffice_bind_array(p, calls, n,
                                     ngx_http_boxoffice_bind_arrays[i].type,
                                     ngx_http_boxoffice_bind_arrays[i].element);

        bind->values[k] = (char *) from;
        bind->lengths[k] = p - from;
    }

    bind->values[NGX_HTTP_BOXOFFICE_BIND_PARAMS - 1] = (char *) p;
    bind->lengths[NGX_HTTP_BOXOFFICE_BIND_PARAMS - 1] = 4;
    p = ngx_http_boxoffice_bind_int4(p, (uint32_t) deadline);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, log, 0,
                   "boxoffice bind: %ui calls, %uz bytes",
                   n, (size_t) (p - bind->start));

    return NGX_OK;
}


static size_t
ngx_http_boxoffice_bind_size(ngx_queue_t *calls, ngx_uint_t n)
{
    size_t                      size;
    ngx_queue_t                *q;
    ngx_http_boxoffice_call_t  *call;

    size = 8 + 4 + NGX_HTTP_BOXOFFICE_BIND_ARRAYS
                   * (NGX_HTTP_BOXOFFICE_BIND_HEAD + 4 * n);

    for (q = ngx_queue_head(calls);
         q != ngx_queue_sentinel(calls);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);

        size += call->params.len + call->body_len + call->actor.subject.len
                + call->actor.role.len + 8 + call->key.len
                + call->secret.len + call->request_id.len;
    }

    return size;
}


static ngx_int_t
ngx_http_boxoffice_bind_reserve(ngx_http_boxoffice_bind_t *bind, size_t size,
    ngx_log_t *log)
{
    /* one enormous batch is no reason to keep as much for ever */

    if (size <= bind->size && bind->size <= NGX_HTTP_BOXOFFICE_BIND_KEEP) {
        return NGX_OK;
    }

    if (bind->start) {
        ngx_free(bind->start);
        bind->size = 0;
    }

    bind->start = ngx_alloc(size + size / 2, log);
    if (bind->start == NULL) {
        return NGX_ERROR;
    }

    bind->size = size + size / 2;

    return NGX_OK;
}


static u_char *
ngx_http_boxoffice_bind_array(u_char *p, ngx_queue_t *calls, ngx_uint_t n,
    uint32_t type, ngx_http_boxoffice_bind_pt element)
{
    ngx_queue_t                *q;
    ngx_http_boxoffice_call_t  *call;

    p = ngx_http_boxoffice_bind_int4(p, n ? 1 : 0);    /* dimensions */
    p = ngx_http_boxoffice_bind_int4(p, n ? 1 : 0);    /* may have nulls */
    p = ngx_http_boxoffice_bind_int4(p, type);

    if (n == 0) {
        return p;
    }

    p = ngx_http_boxoffice_bind_int4(p, n);
    p = ngx_http_boxoffice_bind_int4(p, 1);            /* first index */

    for (q = ngx_queue_head(calls);
         q != ngx_queue_sentinel(calls);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);
        p = element(p, call);
    }

    return p;
}


static u_char *
ngx_http_boxoffice_bind_params(u_char *p, ngx_http_boxoffice_call_t *call)
{
    return ngx_http_boxoffice_bind_text(p, &call->params);
}


static u_char *
ngx_http_boxoffice_bind_body(u_char *p, ngx_http_boxoffice_call_t *call)
{
    ngx_chain_t  *cl;

    if (call->body == NULL) {
        return ngx_http_boxoffice_bind_int4(p, (uint32_t) -1);
    }

    p = ngx_http_boxoffice_bind_int4(p, call->body_len);

    for (cl = call->body; cl; cl = cl->next) {

        /* what marks the end of a chunked body has no bytes, and no place */

        if (cl->buf->last > cl->buf->pos) {
            p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
        }
    }

    return p;
}


static u_char *
ngx_http_boxoffice_bind_subject(u_char *p, ngx_http_boxoffice_call_t *call)
{
    return ngx_http_boxoffice_bind_text(p, &call->actor.subject);
}


static u_char *
ngx_http_boxoffice_bind_role(u_char *p, ngx_http_boxoffice_call_t *call)
{
    return ngx_http_boxoffice_bind_text(p, &call->actor.role);
}


static u_char *
ngx_http_boxoffice_bind_organizer(u_char *p, ngx_http_boxoffice_call_t *call)
{
    if (call->actor.organizer == 0) {
        return ngx_http_boxoffice_bind_int4(p, (uint32_t) -1);
    }

    p = ngx_http_boxoffice_bind_int4(p, 8);

    return ngx_http_boxoffice_bind_int8(p, call->actor.organizer);
}


static u_char *
ngx_http_boxoffice_bind_key(u_char *p, ngx_http_boxoffice_call_t *call)
{
    return ngx_http_boxoffice_bind_text(p, &call->key);
}


static u_char *
ngx_http_boxoffice_bind_secret(u_char *p, ngx_http_boxoffice_call_t *call)
{
    return ngx_http_boxoffice_bind_text(p, &call->secret);
}


static u_char *
ngx_http_boxoffice_bind_request_id(u_char *p, ngx_http_boxoffice_call_t *call)
{
    return ngx_http_boxoffice_bind_text(p, &call->request_id);
}


/* a text without data is null */

static u_char *
ngx_http_boxoffice_bind_text(u_char *p, ngx_str_t *text)
{
    if (text->data == NULL) {
        return ngx_http_boxoffice_bind_int4(p, (uint32_t) -1);
    }

    p = ngx_http_boxoffice_bind_int4(p, text->len);

    return ngx_cpymem(p, text->data, text->len);
}


static u_char *
ngx_http_boxoffice_bind_int4(u_char *p, uint32_t value)
{
    value = htonl(value);

    return ngx_cpymem(p, &value, 4);
}


static u_char *
ngx_http_boxoffice_bind_int8(u_char *p, uint64_t value)
{
    p = ngx_http_boxoffice_bind_int4(p, (uint32_t) (value >> 32));

    return ngx_http_boxoffice_bind_int4(p, (uint32_t) value);
}
