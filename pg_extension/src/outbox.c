/*
 * outbox.c
 *		Effects that leave the database.
 *
 * Collects a batch's and writes them set-wise.  Who delivers them is the worker's business.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "id.h"
#include "outbox.h"
#include "query.h"

static CoreQuery outbox_insert = {
	"INSERT INTO boxoffice.outbox (event_id, id, topic, ref_id, created_at)"
	" SELECT $1, u.id, u.topic, u.ref_id, $2"
	"   FROM unnest($3, $4, $5) AS u (id, topic, ref_id)",
	5, {INT8OID, TIMESTAMPTZOID, INT8ARRAYOID, TEXTARRAYOID, INT8ARRAYOID}
};

void
outbox_add(Outbox *outbox, const char *topic, int64 ref_id)
{
	if (outbox->count == outbox->max)
	{
		int			max = outbox->max == 0 ? 64 : outbox->max * 2;

		outbox->topics = outbox->max == 0 ? palloc_array(const char *, max) :
			repalloc_array(outbox->topics, const char *, max);
		outbox->refs = outbox->max == 0 ? palloc_array(int64, max) :
			repalloc_array(outbox->refs, int64, max);
		outbox->max = max;
	}
	outbox->topics[outbox->count] = topic;
	outbox->refs[outbox->count++] = ref_id;
}

void
outbox_write(const Outbox *outbox, int64 event_id, TimestampTz now)
{
	int64	   *ids = palloc_array(int64, outbox->count + 1);
	int64		first;

	if (outbox->count == 0)
		return;
	first = id_next_many(outbox->count);
	for (int i = 0; i < outbox->count; i++)
		ids[i] = first + i;
	query_run(&outbox_insert,
			  (Datum[]) {
				  Int64GetDatum(event_id), TimestampTzGetDatum(now),
				  array_int8(ids, outbox->count), array_text(outbox->topics, outbox->count),
				  array_int8(outbox->refs, outbox->count)
			  }, NULL);
	query_done();
}
