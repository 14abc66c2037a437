/*
 * hold.h
 *		Holds as other operations see them.
 */
#ifndef BOXOFFICE_HOLD_H
#define BOXOFFICE_HOLD_H

#include "call.h"
#include "claim.h"

typedef enum HoldStatus
{
	HOLD_ACTIVE,
	HOLD_ORDERED,
	HOLD_RELEASED,
	HOLD_EXPIRED
} HoldStatus;

#define HOLD_GRACE_MS 5000		/* a write is accepted this long past the shown deadline */

typedef struct Hold
{
	int64		id;
	HoldStatus	status;			/* as stored; see hold_writable for what it means now */
	TimestampTz expires_at;
	TimestampTz extend_until;
	TimestampTz created_at;
	const char *channel;
	const char *subject;		/* NULL: nobody */
	Claim	   *claims;			/* ascending by line */
	int			claim_count;
} Hold;

/*
 * The holds with these ids, ascending by id, with their claims; sets *count.  Reads without
 * locks.
 */
extern Hold *hold_load(int64 event_id, const int64 *ids, int n, int *count);

/* The one with this id, NULL if none. */
extern Hold *hold_find(Hold *holds, int count, int64 id);

/*
 * Whether a write to the hold is accepted at this time: ERR_NONE, or the error that says why not.
 * Call it on what was read under the locks: past the deadline it counts whether all claims still
 * stand.
 */
extern ErrorCode hold_writable(const Hold *hold, TimestampTz now);

/* What the status means now: an active hold past its deadline has expired, written or not. */
extern HoldStatus hold_status_at(const Hold *hold, TimestampTz now);

extern const char *hold_status_name(HoldStatus status);

/* Writes new rows of holds, without their claims. */
extern void hold_insert(int64 event_id, const Hold *const *holds, int count);

/*
 * Writes status and deadline of holds, set-wise, where the stored status is still active; any
 * other raises a serialization failure, though the locks should not let that happen.
 */
extern void hold_update(int64 event_id, const Hold *holds, int count);

#endif							/* BOXOFFICE_HOLD_H */
