/*
 * postgres.h
 *		As much of PostgreSQL as its pure C needs, to test it outside a server.
 *
 * palloc'd memory belongs to no context here and is not freed: a test is over
 * soon, and leaks are not what these tests look for.
 */
#ifndef POSTGRES_SHIM_H
#define POSTGRES_SHIM_H

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int16_t int16;
typedef int32_t int32;
typedef int64_t int64;
typedef uint8_t uint8;
typedef uint32_t uint32;
typedef uint64_t uint64;
typedef int64 TimestampTz;

#define INT64CONST(x) INT64_C(x)
#define UINT64CONST(x) UINT64_C(x)
#define PG_INT64_MIN INT64_MIN
#define PG_INT64_MAX INT64_MAX
#define INT64_FORMAT "%" PRId64
#define UINT64_FORMAT "%" PRIu64
#define Min(a, b) ((a) < (b) ? (a) : (b))
#define Max(a, b) ((a) > (b) ? (a) : (b))
#define Assert(condition) assert(condition)
#define lengthof(array) (sizeof(array) / sizeof((array)[0]))
#define unconstify(type, expression) ((type) (expression))

static inline void *
palloc(size_t size)
{
	void	   *memory = malloc(size);

	assert(memory != NULL);
	return memory;
}

static inline void *
palloc0(size_t size)
{
	return memset(palloc(size), 0, size);
}

static inline void *
repalloc(void *memory, size_t size)
{
	memory = realloc(memory, size);
	assert(memory != NULL);
	return memory;
}

static inline void
pfree(void *memory)
{
	free(memory);
}

static inline char *
pnstrdup(const char *text, size_t len)
{
	char	   *copy = palloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static inline char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

__attribute__((format(printf, 1, 2)))
static inline char *
psprintf(const char *format, ...)
{
	char		text[4096];
	va_list		arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return pstrdup(text);
}

#endif							/* POSTGRES_SHIM_H */
