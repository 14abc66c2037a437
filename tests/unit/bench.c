/*
 * bench.c
 *		Tests what the load generator counts and reads with: a wrong quantile or
 *		a misread answer would be a wrong bar.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/bench.h"
#include "../bench/histogram.h"
#include "../bench/json.h"
#include "../bench/stats.h"
#include "../bench/token.h"

static int	tests;
static int	failures;

static void
ok(bool good, const char *name)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
	failures += !good;
}

/* The load generator's own, of load.c. */
void
die(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	exit(2);
}

void *
alloc_or_die(size_t count, size_t size)
{
	void	   *memory = calloc(count, size);

	if (memory == NULL)
		die("out of memory");
	return memory;
}

static bool
near(int64_t value, double wanted)
{
	return (double) value >= wanted * 0.99 && (double) value <= wanted * 1.01;
}

static void
test_histogram(void)
{
	static Histogram one;
	static Histogram two;
	static Histogram three;

	ok(histogram_quantile(&one, 0.99) == 0, "an empty histogram has no latency");
	for (int64_t us = 1; us <= 100000; us++)
		histogram_add(&one, us);
	ok(near(histogram_quantile(&one, 0.50), 50000), "p50 of 1 to 100,000 us");
	ok(near(histogram_quantile(&one, 0.99), 99000), "p99");
	ok(histogram_quantile(&one, 1.0) == 100000, "the largest is exact");
	histogram_add(&two, 5);
	histogram_add(&two, INT64_MAX / 2);
	ok(histogram_quantile(&two, 0.5) == 5, "small ones are exact");
	ok(histogram_quantile(&two, 1.0) > 0, "what is too long is counted");
	histogram_merge(&two, &one);
	ok(two.count == 100002, "merged");
	histogram_since(&three, &two, &one);
	ok(three.count == 2 && histogram_quantile(&three, 0.5) == 5, "what came since");
}

static bool
has(const char *text, const char *name, const char *wanted)
{
	char		value[64];

	return json_copy((JsonText) {text, strlen(text)}, name, value, sizeof(value)) &&
		strcmp(value, wanted) == 0;
}

static void
test_json(void)
{
	static const char answer[] =
		"{\"items\":[{\"id\":\"9\",\"state\":\"valid\"},{\"id\":\"10\" , \"state\" : \"valid\"}],"
		"\"id\":\"7\",\"total\":37850,\"note\":\"a \\\"id\\\":\\\"8\\\" }\",\"code\": null ,\"last\":[1]}";
	static const char *const broken[] = {"", "{", "{\"id", "{\"id\"", "{\"id\":", "[]", "{\"a\":\"\\"};
	JsonText	text = {answer, sizeof(answer) - 1};
	JsonText	value;

	ok(has(answer, "id", "7"), "the outermost member, not one within items");
	ok(has(answer, "total", "37850"), "a number");
	ok(has(answer, "code", "null"), "null, without the space behind it");
	ok(has(answer, "last", "[1]"), "a list, the last member");
	ok(!json_member(text, "state", &value), "a member further in is none");
	ok(json_count(text, "state", "valid") == 2, "members counted at any depth");
	ok(json_count(text, "note", "valid") == 0, "a name alone does not count");
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
	{
		size_t		len = strlen(broken[i]);
		char	   *exact = malloc(len + 1);

		/* without a NUL to lean on */
		memcpy(exact, broken[i], len);
		exact = realloc(exact, len > 0 ? len : 1);
		ok(!json_member((JsonText) {exact, len}, "id", &value), "what is broken has no members");
		(void) json_count((JsonText) {exact, len}, "id", "x");
		free(exact);
	}
}

static void
test_codes(void)
{
	static Stats stats;
	char		code[16];

	for (int i = 0; i < 40; i++)
	{
		int			len = snprintf(code, sizeof(code), "code_%d", i % 20);

		stats_code(&stats, (JsonText) {code, (size_t) len});
	}
	ok(stats.codes[0].count == 2 && strcmp(stats.codes[0].code, "code_0") == 0, "codes are counted");
	ok(stats.codes[CODES_MAX - 1].count == 10, "those that do not fit are counted together");
}

/* RFC 7515 A.1 has the signature of other claims; here the form is what matters. */
static void
test_tokens(void)
{
	Options		options = {.alg = "HS256",.kid = "k",.iss = "i",.aud = "a",.subjects = 3};
	TokenSet	set = {0};
	char		path[] = "/tmp/bench-key-XXXXXX";
	int			fd = mkstemp(path);
	FILE	   *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file == NULL)
		die("no temporary file");
	fprintf(file, "0123456789abcdef0123456789abcdef\n");
	fclose(file);
	options.key_file = path;
	token_set_make(&set, &options);
	remove(path);
	ok(set.count == 3 && set.stride > 43, "as many as asked for");
	ok(memcmp(set.text, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.", 51) == 0, "the header");
	ok(memchr(set.text + set.stride - 43, '.', 43) == NULL && set.text[set.stride - 44] == '.',
	   "a signature of 43 characters");
	ok(memcmp(set.text, set.text + set.stride, set.stride) != 0, "each of its own subject");
	free(set.text);
}

int
main(void)
{
	test_histogram();
	test_json();
	test_codes();
	test_tokens();
	printf("1..%d\n", tests);
	return failures > 0;
}
