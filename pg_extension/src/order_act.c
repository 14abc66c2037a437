/*
 * order_act.c
 *		What all operations on one order have in common.
 *
 * There is no lane for them: each call has a lock order of its own, so there is one a transaction.
 */
#include "postgres.h"

#include "block.h"
#include "buyer.h"
#include "lapsed.h"
#include "order_act.h"
#include "query.h"

static Order *
order_read(OrderAct *act, OrderLoader load)
{
	int			count;
	Order	   *order = load(act->call->event_id, &act->order_id, 1, &count);

	order_load_claims(act->call->event_id, order, count);
	return count == 0 ? NULL : order;
}

bool
order_act_open(OrderAct *act, Call *call, int64 order_id, OrderActBy by)
{
	memset(act, 0, sizeof(*act));
	act->call = call;
	act->order_id = order_id;
	act->event = order_event_load(call->event_id);
	act->order = order_read(act, order_load_heads);
	if (act->event == NULL || act->order == NULL ||
		!order_is_visible(call, act->event, act->order))
	{
		reply_refuse(call, ERR_NOT_FOUND, "", NULL);
		return false;
	}
	act->staff = order_is_staff(&call->actor, act->event->organizer_id, true);
	if (!act->staff && (by == BY_STAFF || !order_is_buyer(call, act->order)))
	{
		reply_refuse(call, ERR_FORBIDDEN, "", NULL);
		return false;
	}
	act->inv = inventory_begin(call->event_id);
	order_add_groups(act->inv, act->order, 1);
	return true;
}

bool
order_act_lock(OrderAct *act, int status)
{
	Call	   *call = act->call;

	inventory_lock(act->inv);
	act->key = idempotency_find(call, 1);
	act->order = order_read(act, order_load);
	act->event = order_event_load(call->event_id);
	if (act->event == NULL || act->order == NULL)
		inventory_moved("the order is gone");
	order_check_groups(act->inv, act->order, 1);
	order_event_name_orders(act->event, act->order, 1);
	if (act->key->found == KEY_REPLAY && status != 0)
		order_answer_replays(call, 1, act->key, act->inv->now, status, !act->staff);
	return !call->reply.done;
}

void
order_act_refuse_state(OrderAct *act)
{
	OrderStatus status = order_status_now(act->order, act->event, act->inv->now);

	reply_refuse(act->call, ERR_ORDER_STATE, "",
				 psprintf("\"status\":\"%s\"", order_status_name(status)));
}

void
order_act_load(OrderAct *act, bool limits)
{
	order_add_stocks(act->inv, act->order);
	inventory_load(act->inv);
	block_load_of(act->inv, act->order->claims, act->order->claim_count);
	order_add_buyers(act->inv, limits ? act->event : NULL, act->order);
	if (limits)
	{
		inventory_keep(act->inv, act->order->hold_id);
		order_want_again(act->inv, act->order, act->event);
		inventory_reclaim(act->inv);
		lapsed_reclaim(act->inv);
	}
	buyer_lock(act->inv->buyers);
}

void
order_act_record(OrderAct *act, const char *kind, const char *reason)
{
	act->change = (OrderChange) {
		.order_id = act->order->id,
		.kind = kind,
		.total_before = act->order->total,
		.total_after = act->order->total,
		.reason = reason,
		.changed_by = act->call->actor.subject,
	};
}

void
order_act_settle(OrderAct *act)
{
	Order	   *order = act->order;

	if (order->status != ORDER_PENDING || order_is_called_off(order, act->event) ||
		order->paid < order_price(order, act->event))
		return;
	order_complete(act->inv, order, &act->outbox);
	if (order->paid == 0)
	{
		payment_make_free(&act->payment, order, act->inv->now);
		act->settled = true;
	}
}

void
order_act_write(OrderAct *act)
{
	inventory_write(act->inv);
	order_write(act->event->id, act->order, 1);
	payment_insert(act->event, &act->payment, act->settled ? 1 : 0);
	act->change.total_after = act->order->total;
	order_change_insert(act->event->id, &act->change, act->change.kind != NULL ? 1 : 0,
						act->inv->now);
	outbox_write(&act->outbox, act->event->id, act->inv->now);
}

void
order_act_close(OrderAct *act, int status)
{
	order_act_write(act);
	order_append(reply_start(act->call, status), act->order, act->event, act->inv->now,
				 !act->staff);
	act->key->ref_id = act->order->id;
	idempotency_store(act->call, 1, act->key, act->inv->now);
}

void
order_act_each(Call *calls, int count, void (*one) (Call *call))
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			one(&calls[i]);
	query_finish();
}
