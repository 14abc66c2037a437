
/*
 * Health: this worker answers.  Readiness: it has a database whose functions
 * are of the contract that it was compiled with.
 */


#include "ngx_http_boxoffice_status.h"
#include "ngx_http_boxoffice_pool.h"


static ngx_int_t ngx_http_boxoffice_status_send(ngx_http_request_t *r,
    ngx_str_t *body);


ngx_int_t
ngx_http_boxoffice_health_handler(ngx_http_request_t *r)
{
    static ngx_str_t  body = ngx_string("{\"status\":\"alive\"}");

    return ngx_http_boxoffice_status_send(r, &body);
}


ngx_int_t
ngx_http_boxoffice_ready_handler(ngx_http_request_t *r)
{
    static ngx_str_t  body = ngx_string("{\"status\":\"ready\"}");

    if (ngx_http_boxoffice_pool_open() == 0) {
        return ngx_http_boxoffice_refuse(r,
                                  ngx_http_boxoffice_pool_is_foreign()
                                  ? NGX_HTTP_BOXOFFICE_E_CONTRACT_MISMATCH
                                  : NGX_HTTP_BOXOFFICE_E_UNAVAILABLE);
    }

    return ngx_http_boxoffice_status_send(r, &body);
}


static ngx_int_t
ngx_http_boxoffice_status_send(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                  rc;
    ngx_http_boxoffice_ctx_t  *ctx;

    static ngx_str_t  type = ngx_string("application/json");
    static ngx_str_t  no_store = ngx_string("no-store");

    ctx = ngx_http_boxoffice_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_boxoffice_refuse(r,
                                    NGX_HTTP_BOXOFFICE_E_METHOD_NOT_ALLOWED);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_boxoffice_reply_common(r, &ctx->call.request_id) != NGX_OK
        || ngx_http_boxoffice_header(r, "Cache-Control", &no_store) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_boxoffice_reply_send(r, NGX_HTTP_OK, &type, body);
}
