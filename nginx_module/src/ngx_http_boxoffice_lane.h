
/*
 * Lanes: where calls wait, and how they are joined.
 */


#ifndef _NGX_HTTP_BOXOFFICE_LANE_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_LANE_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"
#include "ngx_http_boxoffice_pg.h"


ngx_int_t ngx_http_boxoffice_lane_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_main_conf_t *conf);
void ngx_http_boxoffice_lane_exit(void);

/*
 * Queues a call.  NGX_OK: it will be answered by ngx_http_boxoffice_reply_*()
 * unless it is cancelled.  Otherwise it is not queued: NGX_BUSY: the queue is
 * full; NGX_DECLINED: there is no database; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_boxoffice_lane_add(ngx_http_boxoffice_call_t *call);

/*
 * Takes a call out of the queue.  NGX_DECLINED if it is not in it or has been
 * sent: then it is answered as if nothing had happened.
 */
ngx_int_t ngx_http_boxoffice_lane_cancel(ngx_http_boxoffice_call_t *call);

/* the error that what PostgreSQL said of a batch means to a client */
ngx_uint_t ngx_http_boxoffice_lane_error(
    const ngx_http_boxoffice_pg_t *pg);


#endif /* _NGX_HTTP_BOXOFFICE_LANE_H_INCLUDED_ */
