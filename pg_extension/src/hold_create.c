/*
 * hold_create.c
 *		POST /v1/events/{event}/holds: a batch of carts, decided together.
 *
 * Three phases.  Look: what do the calls name, and which inventory groups is that?  Decide: under
 * the locks, in memory, call by call in order of arrival.  Write: a page at a time.  What is
 * refused costs no write and spoils nothing for others; the result is that of single calls made
 * in that order.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "block.h"
#include "buyer.h"
#include "contract.h"
#include "handlers.h"
#include "hold.h"
#include "hold_answer.h"
#include "hold_request.h"
#include "hold_take.h"
#include "id.h"
#include "idempotency.h"
#include "inventory.h"
#include "lapsed.h"
#include "offer.h"
#include "query.h"
#include "reclaim.h"

typedef struct HoldBatch
{
	Call	   *calls;
	int			count;
	int64		event_id;
	Offer	   *offer;
	HoldRequest *requests;		/* one a call */
	Inventory  *inv;
	IdempotencyKey *keys;		/* one a call */
	Reply	   *aside;			/* one a call, or NULL: what a duplicate is refused for if it is its
								 * turn */
	HoldTaker  *taker;
	Hold	   *holds;			/* one a call; id 0: not granted */
	int64		first_id;
} HoldBatch;

/* Reads what the calls name.  False if there is no such event: all are refused. */
static bool
batch_look(HoldBatch *batch)
{
	batch->offer = offer_load(batch->event_id);
	for (int i = 0; i < batch->count; i++)
	{
		if (batch->offer == NULL && !batch->calls[i].reply.done)
			reply_refuse(&batch->calls[i], ERR_NOT_FOUND, "event", NULL);
		if (!batch->calls[i].reply.done)
			hold_request_read(&batch->requests[i], &batch->calls[i], batch->offer);
	}
	if (batch->offer == NULL)
		return false;
	offer_resolve(batch->offer);
	for (int i = 0; i < batch->count; i++)
		if (!batch->calls[i].reply.done)
			hold_request_resolve(&batch->requests[i], batch->offer);
	return true;
}

/* Locks the groups of all that may be taken, and looks again if the event was changed meanwhile. */
static void
batch_lock(HoldBatch *batch)
{
	for (int i = 0; i < batch->count; i++)
	{
		for (int k = 0; k < batch->requests[i].line_count; k++)
			if (batch->requests[i].lines[k].place != NULL &&
				batch->requests[i].lines[k].place->stock_count > 0)
				inventory_add_group(batch->inv, batch->requests[i].lines[k].place->group_id);
		hold_take_foresee(batch->inv, batch->offer, &batch->requests[i],
						  buyer_subject_key(batch->calls[i].actor.subject), NULL);
	}
	lapsed_look(batch->inv);
	inventory_lock(batch->inv);
	if (!offer_is_current(batch->offer))
		(void) batch_look(batch);
}

/* What was granted before is answered again, from the hold as it is now. */
static void
batch_replay(HoldBatch *batch)
{
	int64	   *ids = palloc_array(int64, batch->count);
	Hold	   *holds;
	Offer	   *offer;
	int			n = 0;

	for (int i = 0; i < batch->count; i++)
		if (batch->keys[i].found == KEY_REPLAY)
			ids[n++] = batch->keys[i].ref_id;
	if (n == 0)
		return;
	holds = hold_load(batch->event_id, ids, ids_sort_unique(ids, n), &n);
	offer = hold_answer_offer(batch->event_id, holds, n);
	for (int i = 0; i < batch->count; i++)
	{
		const Hold *hold;

		if (batch->keys[i].found != KEY_REPLAY)
			continue;
		hold = hold_find(holds, n, batch->keys[i].ref_id);
		if (hold == NULL)
			reply_refuse(&batch->calls[i], ERR_NOT_FOUND, "", NULL);
		else
			hold_answer(&batch->calls[i], hold, offer, batch->inv->now, true, &batch->requests[i]);
		batch->calls[i].reply.replayed = hold != NULL;
	}
}

/* A duplicate is not answered before it is known what became of the call that it repeats. */
static void
batch_set_aside(HoldBatch *batch, int index)
{
	Reply	   *reply = &batch->calls[index].reply;

	if (batch->aside == NULL)
		batch->aside = palloc0_array(Reply, batch->count);
	batch->aside[index] = *reply;
	memset(reply, 0, sizeof(Reply));
}

/* Refuses what rules forbid; asks the taker for the rest. */
static void
batch_judge(HoldBatch *batch)
{
	for (int i = 0; i < batch->count; i++)
	{
		Call	   *call = &batch->calls[i];
		HoldRequest *request = &batch->requests[i];

		if (call->reply.done)
			continue;
		hold_request_authorise(request, batch->offer);
		hold_request_judge(request, batch->offer, batch->inv->now);
		if (!call->reply.done)
			hold_taker_want(batch->taker, request, call->actor.subject);
		if (batch->keys[i].found == KEY_DUPLICATE)
			batch_set_aside(batch, i);
	}
}

/* Grants one call's hold or refuses it. */
static void
batch_grant(HoldBatch *batch, int index)
{
	Call	   *call = &batch->calls[index];
	Hold	   *hold = &batch->holds[index];
	TimestampTz now = batch->inv->now - batch->inv->now % 1000;

	hold->id = batch->first_id + index;
	hold->status = HOLD_ACTIVE;
	hold->created_at = now;
	hold->expires_at = now + batch->offer->hold_ttl_ms * 1000;
	hold->extend_until = now + batch->offer->hold_extend_max_ms * 1000;
	hold->channel = batch->requests[index].channel;
	hold->subject = call->actor.subject;
	if (hold_taker_take(batch->taker, &batch->requests[index], hold, 1))
	{
		batch->keys[index].ref_id = hold->id;
		hold_answer(call, hold, batch->offer, now, true, &batch->requests[index]);
	}
	else
		hold->id = 0;
}

/* Decides the calls in order of arrival. */
static void
batch_decide(HoldBatch *batch)
{
	for (int i = 0; i < batch->count; i++)
	{
		Call	   *call = &batch->calls[i];
		bool		duplicate = batch->keys[i].found == KEY_DUPLICATE;

		if (duplicate && !idempotency_turn(batch->calls, i, batch->keys))
		{
			idempotency_copy(batch->calls, i, batch->keys);
			continue;
		}
		if (duplicate)
			call->reply = batch->aside[i];
		if (!call->reply.done)
			batch_grant(batch, i);
	}
}

static void
batch_write(HoldBatch *batch)
{
	const Hold **granted = palloc_array(const Hold *, batch->count);
	int			n = 0;

	for (int i = 0; i < batch->count; i++)
		if (batch->holds[i].id != 0)
			granted[n++] = &batch->holds[i];
	inventory_write(batch->inv);
	hold_insert(batch->event_id, granted, n);
	claim_insert(batch->event_id, batch->taker->claims, batch->taker->claim_count);
	idempotency_store(batch->calls, batch->count, batch->keys, batch->inv->now);
}

static void
batch_run(HoldBatch *batch)
{
	if (!batch_look(batch))
		return;
	batch->inv = inventory_begin(batch->event_id);
	batch_lock(batch);
	batch->keys = idempotency_find(batch->calls, batch->count);
	batch_replay(batch);
	batch->taker = hold_taker_begin(batch->inv, batch->offer);
	batch_judge(batch);
	hold_taker_ready(batch->taker);
	batch->first_id = id_next_many(batch->count);
	batch_decide(batch);
	batch_write(batch);
}

void
hold_create(Call *calls, int count)
{
	HoldBatch	batch = {
		.calls = calls,
		.count = count,
		.event_id = calls[0].event_id,
		.requests = palloc0_array(HoldRequest, count),
		.holds = palloc0_array(Hold, count)
	};

	query_connect();
	batch_run(&batch);
	query_finish();
}
