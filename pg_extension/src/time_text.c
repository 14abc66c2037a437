/*
 * time_text.c
 *		Times as answers show them: RFC 3339, with the offset of a place at that time.
 *
 * A fraction of a second is there if there is one, Z where there is no offset.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "call.h"

#define TIME_TEXT_MAX 64

PG_FUNCTION_INFO_V1(boxoffice_time_text);

static char *
two_digits(char *to, int number)
{
	to[0] = '0' + number / 10;
	to[1] = '0' + number % 10;
	return to + 2;
}

/* ".25" with no trailing zeros, or nothing */
static char *
append_fraction(char *to, int microseconds)
{
	if (microseconds == 0)
		return to;
	to[0] = '.';
	for (int i = 6; i >= 1; i--)
	{
		to[i] = '0' + microseconds % 10;
		microseconds /= 10;
	}
	to += 7;
	while (to[-1] == '0')
		to--;
	return to;
}

/* offset: seconds west of Greenwich, as PostgreSQL counts */
static char *
append_offset(char *to, int offset)
{
	int			minutes = (offset < 0 ? -offset : offset) / 60;

	if (minutes == 0)
	{
		*to++ = 'Z';
		return to;
	}
	*to++ = offset < 0 ? '+' : '-';
	to = two_digits(to, minutes / 60);
	*to++ = ':';
	return two_digits(to, minutes % 60);
}

/* A zone's rules; UTC for NULL. A batch asks for one zone all the time: the last is remembered. */
static pg_tz *
find_zone(const char *name)
{
	static pg_tz *last = NULL;
	pg_tz	   *zone;

	if (name == NULL)
		name = "GMT";
	if (last != NULL && strcmp(pg_get_timezone_name(last), name) == 0)
		return last;
	zone = pg_tzset(name);
	last = zone != NULL ? zone : pg_tzset("GMT");
	return last;
}

/* RFC 3339 with the offset of that zone at that time, without an end; zone NULL is UTC. */
static int
time_write(char *text, TimestampTz at, const char *zone)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int			offset;
	char	   *to = text;

	if (timestamp2tm(at, &offset, &tm, &fraction, NULL, find_zone(zone)) != 0 ||
		tm.tm_year < 0 || tm.tm_year > 9999)
		ereport(ERROR,
				errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				errmsg("timestamp out of range"));

	to = two_digits(to, tm.tm_year / 100);
	to = two_digits(to, tm.tm_year % 100);
	*to++ = '-';
	to = two_digits(to, tm.tm_mon);
	*to++ = '-';
	to = two_digits(to, tm.tm_mday);
	*to++ = 'T';
	to = two_digits(to, tm.tm_hour);
	*to++ = ':';
	to = two_digits(to, tm.tm_min);
	*to++ = ':';
	to = two_digits(to, tm.tm_sec);
	to = append_fraction(to, fraction);
	to = append_offset(to, offset);
	return to - text;
}

void
json_append_time(StringInfo out, TimestampTz at, const char *zone)
{
	char		text[TIME_TEXT_MAX];

	text[0] = '"';
	appendBinaryStringInfo(out, text, 1 + time_write(text + 1, at, zone));
	appendStringInfoChar(out, '"');
}

/* boxoffice_code.time_text(at timestamptz, zone text) RETURNS text */
Datum
boxoffice_time_text(PG_FUNCTION_ARGS)
{
	char		buf[TIME_TEXT_MAX];
	int			len = time_write(buf, PG_GETARG_TIMESTAMPTZ(0),
								 text_to_cstring(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf, len));
}
