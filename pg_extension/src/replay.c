/*
 * replay.c
 *		Idempotency keys of stored functions: the answer itself is kept.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "clock.h"
#include "debug.h"
#include "dispatch.h"
#include "idempotency.h"
#include "query.h"
#include "replay.h"

#define KEY_KEPT_US (INT64CONST(24) * 60 * 60 * USECS_PER_SEC)

static CoreQuery find_query = {
	"SELECT body_hash, answer FROM boxoffice.idempotency"
	" WHERE event_id = $1 AND key_hash = $2 AND created_at > $3 AND answer IS NOT NULL",
	3, {INT8OID, UUIDOID, TIMESTAMPTZOID}
};

static CoreQuery store_query = {
	"INSERT INTO boxoffice.idempotency (event_id, key_hash, body_hash, ref_id, answer, created_at)"
	" VALUES ($1, $2, $3, 0, $4, $5)"
	" ON CONFLICT (event_id, key_hash) DO UPDATE"
	" SET body_hash = excluded.body_hash, ref_id = 0, answer = excluded.answer,"
	" created_at = excluded.created_at",
	5, {INT8OID, UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID}
};

/* False if another transaction has it: the first call with this key still runs. */
static bool
lock_key(const uint8 *hash)
{
	int64		lock;

	if (debug_skip_lock)
		return true;
	memcpy(&lock, hash, sizeof(lock));
	return DatumGetBool(DirectFunctionCall1(pg_try_advisory_xact_lock_int8, Int64GetDatum(lock)));
}

static void
answer_again(Call *call, const char *answer)
{
	StringInfo	body = reply_start(call, call->operation->status);

	appendStringInfoString(body, answer);
	call->reply.replayed = true;
	call_make_etag(call);
}

void
replay_find(Call *call)
{
	uint8		hash[16];
	Datum		values[3];

	if (call->key == NULL)
		return;
	idempotency_hash(call, hash);
	if (!lock_key(hash))
	{
		reply_refuse(call, ERR_IDEMPOTENCY_RUNNING, "Idempotency-Key", NULL);
		return;
	}

	values[0] = Int64GetDatum(call->event_id);
	values[1] = UUIDPGetDatum((pg_uuid_t *) hash);
	values[2] = TimestampTzGetDatum(clock_now() - KEY_KEPT_US);
	query_connect();
	if (query_run(&find_query, values, NULL) == 1)
	{
		if (memcmp(DatumGetUUIDP(query_datum(0, 1)), call->body_hash, sizeof(call->body_hash)) == 0)
			answer_again(call, query_text(0, 2));
		else
			reply_refuse(call, ERR_IDEMPOTENCY_MISMATCH, "Idempotency-Key", NULL);
	}
	query_done();
	query_finish();
}

void
replay_store(Call *call)
{
	uint8		hash[16];
	Datum		values[5];

	if (call->key == NULL || call->reply.fault_count > 0)
		return;
	idempotency_hash(call, hash);
	values[0] = Int64GetDatum(call->event_id);
	values[1] = UUIDPGetDatum((pg_uuid_t *) hash);
	values[2] = UUIDPGetDatum((pg_uuid_t *) call->body_hash);
	values[3] = PointerGetDatum(cstring_to_text_with_len(call->reply.body.data,
														 call->reply.body.len));
	values[4] = TimestampTzGetDatum(clock_now());
	query_connect();
	query_run(&store_query, values, NULL);
	query_done();
	query_finish();
}
