/*
 * offer.c
 *		Reads of the catalogue what a batch of calls names, set-wise.
 *
 * Decides nothing: rules are where the request is judged.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "bind.h"
#include "offer.h"
#include "query.h"

#define PRICE_MAX INT64CONST(100000000000)	/* as the CHECK of a type's price has it */

/* What requests call things by, each name once; a hash table with open addressing. */
typedef struct OfferName
{
	const char *text;
	int			len;
	int64		id;				/* what it was found to be, 0: nothing */
} OfferName;

typedef struct OfferNames
{
	OfferName  *items;
	int			count;
	int			max;
	int		   *slots;			/* index of an item plus one, 0: free */
	uint32		mask;
	int64	   *ids;			/* stored ids to read as well */
	int			id_count;
	int			id_max;
} OfferNames;

typedef struct OfferStock
{
	int64		pool_id;
	int64		session_id;		/* 0: of the event's pool */
	int64		id;
	int64		group_id;
} OfferStock;

/* A type that is not sold in all sessions, and one in which it is. */
typedef struct OfferPair
{
	int64		type_id;
	int64		session_id;
} OfferPair;

/* What a type costs in a session where that is not its own price. */
typedef struct OfferPrice
{
	OfferPair	of;
	int64		price;
} OfferPrice;

static CoreQuery event_query = {
	"SELECT organizer_id, status, test, currency, zone, sale_starts_at, sale_ends_at,"
	" max_per_order, buyer_limit, hold_ttl_ms, hold_extend_max_ms, version"
	" FROM boxoffice.event WHERE id = $1",
	1, {INT8OID}
};

static CoreQuery version_query = {
	"SELECT version FROM boxoffice.event WHERE id = $1",
	1, {INT8OID}
};

#define TYPE_COLUMNS \
	"SELECT t.id, t.key, t.status, t.price, t.fee, t.all_sessions," \
	" t.sale_starts_at, t.sale_ends_at, t.min_per_order, t.max_per_order, t.buyer_limit, t.name," \
	" ARRAY (SELECT p.pool_id FROM boxoffice.ticket_type_pool p" \
	"        WHERE p.event_id = $1 AND p.ticket_type_id = t.id)," \
	" t.admits = 'all', t.free_price, t.price_max, t.sold_alone," \
	" EXISTS (SELECT FROM boxoffice.ticket_type_addon a" \
	"         WHERE a.event_id = $1 AND a.parent_type_id = t.id)" \
	" OR EXISTS (SELECT FROM boxoffice.ticket_type_bundle b" \
	"            WHERE b.event_id = $1 AND b.ticket_type_id = t.id)" \
	" FROM boxoffice.ticket_type t WHERE t.event_id = $1"

/* By key and by id are two statements: most batches name everything by its key. */
static CoreQuery type_key_query = {
	TYPE_COLUMNS " AND t.key = ANY ($2)",
	2, {INT8OID, TEXTARRAYOID}
};

static CoreQuery type_id_query = {
	TYPE_COLUMNS " AND t.id = ANY ($2)",
	2, {INT8OID, INT8ARRAYOID}
};

#define SESSION_COLUMNS \
	"SELECT s.id, s.key, s.status, s.sale_starts_at," \
	" least(s.sale_ends_at, s.starts_at + s.sale_close_offset_ms * interval '1 ms')" \
	" FROM boxoffice.session s WHERE s.event_id = $1"

static CoreQuery session_key_query = {
	SESSION_COLUMNS " AND s.key = ANY ($2)",
	2, {INT8OID, TEXTARRAYOID}
};

static CoreQuery session_id_query = {
	SESSION_COLUMNS " AND s.id = ANY ($2)",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery only_session_query = {
	"SELECT id FROM boxoffice.session WHERE event_id = $1 ORDER BY id LIMIT 2",
	1, {INT8OID}
};

/*
 * Add-ons and parts of bundles of some types, in the order in which they are shown.  Nobody must
 * have an add-on that is retired.
 */
static CoreQuery part_query = {
	"SELECT a.parent_type_id, a.ticket_type_id, false,"
	" CASE WHEN t.status = 'retired' THEN 0 ELSE a.min_per_parent END, a.max_per_parent, 0, 0"
	" FROM boxoffice.ticket_type_addon a"
	" JOIN boxoffice.ticket_type t ON t.event_id = a.event_id AND t.id = a.ticket_type_id"
	" WHERE a.event_id = $1 AND a.parent_type_id = ANY ($2)"
	" UNION ALL"
	" SELECT b.ticket_type_id, b.child_type_id, true, 0, 0, b.quantity, b.share_ppm"
	" FROM boxoffice.ticket_type_bundle b"
	" WHERE b.event_id = $1 AND b.ticket_type_id = ANY ($2)"
	" ORDER BY 1, 3, 2",
	2, {INT8OID, INT8ARRAYOID}
};

/* Which of these passes take a place in each session. */
static CoreQuery pass_query = {
	"SELECT DISTINCT l.ticket_type_id FROM boxoffice.ticket_type_pool l"
	" JOIN boxoffice.pool p ON p.event_id = l.event_id AND p.id = l.pool_id"
	" WHERE l.event_id = $1 AND l.ticket_type_id = ANY ($2) AND p.scope = 'session'",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery pass_all_sessions_query = {
	SESSION_COLUMNS " ORDER BY s.id LIMIT $2",
	2, {INT8OID, INT4OID}
};

static CoreQuery pass_sessions_query = {
	SESSION_COLUMNS " AND s.id IN (SELECT x.session_id FROM boxoffice.ticket_type_session x"
	" WHERE x.event_id = $1 AND x.ticket_type_id = ANY ($3)) ORDER BY s.id LIMIT $2",
	3, {INT8OID, INT4OID, INT8ARRAYOID}
};

static CoreQuery pair_query = {
	"SELECT ticket_type_id, session_id FROM boxoffice.ticket_type_session"
	" WHERE event_id = $1 AND ticket_type_id = ANY ($2) AND session_id = ANY ($3) ORDER BY 1, 2",
	3, {INT8OID, INT8ARRAYOID, INT8ARRAYOID}
};

/* By session alone: a batch may name many sessions, each of them has few prices of its own. */
static CoreQuery price_query = {
	"SELECT ticket_type_id, session_id, price FROM boxoffice.session_price"
	" WHERE event_id = $1 AND session_id = ANY ($2) ORDER BY 1, 2",
	2, {INT8OID, INT8ARRAYOID}
};

static CoreQuery stock_query = {
	"SELECT pool_id, session_id, id, group_id FROM boxoffice.stock"
	" WHERE event_id = $1 AND pool_id = ANY ($2) AND session_id = ANY ($3)"
	" UNION ALL SELECT pool_id, session_id, id, group_id FROM boxoffice.stock"
	" WHERE event_id = $1 AND pool_id = ANY ($2) AND session_id IS NULL",
	3, {INT8OID, INT8ARRAYOID, INT8ARRAYOID}
};

/* Names. */

static OfferNames *
names_create(void)
{
	OfferNames *names = palloc0_object(OfferNames);

	names->max = 16;
	names->items = palloc_array(OfferName, names->max);
	names->mask = 2 * names->max - 1;
	names->slots = palloc0_array(int, names->mask + 1);
	names->id_max = 16;
	names->ids = palloc_array(int64, names->id_max);
	return names;
}

static int *
names_slot(const OfferNames *names, const char *text, int len)
{
	uint32		at = hash_bytes((const unsigned char *) text, len) & names->mask;

	for (; names->slots[at] != 0; at = (at + 1) & names->mask)
	{
		const OfferName *name = &names->items[names->slots[at] - 1];

		if (name->len == len && memcmp(name->text, text, len) == 0)
			break;
	}
	return &names->slots[at];
}

static void
names_grow(OfferNames *names)
{
	names->max *= 2;
	names->items = repalloc_array(names->items, OfferName, names->max);
	pfree(names->slots);
	names->mask = 2 * names->max - 1;
	names->slots = palloc0_array(int, names->mask + 1);
	for (int i = 0; i < names->count; i++)
		*names_slot(names, names->items[i].text, names->items[i].len) = i + 1;
}

static void
names_add_id(OfferNames *names, int64 id)
{
	if (id == 0 || (names->id_count > 0 && names->ids[names->id_count - 1] == id))
		return;
	if (names->id_count == names->id_max)
	{
		names->id_max *= 2;
		names->ids = repalloc_array(names->ids, int64, names->id_max);
	}
	names->ids[names->id_count++] = id;
}

static int
names_add(OfferNames *names, const char *text, int len)
{
	int		   *slot = names_slot(names, text, len);
	OfferName  *name;
	int64		id;

	if (*slot != 0)
		return *slot - 1;
	if (names->count == names->max)
	{
		names_grow(names);
		slot = names_slot(names, text, len);
	}
	name = &names->items[names->count];
	name->text = text;
	name->len = len;
	name->id = 0;
	*slot = ++names->count;
	if (format_parse_id(text, len, &id))
		names_add_id(names, id);
	return names->count - 1;
}

/* A row was found: tells the names that mean it.  A key comes before an id of the same digits. */
static void
names_found(OfferNames *names, const char *key, int64 id)
{
	char		digits[MAXINT8LEN + 1];
	int			len = pg_lltoa(id, digits);
	int			slot = *names_slot(names, digits, len);

	if (slot != 0 && names->items[slot - 1].id == 0)
		names->items[slot - 1].id = id;
	slot = *names_slot(names, key, strlen(key));
	if (slot != 0)
		names->items[slot - 1].id = id;
}

static Datum
names_texts(const OfferNames *names)
{
	const char **texts = palloc_array(const char *, names->count + 1);

	for (int i = 0; i < names->count; i++)
		texts[i] = names->items[i].text;
	return array_text(texts, names->count);
}

int
offer_name_type(Offer *offer, const char *text, int len)
{
	offer->sells = true;
	return names_add(offer->type_names, text, len);
}

int
offer_name_session(Offer *offer, const char *text, int len)
{
	return names_add(offer->session_names, text, len);
}

void
offer_want_only_session(Offer *offer)
{
	offer->only_wanted = true;
}

void
offer_sell(Offer *offer)
{
	offer->sells = true;
}

void
offer_add_ids(Offer *offer, int64 ticket_type_id, int64 session_id)
{
	names_add_id(offer->type_names, ticket_type_id);
	names_add_id(offer->session_names, session_id);
}

/* Reading. */

static OfferWindow
window_read(int row, int column)
{
	OfferWindow window;

	window.starts_at = query_null(row, column) ? DT_NOBEGIN : query_time(row, column);
	window.ends_at = query_null(row, column + 1) ? DT_NOEND : query_time(row, column + 1);
	return window;
}

static EventStatus
event_status_from(const char *name)
{
	static const char *const names[] = {"draft", "published", "paused", "cancelled"};

	for (int status = 0; status < lengthof(names); status++)
		if (strcmp(names[status], name) == 0)
			return (EventStatus) status;
	elog(ERROR, "unknown event status \"%s\"", name);
}

Offer *
offer_load(int64 event_id)
{
	Datum		args[1] = {Int64GetDatum(event_id)};
	Offer	   *offer;

	if (query_run(&event_query, args, NULL) == 0)
		return NULL;
	offer = palloc0_object(Offer);
	offer->event_id = event_id;
	offer->organizer_id = query_int8(0, 1);
	offer->status = event_status_from(query_text(0, 2));
	offer->test = query_bool(0, 3);
	offer->currency = query_text(0, 4);
	offer->zone = query_text(0, 5);
	offer->window = window_read(0, 6);
	offer->max_per_order = query_int4(0, 8);
	offer->buyer_limit = query_int4(0, 9);
	offer->hold_ttl_ms = query_int4(0, 10);
	offer->hold_extend_max_ms = query_int4(0, 11);
	offer->version = query_int8(0, 12);
	query_done();
	offer->type_names = names_create();
	offer->session_names = names_create();
	return offer;
}

bool
offer_is_current(const Offer *offer)
{
	Datum		args[1] = {Int64GetDatum(offer->event_id)};
	int			rows = query_run(&version_query, args, NULL);
	bool		current = rows == 1 && query_int8(0, 1) == offer->version;

	query_done();
	return current;
}

static void
type_read(int row, OfferType *type)
{
	char	   *status = query_text(row, 3);

	memset(type, 0, sizeof(OfferType));
	type->id = query_int8(row, 1);
	type->key = query_text(row, 2);
	type->paused = strcmp(status, "paused") == 0;
	type->retired = strcmp(status, "retired") == 0;
	type->price = query_int8(row, 4);
	type->fee = query_int8(row, 5);
	type->all_sessions = query_bool(row, 6);
	type->window = window_read(row, 7);
	type->min_per_order = query_int4(row, 9);
	type->max_per_order = query_int4(row, 10);
	type->buyer_limit = query_int4(row, 11);
	type->name = query_text(row, 12);
	type->pool_ids = query_int8_array(row, 13, &type->pool_count);
	type->pass = query_bool(row, 14);
	type->free_price = query_bool(row, 15);
	type->price_max = !type->free_price ? type->price
		: query_null(row, 16) ? PRICE_MAX : query_int8(row, 16);
	type->sold_alone = query_bool(row, 17);
	type->has_parts = query_bool(row, 18);
}

/* Adds the types that a statement finds to those that are there. */
static void
types_add(Offer *offer, CoreQuery *query, Datum wanted)
{
	Datum		args[2] = {Int64GetDatum(offer->event_id), wanted};
	int			rows = query_run(query, args, NULL);
	OfferType  *types = palloc_array(OfferType, offer->type_count + rows + 1);

	if (offer->type_count > 0)
		memcpy(types, offer->types, sizeof(OfferType) * offer->type_count);
	offer->types = types;
	for (int row = 0; row < rows; row++)
	{
		OfferType  *type = &types[offer->type_count++];

		type_read(row, type);
		names_found(offer->type_names, type->key, type->id);
	}
	query_done();
}

static int
type_compare(const void *a, const void *b)
{
	const OfferType *x = a;
	const OfferType *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void
types_arrange(Offer *offer)
{
	int			kept = 0;

	qsort(offer->types, offer->type_count, sizeof(OfferType), type_compare);
	for (int i = 0; i < offer->type_count; i++)
		if (kept == 0 || offer->types[kept - 1].id != offer->types[i].id)
			offer->types[kept++] = offer->types[i];
	offer->type_count = kept;
}

static void
types_read(Offer *offer)
{
	const OfferNames *names = offer->type_names;

	if (names->count > 0)
		types_add(offer, &type_key_query, names_texts(names));
	if (names->id_count > 0)
		types_add(offer, &type_id_query, array_int8(names->ids, names->id_count));
	types_arrange(offer);
}

/* The ids of the types for which a test holds. */
static int64 *
types_where(const Offer *offer, bool (*test) (const OfferType *), int *count)
{
	int64	   *ids = palloc_array(int64, offer->type_count + 1);

	*count = 0;
	for (int i = 0; i < offer->type_count; i++)
		if (test(&offer->types[i]))
			ids[(*count)++] = offer->types[i].id;
	return ids;
}

static bool
type_has_parts(const OfferType *type)
{
	return type->has_parts;
}

static OfferPart *
parts_load(Offer *offer, const int64 *parents, int n, int *count)
{
	OfferPart  *parts;

	*count = query_run(&part_query, (Datum[]) {
					   Int64GetDatum(offer->event_id), array_int8(parents, n)
					   }, NULL);
	parts = palloc_array(OfferPart, *count + 1);
	for (int row = 0; row < *count; row++)
		parts[row] = (OfferPart) {
			.parent_id = query_int8(row, 1),
			.type_id = query_int8(row, 2),
			.bundled = query_bool(row, 3),
			.min = query_int4(row, 4),
			.max = query_int4(row, 5),
			.quantity = query_int4(row, 6),
			.share_ppm = query_int4(row, 7),
		};
	query_done();
	return parts;
}

/* Where something is sold that has add-ons or is a bundle: these, and their types. */
static void
parts_read(Offer *offer)
{
	int			parents;
	int64	   *ids = types_where(offer, type_has_parts, &parents);
	OfferPart  *parts;
	int64	   *children;
	int			count;

	if (!offer->sells || parents == 0)
		return;
	parts = parts_load(offer, ids, parents, &count);
	children = palloc_array(int64, count + 1);
	for (int i = 0; i < count; i++)
		children[i] = parts[i].type_id;
	types_add(offer, &type_id_query, array_int8(children, ids_sort_unique(children, count)));
	types_arrange(offer);
	for (int i = count - 1; i >= 0; i--)
	{
		OfferType  *parent = offer_type(offer, parts[i].parent_id);

		parent->parts = &parts[i];
		parent->part_count++;
	}
}

/* The event's session where nobody needs to name it: its id, 0 if there are several. */
static int64
only_session_read(Offer *offer)
{
	Datum		args[1] = {Int64GetDatum(offer->event_id)};
	int64		id = 0;

	if (!offer->only_wanted)
		return 0;
	if (query_run(&only_session_query, args, NULL) == 1)
		id = query_int8(0, 1);
	query_done();
	names_add_id(offer->session_names, id);
	return id;
}

static void
session_read(int row, OfferSession *session)
{
	char	   *status = query_text(row, 3);

	memset(session, 0, sizeof(OfferSession));
	session->id = query_int8(row, 1);
	session->key = query_text(row, 2);
	session->paused = strcmp(status, "paused") == 0;
	session->cancelled = strcmp(status, "cancelled") == 0;
	session->window = window_read(row, 4);
}

static void
sessions_add(Offer *offer, CoreQuery *query, const Datum *args)
{
	int			rows = query_run(query, args, NULL);
	OfferSession *sessions = palloc_array(OfferSession, offer->session_count + rows + 1);

	if (offer->session_count > 0)
		memcpy(sessions, offer->sessions, sizeof(OfferSession) * offer->session_count);
	offer->sessions = sessions;
	for (int row = 0; row < rows; row++)
	{
		OfferSession *session = &sessions[offer->session_count++];

		session_read(row, session);
		names_found(offer->session_names, session->key, session->id);
	}
	query_done();
}

static int
session_compare(const void *a, const void *b)
{
	const OfferSession *x = a;
	const OfferSession *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static bool
type_is_pass(const OfferType *type)
{
	return type->pass;
}

static bool
type_is_pass_of_some(const OfferType *type)
{
	return type->pass_of_sessions && !type->all_sessions;
}

static bool
type_is_pass_of_all(const OfferType *type)
{
	return type->pass_of_sessions && type->all_sessions;
}

/* Where a pass is sold that takes a place in each of its sessions: these, as many as may be. */
static void
pass_sessions_read(Offer *offer)
{
	int			count;
	int64	   *ids = types_where(offer, type_is_pass, &count);
	int			before = offer->session_count;
	int			rows;

	if (!offer->sells || count == 0)
		return;
	rows = query_run(&pass_query, (Datum[]) {
					 Int64GetDatum(offer->event_id), array_int8(ids, count)
					 }, NULL);
	for (int row = 0; row < rows; row++)
		offer_type(offer, query_int8(row, 1))->pass_of_sessions = true;
	query_done();
	(void) types_where(offer, type_is_pass_of_all, &count);
	if (count > 0)
		sessions_add(offer, &pass_all_sessions_query, (Datum[]) {
					 Int64GetDatum(offer->event_id), Int32GetDatum(PLACE_ROWS_MAX + 1)
					 });
	ids = types_where(offer, type_is_pass_of_some, &count);
	if (count > 0)
		sessions_add(offer, &pass_sessions_query, (Datum[]) {
					 Int64GetDatum(offer->event_id), Int32GetDatum(PLACE_ROWS_MAX + 1),
					 array_int8(ids, count)
					 });
	offer->sessions_cut = offer->session_count - before > PLACE_ROWS_MAX;
}

static void
sessions_read(Offer *offer)
{
	int64		only_id = only_session_read(offer);
	const OfferNames *names = offer->session_names;
	int			kept = 0;

	pass_sessions_read(offer);
	if (names->count > 0)
		sessions_add(offer, &session_key_query, (Datum[]) {
					 Int64GetDatum(offer->event_id), names_texts(names)
					 });
	if (names->id_count > 0)
		sessions_add(offer, &session_id_query, (Datum[]) {
					 Int64GetDatum(offer->event_id), array_int8(names->ids, names->id_count)
					 });
	qsort(offer->sessions, offer->session_count, sizeof(OfferSession), session_compare);
	for (int i = 0; i < offer->session_count; i++)
		if (kept == 0 || offer->sessions[kept - 1].id != offer->sessions[i].id)
			offer->sessions[kept++] = offer->sessions[i];
	offer->session_count = kept;
	offer->only = only_id ? offer_session(offer, only_id) : NULL;
}

static int64 *
session_ids(const Offer *offer)
{
	int64	   *ids = palloc_array(int64, offer->session_count + 1);

	for (int i = 0; i < offer->session_count; i++)
		ids[i] = offer->sessions[i].id;
	return ids;
}

/* In which sessions types are sold that are not sold in all. */
static void
pairs_read(Offer *offer)
{
	int64	   *types = palloc_array(int64, offer->type_count + 1);
	int			limited = 0;
	Datum		args[3];

	for (int i = 0; i < offer->type_count; i++)
		if (!offer->types[i].all_sessions)
			types[limited++] = offer->types[i].id;
	if (limited == 0 || offer->session_count == 0)
		return;
	args[0] = Int64GetDatum(offer->event_id);
	args[1] = array_int8(types, limited);
	args[2] = array_int8(session_ids(offer), offer->session_count);
	offer->pair_count = query_run(&pair_query, args, NULL);
	offer->pairs = palloc_array(OfferPair, offer->pair_count + 1);
	for (int row = 0; row < offer->pair_count; row++)
	{
		offer->pairs[row].type_id = query_int8(row, 1);
		offer->pairs[row].session_id = query_int8(row, 2);
	}
	query_done();
}

static int
pair_compare(const void *a, const void *b)
{
	const OfferPair *x = a;
	const OfferPair *y = b;

	if (x->type_id != y->type_id)
		return x->type_id < y->type_id ? -1 : 1;
	return (x->session_id > y->session_id) - (x->session_id < y->session_id);
}

/* What types cost in the sessions that are sold in. */
static void
prices_read(Offer *offer)
{
	if (!offer->sells || offer->session_count == 0)
		return;
	offer->price_count = query_run(&price_query, (Datum[]) {
								   Int64GetDatum(offer->event_id),
								   array_int8(session_ids(offer), offer->session_count)
								   }, NULL);
	offer->prices = palloc_array(OfferPrice, offer->price_count + 1);
	for (int row = 0; row < offer->price_count; row++)
		offer->prices[row] = (OfferPrice) {
			.of = {query_int8(row, 1), query_int8(row, 2)},
			.price = query_int8(row, 3),
		};
	query_done();
}

static int
stock_place_compare(const void *a, const void *b)
{
	const OfferStock *x = a;
	const OfferStock *y = b;

	if (x->pool_id != y->pool_id)
		return x->pool_id < y->pool_id ? -1 : 1;
	return (x->session_id > y->session_id) - (x->session_id < y->session_id);
}

static void
stocks_read(Offer *offer)
{
	int64	   *pools;
	int			pool_count = 0;
	Datum		args[3];

	for (int i = 0; i < offer->type_count; i++)
		pool_count += offer->types[i].pool_count;
	if (pool_count == 0 || (offer->session_count == 0 && !offer->sells))
		return;
	pools = palloc_array(int64, pool_count);
	pool_count = 0;
	for (int i = 0; i < offer->type_count; i++)
		for (int k = 0; k < offer->types[i].pool_count; k++)
			pools[pool_count++] = offer->types[i].pool_ids[k];
	args[0] = Int64GetDatum(offer->event_id);
	args[1] = array_int8(pools, ids_sort_unique(pools, pool_count));
	args[2] = array_int8(session_ids(offer), offer->session_count);
	offer->stock_count = query_run(&stock_query, args, NULL);
	offer->stocks = palloc_array(OfferStock, offer->stock_count + 1);
	for (int row = 0; row < offer->stock_count; row++)
	{
		offer->stocks[row].pool_id = query_int8(row, 1);
		offer->stocks[row].session_id = query_int8(row, 2);
		offer->stocks[row].id = query_int8(row, 3);
		offer->stocks[row].group_id = query_int8(row, 4);
	}
	query_done();
	qsort(offer->stocks, offer->stock_count, sizeof(OfferStock), stock_place_compare);
}

void
offer_resolve(Offer *offer)
{
	types_read(offer);
	parts_read(offer);
	sessions_read(offer);
	pairs_read(offer);
	prices_read(offer);
	stocks_read(offer);
}

/* Looking up. */

OfferType *
offer_type(const Offer *offer, int64 id)
{
	for (int low = 0, high = offer->type_count; low < high;)
	{
		int			middle = (low + high) / 2;

		if (offer->types[middle].id == id)
			return &offer->types[middle];
		if (offer->types[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

OfferSession *
offer_session(const Offer *offer, int64 id)
{
	for (int low = 0, high = offer->session_count; low < high;)
	{
		int			middle = (low + high) / 2;

		if (offer->sessions[middle].id == id)
			return &offer->sessions[middle];
		if (offer->sessions[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

OfferType *
offer_named_type(Offer *offer, int ref)
{
	return offer_type(offer, offer->type_names->items[ref].id);
}

OfferSession *
offer_named_session(Offer *offer, int ref)
{
	return offer_session(offer, offer->session_names->items[ref].id);
}

int64
offer_price(const Offer *offer, const OfferType *type, const OfferSession *session)
{
	const OfferPrice *found = NULL;

	if (session != NULL && offer->price_count > 0)
		found = bsearch(&(OfferPair) {type->id, session->id}, offer->prices, offer->price_count,
						sizeof(OfferPrice), pair_compare);
	return found != NULL ? found->price : type->price;
}

static bool
offer_sold_in(const Offer *offer, const OfferType *type, const OfferSession *session)
{
	OfferPair	wanted = {type->id, session->id};

	if (type->all_sessions)
		return true;
	return offer->pair_count > 0 &&
		bsearch(&wanted, offer->pairs, offer->pair_count, sizeof(OfferPair), pair_compare) != NULL;
}

/* The row of a pool for a session: the session's own, or the one for the whole event. */
static OfferStock *
offer_stock(const Offer *offer, int64 pool_id, int64 session_id)
{
	OfferStock	wanted = {.pool_id = pool_id,.session_id = session_id};
	OfferStock *found;

	if (offer->stock_count == 0)
		return NULL;
	found = bsearch(&wanted, offer->stocks, offer->stock_count, sizeof(OfferStock),
					stock_place_compare);
	if (found != NULL)
		return found;
	wanted.session_id = 0;
	return bsearch(&wanted, offer->stocks, offer->stock_count, sizeof(OfferStock),
				   stock_place_compare);
}

/* Adds the rows that a sale takes in a session; false if one is missing. */
static bool
place_add(const Offer *offer, const OfferType *type, int64 session_id, OfferPlace *place)
{
	for (int i = 0; i < type->pool_count; i++)
	{
		OfferStock *stock = offer_stock(offer, type->pool_ids[i], session_id);

		if (stock == NULL)
			return false;
		place->stock_ids[place->stock_count++] = stock->id;
		place->group_id = stock->group_id;
	}
	return true;
}

static void
place_find(const Offer *offer, const OfferType *type, const OfferSession *session,
		   OfferPlace *place)
{
	place->known = true;
	if (!offer_sold_in(offer, type, session))
		return;
	place->stock_ids = palloc_array(int64, type->pool_count + 1);
	if (!place_add(offer, type, session->id, place))
		place->stock_count = 0;
	place->stock_count = ids_sort_unique(place->stock_ids, place->stock_count);
}

int
offer_pass_session(const Offer *offer, const OfferType *type, int index)
{
	if (!type->pass_of_sessions)
		return -1;
	while (++index < offer->session_count)
		if (offer_sold_in(offer, type, &offer->sessions[index]))
			return index;
	return -1;
}

/* A place in each of its sessions, and one of each pool of the event; or of none. */
static void
pass_find(const Offer *offer, const OfferType *type, OfferPlace *place)
{
	bool		complete = true;

	place->known = true;
	place->stock_ids = palloc(mul_size(type->pool_count + 1,
									   mul_size(offer->session_count + 1, sizeof(int64))));
	if (!type->pass_of_sessions)
		complete = place_add(offer, type, 0, place);
	for (int i = offer_pass_session(offer, type, -1); i >= 0;
		 i = offer_pass_session(offer, type, i))
		complete = complete && place_add(offer, type, offer->sessions[i].id, place);
	place->stock_count = ids_sort_unique(place->stock_ids, place->stock_count);
	place->too_large = place->stock_count > PLACE_ROWS_MAX ||
		(type->pass_of_sessions && offer->sessions_cut);
	if (!complete || place->too_large)
		place->stock_count = 0;
}

const OfferPlace *
offer_place(Offer *offer, OfferType *type, const OfferSession *session)
{
	OfferPlace *place;

	if (type->places == NULL)
		type->places = palloc0_array(OfferPlace, type->pass ? 1 : offer->session_count);
	place = type->pass ? type->places : &type->places[session - offer->sessions];
	if (!place->known && type->pass)
		pass_find(offer, type, place);
	else if (!place->known)
		place_find(offer, type, session, place);
	return place;
}

const OfferSession *
offer_stock_session(const Offer *offer, int64 stock_id)
{
	for (int i = 0; i < offer->stock_count; i++)
		if (offer->stocks[i].id == stock_id)
			return offer_session(offer, offer->stocks[i].session_id);
	return NULL;
}
