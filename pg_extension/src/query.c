/*
 * query.c
 *		Prepared statements of the core, on top of SPI.
 *
 * Plans are generic and kept for the backend's life.  A plan made while a table was all but empty
 * would read it from end to end, and be kept while an on-sale adds a million rows to it before
 * the next ANALYZE.  So the planner is told, while it plans for us, that every table is large, as
 * it will be: then only lookups by the whole key come out best.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "optimizer/plancat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "debug.h"
#include "query.h"

#define PLANNED_ROWS 1e6
#define PLANNED_PAGES 20000

static bool planning = false;
static bool hooked = false;
static get_relation_info_hook_type previous_info_hook = NULL;

/* While we plan, makes tables look as large as they may become. */
static void
query_enlarge(PlannerInfo *root, Oid relation, bool inhparent, RelOptInfo *rel)
{
	ListCell   *cell;

	if (previous_info_hook)
		previous_info_hook(root, relation, inhparent, rel);
	if (!planning || rel->tuples >= PLANNED_ROWS)
		return;
	rel->tuples = PLANNED_ROWS;
	rel->pages = Max(rel->pages, PLANNED_PAGES);
	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, cell);

		index->tuples = PLANNED_ROWS;
		index->pages = Max(index->pages, PLANNED_PAGES / 4);
	}
}

void
query_connect(void)
{
	MemoryContext caller = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(caller);
}

void
query_finish(void)
{
	MemoryContext caller = CurrentMemoryContext;

	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not disconnect from SPI");
	MemoryContextSwitchTo(caller);
}

/*
 * The statement as it would be had nobody thought of locking: what the controls of race tests run.
 */
static const char *
query_without_locks(const char *sql)
{
	static const char clause[] = " FOR NO KEY UPDATE";
	char	   *copy = pstrdup(sql);
	char	   *found = strstr(copy, clause);
	char	   *end;

	if (found == NULL)
		return copy;
	end = found + strlen(clause);
	if (strncmp(end, " OF ", 4) == 0)
		end += 4 + strcspn(end + 4, " )");
	memmove(found, end, strlen(end) + 1);
	return copy;
}

/* Where the plan of the statement is kept; the one without locks has a place of its own. */
static SPIPlanPtr *
query_slot(CoreQuery *query)
{
	return debug_skip_lock ? &query->unlocked : &query->plan;
}

static void
query_prepare(CoreQuery *query)
{
	const char *sql = debug_skip_lock ? query_without_locks(query->sql) : query->sql;
	SPIPlanPtr	plan;

	Assert(query->nargs <= QUERY_ARGS_MAX);
	plan = SPI_prepare_cursor(sql, query->nargs, query->types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", query->sql,
			 SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep the plan of \"%s\"", query->sql);
	*query_slot(query) = plan;
}

/* Makes the generic plan ahead of the run, so that it is made our way. */
static void
query_plan(CoreQuery *query)
{
	CachedPlan *plan;

	if (!hooked)
	{
		previous_info_hook = get_relation_info_hook;
		get_relation_info_hook = query_enlarge;
		hooked = true;
	}
	if (*query_slot(query) == NULL)
		query_prepare(query);
	planning = true;
	PG_TRY();
	{
		plan = SPI_plan_get_cached_plan(*query_slot(query));
		if (plan != NULL)
			ReleaseCachedPlan(plan, CurrentResourceOwner);
	}
	PG_FINALLY();
	{
		planning = false;
	}
	PG_END_TRY();
}

int
query_run(CoreQuery *query, const Datum *values, const char *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	int			result;

	query_done();
	/* the executor would hear of what was analysed or altered, and make a plan of its own */
	AcceptInvalidationMessages();
	if (*query_slot(query) == NULL || !SPI_plan_is_valid(*query_slot(query)))
		query_plan(query);
	result = SPI_execute_plan(*query_slot(query), unconstify(Datum *, values), nulls, false, 0);
	MemoryContextSwitchTo(caller);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", query->sql, SPI_result_code_string(result));
	return (int) SPI_processed;
}

void
query_done(void)
{
	if (SPI_tuptable != NULL)
		SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = NULL;
}

static Datum
query_get(int row, int column, bool *null)
{
	Assert(SPI_tuptable != NULL && row >= 0 && (uint64) row < SPI_processed);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, null);
}

bool
query_null(int row, int column)
{
	bool		null;

	(void) query_get(row, column, &null);
	return null;
}

Datum
query_datum(int row, int column)
{
	bool		null;
	Datum		value = query_get(row, column, &null);

	return null ? (Datum) 0 : value;
}

int64
query_int8(int row, int column)
{
	Datum		value = query_datum(row, column);

	return value == (Datum) 0 ? 0 : DatumGetInt64(value);
}

int32
query_int4(int row, int column)
{
	return DatumGetInt32(query_datum(row, column));
}

bool
query_bool(int row, int column)
{
	return DatumGetBool(query_datum(row, column));
}

TimestampTz
query_time(int row, int column)
{
	return DatumGetTimestampTz(query_datum(row, column));
}

char *
query_text(int row, int column)
{
	bool		null;
	Datum		value = query_get(row, column, &null);

	return null ? NULL : TextDatumGetCString(value);
}

int64 *
query_int8_array(int row, int column, int *count)
{
	ArrayType  *array;
	int64	   *copy;
	bool		null;
	Datum		value = query_get(row, column, &null);

	*count = 0;
	if (null)
		return NULL;
	array = DatumGetArrayTypeP(value);
	if (ARR_NDIM(array) == 0)
		return NULL;
	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT8OID)
		elog(ERROR, "expected a list of bigint");
	*count = ARR_DIMS(array)[0];
	copy = palloc_array(int64, *count);
	memcpy(copy, ARR_DATA_PTR(array), sizeof(int64) * *count);
	return copy;
}

/* A one-dimensional array of a fixed-length type, copied as it stands in memory. */
static Datum
array_plain(Oid type, size_t size, const void *values, int count)
{
	size_t		bytes = ARR_OVERHEAD_NONULLS(1) + mul_size(size, count);
	ArrayType  *array;

	if (count == 0)
		return PointerGetDatum(construct_empty_array(type));
	array = palloc0(bytes);
	SET_VARSIZE(array, bytes);
	array->ndim = 1;
	array->elemtype = type;
	ARR_DIMS(array)[0] = count;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), values, size * count);
	return PointerGetDatum(array);
}

Datum
array_int2(const int16 *values, int count)
{
	return array_plain(INT2OID, sizeof(int16), values, count);
}

Datum
array_int4(const int32 *values, int count)
{
	return array_plain(INT4OID, sizeof(int32), values, count);
}

Datum
array_int8(const int64 *values, int count)
{
	return array_plain(INT8OID, sizeof(int64), values, count);
}

Datum
array_time(const TimestampTz *values, int count)
{
	return array_plain(TIMESTAMPTZOID, sizeof(TimestampTz), values, count);
}

Datum
array_uuid(const uint8 (*values)[16], int count)
{
	return array_plain(UUIDOID, UUID_LEN, values, count);
}

Datum
array_text(const char *const *values, int count)
{
	Datum	   *items = palloc_array(Datum, count);
	bool	   *nulls = palloc_array(bool, count);
	int			dims[1] = {count};
	int			bounds[1] = {1};

	if (count == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	for (int i = 0; i < count; i++)
	{
		nulls[i] = values[i] == NULL;
		items[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(values[i]);
	}
	return PointerGetDatum(construct_md_array(items, nulls, 1, dims, bounds,
											  TEXTOID, -1, false, TYPALIGN_INT));
}

static int
id_compare(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

int
ids_sort_unique(int64 *ids, int count)
{
	int			kept = 0;

	qsort(ids, count, sizeof(int64), id_compare);
	for (int i = 0; i < count; i++)
		if (kept == 0 || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

void
require_read_committed(void)
{
	if (XactIsoLevel != XACT_READ_COMMITTED)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				errmsg("places are given out in READ COMMITTED only"),
				errdetail("A transaction of another isolation level would not see what others took "
						  "while it waited for a lock."),
				errhint("SET TRANSACTION ISOLATION LEVEL READ COMMITTED."));
}
