/*
 * claim.c
 *		Reads and writes claims, set-wise.
 *
 * Counters are decided in inventory.c; who calls these functions holds the locks of the claims'
 * groups, except to learn which groups those are.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "storage/proc.h"

#include "block.h"
#include "bulk.h"
#include "buyer.h"
#include "claim.h"
#include "query.h"

static const char *const state_names[CLAIM_STATES] = {
	"held", "pending", "sold", "blocked", "released", "expired"
};

static CoreQuery load_query = {
	"SELECT " CLAIM_COLUMNS " FROM boxoffice.claim c"
	" WHERE c.event_id = $1 AND c.owner_id = ANY ($2) ORDER BY c.owner_id, c.line",
	2, {INT8OID, INT8ARRAYOID}
};

/* Compares and sets: the locks see to it that it always fits. */
static CoreQuery update_query = {
	"UPDATE boxoffice.claim c"
	" SET state = n.state, quantity = c.quantity + n.added,"
	"     expires_at = nullif(n.expires_at, 'infinity')"
	" FROM unnest($2::bigint[], $3::smallint[], $4::text[], $5::integer[], $6::timestamptz[],"
	"             $7::text[]) AS n (owner_id, line, state, added, expires_at, old_state)"
	" WHERE c.event_id = $1 AND c.owner_id = n.owner_id AND c.line = n.line"
	" AND c.state = n.old_state",
	7, {INT8OID, INT8ARRAYOID, INT2ARRAYOID, TEXTARRAYOID, INT4ARRAYOID, TIMESTAMPTZARRAYOID,
	TEXTARRAYOID}
};

static CoreQuery delete_query = {
	"DELETE FROM boxoffice.claim c"
	" USING unnest($2::bigint[], $3::smallint[], $4::text[]) AS n (owner_id, line, old_state)"
	" WHERE c.event_id = $1 AND c.owner_id = n.owner_id AND c.line = n.line"
	" AND c.state = n.old_state",
	4, {INT8OID, INT8ARRAYOID, INT2ARRAYOID, TEXTARRAYOID}
};

#define USED_TYPES 1024			/* a power of two */

/*
 * Ticket types that are known to be marked as used, by a hash of their ids.  The mark is never
 * taken away, so who has seen it need not look again.
 */
static int64 used_types[USED_TYPES];

static CoreQuery used_query = {
	"SELECT id FROM boxoffice.ticket_type WHERE event_id = $1 AND id = ANY ($2) AND used",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery use_query = {
	"UPDATE boxoffice.ticket_type t SET used = true"
	" FROM (SELECT id FROM boxoffice.ticket_type"
	"       WHERE event_id = $1 AND id = ANY ($2) AND NOT used ORDER BY id FOR NO KEY UPDATE) n"
	" WHERE t.event_id = $1 AND t.id = n.id",
	2, {INT8OID, INT8ARRAYOID}
};

const char *
claim_state_name(ClaimState state)
{
	Assert(state < CLAIM_STATES);
	return state_names[state];
}

ClaimState
claim_state_from(const char *name)
{
	for (int state = 0; state < CLAIM_STATES; state++)
		if (strcmp(state_names[state], name) == 0)
			return (ClaimState) state;
	elog(ERROR, "unknown claim state \"%s\"", name);
}

void
claim_read(int row, Claim *claim)
{
	char	   *state = query_text(row, 3);

	claim->owner_id = query_int8(row, 1);
	claim->line = DatumGetInt16(query_datum(row, 2));
	claim->state = claim_state_from(state);
	claim->quantity = query_int4(row, 4);
	claim->group_id = query_int8(row, 5);
	claim->ticket_type_id = query_int8(row, 6);
	claim->session_id = query_int8(row, 7);
	claim->unit_price = query_int8(row, 8);
	claim->unit_fee = query_int8(row, 9);
	claim->stock_ids = query_int8_array(row, 10, &claim->stock_count);
	claim->expires_at = query_null(row, 11) ? DT_NOEND : query_time(row, 11);
	claim->block_id = query_int8(row, 12);
	claim->parent_line = query_null(row, 13) ? 0 : DatumGetInt16(query_datum(row, 13));
	claim->bundled = query_bool(row, 14);
	claim->left_block = false;
	claim->demand = claim->lack = 0;
	claim->more_expired = false;
	claim->changed = false;
	claim->stored_state = claim->state;
	claim->stored_quantity = claim->quantity;
	pfree(state);
}

Claim *
claim_load(int64 event_id, const int64 *owner_ids, int n, int *count)
{
	Datum		args[2] = {Int64GetDatum(event_id), array_int8(owner_ids, n)};
	Claim	   *claims;

	*count = query_run(&load_query, args, NULL);
	claims = palloc_array(Claim, *count + 1);
	for (int row = 0; row < *count; row++)
		claim_read(row, &claims[row]);
	query_done();
	return claims;
}

Claim *
claim_find(Claim *claims, int count, int64 owner_id, int *lines)
{
	int			low = 0;
	int			high = count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (claims[middle].owner_id < owner_id)
			low = middle + 1;
		else
			high = middle;
	}
	*lines = 0;
	while (low + *lines < count && claims[low + *lines].owner_id == owner_id)
		(*lines)++;
	return *lines > 0 ? &claims[low] : NULL;
}

/* The last two columns: most claims stand alone. */
static void
claim_insert_parent(Bulk *bulk, const Claim *claim)
{
	if (claim->parent_line == 0)
		bulk_null(bulk);
	else
		bulk_datum(bulk, Int16GetDatum(claim->parent_line));
	if (claim->bundled)
		bulk_datum(bulk, BoolGetDatum(true));
	else
		bulk_null(bulk);
}

static int64 *
used_type_slot(int64 id)
{
	return &used_types[murmurhash32((uint32) id ^ (uint32) (id >> 32)) & (USED_TYPES - 1)];
}

/*
 * Marks these types as used.  What this transaction itself has marked may still be rolled back, so
 * only a mark that another one left is remembered.
 */
static void
types_mark_used(int64 event_id, int64 *ids, int n)
{
	static LocalTransactionId marked_in = InvalidLocalTransactionId;
	Datum		args[2] = {Int64GetDatum(event_id)};
	int			found;

	n = ids_sort_unique(ids, n);
	args[1] = array_int8(ids, n);
	found = query_run(&used_query, args, NULL);
	for (int row = 0; row < found && MyProc->lxid != marked_in; row++)
		*used_type_slot(query_int8(row, 1)) = query_int8(row, 1);
	query_done();
	if (found == n)
		return;
	marked_in = MyProc->lxid;
	(void) query_run(&use_query, args, NULL);
	query_done();
}

/* That anything was ever taken of a type is noted: what was never used may be deleted. */
static void
claim_use_types(int64 event_id, const Claim *claims, int count)
{
	int64	   *ids = NULL;
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		int64		id = claims[i].ticket_type_id;

		if (id == 0 || *used_type_slot(id) == id)
			continue;
		if (ids == NULL)
			ids = palloc_array(int64, count);
		ids[n++] = id;
	}
	if (n > 0)
		types_mark_used(event_id, ids, n);
}

void
claim_insert(int64 event_id, const Claim *claims, int count)
{
	static const char *const columns[] = {
		"event_id", "owner_id", "line", "state", "quantity", "group_id", "ticket_type_id",
		"session_id", "unit_price", "unit_fee", "stock_ids", "expires_at", "block_id",
		"parent_line", "bundled"
	};
	Bulk	   *bulk;

	if (count == 0)
		return;
	bulk = bulk_begin("claim", columns, lengthof(columns), count);
	for (int i = 0; i < count; i++)
	{
		const Claim *claim = &claims[i];

		bulk_int8(bulk, event_id);
		bulk_int8(bulk, claim->owner_id);
		bulk_datum(bulk, Int16GetDatum(claim->line));
		bulk_text(bulk, claim_state_name(claim->state));
		bulk_datum(bulk, Int32GetDatum(claim->quantity));
		bulk_int8(bulk, claim->group_id);
		bulk_id(bulk, claim->ticket_type_id);
		bulk_id(bulk, claim->session_id);
		bulk_int8(bulk, claim->unit_price);
		bulk_int8(bulk, claim->unit_fee);
		bulk_datum(bulk, array_int8(claim->stock_ids, claim->stock_count));
		bulk_time(bulk, claim->expires_at);
		bulk_id(bulk, claim->block_id);
		claim_insert_parent(bulk, claim);
		bulk_row(bulk);
	}
	bulk_end(bulk);
	claim_use_types(event_id, claims, count);
}

static void
claim_write_left(int64 event_id, const Claim *claim)
{
	static CoreQuery query = {
		"UPDATE boxoffice.claim SET block_id = NULL"
		" WHERE event_id = $1 AND owner_id = $2 AND line = $3",
		3, {INT8OID, INT8OID, INT2OID}
	};
	Datum		args[3] = {Int64GetDatum(event_id), Int64GetDatum(claim->owner_id),
		Int16GetDatum(claim->line)};

	(void) query_run(&query, args, NULL);
	query_done();
}

void
claim_update(int64 event_id, const Claim *claims, int count)
{
	int64	   *owners = palloc_array(int64, count + 1);
	int16	   *lines = palloc_array(int16, count + 1);
	const char **states = palloc_array(const char *, count + 1);
	const char **old_states = palloc_array(const char *, count + 1);
	int32	   *added = palloc_array(int32, count + 1);
	TimestampTz *times = palloc_array(TimestampTz, count + 1);
	Datum		args[7];

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		owners[i] = claims[i].owner_id;
		lines[i] = claims[i].line;
		states[i] = claim_state_name(claims[i].state);
		old_states[i] = claim_state_name(claims[i].stored_state);
		added[i] = claims[i].quantity - claims[i].stored_quantity;
		times[i] = claims[i].expires_at;
	}
	args[0] = Int64GetDatum(event_id);
	args[1] = array_int8(owners, count);
	args[2] = array_int2(lines, count);
	args[3] = array_text(states, count);
	args[4] = array_int4(added, count);
	args[5] = array_time(times, count);
	args[6] = array_text(old_states, count);
	if (query_run(&update_query, args, NULL) != count)
		inventory_moved("a claim");
	query_done();
	for (int i = 0; i < count; i++)
		if (claims[i].left_block)
			claim_write_left(event_id, &claims[i]);
}

void
claim_delete(int64 event_id, const Claim *claims, int count)
{
	int64	   *owners = palloc_array(int64, count + 1);
	int16	   *lines = palloc_array(int16, count + 1);
	const char **old_states = palloc_array(const char *, count + 1);
	Datum		args[4];

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		owners[i] = claims[i].owner_id;
		lines[i] = claims[i].line;
		old_states[i] = claim_state_name(claims[i].stored_state);
	}
	args[0] = Int64GetDatum(event_id);
	args[1] = array_int8(owners, count);
	args[2] = array_int2(lines, count);
	args[3] = array_text(old_states, count);
	if (query_run(&delete_query, args, NULL) != count)
		inventory_moved("a claim");
	query_done();
}

static void
claim_give_back(Inventory *inv, const Claim *claim, int quantity)
{
	Assert(claim->state < CLAIM_COUNTED && quantity <= claim->quantity);
	if (claim->block_id == 0 || !block_take_back(inv, claim, quantity))
		inventory_give(inv, claim->stock_ids, claim->stock_count, quantity, claim->state);
}

void
claim_lower(Inventory *inv, Claim *claim, int quantity)
{
	claim_give_back(inv, claim, quantity);
	claim->quantity -= quantity;
	claim->changed = true;
}

void
claim_end(Inventory *inv, Claim *claim, ClaimState state)
{
	Assert(state == CLAIM_RELEASED || state == CLAIM_EXPIRED);
	claim_give_back(inv, claim, claim->quantity);
	claim->state = state;
	claim->changed = true;
}

void
claim_count_buyer(Inventory *inv, const char *key, const Claim *claim, int quantity)
{
	if (key == NULL)
		return;
	buyer_take(inv->buyers, key, claim->ticket_type_id, quantity);
	if (claim->parent_line == 0)
		buyer_take(inv->buyers, key, 0, quantity);
}

void
claim_leave_block(Claim *claim)
{
	claim->left_block = claim->block_id != 0;
	claim->block_id = 0;
}
