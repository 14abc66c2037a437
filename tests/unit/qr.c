/*
 * qr.c
 *		Reads the drawn QR code back with a reader of its own (TAP).
 *
 * The reader knows version 1 (21 modules) only, which is what a ticket code
 * makes; it follows ISO 18004 and shares nothing with the writer: the path is
 * walked as a browser would, the format is read from both its places, the
 * symbol is unmasked, its Reed-Solomon syndromes must be zero.
 */
#include "qr.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 21
#define CODEWORDS 26
#define LEVEL_Q_DATA 13

static bool dark[SIDE][SIDE];
static uint8_t codewords[CODEWORDS];
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

/* Walks the path's strokes (M, m, h) and darkens what they cover. */
static bool
path_draw(const char *svg)
{
	const char *at = strstr(svg, " d=\"");
	double		x = 0;
	double		y = 0;

	memset(dark, 0, sizeof(dark));
	for (at = at == NULL ? "" : at + 4; *at != '\0' && *at != '"';)
	{
		char		verb = *at++;
		double		dx = strtod(at, (char **) &at);
		double		dy = verb == 'h' ? 0 : strtod(at, (char **) &at);

		if (verb == 'h')
			for (int i = 0; i < (int) dx; i++)
			{
				int			column = (int) x + i - QR_QUIET;
				int			row = (int) y - QR_QUIET;

				if (column < 0 || column >= SIDE || row < 0 || row >= SIDE)
					return false;
				dark[row][column] = true;
			}
		x = verb == 'M' ? dx : x + dx;
		y = verb == 'M' ? dy : y + dy;
	}
	return *at == '"';
}

static bool
finder_stands(int row, int column)
{
	for (int r = 0; r < 7; r++)
		for (int c = 0; c < 7; c++)
		{
			int			ring = r < 7 - 1 - r ? r : 6 - r;

			if (c < ring)
				ring = c;
			if (6 - c < ring)
				ring = 6 - c;
			if (dark[row + r][column + c] != (ring != 1))
				return false;
		}
	return true;
}

/* The 15 bits of the format from around the top left finder, unmasked. */
static int
format_read(void)
{
	static const int place[15][2] = {{8, 0}, {8, 1}, {8, 2}, {8, 3}, {8, 4}, {8, 5}, {8, 7}, {8, 8},
	{7, 8}, {5, 8}, {4, 8}, {3, 8}, {2, 8}, {1, 8}, {0, 8}};
	int			format = 0;

	for (int i = 0; i < 15; i++)
		format = format << 1 | dark[place[i][0]][place[i][1]];
	return format ^ 0x5412;
}

/* The same from its second place. */
static int
format_read_again(void)
{
	int			format = 0;

	for (int i = 0; i < 7; i++)
		format = format << 1 | dark[SIDE - 1 - i][8];
	for (int i = 0; i < 8; i++)
		format = format << 1 | dark[8][SIDE - 8 + i];
	return format ^ 0x5412;
}

static bool
format_is_valid(int format)
{
	for (int bit = 14; bit >= 10; bit--)
		if (format >> bit & 1)
			format ^= 0x537 << (bit - 10);
	return format == 0;
}

static bool
mask_at(int mask, int r, int c)
{
	switch (mask)
	{
		case 0:
			return (r + c) % 2 == 0;
		case 1:
			return r % 2 == 0;
		case 2:
			return c % 3 == 0;
		case 3:
			return (r + c) % 3 == 0;
		case 4:
			return (r / 2 + c / 3) % 2 == 0;
		case 5:
			return r * c % 2 + r * c % 3 == 0;
		case 6:
			return (r * c % 2 + r * c % 3) % 2 == 0;
		default:
			return ((r + c) % 2 + r * c % 3) % 2 == 0;
	}
}

static bool
is_function_module(int r, int c)
{
	return (r < 9 && c < 9) || (r < 9 && c >= SIDE - 8) || (r >= SIDE - 8 && c < 9) ||
		r == 6 || c == 6;
}

/* Reads the codewords: pairs of columns from the right, up and down in turn. */
static void
codewords_read(int mask)
{
	int			bit = 0;
	bool		up = true;

	memset(codewords, 0, sizeof(codewords));
	for (int right = SIDE - 1; right > 0; right -= 2, up = !up)
	{
		if (right == 6)
			right--;
		for (int step = 0; step < SIDE; step++)
			for (int c = right; c > right - 2; c--)
			{
				int			r = up ? SIDE - 1 - step : step;

				if (is_function_module(r, c))
					continue;
				if (dark[r][c] != mask_at(mask, r, c))
					codewords[bit / 8] |= (uint8_t) (0x80 >> bit % 8);
				bit++;
			}
	}
}

static uint8_t
field_multiply(uint8_t a, uint8_t b)
{
	int			product = 0;

	for (int i = 0; i < 8; i++)
		if (b >> i & 1)
			product ^= a << i;
	for (int i = 14; i >= 8; i--)
		if (product >> i & 1)
			product ^= 0x11d << (i - 8);
	return (uint8_t) product;
}

static bool
syndromes_are_zero(void)
{
	uint8_t		root = 1;

	for (int i = 0; i < CODEWORDS - LEVEL_Q_DATA; i++)
	{
		uint8_t		sum = 0;

		for (int j = 0; j < CODEWORDS; j++)
			sum = field_multiply(sum, root) ^ codewords[j];
		if (sum != 0)
			return false;
		root = field_multiply(root, 2);
	}
	return true;
}

static int
bits_take(int *at, int count)
{
	int			value = 0;

	for (int i = 0; i < count; i++, (*at)++)
		value = value << 1 | (codewords[*at / 8] >> (7 - *at % 8) & 1);
	return value;
}

/* Digits stand three to ten bits, the last two in seven, a last one in four. */
static char *
digits_take(int *at, char *text)
{
	int			length = bits_take(at, 10);

	for (; length >= 3; length -= 3)
		text += snprintf(text, 4, "%03d", bits_take(at, 10));
	if (length == 2)
		text += snprintf(text, 3, "%02d", bits_take(at, 7));
	if (length == 1)
		text += snprintf(text, 2, "%d", bits_take(at, 4));
	return text;
}

/* Letters stand two to eleven bits, a last one in six. */
static char *
letters_take(int *at, char *text)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
	int			length = bits_take(at, 9);

	for (; length >= 2; length -= 2)
	{
		int			pair = bits_take(at, 11);

		*text++ = alphabet[pair / 45];
		*text++ = alphabet[pair % 45];
	}
	if (length == 1)
		*text++ = alphabet[bits_take(at, 6)];
	return text;
}

/* Decodes the segments up to the terminator; one of another mode ends the text with '?'. */
static void
text_decode(char *text)
{
	int			at = 0;

	while (at + 4 <= LEVEL_Q_DATA * 8)
	{
		int			mode = bits_take(&at, 4);

		if (mode == 1)
			text = digits_take(&at, text);
		else if (mode == 2)
			text = letters_take(&at, text);
		else
		{
			if (mode != 0)
				*text++ = '?';
			break;
		}
	}
	*text = '\0';
}

static void
test_ticket_reads_back(const char *code)
{
	static char svg[QR_SVG_MAX];
	char		text[512];
	int			format;

	check(qr_svg(code, 300, svg) == strlen(svg) && svg[0] == '<', code);
	check(strlen(svg) < 1500, "the drawing is small");
	check(path_draw(svg), "it stays inside its symbol");
	check(finder_stands(0, 0) && finder_stands(0, SIDE - 7) && finder_stands(SIDE - 7, 0),
		  "the finders stand");
	format = format_read();
	check(format_is_valid(format) && format == format_read_again(), "the format is whole");
	check(format >> 13 == 3, "the level is Q");
	codewords_read(format >> 10 & 7);
	check(syndromes_are_zero(), "no error to correct");
	text_decode(text);
	check(strcmp(text, code) == 0, "the text reads back");
}

static void
test_limits(void)
{
	static char svg[QR_SVG_MAX];
	char		wide[QR_TEXT_MAX + 2];

	memset(wide, 'x', sizeof(wide));
	wide[QR_TEXT_MAX + 1] = '\0';
	check(qr_svg(wide, 300, svg) == 0, "a text that is too long is not drawn");
	wide[QR_TEXT_MAX] = '\0';
	check(qr_svg(wide, 300, svg) != 0, "the longest is");
	check(qr_svg("", 300, svg) == 0, "an empty one is not");
	check(qr_svg("A", QR_SIZE_MIN - 1, svg) == 0, "nor a size too small");
	check(qr_svg("A", QR_SIZE_MAX + 1, svg) == 0, "nor one too large");
	check(qr_svg("A", 64, svg) != 0 && strstr(svg, "width=\"64\" height=\"64\"") != NULL,
		  "the size is what was asked");
}

int
main(void)
{
	test_ticket_reads_back("0123456789ABCDEF");
	test_ticket_reads_back("ZZZZZZZZZZZZZZZZ");
	test_ticket_reads_back("7QK2M8XJ4T0VWRNB");
	test_limits();
	printf("1..%d\n", tests);
	return failures != 0;
}
