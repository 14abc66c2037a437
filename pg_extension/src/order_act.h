/*
 * order_act.h
 *		One call about one order, from finding it to the answer; for all that isn't done in batches.
 *
 *		if (!order_act_open(&act, call, id, by))		who may; looks without locks
 *			return;
 *		inventory_add_group(act.inv, …)				where it may take other places
 *		if (!order_act_lock(&act, 200))				the groups, the key, the order as it stands now
 *			return;										refused, or answered as before
 *		check; order_act_load(&act, limits); decide in memory
 *		order_act_settle(&act);						where the order may be covered now
 *		order_act_close(&act, 200);					writes and answers
 */
#ifndef BOXOFFICE_ORDER_ACT_H
#define BOXOFFICE_ORDER_ACT_H

#include "order.h"
#include "order_change.h"
#include "payment.h"

typedef enum OrderActBy
{
	BY_BUYER,					/* or the organizer's people */
	BY_STAFF
} OrderActBy;

typedef struct OrderAct
{
	Call	   *call;
	int64		order_id;
	Inventory  *inv;
	IdempotencyKey *key;
	OrderEvent *event;
	Order	   *order;
	bool		staff;			/* the caller writes for the organizer */
	Outbox		outbox;
	Payment		payment;		/* of what costs nothing more */
	bool		settled;		/* there is one */
	OrderChange change;			/* to be recorded, kind NULL: nothing */
} OrderAct;

/* Finds the order, if the caller may do this to it; else refuses and returns false. */
extern bool order_act_open(OrderAct *act, Call *call, int64 order_id, OrderActBy by);

/*
 * Locks the groups and reads the order again, with its claims.  False if the call is answered: its
 * key was used before.  With status 0 the caller answers that itself.
 */
extern bool order_act_lock(OrderAct *act, int status);

/* Refuses with the order's status. */
extern void order_act_refuse_state(OrderAct *act);

/*
 * Loads stock, blocks and buyers' counters of the order's claims.  With limits it may take more:
 * what it lost is wanted again, and its own claims are not taken back meanwhile.
 */
extern void order_act_load(OrderAct *act, bool limits);

/* Starts the record of what is done. */
extern void order_act_record(OrderAct *act, const char *kind, const char *reason);

/* A pending order that its payments cover is paid. */
extern void order_act_settle(OrderAct *act);

/* Writes all that has changed of the order, without an answer. */
extern void order_act_write(OrderAct *act);

/* Writes, answers with the order, and stores the key. */
extern void order_act_close(OrderAct *act, int status);

/* Runs an operation that has one call a transaction. */
extern void order_act_each(Call *calls, int count, void (*one) (Call *call));

/* order_cancel.c: cancels what is left of the order, in memory. */
extern void order_act_cancel(OrderAct *act);

#endif							/* BOXOFFICE_ORDER_ACT_H */
