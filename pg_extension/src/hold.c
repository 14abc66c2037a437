/*
 * hold.c
 *		Rows of boxoffice.hold, and what their status means at a time.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "bulk.h"
#include "call.h"
#include "hold.h"
#include "query.h"

PG_FUNCTION_INFO_V1(boxoffice_hold_over);

static const char *const status_names[] = {"active", "ordered", "released", "expired"};

static CoreQuery load_query = {
	"SELECT id, status, expires_at, extend_until, created_at, channel, subject"
	" FROM boxoffice.hold WHERE event_id = $1 AND id = ANY ($2) ORDER BY id",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery update_query = {
	"UPDATE boxoffice.hold h SET status = n.status, expires_at = n.expires_at"
	" FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS n (id, status, expires_at)"
	" WHERE h.event_id = $1 AND h.id = n.id AND h.status = 'active'",
	4, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID}
};

const char *
hold_status_name(HoldStatus status)
{
	Assert(status < lengthof(status_names));
	return status_names[status];
}

static HoldStatus
hold_status_from(const char *name)
{
	for (int status = 0; status < lengthof(status_names); status++)
		if (strcmp(status_names[status], name) == 0)
			return (HoldStatus) status;
	elog(ERROR, "unknown hold status \"%s\"", name);
}

static void
hold_read(int row, Hold *hold)
{
	memset(hold, 0, sizeof(Hold));
	hold->id = query_int8(row, 1);
	hold->status = hold_status_from(query_text(row, 2));
	hold->expires_at = query_time(row, 3);
	hold->extend_until = query_time(row, 4);
	hold->created_at = query_time(row, 5);
	hold->channel = query_text(row, 6);
	hold->subject = query_text(row, 7);
}

Hold *
hold_load(int64 event_id, const int64 *ids, int n, int *count)
{
	Datum		args[2] = {Int64GetDatum(event_id), array_int8(ids, n)};
	Hold	   *holds;
	Claim	   *claims;
	int			claim_count;

	*count = query_run(&load_query, args, NULL);
	holds = palloc_array(Hold, *count + 1);
	for (int row = 0; row < *count; row++)
		hold_read(row, &holds[row]);
	query_done();
	claims = claim_load(event_id, ids, n, &claim_count);
	for (int i = 0; i < *count; i++)
		holds[i].claims = claim_find(claims, claim_count, holds[i].id, &holds[i].claim_count);
	return holds;
}

Hold *
hold_find(Hold *holds, int count, int64 id)
{
	for (int low = 0, high = count; low < high;)
	{
		int			middle = (low + high) / 2;

		if (holds[middle].id == id)
			return &holds[middle];
		if (holds[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Whether all that the hold keeps is still kept. */
static bool
hold_stands(const Hold *hold)
{
	bool		any = false;

	for (int i = 0; i < hold->claim_count; i++)
	{
		if (hold->claims[i].state == CLAIM_EXPIRED)
			return false;
		any |= hold->claims[i].state == CLAIM_HELD;
	}
	return any;
}

ErrorCode
hold_writable(const Hold *hold, TimestampTz now)
{
	TimestampTz last = hold->expires_at + HOLD_GRACE_MS * INT64CONST(1000);

	if (hold->status == HOLD_ORDERED)
		return ERR_HOLD_ORDERED;
	if (hold->status == HOLD_RELEASED)
		return ERR_HOLD_RELEASED;
	if (hold->status == HOLD_EXPIRED || now > last || !hold_stands(hold))
		return ERR_HOLD_EXPIRED;
	return ERR_NONE;
}

/*
 * boxoffice_code.hold_over(at timestamptz) RETURNS timestamptz
 *
 * The last instant of the grace counts, so it is the one before.
 */
Datum
boxoffice_hold_over(PG_FUNCTION_ARGS)
{
	TimestampTz now = PG_GETARG_TIMESTAMPTZ(0);

	if (TIMESTAMP_NOT_FINITE(now))
		PG_RETURN_TIMESTAMPTZ(now);
	PG_RETURN_TIMESTAMPTZ(now - HOLD_GRACE_MS * INT64CONST(1000) - 1);
}

HoldStatus
hold_status_at(const Hold *hold, TimestampTz now)
{
	if (hold->status == HOLD_ACTIVE && hold->expires_at <= now)
		return HOLD_EXPIRED;
	return hold->status;
}

void
hold_insert(int64 event_id, const Hold *const *holds, int count)
{
	static const char *const columns[] = {
		"event_id", "id", "status", "expires_at", "extend_until", "created_at", "channel", "subject"
	};
	Bulk	   *bulk;

	if (count == 0)
		return;
	bulk = bulk_begin("hold", columns, lengthof(columns), count);
	for (int i = 0; i < count; i++)
	{
		bulk_int8(bulk, event_id);
		bulk_int8(bulk, holds[i]->id);
		bulk_text(bulk, hold_status_name(holds[i]->status));
		bulk_time(bulk, holds[i]->expires_at);
		bulk_time(bulk, holds[i]->extend_until);
		bulk_time(bulk, holds[i]->created_at);
		bulk_text(bulk, holds[i]->channel);
		bulk_text(bulk, holds[i]->subject);
		bulk_row(bulk);
	}
	bulk_end(bulk);
}

void
hold_update(int64 event_id, const Hold *holds, int count)
{
	int64	   *ids = palloc_array(int64, count + 1);
	const char **statuses = palloc_array(const char *, count + 1);
	TimestampTz *times = palloc_array(TimestampTz, count + 1);
	Datum		args[4];

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		ids[i] = holds[i].id;
		statuses[i] = hold_status_name(holds[i].status);
		times[i] = holds[i].expires_at;
	}
	args[0] = Int64GetDatum(event_id);
	args[1] = array_int8(ids, count);
	args[2] = array_text(statuses, count);
	args[3] = array_time(times, count);
	if (query_run(&update_query, args, NULL) != count)
		inventory_moved("a hold");
	query_done();
}
