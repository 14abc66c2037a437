/*
 * order_note.c
 *		What staff note about orders; listing is SQL (sql/order_note/api.sql).
 *
 * Touches nothing that is counted, so it takes no locks.  A note may hold personal data: its key
 * remembers the note, not the answer.
 */
#include "postgres.h"

#include "bulk.h"
#include "clock.h"
#include "handlers.h"
#include "id.h"
#include "idempotency.h"
#include "order.h"
#include "query.h"

typedef struct Note
{
	int64		id;
	const char *author;			/* NULL: nobody known */
	const char *text;
	TimestampTz created_at;
} Note;

static CoreQuery note_query = {
	"SELECT n.author, n.text, n.created_at FROM boxoffice.order_note AS n"
	" WHERE n.event_id = $1 AND n.id = $2",
	2, {INT8OID, INT8OID}
};

static void
note_answer(Call *call, const Note *note, const OrderEvent *event)
{
	StringInfo	out = reply_start(call, 201);

	appendStringInfoString(out, "{\"id\":");
	json_append_id(out, note->id);
	appendStringInfoString(out, ",\"author\":");
	if (note->author == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_string(out, note->author);
	appendStringInfoString(out, ",\"text\":");
	json_append_string(out, note->text);
	appendStringInfoString(out, ",\"created_at\":");
	json_append_time(out, note->created_at, event->zone);
	appendStringInfoString(out, ",\"zone\":");
	json_append_string(out, event->zone);
	appendStringInfoChar(out, '}');
}

static void
note_replay(Call *call, int64 id, const OrderEvent *event)
{
	Note		note = {.id = id};

	if (query_run(&note_query, (Datum[]) {
				  Int64GetDatum(event->id), Int64GetDatum(id)
				  }, NULL) == 0)
	{
		query_done();
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return;
	}
	note.author = query_text(0, 1);
	note.text = query_text(0, 2);
	note.created_at = query_time(0, 3);
	query_done();
	note_answer(call, &note, event);
	call->reply.replayed = true;
}

static void
note_insert(int64 event_id, int64 order_id, const Note *note)
{
	static const char *const columns[] = {
		"event_id", "id", "order_id", "author", "text", "created_at"
	};
	Bulk	   *bulk = bulk_begin("order_note", columns, lengthof(columns), 1);

	bulk_int8(bulk, event_id);
	bulk_int8(bulk, note->id);
	bulk_int8(bulk, order_id);
	bulk_text(bulk, note->author);
	bulk_text(bulk, note->text);
	bulk_time(bulk, note->created_at);
	bulk_row(bulk);
	bulk_end(bulk);
}

/* The event, if the order is of it and the caller writes for its organizer; else refuses. */
static OrderEvent *
event_of(Call *call, int64 order_id)
{
	OrderEvent *event = order_event_load(call->event_id);
	int			count;
	Order	   *order = order_load_heads(call->event_id, &order_id, 1, &count);

	if (event == NULL || count == 0 || !order_is_visible(call, event, order))
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
	else if (!order_is_staff(&call->actor, event->organizer_id, true))
		reply_refuse(call, ERR_FORBIDDEN, "", NULL);
	return event;
}

static void
note_one(Call *call)
{
	int64		order_id = call->params[ORDER_NOTE_CREATE_PARAM_ORDER].as.integer;
	OrderEvent *event = event_of(call, order_id);
	IdempotencyKey *key;
	Outbox		outbox = {0};
	Note		note = {
		.author = call->actor.subject,
		.text = call->body.as.members[ORDER_NOTE_CREATE_BODY_TEXT].as.string.data,
		.created_at = clock_now(),
	};

	if (call->reply.done)
		return;
	key = idempotency_find(call, 1);
	if (key->found == KEY_REPLAY)
		note_replay(call, key->ref_id, event);
	if (call->reply.done)
		return;
	note.id = key->ref_id = id_next();
	note_insert(event->id, order_id, &note);
	outbox_add(&outbox, "order.changed", order_id);
	outbox_write(&outbox, event->id, note.created_at);
	note_answer(call, &note, event);
	idempotency_store(call, 1, key, note.created_at);
}

/*
 * POST /v1/events/{event}/orders/{order}/notes
 *
 * api.order_note_create(event bigint, "order" bigint, text text, …)
 */
void
order_note_create(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			note_one(&calls[i]);
	query_finish();
}
