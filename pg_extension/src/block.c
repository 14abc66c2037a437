/*
 * block.c
 *		Blocks as sales meet them: places kept back are converted to held ones and, when a hold
 *		from a block lapses, back again, without being free in between.
 *
 * A block's claims stay in state blocked with quantity 0 when all they kept is sold: as long as
 * they do, what is given back goes back to them.  Past its time a block is over, whether or not
 * anybody has taken back what it keeps.  Making and ending blocks is in block_api.c.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "block.h"
#include "query.h"

/* What others took out of a block's claim, as far as that can matter: each has one at least. */
static CoreQuery waiting_query = {
	"SELECT quantity FROM boxoffice.claim"
	" WHERE event_id = $1 AND block_id = $2 AND state IN ('held', 'pending') AND expires_at > $3"
	" AND stock_ids @> $4 AND owner_id <> ALL ($5) AND quantity > 0 LIMIT $6",
	6, {INT8OID, INT8OID, TIMESTAMPTZOID, INT8ARRAYOID, INT8ARRAYOID, INT8OID}
};

static bool
block_is_loaded(const Inventory *inv, int64 block_id)
{
	for (int i = 0; i < inv->block_count; i++)
		if (inv->blocks[i].owner_id == block_id)
			return true;
	return false;
}

void
block_load(Inventory *inv, const int64 *block_ids, int n)
{
	int64	   *wanted = palloc_array(int64, n + 1);
	int			wanted_count = 0;
	int			count;
	Claim	   *claims;

	for (int i = 0; i < n; i++)
		if (block_ids[i] != 0 && !block_is_loaded(inv, block_ids[i]))
			wanted[wanted_count++] = block_ids[i];
	wanted_count = ids_sort_unique(wanted, wanted_count);
	if (wanted_count == 0)
		return;
	claims = claim_load(inv->event_id, wanted, wanted_count, &count);
	inv->blocks = inv->blocks == NULL
		? palloc_array(Claim, count + 1)
		: repalloc_array(inv->blocks, Claim, inv->block_count + count + 1);
	for (int i = 0; i < count; i++)
	{
		if (claims[i].state != CLAIM_BLOCKED || claims[i].expires_at <= inv->now ||
			!inventory_has_group(inv, claims[i].group_id))
			continue;
		inventory_add_stocks(inv, claims[i].stock_ids, claims[i].stock_count);
		inv->blocks[inv->block_count++] = claims[i];
	}
	inventory_load(inv);
}

void
block_load_of(Inventory *inv, const Claim *claims, int n)
{
	int64	   *ids = palloc_array(int64, n + 1);

	for (int i = 0; i < n; i++)
		ids[i] = claims[i].block_id;
	block_load(inv, ids, n);
}

static bool
ids_contain(const int64 *ids, int n, int64 id)
{
	for (int i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool
ids_contain_all(const int64 *ids, int n, const int64 *part, int part_count)
{
	for (int i = 0; i < part_count; i++)
		if (!ids_contain(ids, n, part[i]))
			return false;
	return true;
}

/* What a sale takes beside what the block keeps. */
static int64 *
ids_minus(const int64 *ids, int n, const int64 *part, int part_count, int *left)
{
	int64	   *rest = palloc_array(int64, n + 1);

	*left = 0;
	for (int i = 0; i < n; i++)
		if (!ids_contain(part, part_count, ids[i]))
			rest[(*left)++] = ids[i];
	return rest;
}

Claim *
block_find(Inventory *inv, int64 block_id, const int64 *stock_ids, int n)
{
	Claim	   *best = NULL;

	for (int i = 0; i < inv->block_count; i++)
	{
		Claim	   *kept = &inv->blocks[i];

		if (kept->owner_id != block_id || kept->state != CLAIM_BLOCKED ||
			!ids_contain_all(stock_ids, n, kept->stock_ids, kept->stock_count))
			continue;
		if (best == NULL || kept->quantity > best->quantity)
			best = kept;
	}
	return best;
}

void
block_want(Claim *kept, int quantity)
{
	kept->demand += quantity;
}

bool
block_waits(Inventory *inv, const Claim *kept, int64 lacking)
{
	Datum		args[6] = {Int64GetDatum(inv->event_id), Int64GetDatum(kept->owner_id),
		TimestampTzGetDatum(inv->now), array_int8(kept->stock_ids, kept->stock_count),
	array_int8(inv->kept, inv->kept_count), Int64GetDatum(Max(lacking, 0))};
	int			rows = query_run(&waiting_query, args, NULL);

	for (int row = 0; row < rows; row++)
		lacking -= query_int4(row, 1);
	query_done();
	return lacking <= 0;
}

int
block_free(Inventory *inv, const Claim *kept, const int64 *stock_ids, int n)
{
	int			left;
	int64	   *rest = ids_minus(stock_ids, n, kept->stock_ids, kept->stock_count, &left);

	return left == 0 ? kept->quantity : Min(kept->quantity, inventory_free(inv, rest, left));
}

bool
block_take(Inventory *inv, Claim *kept, const int64 *stock_ids, int n, int quantity)
{
	int			left;
	int64	   *rest = ids_minus(stock_ids, n, kept->stock_ids, kept->stock_count, &left);

	if (kept->quantity < quantity ||
		(left > 0 && !inventory_take(inv, rest, left, quantity, CLAIM_HELD)))
		return false;
	inventory_move(inv, kept->stock_ids, kept->stock_count, quantity, CLAIM_BLOCKED, CLAIM_HELD);
	kept->quantity -= quantity;
	kept->changed = true;
	return true;
}

bool
block_take_back(Inventory *inv, const Claim *claim, int quantity)
{
	Claim	   *kept = block_find(inv, claim->block_id, claim->stock_ids, claim->stock_count);
	int			left;
	int64	   *rest;

	if (kept == NULL)
		return false;
	rest = ids_minus(claim->stock_ids, claim->stock_count, kept->stock_ids, kept->stock_count,
					 &left);
	inventory_move(inv, kept->stock_ids, kept->stock_count, quantity, claim->state, CLAIM_BLOCKED);
	inventory_give(inv, rest, left, quantity, claim->state);
	kept->quantity += quantity;
	kept->changed = true;
	return true;
}

void
block_end(Inventory *inv, Claim *claim)
{
	Assert(claim->state == CLAIM_BLOCKED);
	for (int i = 0; i < inv->block_count; i++)
	{
		Claim	   *kept = &inv->blocks[i];

		if (kept->owner_id != claim->owner_id || kept->line != claim->line)
			continue;
		claim->quantity = kept->quantity;
		kept->state = CLAIM_RELEASED;
		kept->changed = false;
	}
	claim_end(inv, claim, CLAIM_RELEASED);
}

void
block_write(Inventory *inv)
{
	Claim	   *changed = palloc_array(Claim, inv->block_count + 1);
	int			n = 0;

	for (int i = 0; i < inv->block_count; i++)
		if (inv->blocks[i].changed)
			changed[n++] = inv->blocks[i];
	claim_update(inv->event_id, changed, n);
}
