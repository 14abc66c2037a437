#include "ngx_http_boxoffice_token.h"
ngx_uint_t ngx_http_boxoffice_token_check(ngx_http_request_t *r, ngx_str_t *token, ngx_http_boxoffice_actor_t *actor) { return NGX_HTTP_BOXOFFICE_E_TOKEN_INVALID; }
