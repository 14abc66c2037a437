
/*
 * A worker's connections to PostgreSQL: which of them are free, and when to
 * connect again.
 *
 * Connections are opened one after the other, so that many workers that start
 * at once do not flood the server.  When one cannot be opened, the next attempt
 * waits for twice as long, with jitter, as after a crash of one backend all
 * workers lose all connections in the same millisecond.
 */


#include "ngx_http_boxoffice_pool.h"
#include "ngx_http_boxoffice_metrics.h"


#define NGX_HTTP_BOXOFFICE_POOL_DELAY      50
#define NGX_HTTP_BOXOFFICE_POOL_DELAY_MAX  2000


typedef struct {
    ngx_http_boxoffice_main_conf_t         *conf;
    const ngx_http_boxoffice_pool_owner_t  *owner;
    ngx_log_t                              *log;

    ngx_http_boxoffice_pg_t                *pgs;
    ngx_uint_t                              size;    /* at most conf's */
    ngx_uint_t                              open;    /* idle or busy */
    ngx_uint_t                              nidle;
    ngx_queue_t                             idle;
    ngx_queue_t                             closed;
    ngx_http_boxoffice_pg_t                *opening;

    ngx_event_t                             timer;
    ngx_msec_t                              delay;

    unsigned                                down:1;
    unsigned                                foreign:1;
    unsigned                                checked:1;
} ngx_http_boxoffice_pool_t;


static void ngx_http_boxoffice_pool_connect(void);
static void ngx_http_boxoffice_pool_later(void);
static void ngx_http_boxoffice_pool_timer_handler(ngx_event_t *ev);
static void ngx_http_boxoffice_pool_ready(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pool_done(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pool_closed(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pool_refused(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pool_fit(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_pool_gauge(void);


static ngx_http_boxoffice_pool_t  ngx_http_boxoffice_pool;


static const ngx_http_boxoffice_pg_owner_t  ngx_http_boxoffice_pool_pg = {
    ngx_http_boxoffice_pool_ready,
    ngx_http_boxoffice_pool_done,
    ngx_http_boxoffice_pool_closed,
    NULL
};


ngx_int_t
ngx_http_boxoffice_pool_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_main_conf_t *conf,
    const ngx_http_boxoffice_pool_owner_t *owner)
{
    ngx_uint_t                  i;
    ngx_http_boxoffice_pg_t    *pg;
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    pool->conf = conf;
    pool->owner = owner;
    pool->log = cycle->log;
    pool->size = conf->pool_size;
    pool->delay = NGX_HTTP_BOXOFFICE_POOL_DELAY;

    ngx_queue_init(&pool->idle);
    ngx_queue_init(&pool->closed);

    pool->timer.handler = ngx_http_boxoffice_pool_timer_handler;
    pool->timer.data = pool;
    pool->timer.log = cycle->log;
    pool->timer.cancelable = 1;

    pool->pgs = ngx_pcalloc(cycle->pool,
                            pool->size * sizeof(ngx_http_boxoffice_pg_t));
    if (pool->pgs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < pool->size; i++) {
        pg = &pool->pgs[i];

        pg->owner = &ngx_http_boxoffice_pool_pg;
        pg->conf = conf;
        pg->log = cycle->log;

        ngx_queue_insert_tail(&pool->closed, &pg->queue);
    }

    ngx_http_boxoffice_pool_connect();

    return NGX_OK;
}


void
ngx_http_boxoffice_pool_exit(void)
{
    ngx_uint_t                  i;
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    for (i = 0; pool->pgs && i < pool->conf->pool_size; i++) {
        ngx_http_boxoffice_pg_close(&pool->pgs[i]);
    }

    if (pool->timer.timer_set) {
        ngx_del_timer(&pool->timer);
    }
}


ngx_http_boxoffice_pg_t *
ngx_http_boxoffice_pool_get(void)
{
    ngx_queue_t                *q;
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    if (ngx_queue_empty(&pool->idle)) {

        /* a worker that quits has closed them all, but a call came late */

        if (pool->open == 0 && !pool->down && !pool->timer.timer_set) {
            ngx_http_boxoffice_pool_connect();
        }

        return NULL;
    }

    /* the one used last is the warmest */

    q = ngx_queue_head(&pool->idle);
    ngx_queue_remove(q);
    pool->nidle--;

    ngx_http_boxoffice_pool_gauge();

    return ngx_queue_data(q, ngx_http_boxoffice_pg_t, queue);
}


void
ngx_http_boxoffice_pool_put(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    if (pg->state == NGX_HTTP_BOXOFFICE_PG_CLOSED) {
        ngx_queue_insert_tail(&pool->closed, &pg->queue);
        pool->open--;
        ngx_http_boxoffice_pool_later();

    } else {
        ngx_queue_insert_head(&pool->idle, &pg->queue);
        pool->nidle++;
    }

    ngx_http_boxoffice_pool_gauge();
}


void
ngx_http_boxoffice_pool_distrust(void)
{
    ngx_http_boxoffice_pg_t  *pg;

    while (!ngx_queue_empty(&ngx_http_boxoffice_pool.idle)) {

        pg = ngx_http_boxoffice_pool_get();

        ngx_http_boxoffice_pg_close(pg);
        ngx_http_boxoffice_pool_put(pg);
    }
}


static void
ngx_http_boxoffice_pool_connect(void)
{
    ngx_queue_t                *q;
    ngx_http_boxoffice_pg_t    *pg;
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    if (pool->opening || pool->open >= pool->size
        || ngx_queue_empty(&pool->closed))
    {
        return;
    }

    q = ngx_queue_head(&pool->closed);
    ngx_queue_remove(q);

    pg = ngx_queue_data(q, ngx_http_boxoffice_pg_t, queue);
    pool->opening = pg;

    if (ngx_http_boxoffice_pg_open(pg) != NGX_OK) {
        ngx_http_boxoffice_pool_refused(pg);
    }
}


/* 50 % to 150 % of the delay from now */

static void
ngx_http_boxoffice_pool_later(void)
{
    ngx_msec_t                  jitter;
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    if (pool->timer.timer_set || ngx_exiting) {
        return;
    }

    jitter = (ngx_msec_t) ngx_random() % (pool->delay + 1);

    ngx_add_timer(&pool->timer, pool->delay / 2 + jitter);
}


static void
ngx_http_boxoffice_pool_timer_handler(ngx_event_t *ev)
{
    ngx_http_boxoffice_pool_connect();
}


static void
ngx_http_boxoffice_pool_ready(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    if (pool->down) {
        ngx_log_error(NGX_LOG_NOTICE, pool->log, 0,
                      "boxoffice: PostgreSQL answers again");
    }

    pool->opening = NULL;
    pool->open++;
    pool->down = 0;
    pool->foreign = 0;
    pool->delay = NGX_HTTP_BOXOFFICE_POOL_DELAY;

    ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_CONNECTED);

    ngx_http_boxoffice_pool_fit(pg);
    ngx_http_boxoffice_pool_put(pg);
    ngx_http_boxoffice_pool_connect();

    pool->owner->ready();
}


static void
ngx_http_boxoffice_pool_done(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_pool.owner->done(pg);
}


static void
ngx_http_boxoffice_pool_closed(ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    if (pg == pool->opening) {
        ngx_http_boxoffice_pool_refused(pg);
        return;
    }

    /* by a worker that quits it was closed on purpose */

    if (!ngx_exiting) {
        ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_LOST);

        ngx_log_error(NGX_LOG_ERR, pool->log, 0,
                      "boxoffice: connection to PostgreSQL lost: %s",
                      pg->message);
    }

    if (pg->was == NGX_HTTP_BOXOFFICE_PG_BUSY) {
        pool->owner->lost(pg);
        return;
    }

    ngx_queue_remove(&pg->queue);
    pool->nidle--;

    ngx_http_boxoffice_pool_put(pg);
}


static void
ngx_http_boxoffice_pool_refused(ngx_http_boxoffice_pg_t *pg)
{
    ngx_uint_t                  level;
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    pool->opening = NULL;
    ngx_queue_insert_tail(&pool->closed, &pg->queue);

    if (ngx_exiting && pool->open) {
        return;
    }

    ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_REFUSED);

    level = pool->down ? NGX_LOG_INFO : NGX_LOG_ERR;

    ngx_log_error(level, pool->log, 0,
                  "boxoffice: no connection to PostgreSQL: %s %s",
                  pg->sqlstate, pg->message);

    pool->foreign = pg->unknown
                    || ngx_http_boxoffice_problem_find(pg->sqlstate)
                       == NGX_HTTP_BOXOFFICE_E_CONTRACT_MISMATCH;

    ngx_http_boxoffice_pool_later();

    pool->delay = ngx_min(pool->delay * 2, NGX_HTTP_BOXOFFICE_POOL_DELAY_MAX);

    if (pool->open == 0) {
        pool->down = 1;
        pool->owner->down();
    }
}


/*
 * While nginx reloads there are two generations of workers: both have to fit
 * into what the server has, beside what others need.
 */

static void
ngx_http_boxoffice_pool_fit(ngx_http_boxoffice_pg_t *pg)
{
    ngx_uint_t                  n, workers, reserve;
    ngx_core_conf_t            *ccf;
    ngx_http_boxoffice_pool_t  *pool;

    pool = &ngx_http_boxoffice_pool;

    if (pool->checked || pg->max_connections == 0) {
        return;
    }

    pool->checked = 1;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);
    workers = ngx_max(ccf->worker_processes, 1);
    reserve = pool->conf->pool_reserve
              + workers * pool->conf->streams_max * 2;

    if (workers * pool->size * 2 + reserve <= pg->max_connections) {
        return;
    }

    n = 0;

    if (pg->max_connections > reserve) {
        n = (pg->max_connections - reserve) / (workers * 2);
    }

    n = ngx_max(n, 1);

    if (ngx_worker == 0) {
        ngx_log_error(NGX_LOG_ERR, pool->log, 0,
                      "boxoffice: %ui workers with %ui connections each, twice "
                      "during a reload, and %ui for exports and in reserve "
                      "exceed PostgreSQL's "
                      "%ui: each worker takes %ui",
                      workers, pool->size, reserve,
                      pg->max_connections, n);
    }

    pool->size = n;
}


ngx_uint_t
ngx_http_boxoffice_pool_is_down(void)
{
    return ngx_http_boxoffice_pool.down;
}


ngx_uint_t
ngx_http_boxoffice_pool_is_foreign(void)
{
    return ngx_http_boxoffice_pool.foreign;
}


ngx_uint_t
ngx_http_boxoffice_pool_size(void)
{
    return ngx_http_boxoffice_pool.size;
}


ngx_uint_t
ngx_http_boxoffice_pool_open(void)
{
    return ngx_http_boxoffice_pool.open;
}


ngx_uint_t
ngx_http_boxoffice_pool_idle(void)
{
    return ngx_http_boxoffice_pool.nidle;
}


static void
ngx_http_boxoffice_pool_gauge(void)
{
    ngx_http_boxoffice_metrics_gauge(NGX_HTTP_BOXOFFICE_G_OPEN,
                                     ngx_http_boxoffice_pool.open);
    ngx_http_boxoffice_metrics_gauge(NGX_HTTP_BOXOFFICE_G_IDLE,
                                     ngx_http_boxoffice_pool.nidle);
}
