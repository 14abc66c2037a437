/*
 * order_exchange.c
 *		Exchanges tickets of an order for others: of another type, in another session, or both.
 *
 * One decision under the locks of all groups that places come from or go to.  First all old places
 * are given back, in memory, then the new ones are taken: so what the exchange frees it may use,
 * two tickets change places in a full house, and a circle of any length is one exchange.  If one
 * new place can't be had nothing has happened.
 *
 * A ticket keeps its id, its holder and its place in the order; a valid one gets a new code, and
 * the old code opens nothing any more.  What a bundle has and the old ticket had not is a new
 * ticket of the order; what belonged to a bundle and has no place in the new one is cancelled.
 *
 * What is exchanged costs what the catalogue says now.  What the order then lacks is due: a paid
 * order is pending again, as a whole, with the event's payment term; the codes of tickets that were
 * not exchanged are valid again with the payment.  Once one of the order's sessions is over it is
 * too late to pay, so nothing may be lacking then.  What it has too much is owed back.
 *
 * Staff are not held to sale windows, pauses and limits per order; a capacity, a limit per buyer,
 * what a type is sold in and what tickets may be together with count for all (order_moves.c).
 */
#include "postgres.h"

#include "block.h"
#include "buyer.h"
#include "handlers.h"
#include "hold_take.h"
#include "lapsed.h"
#include "order_exchange.h"
#include "query.h"

/* Tells what the buyer will want under his limits of other types, and looks what he let lapse. */
static void
moves_foresee(Exchange *x, const Order *order)
{
	for (int i = 0; i < x->count; i++)
	{
		const Move *move = &x->moves[i];

		if (move->type == NULL || move->ticket == NULL ||
			move->type->id == move->ticket->ticket_type_id)
			continue;
		lapsed_want(x->act.inv, buyer_subject_key(order->hold_subject), move->type->id,
					move->type->buyer_limit, 1);
		lapsed_want(x->act.inv, order->email_key, move->type->id, move->type->buyer_limit, 1);
	}
	if (x->act.inv->lapsed != NULL)
		lapsed_spare(x->act.inv, order->hold_id);
	lapsed_look(x->act.inv);
}

/* Finds order and catalogue, locks the groups of old and new places, and looks again. */
static bool
exchange_lock(Exchange *x, Call *call)
{
	int64		id = call->params[ORDER_EXCHANGE_PARAM_ORDER].as.integer;
	Order	   *order;
	int			found;

	if (!order_act_open(&x->act, call, id, BY_STAFF))
		return false;
	order = order_load(call->event_id, &id, 1, &found);
	order_load_claims(call->event_id, order, found);
	if (found == 0 || order->claim_count == 0)
		inventory_moved("the order is gone");
	exchange_look(x, order);
	for (int i = 0; i < x->count; i++)
		if (x->moves[i].place != NULL && x->moves[i].place->stock_count > 0)
			inventory_add_group(x->act.inv, x->moves[i].place->group_id);
	moves_foresee(x, order);
	if (!order_act_lock(&x->act, 200))
		return false;
	if (offer_is_current(x->offer))
		exchange_resolve(x, x->act.order);
	else
		exchange_look(x, x->act.order);
	return true;
}

/* How many lines the order may still have: each exchange makes new ones. */
static int
lines_left(const Order *order)
{
	int			line = 0;

	for (int i = 0; i < order->claim_count; i++)
		line = Max(line, order->claims[i].line);
	return PG_INT16_MAX - line;
}

/* Whether the order will cost what is expected, and no more than can be counted; else refuses. */
static bool
total_fits(Exchange *x, int64 *total)
{
	const BoundValue *expected = &x->act.call->body.as.members[ORDER_EXCHANGE_BODY_EXPECTED_TOTAL];

	exchange_price(x);
	*total = x->act.order->total;
	for (int i = 0; i < x->count; i++)
	{
		const Move *move = &x->moves[i];

		*total += move->price + move->fee - move->ticket->price - move->ticket->fee;
	}
	if (*total > AMOUNT_MAX || lines_left(x->act.order) < x->count)
		reply_refuse(x->act.call, ERR_AMOUNT_TOO_LARGE, "/tickets", NULL);
	else if (expected->kind == BOUND_INT && expected->as.integer != *total)
		reply_refuse(x->act.call, ERR_PRICE_CHANGED, "/expected_total",
					 psprintf("\"total\":" INT64_FORMAT, *total));
	return !x->act.call->reply.done;
}

/* The event learns the names of old and new types and sessions. */
static void
event_name(Exchange *x)
{
	const Order *order = x->act.order;
	int			max = order->ticket_count + order->claim_count + x->count;
	int64	   *types = palloc_array(int64, max + 1);
	int64	   *sessions = palloc_array(int64, max + 1);
	int			type_count = 0;
	int			session_count = 0;

	for (int i = 0; i < order->ticket_count; i++)
	{
		types[type_count++] = order->tickets[i].ticket_type_id;
		sessions[session_count++] = order->tickets[i].session_id;
	}
	for (int i = 0; i < order->claim_count; i++)
		types[type_count++] = order->claims[i].ticket_type_id;
	for (int i = 0; i < x->count; i++)
	{
		types[type_count++] = x->moves[i].type->id;
		if (x->moves[i].session != NULL)
			sessions[session_count++] = x->moves[i].session->id;
	}
	order_event_name(x->act.event, types, type_count, sessions, session_count);
}

/* What is asked for and what becomes free for it, so that no more than is lacking is taken back. */
static void
moves_want(Exchange *x)
{
	Inventory  *inv = x->act.inv;

	inventory_keep(inv, x->act.order->hold_id);
	for (int i = 0; i < x->count; i++)
	{
		const Move *move = &x->moves[i];
		const Claim *from = move->fate == MOVE_COMES ? NULL
			: exchange_claim(x->act.order, move->ticket->line);

		if (move->fate != MOVE_GOES)
			inventory_want(inv, move->place->stock_ids, move->place->stock_count, 1);
		if (from != NULL && from->block_id == 0)
			inventory_want(inv, from->stock_ids, from->stock_count, -1);
	}
	inventory_reclaim(inv);
}

static void
exchange_load(Exchange *x)
{
	OrderAct   *act = &x->act;
	char	   *subject_key = buyer_subject_key(act->order->hold_subject);

	order_add_stocks(act->inv, act->order);
	for (int i = 0; i < x->count; i++)
		if (x->moves[i].fate != MOVE_GOES)
			inventory_add_stocks(act->inv, x->moves[i].place->stock_ids,
								 x->moves[i].place->stock_count);
	inventory_load(act->inv);
	block_load_of(act->inv, act->order->claims, act->order->claim_count);
	order_add_buyers(act->inv, act->event, act->order);
	for (int i = 0; i < x->count; i++)
	{
		const OfferType *type = x->moves[i].type;

		buyer_add(act->inv->buyers, subject_key, type->id, type->buyer_limit);
		buyer_add(act->inv->buyers, act->order->email_key, type->id, type->buyer_limit);
	}
	moves_want(x);
	lapsed_reclaim(act->inv);
	buyer_lock(act->inv->buyers);
}

/* Room for as many more claims and fees as there are moves. */
static void
order_make_room(Exchange *x)
{
	Order	   *order = x->act.order;
	Claim	   *claims = palloc0_array(Claim, order->claim_count + x->count + 1);
	OrderFee   *fees = palloc0_array(OrderFee, order->fee_count + x->count + 1);

	x->old_claims = order->claim_count;
	x->old_fees = order->fee_count;
	if (order->claim_count > 0)
		memcpy(claims, order->claims, sizeof(Claim) * order->claim_count);
	if (order->fee_count > 0)
		memcpy(fees, order->fees, sizeof(OrderFee) * order->fee_count);
	order->claims = claims;
	order->fees = fees;
}

/* Gives the ticket's place back, if it has one; what goes is cancelled. */
static void
place_give(Exchange *x, const Move *move)
{
	Order	   *order = x->act.order;
	Ticket	   *ticket = move->ticket;

	if (move->fate == MOVE_COMES)
		return;
	order_line_lower(x->act.inv, order, exchange_claim(order, ticket->line), 1);
	order_fee_lower(order, ticket->line, 1);
	if (move->fate != MOVE_GOES)
		return;
	ticket->state = TICKET_CANCELLED;
	ticket->changed = true;
	outbox_add(&x->act.outbox, "ticket.cancelled", ticket->id);
}

/* The new claim of this exchange that the move's place can be counted in, made if there is none. */
static Claim *
claim_for(Exchange *x, const Move *move)
{
	Order	   *order = x->act.order;
	int64		session_id = move->session == NULL ? 0 : move->session->id;
	int16		parent_line = move->parent == NULL ? 0 : move->parent->line;
	Claim	   *claim;
	int16		line = 0;

	for (int i = x->old_claims; i < order->claim_count; i++)
	{
		claim = &order->claims[i];
		if (claim->ticket_type_id == move->type->id && claim->session_id == session_id &&
			claim->unit_price == move->price && claim->parent_line == parent_line &&
			claim->bundled == move->bundled)
			return claim;
	}
	for (int i = 0; i < order->claim_count; i++)
		line = Max(line, order->claims[i].line);
	claim = &order->claims[order->claim_count++];
	claim->owner_id = order->hold_id;
	claim->line = line + 1;
	claim->state = order->status == ORDER_PAID ? CLAIM_SOLD : CLAIM_PENDING;
	claim->group_id = move->place->group_id;
	claim->ticket_type_id = move->type->id;
	claim->session_id = session_id;
	claim->unit_price = move->price;
	claim->unit_fee = move->fee;
	claim->parent_line = parent_line;
	claim->bundled = move->bundled;
	claim->stock_ids = move->place->stock_ids;
	claim->stock_count = move->place->stock_count;
	claim->expires_at = order->status == ORDER_PAID
		? DT_NOEND : order->expires_at + x->act.event->grace_us;
	return claim;
}

/* The fee of a new line goes up by one ticket. */
static void
fee_raise(Exchange *x, const Claim *claim)
{
	Order	   *order = x->act.order;
	OrderFee   *fee = NULL;

	if (claim->unit_fee == 0)
		return;
	for (int i = x->old_fees; i < order->fee_count; i++)
		if (order->fees[i].line == claim->line)
			fee = &order->fees[i];
	if (fee == NULL)
	{
		fee = &order->fees[order->fee_count++];
		fee->order_id = order->id;
		fee->line = claim->line;
		fee->name = order_event_type(x->act.event, claim->ticket_type_id)->name;
		fee->unit_amount = claim->unit_fee;
	}
	fee->quantity++;
}

/* How many tickets of the type were given back to be taken again as such: they come in any case. */
static int
stays_to_come(const Exchange *x, int64 type_id)
{
	int			count = 0;

	for (int i = 0; i < x->count; i++)
		count += x->moves[i].fate == MOVE_STAYS && x->moves[i].type->id == type_id &&
			!x->moves[i].ticket->moved &&
			x->moves[i].ticket->ticket_type_id == type_id;
	return count;
}

/* Whether the buyer with this key may have one more of the type; else refuses. */
static bool
key_allows(Exchange *x, const Move *move, const char *key)
{
	Inventory  *inv = x->act.inv;
	int64		type_id = move->type->id;
	int			wanted = stays_to_come(x, type_id) + 1;
	int			room = buyer_room(inv->buyers, key, type_id);
	const char *pointer = move_pointer(move, "/ticket_type");

	if (key == NULL || room >= wanted)
		return true;
	if (lapsed_covers(inv, key, type_id, wanted - room))
		reply_refuse(x->act.call, ERR_RECLAIMING, pointer, NULL);
	else
		reply_refuse(x->act.call, ERR_BUYER_LIMIT, pointer,
					 move_facts(move, psprintf("\"max\":%d,\"available\":0",
											   move->type->buyer_limit)));
	return false;
}

/* Whether the order's buyer may have one more of the type; else refuses. */
static bool
buyer_allows(Exchange *x, const Move *move)
{
	const Order *order = x->act.order;

	return move->type->id == move->ticket->ticket_type_id ||
		(key_allows(x, move, buyer_subject_key(order->hold_subject)) &&
		 key_allows(x, move, order->email_key));
}

/* Why the place can't be had: still being taken back, held by others who may let go, or sold. */
static ErrorCode
place_shortage(Exchange *x, const OfferPlace *place)
{
	bool		held = false;
	bool		reclaiming = false;

	for (int i = 0; i < place->stock_count; i++)
	{
		const Stock *stock = inventory_stock(x->act.inv, place->stock_ids[i]);

		if (stock_free(stock) > 0)
			continue;
		if (stock_free(stock) + stock->count[CLAIM_HELD] + stock->count[CLAIM_PENDING] <= 0)
			return ERR_SOLD_OUT;
		held = true;
		reclaiming |= stock->more_expired;
	}
	if (reclaiming)
		return ERR_RECLAIMING;
	return held ? ERR_ALL_HELD : ERR_SOLD_OUT;
}

/* Takes the new place, and writes it on the ticket; or refuses. */
static bool
place_take(Exchange *x, const Move *move)
{
	Ticket	   *ticket = move->ticket;
	Claim	   *claim;

	if (!buyer_allows(x, move))
		return false;
	claim = claim_for(x, move);
	if (!inventory_take(x->act.inv, claim->stock_ids, claim->stock_count, 1, claim->state))
	{
		reply_refuse(x->act.call, place_shortage(x, move->place), move_pointer(move, ""),
					 move_facts(move, psprintf("\"available\":0%s",
											   hold_shortage(x->act.inv, x->offer, move->type,
															 move->place))));
		return false;
	}
	claim->quantity++;
	fee_raise(x, claim);
	order_take_buyers(x->act.inv, x->act.order, claim, 1);
	ticket->line = claim->line;
	ticket->ticket_type_id = claim->ticket_type_id;
	ticket->session_id = claim->session_id;
	ticket->price = claim->unit_price;
	ticket->fee = claim->unit_fee;
	ticket->moved = ticket->changed = true;
	ticket->code[0] = '\0';
	if (ticket->state == TICKET_VALID)
		ticket->state = TICKET_RESERVED;
	outbox_add(&x->act.outbox, "ticket.changed", ticket->id);
	return true;
}

/* Whether there is time to pay what the order lacks now, if it lacks anything; else refuses. */
static bool
payment_is_in_time(Exchange *x)
{
	const OrderAct *act = &x->act;

	if (act->order->paid >= order_price(act->order, act->event) ||
		act->inv->now < order_last(act->order, act->event))
		return true;
	reply_refuse_detail(act->call, ERR_ORDER_STATE, "", NULL, "It is too late to pay for it.");
	return false;
}

/* Tickets that stand alone first: what belongs to them names their lines. */
static bool
places_take(Exchange *x)
{
	for (int alone = 1; alone >= 0; alone--)
		for (int i = 0; i < x->count; i++)
			if ((x->moves[i].parent == NULL) == alone && x->moves[i].fate != MOVE_GOES &&
				!place_take(x, &x->moves[i]))
				return false;
	return true;
}

/* What comes is the order's, after what it had: its ids are newer. */
static void
order_add_coming(Exchange *x)
{
	Order	   *order = x->act.order;
	Ticket	   *tickets = palloc_array(Ticket, order->ticket_count + x->coming + 1);

	x->old_tickets = order->ticket_count;
	if (order->ticket_count > 0)
		memcpy(tickets, order->tickets, sizeof(Ticket) * order->ticket_count);
	for (int i = 0; i < x->count; i++)
		if (x->moves[i].fate == MOVE_COMES)
			tickets[order->ticket_count++] = *x->moves[i].ticket;
	order->tickets = tickets;
}

/* All old places for all new ones, and the new total, or none. */
static bool
places_swap(Exchange *x, int64 total)
{
	InventoryMark *mark = inventory_mark(x->act.inv);

	for (int i = 0; i < x->count; i++)
		place_give(x, &x->moves[i]);
	if (places_take(x))
	{
		order_add_coming(x);
		x->act.order->total = total;
		if (payment_is_in_time(x))
			return true;
	}
	inventory_return(x->act.inv, mark);
	inventory_write(x->act.inv);	/* what was taken back from others stays so */
	return false;
}

/* What the order is now that it costs another amount. */
static void
order_conclude(Exchange *x)
{
	OrderAct   *act = &x->act;
	Order	   *order = act->order;
	TimestampTz last = order_last(order, act->event);

	order->changed = true;
	outbox_add(&act->outbox, "order.changed", order->id);
	if (order->status == ORDER_PAID && order->paid < order_price(order, act->event))
	{
		act->change.reopened = true;
		order_reopen(act->inv, order);
		order_reschedule(order, act->event,
						 deadline_payment(act->inv->now, act->event->term, act->event->zone, last));
	}
	else if (order->status == ORDER_PAID)
		ticket_issue(order->tickets, order->ticket_count);
	else if (order->expires_at > last)
		order_reschedule(order, act->event, last);
	order_act_settle(act);
}

/* Writes what is new; order_act_close writes what has changed. */
static void
exchange_write(Exchange *x)
{
	Order	   *order = x->act.order;
	int64		event_id = x->act.event->id;

	for (int i = x->old_tickets; i < order->ticket_count; i++)
		order->tickets[i].changed = order->tickets[i].moved = false;
	order_insert_tickets(event_id, order->tickets + x->old_tickets,
						 order->ticket_count - x->old_tickets);
	for (int i = x->old_claims; i < order->claim_count; i++)
		order->claims[i].changed = false;
	claim_insert(event_id, order->claims + x->old_claims, order->claim_count - x->old_claims);
	order_insert_fees(event_id, order->fees + x->old_fees, order->fee_count - x->old_fees);
	order_move_tickets(event_id, order);
}

static void
exchange_one(Call *call)
{
	Exchange	x = {.list = &call->body.as.members[ORDER_EXCHANGE_BODY_TICKETS]};
	int64		total;

	if (!exchange_lock(&x, call) || !exchange_judge(&x) || !total_fits(&x, &total))
		return;
	event_name(&x);
	exchange_load(&x);
	order_make_room(&x);
	order_act_record(&x.act, "exchange", NULL);
	if (!places_swap(&x, total))
		return;
	order_conclude(&x);
	exchange_write(&x);
	order_act_close(&x.act, 200);
}

/*
 * POST /v1/events/{event}/orders/{order}/exchange
 *
 * api.order_exchange(event bigint, "order" bigint, tickets jsonb, …)
 */
void
order_exchange(Call *calls, int count)
{
	order_act_each(calls, count, exchange_one);
}
