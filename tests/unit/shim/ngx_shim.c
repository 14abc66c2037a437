/*
 * ngx_shim.c
 *		What the module's pure files need of nginx, without an nginx: pools are the C library's
 *		memory, one block each, so that the sanitizers see its bounds.
 */
#include "ngx_shim.h"

#include <ngx_md5.h>
#include <stdio.h>

volatile ngx_time_t *ngx_cached_time;
ngx_pid_t	ngx_pid;

static ngx_time_t now;
static void *blocks[65536];
static size_t nblocks;
static ngx_pool_cleanup_t *cleanups;

static int	tests;
static int	failures;

void
check(int good, const char *what)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}

int
finish(void)
{
	for (; cleanups; cleanups = cleanups->next)
		if (cleanups->handler)
			cleanups->handler(cleanups->data);
	printf("1..%d\n", tests);
	return failures != 0;
}

void
set_time(time_t sec)
{
	now.sec = sec;
	ngx_cached_time = &now;
}

ngx_str_t
str(const char *text)
{
	return (ngx_str_t) { strlen(text), (u_char *) text };
}

ngx_int_t
ngx_strncasecmp(u_char *s1, u_char *s2, size_t n)
{
	return strncasecmp((char *) s1, (char *) s2, n);
}

void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
	void	   *p = malloc(size ? size : 1);

	(void) pool;
	if (p == NULL || nblocks == sizeof(blocks) / sizeof(blocks[0]))
		abort();
	return blocks[nblocks++] = p;
}

void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
	return ngx_palloc(pool, size);
}

void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
	return memset(ngx_palloc(pool, size), 0, size);
}

void *
ngx_alloc(size_t size, ngx_log_t *log)
{
	(void) log;
	return malloc(size);
}

u_char *
ngx_pstrdup(ngx_pool_t *pool, ngx_str_t *src)
{
	return memcpy(ngx_palloc(pool, src->len), src->data, src->len);
}

ngx_pool_cleanup_t *
ngx_pool_cleanup_add(ngx_pool_t *pool, size_t size)
{
	ngx_pool_cleanup_t *c = ngx_pcalloc(pool, sizeof(*c));

	c->data = ngx_pcalloc(pool, size);
	c->next = cleanups;
	return cleanups = c;
}

/* As long as an array has the room that it was made with. */
void *
ngx_array_push(ngx_array_t *a)
{
	if (a->nelts == a->nalloc)
		abort();
	return (u_char *) a->elts + a->size * a->nelts++;
}

void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err, const char *fmt,...)
{
	(void) level;
	(void) log;
	(void) err;
	(void) fmt;
}

static int
base64url_digit(u_char c)
{
	const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int) (found - digits) : -1;
}

ngx_int_t
ngx_decode_base64url(ngx_str_t *dst, ngx_str_t *src)
{
	unsigned	bits = 0;
	int			n = 0;

	dst->len = 0;
	if (src->len % 4 == 1)
		return NGX_ERROR;
	for (size_t i = 0; i < src->len; i++)
	{
		int			digit = base64url_digit(src->data[i]);

		if (digit < 0)
			return NGX_ERROR;
		bits = bits << 6 | (unsigned) digit;
		n += 6;
		if (n >= 8)
		{
			n -= 8;
			dst->data[dst->len++] = (u_char) (bits >> n);
		}
	}
	return NGX_OK;
}

uint32_t
ngx_murmur_hash2(u_char *data, size_t len)
{
	uint32_t	hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}
