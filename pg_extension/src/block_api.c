/*
 * block_api.c
 *		Making and ending blocks: for who manages the organizer's inventory.
 *
 * A block's claims take stock as any others do; block.c has what sales do with them.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "block.h"
#include "buyer.h"
#include "contract.h"
#include "handlers.h"
#include "id.h"
#include "idempotency.h"
#include "inventory.h"
#include "member.h"
#include "offer.h"
#include "query.h"

/* An item: places of a type in a session, or of one pool. */
typedef struct BlockLine
{
	int			index;
	int			type_ref;		/* -1: names a pool */
	int			session_ref;	/* -1: names none */
	const BoundValue *pool;
	int			quantity;
	int64		type_id;
	int64		session_id;
	int64		group_id;
	int64	   *stock_ids;
	int			stock_count;	/* 0: refused */
} BlockLine;

typedef struct BlockWork
{
	Call	   *call;
	Offer	   *offer;
	Inventory  *inv;
	BlockLine  *lines;
	int			line_count;
} BlockWork;

static CoreQuery pool_query = {
	"SELECT s.id, s.group_id, s.session_id FROM boxoffice.pool p"
	" JOIN boxoffice.stock s ON s.event_id = p.event_id AND s.pool_id = p.id"
	" WHERE p.event_id = $1 AND (p.key = $2 OR p.id::text = $2)"
	" AND (s.session_id = $3 OR p.scope = 'event')"
	" ORDER BY p.key = $2 DESC LIMIT 1",
	3, {INT8OID, TEXTOID, INT8OID}
};

static CoreQuery insert_query = {
	"INSERT INTO boxoffice.block"
	" (event_id, id, channel, reason, release_at, created_by, created_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)",
	7, {INT8OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID}
};

static CoreQuery find_query = {
	"SELECT e.organizer_id FROM boxoffice.block b JOIN boxoffice.event e ON e.id = b.event_id"
	" WHERE b.event_id = $1 AND b.id = $2",
	2, {INT8OID, INT8OID}
};

static CoreQuery json_query = {
	"SELECT boxoffice_code.block_json($1, $2)::text",
	2, {INT8OID, INT8OID}
};

static char *
line_pointer(const BlockLine *line, const char *member)
{
	return psprintf("/items/%d/%s", line->index, member);
}

static void
block_answer(Call *call, int64 block_id)
{
	Datum		args[2] = {Int64GetDatum(call->event_id), Int64GetDatum(block_id)};

	if (query_run(&json_query, args, NULL) != 1)
		elog(ERROR, "a block can't be shown");
	appendStringInfoString(reply_start(call, call->operation->status), query_text(0, 1));
	query_done();
}

static void
lines_read(BlockWork *work)
{
	const BoundValue *items = &work->call->body.as.members[BLOCK_CREATE_BODY_ITEMS];

	work->line_count = items->as.list.count;
	work->lines = palloc0_array(BlockLine, work->line_count + 1);
	for (int i = 0; i < work->line_count; i++)
	{
		const BoundValue *item = items->as.list.items[i].as.members;
		const BoundValue *type = &item[BLOCK_CREATE_ITEM_TICKET_TYPE];
		const BoundValue *session = &item[BLOCK_CREATE_ITEM_SESSION];
		BlockLine  *line = &work->lines[i];

		line->index = i;
		line->pool = &item[BLOCK_CREATE_ITEM_POOL];
		line->quantity = (int) item[BLOCK_CREATE_ITEM_QUANTITY].as.integer;
		line->type_ref = type->kind != BOUND_STRING ? -1
			: offer_name_type(work->offer, type->as.string.data, type->as.string.len);
		line->session_ref = session->kind != BOUND_STRING ? -1
			: offer_name_session(work->offer, session->as.string.data, session->as.string.len);
		if (line->session_ref < 0)
			offer_want_only_session(work->offer);
	}
	offer_resolve(work->offer);
}

static void
line_resolve_type(BlockWork *work, BlockLine *line, const OfferSession *session)
{
	OfferType  *type = offer_named_type(work->offer, line->type_ref);
	const OfferPlace *place;

	if (type == NULL)
		reply_refuse(work->call, ERR_UNKNOWN_REFERENCE, line_pointer(line, "ticket_type"), NULL);
	if (type != NULL && type->pass)
		session = NULL;
	else if (session == NULL && line->session_ref < 0)
		reply_refuse(work->call, ERR_SESSION_REQUIRED, line_pointer(line, "session"), NULL);
	if (type == NULL || (session == NULL && !type->pass))
		return;
	place = offer_place(work->offer, type, session);
	if (place->stock_count == 0)
		reply_refuse(work->call, ERR_TYPE_NOT_IN_SESSION, line_pointer(line, "session"), NULL);
	line->type_id = type->id;
	line->session_id = session != NULL ? session->id : 0;
	line->group_id = place->group_id;
	line->stock_ids = place->stock_ids;
	line->stock_count = place->stock_count;
}

static void
line_resolve_pool(BlockWork *work, BlockLine *line, const OfferSession *session)
{
	Datum		args[3] = {Int64GetDatum(work->call->event_id),
		CStringGetTextDatum(line->pool->as.string.data),
		Int64GetDatum(session != NULL ? session->id : 0)};

	if (query_run(&pool_query, args, NULL) == 1)
	{
		line->stock_ids = palloc_object(int64);
		line->stock_ids[0] = query_int8(0, 1);
		line->stock_count = 1;
		line->group_id = query_int8(0, 2);
		line->session_id = query_int8(0, 3);
	}
	else if (session == NULL && line->session_ref < 0)
		reply_refuse(work->call, ERR_SESSION_REQUIRED, line_pointer(line, "session"), NULL);
	else
		reply_refuse(work->call, ERR_UNKNOWN_REFERENCE, line_pointer(line, "pool"), NULL);
	query_done();
}

static void
lines_resolve(BlockWork *work)
{
	for (int i = 0; i < work->line_count; i++)
	{
		BlockLine  *line = &work->lines[i];
		const OfferSession *session = line->session_ref < 0
			? work->offer->only
			: offer_named_session(work->offer, line->session_ref);

		if ((line->type_ref >= 0) == (line->pool->kind == BOUND_STRING))
			reply_refuse_detail(work->call, ERR_INVALID_DOCUMENT,
								psprintf("/items/%d", line->index), NULL,
								"Name either a ticket type or a pool.");
		else if (session == NULL && line->session_ref >= 0)
			reply_refuse(work->call, ERR_UNKNOWN_REFERENCE, line_pointer(line, "session"), NULL);
		else if (line->type_ref >= 0)
			line_resolve_type(work, line, session);
		else
			line_resolve_pool(work, line, session);
	}
}

static void
create_lock(BlockWork *work)
{
	work->inv = inventory_begin(work->call->event_id);
	for (int i = 0; i < work->line_count; i++)
		if (work->lines[i].stock_count > 0)
			inventory_add_group(work->inv, work->lines[i].group_id);
	inventory_lock(work->inv);
	if (!offer_is_current(work->offer))
		inventory_moved("its catalogue");
}

/* Whether others may let go of so many. */
static ErrorCode
line_shortage(BlockWork *work, const BlockLine *line)
{
	ErrorCode	code = ERR_ALL_HELD;

	for (int i = 0; i < line->stock_count; i++)
	{
		const Stock *stock = inventory_stock(work->inv, line->stock_ids[i]);

		if (stock_free(stock) >= line->quantity)
			continue;
		if (stock->more_expired)
			code = ERR_RECLAIMING;
		if (stock_free(stock) + stock->count[CLAIM_HELD] + stock->count[CLAIM_PENDING] <
			line->quantity)
			return ERR_SOLD_OUT;
	}
	return code;
}

/* Takes all lines, or refuses; nothing is written of a refusal but what was reclaimed for it. */
static void
lines_take(BlockWork *work)
{
	InventoryMark *mark;

	for (int i = 0; i < work->line_count; i++)
		inventory_add_stocks(work->inv, work->lines[i].stock_ids, work->lines[i].stock_count);
	inventory_load(work->inv);
	for (int i = 0; i < work->line_count; i++)
		inventory_want(work->inv, work->lines[i].stock_ids, work->lines[i].stock_count,
					   work->lines[i].quantity);
	inventory_reclaim(work->inv);
	buyer_lock(work->inv->buyers);
	mark = inventory_mark(work->inv);
	for (int i = 0; i < work->line_count; i++)
	{
		const BlockLine *line = &work->lines[i];
		int			available = inventory_free(work->inv, line->stock_ids, line->stock_count);

		if (!inventory_take(work->inv, line->stock_ids, line->stock_count, line->quantity,
							CLAIM_BLOCKED))
			reply_refuse(work->call, line_shortage(work, line), line_pointer(line, "quantity"),
						 psprintf("\"available\":%d", available));
	}
	if (work->call->reply.done)
		inventory_return(work->inv, mark);
	inventory_write(work->inv);
}

static void
block_insert(BlockWork *work, int64 block_id, TimestampTz release_at)
{
	const BoundValue *body = work->call->body.as.members;
	const char *creator = work->call->actor.subject ? work->call->actor.subject : "admin";
	Claim	   *claims = palloc0_array(Claim, work->line_count);
	Datum		args[7] = {Int64GetDatum(work->call->event_id), Int64GetDatum(block_id),
		CStringGetTextDatum(body[BLOCK_CREATE_BODY_CHANNEL].as.string.data),
		CStringGetTextDatum(body[BLOCK_CREATE_BODY_REASON].as.string.data),
		TimestampTzGetDatum(release_at), CStringGetTextDatum(creator),
	TimestampTzGetDatum(work->inv->now)};

	(void) query_run(&insert_query, args, TIMESTAMP_IS_NOEND(release_at) ? "    n  " : NULL);
	query_done();
	for (int i = 0; i < work->line_count; i++)
	{
		const BlockLine *line = &work->lines[i];

		claims[i] = (Claim) {
			.owner_id = block_id,.line = (int16) (i + 1),.state = CLAIM_BLOCKED,
				.quantity = line->quantity,.group_id = line->group_id,
				.ticket_type_id = line->type_id,.session_id = line->session_id,
				.stock_ids = line->stock_ids,.stock_count = line->stock_count,
				.expires_at = release_at
		};
	}
	claim_insert(work->call->event_id, claims, work->line_count);
}

static void
create_decide(BlockWork *work, IdempotencyKey *key)
{
	const BoundValue *release = &work->call->body.as.members[BLOCK_CREATE_BODY_RELEASE_AT];

	if (release->kind == BOUND_TIME && release->as.time <= work->inv->now)
	{
		reply_refuse_detail(work->call, ERR_INVALID_DOCUMENT, "/release_at", NULL,
							"It is past: the block would keep nothing.");
		return;
	}
	lines_take(work);
	if (work->call->reply.done)
		return;
	key->ref_id = id_next();
	block_insert(work, key->ref_id, release->kind == BOUND_TIME ? release->as.time : DT_NOEND);
	block_answer(work->call, key->ref_id);
	idempotency_store(work->call, 1, key, work->inv->now);
}

static void
create_one(BlockWork *work)
{
	Call	   *call = work->call;
	IdempotencyKey *key;

	work->offer = offer_load(call->event_id);
	if (work->offer == NULL ||
		!member_may(&call->actor, work->offer->organizer_id, MEMBER_MANAGES))
	{
		reply_refuse(call, ERR_NOT_FOUND, "event", NULL);
		return;
	}
	lines_read(work);
	lines_resolve(work);
	if (call->reply.done)
		return;
	create_lock(work);
	key = idempotency_find(call, 1);
	if (key->found == KEY_REPLAY)
	{
		block_answer(call, key->ref_id);
		call->reply.replayed = true;
	}
	else if (!call->reply.done)
		create_decide(work, key);
}

void
block_create(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
	{
		BlockWork	work = {.call = &calls[i]};

		if (!calls[i].reply.done)
			create_one(&work);
	}
	query_finish();
}

/* Gives back what the block still keeps. */
static void
release_locked(Call *call, int64 block_id, Inventory *inv)
{
	int			count;
	Claim	   *claims = claim_load(call->event_id, &block_id, 1, &count);
	Claim	   *changed = palloc_array(Claim, count + 1);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (!inventory_has_group(inv, claims[i].group_id))
			inventory_moved("a claim is in another group");
		inventory_add_stocks(inv, claims[i].stock_ids, claims[i].stock_count);
	}
	inventory_load(inv);
	for (int i = 0; i < count; i++)
	{
		if (claims[i].state != CLAIM_BLOCKED)
			continue;
		claim_end(inv, &claims[i], CLAIM_RELEASED);
		changed[n++] = claims[i];
	}
	buyer_lock(inv->buyers);
	inventory_write(inv);
	claim_update(call->event_id, changed, n);
}

static void
release_one(Call *call)
{
	int64		block_id = call->params[BLOCK_RELEASE_PARAM_BLOCK].as.integer;
	Datum		args[2] = {Int64GetDatum(call->event_id), Int64GetDatum(block_id)};
	int64		organizer_id = 0;
	Inventory  *inv;
	Claim	   *claims;
	int			count;

	if (query_run(&find_query, args, NULL) == 1)
		organizer_id = query_int8(0, 1);
	query_done();
	if (organizer_id == 0 || !member_may(&call->actor, organizer_id, MEMBER_MANAGES))
	{
		reply_refuse(call, ERR_NOT_FOUND, "block", NULL);
		return;
	}
	inv = inventory_begin(call->event_id);
	claims = claim_load(call->event_id, &block_id, 1, &count);
	for (int i = 0; i < count; i++)
		inventory_add_group(inv, claims[i].group_id);
	inventory_lock(inv);
	release_locked(call, block_id, inv);
	block_answer(call, block_id);
}

void
block_release(Call *calls, int count)
{
	query_connect();
	for (int i = 0; i < count; i++)
		if (!calls[i].reply.done)
			release_one(&calls[i]);
	query_finish();
}
