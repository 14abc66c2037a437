/*
 * ngx_route.c
 *		Paths to operations, over the contract's own table of routes (TAP).
 */
#include "ngx_shim.h"
#include "ngx_http_boxoffice_route.h"

#include <stdio.h>

static ngx_http_boxoffice_node_t *tree;

static const ngx_http_boxoffice_route_t *
find(const char *path, ngx_uint_t method, ngx_http_boxoffice_match_t *match)
{
	ngx_str_t	uri = str(path);

	return ngx_http_boxoffice_route_find(tree, &uri, method, match) == NGX_OK ? match->route : NULL;
}

static int
leads(const char *path, ngx_uint_t method, const char *operation)
{
	ngx_http_boxoffice_match_t match;
	const ngx_http_boxoffice_route_t *route = find(path, method, &match);

	if (route == NULL || operation == NULL)
		return route == NULL && operation == NULL;
	return strcmp((char *) route->operation.data, operation) == 0;
}

/* Each template, with something for its parameters, leads to its own operation and says their names. */
static void
test_every_route(void)
{
	int			wrong = 0;

	for (ngx_uint_t i = 0; i < ngx_http_boxoffice_route_count(); i++)
	{
		const ngx_http_boxoffice_route_t *route = ngx_http_boxoffice_route_get(i);
		ngx_http_boxoffice_match_t match;
		char		path[512];
		size_t		n = 0;
		ngx_uint_t	params = 0;

		for (size_t k = 0; k < route->path.len; k++)
		{
			if (route->path.data[k] == '{')
			{
				path[n++] = (char) ('A' + params++);
				path[n++] = '7';
				while (route->path.data[k] != '}')
					k++;
			}
			else
				path[n++] = (char) route->path.data[k];
		}
		path[n] = '\0';
		if (find(path, route->method, &match) != route || match.path->n != params ||
			ngx_http_boxoffice_route_index(route) != i)
			wrong++;
		for (ngx_uint_t k = 0; route == match.route && k < params; k++)
			wrong += match.values[k].len != 2 || match.values[k].data[0] != 'A' + k;
	}
	check(wrong == 0, "every route of the contract is found by its path");
}

static void
test_paths(void)
{
	check(leads("/v1/events", NGX_HTTP_GET, "event_list"), "a list");
	check(leads("/v1/events", NGX_HTTP_HEAD, "event_list"), "HEAD is GET");
	check(leads("/v1/events/5/holds", NGX_HTTP_POST, "hold_create"), "a hold");
	check(leads("/v1/events/5/holds/6", NGX_HTTP_PATCH, "hold_change"), "its change");
	check(leads("/v1/events/5/orders/6/tickets/7.svg", NGX_HTTP_GET, "ticket_qr"), "a parameter with a suffix");
	check(leads("/v1/events/5/orders/6/tickets/.svg", NGX_HTTP_GET, NULL), "a suffix alone is nothing");
	check(leads("/v1/events/5/orders/6/tickets/7.png", NGX_HTTP_GET, NULL), "another suffix is nothing");
	check(leads("/v1/events/", NGX_HTTP_GET, NULL), "no slash at the end");
	check(leads("/v1//events", NGX_HTTP_GET, NULL), "no empty segment");
	check(leads("/v1/events/5/holds/6/7/8/9/10/11/12/13/14/15", NGX_HTTP_GET, NULL), "deeper than the tree");
	check(leads("/", NGX_HTTP_GET, NULL) && leads("", NGX_HTTP_GET, NULL) && leads("/v1", NGX_HTTP_GET, NULL),
		  "above all routes");
	check(leads("/v1/EVENTS", NGX_HTTP_GET, NULL), "case matters");
}

static int
allows(const ngx_http_boxoffice_match_t *match, const char *methods)
{
	const ngx_str_t *allow = &match->resource->allow;

	return allow->len == strlen(methods) && memcmp(allow->data, methods, allow->len) == 0;
}

static void
test_methods(void)
{
	ngx_http_boxoffice_match_t match;

	check(find("/v1/events/5/holds", NGX_HTTP_DELETE, &match) == NULL, "a method that it has not");
	check(allows(&match, "POST, OPTIONS"), "and those that it has");
	check(find("/v1/events/5/holds/6", NGX_HTTP_OPTIONS, &match) == NULL &&
		  allows(&match, "GET, HEAD, PATCH, DELETE, OPTIONS"), "of several");
}

static void
test_event(void)
{
	ngx_http_boxoffice_match_t match;

	check(find("/v1/events/5/holds", NGX_HTTP_POST, &match) && match.path->event == 0, "below an event");
	check(find("/v1/events", NGX_HTTP_GET, &match) && match.path->event == NGX_ERROR, "not below an event");
	check(find("/v1/organizers/5/events/6", NGX_HTTP_GET, &match) && match.path->n == 2 &&
		  strncmp((char *) match.path->names[1].data, "event", 5) == 0, "names of parameters");
}

/* Whether raw, which nginx has decoded to uri, is marked as wanted, with ^ for a mark; NULL: it is another path. */
static int
marks(const char *raw, const char *uri, const char *wanted)
{
	unsigned char data[256];
	ngx_str_t	path = {.data = data};
	ngx_str_t	decoded = str(uri);
	ngx_str_t	undecoded = str(raw);

	if (ngx_http_boxoffice_route_mark(&path, &decoded, &undecoded) != NGX_OK)
		return wanted == NULL;
	for (size_t i = 0; i < path.len; i++)
		if (data[i] == '\0')
			data[i] = '^';
	return wanted != NULL && path.len == strlen(wanted) && memcmp(data, wanted, path.len) == 0;
}

static void
test_slashes(void)
{
	check(marks("/v1/a%2Fb", "/v1/a/b", "/v1/a^b"), "an encoded slash is marked");
	check(marks("/v1/a%2fb%41%2F?x=%2F", "/v1/a/bA/", "/v1/a^bA^"), "in small letters, at the end; a query is none of it");
	check(marks("/v1/a%2F%2Fb", "/v1/a/b", "/v1/a^^b"), "two, of which nginx keeps one");
	check(marks("/v1/a%2F%2Fb", "/v1/a//b", "/v1/a^^b"), "or both");
	check(marks("/v1/%2F/b", "/v1/b", "/v1/^/b"), "one among borders");
	check(marks("/v1/a%2F..%2Fb", "/v1/b", NULL), "one that leads up is another path");
	check(marks("/v1/a%2F./b", "/v1/a/b", NULL), "or to the same place");
	check(marks("/v1/a%2Fb", "/v2/a/b", NULL), "a path that was rewritten");
	check(marks("/v1/a%2Fb", "/v1/a/b/c", NULL), "and goes on");
	check(marks("/v1/a%2Fb/c", "/v1/a/b", NULL), "or ends before");
	check(marks("/v1/a%2", "/v1/a", NULL) && marks("/v1/a%zz", "/v1/a%zz", NULL), "an escape that is none");
}

static void
test_slashes_in_values(void)
{
	unsigned char data[256];
	ngx_str_t	path = {.data = data};
	ngx_str_t	uri = str("/v1/organizers/5/members/idp/users/7");
	ngx_str_t	raw = str("/v1/organizers/5/members/idp%2Fusers%2F7");
	ngx_http_boxoffice_match_t match;

	check(ngx_http_boxoffice_route_find(tree, &uri, NGX_HTTP_PATCH, &match) == NGX_DECLINED, "no border of the contract");
	check(ngx_http_boxoffice_route_mark(&path, &uri, &raw) == NGX_OK &&
		  ngx_http_boxoffice_route_find(tree, &path, NGX_HTTP_PATCH, &match) == NGX_OK &&
		  match.route != NULL && match.values[1].len == 11, "a parameter may have them");
	ngx_http_boxoffice_route_unmark(&match);
	check(memcmp(match.values[1].data, "idp/users/7", 11) == 0, "and gets slashes");
}

int
main(void)
{
	tree = ngx_http_boxoffice_route_tree(NULL, NULL);
	check(tree != NULL, "the contract's routes make a tree");
	test_every_route();
	test_paths();
	test_methods();
	test_event();
	test_slashes();
	test_slashes_in_values();
	return finish();
}
