
/*
 * Counters, gauges and histograms, in memory that the workers share.
 */


#ifndef _NGX_HTTP_BOXOFFICE_METRICS_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_METRICS_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


typedef enum {
    NGX_HTTP_BOXOFFICE_M_CONNECTED = 0,   /* connections made */
    NGX_HTTP_BOXOFFICE_M_REFUSED,         /* attempts that failed */
    NGX_HTTP_BOXOFFICE_M_LOST,            /* connections that broke */
    NGX_HTTP_BOXOFFICE_M_RETRIED,         /* batches sent once more */
    NGX_HTTP_BOXOFFICE_M_BISECT,          /* batches split: a bug */
    NGX_HTTP_BOXOFFICE_M_UNKNOWN,         /* calls of unknown outcome */
    NGX_HTTP_BOXOFFICE_M_QUEUE_FULL,
    NGX_HTTP_BOXOFFICE_M_ABANDONED,       /* the client left the queue */
    NGX_HTTP_BOXOFFICE_M_EXPIRED,         /* the deadline came in the queue */
    NGX_HTTP_BOXOFFICE_M_TOKEN_HIT,
    NGX_HTTP_BOXOFFICE_M_TOKEN_MISS,
    NGX_HTTP_BOXOFFICE_M_TOKEN_REFUSED,
    NGX_HTTP_BOXOFFICE_M_EXPORT_BROKEN,   /* after its answer had begun */
    NGX_HTTP_BOXOFFICE_M_MAX
} ngx_http_boxoffice_counter_e;


typedef enum {
    NGX_HTTP_BOXOFFICE_G_OPEN = 0,        /* connections */
    NGX_HTTP_BOXOFFICE_G_IDLE,
    NGX_HTTP_BOXOFFICE_G_WAITING,         /* calls in the queue */
    NGX_HTTP_BOXOFFICE_G_LANES,
    NGX_HTTP_BOXOFFICE_G_EXPORTS,         /* under way */
    NGX_HTTP_BOXOFFICE_G_MAX
} ngx_http_boxoffice_gauge_e;


/* makes the zone, when the configuration is read */
ngx_int_t ngx_http_boxoffice_metrics_zone(ngx_conf_t *cf,
    ngx_http_boxoffice_main_conf_t *conf);

/* takes a place in it, when a worker starts */
void ngx_http_boxoffice_metrics_init(ngx_http_boxoffice_main_conf_t *conf);

/* a worker that ends has nothing more; its counters stay */
void ngx_http_boxoffice_metrics_exit(void);

void ngx_http_boxoffice_metrics_count(ngx_uint_t counter);
void ngx_http_boxoffice_metrics_add(ngx_uint_t counter, ngx_uint_t n);
void ngx_http_boxoffice_metrics_gauge(ngx_uint_t gauge, ngx_uint_t value);
void ngx_http_boxoffice_metrics_batch(ngx_uint_t n, ngx_msec_t took);

/* a request that has ended; route: NULL for what is no operation */
void ngx_http_boxoffice_metrics_request(ngx_http_request_t *r,
    const ngx_http_boxoffice_route_t *route, ngx_msec_t took);

ngx_int_t ngx_http_boxoffice_metrics_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_BOXOFFICE_METRICS_H_INCLUDED_ */
