/*
 * order_decide.c
 *		What staff decide about an order that waits: approve it, deny it, give it more time.
 *
 * An order that waits for approval keeps its places until then, at the latest until the first of
 * its sessions is over.  Approved, it has the event's payment term from now on; where nothing more
 * is due it is paid at once, also after the last day on which it could have been paid.  Denied, it
 * is cancelled.
 *
 * An order that has expired is pending again if all its places can be had, under the limits of
 * now; money that came in meanwhile pays it.  What was called off meanwhile leaves it, see
 * order_drop.c.
 */
#include "postgres.h"

#include "handlers.h"
#include "lapsed.h"
#include "order_act.h"
#include "query.h"

/* The order is pending now, and can be paid until then. */
static void
reschedule(OrderAct *act, TimestampTz until)
{
	act->order->status = ORDER_PENDING;
	order_reschedule(act->order, act->event, until);
}

/* Whether the order waits for approval, and can be approved; else refuses. */
static bool
approve_check(OrderAct *act)
{
	const Order *order = act->order;

	if (order_is_called_off(order, act->event))
		reply_refuse(act->call, ERR_EVENT_CANCELLED, "", NULL);
	else if (order->status != ORDER_APPROVAL)
		order_act_refuse_state(act);
	else if (order->paid < order_price(order, act->event) &&
			 act->inv->now >= order_last(order, act->event))
		reply_refuse_detail(act->call, ERR_ORDER_STATE, "", "\"status\":\"approval\"",
							"It is too late to pay for it.");
	else
		return true;
	return false;
}

static void
approve_one(Call *call)
{
	OrderAct	act;

	if (!order_act_open(&act, call, call->params[ORDER_APPROVE_PARAM_ORDER].as.integer, BY_STAFF) ||
		!order_act_lock(&act, 200) || !approve_check(&act))
		return;
	order_act_load(&act, false);
	order_act_record(&act, "approve", NULL);
	reschedule(&act, deadline_payment(act.inv->now, act.event->term, act.event->zone,
									  order_last(act.order, act.event)));
	outbox_add(&act.outbox, "order.approved", act.order->id);
	order_act_settle(&act);
	order_act_close(&act, 200);
}

/*
 * POST /v1/events/{event}/orders/{order}/approve
 *
 * api.order_approve(event bigint, "order" bigint, …)
 */
void
order_approve(Call *calls, int count)
{
	order_act_each(calls, count, approve_one);
}

static void
deny_one(Call *call)
{
	OrderAct	act;

	if (!order_act_open(&act, call, call->params[ORDER_DENY_PARAM_ORDER].as.integer, BY_STAFF) ||
		!order_act_lock(&act, 200))
		return;
	if (act.order->status != ORDER_APPROVAL)
	{
		order_act_refuse_state(&act);
		return;
	}
	order_act_load(&act, false);
	order_act_record(&act, "deny", call->body.as.members[ORDER_DENY_BODY_REASON].as.string.data);
	outbox_add(&act.outbox, "order.denied", act.order->id);
	order_act_cancel(&act);
	order_act_close(&act, 200);
}

/*
 * POST /v1/events/{event}/orders/{order}/deny
 *
 * api.order_deny(event bigint, "order" bigint, reason text, …)
 */
void
order_deny(Call *calls, int count)
{
	order_act_each(calls, count, deny_one);
}

static bool
extend_check(OrderAct *act, TimestampTz until)
{
	const Order *order = act->order;
	TimestampTz last = order_last(order, act->event);
	StringInfoData facts;

	if (order_is_called_off(order, act->event))
		reply_refuse(act->call, ERR_EVENT_CANCELLED, "", NULL);
	else if (order->status != ORDER_PENDING && order->status != ORDER_EXPIRED)
		order_act_refuse_state(act);
	else if (until <= act->inv->now)
		reply_refuse_detail(act->call, ERR_INVALID_DOCUMENT, "/until", NULL,
							"The deadline would be over.");
	else if (until > last)
	{
		initStringInfo(&facts);
		appendStringInfoString(&facts, "\"extend_until\":");
		json_append_time(&facts, last, act->event->zone);
		reply_refuse(act->call, ERR_EXTEND_LIMIT, "/until", facts.data);
	}
	else
		return true;
	return false;
}

/* Has what was lost again, or refuses. */
static bool
places_again(OrderAct *act)
{
	ErrorCode	why;

	if (!order_lacks_places(act->order))
		return true;
	why = order_outlasts_call_off(act->order, act->event)
		? order_limits_refuse_again(act->inv, act->order, act->event) : ERR_EVENT_CANCELLED;
	if (why != ERR_NONE)
		reply_refuse(act->call, why, "", NULL);
	else if (!order_claim_again(act->inv, act->order, act->event))
		reply_refuse(act->call, order_places_lapse(act->inv, act->order, act->event)
					 ? ERR_RECLAIMING : ERR_SOLD_OUT, "", NULL);
	else
	{
		(void) order_drop_called_off(act->inv, act->order, act->event, &act->outbox);
		return true;
	}
	inventory_write(act->inv);	/* what was taken back from others stays so */
	return false;
}

static void
extend_one(Call *call)
{
	OrderAct	act;
	TimestampTz until = call->body.as.members[ORDER_EXTEND_BODY_UNTIL].as.time;

	if (!order_act_open(&act, call, call->params[ORDER_EXTEND_PARAM_ORDER].as.integer, BY_STAFF))
		return;
	order_foresee_again(act.inv, act.event, act.order);
	if (act.inv->lapsed != NULL)
		lapsed_spare(act.inv, act.order->hold_id);
	lapsed_look(act.inv);
	if (!order_act_lock(&act, 200) || !extend_check(&act, until))
		return;
	order_act_load(&act, true);
	order_act_record(&act, "extend", NULL);
	if (!places_again(&act))
		return;
	reschedule(&act, until);
	outbox_add(&act.outbox, "order.extended", act.order->id);
	order_act_settle(&act);
	order_act_close(&act, 200);
}

/*
 * POST /v1/events/{event}/orders/{order}/extend
 *
 * api.order_extend(event bigint, "order" bigint, until timestamptz, …)
 */
void
order_extend(Call *calls, int count)
{
	order_act_each(calls, count, extend_one);
}
