/*
 * bench.h
 *		What all files of the load generator share: its options, the clock, and
 *		how it gives up.
 *
 * The generator runs on the cores of what it measures, so it is economical
 * first: two system calls a request, no allocation and no formatting on the
 * hot path.  It speaks to 127.0.0.1 only, and everything it does is bounded by
 * a count, a time, or both.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define NS_PER_US 1000LL

#define CONNECTIONS_MAX 4096
#define PROCESSES_MAX 8
#define SUBJECTS_MAX 4000000
#define SECONDS_MAX 3600

typedef enum ScenarioKind
{
	SCENARIO_GET,				/* GET of a path */
	SCENARIO_HOLD,				/* a hold by each buyer */
	SCENARIO_PURCHASE,			/* hold, then order of a free ticket */
	SCENARIO_SELLOUT,			/* purchase, insisting until sold or sold out */
	SCENARIO_ONSALE				/* hold, order and payment until it is sold out */
} ScenarioKind;

typedef struct Options
{
	ScenarioKind scenario;
	int			port;
	int			connections;	/* over all processes */
	int			processes;
	int64_t		count;			/* buyers in all; 0: until the time is over */
	double		seconds;		/* measured, after the warm-up */
	double		warmup;			/* seconds that are not measured */
	double		rate;			/* buyers a second in all, open loop; 0: closed loop */
	const char *path;			/* of SCENARIO_GET */
	const char *event;
	const char *type;			/* key of the ticket type */
	const char *session;		/* key of the session, or NULL */
	int			sessions;		/* > 0: session is a prefix, keys are prefix0 .. prefixN-1 */
	int			per_session;	/* buyers sent to one session before the next */
	int			quantity_max;	/* each buyer wants 1 .. quantity_max */
	int			release_percent;	/* buyers who give their hold back (onsale) */
	const char *alg;			/* HS256 or ES256; NULL: no token */
	const char *key_file;
	const char *kid;
	const char *iss;
	const char *aud;
	int64_t		subjects;		/* tokens made beforehand, used in turn */
	int			key_version;	/* of the UUIDs that idempotency keys are: 4 or 7 */
	uint64_t	nonce;			/* makes idempotency keys and subjects of this run its own */
	const char *json_file;
	bool		progress;
} Options;

static inline int64_t
now_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (int64_t) at.tv_sec * NS_PER_S + at.tv_nsec;
}

/* Says what is wrong and ends the process with status 2. */
extern void die(const char *format,...) __attribute__((noreturn, format(printf, 1, 2)));

extern void *alloc_or_die(size_t count, size_t size);

#endif							/* BENCH_H */
