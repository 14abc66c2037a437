
/*
 * The list of tokens that are not accepted any more.
 *
 * A token is valid until it expires; who has lost one, or has left, is entered
 * here: the token by its "jti", or all tokens of a subject, until a time after
 * which they have expired anyway.  Entries live in shared memory and survive a
 * reload.  A full list refuses new entries: forgetting one would let a token
 * in again.
 */


#include "ngx_http_boxoffice_deny.h"
#include "ngx_http_boxoffice_text.h"


typedef struct {
    ngx_str_node_t         sn;           /* kind and name */
    ngx_queue_t            queue;        /* by the time of its entry */
    time_t                 until;
    u_char                 name[1];
} ngx_http_boxoffice_denied_t;


typedef struct {
    ngx_rbtree_t           rbtree;
    ngx_rbtree_node_t      sentinel;
    ngx_queue_t            queue;
    ngx_atomic_t           count;
} ngx_http_boxoffice_deny_sh_t;


typedef struct {
    ngx_http_boxoffice_deny_sh_t  *sh;
    ngx_slab_pool_t               *shpool;
} ngx_http_boxoffice_deny_t;


static ngx_int_t ngx_http_boxoffice_deny_init_zone(ngx_shm_zone_t *zone,
    void *data);
static ngx_uint_t ngx_http_boxoffice_deny_lookup(
    ngx_http_boxoffice_deny_t *deny, u_char kind, ngx_str_t *name);
static ngx_int_t ngx_http_boxoffice_deny_add(ngx_http_boxoffice_deny_t *deny,
    u_char kind, ngx_str_t *name, time_t until);
static void ngx_http_boxoffice_deny_expire(ngx_http_boxoffice_deny_t *deny);
static void ngx_http_boxoffice_deny_remove(ngx_http_boxoffice_deny_t *deny,
    ngx_http_boxoffice_denied_t *denied);
static size_t ngx_http_boxoffice_deny_name(u_char *buf, u_char kind,
    ngx_str_t *name);
static ngx_int_t ngx_http_boxoffice_deny_argument(ngx_http_request_t *r,
    const char *name, size_t len, ngx_str_t *value);
static ngx_int_t ngx_http_boxoffice_deny_enter(ngx_http_request_t *r);


#define NGX_HTTP_BOXOFFICE_DENY_JTI   'j'
#define NGX_HTTP_BOXOFFICE_DENY_SUB   's'

#define NGX_HTTP_BOXOFFICE_DENY_LEN   (NGX_HTTP_BOXOFFICE_SUBJECT_LEN + 1)


ngx_shm_zone_t *
ngx_http_boxoffice_deny_zone(ngx_conf_t *cf, size_t size)
{
    ngx_shm_zone_t             *zone;
    ngx_http_boxoffice_deny_t  *deny;

    static ngx_str_t  name = ngx_string("boxoffice_deny");

    deny = ngx_pcalloc(cf->pool, sizeof(ngx_http_boxoffice_deny_t));
    if (deny == NULL) {
        return NULL;
    }

    zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_boxoffice_module);
    if (zone == NULL) {
        return NULL;
    }

    zone->init = ngx_http_boxoffice_deny_init_zone;
    zone->data = deny;

    return zone;
}


static ngx_int_t
ngx_http_boxoffice_deny_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_boxoffice_deny_t *old = data;

    ngx_http_boxoffice_deny_t  *deny;

    deny = zone->data;
    deny->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (old) {
        deny->sh = old->sh;
        return NGX_OK;
    }

    if (zone->shm.exists) {
        deny->sh = deny->shpool->data;
        return NGX_OK;
    }

    deny->sh = ngx_slab_calloc(deny->shpool,
                               sizeof(ngx_http_boxoffice_deny_sh_t));
    if (deny->sh == NULL) {
        return NGX_ERROR;
    }

    deny->shpool->data = deny->sh;
    deny->shpool->log_nomem = 0;

    ngx_rbtree_init(&deny->sh->rbtree, &deny->sh->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&deny->sh->queue);

    return NGX_OK;
}


ngx_uint_t
ngx_http_boxoffice_deny_has(ngx_shm_zone_t *zone,
    ngx_http_boxoffice_claims_t *claims)
{
    ngx_uint_t                  has;
    ngx_http_boxoffice_deny_t  *deny;

    if (zone == NULL) {
        return 0;
    }

    deny = zone->data;

    /* mostly there is nothing in it, and nothing to lock */

    if (deny->sh->count == 0) {
        return 0;
    }

    ngx_shmtx_lock(&deny->shpool->mutex);

    has = ngx_http_boxoffice_deny_lookup(deny, NGX_HTTP_BOXOFFICE_DENY_SUB,
                                         &claims->subject)
          || (claims->jti.len
              && ngx_http_boxoffice_deny_lookup(deny,
                                                NGX_HTTP_BOXOFFICE_DENY_JTI,
                                                &claims->jti));

    ngx_shmtx_unlock(&deny->shpool->mutex);

    return has;
}


static ngx_uint_t
ngx_http_boxoffice_deny_lookup(ngx_http_boxoffice_deny_t *deny, u_char kind,
    ngx_str_t *name)
{
    u_char                        buf[NGX_HTTP_BOXOFFICE_DENY_LEN];
    ngx_str_t                     full;
    ngx_http_boxoffice_denied_t  *denied;

    full.data = buf;
    full.len = ngx_http_boxoffice_deny_name(buf, kind, name);

    denied = (ngx_http_boxoffice_denied_t *)
                 ngx_str_rbtree_lookup(&deny->sh->rbtree, &full,
                                       ngx_crc32_short(full.data, full.len));

    return denied && denied->until > ngx_time();
}


static size_t
ngx_http_boxoffice_deny_name(u_char *buf, u_char kind, ngx_str_t *name)
{
    buf[0] = kind;
    ngx_memcpy(buf + 1, name->data, name->len);

    return name->len + 1;
}


static ngx_int_t
ngx_http_boxoffice_deny_add(ngx_http_boxoffice_deny_t *deny, u_char kind,
    ngx_str_t *name, time_t until)
{
    u_char                        buf[NGX_HTTP_BOXOFFICE_DENY_LEN];
    uint32_t                      hash;
    ngx_str_t                     full;
    ngx_http_boxoffice_denied_t  *denied;

    full.data = buf;
    full.len = ngx_http_boxoffice_deny_name(buf, kind, name);
    hash = ngx_crc32_short(full.data, full.len);

    ngx_http_boxoffice_deny_expire(deny);

    denied = (ngx_http_boxoffice_denied_t *)
                 ngx_str_rbtree_lookup(&deny->sh->rbtree, &full, hash);

    if (denied) {
        denied->until = ngx_max(denied->until, until);
        return NGX_OK;
    }

    denied = ngx_slab_alloc_locked(deny->shpool,
                          offsetof(ngx_http_boxoffice_denied_t, name)
                          + full.len);
    if (denied == NULL) {
        return NGX_ERROR;
    }

    denied->sn.node.key = hash;
    denied->sn.str.data = denied->name;
    denied->sn.str.len = full.len;
    denied->until = until;
    ngx_memcpy(denied->name, full.data, full.len);

    ngx_rbtree_insert(&deny->sh->rbtree, &denied->sn.node);
    ngx_queue_insert_tail(&deny->sh->queue, &denied->queue);
    deny->sh->count++;

    return NGX_OK;
}


static void
ngx_http_boxoffice_deny_expire(ngx_http_boxoffice_deny_t *deny)
{
    ngx_queue_t                  *q, *next;
    ngx_http_boxoffice_denied_t  *denied;

    for (q = ngx_queue_head(&deny->sh->queue);
         q != ngx_queue_sentinel(&deny->sh->queue);
         q = next)
    {
        next = ngx_queue_next(q);
        denied = ngx_queue_data(q, ngx_http_boxoffice_denied_t, queue);

        if (denied->until <= ngx_time()) {
            ngx_http_boxoffice_deny_remove(deny, denied);
        }
    }
}


static void
ngx_http_boxoffice_deny_remove(ngx_http_boxoffice_deny_t *deny,
    ngx_http_boxoffice_denied_t *denied)
{
    ngx_rbtree_delete(&deny->sh->rbtree, &denied->sn.node);
    ngx_queue_remove(&denied->queue);
    ngx_slab_free_locked(deny->shpool, denied);
    deny->sh->count--;
}


ngx_int_t
ngx_http_boxoffice_deny_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  none;
    ngx_uint_t                 error;
    ngx_http_boxoffice_ctx_t  *ctx;

    ctx = ngx_http_boxoffice_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    error = ngx_http_boxoffice_request_administrator(r, ctx);

    if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
        return ngx_http_boxoffice_refuse(r, error);
    }

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_boxoffice_refuse(r,
                                    NGX_HTTP_BOXOFFICE_E_METHOD_NOT_ALLOWED);
    }

    rc = ngx_http_boxoffice_deny_enter(r);

    if (rc == NGX_DECLINED) {
        return ngx_http_boxoffice_problem_send(r,
                               NGX_HTTP_BOXOFFICE_E_INVALID_REQUEST, NULL,
                               "It wants jti or sub, and until, a time in "
                               "seconds since 1970 that is to come.");
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "boxoffice: the list of denied tokens is full");
        return ngx_http_boxoffice_refuse(r,
                                         NGX_HTTP_BOXOFFICE_E_UNAVAILABLE);
    }

    ngx_str_null(&none);

    if (ngx_http_boxoffice_reply_common(r, &ctx->call.request_id) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_boxoffice_reply_send(r, NGX_HTTP_NO_CONTENT, NULL, &none);
}


/* NGX_DECLINED: the request is wrong; NGX_ERROR: there is no room */

static ngx_int_t
ngx_http_boxoffice_deny_enter(ngx_http_request_t *r)
{
    u_char                           kind;
    time_t                           until;
    ngx_int_t                        rc;
    ngx_str_t                        name, seconds;
    ngx_http_boxoffice_deny_t       *deny;
    ngx_http_boxoffice_main_conf_t  *bmcf;

    bmcf = ngx_http_get_module_main_conf(r, ngx_http_boxoffice_module);

    kind = NGX_HTTP_BOXOFFICE_DENY_JTI;
    rc = ngx_http_boxoffice_deny_argument(r, "jti", 3, &name);

    if (rc != NGX_OK) {
        kind = NGX_HTTP_BOXOFFICE_DENY_SUB;
        rc = ngx_http_boxoffice_deny_argument(r, "sub", 3, &name);
    }

    /* of both one would be left out, and nobody told */

    if (kind == NGX_HTTP_BOXOFFICE_DENY_JTI
        && ngx_http_arg(r, (u_char *) "sub", 3, &seconds) == NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (rc != NGX_OK || name.len > NGX_HTTP_BOXOFFICE_SUBJECT_LEN
        || ngx_http_boxoffice_deny_argument(r, "until", 5, &seconds) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    until = ngx_atotm(seconds.data, seconds.len);

    if (until <= ngx_time()) {
        return NGX_DECLINED;
    }

    if (bmcf->tokens->deny_zone == NULL) {
        return NGX_ERROR;
    }

    deny = bmcf->tokens->deny_zone->data;

    ngx_shmtx_lock(&deny->shpool->mutex);
    rc = ngx_http_boxoffice_deny_add(deny, kind, &name, until);
    ngx_shmtx_unlock(&deny->shpool->mutex);

    return rc;
}


static ngx_int_t
ngx_http_boxoffice_deny_argument(ngx_http_request_t *r, const char *name,
    size_t len, ngx_str_t *value)
{
    u_char     *end;
    ngx_str_t   raw;

    if (ngx_http_arg(r, (u_char *) name, len, &raw) != NGX_OK
        || raw.len == 0)
    {
        return NGX_DECLINED;
    }

    value->data = ngx_pnalloc(r->pool, raw.len);
    if (value->data == NULL) {
        return NGX_DECLINED;
    }

    end = ngx_http_boxoffice_text_unescape(value->data, raw.data, raw.len);

    if (end == NULL || end == value->data) {
        return NGX_DECLINED;
    }

    value->len = end - value->data;

    return NGX_OK;
}
