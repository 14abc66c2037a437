/*
 * order_event.c
 *		The event as orders need it: its terms, and the names of what was sold.
 *
 * Read anew in each transaction, under whatever locks it holds: nothing is cached, so nothing is
 * stale.
 */
#include "postgres.h"

#include "order.h"
#include "query.h"

static CoreQuery event_query = {
	"SELECT e.organizer_id, e.short_code, e.status, e.test, e.currency, e.zone,"
	"       e.payment_term_minutes, e.payment_term_days, e.payment_grace_ms, e.late_payment,"
	"       e.buyer_limit, e.starts_at, e.ends_at, e.approval"
	"  FROM boxoffice.event AS e"
	" WHERE e.id = $1",
	1, {INT8OID}
};

static CoreQuery types_query = {
	"SELECT t.id, t.key, t.name, t.buyer_limit, t.approval"
	"  FROM boxoffice.ticket_type AS t"
	" WHERE t.event_id = $1 AND t.id = ANY ($2)"
	" ORDER BY t.id",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery sessions_query = {
	"SELECT s.id, s.key, s.name, s.zone, s.status = 'cancelled', s.starts_at,"
	"       coalesce(s.ends_at, greatest(s.starts_at,"
	"           s.starts_at + s.sale_close_offset_ms * interval '1 millisecond'))"
	"  FROM boxoffice.session AS s"
	" WHERE s.event_id = $1 AND s.id = ANY ($2)"
	" ORDER BY s.id",
	2, {INT8OID, INT8ARRAYOID}
};

/*
 * The event, NULL if there is none.  Names of types and sessions come with order_event_name.
 */
OrderEvent *
order_event_load(int64 event_id)
{
	OrderEvent *event = palloc0_object(OrderEvent);
	char	   *status;

	if (query_run(&event_query, (Datum[]) {Int64GetDatum(event_id)}, NULL) == 0)
	{
		query_done();
		return NULL;
	}
	event->id = event_id;
	event->organizer_id = query_int8(0, 1);
	event->short_code = query_text(0, 2);
	status = query_text(0, 3);
	event->published = strcmp(status, "published") == 0 || strcmp(status, "paused") == 0;
	event->cancelled = strcmp(status, "cancelled") == 0;
	event->test = query_bool(0, 4);
	event->currency = query_text(0, 5);
	event->zone = query_text(0, 6);
	event->term.minutes = query_int4(0, 7);
	event->term.days = query_int4(0, 8);
	event->grace_us = query_int4(0, 9) * INT64CONST(1000);
	event->late_payment = query_bool(0, 10);
	event->buyer_limit = query_int4(0, 11);
	event->pass.zone = event->zone;
	event->pass.starts_at = query_null(0, 12) ? DT_NOBEGIN : query_time(0, 12);
	event->pass.last = query_null(0, 13) ? DT_NOEND : query_time(0, 13);
	event->approval = query_bool(0, 14);
	query_done();
	return event;
}

static void
types_load(OrderEvent *event, const int64 *ids, int n)
{
	event->type_count = query_run(&types_query, (Datum[]) {
								  Int64GetDatum(event->id), array_int8(ids, n)
								  }, NULL);
	event->types = palloc_array(OrderType, event->type_count + 1);
	for (int i = 0; i < event->type_count; i++)
		event->types[i] = (OrderType) {
			.id = query_int8(i, 1),
			.key = query_text(i, 2),
			.name = query_text(i, 3),
			.buyer_limit = query_int4(i, 4),
			.approval = query_bool(i, 5),
		};
	query_done();
}

static void
sessions_load(OrderEvent *event, const int64 *ids, int n)
{
	event->session_count = query_run(&sessions_query, (Datum[]) {
									 Int64GetDatum(event->id), array_int8(ids, n)
									 }, NULL);
	event->sessions = palloc_array(OrderSession, event->session_count + 1);
	for (int i = 0; i < event->session_count; i++)
		event->sessions[i] = (OrderSession) {
			.id = query_int8(i, 1),
			.key = query_text(i, 2),
			.name = query_text(i, 3),
			.zone = query_text(i, 4),
			.cancelled = query_bool(i, 5),
			.starts_at = query_time(i, 6),
			.last = query_time(i, 7),
		};
	query_done();
}

/*
 * Reads the named types and sessions; sorts the ids given.  What was read before is forgotten.
 */
void
order_event_name(OrderEvent *event, int64 *type_ids, int types, int64 *session_ids, int sessions)
{
	types_load(event, type_ids, ids_sort_unique(type_ids, types));
	sessions_load(event, session_ids, ids_sort_unique(session_ids, sessions));
}

/*
 * Reads the types and sessions of these orders' tickets, and the types of their claims: a line that
 * was dropped from the hold has no ticket, yet its claim is still there.
 */
void
order_event_name_orders(OrderEvent *event, const Order *orders, int count)
{
	int64	   *type_ids;
	int64	   *session_ids;
	int			parts = 0;
	int			types = 0;
	int			sessions = 0;

	for (int i = 0; i < count; i++)
		parts += orders[i].ticket_count + orders[i].claim_count;
	type_ids = palloc_array(int64, parts + 1);
	session_ids = palloc_array(int64, parts + 1);
	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < orders[i].ticket_count; j++)
		{
			type_ids[types++] = orders[i].tickets[j].ticket_type_id;
			session_ids[sessions++] = orders[i].tickets[j].session_id;
		}
		for (int j = 0; j < orders[i].claim_count; j++)
			type_ids[types++] = orders[i].claims[j].ticket_type_id;
	}
	order_event_name(event, type_ids, types, session_ids, sessions);
}

/*
 * The type with this id.  Configuration in use is never deleted, so one that is missing was taken
 * away by hand: an internal error.
 */
const OrderType *
order_event_type(const OrderEvent *event, int64 id)
{
	int			low = 0;
	int			high = event->type_count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (event->types[middle].id == id)
			return &event->types[middle];
		if (event->types[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	elog(ERROR, "event " INT64_FORMAT " has no ticket type " INT64_FORMAT, event->id, id);
}

/*
 * The session with this id; as above.  For 0, a pass, what stands for all its sessions: it begins
 * with the event's first and is over with the last, and is called off with the event only.
 */
const OrderSession *
order_event_session(const OrderEvent *event, int64 id)
{
	int			low = 0;
	int			high = event->session_count;

	if (id == 0)
		return &event->pass;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (event->sessions[middle].id == id)
			return &event->sessions[middle];
		if (event->sessions[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	elog(ERROR, "event " INT64_FORMAT " has no session " INT64_FORMAT, event->id, id);
}
