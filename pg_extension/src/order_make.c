/*
 * order_make.c
 *		An order made of a hold, in memory: its deadline, its tickets and fees, its places.
 *
 * What a buyer's order (order_create.c) and a sale by staff (sale.c) have in common.  The hold's
 * claims stay what they are, only their state changes, so the places are kept throughout.
 */
#include "postgres.h"

#include "common/int.h"

#include "buyer.h"
#include "id.h"
#include "lapsed.h"
#include "order_make.h"
#include "query.h"

#define APPROVAL_MAX_US (INT64CONST(366) * USECS_PER_DAY)	/* that an order waits for it */

void
order_event_name_holds(OrderEvent *event, const Hold *holds, int count)
{
	int64	   *type_ids;
	int64	   *session_ids;
	int			n = 0;

	for (int i = 0; i < count; i++)
		n += holds[i].claim_count;
	type_ids = palloc_array(int64, n + 1);
	session_ids = palloc_array(int64, n + 1);
	n = 0;
	for (int i = 0; i < count; i++)
		for (int j = 0; j < holds[i].claim_count; j++, n++)
		{
			type_ids[n] = holds[i].claims[j].ticket_type_id;
			session_ids[n] = holds[i].claims[j].session_id;
		}
	order_event_name(event, type_ids, n, session_ids, n);
}

/* Names a counter of the buyer's; where nothing is limited nothing is counted. */
static void
buyer_name(Inventory *inv, const char *key, int64 type_id, int limit)
{
	if (limit > 0)
		buyer_add(inv->buyers, key, type_id, limit);
}

void
order_add_limits(Inventory *inv, const OrderEvent *event, const Hold *hold, const char *key)
{
	buyer_name(inv, key, 0, event->buyer_limit);
	for (int i = 0; i < hold->claim_count; i++)
	{
		int64		type_id = hold->claims[i].ticket_type_id;

		buyer_name(inv, key, type_id, order_event_type(event, type_id)->buyer_limit);
	}
}

/* How many of a type the hold has; of type 0: in all, without add-ons. */
static int
hold_quantity(const Hold *hold, int64 type_id)
{
	int			quantity = 0;

	for (int i = 0; i < hold->claim_count; i++)
		if (hold->claims[i].state == CLAIM_HELD &&
			(type_id == 0 ? hold->claims[i].parent_line == 0
			 : hold->claims[i].ticket_type_id == type_id))
			quantity += hold->claims[i].quantity;
	return quantity;
}

/* One limit: the event's own for type 0. */
static bool
limit_allows(Call *call, Inventory *inv, const Hold *hold, const char *key, int64 type_id,
			 int limit, const char *pointer)
{
	int			wanted = hold_quantity(hold, type_id);

	if (limit == 0 || wanted <= buyer_room(inv->buyers, key, type_id))
		return true;
	lapsed_refuse(call, inv, key, type_id, wanted, limit, pointer);
	return false;
}

bool
order_limits_allow(Call *call, Inventory *inv, const OrderEvent *event, const Hold *hold,
				   const char *key, const char *pointer)
{
	if (!limit_allows(call, inv, hold, key, 0, event->buyer_limit, pointer))
		return false;
	for (int i = 0; i < hold->claim_count; i++)
	{
		int64		type_id = hold->claims[i].ticket_type_id;

		if (hold->claims[i].state == CLAIM_HELD &&
			!limit_allows(call, inv, hold, key, type_id,
						  order_event_type(event, type_id)->buyer_limit, pointer))
			return false;
	}
	return true;
}

/* How many of these claims count for a type, or for the event's own limit, type 0. */
static int64
claims_quantity(const Claim *claims, int count, int64 type_id)
{
	int64		quantity = 0;

	for (int i = 0; i < count; i++)
		if (claims[i].state < CLAIM_COUNTED &&
			(type_id == 0 ? claims[i].parent_line == 0 : claims[i].ticket_type_id == type_id))
			quantity += claims[i].quantity;
	return quantity;
}

void
order_foresee_pass_on(Inventory *inv, OrderEvent *event, const Order *order, const char *to)
{
	const Claim *claims = order->claims;
	int			count = order->claim_count;

	if (to == NULL)
		return;
	order_event_name_orders(event, order, 1);
	lapsed_want(inv, to, 0, event->buyer_limit,
				Min(claims_quantity(claims, count, 0), event->buyer_limit));
	for (int i = 0; i < count; i++)
	{
		int64		type_id = claims[i].ticket_type_id;
		int			limit = order_event_type(event, type_id)->buyer_limit;
		bool		first = true;

		for (int j = 0; j < i; j++)
			first &= claims[j].ticket_type_id != type_id;
		if (first)
			lapsed_want(inv, to, type_id, limit,
						Min(claims_quantity(claims, count, type_id), limit));
	}
	if (inv->lapsed != NULL)
		lapsed_spare(inv, order->hold_id);
	lapsed_look(inv);
}

void
order_add_pass_on(Inventory *inv, const OrderEvent *event, const Claim *claims, int count,
				  const char *from, const char *to)
{
	buyer_add(inv->buyers, from, 0, 0);
	buyer_add(inv->buyers, to, 0, event->buyer_limit);
	for (int i = 0; i < count; i++)
	{
		int64		type_id = claims[i].ticket_type_id;

		buyer_add(inv->buyers, from, type_id, 0);
		buyer_add(inv->buyers, to, type_id, order_event_type(event, type_id)->buyer_limit);
	}
}

bool
order_pass_on(Call *call, Inventory *inv, const OrderEvent *event, const Claim *claims, int count,
			  const char *from, const char *to, const char *pointer)
{
	Hold		held = {.claims = palloc_array(Claim, count + 1)};

	for (int i = 0; i < count; i++)
	{
		Claim	   *claim = &held.claims[held.claim_count];

		if (claims[i].state >= CLAIM_COUNTED)
			continue;
		*claim = claims[i];
		claim->state = CLAIM_HELD;	/* as one that the buyer would order now */
		held.claim_count++;
	}
	if (!order_limits_allow(call, inv, event, &held, to, pointer))
		return false;
	for (int i = 0; i < held.claim_count; i++)
	{
		claim_count_buyer(inv, from, &held.claims[i], -held.claims[i].quantity);
		claim_count_buyer(inv, to, &held.claims[i], held.claims[i].quantity);
	}
	return true;
}

bool
order_hold_is_called_off(const Hold *hold, const OrderEvent *event)
{
	for (int i = 0; i < hold->claim_count; i++)
		if (hold->claims[i].state == CLAIM_HELD &&
			order_event_session(event, hold->claims[i].session_id)->cancelled)
			return true;
	return event->cancelled;
}

bool
order_sum(const Hold *hold, int64 *total, int *tickets)
{
	*total = 0;
	*tickets = 0;
	for (int i = 0; i < hold->claim_count; i++)
	{
		const Claim *claim = &hold->claims[i];
		int64		amount;

		if (claim->state != CLAIM_HELD)
			continue;
		if (pg_mul_s64_overflow(claim->unit_price + claim->unit_fee, claim->quantity, &amount) ||
			pg_add_s64_overflow(*total, amount, total) || *total > AMOUNT_MAX)
			return false;
		*tickets += claim->quantity;
	}
	return true;
}

/* When the first of these claims' sessions to end is over. */
static TimestampTz
claims_last(const OrderEvent *event, const Claim *claims, int count)
{
	TimestampTz last = DT_NOEND;

	for (int i = 0; i < count; i++)
		if (claims[i].state == CLAIM_HELD)
			last = Min(last, order_event_session(event, claims[i].session_id)->last);
	return last;
}

void
order_make(Order *order, const OrderEvent *event, const Hold *hold, TimestampTz now, int64 total,
		   int tickets)
{
	memset(order, 0, sizeof(*order));
	order->id = id_next_many(1 + tickets);
	order->hold_id = hold->id;
	order->status = ORDER_PENDING;
	order->total = total;
	order->test = event->test;
	order->channel = hold->channel;
	order->hold_subject = hold->subject;
	order->placed_at = now;
	order->expires_at = deadline_payment(now, event->term, event->zone,
										 claims_last(event, hold->claims, hold->claim_count));
	order->paid_at = DT_NOEND;
	order->cancelled_at = DT_NOEND;
	order->tickets = palloc_array(Ticket, tickets + 1);
	order->fees = palloc_array(OrderFee, hold->claim_count + 1);
	order->claims = hold->claims;
	order->claim_count = hold->claim_count;
}

void
order_await_approval(Order *order, const OrderEvent *event)
{
	bool		waits = event->approval;

	for (int i = 0; i < order->claim_count; i++)
		if (order->claims[i].state == CLAIM_HELD)
			waits |= order_event_type(event, order->claims[i].ticket_type_id)->approval;
	if (!waits)
		return;
	order->status = ORDER_APPROVAL;
	order->expires_at = Max(order->placed_at,
							Min(claims_last(event, order->claims, order->claim_count),
								order->placed_at + APPROVAL_MAX_US));
}

/* The first ticket of a line, NULL if none was made yet. */
static const Ticket *
tickets_of_line(const Order *order, int16 line)
{
	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].line == line)
			return &order->tickets[i];
	return NULL;
}

/* Of the claim with this line: how many pieces it has. */
static int
line_quantity(const Order *order, int16 line)
{
	for (int i = 0; i < order->claim_count; i++)
		if (order->claims[i].line == line)
			return order->claims[i].quantity;
	return 0;
}

/*
 * Makes a ticket for each place of a claim.  Of add-ons each ticket of the parent's line, which has
 * its tickets already, gets as many.
 */
static void
tickets_make(Order *order, const Claim *claim, int64 first_id)
{
	const Ticket *parents = NULL;
	int			each = 1;

	if (claim->parent_line != 0)
	{
		parents = tickets_of_line(order, claim->parent_line);
		if (parents == NULL)
			elog(ERROR, "add-ons have lost the tickets that they belong to");
		each = claim->quantity / line_quantity(order, claim->parent_line);
	}
	for (int i = 0; i < claim->quantity; i++)
	{
		Ticket	   *ticket = &order->tickets[order->ticket_count++];

		memset(ticket, 0, sizeof(*ticket));
		ticket->id = first_id + i;
		ticket->order_id = order->id;
		ticket->line = claim->line;
		ticket->ticket_type_id = claim->ticket_type_id;
		ticket->session_id = claim->session_id;
		ticket->price = claim->unit_price;
		ticket->fee = claim->unit_fee;
		ticket->parent_id = parents != NULL ? parents[i / each].id : 0;
		ticket->state = TICKET_RESERVED;
	}
}

static void
fee_make(const OrderEvent *event, Order *order, const Claim *claim)
{
	OrderFee   *fee;

	if (claim->unit_fee == 0)
		return;
	fee = &order->fees[order->fee_count++];
	memset(fee, 0, sizeof(*fee));
	fee->order_id = order->id;
	fee->line = claim->line;
	fee->name = order_event_type(event, claim->ticket_type_id)->name;
	fee->quantity = claim->quantity;
	fee->unit_amount = claim->unit_fee;
}

/* Takes the places of the lines that stand alone, or of those that belong to one. */
static void
lines_take_places(Inventory *inv, const OrderEvent *event, Order *order, bool alone)
{
	for (int i = 0; i < order->claim_count; i++)
	{
		Claim	   *claim = &order->claims[i];

		if (claim->state != CLAIM_HELD || (claim->parent_line == 0) != alone)
			continue;
		tickets_make(order, claim, order->id + 1 + order->ticket_count);
		fee_make(event, order, claim);
		inventory_move(inv, claim->stock_ids, claim->stock_count, claim->quantity,
					   CLAIM_HELD, CLAIM_PENDING);
		claim->state = CLAIM_PENDING;
		claim->expires_at = order->expires_at + event->grace_us;
		claim->changed = true;
		claim_count_buyer(inv, order->email_key, claim, claim->quantity);
	}
}

void
order_take_places(Inventory *inv, const OrderEvent *event, Order *order)
{
	lines_take_places(inv, event, order, true);
	lines_take_places(inv, event, order, false);
}
