/*
 * outbox.c
 *		Effects that leave the database.
 *
 * Collects a batch's and writes them set-wise.  Who delivers them is the worker's business.
 */
#include "postgres.h"

#include "bulk.h"
#include "id.h"
#include "outbox.h"

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
	static const char *const columns[] = {"event_id", "id", "topic", "ref_id", "created_at"};
	Bulk	   *bulk;
	int64		id;

	if (outbox->count == 0)
		return;
	id = id_next_many(outbox->count);
	bulk = bulk_begin("outbox", columns, lengthof(columns), outbox->count);
	for (int i = 0; i < outbox->count; i++)
	{
		bulk_int8(bulk, event_id);
		bulk_int8(bulk, id + i);
		bulk_text(bulk, outbox->topics[i]);
		bulk_int8(bulk, outbox->refs[i]);
		bulk_time(bulk, now);
		bulk_row(bulk);
	}
	bulk_end(bulk);
}
