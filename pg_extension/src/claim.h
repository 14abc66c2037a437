/*
 * claim.h
 *		Claims: rows that say who took what of which stock rows.
 *
 * A claim is a line of a hold, also after the hold has become an order, or of a block.  Counters
 * are the business of inventory.h; these functions read and write the rows.
 */
#ifndef BOXOFFICE_CLAIM_H
#define BOXOFFICE_CLAIM_H

#include "inventory.h"

#define AMOUNT_MAX INT64CONST(9007199254740991) /* the largest integer that JSON carries safely */

typedef struct Claim
{
	int64		owner_id;		/* hold or block */
	int16		line;			/* from 1 */
	ClaimState	state;
	int32		quantity;
	int64		group_id;
	int64		ticket_type_id; /* 0: none, a block of a pool */
	int64		session_id;		/* 0: none, a pass or a block of an event's pool */
	int64		unit_price;
	int64		unit_fee;
	int64	   *stock_ids;		/* ascending */
	int			stock_count;
	TimestampTz expires_at;		/* DT_NOEND: never */
	int64		block_id;		/* 0: none */
	int16		parent_line;	/* whose add-on or part of a bundle it is, 0: it stands alone */
	bool		bundled;		/* part of the parent's bundle, which goes as a whole */
	bool		left_block;		/* block_id was set to 0, see claim_leave_block */
	int64		demand;			/* of a block's: what the batch would take of it, see block_want */
	int64		lack;			/* of inventory_reclaim: what it has too few for that */
	bool		more_expired;	/* as of a stock row */
	bool		changed;		/* in memory, not yet written */
	ClaimState	stored_state;	/* as the row has it */
	int32		stored_quantity;
} Claim;

/* The columns that claim_read reads, of a table known as c. */
#define CLAIM_COLUMNS \
	"c.owner_id, c.line, c.state, c.quantity, c.group_id, c.ticket_type_id, c.session_id," \
	" c.unit_price, c.unit_fee, c.stock_ids, c.expires_at, c.block_id, c.parent_line, c.bundled"

/*
 * The oldest deadline of each group of event $1 that has one, as g (n, group_id, expires_at), with
 * n from 1 on: the WITH of a statement.  The index goes by group and deadline, so each group costs
 * one probe: it goes from the oldest claim of one group to the next, and ends as soon as its reader
 * has enough.  first: a condition of where it begins, more: of whether it goes on; "" for none.
 */
#define CLAIM_DEADLINES(first, more) \
	"WITH RECURSIVE g AS (" \
	" (SELECT 1 AS n, group_id, expires_at FROM boxoffice.claim" \
	"  WHERE event_id = $1 AND state IN ('held', 'pending', 'blocked')" \
	"    AND expires_at IS NOT NULL" first \
	"  ORDER BY group_id, expires_at LIMIT 1)" \
	" UNION ALL" \
	" SELECT g.n + 1, n.group_id, n.expires_at FROM g, LATERAL" \
	" (SELECT group_id, expires_at FROM boxoffice.claim" \
	"  WHERE event_id = $1 AND state IN ('held', 'pending', 'blocked')" \
	"    AND expires_at IS NOT NULL AND group_id > g.group_id" \
	"  ORDER BY group_id, expires_at LIMIT 1) n" more ")"

/* Reads a row of the last query_run whose first columns are CLAIM_COLUMNS. */
extern void claim_read(int row, Claim *claim);

/*
 * The claims of these owners, ascending by (owner_id, line), in the current memory context; sets
 * *count. For what is to be decided, call it under the locks.
 */
extern Claim *claim_load(int64 event_id, const int64 *owner_ids, int n, int *count);

/* The first of an owner's claims in what claim_load returned, NULL if none; sets *lines. */
extern Claim *claim_find(Claim *claims, int count, int64 owner_id, int *lines);

/* Writes new rows set-wise. */
extern void claim_insert(int64 event_id, const Claim *claims, int count);

/*
 * Writes state, quantity and expires_at of rows that claim_load read, and that they left their
 * block, set-wise.  A row that is not in the state in which it was read raises a serialization
 * failure.
 */
extern void claim_update(int64 event_id, const Claim *claims, int count);

/* Removes rows that claim_load read, set-wise, under the same condition. */
extern void claim_delete(int64 event_id, const Claim *claims, int count);

/*
 * Counts so many pieces of the claim (fewer, if negative) to a buyer, NULL: nobody.  Add-ons count
 * for the limit of their type, and not for the event's.
 */
extern void claim_count_buyer(Inventory *inv, const char *key, const Claim *claim, int quantity);

/* In memory: the claim's places are from now on none of those that its block keeps. */
extern void claim_leave_block(Claim *claim);

extern const char *claim_state_name(ClaimState state);
extern ClaimState claim_state_from(const char *name);

/*
 * Give back what a live claim takes, or a part of it; claim_end sets the state to CLAIM_RELEASED
 * or CLAIM_EXPIRED and leaves the quantity, so that it can be seen what it was.  Places that came
 * from a block which still stands go back to the block, if block_load (block.h) was called.  In
 * memory: claim_update writes it.
 */
extern void claim_lower(Inventory *inv, Claim *claim, int quantity);
extern void claim_end(Inventory *inv, Claim *claim, ClaimState state);

#endif							/* BOXOFFICE_CLAIM_H */
