/*
 * reclaim.h
 *		Taking back what has expired.
 */
#ifndef BOXOFFICE_RECLAIM_H
#define BOXOFFICE_RECLAIM_H

#include "inventory.h"

/*
 * Writes what was taken back: claims, and the holds and orders that lost them.  By
 * inventory_write.
 */
extern void reclaim_write(Inventory *inv);

/*
 * Takes back expired claims of these buyers' own holds in the locked groups, so that what they
 * let lapse does not count against their limit.  Before buyer_lock.
 */
extern void reclaim_buyers(Inventory *inv, const char *const *subjects, int count);

/*
 * Takes back what expired at or before a time in the locked groups, at most limit claims; returns
 * how many.
 */
extern int	reclaim_expired(Inventory *inv, TimestampTz until, int limit);

/* Takes back expired claims of this stock row, until so many places are free or none is left. */
extern void reclaim_stock(Inventory *inv, int64 stock_id, int64 lack);

#endif							/* BOXOFFICE_RECLAIM_H */
