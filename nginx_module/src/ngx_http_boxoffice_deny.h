
/*
 * The list of tokens that are not accepted any more, shared by the workers.
 */


#ifndef _NGX_HTTP_BOXOFFICE_DENY_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_DENY_H_INCLUDED_


#include "ngx_http_boxoffice_token.h"


/* makes the zone, when the configuration is read */
ngx_shm_zone_t *ngx_http_boxoffice_deny_zone(ngx_conf_t *cf, size_t size);

/* whether the token is denied by its id, or its bearer is; zone may be NULL */
ngx_uint_t ngx_http_boxoffice_deny_has(ngx_shm_zone_t *zone,
    ngx_http_boxoffice_claims_t *claims);

/* POST ?jti=…|sub=…&until=…, for an administrator's token */
ngx_int_t ngx_http_boxoffice_deny_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_BOXOFFICE_DENY_H_INCLUDED_ */
