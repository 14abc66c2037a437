/*
 * query.h
 *		Statements that are planned once in a backend, and arrays to feed them set-wise.
 *
 *		static CoreQuery holds_query = {
 *			"SELECT … WHERE event_id = $1 AND id = ANY ($2)", 2, {INT8OID, INT8ARRAYOID}
 *		};
 *		...
 *		query_connect();
 *		rows = query_run(&holds_query, query_values(2, Int64GetDatum(e), array_int8(ids, n)), NULL);
 *		for (i = 0; i < rows; i++)
 *			id = query_int8(i, 1);
 *		query_done();
 *		query_finish();
 *
 * Each run sees a fresh snapshot (the core runs in READ COMMITTED) and the writes of the runs
 * before it.
 */
#ifndef BOXOFFICE_QUERY_H
#define BOXOFFICE_QUERY_H

#include "postgres.h"
#include "catalog/pg_type_d.h"
#include "datatype/timestamp.h"

#define QUERY_ARGS_MAX 16

typedef struct CoreQuery
{
	const char *sql;
	int			nargs;
	Oid			types[QUERY_ARGS_MAX];
	struct _SPI_plan *plan;		/* made at the first run, kept */
	struct _SPI_plan *unlocked; /* the same without its locks, see debug.h */
} CoreQuery;

/*
 * Opens and closes SPI around a handler.  What the caller allocates between the two is its own:
 * the current memory context stays as it was.  Plans made in between use indexes whatever the
 * tables' size is today, since they're kept while the tables grow.
 */
extern void query_connect(void);
extern void query_finish(void);

/*
 * Runs a statement; nulls is NULL or as SPI has it ('n' is null).  Returns the number of rows
 * returned or changed.  The rows stay readable until query_done, or the next run.
 */
extern int	query_run(CoreQuery *query, const Datum *values, const char *nulls);
extern void query_done(void);

/*
 * A column (from 1) of a row (from 0) of the last run; NULL is 0, false or NULL, as the type has
 * it.
 */
extern bool query_null(int row, int column);
extern Datum query_datum(int row, int column);
extern int64 query_int8(int row, int column);
extern int32 query_int4(int row, int column);
extern bool query_bool(int row, int column);
extern TimestampTz query_time(int row, int column);
extern char *query_text(int row, int column);	/* palloc'd, NULL for NULL */
extern int64 *query_int8_array(int row, int column, int *count);	/* palloc'd */

/* Arrays for parameters.  Elements that are NULL pointers become SQL nulls. */
extern Datum array_int2(const int16 *values, int count);
extern Datum array_int4(const int32 *values, int count);
extern Datum array_int8(const int64 *values, int count);
extern Datum array_time(const TimestampTz *values, int count);
extern Datum array_text(const char *const *values, int count);
extern Datum array_uuid(const uint8 (*values)[16], int count);

/* Sorts ids and drops duplicates; returns how many are left. */
extern int	ids_sort_unique(int64 *ids, int count);

/* Refuses to go on outside READ COMMITTED, where what others committed could not be seen. */
extern void require_read_committed(void);

#endif							/* BOXOFFICE_QUERY_H */
