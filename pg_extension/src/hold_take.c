/*
 * hold_take.c
 *		Who gets what is left.
 *
 * Works on counters in memory (inventory.c, buyer.c); what it grants becomes true when the batch is
 * written.
 */
#include "postgres.h"

#include <limits.h>

#include "block.h"
#include "buyer.h"
#include "hold_take.h"
#include "lapsed.h"

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

/* Whether the line takes of the stock row what is on sale: not what a block keeps for it. */
static bool
line_takes_free(const HoldLine *line, const Claim *kept, int64 stock_id)
{
	for (int i = 0; line->block_id != 0 && kept != NULL && i < kept->stock_count; i++)
		if (kept->stock_ids[i] == stock_id)
			return false;
	return true;
}

/* The block's places that the line takes from; NULL if it names no block, or that has none. */
static Claim *
line_kept(HoldTaker *taker, const HoldLine *line)
{
	return line->block_id == 0 ? NULL
		: block_find(taker->inv, line->block_id, line->place->stock_ids,
					 line->place->stock_count);
}

/* Tells the inventory what the line is after: of what its block keeps, and of what is on sale. */
static void
line_want(HoldTaker *taker, const HoldLine *line)
{
	Claim	   *kept = line_kept(taker, line);

	if (kept != NULL)
		block_want(kept, line->quantity - line->kept);
	for (int i = 0; i < line->place->stock_count; i++)
		if (line_takes_free(line, kept, line->place->stock_ids[i]))
			inventory_want(taker->inv, &line->place->stock_ids[i], 1,
						   line->quantity - line->kept);
}

/* Loads the blocks that lines name, and tells the inventory what all are after. */
static void
taker_load(HoldTaker *taker)
{
	int64	   *blocks = palloc_array(int64, taker->claim_max + 1);
	int			block_count = 0;

	inventory_load(taker->inv);
	for (int i = 0; i < taker->count; i++)
		for (int k = 0; k < taker->requests[i]->line_count; k++)
			if (taker->requests[i]->lines[k].block_id != 0)
				blocks[block_count++] = taker->requests[i]->lines[k].block_id;
	block_load(taker->inv, blocks, block_count);
	for (int i = 0; i < taker->count; i++)
		for (int k = 0; k < taker->requests[i]->line_count; k++)
			line_want(taker, &taker->requests[i]->lines[k]);
}

/* Names the counters of one buyer that a request must stay within. */
static void
taker_limit(HoldTaker *taker, const HoldRequest *request, const char *key)
{
	if (taker->offer->buyer_limit > 0)
		buyer_add(taker->inv->buyers, key, 0, taker->offer->buyer_limit);
	for (int i = 0; i < request->line_count; i++)
	{
		const OfferType *type = request->lines[i].type;

		if (type->buyer_limit > 0)
			buyer_add(taker->inv->buyers, key, type->id, type->buyer_limit);
	}
}

void
hold_taker_ready(HoldTaker *taker)
{
	taker->claims = palloc_array(Claim, taker->claim_max + 1);
	taker_load(taker);
	inventory_reclaim(taker->inv);
	for (int i = 0; i < taker->count; i++)
		if (taker->subjects[i] != NULL)
			taker_limit(taker, taker->requests[i], buyer_subject_key(taker->subjects[i]));
	lapsed_reclaim(taker->inv);
	buyer_lock(taker->inv->buyers);
}

/*
 * What the lines of a type, or all that are no add-ons, want beside what is kept; 0 but for the
 * first of a type.
 */
static int
request_wants(const HoldRequest *request, const HoldLine *line)
{
	int			quantity = 0;

	for (int i = 0; i < request->line_count; i++)
	{
		if (line == NULL ? request->lines[i].child : request->lines[i].type != line->type)
			continue;
		if (line != NULL && &request->lines[i] < line)
			return 0;
		quantity += request->lines[i].quantity - request->lines[i].kept;
	}
	return quantity;
}

/* How many of a type the hold has; of type 0 all that are no add-ons. */
static int
hold_has(const Hold *hold, int64 type_id)
{
	int			quantity = 0;

	for (int i = 0; hold != NULL && i < hold->claim_count; i++)
		if (hold->claims[i].state == CLAIM_HELD &&
			(type_id == 0 ? hold->claims[i].parent_line == 0
			 : hold->claims[i].ticket_type_id == type_id))
			quantity += hold->claims[i].quantity;
	return quantity;
}

void
hold_take_foresee(Inventory *inv, const Offer *offer, const HoldRequest *request, const char *key,
				  const Hold *had)
{
	if (key == NULL || request->call == NULL || request->call->reply.done)
		return;
	if (offer->buyer_limit > 0)
		lapsed_want(inv, key, 0, offer->buyer_limit,
					request_wants(request, NULL) - hold_has(had, 0));
	for (int i = 0; i < request->line_count; i++)
	{
		const OfferType *type = request->lines[i].type;

		if (type != NULL && type->buyer_limit > 0)
			lapsed_want(inv, key, type->id, type->buyer_limit,
						request_wants(request, &request->lines[i]) - hold_has(had, type->id));
	}
}

static void
taker_check_buyer(HoldTaker *taker, HoldRequest *request, const char *key)
{
	Inventory  *inv = taker->inv;
	int			wanted = request_wants(request, NULL);

	if (wanted > buyer_room(inv->buyers, key, 0))
		lapsed_refuse(request->call, inv, key, 0, wanted, taker->offer->buyer_limit, "/items");
	for (int i = 0; i < request->line_count; i++)
	{
		const HoldLine *line = &request->lines[i];

		wanted = request_wants(request, line);
		if (wanted > buyer_room(inv->buyers, key, line->type->id))
			lapsed_refuse(request->call, inv, key, line->type->id, wanted, line->type->buyer_limit,
						  hold_line_pointer(line, "quantity"));
	}
}

static void
taker_count_buyer(HoldTaker *taker, const HoldRequest *request, const char *key)
{
	for (int i = 0; i < request->line_count; i++)
	{
		const HoldLine *line = &request->lines[i];

		buyer_take(taker->inv->buyers, key, line->type->id, line->granted);
		if (!line->child)
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

/*
 * Adds why so many can't be had of a stock row, if they can't: sold, which is final; still being
 * taken back; or held by others who may let go.
 */
static void
shortage_add(ErrorCode *why, const Stock *stock, int64 quantity)
{
	int64		unsold = stock_free(stock) + stock->count[CLAIM_HELD] +
		stock->count[CLAIM_PENDING];

	if (stock_free(stock) >= quantity || *why == ERR_SOLD_OUT)
		return;
	if (unsold < quantity)
		*why = ERR_SOLD_OUT;
	else if (stock->more_expired)
		*why = ERR_RECLAIMING;
	else if (*why == ERR_NONE)
		*why = ERR_ALL_HELD;
}

/*
 * Why what a block keeps is less than so much: still being taken back; held out of it by others,
 * earlier in the batch or before, who may let go; or sold, or never kept.
 */
static ErrorCode
block_shortage(HoldTaker *taker, const Claim *kept, int quantity)
{
	int64		lacking = (int64) quantity - kept->quantity;

	if (lacking <= 0)
		return ERR_NONE;
	if (kept->more_expired)
		return ERR_RECLAIMING;
	for (int i = 0; i < taker->claim_count; i++)
		if (taker->claims[i].block_id == kept->owner_id)
			lacking -= taker->claims[i].quantity;
	return block_waits(taker->inv, kept, lacking) ? ERR_ALL_HELD : ERR_SOLD_OUT;
}

/* Why so many of a line can't be had by themselves. */
static ErrorCode
line_shortage(HoldTaker *taker, const HoldLine *line, int quantity)
{
	const Claim *kept = line_kept(taker, line);
	ErrorCode	why = ERR_NONE;

	if (line->block_id != 0 && kept == NULL)
		return ERR_SOLD_OUT;
	if (kept != NULL)
		why = block_shortage(taker, kept, quantity);
	for (int i = 0; i < line->place->stock_count; i++)
		if (line_takes_free(line, kept, line->place->stock_ids[i]))
			shortage_add(&why, inventory_stock(taker->inv, line->place->stock_ids[i]), quantity);
	return why == ERR_NONE ? ERR_SOLD_OUT : why;
}

static void
line_take(HoldTaker *taker, HoldLine *line, const Claim *parent, Hold *hold, int number)
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
	claim->session_id = hold_line_session(line);
	claim->unit_price = line->price;
	claim->unit_fee = line->fee;
	claim->stock_ids = place->stock_ids;
	claim->stock_count = place->stock_count;
	claim->expires_at = hold->expires_at;
	claim->block_id = line->block_id;
	claim->parent_line = parent != NULL ? parent->line : 0;
	claim->bundled = line->bundled;
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
			if (request->lines[k].type == type && !request->lines[k].bundled)
				quantity += request->lines[k].kept + request->lines[k].granted;
		if (quantity > 0 && quantity < type->min_per_order)
			return true;
	}
	return false;
}

const char *
hold_shortage(Inventory *inv, const Offer *offer, const OfferType *type,
			  const OfferPlace *place)
{
	const OfferSession *session;
	int64		least = PG_INT64_MAX;
	int64		shortest = 0;

	for (int i = 0; type->pass && i < place->stock_count; i++)
	{
		const Stock *stock = inventory_stock(inv, place->stock_ids[i]);

		if (stock_free(stock) >= least)
			continue;
		least = stock_free(stock);
		shortest = stock->id;
	}
	session = shortest == 0 ? NULL : offer_stock_session(offer, shortest);
	return session == NULL ? "" : psprintf(",\"session\":\"%s\"", session->key);
}

static void
refuse_shortage(HoldTaker *taker, HoldRequest *request, const HoldLine *line, int available)
{
	if (line->missing == ERR_NONE)
		return;
	reply_refuse(request->call, line->missing, hold_line_pointer(line, "quantity"),
				 psprintf("\"available\":%d%s", available,
						  hold_shortage(taker->inv, taker->offer, line->type, line->place)));
}

/* What one piece of a group takes of a stock row. */
typedef struct StockNeed
{
	int64		stock_id;
	int64		each;
} StockNeed;

static int
need_compare(const void *a, const void *b)
{
	const StockNeed *x = a;
	const StockNeed *y = b;

	return (x->stock_id > y->stock_id) - (x->stock_id < y->stock_id);
}

/*
 * What a group takes of each stock row, where several lines take of the same; what a block keeps is
 * not taken of them.
 */
static StockNeed *
group_needs(HoldTaker *taker, const HoldLine *group, int *count)
{
	StockNeed  *needs;
	int			max = 0;
	int			n = 0;

	for (int k = 0; k <= group->parts; k++)
		max += group[k].place->stock_count;
	needs = palloc(mul_size(max + 1, sizeof(StockNeed)));
	for (int k = 0; k <= group->parts; k++)
	{
		const OfferPlace *place = group[k].place;
		const Claim *kept = line_kept(taker, &group[k]);

		for (int i = 0; i < place->stock_count; i++)
			if (line_takes_free(&group[k], kept, place->stock_ids[i]))
				needs[n++] = (StockNeed) {place->stock_ids[i], group[k].each};
	}
	qsort(needs, n, sizeof(StockNeed), need_compare);
	*count = 0;
	for (int i = 0; i < n; i++)
		if (*count > 0 && needs[*count - 1].stock_id == needs[i].stock_id)
			needs[*count - 1].each += needs[i].each;
		else
			needs[(*count)++] = needs[i];
	return needs;
}

/* How many whole groups the stock rows have together. */
static int64
group_stock_free(HoldTaker *taker, const HoldLine *group)
{
	int			count;
	StockNeed  *needs = group_needs(taker, group, &count);
	int64		units = INT_MAX;

	for (int i = 0; i < count; i++)
		units = Min(units, stock_free(inventory_stock(taker->inv, needs[i].stock_id)) /
					needs[i].each);
	pfree(needs);
	return units;
}

/* Why so many whole groups can't be had, where each line by itself could. */
static ErrorCode
group_shortage(HoldTaker *taker, const HoldLine *group, int units)
{
	int			count;
	StockNeed  *needs = group_needs(taker, group, &count);
	ErrorCode	why = ERR_NONE;

	for (int i = 0; i < count; i++)
		shortage_add(&why, inventory_stock(taker->inv, needs[i].stock_id), needs[i].each * units);
	pfree(needs);
	return why == ERR_NONE ? ERR_SOLD_OUT : why;
}

/* How many whole groups may be had. */
static int
group_free(HoldTaker *taker, const HoldLine *group)
{
	int64		units = line_free(taker, group);

	if (group->parts == 0)
		return (int) units;
	for (int k = 1; k <= group->parts; k++)
		units = Min(units, line_free(taker, &group[k]) / group[k].each);
	return (int) Min(units, group_stock_free(taker, group));
}

/*
 * How many groups there would have to be for the buyer to be better off. Who takes what there is
 * need not hear that all of it can never be had.
 */
static int
group_least(const HoldRequest *request, const HoldLine *group, int units)
{
	int			wanted = group->quantity - group->kept;

	if (!request->partial)
		return wanted;
	return Min(wanted, Max(units + 1, group->type->min_per_order - group->kept));
}

/*
 * Why there are not at least so many groups: of the lines that are short by themselves, with what
 * each could have; where only all together are, of the first, with how many groups there are.
 */
static void
group_explain(HoldTaker *taker, HoldLine *group, int least, int *available)
{
	int			units = available[0];
	bool		told = false;

	for (int k = 0; k <= group->parts; k++)
	{
		HoldLine   *line = &group[k];
		int			wanted = Min(line->quantity - line->kept, least * line->each);

		available[k] = group->parts == 0 ? units : line_free(taker, line);
		if (available[k] >= wanted)
			continue;
		line->missing = line_shortage(taker, line, wanted);
		told = true;
	}
	if (told)
		return;
	available[0] = units;
	group->missing = group_shortage(taker, group, least);
}

/* Takes so many whole groups. */
static void
group_take(HoldTaker *taker, HoldLine *group, int units, Hold *hold, int *number)
{
	for (int k = 0; k <= group->parts; k++)
	{
		group[k].granted = units * group[k].each;
		line_take(taker, &group[k], k == 0 ? NULL : group->claim, hold, (*number)++);
	}
}

/*
 * What a change adds to tickets that stay: all of it or nothing, for each of them has as many.
 * Returns whether it is served.
 */
static bool
group_add(HoldTaker *taker, HoldLine *group, Hold *hold, int *number, int *available)
{
	for (int k = 1; k <= group->parts; k++)
	{
		HoldLine   *line = &group[k];
		int			wanted = line->quantity - line->kept;

		available[k] = wanted > 0 ? line_free(taker, line) : 0;
		if (wanted == 0)
			continue;
		if (available[k] < wanted)
		{
			line->missing = line_shortage(taker, line, wanted);
			return false;
		}
		line->granted = wanted;
		line_take(taker, line, group->claim, hold, (*number)++);
	}
	return true;
}

/* Takes each group, or as much of it as there is; returns whether the request is served. */
static bool
taker_take_lines(HoldTaker *taker, HoldRequest *request, Hold *hold, int number)
{
	int			first_claim = taker->claim_count;
	int		   *available = palloc0_array(int, request->line_count);
	bool		complete = true;
	bool		broken = false;
	int64		has = 0;
	HoldLine   *group;

	for (int i = 0; i < request->line_count; i += 1 + group->parts)
	{
		int			wanted;
		int			units;

		group = &request->lines[i];
		wanted = group->quantity - group->kept;
		for (int k = 0; k <= group->parts; k++)
		{
			group[k].granted = 0;
			group[k].missing = ERR_NONE;
		}
		if (wanted == 0)
			broken |= !group_add(taker, group, hold, &number, &available[i]);
		else
		{
			available[i] = group_free(taker, group);
			units = Min(wanted, available[i]);
			if (units < wanted)
				group_explain(taker, group, group_least(request, group, units), &available[i]);
			if (units > 0)
				group_take(taker, group, units, hold, &number);
			complete &= units == wanted;
		}
		has += group->kept + group->granted;
	}
	if (!broken &&
		(complete || (request->partial && has > 0 && !request_below_min(request))))
		return true;
	for (int i = 0; i < request->line_count; i++)
		refuse_shortage(taker, request, &request->lines[i], available[i]);
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
