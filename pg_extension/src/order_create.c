/*
 * order_create.c
 *		Places orders: holds become orders, a whole batch in one transaction.
 *
 * The places are kept throughout: the hold's claims stay what they are, only their state changes,
 * from held to pending, or to sold where nothing is to be paid.  A hold past its deadline is still
 * accepted for a few seconds as long as all its claims stand (hold_writable); nobody can take them
 * back while we hold the lock of their group.
 *
 * What was promised to the hold is kept: its prices, and its right to buy though the sale has been
 * paused or has ended since.  Only a cancelled event or session takes that away.
 */
#include "postgres.h"

#include "buyer.h"
#include "email.h"
#include "handlers.h"
#include "idempotency.h"
#include "lapsed.h"
#include "order_make.h"
#include "payment.h"
#include "query.h"

/*
 * Which groups the holds' places are in; and where the address that is to have them has been
 * counted for a limit, what that is.  Nobody was counted for what is not limited, so where nothing
 * of the event is, which is found out once a batch, nobody is looked for.
 */
static CoreQuery groups_query = {
	"SELECT c.group_id, n.i, b.ticket_type_id, b.taken, c.quantity,"
	"       CASE WHEN b.ticket_type_id = 0"
	"            THEN (SELECT e.buyer_limit FROM boxoffice.event AS e WHERE e.id = $1)"
	"            WHEN b.ticket_type_id > 0"
	"            THEN (SELECT t.buyer_limit FROM boxoffice.ticket_type AS t"
	"                   WHERE t.event_id = $1 AND t.id = b.ticket_type_id) END"
	"  FROM unnest($2::bigint[], $3::text[]) WITH ORDINALITY AS n (hold_id, k, i)"
	"  JOIN boxoffice.claim AS c ON c.event_id = $1 AND c.owner_id = n.hold_id"
	"  LEFT JOIN LATERAL ("
	"    SELECT x.ticket_type_id, x.taken"
	"      FROM boxoffice.buyer AS x"
	"     WHERE (SELECT EXISTS (SELECT FROM boxoffice.event AS e"
	"                            WHERE e.id = $1 AND e.buyer_limit IS NOT NULL)"
	"                   OR EXISTS (SELECT FROM boxoffice.ticket_type AS t"
	"                               WHERE t.event_id = $1 AND t.buyer_limit IS NOT NULL))"
	"       AND x.event_id = $1 AND x.buyer_key = n.k"
	"       AND x.ticket_type_id = ANY (ARRAY[0, c.ticket_type_id]) AND c.state = 'held'"
	"       AND (x.ticket_type_id <> 0 OR c.parent_line IS NULL)"
	"    OFFSET 0"
	"  ) AS b ON true",
	3, {INT8OID, INT8ARRAYOID, TEXTARRAYOID}
};

typedef struct Placing
{
	Call	   *call;
	int64		hold_id;
	int64		expected_total; /* -1: none */
	Contact		contact;
	const BoundValue *holders;	/* a list, NULL: none */
	char		email_key[BUYER_KEY_LEN + 1];
	Hold	   *hold;			/* as read under the locks */
	Order	   *order;			/* once accepted */
} Placing;

typedef struct Batch
{
	Call	   *calls;
	int			count;
	Placing    *placings;		/* one a call, by its index */
	Inventory  *inv;
	IdempotencyKey *keys;
	OrderEvent *event;
	Hold	   *holds;
	int			hold_count;
	Order	   *orders;			/* those accepted, in order of arrival */
	int			order_count;
	Payment    *payments;		/* of those that cost nothing */
	int			payment_count;
	Outbox		outbox;
} Batch;

static void
contact_read(const BoundValue *members, Contact *contact)
{
	contact->name = bound_text(&members[ORDER_CREATE_CONTACT_NAME]);
	contact->email = bound_text(&members[ORDER_CREATE_CONTACT_EMAIL]);
	contact->phone = bound_text(&members[ORDER_CREATE_CONTACT_PHONE]);
	contact->locale = bound_text(&members[ORDER_CREATE_CONTACT_LOCALE]);
}

/* Reads what the call asks for; a wrong secret is as good as an unknown hold. */
static void
placing_read(Placing *placing, Call *call)
{
	const BoundValue *body = call->body.as.members;
	const BoundValue *total = &body[ORDER_CREATE_BODY_EXPECTED_TOTAL];
	const BoundValue *holders = &body[ORDER_CREATE_BODY_HOLDERS];
	char		normal[EMAIL_LENGTH_MAX + 1];

	placing->call = call;
	placing->hold_id = body[ORDER_CREATE_BODY_HOLD].as.integer;
	placing->expected_total = total->kind == BOUND_INT ? total->as.integer : -1;
	placing->holders = holders->kind == BOUND_LIST ? holders : NULL;
	if (!secret_matches(SECRET_HOLD, placing->hold_id,
						body[ORDER_CREATE_BODY_SECRET].as.string.data))
	{
		reply_refuse(call, ERR_NOT_FOUND, "/hold", NULL);
		return;
	}
	contact_read(body[ORDER_CREATE_BODY_CONTACT].as.members, &placing->contact);
	email_normalise(placing->contact.email, normal);
	secret_buyer_key(call->event_id, normal, placing->email_key);
}

/* The holds that are asked for; sets *n. */
static int64 *
hold_ids(const Batch *batch, int *n)
{
	int64	   *ids = palloc_array(int64, batch->count + 1);

	*n = 0;
	for (int i = 0; i < batch->count; i++)
		if (!batch->calls[i].reply.done)
			ids[(*n)++] = batch->placings[i].hold_id;
	*n = ids_sort_unique(ids, *n);
	return ids;
}

/*
 * Looks without locks which groups the holds' places are in, and those of what addresses at their
 * limit let lapse, and locks these.
 */
static void
groups_lock(Batch *batch)
{
	Inventory  *inv = batch->inv;
	int64	   *ids = palloc_array(int64, batch->count + 1);
	const char **keys = palloc_array(const char *, batch->count + 1);
	int			n = 0;
	int			rows;

	for (int i = 0; i < batch->count; i++)
	{
		if (batch->calls[i].reply.done)
			continue;
		ids[n] = batch->placings[i].hold_id;
		keys[n++] = batch->placings[i].email_key;
	}
	rows = query_run(&groups_query, (Datum[]) {
					 Int64GetDatum(inv->event_id), array_int8(ids, n), array_text(keys, n)
					 }, NULL);
	for (int row = 0; row < rows; row++)
	{
		inventory_add_group(inv, query_int8(row, 1));
		if (!query_null(row, 3))
			lapsed_want_beside(inv, keys[query_int8(row, 2) - 1], query_int8(row, 3),
							   query_int4(row, 6), query_int4(row, 5), query_int4(row, 4));
	}
	query_done();
	for (int i = 0; i < n && inv->lapsed != NULL; i++)
		lapsed_spare(inv, ids[i]);
	lapsed_look(inv);
	inventory_lock(inv);
}

/* Reads the holds of all calls that are not done, and points each placing at its own. */
static void
holds_read(Batch *batch)
{
	int			n;
	int64	   *ids = hold_ids(batch, &n);

	batch->holds = hold_load(batch->inv->event_id, ids, n, &batch->hold_count);
	for (int i = 0; i < batch->count; i++)
	{
		Placing    *placing = &batch->placings[i];

		if (batch->calls[i].reply.done)
			continue;
		placing->hold = hold_find(batch->holds, batch->hold_count, placing->hold_id);
		if (placing->hold == NULL && batch->keys[i].found != KEY_DUPLICATE)
			reply_refuse(&batch->calls[i], ERR_NOT_FOUND, "/hold", NULL);
	}
}

/* Looks, locks, and looks again: only now the holds stand still. */
static void
holds_lock(Batch *batch)
{
	groups_lock(batch);
	batch->keys = idempotency_find(batch->calls, batch->count);
	holds_read(batch);
	for (int i = 0; i < batch->hold_count; i++)
		for (int j = 0; j < batch->holds[i].claim_count; j++)
			if (!inventory_has_group(batch->inv, batch->holds[i].claims[j].group_id))
				inventory_moved("a hold's places are in another group");
}

/* Reads the event with the types and sessions that the holds name. */
static void
event_read(Batch *batch)
{
	batch->event = order_event_load(batch->inv->event_id);
	if (batch->event != NULL)
		order_event_name_holds(batch->event, batch->holds, batch->hold_count);
}

/* Whether the call may come to an order; a duplicate does if what it repeats is refused. */
static bool
is_wanted(const Batch *batch, int i)
{
	return !batch->calls[i].reply.done && batch->keys[i].found != KEY_REPLAY &&
		batch->placings[i].hold != NULL;
}

/* Loads the stock rows of the holds, and locks the counters of their buyers. */
static void
counters_load(Batch *batch)
{
	for (int i = 0; i < batch->count; i++)
	{
		const Placing *placing = &batch->placings[i];

		if (!is_wanted(batch, i))
			continue;
		order_add_limits(batch->inv, batch->event, placing->hold, placing->email_key);
		for (int j = 0; j < placing->hold->claim_count; j++)
			inventory_add_stocks(batch->inv, placing->hold->claims[j].stock_ids,
								 placing->hold->claims[j].stock_count);
	}
	inventory_load(batch->inv);
	lapsed_reclaim(batch->inv);
	buyer_lock(batch->inv->buyers);
}

/* Whether there is a ticket for each holder; else refuses. */
static bool
holders_fit(Placing *placing, int tickets)
{
	if (placing->holders == NULL || placing->holders->as.list.count <= tickets)
		return true;
	reply_refuse_detail(placing->call, ERR_INVALID_DOCUMENT, "/holders",
						psprintf("\"max\":%d", tickets),
						"There are more holders than tickets.");
	return false;
}

/*
 * Whether the hold may become an order; else refuses, with the first reason in the order of
 * errcodes.txt.
 */
static bool
placing_check(const Batch *batch, Placing *placing, int64 *total, int *tickets)
{
	int			over = hold_writable(placing->hold, batch->inv->now);

	if (over != 0 && over != ERR_HOLD_ORDERED)
		reply_refuse(placing->call, over, "/hold", NULL);
	else if (order_hold_is_called_off(placing->hold, batch->event))
		reply_refuse(placing->call, ERR_EVENT_CANCELLED, "", NULL);
	else if (!batch->event->published)
		reply_refuse(placing->call, ERR_NOT_PUBLISHED, "", NULL);
	else if (over != 0)
		reply_refuse(placing->call, over, "/hold", NULL);
	else if (!order_sum(placing->hold, total, tickets))
		reply_refuse(placing->call, ERR_AMOUNT_TOO_LARGE, "/hold", NULL);
	else if (placing->expected_total >= 0 && placing->expected_total != *total)
		reply_refuse(placing->call, ERR_PRICE_CHANGED, "/expected_total",
					 psprintf("\"total\":" INT64_FORMAT, *total));
	else if (order_limits_allow(placing->call, batch->inv, batch->event, placing->hold,
								placing->email_key, "/hold"))
		return holders_fit(placing, *tickets);
	return false;
}

/* The first holder has the first ticket, and so on. */
static void
holders_assign(const Placing *placing, Order *order)
{
	for (int i = 0; placing->holders != NULL && i < placing->holders->as.list.count; i++)
	{
		const BoundValue *holder = placing->holders->as.list.items[i].as.members;

		order->tickets[i].holder_name = bound_text(&holder[ORDER_CREATE_HOLDER_NAME]);
		order->tickets[i].holder_email = bound_text(&holder[ORDER_CREATE_HOLDER_EMAIL]);
	}
}

/* Decides one call: refuses it, or makes its order in memory. */
static void
placing_decide(Batch *batch, Placing *placing)
{
	Order	   *order;
	int64		total;
	int			tickets;

	if (!placing_check(batch, placing, &total, &tickets))
		return;
	order = placing->order = &batch->orders[batch->order_count++];
	order_make(order, batch->event, placing->hold, batch->inv->now, total, tickets);
	order->subject = placing->call->actor.subject;
	order->email_key = placing->email_key;
	order->contact = placing->contact;
	order_await_approval(order, batch->event);
	placing->hold->status = HOLD_ORDERED;
	order_take_places(batch->inv, batch->event, order);
	holders_assign(placing, order);
	outbox_add(&batch->outbox, "order.placed", order->id);
	if (total == 0 && order->status == ORDER_PENDING)
	{
		order_complete(batch->inv, order, &batch->outbox);
		payment_make_free(&batch->payments[batch->payment_count++], order, batch->inv->now);
	}
}

static void
batch_decide(Batch *batch)
{
	batch->orders = palloc_array(Order, batch->count + 1);
	batch->payments = palloc_array(Payment, batch->count + 1);
	for (int i = 0; i < batch->count; i++)
	{
		if (batch->calls[i].reply.done || !idempotency_turn(batch->calls, i, batch->keys))
			continue;
		if (batch->placings[i].hold == NULL)
			reply_refuse(&batch->calls[i], ERR_NOT_FOUND, "/hold", NULL);
		else
			placing_decide(batch, &batch->placings[i]);
		if (batch->placings[i].order != NULL)
			batch->keys[i].ref_id = batch->placings[i].order->id;
	}
}

static void
holds_write(Batch *batch)
{
	Hold	   *holds = palloc_array(Hold, batch->order_count + 1);
	int			n = 0;

	for (int i = 0; i < batch->count; i++)
		if (batch->placings[i].order != NULL)
			holds[n++] = *batch->placings[i].hold;
	hold_update(batch->inv->event_id, holds, n);
}

static void
batch_write(Batch *batch)
{
	inventory_write(batch->inv);
	if (batch->order_count == 0)
		return;
	holds_write(batch);
	order_insert(batch->event, batch->orders, batch->order_count);
	order_write_claims(batch->inv->event_id, batch->orders, batch->order_count);
	payment_insert(batch->event, batch->payments, batch->payment_count);
	outbox_write(&batch->outbox, batch->inv->event_id, batch->inv->now);
}

/* Answers the calls that made an order, and stores their keys. */
static void
batch_answer(Batch *batch)
{
	for (int i = 0; i < batch->count; i++)
		if (batch->placings[i].order != NULL)
			order_append(reply_start(&batch->calls[i], 201), batch->placings[i].order, batch->event,
						 batch->inv->now, true);
	idempotency_store(batch->calls, batch->count, batch->keys, batch->inv->now);
	order_answer_replays(batch->calls, batch->count, batch->keys, batch->inv->now, 201, true);
	for (int i = 0; i < batch->count; i++)
		if (batch->keys[i].found == KEY_DUPLICATE)
			idempotency_copy(batch->calls, i, batch->keys);
}

/*
 * POST /v1/events/{event}/orders
 *
 * api.order_create(event bigint, hold bigint, secret text, contact jsonb, …)
 */
void
order_create(Call *calls, int count)
{
	Batch		batch = {.calls = calls,.count = count};

	query_connect();
	batch.placings = palloc0_array(Placing, count);
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			placing_read(&batch.placings[i], &calls[i]);
	batch.inv = inventory_begin(calls[0].event_id);
	holds_lock(&batch);
	event_read(&batch);
	if (batch.event != NULL)
	{
		counters_load(&batch);
		batch_decide(&batch);
		batch_write(&batch);
		batch_answer(&batch);
	}
	Assert(batch.event != NULL || batch.hold_count == 0);
	query_finish();
}
