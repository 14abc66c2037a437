/*
 * hold_take.c
 *		Who gets what is left.
 *
 * Works on counters in memory (inventory.c, buyer.c); what it grants becomes true when the batch is
 * written.
 */
#include "postgres.h"

#include "block.h"
#include "buyer.h"
#include "hold_take.h"
#include "reclaim.h"

HoldTaker *
hold_taker_begin(Inventory *inv, Offer *offer)
{
	HoldTaker  *taker = palloc0_object(HoldTaker);

	taker->inv = inv;
	taker->offer = offer;
	taker->max = 16;
	taker->requests = palloc_array(HoldRequest *, taker->max);
	taker->subjects = palloc_array(const char *, taker->max);
	return taker;
}

void
hold_taker_want(HoldTaker *taker, HoldRequest *request, const char *subject)
{
	if (taker->count == taker->max)
	{
		taker->max *= 2;
		taker->requests = repalloc_array(taker->requests, HoldRequest *, taker->max);
		taker->subjects = repalloc_array(taker->subjects, const char *, taker->max);
	}
	taker->requests[taker->count] = request;
	taker->subjects[taker->count++] = subject;
	taker->claim_max += request->line_count;
	for (int i = 0; i < request->line_count; i++)
		inventory_add_stocks(taker->inv, request->lines[i].place->stock_ids,
							 request->lines[i].place->stock_count);
}

/* Loads the blocks that lines name, and tells the inventory what the others are after. */
static void
taker_load(HoldTaker *taker)
{
	int64	   *blocks = palloc_array(int64, taker->claim_max + 1);
	int			block_count = 0;

	inventory_load(taker->inv);
	for (int i = 0; i < taker->count; i++)
		for (int k = 0; k < taker->requests[i]->line_count; k++)
		{
			const HoldLine *line = &taker->requests[i]->lines[k];

			if (line->block_id != 0)
				blocks[block_count++] = line->block_id;
			else
				inventory_want(taker->inv, line->place->stock_ids, line->place->stock_count,
							   line->quantity - line->kept);
		}
	block_load(taker->inv, blocks, block_count);
}

/* Names the counters of one buyer that a request must stay within; false if there are none. */
static bool
taker_limit(HoldTaker *taker, const HoldRequest *request, const char *key)
{
	bool		limited = taker->offer->buyer_limit > 0;

	if (limited)
		buyer_add(taker->inv->buyers, key, 0, taker->offer->buyer_limit);
	for (int i = 0; i < request->line_count; i++)
	{
		const OfferType *type = request->lines[i].type;

		if (type->buyer_limit == 0)
			continue;
		buyer_add(taker->inv->buyers, key, type->id, type->buyer_limit);
		limited = true;
	}
	return limited;
}

void
hold_taker_ready(HoldTaker *taker)
{
	const char **limited = palloc_array(const char *, taker->count + 1);
	int			limited_count = 0;

	taker->claims = palloc_array(Claim, taker->claim_max + 1);
	taker_load(taker);
	inventory_reclaim(taker->inv);
	for (int i = 0; i < taker->count; i++)
		if (taker->subjects[i] != NULL &&
			taker_limit(taker, taker->requests[i], buyer_subject_key(taker->subjects[i])))
			limited[limited_count++] = taker->subjects[i];
	reclaim_buyers(taker->inv, limited, limited_count);
	buyer_lock(taker->inv->buyers);
}

/*
 * What the lines of a type, or of all types, want beside what is kept; 0 but for the first of a
 * type.
 */
static int
request_wants(const HoldRequest *request, const HoldLine *line)
{
	int			quantity = 0;

	for (int i = 0; i < request->line_count; i++)
	{
		if (line != NULL && request->lines[i].type != line->type)
			continue;
		if (line != NULL && &request->lines[i] < line)
			return 0;
		quantity += request->lines[i].quantity - request->lines[i].kept;
	}
	return quantity;
}

static void
refuse_buyer(Call *call, const char *pointer, int limit, int room)
{
	reply_refuse(call, ERR_BUYER_LIMIT, pointer,
				 psprintf("\"max\":%d,\"available\":%d", limit, room));
}

static void
taker_check_buyer(HoldTaker *taker, HoldRequest *request, const char *key)
{
	Buyers	   *buyers = taker->inv->buyers;
	int			room = buyer_room(buyers, key, 0);

	if (request_wants(request, NULL) > room)
		refuse_buyer(request->call, "/items", taker->offer->buyer_limit, room);
	for (int i = 0; i < request->line_count; i++)
	{
		const HoldLine *line = &request->lines[i];

		room = buyer_room(buyers, key, line->type->id);
		if (request_wants(request, line) > room)
			refuse_buyer(request->call, hold_line_pointer(line, "quantity"),
						 line->type->buyer_limit, room);
	}
}

static void
taker_count_buyer(HoldTaker *taker, const HoldRequest *request, const char *key)
{
	for (int i = 0; i < request->line_count; i++)
	{
		const HoldLine *line = &request->lines[i];

		buyer_take(taker->inv->buyers, key, line->type->id, line->granted);
		buyer_take(taker->inv->buyers, key, 0, line->granted);
	}
}

static int
line_free(HoldTaker *taker, const HoldLine *line)
{
	const OfferPlace *place = line->place;
	const Claim *kept;

	if (line->block_id == 0)
		return inventory_free(taker->inv, place->stock_ids, place->stock_count);
	kept = block_find(taker->inv, line->block_id, place->stock_ids, place->stock_count);
	if (kept == NULL)
		return 0;
	return block_free(taker->inv, kept, place->stock_ids, place->stock_count);
}

/* Why so many can't be had: still being taken back, held by others who may let go, or sold. */
static ErrorCode
line_shortage(HoldTaker *taker, const HoldLine *line, int quantity)
{
	bool		held = false;
	bool		reclaiming = false;

	for (int i = 0; i < line->place->stock_count && line->block_id == 0; i++)
	{
		const Stock *stock = inventory_stock(taker->inv, line->place->stock_ids[i]);
		int64		unsold = stock_free(stock) + stock->count[CLAIM_HELD] +
			stock->count[CLAIM_PENDING];

		if (stock_free(stock) >= quantity)
			continue;
		if (unsold < quantity)
			return ERR_SOLD_OUT;
		held = true;
		reclaiming |= stock->more_expired;
	}
	if (reclaiming)
		return ERR_RECLAIMING;
	return held ? ERR_ALL_HELD : ERR_SOLD_OUT;
}

static void
line_take(HoldTaker *taker, HoldLine *line, Hold *hold, int number)
{
	const OfferPlace *place = line->place;
	Claim	   *claim = &taker->claims[taker->claim_count++];
	bool		taken;

	memset(claim, 0, sizeof(Claim));
	claim->owner_id = hold->id;
	claim->line = (int16) number;
	claim->state = CLAIM_HELD;
	claim->quantity = line->granted;
	claim->group_id = place->group_id;
	claim->ticket_type_id = line->type->id;
	claim->session_id = line->session->id;
	claim->unit_price = line->type->price;
	claim->unit_fee = line->type->fee;
	claim->stock_ids = place->stock_ids;
	claim->stock_count = place->stock_count;
	claim->expires_at = hold->expires_at;
	claim->block_id = line->block_id;
	line->claim = claim;
	if (line->block_id == 0)
		taken = inventory_take(taker->inv, place->stock_ids, place->stock_count, line->granted,
							   CLAIM_HELD);
	else
		taken = block_take(taker->inv,
						   block_find(taker->inv, line->block_id, place->stock_ids,
									  place->stock_count),
						   place->stock_ids, place->stock_count, line->granted);
	if (!taken)
		elog(ERROR, "what was free could not be taken");
}

/* Gives back what the request was given from a claim on. */
static void
taker_undo(HoldTaker *taker, HoldRequest *request, int first_claim)
{
	for (int i = first_claim; i < taker->claim_count; i++)
		claim_end(taker->inv, &taker->claims[i], CLAIM_RELEASED);
	for (int i = 0; i < request->line_count; i++)
		request->lines[i].granted = 0;
	taker->claim_count = first_claim;
}

/* A part that is less than the minimum of its type is no use: whether one was granted. */
static bool
request_below_min(const HoldRequest *request)
{
	for (int i = 0; i < request->line_count; i++)
	{
		const OfferType *type = request->lines[i].type;
		int			quantity = 0;

		for (int k = 0; k < request->line_count; k++)
			if (request->lines[k].type == type)
				quantity += request->lines[k].kept + request->lines[k].granted;
		if (quantity > 0 && quantity < type->min_per_order)
			return true;
	}
	return false;
}

static void
refuse_shortage(HoldRequest *request, const HoldLine *line, int available)
{
	if (line->missing == ERR_NONE)
		return;
	reply_refuse(request->call, line->missing, hold_line_pointer(line, "quantity"),
				 psprintf("\"available\":%d", available));
}

/* Takes each line, or as much of it as there is; returns whether the request is served. */
static bool
taker_take_lines(HoldTaker *taker, HoldRequest *request, Hold *hold, int number)
{
	int			first_claim = taker->claim_count;
	int		   *available = palloc_array(int, request->line_count);
	bool		complete = true;
	int64		has = 0;

	for (int i = 0; i < request->line_count; i++)
	{
		HoldLine   *line = &request->lines[i];
		int			wanted = line->quantity - line->kept;

		available[i] = wanted > 0 ? line_free(taker, line) : 0;
		line->granted = Min(wanted, available[i]);
		line->missing = line->granted < wanted ? line_shortage(taker, line, wanted) : ERR_NONE;
		if (line->granted > 0)
			line_take(taker, line, hold, number++);
		complete &= line->granted == wanted;
		has += line->kept + line->granted;
	}
	if (complete || (request->partial && has > 0 && !request_below_min(request)))
		return true;
	for (int i = 0; i < request->line_count; i++)
		refuse_shortage(request, &request->lines[i], available[i]);
	taker_undo(taker, request, first_claim);
	return false;
}

bool
hold_taker_take(HoldTaker *taker, HoldRequest *request, Hold *hold, int first_line)
{
	char	   *key = buyer_subject_key(hold->subject);
	int			first_claim = taker->claim_count;

	taker_check_buyer(taker, request, key);
	if (request->call->reply.done ||
		!taker_take_lines(taker, request, hold, first_line))
		return false;
	taker_count_buyer(taker, request, key);
	hold->claims = taker->claims + first_claim;
	hold->claim_count = taker->claim_count - first_claim;
	return true;
}
