/*
 * refusal.h
 *		Refusals on their way through SQL: raised as errors, caught as values.
 *
 * A refusal that SQL sees is an error with our SQLSTATE.  Its faults travel in
 * the error itself (the field for a data type's name, which nothing else of
 * ours uses), so that one which a function catches and replaces leaves nothing
 * behind.
 */
#ifndef BOXOFFICE_REFUSAL_H
#define BOXOFFICE_REFUSAL_H

#include "call.h"

/* Raises the refusal that these faults make. */
extern void refusal_raise(const Fault *faults, int count) pg_attribute_noreturn();

/*
 * Refuses the call as the caught error says; false if that is none of ours,
 * but a fault of our own or of the server: raise it on.
 */
extern bool refusal_catch(const ErrorData *error, Call *call);

#endif							/* BOXOFFICE_REFUSAL_H */
