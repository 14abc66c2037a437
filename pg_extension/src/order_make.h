/*
 * order_make.h
 *		An order made of a hold, in memory; for all who sell.
 *
 *		order_add_limits(…)				before buyer_lock
 *		order_sum(hold, …)				what it will cost
 *		order_make(order, …); then what only the caller knows: who buys
 *		order_take_places(inv, event, order)
 *		order_insert, order_write_claims
 */
#ifndef BOXOFFICE_ORDER_MAKE_H
#define BOXOFFICE_ORDER_MAKE_H

#include "hold.h"
#include "order.h"

/* Reads the types and sessions that these holds name into the event. */
extern void order_event_name_holds(OrderEvent *event, const Hold *holds, int count);

/* Names the limited counters of the buyer with this key (order.email_key) for buyer_lock. */
extern void order_add_limits(Inventory *inv, const OrderEvent *event, const Hold *hold,
							 const char *key);

/* Whether the buyer may have the hold's tickets; else refuses with what is left. */
extern bool order_limits_allow(Call *call, Inventory *inv, const OrderEvent *event,
							   const Hold *hold, const char *key, const char *pointer);

/*
 * Tells what a buyer (NULL: nobody) will want under his limits to whom the order's claims may pass,
 * all of them or some, and looks what he let lapse.  Before inventory_lock.
 */
extern void order_foresee_pass_on(Inventory *inv, OrderEvent *event, const Order *order,
								  const char *to);

/*
 * Names the counters of these claims' buyer, and of another to whom they may pass, for buyer_lock.
 * The keys are those of e-mail addresses; the old one may be NULL.
 */
extern void order_add_pass_on(Inventory *inv, const OrderEvent *event, const Claim *claims,
							  int count, const char *from, const char *to);

/* Counts live claims to another buyer; false, and refused, if they have no room for them. */
extern bool order_pass_on(Call *call, Inventory *inv, const OrderEvent *event, const Claim *claims,
						  int count, const char *from, const char *to, const char *pointer);

/* Whether the event, or a session that the hold has places in, is cancelled. */
extern bool order_hold_is_called_off(const Hold *hold, const OrderEvent *event);

/* What the hold costs, and its tickets; false if that is more than can be counted. */
extern bool order_sum(const Hold *hold, int64 *total, int *tickets);

/*
 * Makes the pending order of a hold at this time, without tickets and fees yet.  Buyer and contact
 * are the caller's to set: order->subject, email_key, contact.
 */
extern void order_make(Order *order, const OrderEvent *event, const Hold *hold, TimestampTz now,
					   int64 total, int tickets);

/*
 * Where the event or a type says so, the order waits for the organizer's approval, at the latest
 * until the first of its sessions is over: so long it keeps its places.  After order_make.
 */
extern void order_await_approval(Order *order, const OrderEvent *event);

/* The hold's places wait for the payment now: pending claims, a ticket a piece, fees. */
extern void order_take_places(Inventory *inv, const OrderEvent *event, Order *order);

#endif							/* BOXOFFICE_ORDER_MAKE_H */
