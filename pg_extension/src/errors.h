/*
 * errors.h
 *		What errcodes.txt says of each error.
 */
#ifndef BOXOFFICE_ERRORS_H
#define BOXOFFICE_ERRORS_H

#include "errcodes_gen.h"

typedef struct ErrorInfo
{
	const char *sqlstate;		/* "TK132" */
	const char *name;			/* "sold_out" */
	int			status;			/* HTTP */
	const char *retry;			/* never, later, changed */
	const char *message;
} ErrorInfo;

extern const ErrorInfo *error_info(ErrorCode code);
extern ErrorCode error_of_sqlstate(const char *sqlstate);
extern ErrorCode error_of_name(const char *name);

/*
 * The refusal behind the violation of a constraint that a race can reach,
 * ERR_NONE for any other: that one is our fault.
 */
extern ErrorCode error_of_constraint(const char *constraint);

#endif							/* BOXOFFICE_ERRORS_H */
