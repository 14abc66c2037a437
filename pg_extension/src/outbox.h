/*
 * outbox.h
 *		Effects that leave the database, written in the transaction that caused them.
 */
#ifndef BOXOFFICE_OUTBOX_H
#define BOXOFFICE_OUTBOX_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* What a batch has to tell; start with all zeros. */
typedef struct Outbox
{
	const char **topics;
	int64	   *refs;
	int			count;
	int			max;
} Outbox;

/* Notes an effect; topic is one of those that boxoffice.outbox allows, as a constant. */
extern void outbox_add(Outbox *outbox, const char *topic, int64 ref_id);

/* Writes all of them in one statement, in the order of their noting. */
extern void outbox_write(const Outbox *outbox, int64 event_id, TimestampTz now);

#endif							/* BOXOFFICE_OUTBOX_H */
