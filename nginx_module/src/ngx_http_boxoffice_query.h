
/*
 * Parameters: of the path, the query and the headers, as the dispatcher reads
 * them and as the cache's key.
 */


#ifndef _NGX_HTTP_BOXOFFICE_QUERY_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_QUERY_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


/*
 * Writes ctx->call.params: "name=value&name=value", first the path's, then the
 * query's in the order of their declaration, then the headers'; values are
 * percent-encoded, so all of it is ASCII and there is one form only.  Returns
 * NGX_HTTP_BOXOFFICE_E_NONE, or an error with ctx->culprit and ctx->detail.
 */
ngx_uint_t ngx_http_boxoffice_query_params(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);


#endif /* _NGX_HTTP_BOXOFFICE_QUERY_H_INCLUDED_ */
