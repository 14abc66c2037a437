
/*
 * Lanes: where calls wait, how they are joined, and whose turn it is.
 *
 * A hot row in PostgreSQL is locked until its transaction has been flushed, so
 * single calls would sell at the speed of one flush at a time.  Here the calls
 * of one operation and event wait in one lane while a batch of theirs is on
 * the way; when it is back, all that wait go together.  An idle lane sends its
 * first call at once.
 *
 *   - In a flood the next batch waits a moment for those who were answered just
 *     now, see ngx_http_boxoffice_lane_gather().
 *   - A lane of a route that is not joined (no "lane" in the contract) sends
 *     its calls one by one, as many at a time as there are connections.
 *   - Lanes that have something to send stand in one ring and take turns.
 *   - An event may have at most three connections in four.  Its lanes step out
 *     of the ring when it has them, and back in when one is free again.  As
 *     only the hottest can meet that limit, the others find a free one.
 *   - The limit of a batch is halved when one takes too long, and grows again.
 *     Too long is the target, or twice the shortest of late if that is more:
 *     on a slow disk small batches would only be slow and small.
 *
 * When a batch fails, see ngx_http_boxoffice_lane_verdict().
 */


#include "ngx_http_boxoffice_lane.h"
#include "ngx_http_boxoffice_metrics.h"
#include "ngx_http_boxoffice_pool.h"


#define NGX_HTTP_BOXOFFICE_BUCKETS    1024   /* a power of two */
#define NGX_HTTP_BOXOFFICE_LIMIT_MIN  128
#define NGX_HTTP_BOXOFFICE_GATHER_MIN 32
#define NGX_HTTP_BOXOFFICE_SWEEP      50


typedef struct {
    ngx_queue_t                        link;      /* in its bucket */
    int64_t                            id;
    ngx_uint_t                         lanes;     /* that refer to it */
    ngx_uint_t                         inflight;  /* batches */
    ngx_queue_t                        parked;    /* lanes, by turn */
} ngx_http_boxoffice_event_t;


struct ngx_http_boxoffice_lane_s {
    ngx_queue_t                        link;      /* in its bucket */
    ngx_queue_t                        use;       /* active, or unused */
    ngx_queue_t                        turn;      /* ready, or parked */
    const ngx_http_boxoffice_route_t  *route;
    ngx_http_boxoffice_event_t        *event;

    ngx_queue_t                        calls;
    ngx_uint_t                         waiting;
    ngx_uint_t                         inflight;  /* batches */
    ngx_uint_t                         limit;     /* calls in a batch */
    ngx_uint_t                         shortest;  /* 1/16 ms */
    ngx_uint_t                         expected;  /* while it gathers */
    ngx_event_t                        gather;    /* a timer */

    unsigned                           active:1;
    unsigned                           queued:1;  /* has a place in turn */
};


typedef struct ngx_http_boxoffice_batch_s  ngx_http_boxoffice_batch_t;

struct ngx_http_boxoffice_batch_s {
    ngx_http_boxoffice_batch_t        *next;      /* half, or free */
    ngx_http_boxoffice_lane_t         *lane;
    ngx_queue_t                        calls;
    ngx_uint_t                         n;
    ngx_msec_t                         start;
    unsigned                           retried:1;
};


typedef enum {
    NGX_HTTP_BOXOFFICE_ANSWER = 0,
    NGX_HTTP_BOXOFFICE_AGAIN,
    NGX_HTTP_BOXOFFICE_SPLIT,
    NGX_HTTP_BOXOFFICE_REFUSE
} ngx_http_boxoffice_verdict_e;


typedef struct {
    ngx_http_boxoffice_main_conf_t    *conf;
    ngx_log_t                         *log;

    ngx_queue_t                        lanes[NGX_HTTP_BOXOFFICE_BUCKETS];
    ngx_queue_t                        events[NGX_HTTP_BOXOFFICE_BUCKETS];
    ngx_uint_t                         nlanes;

    ngx_queue_t                        active;    /* waiting or in flight */
    ngx_queue_t                        unused;    /* longest unused first */
    ngx_queue_t                        ready;
    ngx_http_boxoffice_batch_t        *free;
    ngx_uint_t                         waiting;

    ngx_event_t                        dispatch;  /* posted */
    ngx_event_t                        down;      /* posted */
    ngx_event_t                        sweep;     /* a timer */
} ngx_http_boxoffice_lanes_t;


static ngx_http_boxoffice_lane_t *ngx_http_boxoffice_lane_find(
    const ngx_http_boxoffice_route_t *route, int64_t event);
static ngx_http_boxoffice_lane_t *ngx_http_boxoffice_lane_create(
    const ngx_http_boxoffice_route_t *route, int64_t event);
static ngx_http_boxoffice_event_t *ngx_http_boxoffice_lane_event(int64_t id);
static ngx_uint_t ngx_http_boxoffice_lane_bucket(
    const ngx_http_boxoffice_route_t *route, int64_t event);
static void ngx_http_boxoffice_lane_destroy(ngx_http_boxoffice_lane_t *lane);
static void ngx_http_boxoffice_lane_offer(ngx_http_boxoffice_lane_t *lane);
static void ngx_http_boxoffice_lane_rest(ngx_http_boxoffice_lane_t *lane);
static void ngx_http_boxoffice_lane_gather(ngx_http_boxoffice_lane_t *lane,
    ngx_uint_t n, ngx_msec_t took);
static void ngx_http_boxoffice_lane_gather_handler(ngx_event_t *ev);

static void ngx_http_boxoffice_lane_dispatch_handler(ngx_event_t *ev);
static void ngx_http_boxoffice_lane_dispatch(void);
static ngx_uint_t ngx_http_boxoffice_lane_share(void);
static ngx_int_t ngx_http_boxoffice_lane_send(ngx_http_boxoffice_lane_t *lane,
    ngx_http_boxoffice_pg_t *pg);
static ngx_http_boxoffice_batch_t *ngx_http_boxoffice_lane_take(
    ngx_http_boxoffice_lane_t *lane);
static ngx_int_t ngx_http_boxoffice_lane_flush(
    ngx_http_boxoffice_batch_t *batch, ngx_http_boxoffice_pg_t *pg);
static ngx_msec_t ngx_http_boxoffice_lane_deadline(
    ngx_http_boxoffice_batch_t *batch);

static void ngx_http_boxoffice_lane_ready(void);
static void ngx_http_boxoffice_lane_done(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_lane_lost(ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_lane_down(void);
static ngx_uint_t ngx_http_boxoffice_lane_verdict(
    ngx_http_boxoffice_batch_t *batch, ngx_http_boxoffice_pg_t *pg,
    ngx_uint_t *error);
static void ngx_http_boxoffice_lane_split(ngx_http_boxoffice_batch_t *batch);
static void ngx_http_boxoffice_lane_finish(ngx_http_boxoffice_batch_t *batch,
    ngx_http_boxoffice_pg_t *pg);
static void ngx_http_boxoffice_lane_release(ngx_http_boxoffice_lane_t *lane);
static void ngx_http_boxoffice_lane_adapt(ngx_http_boxoffice_lane_t *lane,
    ngx_uint_t n, ngx_msec_t took);
static void ngx_http_boxoffice_lane_answer(ngx_http_boxoffice_batch_t *batch,
    void *rows);
static void ngx_http_boxoffice_lane_refuse(ngx_http_boxoffice_batch_t *batch,
    ngx_uint_t error);
static void ngx_http_boxoffice_lane_return(ngx_http_boxoffice_batch_t *batch);

static void ngx_http_boxoffice_lane_down_handler(ngx_event_t *ev);
static void ngx_http_boxoffice_lane_sweep_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_boxoffice_lane_sweep(ngx_uint_t error,
    ngx_uint_t all);
static void ngx_http_boxoffice_lane_collect(ngx_http_boxoffice_lane_t *lane,
    ngx_http_boxoffice_batch_t *batch, ngx_uint_t all);
static void ngx_http_boxoffice_lane_remove(ngx_http_boxoffice_call_t *call);

static ngx_http_boxoffice_batch_t *ngx_http_boxoffice_batch_create(
    ngx_http_boxoffice_lane_t *lane);
static void ngx_http_boxoffice_batch_free(ngx_http_boxoffice_batch_t *batch);


static ngx_http_boxoffice_lanes_t  ngx_http_boxoffice_lanes;


static const ngx_http_boxoffice_pool_owner_t  ngx_http_boxoffice_lane_pool = {
    ngx_http_boxoffice_lane_ready,
    ngx_http_boxoffice_lane_done,
    ngx_http_boxoffice_lane_lost,
    ngx_http_boxoffice_lane_down
};


ngx_int_t
ngx_http_boxoffice_lane_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_main_conf_t *conf)
{
    ngx_uint_t                   i;
    ngx_http_boxoffice_lanes_t  *lanes;

    lanes = &ngx_http_boxoffice_lanes;

    lanes->conf = conf;
    lanes->log = cycle->log;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_BUCKETS; i++) {
        ngx_queue_init(&lanes->lanes[i]);
        ngx_queue_init(&lanes->events[i]);
    }

    ngx_queue_init(&lanes->active);
    ngx_queue_init(&lanes->unused);
    ngx_queue_init(&lanes->ready);

    lanes->dispatch.handler = ngx_http_boxoffice_lane_dispatch_handler;
    lanes->dispatch.data = lanes;
    lanes->dispatch.log = cycle->log;

    lanes->down.handler = ngx_http_boxoffice_lane_down_handler;
    lanes->down.data = lanes;
    lanes->down.log = cycle->log;

    lanes->sweep.handler = ngx_http_boxoffice_lane_sweep_handler;
    lanes->sweep.data = lanes;
    lanes->sweep.log = cycle->log;

    return ngx_http_boxoffice_pool_init(cycle, conf,
                                        &ngx_http_boxoffice_lane_pool);
}


void
ngx_http_boxoffice_lane_exit(void)
{
    ngx_http_boxoffice_pool_exit();
}


ngx_int_t
ngx_http_boxoffice_lane_add(ngx_http_boxoffice_call_t *call)
{
    ngx_http_boxoffice_lane_t   *lane;
    ngx_http_boxoffice_lanes_t  *lanes;

    lanes = &ngx_http_boxoffice_lanes;

    if (ngx_http_boxoffice_pool_is_down()) {
        return NGX_DECLINED;
    }

    if (lanes->waiting >= lanes->conf->queue_max) {
        return NGX_BUSY;
    }

    lane = ngx_http_boxoffice_lane_find(call->route, call->event);

    if (lane == NULL) {
        lane = ngx_http_boxoffice_lane_create(call->route, call->event);

        if (lane == NULL) {
            return NGX_BUSY;
        }
    }

    call->lane = lane;
    call->sent = 0;

    call->size = sizeof(ngx_http_boxoffice_call_t) + call->params.len
                 + call->body_len;

    ngx_queue_insert_tail(&lane->calls, &call->queue);
    lane->waiting++;
    lanes->waiting++;

    ngx_http_boxoffice_metrics_gauge(NGX_HTTP_BOXOFFICE_G_WAITING,
                                     lanes->waiting);

    ngx_http_boxoffice_lane_offer(lane);

    /* after all that came with the same turn of the event loop */

    ngx_post_event(&lanes->dispatch, &ngx_posted_events);

    if (!lanes->sweep.timer_set) {
        ngx_add_timer(&lanes->sweep, NGX_HTTP_BOXOFFICE_SWEEP);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_boxoffice_lane_cancel(ngx_http_boxoffice_call_t *call)
{
    if (call->lane == NULL || call->sent) {
        return NGX_DECLINED;
    }

    ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_ABANDONED);
    ngx_http_boxoffice_lane_remove(call);

    return NGX_OK;
}


/* takes a waiting call out of its lane */

static void
ngx_http_boxoffice_lane_remove(ngx_http_boxoffice_call_t *call)
{
    ngx_http_boxoffice_lane_t   *lane;
    ngx_http_boxoffice_lanes_t  *lanes;

    lanes = &ngx_http_boxoffice_lanes;
    lane = call->lane;

    ngx_queue_remove(&call->queue);
    call->lane = NULL;

    lane->waiting--;
    lanes->waiting--;

    ngx_http_boxoffice_metrics_gauge(NGX_HTTP_BOXOFFICE_G_WAITING,
                                     lanes->waiting);

    ngx_http_boxoffice_lane_rest(lane);
}


static ngx_http_boxoffice_lane_t *
ngx_http_boxoffice_lane_find(const ngx_http_boxoffice_route_t *route,
    int64_t event)
{
    ngx_uint_t                  bucket;
    ngx_queue_t                *q, *head;
    ngx_http_boxoffice_lane_t  *lane;

    bucket = ngx_http_boxoffice_lane_bucket(route, event);
    head = &ngx_http_boxoffice_lanes.lanes[bucket];

    for (q = ngx_queue_head(head); q != head; q = ngx_queue_next(q)) {
        lane = ngx_queue_data(q, ngx_http_boxoffice_lane_t, link);

        if (lane->route == route && lane->event->id == event) {
            return lane;
        }
    }

    return NULL;
}


/* NULL if there are as many as may be, and all are in use */

static ngx_http_boxoffice_lane_t *
ngx_http_boxoffice_lane_create(const ngx_http_boxoffice_route_t *route,
    int64_t event)
{
    ngx_uint_t                   bucket;
    ngx_queue_t                 *q;
    ngx_http_boxoffice_lane_t   *lane;
    ngx_http_boxoffice_lanes_t  *lanes;

    lanes = &ngx_http_boxoffice_lanes;

    if (lanes->nlanes >= lanes->conf->lanes_max) {

        if (ngx_queue_empty(&lanes->unused)) {
            return NULL;
        }

        q = ngx_queue_head(&lanes->unused);
        ngx_http_boxoffice_lane_destroy(
                           ngx_queue_data(q, ngx_http_boxoffice_lane_t, use));
    }

    lane = ngx_calloc(sizeof(ngx_http_boxoffice_lane_t), lanes->log);
    if (lane == NULL) {
        return NULL;
    }

    lane->event = ngx_http_boxoffice_lane_event(event);
    if (lane->event == NULL) {
        ngx_free(lane);
        return NULL;
    }

    lane->event->lanes++;
    lane->route = route;
    lane->limit = route->lane ? lanes->conf->batch_max : 1;
    ngx_queue_init(&lane->calls);

    lane->gather.handler = ngx_http_boxoffice_lane_gather_handler;
    lane->gather.data = lane;
    lane->gather.log = lanes->log;
    lane->gather.cancelable = 1;

    bucket = ngx_http_boxoffice_lane_bucket(route, event);

    ngx_queue_insert_head(&lanes->lanes[bucket], &lane->link);
    ngx_queue_insert_tail(&lanes->unused, &lane->use);
    lanes->nlanes++;

    ngx_http_boxoffice_metrics_gauge(NGX_HTTP_BOXOFFICE_G_LANES,
                                     lanes->nlanes);

    return lane;
}


static ngx_http_boxoffice_event_t *
ngx_http_boxoffice_lane_event(int64_t id)
{
    ngx_uint_t                   bucket;
    ngx_queue_t                 *q, *head;
    ngx_http_boxoffice_event_t  *event;

    bucket = ngx_http_boxoffice_lane_bucket(NULL, id);
    head = &ngx_http_boxoffice_lanes.events[bucket];

    for (q = ngx_queue_head(head); q != head; q = ngx_queue_next(q)) {
        event = ngx_queue_data(q, ngx_http_boxoffice_event_t, link);

        if (event->id == id) {
            return event;
        }
    }

    event = ngx_calloc(sizeof(ngx_http_boxoffice_event_t),
                       ngx_http_boxoffice_lanes.log);
    if (event == NULL) {
        return NULL;
    }

    event->id = id;
    ngx_queue_init(&event->parked);
    ngx_queue_insert_head(head, &event->link);

    return event;
}


/*
 * Ids are time and a counter, clients make up others.  The multiplier is the
 * golden ratio's (Knuth, TAOCP 3, 6.4).
 */

static ngx_uint_t
ngx_http_boxoffice_lane_bucket(const ngx_http_boxoffice_route_t *route,
    int64_t event)
{
    uint64_t  h;

    h = (uint64_t) event;

    if (route) {
        h += ngx_http_boxoffice_route_index(route) + 1;
    }

    h *= 0x9e3779b97f4a7c15ULL;

    return (ngx_uint_t) (h >> 40) & (NGX_HTTP_BOXOFFICE_BUCKETS - 1);
}


static void
ngx_http_boxoffice_lane_destroy(ngx_http_boxoffice_lane_t *lane)
{
    if (lane->gather.timer_set) {
        ngx_del_timer(&lane->gather);
    }

    ngx_queue_remove(&lane->link);
    ngx_queue_remove(&lane->use);
    ngx_http_boxoffice_lanes.nlanes--;

    if (--lane->event->lanes == 0) {
        ngx_queue_remove(&lane->event->link);
        ngx_free(lane->event);
    }

    ngx_free(lane);
}


/* gives a lane its place among those that have something to send */

static void
ngx_http_boxoffice_lane_offer(ngx_http_boxoffice_lane_t *lane)
{
    if (!lane->active) {
        lane->active = 1;
        ngx_queue_remove(&lane->use);
        ngx_queue_insert_tail(&ngx_http_boxoffice_lanes.active, &lane->use);
    }

    if (lane->queued || lane->waiting == 0
        || (lane->route->lane && lane->inflight))
    {
        return;
    }

    if (lane->gather.timer_set) {

        if (lane->waiting < ngx_min(lane->expected, lane->limit)) {
            return;
        }

        ngx_del_timer(&lane->gather);
    }

    lane->queued = 1;
    ngx_queue_insert_tail(&ngx_http_boxoffice_lanes.ready, &lane->turn);
}


/* a lane with nothing to send and nothing on the way is not in use */

static void
ngx_http_boxoffice_lane_rest(ngx_http_boxoffice_lane_t *lane)
{
    if (lane->waiting) {
        return;
    }

    if (lane->queued) {
        lane->queued = 0;
        ngx_queue_remove(&lane->turn);
    }

    if (lane->inflight == 0 && lane->active) {
        lane->active = 0;
        ngx_queue_remove(&lane->use);
        ngx_queue_insert_tail(&ngx_http_boxoffice_lanes.unused, &lane->use);
    }
}


/*
 * Buyers who were answered just now often ask again at once.  Would those leave
 * without them who came while the batch was on the way, there were two crowds
 * in turn, and two locks and two flushes where one of each is enough.  So the
 * next batch waits for as many calls as the last one had, but no longer than
 * half the time that one took, nor than the target.
 */

static void
ngx_http_boxoffice_lane_gather(ngx_http_boxoffice_lane_t *lane, ngx_uint_t n,
    ngx_msec_t took)
{
    ngx_msec_t  wait;

    wait = ngx_min(took / 2, ngx_http_boxoffice_lanes.conf->batch_target);

    if (n >= NGX_HTTP_BOXOFFICE_GATHER_MIN && wait) {
        lane->expected = n;
        ngx_add_timer(&lane->gather, wait);
    }
}


static void
ngx_http_boxoffice_lane_gather_handler(ngx_event_t *ev)
{
    ngx_http_boxoffice_lane_t  *lane;

    lane = ev->data;

    if (lane->waiting) {
        ngx_http_boxoffice_lane_offer(lane);
        ngx_http_boxoffice_lane_dispatch();
    }
}


static void
ngx_http_boxoffice_lane_dispatch_handler(ngx_event_t *ev)
{
    ngx_http_boxoffice_lane_dispatch();
}


static void
ngx_http_boxoffice_lane_dispatch(void)
{
    ngx_int_t                    rc;
    ngx_queue_t                 *q;
    ngx_http_boxoffice_pg_t     *pg;
    ngx_http_boxoffice_lane_t   *lane;
    ngx_http_boxoffice_lanes_t  *lanes;

    lanes = &ngx_http_boxoffice_lanes;

    while (!ngx_queue_empty(&lanes->ready)) {

        q = ngx_queue_head(&lanes->ready);
        lane = ngx_queue_data(q, ngx_http_boxoffice_lane_t, turn);

        if (lane->event->inflight >= ngx_http_boxoffice_lane_share()) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&lane->event->parked, q);
            continue;
        }

        pg = ngx_http_boxoffice_pool_get();
        if (pg == NULL) {
            return;
        }

        ngx_queue_remove(q);
        lane->queued = 0;

        rc = ngx_http_boxoffice_lane_send(lane, pg);

        if (rc != NGX_OK) {
            ngx_http_boxoffice_pool_put(pg);
        }

        ngx_http_boxoffice_lane_offer(lane);
        ngx_http_boxoffice_lane_rest(lane);

        if (rc == NGX_ERROR) {
            return;
        }
    }
}


/* how many connections one event may have: one in four is for others */

static ngx_uint_t
ngx_http_boxoffice_lane_share(void)
{
    ngx_uint_t  size;

    size = ngx_http_boxoffice_pool_size();

    return size - (size > 1 ? (size + 3) / 4 : 0);
}


/*
 * NGX_DECLINED if the connection was not used, or is closed; NGX_ERROR if there
 * is no memory: the calls wait for another turn, or their deadline.
 */

static ngx_int_t
ngx_http_boxoffice_lane_send(ngx_http_boxoffice_lane_t *lane,
    ngx_http_boxoffice_pg_t *pg)
{
    ngx_queue_t                 *q;
    ngx_http_boxoffice_call_t   *call;
    ngx_http_boxoffice_batch_t  *batch;

    batch = ngx_http_boxoffice_lane_take(lane);
    if (batch == NULL) {
        return lane->waiting ? NGX_ERROR : NGX_DECLINED;
    }

    for (q = ngx_queue_head(&batch->calls);
         q != ngx_queue_sentinel(&batch->calls);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);

        call->sent = 1;
        call->batch = batch->n;
        call->request->main->blocked++;
    }

    lane->inflight++;
    lane->event->inflight++;

    if (ngx_http_boxoffice_lane_flush(batch, pg) == NGX_OK) {
        return NGX_OK;
    }

    /* nothing has been sent: to the front, for another connection */

    ngx_http_boxoffice_lane_return(batch);
    ngx_http_boxoffice_lane_release(lane);

    return NGX_DECLINED;
}


static ngx_http_boxoffice_batch_t *
ngx_http_boxoffice_lane_take(ngx_http_boxoffice_lane_t *lane)
{
    size_t                       size;
    ngx_queue_t                 *q;
    ngx_http_boxoffice_call_t   *call;
    ngx_http_boxoffice_batch_t  *batch;
    ngx_http_boxoffice_lanes_t  *lanes;

    lanes = &ngx_http_boxoffice_lanes;

    if (lane->waiting == 0) {
        return NULL;
    }

    batch = ngx_http_boxoffice_batch_create(lane);
    if (batch == NULL) {
        return NULL;
    }

    size = 0;

    while (lane->waiting && batch->n < lane->limit) {

        q = ngx_queue_head(&lane->calls);
        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);

        size += call->size;

        if (batch->n && size > lanes->conf->batch_bytes_max) {
            break;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&batch->calls, q);
        batch->n++;
        lane->waiting--;
        lanes->waiting--;
    }

    ngx_http_boxoffice_metrics_gauge(NGX_HTTP_BOXOFFICE_G_WAITING,
                                     lanes->waiting);

    return batch;
}


static ngx_int_t
ngx_http_boxoffice_lane_flush(ngx_http_boxoffice_batch_t *batch,
    ngx_http_boxoffice_pg_t *pg)
{
    batch->start = ngx_current_msec;
    pg->data = batch;

    return ngx_http_boxoffice_pg_send(pg, &batch->calls, batch->n,
                                    batch->lane->route, batch->lane->event->id,
                                    ngx_http_boxoffice_lane_deadline(batch));
}


/* what is left for the one that waited longest: the first */

static ngx_msec_t
ngx_http_boxoffice_lane_deadline(ngx_http_boxoffice_batch_t *batch)
{
    ngx_queue_t                *q;
    ngx_msec_int_t              left;
    ngx_http_boxoffice_call_t  *call;

    q = ngx_queue_head(&batch->calls);
    call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);

    left = (ngx_msec_int_t) (call->deadline - ngx_current_msec);

    return ngx_max(left, 1);
}


static void
ngx_http_boxoffice_lane_ready(void)
{
    ngx_post_event(&ngx_http_boxoffice_lanes.dispatch, &ngx_posted_events);
}


static void
ngx_http_boxoffice_lane_done(ngx_http_boxoffice_pg_t *pg)
{
    void                        *rows;
    ngx_uint_t                   verdict, error;
    ngx_http_boxoffice_batch_t  *batch;

    batch = pg->data;
    rows = ngx_http_boxoffice_pg_take(pg);

    verdict = NGX_HTTP_BOXOFFICE_ANSWER;
    error = NGX_HTTP_BOXOFFICE_E_INTERNAL;

    if (pg->sqlstate[0]) {
        verdict = ngx_http_boxoffice_lane_verdict(batch, pg, &error);

    } else if (ngx_http_boxoffice_pg_count(rows) != batch->n) {
        ngx_log_error(NGX_LOG_ALERT, pg->log, 0,
                      "boxoffice: \"%V\" answered %ui of %ui calls",
                      &batch->lane->route->operation,
                      ngx_http_boxoffice_pg_count(rows), batch->n);
        verdict = NGX_HTTP_BOXOFFICE_REFUSE;
    }

    if (verdict == NGX_HTTP_BOXOFFICE_SPLIT) {
        ngx_http_boxoffice_lane_split(batch);
    }

    if (verdict == NGX_HTTP_BOXOFFICE_SPLIT
        || verdict == NGX_HTTP_BOXOFFICE_AGAIN)
    {
        if (ngx_http_boxoffice_lane_flush(batch, pg) == NGX_OK) {
            return;
        }

        /* the connection has died since: it was rolled back, no harm done */

        error = NGX_HTTP_BOXOFFICE_E_UNAVAILABLE;
    }

    if (verdict == NGX_HTTP_BOXOFFICE_REFUSE
        && error == NGX_HTTP_BOXOFFICE_E_CONTRACT_MISMATCH)
    {
        /* deployed since: no connection is ready until they agree again */

        ngx_http_boxoffice_pg_close(pg);
        ngx_http_boxoffice_pool_distrust();
    }

    if (verdict == NGX_HTTP_BOXOFFICE_ANSWER) {
        ngx_http_boxoffice_lane_adapt(batch->lane, batch->n,
                                      ngx_current_msec - batch->start);
    }

    /*
     * First the answers, then what has come meanwhile, then the next batch: it
     * takes along who was answered just now, and costs less by the call.
     */

    if (verdict == NGX_HTTP_BOXOFFICE_ANSWER) {
        ngx_http_boxoffice_lane_answer(batch, rows);

    } else {
        ngx_http_boxoffice_lane_refuse(batch, error);
    }

    ngx_http_boxoffice_lane_finish(batch, pg);

    ngx_http_boxoffice_pg_free(rows);
    ngx_http_boxoffice_batch_free(batch);
}


/*
 * What to do with a batch that failed as a whole:
 *
 *     serialization failure, deadlock    the same once more, then refuse
 *     what the list of errors has        refuse all, for its reason
 *     anything else                      is a bug: by halves, to spare the
 *                                        innocent
 */

static ngx_uint_t
ngx_http_boxoffice_lane_verdict(ngx_http_boxoffice_batch_t *batch,
    ngx_http_boxoffice_pg_t *pg, ngx_uint_t *error)
{
    if (ngx_strcmp(pg->sqlstate, "40001") == 0
        || ngx_strcmp(pg->sqlstate, "40P01") == 0)
    {
        *error = NGX_HTTP_BOXOFFICE_E_UNAVAILABLE;

        if (batch->retried) {
            return NGX_HTTP_BOXOFFICE_REFUSE;
        }

        batch->retried = 1;
        ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_RETRIED);

        return NGX_HTTP_BOXOFFICE_AGAIN;
    }

    *error = ngx_http_boxoffice_lane_error(pg);

    if (*error != NGX_HTTP_BOXOFFICE_E_INTERNAL) {
        return NGX_HTTP_BOXOFFICE_REFUSE;
    }

    ngx_log_error(NGX_LOG_ERR, pg->log, 0,
                  "boxoffice: a batch of %ui \"%V\" failed: %s %s",
                  batch->n, &batch->lane->route->operation,
                  pg->sqlstate, pg->message);

    if (batch->n == 1) {
        return NGX_HTTP_BOXOFFICE_REFUSE;
    }

    ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_BISECT);

    return NGX_HTTP_BOXOFFICE_SPLIT;
}


/* DESIGN: 55P03 lock not available, 57014 cancelled, 57P0x going, 53* full */

ngx_uint_t
ngx_http_boxoffice_lane_error(const ngx_http_boxoffice_pg_t *pg)
{
    ngx_uint_t   error;
    const char  *sqlstate;

    sqlstate = pg->sqlstate;

    if (ngx_strcmp(sqlstate, "55P03") == 0) {
        return NGX_HTTP_BOXOFFICE_E_LOCK_TIMEOUT;
    }

    if (ngx_strcmp(sqlstate, "57014") == 0) {
        return NGX_HTTP_BOXOFFICE_E_DEADLINE;
    }

    if (ngx_strncmp(sqlstate, "57P0", 4) == 0
        || ngx_strncmp(sqlstate, "53", 2) == 0
        || ngx_strncmp(sqlstate, "08", 2) == 0
        || ngx_strcmp(sqlstate, "25006") == 0)
    {
        return NGX_HTTP_BOXOFFICE_E_UNAVAILABLE;
    }

    /* the database has no such gateway any more, or not this one's version */

    if (pg->unknown) {
        return NGX_HTTP_BOXOFFICE_E_CONTRACT_MISMATCH;
    }

    error = ngx_http_boxoffice_problem_find(sqlstate);

    if (error == NGX_HTTP_BOXOFFICE_E_CONTRACT_MISMATCH) {
        return error;
    }

    return NGX_HTTP_BOXOFFICE_E_INTERNAL;
}


/* puts the second half of a batch behind it */

static void
ngx_http_boxoffice_lane_split(ngx_http_boxoffice_batch_t *batch)
{
    ngx_uint_t                   i, n;
    ngx_queue_t                 *q;
    ngx_http_boxoffice_batch_t  *half;

    half = ngx_http_boxoffice_batch_create(batch->lane);
    if (half == NULL) {
        return;
    }

    n = batch->n / 2;

    for (i = 0; i < n; i++) {
        q = ngx_queue_last(&batch->calls);
        ngx_queue_remove(q);
        ngx_queue_insert_head(&half->calls, q);
    }

    half->n = n;
    batch->n -= n;

    half->next = batch->next;
    batch->next = half;
}


/* goes on with the other half, if there is one, or lets others have a turn */

static void
ngx_http_boxoffice_lane_finish(ngx_http_boxoffice_batch_t *batch,
    ngx_http_boxoffice_pg_t *pg)
{
    ngx_http_boxoffice_lane_t   *lane;
    ngx_http_boxoffice_batch_t  *half, *next;

    lane = batch->lane;
    half = batch->next;
    batch->next = NULL;

    if (half && pg->state == NGX_HTTP_BOXOFFICE_PG_IDLE
        && ngx_http_boxoffice_lane_flush(half, pg) == NGX_OK)
    {
        return;
    }

    /* halves that were never sent, as their whole was rolled back */

    while (half) {
        next = half->next;
        ngx_http_boxoffice_lane_return(half);
        half = next;
    }

    ngx_http_boxoffice_pool_put(pg);
    ngx_http_boxoffice_lane_release(lane);
    ngx_http_boxoffice_lane_offer(lane);
    ngx_http_boxoffice_lane_rest(lane);

    ngx_post_event(&ngx_http_boxoffice_lanes.dispatch,
                   &ngx_posted_next_events);
}


/* one batch less of a lane; its event's others may go on */

static void
ngx_http_boxoffice_lane_release(ngx_http_boxoffice_lane_t *lane)
{
    ngx_queue_t                 *q;
    ngx_http_boxoffice_event_t  *event;

    event = lane->event;

    lane->inflight--;
    event->inflight--;

    /* all of them: one may have nothing to send by the time of its turn */

    while (!ngx_queue_empty(&event->parked)) {
        q = ngx_queue_head(&event->parked);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_http_boxoffice_lanes.ready, q);
    }
}


static void
ngx_http_boxoffice_lane_adapt(ngx_http_boxoffice_lane_t *lane, ngx_uint_t n,
    ngx_msec_t took)
{
    ngx_uint_t                       target;
    ngx_http_boxoffice_main_conf_t  *conf;

    conf = ngx_http_boxoffice_lanes.conf;

    ngx_http_boxoffice_metrics_batch(n, took);

    if (!lane->route->lane) {
        return;
    }

    ngx_http_boxoffice_lane_gather(lane, n, took);

    took *= 16;

    if (took < lane->shortest) {
        lane->shortest = took;

    } else {
        lane->shortest += (took - lane->shortest) / 32;
    }

    target = ngx_max(conf->batch_target * 16, lane->shortest * 2);

    if (took > target) {
        lane->limit = ngx_max(lane->limit / 2, NGX_HTTP_BOXOFFICE_LIMIT_MIN);

    } else if (n >= lane->limit) {
        lane->limit += lane->limit / 8 + 1;
    }

    lane->limit = ngx_min(lane->limit, conf->batch_max);
}


static void
ngx_http_boxoffice_lane_answer(ngx_http_boxoffice_batch_t *batch, void *rows)
{
    ngx_uint_t                  i;
    ngx_queue_t                *q;
    ngx_http_boxoffice_row_t    row;
    ngx_http_boxoffice_call_t  *call;

    for (i = 0; i < batch->n; i++) {
        q = ngx_queue_head(&batch->calls);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);
        call->lane = NULL;
        call->request->main->blocked--;

        if (ngx_http_boxoffice_pg_row(rows, i, &row) != NGX_OK) {
            ngx_http_boxoffice_reply_problem(call,
                                      NGX_HTTP_BOXOFFICE_E_INTERNAL, NULL);
            continue;
        }

        ngx_http_boxoffice_reply_row(call, &row);
    }
}


static void
ngx_http_boxoffice_lane_refuse(ngx_http_boxoffice_batch_t *batch,
    ngx_uint_t error)
{
    ngx_queue_t                *q;
    ngx_http_boxoffice_call_t  *call;

    while (!ngx_queue_empty(&batch->calls)) {
        q = ngx_queue_head(&batch->calls);
        ngx_queue_remove(q);

        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);
        call->lane = NULL;
        call->request->main->blocked--;

        ngx_http_boxoffice_reply_problem(call, error, NULL);
    }
}


/* puts calls that were not sent back to the front of their lane */

static void
ngx_http_boxoffice_lane_return(ngx_http_boxoffice_batch_t *batch)
{
    ngx_queue_t                *q;
    ngx_http_boxoffice_call_t  *call;

    while (!ngx_queue_empty(&batch->calls)) {
        q = ngx_queue_last(&batch->calls);
        ngx_queue_remove(q);
        ngx_queue_insert_head(&batch->lane->calls, q);

        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);
        call->sent = 0;
        call->request->main->blocked--;

        batch->lane->waiting++;
        ngx_http_boxoffice_lanes.waiting++;
    }

    ngx_http_boxoffice_batch_free(batch);
}


/*
 * A connection was lost with a batch on it.  Unless the server has said that it
 * gave up before there was an answer, nobody knows what became of the batch.
 */

static void
ngx_http_boxoffice_lane_lost(ngx_http_boxoffice_pg_t *pg)
{
    ngx_uint_t                         error;
    ngx_http_boxoffice_batch_t        *batch;
    const ngx_http_boxoffice_route_t  *route;

    batch = pg->data;
    route = batch->lane->route;

    if (pg->sqlstate[0]) {
        error = ngx_http_boxoffice_lane_error(pg);

    } else if (route->method != NGX_HTTP_GET) {
        error = NGX_HTTP_BOXOFFICE_E_OUTCOME_UNKNOWN;
        ngx_http_boxoffice_metrics_add(NGX_HTTP_BOXOFFICE_M_UNKNOWN, batch->n);

    } else if (pg->timedout) {
        error = NGX_HTTP_BOXOFFICE_E_DEADLINE;

    } else {
        error = NGX_HTTP_BOXOFFICE_E_UNAVAILABLE;
    }

    ngx_log_error(NGX_LOG_ERR, pg->log, 0,
                  "boxoffice: connection lost with %ui \"%V\" on it, answered "
                  "\"%V\"", batch->n, &route->operation,
                  &ngx_http_boxoffice_problem_get(error)->name);

    ngx_http_boxoffice_lane_finish(batch, pg);
    ngx_http_boxoffice_lane_refuse(batch, error);
    ngx_http_boxoffice_batch_free(batch);
}


static void
ngx_http_boxoffice_lane_down(void)
{
    ngx_post_event(&ngx_http_boxoffice_lanes.down, &ngx_posted_events);
}


/* nobody answers: better to say so at once than to let them wait */

static void
ngx_http_boxoffice_lane_down_handler(ngx_event_t *ev)
{
    ngx_uint_t  error;

    if (!ngx_http_boxoffice_pool_is_down()) {
        return;
    }

    error = ngx_http_boxoffice_pool_is_foreign()
            ? NGX_HTTP_BOXOFFICE_E_CONTRACT_MISMATCH
            : NGX_HTTP_BOXOFFICE_E_UNAVAILABLE;

    (void) ngx_http_boxoffice_lane_sweep(error, 1);
}


static void
ngx_http_boxoffice_lane_sweep_handler(ngx_event_t *ev)
{
    ngx_uint_t  n;

    n = ngx_http_boxoffice_lane_sweep(NGX_HTTP_BOXOFFICE_E_DEADLINE, 0);

    ngx_http_boxoffice_metrics_add(NGX_HTTP_BOXOFFICE_M_EXPIRED, n);

    if (ngx_http_boxoffice_lanes.waiting) {
        ngx_add_timer(ev, NGX_HTTP_BOXOFFICE_SWEEP);
    }
}


/*
 * Refuses what waits: all of it, or what is past its deadline.  First it is
 * collected, then answered, as an answer may end requests that wait.
 */

static ngx_uint_t
ngx_http_boxoffice_lane_sweep(ngx_uint_t error, ngx_uint_t all)
{
    ngx_uint_t                   n;
    ngx_queue_t                 *q, *next;
    ngx_http_boxoffice_lane_t   *lane;
    ngx_http_boxoffice_lanes_t  *lanes;
    ngx_http_boxoffice_batch_t   batch;

    lanes = &ngx_http_boxoffice_lanes;

    batch.n = 0;
    ngx_queue_init(&batch.calls);

    for (q = ngx_queue_head(&lanes->active);
         q != ngx_queue_sentinel(&lanes->active);
         q = next)
    {
        next = ngx_queue_next(q);
        lane = ngx_queue_data(q, ngx_http_boxoffice_lane_t, use);

        ngx_http_boxoffice_lane_collect(lane, &batch, all);
    }

    n = batch.n;

    ngx_http_boxoffice_lane_refuse(&batch, error);

    return n;
}


/* a lane's calls have one deadline, so they expire in order of arrival */

static void
ngx_http_boxoffice_lane_collect(ngx_http_boxoffice_lane_t *lane,
    ngx_http_boxoffice_batch_t *batch, ngx_uint_t all)
{
    ngx_queue_t                *q;
    ngx_http_boxoffice_call_t  *call;

    while (lane->waiting) {
        q = ngx_queue_head(&lane->calls);
        call = ngx_queue_data(q, ngx_http_boxoffice_call_t, queue);

        if (!all
            && (ngx_msec_int_t) (call->deadline - ngx_current_msec) > 0)
        {
            return;
        }

        ngx_http_boxoffice_lane_remove(call);

        call->request->main->blocked++;
        ngx_queue_insert_tail(&batch->calls, &call->queue);
        batch->n++;
    }
}


static ngx_http_boxoffice_batch_t *
ngx_http_boxoffice_batch_create(ngx_http_boxoffice_lane_t *lane)
{
    ngx_http_boxoffice_batch_t  *batch;

    batch = ngx_http_boxoffice_lanes.free;

    if (batch) {
        ngx_http_boxoffice_lanes.free = batch->next;

    } else {
        batch = ngx_alloc(sizeof(ngx_http_boxoffice_batch_t),
                          ngx_http_boxoffice_lanes.log);
        if (batch == NULL) {
            return NULL;
        }
    }

    ngx_memzero(batch, sizeof(ngx_http_boxoffice_batch_t));
    ngx_queue_init(&batch->calls);
    batch->lane = lane;

    return batch;
}


static void
ngx_http_boxoffice_batch_free(ngx_http_boxoffice_batch_t *batch)
{
    batch->next = ngx_http_boxoffice_lanes.free;
    ngx_http_boxoffice_lanes.free = batch;
}
