/*
 * order_split.c
 *		Splits an order: some of its tickets become an order of their own.
 *
 * Nothing is taken and nothing given back: the claims of the tickets that go are parted from those
 * that stay, under a hold that was ordered the moment it was made.  The new order has a code and a
 * secret of its own, and its tickets have new codes, so that who had the old ones can't use them.
 * Add-ons and the parts of a bundle go with their ticket.
 *
 * Money goes along as far as the old order does not need it: two payments of kind offset, one the
 * negative of the other, never more than the new order costs.  So a paid order becomes two paid
 * ones, and what was paid too much stays where it is.
 */
#include "postgres.h"

#include "buyer.h"
#include "email.h"
#include "handlers.h"
#include "id.h"
#include "lapsed.h"
#include "order_act.h"
#include "order_make.h"
#include "query.h"

typedef struct Split
{
	OrderAct	act;
	const BoundValue *list;		/* of the wanted tickets */
	const BoundValue *contact;	/* its members, NULL: that of the old order */
	Hold		hold;			/* of the new order */
	Order		made;
	char		email_key[BUYER_KEY_LEN + 1];
	Payment		payments[3];
	int			payment_count;
} Split;

/* With a ticket go its add-ons and its bundle, cancelled ones too; none goes without its ticket. */
static void
mark_children(Order *order)
{
	for (int i = 0; i < order->ticket_count; i++)
	{
		Ticket	   *ticket = &order->tickets[i];

		if (ticket->parent_id != 0 && order_ticket(order, ticket->parent_id)->moved)
			ticket->moved = true;
	}
}

/* Marks the tickets that go; else refuses. */
static bool
tickets_mark(Split *split)
{
	Call	   *call = split->act.call;
	Order	   *order = split->act.order;
	int			left = 0;

	for (int i = 0; i < split->list->as.list.count; i++)
	{
		Ticket	   *ticket = order_ticket(order, split->list->as.list.items[i].as.integer);
		char	   *pointer = psprintf("/tickets/%d", i);

		if (ticket == NULL)
			reply_refuse(call, ERR_UNKNOWN_REFERENCE, pointer, NULL);
		else if (ticket->state == TICKET_CANCELLED)
			reply_refuse(call, ERR_ORDER_STATE, pointer, "\"state\":\"cancelled\"");
		else if (ticket->parent_id != 0)
			reply_refuse_detail(call, ERR_ORDER_STATE, pointer, NULL,
								"The ticket belongs to another, with which it goes.");
		else if (ticket->moved)
			reply_refuse_detail(call, ERR_INVALID_DOCUMENT, pointer, NULL,
								"The list names this ticket twice.");
		else
			ticket->moved = true;
	}
	if (call->reply.done)
		return false;
	mark_children(order);
	for (int i = 0; i < order->ticket_count; i++)
		left += !order->tickets[i].moved && order->tickets[i].state != TICKET_CANCELLED;
	if (left == 0)
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, "/tickets", NULL,
							"An order keeps at least one ticket.");
	return left > 0;
}

static bool
split_check(Split *split)
{
	OrderStatus status = order_status_now(split->act.order, split->act.event, split->act.inv->now);

	if (status == ORDER_APPROVAL || status == ORDER_PENDING || status == ORDER_PAID)
		return tickets_mark(split);
	order_act_refuse_state(&split->act);
	return false;
}

/* Who has the new order: its own contact, or that of the old one. */
static void
buyer_set(Split *split)
{
	const Order *order = split->act.order;
	Order	   *made = &split->made;

	made->hold_subject = order->hold_subject;
	if (split->contact == NULL)
	{
		made->subject = order->subject;
		made->email_key = order->email_key;
		made->contact = order->contact;
		return;
	}
	made->contact = (Contact) {
		.name = bound_text(&split->contact[ORDER_SPLIT_CONTACT_NAME]),
		.email = bound_text(&split->contact[ORDER_SPLIT_CONTACT_EMAIL]),
		.phone = bound_text(&split->contact[ORDER_SPLIT_CONTACT_PHONE]),
		.locale = bound_text(&split->contact[ORDER_SPLIT_CONTACT_LOCALE]),
	};
	made->email_key = split->email_key;
}

/* The new order and its hold, without anything in them yet. */
static void
order_start(Split *split)
{
	const Order *order = split->act.order;
	TimestampTz now = split->act.inv->now;
	Order	   *made = &split->made;

	split->hold = (Hold) {
		.id = id_next(),
		.status = HOLD_ORDERED,
		.created_at = now,
		.expires_at = now,
		.extend_until = now,
		.channel = order->channel,
		.subject = order->hold_subject,
	};
	made->id = id_next();
	made->hold_id = split->hold.id;
	made->status = order->status;
	made->test = order->test;
	made->channel = order->channel;
	made->placed_at = order->placed_at;
	made->expires_at = order->expires_at;
	made->paid_at = order->paid_at;
	made->cancelled_at = DT_NOEND;
	made->tickets = palloc_array(Ticket, order->ticket_count + 1);
	made->fees = palloc_array(OrderFee, order->fee_count + 1);
	made->claims = palloc_array(Claim, order->claim_count + 1);
	buyer_set(split);
}

/* Moves the marked tickets over; their codes are no longer good. */
static void
tickets_part(Split *split)
{
	Order	   *order = split->act.order;
	Order	   *made = &split->made;
	int			kept = 0;

	for (int i = 0; i < order->ticket_count; i++)
	{
		Ticket		ticket = order->tickets[i];

		if (!ticket.moved)
		{
			order->tickets[kept++] = ticket;
			continue;
		}
		ticket.order_id = made->id;
		ticket.code[0] = '\0';
		ticket.changed = ticket.state != TICKET_CANCELLED;
		if (ticket.state == TICKET_VALID)
			ticket.state = TICKET_RESERVED;
		if (ticket.state != TICKET_CANCELLED)
			made->total += ticket.price + ticket.fee;
		made->tickets[made->ticket_count++] = ticket;
		outbox_add(&split->act.outbox, "ticket.changed", ticket.id);
	}
	order->ticket_count = kept;
	order->total -= made->total;
	order->changed = true;
	if (made->status == ORDER_PAID)
		ticket_issue(made->tickets, made->ticket_count);
}

/* Parts the claim of a line, and its fee, between those that stay and those that go. */
static void
line_part(Split *split, Claim *claim, int quantity)
{
	Order	   *order = split->act.order;
	Order	   *made = &split->made;
	Claim	   *gone = &made->claims[made->claim_count++];

	*gone = *claim;
	gone->owner_id = split->hold.id;
	gone->quantity = quantity;
	gone->changed = false;
	if (quantity == 0)			/* its tickets were cancelled before */
		gone->state = CLAIM_RELEASED;
	else if (quantity == claim->quantity)
		claim->state = CLAIM_RELEASED;
	else
		claim->quantity -= quantity;
	claim->changed = quantity > 0;
	if (quantity == 0)
		return;
	order_fee_lower(order, claim->line, quantity);
	for (int i = 0; i < order->fee_count; i++)
		if (order->fees[i].line == claim->line)
		{
			OrderFee   *fee = &made->fees[made->fee_count++];

			*fee = order->fees[i];
			fee->order_id = made->id;
			fee->quantity = quantity;
			fee->changed = false;
		}
}

static void
claims_part(Split *split)
{
	Order	   *order = split->act.order;

	for (int i = 0; i < order->claim_count; i++)
	{
		int			quantity = 0;
		bool		any = false;

		for (int j = 0; j < split->made.ticket_count; j++)
		{
			const Ticket *ticket = &split->made.tickets[j];

			if (ticket->line != order->claims[i].line)
				continue;
			any = true;
			quantity += ticket->state != TICKET_CANCELLED;
		}
		if (any)
			line_part(split, &order->claims[i], quantity);
	}
}

/* Whether the new order counts to another buyer. */
static bool
buyer_is_other(const Split *split)
{
	const char *old = split->act.order->email_key;

	return split->contact != NULL && (old == NULL || strcmp(old, split->email_key) != 0);
}

/* The tickets that go count to the new address; false, and refused, if it has no room for them. */
static bool
buyer_pass_on(Split *split)
{
	return !buyer_is_other(split) ||
		order_pass_on(split->act.call, split->act.inv, split->act.event, split->made.claims,
					  split->made.claim_count, split->act.order->email_key, split->email_key,
					  "/contact/email");
}

/* The key of the new order's buyer, and what he let lapse where he is another: before the lock. */
static void
buyer_find(Split *split)
{
	OrderAct   *act = &split->act;
	char		normal[EMAIL_LENGTH_MAX + 1];

	if (split->contact == NULL)
		return;
	email_normalise(bound_text(&split->contact[ORDER_SPLIT_CONTACT_EMAIL]), normal);
	secret_buyer_key(act->call->event_id, normal, split->email_key);
	if (buyer_is_other(split))
		order_foresee_pass_on(act->inv, act->event, act->order, split->email_key);
}

/* Locks the counters that the split changes, if there are any, and loads the stock. */
static void
split_load(Split *split)
{
	OrderAct   *act = &split->act;

	order_add_stocks(act->inv, act->order);
	inventory_load(act->inv);
	if (buyer_is_other(split))
		order_add_pass_on(act->inv, act->event, act->order->claims, act->order->claim_count,
						  act->order->email_key, split->email_key);
	lapsed_reclaim(act->inv);
	buyer_lock(act->inv->buyers);
}

static Payment *
offset_make(Split *split, const Order *order, int64 amount, const char *outcome)
{
	Payment    *payment = &split->payments[split->payment_count++];

	*payment = (Payment) {
		.id = id_next(),
		.order_id = order->id,
		.kind = "offset",
		.amount = amount,
		.outcome = outcome,
		.recorded_by = split->act.call->actor.subject,
		.recorded_at = split->act.inv->now,
	};
	outbox_add(&split->act.outbox, "payment.recorded", payment->id);
	return payment;
}

/* Moves the money that the old order does not need, and settles both. */
static void
money_part(Split *split)
{
	OrderAct   *act = &split->act;
	Order	   *order = act->order;
	Order	   *made = &split->made;
	int64		price = order_price(made, act->event);
	int64		amount = Min(Max(order->paid - order_price(order, act->event), 0), price);
	Payment    *arrived = NULL;

	if (amount > 0)
	{
		(void) offset_make(split, order, -amount, "moved");
		arrived = offset_make(split, made, amount,
							  made->status == ORDER_APPROVAL ? "approval" : "partial");
		order->paid -= amount;
		made->paid = amount;
	}
	order_act_settle(act);
	if (made->status == ORDER_PENDING && made->paid >= price &&
		!order_is_called_off(made, act->event))
		order_complete(act->inv, made, &act->outbox);
	if (made->status != ORDER_PAID)
		return;
	if (arrived != NULL)
		arrived->outcome = "paid";
	else
		payment_make_free(&split->payments[split->payment_count++], made, act->inv->now);
}

/* The new order's rows; its tickets have theirs. */
static void
made_write(Split *split)
{
	int64		event_id = split->act.event->id;
	const Hold *hold = &split->hold;
	Order		row = split->made;

	hold_insert(event_id, &hold, 1);
	row.ticket_count = 0;
	order_insert(split->act.event, &row, 1);
	strlcpy(split->made.code, row.code, sizeof(row.code));
	for (int i = 0; i < split->made.claim_count; i++)
		split->made.claims[i].changed = false;
	claim_insert(event_id, split->made.claims, split->made.claim_count);
	split->made.changed = false;
	order_move_tickets(event_id, &split->made);
	order_write(event_id, &split->made, 1);
}

static void
split_write(Split *split)
{
	OrderAct   *act = &split->act;
	OrderChange made = act->change;

	act->change.other_id = split->made.id;
	made.order_id = split->made.id;
	made.other_id = act->order->id;
	made.total_before = 0;
	made.total_after = split->made.total;
	outbox_add(&act->outbox, "order.changed", act->order->id);
	outbox_add(&act->outbox, "order.changed", split->made.id);
	order_act_write(act);
	made_write(split);
	payment_insert(act->event, split->payments, split->payment_count);
	order_change_insert(act->event->id, &made, 1, act->inv->now);
}

static void
split_answer(Call *call, const Order *order, const Order *made, const OrderEvent *event,
			 TimestampTz now)
{
	StringInfo	out = reply_start(call, 201);

	appendStringInfoString(out, "{\"order\":");
	order_append(out, order, event, now, false);
	appendStringInfoString(out, ",\"split\":");
	order_append(out, made, event, now, true);
	appendStringInfoChar(out, '}');
}

/* Answers as before, with both orders as they are now. */
static void
split_replay(OrderAct *act)
{
	int64		ids[2] = {act->order_id, act->key->ref_id};
	int			count;
	Order	   *orders = order_load(act->event->id, ids, ids_sort_unique(ids, 2), &count);
	Order	   *order = order_find_id(orders, count, act->order_id);
	Order	   *made = order_find_id(orders, count, act->key->ref_id);

	if (order == NULL || made == NULL)
	{
		reply_refuse(act->call, ERR_NOT_FOUND, "", NULL);
		return;
	}
	order_event_name_orders(act->event, orders, count);
	split_answer(act->call, order, made, act->event, act->inv->now);
	act->call->reply.replayed = true;
}

static void
split_one(Call *call)
{
	const BoundValue *contact = &call->body.as.members[ORDER_SPLIT_BODY_CONTACT];
	Split		split = {.list = &call->body.as.members[ORDER_SPLIT_BODY_TICKETS]};
	OrderAct   *act = &split.act;

	split.contact = contact->kind == BOUND_OBJECT ? contact->as.members : NULL;
	if (!order_act_open(act, call, call->params[ORDER_SPLIT_PARAM_ORDER].as.integer, BY_STAFF))
		return;
	buyer_find(&split);
	if (!order_act_lock(act, 0))
		return;
	if (act->key->found == KEY_REPLAY)
	{
		split_replay(act);
		return;
	}
	if (!split_check(&split))
		return;
	order_act_record(act, "split", NULL);
	order_start(&split);
	split_load(&split);
	tickets_part(&split);
	claims_part(&split);
	if (!buyer_pass_on(&split))
	{
		inventory_write(act->inv);	/* what was taken back stays so */
		return;
	}
	money_part(&split);
	split_write(&split);
	split_answer(call, act->order, &split.made, act->event, act->inv->now);
	act->key->ref_id = split.made.id;
	idempotency_store(call, 1, act->key, act->inv->now);
}

/*
 * POST /v1/events/{event}/orders/{order}/split
 *
 * api.order_split(event bigint, "order" bigint, tickets bigint[], …)
 */
void
order_split(Call *calls, int count)
{
	order_act_each(calls, count, split_one);
}
