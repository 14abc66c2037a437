/*
 * order_settle.c
 *		What completing an order, and counting its buyer, means to all who do it.
 */
#include "postgres.h"

#include "buyer.h"
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
