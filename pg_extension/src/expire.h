/*
 * expire.h
 *		Where the worker looks for claims whose time is up: expire.c, order_expire.c.
 */
#ifndef BOXOFFICE_EXPIRE_H
#define BOXOFFICE_EXPIRE_H

#include "postgres.h"

#include "claim.h"

/* Groups that a look from a given one goes through; one from the beginning has no end. */
#define EXPIRE_LOOK_MAX 400

/*
 * The walk from group $2 on, through at most so many as $3: an event may have a group for each of
 * its thousands of sessions, so who knows the first that is due begins there.
 */
#define EXPIRE_WALK CLAIM_DEADLINES(" AND group_id >= $2", " WHERE g.n < $3")

/* $3 for a look from this group; 0: from the beginning. */
static inline int32
expire_look_max(int64 from_group)
{
	return from_group > 0 ? EXPIRE_LOOK_MAX : PG_INT32_MAX;
}

#endif							/* BOXOFFICE_EXPIRE_H */
