/*
 * buyer.c
 *		Limits per buyer: counters (event, buyer, ticket type or 0) with a CHECK as second guard.
 *
 * Counting a buyer's claims instead let 12 through a limit of 6 in a trial, where the claims were
 * in two groups.  The counters are rows of their own, locked after stock, so the limit holds for
 * the whole event.
 */
#include "postgres.h"

#include "buyer.h"
#include "debug.h"
#include "query.h"

typedef struct Buyer
{
	const char *key;
	int64		ticket_type_id;
	int			limit;			/* BUYER_UNLIMITED: none */
	int64		taken;
	int64		change;			/* what the batch adds */
	bool		exists;
} Buyer;

struct Buyers
{
	int64		event_id;
	Buyer	   *items;			/* once locked: ascending by (key, type) */
	int			count;
	int			max;
	bool		locked;			/* sorted, read */
};

static CoreQuery insert_query = {
	"INSERT INTO boxoffice.buyer (event_id, buyer_key, ticket_type_id, taken, taken_max)"
	" SELECT $1, n.k, n.t, 0, n.m"
	" FROM unnest($2::text[], $3::bigint[], $4::integer[]) AS n (k, t, m)"
	" ORDER BY n.k COLLATE \"C\", n.t"
	" ON CONFLICT (event_id, buyer_key, ticket_type_id) DO NOTHING",
	4, {INT8OID, TEXTARRAYOID, INT8ARRAYOID, INT4ARRAYOID}
};

static CoreQuery lock_query = {
	"SELECT n.i, b.taken FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS n (k, t, i)"
	" JOIN boxoffice.buyer b"
	"   ON b.event_id = $1 AND b.buyer_key = n.k AND b.ticket_type_id = n.t"
	" ORDER BY n.i FOR NO KEY UPDATE OF b",
	3, {INT8OID, TEXTARRAYOID, INT8ARRAYOID}
};

/*
 * The CHECK holds taken to the limit that goes for it now.  Only where a limit was lowered below
 * what is taken may it stay above, and fall; where it was taken away, the row only counts on.
 */
static CoreQuery write_query = {
	"UPDATE boxoffice.buyer b SET taken = greatest(b.taken + n.added, 0),"
	" taken_max = CASE n.m WHEN 0 THEN greatest(b.taken_max, b.taken + n.added)"
	"                      ELSE greatest(n.m, least(b.taken, b.taken + n.added)) END"
	" FROM unnest($2::text[], $3::bigint[], $4::integer[], $5::integer[]) AS n (k, t, added, m)"
	" WHERE b.event_id = $1 AND b.buyer_key = n.k AND b.ticket_type_id = n.t",
	5, {INT8OID, TEXTARRAYOID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID}
};

Buyers *
buyer_begin(int64 event_id)
{
	Buyers	   *buyers = palloc0_object(Buyers);

	buyers->event_id = event_id;
	return buyers;
}

char *
buyer_subject_key(const char *subject)
{
	return subject ? psprintf("s:%s", subject) : NULL;
}

static int
buyer_compare(const void *a, const void *b)
{
	const Buyer *x = a;
	const Buyer *y = b;
	int			keys = strcmp(x->key, y->key);

	if (keys != 0)
		return keys;
	return (x->ticket_type_id > y->ticket_type_id) - (x->ticket_type_id < y->ticket_type_id);
}

static Buyer *
buyer_append(Buyers *buyers, const char *key, int64 ticket_type_id)
{
	Buyer	   *buyer;

	Assert(!buyers->locked);
	if (buyers->count == buyers->max)
	{
		buyers->max = Max(buyers->max * 2, 16);
		buyers->items = buyers->items == NULL
			? palloc_array(Buyer, buyers->max)
			: repalloc_array(buyers->items, Buyer, buyers->max);
	}
	buyer = &buyers->items[buyers->count++];
	memset(buyer, 0, sizeof(Buyer));
	buyer->key = key;
	buyer->ticket_type_id = ticket_type_id;
	buyer->limit = BUYER_UNLIMITED;
	return buyer;
}

void
buyer_add(Buyers *buyers, const char *key, int64 ticket_type_id, int limit)
{
	if (key == NULL)
		return;
	buyer_append(buyers, key, ticket_type_id)->limit = limit > 0 ? limit : BUYER_UNLIMITED;
}

/* Sorts and makes one of several items with the same key. */
static void
buyer_arrange(Buyers *buyers)
{
	Buyer	   *items = buyers->items;
	int			kept = 0;

	qsort(items, buyers->count, sizeof(Buyer), buyer_compare);
	for (int i = 0; i < buyers->count; i++)
	{
		if (kept > 0 && buyer_compare(&items[kept - 1], &items[i]) == 0)
		{
			items[kept - 1].limit = Min(items[kept - 1].limit, items[i].limit);
			items[kept - 1].change += items[i].change;
		}
		else
			items[kept++] = items[i];
	}
	buyers->count = kept;
}

static void
buyer_insert_missing(Buyers *buyers)
{
	const char **keys = palloc_array(const char *, buyers->count);
	int64	   *types = palloc_array(int64, buyers->count);
	int32	   *limits = palloc_array(int32, buyers->count);
	Datum		args[4];
	int			limited = 0;

	for (int i = 0; i < buyers->count; i++)
	{
		if (buyers->items[i].limit == BUYER_UNLIMITED)
			continue;
		keys[limited] = buyers->items[i].key;
		types[limited] = buyers->items[i].ticket_type_id;
		limits[limited++] = buyers->items[i].limit;
	}
	if (limited == 0)
		return;
	args[0] = Int64GetDatum(buyers->event_id);
	args[1] = array_text(keys, limited);
	args[2] = array_int8(types, limited);
	args[3] = array_int4(limits, limited);
	(void) query_run(&insert_query, args, NULL);
	query_done();
}

void
buyer_lock(Buyers *buyers)
{
	const char **keys;
	int64	   *types;
	Datum		args[3];
	int			rows;

	Assert(!buyers->locked);
	buyers->locked = true;
	if (buyers->count == 0)
		return;
	buyer_arrange(buyers);
	buyer_insert_missing(buyers);
	keys = palloc_array(const char *, buyers->count);
	types = palloc_array(int64, buyers->count);
	for (int i = 0; i < buyers->count; i++)
	{
		keys[i] = buyers->items[i].key;
		types[i] = buyers->items[i].ticket_type_id;
	}
	args[0] = Int64GetDatum(buyers->event_id);
	args[1] = array_text(keys, buyers->count);
	args[2] = array_int8(types, buyers->count);
	rows = query_run(&lock_query, args, NULL);
	for (int row = 0; row < rows; row++)
	{
		Buyer	   *buyer = &buyers->items[query_int8(row, 1) - 1];

		buyer->taken = query_int4(row, 2);
		buyer->exists = true;
	}
	query_done();
	debug_point("buyers_locked");
}

static Buyer *
buyer_find(Buyers *buyers, const char *key, int64 ticket_type_id)
{
	Buyer		wanted = {.key = key,.ticket_type_id = ticket_type_id};

	Assert(buyers->locked);
	if (key == NULL || buyers->count == 0)
		return NULL;
	return bsearch(&wanted, buyers->items, buyers->count, sizeof(Buyer), buyer_compare);
}

int
buyer_room(Buyers *buyers, const char *key, int64 ticket_type_id)
{
	Buyer	   *buyer = buyer_find(buyers, key, ticket_type_id);

	if (buyer == NULL || buyer->limit == BUYER_UNLIMITED)
		return BUYER_UNLIMITED;
	return (int) Max(buyer->limit - Max(buyer->taken + buyer->change, 0), 0);
}

void
buyer_take(Buyers *buyers, const char *key, int64 ticket_type_id, int quantity)
{
	Buyer	   *buyer;

	if (key == NULL)
		return;
	if (buyers->locked)
		buyer = buyer_find(buyers, key, ticket_type_id);
	else
		buyer = buyer_append(buyers, key, ticket_type_id);
	if (buyer != NULL)
		buyer->change += quantity;
}

struct BuyersMark
{
	Buyer	   *items;
};

BuyersMark *
buyer_mark(const Buyers *buyers)
{
	BuyersMark *mark = palloc_object(BuyersMark);

	Assert(buyers->locked);
	mark->items = palloc_array(Buyer, buyers->count + 1);
	if (buyers->count > 0)
		memcpy(mark->items, buyers->items, sizeof(Buyer) * buyers->count);
	return mark;
}

void
buyer_return(Buyers *buyers, const BuyersMark *mark)
{
	if (buyers->count > 0)
		memcpy(buyers->items, mark->items, sizeof(Buyer) * buyers->count);
}

void
buyer_write(Buyers *buyers)
{
	const char **keys = palloc_array(const char *, buyers->count + 1);
	int64	   *types = palloc_array(int64, buyers->count + 1);
	int32	   *added = palloc_array(int32, buyers->count + 1);
	int32	   *limits = palloc_array(int32, buyers->count + 1);
	Datum		args[5];
	int			changed = 0;

	if (!buyers->locked)
		buyer_lock(buyers);
	for (int i = 0; i < buyers->count; i++)
	{
		const Buyer *buyer = &buyers->items[i];

		if (!buyer->exists || buyer->change == 0)
			continue;
		keys[changed] = buyer->key;
		types[changed] = buyer->ticket_type_id;
		added[changed] = (int32) buyer->change;
		limits[changed++] = buyer->limit == BUYER_UNLIMITED ? 0 : buyer->limit;
	}
	if (changed == 0)
		return;
	args[0] = Int64GetDatum(buyers->event_id);
	args[1] = array_text(keys, changed);
	args[2] = array_int8(types, changed);
	args[3] = array_int4(added, changed);
	args[4] = array_int4(limits, changed);
	if (query_run(&write_query, args, NULL) != changed)
		elog(ERROR, "a buyer's counter was not there to be written");
	query_done();
}
