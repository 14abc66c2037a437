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

#include "block.h"
#include "buyer.h"
#include "handlers.h"
#include "idempotency.h"
#include "order.h"
#include "payment.h"
#include "query.h"

typedef struct Cancelling
{
	Call	   *call;
	Inventory  *inv;
	IdempotencyKey *keys;
	OrderEvent *event;
	Order	   *order;
	bool		staff;
	Outbox		outbox;
	Payment		payment;		/* if what is left costs nothing */
	bool		settled;
} Cancelling;

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

static Order *
order_read(Cancelling *c, OrderLoader load)
{
	int64		id = c->call->params[ORDER_CANCEL_PARAM_ORDER].as.integer;
	int			count;
	Order	   *order = load(c->call->event_id, &id, 1, &count);

	order_load_claims(c->call->event_id, order, count);
	return count == 0 ? NULL : order;
}

/* Finds the order, if the caller may touch it, locks its groups, and reads it again. */
static bool
order_lock(Cancelling *c)
{
	Call	   *call = c->call;

	c->event = order_event_load(call->event_id);
	c->order = order_read(c, order_load_heads);
	if (c->event == NULL || c->order == NULL || !order_is_visible(call, c->event, c->order))
	{
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return false;
	}
	c->staff = order_is_staff(&call->actor, c->event->organizer_id, true);
	c->inv = inventory_begin(call->event_id);
	order_add_groups(c->inv, c->order, 1);
	inventory_lock(c->inv);
	c->keys = idempotency_find(call, 1);
	c->order = order_read(c, order_load);
	c->event = order_event_load(call->event_id);
	if (c->event == NULL || c->order == NULL)
		inventory_moved("the order is gone");
	order_check_groups(c->inv, c->order, 1);
	order_event_name_orders(c->event, c->order, 1);
	return !call->reply.done;
}

/* Whether the caller may cancel the order as it is; else refuses. */
static bool
cancel_check(Cancelling *c)
{
	OrderStatus status = order_status_now(c->order, c->event, c->inv->now);

	if (!c->staff && !order_is_buyer(c->call, c->order))
		reply_refuse(c->call, ERR_FORBIDDEN, "", NULL);
	else if (!c->staff && tickets_wanted(c->call) != NULL)
		reply_refuse_detail(c->call, ERR_FORBIDDEN, "/tickets", NULL,
							"A buyer cancels the whole order.");
	else if (status == ORDER_CANCELLED || (!c->staff && status != ORDER_PENDING))
		reply_refuse(c->call, ERR_ORDER_STATE, "",
					 psprintf("\"status\":\"%s\"", order_status_name(status)));
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
tickets_mark(Cancelling *c)
{
	const BoundValue *wanted = tickets_wanted(c->call);

	for (int i = 0; wanted == NULL && i < c->order->ticket_count; i++)
		c->order->tickets[i].changed = c->order->tickets[i].state != TICKET_CANCELLED;
	for (int i = 0; wanted != NULL && i < wanted->as.list.count; i++)
	{
		Ticket	   *ticket = ticket_of(c->order, wanted->as.list.items[i].as.integer);

		if (ticket == NULL)
			reply_refuse(c->call, ERR_UNKNOWN_REFERENCE, psprintf("/tickets/%d", i), NULL);
		else if (ticket->state == TICKET_CANCELLED)
			reply_refuse(c->call, ERR_ORDER_STATE, psprintf("/tickets/%d", i),
						 "\"state\":\"cancelled\"");
		else
			ticket->changed = true;
	}
	for (int i = 0; wanted != NULL && !c->call->reply.done && i < wanted->as.list.count; i++)
	{
		Ticket	   *ticket = ticket_of(c->order, wanted->as.list.items[i].as.integer);

		if (ticket_is_bundled(c->order, ticket) && !ticket_of(c->order, ticket->parent_id)->changed)
			reply_refuse_detail(c->call, ERR_ORDER_STATE, psprintf("/tickets/%d", i), NULL,
								"The ticket is part of a bundle: cancel its parent.");
	}
	tickets_mark_children(c->order);
	return !c->call->reply.done;
}

/* Gives back so many places of a line, and the buyer's numbers, if they still count. */
static void
line_lower(Cancelling *c, Claim *claim, int quantity)
{
	if (claim->state == CLAIM_PENDING || claim->state == CLAIM_SOLD)
	{
		order_take_buyers(c->inv, c->order, claim, -quantity);
		if (quantity == claim->quantity)
			claim_end(c->inv, claim, CLAIM_RELEASED);
		else
			claim_lower(c->inv, claim, quantity);
	}
	else if (claim->state == CLAIM_EXPIRED)
	{
		if (quantity == claim->quantity)
			claim->state = CLAIM_RELEASED;
		else
			claim->quantity -= quantity;
		claim->changed = true;
	}
}

static void
fee_lower(Order *order, int16 line, int quantity)
{
	for (int i = 0; i < order->fee_count; i++)
		if (order->fees[i].line == line)
		{
			order->fees[i].quantity -= quantity;
			order->fees[i].changed = true;
		}
}

/* Cancels the marked tickets; returns how many live ones are left. */
static int
tickets_cancel(Cancelling *c)
{
	Order	   *order = c->order;
	int			left = 0;

	for (int i = 0; i < order->claim_count; i++)
	{
		int			quantity = 0;

		for (int j = 0; j < order->ticket_count; j++)
			if (order->tickets[j].line == order->claims[i].line && order->tickets[j].changed)
				quantity++;
		if (quantity == 0)
			continue;
		line_lower(c, &order->claims[i], quantity);
		fee_lower(order, order->claims[i].line, quantity);
	}
	for (int j = 0; j < order->ticket_count; j++)
	{
		Ticket	   *ticket = &order->tickets[j];

		if (ticket->changed)
		{
			ticket->state = TICKET_CANCELLED;
			order->total -= ticket->price + ticket->fee;
			outbox_add(&c->outbox, "ticket.cancelled", ticket->id);
		}
		left += ticket->state != TICKET_CANCELLED;
	}
	return left;
}

/* What the order is after some of its tickets went. */
static void
order_conclude(Cancelling *c, int left)
{
	Order	   *order = c->order;

	order->changed = true;
	if (left == 0)
	{
		order->status = ORDER_CANCELLED;
		order->cancelled_at = c->inv->now;
		outbox_add(&c->outbox, "order.cancelled", order->id);
	}
	else if (order->status == ORDER_PENDING && order->paid >= order->total)
	{
		order_complete(c->inv, order, &c->outbox);
		if (order->total == 0 && order->paid == 0)
		{
			payment_make_free(&c->payment, order, c->inv->now);
			c->settled = true;
		}
	}
}

static void
counters_load(Cancelling *c)
{
	order_add_stocks(c->inv, c->order);
	inventory_load(c->inv);
	block_load_of(c->inv, c->order->claims, c->order->claim_count);
	order_add_buyers(c->inv, NULL, c->order);
	buyer_lock(c->inv->buyers);
}

static void
cancel_write(Cancelling *c)
{
	inventory_write(c->inv);
	order_write(c->event->id, c->order, 1);
	payment_insert(c->event, &c->payment, c->settled ? 1 : 0);
	outbox_write(&c->outbox, c->event->id, c->inv->now);
}

static void
cancel_one(Call *call)
{
	Cancelling	c = {.call = call};

	if (!order_lock(&c))
		return;
	if (c.keys[0].found == KEY_REPLAY)
	{
		order_answer_replays(call, 1, c.keys, c.inv->now, 200);
		return;
	}
	if (!cancel_check(&c) || !tickets_mark(&c))
		return;
	counters_load(&c);
	order_conclude(&c, tickets_cancel(&c));
	cancel_write(&c);
	order_append(reply_start(call, 200), c.order, c.event, c.inv->now, !c.staff);
	c.keys[0].ref_id = c.order->id;
	idempotency_store(call, 1, c.keys, c.inv->now);
}

/*
 * POST /v1/events/{event}/orders/{order}/cancel
 *
 * api.order_cancel(event bigint, "order" bigint, tickets …)
 *
 * No lane: each call of a batch has a lock order of its own, so there is one call a transaction.
 */
void
order_cancel(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			cancel_one(&calls[i]);
	query_finish();
}
