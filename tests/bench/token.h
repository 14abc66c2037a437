/*
 * token.h
 *		Tokens of many buyers, made before the clock starts.
 */
#ifndef BENCH_TOKEN_H
#define BENCH_TOKEN_H

#include "bench.h"

typedef struct TokenSet
{
	char	   *text;			/* all tokens, one behind the other */
	size_t		stride;			/* bytes a token: all are equally long */
	int64_t		count;
} TokenSet;

/*
 * Makes options->subjects customer tokens, each of its own subject, signed
 * with the key in options->key_file: the bytes of the file for HS256 (a
 * trailing line feed is not part of them), a PEM for ES256.
 */
extern void token_set_make(TokenSet *set, const Options *options);

#endif							/* BENCH_TOKEN_H */
