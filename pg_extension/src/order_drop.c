/*
 * order_drop.c
 *		Tickets leave an order: with them go their places, their fees and what they cost.
 *
 * In memory; order_write writes it.  Which tickets they are has been marked before: they are those
 * that are changed.
 *
 * An order that lapsed and comes back, by a late payment or by staff who extend it, comes back
 * without what was called off meanwhile: places in a cancelled session are worth nothing, and
 * whether they can still be had must not decide about the rest.  So its tickets for cancelled
 * sessions are cancelled then, and what was paid for them is owed back.
 */
#include "postgres.h"

#include "order.h"

/* The order's ticket with this id, NULL if it has none. */
Ticket *
order_ticket(const Order *order, int64 id)
{
	for (int low = 0, high = order->ticket_count; low < high;)
	{
		int			middle = (low + high) / 2;

		if (order->tickets[middle].id == id)
			return &order->tickets[middle];
		if (order->tickets[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* With a ticket go its add-ons, and all of its bundle. */
void
order_drop_mark_children(Order *order)
{
	for (int i = 0; i < order->ticket_count; i++)
	{
		Ticket	   *ticket = &order->tickets[i];
		const Ticket *parent = ticket->parent_id == 0 ? NULL
			: order_ticket(order, ticket->parent_id);

		if (parent != NULL && parent->changed && ticket->state != TICKET_CANCELLED)
			ticket->changed = true;
	}
}

/* Cancels the marked tickets; returns how many live ones are left. */
int
order_drop(Inventory *inv, Order *order, Outbox *outbox)
{
	int			left = 0;

	for (int i = 0; i < order->claim_count; i++)
	{
		int			quantity = 0;

		for (int j = 0; j < order->ticket_count; j++)
			if (order->tickets[j].line == order->claims[i].line && order->tickets[j].changed)
				quantity++;
		if (quantity == 0)
			continue;
		order_line_lower(inv, order, &order->claims[i], quantity);
		order_fee_lower(order, order->claims[i].line, quantity);
	}
	for (int j = 0; j < order->ticket_count; j++)
	{
		Ticket	   *ticket = &order->tickets[j];

		if (ticket->changed)
		{
			ticket->state = TICKET_CANCELLED;
			order->total -= ticket->price + ticket->fee;
			outbox_add(outbox, "ticket.cancelled", ticket->id);
		}
		left += ticket->state != TICKET_CANCELLED;
	}
	return left;
}

/* Whether the line's session is cancelled, or that of the line whose add-on or part it is. */
static bool
line_is_called_off(const Order *order, const OrderEvent *event, const Claim *claim)
{
	if (order_event_session(event, claim->session_id)->cancelled)
		return true;
	for (int i = 0; claim->parent_line != 0 && i < order->claim_count; i++)
		if (order->claims[i].line == claim->parent_line)
			return order_event_session(event, order->claims[i].session_id)->cancelled;
	return false;
}

/* Whether the line lost its places and is to have them again. */
bool
order_line_comes_back(const Order *order, const OrderEvent *event, const Claim *claim)
{
	return claim->state == CLAIM_EXPIRED && !line_is_called_off(order, event, claim);
}

/* Whether anything would be left of the order without what was called off. */
bool
order_outlasts_call_off(const Order *order, const OrderEvent *event)
{
	for (int i = 0; i < order->claim_count; i++)
	{
		const Claim *claim = &order->claims[i];

		if (claim->state != CLAIM_RELEASED && !line_is_called_off(order, event, claim))
			return true;
	}
	return false;
}

/*
 * Cancels the tickets of lines that were called off, of an order that comes back; no other ticket
 * has changed yet.  Returns whether there were any.
 */
bool
order_drop_called_off(Inventory *inv, Order *order, const OrderEvent *event, Outbox *outbox)
{
	bool		any = false;

	for (int i = 0; i < order->claim_count; i++)
	{
		const Claim *claim = &order->claims[i];

		if (claim->state == CLAIM_RELEASED || !line_is_called_off(order, event, claim))
			continue;
		any = true;
		for (int j = 0; j < order->ticket_count; j++)
			if (order->tickets[j].line == claim->line)
				order->tickets[j].changed = order->tickets[j].state != TICKET_CANCELLED;
	}
	if (any)
		(void) order_drop(inv, order, outbox);
	return any;
}
