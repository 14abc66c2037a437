/*
 * json.h
 *		Reads JSON text (RFC 8259) strictly, piece by piece, without ever raising.
 *
 * The reader knows nothing of schemas; bind.c walks a schema and asks it for
 * the next piece.  Text must have passed json_utf8_valid() before.
 */
#ifndef BOXOFFICE_JSON_H
#define BOXOFFICE_JSON_H

#include "postgres.h"

#define JSON_DEPTH_MAX 32

typedef struct JsonInput
{
	const char *start;
	const char *at;
	const char *end;
	int			depth;
	const char *problem;		/* what was wrong at `at`, once a function returned false */
} JsonInput;

typedef struct JsonString
{
	const char *data;			/* unescaped, NUL-terminated, palloc'd */
	int			len;
	bool		has_nul;		/* \u0000 was in it; dropped from data */
	bool		has_lone_surrogate; /* half a surrogate pair was in it; dropped from data */
} JsonString;

typedef struct JsonNumber
{
	const char *text;			/* in the input, not terminated */
	int			len;
	bool		whole;			/* neither fraction nor exponent */
} JsonNumber;

extern bool json_utf8_valid(const char *text, int len);
extern void json_open(JsonInput *in, const char *text, int len);
extern void json_skip_space(JsonInput *in);
extern bool json_fail(JsonInput *in, const char *problem);
extern bool json_expect(JsonInput *in, char c, const char *problem);
extern bool json_enter(JsonInput *in);
extern bool json_read_string(JsonInput *in, JsonString *string);
extern bool json_read_number(JsonInput *in, JsonNumber *number);
extern bool json_read_word(JsonInput *in, const char *word);
extern bool json_skip_value(JsonInput *in);

/* The next byte, or '\0' at the end: a NUL in the text is no valid start of anything either. */
static inline char
json_peek(const JsonInput *in)
{
	return in->at < in->end ? *in->at : '\0';
}

/* What a hexadecimal digit stands for, -1 for any other byte. */
static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif							/* BOXOFFICE_JSON_H */
