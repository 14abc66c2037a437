/*
 * deadline.c
 *		Until when a pending order can be paid.
 *
 * Knows the calendar and nothing of orders: the moment of placing, the event's
 * term and zone, and the last moment that makes sense (a session's end) go in.
 */
#include "postgres.h"

#include "deadline.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

static pg_tz *
zone_load(const char *zone)
{
	pg_tz	   *tz = pg_tzset(zone);

	if (tz == NULL || !pg_tz_acceptable(tz))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", zone)));
	return tz;
}

/*
 * 23:59:59 local time of the day that is so many days after placing, whatever
 * the clocks do in between: the day is counted on the calendar.
 */
static TimestampTz
end_of_day(TimestampTz placed_at, int days, const char *zone)
{
	pg_tz	   *tz = zone_load(zone);
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	TimestampTz end;

	if (timestamp2tm(placed_at, &offset, &tm, &fsec, NULL, tz) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	j2date(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) + days, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_hour = 23;
	tm.tm_min = 59;
	tm.tm_sec = 59;
	offset = DetermineTimeZoneOffset(&tm, tz);
	if (tm2timestamp(&tm, 0, &offset, &end) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return end;
}

/*
 * The deadline of an order placed at placed_at: the term, but never past last,
 * and never before the order was placed.
 */
TimestampTz
deadline_payment(TimestampTz placed_at, PaymentTerm term, const char *zone, TimestampTz last)
{
	TimestampTz deadline;

	Assert((term.minutes == 0) != (term.days == 0));
	if (term.days > 0)
		deadline = end_of_day(placed_at, term.days, zone);
	else
		deadline = placed_at + term.minutes * USECS_PER_MINUTE;
	if (deadline > last)
		deadline = last;
	return Max(deadline, placed_at);
}

/*
 * boxoffice_code.payment_deadline(placed_at timestamptz, minutes integer,
 *		days integer, zone text, last timestamptz) RETURNS timestamptz
 *
 * One of minutes and days is NULL; last is NULL when nothing caps the term.
 */
PG_FUNCTION_INFO_V1(payment_deadline);
Datum
payment_deadline(PG_FUNCTION_ARGS)
{
	PaymentTerm term = {0, 0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3) || PG_ARGISNULL(1) == PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a payment term needs a time, a zone, and either minutes or days")));
	if (!PG_ARGISNULL(1))
		term.minutes = PG_GETARG_INT32(1);
	else
		term.days = PG_GETARG_INT32(2);
	if (term.minutes + term.days < 1 || term.minutes > 525600 || term.days > 365)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a payment term is 1 to 525600 minutes or 1 to 365 days")));
	PG_RETURN_TIMESTAMPTZ(deadline_payment(PG_GETARG_TIMESTAMPTZ(0), term,
										   text_to_cstring(PG_GETARG_TEXT_PP(3)),
										   PG_ARGISNULL(4) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(4)));
}
