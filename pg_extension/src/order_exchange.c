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
 * the old code opens nothing any more.  It costs what the catalogue says now.  What the order then
 * lacks is due: a paid order is pending again, as a whole, with the event's payment term; the codes
 * of tickets that were not exchanged are valid again with the payment.  Once one of the order's
 * sessions is over it is too late to pay, so nothing may be lacking then.  What it has too much is
 * owed back.
 *
 * Staff are not held to sale windows, pauses and limits per order; a capacity, a limit per buyer
 * and what a type is sold in count for all.  A ticket that belongs to another or has others stays:
 * what it may be together with is more than one exchange can judge.
 */
#include "postgres.h"

#include "block.h"
#include "buyer.h"
#include "handlers.h"
#include "offer.h"
#include "order_act.h"
#include "query.h"

typedef struct Move
{
	int			index;			/* in the request */
	int			type_ref;		/* -1: the type stays */
	int			session_ref;	/* -1: the session stays */
	Ticket	   *ticket;			/* NULL: there is none of that id */
	OfferType  *type;			/* NULL: none of that name */
	OfferSession *session;		/* NULL: a pass has none, or none of that name */
	const OfferPlace *place;	/* NULL unless both are there */
	int64		price;
} Move;

typedef struct Exchange
{
	OrderAct	act;
	const BoundValue *list;
	Offer	   *offer;
	Move	   *moves;
	int			count;
	int			old_claims;		/* of the order; new ones come after */
	int			old_fees;
} Exchange;

static char *
move_pointer(const Move *move, const char *member)
{
	return psprintf("/tickets/%d%s", move->index, member);
}

static Ticket *
ticket_of(Order *order, int64 id)
{
	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].id == id)
			return &order->tickets[i];
	return NULL;
}

/* Finds what the moves name, given the order's tickets as they were just read. */
static void
moves_resolve(Exchange *x, Order *order)
{
	for (int i = 0; i < x->count; i++)
	{
		Move	   *move = &x->moves[i];
		const BoundValue *item = x->list->as.list.items[i].as.members;

		move->ticket = ticket_of(order, item[ORDER_EXCHANGE_TICKET_TICKET].as.integer);
		move->type = NULL;
		move->session = NULL;
		move->place = NULL;
		if (move->ticket == NULL)
			continue;
		move->type = move->type_ref >= 0
			? offer_named_type(x->offer, move->type_ref)
			: offer_type(x->offer, move->ticket->ticket_type_id);
		if (move->type == NULL)
			continue;
		if (!move->type->pass)
			move->session = move->session_ref >= 0
				? offer_named_session(x->offer, move->session_ref)
				: offer_session(x->offer, move->ticket->session_id);
		if (move->session != NULL || move->type->pass)
			move->place = offer_place(x->offer, move->type, move->session);
	}
}

/* Notes in the offer what a move names, and what its ticket has. */
static void
move_read(Exchange *x, Move *move, int index, Order *order)
{
	const BoundValue *item = x->list->as.list.items[index].as.members;
	const BoundValue *type = &item[ORDER_EXCHANGE_TICKET_TICKET_TYPE];
	const BoundValue *session = &item[ORDER_EXCHANGE_TICKET_SESSION];
	const Ticket *ticket = ticket_of(order, item[ORDER_EXCHANGE_TICKET_TICKET].as.integer);

	move->index = index;
	move->type_ref = move->session_ref = -1;
	if (type->kind == BOUND_STRING)
		move->type_ref = offer_name_type(x->offer, type->as.string.data, type->as.string.len);
	if (session->kind == BOUND_STRING)
		move->session_ref = offer_name_session(x->offer, session->as.string.data,
											   session->as.string.len);
	if (ticket != NULL)
		offer_add_ids(x->offer, ticket->ticket_type_id, ticket->session_id);
}

/* Reads the catalogue for what the call names. */
static void
exchange_look(Exchange *x, Order *order)
{
	x->offer = offer_load(x->act.call->event_id);
	if (x->offer == NULL)
		inventory_moved("the event is gone");
	for (int i = 0; i < x->count; i++)
		move_read(x, &x->moves[i], i, order);
	offer_resolve(x->offer);
	moves_resolve(x, order);
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
	if (found == 0)
		inventory_moved("the order is gone");
	exchange_look(x, order);
	for (int i = 0; i < x->count; i++)
		if (x->moves[i].place != NULL && x->moves[i].place->stock_count > 0)
			inventory_add_group(x->act.inv, x->moves[i].place->group_id);
	if (!order_act_lock(&x->act, 200))
		return false;
	if (offer_is_current(x->offer))
		moves_resolve(x, x->act.order);
	else
		exchange_look(x, x->act.order);
	return true;
}

/* Whether the ticket belongs to another, or a live one belongs to it. */
static bool
ticket_is_tied(const Order *order, const Ticket *ticket)
{
	if (ticket->parent_id != 0)
		return true;
	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].parent_id == ticket->id &&
			order->tickets[i].state != TICKET_CANCELLED)
			return true;
	return false;
}

static bool
type_is_bundle(const OfferType *type)
{
	for (int i = 0; i < type->part_count; i++)
		if (type->parts[i].bundled)
			return true;
	return false;
}

/* Whether the ticket can be given back for another; else refuses. */
static void
judge_ticket(Exchange *x, const Move *move)
{
	Call	   *call = x->act.call;
	char	   *pointer = move_pointer(move, "/ticket");

	if (move->ticket == NULL)
		reply_refuse(call, ERR_UNKNOWN_REFERENCE, pointer, NULL);
	else if (move->ticket->state == TICKET_CANCELLED)
		reply_refuse(call, ERR_ORDER_STATE, pointer, "\"state\":\"cancelled\"");
	else if (ticket_is_tied(x->act.order, move->ticket))
		reply_refuse_detail(call, ERR_ORDER_STATE, pointer, NULL,
							"The ticket belongs to another, or another to it.");
	for (int i = 0; i < move->index; i++)
		if (x->moves[i].ticket == move->ticket && move->ticket != NULL)
			reply_refuse_detail(call, ERR_INVALID_DOCUMENT, pointer, NULL,
								"The list names this ticket twice.");
	if (move->type_ref < 0 && move->session_ref < 0)
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, move_pointer(move, ""), NULL,
							"Name a ticket type or a session to exchange it for.");
}

/* Whether the type can be had instead; else refuses. */
static void
judge_type(Exchange *x, const Move *move)
{
	Call	   *call = x->act.call;
	char	   *pointer = move_pointer(move, "/ticket_type");
	const OfferType *type = move->type;
	bool		other = type->id != move->ticket->ticket_type_id;

	if ((type->retired && other) || type->pool_count == 0)
		reply_refuse(call, ERR_NOT_ON_SALE, pointer, NULL);
	if (!type->sold_alone || type_is_bundle(type))
		reply_refuse(call, ERR_NOT_SOLD_ALONE, pointer, NULL);
	if (type->pass && move->session_ref >= 0)
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, move_pointer(move, "/session"), NULL,
							"A pass has no session of its own.");
}

/* Whether the pass can be had: as a sale would, only while it admits to all of its sessions. */
static void
judge_pass(Exchange *x, const Move *move)
{
	Call	   *call = x->act.call;
	char	   *pointer = move_pointer(move, "/ticket_type");
	const Offer *offer = x->offer;

	for (int i = offer_pass_session(offer, move->type, -1); i >= 0;
		 i = offer_pass_session(offer, move->type, i))
		if (offer->sessions[i].cancelled)
		{
			reply_refuse(call, ERR_EVENT_CANCELLED, pointer,
						 psprintf("\"session\":\"%s\"", offer->sessions[i].key));
			return;
		}
	if (move->place->too_large)
		reply_refuse_detail(call, ERR_NOT_ON_SALE, pointer, NULL,
							psprintf("The ticket type takes more than %d places at once.",
									 PLACE_ROWS_MAX));
	else if (move->place->stock_count == 0 && move->type->pool_count > 0)
		reply_refuse(call, ERR_NOT_ON_SALE, pointer, NULL);
}

/* Whether it can be had in that session; else refuses. */
static void
judge_session(Exchange *x, const Move *move)
{
	Call	   *call = x->act.call;
	char	   *pointer = move_pointer(move, "/session");

	if (move->type->pass)
		judge_pass(x, move);
	else if (move->session == NULL)
		reply_refuse(call, move->session_ref >= 0 ? ERR_UNKNOWN_REFERENCE : ERR_SESSION_REQUIRED,
					 pointer, NULL);
	else if (move->session->cancelled)
		reply_refuse(call, ERR_EVENT_CANCELLED, pointer, NULL);
	else if (move->place->stock_count == 0 && move->type->pool_count > 0)
		reply_refuse(call, ERR_TYPE_NOT_IN_SESSION, pointer, NULL);
}

static bool
moves_judge(Exchange *x)
{
	OrderStatus status = order_status_now(x->act.order, x->act.event, x->act.inv->now);

	if (status != ORDER_PENDING && status != ORDER_PAID)
		order_act_refuse_state(&x->act);
	if (x->act.event->cancelled)
		reply_refuse(x->act.call, ERR_EVENT_CANCELLED, "", NULL);
	for (int i = 0; i < x->count; i++)
	{
		const Move *move = &x->moves[i];

		judge_ticket(x, move);
		if (move->ticket == NULL)
			continue;
		if (move->type != NULL)
		{
			judge_type(x, move);
			judge_session(x, move);
		}
		else if (move->type_ref >= 0)
			reply_refuse(x->act.call, ERR_UNKNOWN_REFERENCE, move_pointer(move, "/ticket_type"),
						 NULL);
		else
			inventory_moved("a ticket has another type");
	}
	return !x->act.call->reply.done;
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

	*total = x->act.order->total;
	for (int i = 0; i < x->count; i++)
	{
		Move	   *move = &x->moves[i];

		move->price = offer_price(x->offer, move->type, move->session);
		if (move->type->free_price)
			move->price = Max(move->price, move->ticket->price);
		*total += move->price + move->type->fee - move->ticket->price - move->ticket->fee;
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

static Claim *
claim_of(const Order *order, int16 line)
{
	for (int i = 0; i < order->claim_count; i++)
		if (order->claims[i].line == line)
			return &order->claims[i];
	elog(ERROR, "a ticket of order " INT64_FORMAT " has no claim", order->id);
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
		const Claim *from = claim_of(x->act.order, move->ticket->line);

		inventory_want(inv, move->place->stock_ids, move->place->stock_count, 1);
		if (from->block_id == 0)
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

/* Gives the ticket's place back. */
static void
place_give(Exchange *x, const Move *move)
{
	Order	   *order = x->act.order;

	order_line_lower(x->act.inv, order, claim_of(order, move->ticket->line), 1);
	order_fee_lower(order, move->ticket->line, 1);
}

/* The new claim of this exchange that the move's place can be counted in, made if there is none. */
static Claim *
claim_for(Exchange *x, const Move *move)
{
	Order	   *order = x->act.order;
	int64		session_id = move->session == NULL ? 0 : move->session->id;
	Claim	   *claim;
	int16		line = 0;

	for (int i = x->old_claims; i < order->claim_count; i++)
		if (order->claims[i].ticket_type_id == move->type->id &&
			order->claims[i].session_id == session_id && order->claims[i].unit_price == move->price)
			return &order->claims[i];
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
	claim->unit_fee = move->type->fee;
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

/* Whether the order's buyer may have one more of the type; else refuses. */
static bool
buyer_allows(Exchange *x, const Move *move)
{
	Buyers	   *buyers = x->act.inv->buyers;
	const Order *order = x->act.order;
	char	   *subject_key = buyer_subject_key(order->hold_subject);
	int64		type_id = move->type->id;

	if (type_id == move->ticket->ticket_type_id ||
		((subject_key == NULL || buyer_room(buyers, subject_key, type_id) > 0) &&
		 (order->email_key == NULL || buyer_room(buyers, order->email_key, type_id) > 0)))
		return true;
	reply_refuse(x->act.call, ERR_BUYER_LIMIT, move_pointer(move, "/ticket_type"),
				 psprintf("\"max\":%d,\"available\":0", move->type->buyer_limit));
	return false;
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
					 "\"available\":0");
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

static bool
places_take(Exchange *x)
{
	for (int i = 0; i < x->count; i++)
		if (!place_take(x, &x->moves[i]))
			return false;
	return true;
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

	x.count = x.list->as.list.count;
	x.moves = palloc0_array(Move, x.count + 1);
	if (!exchange_lock(&x, call) || !moves_judge(&x) || !total_fits(&x, &total))
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
