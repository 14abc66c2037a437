/*
 * bind.h
 *		Binds requests to the contract: text in, BoundValue or faults out.
 *
 * Pure C beside palloc: no catalog, no ereport on bad input, so that one bad
 * request of a batch costs nothing but itself, and unit tests and fuzzers can
 * run it outside a server.
 */
#ifndef BOXOFFICE_BIND_H
#define BOXOFFICE_BIND_H

#include "call.h"
#include "contract.h"

typedef struct BindFaults
{
	int			count;			/* up to FAULTS_MAX are kept */
	Fault		list[FAULTS_MAX];
} BindFaults;

/* Callers in SQL: ids may be numbers, and a null member is absent where null isn't allowed. */
#define BIND_FROM_SQL 0x01

/* … but in a patch, where null removes, it is not. */
#define BIND_PATCH 0x02

/* Binds a JSON text; false and at least one fault if it doesn't fit. */
extern bool bind_json(const Schema *schema, const char *text, int len, int flags,
					  BoundValue *value, BindFaults *faults);

/* Binds a parameter's text, decoded already. */
extern bool bind_param(const Parameter *param, const char *text, int len,
					   BoundValue *value, BindFaults *faults);

/*
 * Binds all parameters of an operation from `name=value&name=value` with
 * percent-encoded values; values has param_count elements.
 */
extern bool bind_params(const Operation *operation, const char *text,
						BoundValue *values, BindFaults *faults);

/* Decodes %XX in len bytes of from into to (as large); -1 if an escape is broken. */
extern int	percent_decode(const char *from, int len, char *to);

/* Whether text has the named form; of ids and times also their value. */
extern bool format_matches(Format format, const char *text, int len);
extern bool format_parse_id(const char *text, int len, int64 *id);
extern bool format_parse_time(const char *text, int len, TimestampTz *time);

#endif							/* BOXOFFICE_BIND_H */
