/*
 * order_exchange.h
 *		Tickets that become others: what a call wants, and what goes with it.
 *
 *		exchange_look(x, order)				catalogue and moves, unlocked: they tell the groups
 *		exchange_resolve(x, order)			the moves again, for the order under the locks
 *		exchange_judge(x)					may it be
 *		exchange_price(x)					what each ticket costs then
 */
#ifndef BOXOFFICE_ORDER_EXCHANGE_H
#define BOXOFFICE_ORDER_EXCHANGE_H

#include "offer.h"
#include "order_act.h"

/* What becomes of a ticket that goes with the one it belongs to. */
typedef enum MoveFate
{
	MOVE_STAYS,					/* in the order, as another ticket */
	MOVE_COMES,					/* it is made: a part that the old ticket had not */
	MOVE_GOES					/* it is cancelled: the new one has no such part */
} MoveFate;

/* A ticket that becomes another: one that is named, or that goes with the ticket it belongs to. */
typedef struct Move
{
	MoveFate	fate;			/* of one that is named MOVE_STAYS */
	int			index;			/* in the request; of one that follows that of its parent */
	bool		follows;		/* is not named */
	int			type_ref;		/* -1: the type stays */
	int			session_ref;	/* -1: the session stays, or is that of its parent */
	Ticket	   *ticket;			/* NULL: none of that id; of one that comes a new one */
	const Ticket *parent;		/* whose add-on or part of a bundle it is, NULL: it stands alone */
	int			parent_move;	/* that of the parent, -1: it stays */
	bool		bundled;		/* a part of its parent's bundle */
	int			piece;			/* which of the new bundle's, 0: none; -1: they don't match */
	int			followers;		/* how many follow it, from first_follower on */
	int			first_follower;
	OfferType  *type;			/* NULL: none of that name */
	OfferSession *session;		/* NULL: a pass has none, or none of that name */
	const OfferPlace *place;	/* NULL unless both are there */
	int64		price;
	int64		fee;
} Move;

typedef struct Exchange
{
	OrderAct	act;
	const BoundValue *list;
	Offer	   *offer;
	Move	   *named;			/* as the request has them */
	int			named_count;
	Move	   *moves;			/* these, then those that follow */
	int			count;
	int			coming;			/* of these: for tickets that are made */
	bool		too_many;		/* the order would have more tickets than one may */
	int		   *move_of;		/* of each of the order's tickets its move, -1: none */
	int			old_claims;		/* of the order; new ones come after */
	int			old_fees;
	int			old_tickets;	/* what comes stands after them, once it has its place */
} Exchange;

/* Reads the catalogue for what the call names and what the order has. */
extern void exchange_look(Exchange *x, Order *order);

/* Finds what the moves name, and what goes with them, in the order as it was just read. */
extern void exchange_resolve(Exchange *x, Order *order);

/* Whether the tickets may become what is named; else refuses. */
extern bool exchange_judge(Exchange *x);

/* Sets what each ticket of the exchange costs: what the catalogue says now. */
extern void exchange_price(Exchange *x);

/* The claim of a line of the order. */
extern Claim *exchange_claim(const Order *order, int16 line);

/* What the caller calls a move, with a member of it ("" or "/session"), palloc'd. */
extern char *move_pointer(const Move *move, const char *member);

/* The facts of a refusal and which ticket it is about, where it is one that follows; or NULL. */
extern const char *move_facts(const Move *move, const char *facts);

#endif							/* BOXOFFICE_ORDER_EXCHANGE_H */
