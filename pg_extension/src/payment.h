/*
 * payment.h
 *		Payments: the ledger of money that came in.
 */
#ifndef BOXOFFICE_PAYMENT_H
#define BOXOFFICE_PAYMENT_H

#include "order.h"

typedef struct Payment
{
	int64		id;
	int64		order_id;
	const char *kind;			/* free, manual, test, complimentary, offset */
	int64		amount;
	int64		surplus;		/* of one that completed the order: what was too much */
	const char *outcome;		/* what it did to the order; see the table's comment */
	const char *method;			/* NULL unless manual */
	const char *reference;		/* NULL: none */
	const char *recorded_by;	/* NULL: nobody */
	TimestampTz recorded_at;
} Payment;

/* The payment that completes an order which costs nothing. */
extern void payment_make_free(Payment *payment, const Order *order, TimestampTz now);

/* Adds rows to the ledger, in one statement. */
extern void payment_insert(const OrderEvent *event, const Payment *payments, int count);

#endif							/* BOXOFFICE_PAYMENT_H */
