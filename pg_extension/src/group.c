/*
 * group.c
 *		Which stock rows one claim may touch together: boxoffice_code.inventory_regroup() finds it
 *		anew, boxoffice_code.inventory_sets() says where rows that are added belong.
 *
 * Pools are joined by the ticket types that take from them.  Where a set of joined pools has one
 * for the whole event, or one that a pass takes from in each session, all its stock rows are one
 * group; where it has not, each session's rows are one, so that sessions sell without waiting for
 * each other.
 *
 * Groups keep their ids as far as can be, so that an edit that changes nothing of them disturbs
 * nobody who waits for their locks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"

#include "id.h"
#include "inventory.h"
#include "query.h"

typedef struct GroupPool
{
	int64		id;
	bool		whole_event;	/* its rows, and those of pools joined with it, are one group */
	int			parent;			/* towards the root of its set */
} GroupPool;

typedef struct GroupStock
{
	int64		id;
	int64		old_group;
	int64		new_group;
	int64		set;			/* the root pool's id */
	int64		session_id;		/* 0: the set is one group */
} GroupStock;

typedef struct Regroup
{
	int64		event_id;
	GroupPool  *pools;			/* ascending by id */
	int			pool_count;
	GroupStock *stock;			/* ascending by (set, session, old group) */
	int			stock_count;
	int64	   *groups;			/* that were there before */
	int			group_count;
} Regroup;

static CoreQuery lock_query = {
	"SELECT id FROM boxoffice.inventory_group WHERE event_id = $1 ORDER BY id FOR NO KEY UPDATE",
	1, {INT8OID}
};

static CoreQuery pool_query = {
	"SELECT id, scope = 'event' FROM boxoffice.pool WHERE event_id = $1 ORDER BY id",
	1, {INT8OID}
};

static CoreQuery link_query = {
	"SELECT l.ticket_type_id, l.pool_id, t.admits = 'all'"
	" FROM boxoffice.ticket_type_pool l"
	" JOIN boxoffice.ticket_type t ON t.event_id = l.event_id AND t.id = l.ticket_type_id"
	" WHERE l.event_id = $1 ORDER BY 1, 2",
	1, {INT8OID}
};

static CoreQuery stock_query = {
	"SELECT id, pool_id, session_id, group_id FROM boxoffice.stock WHERE event_id = $1",
	1, {INT8OID}
};

static CoreQuery insert_query = {
	"INSERT INTO boxoffice.inventory_group (event_id, id) SELECT $1, unnest($2::bigint[])",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery move_query = {
	"UPDATE boxoffice.stock s SET group_id = n.group_id"
	" FROM unnest($2::bigint[], $3::bigint[]) AS n (id, group_id)"
	" WHERE s.event_id = $1 AND s.id = n.id",
	3, {INT8OID, INT8ARRAYOID, INT8ARRAYOID}
};

/* All stock rows of a claim are of one group: the first tells. */
static CoreQuery claim_query = {
	"UPDATE boxoffice.claim c SET group_id = s.group_id FROM boxoffice.stock s"
	" WHERE c.event_id = $1 AND s.event_id = $1 AND s.id = c.stock_ids[1]"
	" AND c.group_id <> s.group_id",
	1, {INT8OID}
};

static CoreQuery delete_query = {
	"DELETE FROM boxoffice.inventory_group g WHERE g.event_id = $1"
	" AND NOT EXISTS (SELECT FROM boxoffice.stock s WHERE s.event_id = $1 AND s.group_id = g.id)",
	1, {INT8OID}
};

static int
pool_index(const Regroup *regroup, int64 id)
{
	int			low = 0;
	int			high = regroup->pool_count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (regroup->pools[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == regroup->pool_count || regroup->pools[low].id != id)
		inventory_moved("a pool was added");
	return low;
}

static int
pool_root(Regroup *regroup, int index)
{
	GroupPool  *pools = regroup->pools;

	while (pools[index].parent != index)
	{
		pools[index].parent = pools[pools[index].parent].parent;
		index = pools[index].parent;
	}
	return index;
}

static void
pools_read(Regroup *regroup)
{
	Datum		args[1] = {Int64GetDatum(regroup->event_id)};

	regroup->pool_count = query_run(&pool_query, args, NULL);
	regroup->pools = palloc_array(GroupPool, regroup->pool_count + 1);
	for (int row = 0; row < regroup->pool_count; row++)
	{
		regroup->pools[row].id = query_int8(row, 1);
		regroup->pools[row].whole_event = query_bool(row, 2);
		regroup->pools[row].parent = row;
	}
	query_done();
}

/* Joins the pools of each type. */
static void
pools_join(Regroup *regroup)
{
	Datum		args[1] = {Int64GetDatum(regroup->event_id)};
	int			rows = query_run(&link_query, args, NULL);

	for (int row = 0; row < rows; row++)
	{
		int			a;
		int			b = pool_root(regroup, pool_index(regroup, query_int8(row, 2)));

		regroup->pools[b].whole_event |= query_bool(row, 3);
		if (row == 0 || query_int8(row, 1) != query_int8(row - 1, 1))
			continue;
		a = pool_root(regroup, pool_index(regroup, query_int8(row - 1, 2)));
		regroup->pools[b].parent = a;
		regroup->pools[a].whole_event |= regroup->pools[b].whole_event;
	}
	query_done();
}

static int
stock_compare(const void *a, const void *b)
{
	const GroupStock *x = a;
	const GroupStock *y = b;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	if (x->session_id != y->session_id)
		return x->session_id < y->session_id ? -1 : 1;
	if (x->old_group != y->old_group)
		return x->old_group < y->old_group ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static void
stock_read(Regroup *regroup)
{
	Datum		args[1] = {Int64GetDatum(regroup->event_id)};

	regroup->stock_count = query_run(&stock_query, args, NULL);
	regroup->stock = palloc0_array(GroupStock, regroup->stock_count + 1);
	for (int row = 0; row < regroup->stock_count; row++)
	{
		GroupStock *stock = &regroup->stock[row];
		GroupPool  *root;

		root = &regroup->pools[pool_root(regroup, pool_index(regroup, query_int8(row, 2)))];
		stock->id = query_int8(row, 1);
		stock->old_group = query_int8(row, 4);
		stock->set = root->id;
		stock->session_id = root->whole_event ? 0 : query_int8(row, 3);
	}
	query_done();
	qsort(regroup->stock, regroup->stock_count, sizeof(GroupStock), stock_compare);
}

static bool
stock_together(const GroupStock *a, const GroupStock *b)
{
	return a->set == b->set && a->session_id == b->session_id;
}

/* The index of an old group that was there, -1 if it wasn't. */
static int
group_index(const Regroup *regroup, int64 id)
{
	for (int low = 0, high = regroup->group_count; low < high;)
	{
		int			middle = (low + high) / 2;

		if (regroup->groups[middle] == id)
			return middle;
		if (regroup->groups[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/*
 * Gives each set of rows its group: that of its first row, unless another set has it already, or a
 * new one.
 */
static void
groups_assign(Regroup *regroup, int64 *new_groups, int *new_count)
{
	bool	   *used = palloc0_array(bool, regroup->group_count + 1);
	int64		group = 0;

	*new_count = 0;
	for (int i = 0; i < regroup->stock_count; i++)
	{
		GroupStock *stock = &regroup->stock[i];

		if (i == 0 || !stock_together(stock - 1, stock))
		{
			int			old = group_index(regroup, stock->old_group);

			group = old >= 0 && !used[old] ? stock->old_group : id_next();
			if (group == stock->old_group)
				used[old] = true;
			else
				new_groups[(*new_count)++] = group;
		}
		stock->new_group = group;
	}
}

static void
groups_write(Regroup *regroup, const int64 *new_groups, int new_count)
{
	int64	   *ids = palloc_array(int64, regroup->stock_count + 1);
	int64	   *groups = palloc_array(int64, regroup->stock_count + 1);
	int			moved = 0;
	Datum		args[3] = {Int64GetDatum(regroup->event_id)};

	for (int i = 0; i < regroup->stock_count; i++)
	{
		if (regroup->stock[i].old_group == regroup->stock[i].new_group)
			continue;
		ids[moved] = regroup->stock[i].id;
		groups[moved++] = regroup->stock[i].new_group;
	}
	if (moved == 0)
		return;
	args[1] = array_int8(new_groups, new_count);
	(void) query_run(&insert_query, args, NULL);
	args[1] = array_int8(ids, moved);
	args[2] = array_int8(groups, moved);
	(void) query_run(&move_query, args, NULL);
	(void) query_run(&claim_query, args, NULL);
}

/* Locks all groups of the event: nothing of it is claimed while its groups change. */
static void
groups_lock(Regroup *regroup)
{
	Datum		args[1] = {Int64GetDatum(regroup->event_id)};

	regroup->group_count = query_run(&lock_query, args, NULL);
	regroup->groups = palloc_array(int64, regroup->group_count + 1);
	for (int row = 0; row < regroup->group_count; row++)
		regroup->groups[row] = query_int8(row, 1);
	query_done();
}

/*
 * boxoffice_code.inventory_regroup(event bigint) RETURNS integer
 *
 * Call it in the transaction that edited pools, types or sessions, which holds a lock of the
 * event's row. Returns how many groups there are.
 */
PG_FUNCTION_INFO_V1(inventory_regroup);
Datum
inventory_regroup(PG_FUNCTION_ARGS)
{
	Regroup		regroup = {.event_id = PG_GETARG_INT64(0)};
	Datum		args[1] = {PG_GETARG_DATUM(0)};
	int64	   *new_groups;
	int			new_count;
	int			groups = 0;

	require_read_committed();
	query_connect();
	groups_lock(&regroup);
	pools_read(&regroup);
	pools_join(&regroup);
	stock_read(&regroup);
	new_groups = palloc_array(int64, regroup.stock_count + 1);
	groups_assign(&regroup, new_groups, &new_count);
	groups_write(&regroup, new_groups, new_count);
	(void) query_run(&delete_query, args, NULL);
	query_done();
	query_finish();
	for (int i = 0; i < regroup.stock_count; i++)
		groups += i == 0 || regroup.stock[i].new_group != regroup.stock[i - 1].new_group;
	PG_RETURN_INT32(groups);
}

/*
 * boxoffice_code.inventory_sets(event bigint)
 *		RETURNS TABLE (pool_id bigint, set_id bigint, whole_event boolean)
 *
 * A row for each pool: the set of joined pools that it is of, and whether all stock rows of that
 * set are one group.  A session that is added needs no more than this: its rows join the one
 * group, or are a new group for each set, and no other group is touched.
 */
PG_FUNCTION_INFO_V1(inventory_sets);
Datum
inventory_sets(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Regroup		regroup = {.event_id = PG_GETARG_INT64(0)};

	InitMaterializedSRF(fcinfo, 0);
	query_connect();
	pools_read(&regroup);
	pools_join(&regroup);
	query_finish();
	for (int i = 0; i < regroup.pool_count; i++)
	{
		const GroupPool *root = &regroup.pools[pool_root(&regroup, i)];
		Datum		values[3] = {Int64GetDatum(regroup.pools[i].id), Int64GetDatum(root->id),
		BoolGetDatum(root->whole_event)};
		bool		nulls[3] = {false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
