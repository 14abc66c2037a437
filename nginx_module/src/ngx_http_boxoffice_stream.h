
/*
 * Answers of any length, made while they are sent.
 */


#ifndef _NGX_HTTP_BOXOFFICE_STREAM_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_STREAM_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


#define NGX_HTTP_BOXOFFICE_STREAMS_MAX  64
#define NGX_HTTP_BOXOFFICE_STREAM_RATE_MAX  (1024 * 1024 * 1024)


ngx_int_t ngx_http_boxoffice_stream_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_main_conf_t *conf);
void ngx_http_boxoffice_stream_exit(void);

/*
 * Begins to answer a call of a route that streams; NGX_BUSY if there are as
 * many as may be.
 */
ngx_int_t ngx_http_boxoffice_stream_start(ngx_http_boxoffice_call_t *call);


#endif /* _NGX_HTTP_BOXOFFICE_STREAM_H_INCLUDED_ */
