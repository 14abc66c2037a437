/*
 * boxoffice.h
 *		What _PG_init() calls: one <file>_init() for each file that needs it.
 */
#ifndef BOXOFFICE_BOXOFFICE_H
#define BOXOFFICE_BOXOFFICE_H

/* actor.c: the end of a transaction forgets who acts. */
extern void actor_init(void);

#endif							/* BOXOFFICE_BOXOFFICE_H */
