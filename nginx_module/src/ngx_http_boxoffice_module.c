
/*
 * The module: its directives, and what happens when nginx starts and stops.
 */


#include "ngx_http_boxoffice_deny.h"
#include "ngx_http_boxoffice_lane.h"
#include "ngx_http_boxoffice_metrics.h"
#include "ngx_http_boxoffice_pg.h"
#include "ngx_http_boxoffice_status.h"
#include "ngx_http_boxoffice_stream.h"
#include "ngx_http_boxoffice_token.h"
#include "ngx_http_boxoffice_variables.h"


typedef enum {
    NGX_HTTP_BOXOFFICE_COUNT = 0,
    NGX_HTTP_BOXOFFICE_SIZE,
    NGX_HTTP_BOXOFFICE_MSEC,
    NGX_HTTP_BOXOFFICE_SEC,
    NGX_HTTP_BOXOFFICE_TEXT
} ngx_http_boxoffice_unit_e;


/* "name=value" behind a directive, for a member of the configuration */

typedef struct {
    ngx_str_t    name;
    ngx_uint_t   unit;
    size_t       offset;
} ngx_http_boxoffice_parameter_t;


static void *ngx_http_boxoffice_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_boxoffice_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_boxoffice_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_boxoffice_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_boxoffice_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_boxoffice_init_process(ngx_cycle_t *cycle);
static void ngx_http_boxoffice_exit_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_boxoffice_log_handler(ngx_http_request_t *r);
static ngx_http_boxoffice_main_conf_t *ngx_http_boxoffice_conf(
    ngx_cycle_t *cycle);

static char *ngx_http_boxoffice(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_boxoffice_database(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_boxoffice_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_boxoffice_exports(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_boxoffice_lane(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_boxoffice_token(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_boxoffice_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_boxoffice_key_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *material);
static char *ngx_http_boxoffice_deny(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_boxoffice_parameters(ngx_conf_t *cf, void *conf,
    const ngx_http_boxoffice_parameter_t *parameters, ngx_uint_t from);
static ngx_uint_t ngx_http_boxoffice_parameter_is_set(void *conf,
    const ngx_http_boxoffice_parameter_t *parameter);
static ngx_int_t ngx_http_boxoffice_parameter(void *conf,
    const ngx_http_boxoffice_parameter_t *parameter, ngx_str_t *value);


static ngx_command_t  ngx_http_boxoffice_commands[] = {

    { ngx_string("boxoffice"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_boxoffice,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_database"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_boxoffice_database,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_pool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_boxoffice_pool,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_boxoffice_main_conf_t, queue_max),
      NULL },

    { ngx_string("boxoffice_exports"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_boxoffice_exports,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_lane"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_boxoffice_lane,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_token"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_boxoffice_token,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_token_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE3,
      ngx_http_boxoffice_key,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_deny_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_boxoffice_deny,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("boxoffice_grace"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_boxoffice_main_conf_t, grace),
      NULL },

    { ngx_string("boxoffice_cache_control"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_boxoffice_loc_conf_t, cache_control),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_boxoffice_module_ctx = {
    ngx_http_boxoffice_variables_add,      /* preconfiguration */
    ngx_http_boxoffice_postconfiguration,  /* postconfiguration */

    ngx_http_boxoffice_create_main_conf,   /* create main configuration */
    ngx_http_boxoffice_init_main_conf,     /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_boxoffice_create_loc_conf,    /* create location configuration */
    ngx_http_boxoffice_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_boxoffice_module = {
    NGX_MODULE_V1,
    &ngx_http_boxoffice_module_ctx,            /* module context */
    ngx_http_boxoffice_commands,               /* module directives */
    NGX_HTTP_MODULE,                           /* module type */
    NULL,                                      /* init master */
    NULL,                                      /* init module */
    ngx_http_boxoffice_init_process,           /* init process */
    NULL,                                      /* init thread */
    NULL,                                      /* exit thread */
    ngx_http_boxoffice_exit_process,           /* exit process */
    NULL,                                      /* exit master */
    NGX_MODULE_V1_PADDING
};


static const struct {
    ngx_str_t               name;
    ngx_uint_t              place;
    ngx_http_handler_pt     handler;
} ngx_http_boxoffice_places[] = {

    { ngx_string("api"), NGX_HTTP_BOXOFFICE_API,
      ngx_http_boxoffice_request_handler },

    { ngx_string("origin"), NGX_HTTP_BOXOFFICE_ORIGIN,
      ngx_http_boxoffice_request_handler },

    { ngx_string("problem"), NGX_HTTP_BOXOFFICE_PROBLEM,
      ngx_http_boxoffice_problem_handler },

    { ngx_string("health"), NGX_HTTP_BOXOFFICE_HEALTH,
      ngx_http_boxoffice_health_handler },

    { ngx_string("ready"), NGX_HTTP_BOXOFFICE_READY,
      ngx_http_boxoffice_ready_handler },

    { ngx_string("metrics"), NGX_HTTP_BOXOFFICE_METRICS,
      ngx_http_boxoffice_metrics_handler },

    { ngx_string("deny"), NGX_HTTP_BOXOFFICE_DENY,
      ngx_http_boxoffice_deny_handler },

    { ngx_null_string, 0, NULL }
};


static void *
ngx_http_boxoffice_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_boxoffice_tokens_t     *tokens;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    bmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_boxoffice_main_conf_t));
    tokens = ngx_pcalloc(cf->pool, sizeof(ngx_http_boxoffice_tokens_t));

    if (bmcf == NULL || tokens == NULL
        || ngx_array_init(&tokens->keys, cf->pool, 4,
                          sizeof(ngx_http_boxoffice_key_t))
           != NGX_OK)
    {
        return NULL;
    }

    bmcf->tokens = tokens;

    /*
     * set by ngx_pcalloc():
     *
     *     bmcf->database = { 0, NULL };
     *     bmcf->conninfo = NULL;
     *     tokens->issuer = { 0, NULL };
     *     tokens->audience = { 0, NULL };
     *     tokens->deny_zone = NULL;
     *     bmcf->metrics_zone = NULL;
     *     bmcf->routes = NULL;
     */

    bmcf->pool_size = NGX_CONF_UNSET_UINT;
    bmcf->pool_reserve = NGX_CONF_UNSET_UINT;
    bmcf->connect_timeout = NGX_CONF_UNSET_MSEC;
    bmcf->grace = NGX_CONF_UNSET_MSEC;
    bmcf->streams_max = NGX_CONF_UNSET_UINT;
    bmcf->streams_time = NGX_CONF_UNSET_MSEC;
    bmcf->streams_rate = NGX_CONF_UNSET_SIZE;
    bmcf->streams_window = NGX_CONF_UNSET_MSEC;
    bmcf->queue_max = NGX_CONF_UNSET_UINT;
    bmcf->lanes_max = NGX_CONF_UNSET_UINT;
    bmcf->batch_max = NGX_CONF_UNSET_UINT;
    bmcf->batch_bytes_max = NGX_CONF_UNSET_SIZE;
    bmcf->batch_target = NGX_CONF_UNSET_MSEC;
    bmcf->lane_body_max = NGX_CONF_UNSET_SIZE;
    tokens->leeway = NGX_CONF_UNSET;
    tokens->cache_size = NGX_CONF_UNSET_UINT;

    return bmcf;
}


static char *
ngx_http_boxoffice_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_boxoffice_main_conf_t *bmcf = conf;

    ngx_conf_init_uint_value(bmcf->pool_size, 8);
    ngx_conf_init_uint_value(bmcf->pool_reserve, 10);
    ngx_conf_init_msec_value(bmcf->connect_timeout, 3000);
    ngx_conf_init_msec_value(bmcf->grace, 1000);
    ngx_conf_init_uint_value(bmcf->streams_max, 2);
    ngx_conf_init_msec_value(bmcf->streams_time, 300000);
    ngx_conf_init_size_value(bmcf->streams_rate, 32 * 1024);
    ngx_conf_init_msec_value(bmcf->streams_window, 5000);
    ngx_conf_init_uint_value(bmcf->queue_max, 4096);
    ngx_conf_init_uint_value(bmcf->lanes_max, 4096);
    ngx_conf_init_uint_value(bmcf->batch_max, 256);
    ngx_conf_init_size_value(bmcf->batch_bytes_max, 1024 * 1024);
    ngx_conf_init_msec_value(bmcf->batch_target, 5);
    ngx_conf_init_size_value(bmcf->lane_body_max, 32 * 1024);
    ngx_conf_init_value(bmcf->tokens->leeway, 30);
    ngx_conf_init_uint_value(bmcf->tokens->cache_size, 4096);

    if (bmcf->tokens->keys.nelts
        && (bmcf->tokens->issuer.len == 0 || bmcf->tokens->audience.len == 0))
    {
        return "boxoffice_token_key needs boxoffice_token with issuer= "
               "and audience=";
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_boxoffice_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_boxoffice_loc_conf_t  *blcf;

    blcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_boxoffice_loc_conf_t));
    if (blcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     blcf->place = NGX_HTTP_BOXOFFICE_OFF;
     *     blcf->cached = NULL;
     *     blcf->cache_control = { 0, NULL };
     */

    return blcf;
}


/*
 * A location with both "boxoffice api" and "proxy_pass" has two handlers: ours,
 * and the one that ours asks for what is public and cached.
 */

static char *
ngx_http_boxoffice_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_boxoffice_loc_conf_t *prev = parent;
    ngx_http_boxoffice_loc_conf_t *conf = child;

    ngx_uint_t                       i;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    bmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_boxoffice_module);

    if (conf->place && bmcf->conninfo == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"boxoffice\" in a location needs "
                      "\"boxoffice_database\"");
        return NGX_CONF_ERROR;
    }

    if (conf->place == NGX_HTTP_BOXOFFICE_DENY
        && bmcf->tokens->deny_zone == NULL)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"boxoffice deny\" needs \"boxoffice_deny_zone\"");
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_str_value(conf->cache_control, prev->cache_control,
                             "public, max-age=1, stale-while-revalidate=2");

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /*
     * Inside of "if" and "limit_except" it is the same location still, unless
     * an "if" has another handler.  Into "limit_except" proxy_pass has brought
     * its own already.
     */

    if (conf->place == NGX_HTTP_BOXOFFICE_OFF && clcf->noname
        && (clcf->handler == NULL || clcf->lmt_excpt))
    {
        conf->place = prev->place;
        conf->cached = prev->cached;
    }

    for (i = 0; ngx_http_boxoffice_places[i].name.len; i++) {

        if (ngx_http_boxoffice_places[i].place != conf->place) {
            continue;
        }

        if (clcf->handler
            && clcf->handler != ngx_http_boxoffice_places[i].handler)
        {
            conf->cached = clcf->handler;
        }

        clcf->handler = ngx_http_boxoffice_places[i].handler;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_boxoffice_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt             *h;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    bmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_boxoffice_module);

    bmcf->routes = ngx_http_boxoffice_route_tree(cf->pool, cf->log);
    if (bmcf->routes == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_boxoffice_metrics_zone(cf, bmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_boxoffice_log_handler;

    return NGX_OK;
}


static ngx_http_boxoffice_main_conf_t *
ngx_http_boxoffice_conf(ngx_cycle_t *cycle)
{
    if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL) {
        return NULL;
    }

    return ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_boxoffice_module);
}


static ngx_int_t
ngx_http_boxoffice_init_process(ngx_cycle_t *cycle)
{
    ngx_http_boxoffice_main_conf_t  *bmcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    bmcf = ngx_http_boxoffice_conf(cycle);

    if (bmcf == NULL || bmcf->conninfo == NULL) {
        return NGX_OK;
    }

    ngx_http_boxoffice_metrics_init(bmcf);

    if (ngx_http_boxoffice_token_init(cycle, bmcf->tokens) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_boxoffice_stream_init(cycle, bmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_boxoffice_lane_init(cycle, bmcf);
}


static void
ngx_http_boxoffice_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_boxoffice_stream_exit();
    ngx_http_boxoffice_lane_exit();
    ngx_http_boxoffice_token_exit();
    ngx_http_boxoffice_metrics_exit();
}


/* counts each request that the module has seen, however it ended */

static ngx_int_t
ngx_http_boxoffice_log_handler(ngx_http_request_t *r)
{
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_boxoffice_module);

    if (ctx) {
        ngx_http_boxoffice_metrics_request(r, ctx->match.route,
                                           ngx_current_msec - ctx->start);
    }

    return NGX_OK;
}


static char *
ngx_http_boxoffice(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_boxoffice_loc_conf_t *blcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (blcf->place) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; ngx_http_boxoffice_places[i].name.len; i++) {

        if (value[1].len == ngx_http_boxoffice_places[i].name.len
            && ngx_strcmp(value[1].data,
                          ngx_http_boxoffice_places[i].name.data)
               == 0)
        {
            blcf->place = ngx_http_boxoffice_places[i].place;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\"",
                       &value[1]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_boxoffice_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_boxoffice_main_conf_t *bmcf = conf;

    ngx_str_t  *value;

    if (bmcf->conninfo) {
        return "is duplicate";
    }

    value = cf->args->elts;
    bmcf->database = value[1];

    return ngx_http_boxoffice_pg_parse(cf, &value[1], &bmcf->conninfo);
}


static char *
ngx_http_boxoffice_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_boxoffice_main_conf_t *bmcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    static const ngx_http_boxoffice_parameter_t  parameters[] = {
        { ngx_string("reserve="), NGX_HTTP_BOXOFFICE_COUNT,
          offsetof(ngx_http_boxoffice_main_conf_t, pool_reserve) },
        { ngx_string("connect_timeout="), NGX_HTTP_BOXOFFICE_MSEC,
          offsetof(ngx_http_boxoffice_main_conf_t, connect_timeout) },
        { ngx_null_string, 0, 0 }
    };

    if (bmcf->pool_size != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    n = ngx_atoi(value[1].data, value[1].len);

    if (n < 1 || n > NGX_HTTP_BOXOFFICE_POOL_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number of connections \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    bmcf->pool_size = n;

    return ngx_http_boxoffice_parameters(cf, conf, parameters, 2);
}


static char *
ngx_http_boxoffice_exports(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_boxoffice_main_conf_t *bmcf = conf;

    char       *rv;
    ngx_int_t   n;
    ngx_str_t  *value;

    static const ngx_http_boxoffice_parameter_t  parameters[] = {
        { ngx_string("time="), NGX_HTTP_BOXOFFICE_MSEC,
          offsetof(ngx_http_boxoffice_main_conf_t, streams_time) },
        { ngx_string("rate="), NGX_HTTP_BOXOFFICE_SIZE,
          offsetof(ngx_http_boxoffice_main_conf_t, streams_rate) },
        { ngx_string("window="), NGX_HTTP_BOXOFFICE_MSEC,
          offsetof(ngx_http_boxoffice_main_conf_t, streams_window) },
        { ngx_null_string, 0, 0 }
    };

    if (bmcf->streams_max != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    n = ngx_atoi(value[1].data, value[1].len);

    if (n < 1 || n > NGX_HTTP_BOXOFFICE_STREAMS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number of exports \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    bmcf->streams_max = n;

    rv = ngx_http_boxoffice_parameters(cf, conf, parameters, 2);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (bmcf->streams_time == 0 || bmcf->streams_window == 0
        || (bmcf->streams_rate != NGX_CONF_UNSET_SIZE
            && bmcf->streams_rate > NGX_HTTP_BOXOFFICE_STREAM_RATE_MAX))
    {
        return "has a value out of range";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_boxoffice_lane(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                            *rv;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    static const ngx_http_boxoffice_parameter_t  parameters[] = {
        { ngx_string("batch="), NGX_HTTP_BOXOFFICE_COUNT,
          offsetof(ngx_http_boxoffice_main_conf_t, batch_max) },
        { ngx_string("bytes="), NGX_HTTP_BOXOFFICE_SIZE,
          offsetof(ngx_http_boxoffice_main_conf_t, batch_bytes_max) },
        { ngx_string("target="), NGX_HTTP_BOXOFFICE_MSEC,
          offsetof(ngx_http_boxoffice_main_conf_t, batch_target) },
        { ngx_string("body="), NGX_HTTP_BOXOFFICE_SIZE,
          offsetof(ngx_http_boxoffice_main_conf_t, lane_body_max) },
        { ngx_string("lanes="), NGX_HTTP_BOXOFFICE_COUNT,
          offsetof(ngx_http_boxoffice_main_conf_t, lanes_max) },
        { ngx_null_string, 0, 0 }
    };

    rv = ngx_http_boxoffice_parameters(cf, conf, parameters, 1);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    bmcf = conf;

    if (bmcf->batch_max == 0 || bmcf->lanes_max == 0
        || (bmcf->batch_max != NGX_CONF_UNSET_UINT
            && bmcf->batch_max > NGX_HTTP_BOXOFFICE_BATCH_MAX))
    {
        return "has a value out of range";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_boxoffice_token(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_boxoffice_main_conf_t *bmcf = conf;

    static const ngx_http_boxoffice_parameter_t  parameters[] = {
        { ngx_string("issuer="), NGX_HTTP_BOXOFFICE_TEXT,
          offsetof(ngx_http_boxoffice_tokens_t, issuer) },
        { ngx_string("audience="), NGX_HTTP_BOXOFFICE_TEXT,
          offsetof(ngx_http_boxoffice_tokens_t, audience) },
        { ngx_string("leeway="), NGX_HTTP_BOXOFFICE_SEC,
          offsetof(ngx_http_boxoffice_tokens_t, leeway) },
        { ngx_string("cache="), NGX_HTTP_BOXOFFICE_COUNT,
          offsetof(ngx_http_boxoffice_tokens_t, cache_size) },
        { ngx_null_string, 0, 0 }
    };

    return ngx_http_boxoffice_parameters(cf, bmcf->tokens, parameters, 1);
}


static char *
ngx_http_boxoffice_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_boxoffice_main_conf_t *bmcf = conf;

    ngx_str_t  *value, name, material;

    value = cf->args->elts;

    if (ngx_strncmp(value[3].data, "secret=", sizeof("secret=") - 1) == 0) {
        material.data = value[3].data + sizeof("secret=") - 1;
        material.len = value[3].len - (sizeof("secret=") - 1);

    } else if (ngx_strncmp(value[3].data, "file=", sizeof("file=") - 1) == 0) {
        name.data = value[3].data + sizeof("file=") - 1;
        name.len = value[3].len - (sizeof("file=") - 1);

        if (ngx_http_boxoffice_key_file(cf, &name, &material) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

    } else {
        return "wants a key's id, an algorithm, and file= or secret=";
    }

    return ngx_http_boxoffice_token_key(cf->pool, bmcf->tokens, &value[1],
                                        &value[2], &material);
}


/* the content of a file, without the line's end that an editor adds */

static ngx_int_t
ngx_http_boxoffice_key_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *material)
{
    ssize_t     n;
    ngx_fd_t    fd;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    material->data = ngx_pnalloc(cf->pool, NGX_HTTP_BOXOFFICE_KEY_FILE_MAX);
    if (material->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, material->data, NGX_HTTP_BOXOFFICE_KEY_FILE_MAX);

    if (n == -1 || n == NGX_HTTP_BOXOFFICE_KEY_FILE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, n == -1 ? ngx_errno : 0,
                           "cannot read \"%V\", or it is too large", name);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    if (n == -1 || n == NGX_HTTP_BOXOFFICE_KEY_FILE_MAX) {
        return NGX_ERROR;
    }

    if (n && material->data[n - 1] == LF) {
        n--;
    }

    if (n && material->data[n - 1] == CR) {
        n--;
    }

    material->len = n;

    return NGX_OK;
}


static char *
ngx_http_boxoffice_deny(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_boxoffice_main_conf_t *bmcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    if (bmcf->tokens->deny_zone) {
        return "is duplicate";
    }

    value = cf->args->elts;
    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR || size < (ssize_t) (8 * ngx_pagesize)) {
        return "has a size that is too small";
    }

    bmcf->tokens->deny_zone = ngx_http_boxoffice_deny_zone(cf, size);

    return bmcf->tokens->deny_zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_boxoffice_parameters(ngx_conf_t *cf, void *conf,
    const ngx_http_boxoffice_parameter_t *parameters, ngx_uint_t from)
{
    ngx_str_t   *value, rest;
    ngx_uint_t   i, k;

    value = cf->args->elts;

    for (i = from; i < cf->args->nelts; i++) {

        for (k = 0; parameters[k].name.len; k++) {

            if (ngx_strncmp(value[i].data, parameters[k].name.data,
                            parameters[k].name.len)
                != 0)
            {
                continue;
            }

            rest.data = value[i].data + parameters[k].name.len;
            rest.len = value[i].len - parameters[k].name.len;

            if (ngx_http_boxoffice_parameter_is_set(conf, &parameters[k])) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate parameter \"%V\"", &value[i]);
                return NGX_CONF_ERROR;
            }

            if (ngx_http_boxoffice_parameter(conf, &parameters[k], &rest)
                == NGX_OK)
            {
                break;
            }
        }

        if (parameters[k].name.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* what can be set is unset as -1, or a text without data */

static ngx_uint_t
ngx_http_boxoffice_parameter_is_set(void *conf,
    const ngx_http_boxoffice_parameter_t *parameter)
{
    u_char  *place;

    place = (u_char *) conf + parameter->offset;

    switch (parameter->unit) {

    case NGX_HTTP_BOXOFFICE_SIZE:
        return *(size_t *) place != NGX_CONF_UNSET_SIZE;

    case NGX_HTTP_BOXOFFICE_MSEC:
        return *(ngx_msec_t *) place != NGX_CONF_UNSET_MSEC;

    case NGX_HTTP_BOXOFFICE_SEC:
        return *(time_t *) place != NGX_CONF_UNSET;

    case NGX_HTTP_BOXOFFICE_TEXT:
        return ((ngx_str_t *) place)->data != NULL;

    default:
        return *(ngx_uint_t *) place != NGX_CONF_UNSET_UINT;
    }
}


static ngx_int_t
ngx_http_boxoffice_parameter(void *conf,
    const ngx_http_boxoffice_parameter_t *parameter, ngx_str_t *value)
{
    u_char     *place;
    ssize_t     size;
    ngx_int_t   n;

    place = (u_char *) conf + parameter->offset;

    switch (parameter->unit) {

    case NGX_HTTP_BOXOFFICE_SIZE:
        size = ngx_parse_size(value);
        *(size_t *) place = size;
        return size == NGX_ERROR ? NGX_ERROR : NGX_OK;

    case NGX_HTTP_BOXOFFICE_MSEC:
        n = ngx_parse_time(value, 0);
        *(ngx_msec_t *) place = n;
        return n == NGX_ERROR ? NGX_ERROR : NGX_OK;

    case NGX_HTTP_BOXOFFICE_SEC:
        n = ngx_parse_time(value, 1);
        *(time_t *) place = n;
        return n == NGX_ERROR ? NGX_ERROR : NGX_OK;

    case NGX_HTTP_BOXOFFICE_TEXT:
        *(ngx_str_t *) place = *value;
        return value->len ? NGX_OK : NGX_ERROR;

    default:
        n = ngx_atoi(value->data, value->len);
        *(ngx_uint_t *) place = n;
        return n == NGX_ERROR ? NGX_ERROR : NGX_OK;
    }
}
