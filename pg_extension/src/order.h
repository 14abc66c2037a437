/*
 * order.h
 *		Orders, their tickets and fees, as all operations on them see them.
 *
 * The way of every operation that changes an order (DESIGN.md, section 6, has the lock order):
 *
 *		orders = order_load_heads(…)		unlocked: which groups, may the caller see it
 *		order_add_groups(…); inventory_lock(inv);
 *		idempotency_find(…);
 *		orders = order_load(…)				again: only now they stand still
 *		decide in memory
 *		idempotency_store, inventory_write, claim_update, order_write
 */
#ifndef BOXOFFICE_ORDER_H
#define BOXOFFICE_ORDER_H

#include "call.h"
#include "claim.h"
#include "code.h"
#include "deadline.h"
#include "idempotency.h"
#include "outbox.h"
#include "secret.h"

typedef enum OrderStatus
{
	ORDER_APPROVAL,				/* waits for the organizer's approval */
	ORDER_PENDING,
	ORDER_PAID,
	ORDER_EXPIRED,
	ORDER_CANCELLED
} OrderStatus;

typedef enum TicketState
{
	TICKET_RESERVED,
	TICKET_VALID,
	TICKET_CANCELLED,
	TICKET_EXPIRED				/* never stored: reserved for an order that is expired */
} TicketState;

typedef struct Ticket
{
	int64		id;
	int64		order_id;
	int16		line;			/* of the claim that holds its place */
	int64		ticket_type_id;
	int64		session_id;		/* 0: a pass, which admits to all of its type's */
	int64		parent_id;		/* whose add-on or part of a bundle it is, 0: it stands alone */
	int64		price;
	int64		fee;
	TicketState state;
	bool		changed;		/* to be written: state and code */
	bool		moved;			/* to be written by order_move_tickets: all else */
	char		code[TICKET_CODE_MAX + 1];	/* empty until valid */
	const char *holder_name;	/* of a new ticket; who it is for, NULL: nobody */
	const char *holder_email;
} Ticket;

/* What is paid beside the tickets: for each line with a fee a row of the same number. */
typedef struct OrderFee
{
	int64		order_id;
	int16		line;
	const char *name;
	int32		quantity;
	int64		unit_amount;
	bool		changed;
} OrderFee;

typedef struct Contact
{
	const char *name;			/* NULL: none, or it is stored no more */
	const char *email;
	const char *phone;			/* NULL: none */
	const char *locale;
} Contact;

typedef struct Order
{
	int64		id;
	int64		hold_id;
	char		code[ORDER_CODE_LENGTH + 1];
	OrderStatus status;			/* as stored; order_status_now says what it means at a time */
	OrderStatus status_stored;	/* what a write expects to find */
	int64		total;			/* live tickets' prices and fees */
	int64		paid;			/* all that came in */
	bool		test;
	const char *channel;
	const char *subject;		/* who placed it, NULL: nobody */
	const char *hold_subject;	/* who made the hold */
	const char *email_key;
	TimestampTz placed_at;
	TimestampTz expires_at;		/* DT_NOEND: none */
	TimestampTz paid_at;		/* DT_NOEND: not yet */
	TimestampTz cancelled_at;
	Contact		contact;
	Ticket	   *tickets;		/* ascending by id */
	int			ticket_count;
	OrderFee   *fees;			/* ascending by line */
	int			fee_count;
	Claim	   *claims;			/* ascending by line; set by order_load_claims */
	int			claim_count;
	bool		changed;
	bool		rescheduled;	/* has another expires_at */
} Order;

/* A ticket type or session as orders need it. */
typedef struct OrderType
{
	int64		id;
	const char *key;
	const char *name;
	int			buyer_limit;	/* 0: none */
	bool		approval;
} OrderType;

typedef struct OrderSession
{
	int64		id;
	const char *key;			/* NULL: of a pass, see order_event_session */
	const char *name;			/* NULL: none of its own */
	const char *zone;
	bool		cancelled;
	TimestampTz starts_at;
	TimestampTz last;			/* its end, or when its sale closes: no order is due after it */
} OrderSession;

/* The event, with the types and sessions that the orders at hand name. */
typedef struct OrderEvent
{
	int64		id;
	int64		organizer_id;
	const char *short_code;
	bool		published;		/* or paused: what is held may be ordered */
	bool		cancelled;
	bool		test;
	const char *currency;
	const char *zone;
	PaymentTerm term;
	int64		grace_us;
	bool		late_payment;
	bool		approval;		/* orders wait for it */
	int			buyer_limit;	/* 0: none */
	OrderType  *types;			/* ascending by id */
	int			type_count;
	OrderSession *sessions;
	int			session_count;
	OrderSession pass;			/* what stands for the session of a ticket that has none */
} OrderEvent;

/* order_event.c */
extern OrderEvent *order_event_load(int64 event_id);
extern void order_event_name(OrderEvent *event, int64 *type_ids, int types, int64 *session_ids,
							 int sessions);
extern void order_event_name_orders(OrderEvent *event, const Order *orders, int count);
extern const OrderType *order_event_type(const OrderEvent *event, int64 id);
extern const OrderSession *order_event_session(const OrderEvent *event, int64 id);

/* order.c */
typedef Order *(*OrderLoader) (int64 event_id, const int64 *ids, int n, int *count);
extern Order *order_load_heads(int64 event_id, const int64 *ids, int n, int *count);
extern Order *order_load(int64 event_id, const int64 *ids, int n, int *count);
extern Order *order_find_id(Order *orders, int count, int64 id);
extern void order_load_claims(int64 event_id, Order *orders, int count);
extern void order_add_groups(Inventory *inv, const Order *orders, int count);
extern void order_add_stocks(Inventory *inv, const Order *order);
extern void order_check_groups(const Inventory *inv, const Order *orders, int count);
extern bool order_is_staff(const Actor *actor, int64 organizer_id, bool writes);
extern bool order_is_buyer(const Call *call, const Order *order);
extern bool order_is_visible(const Call *call, const OrderEvent *event, const Order *order);
extern OrderStatus order_status_now(const Order *order, const OrderEvent *event, TimestampTz now);
extern bool order_is_called_off(const Order *order, const OrderEvent *event);
extern TimestampTz order_last(const Order *order, const OrderEvent *event);
extern int64 order_price(const Order *order, const OrderEvent *event);
extern int64 order_due(const Order *order, const OrderEvent *event, TimestampTz now);
extern const char *order_status_name(OrderStatus status);

/* order_write.c */
extern void order_insert(OrderEvent *event, Order *orders, int count);
extern void order_write(int64 event_id, Order *orders, int count);
extern void order_insert_tickets(int64 event_id, const Ticket *tickets, int count);
extern void order_insert_fees(int64 event_id, const OrderFee *fees, int count);
extern void order_move_tickets(int64 event_id, const Order *order);
extern void order_write_claims(int64 event_id, const Order *orders, int count);

/* order_answer.c */
extern void order_answer_replays(Call *calls, int count, const IdempotencyKey *keys,
								 TimestampTz now, int status, bool with_secret);
extern void order_append(StringInfo out, const Order *order, const OrderEvent *event,
						 TimestampTz now, bool with_secret);
extern void ticket_append_session(StringInfo out, const Ticket *ticket, const OrderEvent *event);
extern void ticket_append_state(StringInfo out, const Ticket *ticket, const OrderEvent *event,
								OrderStatus status);

/* order_expire.c */
extern void order_expire(int64 event_id, const int64 *hold_ids, int n, TimestampTz now);

/* order_settle.c */
extern void order_complete(Inventory *inv, Order *order, Outbox *outbox);
extern void order_add_buyers(Inventory *inv, const OrderEvent *event, const Order *order);
extern void order_take_buyers(Inventory *inv, const Order *order, const Claim *claim,
							  int quantity);
extern bool order_lacks_places(const Order *order);
extern void order_line_lower(Inventory *inv, const Order *order, Claim *claim, int quantity);
extern void order_fee_lower(Order *order, int16 line, int quantity);
extern void order_reopen(Inventory *inv, Order *order);
extern void order_reschedule(Order *order, const OrderEvent *event, TimestampTz until);
extern ErrorCode order_limits_refuse_again(Inventory *inv, const Order *order,
										   const OrderEvent *event);
extern void order_foresee_again(Inventory *inv, OrderEvent *event, const Order *order);
extern void order_want_again(Inventory *inv, const Order *order, const OrderEvent *event);
extern bool order_places_lapse(Inventory *inv, const Order *order, const OrderEvent *event);
extern bool order_claim_again(Inventory *inv, Order *order, const OrderEvent *event);

/* order_drop.c */
extern Ticket *order_ticket(const Order *order, int64 id);
extern void order_drop_mark_children(Order *order);
extern int	order_drop(Inventory *inv, Order *order, Outbox *outbox);
extern bool order_line_comes_back(const Order *order, const OrderEvent *event,
								  const Claim *claim);
extern bool order_outlasts_call_off(const Order *order, const OrderEvent *event);
extern bool order_drop_called_off(Inventory *inv, Order *order, const OrderEvent *event,
								  Outbox *outbox);

/* ticket.c */
extern const char *ticket_state_name(TicketState state);
extern TicketState ticket_state_now(const Ticket *ticket, const OrderEvent *event,
									OrderStatus status);
extern void ticket_append_list(StringInfo out, Order *order, const OrderEvent *event,
							   TimestampTz now);
extern void ticket_issue(Ticket *tickets, int count);

#endif							/* BOXOFFICE_ORDER_H */
