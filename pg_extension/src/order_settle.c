/*
 * order_settle.c
 *		What it means to complete an order, to count its buyer, and to claim again what it lost.
 */
#include "postgres.h"

#include "block.h"
#include "buyer.h"
#include "lapsed.h"
#include "order.h"

/*
 * Makes a pending order, or one whose claims were just taken again, paid: its claims sold, its
 * tickets valid.  In memory; order_write writes it.
 */
void
order_complete(Inventory *inv, Order *order, Outbox *outbox)
{
	for (int i = 0; i < order->claim_count; i++)
	{
		Claim	   *claim = &order->claims[i];

		if (claim->state != CLAIM_PENDING)
			continue;
		inventory_move(inv, claim->stock_ids, claim->stock_count, claim->quantity,
					   CLAIM_PENDING, CLAIM_SOLD);
		claim->state = CLAIM_SOLD;
		claim->expires_at = DT_NOEND;
		claim->changed = true;
	}
	ticket_issue(order->tickets, order->ticket_count);
	order->status = ORDER_PAID;
	order->paid_at = inv->now;
	order->changed = true;
	outbox_add(outbox, "order.paid", order->id);
}

/* Names the counters of one buyer key that the order counts under. */
static void
add_buyer(Inventory *inv, const OrderEvent *event, const Order *order, const char *key)
{
	if (key == NULL)
		return;
	buyer_add(inv->buyers, key, 0, event == NULL ? 0 : event->buyer_limit);
	for (int i = 0; i < order->claim_count; i++)
	{
		int64		type_id = order->claims[i].ticket_type_id;

		buyer_add(inv->buyers, key, type_id,
				  event == NULL ? 0 : order_event_type(event, type_id)->buyer_limit);
	}
}

/*
 * Names the counters that the order counts under, for buyer_lock; without an event only to give
 * back.
 */
void
order_add_buyers(Inventory *inv, const OrderEvent *event, const Order *order)
{
	add_buyer(inv, event, order, buyer_subject_key(order->hold_subject));
	add_buyer(inv, event, order, order->email_key);
}

/* Counts so many more pieces of the claim (fewer, if negative) to the order's buyer. */
void
order_take_buyers(Inventory *inv, const Order *order, const Claim *claim, int quantity)
{
	claim_count_buyer(inv, buyer_subject_key(order->hold_subject), claim, quantity);
	claim_count_buyer(inv, order->email_key, claim, quantity);
}

/* Whether places of the order were taken back. */
bool
order_lacks_places(const Order *order)
{
	for (int i = 0; i < order->claim_count; i++)
		if (order->claims[i].state == CLAIM_EXPIRED)
			return true;
	return false;
}

/*
 * How many of a type the order lost and is to have again, of type 0 all that are no add-ons;
 * without an event, what was called off too.
 */
static int
order_lost(const Order *order, const OrderEvent *event, int64 type_id)
{
	int			quantity = 0;

	for (int i = 0; i < order->claim_count; i++)
	{
		const Claim *claim = &order->claims[i];

		if (claim->state == CLAIM_EXPIRED &&
			(event == NULL || order_line_comes_back(order, event, claim)) &&
			(type_id == 0 ? claim->parent_line == 0 : claim->ticket_type_id == type_id))
			quantity += claim->quantity;
	}
	return quantity;
}

/* Why the buyer may not have so many of a type back under the limits that go for him now. */
static ErrorCode
lost_refused(Inventory *inv, const Order *order, const OrderEvent *event, const char *key,
			 int64 type_id)
{
	int			lost = order_lost(order, event, type_id);
	int			room = buyer_room(inv->buyers, key, type_id);

	if (lost <= room)
		return ERR_NONE;
	return lapsed_covers(inv, key, type_id, lost - room) ? ERR_RECLAIMING : ERR_BUYER_LIMIT;
}

/*
 * Why the order's buyer may not have the places that it is to have again under the limits of now:
 * for good, or as long as what he let lapse himself is not taken back; or that he may.
 */
ErrorCode
order_limits_refuse_again(Inventory *inv, const Order *order, const OrderEvent *event)
{
	const char *keys[2] = {buyer_subject_key(order->hold_subject), order->email_key};
	ErrorCode	why = ERR_NONE;

	for (int k = 0; k < 2; k++)
		for (int i = -1; keys[k] != NULL && i < order->claim_count; i++)
		{
			ErrorCode	refused = lost_refused(inv, order, event, keys[k],
											   i < 0 ? 0 : order->claims[i].ticket_type_id);

			if (refused == ERR_BUYER_LIMIT)
				return refused;
			why = refused == ERR_NONE ? why : refused;
		}
	return why;
}

/* Tells what a buyer will want to have again of a type under this limit. */
static void
foresee_type(Inventory *inv, const Order *order, const char *key, int64 type_id, int limit)
{
	lapsed_want(inv, key, type_id, limit, Min(order_lost(order, NULL, type_id), limit));
}

/*
 * Tells what the order's buyer will want under his limits to have again what it lost, if it lost
 * any.  Before inventory_lock; lapsed_look is the caller's.
 */
void
order_foresee_again(Inventory *inv, OrderEvent *event, const Order *order)
{
	const char *keys[2] = {buyer_subject_key(order->hold_subject), order->email_key};

	if (!order_lacks_places(order))
		return;
	order_event_name_orders(event, order, 1);
	for (int k = 0; k < 2; k++)
	{
		foresee_type(inv, order, keys[k], 0, event->buyer_limit);
		for (int i = 0; i < order->claim_count; i++)
		{
			int64		type_id = order->claims[i].ticket_type_id;
			bool		first = true;

			for (int j = 0; j < i; j++)
				first &= order->claims[j].ticket_type_id != type_id;
			if (first)
				foresee_type(inv, order, keys[k], type_id,
							 order_event_type(event, type_id)->buyer_limit);
		}
	}
}

/* The block's claim that a lapsed one would have its places of; NULL if there is none any more. */
static Claim *
claim_home(Inventory *inv, const Claim *claim)
{
	return claim->block_id == 0 ? NULL
		: block_find(inv, claim->block_id, claim->stock_ids, claim->stock_count);
}

/*
 * What the order lost, it wants again: of the block that it came from, and where that has too few,
 * of what is on sale.  The blocks are loaded; before inventory_reclaim.
 */
void
order_want_again(Inventory *inv, const Order *order, const OrderEvent *event)
{
	for (int i = 0; i < order->claim_count; i++)
	{
		const Claim *claim = &order->claims[i];
		Claim	   *kept;

		if (!order_line_comes_back(order, event, claim))
			continue;
		inventory_want(inv, claim->stock_ids, claim->stock_count, claim->quantity);
		kept = claim_home(inv, claim);
		if (kept != NULL)
			block_want(kept, claim->quantity);
	}
}

/*
 * Whether more was expired of what the order wants again than could be taken back at once: then it
 * can't be said that its places are gone.
 */
bool
order_places_lapse(Inventory *inv, const Order *order, const OrderEvent *event)
{
	for (int i = 0; i < order->claim_count; i++)
	{
		const Claim *claim = &order->claims[i];
		const Claim *kept;

		if (!order_line_comes_back(order, event, claim))
			continue;
		for (int j = 0; j < claim->stock_count; j++)
			if (inventory_stock(inv, claim->stock_ids[j])->more_expired)
				return true;
		kept = claim_home(inv, claim);
		if (kept != NULL && kept->more_expired)
			return true;
	}
	return false;
}

/*
 * Takes the places of a lapsed claim again: those of the block that they came from if it still
 * stands and has them, else what is on sale, and then the claim has nothing to do with the block
 * any more.
 */
static bool
claim_again(Inventory *inv, Claim *claim)
{
	Claim	   *kept = claim_home(inv, claim);

	if (kept != NULL &&
		block_take(inv, kept, claim->stock_ids, claim->stock_count, claim->quantity))
		inventory_move(inv, claim->stock_ids, claim->stock_count, claim->quantity, CLAIM_HELD,
					   CLAIM_PENDING);
	else if (inventory_take(inv, claim->stock_ids, claim->stock_count, claim->quantity,
							CLAIM_PENDING))
		claim_leave_block(claim);
	else
		return false;
	claim->state = CLAIM_PENDING;
	claim->changed = true;
	return true;
}

/*
 * Claims all places again that the order lost, or none; not those that were called off.  The blocks
 * they came from are loaded.
 */
bool
order_claim_again(Inventory *inv, Order *order, const OrderEvent *event)
{
	size_t		size = sizeof(Claim) * order->claim_count;
	InventoryMark *mark = inventory_mark(inv);
	Claim	   *before = memcpy(palloc(size + 1), order->claims, size);

	for (int i = 0; i < order->claim_count; i++)
	{
		Claim	   *claim = &order->claims[i];

		if (!order_line_comes_back(order, event, claim))
			continue;
		if (!claim_again(inv, claim))
		{
			inventory_return(inv, mark);
			memcpy(order->claims, before, size);
			return false;
		}
		order_take_buyers(inv, order, claim, claim->quantity);
	}
	return true;
}

/* Gives back so many places of a line, and the buyer's numbers, if they still count. */
void
order_line_lower(Inventory *inv, const Order *order, Claim *claim, int quantity)
{
	if (claim->state == CLAIM_PENDING || claim->state == CLAIM_SOLD)
	{
		order_take_buyers(inv, order, claim, -quantity);
		if (quantity == claim->quantity)
			claim_end(inv, claim, CLAIM_RELEASED);
		else
			claim_lower(inv, claim, quantity);
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

void
order_fee_lower(Order *order, int16 line, int quantity)
{
	for (int i = 0; i < order->fee_count; i++)
		if (order->fees[i].line == line)
		{
			order->fees[i].quantity -= quantity;
			order->fees[i].changed = true;
		}
}

/*
 * Makes a paid order pending again: its places wait for a payment, and its tickets let nobody in
 * until then.  They keep their codes.
 */
void
order_reopen(Inventory *inv, Order *order)
{
	for (int i = 0; i < order->claim_count; i++)
	{
		Claim	   *claim = &order->claims[i];

		if (claim->state != CLAIM_SOLD)
			continue;
		inventory_move(inv, claim->stock_ids, claim->stock_count, claim->quantity,
					   CLAIM_SOLD, CLAIM_PENDING);
		claim->state = CLAIM_PENDING;
		claim->changed = true;
	}
	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].state == TICKET_VALID)
		{
			order->tickets[i].state = TICKET_RESERVED;
			order->tickets[i].changed = true;
		}
	order->status = ORDER_PENDING;
	order->changed = true;
}

/* Until then the order can be paid: what it has taken is kept as long, and the grace. */
void
order_reschedule(Order *order, const OrderEvent *event, TimestampTz until)
{
	order->expires_at = until;
	order->rescheduled = order->changed = true;
	for (int i = 0; i < order->claim_count; i++)
	{
		Claim	   *claim = &order->claims[i];

		if (claim->state != CLAIM_PENDING)
			continue;
		claim->expires_at = until + event->grace_us;
		claim->changed = true;
	}
}
