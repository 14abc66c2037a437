# Holds over HTTP: taking places, all or in part; looking, changing, extending, giving back, expiring.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;

sub path ($event, $hold) { return "/v1/events/$event->{id}/holds/$hold->{id}" }

# What the organizer sees of a stock row: its counters.
sub stock ($event, $pool = 'house', $session = undef) {
	my $list = $http->get("/v1/events/$event->{id}/stock", token => $t->organizer_token)->json->{items};
	my ($row) = grep { $_->{pool} eq $pool and !defined $session || ($_->{session} // '') eq $session } @$list;
	return $row;
}

subtest 'a hold from beginning to end' => sub {
	my $event = $t->event(capacity => 10, price => 1250, fee => 50);
	my $a     = $t->hold($event, quantity => 3);
	is_status($a, 201, 'made without a token');
	my $hold = $a->json;
	is($hold->{status}, 'active', 'it is active');
	is($hold->{total}, 3 * 1300, 'its total has prices and fees');
	is($hold->{currency}, 'EUR', 'in the event\'s currency');
	is_deeply($hold->{fees}, [ { %{ $hold->{fees}[0] }, quantity => 3, unit_amount => 50, amount => 150 } ], 'its fees');
	is($hold->{items}[0]{unit_price}, 1250, 'its line has the price');
	cmp_ok($hold->{expires_in}, '>', 890, 'its deadline is 15 minutes off');
	cmp_ok($hold->{expires_in}, '<=', 900, 'and not more');
	like($a->header('Cache-Control'), qr/no-store/, 'the answer with the secret is not stored');
	is(stock($event)->{held}, 3, 'three are held');

	my $got = $http->get(path($event, $hold), secret => $hold->{secret});
	is_status($got, 200, 'its secret opens it');
	is_deeply([ @{ $got->json }{qw(id status total items)} ], [ @{$hold}{qw(id status total items)} ], 'and it is the same');
	like($got->header('Cache-Control'), qr/no-store/, 'not stored either');
	is_problem($http->get(path($event, $hold)), 404, 'not_found', 'no secret');
	is_problem($http->get(path($event, $hold), secret => $_), 404, 'not_found', "a wrong secret: '$_'")
		for 'x' x 22, substr($hold->{secret}, 0, -1), "$hold->{secret}A", lc($hold->{secret}) eq $hold->{secret} ? uc $hold->{secret} : lc $hold->{secret};
	is_problem($http->get("/v1/events/$event->{id}/holds/" . next_id($hold->{id}), secret => $hold->{secret}), 404, 'not_found', 'an unknown id');
	my $other = $t->event;
	is_problem($http->get(path($other, $hold), secret => $hold->{secret}), 404, 'not_found', 'under another event');
	is_status($http->get(path($event, $hold), token => $t->organizer_token), 200, 'the organizer needs no secret');
	is_problem($http->get(path($event, $hold), token => $t->token('organizer', org => next_id($t->organizer))), 404, 'not_found', 'another organizer does');

	my $more = $http->patch(path($event, $hold), { items => [ { ticket_type => 'general', quantity => 5 } ] }, secret => $hold->{secret});
	is_status($more, 200, 'it wants five');
	is($more->json->{total}, 5 * 1300, 'and pays for five');
	is(stock($event)->{held}, 5, 'five are held');
	is_problem($http->patch(path($event, $hold), { items => [ { ticket_type => 'general', quantity => 1 } ] }), 404, 'not_found', 'a change needs the secret');
	my $less = $http->patch(path($event, $hold), { items => [ { ticket_type => 'general', quantity => 1 } ] }, secret => $hold->{secret});
	is_status($less, 200, 'it wants one');
	is(stock($event)->{held}, 1, 'one is held');

	is_problem($http->delete(path($event, $hold)), 404, 'not_found', 'giving back needs the secret');
	my $gone = $http->delete(path($event, $hold), secret => $hold->{secret});
	is_status($gone, 200, 'given back');
	is($gone->json->{status}, 'released', 'and says so');
	is(stock($event)->{held}, 0, 'nothing is held');
	is_status($http->delete(path($event, $hold), secret => $hold->{secret}), 200, 'giving back again changes nothing');
	is_problem($http->patch(path($event, $hold), { items => [ { ticket_type => 'general', quantity => 1 } ] }, secret => $hold->{secret}),
		410, 'hold_released', 'it cannot be changed any more');
	is_problem($http->post(path($event, $hold) . '/extend', undef, secret => $hold->{secret}), 410, 'hold_released', 'nor extended');
};

subtest 'whose hold it is' => sub {
	my $event = $t->event;
	my $mine  = $t->token('customer', sub => 'alice');
	my $hold  = $t->hold($event, token => $mine)->json;
	is_status($http->get(path($event, $hold), token => $mine), 200, 'who made it needs no secret');
	is_problem($http->get(path($event, $hold), token => $t->token('customer', sub => 'mallory')), 404, 'not_found', 'another customer does');
	is_status($http->get(path($event, $hold), token => $t->token('customer', sub => 'mallory'), secret => $hold->{secret}), 200, 'and with it may look');
};

subtest 'sold out, all held, in part' => sub {
	my $event = $t->event(capacity => 5);
	my $hold  = $t->hold($event, quantity => 4)->json;
	my $none  = $t->hold($event, quantity => 2);
	is_problem($none, 409, 'all_held', 'two of one left: all or nothing');
	is($none->json->{retry}, 'later', 'they may come back');
	is_deeply(faults_of($none), ['all_held at /items/0/quantity'], 'names the item');
	is($none->json->{errors}[0]{available}, 1, 'and says how many there are');
	my $part = $t->hold($event, quantity => 2, partial => \1);
	is_status($part, 201, 'partial takes what there is');
	is($part->json->{items}[0]{quantity}, 1, 'one');
	is_deeply($part->json->{missing}, [ { ticket_type => 'general', session => 'main', quantity => 1, code => 'all_held' } ], 'and says what is missing');
	is_problem($t->hold($event, partial => \1), 409, 'all_held', 'partial of nothing is a refusal');
	# They were told never to ask again, since there will never be six.
	is_problem($t->hold($event, quantity => 6, partial => \1), 409, 'all_held', 'some of six may come back');
	is_problem($t->hold($event, quantity => 6), 409, 'sold_out', 'all of six never will');

	$t->order($event, $_) for $hold, $part->json;
	my $sold = $t->hold($event);
	is_problem($sold, 409, 'sold_out', 'now all are sold');
	is($sold->json->{retry}, 'never', 'which does not pass');
	is(stock($event)->{sold}, 5, 'five are sold');
	is(stock($event)->{state}, 'sold_out', 'and it says so');
};

subtest 'several lines are all or none' => sub {
	my $event = $t->event(
		pools => [ { key => 'house', name => 'House', scope => 'session', capacity => 10 }, { key => 'early', name => 'Early', scope => 'event', capacity => 2 } ],
		ticket_types => [
			{ key => 'general', name => 'General', price => 0, pools => ['house'] },
			{ key => 'early', name => 'Early bird', price => 0, pools => [ 'house', 'early' ] },
		]);
	my $both = $t->hold($event, items => [ { ticket_type => 'general', quantity => 2 }, { ticket_type => 'early', quantity => 3 } ]);
	is_problem($both, 409, 'sold_out', 'three of two early birds: nothing at all') or diag $both->body;
	is(stock($event, 'house')->{held}, 0, 'the house gave none');
	is_status($t->hold($event, items => [ { ticket_type => 'general', quantity => 2 }, { ticket_type => 'early', quantity => 2 } ]), 201, 'two of each');
	is(stock($event, 'house')->{held}, 4, 'the house gave four');
	is(stock($event, 'early')->{held}, 2, 'the early birds two');
	is_problem($t->hold($event, items => [ { ticket_type => 'early', quantity => 1 } ]), 409, 'all_held', 'a type is as short as its shortest pool');
	is_status($t->hold($event), 201, 'the others go on');
	my $twice = $t->hold($event, items => [ { ticket_type => 'general', quantity => 3 }, { ticket_type => 'general', quantity => 3 } ]);
	is_problem($twice, 409, 'all_held', 'the same type twice counts together: six of five');
};

subtest 'sessions' => sub {
	my $start = time + 86400 * 20;
	my $event = $t->event(
		sessions => [ map { { key => "day$_", starts_at => rfc3339($start + 86400 * $_) } } 1 .. 3 ],
		pools => [ { key => 'house', name => 'House', scope => 'session', capacity => 2 } ],
		ticket_types => [
			{ key => 'general', name => 'General', price => 0, pools => ['house'] },
			{ key => 'first', name => 'First day only', price => 0, pools => ['house'], sessions => ['day1'] },
		]);
	is_problem($t->hold($event), 422, 'session_required', 'one must be named');
	is_status($t->hold($event, session => 'day1', quantity => 2), 201, 'the first day sells out');
	is_problem($t->hold($event, session => 'day1'), 409, 'all_held', 'for itself');
	is_status($t->hold($event, session => 'day2', quantity => 2), 201, 'and not for the second');
	is_problem($t->hold($event, type => 'first', session => 'day3'), 422, 'type_not_in_session', 'a type that is not sold there');
	is_problem($t->hold($event, session => 'day4'), 422, 'unknown_reference', 'a session that is none');
	my $unknown = $t->hold($event, session => 'day3', type => 'nothing');
	is_problem($unknown, 422, 'unknown_reference', 'a type that is none');
	is_deeply(faults_of($unknown), ['unknown_reference at /items/0/ticket_type'], 'is named by pointer');
};

subtest 'minimum, maximum, limit per buyer' => sub {
	my $event = $t->event(max_per_order => 6, buyer_limit => 4, ticket_types => [
		{ key => 'general', name => 'General', price => 0, pools => ['house'] },
		{ key => 'group', name => 'Group', price => 0, pools => ['house'], min_per_order => 3, max_per_order => 4 },
	]);
	my $few = $t->hold($event, type => 'group', quantity => 2);
	is_problem($few, 422, 'min_per_order', 'two of at least three');
	is($few->json->{errors}[0]{min}, 3, 'says how many') if exists $few->json->{errors}[0]{min};
	is_problem($t->hold($event, type => 'group', quantity => 5), 422, 'max_per_order', 'five of at most four');
	is_problem($t->hold($event, quantity => 7), 422, 'max_per_order', 'seven of at most six an order');
	my $alice = $t->token('customer', sub => 'alice');
	is_status($t->hold($event, quantity => 3, token => $alice), 201, 'a buyer takes three');
	my $second = $t->hold($event, quantity => 2, token => $alice);
	is_problem($second, 422, 'buyer_limit', 'and two more of at most four');
	my $one = $t->hold($event, quantity => 1, token => $alice);
	is_status($one, 201, 'one more is fine');
	is_status($t->hold($event, quantity => 4, token => $t->token('customer', sub => 'bob')), 201, 'another buyer has a limit of his own');
	$http->delete(path($event, $one->json), token => $alice);
	is_status($t->hold($event, quantity => 1, token => $alice), 201, 'what is given back counts no more');
};

# A hold said a total that JSON can't carry, and could not be ordered.
subtest 'more money than can be counted' => sub {
	my @keys  = map { "t$_" } 1 .. 46;
	my $event = $t->event(capacity => 50_000, ticket_types => [ map { { key => $_, name => $_, price => 100_000_000_000, fee => 100_000_000_000, pools => ['house'] } } @keys ]);
	my $wanted = sub ($types) { { items => [ map { { ticket_type => $_, quantity => 1000 } } @keys[ 0 .. $types - 1 ] ] } };
	is_problem($http->post("/v1/events/$event->{id}/holds", $wanted->(46)), 422, 'amount_too_large', 'over 2^53');
	my $much = $http->post("/v1/events/$event->{id}/holds", $wanted->(45));
	is_status($much, 201, 'nearly that') and is($much->json->{total}, 9_000_000_000_000_000, 'is counted');
	my $same = $http->patch(path($event, $much->json), $wanted->(46), secret => $much->json->{secret});
	is_problem($same, 422, 'amount_too_large', 'nor can a hold be changed into it');
};

# The second day's places are in an inventory group of their own. The worker leaves a cart alone for some seconds after its
# deadline, so that it is the buyer's own call that takes it back; were it the worker, the answers would be the same.
subtest 'what a buyer let lapse does not count' => sub {
	my $event = $t->event(buyer_limit => 2, hold_ttl_seconds => 60, hold_extend_max_seconds => 120,
		sessions => [ map { { key => "day$_", starts_at => rfc3339(time + 86400 * (20 + $_)) } } 1 .. 2 ],
		pools => [ { key => 'house', name => 'House', scope => 'session', capacity => 5 } ],
		ticket_types => [ { key => 'general', name => 'General', price => 0, pools => ['house'] } ]);
	my $alice = $t->token('customer', sub => 'alice');
	my $left = $t->hold($event, session => 'day1', quantity => 2, token => $alice);
	is_status($left, 201, 'a cart for the first day');
	is_problem($t->hold($event, session => 'day2', token => $alice), 422, 'buyer_limit', 'is all that she may have');
	$t->server->clock_offset(62);
	is_status($t->hold($event, session => 'day2', quantity => 2, token => $alice), 201, 'until its time is over');
	is($http->get(path($event, $left->json), token => $alice)->json->{status}, 'expired', 'which it is');
	is_problem($http->patch(path($event, $left->json), { items => [ { ticket_type => 'general', session => 'day1', quantity => 1 } ] }, token => $alice),
		410, 'hold_expired', 'and is no more to be written to');
	is_problem($t->hold($event, session => 'day1', token => $alice), 422, 'buyer_limit', 'what stands counts');
	$t->server->clock_offset(0);
};

subtest 'extending' => sub {
	my ($event, $began) = ($t->event(hold_ttl_seconds => 60, hold_extend_max_seconds => 120), time);
	$t->server->clock_stop($began);
	my $hold = $t->hold($event)->json;
	$t->server->clock_stop($began + 45);
	my $longer = $http->post(path($event, $hold) . '/extend', undef, secret => $hold->{secret});
	is_status($longer, 200, 'extended');
	is($longer->json->{expires_in}, 60, 'to its full time from now');
	is_problem($http->post(path($event, $hold) . '/extend', undef), 404, 'not_found', 'which needs the secret');
	$t->server->clock_stop($began + 95);
	my $last = $http->post(path($event, $hold) . '/extend', undef, secret => $hold->{secret});
	is_status($last, 200, 'extended up to its maximum');
	is($last->json->{expires_at}, $last->json->{extend_until}, 'and no further');
	is_problem($http->post(path($event, $hold) . '/extend', undef, secret => $hold->{secret}), 422, 'extend_limit', 'then no more');
	$t->server->clock_go;
};

subtest 'expiry is part of the rule' => sub {
	my ($event, $began) = ($t->event(capacity => 2, hold_ttl_seconds => 60, hold_extend_max_seconds => 120), time);
	$t->server->clock_stop($began);
	my $hold = $t->hold($event, quantity => 2)->json;
	is_problem($t->hold($event), 409, 'all_held', 'all are held');
	$t->server->clock_stop($began + 62);
	is($http->get(path($event, $hold), secret => $hold->{secret})->json->{status}, 'expired', 'past its deadline it shows as expired');
	is_status($http->patch(path($event, $hold), { items => [ { ticket_type => 'general', quantity => 2 } ] }, secret => $hold->{secret}),
		200, 'a write two seconds late is accepted while the places stand');
	$t->server->clock_stop($began + 62 + 60 + 30);
	is_status($t->hold($event, quantity => 2), 201, 'later another gets the places, no worker needed');
	is_problem($http->patch(path($event, $hold), { items => [ { ticket_type => 'general', quantity => 1 } ] }, secret => $hold->{secret}),
		410, 'hold_expired', 'the first is too late');
	is_problem($t->order($event, $hold), 410, 'hold_expired', 'to order, too');
	is(stock($event)->{held}, 2, 'two are held');
	$t->server->clock_go;
};

subtest 'when it is sold' => sub {
	my $in_an_hour = rfc3339(time + 3600);
	my $event = $t->event(sale_starts_at => $in_an_hour);
	my $early = $t->hold($event);
	is_problem($early, 409, 'not_on_sale', 'before the sale');
	$t->server->clock_offset(3700);
	is_status($t->hold($event), 201, 'in it');
	my $draft = $t->event(publish => 0);
	is_problem($t->hold($draft), 409, 'not_published', 'a draft sells nothing');
	$t->server->clock_offset(31 * 86400);
	is_problem($t->hold($event), 409, 'not_on_sale', 'after the session has begun');
	$t->server->clock_offset(0);
	my $timed = $t->event(ticket_types => [
		{ key => 'general', name => 'General', price => 0, pools => ['house'] },
		{ key => 'late', name => 'Late', price => 0, pools => ['house'], sale_starts_at => $in_an_hour },
		{ key => 'over', name => 'Over', price => 0, pools => ['house'], sale_ends_at => rfc3339(time - 60) },
	]);
	is_status($t->hold($timed), 201, 'a type without a window');
	is_problem($t->hold($timed, type => $_), 409, 'not_on_sale', "a type outside its own: $_") for qw(late over);
};

subtest 'blocks' => sub {
	my $event = $t->event(capacity => 10);
	my $block = $http->post("/v1/events/$event->{id}/blocks",
		{ channel => 'sponsor', reason => 'Main sponsor', items => [ { ticket_type => 'general', quantity => 8 } ] }, token => $t->organizer_token, key => uuid());
	is_status($block, 201, 'eight are kept back');
	is(stock($event)->{blocked}, 8, 'and counted');
	is_status($t->hold($event, quantity => 2), 201, 'two are left');
	my $none = $t->hold($event);
	is($none->status, 409, 'no more');
	my $item = { ticket_type => 'general', quantity => 1, block => $block->json->{id} };
	is($t->hold($event, items => [$item])->status >= 400, 1, 'the public cannot take from a block');
	is_status($t->hold($event, items => [$item], token => $t->organizer_token), 201, 'the organizer can');
	is(stock($event)->{blocked}, 7, 'seven are kept back');
	is_problem($http->delete("/v1/events/$event->{id}/blocks/" . $block->json->{id}), 401, 'token_missing', 'released by nobody');
	is_status($http->delete("/v1/events/$event->{id}/blocks/" . $block->json->{id}, token => $t->organizer_token), 200, 'released');
	is_status($t->hold($event, quantity => 7), 201, 'and free');
};

subtest 'capacity' => sub {
	my $event = $t->event(capacity => 4);
	my $row   = stock($event);
	$t->hold($event, quantity => 3);
	my $url = "/v1/events/$event->{id}/stock/$row->{id}";
	is_problem($http->patch($url, { capacity => 2 }, token => $t->organizer_token), 409, 'capacity_taken', 'not below what is taken');
	is_status($http->patch($url, { capacity => 3 }, token => $t->organizer_token), 200, 'down to it');
	is_problem($t->hold($event), 409, 'all_held', 'nothing is left');
	is_status($http->patch($url, { overbook => 1 }, token => $t->organizer_token), 200, 'one is overbooked');
	is_status($t->hold($event), 201, 'and sold');
	is_problem($http->patch($url, { capacity => 100 }, token => $t->token('customer')), 403, 'forbidden', 'a customer changes nothing');
	is_problem($http->patch($url, { capacity => 100 }), 401, 'token_missing', 'nor does nobody');
	is_problem($http->patch($url, {}, token => $t->organizer_token), 400, 'invalid_request', 'an empty change is none');
};

subtest 'a hundred at once for the last fifty' => sub {
	my $event = $t->event(capacity => 50);
	my $body  = { items => [ { ticket_type => 'general', quantity => 1 } ] };
	my %codes;
	$codes{ $_ ? $_->status . ' ' . $_->code : 'none' }++
		for $http->all(map { [ POST => "/v1/events/$event->{id}/holds", { json => $body } ] } 1 .. 100);
	is_deeply(\%codes, { '201 ' => 50, '409 all_held' => 50 }, 'fifty and fifty');
	is(stock($event)->{held}, 50, 'and the counter agrees');
};

subtest 'keys are rotated while connections are open' => sub {
	my $event = $t->event;
	my $see   = sub ($hold) {
		my %seen;
		$seen{ $_ ? $_->status : 'none' }++ for $http->all(map { [ GET => "/v1/events/$event->{id}/holds/$hold->{id}", { secret => $hold->{secret} } ] } 1 .. 20);
		return \%seen;
	};
	my $old = $t->hold($event)->json;
	is_deeply($see->($old), { 200 => 20 }, 'a hold, seen on several connections');
	my $kid = $t->server->value('SELECT boxoffice_code.secret_rotate()');
	my $new = $t->hold($event)->json;
	is_deeply($see->($new), { 200 => 20 }, 'what the new key made opens on all of them');
	is_deeply($see->($old), { 200 => 20 }, 'and so does what the old one made');
	is_status($t->order($event, $old), 201, 'which becomes an order');
	$t->server->value('SELECT boxoffice_code.secret_retire(?)', $kid - 1);
	is_deeply($see->($new), { 200 => 20 }, 'the old key is retired: the new secret opens');
	is_deeply($see->($old), { 404 => 20 }, 'the old one does not');
};

$t->finish;
