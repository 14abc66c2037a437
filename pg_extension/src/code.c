/*
 * code.c
 *		Order codes and ticket codes.
 *
 * An order code is read out on the telephone: 32 letters and digits of which
 * no two look alike, six of them, none that reads as a slur.  A ticket code
 * opens a door: 80 random bits, in Crockford's base 32.  Both alphabets have 32
 * letters, so five random bits make one and none is likelier than another.
 * Nothing here decides whether a code is taken: a constraint does.
 */
#include "code.h"

#include <string.h>

static const char order_alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
static const char ticket_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* What no code may contain; digits are read as the letters they resemble. */
static const char *const offences[] = {
	"ANAL", "ANUS", "ARSCH", "ARSE", "ASS", "BUTT", "CACA", "CRAP", "CULE", "CUM", "CUNT",
	"DAMN", "DEAD", "DYKE", "FAG", "FCK", "FUC", "FUK", "FUT", "FVCK", "GAY", "GAZ", "HELL",
	"HURE", "JEW", "JUD", "KAFF", "KKK", "KYS", "LUDE", "LUL", "MERDE", "NAZ", "NEG", "NGA",
	"NGR", "NSDAP", "NUTTE", "PAK", "PED", "PUFF", "PUT", "RAPE", "SCHE", "SEX", "SHAG",
	"SLUT", "SPAZ", "SPAST", "SSS", "SUCK", "TARD", "TETA", "TURD", "TWAT", "WANK", "WTF",
	"XXX"
};

/* The letter that a digit is read as: 5 is S, 4 is A, and so on. */
static char
letter_resembled(char c)
{
	static const char resembled[] = "..ZEASGTBG";

	return c >= '2' && c <= '9' ? resembled[c - '0'] : c;
}

/*
 * Whether a code contains a word that nobody wants on a ticket.
 */
bool
order_code_offends(const char *code)
{
	char		word[ORDER_CODE_LENGTH + 1] = "";

	for (size_t i = 0; i < ORDER_CODE_LENGTH && code[i] != '\0'; i++)
		word[i] = letter_resembled(code[i]);
	for (size_t i = 0; i < sizeof(offences) / sizeof(offences[0]); i++)
		if (strstr(word, offences[i]) != NULL)
			return true;
	return false;
}

/*
 * Makes an order code of 30 random bits.  False: it offends, draw again.
 */
bool
order_code_make(const uint8_t random[ORDER_CODE_RANDOM], char code[ORDER_CODE_LENGTH + 1])
{
	uint32_t	bits;

	memcpy(&bits, random, sizeof(bits));
	for (int i = 0; i < ORDER_CODE_LENGTH; i++, bits >>= 5)
		code[i] = order_alphabet[bits & 31];
	code[ORDER_CODE_LENGTH] = '\0';
	return !order_code_offends(code);
}

/* Copies a letter of the alphabet in upper case; false for any other. */
static bool
code_letter(char from, char *to)
{
	*to = from >= 'a' && from <= 'z' ? (char) (from - 'a' + 'A') : from;
	return *to != '\0' && strchr(order_alphabet, *to) != NULL;
}

/*
 * Splits EVENT-XXXXXX into the event's short code and the order's, in upper
 * case.  False if it is not of that form.
 */
bool
order_code_split(const char *full, char event[SHORT_CODE_LENGTH_MAX + 1],
				 char code[ORDER_CODE_LENGTH + 1])
{
	const char *dash = strchr(full, '-');
	size_t		length = dash == NULL ? 0 : (size_t) (dash - full);

	if (length < 3 || length > SHORT_CODE_LENGTH_MAX || strlen(dash + 1) != ORDER_CODE_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!code_letter(full[i], &event[i]))
			return false;
	for (size_t i = 0; i < ORDER_CODE_LENGTH; i++)
		if (!code_letter(dash[1 + i], &code[i]))
			return false;
	event[length] = '\0';
	code[ORDER_CODE_LENGTH] = '\0';
	return true;
}

/*
 * Makes a ticket code of 80 random bits.
 */
void
ticket_code_make(const uint8_t random[TICKET_CODE_RANDOM], char code[TICKET_CODE_LENGTH + 1])
{
	uint64_t	bits;

	for (int half = 0; half < 2; half++)
	{
		bits = 0;
		for (int i = 0; i < 5; i++)
			bits = bits << 8 | random[half * 5 + i];
		for (int i = 7; i >= 0; i--, bits >>= 5)
			code[half * 8 + i] = ticket_alphabet[bits & 31];
	}
	code[TICKET_CODE_LENGTH] = '\0';
}
