/*
 * bulk.c
 *		The way in for rows of the hot tables.
 *
 * What COPY does for each thousand lines, for a batch's rows: tuples are formed, checked against
 * NOT NULL and CHECK, written a page at a time (one WAL record a page, not one a row), and
 * entered into the indexes.  Against INSERT … SELECT FROM unnest(…) of the same rows it takes
 * half the time, which is the largest single part of what a hold costs.
 *
 * It skips what INSERT looks after and these tables don't have: triggers (so foreign keys too),
 * rules, row security, partitions, generated columns, defaults.  If somebody gives a table one of
 * these, rows go by INSERT, more slowly and as correctly.
 *
 * Why the parts of an order (tickets, contact, payments, fees, holders) have no foreign keys to it:
 * in batches of 128 the five rows of a free order cost 54 us by INSERT and 121 us with the four
 * keys, as each row's is checked by a query of its own; by this file they cost half of the first.
 * What a purchase's rows refer to is written by the same call in the same transaction, so a key
 * would guard against hands other than ours only.  The second guard is boxoffice.check_orders,
 * which finds each kind of orphan, and grants: nobody but the owner may delete an order.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "bulk.h"

#define BULK_COLUMNS_MAX 24
#define BULK_TABLES_MAX 16

/*
 * The CHECK constraints of a table, compiled.  To read and compile them took longer than to check
 * a batch by them, so they are kept for the backend's life, or until the table is altered.
 */
typedef struct BulkChecks
{
	Oid			relation;
	bool		current;		/* not altered since they were compiled */
	EState	   *estate;			/* they live in its memory */
	ExprState **exprs;
} BulkChecks;

static BulkChecks checks_kept[BULK_TABLES_MAX];
static int	checks_count = 0;

struct Bulk
{
	const char *table;
	const char *const *columns;
	int			column_count;
	AttrNumber	attnums[BULK_COLUMNS_MAX];
	Relation	relation;
	TupleDesc	desc;			/* a copy: to count references for each row would cost */
	bool		plain;			/* may go past the executor */
	TupleTableSlot **slots;
	int			slot_count;
	int			slot_max;
	int			column;			/* of the present row, the next to be given */
};

static AttrNumber
bulk_attnum(Relation relation, const char *column)
{
	TupleDesc	desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), column) == 0)
			return attribute->attnum;
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_COLUMN),
			errmsg("table boxoffice.%s has no column \"%s\"",
				   RelationGetRelationName(relation), column),
			errhint("Run sql/deploy of the version that the library belongs to."));
}

/* Those of the other side of a foreign key fire at UPDATE and DELETE only and don't matter here. */
static bool
bulk_has_triggers(Relation relation)
{
	const TriggerDesc *triggers = relation->trigdesc;

	return triggers != NULL &&
		(triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
		 triggers->trig_insert_before_statement || triggers->trig_insert_after_statement);
}

static bool
bulk_is_plain(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relispartition ||
		relation->rd_rel->relhasrules || relation->rd_rel->relrowsecurity ||
		bulk_has_triggers(relation))
		return false;
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->atthasdef || TupleDescAttr(desc, i)->attidentity != '\0')
			return false;
	return true;
}

Bulk *
bulk_begin(const char *table, const char *const *columns, int column_count, int rows)
{
	Bulk	   *bulk = palloc0_object(Bulk);
	Oid			schema = get_namespace_oid("boxoffice", false);
	Oid			oid = get_relname_relid(table, schema);

	Assert(column_count <= BULK_COLUMNS_MAX);
	if (!OidIsValid(oid))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("there is no table boxoffice.%s", table),
				errhint("Run sql/deploy."));
	bulk->table = table;
	bulk->columns = columns;
	bulk->column_count = column_count;
	bulk->relation = table_open(oid, RowExclusiveLock);
	bulk->desc = CreateTupleDescCopy(RelationGetDescr(bulk->relation));
	bulk->plain = bulk_is_plain(bulk->relation);
	for (int i = 0; i < column_count; i++)
		bulk->attnums[i] = bulk_attnum(bulk->relation, columns[i]);
	bulk->slot_max = Max(rows, 1);
	bulk->slots = palloc0_array(TupleTableSlot *, bulk->slot_max);
	return bulk;
}

/* The slot of the present row, made at its first column. */
static TupleTableSlot *
bulk_slot(Bulk *bulk)
{
	TupleTableSlot *slot;

	if (bulk->column > 0)
		return bulk->slots[bulk->slot_count];
	Assert(bulk->slot_count < bulk->slot_max);
	slot = MakeSingleTupleTableSlot(bulk->desc, &TTSOpsVirtual);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	bulk->slots[bulk->slot_count] = slot;
	return slot;
}

static void
bulk_set(Bulk *bulk, Datum value, bool null)
{
	TupleTableSlot *slot = bulk_slot(bulk);
	int			index;

	Assert(bulk->column < bulk->column_count);
	index = bulk->attnums[bulk->column++] - 1;
	slot->tts_values[index] = value;
	slot->tts_isnull[index] = null;
}

void
bulk_datum(Bulk *bulk, Datum value)
{
	bulk_set(bulk, value, false);
}

void
bulk_int8(Bulk *bulk, int64 value)
{
	bulk_set(bulk, Int64GetDatum(value), false);
}

void
bulk_id(Bulk *bulk, int64 value)
{
	bulk_set(bulk, Int64GetDatum(value), value == 0);
}

void
bulk_time(Bulk *bulk, TimestampTz value)
{
	bulk_set(bulk, TimestampTzGetDatum(value), TIMESTAMP_IS_NOEND(value));
}

void
bulk_text(Bulk *bulk, const char *value)
{
	bulk_set(bulk, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
bulk_null(Bulk *bulk)
{
	bulk_set(bulk, (Datum) 0, true);
}

void
bulk_row(Bulk *bulk)
{
	Assert(bulk->column == bulk->column_count);
	ExecStoreVirtualTuple(bulk->slots[bulk->slot_count]);
	bulk->slot_count++;
	bulk->column = 0;
}

static void
checks_invalidate(Datum arg, Oid relation)
{
	for (int i = 0; i < checks_count; i++)
		if (relation == InvalidOid || relation == checks_kept[i].relation)
			checks_kept[i].current = false;
}

/* Where a table's checks are kept, compiled or yet to be; NULL when there is no room. */
static BulkChecks *
checks_find(Oid relation)
{
	for (int i = 0; i < checks_count; i++)
		if (checks_kept[i].relation == relation)
			return &checks_kept[i];
	if (checks_count == BULK_TABLES_MAX)
		return NULL;
	if (checks_count == 0)
		CacheRegisterRelcacheCallback(checks_invalidate, (Datum) 0);
	memset(&checks_kept[checks_count], 0, sizeof(BulkChecks));
	checks_kept[checks_count].relation = relation;
	return &checks_kept[checks_count++];
}

/* Makes the room for a table's checks anew when it is altered, or new. */
static void
checks_refresh(BulkChecks *checks)
{
	MemoryContext caller;

	if (checks->current)
		return;
	if (checks->estate != NULL)
		FreeExecutorState(checks->estate);
	checks->estate = NULL;
	checks->exprs = NULL;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	checks->estate = CreateExecutorState();
	MemoryContextSwitchTo(caller);
	checks->current = true;
}

/* Checks all rows by NOT NULL and CHECK. */
static void
bulk_check(Bulk *bulk, ResultRelInfo *info, EState *estate)
{
	BulkChecks *checks = checks_find(RelationGetRelid(bulk->relation));

	if (checks != NULL)
	{
		checks_refresh(checks);
		estate = checks->estate;
		info->ri_ConstraintExprs = checks->exprs;
	}
	for (int i = 0; i < bulk->slot_count; i++)
	{
		bulk->slots[i]->tts_tableOid = RelationGetRelid(bulk->relation);
		ExecConstraints(info, bulk->slots[i], estate);
		ResetPerTupleExprContext(estate);
	}
	if (checks != NULL)
		checks->exprs = info->ri_ConstraintExprs;
}

/*
 * Whether rows may be entered into an index one after the other, each checked at once.  An
 * exclusion constraint, or one that is deferred, is left to the executor.
 */
static bool
bulk_index_is_plain(Relation index, const IndexInfo *index_info)
{
	return index->rd_index->indimmediate && index_info->ii_ExclusionOps == NULL;
}

/* Enters all rows into one index; neighbours come to the same pages. */
static void
bulk_enter_index(Bulk *bulk, Relation index, IndexInfo *index_info, EState *estate)
{
	ExprContext *context = GetPerTupleExprContext(estate);
	ExprState  *predicate = ExecPrepareQual(index_info->ii_Predicate, estate);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < bulk->slot_count; i++)
	{
		TupleTableSlot *slot = bulk->slots[i];

		ResetPerTupleExprContext(estate);
		context->ecxt_scantuple = slot;
		if (predicate != NULL && !ExecQual(predicate, context))
			continue;
		FormIndexDatum(index_info, slot, estate, values, nulls);
		(void) index_insert(index, values, nulls, &slot->tts_tid, bulk->relation,
							index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
							false, index_info);
	}
}

/* Enters all rows into all indexes. */
static void
bulk_enter(Bulk *bulk, ResultRelInfo *info, EState *estate)
{
	bool		plain = true;

	for (int i = 0; i < info->ri_NumIndices; i++)
		plain = plain && bulk_index_is_plain(info->ri_IndexRelationDescs[i],
											 info->ri_IndexRelationInfo[i]);
	for (int i = 0; plain && i < info->ri_NumIndices; i++)
		if (info->ri_IndexRelationInfo[i]->ii_ReadyForInserts)
			bulk_enter_index(bulk, info->ri_IndexRelationDescs[i],
							 info->ri_IndexRelationInfo[i], estate);
	for (int i = 0; !plain && i < bulk->slot_count; i++)
	{
		ResetPerTupleExprContext(estate);
		(void) ExecInsertIndexTuples(info, bulk->slots[i], estate, false, false, NULL, NIL);
	}
}

/* Checks the rows, writes them, enters them into the indexes. */
static void
bulk_write(Bulk *bulk)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *info = makeNode(ResultRelInfo);
	MemoryContext caller;

	InitResultRelInfo(info, bulk->relation, 0, NULL, 0);
	ExecOpenIndices(info, false);
	bulk_check(bulk, info, estate);
	caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	table_multi_insert(bulk->relation, bulk->slots, bulk->slot_count,
					   GetCurrentCommandId(true), 0, NULL);
	bulk_enter(bulk, info, estate);
	MemoryContextSwitchTo(caller);
	ExecCloseIndices(info);
	FreeExecutorState(estate);
}

/* The same by INSERT, row by row. */
static void
bulk_write_slowly(Bulk *bulk)
{
	MemoryContext caller = CurrentMemoryContext;
	StringInfoData sql;
	Oid			types[BULK_COLUMNS_MAX];
	Datum		values[BULK_COLUMNS_MAX];
	char		nulls[BULK_COLUMNS_MAX];

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO boxoffice.%s (", bulk->table);
	for (int i = 0; i < bulk->column_count; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", bulk->columns[i]);
	appendStringInfoString(&sql, ") VALUES (");
	for (int i = 0; i < bulk->column_count; i++)
	{
		types[i] = attnumTypeId(bulk->relation, bulk->attnums[i]);
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	}
	appendStringInfoChar(&sql, ')');
	for (int row = 0; row < bulk->slot_count; row++)
	{
		for (int i = 0; i < bulk->column_count; i++)
		{
			values[i] = bulk->slots[row]->tts_values[bulk->attnums[i] - 1];
			nulls[i] = bulk->slots[row]->tts_isnull[bulk->attnums[i] - 1] ? 'n' : ' ';
		}
		if (SPI_execute_with_args(sql.data, bulk->column_count, types, values, nulls,
								  false, 0) != SPI_OK_INSERT)
			elog(ERROR, "could not insert into boxoffice.%s", bulk->table);
		MemoryContextSwitchTo(caller);
	}
}

void
bulk_end(Bulk *bulk)
{
	Assert(bulk->column == 0);
	if (bulk->slot_count > 0 && bulk->plain)
		bulk_write(bulk);
	else if (bulk->slot_count > 0)
		bulk_write_slowly(bulk);
	CommandCounterIncrement();
	for (int i = 0; i < bulk->slot_count; i++)
		ExecDropSingleTupleTableSlot(bulk->slots[i]);
	table_close(bulk->relation, NoLock);
	pfree(bulk->slots);
	pfree(bulk);
}
