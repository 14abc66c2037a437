
/*
 * Writes calls as the parameters of the one statement, in PostgreSQL's binary
 * formats.  Pure: it knows the wire's form, neither libpq nor HTTP.
 */


#ifndef _NGX_HTTP_BOXOFFICE_BIND_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_BIND_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


#define NGX_HTTP_BOXOFFICE_BIND_PARAMS  12


typedef struct {
    u_char       *start;        /* kept from one batch to the next */
    size_t        size;

    const char   *values[NGX_HTTP_BOXOFFICE_BIND_PARAMS];
    int           lengths[NGX_HTTP_BOXOFFICE_BIND_PARAMS];
} ngx_http_boxoffice_bind_t;


/* the types of the parameters, for the statement's preparation */
extern const uint32_t
    ngx_http_boxoffice_bind_types[NGX_HTTP_BOXOFFICE_BIND_PARAMS];
/* all ones: each is binary */
extern const int
    ngx_http_boxoffice_bind_formats[NGX_HTTP_BOXOFFICE_BIND_PARAMS];
extern const char  ngx_http_boxoffice_bind_statement[];
/* the same for what streams: one call, a row a piece */
extern const char  ngx_http_boxoffice_bind_stream[];


/*
 * Fills in values and lengths; they are valid until the next call.  calls may
 * be empty: then no operation is called and only the contract is compared.
 */
ngx_int_t ngx_http_boxoffice_bind_calls(ngx_http_boxoffice_bind_t *bind,
    ngx_queue_t *calls, ngx_uint_t n, const ngx_http_boxoffice_route_t *route,
    int64_t event, ngx_msec_t deadline, ngx_log_t *log);


#endif /* _NGX_HTTP_BOXOFFICE_BIND_H_INCLUDED_ */
