
/*
 * Variables: what the configuration may log, or key a cache with.
 */


#ifndef _NGX_HTTP_BOXOFFICE_VARIABLES_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_VARIABLES_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


ngx_int_t ngx_http_boxoffice_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_BOXOFFICE_VARIABLES_H_INCLUDED_ */
