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

#include "bulk.h"
#include "debug.h"
#include "order.h"
#include "query.h"

#define ORDER_CODE_TRIES 20

static CoreQuery codes_taken_query = {
	"SELECT o.code FROM boxoffice.order AS o WHERE o.event_id = $1 AND o.code = ANY ($2)",
	2, {INT8OID, TEXTARRAYOID}
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

/* Few changes move the deadline, so payments need not write it. */
static CoreQuery deadline_update_query = {
	"UPDATE boxoffice.order AS o"
	"   SET expires_at = $3"
	" WHERE o.event_id = $1 AND o.id = $2",
	3, {INT8OID, INT8OID, TIMESTAMPTZOID}
};

static CoreQuery ticket_update_query = {
	"UPDATE boxoffice.ticket AS t"
	"   SET state = u.state, code = u.code"
	"  FROM unnest($2, $3, $4) AS u (id, state, code)"
	" WHERE t.event_id = $1 AND t.id = u.id",
	4, {INT8OID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static CoreQuery ticket_move_query = {
	"UPDATE boxoffice.ticket AS t"
	"   SET order_id = u.order_id, line = u.line, ticket_type_id = u.ticket_type_id,"
	"       session_id = nullif(u.session_id, 0), price = u.price, fee = u.fee"
	"  FROM unnest($2, $3, $4, $5, $6, $7, $8)"
	"       AS u (id, order_id, line, ticket_type_id, session_id, price, fee)"
	" WHERE t.event_id = $1 AND t.id = u.id",
	8, {INT8OID, INT8ARRAYOID, INT8ARRAYOID, INT2ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID}
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
	const char **stati;
	const char **stati_stored;
	int64	   *totals;
	TimestampTz *paid_at;
	TimestampTz *cancelled_at;
	int			count;
} OrderColumns;

static void
order_columns_begin(OrderColumns *columns, int max)
{
	columns->ids = palloc_array(int64, max + 1);
	columns->stati = palloc_array(const char *, max + 1);
	columns->stati_stored = palloc_array(const char *, max + 1);
	columns->totals = palloc_array(int64, max + 1);
	columns->paid_at = palloc_array(TimestampTz, max + 1);
	columns->cancelled_at = palloc_array(TimestampTz, max + 1);
	columns->count = 0;
}

static void
order_columns_add(OrderColumns *columns, const Order *order)
{
	int			i = columns->count++;

	columns->ids[i] = order->id;
	columns->stati[i] = order_status_name(order->status);
	columns->stati_stored[i] = order_status_name(order->status_stored);
	columns->totals[i] = order->total;
	columns->paid_at[i] = order->paid_at;
	columns->cancelled_at[i] = order->cancelled_at;
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

static void
random_fill(uint32 *random, int count)
{
	if (!pg_strong_random(random, count * sizeof(uint32)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random order codes")));
	for (int i = 0; i < count; i++)
		random[i] &= debug_code_mask;
}

/* Draws a code that offends nobody for each of these orders. */
static void
codes_draw(Order **orders, int count)
{
	uint32	   *random = palloc_array(uint32, count + 1);

	random_fill(random, count);
	for (int i = 0; i < count; i++)
		while (!order_code_make((const uint8_t *) &random[i], orders[i]->code))
			random_fill(&random[i], 1);
	pfree(random);
}

static int
code_compare(const void *a, const void *b)
{
	return strcmp((*(Order *const *) a)->code, (*(Order *const *) b)->code);
}

/* Whether an order of the batch that is not drawn for any more has the code. */
static bool
code_settled(const Order *orders, int count, Order *const *drawn, int n, const char *code)
{
	for (int i = 0; i < count; i++)
	{
		bool		settled = strcmp(orders[i].code, code) == 0;

		for (int k = 0; k < n && settled; k++)
			settled = drawn[k] != &orders[i];
		if (settled)
			return true;
	}
	return false;
}

static bool
codes_settled(const Order *orders, int count, Order *const *drawn, int n)
{
	for (int i = 0; i < n; i++)
		if (code_settled(orders, count, drawn, n, drawn[i]->code))
			return true;
	return false;
}

/*
 * Keeps in the list, which it sorts by code, the orders whose code somebody has or another order
 * of the list has too; returns how many.
 */
static int
codes_taken(int64 event_id, Order **orders, int count)
{
	const char **codes = palloc_array(const char *, count + 1);
	int			taken;
	int			left = 0;

	qsort(orders, count, sizeof(Order *), code_compare);
	for (int i = 0; i < count; i++)
		codes[i] = orders[i]->code;
	taken = query_run(&codes_taken_query, (Datum[]) {
					  Int64GetDatum(event_id), array_text(codes, count)
					  }, NULL);
	for (int i = 0; i < count; i++)
	{
		bool		again = i > 0 && strcmp(codes[i], codes[i - 1]) == 0;

		for (int row = 0; row < taken && !again; row++)
			again = strcmp(codes[i], query_text(row, 1)) == 0;
		if (again)
			orders[left++] = orders[i];
	}
	query_done();
	pfree(codes);
	return left;
}

/* Gives each order a code that nobody has. */
static void
codes_give(int64 event_id, Order *orders, int count)
{
	Order	  **left = palloc_array(Order *, count + 1);
	int			n = count;

	for (int i = 0; i < count; i++)
		left[i] = &orders[i];
	for (int tries = 0; n > 0; tries++)
	{
		if (tries == ORDER_CODE_TRIES)
			elog(ERROR, "no free order code in event " INT64_FORMAT, event_id);
		codes_draw(left, n);
		if (n == count || !codes_settled(orders, count, left, n))
			n = codes_taken(event_id, left, n);
	}
	pfree(left);
}

/*
 * Ends the writing of orders.  Another group of the event may have drawn the same code in this
 * moment; then the batch is worth repeating.
 */
static void
orders_bulk_end(Bulk *bulk)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		bulk_end(bulk);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION && error->constraint_name != NULL &&
			strcmp(error->constraint_name, "order_code_key") == 0)
		{
			FlushErrorState();
			inventory_moved("an order's code was taken");
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
orders_insert(const OrderEvent *event, const Order *orders, int count)
{
	static const char *const columns[] = {
		"event_id", "id", "hold_id", "code", "status", "total", "currency", "test", "channel",
		"subject", "email_key", "placed_at", "expires_at", "paid_at"
	};
	Bulk	   *bulk = bulk_begin("order", columns, lengthof(columns), count);

	for (int i = 0; i < count; i++)
	{
		const Order *order = &orders[i];

		bulk_int8(bulk, event->id);
		bulk_int8(bulk, order->id);
		bulk_int8(bulk, order->hold_id);
		bulk_text(bulk, order->code);
		bulk_text(bulk, order_status_name(order->status));
		bulk_int8(bulk, order->total);
		bulk_text(bulk, event->currency);
		bulk_datum(bulk, BoolGetDatum(order->test));
		bulk_text(bulk, order->channel);
		bulk_text(bulk, order->subject);
		bulk_text(bulk, order->email_key);
		bulk_time(bulk, order->placed_at);
		bulk_time(bulk, order->expires_at);
		bulk_time(bulk, order->paid_at);
		bulk_row(bulk);
	}
	orders_bulk_end(bulk);
}

static void
contacts_insert(int64 event_id, const Order *orders, int count)
{
	static const char *const columns[] = {
		"event_id", "order_id", "name", "email", "phone", "locale"
	};
	Bulk	   *bulk = bulk_begin("contact", columns, lengthof(columns), count);

	for (int i = 0; i < count; i++)
	{
		const Contact *contact = &orders[i].contact;

		if (contact->name == NULL)	/* sold without one */
			continue;
		bulk_int8(bulk, event_id);
		bulk_int8(bulk, orders[i].id);
		bulk_text(bulk, contact->name);
		bulk_text(bulk, contact->email);
		bulk_text(bulk, contact->phone);
		bulk_text(bulk, contact->locale);
		bulk_row(bulk);
	}
	bulk_end(bulk);
}

static void
ticket_insert(Bulk *bulk, int64 event_id, const Ticket *ticket)
{
	bulk_int8(bulk, event_id);
	bulk_int8(bulk, ticket->id);
	bulk_int8(bulk, ticket->order_id);
	bulk_datum(bulk, Int16GetDatum(ticket->line));
	bulk_int8(bulk, ticket->ticket_type_id);
	bulk_id(bulk, ticket->session_id);
	bulk_int8(bulk, ticket->price);
	bulk_int8(bulk, ticket->fee);
	bulk_text(bulk, ticket_state_name(ticket->state));
	bulk_text(bulk, ticket->code[0] == '\0' ? NULL : ticket->code);
	bulk_id(bulk, ticket->parent_id);
	bulk_row(bulk);
}

static Bulk *
tickets_begin(int count)
{
	static const char *const columns[] = {
		"event_id", "id", "order_id", "line", "ticket_type_id", "session_id", "price", "fee", "state",
		"code", "parent_id"
	};

	return bulk_begin("ticket", columns, lengthof(columns), count);
}

static void
tickets_insert(int64 event_id, const Order *orders, int count)
{
	Bulk	   *bulk = tickets_begin(tickets_in(orders, count));

	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].ticket_count; j++)
			ticket_insert(bulk, event_id, &orders[i].tickets[j]);
	bulk_end(bulk);
}

/* Writes new tickets of orders that are there; they have no holders. */
void
order_insert_tickets(int64 event_id, const Ticket *tickets, int count)
{
	Bulk	   *bulk;

	if (count == 0)
		return;
	bulk = tickets_begin(count);
	for (int i = 0; i < count; i++)
		ticket_insert(bulk, event_id, &tickets[i]);
	bulk_end(bulk);
}

static bool
has_holder(const Ticket *ticket)
{
	return ticket->holder_name != NULL || ticket->holder_email != NULL;
}

static void
holders_insert(int64 event_id, const Order *orders, int count)
{
	static const char *const columns[] = {"event_id", "ticket_id", "name", "email"};
	Bulk	   *bulk = NULL;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].ticket_count; j++)
		{
			const Ticket *ticket = &orders[i].tickets[j];

			if (!has_holder(ticket))
				continue;
			if (bulk == NULL)
				bulk = bulk_begin("holder", columns, lengthof(columns), tickets_in(orders, count));
			bulk_int8(bulk, event_id);
			bulk_int8(bulk, ticket->id);
			bulk_text(bulk, ticket->holder_name);
			bulk_text(bulk, ticket->holder_email);
			bulk_row(bulk);
		}
	if (bulk != NULL)
		bulk_end(bulk);
}

static void
fee_insert(Bulk *bulk, int64 event_id, const OrderFee *fee)
{
	bulk_int8(bulk, event_id);
	bulk_int8(bulk, fee->order_id);
	bulk_datum(bulk, Int16GetDatum(fee->line));
	bulk_text(bulk, "ticket");
	bulk_text(bulk, fee->name);
	bulk_datum(bulk, Int32GetDatum(fee->quantity));
	bulk_int8(bulk, fee->unit_amount);
	bulk_int8(bulk, fee->quantity * fee->unit_amount);
	bulk_row(bulk);
}

/* Writes new fees. */
void
order_insert_fees(int64 event_id, const OrderFee *fees, int count)
{
	static const char *const columns[] = {
		"event_id", "order_id", "line", "kind", "name", "quantity", "unit_amount", "amount"
	};
	Bulk	   *bulk;

	if (count == 0)
		return;
	bulk = bulk_begin("order_fee", columns, lengthof(columns), count);
	for (int i = 0; i < count; i++)
		fee_insert(bulk, event_id, &fees[i]);
	bulk_end(bulk);
}

static void
fees_insert(int64 event_id, const Order *orders, int count)
{
	OrderFee   *fees = palloc_array(OrderFee, fees_in(orders, count) + 1);
	int			n = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].fee_count; j++)
			fees[n++] = orders[i].fees[j];
	order_insert_fees(event_id, fees, n);
	pfree(fees);
}

/*
 * Writes what an exchange or a split has changed of tickets: their order, line, type, session and
 * price.  State and code are order_write's.
 */
void
order_move_tickets(int64 event_id, const Order *order)
{
	int64	   *ids[4];
	int64	   *prices[2];
	int16	   *lines = palloc_array(int16, order->ticket_count + 1);
	int			n = 0;

	for (int i = 0; i < lengthof(ids); i++)
		ids[i] = palloc_array(int64, order->ticket_count + 1);
	for (int i = 0; i < lengthof(prices); i++)
		prices[i] = palloc_array(int64, order->ticket_count + 1);
	for (int i = 0; i < order->ticket_count; i++)
	{
		const Ticket *ticket = &order->tickets[i];

		if (!ticket->moved)
			continue;
		ids[0][n] = ticket->id;
		ids[1][n] = ticket->order_id;
		ids[2][n] = ticket->ticket_type_id;
		ids[3][n] = ticket->session_id;
		lines[n] = ticket->line;
		prices[0][n] = ticket->price;
		prices[1][n++] = ticket->fee;
	}
	query_run(&ticket_move_query, (Datum[]) {
			  Int64GetDatum(event_id), array_int8(ids[0], n), array_int8(ids[1], n),
			  array_int2(lines, n), array_int8(ids[2], n), array_int8(ids[3], n),
			  array_int8(prices[0], n), array_int8(prices[1], n)
			  }, NULL);
	query_done();
}

/*
 * Writes new orders with contact, tickets, holders and fees, and gives each its code.  All were
 * placed at one time, in ascending order of their ids.
 */
void
order_insert(OrderEvent *event, Order *orders, int count)
{
	if (count == 0)
		return;
	codes_give(event->id, orders, count);
	orders_insert(event, orders, count);
	contacts_insert(event->id, orders, count);
	tickets_insert(event->id, orders, count);
	holders_insert(event->id, orders, count);
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
deadlines_update(int64 event_id, const Order *orders, int count)
{
	for (int i = 0; i < count; i++)
		if (orders[i].rescheduled)
		{
			query_run(&deadline_update_query, (Datum[]) {
					  Int64GetDatum(event_id), Int64GetDatum(orders[i].id),
					  TimestampTzGetDatum(orders[i].expires_at)
					  }, NULL);
			query_done();
		}
}

static void
tickets_update(int64 event_id, const Order *orders, int count)
{
	int			max = tickets_in(orders, count);
	int64	   *ids = palloc_array(int64, max + 1);
	const char **states = palloc_array(const char *, max + 1);
	const char **codes = palloc_array(const char *, max + 1);
	int			n = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < orders[i].ticket_count; j++)
		{
			const Ticket *ticket = &orders[i].tickets[j];

			if (!ticket->changed)
				continue;
			ids[n] = ticket->id;
			states[n] = ticket_state_name(ticket->state);
			codes[n++] = ticket->code[0] == '\0' ? NULL : ticket->code;
		}
	if (n == 0)
		return;
	query_run(&ticket_update_query, (Datum[]) {
			  Int64GetDatum(event_id), array_int8(ids, n), array_text(states, n),
			  array_text(codes, n)
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
	deadlines_update(event_id, orders, count);
	tickets_update(event_id, orders, count);
	fees_update(event_id, orders, count);
}
