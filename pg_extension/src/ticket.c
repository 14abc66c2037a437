/*
 * ticket.c
 *		Tickets: their codes, what their state means now, the list of an order's, and the QR code.
 *
 * A ticket's code is what opens the door, so it is made when the ticket becomes valid and shown
 * only while it is.
 */
#include "postgres.h"

#include "clock.h"
#include "handlers.h"
#include "order.h"
#include "qr.h"
#include "query.h"

#define TICKET_QR_PX 300

static CoreQuery holders_query = {
	"SELECT h.ticket_id, h.name, h.email"
	"  FROM boxoffice.holder AS h"
	" WHERE h.event_id = $1 AND h.ticket_id = ANY ($2)",
	2, {INT8OID, INT8ARRAYOID}
};

/*
 * What the stored state means: a ticket of a cancelled event or session lets nobody in, and nothing
 * is reserved for an order whose status is expired by now.
 */
TicketState
ticket_state_now(const Ticket *ticket, const OrderEvent *event, OrderStatus status)
{
	if (event->cancelled || order_event_session(event, ticket->session_id)->cancelled)
		return TICKET_CANCELLED;
	if (status == ORDER_EXPIRED && ticket->state == TICKET_RESERVED)
		return TICKET_EXPIRED;
	return ticket->state;
}

/*
 * Makes reserved tickets valid and gives each that has none its code; one draw of randomness for
 * all.
 */
void
ticket_issue(Ticket *tickets, int count)
{
	uint8	   *random = palloc(mul_size(count + 1, TICKET_CODE_RANDOM));

	if (!pg_strong_random(random, mul_size(count, TICKET_CODE_RANDOM)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random ticket codes")));
	for (int i = 0; i < count; i++)
	{
		if (tickets[i].state != TICKET_RESERVED)
			continue;
		if (tickets[i].code[0] == '\0')	/* or it was valid before */
			ticket_code_make(random + i * TICKET_CODE_RANDOM, tickets[i].code);
		tickets[i].state = TICKET_VALID;
		tickets[i].changed = true;
	}
	pfree(random);
}

/* The order that a call about tickets names, if the caller may see it; else refuses. */
static Order *
order_of_call(Call *call, int64 order_id, OrderEvent **event)
{
	Order	   *order;
	int			count;

	*event = order_event_load(call->event_id);
	order = order_load(call->event_id, &order_id, 1, &count);
	if (*event == NULL || count == 0 || !order_is_visible(call, *event, order))
	{
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return NULL;
	}
	order_event_name_orders(*event, order, 1);
	return order;
}

/* Reads who the tickets of an order are for. */
static void
holders_load(int64 event_id, Order *order)
{
	int64	   *ids = palloc_array(int64, order->ticket_count + 1);
	int			n;

	for (int i = 0; i < order->ticket_count; i++)
		ids[i] = order->tickets[i].id;
	n = query_run(&holders_query, (Datum[]) {
				  Int64GetDatum(event_id), array_int8(ids, order->ticket_count)
				  }, NULL);
	for (int row = 0; row < n; row++)
		for (int i = 0; i < order->ticket_count; i++)
			if (ids[i] == query_int8(row, 1))
			{
				order->tickets[i].holder_name = query_text(row, 2);
				order->tickets[i].holder_email = query_text(row, 3);
			}
	query_done();
	pfree(ids);
}

/* Appends a text, or null. */
static void
append_text(StringInfo out, const char *text)
{
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_string(out, text);
}

static void
append_holder(StringInfo out, const Ticket *ticket)
{
	if (ticket->holder_name == NULL && ticket->holder_email == NULL)
		return;
	appendStringInfoString(out, ",\"holder\":{\"name\":");
	append_text(out, ticket->holder_name);
	appendStringInfoString(out, ",\"email\":");
	append_text(out, ticket->holder_email);
	appendStringInfoChar(out, '}');
}

static void
append_detail(StringInfo out, const Ticket *ticket, const OrderEvent *event, OrderStatus status)
{
	const OrderType *type = order_event_type(event, ticket->ticket_type_id);
	const OrderSession *session = order_event_session(event, ticket->session_id);

	appendStringInfoString(out, "{\"id\":");
	json_append_id(out, ticket->id);
	appendStringInfoString(out, ",\"ticket_type\":");
	json_append_string(out, type->key);
	appendStringInfoString(out, ",\"ticket_type_name\":");
	json_append_string(out, type->name);
	appendStringInfoString(out, ",\"session\":");
	ticket_append_session(out, ticket, event);
	appendStringInfoString(out, ",\"session_name\":");
	append_text(out, session->name);
	appendStringInfoString(out, ",\"starts_at\":");
	if (session->key == NULL)
		appendStringInfoString(out, "null");
	else
		json_append_time(out, session->starts_at, session->zone);
	appendStringInfoString(out, ",\"zone\":");
	json_append_string(out, session->zone);
	appendStringInfo(out, ",\"price\":" INT64_FORMAT ",\"fee\":" INT64_FORMAT, ticket->price,
					 ticket->fee);
	appendStringInfo(out, ",\"currency\":\"%s\"", event->currency);
	ticket_append_state(out, ticket, event, status);
	append_holder(out, ticket);
	appendStringInfoChar(out, '}');
}

/* Appends the list of the order's tickets, with their holders, which it reads. */
void
ticket_append_list(StringInfo out, Order *order, const OrderEvent *event, TimestampTz now)
{
	OrderStatus status = order_status_now(order, event, now);

	holders_load(event->id, order);
	appendStringInfoString(out, "{\"items\":[");
	for (int i = 0; i < order->ticket_count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		append_detail(out, &order->tickets[i], event, status);
	}
	appendStringInfo(out, "],\"next\":null,\"test\":%s}", order->test ? "true" : "false");
}

static void
list_one(Call *call)
{
	OrderEvent *event;
	int64		id = call->params[TICKET_LIST_PARAM_ORDER].as.integer;
	Order	   *order = order_of_call(call, id, &event);

	if (order != NULL)
		ticket_append_list(reply_start(call, 200), order, event, clock_now());
}

/*
 * GET /v1/events/{event}/orders/{order}/tickets
 */
void
ticket_list(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			list_one(&calls[i]);
	query_finish();
}

static const Ticket *
valid_ticket(const Order *order, const OrderEvent *event, int64 id)
{
	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].id == id &&
			ticket_state_now(&order->tickets[i], event, order->status) == TICKET_VALID)
			return &order->tickets[i];
	return NULL;
}

static void
qr_one(Call *call)
{
	OrderEvent *event;
	Order	   *order = order_of_call(call, call->params[TICKET_QR_PARAM_ORDER].as.integer, &event);
	const Ticket *ticket;
	char	   *svg;

	if (order == NULL)
		return;
	ticket = valid_ticket(order, event, call->params[TICKET_QR_PARAM_TICKET].as.integer);
	if (ticket == NULL)
	{
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return;
	}
	svg = palloc(QR_SVG_MAX);
	if (qr_svg(ticket->code, TICKET_QR_PX, svg) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not draw the code of ticket " INT64_FORMAT, ticket->id)));
	appendStringInfoString(reply_start(call, 200), svg);
	pfree(svg);
}

/*
 * GET /v1/events/{event}/orders/{order}/tickets/{ticket}.svg
 *
 * Only a valid ticket has a code: any other is as unknown as one that never was.
 */
void
ticket_qr(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			qr_one(&calls[i]);
	query_finish();
}
