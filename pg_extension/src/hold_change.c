/*
 * hold_change.c
 *		A hold that is there: looked at, changed, extended, released.
 *
 * Who has the hold's secret may, the customer who made it, and who is of the organizer; for
 * everybody else it doesn't exist.
 *
 * A change says what is wanted afterwards.  Lines that stay keep their places and their price,
 * what the request frees it may use, and if it can't be served the hold stays as it was.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "block.h"
#include "buyer.h"
#include "clock.h"
#include "contract.h"
#include "debug.h"
#include "handlers.h"
#include "hold.h"
#include "hold_answer.h"
#include "hold_request.h"
#include "hold_take.h"
#include "idempotency.h"
#include "inventory.h"
#include "lapsed.h"
#include "member.h"
#include "offer.h"
#include "query.h"
#include "secret.h"

StaticAssertDecl((int) HOLD_GET_PARAM_HOLD == (int) HOLD_CHANGE_PARAM_HOLD &&
				 (int) HOLD_GET_PARAM_HOLD == (int) HOLD_RELEASE_PARAM_HOLD &&
				 (int) HOLD_GET_PARAM_HOLD == (int) HOLD_EXTEND_PARAM_HOLD,
				 "operations of one hold name it in different places");

#define LINE_MAX 10000			/* of a hold; from there on numbers are used again */

/* One call at work on one hold. */
typedef struct HoldWork
{
	Call	   *call;
	Hold	   *hold;			/* read without locks first, and again under them */
	Offer	   *offer;
	Inventory  *inv;
	HoldRequest request;		/* of a change */
	HoldTaker  *taker;
} HoldWork;

static Hold *
work_read(const Call *call)
{
	int64		id = call->params[HOLD_GET_PARAM_HOLD].as.integer;
	int			count;
	Hold	   *hold = hold_load(call->event_id, &id, 1, &count);

	return count == 1 ? hold : NULL;
}

static bool
work_is_makers(const HoldWork *work)
{
	const Actor *actor = &work->call->actor;

	return actor->role == ROLE_CUSTOMER && actor->subject != NULL &&
		work->hold->subject != NULL && strcmp(actor->subject, work->hold->subject) == 0;
}

/* Finds the hold for who may see it, or change it; refuses everybody else. */
static bool
work_find(HoldWork *work, MemberRight right)
{
	Call	   *call = work->call;
	bool		known;

	work->hold = work_read(call);
	if (work->hold != NULL)
		work->offer = hold_answer_offer(call->event_id, work->hold, 1);
	known = work->hold != NULL &&
		(secret_matches(SECRET_HOLD, work->hold->id, call->secret) || work_is_makers(work) ||
		 member_may(&call->actor, work->offer->organizer_id, right));
	if (!known)
		reply_refuse(call, ERR_NOT_FOUND, "hold", NULL);
	return known;
}

/* Locks what the hold takes, and what else was added to work->inv, and reads the hold again. */
static void
work_lock(HoldWork *work)
{
	for (int i = 0; i < work->hold->claim_count; i++)
		inventory_add_group(work->inv, work->hold->claims[i].group_id);
	inventory_lock(work->inv);
	work->hold = work_read(work->call);
	if (work->hold == NULL)
		inventory_moved("a hold is gone");
	for (int i = 0; i < work->hold->claim_count; i++)
	{
		if (!inventory_has_group(work->inv, work->hold->claims[i].group_id))
			inventory_moved("a claim is in another group");
		inventory_add_stocks(work->inv, work->hold->claims[i].stock_ids,
							 work->hold->claims[i].stock_count);
	}
	inventory_keep(work->inv, work->hold->id);
}

static void
work_answer(HoldWork *work)
{
	const HoldRequest *request = work->request.call != NULL ? &work->request : NULL;

	hold_answer(work->call, work->hold, work->offer, work->inv->now, false, request);
}

static bool
work_refuse_unless_writable(HoldWork *work)
{
	ErrorCode	error = hold_writable(work->hold, work->inv->now);

	if (error != ERR_NONE)
		reply_refuse(work->call, error, "", NULL);
	return error == ERR_NONE;
}

/*
 * Moves the deadline of the hold and of what it holds; its full time from now, but never past its
 * last.
 */
static void
work_move_deadline(HoldWork *work)
{
	TimestampTz now = work->inv->now - work->inv->now % 1000;
	Hold	   *hold = work->hold;
	TimestampTz full = Min(now + work->offer->hold_ttl_ms * 1000, hold->extend_until);

	hold->expires_at = Max(hold->expires_at, full);
	for (int i = 0; i < hold->claim_count; i++)
	{
		if (hold->claims[i].state != CLAIM_HELD)
			continue;
		hold->claims[i].expires_at = hold->expires_at;
		hold->claims[i].changed = true;
	}
}

/* Writes the claims that changed and the hold; a line that nothing is left of goes. */
static void
work_write(HoldWork *work)
{
	Hold	   *hold = work->hold;
	Claim	   *changed = palloc_array(Claim, hold->claim_count + 1);
	Claim	   *empty = palloc_array(Claim, hold->claim_count + 1);
	int			n = 0;
	int			gone = 0;

	inventory_write(work->inv);
	for (int i = 0; i < hold->claim_count; i++)
	{
		if (hold->claims[i].changed && hold->claims[i].quantity == 0)
			empty[gone++] = hold->claims[i];
		else if (hold->claims[i].changed)
			changed[n++] = hold->claims[i];
	}
	claim_delete(work->call->event_id, empty, gone);
	claim_update(work->call->event_id, changed, n);
	hold_update(work->call->event_id, hold, 1);
}

/* Looking */

void
hold_get(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
	{
		HoldWork	work = {.call = &calls[i]};

		if (!calls[i].reply.done && work_find(&work, MEMBER_SEES))
			hold_answer(&calls[i], work.hold, work.offer, clock_now(), false, NULL);
	}
	query_finish();
}

/* Releasing */

static void
release_claims(HoldWork *work)
{
	Hold	   *hold = work->hold;
	char	   *key = buyer_subject_key(hold->subject);

	inventory_load(work->inv);
	block_load_of(work->inv, hold->claims, hold->claim_count);
	for (int i = 0; i < hold->claim_count; i++)
	{
		Claim	   *claim = &hold->claims[i];

		if (claim->state != CLAIM_HELD)
			continue;
		claim_count_buyer(work->inv, key, claim, -claim->quantity);
		claim_end(work->inv, claim, CLAIM_RELEASED);
	}
	buyer_lock(work->inv->buyers);
	hold->status = HOLD_RELEASED;
}

static void
release_one(HoldWork *work)
{
	if (!work_find(work, MEMBER_SELLS))
		return;
	work->inv = inventory_begin(work->call->event_id);
	work_lock(work);
	if (work->hold->status == HOLD_ACTIVE)
	{
		release_claims(work);
		work_write(work);
	}
	else if (work->hold->status != HOLD_RELEASED)
	{
		(void) work_refuse_unless_writable(work);
		return;
	}
	work_answer(work);
}

void
hold_release(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
	{
		HoldWork	work = {.call = &calls[i]};

		if (!calls[i].reply.done)
			release_one(&work);
	}
	query_finish();
}

/* Extending */

static void
extend_decide(HoldWork *work)
{
	TimestampTz before = work->hold->expires_at;
	StringInfoData facts;

	if (work->offer->status == EVENT_CANCELLED)
		reply_refuse(work->call, ERR_EVENT_CANCELLED, "", NULL);
	if (!work_refuse_unless_writable(work) || work->call->reply.done)
		return;
	if (before >= work->hold->extend_until)
	{
		initStringInfo(&facts);
		appendStringInfoString(&facts, "\"extend_until\":");
		json_append_time(&facts, work->hold->extend_until, work->offer->zone);
		reply_refuse(work->call, ERR_EXTEND_LIMIT, "", facts.data);
		return;
	}
	work_move_deadline(work);
	work_write(work);
}

static void
extend_one(HoldWork *work)
{
	IdempotencyKey *key;

	if (!work_find(work, MEMBER_SELLS))
		return;
	work->inv = inventory_begin(work->call->event_id);
	work_lock(work);
	key = idempotency_find(work->call, 1);
	if (key->found == KEY_REPLAY)
		work->call->reply.replayed = true;
	else if (!work->call->reply.done)
		extend_decide(work);
	if (work->call->reply.done)
		return;
	work_answer(work);
	key->ref_id = work->hold->id;
	idempotency_store(work->call, 1, key, work->inv->now);
}

void
hold_extend(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
	{
		HoldWork	work = {.call = &calls[i]};

		if (!calls[i].reply.done)
			extend_one(&work);
	}
	query_finish();
}

/* Changing */

static void
change_look(HoldWork *work)
{
	Call	   *call = work->call;

	work->offer = offer_load(call->event_id);
	if (work->offer == NULL)
		inventory_moved("the event is gone");
	hold_request_read(&work->request, call, work->offer);
	for (int i = 0; i < work->hold->claim_count; i++)
		offer_add_ids(work->offer, work->hold->claims[i].ticket_type_id,
					  work->hold->claims[i].session_id);
	offer_resolve(work->offer);
	hold_request_resolve(&work->request, work->offer);
}

static void
change_lock(HoldWork *work)
{
	work->inv = inventory_begin(work->call->event_id);
	for (int i = 0; i < work->request.line_count; i++)
	{
		const OfferPlace *place = work->request.lines[i].place;

		if (place != NULL && place->stock_count > 0)
			inventory_add_group(work->inv, place->group_id);
	}
	hold_take_foresee(work->inv, work->offer, &work->request,
					  buyer_subject_key(work->hold->subject), work->hold);
	if (work->inv->lapsed != NULL)
		lapsed_spare(work->inv, work->hold->id);
	lapsed_look(work->inv);
	work_lock(work);
	if (!offer_is_current(work->offer))
		change_look(work);
}

/* Whether the price that a line names, if any, is the one that the claim has. */
static bool
line_price_fits(const HoldLine *line, const Claim *claim)
{
	return !line->type->free_price || line->price_given < 0 ||
		line->price_given == claim->unit_price;
}

/* Whether the claim is of what the first line of a group asks for. */
static bool
line_is_of(const HoldLine *line, const Claim *claim)
{
	return line->place != NULL && claim->state == CLAIM_HELD && claim->parent_line == 0 &&
		claim->ticket_type_id == line->type->id && claim->session_id == hold_line_session(line) &&
		claim->block_id == line->block_id && line_price_fits(line, claim);
}

static bool
claim_is_child(const Claim *claim, const Claim *parent)
{
	return claim->parent_line == parent->line && claim->state == CLAIM_HELD;
}

/* Whether the claim's add-ons are the same for each as those of the group. */
static bool
group_has_addons_of(const Hold *hold, const Claim *parent, const HoldLine *group)
{
	int			wanted = 0;
	int			found = 0;

	for (int k = 1; k <= group->parts; k++)
		wanted += !group[k].bundled;
	for (int i = 0; i < hold->claim_count; i++)
	{
		const Claim *claim = &hold->claims[i];
		int			same = 1;

		if (!claim_is_child(claim, parent) || claim->bundled)
			continue;
		while (same <= group->parts &&
			   !(!group[same].bundled && group[same].type->id == claim->ticket_type_id &&
				 group[same].each * parent->quantity == claim->quantity &&
				 line_price_fits(&group[same], claim)))
			same++;
		if (same > group->parts)
			return false;
		found++;
	}
	return found == wanted;
}

/*
 * Keeps so many of a claim, with all that belongs to each, for a group that asks for the same.
 * What came in a bundle stays as it was promised, whatever the bundle is today.
 */
static void
group_keep(Hold *hold, Claim *parent, HoldLine *group, int units, int *stays)
{
	for (int i = 0; i < hold->claim_count; i++)
		if (claim_is_child(&hold->claims[i], parent))
			stays[i] += units * (hold->claims[i].quantity / parent->quantity);
	stays[parent - hold->claims] += units;
	for (int k = 0; k <= group->parts; k++)
		group[k].kept += units * group[k].each;
}

/*
 * Keeps the tickets of a claim for a group that asks for as many with other add-ons: of these,
 * those that both have.
 */
static void
group_swap(Hold *hold, Claim *parent, HoldLine *group, int *stays)
{
	stays[parent - hold->claims] = group->kept = group->quantity;
	group->claim = parent;
	for (int i = 0; i < hold->claim_count; i++)
	{
		const Claim *claim = &hold->claims[i];

		if (!claim_is_child(claim, parent))
			continue;
		if (claim->bundled)
			stays[i] = claim->quantity;
		for (int k = 1; k <= group->parts && !claim->bundled; k++)
		{
			HoldLine   *line = &group[k];
			int			keep = Min(line->quantity - line->kept, claim->quantity - stays[i]);

			if (line->bundled || line->type->id != claim->ticket_type_id ||
				!line_price_fits(line, claim))
				continue;
			stays[i] += keep;
			line->kept += keep;
		}
	}
	for (int k = 1; k <= group->parts; k++)
		if (group[k].bundled)
			group[k].kept = group[k].quantity;
}

/* Whether all lines of a group name what there is. */
static bool
group_is_known(const HoldLine *group)
{
	for (int k = 0; k <= group->parts; k++)
		if (group[k].place == NULL)
			return false;
	return true;
}

/*
 * Tells what of each claim stays (stays has one element a claim), and of each line is there
 * already: first what is the same as before, then tickets whose add-ons are others.
 */
static void
change_match(HoldWork *work, int *stays)
{
	Hold	   *hold = work->hold;
	HoldLine   *group;

	for (int i = 0; i < work->request.line_count; i++)
		work->request.lines[i].kept = 0;
	for (int swap = 0; swap < 2; swap++)
		for (int i = 0; i < work->request.line_count; i += 1 + group->parts)
		{
			group = &work->request.lines[i];
			for (int k = 0; k < hold->claim_count && group_is_known(group); k++)
			{
				Claim	   *claim = &hold->claims[k];

				if (!line_is_of(group, claim))
					continue;
				if (group_has_addons_of(hold, claim, group))
					group_keep(hold, claim, group,
							   Min(group->quantity - group->kept, claim->quantity - stays[k]),
							   stays);
				else if (swap && group->kept == 0 && stays[k] == 0 &&
						 claim->quantity == group->quantity)
					group_swap(hold, claim, group, stays);
			}
		}
}

/* Names the buyer's counters that will fall. */
static void
change_name_buyers(HoldWork *work)
{
	char	   *key = buyer_subject_key(work->hold->subject);

	for (int i = 0; i < work->hold->claim_count; i++)
		buyer_add(work->inv->buyers, key, work->hold->claims[i].ticket_type_id, 0);
	buyer_add(work->inv->buyers, key, 0, 0);
}

/* Gives back what doesn't stay. */
static void
change_free(HoldWork *work, const int *stays)
{
	char	   *key = buyer_subject_key(work->hold->subject);

	for (int i = 0; i < work->hold->claim_count; i++)
	{
		Claim	   *claim = &work->hold->claims[i];
		int			freed = claim->quantity - stays[i];

		if (claim->state != CLAIM_HELD || freed == 0)
			continue;
		claim_lower(work->inv, claim, freed);
		if (claim->quantity == 0)
			claim->state = CLAIM_RELEASED;
		claim_count_buyer(work->inv, key, claim, -freed);
	}
}

static bool
has_children(const Claim *claims, int count, int line)
{
	for (int i = 0; i < count; i++)
		if (claims[i].parent_line == line && claims[i].quantity > 0)
			return true;
	return false;
}

/*
 * A new claim goes into a line of the same price that is there already; not where add-ons belong to
 * either, which have to be as many for each.
 */
static bool
change_merge(Hold *hold, const Claim *new, const Hold *taken)
{
	if (has_children(taken->claims, taken->claim_count, new->line))
		return false;
	for (int i = 0; i < hold->claim_count; i++)
	{
		Claim	   *old = &hold->claims[i];

		if (old->state != CLAIM_HELD || old->ticket_type_id != new->ticket_type_id ||
			old->session_id != new->session_id || old->block_id != new->block_id ||
			old->unit_price != new->unit_price || old->unit_fee != new->unit_fee ||
			old->parent_line != new->parent_line || old->bundled != new->bundled ||
			has_children(hold->claims, hold->claim_count, old->line) ||
			old->stock_count != new->stock_count ||
			memcmp(old->stock_ids, new->stock_ids, sizeof(int64) * new->stock_count) != 0)
			continue;
		old->quantity += new->quantity;
		old->changed = true;
		return true;
	}
	return false;
}

static bool
line_is_free(const Hold *hold, int line)
{
	for (int i = 0; i < hold->claim_count; i++)
		if (hold->claims[i].line == line)
			return false;
	return true;
}

/*
 * New lines come after the others, so that the oldest stay longest; a cart that is changed for
 * ever begins anew with numbers that are free.  Until now they had numbers above LINE_MAX, which
 * their add-ons know them by.
 */
static void
change_number(const Hold *hold, Claim *new, int count)
{
	int			line = 0;

	if (hold->claim_count > 0)
		line = hold->claims[hold->claim_count - 1].line;
	if (line + count > LINE_MAX)
		line = 0;
	for (int i = 0; i < count; i++)
	{
		int16		taken_as = new[i].line;

		do
			line++;
		while (!line_is_free(hold, line));
		new[i].line = (int16) line;
		for (int k = i + 1; k < count; k++)
			if (new[k].parent_line == taken_as)
				new[k].parent_line = (int16) line;
	}
}

static int
claim_line_compare(const void *a, const void *b)
{
	return ((const Claim *) a)->line - ((const Claim *) b)->line;
}

/* Joins what was taken to the hold; claims that are new rows are inserted. */
static void
change_join(HoldWork *work, const Hold *taken)
{
	Hold	   *hold = work->hold;
	Claim	   *all = palloc_array(Claim, hold->claim_count + taken->claim_count + 1);
	Claim	   *new = palloc_array(Claim, taken->claim_count + 1);
	int			new_count = 0;

	for (int i = 0; i < taken->claim_count; i++)
		if (!change_merge(hold, &taken->claims[i], taken))
			new[new_count++] = taken->claims[i];
	change_number(hold, new, new_count);
	work_move_deadline(work);
	for (int i = 0; i < new_count; i++)
		new[i].expires_at = hold->expires_at;
	work_write(work);
	claim_insert(work->call->event_id, new, new_count);
	memcpy(all, hold->claims, sizeof(Claim) * hold->claim_count);
	memcpy(all + hold->claim_count, new, sizeof(Claim) * new_count);
	hold->claims = all;
	hold->claim_count += new_count;
	qsort(all, hold->claim_count, sizeof(Claim), claim_line_compare);
}

/*
 * Frees, then takes, then writes.  If the request can't be served only what was reclaimed for it is
 * written.
 */
static void
change_decide(HoldWork *work, const int *stays)
{
	Hold		taken = *work->hold;
	InventoryMark *mark;

	work->taker = hold_taker_begin(work->inv, work->offer);
	hold_taker_want(work->taker, &work->request, work->hold->subject);
	change_name_buyers(work);
	hold_taker_ready(work->taker);
	block_load_of(work->inv, work->hold->claims, work->hold->claim_count);
	mark = inventory_mark(work->inv);
	change_free(work, stays);
	if (hold_taker_take(work->taker, &work->request, &taken, LINE_MAX + 1))
	{
		change_join(work, &taken);
		work_answer(work);
		return;
	}
	inventory_return(work->inv, mark);
	inventory_write(work->inv);
}

static void
change_one(HoldWork *work)
{
	int		   *stays;

	if (!work_find(work, MEMBER_SELLS))
		return;
	change_look(work);
	change_lock(work);
	if (!work_refuse_unless_writable(work))
		return;
	stays = palloc0_array(int, work->hold->claim_count + 1);
	change_match(work, stays);
	hold_request_authorise(&work->request, work->offer);
	hold_request_judge(&work->request, work->offer, work->inv->now);
	if (!work->call->reply.done)
		change_decide(work, stays);
}

void
hold_change(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
	{
		HoldWork	work = {.call = &calls[i]};

		if (!calls[i].reply.done)
			change_one(&work);
	}
	query_finish();
}
