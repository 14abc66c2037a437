/*
 * bulk.h
 *		Inserts many rows into one table, past the executor.
 *
 * For the hot tables only.  Rows are checked by the table's constraints and indexes as INSERT
 * would; a table that has triggers, partitions or columns with defaults is written by INSERT.
 *
 *		bulk = bulk_begin("hold", columns, lengthof(columns), rows);
 *		for each row: bulk_int8(bulk, …) for each column in order; bulk_row(bulk);
 *		bulk_end(bulk);
 */
#ifndef BOXOFFICE_BULK_H
#define BOXOFFICE_BULK_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef struct Bulk Bulk;

/* Starts rows of a table of schema boxoffice; rows is how many there will be at most. */
extern Bulk *bulk_begin(const char *table, const char *const *columns, int column_count, int rows);

/* The next column's value. */
extern void bulk_datum(Bulk *bulk, Datum value);
extern void bulk_int8(Bulk *bulk, int64 value);
extern void bulk_id(Bulk *bulk, int64 value);	/* 0 is NULL */
extern void bulk_time(Bulk *bulk, TimestampTz value);	/* DT_NOEND is NULL */
extern void bulk_text(Bulk *bulk, const char *value);	/* NULL is NULL */
extern void bulk_null(Bulk *bulk);

/* Ends a row: all columns must have been given. */
extern void bulk_row(Bulk *bulk);

/* Writes what is left and closes the table. */
extern void bulk_end(Bulk *bulk);

#endif							/* BOXOFFICE_BULK_H */
