# What staff do to orders over HTTP: approve, deny, give more time, exchange tickets, split.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;

sub path ($event, $order) { return "/v1/events/$event->{id}/orders/$order->{id}" }

# An act of staff, unless %o says by whom.
sub act ($event, $order, $what, $body = undef, %o) {
	my %who = exists $o{token} || exists $o{secret} ? () : (token => $t->organizer_token);
	return $http->post(path($event, $order) . "/$what", $body, key => uuid(), %who, map { defined $o{$_} ? ($_ => $o{$_}) : () } keys %o);
}

sub look ($event, $order) { return $http->get(path($event, $order), secret => $order->{secret})->json }

sub placed ($event, %o) { return $t->order($event, $t->hold($event, %o)->json)->json }

# Nobody but the organizer's people, and of them only those of this one.
sub only_staff ($event, $order, $what, $body) {
	is_problem(act($event, $order, $what, $body, token => undef), 401, 'token_missing', "$what: nobody");
	is_problem(act($event, $order, $what, $body, token => $t->token('customer')), 403, 'forbidden', "$what: no customer");
	is_problem(act($event, $order, $what, $body, token => $t->token('support')), 403, 'forbidden', "$what: no support");
	is_problem(act($event, $order, $what, $body, token => $t->token('organizer', org => '12345')), 404, 'not_found', "$what: no other organizer");
	is_problem(act($event, { id => next_id($order->{id}) }, $what, $body), 404, 'not_found', "$what: an order that is none");
	return;
}

subtest 'approval' => sub {
	my $event = $t->event(price => 1000, capacity => 4, approval => \1);
	my $order = placed($event, quantity => 2);
	is($order->{status}, 'approval', 'it waits');
	ok($order->{expires_at}, 'until a time');
	only_staff($event, $order, 'approve', undef);
	my $a = act($event, $order, 'approve');
	is_status($a, 200, 'approved');
	is($a->json->{status}, 'pending', 'it is to be paid');
	ok(!exists $a->json->{secret}, 'staff are not given the secret');
	is_problem(act($event, $order, 'approve'), 409, 'order_state', 'once');
	is($t->pay($event, $order)->json->{outcome}, 'paid', 'and is');

	my $other = placed($event);
	only_staff($event, $other, 'deny', { reason => 'x' });
	is_problem(act($event, $other, 'deny', {}), 400, 'invalid_request', 'a denial has a reason');
	is_problem(act($event, $other, 'deny', { reason => '' }), 400, 'invalid_request', 'not an empty one');
	my $key = uuid();
	is_status(act($event, $other, 'deny', { reason => 'no member' }, key => $key), 200, 'denied');
	is(look($event, $other)->{status}, 'cancelled', 'it is cancelled');
	my $again = act($event, $other, 'deny', { reason => 'no member' }, key => $key);
	is_status($again, 200, 'the same key');
	is($again->header('Idempotency-Replayed'), 'true', 'is the same denial');
	ok(!exists $again->json->{secret}, 'still without the secret');
	is_problem(act($event, $other, 'deny', { reason => 'no member' }), 409, 'order_state', 'once');

	my $gone = placed($event);
	is_status(act($event, $gone, 'cancel', {}, secret => $gone->{secret}), 200, 'a buyer may give up');
};

subtest 'more time' => sub {
	my $event = $t->event(price => 1000, capacity => 1, payment_grace_seconds => 0);
	my $order = placed($event);
	only_staff($event, $order, 'extend', { until => rfc3339(time + 86400) });
	my $until = rfc3339(time + 86400);
	my $a     = act($event, $order, 'extend', { until => $until });
	is_status($a, 200, 'extended');
	is_problem(act($event, $order, 'extend', { until => 'tomorrow' }), 400, 'invalid_request', 'to no time');
	is_problem(act($event, $order, 'extend', { until => rfc3339(time - 5) }), 422, 'invalid_document', 'to the past');
	is_problem(act($event, $order, 'extend', { until => rfc3339(time + 86400 * 40) }), 422, 'extend_limit', 'past the session');
	$t->server->clock_offset(2 * 86400);
	is_status($t->hold($event), 201, 'when that is over another has the place');
	is_problem(act($event, $order, 'extend', { until => rfc3339(time + 86400 * 3) }), 409, 'sold_out', 'and it can not be had again');
	$t->server->clock_offset(0);
};

subtest 'exchange' => sub {
	my @sessions = map { { key => $_->[0], starts_at => rfc3339(time + $_->[1] * 86400), ends_at => rfc3339(time + $_->[1] * 86400 + 7200) } } [ early => 10 ], [ late => 20 ];
	my $event = $t->event(capacity => 1, price => 1000, sessions => \@sessions,
		ticket_types => [ map { { key => $_->[0], name => $_->[0], price => $_->[1], pools => ['house'] } } [ general => 1000 ], [ better => 1500 ] ]);
	my $order = $t->order($event, $t->hold($event, items => [ map { { ticket_type => 'general', session => $_, quantity => 1 } } qw(early late) ])->json)->json;
	$t->pay($event, $order);
	my @before  = @{ look($event, $order)->{tickets} };
	my @tickets = map { $_->{id} } @before;
	my $swap = { tickets => [ { ticket => $tickets[0], session => 'late' }, { ticket => $tickets[1], session => 'early' } ], expected_total => 2000 };
	only_staff($event, $order, 'exchange', $swap);
	is_problem(act($event, $order, 'exchange', $swap, secret => $order->{secret}), 401, 'token_missing', 'not by its buyer');
	is_problem($http->post(path($event, $order) . '/exchange', $swap, token => $t->organizer_token), 400, 'idempotency_key', 'a key is required');
	is_problem(act($event, $order, 'exchange', { tickets => [ $swap->{tickets}[0] ] }), 409, 'sold_out', 'the other session is full');
	my $key = uuid();
	my $a   = act($event, $order, 'exchange', $swap, key => $key);
	is_status($a, 200, 'but two change places');
	is_deeply([ map { [ @$_{qw(id session state)} ] } @{ $a->json->{tickets} } ], [ [ $tickets[0], 'late', 'valid' ], [ $tickets[1], 'early', 'valid' ] ], 'each has the other\'s');
	isnt($a->json->{tickets}[$_]{code}, $before[$_]{code}, 'with a new code') for 0, 1;
	is(act($event, $order, 'exchange', $swap, key => $key)->header('Idempotency-Replayed'), 'true', 'the same key is the same exchange');
	my $up = act($event, $order, 'exchange', { tickets => [ { ticket => $tickets[0], ticket_type => 'better' } ], expected_total => 2500 });
	is_status($up, 200, 'an upgrade');
	is_deeply([ @{ $up->json }{qw(status total paid due)} ], [ 'pending', 2500, 2000, 500 ], 'costs more: the difference is due');
	is($t->pay($event, $order, amount => 500)->json->{outcome}, 'paid', 'and paid');
	my $down = act($event, $order, 'exchange', { tickets => [ { ticket => $tickets[0], ticket_type => 'general' } ] });
	is_deeply([ @{ $down->json }{qw(status due)} ], [ 'paid', -500 ], 'back again it is owed back');
	is_problem(act($event, $order, 'exchange', { tickets => [ { ticket => $tickets[0], ticket_type => 'better' } ], expected_total => 1 }), 409, 'price_changed', 'another total');
	for ([ 'no tickets', {}, '/tickets' ], [ 'none', { tickets => [] }, '/tickets' ], [ 'no ticket', { tickets => [ { session => 'late' } ] }, '/tickets/0/ticket' ],
		[ 'a number', { tickets => [ { ticket => 'x', session => 'late' } ] }, '/tickets/0/ticket' ], [ 'a seat', { tickets => [ { ticket => '1', seat => 'A1' } ] }, '/tickets/0/seat' ]) {
		my ($name, $body, $pointer) = @$_;
		my $bad = act($event, $order, 'exchange', $body);
		is_problem($bad, 400, 'invalid_request', $name);
		is_deeply([ map { $_->{pointer} } @{ $bad->json->{errors} } ], [$pointer], 'named by pointer');
	}
	is_problem(act($event, $order, 'exchange', { tickets => [ { ticket => '12345', session => 'late' } ] }), 422, 'unknown_reference', 'a ticket that is none');
	is_problem(act($event, $order, 'exchange', { tickets => [ { ticket => $tickets[0] } ] }), 422, 'invalid_document', 'for nothing');
};

subtest 'exchange of what belongs together' => sub {
	my @sessions = map { { key => $_->[0], starts_at => rfc3339(time + $_->[1] * 86400), ends_at => rfc3339(time + $_->[1] * 86400 + 7200) } } [ early => 10 ], [ late => 20 ];
	my $event = $t->event(price => 1000, sessions => \@sessions,
		pools        => [ map { { key => $_->[0], name => $_->[0], scope => 'session', capacity => $_->[1] } } [ house => 4 ], [ tour => 1 ], [ bar => 4 ] ],
		ticket_types => [
			{ key => 'day',   name => 'Day',   price => 1000, pools => ['house'] },
			{ key => 'tour',  name => 'Tour',  price => 300,  pools => ['tour'], kind => 'addon', sold_alone => \0, addon_to => [ { ticket_type => 'day' } ] },
			{ key => 'drink', name => 'Drink', price => 400,  pools => ['bar'] },
			{ key => 'night', name => 'Night', price => 2000, pools => ['house'], bundle => [ { ticket_type => 'drink', quantity => 2, share_ppm => 500000 } ] },
		]);
	my $items = [ { ticket_type => 'day', session => 'early', quantity => 1, addons => [ { ticket_type => 'tour', quantity => 1 } ] }, { ticket_type => 'night', session => 'early', quantity => 1 } ];
	my $order = $t->order($event, $t->hold($event, items => $items)->json)->json;
	my %id;
	push @{ $id{ $_->{ticket_type} } }, $_->{id} for @{ $order->{tickets} };
	my $where = sub ($answer) { return { map { $_->{id} => $_->{session} } @{ $answer->json->{tickets} } } };
	my $along = act($event, $order, 'exchange', { tickets => [ map { { ticket => $id{$_}[0], session => 'late' } } qw(day night) ] });
	is_status($along, 200, 'to another session');
	is_deeply([ sort values %{ $where->($along) } ], [ ('late') x 5 ], 'go add-on and bundle');
	is_problem(act($event, $order, 'exchange', { tickets => [ { ticket => $id{drink}[0], session => 'early' } ] }), 409, 'order_state', 'a part of a bundle does not go alone');
	is_problem(act($event, $order, 'exchange', { tickets => [ { ticket => $id{tour}[0], session => 'early' } ] }), 422, 'invalid_document', 'nor does an add-on to another session');
	is_problem(act($event, $order, 'exchange', { tickets => [ { ticket => $id{tour}[0], ticket_type => 'drink' } ] }), 422, 'unknown_reference', 'nor for what is none');
	is_status($t->order($event, $t->hold($event, items => [ $items->[0] ])->json), 201, 'another has the early tour');
	my $full = act($event, $order, 'exchange', { tickets => [ { ticket => $id{day}[0], session => 'early' } ] });
	is_problem($full, 409, 'all_held', 'there is no tour to go along');
	is($full->json->{errors}[0]{ticket}, $id{tour}[0], 'which is told');
	my $plain = act($event, $order, 'exchange', { tickets => [ { ticket => $id{night}[0], ticket_type => 'day' } ] });
	my $has   = sub ($answer) { return join ' ', map { "$_->{ticket_type} $_->{state}" } @{ $answer->json->{tickets} } };
	is($has->($plain), 'day reserved day reserved tour reserved drink cancelled drink cancelled', 'a bundle becomes a ticket that is none: its parts are cancelled');
	is($plain->json->{total}, 2300, '… which is all that it costs');
	my $night = { tickets => [ { ticket => $id{night}[0], ticket_type => 'night' } ] };
	my $bar   = $t->hold($event, items => [ { ticket_type => 'drink', session => 'late', quantity => 3 } ])->json;
	my $dry   = act($event, $order, 'exchange', $night);
	is_problem($dry, 409, 'all_held', 'back again it needs what its parts need');
	is($dry->json->{errors}[0]{ticket_type}, 'drink', '… of which the first that cannot be had is told');
	is_status($http->delete("/v1/events/$event->{id}/holds/$bar->{id}", secret => $bar->{secret}), 200, 'it can be had');
	my $again = act($event, $order, 'exchange', $night);
	is($has->($again), 'day reserved night reserved tour reserved drink cancelled drink cancelled drink reserved drink reserved', 'so the parts are made anew');
	is($again->json->{total}, 3300, '… for the price of the bundle');
};

subtest 'split' => sub {
	my $event = $t->event(capacity => 10, price => 1000, fee => 100);
	my $order = placed($event, quantity => 2);
	$t->pay($event, $order);
	my ($stays, $goes) = @{ look($event, $order)->{tickets} };
	my $body = { tickets => [ $goes->{id} ], contact => { name => 'Grace', email => 'grace@example.org' } };
	only_staff($event, $order, 'split', $body);
	is_problem(act($event, $order, 'split', $body, secret => $order->{secret}), 401, 'token_missing', 'not by its buyer');
	is_problem($http->post(path($event, $order) . '/split', $body, token => $t->organizer_token), 400, 'idempotency_key', 'a key is required');
	my $key = uuid();
	my $a   = act($event, $order, 'split', $body, key => $key);
	is_status($a, 201, 'split');
	my ($old, $new) = @{ $a->json }{qw(order split)};
	is_deeply([ map { [ @$_{qw(status total paid due)} ] } $old, $new ], [ [ 'paid', 1100, 1100, 0 ], [ 'paid', 1100, 1100, 0 ] ], 'two paid orders');
	is($old->{tickets}[0]{code}, $stays->{code}, 'the one that stays is as it was');
	is($new->{tickets}[0]{id}, $goes->{id}, 'the other is in the new order');
	isnt($new->{tickets}[0]{code}, $goes->{code}, 'with a new code');
	isnt($new->{code}, $old->{code}, 'which has a code of its own');
	is_status($http->get(path($event, $new), secret => $new->{secret}), 200, 'and a secret');
	is_problem($http->get(path($event, $new), secret => $order->{secret}), 404, 'not_found', 'the old one does not open it');
	is($new->{contact}{name}, 'Grace', 'and is hers');
	my $again = act($event, $order, 'split', $body, key => $key);
	is_status($again, 201, 'the same key');
	is_deeply($again->json, $a->json, 'is the same split');
	is_problem(act($event, $order, 'split', { tickets => [ $stays->{id} ] }), 422, 'invalid_document', 'the last ticket stays');
	is_problem(act($event, $order, 'split', { tickets => [ $goes->{id} ] }), 422, 'unknown_reference', 'what is gone is gone');
	is_problem(act($event, $order, 'split', { tickets => [] }), 400, 'invalid_request', 'nothing');
	# exchange said so, split and cancel took it for one
	for my $what (qw(split cancel)) {
		my $twice = act($event, $order, $what, { tickets => [ ($stays->{id}) x 2 ] });
		is_problem($twice, 422, 'invalid_document', "$what: a ticket twice");
		is_deeply(faults_of($twice), ['invalid_document at /tickets/1'], '… which');
	}
	is_problem(act($event, $order, 'split', { tickets => [ $stays->{id} ], contact => { name => 'x' } }), 400, 'invalid_request', 'half a contact');
};

subtest 'contact and holders' => sub {
	my $event = $t->event(price => 1000);
	my $order = placed($event, quantity => 2);
	my $patch = sub ($what, $body, %o) { return $http->patch(path($event, $order) . "/$what", $body, %o) };
	my @buyer = (secret => $order->{secret});
	is_problem($patch->('contact', { name => 'Eve' }), 404, 'not_found', 'a stranger changes nothing');
	is_problem($patch->('contact', { name => 'Eve' }, token => $t->token('support')), 403, 'forbidden', 'nor does support');
	is_problem($patch->('contact', { name => 'Eve' }, token => $t->token('organizer', org => '12345')), 404, 'not_found', 'nor another organizer');
	my $a = $patch->('contact', { name => 'Ada L.', phone => '+44 20 7946' }, @buyer);
	is_status($a, 200, 'the buyer does');
	is_deeply([ @{ $a->json->{contact} }{qw(name email phone)} ], [ 'Ada L.', 'ada@example.org', '+44 20 7946' ], 'what was named');
	is($patch->('contact', { phone => undef }, @buyer)->json->{contact}{phone}, undef, 'null removes');
	is_status($patch->('contact', { email => 'grace@example.org' }, token => $t->organizer_token), 200, 'staff do too');
	for ([ 'nothing', {}, '' ], [ 'no name', { name => undef, phone => '+44 20' }, '/name' ], [ 'no address', { email => 'nowhere' }, '/email' ], [ 'a member more', { name => 'Ada', title => 'Countess' }, '/title' ]) {
		my ($name, $body, $pointer) = @$_;
		my $bad = $patch->('contact', $body, @buyer);
		is_problem($bad, 400, 'invalid_request', $name);
		is_deeply([ map { $_->{pointer} // '' } @{ $bad->json->{errors} } ], [$pointer], 'named by pointer');
	}

	my @ids = map { $_->{id} } @{ $order->{tickets} };
	is_problem($patch->('holders', { holders => [ { ticket => $ids[0], name => 'Eve' } ] }), 404, 'not_found', 'a stranger names nobody');
	my $named = $patch->('holders', { holders => [ map { { ticket => $_, name => "Guest $_" } } @ids ] }, @buyer);
	is_status($named, 200, 'names come later');
	is_deeply([ map { $_->{holder}{name} } @{ $named->json->{items} } ], [ map { "Guest $_" } @ids ], 'for each ticket');
	is_problem($patch->('holders', { holders => [] }, @buyer), 400, 'invalid_request', 'nobody');
	is_problem($patch->('holders', { holders => [ { name => 'x' } ] }, @buyer), 400, 'invalid_request', 'of no ticket');
	is_problem($patch->('holders', { holders => [ { ticket => '12345', name => 'x' } ] }, @buyer), 422, 'unknown_reference', 'of a ticket that is none');
};

subtest 'sent again, and noted' => sub {
	my $event = $t->event(price => 1000);
	my $order = placed($event);
	$t->server->clock_stop(time);
	is_problem(act($event, $order, 'resend', undef, token => undef), 404, 'not_found', 'a stranger gets nothing sent');
	is_status(act($event, $order, 'resend', undef, secret => $order->{secret}), 200, 'the buyer does');
	my $soon = act($event, $order, 'resend');
	is_problem($soon, 429, 'throttled', 'once a minute');
	is($soon->header('Retry-After'), 60, 'and says when');
	$t->server->clock_go;

	only_staff($event, $order, 'notes', { text => 'x' });
	my $key  = uuid();
	my $note = act($event, $order, 'notes', { text => "Called.\nWill come on Friday." }, key => $key);
	is_status($note, 201, 'noted');
	is(act($event, $order, 'notes', { text => "Called.\nWill come on Friday." }, key => $key)->json->{id}, $note->json->{id}, 'once for a key');
	is_problem(act($event, $order, 'notes', { text => '' }), 400, 'invalid_request', 'nothing');
	is_problem(act($event, $order, 'notes', { text => 'x' x 5001 }), 400, 'invalid_request', 'too much');
	act($event, $order, 'notes', { text => "note $_" }) for 1 .. 3;
	my $list = path($event, $order) . '/notes';
	is_problem($http->get($list), 401, 'token_missing', 'nobody reads them');
	is_problem($http->get($list, secret => $order->{secret}), 401, 'token_missing', 'not the buyer');
	is_problem($http->get($list, token => $t->token('organizer', org => '12345')), 404, 'not_found', 'nor another organizer');
	is_status($http->get($list, token => $t->token('support')), 200, 'support does');
	my $page = $http->get("$list?limit=3", token => $t->organizer_token);
	is_deeply([ map { $_->{text} } @{ $page->json->{items} } ], [ map { "note $_" } 3, 2, 1 ], 'the newest first');
	my $rest = $http->get("$list?limit=3&cursor=" . $page->json->{next}, token => $t->organizer_token)->json;
	is_deeply([ map { $_->{text} } @{ $rest->{items} } ], ["Called.\nWill come on Friday."], 'then the rest');
	is($rest->{next}, undef, 'and no more');
	unlike($http->get(path($event, $order), secret => $order->{secret})->body, qr/Friday/, 'no buyer sees them');
};

subtest 'an add-on that must be there' => sub {
	my $event = $t->event(price => 1000, ticket_types => [
		{ key => 'day',   name => 'Day',   price => 1000, pools => ['house'] },
		{ key => 'cover', name => 'Cover', price => 50,   pools => ['house'], kind => 'addon', addon_to => [ { ticket_type => 'day', min => 1 } ] } ]);
	my $order = $t->order($event, $t->hold($event, items => [ { ticket_type => 'day', quantity => 1, addons => [ { ticket_type => 'cover', quantity => 1 } ] } ])->json)->json;
	my ($day, $cover) = map { $_->{id} } @{ $order->{tickets} };
	my $alone = act($event, $order, 'cancel', { tickets => [$cover] });
	is_problem($alone, 422, 'addon_required', 'is not cancelled alone');
	is($alone->json->{errors}[0]{parent}, $day, 'its ticket is named');
	is_status(act($event, $order, 'cancel', { tickets => [ $cover, $day ] }), 200, 'but with it');
};

subtest 'who did what' => sub {
	my $event = $t->event(price => 1000);
	my $order = placed($event, quantity => 3);
	my $list  = path($event, $order) . '/changes';
	is_deeply($http->get($list, token => $t->organizer_token)->json, { items => [], next => undef }, 'nothing yet');
	$t->pay($event, $order);
	is_status(act($event, $order, 'cancel', { tickets => [ $order->{tickets}[0]{id} ] }), 200, 'a ticket is cancelled');
	is_status(act($event, $order, 'resend', undef, secret => $order->{secret}), 200, 'its buyer has it sent again');
	is_problem($http->get($list), 401, 'token_missing', 'nobody reads it');
	is_problem($http->get($list, secret => $order->{secret}), 401, 'token_missing', 'not the buyer');
	is_problem($http->get($list, token => $t->token('customer')), 403, 'forbidden', 'no customer');
	is_problem($http->get($list, token => $t->token('organizer', org => '12345')), 404, 'not_found', 'nor another organizer');
	is_problem($http->get(path($event, { id => next_id($order->{id}) }) . '/changes', token => $t->organizer_token), 404, 'not_found', 'of an order that is none');
	is_problem($http->get("$list?limit=0", token => $t->organizer_token), 400, 'invalid_request', 'no page is that short');
	is_problem($http->get("$list?cursor=%00", token => $t->organizer_token), 400, 'invalid_request', 'no cursor');
	is_problem($http->get("$list?kind=sale", token => $t->organizer_token), 400, 'unknown_parameter', 'what is not declared');
	is_status($http->get($list, token => $t->token('support')), 200, 'support does');
	my $page = $http->get("$list?limit=2", token => $t->organizer_token)->json;
	is_deeply([ map { [ @$_{qw(kind total_before total_after)} ] } @{ $page->{items} } ], [ [ 'resend', 2000, 2000 ], [ 'cancel', 3000, 2000 ] ], 'the newest first');
	is($page->{items}[0]{by}, undef, 'the buyer by the secret');
	ok($page->{items}[1]{by}, 'staff by name');
	my $rest = $http->get("$list?limit=2&cursor=$page->{next}", token => $t->organizer_token)->json;
	is_deeply([ map { [ $_->{kind}, @{ $_->{payment} }{qw(kind amount outcome)} ] } @{ $rest->{items} } ], [ [ 'payment', 'manual', 3000, 'paid' ] ], 'then the rest, payments too');
	is($rest->{next}, undef, 'and no more');
};

$t->finish;
