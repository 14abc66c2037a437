
/*
 * Variables: what the configuration may log, or key a cache with.
 */


#include "ngx_http_boxoffice_variables.h"


static ngx_int_t ngx_http_boxoffice_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_boxoffice_variable_request_id(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_boxoffice_variable_operation(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_boxoffice_variable_cache_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_boxoffice_variable_batch(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_boxoffice_variable_set(ngx_http_variable_value_t *v,
    ngx_str_t *text);


static ngx_http_variable_t  ngx_http_boxoffice_variables[] = {

    /* names the request in answers, logs and the database */

    { ngx_string("boxoffice_request_id"), NULL,
      ngx_http_boxoffice_variable_request_id, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("boxoffice_operation"), NULL,
      ngx_http_boxoffice_variable_operation, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* operation and parameters in their one form */

    { ngx_string("boxoffice_cache_key"), NULL,
      ngx_http_boxoffice_variable_cache_key, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("boxoffice_role"), NULL, ngx_http_boxoffice_variable_text,
      offsetof(ngx_http_boxoffice_ctx_t, call.actor.role),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* how many calls went to the database together */

    { ngx_string("boxoffice_batch"), NULL, ngx_http_boxoffice_variable_batch,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_boxoffice_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_boxoffice_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static void
ngx_http_boxoffice_variable_set(ngx_http_variable_value_t *v, ngx_str_t *text)
{
    if (text == NULL || text->data == NULL) {
        v->not_found = 1;
        return;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = text->len;
    v->data = text->data;
}


static ngx_int_t
ngx_http_boxoffice_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    ngx_http_boxoffice_variable_set(v, ctx ? (ngx_str_t *) (ctx + data)
                                           : NULL);

    return NGX_OK;
}


static ngx_int_t
ngx_http_boxoffice_variable_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_boxoffice_ctx_t  *ctx;

    /* also where no handler of ours is: for a file, or before a refusal */

    ctx = ngx_http_boxoffice_request_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_http_boxoffice_variable_set(v, &ctx->call.request_id);

    return NGX_OK;
}


static ngx_int_t
ngx_http_boxoffice_variable_operation(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    ngx_http_boxoffice_variable_set(v,
                             ctx && ctx->match.route
                             ? (ngx_str_t *) &ctx->match.route->operation
                             : NULL);

    return NGX_OK;
}


static ngx_int_t
ngx_http_boxoffice_variable_cache_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                    *p;
    ngx_str_t                  key;
    const ngx_str_t           *operation;
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    if (ctx == NULL || ctx->match.route == NULL || !ctx->match.route->cache) {
        v->not_found = 1;
        return NGX_OK;
    }

    operation = &ctx->match.route->operation;

    key.len = operation->len + 1 + ctx->call.params.len;
    key.data = ngx_pnalloc(r->pool, key.len);
    if (key.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(key.data, operation->data, operation->len);
    *p++ = '?';
    ngx_memcpy(p, ctx->call.params.data, ctx->call.params.len);

    ngx_http_boxoffice_variable_set(v, &key);

    return NGX_OK;
}


static ngx_int_t
ngx_http_boxoffice_variable_batch(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  text;
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    if (ctx == NULL || ctx->call.batch == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    text.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.len = ngx_sprintf(text.data, "%ui", ctx->call.batch) - text.data;

    ngx_http_boxoffice_variable_set(v, &text);

    return NGX_OK;
}
