
/*
 * A worker's connections to PostgreSQL.
 */


#ifndef _NGX_HTTP_BOXOFFICE_POOL_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_POOL_H_INCLUDED_


#include "ngx_http_boxoffice_pg.h"


/* what the lanes hear */

typedef struct {
    void    (*ready)(void);                           /* one is free */
    void    (*done)(ngx_http_boxoffice_pg_t *pg);     /* with its outcome */
    void    (*lost)(ngx_http_boxoffice_pg_t *pg);     /* while it was busy */
    void    (*down)(void);                            /* nobody answers */
} ngx_http_boxoffice_pool_owner_t;


ngx_int_t ngx_http_boxoffice_pool_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_main_conf_t *conf,
    const ngx_http_boxoffice_pool_owner_t *owner);
void ngx_http_boxoffice_pool_exit(void);

/* a free connection, or NULL */
ngx_http_boxoffice_pg_t *ngx_http_boxoffice_pool_get(void);

/* gives back what was got; one that was closed is opened again later */
void ngx_http_boxoffice_pool_put(ngx_http_boxoffice_pg_t *pg);

/*
 * Closes the free ones: what they were asked when they were opened does not
 * hold any more, and who connects anew hears it.
 */
void ngx_http_boxoffice_pool_distrust(void);

/* no connection is open and the last attempt failed */
ngx_uint_t ngx_http_boxoffice_pool_is_down(void);

/* the last attempt failed because the contracts differ */
ngx_uint_t ngx_http_boxoffice_pool_is_foreign(void);

ngx_uint_t ngx_http_boxoffice_pool_size(void);
ngx_uint_t ngx_http_boxoffice_pool_open(void);
ngx_uint_t ngx_http_boxoffice_pool_idle(void);


#endif /* _NGX_HTTP_BOXOFFICE_POOL_H_INCLUDED_ */
