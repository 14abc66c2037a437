/*
 * reclaim.c
 *		Takes back what has expired: the rule, for whoever finds places short, and the worker's
 *		tidying.
 *
 * An expired claim keeps its places until somebody takes them back.  That may be anybody who
 * holds the lock of the claim's group, so selling never waits for a job.  What one transaction
 * takes back is bounded (100,000 at once kept a lock for 2 s in a trial), and so is what it looks
 * at.
 *
 * Taking back is decided in memory as everything else is: counters change at once, rows are
 * written by reclaim_write, in the lock order of inventory.c.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "block.h"
#include "buyer.h"
#include "claim.h"
#include "order.h"
#include "query.h"
#include "reclaim.h"

#define RECLAIM_LOOK_MAX 1024	/* expired claims looked at in one group */

/* The oldest expired claims of some groups, by the index on their deadlines. */
static CoreQuery expired_query = {
	"SELECT " CLAIM_COLUMNS " FROM unnest($2::bigint[]) AS g (id),"
	" LATERAL (SELECT * FROM boxoffice.claim e"
	"          WHERE e.event_id = $1 AND e.group_id = g.id AND e.expires_at <= $3"
	"            AND e.state IN ('held', 'pending', 'blocked')"
	"          ORDER BY e.expires_at LIMIT $4) c"
	" ORDER BY c.expires_at",
	4, {INT8OID, INT8ARRAYOID, TIMESTAMPTZOID, INT4OID}
};

/* Whose the claims are: of each hold its buyer, and its order if it has one. */
static CoreQuery owner_query = {
	"SELECT h.id, h.subject, o.email_key"
	" FROM boxoffice.hold h"
	" LEFT JOIN boxoffice.order o ON o.event_id = $1 AND o.hold_id = h.id"
	" WHERE h.event_id = $1 AND h.id = ANY ($2)",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery hold_query = {
	"UPDATE boxoffice.hold h SET status = 'expired'"
	" FROM (SELECT id FROM boxoffice.hold WHERE event_id = $1 AND id = ANY ($2)"
	"       AND status = 'active' ORDER BY id FOR NO KEY UPDATE) l"
	" WHERE h.event_id = $1 AND h.id = l.id",
	2, {INT8OID, INT8ARRAYOID}
};

bool
reclaim_is_ours(const Inventory *inv, int64 owner_id, int line)
{
	for (int i = 0; i < inv->kept_count; i++)
		if (inv->kept[i] == owner_id)
			return true;
	for (int i = 0; i < inv->reclaimed_count; i++)
		if (inv->reclaimed[i].owner_id == owner_id && inv->reclaimed[i].line == line)
			return true;
	return false;
}

/* The expired claims of these groups, oldest first; *cut tells that there may be more. */
static Claim *
reclaim_look(Inventory *inv, const int64 *groups, int n, TimestampTz until, int *count, bool *cut)
{
	int			look_max = Max(RECLAIM_LOOK_MAX, inv->reclaim_max);
	Datum		args[4] = {Int64GetDatum(inv->event_id), array_int8(groups, n),
		TimestampTzGetDatum(until), Int32GetDatum(look_max)};
	Claim	   *claims;
	int			rows;

	rows = query_run(&expired_query, args, NULL);
	*cut = rows >= look_max;
	*count = 0;
	claims = palloc_array(Claim, rows + 1);
	for (int row = 0; row < rows; row++)
	{
		claim_read(row, &claims[*count]);
		if (!reclaim_is_ours(inv, claims[*count].owner_id, claims[*count].line))
			(*count)++;
	}
	query_done();
	return claims;
}

/* Buyers get back what their lapsed claims counted against their limits. */
static void
reclaim_credit(Inventory *inv, const Claim *claims, int count)
{
	int64	   *owners = palloc_array(int64, count + 1);
	Datum		args[2];
	int			rows;

	for (int i = 0; i < count; i++)
		owners[i] = claims[i].owner_id;
	args[0] = Int64GetDatum(inv->event_id);
	args[1] = array_int8(owners, count);
	rows = query_run(&owner_query, args, NULL);
	for (int row = 0; row < rows; row++)
	{
		int64		owner_id = query_int8(row, 1);
		char	   *subject = query_text(row, 2);
		const char *keys[2] = {buyer_subject_key(subject), query_text(row, 3)};

		for (int i = 0; i < count; i++)
			for (int k = 0; k < 2 && claims[i].owner_id == owner_id; k++)
				claim_count_buyer(inv, keys[k], &claims[i], -claims[i].quantity);
	}
	query_done();
}

/* Takes back the claims that are chosen, and forgets the others. */
static void
reclaim_take(Inventory *inv, Claim *claims, int count, const bool *chosen)
{
	Claim	   *taken;
	int			first = inv->reclaimed_count;
	int			n = 0;

	if (inv->reclaimed == NULL)
		inv->reclaimed = palloc_array(Claim, 2 * inv->reclaim_max);
	taken = inv->reclaimed + first;
	for (int i = 0; i < count; i++)
	{
		if (!chosen[i])
			continue;
		Assert(first + n < 2 * inv->reclaim_max);
		taken[n++] = claims[i];
		inventory_add_stocks(inv, claims[i].stock_ids, claims[i].stock_count);
	}
	if (n == 0)
		return;
	inventory_load(inv);
	block_load_of(inv, taken, n);
	reclaim_credit(inv, taken, n);
	for (int i = 0; i < n; i++)
		if (taken[i].state == CLAIM_BLOCKED)
			block_end(inv, &taken[i]);
	for (int i = 0; i < n; i++)
		if (taken[i].state != CLAIM_RELEASED)
			claim_end(inv, &taken[i], CLAIM_EXPIRED);
	inv->reclaimed_count += n;
}

static int
reclaim_room(const Inventory *inv)
{
	return inv->reclaim_max - Min(inv->reclaimed_count, inv->reclaim_max);
}

/* The claim of a block that what lapsed goes back to; NULL if that block is none of the batch's. */
static Claim *
reclaim_home(Inventory *inv, const Claim *claim)
{
	return claim->block_id == 0 ? NULL
		: block_find(inv, claim->block_id, claim->stock_ids, claim->stock_count);
}

/* Whether taking the claim back may help a row, or a block, that is short. */
static bool
reclaim_helps(Inventory *inv, const Claim *claim, const Claim *home)
{
	for (int k = 0; k < claim->stock_count; k++)
	{
		const Stock *stock = inventory_stock(inv, claim->stock_ids[k]);

		if (stock != NULL && stock->lack > 0)
			return true;
	}
	return home != NULL && home->lack > 0;
}

/*
 * Chooses those that help what is short, oldest first; returns how many more may be chosen.  What
 * came out of a block may go back to it, so no row counts on that.
 */
static int
reclaim_choose(Inventory *inv, const Claim *claims, int count, bool *chosen)
{
	int			room = reclaim_room(inv);

	for (int i = 0; i < count && room > 0; i++)
	{
		Claim	   *home = reclaim_home(inv, &claims[i]);

		chosen[i] = reclaim_helps(inv, &claims[i], home);
		for (int k = 0; k < claims[i].stock_count && chosen[i]; k++)
		{
			Stock	   *stock = inventory_stock(inv, claims[i].stock_ids[k]);

			if (stock != NULL && claims[i].block_id == 0)
				stock->lack -= claims[i].quantity;
		}
		if (home != NULL && chosen[i])
			home->lack -= claims[i].quantity;
		room -= chosen[i];
	}
	return room;
}

/*
 * Where more was expired than could be looked at, the oldest go whatever they are, or we'd never
 * get on.
 */
static void
reclaim_choose_oldest(int count, bool *chosen, int room)
{
	for (int i = 0; i < count && room > 0; i++)
	{
		room -= !chosen[i];
		chosen[i] = true;
	}
}

/* Takes back, in the groups of what is short, what helps it. */
static void
reclaim_short(Inventory *inv, const int64 *groups, int n)
{
	int			count;
	int			room;
	bool		cut;
	bool	   *chosen;
	Claim	   *claims = reclaim_look(inv, groups, n, inv->now, &count, &cut);

	chosen = palloc0_array(bool, count + 1);
	room = reclaim_choose(inv, claims, count, chosen);
	for (int i = 0; i < inv->stock_count; i++)
		if (inv->stock[i].lack > 0)
			inv->stock[i].more_expired = cut || room == 0;
	for (int i = 0; i < inv->block_count; i++)
		if (inv->blocks[i].lack > 0)
			inv->blocks[i].more_expired = cut || room == 0;
	if (cut)
		reclaim_choose_oldest(count, chosen, room);
	reclaim_take(inv, claims, count, chosen);
}

void
reclaim_lacking(Inventory *inv)
{
	int64	   *groups = palloc_array(int64, inv->stock_count + inv->block_count + 1);
	int			n = 0;

	for (int i = 0; i < inv->stock_count; i++)
		if (inv->stock[i].lack > 0)
			groups[n++] = inv->stock[i].group_id;
	for (int i = 0; i < inv->block_count; i++)
		if (inv->blocks[i].lack > 0)
			groups[n++] = inv->blocks[i].group_id;
	n = ids_sort_unique(groups, n);
	if (n > 0)
		reclaim_short(inv, groups, n);
}

void
inventory_reclaim(Inventory *inv)
{
	for (int i = 0; i < inv->stock_count; i++)
	{
		Stock	   *stock = &inv->stock[i];

		stock->lack = stock->demand > 0 ? stock->demand - stock_free(stock) : 0;
	}
	for (int i = 0; i < inv->block_count; i++)
	{
		Claim	   *kept = &inv->blocks[i];

		kept->lack = kept->demand > 0 ? kept->demand - kept->quantity : 0;
	}
	reclaim_lacking(inv);
}

void
reclaim_owned(Inventory *inv, const int64 *owner_ids, int n)
{
	int			count;
	Claim	   *claims = claim_load(inv->event_id, owner_ids, n, &count);
	bool	   *chosen = palloc0_array(bool, count + 1);
	int			room = reclaim_room(inv);

	for (int i = 0; i < count && room > 0; i++)
	{
		chosen[i] = claims[i].state < CLAIM_COUNTED && claims[i].state != CLAIM_SOLD &&
			claims[i].expires_at <= inv->now && inventory_has_group(inv, claims[i].group_id) &&
			!reclaim_is_ours(inv, claims[i].owner_id, claims[i].line);
		room -= chosen[i];
	}
	reclaim_take(inv, claims, count, chosen);
}

int
reclaim_expired(Inventory *inv, TimestampTz until, int limit)
{
	int			count;
	bool		cut;
	bool	   *chosen;
	Claim	   *claims = reclaim_look(inv, inv->groups, inv->group_count, until, &count, &cut);

	chosen = palloc0_array(bool, count + 1);
	reclaim_choose_oldest(count, chosen, Min(limit, reclaim_room(inv)));
	reclaim_take(inv, claims, count, chosen);
	return inv->reclaimed_count;
}

void
reclaim_write(Inventory *inv)
{
	int64	   *owners = palloc_array(int64, inv->reclaimed_count + 1);
	Datum		args[2];
	int			n = inv->reclaimed_count;
	int			holds;

	if (n == 0)
		return;
	claim_update(inv->event_id, inv->reclaimed, n);
	for (int i = 0; i < n; i++)
		owners[i] = inv->reclaimed[i].owner_id;
	args[0] = Int64GetDatum(inv->event_id);
	holds = ids_sort_unique(owners, n);
	args[1] = array_int8(owners, holds);
	(void) query_run(&hold_query, args, NULL);
	query_done();
	order_expire(inv->event_id, owners, holds, inv->now);
	inv->reclaimed_count = 0;
}
