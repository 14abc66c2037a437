/*
 * function.h
 *		The stored functions of schema api.
 */
#ifndef BOXOFFICE_FUNCTION_H
#define BOXOFFICE_FUNCTION_H

#include "contract.h"

/* The function of an operation; raises an error if there is none, or more than one. */
extern Oid	function_oid(const Operation *operation);

#endif							/* BOXOFFICE_FUNCTION_H */
