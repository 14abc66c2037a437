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

/*
 * Takes back expired claims of the loaded rows whose lack is set, until as many places are free or
 * none is left.  Before buyer_lock.
 */
extern void reclaim_lacking(Inventory *inv);

#endif							/* BOXOFFICE_RECLAIM_H */
