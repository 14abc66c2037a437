
/*
 * One connection to PostgreSQL.  This is the module's only way to libpq.
 */


#ifndef _NGX_HTTP_BOXOFFICE_PG_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_PG_H_INCLUDED_


#include "ngx_http_boxoffice_bind.h"


#define NGX_HTTP_BOXOFFICE_SQLSTATE_LEN  5
#define NGX_HTTP_BOXOFFICE_MESSAGE_LEN   512


typedef struct ngx_http_boxoffice_pg_s  ngx_http_boxoffice_pg_t;

typedef void (*ngx_http_boxoffice_pg_pt)(ngx_http_boxoffice_pg_t *pg);

/* NGX_AGAIN: no more until it says so */
typedef ngx_int_t (*ngx_http_boxoffice_pg_piece_pt)(
    ngx_http_boxoffice_pg_t *pg, ngx_str_t *piece);


typedef enum {
    NGX_HTTP_BOXOFFICE_PG_CLOSED = 0,
    NGX_HTTP_BOXOFFICE_PG_CONNECTING,
    NGX_HTTP_BOXOFFICE_PG_PREPARING,
    NGX_HTTP_BOXOFFICE_PG_IDLE,
    NGX_HTTP_BOXOFFICE_PG_BUSY
} ngx_http_boxoffice_pg_state_e;


/* what the owner hears; it may open, send or close from within */

typedef struct {
    ngx_http_boxoffice_pg_pt           ready;    /* idle for the first time */
    ngx_http_boxoffice_pg_pt           done;     /* a batch has its outcome */
    ngx_http_boxoffice_pg_pt           closed;   /* see was, sqlstate, rows */
    ngx_http_boxoffice_pg_piece_pt     piece;    /* of a stream; else NULL */
} ngx_http_boxoffice_pg_owner_t;


struct ngx_http_boxoffice_pg_s {
    ngx_queue_t                            queue;      /* the owner's */
    void                                  *data;       /* the owner's */
    const ngx_http_boxoffice_pg_owner_t   *owner;
    ngx_http_boxoffice_main_conf_t        *conf;
    ngx_log_t                             *log;

    ngx_uint_t                             state;
    ngx_uint_t                             was;        /* before it closed */
    void                                  *conn;       /* PGconn */
    void                                  *rows;       /* PGresult */
    ngx_connection_t                      *connection;
    ngx_event_t                            timer;

    /* of the server, since the connection was ready */
    ngx_uint_t                             max_connections;

    /* of the last batch; an empty sqlstate and no rows: it was lost */
    char                      sqlstate[NGX_HTTP_BOXOFFICE_SQLSTATE_LEN + 1];
    char                      message[NGX_HTTP_BOXOFFICE_MESSAGE_LEN];

    ngx_msec_t                             deadline;   /* of a piece */

    unsigned                               timedout:1;
    unsigned                               streams:1;
    unsigned                               paused:1;
    unsigned                               dying:1;    /* server said so */
    unsigned                               unknown:1;  /* what it calls */
};


/*
 * Reads and checks a connection string when the configuration is read.
 * Returns NULL or what is wrong with it.
 */
char *ngx_http_boxoffice_pg_parse(ngx_conf_t *cf, ngx_str_t *database,
    void **conninfo);

/* begins to connect; the owner hears ready or closed later, never at once */
ngx_int_t ngx_http_boxoffice_pg_open(ngx_http_boxoffice_pg_t *pg);

/*
 * Sends a batch.  NGX_OK: the owner will hear done or closed.  NGX_DECLINED:
 * the connection was dead and nothing has been sent; it is closed now, the
 * owner has not heard of it.
 */
ngx_int_t ngx_http_boxoffice_pg_send(ngx_http_boxoffice_pg_t *pg,
    ngx_queue_t *calls, ngx_uint_t n, const ngx_http_boxoffice_route_t *route,
    int64_t event, ngx_msec_t deadline);

/*
 * Sends a call that streams.  The owner hears each piece as it comes, which is
 * gone when it returns, then done; what has come counts only then.
 */
ngx_int_t ngx_http_boxoffice_pg_stream(ngx_http_boxoffice_pg_t *pg,
    ngx_http_boxoffice_call_t *call);

/* after NGX_AGAIN: the owner can take more */
void ngx_http_boxoffice_pg_resume(ngx_http_boxoffice_pg_t *pg);

/* takes the rows out of the connection; to be freed by the taker */
void *ngx_http_boxoffice_pg_take(ngx_http_boxoffice_pg_t *pg);
ngx_uint_t ngx_http_boxoffice_pg_count(void *rows);
ngx_int_t ngx_http_boxoffice_pg_row(void *rows, ngx_uint_t i,
    ngx_http_boxoffice_row_t *row);
void ngx_http_boxoffice_pg_free(void *rows);

/* closes without a word to the owner; also what is not open */
void ngx_http_boxoffice_pg_close(ngx_http_boxoffice_pg_t *pg);


#endif /* _NGX_HTTP_BOXOFFICE_PG_H_INCLUDED_ */
