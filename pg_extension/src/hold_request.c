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

#define PPM 1000000				/* parts of a whole, in which a bundle's shares are told */

char *
hold_line_pointer(const HoldLine *line, const char *member)
{
	if (line->addon >= 0)
		return psprintf("/items/%d/addons/%d/%s", line->index, line->addon, member);
	return psprintf("/items/%d/%s", line->index, member);
}

int64
hold_line_session(const HoldLine *line)
{
	return line->session == NULL ? 0 : line->session->id;
}

static int64
price_read(const BoundValue *price)
{
	return price->kind == BOUND_INT ? price->as.integer : -1;
}

static void
line_read(HoldLine *line, int index, const BoundValue *item, Offer *offer)
{
	const BoundValue *type = &item->as.members[HOLD_CREATE_ITEM_TICKET_TYPE];
	const BoundValue *session = &item->as.members[HOLD_CREATE_ITEM_SESSION];
	const BoundValue *block = &item->as.members[HOLD_CREATE_ITEM_BLOCK];

	line->index = index;
	line->addon = -1;
	line->each = 1;
	line->type_ref = offer_name_type(offer, type->as.string.data, type->as.string.len);
	line->session_ref = -1;
	if (session->kind == BOUND_STRING)
		line->session_ref = offer_name_session(offer, session->as.string.data,
											   session->as.string.len);
	else
		offer_want_only_session(offer);
	line->block_id = block->kind == BOUND_INT ? block->as.integer : 0;
	line->quantity = (int) item->as.members[HOLD_CREATE_ITEM_QUANTITY].as.integer;
	line->price_given = price_read(&item->as.members[HOLD_CREATE_ITEM_PRICE]);
}

/* An add-on of the item whose line is given. */
static void
addon_read(HoldLine *line, const HoldLine *parent, int index, const BoundValue *addon,
		   Offer *offer)
{
	const BoundValue *type = &addon->as.members[HOLD_CREATE_ADDON_TICKET_TYPE];

	line->index = parent->index;
	line->addon = index;
	line->child = true;
	line->each = (int) addon->as.members[HOLD_CREATE_ADDON_QUANTITY].as.integer;
	line->type_ref = offer_name_type(offer, type->as.string.data, type->as.string.len);
	line->session_ref = parent->session_ref;
	line->quantity = parent->quantity * line->each;
	line->price_given = price_read(&addon->as.members[HOLD_CREATE_ADDON_PRICE]);
}

static int
item_addons(const BoundValue *item, const BoundValue **addons)
{
	const BoundValue *list = &item->as.members[HOLD_CREATE_ITEM_ADDONS];

	*addons = list->kind == BOUND_LIST ? list->as.list.items : NULL;
	return list->kind == BOUND_LIST ? list->as.list.count : 0;
}

/* Reads an item and its add-ons behind it. */
static void
item_read(HoldRequest *request, int index, const BoundValue *item, Offer *offer)
{
	HoldLine   *line = &request->lines[request->line_count++];
	const BoundValue *addons;

	line_read(line, index, item, offer);
	line->parts = item_addons(item, &addons);
	for (int i = 0; i < line->parts; i++)
		addon_read(&request->lines[request->line_count++], line, i, &addons[i], offer);
}

void
hold_request_read(HoldRequest *request, Call *call, Offer *offer)
{
	const BoundValue *body = call->body.as.members;
	const BoundValue *items = &body[HOLD_CREATE_BODY_ITEMS];
	const BoundValue *addons;
	bool		creates = call->operation->index == OP_HOLD_CREATE;
	int			lines = items->as.list.count;

	memset(request, 0, sizeof(HoldRequest));
	request->call = call;
	request->partial = body[HOLD_CREATE_BODY_PARTIAL].kind == BOUND_BOOL &&
		body[HOLD_CREATE_BODY_PARTIAL].as.boolean;
	request->channel = "web";
	if (creates && body[HOLD_CREATE_BODY_CHANNEL].kind == BOUND_STRING)
		request->channel = body[HOLD_CREATE_BODY_CHANNEL].as.string.data;
	for (int i = 0; i < items->as.list.count; i++)
		lines += item_addons(&items->as.list.items[i], &addons);
	request->lines = palloc0_array(HoldLine, lines + 1);
	for (int i = 0; i < items->as.list.count; i++)
		item_read(request, i, &items->as.list.items[i], offer);
}

/* Finds what a line names; add-ons go to the session of their ticket. */
static void
line_resolve(HoldLine *line, Offer *offer)
{
	line->type = offer_named_type(offer, line->type_ref);
	if (line->type == NULL || !line->type->pass)
		line->session = line->session_ref < 0
			? offer->only
			: offer_named_session(offer, line->session_ref);
	if (line->type == NULL)
		return;
	if (line->session != NULL || line->type->pass)
		line->place = offer_place(offer, line->type, line->session);
	line->list_price = offer_price(offer, line->type, line->session);
	line->price = line->price_given >= 0 ? line->price_given : line->list_price;
	line->fee = line->type->fee;
}

int
bundle_pieces(const OfferType *type)
{
	int			pieces = 1;

	for (int i = 0; i < type->part_count; i++)
		if (type->parts[i].bundled)
			pieces += type->parts[i].quantity;
	return pieces == 1 ? 0 : pieces;
}

/* One piece's part of the price, cut: what falls to its share, over the pieces that share it. */
static void
piece_price(BundlePiece *piece, int64 price, int64 share_ppm, int quantity)
{
	int64		divisor = (int64) PPM * quantity;
	int64		whole = price / divisor * share_ppm;
	int64		rest = price % divisor * share_ppm;

	/* Remainders of pieces of different divisors are compared, so all are told in one. */
	piece->price = whole + rest / divisor;
	piece->remainder = rest % divisor * INT64CONST(1000000000) / divisor;
}

BundlePiece *
bundle_share(const OfferType *type, int64 price, int count)
{
	BundlePiece *pieces = palloc0_array(BundlePiece, count);
	int64		left = price;
	int64		rest_ppm = PPM;
	int			n = 1;

	for (int i = 0; i < type->part_count; i++)
	{
		const OfferPart *part = &type->parts[i];

		for (int k = 0; part->bundled && k < part->quantity; k++, n++)
		{
			pieces[n].part = part;
			piece_price(&pieces[n], price, part->share_ppm, part->quantity);
		}
		rest_ppm -= part->bundled ? part->share_ppm : 0;
	}
	piece_price(&pieces[0], price, Max(rest_ppm, 0), 1);
	for (int i = 0; i < count; i++)
		left -= pieces[i].price;
	for (; left > 0; left--)
	{
		BundlePiece *most = &pieces[0];

		for (int i = 1; i < count; i++)
			if (pieces[i].remainder > most->remainder)
				most = &pieces[i];
		most->price++;
		most->remainder = -1;
	}
	return pieces;
}

/* Adds the lines of what comes with a bundle: one for each type and price. */
static void
bundle_add(HoldLine *first, int *count, Offer *offer)
{
	int			pieces = first->type != NULL ? bundle_pieces(first->type) : 0;
	BundlePiece *shares;
	const OfferPart *part = NULL;

	if (pieces == 0)
		return;
	shares = bundle_share(first->type, first->price, pieces);
	first->price = shares[0].price;
	for (int i = 1; i < pieces; i++)
	{
		HoldLine   *line = &first[*count];

		if (shares[i].part != part || line[-1].price != shares[i].price)
		{
			*line = (HoldLine) {
				.index = first->index,.addon = -1,.child = true,.bundled = true,
				.session = first->session,.type = offer_type(offer, shares[i].part->type_id),
				.price = shares[i].price,.price_given = -1
			};
			if (line->type->pass)
				line->session = NULL;
			if (line->session != NULL || line->type->pass)
				line->place = offer_place(offer, line->type, line->session);
			(*count)++;
		}
		else
			line--;
		line->each++;
		line->quantity = first->quantity * line->each;
		part = shares[i].part;
	}
}

static bool
line_same(const HoldLine *a, const HoldLine *b)
{
	return a->type == b->type && a->session == b->session && a->block_id == b->block_id &&
		a->price == b->price && a->each == b->each && a->bundled == b->bundled &&
		a->place != NULL;
}

static bool
group_same(const HoldLine *a, const HoldLine *b)
{
	if (a->parts != b->parts)
		return false;
	for (int i = 0; i <= a->parts; i++)
		if (!line_same(&a[i], &b[i]))
			return false;
	return true;
}

/* Add-ons of one item that ask for the same are one line. */
static void
group_join(HoldLine *first, int *count)
{
	int			kept = 1;

	for (int i = 1; i < *count; i++)
	{
		int			same = 1;

		while (same < kept && !(first[same].type != NULL && first[same].type == first[i].type &&
								first[same].price == first[i].price &&
								!first[same].bundled && !first[i].bundled))
			same++;
		if (same < kept)
		{
			first[same].each += first[i].each;
			first[same].quantity += first[i].quantity;
		}
		else
			first[kept++] = first[i];
	}
	*count = kept;
}

/* How many lines the request may have with what comes in bundles. */
static int
request_lines_max(HoldRequest *request)
{
	int			lines = request->line_count;

	for (int i = 0; i < request->line_count; i++)
		if (request->lines[i].type != NULL && !request->lines[i].child)
			lines += bundle_pieces(request->lines[i].type);
	return lines;
}

/* Joins a group to an earlier one that asks for the same; else it stays where it is. */
static void
group_merge(HoldRequest *request, HoldLine *group)
{
	HoldLine   *earlier = request->lines;

	while (earlier < group && !group_same(earlier, group))
		earlier += 1 + earlier->parts;
	if (earlier == group)
		request->line_count += 1 + group->parts;
	else
		for (int i = 0; i <= group->parts; i++)
			earlier[i].quantity += group[i].quantity;
}

void
hold_request_resolve(HoldRequest *request, Offer *offer)
{
	HoldLine   *asked = request->lines;
	int			asked_count = request->line_count;
	int			size;

	for (int i = 0; i < asked_count; i++)
		line_resolve(&asked[i], offer);
	request->lines = palloc0_array(HoldLine, request_lines_max(request) + 1);
	request->line_count = 0;
	for (int i = 0; i < asked_count; i += size)
	{
		HoldLine   *group = &request->lines[request->line_count];
		int			count;

		size = 1 + asked[i].parts;
		count = size;
		memcpy(group, &asked[i], sizeof(HoldLine) * size);
		group_join(group, &count);
		bundle_add(group, &count, offer);
		group->parts = count - 1;
		request->quantity += group->quantity;
		for (int k = 0; k < count; k++)
			request->pieces += group[k].quantity;
		group_merge(request, group);
	}
}

/*
 * Refuses where a sale window is not open; says when it opens or closed, and what else is known.
 */
static void
window_judge(Call *call, const Offer *offer, const OfferWindow *window, TimestampTz now,
			 const char *pointer, const char *known)
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
	if (known != NULL)
		appendStringInfo(&facts, "%s%s", facts.len > 0 ? "," : "", known);
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
	window_judge(call, offer, &offer->window, now, "", NULL);
}

/* What a line of a group is to its first. */
static const OfferPart *
line_part(const HoldLine *first, const HoldLine *line)
{
	for (int i = 0; first->type != NULL && line->type != NULL && i < first->type->part_count; i++)
		if (first->type->parts[i].type_id == line->type->id &&
			first->type->parts[i].bundled == line->bundled)
			return &first->type->parts[i];
	return NULL;
}

/* Whether what the line names is there at all. */
static bool
line_judge_names(Call *call, const HoldLine *first, const HoldLine *line)
{
	if (line->type == NULL)
		reply_refuse(call, ERR_UNKNOWN_REFERENCE, hold_line_pointer(line, "ticket_type"), NULL);
	else if (line->child && line_part(first, line) == NULL)
		reply_refuse_detail(call, ERR_UNKNOWN_REFERENCE, hold_line_pointer(line, "ticket_type"),
							NULL, "It is not an add-on of the item's ticket type.");
	else if (line->type->pass && line->session_ref >= 0 && !line->child)
		reply_refuse_detail(call, ERR_TYPE_NOT_IN_SESSION, hold_line_pointer(line, "session"),
							NULL, "The ticket type admits to all sessions: name none.");
	if (line->session == NULL && !line->child && !(line->type != NULL && line->type->pass))
		reply_refuse(call,
					 line->session_ref < 0 ? ERR_SESSION_REQUIRED : ERR_UNKNOWN_REFERENCE,
					 hold_line_pointer(line, "session"), NULL);
	if (line->child && line->type != NULL && line->place == NULL && first->place != NULL)
		reply_refuse_detail(call, ERR_TYPE_NOT_IN_SESSION, hold_line_pointer(line, "ticket_type"),
							NULL, "It admits to one session, and its ticket to all.");
	return line->place != NULL;
}

/* Whether a session may be sold now; a pass does not name it, so it is told. */
static void
session_judge(Call *call, const Offer *offer, const OfferSession *session, TimestampTz now,
			  const char *pointer, const char *known)
{
	if (session->cancelled)
		reply_refuse(call, ERR_EVENT_CANCELLED, pointer, known);
	if (session->paused)
		reply_refuse(call, ERR_PAUSED, pointer, known);
	window_judge(call, offer, &session->window, now, pointer, known);
}

/* A pass is on sale while all of its sessions are; the first that is not is told. */
static void
pass_judge(Call *call, const Offer *offer, const HoldLine *line, TimestampTz now)
{
	char	   *pointer = hold_line_pointer(line, "ticket_type");
	int			faults = call->reply.fault_count;

	for (int i = offer_pass_session(offer, line->type, -1);
		 i >= 0 && call->reply.fault_count == faults;
		 i = offer_pass_session(offer, line->type, i))
		session_judge(call, offer, &offer->sessions[i], now, pointer,
					  psprintf("\"session\":\"%s\"", offer->sessions[i].key));
}

/* Whether more of the line may be sold now. */
static void
line_judge_sale(Call *call, const Offer *offer, const HoldLine *line, TimestampTz now)
{
	char	   *type = hold_line_pointer(line, "ticket_type");
	char	   *session = line->child ? type : hold_line_pointer(line, "session");

	if (line->type->pass)
		pass_judge(call, offer, line, now);
	else
		session_judge(call, offer, line->session, now, session, NULL);
	if (line->type->paused)
		reply_refuse(call, ERR_PAUSED, type, NULL);
	if (line->type->retired)
		reply_refuse(call, ERR_NOT_ON_SALE, type, NULL);
	window_judge(call, offer, &line->type->window, now, type, NULL);
	if (!line->child && !line->type->sold_alone)
		reply_refuse(call, ERR_NOT_SOLD_ALONE, type, NULL);
	if (line->type->pool_count == 0)
		reply_refuse_detail(call, ERR_NOT_ON_SALE, type, NULL,
							"The ticket type has no pool to take from.");
	else if (line->place->too_large)
		reply_refuse_detail(call, ERR_NOT_ON_SALE, type, NULL,
							psprintf("The ticket type takes more than %d places at once.",
									 PLACE_ROWS_MAX));
	else if (line->place->stock_count == 0)
		reply_refuse(call, ERR_TYPE_NOT_IN_SESSION, session, NULL);
}

/* What is not free has its price; a part of a bundle has its share. */
static void
line_judge_price(Call *call, const HoldLine *line)
{
	const OfferType *type = line->type;
	int64		max = type->free_price ? Max(type->price_max, line->list_price) : line->list_price;

	if (line->price_given < 0 ||
		(line->price_given >= line->list_price && line->price_given <= max))
		return;
	reply_refuse(call, ERR_PRICE_OUT_OF_RANGE, hold_line_pointer(line, "price"),
				 psprintf("\"min\":" INT64_FORMAT ",\"max\":" INT64_FORMAT, line->list_price,
						  max));
}

/* Limits per order go for a type over all its sessions, whether alone or as an add-on. */
static void
line_judge_limits(Call *call, const HoldRequest *request, const HoldLine *line)
{
	const OfferType *type = line->type;
	int64		quantity = 0;

	for (int i = 0; i < request->line_count; i++)
	{
		if (request->lines[i].type != type || request->lines[i].bundled)
			continue;
		if (&request->lines[i] < line)
			return;				/* told at the first line of the type */
		quantity += request->lines[i].quantity;
	}
	if (line->bundled)
		return;
	if (quantity < type->min_per_order)
		reply_refuse(call, ERR_MIN_PER_ORDER, hold_line_pointer(line, "quantity"),
					 psprintf("\"min\":%d", type->min_per_order));
	if (type->max_per_order > 0 && quantity > type->max_per_order)
		reply_refuse(call, ERR_MAX_PER_ORDER, hold_line_pointer(line, "quantity"),
					 psprintf("\"max\":%d", type->max_per_order));
}

/* Whether each ticket of a group has the add-ons that it must have, and no more than it may. */
static void
group_judge_addons(Call *call, const Offer *offer, const HoldLine *first)
{
	for (int i = 0; first->type != NULL && i < first->type->part_count; i++)
	{
		const OfferPart *part = &first->type->parts[i];
		const HoldLine *line = NULL;
		int			each = 0;

		for (int k = 1; k <= first->parts && !part->bundled; k++)
			if (!first[k].bundled && first[k].type != NULL && first[k].type->id == part->type_id)
			{
				line = &first[k];
				each += line->each;
			}
		if (each < part->min && !part->bundled)
			reply_refuse(call, ERR_ADDON_REQUIRED, hold_line_pointer(first, "addons"),
						 psprintf("\"ticket_type\":\"%s\",\"min\":%d",
								  offer_type(offer, part->type_id)->key, part->min));
		if (part->max > 0 && each > part->max)
			reply_refuse(call, ERR_ADDON_LIMIT, hold_line_pointer(line, "quantity"),
						 psprintf("\"max\":%d", part->max));
	}
}

/* What a request comes to at today's prices; so many pieces as there may be can't overflow it. */
static int64
request_total(const HoldRequest *request)
{
	int64		total = 0;

	for (int i = 0; i < request->line_count; i++)
		total += (request->lines[i].price + request->lines[i].fee) * request->lines[i].quantity;
	return total;
}

static void
request_judge_size(const HoldRequest *request, const Offer *offer)
{
	if (offer->max_per_order > 0 && request->quantity > offer->max_per_order)
		reply_refuse(request->call, ERR_MAX_PER_ORDER, "/items",
					 psprintf("\"max\":%d", offer->max_per_order));
	else if (request->pieces > HOLD_PIECES_MAX)
		reply_refuse(request->call, ERR_MAX_PER_ORDER, "/items",
					 psprintf("\"max\":%d", HOLD_PIECES_MAX));
	else if (request_total(request) > AMOUNT_MAX)
		reply_refuse(request->call, ERR_AMOUNT_TOO_LARGE, "/items", NULL);
}

void
hold_request_judge(HoldRequest *request, Offer *offer, TimestampTz now)
{
	Call	   *call = request->call;
	const HoldLine *first = request->lines;
	bool		adds = false;

	for (int i = 0; i < request->line_count; i++)
		adds |= request->lines[i].quantity > request->lines[i].kept;
	if (adds)
		event_judge(call, offer, now);
	for (int i = 0; i < request->line_count; i++)
	{
		const HoldLine *line = &request->lines[i];

		if (!line->child)
			first = line;
		if (!line_judge_names(call, first, line))
			continue;
		if (line->quantity > line->kept)
			line_judge_sale(call, offer, line, now);
		line_judge_price(call, line);
		line_judge_limits(call, request, line);
		if (!line->child)
			group_judge_addons(call, offer, line);
	}
	request_judge_size(request, offer);
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
