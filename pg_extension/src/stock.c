/*
 * stock.c
 *		PATCH /v1/events/{event}/stock/{stock}: capacities.
 *
 * Raising is always right.  Cutting takes back what has expired first and never goes below what
 * is taken; what a buyer holds is taken.
 */
#include "postgres.h"

#include "buyer.h"
#include "contract.h"
#include "handlers.h"
#include "inventory.h"
#include "member.h"
#include "query.h"
#include "reclaim.h"

typedef struct StockChange
{
	Call	   *call;
	int64		stock_id;
	bool		unlimited;
	int32		capacity;
	int32		overbook;
} StockChange;

static CoreQuery find_query = {
	"SELECT e.organizer_id, s.group_id FROM boxoffice.stock s"
	" JOIN boxoffice.event e ON e.id = s.event_id WHERE s.event_id = $1 AND s.id = $2",
	2, {INT8OID, INT8OID}
};

static CoreQuery look_query = {
	"SELECT capacity, overbook FROM boxoffice.stock WHERE event_id = $1 AND id = $2",
	2, {INT8OID, INT8OID}
};

static CoreQuery write_query = {
	"UPDATE boxoffice.stock SET capacity = $3, overbook = $4 WHERE event_id = $1 AND id = $2",
	4, {INT8OID, INT8OID, INT4OID, INT4OID}
};

static CoreQuery json_query = {
	"SELECT (boxoffice_code.stocks_json($1, ARRAY[$2])->0)::text",
	2, {INT8OID, INT8OID}
};

/* The group of the row, 0 if there is none or the caller may not manage it. */
static int64
change_find(const StockChange *change)
{
	const Call *call = change->call;
	Datum		args[2] = {Int64GetDatum(call->event_id), Int64GetDatum(change->stock_id)};
	int64		organizer_id = 0;
	int64		group_id = 0;

	if (query_run(&find_query, args, NULL) == 1)
	{
		organizer_id = query_int8(0, 1);
		group_id = query_int8(0, 2);
	}
	query_done();
	if (organizer_id == 0 || !member_may(&call->actor, organizer_id, MEMBER_MANAGES))
		return 0;
	return group_id;
}

/* What the row is to be: what the request names, and what it is for the rest. */
static void
change_read(StockChange *change)
{
	const BoundValue *body = change->call->body.as.members;
	const BoundValue *capacity = &body[STOCK_CHANGE_BODY_CAPACITY];
	const BoundValue *overbook = &body[STOCK_CHANGE_BODY_OVERBOOK];
	Datum		args[2] = {Int64GetDatum(change->call->event_id), Int64GetDatum(change->stock_id)};

	if (query_run(&look_query, args, NULL) != 1)
		inventory_moved("a stock row is gone");
	change->unlimited = query_null(0, 1);
	change->capacity = query_int4(0, 1);
	change->overbook = query_int4(0, 2);
	query_done();
	if (capacity->kind != BOUND_ABSENT)
	{
		change->unlimited = capacity->kind == BOUND_NULL;
		change->capacity = change->unlimited ? 0 : (int32) capacity->as.integer;
	}
	if (overbook->kind == BOUND_INT)
		change->overbook = (int32) overbook->as.integer;
}

static int64
stock_taken(const Stock *stock)
{
	int64		taken = 0;

	for (int state = 0; state < CLAIM_COUNTED; state++)
		taken += stock->count[state];
	return taken;
}

static void
change_refuse(const StockChange *change, const Stock *stock)
{
	char	   *facts;

	if (stock->more_expired)
	{
		reply_refuse(change->call, ERR_RECLAIMING, "", NULL);
		return;
	}
	facts = psprintf("\"held\":" INT64_FORMAT ",\"pending\":" INT64_FORMAT ",\"sold\":" INT64_FORMAT
					 ",\"blocked\":" INT64_FORMAT ",\"min\":" INT64_FORMAT,
					 stock->count[CLAIM_HELD], stock->count[CLAIM_PENDING],
					 stock->count[CLAIM_SOLD], stock->count[CLAIM_BLOCKED],
					 Max(stock_taken(stock) - change->overbook, 0));
	reply_refuse(change->call, ERR_CAPACITY_TAKEN, "/capacity", facts);
}

static void
change_write(const StockChange *change)
{
	Datum		args[4] = {Int64GetDatum(change->call->event_id), Int64GetDatum(change->stock_id),
	Int32GetDatum(change->capacity), Int32GetDatum(change->overbook)};

	(void) query_run(&write_query, args, change->unlimited ? "  n " : NULL);
	if (query_run(&json_query, args, NULL) != 1)
		elog(ERROR, "a stock row can't be shown");
	appendStringInfoString(reply_start(change->call, change->call->operation->status),
						   query_text(0, 1));
	query_done();
}

static void
change_one(StockChange *change)
{
	Inventory  *inv;
	Stock	   *stock;
	int64		group_id = change_find(change);
	int64		limit;

	if (group_id == 0)
	{
		reply_refuse(change->call, ERR_NOT_FOUND, "stock", NULL);
		return;
	}
	inv = inventory_begin(change->call->event_id);
	inventory_add_group(inv, group_id);
	inventory_lock(inv);
	change_read(change);
	inventory_add_stock(inv, change->stock_id);
	inventory_load(inv);
	stock = inventory_stock(inv, change->stock_id);
	limit = change->unlimited ? PG_INT64_MAX : (int64) change->capacity + change->overbook;
	if (stock_taken(stock) > limit)
		reclaim_stock(inv, change->stock_id, stock_taken(stock) - limit);
	buyer_lock(inv->buyers);
	inventory_write(inv);
	stock = inventory_stock(inv, change->stock_id);
	if (stock_taken(stock) > limit)
		change_refuse(change, stock);
	else
		change_write(change);
}

void
stock_change(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
	{
		StockChange change = {.call = &calls[i]};

		if (calls[i].reply.done)
			continue;
		change.stock_id = calls[i].params[STOCK_CHANGE_PARAM_STOCK].as.integer;
		change_one(&change);
	}
	query_finish();
}
