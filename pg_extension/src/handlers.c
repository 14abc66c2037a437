/*
 * handlers.c
 *		Which operations are the core's; all others are stored functions.
 */
#include "postgres.h"

#include "handlers.h"

/* Until its file is there, an operation is a stored function like any other. */
#pragma weak block_create
#pragma weak block_release
#pragma weak hold_create
#pragma weak hold_get
#pragma weak hold_change
#pragma weak hold_release
#pragma weak hold_extend
#pragma weak order_create
#pragma weak order_get
#pragma weak order_find
#pragma weak order_cancel
#pragma weak payment_create
#pragma weak stock_change
#pragma weak ticket_list
#pragma weak ticket_qr

static const CallHandler handlers[OP_COUNT] = {
	[OP_BLOCK_CREATE] = block_create,
	[OP_BLOCK_RELEASE] = block_release,
	[OP_HOLD_CREATE] = hold_create,
	[OP_HOLD_GET] = hold_get,
	[OP_HOLD_CHANGE] = hold_change,
	[OP_HOLD_RELEASE] = hold_release,
	[OP_HOLD_EXTEND] = hold_extend,
	[OP_ORDER_CREATE] = order_create,
	[OP_ORDER_GET] = order_get,
	[OP_ORDER_FIND] = order_find,
	[OP_ORDER_CANCEL] = order_cancel,
	[OP_PAYMENT_CREATE] = payment_create,
	[OP_STOCK_CHANGE] = stock_change,
	[OP_TICKET_LIST] = ticket_list,
	[OP_TICKET_QR] = ticket_qr,
};

CallHandler
handler_of(const Operation *operation)
{
	return handlers[operation->index];
}
