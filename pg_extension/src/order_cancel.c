/*
 * order_cancel.c
 *		Cancels orders, whole or by ticket.
 *
 * Places are free at once.  Whatever was counted goes down with the tickets: claims, stock, the
 * buyer's numbers, fees, the total; what was paid stays, and what is owed back shows as due.  An
 * order without a live ticket is cancelled, however its tickets went; a pending one that its
 * payments now cover is paid.
 *
 * With a ticket go its add-ons and its bundle.  A part of a bundle does not go alone, nor does an
 * add-on that its ticket must have.
 */
#include "postgres.h"

#include "handlers.h"
#include "order_act.h"
#include "query.h"

static CoreQuery required_query = {
	"SELECT a.min_per_parent, t.key"
	"  FROM boxoffice.ticket_type_addon AS a"
	"  JOIN boxoffice.ticket_type AS t ON t.event_id = a.event_id AND t.id = a.ticket_type_id"
	" WHERE a.event_id = $1 AND a.parent_type_id = $2 AND a.ticket_type_id = $3",
	3, {INT8OID, INT8OID, INT8OID}
};

/* The wanted tickets, NULL for all of them. */
static const BoundValue *
tickets_wanted(const Call *call)
{
	const BoundValue *tickets;

	if (call->body.kind != BOUND_OBJECT)
		return NULL;
	tickets = &call->body.as.members[ORDER_CANCEL_BODY_TICKETS];
	return tickets->kind == BOUND_LIST ? tickets : NULL;
}

/* Whether the caller may cancel the order as it is; else refuses. */
static bool
cancel_check(OrderAct *act)
{
	OrderStatus status = order_status_now(act->order, act->event, act->inv->now);
	bool		waits = status == ORDER_PENDING || status == ORDER_APPROVAL;

	if (!act->staff && tickets_wanted(act->call) != NULL)
		reply_refuse_detail(act->call, ERR_FORBIDDEN, "/tickets", NULL,
							"A buyer cancels the whole order.");
	else if (status == ORDER_CANCELLED || (!act->staff && !waits))
		order_act_refuse_state(act);
	else
		return true;
	return false;
}

/* Whether a ticket came in a bundle, which goes as a whole. */
static bool
ticket_is_bundled(const Order *order, const Ticket *ticket)
{
	for (int i = 0; i < order->claim_count; i++)
		if (order->claims[i].line == ticket->line)
			return order->claims[i].bundled;
	return false;
}

/* How many of the type belong to the ticket, those that go among them or not. */
static int
addons_of(const Order *order, const Ticket *parent, int64 type_id, bool with_gone)
{
	int			count = 0;

	for (int i = 0; i < order->ticket_count; i++)
		count += order->tickets[i].parent_id == parent->id &&
			order->tickets[i].ticket_type_id == type_id &&
			order->tickets[i].state != TICKET_CANCELLED &&
			(with_gone || !order->tickets[i].changed);
	return count;
}

/*
 * Refuses to take an add-on away that its ticket must have.  One that has fewer already, as it was
 * sold when it needed none, may have fewer still.
 */
static void
judge_required(OrderAct *act, const Ticket *ticket, const Ticket *parent, const char *pointer)
{
	int			least = 0;
	char	   *key = NULL;

	if (query_run(&required_query, (Datum[]) {
				  Int64GetDatum(act->event->id), Int64GetDatum(parent->ticket_type_id),
				  Int64GetDatum(ticket->ticket_type_id)
				  }, NULL) > 0)
	{
		least = query_int4(0, 1);
		key = query_text(0, 2);
	}
	query_done();
	if (addons_of(act->order, parent, ticket->ticket_type_id, false) >= least ||
		addons_of(act->order, parent, ticket->ticket_type_id, true) < least)
		return;
	reply_refuse_detail(act->call, ERR_ADDON_REQUIRED, pointer,
						psprintf("\"ticket_type\":\"%s\",\"min\":%d,"
								 "\"parent\":\"" INT64_FORMAT "\"", key, least, parent->id),
						"Its ticket must have it: cancel that as well.");
}

/* Judges tickets that were named and belong to one that stays; all that go are marked. */
static void
tickets_judge(OrderAct *act, const BoundValue *wanted)
{
	int			count = wanted == NULL || act->call->reply.done ? 0 : wanted->as.list.count;

	for (int i = 0; i < count; i++)
	{
		const Ticket *ticket = order_ticket(act->order, wanted->as.list.items[i].as.integer);
		const Ticket *parent = ticket->parent_id == 0 ? NULL
			: order_ticket(act->order, ticket->parent_id);
		char	   *pointer = psprintf("/tickets/%d", i);

		if (parent == NULL || parent->changed)
			continue;
		if (ticket_is_bundled(act->order, ticket))
			reply_refuse_detail(act->call, ERR_ORDER_STATE, pointer,
								psprintf("\"parent\":\"" INT64_FORMAT "\"", parent->id),
								"The ticket is part of a bundle: cancel its parent.");
		else
			judge_required(act, ticket, parent, pointer);
	}
}

/* Marks the tickets that go; one that is unknown, gone already or named twice refuses the call. */
static bool
tickets_mark(OrderAct *act)
{
	const BoundValue *wanted = tickets_wanted(act->call);

	for (int i = 0; wanted == NULL && i < act->order->ticket_count; i++)
		act->order->tickets[i].changed = act->order->tickets[i].state != TICKET_CANCELLED;
	for (int i = 0; wanted != NULL && i < wanted->as.list.count; i++)
	{
		Ticket	   *ticket = order_ticket(act->order, wanted->as.list.items[i].as.integer);
		char	   *pointer = psprintf("/tickets/%d", i);

		if (ticket == NULL)
			reply_refuse(act->call, ERR_UNKNOWN_REFERENCE, pointer, NULL);
		else if (ticket->state == TICKET_CANCELLED)
			reply_refuse(act->call, ERR_ORDER_STATE, pointer, "\"state\":\"cancelled\"");
		else if (ticket->changed)
			reply_refuse_detail(act->call, ERR_INVALID_DOCUMENT, pointer, NULL,
								"The list names this ticket twice.");
		else
			ticket->changed = true;
	}
	tickets_judge(act, wanted);
	order_drop_mark_children(act->order);
	return !act->call->reply.done;
}

/* What the order is after some of its tickets went. */
static void
order_conclude(OrderAct *act, int left)
{
	Order	   *order = act->order;

	order->changed = true;
	if (left == 0)
	{
		order->status = ORDER_CANCELLED;
		order->cancelled_at = act->inv->now;
		outbox_add(&act->outbox, "order.cancelled", order->id);
	}
	else
		order_act_settle(act);
}

void
order_act_cancel(OrderAct *act)
{
	for (int i = 0; i < act->order->ticket_count; i++)
		act->order->tickets[i].changed = act->order->tickets[i].state != TICKET_CANCELLED;
	order_conclude(act, order_drop(act->inv, act->order, &act->outbox));
}

static void
cancel_one(Call *call)
{
	OrderAct	act;

	if (!order_act_open(&act, call, call->params[ORDER_CANCEL_PARAM_ORDER].as.integer, BY_BUYER) ||
		!order_act_lock(&act, 200) ||
		!cancel_check(&act) || !tickets_mark(&act))
		return;
	order_act_load(&act, false);
	order_act_record(&act, "cancel", NULL);
	order_conclude(&act, order_drop(act.inv, act.order, &act.outbox));
	order_act_close(&act, 200);
}

/*
 * POST /v1/events/{event}/orders/{order}/cancel
 *
 * api.order_cancel(event bigint, "order" bigint, tickets …)
 */
void
order_cancel(Call *calls, int count)
{
	order_act_each(calls, count, cancel_one);
}
