/*
 * inventory.c
 *		What is free and who gets it: the one place where counters of stock rows are decided.
 *
 * The promise: no place is ever taken twice, on any path, and "sold out" is only said when it is
 * so.
 *
 * Lock order, everywhere in this extension and in SQL beside it:
 *
 *		1. inventory groups	(event_id, id), FOR NO KEY UPDATE
 *		2. idempotency keys	in order of their hash, at their insertion
 *		3. stock rows		4. buyers		5. holds		6. orders
 *
 * each kind in ascending order of its key, never backwards.  (A row that is inserted is locked
 * too, but only keys can be inserted by two at once; they come after buyers in time, and whoever
 * waits for a key waits for one who waits for no buyer any more, so that makes no circle.)
 *
 * A group is the set of stock rows that one claim may touch together: pools joined by ticket
 * types.  Its row is locked before anything is looked at, and then nothing that the group's stock
 * rows, claims, holds or orders say can change but by us.  Locking single stock rows instead was
 * a deadlock in trials: whoever finds a place short takes back expired claims (reclaim.c), and
 * these reach into other pools.
 *
 * So the way is always: read without locks what groups are touched, lock them all at once, read
 * the clock, then look again.  The lock comes before the clock, or one who waited would judge a
 * deadline by the time before the wait; and what is looked at must be seen in a snapshot taken
 * after the lock, which is why all of this runs in READ COMMITTED, each look a statement of its
 * own.
 *
 * A batch is decided in memory against the counters that were read, call by call in order of
 * arrival, and written by one UPDATE.  CHECK constraints on boxoffice.stock are the second guard.
 *
 * Where the event was edited between the first look and the lock (a group is gone, a stock row
 * has moved to another group) we raise a serialization failure: locking more groups now could be
 * out of order.
 */
#include "postgres.h"

#include <limits.h>

#include "block.h"
#include "buyer.h"
#include "claim.h"
#include "clock.h"
#include "debug.h"
#include "inventory.h"
#include "query.h"
#include "reclaim.h"

static CoreQuery group_query = {
	"SELECT id FROM boxoffice.inventory_group"
	" WHERE event_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery stock_query = {
	"SELECT id, group_id, capacity, overbook, held, pending, sold, blocked"
	" FROM boxoffice.stock WHERE event_id = $1 AND id = ANY ($2)",
	2, {INT8OID, INT8ARRAYOID}
};

/*
 * Adds to the counters: if somebody else had come past the lock, the CHECKs would see the sum of
 * what both took.  That anything was ever taken is noted too: what was never used may be deleted.
 */
static CoreQuery stock_write_query = {
	"UPDATE boxoffice.stock s"
	" SET held = s.held + n.held, pending = s.pending + n.pending, sold = s.sold + n.sold,"
	"     blocked = s.blocked + n.blocked, used = true"
	" FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])"
	"      AS n (id, held, pending, sold, blocked)"
	" WHERE s.event_id = $1 AND s.id = n.id",
	6, {INT8OID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID}
};

/* The same for one row, which is what most batches change: it needs no join. */
static CoreQuery stock_write_one_query = {
	"UPDATE boxoffice.stock"
	" SET held = held + $3[1], pending = pending + $4[1], sold = sold + $5[1],"
	"     blocked = blocked + $6[1], used = true"
	" WHERE event_id = $1 AND id = $2[1]",
	6, {INT8OID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID}
};

void
inventory_moved(const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("the event was changed meanwhile: %s", what),
			errhint("The transaction might succeed if retried."));
}

Inventory *
inventory_begin(int64 event_id)
{
	Inventory  *inv = palloc0_object(Inventory);

	require_read_committed();
	inv->event_id = event_id;
	inv->reclaim_max = RECLAIM_MAX;
	inv->group_max = 8;
	inv->groups = palloc_array(int64, inv->group_max);
	inv->stock_max = 8;
	inv->stock = palloc_array(Stock, inv->stock_max);
	inv->buyers = buyer_begin(event_id);
	return inv;
}

void
inventory_add_group(Inventory *inv, int64 group_id)
{
	Assert(!inv->locked);
	if (inv->group_count > 0 && inv->groups[inv->group_count - 1] == group_id)
		return;
	if (inv->group_count == inv->group_max)
	{
		inv->group_max *= 2;
		inv->groups = repalloc_array(inv->groups, int64, inv->group_max);
	}
	inv->groups[inv->group_count++] = group_id;
}

void
inventory_lock(Inventory *inv)
{
	Datum		args[2];
	int			locked;

	Assert(!inv->locked);
	debug_point("inventory_lock");
	inv->group_count = ids_sort_unique(inv->groups, inv->group_count);
	if (inv->group_count > 0)
	{
		args[0] = Int64GetDatum(inv->event_id);
		args[1] = array_int8(inv->groups, inv->group_count);
		locked = query_run(&group_query, args, NULL);
		query_done();
		if (locked != inv->group_count)
			inventory_moved("an inventory group is gone");
	}
	inv->locked = true;
	inv->now = clock_now();
	debug_point("inventory_locked");
}

bool
inventory_has_group(const Inventory *inv, int64 group_id)
{
	int			low = 0;
	int			high = inv->group_count;

	Assert(inv->locked);
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (inv->groups[middle] < group_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < inv->group_count && inv->groups[low] == group_id;
}

void
inventory_add_stock(Inventory *inv, int64 stock_id)
{
	Stock	   *stock;

	if (inv->stock_count == inv->stock_max)
	{
		inv->stock_max *= 2;
		inv->stock = repalloc_array(inv->stock, Stock, inv->stock_max);
	}
	stock = &inv->stock[inv->stock_count++];
	memset(stock, 0, sizeof(Stock));
	stock->id = stock_id;
}

void
inventory_add_stocks(Inventory *inv, const int64 *stock_ids, int n)
{
	for (int i = 0; i < n; i++)
		if (inv->stock_sorted == 0 || inventory_stock(inv, stock_ids[i]) == NULL)
			inventory_add_stock(inv, stock_ids[i]);
}

/* By id; of duplicates the one that was loaded before comes first. */
static int
stock_compare(const void *a, const void *b)
{
	const Stock *x = a;
	const Stock *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (int) y->loaded - (int) x->loaded;
}

/* Sorts, drops duplicates, and returns the ids that are not loaded yet. */
static int
stock_arrange(Inventory *inv, int64 *missing)
{
	int			kept = 0;
	int			lacking = 0;

	qsort(inv->stock, inv->stock_count, sizeof(Stock), stock_compare);
	for (int i = 0; i < inv->stock_count; i++)
	{
		if (kept > 0 && inv->stock[kept - 1].id == inv->stock[i].id)
			continue;
		inv->stock[kept] = inv->stock[i];
		if (!inv->stock[kept].loaded)
			missing[lacking++] = inv->stock[kept].id;
		kept++;
	}
	inv->stock_count = inv->stock_sorted = kept;
	return lacking;
}

static void
stock_read(Inventory *inv, int row)
{
	Stock	   *stock = inventory_stock(inv, query_int8(row, 1));

	Assert(stock != NULL);
	stock->loaded = true;
	stock->group_id = query_int8(row, 2);
	stock->unlimited = query_null(row, 3);
	stock->limit = stock->unlimited ? INT_MAX : (int64) query_int4(row, 3) + query_int4(row, 4);
	for (int state = 0; state < CLAIM_COUNTED; state++)
		stock->count[state] = stock->stored[state] = query_int4(row, 5 + state);
	if (!inventory_has_group(inv, stock->group_id))
		inventory_moved("a stock row is in another group");
}

void
inventory_load(Inventory *inv)
{
	int64	   *missing = palloc_array(int64, inv->stock_count + 1);
	int			lacking = stock_arrange(inv, missing);
	Datum		args[2];
	int			rows;

	Assert(inv->locked);
	if (lacking > 0)
	{
		args[0] = Int64GetDatum(inv->event_id);
		args[1] = array_int8(missing, lacking);
		rows = query_run(&stock_query, args, NULL);
		for (int row = 0; row < rows; row++)
			stock_read(inv, row);
		query_done();
		if (rows != lacking)
			inventory_moved("a stock row is gone");
	}
	pfree(missing);
}

Stock *
inventory_stock(Inventory *inv, int64 stock_id)
{
	int			low = 0;
	int			high = inv->stock_sorted;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (inv->stock[middle].id < stock_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < inv->stock_sorted && inv->stock[low].id == stock_id)
		return &inv->stock[low];
	return NULL;
}

/* A row that must have been loaded. */
static Stock *
stock_get(Inventory *inv, int64 stock_id)
{
	Stock	   *stock = inventory_stock(inv, stock_id);

	if (stock == NULL || !stock->loaded)
		elog(ERROR, "stock row " INT64_FORMAT " was not loaded", stock_id);
	return stock;
}

int64
stock_free(const Stock *stock)
{
	int64		taken = 0;

	for (int state = 0; state < CLAIM_COUNTED; state++)
		taken += stock->count[state];
	return Min(stock->limit - taken, INT_MAX);
}

void
inventory_want(Inventory *inv, const int64 *stock_ids, int n, int quantity)
{
	for (int i = 0; i < n; i++)
		stock_get(inv, stock_ids[i])->demand += quantity;
}

void
inventory_keep(Inventory *inv, int64 hold_id)
{
	inv->kept = inv->kept == NULL
		? palloc_array(int64, 1)
		: repalloc_array(inv->kept, int64, inv->kept_count + 1);
	inv->kept[inv->kept_count++] = hold_id;
}

int
inventory_free(Inventory *inv, const int64 *stock_ids, int n)
{
	int64		least = INT_MAX;

	Assert(n > 0);
	for (int i = 0; i < n; i++)
		least = Min(least, stock_free(stock_get(inv, stock_ids[i])));
	return (int) Max(least, 0);
}

bool
inventory_take(Inventory *inv, const int64 *stock_ids, int n, int quantity, ClaimState state)
{
	Assert(quantity >= 0 && state < CLAIM_COUNTED);
	if (inventory_free(inv, stock_ids, n) < quantity)
		return false;
	for (int i = 0; i < n; i++)
	{
		Stock	   *stock = stock_get(inv, stock_ids[i]);

		stock->count[state] += quantity;
		stock->changed = true;
	}
	return true;
}

void
inventory_give(Inventory *inv, const int64 *stock_ids, int n, int quantity, ClaimState from)
{
	Assert(quantity >= 0 && from < CLAIM_COUNTED);
	for (int i = 0; i < n; i++)
	{
		Stock	   *stock = stock_get(inv, stock_ids[i]);

		if (stock->count[from] < quantity)
			elog(ERROR, "stock row " INT64_FORMAT " counts less than its claims", stock->id);
		stock->count[from] -= quantity;
		stock->changed = true;
	}
}

void
inventory_move(Inventory *inv, const int64 *stock_ids, int n, int quantity,
			   ClaimState from, ClaimState to)
{
	Assert(to < CLAIM_COUNTED);
	inventory_give(inv, stock_ids, n, quantity, from);
	for (int i = 0; i < n; i++)
		stock_get(inv, stock_ids[i])->count[to] += quantity;
}

struct InventoryMark
{
	Stock	   *stock;
	Claim	   *blocks;
	struct BuyersMark *buyers;
};

InventoryMark *
inventory_mark(const Inventory *inv)
{
	InventoryMark *mark = palloc_object(InventoryMark);

	mark->stock = palloc_array(Stock, inv->stock_count + 1);
	memcpy(mark->stock, inv->stock, sizeof(Stock) * inv->stock_count);
	mark->blocks = palloc_array(Claim, inv->block_count + 1);
	if (inv->block_count > 0)
		memcpy(mark->blocks, inv->blocks, sizeof(Claim) * inv->block_count);
	mark->buyers = buyer_mark(inv->buyers);
	return mark;
}

void
inventory_return(Inventory *inv, const InventoryMark *mark)
{
	memcpy(inv->stock, mark->stock, sizeof(Stock) * inv->stock_count);
	if (inv->block_count > 0)
		memcpy(inv->blocks, mark->blocks, sizeof(Claim) * inv->block_count);
	buyer_return(inv->buyers, mark->buyers);
}

static void
stock_write(Inventory *inv)
{
	int64	   *ids = palloc_array(int64, inv->stock_count + 1);
	int32	   *counts[CLAIM_COUNTED];
	int			changed = 0;
	Datum		args[2 + CLAIM_COUNTED];
	CoreQuery  *query;

	for (int state = 0; state < CLAIM_COUNTED; state++)
		counts[state] = palloc_array(int32, inv->stock_count + 1);
	for (int i = 0; i < inv->stock_count; i++)
	{
		if (!inv->stock[i].changed)
			continue;
		ids[changed] = inv->stock[i].id;
		for (int state = 0; state < CLAIM_COUNTED; state++)
		{
			counts[state][changed] = (int32) (inv->stock[i].count[state] -
											  inv->stock[i].stored[state]);
			inv->stock[i].stored[state] = inv->stock[i].count[state];
		}
		changed++;
		inv->stock[i].changed = false;
	}
	if (changed == 0)
		return;
	args[0] = Int64GetDatum(inv->event_id);
	args[1] = array_int8(ids, changed);
	for (int state = 0; state < CLAIM_COUNTED; state++)
		args[2 + state] = array_int4(counts[state], changed);
	query = changed == 1 ? &stock_write_one_query : &stock_write_query;
	if (query_run(query, args, NULL) != changed)
		elog(ERROR, "a stock row was not there to be written");
	query_done();
}

void
inventory_write(Inventory *inv)
{
	Assert(inv->locked);
	stock_write(inv);
	block_write(inv);
	buyer_write(inv->buyers);
	reclaim_write(inv);
}
