/*
 * ngx_accept.c
 *		What a client accepts (TAP).
 */
#include "ngx_shim.h"
#include "ngx_http_boxoffice_accept.h"

#include <stdio.h>

static ngx_http_boxoffice_accept_t
find(const char *accept, const char *type)
{
	ngx_http_boxoffice_accept_t found;
	ngx_str_t	name = str(type);
	ngx_str_t	header;

	/* no more than its bytes, for the sanitizer to see */
	header.len = strlen(accept);
	header.data = memcpy(ngx_palloc(NULL, header.len), accept, header.len);

	ngx_http_boxoffice_accept_find(&header, &name, &found);
	return found;
}

static int
quality(const char *accept, const char *type)
{
	return (int) find(accept, type).quality;
}

static void
qualities(void)
{
	static const struct
	{
		const char *accept;
		const char *type;
		int			quality;
	}			cases[] = {
		{"*/*", "text/csv", 1000},
		{"text/csv", "text/csv", 1000},
		{"Text/CSV", "text/csv", 1000},
		{"text/csv", "text/calendar; charset=utf-8", 0},
		{"text/calendar", "text/calendar; charset=utf-8", 1000},
		{"text/calendar;charset=utf-8", "text/calendar", 1000},
		{"text/*", "text/csv", 1000},
		{"text/*", "application/json", 0},
		{"tex/*", "text/csv", 0},
		{"text/cs", "text/csv", 0},
		{"text/csvx", "text/csv", 0},
		{"*/csv", "text/csv", 0},
		{"text/html", "application/json", 0},
		{"application/json;q=0", "application/json", 0},
		{"application/json;q=0.0, */*", "application/json", 0},
		{"*/*, application/json;q=0", "application/json", 0},
		{"*/*;q=0, application/json", "application/json", 1000},
		{"*/*;q=0", "application/json", 0},
		{"text/*;q=0.3, text/csv;q=0.7, */*", "text/csv", 700},
		{"text/*;q=0.3, text/csv;q=0.7, */*", "text/html", 300},
		{"text/*;q=0.3, text/csv;q=0.7, */*", "image/png", 1000},
		{"text/csv ; q=0.5", "text/csv", 500},
		{"text/csv;header=present;Q=0.123", "text/csv", 123},
		{"text/csv;x=\"a,b;q=0\";q=0.9", "text/csv", 900},
		{"text/csv;x=\"\\\",\";q=0.9", "text/csv", 900},
		{"text/csv;q=1.000", "text/csv", 1000},
		{"text/csv;q=1.", "text/csv", 1000},
		{" , ,text/csv,, ", "text/csv", 1000},
		/* what is none is passed over: the rest decides */
		{"text/csv;q=2, */*;q=0.1", "text/csv", 100},
		{"text/csv;q=1.001, */*;q=0.1", "text/csv", 100},
		{"text/csv;q=-1, */*;q=0.1", "text/csv", 100},
		{"text/csv;q=, */*;q=0.1", "text/csv", 100},
		{"text/csv;q=0.1234, */*;q=0.1", "text/csv", 100},
		{"text/csv;q=0,5, */*;q=0.1", "text/csv", 0},
		{"csv, */*;q=0.1", "text/csv", 100},
		/* nothing said: anything */
		{"", "text/csv", 1000},
		{"csv", "text/csv", 1000},
		{",;,", "text/csv", 1000},
		{"\"", "text/csv", 1000},
		{"text/csv;x=\"", "text/csv", 1000},
		{"text/csv;x=\"\\", "text/csv", 1000},
		{";q=0", "text/csv", 1000},
		{"/", "text/csv", 0},
		{"/*", "text/csv", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char		what[200];

		snprintf(what, sizeof(what), "%s in '%s'", cases[i].type, cases[i].accept);
		check(quality(cases[i].accept, cases[i].type) == cases[i].quality, what);
	}
}

/* Of two types, which the client would rather have. */
static int
rather(const char *accept, const char *one, const char *two)
{
	ngx_http_boxoffice_accept_t first = find(accept, one);
	ngx_http_boxoffice_accept_t second = find(accept, two);

	return (int) ngx_http_boxoffice_accept_better(&first, &second);
}

static void
choices(void)
{
	check(rather("a/b;q=0.5, a/c;q=0.6", "a/c", "a/b"), "the better quality");
	check(rather("*/*, a/c", "a/c", "a/b"), "of the same, what is named");
	check(rather("*/*, a/*", "a/c", "b/b"), "or nearly named");
	check(rather("a/b, a/c", "a/b", "a/c"), "of what is named, the first");
	check(!rather("*/*", "a/b", "a/c"), "of what is not named, neither");
}

int
main(void)
{
	qualities();
	choices();
	return finish();
}
