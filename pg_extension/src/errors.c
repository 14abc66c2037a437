/*
 * errors.c
 *		The list of errors as a table, and what maps onto it.
 */
#include "postgres.h"

#include "errors.h"

#define ERROR_ROW(id, sqlstate, name, status, retry, message) \
	[ERR_##id] = {sqlstate, name, status, retry, message},

static const ErrorInfo error_table[ERR_COUNT] = {
	[ERR_NONE] = {"00000", "none", 200, "never", "no error"},
	ERROR_LIST(ERROR_ROW)
};

/* Unique constraints that two callers at once can reach, past the function's own check. */
static const struct
{
	const char *constraint;
	ErrorCode	code;
}			constraint_errors[] =
{
	{"organizer_slug_key", ERR_ALREADY_EXISTS},
	{"member_pkey", ERR_ALREADY_EXISTS},
	{"venue_organizer_id_key_key", ERR_ALREADY_EXISTS},
	{"event_slug_pkey", ERR_ALREADY_EXISTS},
	{"event_code_pkey", ERR_ALREADY_EXISTS},
	{"session_event_id_key_key", ERR_ALREADY_EXISTS},
	{"pool_event_id_key_key", ERR_ALREADY_EXISTS},
	{"ticket_type_event_id_key_key", ERR_ALREADY_EXISTS},
	{"order_hold_id_key", ERR_HOLD_ORDERED},
	{"idempotency_pkey", ERR_IDEMPOTENCY_RUNNING},
};

const ErrorInfo *
error_info(ErrorCode code)
{
	Assert(code >= ERR_NONE && code < ERR_COUNT);
	return &error_table[code];
}

ErrorCode
error_of_sqlstate(const char *sqlstate)
{
	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++)
		if (strcmp(error_table[code].sqlstate, sqlstate) == 0)
			return code;
	return ERR_NONE;
}

ErrorCode
error_of_name(const char *name)
{
	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++)
		if (strcmp(error_table[code].name, name) == 0)
			return code;
	return ERR_NONE;
}

ErrorCode
error_of_constraint(const char *constraint)
{
	if (constraint == NULL)
		return ERR_NONE;
	for (int i = 0; i < lengthof(constraint_errors); i++)
		if (strcmp(constraint_errors[i].constraint, constraint) == 0)
			return constraint_errors[i].code;
	return ERR_NONE;
}
