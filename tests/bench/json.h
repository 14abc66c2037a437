/*
 * json.h
 *		Just enough reading of JSON to follow a sale: members of an answer whose
 *		form the server's own tests have checked.
 */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef struct JsonText
{
	const char *data;
	size_t		len;
} JsonText;

/*
 * Finds a member of the outermost object.  A string's value is given without
 * its quotes and with escapes left in; anything else up to its end.
 */
extern bool json_member(JsonText text, const char *name, JsonText *value);

/* The same, copied with a NUL; false also when it does not fit. */
extern bool json_copy(JsonText text, const char *name, char *into, size_t size);

/* How often "name": "value" stands in the text, at any depth. */
extern int	json_count(JsonText text, const char *name, const char *value);

extern bool json_is(JsonText text, const char *word);

#endif							/* BENCH_JSON_H */
