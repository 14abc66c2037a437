/*
 * order_contact.c
 *		Who bought and who comes: change of contact and holders, and sending the order again.
 *
 * Staff may at any time.  A buyer may as long as the order stands and the first of its sessions has
 * not begun.  Another e-mail address is another buyer to the limits, so the order's tickets count
 * to it from then on, and it must have room for them.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "buyer.h"
#include "email.h"
#include "handlers.h"
#include "lapsed.h"
#include "order_act.h"
#include "order_make.h"
#include "query.h"

#define RESEND_WAIT_S 60		/* from one sending to the next */
#define RESEND_DAY_MAX 10		/* in 24 hours */

static CoreQuery contact_query = {
	"INSERT INTO boxoffice.contact AS c (event_id, order_id, name, email, phone, locale)"
	" VALUES ($1, $2, $3, $4, $5, $6)"
	" ON CONFLICT (event_id, order_id) DO UPDATE"
	" SET name = excluded.name, email = excluded.email, phone = excluded.phone,"
	"     locale = excluded.locale",
	6, {INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static CoreQuery email_key_query = {
	"UPDATE boxoffice.order AS o SET email_key = $3 WHERE o.event_id = $1 AND o.id = $2",
	3, {INT8OID, INT8OID, TEXTOID}
};

static CoreQuery holders_query = {
	"INSERT INTO boxoffice.holder AS h (event_id, ticket_id, name, email)"
	" SELECT $1, u.ticket_id, u.name, u.email"
	"   FROM unnest($2, $3, $4) AS u (ticket_id, name, email)"
	"  WHERE u.name IS NOT NULL OR u.email IS NOT NULL"
	" ON CONFLICT (event_id, ticket_id) DO UPDATE"
	" SET name = excluded.name, email = excluded.email",
	4, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static CoreQuery holders_gone_query = {
	"DELETE FROM boxoffice.holder AS h"
	" USING unnest($2, $3, $4) AS u (ticket_id, name, email)"
	" WHERE h.event_id = $1 AND h.ticket_id = u.ticket_id AND u.name IS NULL AND u.email IS NULL",
	4, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static CoreQuery resent_query = {
	"SELECT c.changed_at FROM boxoffice.order_change AS c"
	" WHERE c.event_id = $1 AND c.order_id = $2 AND c.kind = 'resend' AND c.changed_at > $3"
	" ORDER BY c.id DESC LIMIT $4",
	4, {INT8OID, INT8OID, TIMESTAMPTZOID, INT4OID}
};

/* Whether the caller may still change who bought or who comes; else refuses. */
static bool
window_is_open(OrderAct *act)
{
	const Order *order = act->order;
	OrderStatus status = order_status_now(order, act->event, act->inv->now);
	TimestampTz starts_at = DT_NOEND;

	for (int i = 0; i < order->ticket_count; i++)
		if (order->tickets[i].state != TICKET_CANCELLED)
			starts_at = Min(starts_at,
							order_event_session(act->event,
												order->tickets[i].session_id)->starts_at);
	if (act->staff || (status != ORDER_EXPIRED && status != ORDER_CANCELLED &&
					   act->inv->now < starts_at))
		return true;
	order_act_refuse_state(act);
	return false;
}

/* A member of the patch over what was there: what is left out stays, null removes. */
static const char *
patched(const BoundValue *member, const char *before)
{
	if (member->kind == BOUND_ABSENT)
		return before;
	return bound_text(member);
}

/* The contact as the call wants it; false, and refused, if it lacks what a contact must have. */
static bool
contact_patch(OrderAct *act, Contact *contact)
{
	const BoundValue *body = act->call->body.as.members;

	contact->name = patched(&body[ORDER_CONTACT_BODY_NAME], contact->name);
	contact->email = patched(&body[ORDER_CONTACT_BODY_EMAIL], contact->email);
	contact->phone = patched(&body[ORDER_CONTACT_BODY_PHONE], contact->phone);
	contact->locale = patched(&body[ORDER_CONTACT_BODY_LOCALE], contact->locale);
	if (contact->name != NULL && contact->email != NULL)
		return true;
	reply_refuse_detail(act->call, ERR_INVALID_DOCUMENT,
						contact->name == NULL ? "/name" : "/email", NULL,
						"The order has no contact yet: it needs a name and an address.");
	return false;
}

/* The key of the address that the call names; NULL if it names none, or the one that was there. */
static char *
email_key(const OrderAct *act)
{
	const BoundValue *email = &act->call->body.as.members[ORDER_CONTACT_BODY_EMAIL];
	const char *before = act->order->email_key;
	char	   *key = palloc(BUYER_KEY_LEN + 1);
	char		normal[EMAIL_LENGTH_MAX + 1];

	if (email->kind != BOUND_STRING)
		return NULL;
	email_normalise(bound_text(email), normal);
	secret_buyer_key(act->event->id, normal, key);
	return before != NULL && strcmp(before, key) == 0 ? NULL : key;
}

/*
 * The order's tickets count to the new address, if the call names one; false, and refused, if it
 * has no room for them.
 */
static bool
email_change(OrderAct *act)
{
	Order	   *order = act->order;
	char	   *key = email_key(act);

	if (key == NULL)
		return true;
	order_add_pass_on(act->inv, act->event, order->claims, order->claim_count, order->email_key,
					  key);
	lapsed_reclaim(act->inv);
	buyer_lock(act->inv->buyers);
	if (!order_pass_on(act->call, act->inv, act->event, order->claims, order->claim_count,
					   order->email_key, key, "/email"))
	{
		inventory_write(act->inv);	/* what was taken back stays so */
		return false;
	}
	order->email_key = key;
	query_run(&email_key_query, (Datum[]) {
			  Int64GetDatum(act->event->id), Int64GetDatum(order->id), CStringGetTextDatum(key)
			  }, NULL);
	query_done();
	return true;
}

static Datum
text_datum(const char *text)
{
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
contact_write(const OrderAct *act)
{
	const Contact *contact = &act->order->contact;
	char		nulls[] = "      ";

	if (contact->phone == NULL)
		nulls[4] = 'n';
	if (contact->locale == NULL)
		nulls[5] = 'n';
	query_run(&contact_query, (Datum[]) {
			  Int64GetDatum(act->event->id), Int64GetDatum(act->order->id),
			  text_datum(contact->name), text_datum(contact->email), text_datum(contact->phone),
			  text_datum(contact->locale)
			  }, nulls);
	query_done();
}

static void
contact_one(Call *call)
{
	OrderAct	act;

	if (!order_act_open(&act, call, call->params[ORDER_CONTACT_PARAM_ORDER].as.integer, BY_BUYER))
		return;
	order_foresee_pass_on(act.inv, act.event, act.order, email_key(&act));
	if (!order_act_lock(&act, 200) || !window_is_open(&act) ||
		!contact_patch(&act, &act.order->contact) || !email_change(&act))
		return;
	contact_write(&act);
	order_act_record(&act, "contact", NULL);
	outbox_add(&act.outbox, "order.contact", act.order->id);
	order_act_close(&act, 200);
}

/*
 * PATCH /v1/events/{event}/orders/{order}/contact
 *
 * api.order_contact(event bigint, "order" bigint, patch jsonb, …)
 */
void
order_contact(Call *calls, int count)
{
	order_act_each(calls, count, contact_one);
}

/* The holders as columns; false, and refused, if one is of a ticket that has none. */
static bool
holders_read(OrderAct *act, const BoundValue *list, int64 *ids, const char **names,
			 const char **emails)
{
	Order	   *order = act->order;

	for (int i = 0; i < list->as.list.count; i++)
	{
		const BoundValue *item = list->as.list.items[i].as.members;
		char	   *pointer = psprintf("/holders/%d/ticket", i);
		const Ticket *ticket = NULL;

		ids[i] = item[ORDER_HOLDERS_HOLDER_TICKET].as.integer;
		names[i] = patched(&item[ORDER_HOLDERS_HOLDER_NAME], NULL);
		emails[i] = patched(&item[ORDER_HOLDERS_HOLDER_EMAIL], NULL);
		for (int j = 0; j < order->ticket_count; j++)
			if (order->tickets[j].id == ids[i])
				ticket = &order->tickets[j];
		if (ticket == NULL)
			reply_refuse(act->call, ERR_UNKNOWN_REFERENCE, pointer, NULL);
		else if (ticket->state == TICKET_CANCELLED)
			reply_refuse(act->call, ERR_ORDER_STATE, pointer, "\"state\":\"cancelled\"");
		for (int j = 0; j < i; j++)
			if (ids[j] == ids[i])
				reply_refuse_detail(act->call, ERR_INVALID_DOCUMENT, pointer, NULL,
									"The list names this ticket twice.");
	}
	return !act->call->reply.done;
}

static void
holders_one(Call *call)
{
	const BoundValue *list = &call->body.as.members[ORDER_HOLDERS_BODY_HOLDERS];
	int			n = list->as.list.count;
	int64	   *ids = palloc_array(int64, n + 1);
	const char **names = palloc_array(const char *, n + 1);
	const char **emails = palloc_array(const char *, n + 1);
	OrderAct	act;
	Datum		args[4];

	if (!order_act_open(&act, call, call->params[ORDER_HOLDERS_PARAM_ORDER].as.integer, BY_BUYER) ||
		!order_act_lock(&act, 200) || !window_is_open(&act) ||
		!holders_read(&act, list, ids, names, emails))
		return;
	args[0] = Int64GetDatum(act.event->id);
	args[1] = array_int8(ids, n);
	args[2] = array_text(names, n);
	args[3] = array_text(emails, n);
	query_run(&holders_gone_query, args, NULL);
	query_done();
	query_run(&holders_query, args, NULL);
	query_done();
	order_act_record(&act, "holders", NULL);
	outbox_add(&act.outbox, "order.changed", act.order->id);
	order_act_write(&act);
	ticket_append_list(reply_start(call, 200), act.order, act.event, act.inv->now);
}

/*
 * PATCH /v1/events/{event}/orders/{order}/holders
 *
 * api.order_holders(event bigint, "order" bigint, patch jsonb, …)
 */
void
order_holders(Call *calls, int count)
{
	order_act_each(calls, count, holders_one);
}

/* Whether it may be sent again now; else refuses, and says when. */
static bool
resend_check(OrderAct *act)
{
	TimestampTz now = act->inv->now;
	TimestampTz again = now;
	int			sent;

	if (act->order->contact.email == NULL)
	{
		reply_refuse_detail(act->call, ERR_ORDER_STATE, "", NULL, "The order has no contact.");
		return false;
	}
	sent = query_run(&resent_query, (Datum[]) {
					 Int64GetDatum(act->event->id), Int64GetDatum(act->order->id),
					 TimestampTzGetDatum(now - USECS_PER_DAY), Int32GetDatum(RESEND_DAY_MAX)
					 }, NULL);
	if (sent > 0)
		again = query_time(0, 1) + RESEND_WAIT_S * USECS_PER_SEC;
	if (sent == RESEND_DAY_MAX)
		again = Max(again, query_time(sent - 1, 1) + USECS_PER_DAY);
	query_done();
	if (again <= now)
		return true;
	reply_refuse(act->call, ERR_THROTTLED, "", NULL);
	act->call->reply.retry_after_s = (int) ((again - now + USECS_PER_SEC - 1) / USECS_PER_SEC);
	return false;
}

static void
resend_one(Call *call)
{
	OrderAct	act;

	if (!order_act_open(&act, call, call->params[ORDER_RESEND_PARAM_ORDER].as.integer, BY_BUYER) ||
		!order_act_lock(&act, 200) || !resend_check(&act))
		return;
	order_act_record(&act, "resend", NULL);
	outbox_add(&act.outbox, "order.resend", act.order->id);
	order_act_close(&act, 200);
}

/*
 * POST /v1/events/{event}/orders/{order}/resend
 *
 * api.order_resend(event bigint, "order" bigint, …)
 */
void
order_resend(Call *calls, int count)
{
	order_act_each(calls, count, resend_one);
}
