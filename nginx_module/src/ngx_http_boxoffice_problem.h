
/*
 * Problem documents (RFC 9457) for what nginx itself refuses.
 *
 * The list of errors is pg_extension/errcodes.txt; sql/contract/generate makes
 * nginx_module/src/ngx_http_boxoffice_errors_gen.h from it, which looks so and
 * may be included anywhere:
 *
 *     #define NGX_HTTP_BOXOFFICE_PROBLEM_TYPE  "<what precedes the code's name
 *                                                in the member type>"
 *
 *     #define NGX_HTTP_BOXOFFICE_ERRORS(X)                                   \
 *         X(MALFORMED_JSON, "TK001", "malformed_json", 400, "never",         \
 *           "the body is not well-formed JSON")                              \
 *         X(...)
 *
 * in the order of the list.
 */


#ifndef _NGX_HTTP_BOXOFFICE_PROBLEM_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_PROBLEM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_boxoffice_errors_gen.h"


#define NGX_HTTP_BOXOFFICE_ERROR_ID(id, sqlstate, name, status, retry, title) \
    NGX_HTTP_BOXOFFICE_E_##id,

typedef enum {
    NGX_HTTP_BOXOFFICE_ERRORS(NGX_HTTP_BOXOFFICE_ERROR_ID)
    NGX_HTTP_BOXOFFICE_E_NONE
} ngx_http_boxoffice_error_e;

#undef NGX_HTTP_BOXOFFICE_ERROR_ID


typedef struct {
    ngx_str_t    sqlstate;
    ngx_str_t    name;
    ngx_uint_t   status;
    ngx_str_t    retry;
    ngx_str_t    title;
} ngx_http_boxoffice_error_t;


#endif /* _NGX_HTTP_BOXOFFICE_PROBLEM_H_INCLUDED_ */
