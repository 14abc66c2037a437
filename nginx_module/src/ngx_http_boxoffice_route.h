
/*
 * Routes: which operation of the contract a request asks for.
 *
 * The table is made from the contract by sql/contract/generate; this file
 * gives its form and nothing here knows what an operation does.  The header
 * made is nginx_module/src/ngx_http_boxoffice_routes_gen.h, it is included by
 * ngx_http_boxoffice_route.c alone, and looks so:
 *
 *     #define NGX_HTTP_BOXOFFICE_CONTRACT  "0f3a59c2d81b7e64"
 *
 *     static const ngx_http_boxoffice_param_t
 *         ngx_http_boxoffice_query_session_list[] = {
 *         { ngx_string("from"), ngx_string("from") },
 *         { ngx_string("limit"), ngx_string("limit") },
 *         ngx_http_boxoffice_null_param
 *     };
 *
 *     static const ngx_http_boxoffice_param_t
 *         ngx_http_boxoffice_headers_stock_change[] = {
 *         { ngx_string("if_match"), ngx_string("if-match") },
 *         ngx_http_boxoffice_null_param
 *     };
 *
 *     static const ngx_http_boxoffice_route_t  ngx_http_boxoffice_routes[] = {
 *         { .operation = ngx_string("hold_create"),
 *           .method = NGX_HTTP_POST,
 *           .path = ngx_string("/v1/events/{event}/holds"),
 *           .query = NULL,
 *           .headers = NULL,
 *           .roles = NGX_HTTP_BOXOFFICE_ROLE_PUBLIC
 *                    |NGX_HTTP_BOXOFFICE_ROLE_CUSTOMER,
 *           .deadline = 5000,
 *           .idempotency = NGX_HTTP_BOXOFFICE_IDEMPOTENCY_ACCEPTED,
 *           .status = 201,
 *           .type = ngx_string("application/json"),
 *           .event = 1, .lane = 1, .cache = 0, .secret = 0, .body = 1,
 *           .stream = 0, .plain = 1 },
 *         ...
 *         { .operation = ngx_null_string }
 *     };
 *
 * Rows are ended by one whose operation is null; their order is of no
 * meaning: a literal path segment always wins over a {parameter}.  A segment
 * is a literal, "{name}" or "{name}.suffix".
 */


#ifndef _NGX_HTTP_BOXOFFICE_ROUTE_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_ROUTE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_BOXOFFICE_ROLE_PUBLIC            0x0001
#define NGX_HTTP_BOXOFFICE_ROLE_CUSTOMER          0x0002
#define NGX_HTTP_BOXOFFICE_ROLE_ORGANIZER         0x0004
#define NGX_HTTP_BOXOFFICE_ROLE_SCANNER           0x0008
#define NGX_HTTP_BOXOFFICE_ROLE_SUPPORT           0x0010
#define NGX_HTTP_BOXOFFICE_ROLE_ADMIN             0x0020

#define NGX_HTTP_BOXOFFICE_IDEMPOTENCY_NONE       0
#define NGX_HTTP_BOXOFFICE_IDEMPOTENCY_ACCEPTED   1
#define NGX_HTTP_BOXOFFICE_IDEMPOTENCY_REQUIRED   2

#define NGX_HTTP_BOXOFFICE_SEGMENTS_MAX           12
#define NGX_HTTP_BOXOFFICE_PARAMS_MAX             32


/*
 * A declared parameter: its name towards the dispatcher, and how the client
 * calls it (a query member, or a header's name in lower case).
 */

typedef struct {
    ngx_str_t                          name;
    ngx_str_t                          source;
} ngx_http_boxoffice_param_t;

#define ngx_http_boxoffice_null_param  { ngx_null_string, ngx_null_string }


typedef struct {
    ngx_str_t                          operation;
    ngx_uint_t                         method;       /* NGX_HTTP_GET, ... */
    ngx_str_t                          path;         /* template */

    const ngx_http_boxoffice_param_t  *query;        /* NULL: none */
    const ngx_http_boxoffice_param_t  *headers;      /* NULL: none */

    ngx_uint_t                         roles;        /* of the contract */
    ngx_msec_t                         deadline;
    ngx_uint_t                         idempotency;
    ngx_uint_t                         status;       /* of a success */
    ngx_str_t                          type;         /* Content-Type of it */

    unsigned                           event:1;      /* below an {event} */
    unsigned                           lane:1;       /* batched by event */
    unsigned                           cache:1;      /* public and cached */
    unsigned                           secret:1;     /* Boxoffice-Secret */
    unsigned                           body:1;       /* takes a JSON body */
    unsigned                           stream:1;     /* answers in pieces */
    unsigned                           plain:1;      /* not compressed */
} ngx_http_boxoffice_route_t;


/*
 * A resource is a path of the contract with the routes that it has, one a
 * method.  Resources are the ends of a tree of path segments, which is made
 * once, when the configuration is read.
 */

typedef enum {
    NGX_HTTP_BOXOFFICE_GET = 0,
    NGX_HTTP_BOXOFFICE_POST,
    NGX_HTTP_BOXOFFICE_PUT,
    NGX_HTTP_BOXOFFICE_PATCH,
    NGX_HTTP_BOXOFFICE_DELETE,
    NGX_HTTP_BOXOFFICE_METHODS
} ngx_http_boxoffice_method_e;


/* the names of a route's path parameters, and which of them is the event */

typedef struct {
    ngx_uint_t                         n;
    ngx_int_t                          event;   /* NGX_ERROR: none */
    ngx_str_t                          names[NGX_HTTP_BOXOFFICE_SEGMENTS_MAX];
} ngx_http_boxoffice_path_t;


typedef struct ngx_http_boxoffice_node_s  ngx_http_boxoffice_node_t;

struct ngx_http_boxoffice_node_s {
    ngx_str_t                          text;    /* literal, or the suffix */
    ngx_uint_t                         param;   /* unsigned  param:1 */
    ngx_http_boxoffice_node_t         *child;
    ngx_http_boxoffice_node_t         *next;    /* in order of precedence */
    const ngx_http_boxoffice_route_t  *routes[NGX_HTTP_BOXOFFICE_METHODS];
    ngx_http_boxoffice_path_t         *paths[NGX_HTTP_BOXOFFICE_METHODS];
    ngx_str_t                          allow;   /* empty: no resource */
};


typedef struct {
    const ngx_http_boxoffice_node_t   *resource;
    const ngx_http_boxoffice_route_t  *route;   /* NULL: not this method */
    const ngx_http_boxoffice_path_t   *path;
    ngx_str_t                          values[NGX_HTTP_BOXOFFICE_SEGMENTS_MAX];
} ngx_http_boxoffice_match_t;


/* the tree of all routes, or NULL after logging what is wrong with them */
ngx_http_boxoffice_node_t *ngx_http_boxoffice_route_tree(ngx_pool_t *pool,
    ngx_log_t *log);

/*
 * NGX_OK, or NGX_DECLINED if the path is none of the contract's.  The method
 * is an NGX_HTTP_ one, HEAD is taken for GET.
 */
ngx_int_t ngx_http_boxoffice_route_find(const ngx_http_boxoffice_node_t *tree,
    const ngx_str_t *uri, ngx_uint_t method,
    ngx_http_boxoffice_match_t *match);

/*
 * An encoded slash is a part of its segment (RFC 3986, section 2.2).  Writes
 * the path anew, from the raw one, with encoded slashes marked so that finding
 * takes none for a border; its data has room for raw's length.  NGX_DECLINED if
 * uri, by which nginx has chosen the location, is another path than that: one
 * that was rewritten, or led up by an encoded "../".
 */
ngx_int_t ngx_http_boxoffice_route_mark(ngx_str_t *path, const ngx_str_t *uri,
    const ngx_str_t *raw);

/* makes slashes of the marks in what was found in a marked path */
void ngx_http_boxoffice_route_unmark(ngx_http_boxoffice_match_t *match);

/* the number of routes, the i-th of them, and which a route is */
ngx_uint_t ngx_http_boxoffice_route_count(void);
const ngx_http_boxoffice_route_t *ngx_http_boxoffice_route_get(ngx_uint_t i);
ngx_uint_t ngx_http_boxoffice_route_index(
    const ngx_http_boxoffice_route_t *route);

/* the fingerprint of the contract that this was compiled with */
extern const ngx_str_t  ngx_http_boxoffice_contract;


#endif /* _NGX_HTTP_BOXOFFICE_ROUTE_H_INCLUDED_ */
