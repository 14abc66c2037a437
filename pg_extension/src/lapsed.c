/*
 * lapsed.c
 *		Finds what buyers at their limit let lapse, so that it is taken back for them.
 *
 * A buyer's counter counts every claim that was not taken back, also those whose time is over, and
 * these may lie in any group of the event.  Who stays below his limit does not mind.  Who would be
 * refused gets his own back first.  The groups of that are locked with those of the request, all at
 * once, so it has to be looked for before, without locks; and again under them, where a limit
 * refuses all the same: what lapsed meanwhile, or was more than one transaction takes back, makes
 * the refusal one for now.
 *
 * No index knows a buyer's holds, since each sale would pay for it.  The way goes over what has
 * expired and was not taken back, of which there is little as long as there is a worker.  Where it
 * is more than is looked at, the oldest go, whosever they are, or we'd never get on.
 *
 * An event of thousands of sessions has as many groups.  One call looks at a part of them, the next
 * goes on from there: who is refused again and again must not cost the others what all of them
 * cost.  In such an event a limit may refuse for good what would be there some calls, or a round of
 * the worker, later.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "buyer.h"
#include "claim.h"
#include "clock.h"
#include "debug.h"
#include "lapsed.h"
#include "query.h"
#include "reclaim.h"

#define LAPSED_LOOK_MAX 4096	/* expired claims looked at */
#define LAPSED_GROUP_MAX 1024	/* … of one group */
#define LAPSED_OTHERS_MAX 32	/* groups locked for the sake of others' */
#define LAPSED_WALK_MAX 400		/* groups with claims that have a deadline, expired or not */

typedef struct Wanted
{
	const char *key;
	int64		ticket_type_id;
	int			limit;
	int			taken;			/* -1: not known */
	int64		quantity;
} Wanted;

/* An expired claim, and whose it is. */
typedef struct Found
{
	int64		owner_id;
	int16		line;
	int64		group_id;
	int64		ticket_type_id;
	int			quantity;
	bool		alone;			/* counts for the event's own limit */
	const char *keys[2];		/* its buyer's, where he was asked for; NULL: not */
} Found;

typedef struct Lapsed
{
	Wanted	   *wanted;
	int			wanted_count;
	int			wanted_max;
	int64	   *spared;
	int			spared_count;
	int64	   *owners;			/* whose claims are to be taken back */
	int			owner_count;
	int64		walk_from;		/* the group that its walks begin at; -1: not yet known */
	const char **keys;			/* who was asked for under the locks, NULL: not yet */
	int			key_count;
	Found	   *found;			/* and what was found then */
	int			found_count;
	bool		cut;			/* there may be more than that */
} Lapsed;

/* Where the next walk of this backend begins, if it is of the same event. */
static int64 walk_event;
static int64 walk_next;

static CoreQuery short_query = {
	"SELECT n.i, b.taken FROM unnest($2::text[], $3::bigint[], $4::bigint[])"
	"      WITH ORDINALITY AS n (k, t, room, i)"
	" JOIN boxoffice.buyer b"
	"   ON b.event_id = $1 AND b.buyer_key = n.k AND b.ticket_type_id = n.t"
	" WHERE b.taken > n.room",
	4, {INT8OID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID}
};

/*
 * What has expired, group by group, the oldest first; a key only if it is one of those given.  A
 * row without an owner is the group at which the walk ended before it had been through all.
 */
static CoreQuery find_query = {
	CLAIM_DEADLINES(" AND group_id >= $6", " WHERE g.n < $7")
	" SELECT l.owner_id, l.line::integer, l.group_id, l.ticket_type_id, l.quantity,"
	"        l.parent_line IS NULL,"
	"        CASE WHEN 's:' || h.subject IN (SELECT unnest($3::text[])) THEN 's:' || h.subject END,"
	"        CASE WHEN o.email_key IN (SELECT unnest($3::text[])) THEN o.email_key END"
	"  FROM (SELECT c.*"
	"          FROM g, LATERAL (SELECT * FROM boxoffice.claim e"
	"                            WHERE e.event_id = $1 AND e.group_id = g.group_id"
	"                              AND e.expires_at <= $2"
	"                              AND e.state IN ('held', 'pending', 'blocked')"
	"                            ORDER BY e.expires_at LIMIT $4) c"
	"         WHERE g.expires_at <= $2 LIMIT $5) l"
	"  LEFT JOIN boxoffice.hold h ON h.event_id = $1 AND h.id = l.owner_id"
	"  LEFT JOIN boxoffice.order o ON o.event_id = $1 AND o.hold_id = l.owner_id"
	" UNION ALL"
	" SELECT NULL, NULL, g.group_id, NULL, NULL, NULL, NULL, NULL FROM g WHERE g.n = $7",
	7, {INT8OID, TIMESTAMPTZOID, TEXTARRAYOID, INT4OID, INT4OID, INT8OID, INT4OID}
};

static Lapsed *
lapsed_of(Inventory *inv)
{
	if (inv->lapsed == NULL)
	{
		inv->lapsed = palloc0_object(Lapsed);
		inv->lapsed->walk_from = -1;
	}
	return inv->lapsed;
}

void
lapsed_want_beside(Inventory *inv, const char *key, int64 ticket_type_id, int limit,
				   int64 quantity, int taken)
{
	Lapsed	   *lapsed;

	if (key == NULL || limit <= 0 || quantity <= 0 || quantity > limit)
		return;
	lapsed = lapsed_of(inv);
	if (lapsed->wanted_count == lapsed->wanted_max)
	{
		lapsed->wanted_max = Max(lapsed->wanted_max * 2, 16);
		lapsed->wanted = lapsed->wanted == NULL
			? palloc_array(Wanted, lapsed->wanted_max)
			: repalloc_array(lapsed->wanted, Wanted, lapsed->wanted_max);
	}
	lapsed->wanted[lapsed->wanted_count++] = (Wanted) {key, ticket_type_id, limit, taken, quantity};
}

void
lapsed_want(Inventory *inv, const char *key, int64 ticket_type_id, int limit, int64 quantity)
{
	lapsed_want_beside(inv, key, ticket_type_id, limit, quantity, -1);
}

void
lapsed_spare(Inventory *inv, int64 hold_id)
{
	Lapsed	   *lapsed = lapsed_of(inv);

	lapsed->spared = lapsed->spared == NULL
		? palloc_array(int64, 1)
		: repalloc_array(lapsed->spared, int64, lapsed->spared_count + 1);
	lapsed->spared[lapsed->spared_count++] = hold_id;
}

static bool
lapsed_is_spared(const Lapsed *lapsed, int64 owner_id)
{
	for (int i = 0; i < lapsed->spared_count; i++)
		if (lapsed->spared[i] == owner_id)
			return true;
	return false;
}

static int
wanted_compare(const void *a, const void *b)
{
	const Wanted *x = a;
	const Wanted *y = b;
	int			keys = strcmp(x->key, y->key);

	if (keys != 0)
		return keys;
	return (x->ticket_type_id > y->ticket_type_id) - (x->ticket_type_id < y->ticket_type_id);
}

/* What several calls want under one limit is wanted together. */
static void
wanted_arrange(Lapsed *lapsed)
{
	Wanted	   *wanted = lapsed->wanted;
	int			kept = 0;

	qsort(wanted, lapsed->wanted_count, sizeof(Wanted), wanted_compare);
	for (int i = 0; i < lapsed->wanted_count; i++)
	{
		if (kept > 0 && wanted_compare(&wanted[kept - 1], &wanted[i]) == 0)
			wanted[kept - 1].quantity += wanted[i].quantity;
		else
			wanted[kept++] = wanted[i];
	}
	lapsed->wanted_count = kept;
}

/* Reads the counters that are not known yet and would not do. */
static void
wanted_read(Inventory *inv, Lapsed *lapsed)
{
	const char **keys = palloc_array(const char *, lapsed->wanted_count);
	int64	   *types = palloc_array(int64, lapsed->wanted_count);
	int64	   *rooms = palloc_array(int64, lapsed->wanted_count);
	int		   *asked = palloc_array(int, lapsed->wanted_count);
	Datum		args[4];
	int			n = 0;
	int			rows;

	for (int i = 0; i < lapsed->wanted_count; i++)
	{
		const Wanted *wanted = &lapsed->wanted[i];

		if (wanted->taken >= 0)
			continue;
		keys[n] = wanted->key;
		types[n] = wanted->ticket_type_id;
		rooms[n] = wanted->limit - wanted->quantity;
		asked[n++] = i;
	}
	if (n == 0)
		return;
	args[0] = Int64GetDatum(inv->event_id);
	args[1] = array_text(keys, n);
	args[2] = array_int8(types, n);
	args[3] = array_int8(rooms, n);
	rows = query_run(&short_query, args, NULL);
	for (int row = 0; row < rows; row++)
		lapsed->wanted[asked[query_int8(row, 1) - 1]].taken = query_int4(row, 2);
	query_done();
}

/* The keys of those who would be short, each once. */
static int
wanted_short(const Lapsed *lapsed, const char **keys)
{
	int			n = 0;

	for (int i = 0; i < lapsed->wanted_count; i++)
	{
		const Wanted *wanted = &lapsed->wanted[i];

		if (wanted->taken + wanted->quantity <= wanted->limit || wanted->taken <= 0)
			continue;
		if (n == 0 || strcmp(keys[n - 1], wanted->key) != 0)
			keys[n++] = wanted->key;
	}
	return n;
}

static void
found_read(int row, Found *claim)
{
	claim->owner_id = query_int8(row, 1);
	claim->line = (int16) query_int4(row, 2);
	claim->group_id = query_int8(row, 3);
	claim->ticket_type_id = query_int8(row, 4);
	claim->quantity = query_int4(row, 5);
	claim->alone = query_bool(row, 6);
	claim->keys[0] = query_text(row, 7);
	claim->keys[1] = query_text(row, 8);
}

/* Walks of one transaction see the same groups. */
static int64
walk_begin(Inventory *inv)
{
	Lapsed	   *lapsed = inv->lapsed;

	if (lapsed->walk_from < 0)
		lapsed->walk_from = walk_event == inv->event_id ? walk_next : 0;
	walk_event = inv->event_id;
	walk_next = 0;
	return lapsed->walk_from;
}

/* What has expired by this time, with the keys of those of these buyers; cut: there may be more. */
static Found *
lapsed_find(Inventory *inv, const char *const *keys, int n, TimestampTz until, int *count,
			bool *cut)
{
	Datum		args[7] = {Int64GetDatum(inv->event_id), TimestampTzGetDatum(until),
		array_text(keys, n), Int32GetDatum(LAPSED_GROUP_MAX), Int32GetDatum(LAPSED_LOOK_MAX),
	Int64GetDatum(walk_begin(inv)), Int32GetDatum(LAPSED_WALK_MAX)};
	int			rows = query_run(&find_query, args, NULL);
	Found	   *found = palloc_array(Found, rows + 1);
	int			of_group = 0;

	*cut = rows >= LAPSED_LOOK_MAX;
	*count = 0;
	for (int row = 0; row < rows; row++)
	{
		Found	   *claim = &found[*count];

		if (query_null(row, 1))
		{
			walk_next = query_int8(row, 3) + 1;
			continue;
		}
		found_read(row, claim);
		of_group = row > 0 && query_int8(row - 1, 3) == claim->group_id ? of_group + 1 : 1;
		*cut |= of_group >= LAPSED_GROUP_MAX;
		if (!lapsed_is_spared(inv->lapsed, claim->owner_id) &&
			!reclaim_is_ours(inv, claim->owner_id, claim->line))
			(*count)++;
	}
	query_done();
	return found;
}

/* The owner's claims are to be taken back, so the group of this one is to be locked. */
static void
lapsed_choose(Inventory *inv, Lapsed *lapsed, const Found *claim)
{
	lapsed->owners[lapsed->owner_count++] = claim->owner_id;
	inventory_add_group(inv, claim->group_id);
}

void
lapsed_look(Inventory *inv)
{
	Lapsed	   *lapsed = inv->lapsed;
	const char **keys;
	Found	   *found;
	int			n;
	int			count;
	int			groups = 0;
	bool		cut;

	if (lapsed == NULL || lapsed->wanted_count == 0)
		return;
	wanted_arrange(lapsed);
	wanted_read(inv, lapsed);
	keys = palloc_array(const char *, lapsed->wanted_count);
	n = wanted_short(lapsed, keys);
	if (n == 0)
		return;
	found = lapsed_find(inv, keys, n, clock_now(), &count, &cut);
	lapsed->owners = palloc_array(int64, RECLAIM_MAX);
	for (int i = 0; i < count && lapsed->owner_count < RECLAIM_MAX; i++)
		if (found[i].keys[0] != NULL || found[i].keys[1] != NULL)
			lapsed_choose(inv, lapsed, &found[i]);
	for (int i = 0; cut && i < count && lapsed->owner_count < RECLAIM_MAX; i++)
	{
		groups += i == 0 || found[i - 1].group_id != found[i].group_id;
		if (groups > LAPSED_OTHERS_MAX)
			break;
		if (found[i].keys[0] == NULL && found[i].keys[1] == NULL)
			lapsed_choose(inv, lapsed, &found[i]);
	}
	debug_point("lapsed_found");
}

void
lapsed_reclaim(Inventory *inv)
{
	Lapsed	   *lapsed = inv->lapsed;

	if (lapsed == NULL || lapsed->owner_count == 0)
		return;
	lapsed->owner_count = ids_sort_unique(lapsed->owners, lapsed->owner_count);
	reclaim_owned(inv, lapsed->owners, lapsed->owner_count);
}

/* Whether the buyer was asked for under the locks. */
static bool
lapsed_knows(const Lapsed *lapsed, const char *key)
{
	for (int i = 0; i < lapsed->key_count; i++)
		if (strcmp(lapsed->keys[i], key) == 0)
			return true;
	return false;
}

/*
 * Looks once for all that the batch knows of, whoever of them is refused first; the limit of the
 * one who is may be newer than that.
 */
static void
lapsed_look_again(Inventory *inv, Lapsed *lapsed, const char *key)
{
	lapsed->keys = palloc_array(const char *, lapsed->wanted_count + lapsed->key_count + 1);
	lapsed->key_count = 0;
	lapsed->keys[lapsed->key_count++] = key;
	for (int i = 0; i < lapsed->wanted_count; i++)
		if (strcmp(lapsed->wanted[i].key, key) != 0 &&
			(i == 0 || strcmp(lapsed->wanted[i].key, lapsed->wanted[i - 1].key) != 0))
			lapsed->keys[lapsed->key_count++] = lapsed->wanted[i].key;
	lapsed->found = lapsed_find(inv, lapsed->keys, lapsed->key_count, inv->now,
								&lapsed->found_count, &lapsed->cut);
}

bool
lapsed_covers(Inventory *inv, const char *key, int64 ticket_type_id, int64 lacking)
{
	Lapsed	   *lapsed = lapsed_of(inv);

	if (!lapsed_knows(lapsed, key))
		lapsed_look_again(inv, lapsed, key);
	for (int i = 0; i < lapsed->found_count && lacking > 0; i++)
	{
		const Found *claim = &lapsed->found[i];

		if (ticket_type_id == 0 ? !claim->alone : claim->ticket_type_id != ticket_type_id)
			continue;
		for (int k = 0; k < 2; k++)
			if (claim->keys[k] != NULL && strcmp(claim->keys[k], key) == 0)
				lacking -= claim->quantity;
	}
	return lacking <= 0 || lapsed->cut;
}

void
lapsed_refuse(Call *call, Inventory *inv, const char *key, int64 ticket_type_id, int64 wanted,
			  int limit, const char *pointer)
{
	int			room = buyer_room(inv->buyers, key, ticket_type_id);

	if (wanted <= limit && lapsed_covers(inv, key, ticket_type_id, wanted - room))
		reply_refuse(call, ERR_RECLAIMING, pointer, NULL);
	else
		reply_refuse(call, ERR_BUYER_LIMIT, pointer,
					 psprintf("\"max\":%d,\"available\":%d", limit, room));
}
