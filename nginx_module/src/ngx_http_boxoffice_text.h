
/*
 * Checks and codings of text.  Pure functions: no request, no pool, no log.
 */


#ifndef _NGX_HTTP_BOXOFFICE_TEXT_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* 1 if all bytes are in 0x20..0x7e, and there is at least one */
ngx_uint_t ngx_http_boxoffice_text_printable(const u_char *p, size_t len);

/* 1 if it is not empty and all of it is A-Z a-z 0-9 - . _ ~ : */
ngx_uint_t ngx_http_boxoffice_text_word(const u_char *p, size_t len);

/* 1 if it is well-formed UTF-8 (RFC 3629) without NUL */
ngx_uint_t ngx_http_boxoffice_text_utf8(const u_char *p, size_t len);

/* 1 if it is 8-4-4-4-12 hexadecimal digits */
ngx_uint_t ngx_http_boxoffice_text_uuid(const u_char *p, size_t len);

/* a decimal id: no sign, no leading zero, 1 to 2^63 - 1; 0 if it is none */
int64_t ngx_http_boxoffice_text_id(const u_char *p, size_t len);

/* the length that text_escape() would write */
size_t ngx_http_boxoffice_text_escaped(const u_char *p, size_t len);

/* percent-encodes all but RFC 3986's unreserved; returns the end of dst */
u_char *ngx_http_boxoffice_text_escape(u_char *dst, const u_char *p,
    size_t len);

/*
 * Decodes a member of a query, where '+' is a space.  dst has room for len
 * bytes and may be p itself.  Returns the end of dst, or NULL if a percent
 * sign is not followed by two hexadecimal digits.
 */
u_char *ngx_http_boxoffice_text_unescape(u_char *dst, const u_char *p,
    size_t len);

/* the length that text_json() would write */
size_t ngx_http_boxoffice_text_jsoned(const u_char *p, size_t len);

/*
 * Writes p as the inside of a JSON string; p need not be valid UTF-8: what is
 * not ASCII is written as '?'.  Returns the end of dst.
 */
u_char *ngx_http_boxoffice_text_json(u_char *dst, const u_char *p,
    size_t len);


#endif /* _NGX_HTTP_BOXOFFICE_TEXT_H_INCLUDED_ */
