
/*
 * Checks and codings of text.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_boxoffice_text.h"


#define NGX_HTTP_BOXOFFICE_ID_LEN  19


/* A-Z a-z 0-9 - . _ ~ */

static const uint32_t  ngx_http_boxoffice_unreserved[] = {
    0x00000000, 0x03ff6000, 0x87fffffe, 0x47fffffe,
    0x00000000, 0x00000000, 0x00000000, 0x00000000
};

static const u_char  ngx_http_boxoffice_hex[] = "0123456789ABCDEF";


static ngx_int_t ngx_http_boxoffice_text_digit(u_char ch);
static size_t ngx_http_boxoffice_text_rune(const u_char *p, size_t len);


#define ngx_http_boxoffice_is_unreserved(ch)                                  \
    (ngx_http_boxoffice_unreserved[(ch) >> 5] & (1U << ((ch) & 0x1f)))


ngx_uint_t
ngx_http_boxoffice_text_printable(const u_char *p, size_t len)
{
    const u_char  *last;

    if (len == 0) {
        return 0;
    }

    for (last = p + len; p < last; p++) {
        if (*p < 0x20 || *p >= 0x7f) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_http_boxoffice_text_word(const u_char *p, size_t len)
{
    const u_char  *last;

    if (len == 0) {
        return 0;
    }

    for (last = p + len; p < last; p++) {
        if (!ngx_http_boxoffice_is_unreserved(*p) && *p != ':') {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_http_boxoffice_text_utf8(const u_char *p, size_t len)
{
    size_t         n;
    const u_char  *last;

    last = p + len;

    while (p < last) {

        if (*p >= 0x01 && *p <= 0x7f) {
            p++;
            continue;
        }

        n = ngx_http_boxoffice_text_rune(p, last - p);

        if (n == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}


/*
 * The length of the well-formed multibyte sequence at p, or 0.
 * RFC 3629, section 4: overlong forms, surrogates and what is over U+10FFFF
 * all show in the second byte.
 */

static size_t
ngx_http_boxoffice_text_rune(const u_char *p, size_t len)
{
    size_t  n, i;
    u_char  lo, hi;

    lo = 0x80;
    hi = 0xbf;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3;
        lo = (p[0] == 0xe0) ? 0xa0 : lo;
        hi = (p[0] == 0xed) ? 0x9f : hi;

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        lo = (p[0] == 0xf0) ? 0x90 : lo;
        hi = (p[0] == 0xf4) ? 0x8f : hi;

    } else {
        return 0;
    }

    if (len < n || p[1] < lo || p[1] > hi) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }

    return n;
}


ngx_uint_t
ngx_http_boxoffice_text_uuid(const u_char *p, size_t len)
{
    size_t  i;

    if (len != 36) {
        return 0;
    }

    for (i = 0; i < len; i++) {

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (p[i] != '-') {
                return 0;
            }

        } else if (ngx_http_boxoffice_text_digit(p[i]) == NGX_ERROR) {
            return 0;
        }
    }

    return 1;
}


int64_t
ngx_http_boxoffice_text_id(const u_char *p, size_t len)
{
    size_t    i;
    uint64_t  id;

    if (len == 0 || len > NGX_HTTP_BOXOFFICE_ID_LEN || p[0] == '0') {
        return 0;
    }

    /* 19 digits do not overflow 64 bits without a sign */

    id = 0;

    for (i = 0; i < len; i++) {

        if (p[i] < '0' || p[i] > '9') {
            return 0;
        }

        id = id * 10 + (p[i] - '0');
    }

    return id > INT64_MAX ? 0 : (int64_t) id;
}


size_t
ngx_http_boxoffice_text_escaped(const u_char *p, size_t len)
{
    size_t         n;
    const u_char  *last;

    n = len;

    for (last = p + len; p < last; p++) {
        if (!ngx_http_boxoffice_is_unreserved(*p)) {
            n += 2;
        }
    }

    return n;
}


u_char *
ngx_http_boxoffice_text_escape(u_char *dst, const u_char *p, size_t len)
{
    const u_char  *last;

    for (last = p + len; p < last; p++) {

        if (ngx_http_boxoffice_is_unreserved(*p)) {
            *dst++ = *p;

        } else {
            *dst++ = '%';
            *dst++ = ngx_http_boxoffice_hex[*p >> 4];
            *dst++ = ngx_http_boxoffice_hex[*p & 0x0f];
        }
    }

    return dst;
}


u_char *
ngx_http_boxoffice_text_unescape(u_char *dst, const u_char *p, size_t len)
{
    ngx_int_t      high, low;
    const u_char  *last;

    last = p + len;

    while (p < last) {

        if (*p == '+') {
            *dst++ = ' ';
            p++;
            continue;
        }

        if (*p != '%') {
            *dst++ = *p++;
            continue;
        }

        if (last - p < 3) {
            return NULL;
        }

        high = ngx_http_boxoffice_text_digit(p[1]);
        low = ngx_http_boxoffice_text_digit(p[2]);

        if (high == NGX_ERROR || low == NGX_ERROR) {
            return NULL;
        }

        *dst++ = (u_char) (high << 4 | low);
        p += 3;
    }

    return dst;
}


size_t
ngx_http_boxoffice_text_jsoned(const u_char *p, size_t len)
{
    size_t         n;
    const u_char  *last;

    n = len;

    for (last = p + len; p < last; p++) {

        if (*p == '"' || *p == '\\') {
            n++;

        } else if (*p < 0x20) {
            n += sizeof("\\u0000") - 2;
        }
    }

    return n;
}


u_char *
ngx_http_boxoffice_text_json(u_char *dst, const u_char *p, size_t len)
{
    const u_char  *last;

    for (last = p + len; p < last; p++) {

        if (*p == '"' || *p == '\\') {
            *dst++ = '\\';
            *dst++ = *p;

        } else if (*p < 0x20) {
            dst = ngx_cpymem(dst, "\\u00", 4);
            *dst++ = ngx_http_boxoffice_hex[*p >> 4];
            *dst++ = ngx_http_boxoffice_hex[*p & 0x0f];

        } else if (*p >= 0x7f) {
            *dst++ = '?';

        } else {
            *dst++ = *p;
        }
    }

    return dst;
}


static ngx_int_t
ngx_http_boxoffice_text_digit(u_char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    if (ch >= 'a' && ch <= 'f') {
        return ch - 'a' + 10;
    }

    return NGX_ERROR;
}
