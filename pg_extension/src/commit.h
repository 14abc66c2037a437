/*
 * commit.h
 *		Lets the next batch in before this one's flush is over; the answer waits for the flush.
 */
#ifndef BOXOFFICE_COMMIT_H
#define BOXOFFICE_COMMIT_H

#include "postgres.h"

extern void commit_init(void);

/* The present transaction is the dispatcher's: its client hears nothing before it is over. */
extern void commit_ours(void);

#endif							/* BOXOFFICE_COMMIT_H */
