# Finding orders: the list that the organizer's people have, its filters and its cursor.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

# What a page reads must not hang on when statistics were gathered.
my $t    = Boxoffice::Test->start(postgres => ['autovacuum = off']);
my $http = $t->http;

my $event = $t->event(capacity => 1000, sessions => [ map { { key => $_, starts_at => rfc3339(time + 30 * 86400) } } qw(fri sat) ],
	ticket_types => [ map { { key => $_->[0], name => $_->[0], price => $_->[1], pools => ['house'] } } [ free => 0 ], [ dear => 2000 ] ]);
my $path = "/v1/events/$event->{id}/orders";

sub list ($query = '', %o) { return $http->get($path . ($query && "?$query"), token => $o{token} // $t->organizer_token) }

# The codes of what a query finds, in order.
sub found ($query) {
	my $a = list($query);
	is_status($a, 200, $query || 'all');
	return [ map { $_->{code} } @{ $a->json->{items} } ];
}

# Buys; %o: type, session, quantity, name, email, holders. Gives the order.
sub buy (%o) {
	my $hold = $t->hold($event, items => [ { ticket_type => $o{type} // 'free', session => $o{session} // 'fri', quantity => $o{quantity} // 1 } ])->json;
	my $a = $http->post($path, { hold => $hold->{id}, secret => $hold->{secret},
		contact => { name => $o{name} // 'Ada Lovelace', email => $o{email} // 'ada@example.org' },
		$o{holders} ? (holders => $o{holders}) : () }, key => uuid());
	die $a->body if $a->status != 201;
	return $a->json;
}

my $ada   = buy(name => 'Ada Lovelace', email => 'Ada@Example.org', quantity => 2);
my $zoe   = buy(name => 'Zoë Müller-Škoda', email => 'zoe@example.org', session => 'sat');
my $wang  = buy(name => '王芳', email => 'wang@example.org', type => 'dear');
my $group = buy(name => 'Group Tours', email => 'tours@example.org', quantity => 2, session => 'sat',
	holders => [ { name => 'Grace Hopper', email => 'Grace@example.org' }, {} ]);

subtest 'all of them' => sub {
	my $a = list();
	is_status($a, 200, 'the list');
	is_deeply([ map { $_->{code} } @{ $a->json->{items} } ], [ map { $_->{code} } $group, $wang, $zoe, $ada ], 'the newest first');
	is($a->json->{next}, undef, 'and no more');
	my ($dear) = grep { $_->{id} eq $wang->{id} } @{ $a->json->{items} };
	is_deeply([ @$dear{qw(name email status tickets total paid due currency channel)} ],
		[ '王芳', 'wang@example.org', 'pending', 1, 2000, 0, 2000, 'EUR', 'web' ], 'what an order shows');
	like($a->header('Cache-Control'), qr/no-store/, 'and nobody keeps it');
	# once a list had whole seconds, so that nothing in it was the same as in the order, and +00:00 where that has Z
	is($dear->{placed_at}, $wang->{placed_at}, 'a time is written as the order itself writes it');
};

# Found before the worker has seen the orders, and after.
for my $when ('just sold', 'taken in by the worker') {
subtest "each filter: $when" => sub {
	wait_until(sub { $t->server->value('SELECT count(*) FROM boxoffice.order_search WHERE event_id = ?', $event->{id}) == 4 }, 'taken in') if $when ne 'just sold';
	my ($short) = $ada->{code} =~ /-(.*)/;
	is_deeply(found("code=$ada->{code}"), [ $ada->{code} ], 'the code');
	is_deeply(found('code=' . lc $short), [ $ada->{code} ], 'or its letters alone, in any case');
	is_deeply(found('code=NOSUCH'), [], 'another');
	is_deeply(found('email=aDA@example.ORG'), [ $ada->{code} ], 'an address, in any case');
	is_deeply(found('email=grace@example.org'), [ $group->{code} ], 'a holder\'s address');
	is_deeply(found('email=example.org'), [], 'a part of an address is none');
	is_deeply(found('name=lOVE'), [ $ada->{code} ], 'a part of a name');
	is_deeply(found('name=%C5%A0KODA'), [ $zoe->{code} ], 'with letters of other alphabets, in any case');
	is_deeply(found('name=%E7%8E%8B'), [ $wang->{code} ], 'one character');
	is_deeply(found('name=hopper'), [ $group->{code} ], 'a holder\'s name');
	is_deeply(found('name=%25'), [], 'a percent sign is a percent sign');
	is_deeply(found('session=sat'), [ map { $_->{code} } $group, $zoe ], 'a session by its key');
	my ($sat) = grep { $_->{key} eq 'sat' } @{ $http->get("/v1/organizers/" . $t->organizer . "/events/$event->{id}", token => $t->organizer_token)->json->{sessions} };
	is_deeply(found("session=$sat->{id}"), [ map { $_->{code} } $group, $zoe ], 'and by its id');
	is_deeply(found('channel=web&status=pending'), [ $wang->{code} ], 'channel and status');
	is_deeply(found('channel=phone'), [], 'another channel');
	is_deeply(found('test=true'), [], 'no trial');
	is(@{ found('test=false') }, 4, 'all are real');
	is_deeply(found('name=race&session=sat&status=paid'), [ $group->{code} ], 'several together');
	is(@{ found('changed_since=' . rfc3339(time - 3600)) }, 4, 'changed in the last hour');
	is(@{ found('changed_since=' . rfc3339(time + 3600)) }, 0, 'in the next');
};
}

# What a page looks at one by one is a thousand orders: what is older is found by the index, whatever lies between.
subtest 'among many' => sub {
	my $dbh  = $t->server->dbh;
	my $many = $t->event(capacity => 10);
	my $all  = "/v1/events/$many->{id}/orders";
	my $find = sub ($query) {
		my (@codes, $next, $pages);
		do {
			my $a = $http->get("$all?$query" . ($next ? "&cursor=$next" : ''), token => $t->organizer_token);
			is_status($a, 200, $query);
			push @codes, map { $_->{code} =~ /-(.*)/ } @{ $a->json->{items} };
			$next = $a->json->{next};
		} while ($next and ++$pages < 20);
		return \@codes;
	};
	$dbh->do(q{
		INSERT INTO boxoffice.order (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, expires_at, paid_at)
		SELECT e.id, (n::bigint << 30) + 5, n, translate('A' || lpad(n::text, 5, '0'), '01', 'ZY'), CASE n WHEN 17 THEN 'pending' ELSE 'paid' END, 0, 'EUR', false,
		       CASE WHEN n IN (3, 29999) THEN 'phone' ELSE 'web' END, '2026-01-01'::timestamptz + n * interval '1 min',
		       CASE n WHEN 17 THEN '2100-01-01'::timestamptz END, '2026-01-01'::timestamptz + n * interval '1 min'
		  FROM boxoffice.event e, generate_series(1, 30000) AS n WHERE e.id = ?}, undef, $many->{id});
	$dbh->do(q{
		INSERT INTO boxoffice.contact (event_id, order_id, name, email)
		SELECT event_id, id, CASE WHEN hold_id % 10000 = 1 THEN 'Rare Bird' WHEN hold_id BETWEEN 6000 AND 7999 THEN 'Past Master' ELSE 'Plain Person' END, 'p' || hold_id || '@example.org'
		  FROM boxoffice.order WHERE event_id = ?}, undef, $many->{id});
	# no message tells of these: the worker has to begin anew
	$dbh->do('DELETE FROM boxoffice.order_search_mark WHERE event_id = ?', undef, $many->{id});
	my $coded = sub ($list) { return [ map { tr/01/ZY/r } @$list ] };
	my @wanted = (
		[ 'name=rare', [qw(A20001 A10001 A00001)] ], [ 'name=are%20bi', [qw(A20001 A10001 A00001)] ], [ 'name=rare%20birds', [] ],
		[ 'email=P77@example.org', ['A00077'] ], [ 'channel=phone', [qw(A29999 A00003)] ], [ 'status=pending', ['A00017'] ],
		[ 'status=pending&channel=phone', [] ], [ 'status=expired', [] ], [ 'code=AZZ5ZZ&name=plain', ['A00500'] ], [ 'name=rare&limit=2', [qw(A20001 A10001 A00001)] ],
		[ 'changed_since=2026-01-21T19:59:00Z', [qw(A30000 A29999)] ], [ 'name=zz', [] ], [ 'name=bi', [qw(A20001 A10001 A00001)] ],
		[ 'name=B', [qw(A20001 A10001 A00001)] ], [ 'name=%C3%9F', [] ], [ 'name=z', [] ], [ 'name=rar&channel=web', [qw(A20001 A10001 A00001)] ],
	);
	is_deeply($find->($_->[0]), $coded->($_->[1]), "$_->[0], of old orders") for @wanted;
	wait_until(sub {
		$t->server->value('SELECT boxoffice_code.order_search_step(?)', $many->{id});
		($t->server->value('SELECT parts_from FROM boxoffice.order_search_mark WHERE event_id = ?', $many->{id}) // 1) == 0
	}, 'all are taken in', 60);
	is_deeply($find->($_->[0]), $coded->($_->[1]), $_->[0]) for @wanted;

	# What a page reads, in blocks, doesn't grow with what it looks for: one that has it all, that has few, that has none.
	$dbh->do("VACUUM ANALYZE boxoffice.$_") for qw("order" contact order_search);
	my $read = sub ($name) {
		my @plan = map { values %$_ } map { $t->server->rows(q{EXPLAIN (ANALYZE, BUFFERS) SELECT boxoffice_code.order_page(e, 0, 9223372036854775807, 50, NULL, NULL, NULL, NULL, ?, NULL)
			FROM boxoffice.event AS e WHERE e.id = ?}, $name, $many->{id}) } 1 .. 2;
		my ($blocks) = map { /Buffers: shared hit=(\d+)/ ? $1 : () } @plan[ @plan / 2 .. $#plan ];
		return $blocks;
	};
	for my $name (qw(plain l la), 'n p', qw(rare b bi birds z zz zzz), 'plain b') {
		my $blocks = $read->($name);
		cmp_ok($blocks, '<', 2000, "name=$name reads few blocks ($blocks)");
	}
	# How often the index is asked: what is rare was asked for in one span after the other, each wider.
	my $asked = sub ($name) {
		my $calls = q{SELECT COALESCE(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE funcname = 'order_candidates'};
		$dbh->begin_work;
		$dbh->do(q{SET LOCAL track_functions = 'all'});
		my $before = $t->server->value($calls);
		$t->server->value(q{SELECT boxoffice_code.order_page(e, 0, 9223372036854775807, 50, NULL, NULL, NULL, NULL, ?, NULL) FROM boxoffice.event AS e WHERE e.id = ?}, $name, $many->{id});
		my $asked = $t->server->value($calls) - $before;
		$dbh->rollback;
		return $asked;
	};
	is($asked->($_), 1, "name=$_ is asked of the index once") for qw(rare b zz);
	# What was common in the past is more than is asked for at once.
	my $past = $http->get("$all?name=past&limit=3", token => $t->organizer_token)->json;
	is_deeply([ map { $_->{code} =~ /-(.*)/ } @{ $past->{items} } ], $coded->([qw(A07999 A07998 A07997)]), 'a name that was common once');
	cmp_ok($asked->('past'), '>', 1, 'is found span by span');
	is($http->get("$all?name=$_", token => $t->organizer_token)->json->{next}, undef, "and the first page of name=$_ says that it is all") for qw(b zz zzz);

	# Rows of before there were keys for short parts: their orders are found one by one, until the worker has been by.
	# At one blow, as an upgrade does it: the worker would write anew what is half of before.
	$dbh->begin_work;
	$dbh->do('UPDATE boxoffice.order_search_mark SET parts_from = DEFAULT WHERE event_id = ?', undef, $many->{id});
	$dbh->do(q{UPDATE boxoffice.order_search AS s SET keys = ARRAY(SELECT k FROM unnest(s.keys) AS k WHERE k <> ALL (boxoffice_code.search_parts(s.event_id, '{rare bird}')))
		WHERE event_id = ?}, undef, $many->{id});
	$dbh->commit;
	is_deeply($find->('name=bi'), $coded->([qw(A20001 A10001 A00001)]), 'a short part, of rows of before');
	wait_until(sub {
		$t->server->value('SELECT boxoffice_code.order_search_step(?)', $many->{id});
		$t->server->value('SELECT parts_from FROM boxoffice.order_search_mark WHERE event_id = ?', $many->{id}) == 0
	}, 'they are written anew', 60);
	is_deeply($find->('name=bi'), $coded->([qw(A20001 A10001 A00001)]), 'and then');

	# what the worker has not seen is looked at, wherever it lies
	$dbh->do(q{UPDATE boxoffice.contact SET name = 'Rare Too' WHERE event_id = ? AND email = 'p5000@example.org'}, undef, $many->{id});
	$dbh->do(q{INSERT INTO boxoffice.outbox (event_id, id, topic, ref_id, created_at)
		SELECT ?, boxoffice_code.new_id(), 'order.paid', (5000::bigint << 30) + 5, now()}, undef, $many->{id});
	is_deeply($find->('name=rare'), $coded->([qw(A20001 A10001 A05000 A00001)]), 'a change of this instant');
	is_deeply($find->('changed_since=' . rfc3339(time - 600)), ['AZ5ZZZ'], 'and that it was one');
	wait_until(sub { !$t->server->value(q{SELECT count(*) FROM boxoffice.order_search_mark m JOIN boxoffice.outbox o ON o.event_id = m.event_id AND o.id > m.outbox_id WHERE m.event_id = ?}, $many->{id}) }, 'the worker comes by');
	is_deeply($find->('name=rare'), $coded->([qw(A20001 A10001 A05000 A00001)]), 'and then');
	is_deeply($find->('changed_since=' . rfc3339(time - 600)), ['AZ5ZZZ'], 'the same');
	$dbh->do('SET enable_seqscan = off');
	my $plan = join "\n", map { values %$_ } $t->server->rows(q{EXPLAIN SELECT order_id FROM boxoffice.order_search WHERE keys @> '{1,2}'});
	like($plan, qr/Bitmap Index Scan on order_search_keys_idx/, 'by the index');
	$dbh->do('RESET enable_seqscan');
	$dbh->do("DELETE FROM boxoffice.$_ WHERE event_id = ?", undef, $many->{id}) for qw(contact outbox "order" order_search order_sum order_sum_day);
};

subtest 'an event that is deleted' => sub {
	my $gone = $t->event;
	my $seen = sub { $t->server->value('SELECT count(*) FROM boxoffice.order_search_mark WHERE event_id = ?', $gone->{id}) };
	my $due  = sub { $t->server->value('SELECT count(*) FROM boxoffice_code.order_search_due() AS e (id) WHERE e.id = ?', $gone->{id}) };
	is_status($http->post("/v1/events/$gone->{id}/unpublish", undef, token => $t->organizer_token, key => uuid()), 200, 'a draft again');
	is_status($http->delete("/v1/events/$gone->{id}", token => $t->organizer_token), 200, 'deleted');
	ok($t->server->value('SELECT count(*) FROM boxoffice.outbox WHERE event_id = ?', $gone->{id}), 'its messages stay');
	is($due->(), 0, 'nothing is to be taken in');
	$t->server->value('SELECT boxoffice_code.order_search_step(?)', $gone->{id});
	is($seen->(), 0, 'and a worker that thought so before leaves no mark');
};

subtest 'pages, while orders come in' => sub {
	my (@seen, $next);
	do {
		my $a = list('limit=1' . ($next ? "&cursor=$next" : ''));
		is_status($a, 200, 'a page');
		push @seen, map { $_->{code} } @{ $a->json->{items} };
		$next = $a->json->{next};
		buy(name => 'Late Comer') if @seen == 2;
	} while ($next);
	is_deeply(\@seen, [ map { $_->{code} } $group, $wang, $zoe, $ada ], 'each of then once');
};

subtest 'who may' => sub {
	is_problem($http->get($path), 401, 'token_missing', 'not the public');
	is_problem(list('', token => $t->token('customer')), 403, 'forbidden', 'no customer');
	is_problem(list('', token => $t->token('scanner', org => $t->organizer)), 403, 'forbidden', 'no scanner');
	is_problem(list('', token => $t->token('organizer', org => next_id($t->organizer))), 404, 'not_found', 'not another organizer');
	is_problem(list('', token => $t->token('organizer', sub => 'stranger')), 404, 'not_found', 'nor one without');
	is_status(list('', token => $t->token('support')), 200, 'support looks');
	is_status(list('', token => $t->token('admin')), 200, 'and so does an administrator');
	$t->server->dbh->do("INSERT INTO boxoffice.member VALUES (?, 'box', 'box_office', now()), (?, 'door', 'scanner', now())", undef, ($t->organizer) x 2);
	is_status(list('', token => $t->token('organizer', sub => 'box')), 200, 'the box office');
	is_problem(list('', token => $t->token('organizer', sub => 'door')), 403, 'forbidden', 'not the door');
	is_problem($http->get('/v1/events/12345/orders', token => $t->organizer_token), 404, 'not_found', 'no such event');
};

subtest 'bad input' => sub {
	for my $query ('limit=0', 'limit=101', 'limit=x', 'cursor=%20', 'cursor=x-y', 'status=gone', 'channel=fax', 'test=maybe', 'changed_since=yesterday',
		'session=NO%20KEY', 'name=', 'email=', 'name=%00', 'name=%FF', 'code=' . 'A' x 21, 'name=' . 'a' x 201) {
		is_problem(list($query), 400, 'invalid_request', $query);
	}
	is_problem(list('colour=red'), 400, 'unknown_parameter', 'another parameter');
	is_problem(list('session=sun'), 422, 'unknown_reference', 'a session that is none');
	is_problem(list('session=123'), 422, 'unknown_reference', 'by id as well');
};

$t->finish;
