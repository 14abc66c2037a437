# Orders, payments and tickets over HTTP: from the hold to the QR code, late money, cancelling.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;

sub path ($event, $order) { return "/v1/events/$event->{id}/orders/$order->{id}" }

sub look ($event, $order) {
	return $http->get(path($event, $order), secret => $order->{secret})->json;
}

sub stock ($event) {
	return $http->get("/v1/events/$event->{id}/stock", token => $t->organizer_token)->json->{items}[0];
}

sub cancel ($event, $order, $body, %o) {
	return $http->post(path($event, $order) . '/cancel', $body, key => uuid(), %o);
}

# A pending order of so many tickets.
sub pending ($event, $quantity = 1) {
	my $hold = $t->hold($event, quantity => $quantity);
	return $t->order($event, $hold->json)->json;
}

subtest 'a free order is paid at once' => sub {
	my $event = $t->event(capacity => 10);
	my $hold  = $t->hold($event, quantity => 2)->json;
	my $a     = $t->order($event, $hold, expected_total => 0);
	is_status($a, 201, 'ordered');
	my $order = $a->json;
	is($order->{status}, 'paid', 'and paid');
	is($order->{due}, 0, 'nothing is due');
	is(scalar @{ $order->{tickets} }, 2, 'two tickets');
	is($_->{state}, 'valid', 'valid') for @{ $order->{tickets} };
	my %codes = map { $_->{code} => 1 } @{ $order->{tickets} };
	is(scalar keys %codes, 2, 'with a code each');
	like($order->{code}, qr/^[A-HJ-NP-Z2-9]{3,8}-[A-HJ-NP-Z2-9]{6}$/, 'the order has a code people can read out');
	is_deeply([ @{ stock($event) }{qw(held pending sold)} ], [ 0, 0, 2 ], 'two are sold');
	is($http->get("/v1/events/$event->{id}/holds/$hold->{id}", secret => $hold->{secret})->json->{status}, 'ordered', 'the hold is ordered');
	is_problem($t->order($event, $hold), 409, 'hold_ordered', 'and cannot be ordered twice');
	is_problem($http->delete("/v1/events/$event->{id}/holds/$hold->{id}", secret => $hold->{secret}), 409, 'hold_ordered', 'nor given back');

	is_status($http->get("/v1/orders/$order->{code}", secret => $order->{secret}), 200, 'it is found by its code');
	is_status($http->get('/v1/orders/' . lc $order->{code}, secret => $order->{secret}), 200, '… in lower case too, as people type it');
	is_problem($http->get('/v1/orders/' . ($order->{code} =~ s/.\z/$_/r), secret => $order->{secret}), 404, 'not_found', "… but there is no $_ in a code") for qw(i o 1 0);
	is_problem($http->get("/v1/orders/$order->{code}"), 404, 'not_found', 'not without the secret');
	is_problem($http->get("/v1/orders/" . ($order->{code} =~ s/-.*/-ZZZZZZ/r), secret => $order->{secret}), 404, 'not_found', 'not under another code');
	is_problem($http->get(path($event, $order)), 404, 'not_found', 'the order needs its secret');
	is_problem($http->get(path($event, $order), secret => $hold->{secret}), 404, 'not_found', 'the hold\'s is another') if $hold->{secret} ne $order->{secret};
	is_status($http->get(path($event, $order), token => $t->organizer_token), 200, 'the organizer needs none');

	my $list = $http->get(path($event, $order) . '/tickets', secret => $order->{secret});
	is_status($list, 200, 'its tickets');
	is_deeply([ sort map { $_->{code} } @{ $list->json->{items} } ], [ sort keys %codes ], 'are the same');
	is_problem($http->get(path($event, $order) . '/tickets'), 404, 'not_found', 'need the secret');
	my $svg = $http->get(path($event, $order) . "/tickets/$order->{tickets}[0]{id}.svg", secret => $order->{secret});
	is_status($svg, 200, 'a QR code');
	is($svg->header('Content-Type'), 'image/svg+xml', 'as SVG');
	like($svg->body, qr/<svg[\s>].*<\/svg>\s*\z/s, 'drawn');
	like($svg->header('Cache-Control') // '', qr/no-store/, 'not stored');
	is_problem($http->get(path($event, $order) . "/tickets/$order->{tickets}[0]{id}.svg"), 404, 'not_found', 'not without the secret');
	is_problem($http->get(path($event, $order) . '/tickets/12345.svg', secret => $order->{secret}), 404, 'not_found', 'nor of a ticket that is none');
};

subtest 'a paid order' => sub {
	my $event = $t->event(capacity => 10, price => 2000, fee => 100);
	my $hold  = $t->hold($event, quantity => 2)->json;
	is_problem($t->order($event, $hold, expected_total => 4000), 409, 'price_changed', 'another total than was expected');
	is(stock($event)->{held}, 2, 'the places are still held');
	is_problem($t->order($event, { %$hold, secret => 'x' x 22 }), 404, 'not_found', 'a wrong secret');
	is_problem($t->order($event, { %$hold, id => next_id($hold->{id}) }), 404, 'not_found', 'an unknown hold');
	my $order = $t->order($event, $hold, expected_total => 4200)->json;
	is($order->{status}, 'pending', 'waits for its money');
	is($order->{due}, 4200, 'all of it');
	ok(!exists $order->{tickets}[0]{code}, 'its tickets have no code');
	is_problem($http->get(path($event, $order) . "/tickets/$order->{tickets}[0]{id}.svg", secret => $order->{secret}), 404, 'not_found', 'and no QR code');
	is_deeply([ @{ stock($event) }{qw(held pending sold)} ], [ 0, 2, 0 ], 'two are pending');

	is_problem($http->post(path($event, $order) . '/payments', { kind => 'manual', amount => 4200, method => 'cash' }, key => uuid(), secret => $order->{secret}),
		403, 'forbidden', 'the buyer records no cash') or 1;
	is_problem($t->pay($event, $order, kind => 'test'), 409, 'test_event_only', 'and no test money');
	my $some = $t->pay($event, $order, amount => 4000);
	is_status($some, 201, 'a part is recorded');
	is($some->json->{outcome}, 'partial', 'as a part');
	is($some->json->{order}{due}, 200, 'the rest is due');
	my $rest = $t->pay($event, $order, amount => 200, method => 'transfer', reference => 'R-1');
	is($rest->json->{outcome}, 'paid', 'the rest pays it');
	is(look($event, $order)->{status}, 'paid', 'paid');
	is($_->{state}, 'valid', 'a valid ticket') for @{ look($event, $order)->{tickets} };
	my $over = $t->pay($event, $order, amount => 300);
	is_status($over, 201, 'more money is recorded all the same');
	is($over->json->{outcome}, 'overpaid', 'as too much');
	is(look($event, $order)->{due}, -300, 'and owed back');
	is_problem(cancel($event, $order, {}, secret => $order->{secret}), 409, 'order_state', 'a buyer cancels no paid order') or 1;
};

# The simulation found it: the claim of a line that was dropped from the hold stays behind, released, and its type was
# looked for among the tickets: a payment was answered with 500.
subtest 'a hold that was changed before it was ordered' => sub {
	my $event = $t->event(price => 1000, ticket_types => [ map { { key => $_, name => $_, price => 1000, pools => ['house'] } } qw(red blue) ]);
	my $hold  = $t->hold($event, type => 'red')->json;
	my $path  = "/v1/events/$event->{id}/holds/$hold->{id}";
	is_status($http->patch($path, { items => [ { ticket_type => 'blue', quantity => 2 } ] }, secret => $hold->{secret}), 200, 'another type');
	my $order = $t->order($event, $hold)->json;
	is($order->{total}, 2000, 'ordered');
	my $paid = $t->pay($event, $order);
	is_status($paid, 201, 'and paid');
	is_deeply([ map { $_->{ticket_type} } @{ $paid->json->{order}{tickets} } ], [qw(blue blue)], 'for what was wanted last');
	is_status(cancel($event, $order, {}, token => $t->organizer_token), 200, 'and cancelled');
};

subtest 'cancelling' => sub {
	my $event = $t->event(capacity => 10, price => 1000);
	my $order = pending($event, 3);
	is_problem(cancel($event, $order, {}), 404, 'not_found', 'needs the secret');
	my $a = cancel($event, $order, {}, secret => $order->{secret});
	is_status($a, 200, 'a buyer cancels a pending order');
	is($a->json->{status}, 'cancelled', 'it says so');
	is_deeply([ @{ stock($event) }{qw(pending sold)} ], [ 0, 0 ], 'the places are free');
	my $late = $t->pay($event, $order, amount => 3000);
	is_status($late, 201, 'money that comes after is recorded');
	is($late->json->{outcome}, 'order_cancelled', 'as such');
	is(look($event, $order)->{due}, -3000, 'and owed back');

	my $paid = pending($event, 3);
	$t->pay($event, $paid);
	my @tickets = map { $_->{id} } @{ look($event, $paid)->{tickets} };
	my $one = cancel($event, $paid, { tickets => [ $tickets[0] ] }, token => $t->organizer_token);
	is_status($one, 200, 'the organizer cancels one ticket of a paid order');
	is_deeply({ map { $_->{id} => $_->{state} } @{ $one->json->{tickets} } },
		{ $tickets[0] => 'cancelled', map { $_ => 'valid' } @tickets[ 1, 2 ] }, 'that one');
	is($one->json->{total}, 2000, 'the total is that of the others');
	is($one->json->{due}, -1000, 'its price is owed back');
	is(stock($event)->{sold}, 2, 'its place is free');
	is_problem(cancel($event, $paid, { tickets => ['12345'] }, token => $t->organizer_token), 422, 'unknown_reference', 'a ticket that is none');
	is_status(cancel($event, $paid, {}, token => $t->organizer_token), 200, 'then all');
	is(look($event, $paid)->{status}, 'cancelled', 'cancelled');
	is(look($event, $paid)->{due}, -3000, 'all is owed back');
	is(stock($event)->{sold}, 0, 'nothing is sold');
	is_status($t->hold($event, quantity => 10), 201, 'and all can be had');
};

subtest 'an order expires, and its money comes late' => sub {
	my $event = $t->event(capacity => 2, price => 1000, payment_term => { minutes => 30 }, payment_grace_seconds => 3600, late_payment => \1);
	my $order = pending($event, 2);
	my $in = sub ($minutes) { $t->server->clock_offset($minutes * 60) };
	$in->(30.5);
	is($t->hold($event)->status, 409, 'past its deadline, in its grace, it keeps its places');
	my $paid = $t->pay($event, $order);
	is($paid->json->{outcome}, 'paid', 'and can be paid');
	is(look($event, $order)->{status}, 'paid', 'it is');

	$in->(0);
	my $second = $t->event(capacity => 2, price => 1000, payment_term => { minutes => 30 }, payment_grace_seconds => 60, late_payment => \1);
	my $late   = pending($second, 2);
	$in->(40);
	is($t->pay($second, $late)->json->{outcome}, 'paid', 'after the grace it can be paid while the places are free');
	$in->(0);
	my $third = $t->event(capacity => 2, price => 1000, payment_term => { minutes => 30 }, payment_grace_seconds => 60, late_payment => \1);
	my $gone  = pending($third, 2);
	$in->(40);
	is_status($t->hold($third, quantity => 1), 201, 'another takes a place');
	my $too_late = $t->pay($third, $gone);
	is_status($too_late, 201, 'the money is recorded');
	is($too_late->json->{outcome}, 'sold_out', 'but there are no two places');
	is(look($third, $gone)->{status}, 'expired', 'the order stays expired');
	is(look($third, $gone)->{due}, -2000, 'the money is owed back');
	$in->(0);
	my $strict = $t->event(capacity => 2, price => 1000, payment_term => { minutes => 30 }, payment_grace_seconds => 0, late_payment => \0);
	my $over   = pending($strict, 1);
	$in->(40);
	wait_until(sub { $t->server->value(q{SELECT status FROM boxoffice.order WHERE id = ?}, $over->{id}) eq 'expired' }, 'the worker expires it');
	is($t->pay($strict, $over)->json->{outcome}, 'order_expired', 'late money is not taken where the event says so');
	$in->(0);
};

subtest 'money comes late, and one of two sessions was cancelled meanwhile' => sub {
	my @days  = map { { key => "day$_", starts_at => rfc3339(time + 9e6 + 86400 * $_) } } 1, 2;
	my $event = $t->event(capacity => 2, price => 1000, sessions => \@days);
	my $items = [ map { { ticket_type => 'general', session => $_, quantity => 1 } } qw(day1 day2) ];
	my $order = $t->order($event, $t->hold($event, items => $items)->json)->json;
	$t->server->clock_offset(40 * 60);
	$t->server->dbh->do('SELECT boxoffice_code.expire_orders(?, 10)', undef, $event->{id});
	is_status($http->post("/v1/events/$event->{id}/sessions/day1/cancel", {}, token => $t->organizer_token), 200, 'called off');
	my $paid = $t->pay($event, $order);
	is_status($paid, 201, 'all of the money comes');
	is($paid->json->{outcome}, 'paid', 'and pays for what takes place');
	is_deeply([ @{ $paid->json->{order} }{qw(status total paid due)} ], [ 'paid', 1000, 2000, -1000 ], 'the rest of it is owed back');
	is_deeply([ map { $_->{state} } @{ $paid->json->{order}{tickets} } ], [qw(cancelled valid)], 'the ticket for the other day is valid');
	my $owed = $http->get("/v1/events/$event->{id}/owed", token => $t->organizer_token)->json;
	is_deeply([ @{$owed}{qw(orders amount)} ], [ 1, 1000 ], 'and stands among what is owed');
	$t->server->clock_offset(0);
};

subtest 'a test event confirms test money' => sub {
	my $event = $t->event(test => \1, price => 500);
	my $order = pending($event);
	ok($order->{test}, 'the order is marked');
	my $paid = $t->pay($event, $order, kind => 'test');
	is_status($paid, 201, 'paid with test money by its secret');
	is($paid->json->{outcome}, 'paid', 'paid');
	is($paid->json->{order}{tickets}[0]{state}, 'valid', 'valid');
	is_problem($http->post(path($event, $order) . '/payments', { kind => 'test' }, key => uuid()), 404, 'not_found', 'not without the secret');
};

subtest 'the limit per buyer counts the address' => sub {
	my $event = $t->event(buyer_limit => 2);
	my $order = sub ($quantity, $email) {
		$t->order($event, $t->hold($event, quantity => $quantity)->json, contact => { name => 'Ada', email => $email });
	};
	is_status($order->(2, 'ada@example.org'), 201, 'two of two');
	is_problem($order->(1, 'ADA@Example.org'), 422, 'buyer_limit', 'the same address in capitals');
	is_status($order->(1, 'bob@example.org'), 201, 'another address');
};

subtest 'an order whose time is over does not count for its address' => sub {
	my $event = $t->event(price => 1000, buyer_limit => 2, payment_term => { minutes => 30 }, payment_grace_seconds => 60, late_payment => \1);
	my $order = sub ($quantity) {
		$t->order($event, $t->hold($event, quantity => $quantity)->json, contact => { name => 'Ada', email => 'ada@example.org' });
	};
	my $first = $order->(2);
	is_status($first, 201, 'two of two');
	is_problem($order->(1), 422, 'buyer_limit', 'no more beside them');
	$t->server->clock_offset(32 * 60);
	is_status($order->(2), 201, 'nobody paid for them: two others');
	my $late = $t->pay($event, $first->json);
	is_status($late, 201, 'late money for the first is recorded');
	is($late->json->{outcome}, 'order_expired', 'and does not make four of two');
	is($late->json->{order}{due}, -2000, 'it is owed back');
	$t->server->clock_offset(0);
};

subtest 'what is wrong with a contact' => sub {
	my $event = $t->event;
	my $hold  = $t->hold($event)->json;
	for ([ 'no address', { name => 'Ada' }, '/contact/email' ], [ 'no name', { email => 'a@b.example' }, '/contact/name' ],
		[ 'no sign of an address', { name => 'Ada', email => 'ada' }, '/contact/email' ],
		[ 'a name over two lines', { name => "Ada\nBcc: x", email => 'a@b.example' }, '/contact/name' ],
		[ 'a member more', { name => 'Ada', email => 'a@b.example', age => 36 }, '/contact/age' ],
		[ 'an empty name', { name => '', email => 'a@b.example' }, '/contact/name' ]) {
		my ($name, $contact, $pointer) = @$_;
		my $a = $t->order($event, $hold, contact => $contact);
		is_problem($a, 400, 'invalid_request', $name);
		is_deeply([ map { $_->{pointer} } @{ $a->json->{errors} } ], [$pointer], 'named by pointer');
	}
	is_status($t->order($event, $hold, contact => { name => "Zo\x{eb} \x{1f3ab}", email => 'zoe@example.org' }), 201, 'any letters make a name');
};

subtest 'nobody sees the contact but who may' => sub {
	my $event = $t->event;
	my $order = $t->order($event, $t->hold($event)->json, contact => { name => 'Ada Secret', email => 'ada.secret@example.org' })->json;
	my $log = '';
	for my $file (glob $t->server->{prefix} . '/log/*.log ' . $t->server->{prefix} . '/log/nginx/*') { $log .= Boxoffice::Server::_slurp($file) }
	unlike($log, qr/ada\.secret|Ada Secret/i, 'not in the logs');
	unlike($log, qr/\Q$order->{secret}\E/, 'nor the secret');
};

$t->finish;
