/*
 * clock.c
 *		The clock of business rules, which a test server's superuser can move and stop.
 *
 * Ids don't go by it (id.c): they must rise whatever a test does.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "clock.h"

#define CLOCK_OFFSET_MAX_S (100.0 * 365 * 86400)
#define CLOCK_EPOCH_S ((double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

static double clock_offset_s = 0;
static double clock_stopped_s = 0;

void
clock_init(void)
{
	DefineCustomRealVariable("boxoffice.clock_offset",
							 "Moves the clock of business rules by so many seconds.",
							 "For tests: sale windows, deadlines and expiry go by the moved clock.",
							 &clock_offset_s, 0, -CLOCK_OFFSET_MAX_S, CLOCK_OFFSET_MAX_S,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("boxoffice.clock_stopped_at",
							 "Stops the clock of business rules at so many seconds since 1970.",
							 "For tests that must find the same times again; 0: it goes.",
							 &clock_stopped_s, 0, 0, CLOCK_EPOCH_S + CLOCK_OFFSET_MAX_S,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

TimestampTz
clock_now(void)
{
	TimestampTz now = clock_stopped_s > 0
		? (TimestampTz) ((clock_stopped_s - CLOCK_EPOCH_S) * USECS_PER_SEC)
		: GetCurrentTimestamp();

	return now + (int64) (clock_offset_s * USECS_PER_SEC);
}

/*
 * boxoffice_code.clock() RETURNS timestamptz
 *
 * Volatile: after a wait for a lock it must tell the time after the wait.
 */
PG_FUNCTION_INFO_V1(boxoffice_clock);
Datum
boxoffice_clock(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(clock_now());
}
