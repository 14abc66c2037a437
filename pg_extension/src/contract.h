/*
 * contract.h
 *		The contract's tables: operations, parameters, and schemas of bodies.
 *
 * Rows are made by sql/contract/generate into contract_gen.c; the names of
 * parameters and members as array indexes are in contract_gen.h (the scheme is
 * told at the top of the generator).
 */
#ifndef BOXOFFICE_CONTRACT_H
#define BOXOFFICE_CONTRACT_H

#include "call.h"
#include "contract_gen.h"

/* JSON types; a schema allows a set of them. */
#define TYPE_NULL		0x01
#define TYPE_BOOLEAN	0x02
#define TYPE_INTEGER	0x04
#define TYPE_NUMBER		0x08
#define TYPE_STRING		0x10
#define TYPE_ARRAY		0x20
#define TYPE_OBJECT		0x40

/* Strings of a named form; the generator's %formats has their patterns. */
typedef enum Format
{
	FORMAT_NONE = 0,
	FORMAT_ID,					/* bound as BOUND_INT */
	FORMAT_REF,
	FORMAT_KEY,
	FORMAT_SLUG,
	FORMAT_SHORT_CODE,
	FORMAT_ORDER_CODE,
	FORMAT_ORDER_CODE_TYPED,	/* as people type it, in either case */
	FORMAT_CURRENCY,
	FORMAT_COUNTRY,
	FORMAT_LOCALE,
	FORMAT_ZONE,
	FORMAT_SECRET,
	FORMAT_CURSOR,
	FORMAT_TEXT,				/* anything */
	FORMAT_LINE,				/* no control characters */
	FORMAT_EMAIL,
	FORMAT_URL,
	FORMAT_DATE,				/* of the calendar, without a zone */
	FORMAT_MONTH,
	FORMAT_CLOCK,				/* local time, to the minute */
	FORMAT_DECIMAL,				/* a number as text, such as 23.00 */
	FORMAT_DATE_TIME			/* bound as BOUND_TIME */
} Format;

typedef struct Schema Schema;

typedef struct Member
{
	const char *name;
	int			name_len;
	bool		required;
	const Schema *schema;
} Member;

struct Schema
{
	uint8		types;			/* TYPE_* */
	uint8		format;			/* Format, of a string */
	int64		min;			/* of an integer, of a string's characters, of a list's items */
	int64		max;
	double		number_min;
	double		number_max;
	const char *const *enum_values;
	int			enum_count;
	const Schema *items;
	const Member *members;		/* of an object; at most 64 */
	int			member_count;
	int			min_members;
	int			max_members;	/* 0: any number */
	bool		open;			/* what is not listed may be there, and must be well-formed */
	const char *default_value;	/* JSON text; NULL: none */
};

typedef enum ParamPlace
{
	PARAM_PATH,
	PARAM_QUERY,
	PARAM_HEADER
} ParamPlace;

typedef struct Parameter
{
	const char *name;
	ParamPlace	place;
	bool		required;
	const Schema *schema;
} Parameter;

typedef enum IdempotencyRule
{
	IDEMPOTENCY_NONE = 0,
	IDEMPOTENCY_ACCEPTED,
	IDEMPOTENCY_REQUIRED
} IdempotencyRule;

typedef enum EtagRule
{
	ETAG_NONE = 0,
	ETAG_CONTENT,				/* a hash of the answer */
	ETAG_VERSION				/* the answer's member version */
} EtagRule;

struct Operation
{
	const char *name;			/* operationId, and the function in schema api */
	OperationIndex index;
	const char *method;
	const char *path;
	const char *content_type;	/* of a success */
	int			status;			/* of a success */
	uint8		roles;			/* 1 << ActorRole, as the contract shows them; GRANT decides */
	bool		lane;			/* batched by event */
	bool		secret;			/* Boxoffice-Secret is looked at */
	bool		stream;			/* answered in pieces, by stream() */
	bool		patch;			/* the function takes the body as one patch jsonb */
	IdempotencyRule idempotency;
	EtagRule	etag;
	int			deadline_ms;
	const Parameter *params;
	int			param_count;
	const Schema *body;			/* NULL: takes none */
	bool		body_required;
};

extern const Operation operations[];	/* sorted by name; index is OperationIndex */
extern const int operation_count;

/* contract.c */
extern const Operation *operation_find(const char *name);

#endif							/* BOXOFFICE_CONTRACT_H */
