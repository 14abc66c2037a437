/*
 * hold_answer.h
 *		A hold as JSON, as the contract's schema Hold says.
 */
#ifndef BOXOFFICE_HOLD_ANSWER_H
#define BOXOFFICE_HOLD_ANSWER_H

#include "hold.h"
#include "hold_request.h"

/*
 * Answers the call with the hold as it is now.  The offer must have the types and sessions of its
 * claims. with_secret: for who made it.  request: tells what is missing of a partial one, may be
 * NULL.
 */
extern void hold_answer(Call *call, const Hold *hold, const Offer *offer, TimestampTz now,
						bool with_secret, const HoldRequest *request);

/* Prices and fees of what the hold keeps. */
extern int64 hold_total(const Hold *hold);

/*
 * The offer with types and sessions of these holds; must be called between query_connect and
 * _finish.
 */
extern Offer *hold_answer_offer(int64 event_id, const Hold *holds, int count);

#endif							/* BOXOFFICE_HOLD_ANSWER_H */
