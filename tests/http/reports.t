# The sums that reports are made of: kept by the worker, exact whether it has been by or not, and no dearer for a long history.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

# What a view reads must not hang on when statistics were gathered.
my $t    = Boxoffice::Test->start(postgres => [ 'boxoffice.worker_tick = 50ms', 'autovacuum = off' ]);
my $http = $t->http;
my $dbh  = $t->server->dbh;

# What the views say and what orders, tickets and payments add up to, in one snapshot.
my $SALES = q{
	SELECT e.id AS event_id, (b.paid_at AT TIME ZONE e.zone)::date AS day, y.key AS ticket_type, b.channel, count(DISTINCT b.id) AS orders,
	       count(*) FILTER (WHERE t.state = 'valid') AS tickets, count(*) FILTER (WHERE t.state = 'cancelled') AS cancelled,
	       coalesce(sum(t.price) FILTER (WHERE t.state = 'valid'), 0)::bigint AS price, coalesce(sum(t.fee) FILTER (WHERE t.state = 'valid'), 0)::bigint AS fees
	  FROM boxoffice.ticket AS t JOIN boxoffice.order AS b ON b.event_id = t.event_id AND b.id = t.order_id JOIN boxoffice.event AS e ON e.id = t.event_id
	  JOIN boxoffice.ticket_type AS y ON y.event_id = t.event_id AND y.id = t.ticket_type_id
	 WHERE b.paid_at IS NOT NULL GROUP BY 1, 2, 3, 4};
my $SUMMARY = q{
	SELECT e.id AS event_id, (SELECT count(*) FROM boxoffice.order AS b WHERE b.event_id = e.id) AS orders,
	       (SELECT count(*) FROM boxoffice.order AS b WHERE b.event_id = e.id AND b.status = 'paid') AS paid_orders,
	       (SELECT count(*) FROM report.order AS b WHERE b.event_id = e.id AND b.status = 'pending') AS pending_orders,
	       (SELECT coalesce(sum(b.total), 0)::bigint FROM boxoffice.order AS b WHERE b.event_id = e.id AND b.status = 'paid') AS total,
	       (SELECT coalesce(sum(p.amount), 0)::bigint FROM boxoffice.payment AS p WHERE p.event_id = e.id) AS paid,
	       (SELECT count(*) FROM boxoffice.ticket AS x WHERE x.event_id = e.id AND x.state = 'valid') AS tickets
	  FROM boxoffice.event AS e};

sub wrong () {
	my %pairs = (
		sales_by_day  => [ $SALES,   'event_id, day, ticket_type, channel, orders, tickets, cancelled, price, fees' ],
		event_summary => [ $SUMMARY, 'event_id, orders, paid_orders, pending_orders, total, paid, tickets' ],
	);
	return map {
		my ($direct, $columns) = @{ $pairs{$_} };
		map { values %$_ } $t->server->rows("WITH direct AS ($direct), view AS (SELECT $columns FROM report.$_)
			(SELECT '$_ lacks ' || to_jsonb(x)::text AS line FROM (SELECT $columns FROM direct EXCEPT ALL SELECT * FROM view) AS x)
			UNION ALL (SELECT '$_ has ' || to_jsonb(x)::text FROM (SELECT * FROM view EXCEPT ALL SELECT $columns FROM direct) AS x)");
	} sort keys %pairs;
}
sub right ($what) { is_deeply([wrong()], [], "$what: the views say what is so"); return }
sub checked ()    { return map { $_->{what} } $t->server->rows('SELECT what FROM boxoffice.check_reports(NULL) ORDER BY what') }

# Until the worker has counted all that was written so far.
sub counted () {
	wait_until(sub {
		!$t->server->value('SELECT count(*) FROM boxoffice_code.order_tail') && !$t->server->value('SELECT count(*) FROM boxoffice_code.order_search_due()')
	}, 'the worker has counted all', 60);
	return;
}

sub act ($event, $order, $act, $body, %o) {
	return $http->post("/v1/events/$event->{id}/orders/$order->{id}/$act", $body, token => $t->organizer_token, key => uuid(), %o);
}
sub placed ($event, @items) {
	my $a = $t->order($event, $t->hold($event, items => \@items)->json);
	die $a->body if $a->status != 201;
	return $a->json;
}

my %catalogue = (
	sessions     => [ map { { key => $_, starts_at => rfc3339(time + 30 * 86400) } } qw(fri sat) ],
	pools        => [ { key => 'house', name => 'House', scope => 'session', capacity => 1000 } ],
	ticket_types => [ map { { key => $_->[0], name => $_->[0], price => $_->[1], fee => $_->[2], pools => ['house'] } } [ free => 0, 0 ], [ dear => 2000, 150 ], [ dearer => 3000, 150 ] ],
);
my $event = $t->event(%catalogue);
sub some ($type, $quantity = 1, $session = 'fri') { return { ticket_type => $type, session => $session, quantity => $quantity } }

# Each is looked at at once, and again when the worker has counted what came before it.
subtest 'whatever happens to orders' => sub {
	right('nothing sold');
	my $free = placed($event, some('free', 3));
	my $dear = placed($event, some('dear', 4), some('free'));
	right('just sold, one of them not paid');
	counted();
	right('and counted');
	is_status($t->pay($event, $dear), 201, 'paid');
	right('paid');
	my @tickets = map { $_->{id} } grep { $_->{ticket_type} =~ /dear/ || $_->{price} } @{ $http->get("/v1/events/$event->{id}/orders/$dear->{id}", token => $t->organizer_token)->json->{tickets} };
	is(@tickets, 4, 'four dear ones');
	is_status(act($event, $free, 'cancel', { tickets => [ $free->{tickets}[0]{id} ] }), 200, 'a ticket cancelled');
	right('a ticket cancelled');
	counted();
	right('and counted');
	my $swap = act($event, $dear, 'exchange', { tickets => [ { ticket => $tickets[0], ticket_type => 'dearer' } ] });
	is_status($swap, 200, 'exchanged for a dearer one');
	right('exchanged');
	my $split = act($event, $dear, 'split', { tickets => [ $tickets[1] ], contact => { name => 'Other', email => 'other@example.org' } });
	is_status($split, 201, 'split');
	right('split');
	counted();
	right('and counted');
	is_status(act($event, $free, 'cancel', {}), 200, 'all of an order cancelled');
	my $late = placed($event, some('dear'));
	right('another that waits');
	counted();
	is_status($t->pay($event, $late, amount => 5), 201, 'a part of it paid');
	right('a part paid');
	is_status($http->post("/v1/events/$event->{id}/sales", { items => [ some('dear', 2) ], payment => { kind => 'cash' } }, token => $t->organizer_token, key => uuid()), 201, 'sold at the counter');
	right('sold at the counter');
	counted();
	right('and counted');
	is_deeply([checked()], [], 'the check finds nothing');
};

subtest 'the check finds what is wrong' => sub {
	my ($order, $ticket) = $dbh->selectrow_array(q{SELECT order_id, id FROM boxoffice.ticket WHERE event_id = ? AND state = 'valid' AND price > 0 LIMIT 1}, undef, $event->{id});
	my $change = sub ($by) { $dbh->do('UPDATE boxoffice.ticket SET price = price + ? WHERE event_id = ? AND id = ?', undef, $by, $event->{id}, $ticket) };
	$change->(1);
	is_deeply([checked()], ["order $order"], 'a change that no message tells of');
	is(scalar(my @lines = wrong()), 2, 'which the view does not see');
	$dbh->do(q{SELECT boxoffice_code.outbox_add(?, 'order.changed', ?)}, undef, $event->{id}, $order);
	is_deeply([checked()], [], 'told of');
	right('told of');
	$change->(-1);
	right('and undone before it was counted');
	counted();
	right('and after');
	for my $table (qw(order_sum order_sum_day)) {
		$dbh->do("UPDATE boxoffice.$table SET tickets = tickets + 1 WHERE event_id = ?", undef, $event->{id});
		ok(scalar(grep { /^sums/ } checked()), "a sum that is not that of what was counted: $table");
		$dbh->do("UPDATE boxoffice.$table SET tickets = tickets - 1 WHERE event_id = ?", undef, $event->{id});
	}
	is_deeply([checked()], [], 'and nothing else');
};

subtest 'counted anew' => sub {
	# as after an upgrade: nothing is counted yet
	$dbh->do('DELETE FROM boxoffice.order_sum');
	$dbh->do('DELETE FROM boxoffice.order_sum_day');
	$dbh->do('UPDATE boxoffice.order_search SET counted = NULL');
	$dbh->do('UPDATE boxoffice.order_search_mark SET sums_from = DEFAULT');
	right('nothing counted');
	counted();
	right('counted anew');
	is_deeply([checked()], [], 'the check finds nothing');
};

subtest 'a trial that is removed' => sub {
	my $trial = $t->event(%catalogue, test => \1);
	placed($trial, some('free', 2));
	my $paid = placed($trial, some('dear'));
	is_status($t->pay($trial, $paid, kind => 'test'), 201, 'paid');
	counted();
	placed($trial, some('free', 2));
	right('a trial');
	is_status($http->post("/v1/events/$trial->{id}/pause", undef, token => $t->organizer_token, key => uuid()), 200, 'paused');
	my $a;
	for (1 .. 20) {
		$a = $http->post("/v1/events/$trial->{id}/go-live", undef, token => $t->organizer_token, key => uuid());
		last if $a->status != 503 && $a->status != 202;
	}
	is_status($a, 200, 'goes live');
	right('gone live');
	is($t->server->value('SELECT orders FROM report.event_summary WHERE event_id = ?', $trial->{id}), 0, 'nothing was sold');
	is($t->server->value('SELECT count(*) FROM report.sales_by_day WHERE event_id = ?', $trial->{id}), 0, 'on no day');
	counted();
	is_deeply([checked()], [], 'the check finds nothing');
};

subtest 'messages stay until they are counted' => sub {
	my $kept = $t->event(%catalogue);
	placed($kept, some('free'));
	counted();
	$dbh->begin_work;
	$dbh->do('SELECT FROM boxoffice.order_search_mark WHERE event_id = ? FOR NO KEY UPDATE', undef, $kept->{id});
	$dbh->do(q{SELECT boxoffice_code.outbox_add(?, 'order.changed', 1)}, undef, $kept->{id});
	$dbh->do(q{UPDATE boxoffice.outbox SET delivered_at = now() - interval '2 days' WHERE event_id = ?}, undef, $kept->{id});
	$dbh->do('SELECT boxoffice_code.sweep_outbox(?, 0, 1000)', undef, $kept->{id});
	is($t->server->value('SELECT count(*) FROM boxoffice.outbox WHERE event_id = ?', $kept->{id}), 1, 'delivered long ago, but not counted');
	$dbh->rollback;
};

subtest 'a long history' => sub {
	my $long = $t->event(%catalogue);
	my $read = sub ($view) {
		my @plan = map { values %$_ } map { $t->server->rows("EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM report.$view WHERE event_id = ?", $long->{id}) } 1 .. 2;
		my ($blocks) = map { /Buffers: shared hit=(\d+)/ ? $1 : () } @plan[ @plan / 2 .. $#plan ];
		return $blocks;
	};
	$dbh->do(q{
		INSERT INTO boxoffice.order (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, paid_at)
		SELECT ?, n::bigint << 30, n, translate('B' || lpad(n::text, 5, '0'), '01', 'ZY'), 'paid', 2150, 'EUR', false, 'web', '2026-01-01'::timestamptz + n * interval '1 min', '2026-01-01'::timestamptz + n * interval '1 min'
		  FROM generate_series(1, 20000) AS n}, undef, $long->{id});
	$dbh->do(q{
		INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
		SELECT b.event_id, b.id + 1, b.id, 1, y.id, s.id, 2000, 150, 'valid', b.code
		  FROM boxoffice.order AS b JOIN boxoffice.ticket_type AS y ON y.event_id = b.event_id AND y.key = 'dear' JOIN boxoffice.session AS s ON s.event_id = b.event_id AND s.key = 'fri'
		 WHERE b.event_id = ?}, undef, $long->{id});
	$dbh->do("ANALYZE boxoffice.$_") for qw("order" ticket);
	$dbh->do('UPDATE boxoffice.order_search_mark SET sums_from = DEFAULT WHERE event_id = ?', undef, $long->{id});
	right('a long history');
	counted();
	right('and counted');
	$dbh->do("VACUUM ANALYZE boxoffice.$_") for qw("order" ticket order_search order_search_mark order_sum order_sum_day outbox);
	cmp_ok($read->($_), '<', 300, "$_ reads few blocks") for qw(event_summary sales_by_day);
	$dbh->do("DELETE FROM boxoffice.$_ WHERE event_id = ?", undef, $long->{id}) for qw(ticket outbox "order" order_search order_sum order_sum_day);
};

$t->finish;
