/*
 * call.h
 *		One request, from the dispatcher's binding of it to its reply.
 *
 * A Call is what every core operation works on, whether it came from nginx in
 * a batch of hundreds or from psql as a batch of one.  The dispatcher binds
 * and authorises calls, the operation's handler decides all of them in one
 * transaction and fills in each reply.  A refusal is a value in the reply,
 * never an ereport: one caller's "sold out" neither aborts the batch nor
 * undoes what another was granted.
 */
#ifndef BOXOFFICE_CALL_H
#define BOXOFFICE_CALL_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "errcodes_gen.h"		/* enum ErrorCode, made from errcodes.txt */

/* What the binder makes of a JSON value, a path part or a query parameter. */
typedef enum BoundKind
{
	BOUND_ABSENT = 0,			/* the member was not in the object */
	BOUND_NULL,
	BOUND_BOOL,
	BOUND_INT,					/* ids (strings in JSON) are bound as integers */
	BOUND_DOUBLE,
	BOUND_STRING,				/* unescaped, valid UTF-8, no NUL */
	BOUND_TIME,
	BOUND_LIST,
	BOUND_OBJECT
} BoundKind;

typedef struct BoundValue
{
	BoundKind	kind;
	union
	{
		bool		boolean;
		int64		integer;
		double		number;
		TimestampTz time;
		struct
		{
			const char *data;	/* NUL-terminated as well */
			int			len;
		}			string;
		struct
		{
			struct BoundValue *items;
			int			count;
		}			list;
		struct BoundValue *members; /* by the schema's member index, see contract_gen.h */
	}			as;
	const char *raw;			/* the checked JSON text this came from */
	int			raw_len;
} BoundValue;

/* A string, or NULL where there is none. */
static inline const char *
bound_text(const BoundValue *value)
{
	return value->kind == BOUND_STRING ? value->as.string.data : NULL;
}

typedef enum ActorRole
{
	ROLE_PUBLIC = 0,
	ROLE_CUSTOMER,
	ROLE_ORGANIZER,
	ROLE_SCANNER,
	ROLE_SUPPORT,
	ROLE_ADMIN
} ActorRole;

typedef struct Actor
{
	const char *subject;		/* NULL: nobody */
	ActorRole	role;
	int64		organizer_id;	/* the token's org claim, 0: none */
} Actor;

/* One fault of a refusal: where, which, and facts such as "max": 6. */
typedef struct Fault
{
	ErrorCode	code;
	const char *pointer;		/* JSON Pointer into the body ("" is all of it), or a parameter */
	const char *facts;			/* JSON members without braces, e.g. "\"max\":6", or NULL */
	const char *detail;			/* a sentence for people, or NULL */
} Fault;

#define FAULTS_MAX 16			/* more than these are not reported */

typedef struct Reply
{
	bool		done;			/* decided; later phases pass over it */
	int			status;			/* HTTP; a success, or that of the first fault by precedence */
	bool		replayed;		/* the stored answer of an idempotency key */
	int			retry_after_s;	/* 0: none */
	const char *etag;			/* NULL: none */
	StringInfoData body;		/* JSON of a success */
	Fault	   *faults;
	int			fault_count;
} Reply;

typedef struct Operation Operation; /* contract.h: one route of the contract */

typedef struct Call
{
	const Operation *operation;
	int64		event_id;		/* 0 outside an event */
	Actor		actor;
	const char *key;			/* Idempotency-Key or NULL */
	const char *secret;			/* Boxoffice-Secret or NULL */
	const char *request_id;		/* for the log and problem documents */
	BoundValue *params;			/* by the operation's parameter index */
	BoundValue	body;			/* BOUND_ABSENT if it has none */
	uint8		body_hash[16];	/* of what was asked: parameters and body */
	Reply		reply;
} Call;

/*
 * A core operation: decides all calls that are not done yet, in order of
 * arrival, in the current transaction.  All of them are of one operation and
 * one event.  The result is that of single calls made in that order.
 */
typedef void (*CallHandler) (Call *calls, int count);

/* reply.c */
extern void reply_refuse(Call *call, ErrorCode code, const char *pointer, const char *facts);
extern void reply_refuse_detail(Call *call, ErrorCode code, const char *pointer,
								const char *facts, const char *detail);
extern StringInfo reply_start(Call *call, int status);
extern char *reply_problem(const Call *call);

/* Appends a JSON string with its quotes, escaped. */
extern void json_append_string(StringInfo out, const char *text);

/* Appends well-formed JSON without the blanks between its parts. */
extern void json_append_compact(StringInfo out, const char *json);
extern void json_append_id(StringInfo out, int64 id);
extern void json_append_time(StringInfo out, TimestampTz at, const char *zone);

#endif							/* BOXOFFICE_CALL_H */
