/*
 * ngx_text.c
 *		Codings and checks of text in the nginx module (TAP).
 */
#include "ngx_shim.h"
#include "ngx_http_boxoffice_text.h"

#include <stdio.h>

static int
utf8(const char *text, size_t len)
{
	return (int) ngx_http_boxoffice_text_utf8((const u_char *) text, len);
}

static int
word(const char *text)
{
	return (int) ngx_http_boxoffice_text_word((const u_char *) text, strlen(text));
}

static int
printable(const char *text)
{
	return (int) ngx_http_boxoffice_text_printable((const u_char *) text, strlen(text));
}

static int
uuid(const char *text)
{
	return (int) ngx_http_boxoffice_text_uuid((const u_char *) text, strlen(text));
}

static int64_t
id(const char *text)
{
	return ngx_http_boxoffice_text_id((const u_char *) text, strlen(text));
}

/* Another reader of UTF-8: by what a sequence means, not by its bytes. */
static int
utf8_by_value(const unsigned char *p, size_t len)
{
	static const unsigned long least[] = {0, 1, 0x80, 0x800, 0x10000};

	for (size_t n; len; p += n, len -= n)
	{
		unsigned long value;

		n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
		value = n == 1 ? p[0] : p[0] & (0x7fu >> n);
		if (p[0] >= 0xf8 || (p[0] >= 0x80 && p[0] < 0xc0) || n > len)
			return 0;
		for (size_t i = 1; i < n; i++)
		{
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (p[i] & 0x3f);
		}
		if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
			return 0;
	}
	return 1;
}

static void
test_utf8(void)
{
	unsigned char p[4];
	long		wrong = 0;

	for (long v = 0; v < 0x1000000; v++)
	{
		p[0] = (unsigned char) v;
		p[1] = (unsigned char) (v >> 8);
		p[2] = (unsigned char) (v >> 16);
		wrong += utf8((char *) p, 3) != utf8_by_value(p, 3);
	}
	check(wrong == 0, "UTF-8: all texts of three bytes");

	wrong = 0;
	p[3] = 0x80;
	for (long v = 0; v < 0x1000000; v++)
	{
		p[0] = (unsigned char) v;
		p[1] = (unsigned char) (v >> 8);
		p[2] = (unsigned char) (v >> 16);
		if (p[0] >= 0xe0)
			wrong += utf8((char *) p, 4) != utf8_by_value(p, 4);
	}
	check(wrong == 0, "UTF-8: texts of four bytes");
	check(utf8("a\0b", 3) == 0, "UTF-8: no NUL");
	check(utf8("", 0) == 1, "UTF-8: nothing is well-formed");
	check(utf8("\xc3", 1) == 0 && utf8("a\xe2\x82", 3) == 0, "UTF-8: cut short");
}

static void
test_checks(void)
{
	check(printable("a b~!") && !printable(""), "printable: ASCII with spaces, not empty");
	check(!printable("a\tb") && !printable("\x7f") && !printable("\xc3\xbc"), "printable: no controls, no UTF-8");
	check(word("a-B_9.~:") && !word("") && !word("a b") && !word("a\"b"), "word: what is safe in a log");
	check(uuid("6f1c7a54-1f0e-4c39-9d9f-2b8b7d6a0f11"), "UUID");
	check(uuid("6F1C7A54-1F0E-4C39-9D9F-2B8B7D6A0F11"), "UUID in capitals");
	check(!uuid("6f1c7a54-1f0e-4c39-9d9f-2b8b7d6a0f1") && !uuid("6f1c7a54-1f0e-4c39-9d9f-2b8b7d6a0f1g") &&
		  !uuid("6f1c7a5401f0e-4c39-9d9f-2b8b7d6a0f11"), "not a UUID");
	check(id("1") == 1 && id("9223372036854775807") == INT64_MAX, "id: from 1 to 2^63 - 1");
	check(!id("") && !id("0") && !id("01") && !id("-1") && !id("+1") && !id("1a") && !id(" 1"), "id: digits only");
	check(!id("9223372036854775808") && !id("9999999999999999999") && !id("18446744073709551617") &&
		  !id("99999999999999999999999"), "id: too large");
}

/* What is escaped comes back, whatever it is, and is ASCII in between. */
static void
test_escape(void)
{
	u_char		raw[256],
				escaped[768],
				back[768];
	u_char	   *end;
	int			ascii = 1;

	for (int i = 0; i < 256; i++)
		raw[i] = (u_char) i;
	end = ngx_http_boxoffice_text_escape(escaped, raw, sizeof(raw));
	check((size_t) (end - escaped) == ngx_http_boxoffice_text_escaped(raw, sizeof(raw)), "escape: the length foretold");
	for (u_char *p = escaped; p < end; p++)
		ascii &= *p > 0x20 && *p < 0x7f && *p != '&' && *p != '=' && *p != '+';
	check(ascii, "escape: no separator, nothing but ASCII");
	end = ngx_http_boxoffice_text_unescape(back, escaped, (size_t) (end - escaped));
	check(end - back == 256 && memcmp(back, raw, 256) == 0, "escape and unescape: all bytes come back");
}

static int
unescapes(const char *text, const char *wanted)
{
	u_char		buf[64];
	u_char	   *end = ngx_http_boxoffice_text_unescape(buf, (const u_char *) text, strlen(text));

	if (end == NULL || wanted == NULL)
		return end == NULL && wanted == NULL;
	return (size_t) (end - buf) == strlen(wanted) && memcmp(buf, wanted, strlen(wanted)) == 0;
}

static void
test_unescape(void)
{
	check(unescapes("a+b%20c%2B", "a b c+"), "unescape: plus and percent");
	check(unescapes("%c3%BC", "\xc3\xbc"), "unescape: either case");
	check(unescapes("%", NULL) && unescapes("%4", NULL) && unescapes("%4g", NULL) && unescapes("%%41", NULL),
		  "unescape: a percent sign without two digits");
	check(unescapes("", ""), "unescape: nothing");
}

static void
test_json(void)
{
	const char *raw = "a\"b\\c\n\x01\xc3\xbc\x7f";
	u_char		buf[64];
	u_char	   *end = ngx_http_boxoffice_text_json(buf, (const u_char *) raw, strlen(raw));
	const char *wanted = "a\\\"b\\\\c\\u000A\\u0001???";

	check((size_t) (end - buf) == strlen(wanted) && memcmp(buf, wanted, strlen(wanted)) == 0, "JSON: quoted, and ASCII");
	check((size_t) (end - buf) == ngx_http_boxoffice_text_jsoned((const u_char *) raw, strlen(raw)), "JSON: the length foretold");
}

int
main(void)
{
	test_utf8();
	test_checks();
	test_escape();
	test_unescape();
	test_json();
	return finish();
}
