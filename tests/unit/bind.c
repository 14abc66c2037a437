/*
 * The binder, against schemas of its own and against the contract's: what is
 * well-formed, what fits, which faults are found and where they point.
 */
#include "postgres.h"

#include "bind.h"
#include "json.h"

/* The shim's palloc frees nothing. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static int	tests = 0;
static int	failed = 0;

static void
ok(bool condition, const char *name)
{
	tests++;
	if (!condition)
		failed++;
	printf("%sok %d - %s\n", condition ? "" : "not ", tests, name);
}

static void
is(const char *got, const char *wanted, const char *name)
{
	bool		same = strcmp(got, wanted) == 0;

	ok(same, name);
	if (!same)
		printf("# got:    %s\n# wanted: %s\n", got, wanted);
}

/* ---------------------------------------------------------------- text that is JSON, or isn't */

#define REPEAT16(x) x x x x x x x x x x x x x x x x
#define TEXT(literal) literal, sizeof(literal) - 1

static const struct
{
	const char *text;
	int			len;
	bool		well_formed;
}			texts[] =
{
	/* values */
	{TEXT("null"), true}, {TEXT("true"), true}, {TEXT("false"), true}, {TEXT(" 1 "), true},
	{TEXT("\t\r\n 1 \n"), true}, {TEXT("\"\""), true}, {TEXT("[]"), true}, {TEXT("{}"), true},
	{TEXT("[ ]"), true}, {TEXT("{ }"), true}, {TEXT("[1,2 , 3]"), true},
	{TEXT("{\"a\":1,\"b\":[{}]}"), true}, {TEXT("{\"\":0}"), true},
	{TEXT(""), false}, {TEXT(" "), false}, {TEXT("nul"), false}, {TEXT("nulll"), false},
	{TEXT("True"), false}, {TEXT("NaN"), false}, {TEXT("Infinity"), false}, {TEXT("-"), false},
	{TEXT("undefined"), false}, {TEXT("1 2"), false}, {TEXT("{}{}"), false}, {TEXT("[1"), false},
	{TEXT("[1,]"), false}, {TEXT("[,1]"), false}, {TEXT("[1 2]"), false}, {TEXT("["), false},
	{TEXT("]"), false}, {TEXT("{"), false}, {TEXT("}"), false}, {TEXT("{\"a\"}"), false},
	{TEXT("{\"a\":}"), false}, {TEXT("{\"a\":1,}"), false}, {TEXT("{a:1}"), false},
	{TEXT("{'a':1}"), false}, {TEXT("{1:1}"), false}, {TEXT("{\"a\" 1}"), false},
	{TEXT("{\"a\":1 \"b\":2}"), false}, {TEXT("[1}"), false}, {TEXT("{\"a\":1]"), false},
	{TEXT("// x\n1"), false}, {TEXT("/* x */1"), false}, {TEXT("\xef\xbb\xbf" "1"), false},
	{TEXT("{},{\"role\":\"admin\"}"), false}, {TEXT("{\"x\":1},{\"role\":\"admin\"}"), false},
	/* numbers */
	{TEXT("0"), true}, {TEXT("-0"), true}, {TEXT("10"), true}, {TEXT("-1.5e+3"), true},
	{TEXT("1E5"), true}, {TEXT("0.0"), true}, {TEXT("123456789012345678901234567890"), true},
	{TEXT("1e999999"), true},
	{TEXT("01"), false}, {TEXT("-01"), false}, {TEXT("+1"), false}, {TEXT(".5"), false},
	{TEXT("1."), false}, {TEXT("1.e5"), false}, {TEXT("1e"), false}, {TEXT("1e+"), false},
	{TEXT("0x10"), false}, {TEXT("1_000"), false}, {TEXT("--1"), false}, {TEXT("1,5"), false},
	{TEXT("1a"), false}, {TEXT("2\xe2\x82\xac"), false},
	/* strings */
	{TEXT("\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\""), true}, {TEXT("\"\\u00e9\""), true},
	{TEXT("\"\\ud83d\\ude00\""), true}, {TEXT("\"\xf0\x9f\x98\x80\""), true},
	{TEXT("\"\x7f\""), true}, {TEXT("\"\xe2\x80\xa8\""), true},
	{TEXT("\"\\ud83d\""), true}, {TEXT("\"\\u0000\""), true},	/* well-formed, refused later */
	{TEXT("\""), false}, {TEXT("\"a"), false}, {TEXT("\"\\\""), false}, {TEXT("\"\\x41\""), false},
	{TEXT("\"\\u12\""), false}, {TEXT("\"\\u12g4\""), false}, {TEXT("\"\\U0041\""), false},
	{TEXT("\"\\"), false}, {TEXT("\"\\u"), false}, {TEXT("\"\\ud83d\\u"), false},
	{TEXT("\"\\'\""), false}, {TEXT("\"a\nb\""), false}, {TEXT("\"a\tb\""), false},
	{TEXT("\"\x00\""), false}, {TEXT("\"\x1f\""), false}, {TEXT("'a'"), false},
	/* bytes that are not UTF-8 */
	{TEXT("\"\xff\""), false}, {TEXT("\"\x80\""), false}, {TEXT("\"\xc3\""), false},
	{TEXT("\"\xc0\x80\""), false}, {TEXT("\"\xc1\xbf\""), false}, {TEXT("\"\xe0\x80\x80\""), false},
	{TEXT("\"\xe0\x9f\xbf\""), false}, {TEXT("\"\xed\xa0\x80\""), false},
	{TEXT("\"\xf0\x80\x80\x80\""), false}, {TEXT("\"\xf4\x90\x80\x80\""), false},
	{TEXT("\"\xf5\x80\x80\x80\""), false}, {TEXT("\"\xe2\x82\""), false}, {TEXT("\"12345678\xe2\""), false},
	/* NUL, and depth */
	{TEXT("1\0"), false}, {TEXT("\0"), false}, {TEXT("{\"a\":1\0}"), false},
	{TEXT(REPEAT16("[") REPEAT16("[") "1" REPEAT16("]") REPEAT16("]")), true},
	{TEXT(REPEAT16("[") REPEAT16("[") "[1]" REPEAT16("]") REPEAT16("]")), false},
	{TEXT(REPEAT16(REPEAT16("[[[[[[[[")) ), false},
	{TEXT(REPEAT16(REPEAT16("{\"a\":")) ), false},
};

/* Exactly as much memory as there is text, so that the sanitizer sees a step too far. */
static char *
exactly(const char *text, int len)
{
	char	   *copy = malloc(len > 0 ? len : 1);

	memcpy(copy, text, len);
	return copy;
}

static void
test_texts(void)
{
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		char	   *text = exactly(texts[i].text, texts[i].len);
		JsonInput	in;
		bool		valid = json_utf8_valid(text, texts[i].len);
		bool		read;

		json_open(&in, text, texts[i].len);
		json_skip_space(&in);
		read = valid && json_skip_value(&in);
		json_skip_space(&in);
		ok((read && in.at == in.end) == texts[i].well_formed,
		   psprintf("text %d is %s: %.40s", i, texts[i].well_formed ? "JSON" : "no JSON", texts[i].text));
		free(text);
	}
}

/* What every prefix of a good text comes to: a fault, and no byte read past its end. */
static void
test_prefixes(void)
{
	static const char whole[] =
		"{\"items\":[{\"ticket_type\":\"general\",\"session\":null,\"quantity\":2,"
		"\"block\":\"12\"},{\"ticket_type\":\"\\u00e9\\ud83d\\ude00\",\"quantity\":1e3}],\"partial\":true}";
	int			bad = 0;

	for (int len = 1; len < (int) sizeof(whole) - 1; len++)
	{
		char	   *text = exactly(whole, len);
		BoundValue	value;
		BindFaults	faults = {.count = 0};

		if (bind_json(operations[OP_HOLD_CREATE].body, text, len, 0, &value, &faults) ||
			faults.count != 1 || faults.list[0].code != ERR_MALFORMED_JSON)
			bad++;
		free(text);
	}
	ok(bad == 0, "each prefix of a text is one fault, malformed_json");
}

/* ---------------------------------------------------------------- faults */

/* "sqlstate-less" form: code pointer reason; ... */
static const char *
faults_text(const BindFaults *faults)
{
	static char text[4096];
	int			len = 0;

	text[0] = '\0';
	for (int i = 0; i < faults->count; i++)
	{
		const Fault *fault = &faults->list[i];
		const char *reason = fault->facts ? fault->facts + strlen("\"reason\":\"") : "";

		len += snprintf(text + len, sizeof(text) - len, "%s%s %.*s", i ? "; " : "", fault->pointer,
						(int) strcspn(reason, "\""), reason);
	}
	return text;
}

static const char *
bind_hold(const char *body, BoundValue *value)
{
	BindFaults	faults = {.count = 0};

	bind_json(operations[OP_HOLD_CREATE].body, body, strlen(body), 0, value, &faults);
	return faults_text(&faults);
}

static void
test_hold(void)
{
	BoundValue	value;
	BoundValue *item;

	is(bind_hold("{\"items\":[{\"ticket_type\":\"general\",\"session\":\"sun\",\"quantity\":2}]}", &value),
	   "", "a hold fits");
	ok(value.kind == BOUND_OBJECT && value.as.members[HOLD_CREATE_BODY_PARTIAL].kind == BOUND_ABSENT,
	   "an absent member is absent");
	item = value.as.members[HOLD_CREATE_BODY_ITEMS].as.list.items;
	ok(value.as.members[HOLD_CREATE_BODY_ITEMS].as.list.count == 1, "one item");
	is(item->as.members[HOLD_CREATE_ITEM_TICKET_TYPE].as.string.data, "general", "its ticket type");
	ok(item->as.members[HOLD_CREATE_ITEM_QUANTITY].as.integer == 2, "its quantity");
	ok(item->raw_len == 54 && item->raw[0] == '{' && item->raw[53] == '}', "its text");

	is(bind_hold("{}", &value), "/items required", "a required member is missing");
	is(bind_hold("[]", &value), " type", "a list is no object");
	is(bind_hold("null", &value), " type", "null is no object");
	is(bind_hold("{\"items\":[]}", &value), "/items min_items", "too few items");
	is(bind_hold("{\"items\":{}}", &value), "/items type", "an object is no list");
	is(bind_hold("{\"items\":[1]}", &value), "/items/0 type", "a number is no object");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":0}]}", &value),
	   "/items/0/quantity minimum", "zero");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":-1}]}", &value),
	   "/items/0/quantity minimum", "negative");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1001}]}", &value),
	   "/items/0/quantity maximum", "too many");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":99999999999999999999999}]}", &value),
	   "/items/0/quantity maximum", "more than an int64");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":-9223372036854775809}]}", &value),
	   "/items/0/quantity minimum", "less than an int64");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1.0}]}", &value),
	   "/items/0/quantity type", "a fraction");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1e2}]}", &value),
	   "/items/0/quantity type", "an exponent");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":\"2\"}]}", &value),
	   "/items/0/quantity type", "a string is no number");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":true}]}", &value),
	   "/items/0/quantity type", "true is no number");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":null}]}", &value),
	   "/items/0/quantity type", "null is no number");
}

static void
test_hold_members(void)
{
	BoundValue	value;

	is(bind_hold("{\"items\":[{\"ticket_type\":7,\"quantity\":1}]}", &value),
	   "/items/0/ticket_type type", "a number is no string");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"A B\",\"quantity\":1}]}", &value),
	   "/items/0/ticket_type format", "no key");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\\u0000\",\"quantity\":1}]}", &value),
	   "/items/0/ticket_type nul", "NUL");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"\\udc00\",\"quantity\":1}]}", &value),
	   "/items/0/ticket_type utf8", "half a pair");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1,\"quantity\":2}]}", &value),
	   "/items/0/quantity duplicate", "twice");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1,\"\\u0071uantity\":2}]}", &value),
	   "/items/0/quantity duplicate", "twice, once escaped");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1}],\"role\":\"admin\"}", &value),
	   "/role unknown", "unknown member");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1}],\"a/b~c\":[{\"x\":[]}]}", &value),
	   "/a~1b~0c unknown", "its pointer is escaped");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1}],\"partial\":1}", &value),
	   "/partial type", "a number is no boolean");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1}],\"partial\":\"yes\"}", &value),
	   "/partial type", "a word is no boolean");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1}],\"channel\":\"fax\"}", &value),
	   "/channel enum", "not in the list");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1,\"block\":\"0\"}]}", &value),
	   "/items/0/block format", "no id");
	is(bind_hold("{\"items\":[{\"ticket_type\":\"a\",\"quantity\":1,\"block\":5}]}", &value),
	   "/items/0/block type", "an id is a string");
	is(bind_hold("{\"items\":[{\"quantity\":\"x\",\"foo\":1},{}],\"partial\":null}", &value),
	   "/items/0/quantity type; /items/0/foo unknown; /items/0/ticket_type required;"
	   " /items/1/ticket_type required; /items/1/quantity required; /partial type",
	   "each fault is named");
}

static void
test_limits(void)
{
	char		body[8192];
	int			len = snprintf(body, sizeof(body), "{\"items\":[");
	BoundValue	value;
	BindFaults	faults = {.count = 0};

	for (int i = 0; i < 51; i++)
		len += snprintf(body + len, sizeof(body) - len, "%s{\"ticket_type\":\"a\",\"quantity\":1}", i ? "," : "");
	snprintf(body + len, sizeof(body) - len, "]}");
	is(bind_hold(body, &value), "/items max_items", "one item too many");
	ok(value.as.members[HOLD_CREATE_BODY_ITEMS].as.list.count == 50, "those past the limit are not kept");

	len = snprintf(body, sizeof(body), "{\"items\":[");
	for (int i = 0; i < 40; i++)
		len += snprintf(body + len, sizeof(body) - len, "%s{}", i ? "," : "");
	snprintf(body + len, sizeof(body) - len, "]}");
	bind_json(operations[OP_HOLD_CREATE].body, body, strlen(body), 0, &value, &faults);
	ok(faults.count == FAULTS_MAX, "no more faults than are told");
}

static const char *
bind_order(const char *contact)
{
	BoundValue	value;
	BindFaults	faults = {.count = 0};
	char	   *body = psprintf("{\"hold\":\"1\",\"secret\":\"x\",\"contact\":%s}", contact);

	bind_json(operations[OP_ORDER_CREATE].body, body, strlen(body), 0, &value, &faults);
	return faults_text(&faults);
}

static void
test_strings(void)
{
	static const char *const good[] = {"a@b.de", "a.b+c@x-y.example", "o'neil@ex.co", "1@2.3"};
	static const char *const bad[] = {
		"a", "@b.de", "a@", "a@b", "a b@c.de", "a@@b.de", "a@b..de", ".a@b.de", "a.@b.de", "a..b@c.de",
		"a@-b.de", "a@b-.de", "\\\"a\\\"@b.de", "a@b.de\\n", "a@b,de", "\xc3\xa9@b.de", "a@[1.2.3.4]"
	};

	static const char *const blank[] = {" ", "\\u00a0", "\\u200b\\u200d", " \\u3000\\ufeff ", "\\u2028",
		"a\\u2029b", "a\\u0085", "\\u0009"};
	static const char *const shown[] = {" a", "\\u00a0.\\u00a0", "a\\u200d", "\\ud83d\\ude00", "\\ud83d\\ude00\\ufe0f",
		"\\u0301", "\\uffff"};

	for (int i = 0; i < (int) lengthof(good); i++)
		is(bind_order(psprintf("{\"name\":\"N\",\"email\":\"%s\"}", good[i])), "", good[i]);
	for (int i = 0; i < (int) lengthof(bad); i++)
		ok(strncmp(bind_order(psprintf("{\"name\":\"N\",\"email\":\"%s\"}", bad[i])), "/contact/email", 14) == 0,
		   psprintf("no address: %s", bad[i]));
	is(bind_order("{\"name\":\"\",\"email\":\"a@b.de\"}"), "/contact/name min_length", "an empty name");
	is(bind_order("{\"name\":\"a\\nb\",\"email\":\"a@b.de\"}"), "/contact/name format", "a name of two lines");
	for (int i = 0; i < (int) lengthof(blank); i++)
		is(bind_order(psprintf("{\"name\":\"%s\",\"email\":\"a@b.de\"}", blank[i])), "/contact/name format",
		   psprintf("a name that does not show: %s", blank[i]));
	for (int i = 0; i < (int) lengthof(shown); i++)
		is(bind_order(psprintf("{\"name\":\"%s\",\"email\":\"a@b.de\"}", shown[i])), "", psprintf("a name: %s", shown[i]));
	is(bind_order("{\"name\":\"\xe6\x9d\xb1\xe4\xba\xac\",\"email\":\"a@b.de\",\"phone\":null,\"locale\":\"ja-JP\"}"),
	   "", "characters of three bytes, null, a locale");
}

/* ---------------------------------------------------------------- times, ids, parameters */

static void
test_times(void)
{
	static const struct
	{
		const char *text;
		int64		seconds;	/* since 2000-01-01, -1: no time */
	}			cases[] =
	{
		{"2000-01-01T00:00:00Z", 0}, {"2000-01-01T01:00:00+01:00", 0}, {"1999-12-31T23:00:00-01:00", 0},
		{"2000-02-29T00:00:00Z", 59 * 86400}, {"2000-03-01T00:00:00z", 60 * 86400},
		{"2027-06-23t08:00:00.5+01:00", 867049200}, {"2024-02-29T00:00:00Z", 762480000},
		{"2023-02-29T00:00:00Z", -1}, {"2100-02-29T00:00:00Z", -1}, {"2000-13-01T00:00:00Z", -1},
		{"2000-00-01T00:00:00Z", -1}, {"2000-01-32T00:00:00Z", -1}, {"2000-01-00T00:00:00Z", -1},
		{"2000-01-01T24:00:00Z", -1}, {"2000-01-01T00:60:00Z", -1}, {"2000-01-01T00:00:60Z", -1},
		{"2000-01-01T00:00:00", -1}, {"2000-01-01", -1}, {"2000-01-01 00:00:00Z", -1},
		{"2000-01-01T00:00:00+0100", -1}, {"2000-01-01T00:00:00+16:00", -1}, {"2000-01-01T00:00:00+01:60", -1},
		{"2000-01-01T00:00:00.Z", -1}, {"2000-01-01T00:00:00.1234567890Z", -1}, {"2000-01-01T00:00Z", -1},
		{"tomorrow", -1}, {"now", -1}, {"infinity", -1}, {"1969-12-31T23:59:59Z", -1},
		{"3000-01-01T00:00:00Z", -1}, {"2000-01-01T00:00:00ZZ", -1}, {"", -1}, {"-2000-01-01T00:00:00Z", -1},
		{"2000-01-01T00:00:-1Z", -1}, {"2000-01-01T00:00:00-", -1},
	};

	for (int i = 0; i < (int) lengthof(cases); i++)
	{
		TimestampTz time = 0;
		int			len = strlen(cases[i].text);
		char	   *text = exactly(cases[i].text, len);
		bool		read = format_parse_time(text, len, &time);

		ok(read == (cases[i].seconds >= 0) && (!read || time / 1000000 == cases[i].seconds),
		   psprintf("time %s", cases[i].text));
		if (read && time / 1000000 != cases[i].seconds)
			printf("# got %" PRId64 "\n", time / 1000000);
		free(text);
	}
}

static void
test_ids(void)
{
	int64		id = 0;

	ok(format_parse_id("9223372036854775807", 19, &id) && id == INT64_MAX, "the largest id");
	ok(!format_parse_id("9223372036854775808", 19, &id), "one more is none");
	ok(!format_parse_id("99999999999999999999", 20, &id), "nor is a longer one");
	ok(!format_parse_id("0", 1, &id) && !format_parse_id("01", 2, &id), "nor zero, nor a leading zero");
	ok(!format_parse_id("-1", 2, &id) && !format_parse_id("1 ", 2, &id) && !format_parse_id("", 0, &id),
	   "nor a sign, a blank, nothing");
}

static const char *
bind_sessions(const char *params, BoundValue *values)
{
	BindFaults	faults = {.count = 0};

	bind_params(&operations[OP_SESSION_LIST], params, values, &faults);
	return faults_text(&faults);
}

static void
test_params(void)
{
	BoundValue	values[SESSION_LIST_PARAM_COUNT];
	char		text[64];

	is(bind_sessions("event=7&from=2000-01-01T00%3A00%3A00%2B00:00&limit=5", values), "", "parameters");
	ok(values[SESSION_LIST_PARAM_EVENT].as.integer == 7 && values[SESSION_LIST_PARAM_FROM].as.time == 0 &&
	   values[SESSION_LIST_PARAM_LIMIT].as.integer == 5 &&
	   values[SESSION_LIST_PARAM_TO].kind == BOUND_ABSENT, "their values");
	is(bind_sessions("event=7&from=2000-01-01T00:00:00+00:00", values), "", "a plus sign is one");
	is(bind_sessions("event=7&from=2000-01-01T01:00:00%2001:00", values), "",
	   "a plus sign that became a blank is one, too");
	is(bind_sessions("limit=5", values), "event required", "a missing one");
	is(bind_sessions("event=7&limit=0", values), "limit minimum", "too small");
	is(bind_sessions("event=7&limit=101", values), "limit maximum", "too large");
	is(bind_sessions("event=7&limit=1.5", values), "limit type", "a fraction");
	is(bind_sessions("event=7&limit=", values), "limit type", "an empty one");
	is(bind_sessions("event=7&limit", values), "limit type", "one without a value");
	is(bind_sessions("event=7&limit=1 ", values), "limit type", "a blank after it");
	is(bind_sessions("event=7&limit=01", values), "limit type", "a nought before it");
	is(bind_sessions("event=7&limit=5&limit=6", values), "limit duplicate", "twice");
	is(bind_sessions("event=7&x=5", values), "x ", "an unknown one");
	is(bind_sessions("event=7&cursor=%zz", values), "cursor format", "a broken escape");
	is(bind_sessions("event=7&cursor=%4", values), "cursor format", "a cut escape");
	is(bind_sessions("event=7&cursor=%00", values), "cursor nul", "NUL");
	is(bind_sessions("event=7&cursor=%ff", values), "cursor utf8", "no UTF-8");
	is(bind_sessions("event=x", values), "event format", "no id");
	is(bind_sessions("", values), "event required", "nothing");
	is(bind_sessions("&&event=7", values), " ;  ", "empty pairs");

	ok(percent_decode("a%41%2b+%C3%a9", 14, text) == 6 && memcmp(text, "aA++\xc3\xa9", 6) == 0, "decoding");
	ok(percent_decode("%", 1, text) == -1 && percent_decode("%4", 2, text) == -1 &&
	   percent_decode("%g0", 3, text) == -1, "what can't be decoded");
}

/* A hold's body, byte by byte replaced: nothing but faults may come of it. */
static void
test_mutations(void)
{
	static const char whole[] = "{\"items\":[{\"ticket_type\":\"g\\u00e9n\",\"quantity\":2}],\"partial\":false}";
	static const unsigned char bytes[] = {0, 1, '"', '\\', '{', '}', '[', ']', ',', ':', 'e', '0', '-', '.', 'u', 0x80, 0xc3, 0xff, ' '};
	int			rounds = 0;

	for (int at = 0; at < (int) sizeof(whole) - 1; at++)
		for (int i = 0; i < (int) sizeof(bytes); i++)
		{
			char	   *text = exactly(whole, sizeof(whole) - 1);
			BoundValue	value;
			BindFaults	faults = {.count = 0};
			bool		fits;

			text[at] = bytes[i];
			fits = bind_json(operations[OP_HOLD_CREATE].body, text, sizeof(whole) - 1, 0, &value, &faults);
			rounds += fits == (faults.count == 0);
			free(text);
		}
	ok(rounds == (int) ((sizeof(whole) - 1) * sizeof(bytes)), "a changed byte is a fault or nothing");
}

int
main(void)
{
	test_texts();
	test_prefixes();
	test_hold();
	test_hold_members();
	test_limits();
	test_strings();
	test_times();
	test_ids();
	test_params();
	test_mutations();
	printf("1..%d\n", tests);
	return failed > 0;
}
