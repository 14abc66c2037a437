/*
 * stock.c
 *		Making room for a smaller capacity: boxoffice_code.stock_reclaim().
 *
 * What a capacity may be is decided in SQL (sql/stock/functions.sql), by the counters that stand
 * still once this has locked the groups and taken back what has expired.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "buyer.h"
#include "inventory.h"
#include "query.h"
#include "reclaim.h"

typedef struct StockRoom
{
	int64		event_id;
	int64	   *stock_ids;
	Datum	   *limits;			/* of each row; null: none */
	bool	   *unlimited;
	int			count;
} StockRoom;

static CoreQuery group_query = {
	"SELECT DISTINCT group_id FROM boxoffice.stock WHERE event_id = $1 AND id = ANY ($2)",
	2, {INT8OID, INT8ARRAYOID}
};

static void
room_read(FunctionCallInfo fcinfo, StockRoom *room)
{
	Datum	   *ids;
	bool	   *nulls;
	int			limits;

	room->event_id = PG_GETARG_INT64(0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, 8, true, TYPALIGN_DOUBLE,
					  &ids, &nulls, &room->count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT8OID, 8, true, TYPALIGN_DOUBLE,
					  &room->limits, &room->unlimited, &limits);
	if (limits != room->count)
		ereport(ERROR,
				errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("there are %d stock rows and %d limits", room->count, limits));
	room->stock_ids = palloc_array(int64, room->count + 1);
	for (int i = 0; i < room->count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("the id of a stock row must not be null"));
		room->stock_ids[i] = DatumGetInt64(ids[i]);
	}
}

static void
room_lock(const StockRoom *room, Inventory *inv)
{
	Datum		args[2] = {Int64GetDatum(room->event_id),
	array_int8(room->stock_ids, room->count)};
	int			groups = query_run(&group_query, args, NULL);

	for (int row = 0; row < groups; row++)
		inventory_add_group(inv, query_int8(row, 1));
	query_done();
	inventory_lock(inv);
	inventory_add_stocks(inv, room->stock_ids, room->count);
	inventory_load(inv);
}

/* How many places each row lacks to come down to its limit. */
static void
room_measure(const StockRoom *room, Inventory *inv)
{
	for (int i = 0; i < room->count; i++)
	{
		Stock	   *stock = inventory_stock(inv, room->stock_ids[i]);
		int64		taken = 0;

		for (int state = 0; state < CLAIM_COUNTED; state++)
			taken += stock->count[state];
		if (!room->unlimited[i])
			stock->lack = Max(taken - DatumGetInt64(room->limits[i]), 0);
	}
}

/*
 * boxoffice_code.stock_reclaim(event bigint, stocks bigint[], limits bigint[]) RETURNS integer
 *
 * Locks the inventory groups of these stock rows, and takes back expired claims until no more than
 * its limit is taken of each (NULL: as it is), or none is left, at most RECLAIM_EDIT_MAX.  Returns
 * how many it took back.  A row that is not there, or whose group changed meanwhile, raises a
 * serialization failure.
 */
PG_FUNCTION_INFO_V1(stock_reclaim);
Datum
stock_reclaim(PG_FUNCTION_ARGS)
{
	StockRoom	room;
	Inventory  *inv;
	int			taken;

	room_read(fcinfo, &room);
	query_connect();
	inv = inventory_begin(room.event_id);
	inv->reclaim_max = RECLAIM_EDIT_MAX;
	room_lock(&room, inv);
	room_measure(&room, inv);
	reclaim_lacking(inv);
	taken = inv->reclaimed_count;
	buyer_lock(inv->buyers);
	inventory_write(inv);
	query_finish();
	PG_RETURN_INT32(taken);
}
