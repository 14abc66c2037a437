
/*
 * What the files of the module share: its configuration, and a call.
 *
 * A request is handled in one direction.  Each file knows the next only:
 *
 *     request   reads HTTP: route, token, headers, body; makes a call
 *     lane      queues calls, joins those of one operation and event
 *     pool      has connections: which is free, when to connect again
 *     pg        talks to PostgreSQL; the one file that calls libpq
 *     reply     makes HTTP of what came back; problem: of a refusal
 */


#ifndef _NGX_HTTP_BOXOFFICE_MODULE_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_boxoffice_problem.h"
#include "ngx_http_boxoffice_route.h"


#define NGX_HTTP_BOXOFFICE_POOL_MAX   256
#define NGX_HTTP_BOXOFFICE_BATCH_MAX  4096

#define NGX_HTTP_BOXOFFICE_KEY_FILE_MAX  16384


typedef struct ngx_http_boxoffice_tokens_s  ngx_http_boxoffice_tokens_t;
typedef struct ngx_http_boxoffice_lane_s  ngx_http_boxoffice_lane_t;


typedef struct {
    ngx_str_t                          database;     /* as written */
    void                              *conninfo;     /* of pg */

    ngx_uint_t                         pool_size;
    ngx_uint_t                         pool_reserve;
    ngx_msec_t                         connect_timeout;
    ngx_msec_t                         grace;

    ngx_uint_t                         streams_max;
    ngx_msec_t                         streams_time;
    size_t                             streams_rate; /* bytes a second, */
    ngx_msec_t                         streams_window; /* judged so often */

    ngx_uint_t                         queue_max;

    ngx_uint_t                         lanes_max;
    ngx_uint_t                         batch_max;
    size_t                             batch_bytes_max;
    ngx_msec_t                         batch_target;
    size_t                             lane_body_max;

    ngx_http_boxoffice_tokens_t       *tokens;
    ngx_shm_zone_t                    *metrics_zone;

    ngx_http_boxoffice_node_t         *routes;
} ngx_http_boxoffice_main_conf_t;


typedef enum {
    NGX_HTTP_BOXOFFICE_OFF = 0,
    NGX_HTTP_BOXOFFICE_API,        /* the operations of the contract */
    NGX_HTTP_BOXOFFICE_ORIGIN,     /* what nginx's own cache asks */
    NGX_HTTP_BOXOFFICE_HEALTH,
    NGX_HTTP_BOXOFFICE_READY,
    NGX_HTTP_BOXOFFICE_METRICS,
    NGX_HTTP_BOXOFFICE_PROBLEM,    /* makes a problem of an error page */
    NGX_HTTP_BOXOFFICE_DENY        /* lists tokens that are not valid more */
} ngx_http_boxoffice_place_e;


typedef struct {
    ngx_uint_t                         place;
    ngx_http_handler_pt                cached;       /* proxy_pass's */
    ngx_str_t                          cache_control;
} ngx_http_boxoffice_loc_conf_t;


/* who asks */

typedef struct {
    ngx_str_t                          role;
    ngx_str_t                          subject;      /* data NULL: nobody */
    int64_t                            organizer;    /* 0: none */
} ngx_http_boxoffice_actor_t;


/*
 * One call of an operation, in the words of the dispatcher.  It lives in its
 * request's pool.  From the moment it is sent until it is answered the request
 * is blocked, so that it outlives a client that leaves.
 */

typedef struct {
    ngx_queue_t                        queue;   /* a lane's or a batch's */
    ngx_http_request_t                *request;
    ngx_http_boxoffice_lane_t         *lane;    /* NULL: not queued */
    const ngx_http_boxoffice_route_t  *route;
    int64_t                            event;
    ngx_http_boxoffice_actor_t         actor;
    ngx_str_t                          params;
    ngx_str_t                          key;     /* data NULL: none */
    ngx_str_t                          secret;  /* data NULL: none */
    ngx_str_t                          request_id;
    ngx_chain_t                       *body;    /* NULL: none */
    size_t                             body_len;
    size_t                             size;    /* in a batch, about */
    ngx_msec_t                         deadline;
    ngx_uint_t                         batch;   /* how many went together */
    unsigned                           sent:1;
} ngx_http_boxoffice_call_t;


typedef struct {
    ngx_http_boxoffice_match_t         match;
    ngx_http_boxoffice_call_t          call;

    ngx_table_elt_t                   *authorization;
    ngx_table_elt_t                   *idempotency_key;
    ngx_table_elt_t                   *secret;
    ngx_table_elt_t                   *request_id;
    ngx_table_elt_t                   *preflight;    /* asked method */
    ngx_table_elt_t                   *origin;
    ngx_table_elt_t                   *accept;
    ngx_table_elt_t                   *encoding;     /* of the body */

    /* of a refusal: the header or parameter, and a sentence */
    ngx_str_t                         *culprit;
    const char                        *detail;

    ngx_msec_t                         start;
    unsigned                           ambiguous:1;  /* a header twice */
    unsigned                           unacceptable:1;
} ngx_http_boxoffice_ctx_t;


/* a row of the dispatcher's answer; the strings are the result's */

typedef struct {
    ngx_uint_t                         status;
    ngx_uint_t                         retry_after;  /* 0: none */
    ngx_str_t                          etag;
    ngx_str_t                          body;
    unsigned                           replayed:1;
} ngx_http_boxoffice_row_t;


/* request */

ngx_int_t ngx_http_boxoffice_request_handler(ngx_http_request_t *r);

/* NGX_HTTP_BOXOFFICE_E_NONE if the token is an administrator's */
ngx_uint_t ngx_http_boxoffice_request_administrator(ngx_http_request_t *r,
    ngx_http_boxoffice_ctx_t *ctx);

/* the request's context, with its id, made when there is none yet */
ngx_http_boxoffice_ctx_t *ngx_http_boxoffice_request_ctx(
    ngx_http_request_t *r);


/* reply */

void ngx_http_boxoffice_reply_row(ngx_http_boxoffice_call_t *call,
    ngx_http_boxoffice_row_t *row);
void ngx_http_boxoffice_reply_problem(ngx_http_boxoffice_call_t *call,
    ngx_uint_t error, const char *detail);

/* adds a header to the answer */
ngx_int_t ngx_http_boxoffice_reply_header(ngx_http_request_t *r,
    const char *key, size_t key_len, ngx_str_t *value);
/*
 * Adds what every answer has: the request's id, leave for any origin, and that
 * its type is not to be guessed at.
 */
ngx_int_t ngx_http_boxoffice_reply_common(ngx_http_request_t *r,
    ngx_str_t *request_id);

/* keeps nginx from compressing an answer that has secrets in it */
void ngx_http_boxoffice_reply_plain(ngx_http_boxoffice_call_t *call);
void ngx_http_boxoffice_reply_untagged(ngx_http_request_t *r);

/* sets the type of an answer; a text has a charset, too */
void ngx_http_boxoffice_reply_type(ngx_http_request_t *r,
    const ngx_str_t *type);

/* sends a body that lies in the request's pool or in constant memory */
ngx_int_t ngx_http_boxoffice_reply_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);

#define ngx_http_boxoffice_header(r, key, value)                              \
    ngx_http_boxoffice_reply_header(r, key, sizeof(key) - 1, value)


/* problem */

/*
 * Sends a problem document from a content handler, the way
 * ngx_http_send_response() would.  What is at fault may be named by a JSON
 * Pointer or the name of a header or parameter; detail may be NULL.
 */
ngx_int_t ngx_http_boxoffice_problem_send(ngx_http_request_t *r,
    ngx_uint_t error, ngx_str_t *pointer, const char *detail);

#define ngx_http_boxoffice_refuse(r, error)                                   \
    ngx_http_boxoffice_problem_send(r, error, NULL, NULL)

/* what an error page is made of, see NGX_HTTP_BOXOFFICE_PROBLEM */
ngx_int_t ngx_http_boxoffice_problem_handler(ngx_http_request_t *r);

/* the error for a SQLSTATE of the class TK, or NGX_HTTP_BOXOFFICE_E_NONE */
ngx_uint_t ngx_http_boxoffice_problem_find(const char *sqlstate);

const ngx_http_boxoffice_error_t *ngx_http_boxoffice_problem_get(
    ngx_uint_t error);


extern ngx_module_t  ngx_http_boxoffice_module;


#endif /* _NGX_HTTP_BOXOFFICE_MODULE_H_INCLUDED_ */
