
/*
 * Tokens: who asks.
 */


#ifndef _NGX_HTTP_BOXOFFICE_TOKEN_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_TOKEN_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


/*
 * Checks a token and says who it is of; the strings of the actor then lie in the
 * request's pool or in constant memory.  Returns why not, or
 * NGX_HTTP_BOXOFFICE_E_NONE.
 */
ngx_uint_t ngx_http_boxoffice_token_check(ngx_http_request_t *r,
    ngx_str_t *token, ngx_http_boxoffice_actor_t *actor);


#endif /* _NGX_HTTP_BOXOFFICE_TOKEN_H_INCLUDED_ */
