/*
 * order_change.h
 *		The record of what was done to an order beside paying it.
 */
#ifndef BOXOFFICE_ORDER_CHANGE_H
#define BOXOFFICE_ORDER_CHANGE_H

#include "order.h"

typedef struct OrderChange
{
	int64		order_id;
	const char *kind;			/* one that boxoffice.order_change allows */
	int64		total_before;
	int64		total_after;
	bool		reopened;		/* it was paid and is pending now */
	int64		other_id;		/* of a split, 0: none */
	const char *reason;			/* NULL: none */
	const char **overruled;		/* error codes */
	int			overruled_count;
	const char *changed_by;		/* NULL: who has the order's secret */
} OrderChange;

/* Adds rows, at this time. */
extern void order_change_insert(int64 event_id, const OrderChange *changes, int count,
								TimestampTz now);

#endif							/* BOXOFFICE_ORDER_CHANGE_H */
