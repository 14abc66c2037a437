/*
 * expire.c
 *		The worker's part of expiry: boxoffice_code.expire_claims().
 *
 * Nothing waits for this: whoever finds places short takes expired ones back (reclaim.c).  It
 * keeps the backlog small, so that nobody has to.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "buyer.h"
#include "clock.h"
#include "debug.h"
#include "expire.h"
#include "hold.h"
#include "inventory.h"
#include "query.h"
#include "reclaim.h"

/* Groups with something to take back, looked at without locks, until enough are found. */
static CoreQuery groups_query = {
	EXPIRE_WALK " SELECT group_id FROM g WHERE expires_at <= $4 LIMIT $5",
	5, {INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID, INT4OID}
};

#define EXPIRE_GROUPS_MAX 64	/* locked together; worker_do knows it too */

/* A hold is left alone as long as it may still be written to. */
static TimestampTz
expire_before(TimestampTz now)
{
	return now - HOLD_GRACE_MS * INT64CONST(1000);
}

static int
expire_some(int64 event_id, int limit, int64 from_group)
{
	Inventory  *inv = inventory_begin(event_id);
	Datum		args[5] = {Int64GetDatum(event_id), Int64GetDatum(from_group),
		Int32GetDatum(expire_look_max(from_group)),
	TimestampTzGetDatum(expire_before(clock_now())), Int32GetDatum(EXPIRE_GROUPS_MAX)};
	int			groups = query_run(&groups_query, args, NULL);
	int			taken;

	for (int row = 0; row < groups; row++)
		inventory_add_group(inv, query_int8(row, 1));
	query_done();
	if (groups == 0)
		return 0;
	inventory_lock(inv);
	taken = reclaim_expired(inv, expire_before(inv->now), limit);
	buyer_lock(inv->buyers);
	inventory_write(inv);
	return taken;
}

/*
 * boxoffice_code.expire_claims(event bigint, max integer, from_group bigint) RETURNS integer
 *
 * Takes back claims whose time is up, at most max (and at most RECLAIM_MAX) and of at most
 * EXPIRE_GROUPS_MAX groups: their places are free, their holds and orders expired.  Returns how
 * many; if that is max, or no less than there may be groups, there may be more.  SQL of before
 * knows no from_group.
 */
PG_FUNCTION_INFO_V1(expire_claims);
Datum
expire_claims(PG_FUNCTION_ARGS)
{
	int64		event_id = PG_GETARG_INT64(0);
	int			limit = Min(PG_GETARG_INT32(1), RECLAIM_MAX);
	int			taken;

	if (limit < 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the limit must be at least 1"));
	query_connect();
	taken = expire_some(event_id, limit, PG_NARGS() > 2 ? PG_GETARG_INT64(2) : 0);
	query_finish();
	PG_RETURN_INT32(taken);
}
