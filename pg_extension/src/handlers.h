/*
 * handlers.h
 *		The core's operations, each in the file of its subject.
 */
#ifndef BOXOFFICE_HANDLERS_H
#define BOXOFFICE_HANDLERS_H

#include "call.h"
#include "contract.h"

/* block_api.c */
extern void block_create(Call *calls, int count);
extern void block_release(Call *calls, int count);

/* hold_create.c */
extern void hold_create(Call *calls, int count);

/* hold_change.c */
extern void hold_get(Call *calls, int count);
extern void hold_change(Call *calls, int count);
extern void hold_release(Call *calls, int count);
extern void hold_extend(Call *calls, int count);

/* order_create.c */
extern void order_create(Call *calls, int count);

/* order.c */
extern void order_get(Call *calls, int count);
extern void order_find(Call *calls, int count);

/* order_cancel.c */
extern void order_cancel(Call *calls, int count);

/* order_decide.c */
extern void order_approve(Call *calls, int count);
extern void order_deny(Call *calls, int count);
extern void order_extend(Call *calls, int count);

/* order_exchange.c */
extern void order_exchange(Call *calls, int count);

/* order_contact.c */
extern void order_contact(Call *calls, int count);
extern void order_holders(Call *calls, int count);
extern void order_resend(Call *calls, int count);

/* order_note.c */
extern void order_note_create(Call *calls, int count);

/* order_split.c */
extern void order_split(Call *calls, int count);

/* payment.c */
extern void payment_create(Call *calls, int count);

/* sale.c */
extern void sale_create(Call *calls, int count);

/* ticket.c */
extern void ticket_list(Call *calls, int count);
extern void ticket_qr(Call *calls, int count);

/* handlers.c: NULL if the operation is a stored function. */
extern CallHandler handler_of(const Operation *operation);

#endif							/* BOXOFFICE_HANDLERS_H */
