/*
 * search_keys.c
 *		What a row is found by, as numbers for an index on arrays.
 *
 * A word is one key, hashed with its event.  A name has a key for each three bytes in a row, so
 * that any part of three bytes or more is found: three ASCII letters, or one of an alphabet that
 * takes three bytes a letter, whose names are that short.  For parts of one or two bytes there
 * are keys by themselves, which are the words "n:" and the part.  Two things may have one key, so
 * what the index finds is looked at again.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(search_keys);
PG_FUNCTION_INFO_V1(search_parts);

#define GRAM_BYTES 3
#define KEYS_MAX 100000
#define PARTS 65536				/* of two bytes; fewer than KEYS_MAX */

typedef struct KeyList
{
	uint64		event;
	Datum	   *keys;
	int			count;
	int			max;
} KeyList;

static void
add_key(KeyList *list, char kind, const char *bytes, int length)
{
	uint64		seed = list->event ^ ((uint64) (unsigned char) kind << 56);

	if (list->count == KEYS_MAX)
		return;
	if (list->count == list->max)
	{
		list->max *= 2;
		list->keys = repalloc_array(list->keys, Datum, list->max);
	}
	list->keys[list->count++] =
		Int32GetDatum((int32) hash_bytes_extended((const unsigned char *) bytes, length, seed));
}

/* The texts of an argument, NULLs left out. */
static void
add_texts(KeyList *list, ArrayType *texts, bool grams)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;

	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		text	   *given = nulls[i] ? NULL : DatumGetTextPP(values[i]);
		int			length = given == NULL ? 0 : VARSIZE_ANY_EXHDR(given);

		if (given == NULL)
			continue;
		if (!grams)
			add_key(list, 'w', VARDATA_ANY(given), length);
		for (int at = 0; grams && at + GRAM_BYTES <= length; at++)
			add_key(list, 'g', VARDATA_ANY(given) + at, GRAM_BYTES);
	}
}

/* boxoffice_code.search_keys(event bigint, words text[], names text[]) RETURNS integer[] */
Datum
search_keys(PG_FUNCTION_ARGS)
{
	KeyList		list = {.event = (uint64) PG_GETARG_INT64(0), .max = 64};

	list.keys = palloc_array(Datum, list.max);
	add_texts(&list, PG_GETARG_ARRAYTYPE_P(1), false);
	add_texts(&list, PG_GETARG_ARRAYTYPE_P(2), true);
	PG_RETURN_ARRAYTYPE_P(construct_array(list.keys, list.count, INT4OID, 4, true, TYPALIGN_INT));
}

/*
 * Adds the keys of the bytes of a name one by one and by two, but none twice: seen has a bit for
 * each one and each two.
 */
static void
add_parts(KeyList *list, uint8 *seen, const char *name, int length)
{
	for (int at = 0; at < length; at++)
		for (int bytes = 1; bytes <= 2 && at + bytes <= length; bytes++)
		{
			char		word[] = {'n', ':', name[at], bytes == 2 ? name[at + 1] : 0};
			int			part = ((unsigned char) word[2] << 8) + (unsigned char) word[3];
			int			bit = (bytes - 1) * PARTS + part;

			if (seen[bit / 8] & (1 << bit % 8))
				continue;
			seen[bit / 8] |= 1 << bit % 8;
			add_key(list, 'w', word, 2 + bytes);
		}
}

/* boxoffice_code.search_parts(event bigint, names text[]) RETURNS integer[] */
Datum
search_parts(PG_FUNCTION_ARGS)
{
	KeyList		list = {.event = (uint64) PG_GETARG_INT64(0), .max = 64};
	uint8	   *seen = palloc0(2 * PARTS / 8);
	Datum	   *values;
	bool	   *nulls;
	int			count;

	list.keys = palloc_array(Datum, list.max);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls,
					  &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
		{
			text	   *given = DatumGetTextPP(values[i]);

			add_parts(&list, seen, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
		}
	PG_RETURN_ARRAYTYPE_P(construct_array(list.keys, list.count, INT4OID, 4, true, TYPALIGN_INT));
}
