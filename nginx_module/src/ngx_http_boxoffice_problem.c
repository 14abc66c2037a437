
/*
 * Problem documents (RFC 9457) for what nginx itself refuses.
 */


#include "ngx_http_boxoffice_module.h"
#include "ngx_http_boxoffice_text.h"


#define NGX_HTTP_BOXOFFICE_HEADERS_TOO_LARGE  431    /* RFC 6585 */


static ngx_int_t ngx_http_boxoffice_problem_body(ngx_http_request_t *r,
    const ngx_http_boxoffice_error_t *error, ngx_str_t *request_id,
    ngx_str_t *parameter, const char *detail, ngx_str_t *body);
static ngx_int_t ngx_http_boxoffice_problem_headers(ngx_http_request_t *r,
    ngx_uint_t error);
static ngx_int_t ngx_http_boxoffice_problem_anew(ngx_http_request_t *r);
static ngx_uint_t ngx_http_boxoffice_problem_of_status(ngx_uint_t status);


#define NGX_HTTP_BOXOFFICE_ERROR_ROW(id, sqlstate, name, status, retry,       \
    title)                                                                    \
    { ngx_string(sqlstate), ngx_string(name), status, ngx_string(retry),      \
      ngx_string(title) },

static const ngx_http_boxoffice_error_t  ngx_http_boxoffice_errors[] = {
    NGX_HTTP_BOXOFFICE_ERRORS(NGX_HTTP_BOXOFFICE_ERROR_ROW)
    { ngx_null_string, ngx_null_string, 0, ngx_null_string, ngx_null_string }
};

#undef NGX_HTTP_BOXOFFICE_ERROR_ROW


static ngx_str_t  ngx_http_boxoffice_problem_type =
    ngx_string("application/problem+json");


/* what nginx's own refusals are in our list; see also problem_of_status() */

static const struct {
    ngx_uint_t   status;
    ngx_uint_t   error;
} ngx_http_boxoffice_problem_statuses[] = {

    { NGX_HTTP_UNAUTHORIZED, NGX_HTTP_BOXOFFICE_E_TOKEN_MISSING },
    { NGX_HTTP_FORBIDDEN, NGX_HTTP_BOXOFFICE_E_FORBIDDEN },
    { NGX_HTTP_NOT_FOUND, NGX_HTTP_BOXOFFICE_E_NOT_FOUND },
    { NGX_HTTP_NOT_ALLOWED, NGX_HTTP_BOXOFFICE_E_METHOD_NOT_ALLOWED },
    { NGX_HTTP_PRECONDITION_FAILED,
      NGX_HTTP_BOXOFFICE_E_PRECONDITION_FAILED },
    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
      NGX_HTTP_BOXOFFICE_E_BODY_TOO_LARGE },
    { NGX_HTTP_REQUEST_URI_TOO_LARGE,
      NGX_HTTP_BOXOFFICE_E_HEADERS_TOO_LARGE },
    { NGX_HTTP_REQUEST_HEADER_TOO_LARGE,
      NGX_HTTP_BOXOFFICE_E_HEADERS_TOO_LARGE },
    { NGX_HTTP_TOO_MANY_REQUESTS, NGX_HTTP_BOXOFFICE_E_THROTTLED },
    { NGX_HTTP_BOXOFFICE_HEADERS_TOO_LARGE,
      NGX_HTTP_BOXOFFICE_E_HEADERS_TOO_LARGE },
    { NGX_HTTP_NOT_IMPLEMENTED, NGX_HTTP_BOXOFFICE_E_BAD_REQUEST },
    { NGX_HTTP_BAD_GATEWAY, NGX_HTTP_BOXOFFICE_E_UNAVAILABLE },
    { NGX_HTTP_SERVICE_UNAVAILABLE, NGX_HTTP_BOXOFFICE_E_UNAVAILABLE },
    { NGX_HTTP_GATEWAY_TIME_OUT, NGX_HTTP_BOXOFFICE_E_DEADLINE },
    { NGX_HTTP_VERSION_NOT_SUPPORTED, NGX_HTTP_BOXOFFICE_E_BAD_REQUEST },
    { 0, NGX_HTTP_BOXOFFICE_E_NONE }
};


ngx_int_t
ngx_http_boxoffice_problem_send(ngx_http_request_t *r, ngx_uint_t error,
    ngx_str_t *parameter, const char *detail)
{
    ngx_str_t                          body;
    ngx_uint_t                         level;
    ngx_http_boxoffice_ctx_t          *ctx;
    const ngx_http_boxoffice_error_t  *e;

    ctx = ngx_http_boxoffice_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    e = ngx_http_boxoffice_problem_get(error);

    /* a body that nobody has read would be taken for the next request */

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }

    if (e->status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {

        /* what an overload brings by the thousands is counted, not told */

        level = (e->status == NGX_HTTP_INTERNAL_SERVER_ERROR) ? NGX_LOG_ERR
                                                              : NGX_LOG_INFO;

        ngx_log_error(level, r->connection->log, 0,
                      "boxoffice: answered \"%V\", request id \"%V\"",
                      &e->name, &ctx->call.request_id);
    }

    if (ngx_http_boxoffice_problem_body(r, e, &ctx->call.request_id, parameter,
                                        detail, &body)
        != NGX_OK
        || ngx_http_boxoffice_reply_common(r, &ctx->call.request_id) != NGX_OK
        || ngx_http_boxoffice_problem_headers(r, error) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_boxoffice_reply_send(r, e->status,
                                     &ngx_http_boxoffice_problem_type, &body);
}


static ngx_int_t
ngx_http_boxoffice_problem_body(ngx_http_request_t *r,
    const ngx_http_boxoffice_error_t *error, ngx_str_t *request_id,
    ngx_str_t *parameter, const char *detail, ngx_str_t *body)
{
    u_char  *p, *last;
    size_t   len;

    len = sizeof("{\"type\":\"" NGX_HTTP_BOXOFFICE_PROBLEM_TYPE
                 "\",\"title\":\"\",\"status\":,\"code\":\"\",\"sqlstate\":"
                 "\"\",\"retry\":\"\",\"detail\":\"\",\"request_id\":\"\","
                 "\"errors\":[{\"parameter\":\"\",\"code\":\"\"}]}")
          + error->name.len * 3 + error->title.len + NGX_INT_T_LEN
          + error->sqlstate.len + error->retry.len + request_id->len;

    len += detail ? ngx_strlen(detail) : 0;

    len += parameter ? ngx_http_boxoffice_text_jsoned(parameter->data,
                                                      parameter->len)
                     : 0;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    last = p + len;

    p = ngx_slprintf(p, last, "{\"type\":\"" NGX_HTTP_BOXOFFICE_PROBLEM_TYPE
                     "%V\",\"title\":\"%V\",\"status\":%ui,\"code\":\"%V\","
                     "\"sqlstate\":\"%V\",\"retry\":\"%V\"",
                     &error->name, &error->title, error->status, &error->name,
                     &error->sqlstate, &error->retry);

    if (detail) {
        p = ngx_slprintf(p, last, ",\"detail\":\"%s\"", detail);
    }

    p = ngx_slprintf(p, last, ",\"request_id\":\"%V\"", request_id);

    if (parameter) {
        p = ngx_slprintf(p, last, ",\"errors\":[{\"parameter\":\"");
        p = ngx_http_boxoffice_text_json(p, parameter->data, parameter->len);
        p = ngx_slprintf(p, last, "\",\"code\":\"%V\"}]", &error->name);
    }

    *p++ = '}';
    body->len = p - body->data;

    return NGX_OK;
}


/* what some statuses must not be without (RFC 9110) */

static ngx_int_t
ngx_http_boxoffice_problem_headers(ngx_http_request_t *r, ngx_uint_t error)
{
    ngx_http_boxoffice_ctx_t          *ctx;
    const ngx_http_boxoffice_error_t  *e;

    static ngx_str_t  bearer = ngx_string("Bearer realm=\"boxoffice\"");
    static ngx_str_t  invalid = ngx_string("Bearer realm=\"boxoffice\", "
                                           "error=\"invalid_token\"");
    static ngx_str_t  reading = ngx_string("GET, HEAD");
    static ngx_str_t  second = ngx_string("1");
    static ngx_str_t  no_store = ngx_string("no-store");

    e = ngx_http_boxoffice_problem_get(error);

    switch (e->status) {

    case NGX_HTTP_UNAUTHORIZED:
        if (ngx_http_boxoffice_header(r, "WWW-Authenticate",
                                error == NGX_HTTP_BOXOFFICE_E_TOKEN_MISSING
                                ? &bearer : &invalid)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
        break;

    case NGX_HTTP_NOT_ALLOWED:
        ctx = ngx_http_boxoffice_request_ctx(r);

        if (ngx_http_boxoffice_header(r, "Allow",
                                ctx->match.resource
                                ? (ngx_str_t *) &ctx->match.resource->allow
                                : &reading)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
        break;

    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_SERVICE_UNAVAILABLE:
    case NGX_HTTP_GATEWAY_TIME_OUT:
        if (ngx_http_boxoffice_header(r, "Retry-After", &second) != NGX_OK) {
            return NGX_ERROR;
        }
        break;
    }

    return ngx_http_boxoffice_header(r, "Cache-Control", &no_store);
}


ngx_int_t
ngx_http_boxoffice_problem_handler(ngx_http_request_t *r)
{
    ngx_uint_t  error, status;

    /* an error page has a status; asked directly there is no such thing */

    status = r->err_status ? r->err_status : NGX_HTTP_NOT_FOUND;
    error = ngx_http_boxoffice_problem_of_status(status);

    r->err_status = 0;

    if (status == NGX_HTTP_PRECONDITION_FAILED) {

        /* of nginx's own filter, which ends the connection after this */

        r->keepalive = 0;
    }

    if (ngx_http_boxoffice_problem_anew(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_boxoffice_problem_send(r, error, NULL, NULL);
}


/*
 * Takes back the headers of an answer that was not to be, but for a challenge.
 * With its way to an error page a request has lost its context: the id that it
 * had is in one of them.
 */

static ngx_int_t
ngx_http_boxoffice_problem_anew(ngx_http_request_t *r)
{
    ngx_uint_t                 i;
    ngx_str_t                  id, challenge;
    ngx_list_part_t           *part;
    ngx_table_elt_t           *h;
    ngx_http_boxoffice_ctx_t  *ctx;

    ngx_str_null(&id);
    ngx_str_null(&challenge);

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash && h[i].key.len == sizeof("X-Request-Id") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "X-Request-Id",
                                   h[i].key.len)
                   == 0)
            {
                id = h[i].value;
            }
        }
    }

    if (r->headers_out.www_authenticate) {
        challenge = r->headers_out.www_authenticate->value;
    }

    ngx_http_clean_header(r);

    ctx = ngx_http_boxoffice_request_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (id.len) {
        ctx->call.request_id = id;
    }

    return challenge.len
           ? ngx_http_boxoffice_header(r, "WWW-Authenticate", &challenge)
           : NGX_OK;
}


/* a refusal without an error of its own is the client's, or ours */

static ngx_uint_t
ngx_http_boxoffice_problem_of_status(ngx_uint_t status)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_boxoffice_problem_statuses[i].status; i++) {
        if (ngx_http_boxoffice_problem_statuses[i].status == status) {
            return ngx_http_boxoffice_problem_statuses[i].error;
        }
    }

    return status < NGX_HTTP_INTERNAL_SERVER_ERROR
           ? NGX_HTTP_BOXOFFICE_E_BAD_REQUEST
           : NGX_HTTP_BOXOFFICE_E_INTERNAL;
}


ngx_uint_t
ngx_http_boxoffice_problem_find(const char *sqlstate)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_E_NONE; i++) {
        if (ngx_strcmp(ngx_http_boxoffice_errors[i].sqlstate.data, sqlstate)
            == 0)
        {
            break;
        }
    }

    return i;
}


const ngx_http_boxoffice_error_t *
ngx_http_boxoffice_problem_get(ngx_uint_t error)
{
    return &ngx_http_boxoffice_errors[error];
}
