/*
 * inventory.h
 *		What is taken from stock, decided for a whole batch in memory.
 *
 * The way of every transaction that changes what is taken (inventory.c says why):
 *
 *		inv = inventory_begin(event_id);
 *		lapsed_want(inv, …); lapsed_look(inv);	only if it counts for a limit per buyer
 *		inventory_add_group(inv, …);		what was read without locks tells the groups
 *		inventory_lock(inv);				ascending, then reads the clock: inv->now
 *		idempotency_find(…);
 *		look again, at holds, claims and orders: only now they stand still
 *		inventory_add_stock(inv, …); inventory_load(inv);
 *		inventory_reclaim(inv);				takes back expired claims where demand is more than free
 *		lapsed_reclaim(inv); buyer_add(inv->buyers, …); buyer_lock(inv->buyers);
 *		for each call, in order of arrival: inventory_take, _move, _give, buyer_take
 *		inventory_write(inv);				stock, buyers, what was reclaimed
 *		claim_insert, claim_update, hold_…
 */
#ifndef BOXOFFICE_INVENTORY_H
#define BOXOFFICE_INVENTORY_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* The first four are the counters of a stock row; the last two take nothing. */
typedef enum ClaimState
{
	CLAIM_HELD,
	CLAIM_PENDING,
	CLAIM_SOLD,
	CLAIM_BLOCKED,
	CLAIM_RELEASED,
	CLAIM_EXPIRED
} ClaimState;

#define CLAIM_COUNTED 4
#define CLAIM_STATES 6
#define RECLAIM_MAX 256			/* claims taken back in one transaction of a sale */
#define RECLAIM_EDIT_MAX 4096	/* … and of an edit of capacities, which is rare */

typedef struct Stock
{
	int64		id;
	int64		group_id;
	bool		loaded;
	bool		unlimited;
	int64		limit;			/* capacity + overbook; unlimited: as many as can be counted */
	int64		count[CLAIM_COUNTED];
	int64		stored[CLAIM_COUNTED];	/* as the row has it */
	int64		demand;			/* what the batch would take in all, see inventory_want */
	int64		lack;			/* of inventory_reclaim: what is short */
	bool		more_expired;	/* there was more to take back than one transaction may */
	bool		changed;
} Stock;

typedef struct Inventory
{
	int64		event_id;
	TimestampTz now;			/* set by inventory_lock */
	int64	   *groups;
	int			group_count;
	int			group_max;
	bool		locked;
	Stock	   *stock;			/* ascending by id once loaded */
	int			stock_count;
	int			stock_sorted;	/* so many of them are in order: what inventory_load has seen */
	int			stock_max;
	struct Buyers *buyers;		/* what limits per buyer the batch touches, see buyer.h */
	struct Lapsed *lapsed;		/* what buyers let lapse, NULL: nobody asked, see lapsed.h */
	struct Claim *blocks;		/* claims of the blocks that the batch touches, see block.h */
	int			block_count;
	int64	   *kept;			/* holds whose claims this batch does not take back */
	int			kept_count;
	struct Claim *reclaimed;	/* what inventory_reclaim took back, see claim.h */
	int			reclaimed_count;
	int			reclaim_max;	/* how many it may take back */
} Inventory;

/* Starts a batch.  Raises an error outside READ COMMITTED. */
extern Inventory *inventory_begin(int64 event_id);

/* Adds a group to lock; any order, duplicates are fine. */
extern void inventory_add_group(Inventory *inv, int64 group_id);

/*
 * Locks the groups in ascending order and sets inv->now.  A group that is gone (the event was
 * edited meanwhile) raises a serialization failure: the whole batch may be repeated.
 */
extern void inventory_lock(Inventory *inv);

/* Whether the group is one of those locked; what was read again must pass this. */
extern bool inventory_has_group(const Inventory *inv, int64 group_id);

/* Names the stock rows to load; any order, duplicates are fine. */
extern void inventory_add_stock(Inventory *inv, int64 stock_id);
extern void inventory_add_stocks(Inventory *inv, const int64 *stock_ids, int n);

/* Reads the named rows.  A row whose group is not locked raises a serialization failure. */
extern void inventory_load(Inventory *inv);

/* The loaded row; NULL if there is none. */
extern Stock *inventory_stock(Inventory *inv, int64 stock_id);

/* How many of the row are free; of an unlimited one as many as can still be counted. */
extern int64 stock_free(const Stock *stock);

/* Notes that so many may be asked of these rows, so that inventory_reclaim knows what is short. */
extern void inventory_want(Inventory *inv, const int64 *stock_ids, int n, int quantity);

/* Keeps a hold that the batch works on from being taken back by the same batch. */
extern void inventory_keep(Inventory *inv, int64 hold_id);

/*
 * Where demand is more than what is free, or than what a block has left, takes back expired claims,
 * oldest first, as many as are lacking, at most RECLAIM_MAX a batch; in memory, written by
 * inventory_write.  Adds whose they were to inv->buyers, so call it before buyer_lock.  Where even
 * more were expired it marks the row, or the block: refuse with TK905 (reclaiming), not with
 * sold_out.
 */
extern void inventory_reclaim(Inventory *inv);

/* How many can be taken of all of these rows. */
extern int	inventory_free(Inventory *inv, const int64 *stock_ids, int n);

/* Takes quantity of each row into the state (one of the counted), or of none: returns false. */
extern bool inventory_take(Inventory *inv, const int64 *stock_ids, int n, int quantity,
						   ClaimState state);

/* Converts what is taken, without the places being free in between. */
extern void inventory_move(Inventory *inv, const int64 *stock_ids, int n, int quantity,
						   ClaimState from, ClaimState to);

/* Gives back what was taken in the state. */
extern void inventory_give(Inventory *inv, const int64 *stock_ids, int n, int quantity,
						   ClaimState from);

/* What the batch decided up to here, and the way back to it; what was reclaimed before stays. */
typedef struct InventoryMark InventoryMark;

extern InventoryMark *inventory_mark(const Inventory *inv);
extern void inventory_return(Inventory *inv, const InventoryMark *mark);

/*
 * Writes the changed counters in one UPDATE, buyers' counters in another, then what was
 * reclaimed: claims, the holds and orders they belonged to.
 */
extern void inventory_write(Inventory *inv);

/*
 * Raises ERRCODE_T_R_SERIALIZATION_FAILURE: something moved between looking and locking, do it
 * again.
 */
extern void inventory_moved(const char *what) pg_attribute_noreturn();

#endif							/* BOXOFFICE_INVENTORY_H */
