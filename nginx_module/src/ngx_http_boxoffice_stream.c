
/*
 * Answers of any length, made while they are sent.
 *
 * Each has a connection of its own, which is made for it and closed after it:
 * exports never take one that sells, a worker has so many at once and no more,
 * and the backend's memory goes with it.  A client that leaves closes the
 * connection, and the server's next write ends the statement.
 *
 *   - One piece is on the way at a time.  While the client has not taken it,
 *     nothing is read from the server (see ngx_http_boxoffice_pg_piece()).
 *   - The first row is the status: a refusal is answered as any other.
 *   - What went wrong after that ends in a reset: a file that is not whole
 *     must not look as if it were, in any version of HTTP.
 *   - The last chunk is sent after the synchronisation point.
 *   - The server's deadline and ours hold for a piece, and send_timeout for
 *     a client that takes nothing.
 *   - An open snapshot makes hot rows slow, so an export has an end, too: the
 *     whole may take so long, and a client must take so much of it a second
 *     while we wait for it.  A server that is slow is not the client's fault:
 *     only a window that was spent waiting for the client, for the most part,
 *     is judged.
 */


#include <linux/sockios.h>

#include "ngx_http_boxoffice_stream.h"
#include "ngx_http_boxoffice_lane.h"
#include "ngx_http_boxoffice_metrics.h"
#include "ngx_http_boxoffice_pool.h"


#define NGX_HTTP_BOXOFFICE_STREAM_PIECE  (96 * 1024)


typedef struct {
    ngx_http_boxoffice_pg_t       pg;
    ngx_http_boxoffice_call_t    *call;      /* NULL: not in use */
    ngx_http_cleanup_pt          *cleanup;
    ngx_buf_t                    *buf;
    size_t                        size;      /* of buf */
    ngx_event_t                   watch;     /* ends a window, or the whole */
    ngx_msec_t                    start;
    ngx_msec_t                    waited;    /* for the client: in all, */
    ngx_msec_t                    window;    /* in this window, */
    ngx_msec_t                    since;     /* and since then, if waiting */
    off_t                         sent;      /* before this window */
    int                           queued;    /* then, by the kernel */
    unsigned                      begun:1;   /* the status has come */
    unsigned                      waiting:1;
} ngx_http_boxoffice_stream_t;


static void ngx_http_boxoffice_stream_ready(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_stream_done(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_stream_closed(ngx_http_boxoffice_pg_t *pg);
static ngx_int_t ngx_http_boxoffice_stream_piece(ngx_http_boxoffice_pg_t *pg,
    ngx_str_t *piece);
static void ngx_http_boxoffice_stream_begin(ngx_http_boxoffice_stream_t *s,
    ngx_str_t *piece);
static ngx_int_t ngx_http_boxoffice_stream_header(
    ngx_http_boxoffice_call_t *call);
static ngx_int_t ngx_http_boxoffice_stream_name(
    ngx_http_boxoffice_call_t *call, ngx_str_t *attachment);
static ngx_int_t ngx_http_boxoffice_stream_send(ngx_http_boxoffice_stream_t *s,
    ngx_str_t *piece);
static ngx_int_t ngx_http_boxoffice_stream_reserve(
    ngx_http_boxoffice_stream_t *s, size_t size);
static ngx_int_t ngx_http_boxoffice_stream_wait(
    ngx_http_boxoffice_stream_t *s);
static void ngx_http_boxoffice_stream_writer(ngx_http_request_t *r);
static void ngx_http_boxoffice_stream_waits(ngx_http_boxoffice_stream_t *s,
    ngx_uint_t waiting);
static void ngx_http_boxoffice_stream_watch(
    ngx_http_boxoffice_stream_t *s);
static void ngx_http_boxoffice_stream_watch_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_boxoffice_stream_slow(
    ngx_http_boxoffice_stream_t *s);
static off_t ngx_http_boxoffice_stream_taken(ngx_http_boxoffice_stream_t *s);
static int ngx_http_boxoffice_stream_queued(ngx_http_boxoffice_stream_t *s);
static void ngx_http_boxoffice_stream_cut(ngx_http_boxoffice_stream_t *s,
    const char *why, const char *parameter);
static void ngx_http_boxoffice_stream_count(void);
static void ngx_http_boxoffice_stream_fail(ngx_http_boxoffice_stream_t *s);
static void ngx_http_boxoffice_stream_break(ngx_http_boxoffice_stream_t *s);
static void ngx_http_boxoffice_stream_reset(ngx_http_request_t *r);
static void ngx_http_boxoffice_stream_finish(ngx_http_request_t *r,
    ngx_int_t rc);
static void ngx_http_boxoffice_stream_release(ngx_http_boxoffice_stream_t *s);
static void ngx_http_boxoffice_stream_cleanup(void *data);


static ngx_http_boxoffice_stream_t  *ngx_http_boxoffice_streams;
static ngx_uint_t                    ngx_http_boxoffice_nstreams;


static const ngx_http_boxoffice_pg_owner_t  ngx_http_boxoffice_stream_pg = {
    ngx_http_boxoffice_stream_ready,
    ngx_http_boxoffice_stream_done,
    ngx_http_boxoffice_stream_closed,
    ngx_http_boxoffice_stream_piece
};


ngx_int_t
ngx_http_boxoffice_stream_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_main_conf_t *conf)
{
    ngx_uint_t                    i;
    ngx_http_boxoffice_stream_t  *s;

    s = ngx_pcalloc(cycle->pool, conf->streams_max
                                 * sizeof(ngx_http_boxoffice_stream_t));
    if (s == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->streams_max; i++) {
        s[i].pg.owner = &ngx_http_boxoffice_stream_pg;
        s[i].pg.conf = conf;
        s[i].pg.log = cycle->log;
        s[i].pg.data = &s[i];

        s[i].watch.handler = ngx_http_boxoffice_stream_watch_handler;
        s[i].watch.data = &s[i];
        s[i].watch.log = cycle->log;
    }

    ngx_http_boxoffice_streams = s;
    ngx_http_boxoffice_nstreams = conf->streams_max;

    return NGX_OK;
}


void
ngx_http_boxoffice_stream_exit(void)
{
    ngx_uint_t  i;

    for (i = 0; i < ngx_http_boxoffice_nstreams; i++) {
        ngx_http_boxoffice_pg_close(&ngx_http_boxoffice_streams[i].pg);
    }
}


ngx_int_t
ngx_http_boxoffice_stream_start(ngx_http_boxoffice_call_t *call)
{
    ngx_uint_t                    i;
    ngx_http_request_t           *r;
    ngx_http_cleanup_t           *cln;
    ngx_http_boxoffice_stream_t  *s;

    r = call->request;

    if (ngx_http_boxoffice_pool_is_down()) {
        return NGX_DECLINED;
    }

    for (i = 0; i < ngx_http_boxoffice_nstreams; i++) {
        if (ngx_http_boxoffice_streams[i].call == NULL) {
            break;
        }
    }

    if (i == ngx_http_boxoffice_nstreams) {
        return NGX_BUSY;
    }

    s = &ngx_http_boxoffice_streams[i];

    cln = ngx_http_cleanup_add(r, 0);

    if (cln == NULL || ngx_http_boxoffice_pg_open(&s->pg) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* a client waits for this connection: a worker that quits stays for it */

    s->pg.timer.cancelable = 0;

    cln->handler = ngx_http_boxoffice_stream_cleanup;
    cln->data = s;

    s->call = call;
    s->cleanup = &cln->handler;
    s->buf = NULL;
    s->size = 0;
    s->start = ngx_current_msec;
    s->waited = 0;
    s->window = 0;
    s->sent = r->connection->sent;
    s->queued = 0;
    s->begun = 0;
    s->waiting = 0;

    ngx_http_boxoffice_stream_watch(s);
    ngx_http_boxoffice_stream_count();

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_OK;
}


static void
ngx_http_boxoffice_stream_ready(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_stream_t  *s;

    s = pg->data;

    if (ngx_http_boxoffice_pg_stream(pg, s->call) != NGX_OK) {
        ngx_http_boxoffice_stream_fail(s);
    }
}


static void
ngx_http_boxoffice_stream_closed(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_stream_fail(pg->data);
}


static void
ngx_http_boxoffice_stream_done(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_request_t           *r;
    ngx_http_boxoffice_stream_t  *s;

    s = pg->data;

    if (pg->sqlstate[0] || !s->begun) {
        ngx_http_boxoffice_stream_fail(s);
        return;
    }

    r = s->call->request;

    ngx_http_boxoffice_stream_release(s);

    ngx_http_boxoffice_stream_finish(r,
                                     ngx_http_send_special(r, NGX_HTTP_LAST));
}


static ngx_int_t
ngx_http_boxoffice_stream_piece(ngx_http_boxoffice_pg_t *pg, ngx_str_t *piece)
{
    ngx_int_t                     rc;
    ngx_http_boxoffice_stream_t  *s;

    s = pg->data;

    if (!s->begun) {
        ngx_http_boxoffice_stream_begin(s, piece);
        return NGX_OK;
    }

    rc = ngx_http_boxoffice_stream_send(s, piece);

    if (rc == NGX_ERROR) {
        ngx_http_boxoffice_stream_break(s);
    }

    return rc;
}


/* "200", or another status, a blank and the problem document */

static void
ngx_http_boxoffice_stream_begin(ngx_http_boxoffice_stream_t *s,
    ngx_str_t *piece)
{
    ngx_int_t                   rc, status;
    ngx_http_request_t         *r;
    ngx_http_boxoffice_row_t    row;
    ngx_http_boxoffice_call_t  *call;

    s->begun = 1;
    call = s->call;
    r = call->request;

    ngx_http_set_log_request(r->connection->log, r);

    status = (piece->len < 3) ? NGX_ERROR : ngx_atoi(piece->data, 3);

    if (status != NGX_HTTP_OK) {
        ngx_memzero(&row, sizeof(ngx_http_boxoffice_row_t));

        row.status = (status == NGX_ERROR) ? 0 : status;

        if (piece->len > 4) {
            row.body.data = piece->data + 4;
            row.body.len = piece->len - 4;
        }

        ngx_http_boxoffice_stream_release(s);
        ngx_http_boxoffice_reply_row(call, &row);
        return;
    }

    rc = ngx_http_boxoffice_stream_header(call);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_boxoffice_stream_release(s);
        ngx_http_boxoffice_stream_finish(r, rc);
    }
}


static ngx_int_t
ngx_http_boxoffice_stream_header(ngx_http_boxoffice_call_t *call)
{
    ngx_str_t            attachment;
    ngx_http_request_t  *r;

    static ngx_str_t  no_store = ngx_string("no-store");

    r = call->request;

    if (ngx_http_boxoffice_stream_name(call, &attachment) != NGX_OK) {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = -1;

    ngx_http_boxoffice_reply_type(r, &call->route->type);
    ngx_http_boxoffice_reply_plain(call);
    ngx_http_boxoffice_reply_untagged(r);

    if (ngx_http_boxoffice_reply_common(r, &call->request_id) != NGX_OK
        || ngx_http_boxoffice_header(r, "Cache-Control", &no_store) != NGX_OK
        || ngx_http_boxoffice_header(r, "Content-Disposition", &attachment)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_send_header(r);
}


/* a file is saved, not shown, by the last part of its path in the contract */

static ngx_int_t
ngx_http_boxoffice_stream_name(ngx_http_boxoffice_call_t *call,
    ngx_str_t *attachment)
{
    u_char     *p, *last;
    ngx_str_t   name;

    name = call->route->path;
    last = name.data + name.len;

    for (p = last; p > name.data && p[-1] != '/'; p--) { /* void */ }

    name.data = p;
    name.len = last - p;

    p = ngx_pnalloc(call->request->pool,
                    sizeof("attachment; filename=\"\"") - 1 + name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    attachment->data = p;
    attachment->len = ngx_sprintf(p, "attachment; filename=\"%V\"", &name)
                      - p;

    return NGX_OK;
}


/* NGX_AGAIN: the client has not taken all of it yet */

static ngx_int_t
ngx_http_boxoffice_stream_send(ngx_http_boxoffice_stream_t *s,
    ngx_str_t *piece)
{
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = s->call->request;

    ngx_http_set_log_request(r->connection->log, r);

    if (ngx_http_boxoffice_stream_reserve(s, piece->len) != NGX_OK) {
        return NGX_ERROR;
    }

    b = s->buf;
    b->pos = b->start;
    b->last = ngx_cpymem(b->start, piece->data, piece->len);
    b->flush = 1;

    out.buf = b;
    out.next = NULL;

    if (ngx_http_output_filter(r, &out) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return ngx_http_boxoffice_stream_wait(s);
}


/* one buffer, which is free again when the piece in it has been taken */

static ngx_int_t
ngx_http_boxoffice_stream_reserve(ngx_http_boxoffice_stream_t *s, size_t size)
{
    ngx_pool_t  *pool;

    if (size <= s->size) {
        return NGX_OK;
    }

    pool = s->call->request->pool;

    if (s->buf) {
        (void) ngx_pfree(pool, s->buf->start);
    }

    s->size = ngx_max(size, NGX_HTTP_BOXOFFICE_STREAM_PIECE);
    s->buf = ngx_create_temp_buf(pool, s->size);

    return s->buf ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_boxoffice_stream_wait(ngx_http_boxoffice_stream_t *s)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = s->call->request;
    wev = r->connection->write;

    if (!r->connection->buffered && !r->buffered && r->out == NULL) {

        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        r->write_event_handler = ngx_http_request_empty_handler;

        ngx_http_boxoffice_stream_waits(s, 0);

        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    r->write_event_handler = ngx_http_boxoffice_stream_writer;

    /* limit_rate is not the client's doing */

    ngx_http_boxoffice_stream_waits(s, !wev->delayed);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static void
ngx_http_boxoffice_stream_writer(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_event_t                  *wev;
    ngx_http_boxoffice_stream_t  *s;

    for (i = 0; i < ngx_http_boxoffice_nstreams; i++) {
        s = &ngx_http_boxoffice_streams[i];

        if (s->call && s->call->request == r) {
            break;
        }
    }

    if (i == ngx_http_boxoffice_nstreams) {
        return;
    }

    wev = r->connection->write;

    if (wev->timedout) {
        ngx_http_boxoffice_stream_cut(s, "the client took nothing for too "
                                      "long", "send_timeout");
        return;
    }

    rc = NGX_OK;

    if (!wev->delayed) {
        rc = ngx_http_output_filter(r, NULL);
    }

    if (rc != NGX_ERROR) {
        rc = ngx_http_boxoffice_stream_wait(s);
    }

    if (rc == NGX_ERROR) {
        ngx_http_boxoffice_stream_break(s);
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_boxoffice_pg_resume(&s->pg);
    }
}


/* adds up how long the client kept us waiting */

static void
ngx_http_boxoffice_stream_waits(ngx_http_boxoffice_stream_t *s,
    ngx_uint_t waiting)
{
    if (s->waiting) {
        s->waited += ngx_current_msec - s->since;
        s->window += ngx_current_msec - s->since;
    }

    s->waiting = waiting;
    s->since = ngx_current_msec;
}


static void
ngx_http_boxoffice_stream_watch(ngx_http_boxoffice_stream_t *s)
{
    ngx_msec_t  left;

    left = s->start + s->pg.conf->streams_time - ngx_current_msec;

    ngx_add_timer(&s->watch, ngx_min(left, s->pg.conf->streams_window));
}


static void
ngx_http_boxoffice_stream_watch_handler(ngx_event_t *ev)
{
    ngx_http_boxoffice_stream_t  *s;

    s = ev->data;

    ngx_http_boxoffice_stream_waits(s, s->waiting);

    if (ngx_current_msec - s->start >= s->pg.conf->streams_time) {
        ngx_http_boxoffice_stream_cut(s, "it takes too long",
                                      "time= of boxoffice_exports");
        return;
    }

    if (ngx_http_boxoffice_stream_slow(s)) {
        ngx_http_boxoffice_stream_cut(s, "the client reads too slowly",
                                      "rate= of boxoffice_exports");
        return;
    }

    s->window = 0;
    s->sent = s->call->request->connection->sent;
    s->queued = ngx_http_boxoffice_stream_queued(s);

    ngx_http_boxoffice_stream_watch(s);
}


static ngx_uint_t
ngx_http_boxoffice_stream_slow(ngx_http_boxoffice_stream_t *s)
{
    off_t  taken;

    if (!s->begun || s->window < s->pg.conf->streams_window / 2) {
        return 0;
    }

    taken = ngx_http_boxoffice_stream_taken(s);

    return taken < (off_t) (s->pg.conf->streams_rate * s->window / 1000);
}


/*
 * Sent is what the kernel has taken, in megabytes at a time: what it has left
 * of that is not with the client yet.  Over HTTP/2 it has other streams' bytes
 * as well, and only fewer of them tell something.
 */

static off_t
ngx_http_boxoffice_stream_taken(ngx_http_boxoffice_stream_t *s)
{
    off_t                drained;
    ngx_http_request_t  *r;

    r = s->call->request;
    drained = s->queued - ngx_http_boxoffice_stream_queued(s);

    if (r->stream && drained < 0) {
        drained = 0;
    }

    return r->connection->sent - s->sent + drained;
}


static int
ngx_http_boxoffice_stream_queued(ngx_http_boxoffice_stream_t *s)
{
    int  n;

    if (ioctl(s->call->request->connection->fd, SIOCOUTQ, &n) == -1) {
        return 0;
    }

    return n;
}


/* by a rule of ours; the operator is told which one, and where to change it */

static void
ngx_http_boxoffice_stream_cut(ngx_http_boxoffice_stream_t *s,
    const char *why, const char *parameter)
{
    ngx_connection_t           *c;
    ngx_http_boxoffice_call_t  *call;

    call = s->call;
    c = call->request->connection;

    ngx_http_boxoffice_stream_waits(s, 0);

    ngx_log_error(NGX_LOG_WARN, c->log, 0,
                  "boxoffice: \"%V\" cut off: %s (%s); %O bytes were sent "
                  "in %M ms, of which %M ms were spent waiting for the "
                  "client; request id %V",
                  &call->route->operation, why, parameter, c->sent,
                  ngx_current_msec - s->start, s->waited, &call->request_id);

    if (s->begun) {
        ngx_http_boxoffice_stream_break(s);
        return;
    }

    ngx_http_boxoffice_stream_release(s);
    ngx_http_boxoffice_reply_problem(call, NGX_HTTP_BOXOFFICE_E_DEADLINE,
                                     NULL);
}


/* the server gave up, or is gone */

static void
ngx_http_boxoffice_stream_fail(ngx_http_boxoffice_stream_t *s)
{
    ngx_uint_t                  error;
    ngx_http_boxoffice_call_t  *call;

    call = s->call;

    if (s->pg.timedout) {
        error = NGX_HTTP_BOXOFFICE_E_DEADLINE;

    } else if (s->pg.sqlstate[0]) {
        error = ngx_http_boxoffice_lane_error(&s->pg);

    } else {
        error = NGX_HTTP_BOXOFFICE_E_UNAVAILABLE;
    }

    ngx_log_error(NGX_LOG_ERR, s->pg.log, 0,
                  "boxoffice: \"%V\" broken off, \"%V\": %s %s; request id %V",
                  &call->route->operation,
                  &ngx_http_boxoffice_problem_get(error)->name,
                  s->pg.sqlstate, s->pg.message, &call->request_id);

    if (s->begun) {
        ngx_http_boxoffice_stream_break(s);
        return;
    }

    ngx_http_boxoffice_stream_release(s);
    ngx_http_boxoffice_reply_problem(call, error, NULL);
}


/* so that the client can't take what it has for the whole */

static void
ngx_http_boxoffice_stream_break(ngx_http_boxoffice_stream_t *s)
{
    ngx_http_request_t  *r;

    r = s->call->request;

    ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_EXPORT_BROKEN);

    ngx_http_boxoffice_stream_release(s);
    ngx_http_boxoffice_stream_reset(r);
    ngx_http_boxoffice_stream_finish(r, NGX_ERROR);
}


static void
ngx_http_boxoffice_stream_reset(ngx_http_request_t *r)
{
    struct linger      linger;
    ngx_connection_t  *c;

    c = r->connection;

    /*
     * HTTP/2: others share the connection, and nginx resets the stream.
     * Were it marked as timed out, reset_timedout_connection would take what
     * the others have not read yet with it.
     */

    if (r->stream) {
        return;
    }

    c->timedout = 1;

    linger.l_onoff = 1;
    linger.l_linger = 0;

    if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER, (const void *) &linger,
                   sizeof(struct linger))
        == -1)
    {
        ngx_log_error(NGX_LOG_INFO, c->log, ngx_socket_errno,
                      "setsockopt(SO_LINGER) failed");
    }
}


static void
ngx_http_boxoffice_stream_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_boxoffice_stream_release(ngx_http_boxoffice_stream_t *s)
{
    *s->cleanup = NULL;
    s->call = NULL;

    if (s->watch.timer_set) {
        ngx_del_timer(&s->watch);
    }

    ngx_http_boxoffice_pg_close(&s->pg);
    ngx_http_boxoffice_stream_count();
}


static void
ngx_http_boxoffice_stream_count(void)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < ngx_http_boxoffice_nstreams; i++) {
        if (ngx_http_boxoffice_streams[i].call) {
            n++;
        }
    }

    ngx_http_boxoffice_metrics_gauge(NGX_HTTP_BOXOFFICE_G_EXPORTS, n);
}


static void
ngx_http_boxoffice_stream_cleanup(void *data)
{
    ngx_http_boxoffice_stream_release(data);
}
