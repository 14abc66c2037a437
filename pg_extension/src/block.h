/*
 * block.h
 *		Places kept back, as sales see them.
 */
#ifndef BOXOFFICE_BLOCK_H
#define BOXOFFICE_BLOCK_H

#include "claim.h"

/*
 * Loads the claims of these blocks (0 is passed over) into inv->blocks, and the stock rows they
 * are of. Under the locks; once in a transaction.
 */
extern void block_load(Inventory *inv, const int64 *block_ids, int n);

/* The same for the blocks that these claims came from. */
extern void block_load_of(Inventory *inv, const Claim *claims, int n);

/*
 * The live claim of the block that keeps places of some of these stock rows, NULL if there is
 * none.
 */
extern Claim *block_find(Inventory *inv, int64 block_id, const int64 *stock_ids, int n);

/*
 * Converts quantity places of a block's claim to held ones, and takes the stock rows that the
 * block does not keep; or does nothing and returns false.
 */
extern bool block_take(Inventory *inv, Claim *kept, const int64 *stock_ids, int n, int quantity);

/*
 * Notes that so many may be asked of what the block keeps, so that inventory_reclaim knows what is
 * short: what lapsed out of it goes back to it.
 */
extern void block_want(Claim *kept, int quantity);

/*
 * Whether others, other than the holds that the batch works on, have so many places out of what the
 * block keeps, and may still let them go.  A look into the table: for who is refused.
 */
extern bool block_waits(Inventory *inv, const Claim *kept, int64 lacking);

/* How many block_take could take. */
extern int	block_free(Inventory *inv, const Claim *kept, const int64 *stock_ids, int n);

/*
 * Converts places of a claim back to the block they came from; false if that does not stand any
 * more.
 */
extern bool block_take_back(Inventory *inv, const Claim *claim, int quantity);

/*
 * Ends a block's claim, one that was read apart from inv->blocks and may be there too; what was
 * taken from it goes back to sale from now on.
 */
extern void block_end(Inventory *inv, Claim *claim);

/* Writes the claims of blocks that changed; by inventory_write. */
extern void block_write(Inventory *inv);

#endif							/* BOXOFFICE_BLOCK_H */
