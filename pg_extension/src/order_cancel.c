/*
 * order_cancel.c
 *		Cancels orders, whole or by ticket.
 *
 * Places are free at once.  Whatever was counted goes down with the tickets: claims, stock, the
 * buyer's numbers, fees, the total; what was paid stays, and what is owed back shows as due.  An
 * order without a live ticket is cancelled, however its tickets went; a pending one that its
 * payments now cover is paid.
 */
#include "postgres.h"

#include "handlers.h"
#include "order_act.h"

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

static Ticket *
ticket_of(Order *order, int64 id)
{
	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].id == id)
			return &order->tickets[i];
	return NULL;
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

/* With a ticket go its add-ons, and all of its bundle. */
static void
tickets_mark_children(Order *order)
{
	for (int i = 0; i < order->ticket_count; i++)
	{
		Ticket	   *ticket = &order->tickets[i];
		const Ticket *parent = ticket->parent_id == 0 ? NULL : ticket_of(order, ticket->parent_id);

		if (parent != NULL && parent->changed && ticket->state != TICKET_CANCELLED)
			ticket->changed = true;
	}
}

/* Marks the tickets that go; a ticket that is unknown or gone already refuses the whole call. */
static bool
tickets_mark(OrderAct *act)
{
	const BoundValue *wanted = tickets_wanted(act->call);

	for (int i = 0; wanted == NULL && i < act->order->ticket_count; i++)
		act->order->tickets[i].changed = act->order->tickets[i].state != TICKET_CANCELLED;
	for (int i = 0; wanted != NULL && i < wanted->as.list.count; i++)
	{
		Ticket	   *ticket = ticket_of(act->order, wanted->as.list.items[i].as.integer);

		if (ticket == NULL)
			reply_refuse(act->call, ERR_UNKNOWN_REFERENCE, psprintf("/tickets/%d", i), NULL);
		else if (ticket->state == TICKET_CANCELLED)
			reply_refuse(act->call, ERR_ORDER_STATE, psprintf("/tickets/%d", i),
						 "\"state\":\"cancelled\"");
		else
			ticket->changed = true;
	}
	for (int i = 0; wanted != NULL && !act->call->reply.done && i < wanted->as.list.count; i++)
	{
		Ticket	   *ticket = ticket_of(act->order, wanted->as.list.items[i].as.integer);

		if (ticket_is_bundled(act->order, ticket) &&
			!ticket_of(act->order, ticket->parent_id)->changed)
			reply_refuse_detail(act->call, ERR_ORDER_STATE, psprintf("/tickets/%d", i), NULL,
								"The ticket is part of a bundle: cancel its parent.");
	}
	tickets_mark_children(act->order);
	return !act->call->reply.done;
}

/* Cancels the marked tickets; returns how many live ones are left. */
static int
tickets_cancel(OrderAct *act)
{
	Order	   *order = act->order;
	int			left = 0;

	for (int i = 0; i < order->claim_count; i++)
	{
		int			quantity = 0;

		for (int j = 0; j < order->ticket_count; j++)
			if (order->tickets[j].line == order->claims[i].line && order->tickets[j].changed)
				quantity++;
		if (quantity == 0)
			continue;
		order_line_lower(act->inv, order, &order->claims[i], quantity);
		order_fee_lower(order, order->claims[i].line, quantity);
	}
	for (int j = 0; j < order->ticket_count; j++)
	{
		Ticket	   *ticket = &order->tickets[j];

		if (ticket->changed)
		{
			ticket->state = TICKET_CANCELLED;
			order->total -= ticket->price + ticket->fee;
			outbox_add(&act->outbox, "ticket.cancelled", ticket->id);
		}
		left += ticket->state != TICKET_CANCELLED;
	}
	return left;
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
	order_conclude(act, tickets_cancel(act));
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
	order_conclude(&act, tickets_cancel(&act));
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
