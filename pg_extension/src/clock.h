/*
 * clock.h
 *		The one clock of business rules: the real time plus boxoffice.clock_offset, unless
 *		boxoffice.clock_stopped_at stops it.
 */
#ifndef BOXOFFICE_CLOCK_H
#define BOXOFFICE_CLOCK_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Defines these settings; called by _PG_init. */
extern void clock_init(void);

/* The time that rules go by.  Read it after the locks are held, once per transaction. */
extern TimestampTz clock_now(void);

#endif							/* BOXOFFICE_CLOCK_H */
