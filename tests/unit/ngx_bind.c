/*
 * ngx_bind.c
 *		Calls as the binary parameters of the one statement (TAP): read back by a reader of its own.
 */
#include "ngx_shim.h"
#include "ngx_http_boxoffice_bind.h"

#include <stdio.h>

const ngx_str_t ngx_http_boxoffice_contract = ngx_string("0123456789abcdef");

static ngx_log_t quiet;
static const ngx_http_boxoffice_route_t route = {.operation = ngx_string("hold_create")};

/* Big-endian integers of the wire. */
static int
int4_at(const char *p)
{
	const unsigned char *u = (const unsigned char *) p;

	return (int) ((unsigned) u[0] << 24 | u[1] << 16 | u[2] << 8 | u[3]);
}

/* The i-th element of an array parameter; NULL for a null; all bounds are looked at. */
static const char *
element(const ngx_http_boxoffice_bind_t *bind, int param, int i, int *len)
{
	const char *p = bind->values[param];
	const char *last = p + bind->lengths[param];

	if (int4_at(p) != 1 || int4_at(p + 16) != 1 || i >= int4_at(p + 12))
		abort();
	for (p += 20;; p += *len > 0 ? *len : 0)
	{
		if (p + 4 > last)
			abort();
		*len = int4_at(p);
		p += 4;
		if (i-- == 0)
			return *len < 0 ? NULL : p;
	}
}

static int
element_is(const ngx_http_boxoffice_bind_t *bind, int param, int i, const char *wanted)
{
	int			len;
	const char *p = element(bind, param, i, &len);

	if (p == NULL || wanted == NULL)
		return p == NULL && wanted == NULL;
	return (size_t) len == strlen(wanted) && memcmp(p, wanted, strlen(wanted)) == 0;
}

static void
add(ngx_queue_t *calls, ngx_http_boxoffice_call_t *call, const char *params, ngx_chain_t *body, size_t body_len)
{
	call->params = str(params);
	call->actor.role = str("public");
	call->request_id = str("r");
	call->body = body;
	call->body_len = body_len;
	ngx_queue_insert_tail(calls, &call->queue);
}

static void
test_two_calls(ngx_http_boxoffice_bind_t *bind)
{
	ngx_http_boxoffice_call_t one = {0},
				two = {0};
	ngx_buf_t	a = {0},
				b = {0},
				end = {0};
	ngx_chain_t last = {&end, NULL},
				second = {&b, &last},
				first = {&a, &second};
	ngx_queue_t calls;

	ngx_queue_init(&calls);
	a.pos = (u_char *) "{\"x\":1";
	a.last = a.pos + 6;
	b.pos = (u_char *) "},{";
	b.last = b.pos + 1;
	add(&calls, &one, "event=5", &first, 7);
	one.key = str("k");
	one.actor.subject = str("alice");
	one.actor.organizer = INT64_C(0x0102030405060708);
	add(&calls, &two, "", NULL, 0);
	two.secret = str("s");
	check(ngx_http_boxoffice_bind_calls(bind, &calls, 2, &route, INT64_C(0x1122334455667788), 4999, &quiet) == NGX_OK,
		  "two calls are bound");
	check(bind->lengths[0] == 8 && memcmp(bind->values[0], "\x11\x22\x33\x44\x55\x66\x77\x88", 8) == 0, "the event");
	check(bind->lengths[1] == 11 && memcmp(bind->values[1], "hold_create", 11) == 0, "the operation");
	check(bind->lengths[2] == 16, "the contract");
	check(element_is(bind, 3, 0, "event=5") && element_is(bind, 3, 1, ""), "parameters: none is empty, not null");
	check(element_is(bind, 4, 0, "{\"x\":1}") && element_is(bind, 4, 1, NULL), "a body in pieces, and none");
	check(element_is(bind, 5, 0, "alice") && element_is(bind, 5, 1, NULL), "subjects");
	check(element_is(bind, 6, 0, "public") && element_is(bind, 6, 1, "public"), "roles");
	check(element_is(bind, 7, 0, "\x01\x02\x03\x04\x05\x06\x07\x08") && element_is(bind, 7, 1, NULL), "organizers");
	check(element_is(bind, 8, 0, "k") && element_is(bind, 8, 1, NULL), "keys");
	check(element_is(bind, 9, 0, NULL) && element_is(bind, 9, 1, "s"), "secrets");
	check(element_is(bind, 10, 0, "r") && element_is(bind, 10, 1, "r"), "request ids");
	check(bind->lengths[11] == 4 && int4_at(bind->values[11]) == 4999, "the deadline");
}

static void
test_no_calls(ngx_http_boxoffice_bind_t *bind)
{
	ngx_queue_t calls;
	int			empty = 1;

	ngx_queue_init(&calls);
	check(ngx_http_boxoffice_bind_calls(bind, &calls, 0, &route, 0, 1, &quiet) == NGX_OK, "nothing is bound");
	for (int i = 3; i <= 10; i++)
		empty &= bind->lengths[i] == 12 && int4_at(bind->values[i]) == 0;
	check(empty, "as arrays without a dimension");
}

/* A buffer grows for what comes and is given back after what was enormous. */
static void
test_sizes(ngx_http_boxoffice_bind_t *bind)
{
	static ngx_http_boxoffice_call_t calls[300];
	static char text[20000];
	ngx_queue_t queue;
	int			good = 1;

	memset(text, 'x', sizeof(text) - 1);
	for (int n = 1; n <= 300; n += 23)
	{
		ngx_queue_init(&queue);
		memset(calls, 0, sizeof(calls));
		for (int i = 0; i < n; i++)
			add(&queue, &calls[i], text + (i * 61 + n) % 19999, NULL, 0);
		good &= ngx_http_boxoffice_bind_calls(bind, &queue, (ngx_uint_t) n, &route, 1, 1, &quiet) == NGX_OK;
		for (int i = 0; i < n; i++)
			good &= element_is(bind, 3, i, text + (i * 61 + n) % 19999);
	}
	check(good && bind->size > 1024 * 1024, "batches of many sizes, within bounds");
	test_no_calls(bind);
	check(bind->size < 1024 * 1024, "an enormous buffer is not kept");
}

int
main(void)
{
	ngx_http_boxoffice_bind_t bind = {0};

	test_two_calls(&bind);
	test_no_calls(&bind);
	test_sizes(&bind);
	free(bind.start);
	return finish();
}
