/*
 * order_expire.c
 *		What becomes of a pending order whose time is up.
 *
 * An order keeps its places until its deadline and grace have passed and somebody needs them or
 * the worker comes by.  Its claims may lie in several inventory groups, and whoever reclaims has
 * locked only some of them.  So an order is expired as a whole as soon as one of its claims is
 * taken back, and its other claims follow one by one: they are past their time as well, still
 * counted, and still claims of an expired order, which nothing but a late payment (payment.c), a
 * cancellation or their own reclaim will touch.  The first two lock all groups of the order; two
 * who reclaim in different groups meet at the order's row, where the second finds it expired
 * already.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "block.h"
#include "buyer.h"
#include "clock.h"
#include "expire.h"
#include "order.h"
#include "query.h"

#define ORDER_EXPIRE_MAX 256	/* orders that one call of expire_orders looks at */
#define GROUP_LOOK_MAX 1024		/* overdue claims that it looks at in one group */

/* The rows are locked in order of their ids before any is changed. */
static CoreQuery expire_query = {
	"UPDATE boxoffice.order AS o"
	"   SET status = 'expired'"
	"  FROM (SELECT p.id"
	"          FROM boxoffice.order AS p"
	"         WHERE p.event_id = $1 AND p.hold_id = ANY ($2) AND p.status IN ('approval', 'pending')"
	"         ORDER BY p.id"
	"           FOR NO KEY UPDATE) AS due"
	" WHERE o.event_id = $1 AND o.id = due.id"
	" RETURNING o.id",
	2, {INT8OID, INT8ARRAYOID}
};

/*
 * Orders whose time is up, looked at without locks.  In groups with a claim that is overdue the
 * oldest claims are looked at, so many as $6 in each.  Where none of these is an order's,
 * expire_claims has the lapsed holds before them to do first.
 */
static CoreQuery overdue_query = {
	EXPIRE_WALK
	" SELECT DISTINCT o.id"
	"  FROM (SELECT c.owner_id"
	"          FROM g, LATERAL"
	"               (SELECT e.owner_id, e.state FROM boxoffice.claim AS e"
	"                 WHERE e.event_id = $1 AND e.group_id = g.group_id AND e.expires_at < $4"
	"                   AND e.state IN ('held', 'pending', 'blocked')"
	"                 ORDER BY e.expires_at LIMIT $6) AS c"
	"         WHERE g.expires_at < $4 AND c.state = 'pending'"
	"         LIMIT $5) AS overdue"
	"  JOIN boxoffice.order AS o ON o.event_id = $1 AND o.hold_id = overdue.owner_id"
	" ORDER BY o.id",
	6, {INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID, INT4OID, INT4OID}
};

/*
 * Marks the orders of these holds that are pending, or wait for approval, as expired.
 * For who takes their claims back, under the lock of the claims' group; others stay as they are.
 */
void
order_expire(int64 event_id, const int64 *hold_ids, int n, TimestampTz now)
{
	Outbox		outbox = {0};
	int			expired;

	if (n == 0)
		return;
	expired = query_run(&expire_query, (Datum[]) {
						Int64GetDatum(event_id), array_int8(hold_ids, n)
						}, NULL);
	for (int i = 0; i < expired; i++)
		outbox_add(&outbox, "order.expired", query_int8(i, 1));
	query_done();
	outbox_write(&outbox, event_id, now);
}

/* Takes the overdue claims of the order back and gives its buyer the numbers back. */
static bool
order_lapse(Inventory *inv, Order *order)
{
	bool		lapsed = false;

	for (int i = 0; i < order->claim_count; i++)
	{
		Claim	   *claim = &order->claims[i];

		if (claim->state != CLAIM_PENDING || claim->expires_at >= inv->now)
			continue;
		order_take_buyers(inv, order, claim, -claim->quantity);
		claim_end(inv, claim, CLAIM_EXPIRED);
		lapsed = true;
	}
	return lapsed;
}

static Order *
orders_lock(Inventory *inv, const int64 *ids, int n, int *count)
{
	Order	   *orders = order_load_heads(inv->event_id, ids, n, count);

	order_load_claims(inv->event_id, orders, *count);
	order_add_groups(inv, orders, *count);
	inventory_lock(inv);
	orders = order_load(inv->event_id, ids, n, count);
	order_load_claims(inv->event_id, orders, *count);
	order_check_groups(inv, orders, *count);
	return orders;
}

static int64 *
overdue_orders(int64 event_id, int64 from_group, int limit, int *count)
{
	int64	   *ids;

	*count = query_run(&overdue_query, (Datum[]) {
					   Int64GetDatum(event_id), Int64GetDatum(from_group),
					   Int32GetDatum(expire_look_max(from_group)), TimestampTzGetDatum(clock_now()),
					   Int32GetDatum(Min(limit, ORDER_EXPIRE_MAX)), Int32GetDatum(GROUP_LOOK_MAX)
					   }, NULL);
	ids = palloc_array(int64, *count + 1);
	for (int i = 0; i < *count; i++)
		ids[i] = query_int8(i, 1);
	query_done();
	return ids;
}

/* Expires these orders under the locks of all their groups; returns how many. */
static int
expire_locked(OrderEvent *event, const int64 *ids, int n)
{
	Inventory  *inv = inventory_begin(event->id);
	Order	   *orders;
	int64	   *holds;
	int			count;
	int			lapsed = 0;

	orders = orders_lock(inv, ids, n, &count);
	holds = palloc_array(int64, count + 1);
	for (int i = 0; i < count; i++)
	{
		order_add_buyers(inv, NULL, &orders[i]);
		order_add_stocks(inv, &orders[i]);
	}
	inventory_load(inv);
	for (int i = 0; i < count; i++)
		block_load_of(inv, orders[i].claims, orders[i].claim_count);
	buyer_lock(inv->buyers);
	for (int i = 0; i < count; i++)
		if (order_lapse(inv, &orders[i]))
			holds[lapsed++] = orders[i].hold_id;
	inventory_write(inv);
	order_expire(event->id, holds, lapsed, inv->now);
	order_write(event->id, orders, count);
	return lapsed;
}

/*
 * boxoffice_code.expire_orders(event bigint, max integer, from_group bigint) RETURNS integer
 *
 * Takes back the places of at most so many overdue claims of pending orders and marks these as
 * expired; returns how many orders that were.  For the worker: truth never waits for it.  SQL of
 * before knows no from_group.
 */
PG_FUNCTION_INFO_V1(expire_orders);
Datum
expire_orders(PG_FUNCTION_ARGS)
{
	OrderEvent *event;
	int64	   *ids;
	int			count;
	int			lapsed = 0;

	query_connect();
	event = order_event_load(PG_GETARG_INT64(0));
	if (event != NULL)
	{
		ids = overdue_orders(event->id, PG_NARGS() > 2 ? PG_GETARG_INT64(2) : 0,
							 PG_GETARG_INT32(1), &count);
		if (count > 0)
			lapsed = expire_locked(event, ids, count);
	}
	query_finish();
	PG_RETURN_INT32(lapsed);
}
