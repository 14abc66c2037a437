/*
 * sale.c
 *		POST /v1/events/{event}/sales: staff sell at the counter or on the phone, in one call.
 *
 * Hold, order and payment in one transaction, through the same core as a buyer's three calls: the
 * request is judged by hold_request.c, places are had by hold_take.c, the order is made by
 * order_make.c.  What differs is what staff may do:
 *
 *	- they may overrule rules that they name (override), never a capacity: nobody sells a place
 *	  twice, whoever he is;
 *	- there may be no contact; then nobody is counted to a limit per buyer;
 *	- a complimentary sale costs nothing, for a reason that is recorded;
 *	- no approval is asked for: it is theirs to give.
 *
 * No lane: a sale has no others to wait for at a counter.
 */
#include "postgres.h"

#include "buyer.h"
#include "email.h"
#include "handlers.h"
#include "hold_request.h"
#include "hold_take.h"
#include "id.h"
#include "idempotency.h"
#include "lapsed.h"
#include "member.h"
#include "offer.h"
#include "order_change.h"
#include "order_make.h"
#include "payment.h"
#include "query.h"

/* The items are those of a hold; a sale has nothing where a hold says partial. */
StaticAssertDecl((int) SALE_CREATE_BODY_ITEMS == (int) HOLD_CREATE_BODY_ITEMS &&
				 (int) SALE_CREATE_BODY_CHANNEL == (int) HOLD_CREATE_BODY_PARTIAL &&
				 (int) SALE_CREATE_ITEM_COUNT == (int) HOLD_CREATE_ITEM_COUNT,
				 "requests of sale_create and hold_create differ");

#define OVERRULED_MAX 5			/* rules that can be overruled */

typedef struct Sale
{
	Call	   *call;
	Offer	   *offer;
	HoldRequest request;
	Inventory  *inv;
	IdempotencyKey *key;
	OrderEvent *event;
	Hold		hold;
	Order		order;
	Contact		contact;
	char		email_key[BUYER_KEY_LEN + 1];
	bool		counted;		/* to the limits of the contact's address */
	InventoryMark *before;		/* its places were taken */
	const BoundValue *payment;	/* its members, NULL: none */
	const BoundValue *holders;	/* a list, NULL: none */
	const char *overruled[OVERRULED_MAX];
	int			overruled_count;
	const char *reason;			/* of a complimentary sale, NULL: it is none */
	Payment		payments[2];
	int			payment_count;
	Outbox		outbox;
} Sale;

static bool
overrules(const Sale *sale, const char *rule)
{
	for (int i = 0; i < sale->overruled_count; i++)
		if (strcmp(sale->overruled[i], rule) == 0)
			return true;
	return false;
}

static void
override_read(Sale *sale, const BoundValue *list)
{
	for (int i = 0; list->kind == BOUND_LIST && i < list->as.list.count; i++)
	{
		const char *rule = list->as.list.items[i].as.string.data;

		if (!overrules(sale, rule))
			sale->overruled[sale->overruled_count++] = rule;
	}
}

static void
contact_read(Sale *sale, const BoundValue *contact)
{
	const BoundValue *members = contact->as.members;
	char		normal[EMAIL_LENGTH_MAX + 1];

	if (contact->kind != BOUND_OBJECT)
		return;
	sale->contact.name = bound_text(&members[SALE_CREATE_CONTACT_NAME]);
	sale->contact.email = bound_text(&members[SALE_CREATE_CONTACT_EMAIL]);
	sale->contact.phone = bound_text(&members[SALE_CREATE_CONTACT_PHONE]);
	sale->contact.locale = bound_text(&members[SALE_CREATE_CONTACT_LOCALE]);
	if (overrules(sale, "buyer_limit"))
		return;
	email_normalise(sale->contact.email, normal);
	secret_buyer_key(sale->call->event_id, normal, sale->email_key);
	sale->counted = true;
}

/* A complimentary sale has a reason and no amount; any other has no reason. */
static void
payment_read(Sale *sale, const BoundValue *payment)
{
	const BoundValue *members = payment->as.members;
	bool		complimentary;

	if (payment->kind != BOUND_OBJECT)
		return;
	sale->payment = members;
	sale->reason = bound_text(&members[SALE_CREATE_PAYMENT_REASON]);
	complimentary = strcmp(members[SALE_CREATE_PAYMENT_KIND].as.string.data, "complimentary") == 0;
	if (complimentary != (sale->reason != NULL))
		reply_refuse_detail(sale->call, ERR_INVALID_DOCUMENT, "/payment/reason", NULL,
							"A complimentary sale has a reason, and no other has.");
	if (complimentary && members[SALE_CREATE_PAYMENT_AMOUNT].kind == BOUND_INT)
		reply_refuse_detail(sale->call, ERR_INVALID_DOCUMENT, "/payment/amount", NULL,
							"A complimentary sale has no amount.");
}

static void
sale_read(Sale *sale)
{
	const BoundValue *body = sale->call->body.as.members;

	override_read(sale, &body[SALE_CREATE_BODY_OVERRIDE]);
	contact_read(sale, &body[SALE_CREATE_BODY_CONTACT]);
	payment_read(sale, &body[SALE_CREATE_BODY_PAYMENT]);
	if (body[SALE_CREATE_BODY_HOLDERS].kind == BOUND_LIST)
		sale->holders = &body[SALE_CREATE_BODY_HOLDERS];
}

/* What staff overrule is no rule of the offer any more; this copy of it serves this call alone. */
static void
offer_overrule(const Sale *sale)
{
	Offer	   *offer = sale->offer;
	const OfferWindow open = {DT_NOBEGIN, DT_NOEND};

	if (overrules(sale, "paused") && offer->status == EVENT_PAUSED)
		offer->status = EVENT_PUBLISHED;
	if (overrules(sale, "not_on_sale"))
		offer->window = open;
	if (overrules(sale, "max_per_order"))
		offer->max_per_order = 0;
	for (int i = 0; i < offer->session_count; i++)
	{
		OfferSession *session = &offer->sessions[i];

		session->paused &= !overrules(sale, "paused");
		if (overrules(sale, "not_on_sale"))
			session->window = open;
	}
	for (int i = 0; i < offer->type_count; i++)
	{
		OfferType  *type = &offer->types[i];

		type->paused &= !overrules(sale, "paused");
		if (overrules(sale, "not_on_sale"))
			type->window = open;
		if (overrules(sale, "min_per_order"))
			type->min_per_order = 1;
		if (overrules(sale, "max_per_order"))
			type->max_per_order = 0;
	}
}

/* Reads what the call names; false if there is no such event for the caller. */
static bool
offer_read(Sale *sale)
{
	Call	   *call = sale->call;

	sale->offer = offer_load(call->event_id);
	if (sale->offer == NULL ||
		!member_may(&call->actor, sale->offer->organizer_id, MEMBER_SELLS))
	{
		reply_refuse(call, ERR_NOT_FOUND, "event", NULL);
		return false;
	}
	hold_request_read(&sale->request, call, sale->offer);
	sale->request.channel = "box_office";
	if (call->body.as.members[SALE_CREATE_BODY_CHANNEL].kind == BOUND_STRING)
		sale->request.channel = call->body.as.members[SALE_CREATE_BODY_CHANNEL].as.string.data;
	offer_resolve(sale->offer);
	offer_overrule(sale);
	hold_request_resolve(&sale->request, sale->offer);
	return true;
}

/* Locks the groups of what is to be sold, and looks again if the event was changed meanwhile. */
static bool
sale_lock(Sale *sale)
{
	sale->inv = inventory_begin(sale->call->event_id);
	for (int i = 0; i < sale->request.line_count; i++)
	{
		const OfferPlace *place = sale->request.lines[i].place;

		if (place != NULL && place->stock_count > 0)
			inventory_add_group(sale->inv, place->group_id);
	}
	if (sale->counted)
		hold_take_foresee(sale->inv, sale->offer, &sale->request, sale->email_key, NULL);
	lapsed_look(sale->inv);
	inventory_lock(sale->inv);
	return offer_is_current(sale->offer) || offer_read(sale);
}

/* Names what the contact's address is limited in, before its counters are locked. */
static void
limits_add(const Sale *sale)
{
	Buyers	   *buyers = sale->inv->buyers;

	if (!sale->counted)
		return;
	if (sale->offer->buyer_limit > 0)
		buyer_add(buyers, sale->email_key, 0, sale->offer->buyer_limit);
	for (int i = 0; i < sale->request.line_count; i++)
	{
		const OfferType *type = sale->request.lines[i].type;

		if (type->buyer_limit > 0)
			buyer_add(buyers, sale->email_key, type->id, type->buyer_limit);
	}
}

/* A hold that was ordered the moment it was made. */
static void
hold_make(Sale *sale)
{
	TimestampTz now = sale->inv->now - sale->inv->now % 1000;

	sale->hold = (Hold) {
		.id = id_next(),
		.status = HOLD_ORDERED,
		.created_at = now,
		.expires_at = now + sale->offer->hold_ttl_ms * 1000,
		.extend_until = now + sale->offer->hold_extend_max_ms * 1000,
		.channel = sale->request.channel,
	};
}

/* Takes the places, or refuses.  Nobody's subject is counted: the buyer is not the caller. */
static bool
places_take(Sale *sale)
{
	HoldTaker  *taker = hold_taker_begin(sale->inv, sale->offer);

	hold_taker_want(taker, &sale->request, NULL);
	limits_add(sale);
	hold_taker_ready(taker);
	sale->before = inventory_mark(sale->inv);
	hold_make(sale);
	if (!hold_taker_take(taker, &sale->request, &sale->hold, 1))
		return false;
	for (int i = 0; sale->reason != NULL && i < sale->hold.claim_count; i++)
		sale->hold.claims[i].unit_price = sale->hold.claims[i].unit_fee = 0;
	return true;
}

/* Whether an amount can have been paid: not where nothing is due. */
static bool
amount_fits(Sale *sale, int64 total)
{
	bool		given = sale->payment != NULL &&
		sale->payment[SALE_CREATE_PAYMENT_AMOUNT].kind == BOUND_INT;

	if (!given || total > 0)
		return true;
	reply_refuse_detail(sale->call, ERR_INVALID_DOCUMENT, "/payment/amount", NULL,
						"The sale costs nothing.");
	return false;
}

/* Whether the places, once they are had, can be sold so; else refuses. */
static bool
sale_check(Sale *sale, int64 *total, int *tickets)
{
	const BoundValue *expected = &sale->call->body.as.members[SALE_CREATE_BODY_EXPECTED_TOTAL];
	Call	   *call = sale->call;

	order_event_name_holds(sale->event, &sale->hold, 1);
	if (!order_sum(&sale->hold, total, tickets))
		reply_refuse(call, ERR_AMOUNT_TOO_LARGE, "/items", NULL);
	else if (expected->kind == BOUND_INT && expected->as.integer != *total)
		reply_refuse(call, ERR_PRICE_CHANGED, "/expected_total",
					 psprintf("\"total\":" INT64_FORMAT, *total));
	else if (sale->counted &&
			 !order_limits_allow(call, sale->inv, sale->event, &sale->hold, sale->email_key,
								 "/items"))
		return false;
	else if (sale->holders != NULL && sale->holders->as.list.count > *tickets)
		reply_refuse_detail(call, ERR_INVALID_DOCUMENT, "/holders",
							psprintf("\"max\":%d", *tickets),
							"There are more holders than tickets.");
	else
		return amount_fits(sale, *total);
	return false;
}

/* The first holder has the first ticket, and so on. */
static void
holders_assign(Sale *sale)
{
	for (int i = 0; sale->holders != NULL && i < sale->holders->as.list.count; i++)
	{
		const BoundValue *holder = sale->holders->as.list.items[i].as.members;

		sale->order.tickets[i].holder_name = bound_text(&holder[SALE_CREATE_HOLDER_NAME]);
		sale->order.tickets[i].holder_email = bound_text(&holder[SALE_CREATE_HOLDER_EMAIL]);
	}
}

/* Records what came in: all that is due unless the call says another amount. */
static void
money_take(Sale *sale)
{
	Order	   *order = &sale->order;
	Payment    *payment = &sale->payments[sale->payment_count++];
	const BoundValue *amount = &sale->payment[SALE_CREATE_PAYMENT_AMOUNT];

	*payment = (Payment) {
		.id = id_next(),
		.order_id = order->id,
		.kind = "manual",
		.amount = amount->kind == BOUND_INT ? amount->as.integer : order->total,
		.outcome = "partial",
		.method = sale->payment[SALE_CREATE_PAYMENT_KIND].as.string.data,
		.reference = bound_text(&sale->payment[SALE_CREATE_PAYMENT_REFERENCE]),
		.recorded_by = sale->call->actor.subject,
		.recorded_at = sale->inv->now,
	};
	order->paid = payment->amount;
	outbox_add(&sale->outbox, "payment.recorded", payment->id);
	if (order->paid < order->total)
		return;
	payment->outcome = "paid";
	payment->surplus = order->paid - order->total;
	order_complete(sale->inv, order, &sale->outbox);
}

static void
order_settle(Sale *sale)
{
	Order	   *order = &sale->order;

	if (order->total == 0)
	{
		Payment    *payment = &sale->payments[sale->payment_count++];

		order_complete(sale->inv, order, &sale->outbox);
		payment_make_free(payment, order, sale->inv->now);
		payment->recorded_by = sale->call->actor.subject;
		if (sale->reason != NULL)
			payment->kind = "complimentary";
	}
	else if (sale->payment != NULL)
		money_take(sale);
}

static void
order_build(Sale *sale, int64 total, int tickets)
{
	Order	   *order = &sale->order;

	order_make(order, sale->event, &sale->hold, sale->inv->now, total, tickets);
	order->email_key = sale->counted ? sale->email_key : NULL;
	order->contact = sale->contact;
	order_take_places(sale->inv, sale->event, order);
	holders_assign(sale);
	outbox_add(&sale->outbox, "order.placed", order->id);
	order_settle(sale);
}

static void
sale_write(Sale *sale)
{
	const Hold *hold = &sale->hold;
	int64		event_id = sale->event->id;
	OrderChange change = {
		.order_id = sale->order.id,
		.kind = "sale",
		.total_after = sale->order.total,
		.reason = sale->reason,
		.overruled = sale->overruled,
		.overruled_count = sale->overruled_count,
		.changed_by = sale->call->actor.subject,
	};

	inventory_write(sale->inv);
	hold_insert(event_id, &hold, 1);
	claim_insert(event_id, sale->hold.claims, sale->hold.claim_count);
	order_insert(sale->event, &sale->order, 1);
	payment_insert(sale->event, sale->payments, sale->payment_count);
	order_change_insert(event_id, &change, 1, sale->inv->now);
	outbox_write(&sale->outbox, event_id, sale->inv->now);
}

/* Under the locks, with nothing refused yet. */
static void
sale_decide(Sale *sale)
{
	int64		total;
	int			tickets;

	sale->event = order_event_load(sale->call->event_id);
	if (!places_take(sale) || !sale_check(sale, &total, &tickets))
	{
		inventory_return(sale->inv, sale->before);
		inventory_write(sale->inv); /* what was taken back from others stays so */
		return;
	}
	order_build(sale, total, tickets);
	sale_write(sale);
	order_append(reply_start(sale->call, 201), &sale->order, sale->event, sale->inv->now, true);
	sale->key->ref_id = sale->order.id;
	idempotency_store(sale->call, 1, sale->key, sale->inv->now);
}

static void
sale_one(Call *call)
{
	Sale		sale = {.call = call};

	sale_read(&sale);
	if (call->reply.done || !offer_read(&sale) || !sale_lock(&sale))
		return;
	sale.key = idempotency_find(call, 1);
	if (sale.key->found == KEY_REPLAY)
	{
		order_answer_replays(call, 1, sale.key, sale.inv->now, 201, true);
		return;
	}
	if (!call->reply.done)
		hold_request_judge(&sale.request, sale.offer, sale.inv->now);
	if (!call->reply.done)
		sale_decide(&sale);
}

/*
 * POST /v1/events/{event}/sales
 *
 * api.sale_create(event bigint, items jsonb, payment jsonb, …)
 */
void
sale_create(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			sale_one(&calls[i]);
	query_finish();
}
