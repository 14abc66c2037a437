/*
 * handlers.c
 *		Which operations are the core's; all others are stored functions.
 */
#include "postgres.h"

#include "handlers.h"

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
	[OP_ORDER_APPROVE] = order_approve,
	[OP_ORDER_DENY] = order_deny,
	[OP_ORDER_EXTEND] = order_extend,
	[OP_ORDER_EXCHANGE] = order_exchange,
	[OP_ORDER_SPLIT] = order_split,
	[OP_ORDER_CONTACT] = order_contact,
	[OP_ORDER_HOLDERS] = order_holders,
	[OP_ORDER_RESEND] = order_resend,
	[OP_ORDER_NOTE_CREATE] = order_note_create,
	[OP_PAYMENT_CREATE] = payment_create,
	[OP_SALE_CREATE] = sale_create,
	[OP_TICKET_LIST] = ticket_list,
	[OP_TICKET_QR] = ticket_qr,
};

CallHandler
handler_of(const Operation *operation)
{
	return handlers[operation->index];
}
