
/*
 * What an operator's machines ask: is it alive, is it ready.
 */


#ifndef _NGX_HTTP_BOXOFFICE_STATUS_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_STATUS_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


ngx_int_t ngx_http_boxoffice_health_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_boxoffice_ready_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_BOXOFFICE_STATUS_H_INCLUDED_ */
