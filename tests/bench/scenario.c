/*
 * scenario.c
 *		The buyers of DESIGN's measures, each a small chain of requests.
 *
 * Idempotency keys name time, run, buyer, step and quantity, so a request sent again
 * after a lost connection is the same request to the server, and a request
 * that asks for something else has a key of its own.
 */
#include <stdio.h>
#include <string.h>

#include "scenario.h"

#define ATTEMPTS_MAX 200		/* of one request, before a buyer gives up */
#define PAUSE_MAX_MS 1000		/* the longest a buyer waits on the server's word */
#define BODY_MAX 1024

static uint32_t
draw(Scenario *scenario, uint32_t below)
{
	/* xorshift32: buyers need variety, not randomness */
	scenario->random ^= scenario->random << 13;
	scenario->random ^= scenario->random >> 17;
	scenario->random ^= scenario->random << 5;
	return scenario->random % below;
}

/* Writes a number in decimal; much of the cost of a request would be snprintf's. */
static size_t
decimal(char *to, uint64_t number)
{
	char		digits[20];
	size_t		len = 0;

	do
		digits[len++] = (char) ('0' + number % 10);
	while ((number /= 10) > 0);
	for (size_t i = 0; i < len; i++)
		to[i] = digits[len - 1 - i];
	return len;
}

static void
append_number(Http *http, uint64_t number)
{
	char		text[20];

	http_append(http, text, decimal(text, number));
}

static void
append_hex(Http *http, uint64_t number, int digits)
{
	char		text[16];

	for (int i = digits - 1; i >= 0; i--, number >>= 4)
		text[i] = "0123456789abcdef"[number & 15];
	http_append(http, text, (size_t) digits);
}

/*
 * A UUID that names run, step, quantity tried and buyer: of version 7 (RFC 9562)
 * as client libraries make it, with its time in front, or as random as version 4.
 */
static void
append_key(Scenario *scenario, const Buyer *buyer, Http *http)
{
	uint64_t	nonce = scenario->options->nonce;
	uint64_t	front = (uint64_t) buyer->asked_ms;

	/* an odd factor modulo 2^48: each buyer's number once, in no order */
	if (scenario->options->key_version == 4)
		front = ((uint64_t) buyer->number * 0x9e3779b97f4bULL + nonce) & 0xffffffffffffULL;
	http_append_text(http, "\r\nIdempotency-Key: ");
	append_hex(http, front >> 16, 8);
	http_append(http, "-", 1);
	append_hex(http, front, 4);
	http_append(http, scenario->options->key_version == 4 ? "-4" : "-7", 2);
	append_hex(http, (uint64_t) buyer->step, 1);
	append_hex(http, (uint64_t) buyer->held_before, 2);
	http_append(http, "-8", 2);
	append_hex(http, nonce, 3);
	http_append(http, "-", 1);
	append_hex(http, (uint64_t) buyer->number, 12);
}

static int64_t
wall_clock_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	return (int64_t) at.tv_sec * 1000 + at.tv_nsec / NS_PER_MS;
}

static void
append_token(Scenario *scenario, const Buyer *buyer, Http *http)
{
	const TokenSet *tokens = scenario->tokens;

	if (tokens->count == 0)
		return;
	http_append_text(http, "\r\nAuthorization: Bearer ");
	http_append(http, tokens->text + tokens->stride * (size_t) (buyer->number % tokens->count),
				tokens->stride);
}

static void
append_body(Http *http, const char *body, size_t len)
{
	http_append_text(http, "\r\nContent-Type: application/json\r\nContent-Length: ");
	append_number(http, len);
	http_append(http, "\r\n\r\n", 4);
	http_append(http, body, len);
}

static void
append_event_path(Scenario *scenario, const char *method, const char *rest, Http *http)
{
	http_start(http);
	http_append_text(http, method);
	http_append_text(http, " /v1/events/");
	http_append_text(http, scenario->options->event);
	http_append_text(http, rest);
}

static void
append_protocol(Http *http)
{
	http_append_text(http, " HTTP/1.1\r\nHost: 127.0.0.1");
}

static void
put(char *body, size_t *len, const char *text)
{
	size_t		size = strlen(text);

	if (size > BODY_MAX - *len)
		die("a body longer than %d bytes", BODY_MAX);
	memcpy(body + *len, text, size);
	*len += size;
}

static void
put_session(const Options *options, const Buyer *buyer, char *body, size_t *len)
{
	if (options->session == NULL)
		return;
	put(body, len, "\",\"session\":\"");
	put(body, len, options->session);
	if (options->sessions > 0)
	{
		char		digits[24];

		digits[decimal(digits, (uint64_t) (buyer->number / options->per_session)
					   % (uint64_t) options->sessions)] = '\0';
		put(body, len, digits);
	}
}

static void
compose_hold(Scenario *scenario, Buyer *buyer, Http *http)
{
	char		body[BODY_MAX];
	char		digits[24];
	size_t		len = 0;

	digits[decimal(digits, (uint64_t) buyer->quantity)] = '\0';
	put(body, &len, "{\"items\":[{\"ticket_type\":\"");
	put(body, &len, scenario->options->type);
	put_session(scenario->options, buyer, body, &len);
	put(body, &len, "\",\"quantity\":");
	put(body, &len, digits);
	put(body, &len, "}]}");
	append_event_path(scenario, "POST", "/holds", http);
	append_protocol(http);
	append_token(scenario, buyer, http);
	append_key(scenario, buyer, http);
	append_body(http, body, len);
}

static void
compose_order(Scenario *scenario, Buyer *buyer, Http *http)
{
	char		body[BODY_MAX];
	char		digits[24];
	size_t		len = 0;

	digits[decimal(digits, (uint64_t) buyer->number)] = '\0';
	put(body, &len, "{\"hold\":\"");
	put(body, &len, buyer->hold);
	put(body, &len, "\",\"secret\":\"");
	put(body, &len, buyer->secret);
	put(body, &len, "\",\"contact\":{\"name\":\"Buyer ");
	put(body, &len, digits);
	put(body, &len, "\",\"email\":\"buyer-");
	put(body, &len, digits);
	put(body, &len, "@example.com\"}}");
	append_event_path(scenario, "POST", "/orders", http);
	append_protocol(http);
	append_token(scenario, buyer, http);
	append_key(scenario, buyer, http);
	append_body(http, body, len);
}

static void
append_secret(Buyer *buyer, Http *http)
{
	http_append_text(http, "\r\nBoxoffice-Secret: ");
	http_append_text(http, buyer->secret);
}

static void
compose_pay(Scenario *scenario, Buyer *buyer, Http *http)
{
	char		body[BODY_MAX];
	size_t		len = 0;

	put(body, &len, "{\"kind\":\"test\",\"amount\":");
	put(body, &len, buyer->total);
	put(body, &len, "}");
	append_event_path(scenario, "POST", "/orders/", http);
	http_append_text(http, buyer->order);
	http_append_text(http, "/payments");
	append_protocol(http);
	append_token(scenario, buyer, http);
	append_key(scenario, buyer, http);
	append_secret(buyer, http);
	append_body(http, body, len);
}

static void
compose_release(Scenario *scenario, Buyer *buyer, Http *http)
{
	append_event_path(scenario, "DELETE", "/holds/", http);
	http_append_text(http, buyer->hold);
	append_protocol(http);
	append_token(scenario, buyer, http);
	append_secret(buyer, http);
	http_append(http, "\r\n\r\n", 4);
}

static void
compose_get(Scenario *scenario, Buyer *buyer, Http *http)
{
	http_start(http);
	http_append_text(http, "GET ");
	http_append_text(http, scenario->options->path);
	append_protocol(http);
	append_token(scenario, buyer, http);
	http_append(http, "\r\n\r\n", 4);
}

static void
compose(Scenario *scenario, Buyer *buyer, Http *http)
{
	switch (buyer->step)
	{
		case STEP_GET:
			compose_get(scenario, buyer, http);
			break;
		case STEP_HOLD:
			compose_hold(scenario, buyer, http);
			break;
		case STEP_ORDER:
			compose_order(scenario, buyer, http);
			break;
		case STEP_PAY:
			compose_pay(scenario, buyer, http);
			break;
		case STEP_RELEASE:
			compose_release(scenario, buyer, http);
			break;
	}
}

void
scenario_begin(Scenario *scenario, Buyer *buyer, int64_t number, Http *http)
{
	const Options *options = scenario->options;

	buyer->number = number;
	buyer->step = options->scenario == SCENARIO_GET ? STEP_GET : STEP_HOLD;
	buyer->attempt = 0;
	buyer->held_before = 0;
	buyer->asked_ms = wall_clock_ms();
	buyer->quantity = 1;
	if (options->quantity_max > 1)
		buyer->quantity += (int) draw(scenario, (uint32_t) options->quantity_max);
	buyer->releases = options->release_percent > 0 &&
		(int) draw(scenario, 100) < options->release_percent;
	scenario->stats->buyers++;
	compose(scenario, buyer, http);
}

void
scenario_again(Scenario *scenario, Buyer *buyer, Http *http)
{
	compose(scenario, buyer, http);
}

static Verdict
go(Scenario *scenario, Buyer *buyer, Step step, Http *http)
{
	buyer->step = step;
	buyer->attempt = 0;
	buyer->asked_ms = wall_clock_ms();
	compose(scenario, buyer, http);
	return VERDICT_NEXT;
}

static Verdict
complete(Scenario *scenario, int tickets)
{
	scenario->stats->completed++;
	scenario->stats->tickets += tickets;
	return VERDICT_OVER;
}

static Verdict
fail(Scenario *scenario)
{
	scenario->stats->failed++;
	return VERDICT_OVER;
}

/* An answer that says yes but is not what it should be. */
static Verdict
bad(Scenario *scenario)
{
	scenario->stats->bad++;
	return fail(scenario);
}

static Verdict
held(Scenario *scenario, Buyer *buyer, JsonText body, Http *http)
{
	if (scenario->options->scenario == SCENARIO_HOLD)
		return complete(scenario, 0);
	if (!json_copy(body, "id", buyer->hold, sizeof(buyer->hold)) ||
		!json_copy(body, "secret", buyer->secret, sizeof(buyer->secret)))
		return bad(scenario);
	return go(scenario, buyer, buyer->releases ? STEP_RELEASE : STEP_ORDER, http);
}

static Verdict
ordered(Scenario *scenario, Buyer *buyer, JsonText body, Http *http)
{
	JsonText	status;

	if (!json_member(body, "status", &status))
		return bad(scenario);
	if (scenario->options->scenario == SCENARIO_ONSALE && json_is(status, "pending"))
	{
		if (!json_copy(body, "id", buyer->order, sizeof(buyer->order)) ||
			!json_copy(body, "secret", buyer->secret, sizeof(buyer->secret)) ||
			!json_copy(body, "total", buyer->total, sizeof(buyer->total)))
			return bad(scenario);
		return go(scenario, buyer, STEP_PAY, http);
	}
	if (!json_is(status, "paid") || json_count(body, "state", "valid") != buyer->quantity)
		return bad(scenario);
	return complete(scenario, buyer->quantity);
}

static Verdict
paid(Scenario *scenario, Buyer *buyer, JsonText body)
{
	JsonText	outcome;

	if (!json_member(body, "outcome", &outcome) || !json_is(outcome, "paid"))
		return bad(scenario);
	return complete(scenario, buyer->quantity);
}

static Verdict
judge_success(Scenario *scenario, Buyer *buyer, JsonText body, Http *http)
{
	switch (buyer->step)
	{
		case STEP_HOLD:
			return held(scenario, buyer, body, http);
		case STEP_ORDER:
			return ordered(scenario, buyer, body, http);
		case STEP_PAY:
			return paid(scenario, buyer, body);
		case STEP_RELEASE:
			scenario->stats->released++;
			return VERDICT_OVER;
		case STEP_GET:
			break;
	}
	return complete(scenario, 0);
}

static Verdict
retry(Scenario *scenario, Buyer *buyer, int retry_after_s, int64_t least_ms)
{
	int64_t		pause_ms = retry_after_s > 0 ? retry_after_s * 1000LL : least_ms;

	if (++buyer->attempt > ATTEMPTS_MAX)
		return fail(scenario);
	if (pause_ms > PAUSE_MAX_MS)
		pause_ms = PAUSE_MAX_MS;
	/* half to whole: those refused together must not come back together */
	scenario->pause_ms = pause_ms / 2 + draw(scenario, (uint32_t) (pause_ms / 2 + 1));
	scenario->stats->retries++;
	return VERDICT_RETRY;
}

static Verdict
sold_out(Scenario *scenario, Buyer *buyer, Http *http)
{
	if (buyer->quantity > 1)
	{
		/* not so many: one will do */
		buyer->quantity = 1;
		buyer->held_before++;
		return go(scenario, buyer, STEP_HOLD, http);
	}
	scenario->stats->refused++;
	__atomic_store_n(&scenario->shared->sold_out, 1, __ATOMIC_RELAXED);
	return VERDICT_OVER;
}

static Verdict
judge_refusal(Scenario *scenario, Buyer *buyer, const Answer *answer, Http *http)
{
	JsonText	body = {answer->body, answer->body_len};
	JsonText	code = {"", 0};
	bool		insists = scenario->options->scenario >= SCENARIO_SELLOUT;

	(void) json_member(body, "code", &code);
	stats_code(scenario->stats, code);
	if (json_is(code, "sold_out"))
		return sold_out(scenario, buyer, http);
	if (!insists)
		return fail(scenario);
	if (answer->status == 503 || answer->status == 504 || answer->status == 429)
		return retry(scenario, buyer, answer->retry_after_s, 100);
	if (json_is(code, "all_held") || json_is(code, "idempotency_running"))
		return retry(scenario, buyer, answer->retry_after_s, 20);
	return fail(scenario);
}

Verdict
scenario_judge(Scenario *scenario, Buyer *buyer, const Answer *answer, Http *http)
{
	if (answer->status < STATUS_MAX)
		scenario->stats->status[answer->status]++;
	if (answer->status >= 200 && answer->status < 300)
		return judge_success(scenario, buyer, (JsonText) {answer->body, answer->body_len}, http);
	return judge_refusal(scenario, buyer, answer, http);
}

Verdict
scenario_lost(Scenario *scenario, Buyer *buyer)
{
	scenario->stats->lost++;
	if (scenario->options->scenario >= SCENARIO_SELLOUT)
		return retry(scenario, buyer, 0, 100);
	return fail(scenario);
}
