/*
 * idempotency.h
 *		Idempotency keys of a batch of calls, found and stored together.
 *
 * The scope of a key is caller, operation, event and key.  What is stored is a hash of that, a
 * hash of what was asked and the id of what came of it, from which the answer is made again.
 *
 *		keys = idempotency_find(calls, count);		under the group locks, in a fresh snapshot
 *		for each call: switch (keys[i].found) …
 *		idempotency_store(calls, count, keys);		those with ref_id set whose call succeeded
 *
 * Of two calls with one new key in a batch the second is a duplicate.  When its turn comes, in
 * order of arrival, idempotency_turn tells whether the key is still free, since all calls before it
 * were refused: then it is decided like any other.  Else the handler calls idempotency_copy for it
 * once the call that has the key is answered.
 */
#ifndef BOXOFFICE_IDEMPOTENCY_H
#define BOXOFFICE_IDEMPOTENCY_H

#include "call.h"

typedef enum KeyFound
{
	KEY_NONE,					/* the call has no key */
	KEY_NEW,					/* nobody used it yet */
	KEY_REPLAY,					/* stored: make the answer again from ref_id, set replayed */
	KEY_DUPLICATE,				/* of an earlier call of this batch, see first */
	KEY_MISMATCH				/* used for something else; already refused with TK031 */
} KeyFound;

typedef struct IdempotencyKey
{
	KeyFound	found;
	uint8		hash[16];
	uint8		body_hash[16];	/* found: of what was asked then */
	int64		ref_id;			/* found: what came of it; new: the handler sets it, or 0 */
	const char *answer;			/* stored answer where it cannot be made again, or NULL */
	int			first;			/* index of the first call with the key; of that one's key: who has
								 * it now */
} IdempotencyKey;

/* One element a call, of which those already done are passed over (KEY_NONE). */
extern IdempotencyKey *idempotency_find(Call *calls, int count);

/*
 * Whether the call is to be decided: it has no key or a new one, or is a duplicate of calls that
 * were all refused, whose key is now its own (KEY_NEW).
 */
extern bool idempotency_turn(const Call *calls, int index, IdempotencyKey *keys);

/* Answers a duplicate of a call that was granted, and is answered. */
extern void idempotency_copy(Call *calls, int index, const IdempotencyKey *keys);

/*
 * Stores the new keys with a ref_id.  A key that another transaction stored meanwhile (in another
 * group of the event) raises a serialization failure: repeated, the batch will find it.
 */
extern void idempotency_store(Call *calls, int count, const IdempotencyKey *keys, TimestampTz now);

/* The hash of (caller, operation, event, key). */
extern void idempotency_hash(const Call *call, uint8 *hash);

#endif							/* BOXOFFICE_IDEMPOTENCY_H */
