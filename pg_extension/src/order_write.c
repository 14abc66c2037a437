/*
 * order_write.c
 *		Writes orders, tickets and fees set-wise: new ones, and what has changed of old ones.
 *
 * Decides nothing but an order's code, which is drawn until nobody has it.  A change of an order
 * is a compare-and-set: it expects the status that was read under the locks.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "order.h"
#include "query.h"

#define ORDER_CODE_TRIES 20

static CoreQuery order_insert_query = {
	"INSERT INTO boxoffice.order AS o (event_id, id, hold_id, code, status, total, currency, test,"
	"       channel, subject, email_key, placed_at, expires_at, paid_at)"
	" SELECT $1, u.id, u.hold_id, u.code, u.status, u.total, $2, $3, u.channel, u.subject,"
	"        u.email_key, $4, nullif(u.expires_at, 'infinity'), CASE u.status WHEN 'paid' THEN $4 END"
	"   FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13)"
	"        AS u (id, hold_id, code, status, total, channel, subject, email_key, expires_at)"
	" ON CONFLICT ON CONSTRAINT order_code_key DO NOTHING"
	" RETURNING o.id",
	13, {INT8OID, TEXTOID, BOOLOID, TIMESTAMPTZOID, INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID}
};

static CoreQuery contact_insert_query = {
	"INSERT INTO boxoffice.contact (event_id, order_id, name, email, phone, locale)"
	" SELECT $1, u.order_id, u.name, u.email, u.phone, u.locale"
	"   FROM unnest($2, $3, $4, $5, $6) AS u (order_id, name, email, phone, locale)",
	6, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static CoreQuery ticket_insert_query = {
	"INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee,"
	"       state, code)"
	" SELECT $1, u.id, u.order_id, u.line, u.ticket_type_id, u.session_id, u.price, u.fee, u.state,"
	"        nullif(u.code, '')"
	"   FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)"
	"        AS u (id, order_id, line, ticket_type_id, session_id, price, fee, state, code)",
	10, {INT8OID, INT8ARRAYOID, INT8ARRAYOID, INT2ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static CoreQuery fee_insert_query = {
	"INSERT INTO boxoffice.order_fee (event_id, order_id, line, kind, name, quantity, unit_amount, amount)"
	" SELECT $1, u.order_id, u.line, 'ticket', u.name, u.quantity, u.unit_amount,"
	"        u.quantity * u.unit_amount"
	"   FROM unnest($2, $3, $4, $5, $6) AS u (order_id, line, name, quantity, unit_amount)",
	6, {INT8OID, INT8ARRAYOID, INT2ARRAYOID, TEXTARRAYOID, INT4ARRAYOID, INT8ARRAYOID}
};

static CoreQuery order_update_query = {
	"UPDATE boxoffice.order AS o"
	"   SET status = u.status, total = u.total, paid_at = nullif(u.paid_at, 'infinity'),"
	"       cancelled_at = nullif(u.cancelled_at, 'infinity')"
	"  FROM unnest($2, $3, $4, $5, $6, $7) AS u (id, status_stored, status, total, paid_at, cancelled_at)"
	" WHERE o.event_id = $1 AND o.id = u.id AND o.status = u.status_stored",
	7, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID,
		TIMESTAMPTZARRAYOID}
};

static CoreQuery ticket_update_query = {
	"UPDATE boxoffice.ticket AS t"
	"   SET state = u.state, code = nullif(u.code, '')"
	"  FROM unnest($2, $3, $4) AS u (id, state, code)"
	" WHERE t.event_id = $1 AND t.id = u.id",
	4, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static CoreQuery fee_update_query = {
	"UPDATE boxoffice.order_fee AS f"
	"   SET quantity = u.quantity, amount = u.quantity * f.unit_amount"
	"  FROM unnest($2, $3, $4) AS u (order_id, line, quantity)"
	" WHERE f.event_id = $1 AND f.order_id = u.order_id AND f.line = u.line",
	4, {INT8OID, INT8ARRAYOID, INT2ARRAYOID, INT4ARRAYOID}
};

/* Columns of orders, as arrays. */
typedef struct OrderColumns
{
	int64	   *ids;
	int64	   *hold_ids;
	const char **codes;
	const char **stati;
	const char **stati_stored;
	int64	   *totals;
	const char **channels;
	const char **subjects;
	const char **email_keys;
	TimestampTz *expires_at;
	TimestampTz *paid_at;
	TimestampTz *cancelled_at;
	int			count;
} OrderColumns;

static void
order_columns_begin(OrderColumns *columns, int max)
{
	columns->ids = palloc_array(int64, max + 1);
	columns->hold_ids = palloc_array(int64, max + 1);
	columns->codes = palloc_array(const char *, max + 1);
	columns->stati = palloc_array(const char *, max + 1);
	columns->stati_stored = palloc_array(const char *, max + 1);
	columns->totals = palloc_array(int64, max + 1);
	columns->channels = palloc_array(const char *, max + 1);
	columns->subjects = palloc_array(const char *, max + 1);
	columns->email_keys = palloc_array(const char *, max + 1);
	columns->expires_at = palloc_array(TimestampTz, max + 1);
	columns->paid_at = palloc_array(TimestampTz, max + 1);
	columns->cancelled_at = palloc_array(TimestampTz, max + 1);
	columns->count = 0;
}

static void
order_columns_add(OrderColumns *columns, const Order *order)
{
	int			i = columns->count++;

	columns->ids[i] = order->id;
	columns->hold_ids[i] = order->hold_id;
	columns->codes[i] = order->code;
	columns->stati[i] = order_status_name(order->status);
	columns->stati_stored[i] = order_status_name(order->status_stored);
	columns->totals[i] = order->total;
	columns->channels[i] = order->channel;
	columns->subjects[i] = order->subject;
	columns->email_keys[i] = order->email_key;
	columns->expires_at[i] = order->expires_at;
	columns->paid_at[i] = order->paid_at;
	columns->cancelled_at[i] = order->cancelled_at;
}

/* Columns of tickets, as arrays. */
typedef struct TicketColumns
{
	int64	   *ids;
	int64	   *order_ids;
	int16	   *lines;
	int64	   *type_ids;
	int64	   *session_ids;
	int64	   *prices;
	int64	   *fees;
	const char **states;
	const char **codes;
	int			count;
} TicketColumns;

static void
ticket_columns_begin(TicketColumns *columns, int max)
{
	columns->ids = palloc_array(int64, max + 1);
	columns->order_ids = palloc_array(int64, max + 1);
	columns->lines = palloc_array(int16, max + 1);
	columns->type_ids = palloc_array(int64, max + 1);
	columns->session_ids = palloc_array(int64, max + 1);
	columns->prices = palloc_array(int64, max + 1);
	columns->fees = palloc_array(int64, max + 1);
	columns->states = palloc_array(const char *, max + 1);
	columns->codes = palloc_array(const char *, max + 1);
	columns->count = 0;
}

static void
ticket_columns_add(TicketColumns *columns, const Ticket *ticket)
{
	int			i = columns->count++;

	columns->ids[i] = ticket->id;
	columns->order_ids[i] = ticket->order_id;
	columns->lines[i] = ticket->line;
	columns->type_ids[i] = ticket->ticket_type_id;
	columns->session_ids[i] = ticket->session_id;
	columns->prices[i] = ticket->price;
	columns->fees[i] = ticket->fee;
	columns->states[i] = ticket_state_name(ticket->state);
	columns->codes[i] = ticket->code;
}

static int
tickets_in(const Order *orders, int count)
{
	int			tickets = 0;

	for (int i = 0; i < count; i++)
		tickets += orders[i].ticket_count;
	return tickets;
}

static int
fees_in(const Order *orders, int count)
{
	int			fees = 0;

	for (int i = 0; i < count; i++)
		fees += orders[i].fee_count;
	return fees;
}

/* Draws a code that offends nobody for each of these orders. */
static void
codes_draw(Order **orders, int count)
{
	uint32	   *random = palloc_array(uint32, count + 1);

	if (!pg_strong_random(random, count * sizeof(uint32)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random order codes")));
	for (int i = 0; i < count; i++)
		while (!order_code_make((const uint8_t *) &random[i], orders[i]->code))
			if (!pg_strong_random(&random[i], sizeof(uint32)))
				ereport(ERROR,
						(errcode(ERRCODE_INTERNAL_ERROR),
						 errmsg("could not generate random order codes")));
	pfree(random);
}

/* Inserts orders and leaves in the list those whose code was taken; returns how many. */
static int
orders_try(const OrderEvent *event, Order **orders, int count)
{
	OrderColumns c;
	int64	   *written = palloc_array(int64, count + 1);
	int			n;
	int			left = 0;

	order_columns_begin(&c, count);
	for (int i = 0; i < count; i++)
		order_columns_add(&c, orders[i]);
	n = query_run(&order_insert_query, (Datum[]) {
				  Int64GetDatum(event->id), CStringGetTextDatum(event->currency),
				  BoolGetDatum(event->test), TimestampTzGetDatum(orders[0]->placed_at),
				  array_int8(c.ids, count), array_int8(c.hold_ids, count),
				  array_text(c.codes, count), array_text(c.stati, count),
				  array_int8(c.totals, count),
				  array_text(c.channels, count), array_text(c.subjects, count),
				  array_text(c.email_keys, count), array_time(c.expires_at, count)
				  }, NULL);
	for (int i = 0; i < n; i++)
		written[i] = query_int8(i, 1);
	query_done();
	for (int i = 0, at = 0; i < count; i++)
	{
		if (at < n && written[at] == orders[i]->id)
			at++;
		else
			orders[left++] = orders[i];
	}
	pfree(written);
	return left;
}

/* Inserts the orders, each under a code of its own. */
static void
orders_insert(const OrderEvent *event, Order *orders, int count)
{
	Order	  **left = palloc_array(Order *, count + 1);
	int			n = count;

	for (int i = 0; i < count; i++)
		left[i] = &orders[i];
	for (int tries = 0; n > 0; tries++)
	{
		if (tries == ORDER_CODE_TRIES)
			elog(ERROR, "no free order code in event " INT64_FORMAT, event->id);
		codes_draw(left, n);
		n = orders_try(event, left, n);
	}
	pfree(left);
}

static void
contacts_insert(int64 event_id, const Order *orders, int count)
{
	int64	   *ids = palloc_array(int64, count + 1);
	const char **columns[4];

	for (int i = 0; i < lengthof(columns); i++)
		columns[i] = palloc_array(const char *, count + 1);
	for (int i = 0; i < count; i++)
	{
		ids[i] = orders[i].id;
		columns[0][i] = orders[i].contact.name;
		columns[1][i] = orders[i].contact.email;
		columns[2][i] = orders[i].contact.phone;
		columns[3][i] = orders[i].contact.locale;
	}
	query_run(&contact_insert_query, (Datum[]) {
			  Int64GetDatum(event_id), array_int8(ids, count), array_text(columns[0], count),
			  array_text(columns[1], count), array_text(columns[2], count),
			  array_text(columns[3], count)
			  }, NULL);
	query_done();
}

static void
tickets_insert(int64 event_id, const Order *orders, int count)
{
	TicketColumns c;

	ticket_columns_begin(&c, tickets_in(orders, count));
	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].ticket_count; j++)
			ticket_columns_add(&c, &orders[i].tickets[j]);
	query_run(&ticket_insert_query, (Datum[]) {
			  Int64GetDatum(event_id), array_int8(c.ids, c.count), array_int8(c.order_ids, c.count),
			  array_int2(c.lines, c.count), array_int8(c.type_ids, c.count),
			  array_int8(c.session_ids, c.count), array_int8(c.prices, c.count),
			  array_int8(c.fees, c.count), array_text(c.states, c.count),
			  array_text(c.codes, c.count)
			  }, NULL);
	query_done();
}

static void
fees_insert(int64 event_id, const Order *orders, int count)
{
	int			n = fees_in(orders, count);
	int64	   *order_ids = palloc_array(int64, n + 1);
	int16	   *lines = palloc_array(int16, n + 1);
	const char **names = palloc_array(const char *, n + 1);
	int32	   *quantities = palloc_array(int32, n + 1);
	int64	   *amounts = palloc_array(int64, n + 1);
	int			at = 0;

	if (n == 0)
		return;
	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].fee_count; j++, at++)
		{
			order_ids[at] = orders[i].id;
			lines[at] = orders[i].fees[j].line;
			names[at] = orders[i].fees[j].name;
			quantities[at] = orders[i].fees[j].quantity;
			amounts[at] = orders[i].fees[j].unit_amount;
		}
	query_run(&fee_insert_query, (Datum[]) {
			  Int64GetDatum(event_id), array_int8(order_ids, n), array_int2(lines, n),
			  array_text(names, n), array_int4(quantities, n), array_int8(amounts, n)
			  }, NULL);
	query_done();
}

/*
 * Writes new orders with contact, tickets and fees, and gives each its code.  All were placed at
 * one time, in ascending order of their ids.
 */
void
order_insert(OrderEvent *event, Order *orders, int count)
{
	if (count == 0)
		return;
	orders_insert(event, orders, count);
	contacts_insert(event->id, orders, count);
	tickets_insert(event->id, orders, count);
	fees_insert(event->id, orders, count);
}

static void
orders_update(int64 event_id, const Order *orders, int count)
{
	OrderColumns c;

	order_columns_begin(&c, count);
	for (int i = 0; i < count; i++)
		if (orders[i].changed)
			order_columns_add(&c, &orders[i]);
	if (c.count == 0)
		return;
	if (query_run(&order_update_query, (Datum[]) {
				  Int64GetDatum(event_id), array_int8(c.ids, c.count),
				  array_text(c.stati_stored, c.count), array_text(c.stati, c.count),
				  array_int8(c.totals, c.count), array_time(c.paid_at, c.count),
				  array_time(c.cancelled_at, c.count)
				  }, NULL) != c.count)
		inventory_moved("an order has another status");
	query_done();
}

static void
tickets_update(int64 event_id, const Order *orders, int count)
{
	TicketColumns c;

	ticket_columns_begin(&c, tickets_in(orders, count));
	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].ticket_count; j++)
			if (orders[i].tickets[j].changed)
				ticket_columns_add(&c, &orders[i].tickets[j]);
	if (c.count == 0)
		return;
	query_run(&ticket_update_query, (Datum[]) {
			  Int64GetDatum(event_id), array_int8(c.ids, c.count), array_text(c.states, c.count),
			  array_text(c.codes, c.count)
			  }, NULL);
	query_done();
}

static void
fees_update(int64 event_id, const Order *orders, int count)
{
	int			max = fees_in(orders, count);
	int64	   *order_ids = palloc_array(int64, max + 1);
	int16	   *lines = palloc_array(int16, max + 1);
	int32	   *quantities = palloc_array(int32, max + 1);
	int			n = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].fee_count; j++)
		{
			if (!orders[i].fees[j].changed)
				continue;
			order_ids[n] = orders[i].id;
			lines[n] = orders[i].fees[j].line;
			quantities[n++] = orders[i].fees[j].quantity;
		}
	if (n == 0)
		return;
	query_run(&fee_update_query, (Datum[]) {
			  Int64GetDatum(event_id), array_int8(order_ids, n), array_int2(lines, n),
			  array_int4(quantities, n)
			  }, NULL);
	query_done();
}

/* Writes the claims of these orders that have changed. */
void
order_write_claims(int64 event_id, const Order *orders, int count)
{
	Claim	   *claims;
	int			max = 0;
	int			n = 0;

	for (int i = 0; i < count; i++)
		max += orders[i].claim_count;
	claims = palloc_array(Claim, max + 1);
	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].claim_count; j++)
			if (orders[i].claims[j].changed)
				claims[n++] = orders[i].claims[j];
	if (n > 0)
		claim_update(event_id, claims, n);
}

/*
 * Writes what has changed of these orders: claims, status and total, tickets, fees.  An order that
 * has not the status that was read raises a serialization failure, though the locks should not let
 * that happen.
 */
void
order_write(int64 event_id, Order *orders, int count)
{
	order_write_claims(event_id, orders, count);
	orders_update(event_id, orders, count);
	tickets_update(event_id, orders, count);
	fees_update(event_id, orders, count);
}
