
/*
 * One connection to PostgreSQL, over libpq in pipeline mode.
 *
 * What has to hold, and why:
 *
 *   - Events are level-triggered: PQconsumeInput() may leave bytes in the
 *     socket, and an edge would not be told again.
 *   - The descriptor belongs to libpq, which may replace it while connecting:
 *     nginx's connection around it is given up before each PQconnectPoll() and
 *     made anew after, and never closes the descriptor (c->shared).
 *   - The write event exists only while PQflush() has something left.
 *   - PQgetResult() is called only when PQisBusy() says no and an answer is
 *     awaited: it would block otherwise.
 *   - Rows count only once the synchronisation point has come: before that the
 *     commit may still fail.
 *   - A stream is read row by row.  When its owner can take no more, nothing
 *     is read from the socket until it can: the server then waits in its
 *     write, and neither side keeps more than a piece.
 *   - PQcancel() is never called, for it blocks: the dispatcher has its own
 *     deadline, and a connection that overstays it is closed.
 */


#include <libpq-fe.h>

#include "ngx_http_boxoffice_pg.h"


#define NGX_HTTP_BOXOFFICE_PG_STATEMENT  "boxoffice"
#define NGX_HTTP_BOXOFFICE_PG_OPTIONS    64


typedef struct {
    const char  *keywords[NGX_HTTP_BOXOFFICE_PG_OPTIONS];
    const char  *values[NGX_HTTP_BOXOFFICE_PG_OPTIONS];
    ngx_uint_t   n;
} ngx_http_boxoffice_pg_conninfo_t;


static ngx_uint_t ngx_http_boxoffice_pg_has_address(
    const PQconninfoOption *o);
static char *ngx_http_boxoffice_pg_check(const char *keyword,
    const char *value, ngx_uint_t has_address);
static ngx_int_t ngx_http_boxoffice_pg_pin(ngx_pool_t *pool,
    ngx_http_boxoffice_pg_conninfo_t *ci, const char *given);
static ngx_int_t ngx_http_boxoffice_pg_option(ngx_pool_t *pool,
    ngx_http_boxoffice_pg_conninfo_t *ci, const char *keyword,
    const char *value);

static void ngx_http_boxoffice_pg_connect(ngx_http_boxoffice_pg_t *pg);
static ngx_int_t ngx_http_boxoffice_pg_prepare(ngx_http_boxoffice_pg_t *pg);
static ngx_int_t ngx_http_boxoffice_pg_attach(ngx_http_boxoffice_pg_t *pg,
    ngx_int_t event);
static void ngx_http_boxoffice_pg_detach(ngx_http_boxoffice_pg_t *pg);
static ngx_int_t ngx_http_boxoffice_pg_flush(ngx_http_boxoffice_pg_t *pg);
static ngx_uint_t ngx_http_boxoffice_pg_alive(ngx_http_boxoffice_pg_t *pg);

static ngx_int_t ngx_http_boxoffice_pg_start(ngx_http_boxoffice_pg_t *pg,
    ngx_queue_t *calls, ngx_uint_t n, const ngx_http_boxoffice_route_t *route,
    int64_t event, ngx_msec_t deadline);
static ngx_uint_t ngx_http_boxoffice_pg_piece(ngx_http_boxoffice_pg_t *pg,
    PGresult *result);

static void ngx_http_boxoffice_pg_read_handler(ngx_event_t *rev);
static void ngx_http_boxoffice_pg_write_handler(ngx_event_t *wev);
static void ngx_http_boxoffice_pg_timer_handler(ngx_event_t *ev);
static void ngx_http_boxoffice_pg_consume(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pg_result(ngx_http_boxoffice_pg_t *pg,
    PGresult *result);
static void ngx_http_boxoffice_pg_synced(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pg_settings(ngx_http_boxoffice_pg_t *pg,
    PGresult *result);
static void ngx_http_boxoffice_pg_failed(ngx_http_boxoffice_pg_t *pg,
    const PGresult *result);
static void ngx_http_boxoffice_pg_lost(ngx_http_boxoffice_pg_t *pg,
    const char *why);
static void ngx_http_boxoffice_pg_forget(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pg_notice(void *arg, const PGresult *result);
static ngx_uint_t ngx_http_boxoffice_pg_is_unknown(
    const ngx_http_boxoffice_pg_t *pg);
static size_t ngx_http_boxoffice_pg_line(char *dst, const char *message);


/* one buffer a worker: libpq copies what it is given */

static ngx_http_boxoffice_bind_t  ngx_http_boxoffice_pg_bind;


static const char  ngx_http_boxoffice_pg_settings_query[] =
    "SELECT current_setting('max_connections')::int4";


/* not to be changed by the connection string */

static const char  *ngx_http_boxoffice_pg_pinned[][2] = {
    { "gssencmode", "disable" },
    { "client_encoding", "UTF8" },
    { "fallback_application_name", "nginx" },
    { NULL, NULL }
};


/*
 * Allocation locks first and looks then, each in a snapshot of its own.  What
 * an answer says depends on no taste of a role's or a database's: coordinates
 * are whole, and a backslash in a literal is one.
 */

static const char  ngx_http_boxoffice_pg_startup[] =
    " -c default_transaction_isolation=read\\ committed"
    " -c extra_float_digits=1"
    " -c standard_conforming_strings=on";


char *
ngx_http_boxoffice_pg_parse(ngx_conf_t *cf, ngx_str_t *database,
    void **conninfo)
{
    char                              *error, *wrong;
    ngx_uint_t                         has_address;
    const char                        *given;
    PQconninfoOption                  *options, *o;
    ngx_http_boxoffice_pg_conninfo_t  *ci;

    ci = ngx_pcalloc(cf->pool, sizeof(ngx_http_boxoffice_pg_conninfo_t));
    if (ci == NULL) {
        return "could not be stored";
    }

    /* a directive's argument ends with a null character */

    options = PQconninfoParse((char *) database->data, &error);

    if (options == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "boxoffice_database: %s",
                           error ? error : "out of memory");
        PQfreemem(error);
        return "is not a connection string";
    }

    wrong = NULL;
    given = "";
    has_address = ngx_http_boxoffice_pg_has_address(options);

    for (o = options; o->keyword && wrong == NULL; o++) {

        if (o->val == NULL || *o->val == '\0') {
            continue;
        }

        if (ngx_strcmp(o->keyword, "options") == 0) {
            given = o->val;
            continue;
        }

        wrong = ngx_http_boxoffice_pg_check(o->keyword, o->val,
                                            has_address);

        if (wrong == NULL
            && ngx_http_boxoffice_pg_option(cf->pool, ci, o->keyword, o->val)
               != NGX_OK)
        {
            wrong = "could not be stored";
        }
    }

    if (wrong == NULL
        && ngx_http_boxoffice_pg_pin(cf->pool, ci, given) != NGX_OK)
    {
        wrong = "could not be stored";
    }

    PQconninfoFree(options);

    if (wrong) {
        return wrong;
    }

    *conninfo = ci;

    return NULL;
}


/*
 * Adds what is pinned, and the settings that each connection starts with, after
 * those that are given: they count more than what a role or a database has.
 */

static ngx_int_t
ngx_http_boxoffice_pg_pin(ngx_pool_t *pool,
    ngx_http_boxoffice_pg_conninfo_t *ci, const char *given)
{
    size_t       len;
    u_char      *options;
    ngx_uint_t   i;

    for (i = 0; ngx_http_boxoffice_pg_pinned[i][0]; i++) {
        if (ngx_http_boxoffice_pg_option(pool, ci,
                                         ngx_http_boxoffice_pg_pinned[i][0],
                                         ngx_http_boxoffice_pg_pinned[i][1])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    len = ngx_strlen(given) + sizeof(ngx_http_boxoffice_pg_startup);

    options = ngx_pnalloc(pool, len);
    if (options == NULL) {
        return NGX_ERROR;
    }

    ngx_snprintf(options, len, "%s%s%Z", given, ngx_http_boxoffice_pg_startup);

    return ngx_http_boxoffice_pg_option(pool, ci, "options",
                                        (const char *) options);
}


static ngx_uint_t
ngx_http_boxoffice_pg_has_address(const PQconninfoOption *o)
{
    for ( /* void */ ; o->keyword; o++) {
        if (ngx_strcmp(o->keyword, "hostaddr") == 0 && o->val && *o->val) {
            return 1;
        }
    }

    return 0;
}


/*
 * What would look up a name, or try one server after the other, blocks.  Beside
 * an address a name is only what the server's certificate has to say.
 */

static char *
ngx_http_boxoffice_pg_check(const char *keyword, const char *value,
    ngx_uint_t has_address)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_boxoffice_pg_pinned[i][0]; i++) {
        if (ngx_strcmp(keyword, ngx_http_boxoffice_pg_pinned[i][0]) == 0) {
            return "sets what is pinned";
        }
    }

    if (ngx_strcmp(keyword, "host") != 0
        && ngx_strcmp(keyword, "hostaddr") != 0)
    {
        return NULL;
    }

    if (ngx_strchr(value, ',')) {
        return "has more than one host";
    }

    if (*value == '/'
        || (has_address && ngx_strcmp(keyword, "host") == 0)
        || ngx_inet_addr((u_char *) value, ngx_strlen(value)) != INADDR_NONE)
    {
        return NULL;
    }

#if (NGX_HAVE_INET6)
    {
    u_char  addr[16];

    if (ngx_inet6_addr((u_char *) value, ngx_strlen(value), addr) == NGX_OK) {
        return NULL;
    }
    }
#endif

    return "has a host that is neither a directory nor a numeric address";
}


static ngx_int_t
ngx_http_boxoffice_pg_option(ngx_pool_t *pool,
    ngx_http_boxoffice_pg_conninfo_t *ci, const char *keyword,
    const char *value)
{
    char    *copy;
    size_t   klen, vlen;

    /* both lists end with NULL */

    if (ci->n == NGX_HTTP_BOXOFFICE_PG_OPTIONS - 1) {
        return NGX_ERROR;
    }

    klen = ngx_strlen(keyword) + 1;
    vlen = ngx_strlen(value) + 1;

    copy = ngx_pnalloc(pool, klen + vlen);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, keyword, klen);
    ngx_memcpy(copy + klen, value, vlen);

    ci->keywords[ci->n] = copy;
    ci->values[ci->n] = copy + klen;
    ci->n++;

    return NGX_OK;
}


ngx_int_t
ngx_http_boxoffice_pg_open(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_pg_conninfo_t  *ci;

    ci = pg->conf->conninfo;

    pg->timedout = 0;
    pg->dying = 0;
    pg->unknown = 0;
    pg->streams = 0;
    pg->paused = 0;
    pg->sqlstate[0] = '\0';
    pg->message[0] = '\0';

    pg->conn = PQconnectStartParams(ci->keywords, ci->values, 0);

    if (pg->conn == NULL) {
        return NGX_ERROR;
    }

    pg->state = NGX_HTTP_BOXOFFICE_PG_CONNECTING;

    pg->timer.handler = ngx_http_boxoffice_pg_timer_handler;
    pg->timer.data = pg;
    pg->timer.log = pg->log;
    pg->timer.cancelable = 1;

    PQsetNoticeReceiver(pg->conn, ngx_http_boxoffice_pg_notice, pg);

    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        (void) ngx_http_boxoffice_pg_line(pg->message,
                                          PQerrorMessage(pg->conn));
        ngx_http_boxoffice_pg_close(pg);
        return NGX_ERROR;
    }

    /* as if PQconnectPoll() had returned PGRES_POLLING_WRITING */

    if (ngx_http_boxoffice_pg_attach(pg, NGX_WRITE_EVENT) != NGX_OK) {
        ngx_http_boxoffice_pg_close(pg);
        return NGX_ERROR;
    }

    ngx_add_timer(&pg->timer, pg->conf->connect_timeout);

    return NGX_OK;
}


static void
ngx_http_boxoffice_pg_connect(ngx_http_boxoffice_pg_t *pg)
{
    ngx_int_t                  event;
    PostgresPollingStatusType  status;

    ngx_http_boxoffice_pg_detach(pg);

    status = PQconnectPoll(pg->conn);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pg->log, 0,
                   "boxoffice pg connect poll: %d", (int) status);

    switch (status) {

    case PGRES_POLLING_READING:
    case PGRES_POLLING_OK:
        event = NGX_READ_EVENT;
        break;

    case PGRES_POLLING_WRITING:
        event = NGX_WRITE_EVENT;
        break;

    default:
        ngx_http_boxoffice_pg_lost(pg, PQerrorMessage(pg->conn));
        return;
    }

    if (ngx_http_boxoffice_pg_attach(pg, event) != NGX_OK) {
        ngx_http_boxoffice_pg_lost(pg, "no event");
        return;
    }

    if (status == PGRES_POLLING_OK
        && ngx_http_boxoffice_pg_prepare(pg) != NGX_OK)
    {
        ngx_http_boxoffice_pg_lost(pg, PQerrorMessage(pg->conn));
    }
}


/*
 * Prepares the statement, asks for what the pool has to fit in, and calls the
 * dispatcher with nothing to do, which compares the contracts.
 */

static ngx_int_t
ngx_http_boxoffice_pg_prepare(ngx_http_boxoffice_pg_t *pg)
{
    ngx_queue_t                 none;
    ngx_http_boxoffice_bind_t  *bind;

    bind = &ngx_http_boxoffice_pg_bind;
    ngx_queue_init(&none);

    pg->state = NGX_HTTP_BOXOFFICE_PG_PREPARING;

    if (ngx_http_boxoffice_bind_calls(bind, &none, 0,
                                      ngx_http_boxoffice_route_get(0), 0,
                                      pg->conf->connect_timeout, pg->log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (PQsetnonblocking(pg->conn, 1) == -1
        || PQenterPipelineMode(pg->conn) == 0
        || PQsendPrepare(pg->conn, NGX_HTTP_BOXOFFICE_PG_STATEMENT,
                         ngx_http_boxoffice_bind_statement,
                         NGX_HTTP_BOXOFFICE_BIND_PARAMS,
                         ngx_http_boxoffice_bind_types)
           == 0
        || PQsendQueryParams(pg->conn, ngx_http_boxoffice_pg_settings_query,
                             0, NULL, NULL, NULL, NULL, 1)
           == 0
        || PQsendQueryPrepared(pg->conn, NGX_HTTP_BOXOFFICE_PG_STATEMENT,
                               NGX_HTTP_BOXOFFICE_BIND_PARAMS,
                               bind->values, bind->lengths,
                               ngx_http_boxoffice_bind_formats, 1)
           == 0
        || PQpipelineSync(pg->conn) == 0)
    {
        return NGX_ERROR;
    }

    return ngx_http_boxoffice_pg_flush(pg);
}


static ngx_int_t
ngx_http_boxoffice_pg_attach(ngx_http_boxoffice_pg_t *pg, ngx_int_t event)
{
    ngx_event_t       *ev;
    ngx_connection_t  *c;

    c = ngx_get_connection(PQsocket(pg->conn), pg->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = pg;
    c->shared = 1;
    c->log_error = NGX_ERROR_ERR;

    c->read->handler = ngx_http_boxoffice_pg_read_handler;
    c->read->log = pg->log;
    c->write->handler = ngx_http_boxoffice_pg_write_handler;
    c->write->log = pg->log;

    pg->connection = c;

    ev = (event == NGX_READ_EVENT) ? c->read : c->write;

    return ngx_add_event(ev, event, NGX_LEVEL_EVENT);
}


static void
ngx_http_boxoffice_pg_detach(ngx_http_boxoffice_pg_t *pg)
{
    ngx_uint_t         flags;
    ngx_connection_t  *c;

    c = pg->connection;

    if (c == NULL) {
        return;
    }

    pg->connection = NULL;

    /* a socket that libpq has closed already took its events with it */

    flags = (pg->conn && PQsocket(pg->conn) == c->fd) ? 0 : NGX_CLOSE_EVENT;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }

    ngx_close_connection(c);
}


/* what is to be sent is in the buffer, and the connection is busy with it */

static ngx_int_t
ngx_http_boxoffice_pg_start(ngx_http_boxoffice_pg_t *pg, ngx_queue_t *calls,
    ngx_uint_t n, const ngx_http_boxoffice_route_t *route, int64_t event,
    ngx_msec_t deadline)
{
    ngx_http_boxoffice_bind_t  *bind;

    bind = &ngx_http_boxoffice_pg_bind;

    if (!ngx_http_boxoffice_pg_alive(pg)
        || ngx_http_boxoffice_bind_calls(bind, calls, n, route, event,
                                         deadline, pg->log)
           != NGX_OK)
    {
        ngx_http_boxoffice_pg_close(pg);
        return NGX_DECLINED;
    }

    pg->state = NGX_HTTP_BOXOFFICE_PG_BUSY;
    pg->connection->idle = 0;
    pg->timedout = 0;
    pg->unknown = 0;
    pg->sqlstate[0] = '\0';
    pg->message[0] = '\0';

    pg->timer.cancelable = 0;
    ngx_add_timer(&pg->timer, deadline + pg->conf->grace);

    return NGX_OK;
}


ngx_int_t
ngx_http_boxoffice_pg_send(ngx_http_boxoffice_pg_t *pg, ngx_queue_t *calls,
    ngx_uint_t n, const ngx_http_boxoffice_route_t *route, int64_t event,
    ngx_msec_t deadline)
{
    ngx_http_boxoffice_bind_t  *bind;

    bind = &ngx_http_boxoffice_pg_bind;

    if (ngx_http_boxoffice_pg_start(pg, calls, n, route, event, deadline)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /*
     * From here on bytes may have left, even if a function says that it has
     * failed.  The owner then hears of it from an event, not from here.
     */

    if (PQsendQueryPrepared(pg->conn, NGX_HTTP_BOXOFFICE_PG_STATEMENT,
                            NGX_HTTP_BOXOFFICE_BIND_PARAMS,
                            bind->values, bind->lengths,
                            ngx_http_boxoffice_bind_formats, 1)
        == 0
        || PQpipelineSync(pg->conn) == 0
        || ngx_http_boxoffice_pg_flush(pg) != NGX_OK)
    {
        pg->dying = 1;
        ngx_post_event(pg->connection->read, &ngx_posted_events);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_boxoffice_pg_stream(ngx_http_boxoffice_pg_t *pg,
    ngx_http_boxoffice_call_t *call)
{
    ngx_queue_t                 calls;
    ngx_http_boxoffice_bind_t  *bind;

    bind = &ngx_http_boxoffice_pg_bind;

    ngx_queue_init(&calls);
    ngx_queue_insert_tail(&calls, &call->queue);

    pg->deadline = call->route->deadline;

    if (ngx_http_boxoffice_pg_start(pg, &calls, 1, call->route, call->event,
                                    pg->deadline)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    pg->streams = 1;
    pg->paused = 0;

    if (PQsendQueryParams(pg->conn, ngx_http_boxoffice_bind_stream,
                          NGX_HTTP_BOXOFFICE_BIND_PARAMS,
                          ngx_http_boxoffice_bind_types,
                          bind->values, bind->lengths,
                          ngx_http_boxoffice_bind_formats, 1)
        == 0
        || PQsetSingleRowMode(pg->conn) == 0
        || PQpipelineSync(pg->conn) == 0
        || ngx_http_boxoffice_pg_flush(pg) != NGX_OK)
    {
        ngx_http_boxoffice_pg_close(pg);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* gives the owner a piece; 0: no more for now, or the connection is gone */

static ngx_uint_t
ngx_http_boxoffice_pg_piece(ngx_http_boxoffice_pg_t *pg, PGresult *result)
{
    void       *conn;
    ngx_int_t   rc;
    ngx_str_t   piece;

    conn = pg->conn;

    piece.data = (u_char *) PQgetvalue(result, 0, 0);
    piece.len = PQgetlength(result, 0, 0);

    rc = pg->owner->piece(pg, &piece);

    PQclear(result);

    if (pg->conn != conn) {
        return 0;
    }

    if (rc != NGX_AGAIN) {
        ngx_add_timer(&pg->timer, pg->deadline + pg->conf->grace);
        return 1;
    }

    /* how long the client takes is not the server's doing */

    pg->paused = 1;

    if (pg->timer.timer_set) {
        ngx_del_timer(&pg->timer);
    }

    if (pg->connection->read->active) {
        (void) ngx_del_event(pg->connection->read, NGX_READ_EVENT, 0);
    }

    return 0;
}


void
ngx_http_boxoffice_pg_resume(ngx_http_boxoffice_pg_t *pg)
{
    if (!pg->paused) {
        return;
    }

    pg->paused = 0;

    ngx_add_timer(&pg->timer, pg->deadline + pg->conf->grace);

    if (ngx_add_event(pg->connection->read, NGX_READ_EVENT, NGX_LEVEL_EVENT)
        != NGX_OK)
    {
        ngx_http_boxoffice_pg_lost(pg, "no event");
        return;
    }

    /* what libpq has already is not told by an event */

    ngx_post_event(pg->connection->read, &ngx_posted_events);
}


/*
 * Whether an idle connection is still there.  What dies while idle is told by
 * an event, yet maybe only after the one that brought the batch.
 */

static ngx_uint_t
ngx_http_boxoffice_pg_alive(ngx_http_boxoffice_pg_t *pg)
{
    char     buf[1];
    ssize_t  n;

    n = recv(PQsocket(pg->conn), buf, 1, MSG_PEEK|MSG_DONTWAIT);

    if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
        return !pg->dying;
    }

    if (n <= 0 || PQconsumeInput(pg->conn) == 0) {
        return 0;
    }

    /* a notice, or the server's farewell: see ngx_http_boxoffice_pg_notice() */

    (void) PQisBusy(pg->conn);

    return !pg->dying && PQstatus(pg->conn) == CONNECTION_OK;
}


static ngx_int_t
ngx_http_boxoffice_pg_flush(ngx_http_boxoffice_pg_t *pg)
{
    int           rc;
    ngx_event_t  *wev;

    wev = pg->connection->write;
    rc = PQflush(pg->conn);

    if (rc == -1) {
        return NGX_ERROR;
    }

    if (rc == 1 && !wev->active) {
        return ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }

    if (rc == 0 && wev->active) {
        return ngx_del_event(wev, NGX_WRITE_EVENT, 0);
    }

    return NGX_OK;
}


static void
ngx_http_boxoffice_pg_read_handler(ngx_event_t *rev)
{
    ngx_connection_t         *c;
    ngx_http_boxoffice_pg_t  *pg;

    c = rev->data;
    pg = c->data;

    if (c->close) {

        /* a worker that quits closes what is idle, or all when it must */

        ngx_http_boxoffice_pg_lost(pg, NULL);
        return;
    }

    if (pg->state == NGX_HTTP_BOXOFFICE_PG_CONNECTING) {
        ngx_http_boxoffice_pg_connect(pg);
        return;
    }

    ngx_http_boxoffice_pg_consume(pg);
}


static void
ngx_http_boxoffice_pg_write_handler(ngx_event_t *wev)
{
    ngx_connection_t         *c;
    ngx_http_boxoffice_pg_t  *pg;

    c = wev->data;
    pg = c->data;

    if (pg->state == NGX_HTTP_BOXOFFICE_PG_CONNECTING) {
        ngx_http_boxoffice_pg_connect(pg);
        return;
    }

    if (ngx_http_boxoffice_pg_flush(pg) != NGX_OK) {
        ngx_http_boxoffice_pg_lost(pg, PQerrorMessage(pg->conn));
    }
}


static void
ngx_http_boxoffice_pg_timer_handler(ngx_event_t *ev)
{
    ngx_http_boxoffice_pg_t  *pg;

    pg = ev->data;
    pg->timedout = 1;

    ngx_http_boxoffice_pg_lost(pg, "timed out");
}


/*
 * Reads what has come, and takes all results that are complete; also those
 * that came just before the connection broke.
 */

static void
ngx_http_boxoffice_pg_consume(ngx_http_boxoffice_pg_t *pg)
{
    int          rc;
    PGconn      *conn;
    PGresult    *result;
    ngx_uint_t   ends;

    conn = pg->conn;
    ends = 0;

    /* of a stream what libpq has comes first, or it would keep all of it */

    rc = (pg->streams && !PQisBusy(conn)) ? 1 : PQconsumeInput(conn);

    while (pg->conn == conn && !pg->paused && !PQisBusy(conn)
           && pg->state != NGX_HTTP_BOXOFFICE_PG_IDLE)
    {
        result = PQgetResult(conn);

        if (result) {
            ends = 0;

            if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
                if (!ngx_http_boxoffice_pg_piece(pg, result)) {
                    return;
                }

                continue;
            }

            ngx_http_boxoffice_pg_result(pg, result);
            continue;
        }

        /* one is the end of a query's results; two: there is no more */

        if (++ends == 2) {
            pg->dying = 1;
            break;
        }
    }

    if (pg->conn == conn
        && (rc == 0 || pg->dying || PQstatus(conn) == CONNECTION_BAD))
    {
        ngx_http_boxoffice_pg_lost(pg, PQerrorMessage(conn));
    }
}


static void
ngx_http_boxoffice_pg_result(ngx_http_boxoffice_pg_t *pg, PGresult *result)
{
    switch (PQresultStatus(result)) {

    case PGRES_TUPLES_OK:

        if (pg->state == NGX_HTTP_BOXOFFICE_PG_BUSY) {
            PQclear(pg->rows);
            pg->rows = result;
            return;
        }

        ngx_http_boxoffice_pg_settings(pg, result);
        break;

    case PGRES_PIPELINE_SYNC:
        PQclear(result);
        ngx_http_boxoffice_pg_synced(pg);
        return;

    case PGRES_COMMAND_OK:
    case PGRES_PIPELINE_ABORTED:
        break;

    default:
        ngx_http_boxoffice_pg_failed(pg, result);
        break;
    }

    PQclear(result);
}


static void
ngx_http_boxoffice_pg_synced(ngx_http_boxoffice_pg_t *pg)
{
    ngx_uint_t  state;

    state = pg->state;

    if (state == NGX_HTTP_BOXOFFICE_PG_PREPARING && pg->sqlstate[0]) {
        ngx_http_boxoffice_pg_lost(pg, NULL);
        return;
    }

    if (pg->timer.timer_set) {
        ngx_del_timer(&pg->timer);
    }

    pg->state = NGX_HTTP_BOXOFFICE_PG_IDLE;
    pg->connection->idle = 1;

    if (pg->sqlstate[0]) {

        /* the row had come, then the commit failed */

        ngx_http_boxoffice_pg_forget(pg);
    }

    if (state == NGX_HTTP_BOXOFFICE_PG_PREPARING) {
        pg->owner->ready(pg);
        return;
    }

    pg->owner->done(pg);
}


static void
ngx_http_boxoffice_pg_settings(ngx_http_boxoffice_pg_t *pg, PGresult *result)
{
    uint32_t  n;

    if (PQntuples(result) == 1 && PQnfields(result) == 1
        && PQgetlength(result, 0, 0) == 4)
    {
        ngx_memcpy(&n, PQgetvalue(result, 0, 0), 4);
        pg->max_connections = ntohl(n);
    }
}


/* keeps the first error of a batch: it is the one that says why */

static void
ngx_http_boxoffice_pg_failed(ngx_http_boxoffice_pg_t *pg,
    const PGresult *result)
{
    char  *sqlstate, *message, *within;
    char   context[NGX_HTTP_BOXOFFICE_MESSAGE_LEN];

    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (pg->sqlstate[0]) {
        return;
    }

    if (message == NULL) {
        message = PQresultErrorMessage(result);
    }

    (void) ngx_http_boxoffice_pg_line(pg->message, message);

    /* libpq's own errors have no code: the connection was lost */

    if (sqlstate && ngx_strlen(sqlstate) == NGX_HTTP_BOXOFFICE_SQLSTATE_LEN) {
        ngx_memcpy(pg->sqlstate, sqlstate,
                   NGX_HTTP_BOXOFFICE_SQLSTATE_LEN + 1);
    }

    within = PQresultErrorField(result, PG_DIAG_CONTEXT);

    (void) ngx_http_boxoffice_pg_line(context, within);

    pg->unknown = within == NULL && ngx_http_boxoffice_pg_is_unknown(pg);

    ngx_log_error(NGX_LOG_INFO, pg->log, 0,
                  "boxoffice: PostgreSQL refused: %s %s, context: %s",
                  pg->sqlstate, pg->message, context);
}


/*
 * Of an error without a context, so not from inside of what our statement
 * calls: whether that is not there, or not ours to call, any more.  The message
 * of one that was dropped this instant is never translated.
 */

static ngx_uint_t
ngx_http_boxoffice_pg_is_unknown(const ngx_http_boxoffice_pg_t *pg)
{
    static const char  gone[] = "cache lookup failed for ";

    return ngx_strncmp(pg->sqlstate, "42", 2) == 0
           || ngx_strncmp(pg->sqlstate, "3F", 2) == 0
           || (ngx_strcmp(pg->sqlstate, "XX000") == 0
               && ngx_strncmp(pg->message, gone, sizeof(gone) - 1) == 0);
}


/* tells the owner that a connection is gone, in whatever state it was */

static void
ngx_http_boxoffice_pg_lost(ngx_http_boxoffice_pg_t *pg, const char *why)
{
    if (why && pg->message[0] == '\0') {
        (void) ngx_http_boxoffice_pg_line(pg->message, why);
    }

    pg->was = pg->state;

    if (pg->rows && pg->sqlstate[0] != '\0') {

        /* rows before the farewell: it may have been committed */

        pg->sqlstate[0] = '\0';
    }

    ngx_http_boxoffice_pg_close(pg);

    pg->owner->closed(pg);
}


void
ngx_http_boxoffice_pg_close(ngx_http_boxoffice_pg_t *pg)
{
    if (pg->timer.timer_set) {
        ngx_del_timer(&pg->timer);
    }

    ngx_http_boxoffice_pg_forget(pg);
    ngx_http_boxoffice_pg_detach(pg);

    if (pg->conn) {
        PQfinish(pg->conn);
        pg->conn = NULL;
    }

    pg->state = NGX_HTTP_BOXOFFICE_PG_CLOSED;
}


static void
ngx_http_boxoffice_pg_forget(ngx_http_boxoffice_pg_t *pg)
{
    PQclear(pg->rows);
    pg->rows = NULL;
}


void *
ngx_http_boxoffice_pg_take(ngx_http_boxoffice_pg_t *pg)
{
    void  *rows;

    rows = pg->rows;
    pg->rows = NULL;

    return rows;
}


ngx_uint_t
ngx_http_boxoffice_pg_count(void *rows)
{
    return rows ? PQntuples(rows) : 0;
}


ngx_int_t
ngx_http_boxoffice_pg_row(void *rows, ngx_uint_t i,
    ngx_http_boxoffice_row_t *row)
{
    uint32_t  n;

    if (PQnfields(rows) != 5 || PQgetlength(rows, i, 0) != 4
        || PQgetlength(rows, i, 1) > 1)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(&n, PQgetvalue(rows, i, 0), 4);
    row->status = ntohl(n);

    row->replayed = PQgetlength(rows, i, 1) && *PQgetvalue(rows, i, 1);

    row->retry_after = 0;

    if (PQgetlength(rows, i, 2) == 4) {
        ngx_memcpy(&n, PQgetvalue(rows, i, 2), 4);
        row->retry_after = ntohl(n);
    }

    row->etag.data = (u_char *) PQgetvalue(rows, i, 3);
    row->etag.len = PQgetlength(rows, i, 3);

    row->body.data = (u_char *) PQgetvalue(rows, i, 4);
    row->body.len = PQgetlength(rows, i, 4);

    return NGX_OK;
}


void
ngx_http_boxoffice_pg_free(void *rows)
{
    PQclear(rows);
}


static void
ngx_http_boxoffice_pg_notice(void *arg, const PGresult *result)
{
    ngx_http_boxoffice_pg_t *pg = arg;

    char        *severity, *sqlstate, *message;
    char         line[NGX_HTTP_BOXOFFICE_MESSAGE_LEN];
    ngx_uint_t   level;

    severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    level = NGX_LOG_NOTICE;

    if (severity && (ngx_strcmp(severity, "FATAL") == 0
                     || ngx_strcmp(severity, "PANIC") == 0))
    {
        pg->dying = 1;
        (void) ngx_http_boxoffice_pg_line(pg->message, message);
    }

    if (severity && ngx_strcmp(severity, "WARNING") == 0) {
        level = NGX_LOG_WARN;
    }

    (void) ngx_http_boxoffice_pg_line(line, message);

    ngx_log_error(level, pg->log, 0, "boxoffice: PostgreSQL says: %s %s %s",
                  severity ? severity : "", sqlstate ? sqlstate : "", line);
}


/* one line of at most NGX_HTTP_BOXOFFICE_MESSAGE_LEN - 1 characters */

static size_t
ngx_http_boxoffice_pg_line(char *dst, const char *message)
{
    size_t  n;

    for (n = 0;
         message && message[n] && n < NGX_HTTP_BOXOFFICE_MESSAGE_LEN - 1;
         n++)
    {
        dst[n] = ((u_char) message[n] < 0x20) ? ' ' : message[n];
    }

    while (n && dst[n - 1] == ' ') {
        n--;
    }

    dst[n] = '\0';

    return n;
}
