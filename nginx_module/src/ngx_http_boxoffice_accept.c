
/*
 * What a client accepts: reads the header Accept.  Pure: knows bytes only.
 */


#include "ngx_http_boxoffice_accept.h"


static ngx_str_t ngx_http_boxoffice_accept_next(ngx_str_t *rest, u_char end);
static ngx_str_t ngx_http_boxoffice_accept_trim(ngx_str_t text);
static ngx_uint_t ngx_http_boxoffice_accept_precision(const ngx_str_t *range,
    const ngx_str_t *type);
static ngx_int_t ngx_http_boxoffice_accept_quality(ngx_str_t *parameters);
static ngx_int_t ngx_http_boxoffice_accept_number(const ngx_str_t *text);


void
ngx_http_boxoffice_accept_find(const ngx_str_t *accept, const ngx_str_t *type,
    ngx_http_boxoffice_accept_t *found)
{
    ngx_int_t   quality;
    ngx_str_t   rest, item, range, plain;
    ngx_uint_t  n, precision;

    rest = *type;
    plain = ngx_http_boxoffice_accept_next(&rest, ';');

    found->quality = 0;
    found->precision = 0;
    found->position = 0;

    rest = *accept;

    for (n = 0; rest.len; /* void */) {
        item = ngx_http_boxoffice_accept_next(&rest, ',');
        range = ngx_http_boxoffice_accept_next(&item, ';');
        quality = ngx_http_boxoffice_accept_quality(&item);

        if (quality == NGX_ERROR
            || ngx_strlchr(range.data, range.data + range.len, '/') == NULL)
        {
            continue;
        }

        n++;

        precision = ngx_http_boxoffice_accept_precision(&range, &plain);

        if (precision > found->precision) {
            found->quality = quality;
            found->precision = precision;
            found->position = n;
        }
    }

    if (n == 0) {
        found->quality = 1000;
        found->precision = 1;
    }
}


ngx_uint_t
ngx_http_boxoffice_accept_better(const ngx_http_boxoffice_accept_t *one,
    const ngx_http_boxoffice_accept_t *two)
{
    if (one->quality != two->quality) {
        return one->quality > two->quality;
    }

    if (one->precision != two->precision) {
        return one->precision > two->precision;
    }

    return one->position < two->position;
}


/* takes what is before the first end outside of quotes off the rest */

static ngx_str_t
ngx_http_boxoffice_accept_next(ngx_str_t *rest, u_char end)
{
    u_char      *p, *last;
    ngx_str_t    text;
    ngx_uint_t   quoted;

    p = rest->data;
    last = p + rest->len;
    quoted = 0;

    for ( /* void */ ; p < last && (quoted || *p != end); p++) {

        if (*p == '"') {
            quoted = !quoted;

        } else if (quoted && *p == '\\' && p + 1 < last) {
            p++;
        }
    }

    text.data = rest->data;
    text.len = p - rest->data;

    if (p < last) {
        p++;
    }

    rest->data = p;
    rest->len = last - p;

    return ngx_http_boxoffice_accept_trim(text);
}


static ngx_str_t
ngx_http_boxoffice_accept_trim(ngx_str_t text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }

    while (text.len
           && (text.data[text.len - 1] == ' '
               || text.data[text.len - 1] == '\t'))
    {
        text.len--;
    }

    return text;
}


static ngx_uint_t
ngx_http_boxoffice_accept_precision(const ngx_str_t *range,
    const ngx_str_t *type)
{
    if (range->len == 3 && ngx_strncmp(range->data, "*/*", 3) == 0) {
        return 1;
    }

    if (range->len > 2 && range->len <= type->len
        && ngx_strncmp(range->data + range->len - 2, "/*", 2) == 0
        && ngx_strncasecmp(range->data, type->data, range->len - 1) == 0)
    {
        return 2;
    }

    if (range->len == type->len
        && ngx_strncasecmp(range->data, type->data, type->len) == 0)
    {
        return 3;
    }

    return 0;
}


/* in thousandths; NGX_ERROR if q is no weight */

static ngx_int_t
ngx_http_boxoffice_accept_quality(ngx_str_t *parameters)
{
    ngx_str_t  parameter;

    while (parameters->len) {
        parameter = ngx_http_boxoffice_accept_next(parameters, ';');

        if (parameter.len >= 2
            && (parameter.data[0] == 'q' || parameter.data[0] == 'Q')
            && parameter.data[1] == '=')
        {
            parameter.data += 2;
            parameter.len -= 2;

            return ngx_http_boxoffice_accept_number(&parameter);
        }
    }

    return 1000;
}


/* 0 to 1, with up to three digits */

static ngx_int_t
ngx_http_boxoffice_accept_number(const ngx_str_t *text)
{
    size_t     i;
    ngx_int_t  n, unit;

    if (text->len == 0 || text->len > 5
        || (text->data[0] != '0' && text->data[0] != '1')
        || (text->len > 1 && text->data[1] != '.'))
    {
        return NGX_ERROR;
    }

    n = (text->data[0] - '0') * 1000;

    for (i = 2, unit = 100; i < text->len; i++, unit /= 10) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            return NGX_ERROR;
        }

        n += (text->data[i] - '0') * unit;
    }

    return (n <= 1000) ? n : NGX_ERROR;
}
