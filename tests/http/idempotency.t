# Idempotency-Key: the same question has one effect and one answer, however often and however it is asked.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use POSIX ();

my $t     = Boxoffice::Test->start;
my $http  = $t->http;
my $event = $t->event(capacity => 1000, test => \1, price => 700);
my $holds = "/v1/events/$event->{id}/holds";
my $one   = { items => [ { ticket_type => 'general', quantity => 1 } ] };

sub held { return $t->server->value('SELECT sum(held) FROM boxoffice.stock WHERE event_id = ?', $event->{id}) }

subtest 'a replay' => sub {
	my ($key, $before) = (uuid(), held());
	my $first  = $http->post($holds, $one, key => $key);
	my $second = $http->post($holds, $one, key => $key);
	is_status($_, 201, 'answered') for $first, $second;
	is($first->header('Idempotency-Replayed'), undef, 'the first is no replay');
	is($second->header('Idempotency-Replayed'), 'true', 'the second is');
	is_deeply([ @{ $second->json }{qw(id secret total expires_at)} ], [ @{ $first->json }{qw(id secret total expires_at)} ], 'with the same answer');
	is(held() - $before, 1, 'and one effect');
	is_status($http->post($holds, $one, key => uuid()), 201, 'another key is another question');
	is(held() - $before, 2, 'with an effect');
};

subtest 'the same body written otherwise' => sub {
	my $key = uuid();
	is_status($http->post($holds, $one, key => $key), 201, 'asked');
	my $again = $http->request(POST => $holds, key => $key, body => ' { "items" : [ {"quantity":1, "ticket_type":"general"} ] } ');
	ok($again->status == 201 && $again->header('Idempotency-Replayed') || $again->code eq 'idempotency_mismatch',
		'is either the same or said to be another');
};

subtest 'another body with the same key' => sub {
	my ($key, $before) = (uuid(), held());
	is_status($http->post($holds, $one, key => $key), 201, 'asked for one');
	is_problem($http->post($holds, { items => [ { ticket_type => 'general', quantity => 2 } ] }, key => $key), 422, 'idempotency_mismatch', 'then for two');
	is(held() - $before, 1, 'and got one');
};

subtest 'whose key it is' => sub {
	my ($key, $alice, $bob) = ('my-key', map { $t->token('customer', sub => $_) } qw(alice bob));
	my ($a, $b) = map { $http->post($holds, $one, key => $key, token => $_) } $alice, $bob;
	is_status($_, 201, 'asked') for $a, $b;
	isnt($a->json->{id}, $b->json->{id}, 'two callers, two holds');
	is($http->post($holds, $one, key => $key, token => $alice)->json->{id}, $a->json->{id}, 'each gets his own again');
	my $other = $t->event;
	my $c = $http->post("/v1/events/$other->{id}/holds", $one, key => $key, token => $alice);
	is_status($c, 201, 'another event is another question');
	is($c->header('Idempotency-Replayed'), undef, 'no replay');
};

subtest 'one key on two routes' => sub {
	my $alice = $t->token('customer', sub => 'alice');
	my $hold  = $http->post($holds, $one, key => 'for all', token => $alice)->json;
	my $order = $t->order($event, $hold, key => 'for all', token => $alice);
	is_status($order, 201, 'an order with the key of its hold is another question');
	is($order->header('Idempotency-Replayed'), undef, 'no replay');
	my $path = "$holds/" . $http->post($holds, $one, token => $alice)->json->{id} . '/extend';
	is_status($http->post($path, undef, key => 'for all', token => $alice), 200, 'so is more time');
	is($http->post($holds, $one, key => 'for all', token => $alice)->json->{id}, $hold->{id}, 'and the first is still known');
};

subtest 'one key, two bodies at once' => sub {
	my $two = { items => [ { ticket_type => 'general', quantity => 2 } ] };
	for my $round (1 .. 3) {
		my ($key, $before) = (uuid(), held());
		my @answers = $http->all(map { [ POST => $holds, { json => $_ % 2 ? $one : $two, key => $key } ] } 1 .. 20);
		my %ids = map { $_->json->{id} => $_->json->{items}[0]{quantity} } grep { $_->status == 201 } @answers;
		is(scalar keys %ids, 1, 'one hold') or diag explain \%ids;
		is_deeply([ grep { !/^(201 |409 idempotency_running|422 idempotency_mismatch)$/ } map { $_->status . ' ' . $_->code } @answers ], [], 'who came second is told which');
		my ($quantity) = values %ids;
		is(held() - $before, $quantity, 'one effect');
		is_deeply([ grep { $answers[$_]->status == 201 && ($_ % 2 ? 2 : 1) != $quantity } 0 .. $#answers ], [], 'nobody gets what he did not ask for');
	}
	my $admin = $t->token('admin');
	my $key   = uuid();
	my @made  = $http->all(map { [ POST => '/v1/organizers', { json => { slug => 'rival-' . $_ % 2, name => 'R' }, key => $key, token => $admin } ] } 1 .. 6);
	my %ids   = map { $_->json->{id} => 1 } grep { $_->status == 201 } @made;
	is(scalar keys %ids, 1, 'nor outside a lane');
	is_deeply([ grep { !/^(201 |409 idempotency_running|422 idempotency_mismatch)$/ } map { $_->status . ' ' . $_->code } @made ], [], 'whose answers are the same kinds');
};

subtest 'keys that are none' => sub {
	my $bad = $http->post($holds, $one, key => 'abc');
	is_problem($bad, 400, 'idempotency_key', 'a caller without a token must use a UUID');
	is_deeply($bad->json->{errors}, [ { code => 'idempotency_key', parameter => 'Idempotency-Key' } ], 'a header is a parameter, no place in the body');
	is_status($http->post($holds, $one, key => uc uuid()), 201, 'in any case');
	my $alice = $t->token('customer', sub => 'alice');
	is_problem($http->post($holds, $one, key => 'a' x 201, token => $alice), 400, 'idempotency_key', '201 characters');
	is_status($http->post($holds, $one, key => 'b' x 200, token => $alice), 201, '200 characters');
	is_problem($http->post($holds, $one, key => '', token => $alice), 400, 'idempotency_key', 'an empty one');
	is_problem($http->post($holds, $one, key => "k\xc3\xa9y", token => $alice), 400, 'idempotency_key', 'one with an accent');
	is_problem($http->post($holds, $one, headers => [ 'Idempotency-Key' => uuid(), 'Idempotency-Key' => uuid() ]), 400, 'bad_request', 'two of them');
	my $hold = $http->post($holds, $one)->json;
	my $body = { hold => $hold->{id}, secret => $hold->{secret}, contact => { name => 'A', email => 'a@example.org' } };
	is_problem($http->post("/v1/events/$event->{id}/orders", $body), 400, 'idempotency_key', 'an order needs one');
	my $order = $t->order($event, $hold)->json;
	is_problem($http->post("/v1/events/$event->{id}/orders/$order->{id}/payments", { kind => 'test' }, secret => $order->{secret}),
		400, 'idempotency_key', 'a payment, too');
};

subtest 'orders and payments' => sub {
	my $hold = $http->post($holds, $one)->json;
	my ($okey, $pkey) = (uuid(), uuid());
	my @orders = map { $t->order($event, $hold, key => $okey) } 1, 2;
	is_status($_, 201, 'ordered') for @orders;
	is($orders[1]->header('Idempotency-Replayed'), 'true', 'the second is a replay');
	is($orders[0]->json->{id}, $orders[1]->json->{id}, 'of one order');
	is($orders[0]->json->{secret}, $orders[1]->json->{secret}, 'with its secret');
	my $order = $orders[0]->json;
	my @payments = map { $t->pay($event, $order, kind => 'test', key => $pkey) } 1, 2;
	is_status($_, 201, 'paid') for @payments;
	is($payments[0]->json->{id}, $payments[1]->json->{id}, 'once');
	is($t->server->value('SELECT sum(amount) FROM boxoffice.payment WHERE event_id = ? AND order_id = ?', $event->{id}, $order->{id}), 700, 'the books agree');
	my $again = $t->order($event, $hold, key => $okey);
	is($again->json->{status}, 'paid', 'a replay shows the order as it is') if $again->status == 201;
};

subtest 'a refusal is not kept' => sub {
	my $small = $t->event(capacity => 1);
	my $url   = "/v1/events/$small->{id}/holds";
	my $hold  = $http->post($url, $one)->json;
	my $key   = uuid();
	is_problem($http->post($url, $one, key => $key), 409, 'all_held', 'refused');
	$http->delete("$url/$hold->{id}", secret => $hold->{secret});
	is_status($http->post($url, $one, key => $key), 201, 'the same question is decided anew');
};

subtest 'many at once with one key' => sub {
	for my $round (1 .. 3) {
		my ($key, $before) = (uuid(), held());
		my @answers = $http->all(map { [ POST => $holds, { json => $one, key => $key } ] } 1 .. 20);
		my (%ids, %status);
		for (@answers) { $status{ $_->status . ' ' . $_->code }++; $ids{ $_->json->{id} }++ if $_->status == 201 }
		is(scalar keys %ids, 1, 'one hold') or diag explain \%ids;
		is_deeply([ grep { !/^(201 |409 idempotency_running)$/ } keys %status ], [], 'all got it, or are told to wait');
		is(held() - $before, 1, 'one effect');
	}
	my $hold = $http->post($holds, $one)->json;
	my $body = { hold => $hold->{id}, secret => $hold->{secret}, contact => { name => 'A', email => 'a@example.org' } };
	my $key  = uuid();
	my @orders = $http->all(map { [ POST => "/v1/events/$event->{id}/orders", { json => $body, key => $key } ] } 1 .. 10);
	my %ids = map { $_->json->{id} => 1 } grep { $_->status == 201 } @orders;
	is(scalar keys %ids, 1, 'one order');
	my @rivals = $http->all(map { [ POST => "/v1/events/$event->{id}/orders", { json => $body, key => uuid() } ] } 1 .. 10);
	is_problem($_, 409, 'hold_ordered', 'another key gets no second') for @rivals;
	my ($order) = map { $_->json } grep { $_->status == 201 } @orders;
	$key = uuid();
	my @paid = $http->all(map { [ POST => "/v1/events/$event->{id}/orders/$order->{id}/payments", { json => { kind => 'test' }, key => $key, secret => $order->{secret} } ] } 1 .. 10);
	my %payments = map { $_->json->{id} => 1 } grep { $_->status == 201 } @paid;
	is(scalar keys %payments, 1, 'one payment');
};

subtest 'outside a lane' => sub {
	my ($key, $admin) = (uuid(), $t->token('admin'));
	my $body = { slug => 'once-only', name => 'Once' };
	my @made = map { $http->post('/v1/organizers', $body, key => $key, token => $admin) } 1, 2;
	is_status($_, 201, 'made') for @made;
	is($made[0]->json->{id}, $made[1]->json->{id}, 'one organizer');
	is($made[1]->header('Idempotency-Replayed'), 'true', 'the second is a replay');
	is_problem($http->post('/v1/organizers', { %$body, name => 'Other' }, key => $key, token => $admin), 422, 'idempotency_mismatch', 'another body');
	is_problem($http->post('/v1/organizers', $body, key => uuid(), token => $admin), 409, 'already_exists', 'another key, the same slug');
	my $document = $t->document;
	my $ekey = uuid();
	my $path = '/v1/organizers/' . $t->organizer . '/events';
	my @events = $http->all(map { [ POST => $path, { json => $document, key => $ekey, token => $t->token('organizer', sub => 'one', org => $t->organizer) } ] } 1 .. 5);
	my %ids = map { $_->json->{id} => 1 } grep { $_->status == 201 } @events;
	is(scalar keys %ids, 1, 'one event of five at once');
	is_deeply([ grep { !/^(201 |409 idempotency_running)$/ } map { $_->status . ' ' . $_->code } @events ], [], 'the others have it, or are told to wait');
};

# Statements are planned for tables that will be large. One that was analysed while we waited was planned by its size of then,
# and that plan was kept.
subtest 'a table that is analysed while a call waits' => sub {
	my $other = $t->event;
	my $dba   = $t->server->connect;
	$dba->begin_work;
	$dba->do('SELECT FROM boxoffice.inventory_group WHERE event_id = ? FOR UPDATE', undef, $other->{id});
	my $pid = open(my $told, '-|') // die "fork: $!\n";
	if (!$pid) {
		my $buyer = $t->server->connect;
		my $hold  = sub ($of) { $buyer->do(q{SELECT api.hold_create(event => ?, items => '[{"ticket_type": "general", "quantity": 1}]', idempotency_key => ?)}, undef, $of->{id}, uuid()) };
		my $walks = sub { ($buyer->selectrow_array(q{SELECT pg_catalog.pg_stat_get_xact_numscans('boxoffice.idempotency'::regclass)}))[0] };
		STDOUT->autoflush;
		say $buyer->{pg_pid};
		$hold->($event);
		$buyer->begin_work;
		my $before = $walks->();
		$hold->($other);
		say $walks->() - $before;
		POSIX::_exit(0);
	}
	chomp(my $backend = <$told> // '');
	wait_until(sub { $t->server->value(q{SELECT count(*) FROM pg_stat_activity WHERE pid = ? AND wait_event_type = 'Lock'}, $backend) }, 'a call waits');
	$dba->do('ANALYZE boxoffice.idempotency');
	$dba->commit;
	chomp(my $walked = <$told> // 'no answer');
	is($walked, 0, 'it finds its key by the index all the same');
	close $told;
};

subtest 'nothing personal is kept with a key' => sub {
	my $hold = $http->post($holds, $one)->json;
	$t->order($event, $hold, contact => { name => 'Grace Private', email => 'grace.private@example.org' });
	is($t->server->value("SELECT count(*) FROM boxoffice.idempotency WHERE answer ~* 'grace.private'"), 0, 'not in a stored answer');
	is($t->server->value("SELECT count(*) FROM boxoffice.outbox o WHERE o::text ~* 'grace.private'"), 0, 'nor in the outbox');
};

$t->finish;
