/*
 * deadline.h
 *		Until when a pending order can be paid.
 */
#ifndef BOXOFFICE_DEADLINE_H
#define BOXOFFICE_DEADLINE_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* The event's payment term: one of the two is 0. */
typedef struct PaymentTerm
{
	int			minutes;
	int			days;
} PaymentTerm;

extern TimestampTz deadline_payment(TimestampTz placed_at, PaymentTerm term, const char *zone,
									TimestampTz last);

#endif							/* BOXOFFICE_DEADLINE_H */
