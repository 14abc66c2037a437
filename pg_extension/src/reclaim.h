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
 * Takes back what expired of these holds, orders' holds or blocks in the locked groups, as far as
 * this transaction may take back more.  Before buyer_lock.
 */
extern void reclaim_owned(Inventory *inv, const int64 *owner_ids, int n);

/*
 * Whether this transaction must leave the claim alone: it took it back already, or is working on
 * its hold.
 */
extern bool reclaim_is_ours(const Inventory *inv, int64 owner_id, int line);

/*
 * Takes back what expired at or before a time in the locked groups, at most limit claims; returns
 * how many.
 */
extern int	reclaim_expired(Inventory *inv, TimestampTz until, int limit);

/*
 * Takes back expired claims of the loaded rows and blocks whose lack is set, until as many places
 * are free, or back in the block, or none is left.  Before buyer_lock.
 */
extern void reclaim_lacking(Inventory *inv);

#endif							/* BOXOFFICE_RECLAIM_H */
