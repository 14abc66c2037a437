/*
 * payment.c
 *		Records payments and decides what each does to its order.
 *
 * Recording always commits: money that came in is in the books, whatever has become of the order
 * meanwhile, and the payment's outcome says what that was.
 *
 *	order is						and the money				outcome
 *	cancelled, or its event is									order_cancelled
 *	paid														overpaid
 *	waiting for approval										approval
 *	pending							is all that was due			paid
 *									is less						partial
 *	expired							is less, or late payments
 *									are not accepted, or a
 *									session is over				order_expired
 *									finds the places			paid
 *									does not find them			sold_out
 *									all else is called off		order_cancelled
 *
 * A pending order past its deadline counts as pending as long as nobody has taken its places: that
 * is what they were left to it for.  Places that were taken back are claimed again, all or none;
 * those in sessions that were cancelled meanwhile leave the order (order_drop.c).
 *
 * Several payments of one order in a batch are decided one after the other on the same order in
 * memory.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"

#include "block.h"
#include "bulk.h"
#include "buyer.h"
#include "handlers.h"
#include "id.h"
#include "idempotency.h"
#include "lapsed.h"
#include "order_change.h"
#include "payment.h"
#include "query.h"

static CoreQuery payment_query = {
	"SELECT p.id, p.order_id, p.kind, p.amount, p.outcome, p.method, p.reference, p.recorded_by,"
	"       p.recorded_at"
	"  FROM boxoffice.payment AS p"
	" WHERE p.event_id = $1 AND p.id = ANY ($2)"
	" ORDER BY p.id",
	2, {INT8OID, INT8ARRAYOID}
};

typedef struct Paying
{
	Call	   *call;
	int64		order_id;
	bool		manual;
	int64		amount;			/* 0: what is due */
	const char *method;
	const char *reference;
	bool		staff;			/* the organizer's people */
	Order	   *order;			/* as read under the locks */
	Payment    *payment;		/* once recorded */
} Paying;

typedef struct Batch
{
	Call	   *calls;
	int			count;
	Paying	   *payings;		/* one a call, by its index */
	Inventory  *inv;
	IdempotencyKey *keys;
	OrderEvent *event;
	Order	   *orders;			/* ascending by id */
	int			order_count;
	Payment    *payments;
	int			payment_count;
	OrderChange *changes;		/* of orders that came back without what was called off */
	int			change_count;
	Outbox		outbox;
} Batch;

void
payment_make_free(Payment *payment, const Order *order, TimestampTz now)
{
	*payment = (Payment) {
		.id = id_next(),
		.order_id = order->id,
		.kind = "free",
		.outcome = "paid",
		.recorded_at = now,
	};
}

void
payment_insert(const OrderEvent *event, const Payment *payments, int count)
{
	static const char *const columns[] = {
		"event_id", "id", "order_id", "kind", "amount", "currency", "outcome", "method", "reference",
		"recorded_by", "recorded_at", "surplus"
	};
	Bulk	   *bulk;

	if (count == 0)
		return;
	bulk = bulk_begin("payment", columns, lengthof(columns), count);
	for (int i = 0; i < count; i++)
	{
		const Payment *payment = &payments[i];

		bulk_int8(bulk, event->id);
		bulk_int8(bulk, payment->id);
		bulk_int8(bulk, payment->order_id);
		bulk_text(bulk, payment->kind);
		bulk_int8(bulk, payment->amount);
		bulk_text(bulk, event->currency);
		bulk_text(bulk, payment->outcome);
		bulk_text(bulk, payment->method);
		bulk_text(bulk, payment->reference);
		bulk_text(bulk, payment->recorded_by);
		bulk_time(bulk, payment->recorded_at);
		bulk_id(bulk, payment->surplus);
		bulk_row(bulk);
	}
	bulk_end(bulk);
}

/* The payments with these ids, ascending. */
static Payment *
payment_load(int64 event_id, const int64 *ids, int n, int *count)
{
	Payment    *payments;

	*count = query_run(&payment_query, (Datum[]) {
					   Int64GetDatum(event_id), array_int8(ids, n)
					   }, NULL);
	payments = palloc_array(Payment, *count + 1);
	for (int i = 0; i < *count; i++)
		payments[i] = (Payment) {
			.id = query_int8(i, 1),
			.order_id = query_int8(i, 2),
			.kind = query_text(i, 3),
			.amount = query_int8(i, 4),
			.outcome = query_text(i, 5),
			.method = query_text(i, 6),
			.reference = query_text(i, 7),
			.recorded_by = query_text(i, 8),
			.recorded_at = query_time(i, 9),
		};
	query_done();
	return payments;
}

/* Reads what the call asks for; a method goes with manual payments and no others. */
static void
paying_read(Paying *paying, Call *call)
{
	const BoundValue *body = call->body.as.members;
	const BoundValue *amount = &body[PAYMENT_CREATE_BODY_AMOUNT];

	paying->call = call;
	paying->order_id = call->params[PAYMENT_CREATE_PARAM_ORDER].as.integer;
	paying->manual = strcmp(body[PAYMENT_CREATE_BODY_KIND].as.string.data, "manual") == 0;
	paying->amount = amount->kind == BOUND_INT ? amount->as.integer : 0;
	paying->method = bound_text(&body[PAYMENT_CREATE_BODY_METHOD]);
	paying->reference = bound_text(&body[PAYMENT_CREATE_BODY_REFERENCE]);
	paying->staff = false;
}

/* Whether the caller may record this; a stranger is told that there is no such order. */
static void
paying_authorise(const Batch *batch, Paying *paying)
{
	Call	   *call = paying->call;

	if (batch->event == NULL || paying->order == NULL ||
		!order_is_visible(call, batch->event, paying->order))
	{
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return;
	}
	paying->staff = order_is_staff(&call->actor, batch->event->organizer_id, true);
	if (paying->manual && !paying->staff)
		reply_refuse(call, ERR_FORBIDDEN, "/kind", NULL);
	else if (!paying->manual && !batch->event->test)
		reply_refuse(call, ERR_TEST_EVENT_ONLY, "/kind", NULL);
	else if (paying->manual != (paying->method != NULL))
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, "/method", NULL,
							"A manual payment has a method, and no other has.");
}

/*
 * Reads the orders of all calls that are not done, with claims, and points each paying at its own.
 */
static void
orders_read(Batch *batch, OrderLoader load)
{
	int64	   *ids = palloc_array(int64, batch->count + 1);
	int			n = 0;

	for (int i = 0; i < batch->count; i++)
		if (!batch->calls[i].reply.done)
			ids[n++] = batch->payings[i].order_id;
	batch->orders = load(batch->inv->event_id, ids, ids_sort_unique(ids, n), &batch->order_count);
	order_load_claims(batch->inv->event_id, batch->orders, batch->order_count);
	for (int i = 0; i < batch->count; i++)
		if (!batch->calls[i].reply.done)
			batch->payings[i].order = order_find_id(batch->orders, batch->order_count,
													batch->payings[i].order_id);
}

/* What buyers of orders that lost their places let lapse makes room under their limits. */
static void
lapsed_foresee(Batch *batch)
{
	for (int i = 0; batch->event != NULL && i < batch->order_count; i++)
		order_foresee_again(batch->inv, batch->event, &batch->orders[i]);
	for (int i = 0; batch->inv->lapsed != NULL && i < batch->order_count; i++)
		lapsed_spare(batch->inv, batch->orders[i].hold_id);
	lapsed_look(batch->inv);
}

/* Looks without locks, locks the groups, and looks again. */
static void
orders_lock(Batch *batch)
{
	orders_read(batch, order_load_heads);
	batch->event = order_event_load(batch->inv->event_id);
	for (int i = 0; i < batch->count; i++)
		if (!batch->calls[i].reply.done)
			paying_authorise(batch, &batch->payings[i]);
	order_add_groups(batch->inv, batch->orders, batch->order_count);
	lapsed_foresee(batch);
	inventory_lock(batch->inv);
	batch->keys = idempotency_find(batch->calls, batch->count);
	orders_read(batch, order_load);
	order_check_groups(batch->inv, batch->orders, batch->order_count);
	for (int i = 0; i < batch->count; i++)
		if (!batch->calls[i].reply.done && batch->payings[i].order == NULL)
			reply_refuse(&batch->calls[i], ERR_NOT_FOUND, "", NULL);
	batch->event = order_event_load(batch->inv->event_id);
	if (batch->event != NULL)
		order_event_name_orders(batch->event, batch->orders, batch->order_count);
}

/* Loads what the orders stand on, and takes back from others what they may have to claim again. */
static void
counters_load(Batch *batch)
{
	Inventory  *inv = batch->inv;

	for (int i = 0; i < batch->order_count; i++)
		order_add_stocks(inv, &batch->orders[i]);
	inventory_load(inv);
	for (int i = 0; i < batch->order_count; i++)
		block_load_of(inv, batch->orders[i].claims, batch->orders[i].claim_count);
	for (int i = 0; i < batch->order_count; i++)
	{
		order_add_buyers(inv, batch->event, &batch->orders[i]);
		order_want_again(inv, &batch->orders[i], batch->event);
	}
	inventory_reclaim(inv);
	lapsed_reclaim(inv);
	buyer_lock(inv->buyers);
}

/*
 * What inventory_reclaim took back may be claims of orders in this batch: these stood until now,
 * so they are expired from here on, and whose turn comes first claims the places again.
 */
static void
orders_lose_reclaimed(Batch *batch)
{
	for (int i = 0; i < batch->order_count; i++)
	{
		Order	   *order = &batch->orders[i];

		for (int j = 0; j < order->claim_count; j++)
			for (int k = 0; k < batch->inv->reclaimed_count; k++)
			{
				const Claim *lost = &batch->inv->reclaimed[k];

				if (lost->owner_id != order->claims[j].owner_id ||
					lost->line != order->claims[j].line)
					continue;
				order->claims[j].state = order->claims[j].stored_state = CLAIM_EXPIRED;
				if (order->status == ORDER_PENDING || order->status == ORDER_APPROVAL)
					order->status = order->status_stored = ORDER_EXPIRED;
			}
	}
}

/* Whether a payment for an expired order may still be accepted at this time. */
static bool
late_payment_is_open(const Batch *batch, const Order *order)
{
	return batch->event->late_payment && batch->inv->now <= order_last(order, batch->event);
}

/* What was called off leaves the order that comes back, and it is told why it costs less. */
static void
order_come_back(Batch *batch, Order *order, const char *by)
{
	OrderChange *change = &batch->changes[batch->change_count];

	*change = (OrderChange) {
		.order_id = order->id,
		.kind = "cancel",
		.total_before = order->total,
		.reason = "Paid late: a session was cancelled meanwhile.",
		.changed_by = by,
	};
	if (order_drop_called_off(batch->inv, order, batch->event, &batch->outbox))
		batch->change_count++;
	change->total_after = order->total;
	order_complete(batch->inv, order, &batch->outbox);
}

/* What a payment does to an expired order that brings its money up to paid. */
static const char *
outcome_late(Batch *batch, Order *order, int64 paid, const char *by)
{
	if (!order_outlasts_call_off(order, batch->event))
		return "order_cancelled";
	if (paid < order_price(order, batch->event) || !late_payment_is_open(batch, order) ||
		order_limits_refuse_again(batch->inv, order, batch->event) != ERR_NONE)
		return "order_expired";
	if (!order_claim_again(batch->inv, order, batch->event))
		return "sold_out";
	order_come_back(batch, order, by);
	return "paid";
}

/* What a payment does to an order that brings its money up to paid; changes the order in memory. */
static const char *
outcome_of(Batch *batch, Order *order, int64 paid, const char *by)
{
	if (order->status == ORDER_CANCELLED || order_is_called_off(order, batch->event))
		return "order_cancelled";
	if (order->status == ORDER_PAID)
		return "overpaid";
	if (order->status == ORDER_APPROVAL)
		return "approval";
	if (order->status == ORDER_EXPIRED || order_lacks_places(order))
		return outcome_late(batch, order, paid, by);
	if (paid >= order_price(order, batch->event))
	{
		order_complete(batch->inv, order, &batch->outbox);
		return "paid";
	}
	return order_status_now(order, batch->event, batch->inv->now) == ORDER_EXPIRED
		? "order_expired" : "partial";
}

/* The amount of the payment: what was given, or what the order lacks; 0 if it lacks nothing. */
static int64
paying_amount(const Batch *batch, const Paying *paying)
{
	const Order *order = paying->order;

	if (paying->amount > 0)
		return paying->amount;
	if (order->status == ORDER_CANCELLED || order->status == ORDER_APPROVAL ||
		order_is_called_off(order, batch->event))
		return 0;
	return Max(order_price(order, batch->event) - order->paid, 0);
}

/*
 * Whether the order's stock might have places that could not be taken back within one transaction,
 * or its buyer's limits room: then "sold out" or "expired" would be a lie.
 */
static bool
reclaim_goes_on(const Batch *batch, const Order *order)
{
	Inventory  *inv = batch->inv;

	if (!order_lacks_places(order))
		return false;
	if (order_places_lapse(inv, order, batch->event))
		return true;
	return order_outlasts_call_off(order, batch->event) && late_payment_is_open(batch, order) &&
		!order_is_called_off(order, batch->event) &&
		order_limits_refuse_again(inv, order, batch->event) == ERR_RECLAIMING;
}

static void
payment_append(StringInfo out, const Payment *payment, const Order *order, const OrderEvent *event,
			   TimestampTz now, bool with_secret)
{
	appendStringInfoString(out, "{\"id\":");
	json_append_id(out, payment->id);
	appendStringInfo(out, ",\"kind\":\"%s\",\"amount\":" INT64_FORMAT ",\"currency\":\"%s\"",
					 payment->kind, payment->amount, event->currency);
	appendStringInfo(out, ",\"outcome\":\"%s\",\"method\":", payment->outcome);
	if (payment->method == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_string(out, payment->method);
	appendStringInfoString(out, ",\"reference\":");
	if (payment->reference == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_string(out, payment->reference);
	appendStringInfoString(out, ",\"recorded_at\":");
	json_append_time(out, payment->recorded_at, event->zone);
	appendStringInfoString(out, ",\"zone\":");
	json_append_string(out, event->zone);
	appendStringInfoString(out, ",\"order\":");
	order_append(out, order, event, now, with_secret);
	appendStringInfoChar(out, '}');
}

/* Answers with the payment and its order as it is after this one, whatever the batch does next. */
static void
paying_answer(const Batch *batch, const Paying *paying)
{
	payment_append(reply_start(paying->call, 201), paying->payment, paying->order, batch->event,
				   batch->inv->now, !paying->staff);
}

/* Decides one call: refuses it, or records the payment in memory. */
static void
paying_decide(Batch *batch, Paying *paying)
{
	Order	   *order = paying->order;
	int64		amount = paying_amount(batch, paying);
	int64		paid;
	Payment    *payment;

	if (amount == 0)
		reply_refuse_detail(paying->call, ERR_ORDER_STATE, "", NULL,
							order->status == ORDER_APPROVAL ? "It waits for approval."
							: "Nothing is due.");
	else if (pg_add_s64_overflow(order->paid, amount, &paid) || paid > AMOUNT_MAX)
		reply_refuse(paying->call, ERR_AMOUNT_TOO_LARGE, "/amount", NULL);
	else if (paid >= order_price(order, batch->event) && reclaim_goes_on(batch, order))
		reply_refuse(paying->call, ERR_RECLAIMING, "", NULL);
	else
	{
		payment = paying->payment = &batch->payments[batch->payment_count++];
		*payment = (Payment) {
			.id = id_next(),
			.order_id = order->id,
			.kind = paying->manual ? "manual" : "test",
			.amount = amount,
			.outcome = outcome_of(batch, order, paid, paying->call->actor.subject),
			.method = paying->method,
			.reference = paying->reference,
			.recorded_by = paying->call->actor.subject,
			.recorded_at = batch->inv->now,
		};
		if (strcmp(payment->outcome, "paid") == 0)
			payment->surplus = paid - order_price(order, batch->event);
		order->paid = paid;
		outbox_add(&batch->outbox, "payment.recorded", payment->id);
		paying_answer(batch, paying);
	}
}

/* Answers the calls whose key was stored with the payment of then and its order of now. */
static void
replays_answer(Batch *batch)
{
	int64	   *ids = palloc_array(int64, batch->count + 1);
	Payment    *payments;
	int			n = 0;
	int			found;

	for (int i = 0; i < batch->count; i++)
		if (batch->keys[i].found == KEY_REPLAY)
			ids[n++] = batch->keys[i].ref_id;
	if (n == 0)
		return;
	payments = payment_load(batch->inv->event_id, ids, n, &found);
	for (int i = 0; i < batch->count; i++)
		for (int j = 0; batch->keys[i].found == KEY_REPLAY && j < found; j++)
			if (payments[j].id == batch->keys[i].ref_id)
			{
				batch->payings[i].payment = &payments[j];
				paying_answer(batch, &batch->payings[i]);
				batch->calls[i].reply.replayed = true;
			}
}

/* Stores the new keys, and answers the calls whose key was there before. */
static void
batch_answer_keys(Batch *batch)
{
	idempotency_store(batch->calls, batch->count, batch->keys, batch->inv->now);
	replays_answer(batch);
	for (int i = 0; i < batch->count; i++)
		if (batch->keys[i].found == KEY_DUPLICATE)
			idempotency_copy(batch->calls, i, batch->keys);
}

static void
batch_decide(Batch *batch)
{
	batch->payments = palloc_array(Payment, batch->count + 1);
	batch->changes = palloc_array(OrderChange, batch->count + 1);
	for (int i = 0; i < batch->count; i++)
	{
		if (batch->calls[i].reply.done || !idempotency_turn(batch->calls, i, batch->keys))
			continue;
		paying_decide(batch, &batch->payings[i]);
		if (batch->payings[i].payment != NULL)
			batch->keys[i].ref_id = batch->payings[i].payment->id;
	}
}

static void
batch_write(Batch *batch)
{
	inventory_write(batch->inv);
	order_write(batch->inv->event_id, batch->orders, batch->order_count);
	payment_insert(batch->event, batch->payments, batch->payment_count);
	order_change_insert(batch->inv->event_id, batch->changes, batch->change_count,
						batch->inv->now);
	outbox_write(&batch->outbox, batch->inv->event_id, batch->inv->now);
}

/*
 * POST /v1/events/{event}/orders/{order}/payments
 *
 * api.payment_create(event bigint, "order" bigint, kind text, …)
 */
void
payment_create(Call *calls, int count)
{
	Batch		batch = {.calls = calls,.count = count};

	query_connect();
	batch.payings = palloc0_array(Paying, count);
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			paying_read(&batch.payings[i], &calls[i]);
	batch.inv = inventory_begin(calls[0].event_id);
	orders_lock(&batch);
	if (batch.event != NULL)
	{
		counters_load(&batch);
		orders_lose_reclaimed(&batch);
		batch_decide(&batch);
		batch_write(&batch);
		batch_answer_keys(&batch);
	}
	query_finish();
}
