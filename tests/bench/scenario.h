/*
 * scenario.h
 *		What buyers do: which request comes next, and what an answer means.
 *
 * Knows the API of Boxoffice; knows no sockets.  An engine asks it for the
 * first request of a new buyer, and after each answer for the next one.
 */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include "bench.h"
#include "http.h"
#include "stats.h"
#include "token.h"

typedef enum Step
{
	STEP_GET,
	STEP_HOLD,
	STEP_ORDER,
	STEP_PAY,
	STEP_RELEASE
} Step;

typedef struct Buyer
{
	int64_t		number;
	Step		step;
	int			quantity;
	int			attempt;		/* of this step */
	int			held_before;	/* holds tried with another quantity: part of the key */
	int64_t		asked_ms;		/* when this step was first asked for: part of the key */
	bool		releases;
	char		hold[24];
	char		order[24];
	char		secret[128];
	char		total[24];
} Buyer;

typedef enum Verdict
{
	VERDICT_NEXT,				/* the buyer's next request is ready to be sent */
	VERDICT_RETRY,				/* the same again, after scenario_pause_ms */
	VERDICT_OVER				/* this buyer is done */
} Verdict;

typedef struct Scenario
{
	const Options *options;
	const TokenSet *tokens;
	Stats	   *stats;
	Shared	   *shared;
	uint32_t	random;
	int64_t		pause_ms;		/* before the retry of the last verdict */
} Scenario;

extern void scenario_begin(Scenario *scenario, Buyer *buyer, int64_t number, Http *http);
extern void scenario_again(Scenario *scenario, Buyer *buyer, Http *http);
extern Verdict scenario_judge(Scenario *scenario, Buyer *buyer, const Answer *answer, Http *http);

/* The connection was lost before the answer: nobody knows whether it took effect. */
extern Verdict scenario_lost(Scenario *scenario, Buyer *buyer);

#endif							/* BENCH_SCENARIO_H */
