# Passes, add-ons, bundles and free prices over HTTP: how they are described, shown, sold and refused.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS ();

my $t    = Boxoffice::Test->start;
my $http = $t->http;

sub holds_of ($event) { return "/v1/events/$event->{id}/holds" }
sub ask ($event, @items) { return $http->post(holds_of($event), { items => \@items }) }

my $start = time + 86400 * 30;
my %festival = (
	show_quantity => \1,
	sessions      => [ map { { key => $_->[0], starts_at => rfc3339($start + 86400 * $_->[1]) } } [ fri => 1 ], [ sat => 2 ], [ sun => 3 ] ],
	pools         => [
		{ key => 'house',   name => 'House',   scope => 'session', capacity => 10 },
		{ key => 'parking', name => 'Parking', scope => 'event',   capacity => 2 },
	],
	ticket_types => [
		{ key => 'day', name => 'Day', price => 1000, pools => ['house'] },
		{ key => 'weekend', name => 'Weekend', price => 2500, fee => 100, admits => 'all', pools => ['house'] },
		{ key => 'parking', name => 'Parking', kind => 'addon', price => 300, admits => 'all', sold_alone => \0, pools => ['parking'],
			addon_to => [ { ticket_type => 'day', max => 1 }, { ticket_type => 'weekend' } ] },
		{ key => 'family', name => 'Family', price => 3001, pools => ['house'], bundle => [ { ticket_type => 'day', quantity => 2, share_ppm => 500000 } ] },
		{ key => 'gift', name => 'Donation', kind => 'donation', price => 100, free_price => \1, price_max => 50000, price_suggested => [ 500, 1000 ], admits => 'all' },
	]);

subtest 'how they are described and shown' => sub {
	my $event = $t->event(%festival);
	my $own   = $http->get('/v1/organizers/' . $t->organizer . "/events/$event->{id}", token => $t->organizer_token);
	is_status($own, 200, 'the organizer sees them');
	my %own = map { $_->{key} => $_ } @{ $own->json->{ticket_types} };
	is($own{weekend}{admits}, 'all', 'a pass');
	is_deeply($own{parking}{addon_to}, [ { ticket_type => 'day', min => 0, max => 1 }, { ticket_type => 'weekend', min => 0, max => undef } ], 'an add-on');
	is_deeply($own{family}{bundle}, [ { ticket_type => 'day', quantity => 2, share_ppm => 500000 } ], 'a bundle');
	is_deeply([ @{ $own{gift} }{qw(price price_max price_suggested pools)} ], [ 100, 50000, [ 500, 1000 ], ['unlimited'] ], 'a donation, which is unlimited');

	my $shown = $http->get("/v1/events/$event->{id}");
	is_status($shown, 200, 'everybody sees them');
	my %shown = map { $_->{key} => $_ } @{ $shown->json->{ticket_types} };
	is_deeply($shown{weekend}{availability}, { state => 'available', available => 10 }, 'a pass has as much as its scarcest session');
	is_deeply($shown{gift}{availability}, { state => 'available', available => undef }, 'a donation has no end');
	is($shown{day}{availability}, undef, 'what is sold by session is told there');
	my %friday = map { $_->{ticket_type} => $_->{available} } @{ $shown->json->{sessions}[0]{availability} };
	is_deeply(\%friday, { day => 10, family => 3 }, 'where bundles are as many as their parts make, and passes are not');
};

subtest 'a pass from beginning to end' => sub {
	my $event = $t->event(%festival);
	my $a     = ask($event, { ticket_type => 'weekend', quantity => 2 });
	is_status($a, 201, 'held');
	is_deeply($a->json->{items}, [ { id => '1', ticket_type => 'weekend', session => undef, quantity => 2, unit_price => 2500, total => 5000 } ], 'in no session');
	is_status(ask($event, { ticket_type => 'day', session => 'sat', quantity => 8 }), 201, 'the rest of a day');
	my $b = ask($event, { ticket_type => 'weekend', quantity => 1 });
	is_problem($b, 409, 'all_held', 'then there is none for all days');
	is_deeply([ @{ $b->json->{errors}[0] }{qw(pointer session available)} ], [ '/items/0/quantity', 'sat', 0 ], 'and which is short');
	is_status(ask($event, { ticket_type => 'day', session => 'sun', quantity => 8 }), 201, 'another day sells on');
	my $order = $t->order($event, $a->json)->json;
	is($order->{tickets}[0]{session}, undef, 'a ticket for all');
	my $list = $http->get("/v1/events/$event->{id}/orders/$order->{id}/tickets", secret => $order->{secret});
	is_status($list, 200, 'listed');
	is_deeply([ @{ $list->json->{items}[0] }{qw(session session_name starts_at)} ], [ undef, undef, undef ], 'without a session');
};

subtest 'add-ons and bundles from beginning to end' => sub {
	my $event = $t->event(%festival);
	my $a     = ask($event, { ticket_type => 'day', session => 'fri', quantity => 2, addons => [ { ticket_type => 'parking', quantity => 1 } ] },
		{ ticket_type => 'family', session => 'fri', quantity => 1 });
	is_status($a, 201, 'held');
	is_deeply([ map { [ @{$_}{qw(id parent ticket_type quantity unit_price)} ] } @{ $a->json->{items} } ],
		[ [ 1, undef, 'day', 2, 1000 ], [ 2, 1, 'parking', 2, 300 ], [ 3, undef, 'family', 1, 1501 ], [ 4, 3, 'day', 2, 750 ] ], 'lines behind their own');
	is($a->json->{total}, 2600 + 3001, 'the bundle costs what it costs');
	my $kept = $http->patch(holds_of($event) . '/' . $a->json->{id},
		{ items => [ { ticket_type => 'day', session => 'fri', quantity => 2, addons => [ { ticket_type => 'parking', quantity => 1 } ] } ] }, secret => $a->json->{secret});
	is_status($kept, 200, 'sold-out parking that stays is kept');
	is(scalar @{ $kept->json->{items} }, 2, 'the bundle went as a whole');
	my $c = ask($event, { ticket_type => 'day', session => 'sat', quantity => 1, addons => [ { ticket_type => 'parking', quantity => 1 } ] });
	is_problem($c, 409, 'all_held', 'no more parking');
	is_deeply(faults_of($c), ['all_held at /items/0/addons/0/quantity'], 'is what is told');

	my $order = $t->order($event, { %{ $kept->json }, secret => $a->json->{secret} })->json;
	my ($one, $two, @parking) = @{ $order->{tickets} };
	is_deeply([ map { $_->{parent} } @parking ], [ $one->{id}, $two->{id} ], 'each ticket has its own');
	my $cancelled = $http->post("/v1/events/$event->{id}/orders/$order->{id}/cancel", { tickets => [ $one->{id} ] }, token => $t->organizer_token);
	is_status($cancelled, 200, 'one is cancelled');
	is_deeply([ map { $_->{state} eq 'cancelled' ? 1 : 0 } @{ $cancelled->json->{tickets} } ], [ 1, 0, 1, 0 ], 'with what belongs to it');
};

subtest 'what buyers may not ask for' => sub {
	my $event = $t->event(%festival);
	my @cases = (
		[ 422, 'type_not_in_session', '/items/0/session', { ticket_type => 'weekend', session => 'fri', quantity => 1 } ],
		[ 422, 'not_sold_alone', '/items/0/ticket_type', { ticket_type => 'parking', quantity => 1 } ],
		[ 422, 'addon_limit', '/items/0/addons/0/quantity', { ticket_type => 'day', session => 'fri', quantity => 1, addons => [ { ticket_type => 'parking', quantity => 2 } ] } ],
		[ 422, 'unknown_reference', '/items/0/addons/0/ticket_type', { ticket_type => 'family', session => 'fri', quantity => 1, addons => [ { ticket_type => 'parking', quantity => 1 } ] } ],
		[ 422, 'unknown_reference', '/items/0/addons/0/ticket_type', { ticket_type => 'day', session => 'fri', quantity => 1, addons => [ { ticket_type => 'no', quantity => 1 } ] } ],
		[ 422, 'price_out_of_range', '/items/0/price', { ticket_type => 'gift', quantity => 1, price => 99 } ],
		[ 422, 'price_out_of_range', '/items/0/price', { ticket_type => 'day', session => 'fri', quantity => 1, price => 1 } ],
		[ 400, 'invalid_request', '/items/0/price', { ticket_type => 'gift', quantity => 1, price => '100' } ],
		[ 400, 'invalid_request', '/items/0/price', { ticket_type => 'gift', quantity => 1, price => 1.5 } ],
		[ 400, 'invalid_request', '/items/0/addons', { ticket_type => 'day', session => 'fri', quantity => 1, addons => {} } ],
		[ 400, 'invalid_request', '/items/0/addons', { ticket_type => 'day', session => 'fri', quantity => 1, addons => [ map { { ticket_type => 'parking', quantity => 1 } } 1 .. 21 ] } ],
		[ 400, 'invalid_request', '/items/0/addons/0/addons', { ticket_type => 'day', session => 'fri', quantity => 1, addons => [ { ticket_type => 'parking', quantity => 1, addons => [] } ] } ],
	);
	for my $case (@cases) {
		my ($status, $code, $pointer, @items) = @$case;
		my $answer = ask($event, @items);
		is_problem($answer, $status, $code, "$code at $pointer");
		is($answer->json->{errors}[0]{pointer}, $pointer, '… is where it is told');
	}
	is_status(ask($event, map { { ticket_type => 'gift', quantity => 1000, price => 100 + $_ } } 0 .. 49), 201, 'fifty thousand pieces');
	my $many = ask($event, { ticket_type => 'family', session => 'fri', quantity => 1000 },
		map { { ticket_type => 'gift', quantity => 1000, price => 100 + $_ } } 0 .. 48);
	is_problem($many, 422, 'max_per_order', 'parts of bundles count: more than fifty thousand');
};

subtest 'what organizers may not say' => sub {
	my %plain = (key => 'a', name => 'A', price => 100);
	my @cases = (
		[ 400, 'invalid_request', '/ticket_types/0/admits', { %plain, admits => 'some' } ],
		[ 400, 'invalid_request', '/ticket_types/0/addon_to/0/ticket_type', { %plain, addon_to => [ {} ] } ],
		[ 400, 'invalid_request', '/ticket_types/0/bundle/0/share_ppm', { %plain, bundle => [ { ticket_type => 'b', quantity => 1, share_ppm => 1000001 } ] } ],
		[ 400, 'invalid_request', '/ticket_types/0/price_suggested/0', { %plain, free_price => \1, price_suggested => ['x'] } ],
		[ 422, 'unknown_reference', '/ticket_types/0/bundle/0/ticket_type', { %plain, bundle => [ { ticket_type => 'b', quantity => 1, share_ppm => 1 } ] } ],
		[ 422, 'invalid_document', '/ticket_types/0/price_max', { %plain, price_max => 200 } ],
		[ 422, 'invalid_document', '/ticket_types/0/addon_to/0/ticket_type', { %plain, addon_to => [ { ticket_type => 'a' } ] } ],
		[ 422, 'invalid_document', '/ticket_types/2/addon_to', { %plain, key => 'b' }, { %plain, key => 'c', addon_to => [ { ticket_type => 'b' } ] }, { %plain, key => 'd', addon_to => [ { ticket_type => 'c' } ] } ],
	);
	for my $case (@cases) {
		my ($status, $code, $pointer, @types) = @$case;
		my $answer = $http->post('/v1/organizers/' . $t->organizer . '/events', {
				name => 'X', currency => 'EUR', zone => 'Europe/Berlin', sessions => [ { key => 'main', starts_at => rfc3339($start) } ],
				pools => [ { key => 'house', name => 'House', scope => 'event', capacity => 1 } ], ticket_types => \@types },
			token => $t->organizer_token);
		is_problem($answer, $status, $code, "$code at $pointer");
		is($answer->json->{errors}[0]{pointer}, $pointer, '… is where it is told');
	}
};

# Once, a retired add-on that a ticket must have was still asked for, so that the ticket could not be bought; and a bundle
# whose part was retired stayed on the page, and could not.
subtest 'what cannot be had for want of a part does not look as if it could' => sub {
	my $event = $t->event(%festival, show_quantity => \1, ticket_types => [
		@{ $festival{ticket_types} }[0, 3],
		{ key => 'badge', name => 'Badge', kind => 'addon', price => 100, pools => ['parking'], sold_alone => \0, addon_to => [ { ticket_type => 'talk', min => 2, max => 2 } ] },
		{ key => 'talk', name => 'Talk', price => 500, pools => ['house'] },
	]);
	my $types = "/v1/events/$event->{id}/ticket-types";
	my $patch = sub ($type, %to) { is_status($http->patch("$types/$type", \%to, token => $t->organizer_token), 200, "$type: @{[ map { $_, $to{$_} // 'null' } sort keys %to ]}") };
	# not over HTTP, where pages are kept for a while
	my $seen  = sub { Cpanel::JSON::XS->new->decode($t->server->dbh->selectrow_array('SELECT api.event_get(?)', undef, $event->{id})) };
	my $type  = sub ($key) { my ($found) = grep { $_->{key} eq $key } @{ $seen->()->{ticket_types} }; return $found };
	my $there = sub ($day = 0) { return { map { $_->{ticket_type} => "$_->{state} $_->{available}" } @{ $seen->()->{sessions}[$day]{availability} } } };
	my $epoch = sub ($time) { $t->server->dbh->selectrow_array('SELECT extract(epoch FROM ?::timestamptz)::bigint', undef, $time) };

	is_deeply($there->(), { day => 'available 10', family => 'available 3', badge => 'available 2', talk => 'available 1' }, 'as many as can be had with all that they need');
	is($type->($_)->{status}, 'active', "$_ is active") for qw(family talk);
	$patch->('day', status => 'paused');
	is($type->('family')->{status}, 'paused', 'a bundle with a paused part is paused');
	is($type->('talk')->{status}, 'active', '… and no other');
	is_problem(ask($event, { ticket_type => 'family', session => 'fri', quantity => 1 }), 409, 'paused', '… as a hold says');
	$patch->('day', status => 'active');
	$patch->('badge', status => 'paused');
	is($type->('talk')->{status}, 'paused', 'so is what must have a paused add-on');
	$patch->('badge', status => 'active');

	my ($from, $to) = (rfc3339($start - 86400), rfc3339($start - 3600));
	$patch->('day', sale_starts_at => $from, sale_ends_at => $to);
	$patch->('family', sale_starts_at => rfc3339($start - 2 * 86400));
	my $family = $type->('family');
	is($epoch->($family->{sale_starts_at}), $start - 86400, 'a bundle is on sale from when its parts are');
	is($epoch->($family->{sale_ends_at}), $start - 3600, '… and until then');
	is_problem(ask($event, { ticket_type => 'family', session => 'fri', quantity => 1 }), 409, 'not_on_sale', '… as a hold says');
	$patch->('day', sale_starts_at => undef, sale_ends_at => undef);
	$patch->('family', sale_starts_at => undef);

	my $hold = ask($event, { ticket_type => 'talk', session => 'fri', quantity => 1, addons => [ { ticket_type => 'badge', quantity => 2 } ] });
	is_status($hold, 201, 'the last badges are taken');
	is($there->()->{talk}, 'all_held 0', 'so there is no talk for now');
	is_problem(ask($event, { ticket_type => 'talk', session => 'sat', quantity => 1, addons => [ { ticket_type => 'badge', quantity => 2 } ] }), 409, 'all_held', '… as a hold says');

	$patch->('badge', sessions => [qw(fri sat)]);
	ok(exists $there->(1)->{talk}, 'where its add-on is sold it is sold');
	ok(!exists $there->(2)->{talk}, '… and nowhere else');
	is_problem(ask($event, { ticket_type => 'talk', session => 'sun', quantity => 1, addons => [ { ticket_type => 'badge', quantity => 2 } ] }), 422, 'type_not_in_session', '… as a hold says');
};

subtest 'what goes together does not fall apart' => sub {
	my $event = $t->event(%festival);
	my $types = "/v1/events/$event->{id}/ticket-types";
	my @mine  = (token => $t->organizer_token);
	my $a     = $http->delete("$types/day", @mine);
	is_problem($a, 409, 'in_use', 'a part of a bundle stays');
	like($a->json->{detail}, qr/bundle family/, '… of this one');
	is_status($http->patch($types . '/family', { bundle => undef }, @mine), 200, 'taken out of it');
	is_status($http->delete("$types/day", @mine), 200, '… it goes');
};

$t->finish;
