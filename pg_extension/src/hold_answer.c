/*
 * hold_answer.c
 *		Writes a hold as JSON.  Reads nothing, so an answer can be made again at any time.
 *
 * Half of what a batch does for a hold is done here, so text that is the same for all holds of a
 * batch isn't formatted by printf.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "contract.h"
#include "hold_answer.h"
#include "secret.h"

#define append_literal(out, text) appendBinaryStringInfo(out, text, sizeof(text) - 1)

static void
append_integer(StringInfo out, int64 value)
{
	char		digits[MAXINT8LEN + 1];

	appendBinaryStringInfo(out, digits, pg_lltoa(value, digits));
}

/* Keys and names of enumerations need no escapes. */
static void
append_plain(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '"');
	appendBinaryStringInfo(out, text, strlen(text));
	appendStringInfoChar(out, '"');
}

static int64
amount_times(int64 amount, int quantity)
{
	int64		product;

	if (pg_mul_s64_overflow(amount, quantity, &product))
		elog(ERROR, "an amount is too large to be counted");
	return product;
}

/* The type and session of a claim; check_inventory looks for claims that have lost them. */
static OfferType *
claim_type(const Offer *offer, const Claim *claim)
{
	OfferType  *type = offer_type(offer, claim->ticket_type_id);

	if (type == NULL)
		elog(ERROR, "a claim is of a ticket type that is gone");
	return type;
}

static OfferSession *
claim_session(const Offer *offer, const Claim *claim)
{
	OfferSession *session = offer_session(offer, claim->session_id);

	if (session == NULL)
		elog(ERROR, "a claim is of a session that is gone");
	return session;
}

/* The key of a session; null for a pass, which has none. */
static void
append_session(StringInfo out, const OfferSession *session)
{
	if (session == NULL)
		append_literal(out, "null");
	else
		append_plain(out, session->key);
}

static void
append_item(StringInfo out, const Claim *claim, const Offer *offer)
{
	append_literal(out, "{\"id\":");
	json_append_id(out, claim->line);
	if (claim->parent_line != 0)
	{
		append_literal(out, ",\"parent\":");
		json_append_id(out, claim->parent_line);
	}
	append_literal(out, ",\"ticket_type\":");
	append_plain(out, claim_type(offer, claim)->key);
	append_literal(out, ",\"session\":");
	append_session(out, claim->session_id == 0 ? NULL : claim_session(offer, claim));
	append_literal(out, ",\"quantity\":");
	append_integer(out, claim->quantity);
	append_literal(out, ",\"unit_price\":");
	append_integer(out, claim->unit_price);
	append_literal(out, ",\"total\":");
	append_integer(out, amount_times(claim->unit_price, claim->quantity));
	appendStringInfoChar(out, '}');
}

static void
append_fee(StringInfo out, const Claim *claim, const Offer *offer)
{
	append_literal(out, "{\"kind\":\"ticket\",\"name\":");
	json_append_string(out, claim_type(offer, claim)->name);
	append_literal(out, ",\"quantity\":");
	append_integer(out, claim->quantity);
	append_literal(out, ",\"unit_amount\":");
	append_integer(out, claim->unit_fee);
	append_literal(out, ",\"amount\":");
	append_integer(out, amount_times(claim->unit_fee, claim->quantity));
	appendStringInfoChar(out, '}');
}

static void
append_fees(StringInfo out, const Hold *hold, const Offer *offer)
{
	bool		first = true;

	append_literal(out, ",\"fees\":[");
	for (int i = 0; i < hold->claim_count; i++)
	{
		if (hold->claims[i].unit_fee == 0 || hold->claims[i].quantity == 0)
			continue;
		if (!first)
			appendStringInfoChar(out, ',');
		append_fee(out, &hold->claims[i], offer);
		first = false;
	}
	appendStringInfoChar(out, ']');
}

int64
hold_total(const Hold *hold)
{
	int64		total = 0;

	for (int i = 0; i < hold->claim_count; i++)
	{
		const Claim *claim = &hold->claims[i];
		int64		line = amount_times(claim->unit_price + claim->unit_fee, claim->quantity);

		if (pg_add_s64_overflow(total, line, &total))
			elog(ERROR, "an amount is too large to be counted");
	}
	return total;
}

static void
append_items(StringInfo out, const Hold *hold, const Offer *offer)
{
	bool		first = true;

	append_literal(out, ",\"items\":[");
	for (int i = 0; i < hold->claim_count; i++)
	{
		if (hold->claims[i].quantity == 0)
			continue;			/* taken out of the hold */
		if (!first)
			appendStringInfoChar(out, ',');
		append_item(out, &hold->claims[i], offer);
		first = false;
	}
	appendStringInfoChar(out, ']');
}

static bool
line_asks_same(const HoldLine *a, const HoldLine *b)
{
	return a->type == b->type && a->session == b->session && a->block_id == b->block_id &&
		a->child == b->child;
}

/* How many of what a line asks for the hold has beside what lines before it ask for. */
static int
line_has(const HoldLine *line, const Hold *hold, const HoldRequest *request)
{
	int			quantity = 0;

	for (int i = 0; i < hold->claim_count; i++)
	{
		const Claim *claim = &hold->claims[i];

		if (claim->ticket_type_id == line->type->id &&
			claim->session_id == hold_line_session(line) && claim->block_id == line->block_id &&
			(claim->parent_line != 0) == line->child)
			quantity += claim->quantity;
	}
	for (const HoldLine *before = request->lines; before < line; before++)
		if (line_asks_same(before, line))
			quantity -= Min(quantity, before->quantity);
	return quantity;
}

static void
append_missing(StringInfo out, const Hold *hold, const HoldRequest *request)
{
	bool		first = true;

	for (int i = 0; i < request->line_count; i++)
	{
		const HoldLine *line = &request->lines[i];
		int			lacking;

		if (line->place == NULL)
			continue;
		lacking = line->quantity - line_has(line, hold, request);
		if (lacking <= 0)
			continue;
		appendStringInfoString(out, first ? ",\"missing\":[" : ",");
		append_literal(out, "{\"ticket_type\":");
		append_plain(out, line->type->key);
		append_literal(out, ",\"session\":");
		append_session(out, line->session);
		append_literal(out, ",\"quantity\":");
		append_integer(out, lacking);
		append_literal(out, ",\"code\":");
		append_plain(out, line->missing == ERR_ALL_HELD ? "all_held" : "sold_out");
		appendStringInfoChar(out, '}');
		first = false;
	}
	if (!first)
		appendStringInfoChar(out, ']');
}

static void
append_times(StringInfo out, const Hold *hold, const Offer *offer, TimestampTz now)
{
	int64		left = (hold->expires_at - now + USECS_PER_SEC - 1) / USECS_PER_SEC;

	if (hold_status_at(hold, now) != HOLD_ACTIVE)
		left = 0;
	append_literal(out, ",\"created_at\":");
	json_append_time(out, hold->created_at, offer->zone);
	append_literal(out, ",\"expires_at\":");
	json_append_time(out, hold->expires_at, offer->zone);
	append_literal(out, ",\"expires_in\":");
	append_integer(out, Max(left, 0));
	append_literal(out, ",\"extend_until\":");
	json_append_time(out, hold->extend_until, offer->zone);
	append_literal(out, ",\"zone\":");
	append_plain(out, offer->zone);
}

void
hold_answer(Call *call, const Hold *hold, const Offer *offer, TimestampTz now, bool with_secret,
			const HoldRequest *request)
{
	StringInfo	out = reply_start(call, call->operation->status);
	char		secret[SECRET_LEN + 1];

	append_literal(out, "{\"id\":");
	json_append_id(out, hold->id);
	append_literal(out, ",\"event\":");
	json_append_id(out, offer->event_id);
	if (with_secret)
	{
		secret_make(SECRET_HOLD, hold->id, secret);
		append_literal(out, ",\"secret\":");
		append_plain(out, secret);
	}
	append_literal(out, ",\"status\":");
	append_plain(out, hold_status_name(hold_status_at(hold, now)));
	appendStringInfoString(out, offer->test ? ",\"test\":true" : ",\"test\":false");
	append_literal(out, ",\"channel\":");
	append_plain(out, hold->channel);
	append_times(out, hold, offer, now);
	append_items(out, hold, offer);
	append_fees(out, hold, offer);
	append_literal(out, ",\"taxes\":[],\"total\":");
	append_integer(out, hold_total(hold));
	append_literal(out, ",\"currency\":");
	append_plain(out, offer->currency);
	if (request != NULL && request->partial)
		append_missing(out, hold, request);
	appendStringInfoChar(out, '}');
}

Offer *
hold_answer_offer(int64 event_id, const Hold *holds, int count)
{
	Offer	   *offer = offer_load(event_id);

	if (offer == NULL)
		elog(ERROR, "event " INT64_FORMAT " has holds but no row", event_id);
	for (int i = 0; i < count; i++)
		for (int k = 0; k < holds[i].claim_count; k++)
			offer_add_ids(offer, holds[i].claims[k].ticket_type_id, holds[i].claims[k].session_id);
	offer_resolve(offer);
	return offer;
}
