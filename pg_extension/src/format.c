/*
 * format.c
 *		The named forms of strings: keys, codes, ids, times, e-mail addresses.
 *
 * Each has its pattern in sql/contract/generate (%formats) too, for clients.
 */
#include "postgres.h"

#include "bind.h"

#define YEAR_MIN 1970
#define YEAR_MAX 2999
#define OFFSET_HOURS_MAX 15		/* what PostgreSQL's own input takes */
#define POSTGRES_EPOCH_DAYS 730426	/* days_of(2000, 1, 1) */
#define KEY_LEN_MAX 63
#define EMAIL_LOCAL_MAX 64
#define EMAIL_MAX 254
#define LABEL_MAX 63

/* Character classes, by bit. */
#define C_LOWER	0x01			/* a-z */
#define C_UPPER	0x02			/* A-Z */
#define C_DIGIT	0x04			/* 0-9 */
#define C_DASH	0x08			/* - */
#define C_UNDER	0x10			/* _ */
#define C_CLEAR	0x20			/* A-Z and 2-9 without look-alikes I, O */
#define C_ZONE	0x40			/* + and / */
#define C_DOT	0x80			/* . */

static int
class_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return C_LOWER;
	if (c >= 'A' && c <= 'Z')
		return C_UPPER | (c != 'I' && c != 'O' ? C_CLEAR : 0);
	if (c >= '0' && c <= '9')
		return C_DIGIT | (c >= '2' ? C_CLEAR : 0);
	if (c == '-')
		return C_DASH;
	if (c == '_')
		return C_UNDER;
	if (c == '+' || c == '/')
		return C_ZONE;
	return c == '.' ? C_DOT : 0;
}

static bool
all_of(const char *text, int len, int classes)
{
	for (int i = 0; i < len; i++)
		if ((class_of(text[i]) & classes) == 0)
			return false;
	return true;
}

static bool
len_between(int len, int min, int max)
{
	return len >= min && len <= max;
}

static bool
is_key(const char *text, int len)
{
	return len_between(len, 1, KEY_LEN_MAX) &&
		all_of(text, 1, C_LOWER | C_DIGIT) &&
		all_of(text, len, C_LOWER | C_DIGIT | C_DASH | C_UNDER);
}

static bool
is_slug(const char *text, int len)
{
	return len_between(len, 1, KEY_LEN_MAX) &&
		all_of(text, 1, C_LOWER | C_DIGIT) &&
		all_of(text + len - 1, 1, C_LOWER | C_DIGIT) &&
		all_of(text, len, C_LOWER | C_DIGIT | C_DASH);
}

static bool
is_order_code(const char *text, int len)
{
	int			head = len - 7;

	return len_between(head, 3, 8) && text[head] == '-' &&
		all_of(text, head, C_CLEAR) && all_of(text + head + 1, 6, C_CLEAR);
}

/* Codes have no letter that looks like another in either case. */
static bool
is_order_code_typed(const char *text, int len)
{
	char		upper[16];

	if (len >= (int) sizeof(upper))
		return false;
	for (int i = 0; i < len; i++)
		upper[i] = class_of(text[i]) == C_LOWER ? (char) (text[i] - 'a' + 'A') : text[i];
	return is_order_code(upper, len);
}

static bool
is_locale(const char *text, int len)
{
	int			head = 0;

	while (head < len && class_of(text[head]) == C_LOWER)
		head++;
	if (!len_between(head, 2, 3))
		return false;
	return head == len ||
		(len == head + 3 && text[head] == '-' && all_of(text + head + 1, 2, C_UPPER));
}

/* What shows nothing: controls, spaces, marks of direction, joiners, fillers; rising. */
static const struct
{
	uint32		from;
	uint32		to;
}			blanks[] = {
	{0x0000, 0x0020}, {0x007f, 0x00a0}, {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c},
	{0x115f, 0x1160}, {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x2000, 0x200f},
	{0x2028, 0x202f}, {0x205f, 0x206f}, {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164},
	{0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
};

static bool
is_blank(uint32 c)
{
	for (int i = 0; i < (int) lengthof(blanks) && c >= blanks[i].from; i++)
		if (c <= blanks[i].to)
			return true;
	return false;
}

/* What ends a line, or is a control character. */
static bool
ends_line(uint32 c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* The next character of text that is UTF-8; those beyond 16 bits are all one to us. */
static uint32
next_character(const char *text, int *at)
{
	const unsigned char *p = (const unsigned char *) text + *at;
	int			len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	*at += len;
	if (len == 1)
		return p[0];
	if (len == 2)
		return (p[0] & 0x1f) << 6 | (p[1] & 0x3f);
	return len == 3 ? (p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f) : 0x10000;
}

/* What people write: nothing, or something to see. Blanks at its ends are theirs. */
static bool
is_text(const char *text, int len, bool one_line)
{
	bool		seen = len == 0;

	for (int at = 0; at < len;)
	{
		uint32		c = next_character(text, &at);

		if (one_line && ends_line(c))
			return false;
		seen = seen || !is_blank(c);
	}
	return seen;
}

/* A host name of at least two labels. */
static bool
is_domain(const char *text, int len)
{
	int			labels = 0;
	int			from = 0;

	for (int i = 0; i <= len; i++)
	{
		if (i < len && text[i] != '.')
			continue;
		if (!len_between(i - from, 1, LABEL_MAX) ||
			!all_of(text + from, i - from, C_LOWER | C_UPPER | C_DIGIT | C_DASH) ||
			text[from] == '-' || text[i - 1] == '-')
			return false;
		labels++;
		from = i + 1;
	}
	return labels >= 2;
}

/* The dot-atom form of RFC 5322 in ASCII, with a host name; quoted local parts are refused. */
static bool
is_email(const char *text, int len)
{
	const char *at = memchr(text, '@', len);
	int			local;

	if (at == NULL || len > EMAIL_MAX)
		return false;
	local = at - text;
	if (!len_between(local, 1, EMAIL_LOCAL_MAX) || text[0] == '.' || at[-1] == '.')
		return false;
	for (int i = 0; i < local; i++)
	{
		if (text[i] == '.' && text[i + 1] == '.')
			return false;
		if (text[i] == '\0' ||
			((class_of(text[i]) & ~C_ZONE) == 0 && strchr("!#$%&'*+/=?^`{|}~", text[i]) == NULL))
			return false;
	}
	return is_domain(at + 1, len - local - 1);
}

/* An address of the web: https, a host name, perhaps a port, and the rest percent-encoded. */
static bool
is_url(const char *text, int len)
{
	static const char scheme[] = "https://";
	int			at = sizeof(scheme) - 1;
	int			host = at;
	int			port;

	if (len <= at || strncmp(text, scheme, at) != 0)
		return false;
	while (at < len && (class_of(text[at]) & (C_LOWER | C_UPPER | C_DIGIT | C_DASH | C_DOT)) != 0)
		at++;
	if (!len_between(at - host, 1, 253))
		return false;
	if (at < len && text[at] == ':')
	{
		for (port = ++at; at < len && (class_of(text[at]) & C_DIGIT) != 0; at++)
			;
		if (!len_between(at - port, 1, 5))
			return false;
	}
	if (at < len && strchr("/?#", text[at]) == NULL)
		return false;
	for (; at < len; at++)
		if (text[at] <= ' ' || text[at] > '~' || strchr("\"<>[\\]^`{|}", text[at]) != NULL)
			return false;
	return true;
}

static int	digits_of(const char *text, int len);
static int	month_len(int year, int month);

/* A month of the years in which times may be: 2027-06. */
static bool
is_month(const char *text, int len)
{
	int			month;

	if (len != 7 || text[4] != '-')
		return false;
	month = digits_of(text + 5, 2);
	return len_between(digits_of(text, 4), YEAR_MIN, YEAR_MAX) && len_between(month, 1, 12);
}

/* A day that there is: 2027-06-23. */
static bool
is_date(const char *text, int len)
{
	if (len != 10 || text[7] != '-' || !is_month(text, 7))
		return false;
	return len_between(digits_of(text + 8, 2), 1,
					   month_len(digits_of(text, 4), digits_of(text + 5, 2)));
}

/* What a clock on a wall shows: 09:30. */
static bool
is_clock(const char *text, int len)
{
	return len == 5 && text[2] == ':' && len_between(digits_of(text, 2), 0, 23) &&
		len_between(digits_of(text + 3, 2), 0, 59);
}

/* A number with a decimal point, written out: 12 digits before it, 4 behind it at most. */
static bool
is_decimal(const char *text, int len)
{
	int			sign;
	const char *point;
	int			whole;

	if (len < 1)
		return false;
	sign = text[0] == '-';
	point = memchr(text, '.', len);
	whole = (point == NULL ? len : point - text) - sign;
	if (!len_between(whole, 1, 12) || !all_of(text + sign, whole, C_DIGIT))
		return false;
	return point == NULL || (len_between(len - sign - whole - 1, 1, 4) &&
							 all_of(point + 1, len - sign - whole - 1, C_DIGIT));
}

bool
format_matches(Format format, const char *text, int len)
{
	int64		id;
	TimestampTz time;

	switch (format)
	{
		case FORMAT_NONE:
			return true;
		case FORMAT_TEXT:
			return is_text(text, len, false);
		case FORMAT_ID:
			return format_parse_id(text, len, &id);
		case FORMAT_REF:
		case FORMAT_KEY:
			return is_key(text, len);
		case FORMAT_SLUG:
			return is_slug(text, len);
		case FORMAT_SHORT_CODE:
			return len_between(len, 3, 8) && all_of(text, len, C_CLEAR);
		case FORMAT_ORDER_CODE:
			return is_order_code(text, len);
		case FORMAT_ORDER_CODE_TYPED:
			return is_order_code_typed(text, len);
		case FORMAT_CURRENCY:
			return len == 3 && all_of(text, len, C_UPPER);
		case FORMAT_COUNTRY:
			return len == 2 && all_of(text, len, C_UPPER);
		case FORMAT_LOCALE:
			return is_locale(text, len);
		case FORMAT_ZONE:
			return len_between(len, 1, 64) && all_of(text, 1, C_LOWER | C_UPPER) &&
				all_of(text, len, C_LOWER | C_UPPER | C_DIGIT | C_DASH | C_UNDER | C_ZONE);
		case FORMAT_SECRET:
			return len_between(len, 16, 64) &&
				all_of(text, len, C_LOWER | C_UPPER | C_DIGIT | C_DASH | C_UNDER);
		case FORMAT_CURSOR:
			return len_between(len, 1, 200) &&
				all_of(text, len, C_LOWER | C_UPPER | C_DIGIT | C_DASH | C_UNDER | C_DOT);
		case FORMAT_DATE:
			return is_date(text, len);
		case FORMAT_MONTH:
			return is_month(text, len);
		case FORMAT_CLOCK:
			return is_clock(text, len);
		case FORMAT_LINE:
			return is_text(text, len, true);
		case FORMAT_EMAIL:
			return is_email(text, len);
		case FORMAT_URL:
			return is_url(text, len);
		case FORMAT_DECIMAL:
			return is_decimal(text, len);
		case FORMAT_DATE_TIME:
			return format_parse_time(text, len, &time);
	}
	return false;
}

/* A positive int64 without leading zeros. */
bool
format_parse_id(const char *text, int len, int64 *id)
{
	int64		value = 0;

	if (!len_between(len, 1, 19) || text[0] == '0')
		return false;
	for (int i = 0; i < len; i++)
	{
		int			digit = text[i] - '0';

		if (digit < 0 || digit > 9 || value > (PG_INT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*id = value;
	return true;
}

/* The number that len digits stand for, or -1. */
static int
digits_of(const char *text, int len)
{
	int			value = 0;

	for (int i = 0; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* Days from 0000-03-01 in the Gregorian calendar. */
static int64
days_of(int year, int month, int day)
{
	int64		y = month <= 2 ? year - 1 : year;
	int			m = (month + 9) % 12;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day;
}

static int
month_len(int year, int month)
{
	static const int lens[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : lens[month - 1];
}

/* Reads ".123" at *at, if there is one, as microseconds; finer digits are cut off. */
static bool
parse_fraction(const char **at, const char *end, int *microseconds)
{
	int			digits = 0;

	*microseconds = 0;
	if (*at >= end || **at != '.')
		return true;
	(*at)++;
	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
		if (digits++ < 6)
			*microseconds = *microseconds * 10 + (**at - '0');
	for (int i = digits; i < 6; i++)
		*microseconds *= 10;
	return len_between(digits, 1, 9);
}

/* Reads "Z" or "+01:00", which must be all that is left, as seconds east. */
static bool
parse_offset(const char *at, const char *end, int *seconds)
{
	int			hours;
	int			minutes;

	*seconds = 0;
	if (end - at == 1)
		return *at == 'Z' || *at == 'z';
	if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':')
		return false;
	hours = digits_of(at + 1, 2);
	minutes = digits_of(at + 4, 2);
	if (hours < 0 || hours > OFFSET_HOURS_MAX || minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * 60 + minutes) * 60 * (*at == '-' ? -1 : 1);
	return true;
}

/* RFC 3339 with an offset, in the years 1970 to 2999. No leap second: PostgreSQL counts none. */
bool
format_parse_time(const char *text, int len, TimestampTz *time)
{
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;
	int			microseconds;
	int			offset;
	const char *at = text + 19;

	if (len < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
		text[13] != ':' || text[16] != ':')
		return false;
	year = digits_of(text, 4);
	month = digits_of(text + 5, 2);
	day = digits_of(text + 8, 2);
	hour = digits_of(text + 11, 2);
	minute = digits_of(text + 14, 2);
	second = digits_of(text + 17, 2);
	if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 ||
		day < 1 || day > month_len(year, month))
		return false;
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (!parse_fraction(&at, text + len, &microseconds) ||
		!parse_offset(at, text + len, &offset))
		return false;
	*time = (((days_of(year, month, day) - POSTGRES_EPOCH_DAYS) * 24 + hour) * 60 + minute) * 60;
	*time = (*time + second - offset) * INT64CONST(1000000) + microseconds;
	return true;
}
