/*
 * stats.h
 *		What one process of the generator has seen. It lies in memory shared
 *		with the parent, which reads it for the progress line while it grows.
 */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include "histogram.h"
#include "json.h"

#define STATUS_MAX 600
#define CODES_MAX 16
#define CODE_SIZE 32

typedef struct CodeCount
{
	char		code[CODE_SIZE];	/* the problem document's, such as sold_out */
	int64_t		count;
} CodeCount;

typedef struct Stats
{
	/* everything, warm-up too */
	int64_t		status[STATUS_MAX];
	CodeCount	codes[CODES_MAX];	/* what does not fit is counted in the last */
	int64_t		lost;			/* connections lost with a request under way */
	int64_t		bad;			/* answers that could not be read or were not as they should be */
	int64_t		retries;
	int64_t		buyers;			/* begun */
	int64_t		completed;		/* got all they wanted of the scenario */
	int64_t		tickets;		/* valid tickets in their hands */
	int64_t		refused;		/* ended by sold_out */
	int64_t		released;		/* gave their hold back */
	int64_t		failed;			/* ended otherwise */

	/* within the measured time only */
	int64_t		measured_ok;	/* 2xx answers */
	int64_t		measured_answers;
	int64_t		measured_completed;
	Histogram	request;
	Histogram	buyer;			/* from a completed buyer's first request to the last answer */
} Stats;

/* One for all processes; the fields below are changed atomically. */
typedef struct Shared
{
	int64_t		begin_ns;		/* the clock starts here in all processes */
	int64_t		next_buyer;
	int			sold_out;		/* some buyer of one ticket was told so */
	Stats		stats[];		/* one a process */
} Shared;

extern void stats_code(Stats *stats, JsonText code);
extern void stats_merge(Stats *into, const Stats *from);

#endif							/* BENCH_STATS_H */
