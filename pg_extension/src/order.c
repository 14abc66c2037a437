/*
 * order.c
 *		Orders as they are read: loading, who may see one, what its state means now; and the
 *		operations that only look.
 *
 * Changes nothing.  What is stored is never the whole answer: a pending order past its deadline
 * and grace is expired whether or not anybody has written so, and nothing is due for what was
 * called off.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "clock.h"
#include "handlers.h"
#include "hold.h"
#include "member.h"
#include "order.h"
#include "query.h"

static CoreQuery orders_query = {
	"SELECT o.id, o.hold_id, o.code, o.status, o.total, o.test, o.channel, o.subject, o.email_key,"
	"       o.placed_at, o.expires_at, o.paid_at, o.cancelled_at, h.subject,"
	"       c.name, c.email, c.phone, c.locale,"
	"       (SELECT sum(p.amount)::bigint FROM boxoffice.payment AS p"
	"         WHERE p.event_id = o.event_id AND p.order_id = o.id)"
	"  FROM boxoffice.order AS o"
	"  JOIN boxoffice.hold AS h ON h.event_id = o.event_id AND h.id = o.hold_id"
	"  LEFT JOIN boxoffice.contact AS c ON c.event_id = o.event_id AND c.order_id = o.id"
	" WHERE o.event_id = $1 AND o.id = ANY ($2)"
	" ORDER BY o.id",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery tickets_query = {
	"SELECT t.id, t.order_id, t.line, t.ticket_type_id, t.session_id, t.price, t.fee, t.state, t.code,"
	"       t.parent_id"
	"  FROM boxoffice.ticket AS t"
	" WHERE t.event_id = $1 AND t.order_id = ANY ($2)"
	" ORDER BY t.order_id, t.id",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery fees_query = {
	"SELECT f.order_id, f.line, f.name, f.quantity, f.unit_amount"
	"  FROM boxoffice.order_fee AS f"
	" WHERE f.event_id = $1 AND f.order_id = ANY ($2)"
	" ORDER BY f.order_id, f.line",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery code_query = {
	"SELECT c.event_id, o.id"
	"  FROM boxoffice.event_code AS c"
	"  JOIN boxoffice.order AS o ON o.event_id = c.event_id AND o.code = $2"
	" WHERE c.code = $1",
	2, {TEXTOID, TEXTOID}
};

static const char *const status_names[] = {
	[ORDER_APPROVAL] = "approval",
	[ORDER_PENDING] = "pending",
	[ORDER_PAID] = "paid",
	[ORDER_EXPIRED] = "expired",
	[ORDER_CANCELLED] = "cancelled",
};

static const char *const state_names[] = {
	[TICKET_RESERVED] = "reserved",
	[TICKET_VALID] = "valid",
	[TICKET_CANCELLED] = "cancelled",
	[TICKET_EXPIRED] = "expired",
};

const char *
order_status_name(OrderStatus status)
{
	return status_names[status];
}

const char *
ticket_state_name(TicketState state)
{
	return state_names[state];
}

/* The index of a stored word; a CHECK allows no other. */
static int
word_index(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	elog(ERROR, "unknown state \"%s\"", word);
}

static TimestampTz
time_or_never(int row, int column)
{
	return query_null(row, column) ? DT_NOEND : query_time(row, column);
}

static void
order_from_row(Order *order, int row)
{
	memset(order, 0, sizeof(*order));
	order->id = query_int8(row, 1);
	order->hold_id = query_int8(row, 2);
	strlcpy(order->code, query_text(row, 3), sizeof(order->code));
	order->status = word_index(status_names, lengthof(status_names), query_text(row, 4));
	order->status_stored = order->status;
	order->total = query_int8(row, 5);
	order->test = query_bool(row, 6);
	order->channel = query_text(row, 7);
	order->subject = query_text(row, 8);
	order->email_key = query_text(row, 9);
	order->placed_at = query_time(row, 10);
	order->expires_at = time_or_never(row, 11);
	order->paid_at = time_or_never(row, 12);
	order->cancelled_at = time_or_never(row, 13);
	order->hold_subject = query_text(row, 14);
	order->contact.name = query_text(row, 15);
	order->contact.email = query_text(row, 16);
	order->contact.phone = query_text(row, 17);
	order->contact.locale = query_text(row, 18);
	order->paid = query_int8(row, 19);
}

static void
ticket_from_row(Ticket *ticket, int row)
{
	memset(ticket, 0, sizeof(*ticket));
	ticket->id = query_int8(row, 1);
	ticket->order_id = query_int8(row, 2);
	ticket->line = DatumGetInt16(query_datum(row, 3));
	ticket->ticket_type_id = query_int8(row, 4);
	ticket->session_id = query_int8(row, 5);
	ticket->price = query_int8(row, 6);
	ticket->fee = query_int8(row, 7);
	ticket->state = word_index(state_names, lengthof(state_names), query_text(row, 8));
	if (!query_null(row, 9))
		strlcpy(ticket->code, query_text(row, 9), sizeof(ticket->code));
	ticket->parent_id = query_int8(row, 10);
}

/* Reads the tickets of all orders and hands each order its part. */
static void
tickets_load(Order *orders, int count, Datum event_id, Datum ids)
{
	int			n = query_run(&tickets_query, (Datum[]) {event_id, ids}, NULL);
	Ticket	   *tickets = palloc_array(Ticket, n + 1);
	int			at = 0;

	for (int i = 0; i < n; i++)
		ticket_from_row(&tickets[i], i);
	query_done();
	for (int i = 0; i < count; i++)
	{
		orders[i].tickets = &tickets[at];
		while (at < n && tickets[at].order_id == orders[i].id)
			at++;
		orders[i].ticket_count = (int) (&tickets[at] - orders[i].tickets);
	}
}

static void
fees_load(Order *orders, int count, Datum event_id, Datum ids)
{
	int			n = query_run(&fees_query, (Datum[]) {event_id, ids}, NULL);
	OrderFee   *fees = palloc0_array(OrderFee, n + 1);
	int			at = 0;

	for (int i = 0; i < n; i++)
	{
		fees[i].order_id = query_int8(i, 1);
		fees[i].line = DatumGetInt16(query_datum(i, 2));
		fees[i].name = query_text(i, 3);
		fees[i].quantity = query_int4(i, 4);
		fees[i].unit_amount = query_int8(i, 5);
	}
	query_done();
	for (int i = 0; i < count; i++)
	{
		orders[i].fees = &fees[at];
		while (at < n && fees[at].order_id == orders[i].id)
			at++;
		orders[i].fee_count = (int) (&fees[at] - orders[i].fees);
	}
}

/*
 * The orders with these ids, ascending by id, with what was paid but without their parts; sets
 * *count.  For a first look: who may see them, and, with order_load_claims, what groups to lock.
 */
Order *
order_load_heads(int64 event_id, const int64 *ids, int n, int *count)
{
	Order	   *orders;

	*count = query_run(&orders_query, (Datum[]) {
					   Int64GetDatum(event_id), array_int8(ids, n)
					   }, NULL);
	orders = palloc_array(Order, *count + 1);
	for (int i = 0; i < *count; i++)
		order_from_row(&orders[i], i);
	query_done();
	return orders;
}

/* The same with tickets and fees.  Takes no locks. */
Order *
order_load(int64 event_id, const int64 *ids, int n, int *count)
{
	Datum		args[2] = {Int64GetDatum(event_id), array_int8(ids, n)};
	Order	   *orders = order_load_heads(event_id, ids, n, count);

	tickets_load(orders, *count, args[0], args[1]);
	fees_load(orders, *count, args[0], args[1]);
	return orders;
}

/* The one with this id, NULL if none. */
Order *
order_find_id(Order *orders, int count, int64 id)
{
	for (int low = 0, high = count; low < high;)
	{
		int			middle = (low + high) / 2;

		if (orders[middle].id == id)
			return &orders[middle];
		if (orders[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Reads the claims of the orders' holds. */
void
order_load_claims(int64 event_id, Order *orders, int count)
{
	int64	   *holds = palloc_array(int64, count + 1);
	Claim	   *claims;
	int			n;

	for (int i = 0; i < count; i++)
		holds[i] = orders[i].hold_id;
	claims = claim_load(event_id, holds, count, &n);
	for (int i = 0; i < count; i++)
		orders[i].claims = claim_find(claims, n, orders[i].hold_id, &orders[i].claim_count);
}

/* Names the groups of the orders' claims for locking. */
void
order_add_groups(Inventory *inv, const Order *orders, int count)
{
	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].claim_count; j++)
			inventory_add_group(inv, orders[i].claims[j].group_id);
}

/* Names the stock rows that the order's claims were taken from. */
void
order_add_stocks(Inventory *inv, const Order *order)
{
	for (int i = 0; i < order->claim_count; i++)
		inventory_add_stocks(inv, order->claims[i].stock_ids, order->claims[i].stock_count);
}

/* Raises a serialization failure unless the groups of all claims, read again, are locked. */
void
order_check_groups(const Inventory *inv, const Order *orders, int count)
{
	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].claim_count; j++)
			if (!inventory_has_group(inv, orders[i].claims[j].group_id))
				inventory_moved("an order's places are in another group");
}

/*
 * Whether the actor handles the organizer's orders: looks at them, or, if it writes, pays and
 * cancels.
 */
bool
order_is_staff(const Actor *actor, int64 organizer_id, bool writes)
{
	return member_may(actor, organizer_id, writes ? MEMBER_SELLS : MEMBER_SEES);
}

/* Whether the caller is the order's buyer: who has its secret, or placed it. */
bool
order_is_buyer(const Call *call, const Order *order)
{
	return secret_matches(SECRET_ORDER, order->id, call->secret) ||
		(call->actor.subject != NULL && order->subject != NULL &&
		 strcmp(call->actor.subject, order->subject) == 0);
}

/* Whether the caller may see the order: its buyer, and the organizer's people. */
bool
order_is_visible(const Call *call, const OrderEvent *event, const Order *order)
{
	return order_is_buyer(call, order) ||
		order_is_staff(&call->actor, event->organizer_id, false);
}

/* What the stored status means at this time. */
OrderStatus
order_status_now(const Order *order, const OrderEvent *event, TimestampTz now)
{
	if (order->status == ORDER_PENDING && now > order->expires_at + event->grace_us)
		return ORDER_EXPIRED;
	return order->status;
}

/*
 * Whether nothing of the order will take place: its event is cancelled, or every session it has
 * tickets for.
 */
bool
order_is_called_off(const Order *order, const OrderEvent *event)
{
	int			live = 0;

	if (event->cancelled)
		return true;
	for (int i = 0; i < order->ticket_count; i++)
	{
		if (order->tickets[i].state == TICKET_CANCELLED)
			continue;
		live++;
		if (!order_event_session(event, order->tickets[i].session_id)->cancelled)
			return false;
	}
	return live > 0;
}

/*
 * When the first of the sessions that the order has tickets for is over; DT_NOEND: never.  One that
 * is cancelled is none of them.
 */
TimestampTz
order_last(const Order *order, const OrderEvent *event)
{
	TimestampTz last = DT_NOEND;

	for (int i = 0; i < order->ticket_count; i++)
	{
		const OrderSession *session = order_event_session(event, order->tickets[i].session_id);

		if (order->tickets[i].state != TICKET_CANCELLED && !session->cancelled)
			last = Min(last, session->last);
	}
	return last;
}

/*
 * What the order costs as things stand: its total less what the tickets of cancelled sessions cost,
 * nothing once the event is cancelled.  Whatever was paid beyond it is owed back.  In SQL:
 * boxoffice_code.order_owes.
 */
int64
order_price(const Order *order, const OrderEvent *event)
{
	int64		price = order->total;

	if (event->cancelled)
		return 0;
	for (int i = 0; i < order->ticket_count; i++)
	{
		const Ticket *ticket = &order->tickets[i];

		if (ticket->state != TICKET_CANCELLED && ticket->session_id != 0 &&
			order_event_session(event, ticket->session_id)->cancelled)
			price -= ticket->price + ticket->fee;
	}
	Assert(price >= 0);
	return price;
}

/*
 * What is still to be paid; negative: owed back.  A paid order of a cancelled event stays paid:
 * refunds are a matter of their own.  What is not paid yet need not be any more.
 */
int64
order_due(const Order *order, const OrderEvent *event, TimestampTz now)
{
	OrderStatus status = order_status_now(order, event, now);
	bool		stands = status == ORDER_PAID || status == ORDER_PENDING ||
		status == ORDER_APPROVAL;

	return (stands ? order_price(order, event) : 0) - order->paid;
}

/* Answers a call that only looks with the order, or with 404. */
static void
answer_order(Call *call, int64 event_id, int64 order_id)
{
	OrderEvent *event = order_event_load(event_id);
	Order	   *order;
	int			count;

	order = order_load(event_id, &order_id, 1, &count);
	if (event == NULL || count == 0 || !order_is_visible(call, event, order))
	{
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return;
	}
	order_event_name_orders(event, order, 1);
	order_append(reply_start(call, 200), order, event, clock_now(),
				 !order_is_staff(&call->actor, event->organizer_id, false));
}

/*
 * GET /v1/events/{event}/orders/{order}
 */
void
order_get(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			answer_order(&calls[i], calls[i].event_id,
						 calls[i].params[ORDER_GET_PARAM_ORDER].as.integer);
	query_finish();
}

static void
find_one(Call *call)
{
	char		event[SHORT_CODE_LENGTH_MAX + 1];
	char		code[ORDER_CODE_LENGTH + 1];
	int64		event_id;
	int64		order_id;

	if (!order_code_split(call->params[ORDER_FIND_PARAM_CODE].as.string.data, event, code) ||
		query_run(&code_query, (Datum[]) {
				  CStringGetTextDatum(event), CStringGetTextDatum(code)
				  }, NULL) == 0)
	{
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return;
	}
	event_id = query_int8(0, 1);
	order_id = query_int8(0, 2);
	query_done();
	answer_order(call, event_id, order_id);
}

/*
 * GET /v1/orders/{code}
 *
 * A code is not a secret: without the order's secret, or a right to see it, there is no such order.
 */
void
order_find(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			find_one(&calls[i]);
	query_finish();
}

/*
 * boxoffice_code.order_secret("order" bigint) RETURNS text
 *
 * For support and for tests; granted to nobody.
 */
PG_FUNCTION_INFO_V1(boxoffice_order_secret);
Datum
boxoffice_order_secret(PG_FUNCTION_ARGS)
{
	char		out[SECRET_LEN + 1];

	secret_make(SECRET_ORDER, PG_GETARG_INT64(0), out);
	PG_RETURN_TEXT_P(cstring_to_text(out));
}
