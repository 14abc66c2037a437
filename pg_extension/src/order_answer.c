/*
 * order_answer.c
 *		An order as JSON, as schema Order of the contract says.
 *
 * Made from the order in memory only, so that the answer of a batch costs no statement, and an
 * answer made again for an Idempotency-Key is the same.
 */
#include "postgres.h"

#include "order.h"

static void
append_amount(StringInfo out, const char *name, int64 amount)
{
	appendStringInfo(out, ",\"%s\":" INT64_FORMAT, name, amount);
}

static void
append_text(StringInfo out, const char *name, const char *text)
{
	appendStringInfo(out, "\"%s\":", name);
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_string(out, text);
}

static void
append_time(StringInfo out, const char *name, TimestampTz at, const char *zone)
{
	appendStringInfo(out, ",\"%s\":", name);
	json_append_time(out, at, zone);
}

/* Appends a ticket's state, and its code if it is valid. */
void
ticket_append_state(StringInfo out, const Ticket *ticket, const OrderEvent *event,
					OrderStatus status)
{
	TicketState state = ticket_state_now(ticket, event, status);

	appendStringInfo(out, ",\"state\":\"%s\"", ticket_state_name(state));
	if (state == TICKET_VALID)
	{
		appendStringInfoString(out, ",\"code\":");
		json_append_string(out, ticket->code);
	}
}

/* Appends the key of a ticket's session, null for a pass, and whose add-on it is. */
void
ticket_append_session(StringInfo out, const Ticket *ticket, const OrderEvent *event)
{
	const OrderSession *session = order_event_session(event, ticket->session_id);

	if (session->key == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_string(out, session->key);
	if (ticket->parent_id != 0)
	{
		appendStringInfoString(out, ",\"parent\":");
		json_append_id(out, ticket->parent_id);
	}
}

static void
append_ticket(StringInfo out, const Ticket *ticket, const OrderEvent *event, OrderStatus status)
{
	appendStringInfoString(out, "{\"id\":");
	json_append_id(out, ticket->id);
	appendStringInfoString(out, ",\"ticket_type\":");
	json_append_string(out, order_event_type(event, ticket->ticket_type_id)->key);
	appendStringInfoString(out, ",\"session\":");
	ticket_append_session(out, ticket, event);
	append_amount(out, "price", ticket->price);
	append_amount(out, "fee", ticket->fee);
	ticket_append_state(out, ticket, event, status);
	appendStringInfoChar(out, '}');
}

static void
append_fee(StringInfo out, const OrderFee *fee)
{
	appendStringInfoString(out, "{\"kind\":\"ticket\",");
	append_text(out, "name", fee->name);
	append_amount(out, "quantity", fee->quantity);
	append_amount(out, "unit_amount", fee->unit_amount);
	append_amount(out, "amount", fee->quantity * fee->unit_amount);
	appendStringInfoChar(out, '}');
}

static void
append_parts(StringInfo out, const Order *order, const OrderEvent *event, OrderStatus status)
{
	const char *between = "";

	appendStringInfoString(out, ",\"tickets\":[");
	for (int i = 0; i < order->ticket_count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		append_ticket(out, &order->tickets[i], event, status);
	}
	appendStringInfoString(out, "],\"fees\":[");
	for (int i = 0; i < order->fee_count; i++)
	{
		if (order->fees[i].quantity == 0)
			continue;
		appendStringInfoString(out, between);
		append_fee(out, &order->fees[i]);
		between = ",";
	}
	appendStringInfoString(out, "],\"taxes\":[]");
}

static void
append_contact(StringInfo out, const Contact *contact)
{
	if (contact->name == NULL)
		return;
	appendStringInfoString(out, ",\"contact\":{");
	append_text(out, "name", contact->name);
	appendStringInfoChar(out, ',');
	append_text(out, "email", contact->email);
	appendStringInfoChar(out, ',');
	append_text(out, "phone", contact->phone);
	appendStringInfoChar(out, ',');
	append_text(out, "locale", contact->locale);
	appendStringInfoChar(out, '}');
}

static void
append_head(StringInfo out, const Order *order, const OrderEvent *event, OrderStatus status,
			bool with_secret)
{
	char		secret[SECRET_LEN + 1];

	appendStringInfoString(out, "{\"id\":");
	json_append_id(out, order->id);
	appendStringInfoString(out, ",\"event\":");
	json_append_id(out, event->id);
	appendStringInfoString(out, ",\"hold\":");
	json_append_id(out, order->hold_id);
	appendStringInfo(out, ",\"code\":\"%s-%s\"", event->short_code, order->code);
	if (with_secret)
	{
		secret_make(SECRET_ORDER, order->id, secret);
		appendStringInfo(out, ",\"secret\":\"%s\"", secret);
	}
	appendStringInfo(out, ",\"status\":\"%s\",\"test\":%s,", order_status_name(status),
					 order->test ? "true" : "false");
	append_text(out, "channel", order->channel);
}

/*
 * Appends the order as it is at this time.  The event must know its types and sessions
 * (order_event_name). The secret is for buyers; the organizer's people do not need it, and so do
 * not get it.
 */
void
order_append(StringInfo out, const Order *order, const OrderEvent *event, TimestampTz now,
			 bool with_secret)
{
	OrderStatus status = order_status_now(order, event, now);

	append_head(out, order, event, status, with_secret);
	append_contact(out, &order->contact);
	append_parts(out, order, event, status);
	append_amount(out, "total", order->total);
	appendStringInfo(out, ",\"currency\":\"%s\"", event->currency);
	append_amount(out, "paid", order->paid);
	append_amount(out, "refunded", 0);
	append_amount(out, "due", order_due(order, event, now));
	append_time(out, "placed_at", order->placed_at, event->zone);
	if (status == ORDER_PENDING || status == ORDER_APPROVAL)
		append_time(out, "expires_at", order->expires_at, event->zone);
	if (order->paid_at != DT_NOEND)
		append_time(out, "paid_at", order->paid_at, event->zone);
	if (order->cancelled_at != DT_NOEND)
		append_time(out, "cancelled_at", order->cancelled_at, event->zone);
	appendStringInfoChar(out, ',');
	append_text(out, "zone", event->zone);
	appendStringInfoChar(out, '}');
}

/*
 * Answers the calls whose key was stored with the order of then, as it is now.
 */
void
order_answer_replays(Call *calls, int count, const IdempotencyKey *keys, TimestampTz now,
					 int status, bool with_secret)
{
	int64	   *ids = palloc_array(int64, count + 1);
	OrderEvent *event;
	Order	   *orders;
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (keys[i].found == KEY_REPLAY)
			ids[n++] = keys[i].ref_id;
	if (n == 0)
		return;
	event = order_event_load(calls[0].event_id);
	orders = order_load(calls[0].event_id, ids, n, &n);
	order_event_name_orders(event, orders, n);
	for (int i = 0; i < count; i++)
	{
		const Order *order;

		if (keys[i].found != KEY_REPLAY)
			continue;
		order = order_find_id(orders, n, keys[i].ref_id);
		if (order == NULL)
			reply_refuse(&calls[i], ERR_NOT_FOUND, "", NULL);
		else
		{
			order_append(reply_start(&calls[i], status), order, event, now, with_secret);
			calls[i].reply.replayed = true;
		}
	}
}
