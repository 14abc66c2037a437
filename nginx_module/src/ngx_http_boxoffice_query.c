
/*
 * Parameters of the path, the query and the headers.
 */


#include "ngx_http_boxoffice_query.h"
#include "ngx_http_boxoffice_text.h"


typedef struct {
    ngx_uint_t        n;
    const ngx_str_t  *names[NGX_HTTP_BOXOFFICE_PARAMS_MAX];
    ngx_str_t         values[NGX_HTTP_BOXOFFICE_PARAMS_MAX];
} ngx_http_boxoffice_params_t;


static ngx_uint_t ngx_http_boxoffice_query_members(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *values);
static ngx_uint_t ngx_http_boxoffice_query_member(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *member, ngx_str_t *values);
static ngx_uint_t ngx_http_boxoffice_query_refuse(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *name, const char *detail,
    ngx_uint_t error);
static void ngx_http_boxoffice_query_headers(ngx_http_request_t *r,
    const ngx_http_boxoffice_param_t *declared,
    ngx_http_boxoffice_params_t *params);
static void ngx_http_boxoffice_query_add(ngx_http_boxoffice_params_t *params,
    const ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_boxoffice_query_write(ngx_pool_t *pool,
    ngx_http_boxoffice_params_t *params, ngx_str_t *text);


ngx_uint_t
ngx_http_boxoffice_query_params(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx)
{
    ngx_str_t                          values[NGX_HTTP_BOXOFFICE_PARAMS_MAX];
    ngx_uint_t                         i, error;
    ngx_http_boxoffice_params_t        params;
    const ngx_http_boxoffice_route_t  *route;

    route = ctx->match.route;
    params.n = 0;

    for (i = 0; i < ctx->match.path->n; i++) {
        ngx_http_boxoffice_query_add(&params, &ctx->match.path->names[i],
                                     &ctx->match.values[i]);
    }

    if (r->args.len) {
        error = ngx_http_boxoffice_query_members(r, ctx, values);

        if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
            return error;
        }

        for (i = 0; route->query && route->query[i].name.len; i++) {
            if (values[i].data) {
                ngx_http_boxoffice_query_add(&params, &route->query[i].name,
                                             &values[i]);
            }
        }
    }

    if (route->headers) {
        ngx_http_boxoffice_query_headers(r, route->headers, &params);
    }

    if (ngx_http_boxoffice_query_write(r->pool, &params, &ctx->call.params)
        != NGX_OK)
    {
        return NGX_HTTP_BOXOFFICE_E_INTERNAL;
    }

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


/* finds the value of each declared member; data NULL: not given */

static ngx_uint_t
ngx_http_boxoffice_query_members(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *values)
{
    u_char      *p, *last, *end;
    ngx_str_t    member;
    ngx_uint_t   error;

    ngx_memzero(values, NGX_HTTP_BOXOFFICE_PARAMS_MAX * sizeof(ngx_str_t));

    p = r->args.data;
    last = p + r->args.len;

    while (p < last) {

        end = ngx_strlchr(p, last, '&');
        end = end ? end : last;

        member.data = p;
        member.len = end - p;
        p = end + 1;

        if (member.len == 0) {
            continue;
        }

        error = ngx_http_boxoffice_query_member(r, ctx, &member, values);

        if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
            return error;
        }
    }

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


static ngx_uint_t
ngx_http_boxoffice_query_member(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *member, ngx_str_t *values)
{
    u_char                            *eq, *end, *last;
    ngx_str_t                          name, value;
    ngx_uint_t                         i;
    const ngx_http_boxoffice_param_t  *declared;

    last = member->data + member->len;
    eq = ngx_strlchr(member->data, last, '=');

    name.data = member->data;
    name.len = (eq ? eq : last) - member->data;
    value.data = eq ? eq + 1 : last;
    value.len = last - value.data;

    declared = ctx->match.route->query;

    for (i = 0; declared && declared[i].source.len; i++) {

        if (declared[i].source.len == name.len
            && ngx_memcmp(declared[i].source.data, name.data, name.len) == 0)
        {
            break;
        }
    }

    if (declared == NULL || declared[i].source.len == 0) {
        return ngx_http_boxoffice_query_refuse(r, ctx, &name, NULL,
                                   NGX_HTTP_BOXOFFICE_E_UNKNOWN_PARAMETER);
    }

    if (values[i].data) {
        return ngx_http_boxoffice_query_refuse(r, ctx, &name,
                                   "A parameter is given more than once.",
                                   NGX_HTTP_BOXOFFICE_E_INVALID_REQUEST);
    }

    /* room for an empty value too: its data says that it was given */

    values[i].data = ngx_pnalloc(r->pool, value.len + 1);
    if (values[i].data == NULL) {
        return NGX_HTTP_BOXOFFICE_E_INTERNAL;
    }

    end = ngx_http_boxoffice_text_unescape(values[i].data, value.data,
                                           value.len);

    if (end == NULL) {
        return ngx_http_boxoffice_query_refuse(r, ctx, &name,
                                   "A percent sign is not followed by two "
                                   "hexadecimal digits.",
                                   NGX_HTTP_BOXOFFICE_E_INVALID_REQUEST);
    }

    values[i].len = end - values[i].data;

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


static ngx_uint_t
ngx_http_boxoffice_query_refuse(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx, ngx_str_t *name, const char *detail,
    ngx_uint_t error)
{
    ctx->culprit = ngx_palloc(r->pool, sizeof(ngx_str_t));

    if (ctx->culprit) {
        *ctx->culprit = *name;
    }

    ctx->detail = detail;

    return error;
}


static void
ngx_http_boxoffice_query_headers(ngx_http_request_t *r,
    const ngx_http_boxoffice_param_t *declared,
    ngx_http_boxoffice_params_t *params)
{
    ngx_uint_t        i, k;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (k = 0; declared[k].name.len; k++) {

        for (part = &r->headers_in.headers.part; part; part = part->next) {

            h = part->elts;

            for (i = 0; i < part->nelts; i++) {

                if (h[i].key.len == declared[k].source.len
                    && ngx_memcmp(h[i].lowcase_key, declared[k].source.data,
                                  declared[k].source.len)
                       == 0)
                {
                    ngx_http_boxoffice_query_add(params, &declared[k].name,
                                                 &h[i].value);
                }
            }
        }
    }
}


static void
ngx_http_boxoffice_query_add(ngx_http_boxoffice_params_t *params,
    const ngx_str_t *name, ngx_str_t *value)
{
    /* a repeated header: the dispatcher says that it is given twice */

    if (params->n < NGX_HTTP_BOXOFFICE_PARAMS_MAX) {
        params->names[params->n] = name;
        params->values[params->n++] = *value;
    }
}


static ngx_int_t
ngx_http_boxoffice_query_write(ngx_pool_t *pool,
    ngx_http_boxoffice_params_t *params, ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    len = 1;

    for (i = 0; i < params->n; i++) {
        len += params->names[i]->len + sizeof("=&") - 1
               + ngx_http_boxoffice_text_escaped(params->values[i].data,
                                                 params->values[i].len);
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < params->n; i++) {

        if (i) {
            *p++ = '&';
        }

        p = ngx_cpymem(p, params->names[i]->data, params->names[i]->len);
        *p++ = '=';
        p = ngx_http_boxoffice_text_escape(p, params->values[i].data,
                                           params->values[i].len);
    }

    text->len = p - text->data;

    return NGX_OK;
}
