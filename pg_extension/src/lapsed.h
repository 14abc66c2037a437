/*
 * lapsed.h
 *		What a buyer let lapse does not count against his limit.
 *
 *		lapsed_want(inv, …)				before inventory_lock: what the limits will be asked for
 *		lapsed_look(inv)				adds the groups of what whoever is short let lapse
 *		inventory_lock(inv); …
 *		lapsed_reclaim(inv)				before buyer_lock
 *		lapsed_refuse(…)				where the limit still refuses
 */
#ifndef BOXOFFICE_LAPSED_H
#define BOXOFFICE_LAPSED_H

#include "call.h"
#include "inventory.h"

/*
 * The buyer with this key will want so many more under a limit (of type 0: the event's own).
 * Nobody, no limit and nothing wanted are fine.
 */
extern void lapsed_want(Inventory *inv, const char *key, int64 ticket_type_id, int limit,
						int64 quantity);

/* The same for who is known to have so many. */
extern void lapsed_want_beside(Inventory *inv, const char *key, int64 ticket_type_id, int limit,
							   int64 quantity, int taken);

/* The hold, or that of the order, at which the batch works: not to be taken back for it. */
extern void lapsed_spare(Inventory *inv, int64 hold_id);

/* Looks without locks who would be short, and what these let lapse; adds its groups. */
extern void lapsed_look(Inventory *inv);

/* Takes back what was found, as far as it is still so: under the locks, before buyer_lock. */
extern void lapsed_reclaim(Inventory *inv);

/*
 * Whether what lapsed of the buyer's, and was not taken back, is as much as he lacks: then he is
 * to come again.  After buyer_lock.
 */
extern bool lapsed_covers(Inventory *inv, const char *key, int64 ticket_type_id, int64 lacking);

/*
 * Refuses so many more than there is room for: for now (ERR_RECLAIMING) where what lapsed is as
 * much as is lacking, else for good.
 */
extern void lapsed_refuse(Call *call, Inventory *inv, const char *key, int64 ticket_type_id,
						  int64 wanted, int limit, const char *pointer);

#endif							/* BOXOFFICE_LAPSED_H */
