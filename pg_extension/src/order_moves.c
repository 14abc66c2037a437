/*
 * order_moves.c
 *		What an exchange wants: which tickets become what, what goes with them, and whether it may.
 *
 * Knows the catalogue and the order, and takes nothing.
 *
 * A ticket keeps what belongs to it.  Its add-ons go to its new session, unless they are passes;
 * those that the call names become others as it says.  What they are together must be what the
 * catalogue lets be together wherever a type changes: add-ons of the ticket's type, as few and as
 * many as it must and may have.  A bundle is exchanged as a whole, by its first ticket: for the
 * same in another session, for another, or for what is none; and what is none for a bundle.  Its
 * parts become those of the new one as far as they go: parts that it has not are made, parts too
 * many are cancelled.
 */
#include "postgres.h"

#include "handlers.h"
#include "hold_request.h"
#include "id.h"
#include "order_exchange.h"

char *
move_pointer(const Move *move, const char *member)
{
	return psprintf("/tickets/%d%s", move->index, member);
}

const char *
move_facts(const Move *move, const char *facts)
{
	if (!move->follows)
		return facts;
	if (move->fate == MOVE_COMES)
		return psprintf("\"ticket_type\":\"%s\"%s%s", move->type->key, facts == NULL ? "" : ",",
						facts == NULL ? "" : facts);
	return psprintf("\"ticket\":\"" INT64_FORMAT "\"%s%s", move->ticket->id,
					facts == NULL ? "" : ",", facts == NULL ? "" : facts);
}

Claim *
exchange_claim(const Order *order, int16 line)
{
	for (int i = 0; i < order->claim_count; i++)
		if (order->claims[i].line == line)
			return &order->claims[i];
	elog(ERROR, "a ticket of order " INT64_FORMAT " has no claim", order->id);
}

static bool
ticket_is_bundled(const Order *order, const Ticket *ticket)
{
	return ticket->parent_id != 0 && exchange_claim(order, ticket->line)->bundled;
}

/* Reading. */

static void
move_read(Exchange *x, Move *move, int index)
{
	const BoundValue *item = x->list->as.list.items[index].as.members;
	const BoundValue *type = &item[ORDER_EXCHANGE_TICKET_TICKET_TYPE];
	const BoundValue *session = &item[ORDER_EXCHANGE_TICKET_SESSION];

	memset(move, 0, sizeof(*move));
	move->index = index;
	move->type_ref = move->session_ref = move->parent_move = -1;
	if (type->kind == BOUND_STRING)
		move->type_ref = offer_name_type(x->offer, type->as.string.data, type->as.string.len);
	if (session->kind == BOUND_STRING)
		move->session_ref = offer_name_session(x->offer, session->as.string.data,
											   session->as.string.len);
}

void
exchange_look(Exchange *x, Order *order)
{
	x->offer = offer_load(x->act.call->event_id);
	if (x->offer == NULL)
		inventory_moved("the event is gone");
	x->named_count = x->list->as.list.count;
	x->named = palloc_array(Move, x->named_count + 1);
	offer_sell(x->offer);
	for (int i = 0; i < x->named_count; i++)
		move_read(x, &x->named[i], i);
	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].state != TICKET_CANCELLED)
			offer_add_ids(x->offer, order->tickets[i].ticket_type_id,
						  order->tickets[i].session_id);
	offer_resolve(x->offer);
	exchange_resolve(x, order);
}

/* Resolving. */

static int
move_of(const Exchange *x, const Order *order, const Ticket *ticket)
{
	return x->move_of[ticket - order->tickets];
}

/* An add-on is in the session of its ticket, whichever that is then. */
static OfferSession *
parent_session(const Exchange *x, const Move *move)
{
	if (move->parent_move >= 0)
		return x->moves[move->parent_move].session;
	return offer_session(x->offer, move->parent->session_id);
}

/* Finds session and place of a move whose type is known. */
static void
move_place(Exchange *x, Move *move)
{
	if (move->type == NULL || move->fate == MOVE_GOES)
		return;
	if (move->type->pass)
		move->session = NULL;
	else if (move->parent != NULL)
		move->session = parent_session(x, move);
	else
		move->session = move->session_ref >= 0
			? offer_named_session(x->offer, move->session_ref)
			: offer_session(x->offer, move->ticket->session_id);
	if (move->session != NULL || move->type->pass)
		move->place = offer_place(x->offer, move->type, move->session);
}

/* Finds the tickets that are named, what they belong to, and their types. */
static void
named_find(Exchange *x, Order *order)
{
	for (int i = 0; i < x->count; i++)
	{
		Move	   *move = &x->moves[i];
		const BoundValue *item = x->list->as.list.items[i].as.members;

		move->ticket = order_ticket(order, item[ORDER_EXCHANGE_TICKET_TICKET].as.integer);
		if (move->ticket == NULL)
			continue;
		if (x->move_of[move->ticket - order->tickets] < 0)
			x->move_of[move->ticket - order->tickets] = i;
		if (move->ticket->parent_id != 0)
			move->parent = order_ticket(order, move->ticket->parent_id);
		move->bundled = ticket_is_bundled(order, move->ticket);
		move->type = move->type_ref >= 0
			? offer_named_type(x->offer, move->type_ref)
			: offer_type(x->offer, move->ticket->ticket_type_id);
	}
}

/* Whether a ticket that is not named goes with its parent: all of a bundle, and to its session. */
static bool
ticket_follows(const Move *parent, const Ticket *ticket, bool bundled)
{
	int64		session_id = parent->session == NULL ? 0 : parent->session->id;

	return bundled || (ticket->session_id != 0 && ticket->session_id != session_id);
}

/* Adds the moves of what goes with a ticket. */
static void
followers_add(Exchange *x, Order *order, int parent)
{
	Move	   *of = &x->moves[parent];

	of->first_follower = x->count;
	for (int i = 0; i < order->ticket_count; i++)
	{
		Ticket	   *ticket = &order->tickets[i];
		bool		bundled;

		if (ticket->parent_id != of->ticket->id || ticket->state == TICKET_CANCELLED ||
			x->move_of[i] >= 0)
			continue;
		bundled = ticket_is_bundled(order, ticket);
		if (!ticket_follows(of, ticket, bundled))
			continue;
		x->move_of[i] = x->count;
		x->moves[x->count++] = (Move) {
			.index = of->index,.follows = true,.type_ref = -1,.session_ref = -1,
			.ticket = ticket,.parent = of->ticket,.parent_move = parent,.bundled = bundled,
			.type = offer_type(x->offer, ticket->ticket_type_id)
		};
	}
	of->followers = x->count - of->first_follower;
}

/* The part of a bundle that a follower becomes: one that none became yet; NULL: none is left. */
static Move *
piece_find(Exchange *x, const Move *of, int64 type_id)
{
	for (int i = of->first_follower; i < of->first_follower + of->followers; i++)
		if (x->moves[i].bundled && x->moves[i].piece == 0 &&
			(type_id == 0 || x->moves[i].ticket->ticket_type_id == type_id))
			return &x->moves[i];
	return NULL;
}

/* Adds the ticket that is made for a piece of the bundle that the move's ticket becomes. */
static void
piece_come(Exchange *x, Order *order, int parent, int piece, OfferType *type)
{
	Move	   *of = &x->moves[parent];
	Ticket	   *ticket;

	x->too_many |= order->ticket_count + x->coming >= HOLD_PIECES_MAX;
	if (x->too_many)
		return;
	x->coming++;
	ticket = palloc0_object(Ticket);
	ticket->id = id_next();
	ticket->order_id = order->id;
	ticket->parent_id = of->ticket->id;
	x->moves[x->count++] = (Move) {
		.fate = MOVE_COMES,.index = of->index,.follows = true,.type_ref = -1,.session_ref = -1,
		.ticket = ticket,.parent = of->ticket,.parent_move = parent,.bundled = true,
		.piece = piece,.type = type
	};
	of->followers++;
}

/* Room for the moves that there may be beside those of the order's tickets; moves are moved. */
static Move *
moves_make_room(Exchange *x, const Order *order, int pieces)
{
	size_t		count = (size_t) x->named_count + order->ticket_count + x->coming + pieces + 1;

	if (pieces > 0)
		x->moves = repalloc_array(x->moves, Move, count);
	return x->moves;
}

/* Which part becomes which of the new bundle: those of the same type, then the others in turn. */
static void
pieces_match(Exchange *x, Order *order, int parent)
{
	int			pieces = bundle_pieces(x->moves[parent].type);
	Move	   *of = &moves_make_room(x, order, pieces)[parent];
	BundlePiece *shares = pieces == 0 ? NULL : bundle_share(of->type, 0, pieces);
	bool		same = of->type->id == of->ticket->ticket_type_id;
	bool	   *taken = palloc0_array(bool, pieces + 1);
	Move	   *part;

	for (int k = 1; k < pieces; k++)
	{
		part = piece_find(x, of, shares[k].part->type_id);
		taken[k] = part != NULL;
		if (part != NULL)
			part->piece = k;
	}
	for (int k = 1; k < pieces; k++)
	{
		OfferType  *type = offer_type(x->offer, shares[k].part->type_id);

		part = taken[k] || same ? NULL : piece_find(x, of, 0);
		if (part != NULL)
		{
			part->piece = k;
			part->type = type;
		}
		else if (!taken[k] && same)
			of->piece = -1;
		else if (!taken[k])
			piece_come(x, order, parent, k, type);
	}
	while (of->piece == 0 && (part = piece_find(x, of, 0)) != NULL)
	{
		part->fate = MOVE_GOES;
		part->piece = -1;
		of->piece = same ? -1 : 0;
	}
}

void
exchange_resolve(Exchange *x, Order *order)
{
	x->count = x->named_count;
	x->coming = 0;
	x->too_many = false;
	x->moves = palloc0_array(Move, x->named_count + order->ticket_count + 1);
	memcpy(x->moves, x->named, sizeof(Move) * x->named_count);
	x->move_of = palloc_array(int, order->ticket_count + 1);
	for (int i = 0; i < order->ticket_count; i++)
		x->move_of[i] = -1;
	named_find(x, order);
	for (int i = 0; i < x->named_count; i++)
		if (x->moves[i].parent == NULL)
			move_place(x, &x->moves[i]);
	for (int i = 0; i < x->named_count; i++)
		if (x->moves[i].parent != NULL)
		{
			x->moves[i].parent_move = move_of(x, order, x->moves[i].parent);
			move_place(x, &x->moves[i]);
		}
		else if (x->moves[i].place != NULL && move_of(x, order, x->moves[i].ticket) == i)
		{
			followers_add(x, order, i);
			pieces_match(x, order, i);
		}
	for (int i = x->named_count; i < x->count; i++)
		move_place(x, &x->moves[i]);
}

/* Judging. */

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
	else if (move->bundled)
		reply_refuse_detail(call, ERR_ORDER_STATE, pointer,
							psprintf("\"parent\":\"" INT64_FORMAT "\"", move->parent->id),
							"The ticket is part of a bundle: exchange its parent.");
	for (int i = 0; i < move->index; i++)
		if (x->moves[i].ticket == move->ticket && move->ticket != NULL)
			reply_refuse_detail(call, ERR_INVALID_DOCUMENT, pointer, NULL,
								"The list names this ticket twice.");
	if (move->type_ref < 0 && move->session_ref < 0)
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, move_pointer(move, ""), NULL,
							"Name a ticket type or a session to exchange it for.");
}

static bool
type_changes(const Move *move)
{
	return move->type != NULL && move->type->id != move->ticket->ticket_type_id;
}

/* Whether a ticket that stands alone may be of the type; else refuses. */
static void
judge_type_alone(Exchange *x, const Move *move)
{
	Call	   *call = x->act.call;

	if (!move->type->sold_alone && type_changes(move))
		reply_refuse(call, ERR_NOT_SOLD_ALONE, move_pointer(move, "/ticket_type"), NULL);
	if (move->piece < 0)
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, move_pointer(move, "/ticket_type"), NULL,
							"The bundle is made of other parts by now.");
	if (move->type->pass && move->session_ref >= 0)
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, move_pointer(move, "/session"), NULL,
							"A pass has no session of its own.");
}

/* Whether the type can be had instead; else refuses. */
static void
judge_type(Exchange *x, const Move *move)
{
	const OfferType *type = move->type;

	if ((type->retired && type_changes(move)) || type->pool_count == 0)
		reply_refuse(x->act.call, ERR_NOT_ON_SALE, move_pointer(move, "/ticket_type"),
					 move_facts(move, NULL));
	if (move->parent == NULL)
		judge_type_alone(x, move);
	else if (move->session_ref >= 0 &&
			 offer_named_session(x->offer, move->session_ref) != move->session)
		reply_refuse_detail(x->act.call, ERR_INVALID_DOCUMENT, move_pointer(move, "/session"), NULL,
							"It is in the session of the ticket that it belongs to.");
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
						 move_facts(move, psprintf("\"session\":\"%s\"",
												   offer->sessions[i].key)));
			return;
		}
	if (move->place->too_large)
		reply_refuse_detail(call, ERR_NOT_ON_SALE, pointer, move_facts(move, NULL),
							psprintf("The ticket type takes more than %d places at once.",
									 PLACE_ROWS_MAX));
	else if (move->place->stock_count == 0 && move->type->pool_count > 0)
		reply_refuse(call, ERR_NOT_ON_SALE, pointer, move_facts(move, NULL));
}

/* Whether it can be had in that session; else refuses. */
static void
judge_session(Exchange *x, const Move *move)
{
	Call	   *call = x->act.call;
	char	   *pointer = move_pointer(move, "/session");
	const char *facts = move_facts(move, NULL);

	if (move->type->pass)
		judge_pass(x, move);
	else if (move->session == NULL && move->parent != NULL)
		reply_refuse_detail(call, ERR_TYPE_NOT_IN_SESSION, move_pointer(move, "/ticket_type"),
							facts, "It admits to one session, and its ticket to all.");
	else if (move->session == NULL)
		reply_refuse(call, move->session_ref >= 0 ? ERR_UNKNOWN_REFERENCE : ERR_SESSION_REQUIRED,
					 pointer, NULL);
	else if (move->session->cancelled)
		reply_refuse(call, ERR_EVENT_CANCELLED, pointer, facts);
	else if (move->place->stock_count == 0 && move->type->pool_count > 0)
		reply_refuse(call, ERR_TYPE_NOT_IN_SESSION, pointer, facts);
}

static const OfferPart *
addon_part(const OfferType *type, int64 type_id)
{
	for (int i = 0; i < type->part_count; i++)
		if (type->parts[i].type_id == type_id && !type->parts[i].bundled)
			return &type->parts[i];
	return NULL;
}

/* Refuses for an add-on that does not go with its ticket: for itself if it is named. */
static void
refuse_addon(Exchange *x, const Move *by, const Move *named, const Ticket *addon)
{
	if (named != NULL && !named->follows)
		reply_refuse_detail(x->act.call, ERR_UNKNOWN_REFERENCE,
							move_pointer(named, "/ticket_type"), NULL,
							"It is not an add-on of the ticket's type.");
	else
		reply_refuse_detail(x->act.call, ERR_ORDER_STATE, move_pointer(by, "/ticket_type"),
							psprintf("\"ticket\":\"" INT64_FORMAT "\"", addon->id),
							"It has an add-on that does not go with the type: exchange that too, "
							"or cancel it.");
}

/* How many of the add-on the ticket has then; refuses for those that it may not have. */
static void
addons_count(Exchange *x, const Ticket *parent, const OfferType *type, const Move *by, int *counts)
{
	const Order *order = x->act.order;

	for (int i = 0; i < order->ticket_count; i++)
	{
		const Ticket *ticket = &order->tickets[i];
		const Move *move = x->move_of[i] < 0 ? NULL : &x->moves[x->move_of[i]];
		const OfferPart *part;

		if (ticket->parent_id != parent->id || ticket->state == TICKET_CANCELLED ||
			ticket_is_bundled(order, ticket) || (move != NULL && move->type == NULL))
			continue;
		part = addon_part(type, move != NULL ? move->type->id : ticket->ticket_type_id);
		if (part != NULL)
			counts[part - type->parts]++;
		else
			refuse_addon(x, by, move, ticket);
	}
}

/* Whether a ticket of the type may have the add-ons that it has then; else refuses. */
static void
judge_addons(Exchange *x, const Ticket *parent, const OfferType *type, const Move *by)
{
	int		   *counts = palloc0_array(int, type->part_count + 1);

	addons_count(x, parent, type, by, counts);
	for (int i = 0; i < type->part_count; i++)
	{
		const OfferPart *part = &type->parts[i];
		const char *key = offer_type(x->offer, part->type_id)->key;

		if (part->bundled)
			continue;
		if (counts[i] < part->min)
			reply_refuse(x->act.call, ERR_ADDON_REQUIRED, move_pointer(by, "/ticket_type"),
						 psprintf("\"ticket_type\":\"%s\",\"min\":%d", key, part->min));
		if (part->max > 0 && counts[i] > part->max)
			reply_refuse(x->act.call, ERR_ADDON_LIMIT, move_pointer(by, "/ticket_type"),
						 psprintf("\"ticket_type\":\"%s\",\"max\":%d", key, part->max));
	}
	pfree(counts);
}

/* Judges what is together where this move changes it, unless an earlier one was judged for that. */
static void
judge_together(Exchange *x, const Move *move)
{
	const Ticket *of = move->parent == NULL ? move->ticket : move->parent;
	const Move *parent = move->parent == NULL ? move
		: move->parent_move < 0 ? NULL : &x->moves[move->parent_move];
	const OfferType *type = parent != NULL ? parent->type
		: offer_type(x->offer, of->ticket_type_id);

	if (!type_changes(move) || type == NULL || (parent != move && parent != NULL &&
												type_changes(parent)))
		return;
	for (int i = 0; i < move->index; i++)
		if (move->parent != NULL && x->moves[i].parent == move->parent &&
			type_changes(&x->moves[i]))
			return;
	judge_addons(x, of, type, move);
}

static void
judge_move(Exchange *x, const Move *move)
{
	if (!move->follows)
		judge_ticket(x, move);
	if (move->ticket == NULL || move->ticket->state == TICKET_CANCELLED ||
		move->fate == MOVE_GOES)
		return;
	if (move->type == NULL && move->type_ref < 0)
		inventory_moved("a ticket has another type");
	if (move->type == NULL)
	{
		reply_refuse(x->act.call, ERR_UNKNOWN_REFERENCE, move_pointer(move, "/ticket_type"), NULL);
		return;
	}
	judge_type(x, move);
	judge_session(x, move);
	if (!move->follows && !move->bundled)
		judge_together(x, move);
}

bool
exchange_judge(Exchange *x)
{
	OrderStatus status = order_status_now(x->act.order, x->act.event, x->act.inv->now);

	if (status != ORDER_PENDING && status != ORDER_PAID)
		order_act_refuse_state(&x->act);
	if (x->act.event->cancelled)
		reply_refuse(x->act.call, ERR_EVENT_CANCELLED, "", NULL);
	for (int i = 0; i < x->count; i++)
		judge_move(x, &x->moves[i]);
	if (x->too_many)
		reply_refuse(x->act.call, ERR_MAX_PER_ORDER, "/tickets",
					 psprintf("\"max\":%d", HOLD_PIECES_MAX));
	return !x->act.call->reply.done;
}

/* Prices. */

/* What a named price is now, not less than what was given for it. */
static int64
price_now(const Exchange *x, const Move *move, int64 given)
{
	int64		price = offer_price(x->offer, move->type, move->session);

	return move->type->free_price ? Max(price, given) : price;
}

/* What was given for a ticket, as a bundle with all of its parts. */
static int64
price_given(const Exchange *x, const Move *move)
{
	int64		given = move->ticket->price;

	for (int i = 0; i < move->followers; i++)
		if (x->moves[move->first_follower + i].bundled)
			given += x->moves[move->first_follower + i].ticket->price;
	return given;
}

/* A bundle's price falls to its pieces. */
static void
bundle_price(Exchange *x, Move *move, int pieces)
{
	int64		price = price_now(x, move, price_given(x, move));
	BundlePiece *shares = bundle_share(move->type, price, pieces);

	move->price = shares[0].price;
	for (int i = 0; i < move->followers; i++)
	{
		Move	   *part = &x->moves[move->first_follower + i];

		if (part->bundled && part->fate != MOVE_GOES)
			part->price = shares[part->piece].price;
	}
}

void
exchange_price(Exchange *x)
{
	for (int i = 0; i < x->count; i++)
	{
		Move	   *move = &x->moves[i];
		int			pieces = move->parent == NULL ? bundle_pieces(move->type) : 0;

		if (move->bundled)
			continue;
		move->fee = move->type->fee;
		if (pieces > 0)
			bundle_price(x, move, pieces);
		else
			move->price = price_now(x, move, price_given(x, move));
	}
}
