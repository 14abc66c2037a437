/*
 * hold_request.c
 *		From the items of a request to lines that can be decided.
 *
 * Takes nothing and looks at no counter.  Rules are applied after an idempotency key was looked
 * up: a request that was granted once is answered again though its sale is over.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "contract.h"
#include "hold_request.h"
#include "member.h"

/* Changing asks in the same terms as creating. */
StaticAssertDecl((int) HOLD_CREATE_BODY_ITEMS == (int) HOLD_CHANGE_BODY_ITEMS &&
				 (int) HOLD_CREATE_BODY_PARTIAL == (int) HOLD_CHANGE_BODY_PARTIAL &&
				 (int) HOLD_CREATE_ITEM_COUNT == (int) HOLD_CHANGE_ITEM_COUNT,
				 "requests of hold_create and hold_change differ");

char *
hold_line_pointer(const HoldLine *line, const char *member)
{
	return psprintf("/items/%d/%s", line->index, member);
}

static void
line_read(HoldLine *line, int index, const BoundValue *item, Offer *offer)
{
	const BoundValue *type = &item->as.members[HOLD_CREATE_ITEM_TICKET_TYPE];
	const BoundValue *session = &item->as.members[HOLD_CREATE_ITEM_SESSION];
	const BoundValue *block = &item->as.members[HOLD_CREATE_ITEM_BLOCK];

	line->index = index;
	line->type_ref = offer_name_type(offer, type->as.string.data, type->as.string.len);
	line->session_ref = -1;
	if (session->kind == BOUND_STRING)
		line->session_ref = offer_name_session(offer, session->as.string.data,
											   session->as.string.len);
	else
		offer_want_only_session(offer);
	line->block_id = block->kind == BOUND_INT ? block->as.integer : 0;
	line->quantity = (int) item->as.members[HOLD_CREATE_ITEM_QUANTITY].as.integer;
}

void
hold_request_read(HoldRequest *request, Call *call, Offer *offer)
{
	const BoundValue *body = call->body.as.members;
	const BoundValue *items = &body[HOLD_CREATE_BODY_ITEMS];
	bool		creates = call->operation->index == OP_HOLD_CREATE;

	memset(request, 0, sizeof(HoldRequest));
	request->call = call;
	request->partial = body[HOLD_CREATE_BODY_PARTIAL].kind == BOUND_BOOL &&
		body[HOLD_CREATE_BODY_PARTIAL].as.boolean;
	request->channel = "web";
	if (creates && body[HOLD_CREATE_BODY_CHANNEL].kind == BOUND_STRING)
		request->channel = body[HOLD_CREATE_BODY_CHANNEL].as.string.data;
	request->line_count = items->as.list.count;
	request->lines = palloc0_array(HoldLine, request->line_count + 1);
	for (int i = 0; i < request->line_count; i++)
		line_read(&request->lines[i], i, &items->as.list.items[i], offer);
}

static bool
line_same(const HoldLine *a, const HoldLine *b)
{
	return a->type == b->type && a->session == b->session && a->block_id == b->block_id &&
		a->place != NULL;
}

static void
line_resolve(HoldLine *line, Offer *offer)
{
	line->type = offer_named_type(offer, line->type_ref);
	line->session = line->session_ref < 0
		? offer->only
		: offer_named_session(offer, line->session_ref);
	if (line->type != NULL && line->session != NULL)
		line->place = offer_place(offer, line->type, line->session);
}

void
hold_request_resolve(HoldRequest *request, Offer *offer)
{
	int			kept = 0;

	for (int i = 0; i < request->line_count; i++)
	{
		HoldLine   *line = &request->lines[i];
		int			same = 0;

		line_resolve(line, offer);
		request->quantity += line->quantity;
		while (same < kept && !line_same(&request->lines[same], line))
			same++;
		if (same < kept)
			request->lines[same].quantity += line->quantity;
		else
			request->lines[kept++] = *line;
	}
	request->line_count = kept;
}

/* Refuses where a sale window is not open; says when it opens or closed. */
static void
window_judge(Call *call, const Offer *offer, const OfferWindow *window, TimestampTz now,
			 const char *pointer)
{
	StringInfoData facts;

	if (window->starts_at <= now && now < window->ends_at)
		return;
	initStringInfo(&facts);
	if (!TIMESTAMP_IS_NOBEGIN(window->starts_at))
	{
		appendStringInfoString(&facts, "\"sale_starts_at\":");
		json_append_time(&facts, window->starts_at, offer->zone);
	}
	if (!TIMESTAMP_IS_NOEND(window->ends_at))
	{
		appendStringInfo(&facts, "%s\"sale_ends_at\":", facts.len > 0 ? "," : "");
		json_append_time(&facts, window->ends_at, offer->zone);
	}
	reply_refuse(call, ERR_NOT_ON_SALE, pointer, facts.data);
}

static void
event_judge(Call *call, const Offer *offer, TimestampTz now)
{
	if (offer->status == EVENT_CANCELLED)
		reply_refuse(call, ERR_EVENT_CANCELLED, "", NULL);
	if (offer->status == EVENT_DRAFT)
		reply_refuse(call, ERR_NOT_PUBLISHED, "", NULL);
	if (offer->status == EVENT_PAUSED)
		reply_refuse(call, ERR_PAUSED, "", NULL);
	window_judge(call, offer, &offer->window, now, "");
}

/* Whether what the line names is there at all. */
static bool
line_judge_names(Call *call, const HoldLine *line)
{
	if (line->type == NULL)
		reply_refuse(call, ERR_UNKNOWN_REFERENCE, hold_line_pointer(line, "ticket_type"), NULL);
	if (line->session == NULL)
		reply_refuse(call,
					 line->session_ref < 0 ? ERR_SESSION_REQUIRED : ERR_UNKNOWN_REFERENCE,
					 hold_line_pointer(line, "session"), NULL);
	return line->place != NULL;
}

/* Whether more of the line may be sold now. */
static void
line_judge_sale(Call *call, const Offer *offer, const HoldLine *line, TimestampTz now)
{
	char	   *type = hold_line_pointer(line, "ticket_type");
	char	   *session = hold_line_pointer(line, "session");

	if (line->session->cancelled)
		reply_refuse(call, ERR_EVENT_CANCELLED, session, NULL);
	if (line->session->paused)
		reply_refuse(call, ERR_PAUSED, session, NULL);
	window_judge(call, offer, &line->session->window, now, session);
	if (line->type->paused)
		reply_refuse(call, ERR_PAUSED, type, NULL);
	if (line->type->retired)
		reply_refuse(call, ERR_NOT_ON_SALE, type, NULL);
	window_judge(call, offer, &line->type->window, now, type);
	if (line->type->pool_count == 0)
		reply_refuse_detail(call, ERR_NOT_ON_SALE, type, NULL,
							"The ticket type has no pool to take from.");
	else if (line->place->stock_count == 0)
		reply_refuse(call, ERR_TYPE_NOT_IN_SESSION, session, NULL);
}

/* Limits per order go for a type over all its sessions. */
static void
line_judge_limits(Call *call, const HoldRequest *request, const HoldLine *line)
{
	const OfferType *type = line->type;
	int64		quantity = 0;

	for (int i = 0; i < request->line_count; i++)
	{
		if (request->lines[i].type != type)
			continue;
		if (&request->lines[i] < line)
			return;				/* told at the first line of the type */
		quantity += request->lines[i].quantity;
	}
	if (quantity < type->min_per_order)
		reply_refuse(call, ERR_MIN_PER_ORDER, hold_line_pointer(line, "quantity"),
					 psprintf("\"min\":%d", type->min_per_order));
	if (type->max_per_order > 0 && quantity > type->max_per_order)
		reply_refuse(call, ERR_MAX_PER_ORDER, hold_line_pointer(line, "quantity"),
					 psprintf("\"max\":%d", type->max_per_order));
}

void
hold_request_judge(HoldRequest *request, Offer *offer, TimestampTz now)
{
	Call	   *call = request->call;
	bool		adds = false;

	for (int i = 0; i < request->line_count; i++)
		adds |= request->lines[i].quantity > request->lines[i].kept;
	if (adds)
		event_judge(call, offer, now);
	for (int i = 0; i < request->line_count; i++)
	{
		const HoldLine *line = &request->lines[i];

		if (!line_judge_names(call, line))
			continue;
		if (line->quantity > line->kept)
			line_judge_sale(call, offer, line, now);
		line_judge_limits(call, request, line);
	}
	if (offer->max_per_order > 0 && request->quantity > offer->max_per_order)
		reply_refuse(call, ERR_MAX_PER_ORDER, "/items",
					 psprintf("\"max\":%d", offer->max_per_order));
}

void
hold_request_authorise(HoldRequest *request, const Offer *offer)
{
	bool		web = strcmp(request->channel, "web") == 0;
	bool		blocks = false;

	for (int i = 0; i < request->line_count; i++)
		blocks |= request->lines[i].block_id != 0;
	if ((web && !blocks) ||
		member_may(&request->call->actor, offer->organizer_id, MEMBER_SELLS))
		return;
	if (!web)
		reply_refuse(request->call, ERR_FORBIDDEN, "/channel", NULL);
	for (int i = 0; i < request->line_count; i++)
		if (request->lines[i].block_id != 0)
			reply_refuse(request->call, ERR_UNKNOWN_REFERENCE,
						 hold_line_pointer(&request->lines[i], "block"), NULL);
}
