/*
 * id.h
 *		64-bit ids that rise with time, unique in the cluster.
 */
#ifndef BOXOFFICE_ID_H
#define BOXOFFICE_ID_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Asks for the shared memory; called by _PG_init while libraries are preloaded. */
extern void id_init(void);

/* The next id. */
extern int64 id_next(void);

/* When an id was made. */
extern TimestampTz id_time(int64 id);

/* The first of count consecutive ids, all the caller's own. */
extern int64 id_next_many(int count);

#endif							/* BOXOFFICE_ID_H */
