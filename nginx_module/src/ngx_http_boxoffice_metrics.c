#include "ngx_http_boxoffice_metrics.h"
ngx_int_t ngx_http_boxoffice_metrics_zone(ngx_conf_t *cf, ngx_http_boxoffice_main_conf_t *conf) { return NGX_OK; }
void ngx_http_boxoffice_metrics_init(ngx_http_boxoffice_main_conf_t *conf) {}
void ngx_http_boxoffice_metrics_count(ngx_uint_t counter) {}
void ngx_http_boxoffice_metrics_add(ngx_uint_t counter, ngx_uint_t n) {}
void ngx_http_boxoffice_metrics_gauge(ngx_uint_t gauge, ngx_uint_t value) {}
void ngx_http_boxoffice_metrics_batch(ngx_uint_t n, ngx_msec_t took) {}
void ngx_http_boxoffice_metrics_request(const ngx_http_boxoffice_route_t *route, ngx_uint_t status, ngx_msec_t took) {}
ngx_int_t ngx_http_boxoffice_metrics_handler(ngx_http_request_t *r) { return NGX_HTTP_NOT_FOUND; }
