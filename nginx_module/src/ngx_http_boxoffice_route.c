
/*
 * Routes: finds the operation for a path and a method.
 *
 * The contract's rows become a tree of path segments.  Finding goes down the
 * tree once and never back: among the children of a node a literal comes
 * before a parameter, and a parameter with the longer suffix before others.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_boxoffice_route.h"
#include "ngx_http_boxoffice_text.h"
#include "ngx_http_boxoffice_routes_gen.h"


static ngx_int_t ngx_http_boxoffice_route_add(ngx_pool_t *pool,
    ngx_http_boxoffice_node_t *tree, const ngx_http_boxoffice_route_t *route,
    ngx_log_t *log);
static ngx_int_t ngx_http_boxoffice_route_parse(ngx_str_t *segment,
    ngx_http_boxoffice_node_t *node, ngx_http_boxoffice_path_t *path);
static ngx_http_boxoffice_node_t *ngx_http_boxoffice_route_child(
    ngx_pool_t *pool, ngx_http_boxoffice_node_t *parent,
    ngx_http_boxoffice_node_t *want);
static ngx_uint_t ngx_http_boxoffice_route_before(
    const ngx_http_boxoffice_node_t *a, const ngx_http_boxoffice_node_t *b);
static ngx_int_t ngx_http_boxoffice_route_allow(ngx_pool_t *pool,
    ngx_http_boxoffice_node_t *node);
static const ngx_http_boxoffice_node_t *ngx_http_boxoffice_route_step(
    const ngx_http_boxoffice_node_t *node, const ngx_str_t *segment);
static ngx_uint_t ngx_http_boxoffice_route_split(u_char **pos, u_char *last,
    ngx_str_t *segment);
static ngx_uint_t ngx_http_boxoffice_route_slot(ngx_uint_t method);


/* nginx refuses a path with a null character */

#define NGX_HTTP_BOXOFFICE_ROUTE_SLASH  '\0'


const ngx_str_t  ngx_http_boxoffice_contract =
    ngx_string(NGX_HTTP_BOXOFFICE_CONTRACT);


static const ngx_str_t  ngx_http_boxoffice_method_names[] = {
    ngx_string("GET, HEAD"),
    ngx_string("POST"),
    ngx_string("PUT"),
    ngx_string("PATCH"),
    ngx_string("DELETE")
};


ngx_http_boxoffice_node_t *
ngx_http_boxoffice_route_tree(ngx_pool_t *pool, ngx_log_t *log)
{
    ngx_uint_t                  i;
    ngx_http_boxoffice_node_t  *tree;

    tree = ngx_pcalloc(pool, sizeof(ngx_http_boxoffice_node_t));
    if (tree == NULL) {
        return NULL;
    }

    for (i = 0; i < ngx_http_boxoffice_route_count(); i++) {
        if (ngx_http_boxoffice_route_add(pool, tree,
                                         &ngx_http_boxoffice_routes[i], log)
            != NGX_OK)
        {
            return NULL;
        }
    }

    return tree;
}


static ngx_int_t
ngx_http_boxoffice_route_add(ngx_pool_t *pool, ngx_http_boxoffice_node_t *tree,
    const ngx_http_boxoffice_route_t *route, ngx_log_t *log)
{
    u_char                     *pos, *last;
    ngx_str_t                   segment;
    ngx_uint_t                  slot;
    ngx_http_boxoffice_node_t  *node, want;
    ngx_http_boxoffice_path_t  *path;

    path = ngx_pcalloc(pool, sizeof(ngx_http_boxoffice_path_t));
    if (path == NULL) {
        return NGX_ERROR;
    }

    path->event = NGX_ERROR;

    node = tree;
    pos = route->path.data;
    last = pos + route->path.len;

    while (ngx_http_boxoffice_route_split(&pos, last, &segment)) {

        if (ngx_http_boxoffice_route_parse(&segment, &want, path) != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, log, 0,
                          "boxoffice: bad path \"%V\" of operation \"%V\"",
                          &route->path, &route->operation);
            return NGX_ERROR;
        }

        node = ngx_http_boxoffice_route_child(pool, node, &want);
        if (node == NULL) {
            return NGX_ERROR;
        }
    }

    slot = ngx_http_boxoffice_route_slot(route->method);

    if (slot == NGX_HTTP_BOXOFFICE_METHODS || node->routes[slot]) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "boxoffice: bad or second method on path \"%V\" "
                      "of operation \"%V\"", &route->path, &route->operation);
        return NGX_ERROR;
    }

    node->routes[slot] = route;
    node->paths[slot] = path;

    if (!route->event) {
        path->event = NGX_ERROR;
    }

    return ngx_http_boxoffice_route_allow(pool, node);
}


/*
 * Makes of a template's segment the node that it would be, and adds the
 * parameter to the names if it is one.
 */

static ngx_int_t
ngx_http_boxoffice_route_parse(ngx_str_t *segment,
    ngx_http_boxoffice_node_t *node, ngx_http_boxoffice_path_t *path)
{
    u_char     *end, *last;
    ngx_str_t  *name;

    ngx_memzero(node, sizeof(ngx_http_boxoffice_node_t));

    if (segment->len == 0) {
        return NGX_ERROR;
    }

    if (segment->data[0] != '{') {
        node->text = *segment;
        return NGX_OK;
    }

    last = segment->data + segment->len;
    end = ngx_strlchr(segment->data, last, '}');

    if (end == NULL || end == segment->data + 1
        || path->n == NGX_HTTP_BOXOFFICE_SEGMENTS_MAX)
    {
        return NGX_ERROR;
    }

    name = &path->names[path->n];
    name->data = segment->data + 1;
    name->len = end - name->data;

    if (name->len == 5 && ngx_memcmp(name->data, "event", 5) == 0) {
        path->event = path->n;
    }

    path->n++;

    node->param = 1;
    node->text.data = end + 1;
    node->text.len = last - node->text.data;

    return NGX_OK;
}


static ngx_http_boxoffice_node_t *
ngx_http_boxoffice_route_child(ngx_pool_t *pool,
    ngx_http_boxoffice_node_t *parent, ngx_http_boxoffice_node_t *want)
{
    ngx_http_boxoffice_node_t  *node, **place;

    for (place = &parent->child; *place; place = &(*place)->next) {
        node = *place;

        if (node->text.len == want->text.len
            && node->param == want->param
            && ngx_memcmp(node->text.data, want->text.data, want->text.len)
               == 0)
        {
            return node;
        }
    }

    for (place = &parent->child; *place; place = &(*place)->next) {
        if (ngx_http_boxoffice_route_before(want, *place)) {
            break;
        }
    }

    node = ngx_palloc(pool, sizeof(ngx_http_boxoffice_node_t));
    if (node == NULL) {
        return NULL;
    }

    *node = *want;
    node->next = *place;
    *place = node;

    return node;
}


static ngx_uint_t
ngx_http_boxoffice_route_before(const ngx_http_boxoffice_node_t *a,
    const ngx_http_boxoffice_node_t *b)
{
    if (a->param != b->param) {
        return b->param;
    }

    return a->param && a->text.len > b->text.len;
}


/* writes what the header Allow says of a resource */

static ngx_int_t
ngx_http_boxoffice_route_allow(ngx_pool_t *pool,
    ngx_http_boxoffice_node_t *node)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    len = sizeof("OPTIONS") - 1;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_METHODS; i++) {
        if (node->routes[i]) {
            len += ngx_http_boxoffice_method_names[i].len + 2;
        }
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    node->allow.data = p;
    node->allow.len = len;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_METHODS; i++) {
        if (node->routes[i]) {
            p = ngx_cpymem(p, ngx_http_boxoffice_method_names[i].data,
                           ngx_http_boxoffice_method_names[i].len);
            *p++ = ',';
            *p++ = ' ';
        }
    }

    ngx_memcpy(p, "OPTIONS", sizeof("OPTIONS") - 1);

    return NGX_OK;
}


ngx_int_t
ngx_http_boxoffice_route_find(const ngx_http_boxoffice_node_t *tree,
    const ngx_str_t *uri, ngx_uint_t method, ngx_http_boxoffice_match_t *match)
{
    u_char                           *pos, *last;
    ngx_str_t                         segment, *value;
    ngx_uint_t                        slot;
    const ngx_http_boxoffice_node_t  *node;

    node = tree;
    value = match->values;
    pos = uri->data;
    last = pos + uri->len;

    while (ngx_http_boxoffice_route_split(&pos, last, &segment)) {

        node = ngx_http_boxoffice_route_step(node, &segment);
        if (node == NULL) {
            return NGX_DECLINED;
        }

        /* a tree is not deeper in parameters than a route may be */

        if (node->param) {
            value->data = segment.data;
            value->len = segment.len - node->text.len;
            value++;
        }
    }

    if (node->allow.len == 0) {
        return NGX_DECLINED;
    }

    slot = ngx_http_boxoffice_route_slot(method);

    match->resource = node;
    match->route = NULL;
    match->path = NULL;

    if (slot != NGX_HTTP_BOXOFFICE_METHODS) {
        match->route = node->routes[slot];
        match->path = node->paths[slot];
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_boxoffice_route_mark(ngx_str_t *path, const ngx_str_t *uri,
    const ngx_str_t *raw)
{
    u_char      *p, *last, *u, *end, *dst, decoded[3];
    ngx_uint_t   encoded, merged;

    p = raw->data;
    last = p + raw->len;
    u = uri->data;
    end = u + uri->len;
    dst = path->data;

    for ( /* void */ ; p < last && *p != '?' && *p != '#'; dst++) {

        encoded = (*p == '%');
        *dst = *p;

        if (encoded) {
            if (last - p < 3
                || ngx_http_boxoffice_text_unescape(decoded, p, 3) == NULL)
            {
                return NGX_DECLINED;
            }

            *dst = decoded[0];
        }

        p += encoded ? 3 : 1;

        /* of several slashes nginx keeps one */

        merged = (*dst == '/' && u > uri->data && u[-1] == '/'
                  && (u == end || *u != '/'));

        if (!merged && (u == end || *u++ != *dst)) {
            return NGX_DECLINED;
        }

        if (encoded && *dst == '/') {
            *dst = NGX_HTTP_BOXOFFICE_ROUTE_SLASH;
        }
    }

    path->len = dst - path->data;

    return u == end ? NGX_OK : NGX_DECLINED;
}


void
ngx_http_boxoffice_route_unmark(ngx_http_boxoffice_match_t *match)
{
    size_t       i;
    ngx_uint_t   n;
    ngx_str_t   *value;

    for (n = 0; match->path && n < match->path->n; n++) {
        value = &match->values[n];

        for (i = 0; i < value->len; i++) {

            if (value->data[i] == NGX_HTTP_BOXOFFICE_ROUTE_SLASH) {
                value->data[i] = '/';
            }
        }
    }
}


static const ngx_http_boxoffice_node_t *
ngx_http_boxoffice_route_step(const ngx_http_boxoffice_node_t *node,
    const ngx_str_t *segment)
{
    size_t   len;
    u_char  *tail;

    for (node = node->child; node; node = node->next) {

        if (segment->len < node->text.len) {
            continue;
        }

        /* what is left of the suffix: the parameter, or nothing */

        len = segment->len - node->text.len;
        tail = segment->data + len;

        if ((len != 0) == node->param
            && ngx_memcmp(tail, node->text.data, node->text.len) == 0)
        {
            return node;
        }
    }

    return NULL;
}


/* takes "/segment" off the front; 0 when nothing is left */

static ngx_uint_t
ngx_http_boxoffice_route_split(u_char **pos, u_char *last, ngx_str_t *segment)
{
    u_char  *p;

    p = *pos;

    if (p >= last || *p != '/') {
        return 0;
    }

    segment->data = ++p;

    while (p < last && *p != '/') {
        p++;
    }

    segment->len = p - segment->data;
    *pos = p;

    return 1;
}


static ngx_uint_t
ngx_http_boxoffice_route_slot(ngx_uint_t method)
{
    switch (method) {

    case NGX_HTTP_GET:
    case NGX_HTTP_HEAD:
        return NGX_HTTP_BOXOFFICE_GET;

    case NGX_HTTP_POST:
        return NGX_HTTP_BOXOFFICE_POST;

    case NGX_HTTP_PUT:
        return NGX_HTTP_BOXOFFICE_PUT;

    case NGX_HTTP_PATCH:
        return NGX_HTTP_BOXOFFICE_PATCH;

    case NGX_HTTP_DELETE:
        return NGX_HTTP_BOXOFFICE_DELETE;

    default:
        return NGX_HTTP_BOXOFFICE_METHODS;
    }
}


ngx_uint_t
ngx_http_boxoffice_route_count(void)
{
    /* without the row that ends the table */

    return sizeof(ngx_http_boxoffice_routes)
           / sizeof(ngx_http_boxoffice_routes[0]) - 1;
}


const ngx_http_boxoffice_route_t *
ngx_http_boxoffice_route_get(ngx_uint_t i)
{
    return &ngx_http_boxoffice_routes[i];
}


ngx_uint_t
ngx_http_boxoffice_route_index(const ngx_http_boxoffice_route_t *route)
{
    return route - ngx_http_boxoffice_routes;
}
