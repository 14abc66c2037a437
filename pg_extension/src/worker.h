/*
 * worker.h
 *		The background worker: expiry, tidying and the wake-up call for readers of the outbox.
 */
#ifndef BOXOFFICE_WORKER_H
#define BOXOFFICE_WORKER_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Defines the settings, registers the launcher; called by _PG_init while preloading. */
extern void worker_init(void);

/* boxoffice.worker_tick: milliseconds between two rounds. */
extern int worker_tick_ms;

/* Whether a pause of at most so many milliseconds until then goes on. */
extern bool worker_pauses(TimestampTz again_at, int pause_ms);

/* Entry points, looked up by name. */
extern PGDLLEXPORT void worker_launcher_main(Datum arg);
extern PGDLLEXPORT void worker_main(Datum arg);

#endif							/* BOXOFFICE_WORKER_H */
