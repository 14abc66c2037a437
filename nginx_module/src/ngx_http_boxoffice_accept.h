
/*
 * What a client accepts (RFC 9110, section 12.5.1).
 */


#ifndef _NGX_HTTP_BOXOFFICE_ACCEPT_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_ACCEPT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* the range that decides about a type */

typedef struct {
    ngx_uint_t                         quality;    /* 0 (refused) to 1000 */
    ngx_uint_t                         precision;  /* 3: names the type,
                                                      2: text / *, 1: any,
                                                      0: there is none */
    ngx_uint_t                         position;   /* in the header */
} ngx_http_boxoffice_accept_t;


/*
 * What the header's value says of a type, parameters left out on both sides.
 * Of ranges that match, the most precise decides, whatever its quality.  What
 * is no media range is passed over; a header of which nothing is left accepts
 * anything.
 */
void ngx_http_boxoffice_accept_find(const ngx_str_t *accept,
    const ngx_str_t *type, ngx_http_boxoffice_accept_t *found);

/* whether a client would rather have the first than the second */
ngx_uint_t ngx_http_boxoffice_accept_better(
    const ngx_http_boxoffice_accept_t *one,
    const ngx_http_boxoffice_accept_t *two);


#endif /* _NGX_HTTP_BOXOFFICE_ACCEPT_H_INCLUDED_ */
