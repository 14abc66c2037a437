package Bench::Past;

# A history: orders that were placed, paid and issued long ago, made set-wise rather than sold one by one.
# They are what a sale of a free ticket leaves behind, and both checks must find them right.

use v5.36;

# make(site, event, count): so many orders of one ticket each in the event's only session and type.
sub make ($site, $event, $count) {
	$site->psql(<<~"SQL");
		-- foreign keys are kept by construction
		SET session_replication_role = replica;
		SET synchronous_commit = off;
		CREATE TEMPORARY TABLE past AS
		SELECT \$\$$event\$\$::bigint AS event_id,
		       ((extract(epoch FROM now()) * 1000)::bigint - 1704067200000 - 30 * 86400000::bigint << 20) + n * 4 AS id,
		       now() - interval '30 days' + n * interval '1 ms' AS at,
		       -- an odd factor modulo 2^30: each number once, in no order
		       (n * 685385681::bigint) & 1073741823 AS scrambled,
		       n
		  FROM generate_series(1::bigint, $count) AS n;

		INSERT INTO boxoffice.hold (event_id, id, status, expires_at, extend_until, created_at, channel, subject)
		SELECT event_id, id, 'ordered', at + interval '15 min', at + interval '1 h', at, 'web', 'past-' || n FROM past;

		INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, ticket_type_id, session_id,
		       unit_price, unit_fee, stock_ids)
		SELECT p.event_id, p.id, 1, 'sold', 1, s.group_id, t.id, s.session_id, t.price, t.fee, ARRAY[s.id]
		  FROM past AS p
		  JOIN boxoffice.stock AS s ON s.event_id = p.event_id
		  JOIN boxoffice.ticket_type AS t ON t.event_id = p.event_id;

		INSERT INTO boxoffice."order" (event_id, id, hold_id, code, status, total, currency, test, channel, subject,
		       placed_at, paid_at)
		SELECT event_id, id + 1, id, (SELECT string_agg(substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789',
		           (scrambled >> 5 * digit & 31)::integer + 1, 1), '') FROM generate_series(0, 5) AS digit),
		       'paid', 0, 'GBP', false, 'web', 'past-' || n, at, at
		  FROM past;

		INSERT INTO boxoffice.contact (event_id, order_id, name, email)
		SELECT event_id, id + 1, 'Past buyer', 'past-' || n || '\@example.com' FROM past;

		INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
		SELECT p.event_id, p.id + 2, p.id + 1, 1, t.id, s.session_id, 0, 0, 'valid', upper(left(md5(p.n::text), 16))
		  FROM past AS p
		  JOIN boxoffice.stock AS s ON s.event_id = p.event_id
		  JOIN boxoffice.ticket_type AS t ON t.event_id = p.event_id;

		INSERT INTO boxoffice.payment (event_id, id, order_id, kind, amount, currency, outcome, recorded_at)
		SELECT event_id, id + 3, id + 1, 'free', 0, 'GBP', 'paid', at FROM past;

		UPDATE boxoffice.stock SET sold = sold + $count WHERE event_id = $event;
		SQL
	# what autovacuum would do during the measure
	$site->psql("VACUUM (FREEZE, ANALYZE) boxoffice.$_") for qw(hold claim "order" contact ticket payment stock);
	$site->psql('CHECKPOINT');
	return;
}

1;
