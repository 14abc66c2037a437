
/*
 * Counters, gauges and histograms, in Prometheus's text format.
 *
 * Each worker has a slot of its own in shared memory, so that counting touches
 * no line that another processor writes.  During a reload two workers have the
 * same slot: counters are added to atomically, gauges belong to the one that
 * came last.  Reading adds up all slots.
 */


#include "ngx_http_boxoffice_metrics.h"


#define NGX_HTTP_BOXOFFICE_SLOTS      128
#define NGX_HTTP_BOXOFFICE_BUCKETS    13
#define NGX_HTTP_BOXOFFICE_LINE       192
#define NGX_HTTP_BOXOFFICE_CACHE_MAX  8


typedef struct {
    ngx_atomic_t    buckets[NGX_HTTP_BOXOFFICE_BUCKETS];  /* not cumulated */
    ngx_atomic_t    sum;
} ngx_http_boxoffice_histogram_t;


static const ngx_uint_t  ngx_http_boxoffice_statuses[] = {
    200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 406, 409, 410, 412,
    413, 415, 416, 422, 429, 431, 499, 500, 502, 503, 504, 0
};

#define NGX_HTTP_BOXOFFICE_STATUSES                                           \
    (sizeof(ngx_http_boxoffice_statuses)                                      \
     / sizeof(ngx_http_boxoffice_statuses[0]))


typedef struct {
    ngx_atomic_t                    statuses[NGX_HTTP_BOXOFFICE_STATUSES];
    ngx_http_boxoffice_histogram_t  took;
} ngx_http_boxoffice_operation_t;


typedef struct {
    ngx_pid_t                       pid;
    ngx_atomic_t                    gauges[NGX_HTTP_BOXOFFICE_G_MAX];
    ngx_atomic_t                    counters[NGX_HTTP_BOXOFFICE_M_MAX];
    ngx_atomic_t                    cache[NGX_HTTP_BOXOFFICE_CACHE_MAX];
    ngx_http_boxoffice_histogram_t  batch;
    ngx_http_boxoffice_histogram_t  took;
    ngx_http_boxoffice_operation_t  operations[1];
} ngx_http_boxoffice_slot_t;


typedef struct {
    ngx_slab_pool_t                *shpool;
    u_char                         *slots;
} ngx_http_boxoffice_metrics_t;


static ngx_int_t ngx_http_boxoffice_metrics_init_zone(ngx_shm_zone_t *zone,
    void *data);
static size_t ngx_http_boxoffice_metrics_slot_size(void);
static void ngx_http_boxoffice_metrics_observe(
    ngx_http_boxoffice_histogram_t *histogram, const ngx_uint_t *bounds,
    ngx_uint_t value);
static ngx_uint_t ngx_http_boxoffice_metrics_sum(
    ngx_http_boxoffice_metrics_t *metrics, size_t offset);
static u_char *ngx_http_boxoffice_metrics_write(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics);
static u_char *ngx_http_boxoffice_metrics_operations(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics);
static u_char *ngx_http_boxoffice_metrics_latency(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics);
static u_char *ngx_http_boxoffice_metrics_cache(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics);
static u_char *ngx_http_boxoffice_metrics_histogram(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics, size_t offset, const char *name,
    ngx_str_t *operation, const ngx_uint_t *bounds, ngx_uint_t scale);
static ngx_str_t *ngx_http_boxoffice_metrics_operation(ngx_uint_t i);


#define ngx_http_boxoffice_slot_offset(member)                                \
    offsetof(ngx_http_boxoffice_slot_t, member)

#define ngx_http_boxoffice_operation_offset(i, member)                        \
    (offsetof(ngx_http_boxoffice_slot_t, operations)                          \
     + (i) * sizeof(ngx_http_boxoffice_operation_t)                           \
     + offsetof(ngx_http_boxoffice_operation_t, member))


/* before a worker has its own, and in processes that are none */

static ngx_http_boxoffice_slot_t  *ngx_http_boxoffice_slot;


/* upper bounds, the last bucket has none */

static const ngx_uint_t  ngx_http_boxoffice_msecs[] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000
};

static const ngx_uint_t  ngx_http_boxoffice_sizes[] = {
    1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 512
};


static const struct {
    const char   *name;
    const char   *help;
} ngx_http_boxoffice_counters[NGX_HTTP_BOXOFFICE_M_MAX] = {
    { "connections_made_total", "Connections to PostgreSQL that were made." },
    { "connections_refused_total", "Attempts to connect that failed." },
    { "connections_lost_total", "Connections that broke." },
    { "batch_retried_total", "Batches sent once more after a deadlock or a "
                             "serialization failure." },
    { "batch_bisect_total", "Batches split because of an error nobody "
                            "expects: each is a bug." },
    { "outcome_unknown_total", "Calls whose connection broke before they "
                               "were answered." },
    { "queue_full_total", "Calls refused because too many waited." },
    { "queue_abandoned_total", "Calls whose client left before they were "
                               "sent." },
    { "queue_expired_total", "Calls whose deadline came before they were "
                             "sent." },
    { "token_cache_hits_total", "Tokens that had been verified before." },
    { "token_cache_misses_total", "Tokens that were to be verified." },
    { "tokens_refused_total", "Tokens that are not valid." },
    { "exports_broken_total", "Exports broken off after their answer had "
                              "begun: by a client that was too slow, by the "
                              "time they may take, or by PostgreSQL." }
};


static const struct {
    const char   *name;
    const char   *help;
} ngx_http_boxoffice_gauges[NGX_HTTP_BOXOFFICE_G_MAX] = {
    { "connections_open", "Connections to PostgreSQL." },
    { "connections_idle", "Connections without a batch." },
    { "queue_calls", "Calls that wait to be sent." },
    { "lanes", "Lanes remembered." },
    { "exports_running", "Exports under way." }
};


#if (NGX_HTTP_CACHE)

static const char  *ngx_http_boxoffice_cache_names[] = {
    NULL, "miss", "bypass", "expired", "stale", "updating", "revalidated",
    "hit"
};

#endif


ngx_int_t
ngx_http_boxoffice_metrics_zone(ngx_conf_t *cf,
    ngx_http_boxoffice_main_conf_t *conf)
{
    size_t                         size;
    ngx_http_boxoffice_metrics_t  *metrics;

    static ngx_str_t  name = ngx_string("boxoffice_metrics");

    metrics = ngx_pcalloc(cf->pool, sizeof(ngx_http_boxoffice_metrics_t));
    if (metrics == NULL) {
        return NGX_ERROR;
    }

    /* with room for what the allocator needs */

    size = ngx_http_boxoffice_metrics_slot_size() * NGX_HTTP_BOXOFFICE_SLOTS;
    size += size / 16 + 16 * ngx_pagesize;

    conf->metrics_zone = ngx_shared_memory_add(cf, &name, size,
                                               &ngx_http_boxoffice_module);
    if (conf->metrics_zone == NULL) {
        return NGX_ERROR;
    }

    conf->metrics_zone->init = ngx_http_boxoffice_metrics_init_zone;
    conf->metrics_zone->data = metrics;

    return NGX_OK;
}


static ngx_int_t
ngx_http_boxoffice_metrics_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_boxoffice_metrics_t *old = data;

    ngx_http_boxoffice_metrics_t  *metrics;

    metrics = zone->data;
    metrics->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (old) {
        metrics->slots = old->slots;
        return NGX_OK;
    }

    if (zone->shm.exists) {
        metrics->slots = metrics->shpool->data;
        return NGX_OK;
    }

    metrics->slots = ngx_slab_calloc(metrics->shpool,
                                     ngx_http_boxoffice_metrics_slot_size()
                                     * NGX_HTTP_BOXOFFICE_SLOTS);
    if (metrics->slots == NULL) {
        return NGX_ERROR;
    }

    metrics->shpool->data = metrics->slots;

    return NGX_OK;
}


/* one operation more than there are routes: for what is none of them */

static size_t
ngx_http_boxoffice_metrics_slot_size(void)
{
    size_t  size;

    size = offsetof(ngx_http_boxoffice_slot_t, operations)
           + (ngx_http_boxoffice_route_count() + 1)
             * sizeof(ngx_http_boxoffice_operation_t);

    return ngx_align(size, 128);
}


void
ngx_http_boxoffice_metrics_init(ngx_http_boxoffice_main_conf_t *conf)
{
    ngx_http_boxoffice_slot_t     *slot;
    ngx_http_boxoffice_metrics_t  *metrics;

    metrics = conf->metrics_zone->data;

    slot = (ngx_http_boxoffice_slot_t *)
               (metrics->slots + (ngx_worker % NGX_HTTP_BOXOFFICE_SLOTS)
                                 * ngx_http_boxoffice_metrics_slot_size());

    slot->pid = ngx_pid;
    ngx_http_boxoffice_slot = slot;

    ngx_http_boxoffice_metrics_exit();
}


void
ngx_http_boxoffice_metrics_exit(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_G_MAX; i++) {
        ngx_http_boxoffice_metrics_gauge(i, 0);
    }
}


void
ngx_http_boxoffice_metrics_count(ngx_uint_t counter)
{
    ngx_http_boxoffice_metrics_add(counter, 1);
}


void
ngx_http_boxoffice_metrics_add(ngx_uint_t counter, ngx_uint_t n)
{
    if (ngx_http_boxoffice_slot) {
        (void) ngx_atomic_fetch_add(
                              &ngx_http_boxoffice_slot->counters[counter], n);
    }
}


void
ngx_http_boxoffice_metrics_gauge(ngx_uint_t gauge, ngx_uint_t value)
{
    if (ngx_http_boxoffice_slot && ngx_http_boxoffice_slot->pid == ngx_pid) {
        ngx_http_boxoffice_slot->gauges[gauge] = value;
    }
}


void
ngx_http_boxoffice_metrics_batch(ngx_uint_t n, ngx_msec_t took)
{
    if (ngx_http_boxoffice_slot) {
        ngx_http_boxoffice_metrics_observe(&ngx_http_boxoffice_slot->batch,
                                           ngx_http_boxoffice_sizes, n);
        ngx_http_boxoffice_metrics_observe(&ngx_http_boxoffice_slot->took,
                                           ngx_http_boxoffice_msecs, took);
    }
}


void
ngx_http_boxoffice_metrics_request(ngx_http_request_t *r,
    const ngx_http_boxoffice_route_t *route, ngx_msec_t took)
{
    ngx_uint_t                       i, status;
    ngx_http_boxoffice_slot_t       *slot;
    ngx_http_boxoffice_operation_t  *operation;

    slot = ngx_http_boxoffice_slot;

    if (slot == NULL) {
        return;
    }

    operation = &slot->operations[route
                                  ? ngx_http_boxoffice_route_index(route)
                                  : ngx_http_boxoffice_route_count()];

    status = r->err_status ? r->err_status : r->headers_out.status;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_STATUSES - 1; i++) {
        if (ngx_http_boxoffice_statuses[i] == status) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&operation->statuses[i], 1);

    ngx_http_boxoffice_metrics_observe(&operation->took,
                                       ngx_http_boxoffice_msecs, took);

#if (NGX_HTTP_CACHE)

    if (r->upstream
        && r->upstream->cache_status < NGX_HTTP_BOXOFFICE_CACHE_MAX)
    {
        (void) ngx_atomic_fetch_add(&slot->cache[r->upstream->cache_status],
                                    1);
    }

#endif
}


static void
ngx_http_boxoffice_metrics_observe(ngx_http_boxoffice_histogram_t *histogram,
    const ngx_uint_t *bounds, ngx_uint_t value)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_BUCKETS - 1; i++) {
        if (value <= bounds[i]) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&histogram->buckets[i], 1);
    (void) ngx_atomic_fetch_add(&histogram->sum, value);
}


ngx_int_t
ngx_http_boxoffice_metrics_handler(ngx_http_request_t *r)
{
    size_t                           size;
    u_char                          *p;
    ngx_int_t                        rc;
    ngx_str_t                        body;
    ngx_http_boxoffice_ctx_t        *ctx;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    static ngx_str_t  type = ngx_string("text/plain; version=0.0.4");

    ctx = ngx_http_boxoffice_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_boxoffice_refuse(r,
                                    NGX_HTTP_BOXOFFICE_E_METHOD_NOT_ALLOWED);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    bmcf = ngx_http_get_module_main_conf(r, ngx_http_boxoffice_module);

    size = NGX_HTTP_BOXOFFICE_LINE
           * (3 * (NGX_HTTP_BOXOFFICE_M_MAX + NGX_HTTP_BOXOFFICE_G_MAX)
              + NGX_HTTP_BOXOFFICE_CACHE_MAX + 16
              + (ngx_http_boxoffice_route_count() + 3)
                * (NGX_HTTP_BOXOFFICE_STATUSES
                   + NGX_HTTP_BOXOFFICE_BUCKETS + 4));

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.data = p;
    body.len = ngx_http_boxoffice_metrics_write(p, p + size,
                                                bmcf->metrics_zone->data)
               - p;

    if (ngx_http_boxoffice_reply_common(r, &ctx->call.request_id) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_boxoffice_reply_send(r, NGX_HTTP_OK, &type, &body);
}


static u_char *
ngx_http_boxoffice_metrics_write(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics)
{
    ngx_uint_t   i;
    const char  *name;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_M_MAX; i++) {
        name = ngx_http_boxoffice_counters[i].name;

        p = ngx_slprintf(p, last, "# HELP boxoffice_%s %s\n"
                         "# TYPE boxoffice_%s counter\nboxoffice_%s %ui\n",
                         name, ngx_http_boxoffice_counters[i].help, name, name,
                         ngx_http_boxoffice_metrics_sum(metrics,
                                 ngx_http_boxoffice_slot_offset(counters[i])));
    }

    for (i = 0; i < NGX_HTTP_BOXOFFICE_G_MAX; i++) {
        name = ngx_http_boxoffice_gauges[i].name;

        p = ngx_slprintf(p, last, "# HELP boxoffice_%s %s\n"
                         "# TYPE boxoffice_%s gauge\nboxoffice_%s %ui\n",
                         name, ngx_http_boxoffice_gauges[i].help, name, name,
                         ngx_http_boxoffice_metrics_sum(metrics,
                                   ngx_http_boxoffice_slot_offset(gauges[i])));
    }

    p = ngx_http_boxoffice_metrics_cache(p, last, metrics);

    p = ngx_slprintf(p, last, "# HELP boxoffice_batch_calls Calls that went "
                     "to PostgreSQL together.\n"
                     "# TYPE boxoffice_batch_calls histogram\n");

    p = ngx_http_boxoffice_metrics_histogram(p, last, metrics,
                                       ngx_http_boxoffice_slot_offset(batch),
                                       "batch_calls", NULL,
                                       ngx_http_boxoffice_sizes, 1);

    p = ngx_slprintf(p, last, "# HELP boxoffice_batch_seconds From sending a "
                     "batch to its commit.\n"
                     "# TYPE boxoffice_batch_seconds histogram\n");

    p = ngx_http_boxoffice_metrics_histogram(p, last, metrics,
                                       ngx_http_boxoffice_slot_offset(took),
                                       "batch_seconds", NULL,
                                       ngx_http_boxoffice_msecs, 1000);

    p = ngx_http_boxoffice_metrics_operations(p, last, metrics);

    return ngx_http_boxoffice_metrics_latency(p, last, metrics);
}


static u_char *
ngx_http_boxoffice_metrics_operations(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics)
{
    ngx_uint_t  i, k, n;

    p = ngx_slprintf(p, last, "# HELP boxoffice_requests_total Requests by "
                     "operation and status.\n"
                     "# TYPE boxoffice_requests_total counter\n");

    for (i = 0; i <= ngx_http_boxoffice_route_count(); i++) {

        for (k = 0; k < NGX_HTTP_BOXOFFICE_STATUSES; k++) {

            n = ngx_http_boxoffice_metrics_sum(metrics,
                        ngx_http_boxoffice_operation_offset(i, statuses[k]));

            if (n) {
                p = ngx_slprintf(p, last, "boxoffice_requests_total{operation="
                                 "\"%V\",status=\"%03ui\"} %ui\n",
                                 ngx_http_boxoffice_metrics_operation(i),
                                 ngx_http_boxoffice_statuses[k], n);
            }
        }
    }

    return p;
}


static u_char *
ngx_http_boxoffice_metrics_latency(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics)
{
    ngx_uint_t  i;

    p = ngx_slprintf(p, last, "# HELP boxoffice_request_seconds From the end "
                     "of the header to the end of the answer.\n"
                     "# TYPE boxoffice_request_seconds histogram\n");

    for (i = 0; i <= ngx_http_boxoffice_route_count(); i++) {
        p = ngx_http_boxoffice_metrics_histogram(p, last, metrics,
                                 ngx_http_boxoffice_operation_offset(i, took),
                                 "request_seconds",
                                 ngx_http_boxoffice_metrics_operation(i),
                                 ngx_http_boxoffice_msecs, 1000);
    }

    return p;
}


static u_char *
ngx_http_boxoffice_metrics_cache(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics)
{
#if (NGX_HTTP_CACHE)

    ngx_uint_t  i;

    p = ngx_slprintf(p, last, "# HELP boxoffice_cache_total Public reads by "
                     "what nginx's cache made of them.\n"
                     "# TYPE boxoffice_cache_total counter\n");

    for (i = 1; i < NGX_HTTP_BOXOFFICE_CACHE_MAX; i++) {
        p = ngx_slprintf(p, last, "boxoffice_cache_total{result=\"%s\"} %ui\n",
                         ngx_http_boxoffice_cache_names[i],
                         ngx_http_boxoffice_metrics_sum(metrics,
                                   ngx_http_boxoffice_slot_offset(cache[i])));
    }

#endif

    return p;
}


/* an operation that nobody asked for has no lines; scale 1000: ms as seconds */

static u_char *
ngx_http_boxoffice_metrics_histogram(u_char *p, u_char *last,
    ngx_http_boxoffice_metrics_t *metrics, size_t offset, const char *name,
    ngx_str_t *operation, const ngx_uint_t *bounds, ngx_uint_t scale)
{
    u_char      inner[96], outer[96];
    ngx_uint_t  i, n, sum;

    inner[0] = '\0';
    outer[0] = '\0';

    if (operation) {
        ngx_snprintf(inner, sizeof(inner), "operation=\"%V\",%Z", operation);
        ngx_snprintf(outer, sizeof(outer), "{operation=\"%V\"}%Z", operation);
    }

    for (i = 0, n = 0; i < NGX_HTTP_BOXOFFICE_BUCKETS; i++) {
        n += ngx_http_boxoffice_metrics_sum(metrics, offset
                     + offsetof(ngx_http_boxoffice_histogram_t, buckets[i]));
    }

    if (n == 0 && operation) {
        return p;
    }

    for (i = 0, n = 0; i < NGX_HTTP_BOXOFFICE_BUCKETS; i++) {

        n += ngx_http_boxoffice_metrics_sum(metrics, offset
                     + offsetof(ngx_http_boxoffice_histogram_t, buckets[i]));

        p = ngx_slprintf(p, last, "boxoffice_%s_bucket{%sle=\"", name,
                         inner);

        if (i == NGX_HTTP_BOXOFFICE_BUCKETS - 1) {
            p = ngx_slprintf(p, last, "+Inf");

        } else if (scale == 1) {
            p = ngx_slprintf(p, last, "%ui", bounds[i]);

        } else {
            p = ngx_slprintf(p, last, "%ui.%03ui", bounds[i] / scale,
                             bounds[i] % scale);
        }

        p = ngx_slprintf(p, last, "\"} %ui\n", n);
    }

    sum = ngx_http_boxoffice_metrics_sum(metrics, offset
                          + offsetof(ngx_http_boxoffice_histogram_t, sum));

    return ngx_slprintf(p, last, "boxoffice_%s_sum%s %ui.%03ui\n"
                        "boxoffice_%s_count%s %ui\n",
                        name, outer, sum / scale, sum % scale,
                        name, outer, n);
}


static ngx_uint_t
ngx_http_boxoffice_metrics_sum(ngx_http_boxoffice_metrics_t *metrics,
    size_t offset)
{
    u_char      *slot;
    ngx_uint_t   i, n;

    n = 0;
    slot = metrics->slots;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_SLOTS; i++) {
        n += *(ngx_atomic_t *) (slot + offset);
        slot += ngx_http_boxoffice_metrics_slot_size();
    }

    return n;
}


static ngx_str_t *
ngx_http_boxoffice_metrics_operation(ngx_uint_t i)
{
    static ngx_str_t  none = ngx_string("none");

    if (i == ngx_http_boxoffice_route_count()) {
        return &none;
    }

    return (ngx_str_t *) &ngx_http_boxoffice_route_get(i)->operation;
}
