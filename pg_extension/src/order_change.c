/*
 * order_change.c
 *		Writes the record of what was done to orders.
 */
#include "postgres.h"

#include "bulk.h"
#include "id.h"
#include "order_change.h"
#include "query.h"

void
order_change_insert(int64 event_id, const OrderChange *changes, int count, TimestampTz now)
{
	static const char *const columns[] = {
		"event_id", "id", "order_id", "kind", "total_before", "total_after", "reopened", "other_id",
		"reason", "overruled", "changed_by", "changed_at"
	};
	Bulk	   *bulk;

	if (count == 0)
		return;
	bulk = bulk_begin("order_change", columns, lengthof(columns), count);
	for (int i = 0; i < count; i++)
	{
		const OrderChange *change = &changes[i];

		bulk_int8(bulk, event_id);
		bulk_int8(bulk, id_next());
		bulk_int8(bulk, change->order_id);
		bulk_text(bulk, change->kind);
		bulk_int8(bulk, change->total_before);
		bulk_int8(bulk, change->total_after);
		bulk_datum(bulk, BoolGetDatum(change->reopened));
		bulk_id(bulk, change->other_id);
		bulk_text(bulk, change->reason);
		bulk_datum(bulk, array_text(change->overruled, change->overruled_count));
		bulk_text(bulk, change->changed_by);
		bulk_time(bulk, now);
		bulk_row(bulk);
	}
	bulk_end(bulk);
}
