/*
 * json.c
 *		Reads JSON text (RFC 8259) strictly, piece by piece, without ever raising.
 */
#include "postgres.h"

#include "json.h"

#define HIGH_BITS UINT64CONST(0x8080808080808080)

/* Length of the well-formed UTF-8 sequence at text (Unicode table 3-7), or 0. */
static int
utf8_sequence(const unsigned char *text, int len)
{
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	int			more;

	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		more = 1;
	else if ((text[0] & 0xf0) == 0xe0)
		more = 2;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		more = 3;
	else
		return 0;

	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;

	if (more >= len || text[1] < low || text[1] > high)
		return 0;
	for (int i = 2; i <= more; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return more + 1;
}

/* Whether text is UTF-8: shortest forms only, no surrogates, nothing past U+10FFFF. */
bool
json_utf8_valid(const char *text, int len)
{
	const unsigned char *at = (const unsigned char *) text;
	const unsigned char *end = at + len;

	while (at < end)
	{
		uint64		eight;
		int			sequence;

		if (end - at >= 8)
		{
			memcpy(&eight, at, 8);
			if ((eight & HIGH_BITS) == 0)
			{
				at += 8;
				continue;
			}
		}
		if (*at < 0x80)
		{
			at++;
			continue;
		}
		sequence = utf8_sequence(at, end - at);
		if (sequence == 0)
			return false;
		at += sequence;
	}
	return true;
}

void
json_open(JsonInput *in, const char *text, int len)
{
	in->start = in->at = text;
	in->end = text + len;
	in->depth = 0;
	in->problem = NULL;
}

/* Remembers the first problem; always false, for return. */
bool
json_fail(JsonInput *in, const char *problem)
{
	if (in->problem == NULL)
		in->problem = problem;
	return false;
}

void
json_skip_space(JsonInput *in)
{
	while (in->at < in->end &&
		   (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r'))
		in->at++;
}

bool
json_expect(JsonInput *in, char c, const char *problem)
{
	if (in->at >= in->end || *in->at != c)
		return json_fail(in, problem);
	in->at++;
	return true;
}

/* Steps over the bracket that opens a list or an object; the caller lowers depth at its end. */
bool
json_enter(JsonInput *in)
{
	if (in->depth == JSON_DEPTH_MAX)
		return json_fail(in, "nested too deeply");
	in->depth++;
	in->at++;
	return true;
}

/* The four digits after \u; -1 if they aren't there. */
static int
read_hex4(JsonInput *in)
{
	int			unit = 0;

	if (in->end - in->at < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int			digit = hex_digit(in->at[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	in->at += 4;
	return unit;
}

static char *
append_utf8(char *to, uint32 point)
{
	if (point < 0x80)
		*to++ = point;
	else if (point < 0x800)
	{
		*to++ = 0xc0 | point >> 6;
		*to++ = 0x80 | (point & 0x3f);
	}
	else if (point < 0x10000)
	{
		*to++ = 0xe0 | point >> 12;
		*to++ = 0x80 | (point >> 6 & 0x3f);
		*to++ = 0x80 | (point & 0x3f);
	}
	else
	{
		*to++ = 0xf0 | point >> 18;
		*to++ = 0x80 | (point >> 12 & 0x3f);
		*to++ = 0x80 | (point >> 6 & 0x3f);
		*to++ = 0x80 | (point & 0x3f);
	}
	return to;
}

/* Reads what follows \u, with its second half if it is the first of a pair. */
static bool
read_unicode_escape(JsonInput *in, JsonString *string, char **to)
{
	int			unit = read_hex4(in);
	int			second;

	if (unit < 0)
		return json_fail(in, "\\u needs four hexadecimal digits");
	if (unit == 0)
	{
		string->has_nul = true;
		return true;
	}
	if (unit < 0xd800 || unit > 0xdfff)
	{
		*to = append_utf8(*to, unit);
		return true;
	}
	if (unit > 0xdbff || in->end - in->at < 2 || in->at[0] != '\\' || in->at[1] != 'u')
	{
		string->has_lone_surrogate = true;
		return true;
	}

	in->at += 2;
	second = read_hex4(in);
	if (second < 0)
		return json_fail(in, "\\u needs four hexadecimal digits");
	if (second < 0xdc00 || second > 0xdfff)
	{
		in->at -= 6;			/* an escape of its own, read again */
		string->has_lone_surrogate = true;
		return true;
	}
	*to = append_utf8(*to, 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
	return true;
}

/* Reads one escape, the backslash included. */
static bool
read_escape(JsonInput *in, JsonString *string, char **to)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *found;

	in->at++;
	if (in->at < in->end && *in->at == 'u')
	{
		in->at++;
		return read_unicode_escape(in, string, to);
	}
	found = in->at < in->end && *in->at != '\0' ? strchr(escapes, *in->at) : NULL;
	if (found == NULL)
		return json_fail(in, "unknown escape in a string");
	in->at++;
	*(*to)++ = meanings[found - escapes];
	return true;
}

/* The end of the string's plain part: its quote, a backslash, or what may not be there. */
static const char *
plain_end(const JsonInput *in)
{
	const char *at = in->at;

	while (at < in->end && *at != '"' && *at != '\\' && (unsigned char) *at >= 0x20)
		at++;
	return at;
}

/* The bytes up to the closing quote are a bound: an escape is longer than what it means. */
static int
string_size_max(const JsonInput *in)
{
	const char *at = in->at;

	while (at < in->end && *at != '"')
		at += *at == '\\' && at + 1 < in->end ? 2 : 1;
	return at - in->at;
}

/* Reads a string, the quotes included. */
bool
json_read_string(JsonInput *in, JsonString *string)
{
	const char *plain;
	char	   *data;
	char	   *to;

	if (!json_expect(in, '"', "a string is expected"))
		return false;
	string->has_nul = string->has_lone_surrogate = false;
	plain = plain_end(in);
	data = palloc((plain < in->end && *plain == '"' ? plain - in->at : string_size_max(in)) + 1);
	to = data;
	for (;;)
	{
		memcpy(to, in->at, plain - in->at);
		to += plain - in->at;
		in->at = plain;
		if (in->at >= in->end)
			return json_fail(in, "a string does not end");
		if (*in->at == '"')
			break;
		if (*in->at != '\\')
			return json_fail(in, "a control character in a string");
		if (!read_escape(in, string, &to))
			return false;
		plain = plain_end(in);
	}
	in->at++;
	*to = '\0';
	string->data = data;
	string->len = to - data;
	return true;
}

static bool
skip_digits(JsonInput *in)
{
	const char *from = in->at;

	while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
		in->at++;
	return in->at > from;
}

bool
json_read_number(JsonInput *in, JsonNumber *number)
{
	number->text = in->at;
	number->whole = true;
	if (json_peek(in) == '-')
		in->at++;
	if (json_peek(in) == '0')
		in->at++;
	else if (!skip_digits(in))
		return json_fail(in, "a value is expected");
	if (json_peek(in) == '.')
	{
		in->at++;
		number->whole = false;
		if (!skip_digits(in))
			return json_fail(in, "a digit is expected after the decimal point");
	}
	if (json_peek(in) == 'e' || json_peek(in) == 'E')
	{
		in->at++;
		number->whole = false;
		if (json_peek(in) == '+' || json_peek(in) == '-')
			in->at++;
		if (!skip_digits(in))
			return json_fail(in, "a digit is expected in the exponent");
	}
	number->len = in->at - number->text;
	return true;
}

bool
json_read_word(JsonInput *in, const char *word)
{
	int			len = strlen(word);

	if (in->end - in->at < len || memcmp(in->at, word, len) != 0)
		return json_fail(in, "a value is expected");
	in->at += len;
	return true;
}

/* Steps over the rest of a list or an object, which json_enter() has entered. */
static bool
skip_members(JsonInput *in, char close)
{
	JsonString	name;

	json_skip_space(in);
	if (json_peek(in) == close)
	{
		in->at++;
		in->depth--;
		return true;
	}
	for (;;)
	{
		json_skip_space(in);
		if (close == '}')
		{
			if (!json_read_string(in, &name))
				return false;
			pfree(unconstify(char *, name.data));
			json_skip_space(in);
			if (!json_expect(in, ':', "a colon is expected"))
				return false;
			json_skip_space(in);
		}
		if (!json_skip_value(in))
			return false;
		json_skip_space(in);
		if (json_peek(in) == close)
			break;
		if (!json_expect(in, ',', "a comma or the end is expected"))
			return false;
	}
	in->at++;
	in->depth--;
	return true;
}

/* Steps over any well-formed value; nested ones at most JSON_DEPTH_MAX deep. */
bool
json_skip_value(JsonInput *in)
{
	JsonNumber	number;
	JsonString	string;

	switch (json_peek(in))
	{
		case '{':
			return json_enter(in) && skip_members(in, '}');
		case '[':
			return json_enter(in) && skip_members(in, ']');
		case '"':
			if (!json_read_string(in, &string))
				return false;
			pfree(unconstify(char *, string.data));
			return true;
		case 't':
			return json_read_word(in, "true");
		case 'f':
			return json_read_word(in, "false");
		case 'n':
			return json_read_word(in, "null");
		default:
			return json_read_number(in, &number);
	}
}
