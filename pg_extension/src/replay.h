/*
 * replay.h
 *		Idempotency keys of stored functions: the answer itself is kept.
 *
 * The core makes its answers again from what came of the call (idempotency.h);
 * a stored function's answer is kept as text, so none of them may hold
 * personal data.
 */
#ifndef BOXOFFICE_REPLAY_H
#define BOXOFFICE_REPLAY_H

#include "call.h"

/*
 * Answers the call from the stored answer to its key, or refuses it (another
 * request, or the first one still runs).  Otherwise the key is locked until
 * the transaction ends.
 */
extern void replay_find(Call *call);

/* Keeps the answer of a call that succeeded and has a key. */
extern void replay_store(Call *call);

#endif							/* BOXOFFICE_REPLAY_H */
