/*
 * code.c
 *		Order codes, ticket codes and normal forms of addresses, bit by bit (TAP).
 */
#include "code.h"
#include "email.h"

#include <stdio.h>
#include <string.h>

static int	tests;
static int	failures;

static void
check(bool good, const char *what)
{
	tests++;
	if (!good)
		failures++;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}

static void
check_text(const char *got, const char *wanted, const char *what)
{
	check(strcmp(got, wanted) == 0, what);
	if (strcmp(got, wanted) != 0)
		printf("# got \"%s\", wanted \"%s\"\n", got, wanted);
}

/* Every value of the random bits makes its own code: none is likelier than another. */
static void
test_order_code_is_unbiased(void)
{
	static int	seen[ORDER_CODE_LENGTH][256];
	char		code[ORDER_CODE_LENGTH + 1];
	int			letters = 0;
	bool		even = true;

	for (int place = 0; place < ORDER_CODE_LENGTH; place++)
		for (uint32_t value = 0; value < 32; value++)
		{
			uint32_t	bits = value << (5 * place);

			order_code_make((const uint8_t *) &bits, code);
			seen[place][(unsigned char) code[place]]++;
		}
	for (int place = 0; place < ORDER_CODE_LENGTH; place++)
		for (int letter = 0; letter < 256; letter++)
		{
			letters += seen[place][letter] != 0;
			even = even && seen[place][letter] <= 1;
		}
	check(letters == 32 * ORDER_CODE_LENGTH, "each place of an order code has 32 letters");
	check(even, "each of them comes from one value of five bits");
	for (const char *c = "IO01"; *c != '\0'; c++)
		check(seen[0][(unsigned char) *c] == 0, "no letter that looks like another");
}

static void
test_order_code_offends(void)
{
	uint32_t	zero = 0;
	char		code[ORDER_CODE_LENGTH + 1];

	check(order_code_offends("XFUCKX"), "a slur in the middle offends");
	check(order_code_offends("A55XYZ"), "a slur in digits offends");
	check(order_code_offends("XYZS3X"), "a slur at the end offends");
	check(!order_code_offends("HKTRMP"), "an ordinary code does not");
	check(order_code_make((const uint8_t *) &zero, code), "AAAAAA may be drawn");
	check_text(code, "AAAAAA", "and is what zero bits make");
}

static void
test_order_code_split(void)
{
	static const char *const bad[] = {"", "-", "ABC", "AB-HKTRMP", "ABCDEFGHJ-HKTRMP", "ABC-HKTRM",
		"ABC-HKTRMPX", "ABC-HKTRM0", "ABC-HKTRMI", "A C-HKTRMP", "ABC-HKT-MP", "ABC--HKTRM",
	"AB\xc3\x84-HKTRMP"};
	char		event[SHORT_CODE_LENGTH_MAX + 1];
	char		code[ORDER_CODE_LENGTH + 1];

	check(order_code_split("GLAST-HK2RMP", event, code), "a code splits");
	check_text(event, "GLAST", "into the event's");
	check_text(code, "HK2RMP", "and the order's");
	check(order_code_split("glast-hk2rmp", event, code), "in lower case as well");
	check_text(event, "GLAST", "and is made upper case");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(!order_code_split(bad[i], event, code), "what is not of the form does not split");
}

static void
test_ticket_code(void)
{
	static const uint8_t zeros[TICKET_CODE_RANDOM];
	static const uint8_t mixed[TICKET_CODE_RANDOM] =
	{0x00, 0x44, 0x32, 0x14, 0xc7, 0xff, 0xff, 0xff, 0xff, 0xff};
	char		code[TICKET_CODE_LENGTH + 1];

	ticket_code_make(zeros, code);
	check_text(code, "0000000000000000", "zero bits are zeros");
	ticket_code_make(mixed, code);
	check_text(code, "01234567ZZZZZZZZ", "bits go out in order, five a letter");
}

static void
test_email_normalise(void)
{
	static const char *const cases[][2] = {
		{"Ada@Example.ORG", "ada@example.org"},
		{"ada+one@example.org", "ada+one@example.org"},
		{"ada.l+one@gmail.com", "adal@gmail.com"},
		{"A.da.L@GoogleMail.com", "adal@gmail.com"},
		{"ada.l+x+y@outlook.com", "ada.l@outlook.com"},
		{"ada+x@me.com", "ada@icloud.com"},
		{"ada@pm.me", "ada@proton.me"},
		{"+x@gmail.com", "+x@gmail.com"},
		{"no at sign", "no at sign"},
		{"\"a@b\"@Example.org", "\"a@b\"@example.org"},
		{"j\xc3\xb6rg@example.org", "j\xc3\xb6rg@example.org"},
	};
	char		normal[EMAIL_LENGTH_MAX + 1];
	char		wide[EMAIL_LENGTH_MAX + 100];
	size_t		length;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		length = email_normalise(cases[i][0], normal);
		check_text(normal, cases[i][1], cases[i][0]);
		check(length == strlen(normal), "its length is told");
	}
	memset(wide, 'a', sizeof(wide) - 1);
	memcpy(wide + 244, "@pm.me", 7);
	length = email_normalise(wide, normal);
	check(length == strlen(normal) && length <= EMAIL_LENGTH_MAX, "a longer domain is cut to size");
	memset(wide, 'a', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	check(email_normalise(wide, normal) == EMAIL_LENGTH_MAX, "an endless address is cut");
}

int
main(void)
{
	test_order_code_is_unbiased();
	test_order_code_offends();
	test_order_code_split();
	test_ticket_code();
	test_email_normalise();
	printf("1..%d\n", tests);
	return failures != 0;
}
