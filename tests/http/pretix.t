# Import from pretix: its documents become an event that sells on, and the report says what became of each part. The
# shapes are those of pretix's REST API; names, numbers and amounts are made up.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;
my $org  = $t->organizer;
my $mine = $t->organizer_token;
my $path = "/v1/organizers/$org/imports/pretix";

sub import_into ($document, %o) { return $http->post($path, $document, token => $mine, key => uuid(), %o) }

sub lines ($report, $kind) { return map { $_->{reference} => $_ } grep { $_->{kind} eq $kind } @{ $report->{lines} } }

sub sql ($text) { return $t->server->value($text) }

sub differences ($event) {
	return sql("SELECT (SELECT count(*) FROM boxoffice.check_inventory($event)) || '/' || (SELECT count(*) FROM boxoffice.check_orders($event))");
}

my $event = {
	name => { de => 'Musterkonferenz', en => 'Sample Conference' }, slug => 'sampleconf', live => \1, testmode => \0, currency => 'EUR',
	date_from => '2031-12-27T10:00:00Z', date_to => '2031-12-28T18:00:00Z', date_admission => undef, is_public => \1,
	presale_start => undef, presale_end => undef, location => { en => 'Town Hall' }, has_subevents => \0, meta_data => { Format => 'talks' },
	timezone => 'Europe/Berlin', plugins => { 'pretix.plugins.banktransfer' => \1 },
};

sub item ($id, $name, $price, %o) {
	return { id => $id, name => { en => $name }, default_price => $price, category => undef, active => \1, description => undef, free_price => \0,
		tax_rate => '0.00', tax_rule => undef, admission => \1, position => 0, available_from => undef, available_until => undef, require_voucher => \0,
		hide_without_voucher => \0, allow_cancel => \1, min_per_order => undef, max_per_order => undef, has_variations => \0, variations => [], addons => [], %o };
}

my @items = (
	item(11, 'Regular', '23.00', max_per_order => 4),
	item(12, 'Talk', '10.00', position => 1, has_variations => \1, variations => [
		{ id => 121, value => { en => 'Student' }, default_price => '5.00', price => '5.00', active => \1, description => undef, position => 0 },
		{ id => 122, value => { en => 'Patron' }, default_price => undef, price => '10.00', active => \0, description => undef, position => 1 },
	]),
	item(13, 'Shirt', '12.50', admission => \0, position => 2, tax_rate => '19.00'),
	item(14, 'Backstage', '99.00', require_voucher => \1, position => 3),
	item(15, 'Forgotten', '1.00', position => 4),
);
my @quotas = (
	{ id => 1, name => 'House', size => 5, items => [ 11, 12, 14 ], variations => [ 121, 122 ], subevent => undef },
	{ id => 2, name => 'Shirts', size => undef, items => [13], variations => [], subevent => undef },
	{ id => 3, name => 'Nothing', size => 3, items => [999], variations => [], subevent => undef },
);

my $position = 5000;

sub position ($item, $price, %o) {
	my $id = ++$position;
	return { id => $id, positionid => 1, item => $item, variation => undef, price => $price, attendee_name => undef, attendee_email => undef,
		voucher => undef, tax_rate => '0.00', tax_value => '0.00', secret => "k24fiuwvu8kxz3y1vsdr$id", addon_to => undef, subevent => undef,
		checkins => [], answers => [], downloads => [], pseudonymization_id => "MQLJ$id", %o };
}

sub order ($code, $status, $total, $positions, %o) {
	return { code => $code, status => $status, testmode => \0, secret => 'k24fiuwvu8kxz3y1', email => 'tester@example.org', locale => 'de',
		datetime => '2027-12-01T10:00:00Z', expires => '2031-12-10T10:00:00Z', last_modified => '2027-12-01T10:00:00Z', payment_date => undef,
		payment_provider => 'banktransfer', fees => [], total => $total, comment => '', invoice_address => undef, positions => $positions,
		payments => [], refunds => [], require_approval => \0, sales_channel => 'web', downloads => [], %o };
}

sub paid ($amount, %o) {
	return { local_id => 1, state => 'confirmed', amount => $amount, created => '2027-12-01T10:05:00Z', payment_date => '2027-12-02T09:00:00Z',
		provider => 'banktransfer', details => {}, %o };
}

my $parent = position(11, '23.00', attendee_name => 'Grace Hopper', attendee_email => 'grace@example.org',
	checkins => [ { list => 44, datetime => '2027-12-25T12:45:23Z' } ]);
my @orders = (
	order('ABCDE', 'p', '36.50', [ $parent, position(13, '12.50', addon_to => $parent->{id}), position(11, '23.00', canceled => \1) ],
		fees => [ { fee_type => 'payment', value => '1.00', description => '', internal_type => '', tax_rate => '0.00', tax_value => '0.00' } ],
		payments => [ paid('40.00'), paid('6.50', local_id => 2, provider => 'paypal') ], refunds => [ { local_id => 1, state => 'done', amount => '10.00' } ],
		invoice_address => { name => 'Ada Lovelace', company => 'Engines', street => 'Road 1', is_business => \1 }, comment => 'Sits in front.'),
	order('FGHJK', 'n', '46.00', [ map { position(11, '23.00') } 1, 2 ], payments => [ paid('10.00') ]),
	order('MNPQR', 'e', '5.00', [ position(12, '5.00', variation => 121) ], expires => '2027-12-05T10:00:00Z'),
	order('STUVW', 'c', '23.00', [ position(11, '23.00') ], payments => [ paid('23.00') ], refunds => [ { local_id => 1, state => 'done', amount => '23.00' } ]),
	order('XYZ34', 'p', '0.00', [ position(14, '0.00') ], email => undef),
	order('OOPS0', 'p', '20.00', [ map { position(12, '10.00', variation => 122) } 1, 2 ], payments => [ paid('20.00') ]),
	order('LEFT2', 'p', '23.00', [ position(77, '23.00') ]),
	order('TEST2', 'p', '23.00', [ position(11, '23.00') ], testmode => \1),
	order('NONE2', 'p', '0.00', []),
	order('LAPSE', 'e', '1.00', [ position(15, '1.00') ], expires => '2027-12-05T10:00:00Z'),
	order('WAIT2', 'n', '23.00', [ position(15, '1.00') ], require_approval => \1),
);

subtest 'an event, its items, quotas and orders' => sub {
	my $a = import_into({ event => $event, items => \@items, quotas => \@quotas, orders => \@orders });
	is_status($a, 201, "taken") or diag $a->body;
	my $report = $a->json;
	my $id     = $report->{event};
	is(differences($id), '0/0', 'both checks find nothing');

	is(sql("SELECT count(*) FROM boxoffice.claim AS c JOIN boxoffice.stock AS s ON s.event_id = c.event_id AND s.id = ANY (c.stock_ids) WHERE c.event_id = $id AND NOT s.used"), 0, 'what any order took from is in use');
	my ($made) = grep { $_->{kind} eq 'event' } @{ $report->{lines} };
	is($made->{state}, 'changed', 'the event was changed:');
	like(join(' ', @{ $made->{notes} }), qr/draft.*location.*meta_data/, 'it is a draft, and without place and meta data');
	my %item  = lines($report, 'item');
	my %quota = lines($report, 'quota');
	my %order = lines($report, 'order');
	is_deeply([ map { $item{$_}{state} } qw(11 12/121 12/122 13 14) ], [qw(taken taken changed changed changed)], 'items are taken or changed');
	my %told;
	$told{"$_->{kind} $_->{reference}"}++ for @{ $report->{lines} };
	is_deeply([ grep { $told{$_} > 1 } sort keys %told ], [], '… and each is told once');
	like("@{ $item{15}{notes} }", qr/in no quota/, '… one without a quota with what that means');
	is_deeply([ map { $quota{$_}{state} } 1 .. 3 ], [qw(taken taken left)], 'a quota that nothing takes from is left');
	is_deeply([ map { "$_ $order{$_}{state}" } grep { $order{$_}{state} eq 'left' } sort keys %order ], [ 'LEFT2 left', 'NONE2 left', 'TEST2 left', 'WAIT2 left' ], 'orders that do not fit are left');
	like("@{ $order{LEFT2}{notes} }", qr/item, variation or date that is not here/, '… and why');
	like("@{ $order{OOPS0}{notes} }", qr/overbooked by/, 'more was sold than there is, which the report says');
	is($report->{left}, 5, 'the sums are right');

	my $view = $http->get("/v1/organizers/$org/events/$id", token => $mine)->json;
	is_deeply([ @$view{qw(name slug currency zone status)} ], [ 'Sample Conference', 'sampleconf', 'EUR', 'Europe/Berlin', 'draft' ], 'the event is as it was');
	my %type = map { $_->{key} => $_ } @{ $view->{ticket_types} };
	is_deeply([ map { "$_->{name} $_->{price} $_->{kind}" } @type{qw(item-11 item-12-121 item-13)} ],
		[ 'Regular 2300 admission', 'Talk – Student 500 admission', 'Shirt 1250 merchandise' ], 'so are its products');
	is($type{'item-14'}{hidden}, 1, 'what a voucher opened is hidden');

	my $code  = sql("SELECT code FROM boxoffice.order WHERE event_id = $id AND id = $order{ABCDE}{became}");
	like($code, qr/^ABCDE.$/, 'an order keeps its code');
	my $first = $http->get("/v1/orders/$report->{short_code}-$code", token => $mine)->json;
	is_deeply([ @$first{qw(status total paid due)} ], [ 'paid', 3650, 3650, 0 ], 'it is paid, what was refunded has gone');
	is_deeply([ sort map { "$_->{state} $_->{price}" } @{ $first->{tickets} } ], [ 'cancelled 2300', 'valid 1250', 'valid 2300' ], 'with its tickets');
	my ($valid) = grep { $_->{state} eq 'valid' && $_->{price} == 2300 } @{ $first->{tickets} };
	is($valid->{code}, $parent->{secret}, 'what is printed on a ticket still opens the door');
	is(sql("SELECT name || '/' || email FROM boxoffice.contact WHERE event_id = $id AND order_id = $order{ABCDE}{became}"), 'Ada Lovelace/tester@example.org', 'its contact came along');
	is(sql("SELECT name FROM boxoffice.holder WHERE event_id = $id"), 'Grace Hopper', '… and its attendee');
	is(sql("SELECT count(*) FROM boxoffice.ticket WHERE event_id = $id AND order_id = $order{ABCDE}{became} AND parent_id IS NOT NULL"), 1, '… and what is an add-on to what');
	is(sql("SELECT text FROM boxoffice.order_note WHERE event_id = $id AND order_id = $order{ABCDE}{became}"), 'Sits in front.', '… and what was noted on it');
	my %status = map { $_ => sql("SELECT status FROM boxoffice.order WHERE event_id = $id AND id = $order{$_}{became}") } qw(FGHJK MNPQR STUVW XYZ34);
	is_deeply(\%status, { FGHJK => 'pending', MNPQR => 'expired', STUVW => 'cancelled', XYZ34 => 'paid' }, 'states are kept');

	subtest 'life goes on' => sub {
		my $pending = $order{FGHJK}{became};
		my $pay     = $http->post("/v1/events/$id/orders/$pending/payments", { kind => 'manual', method => 'transfer', amount => 3600 }, token => $mine, key => uuid());
		is_status($pay, 201, 'a pending order is paid') or diag $pay->body;
		is(sql("SELECT status FROM boxoffice.order WHERE event_id = $id AND id = $pending"), 'paid', '… and is paid');
		is_status($http->post("/v1/events/$id/publish", undef, token => $mine, key => uuid()), 200, 'the event is published');
		is_problem($http->post("/v1/events/$id/holds", { items => [ { ticket_type => 'item-11', quantity => 1 } ] }), 409, 'sold_out', 'the house is full');
		is_status($http->post("/v1/events/$id/holds", { items => [ { ticket_type => 'item-13', quantity => 3 } ] }), 201, 'shirts are not counted');
		is_problem($http->post("/v1/events/$id/holds", { items => [ { ticket_type => 'item-15', quantity => 1 } ] }), 409, 'sold_out', 'what is in no quota has no places');
		is_status($http->post("/v1/events/$id/orders/$order{OOPS0}{became}/cancel", {}, token => $mine, key => uuid()), 200, 'an order is cancelled');
		is(differences($id), '0/0', 'and all adds up');
	};

	subtest 'a second page, and the first again' => sub {
		my $more  = "/v1/events/$id/imports/pretix";
		my $again = $http->post($more, { orders => [ $orders[0], order('NEWER', 'p', '12.50', [ position(13, '12.50') ], payments => [ paid('12.50') ]) ] }, token => $mine, key => uuid());
		is_status($again, 201, 'taken');
		my %line = lines($again->json, 'order');
		is_deeply([ map { $line{$_}{state} } qw(ABCDE NEWER) ], [qw(left changed)], 'only what is new');
		is(differences($id), '0/0', 'nothing twice');
		is_problem($http->post($more, { orders => [] }, key => uuid()), 401, 'token_missing', 'not by nobody');
		is_problem($http->post($more, { orders => [] }, token => $t->token('customer'), key => uuid()), 403, 'forbidden', 'nor by a buyer');
		is_problem($http->post($more, { orders => [] }, token => $t->token('organizer', sub => 'other'), key => uuid()), 404, 'not_found', 'nor by another organizer');
		my $other = $t->event;
		is_problem($http->post("/v1/events/$other->{id}/imports/pretix", { orders => [] }, token => $mine, key => uuid()), 409, 'event_state', 'nor into an event from elsewhere');
	};
};

# Once, "1.005" became 101 and the report said that it was taken as it was.
subtest 'amounts that the currency does not have' => sub {
	my $a = import_into({ event => { %$event, slug => 'odd' }, items => [ item(11, 'Odd', '1.005'), item(12, 'Even', '1.0100') ],
		quotas => [ { id => 1, name => 'All', size => 10, items => [ 11, 12 ], variations => [], subevent => undef } ],
		orders => [ order('ODDER', 'p', '1.005', [ position(11, '1.005') ], payments => [ paid('1.005') ]), order('EVENR', 'p', '1.01', [ position(12, '1.010') ], payments => [ paid('1.01') ]) ] });
	is_status($a, 201, 'taken') or diag $a->body;
	my %item  = lines($a->json, 'item');
	my %order = lines($a->json, 'order');
	my $told = sub ($line) { return scalar grep { /rounded/ } @{ $line->{notes} } };
	is_deeply([ map { $told->($_) } $item{11}, $item{12}, $order{ODDER}, $order{EVENR} ], [ 1, 0, 1, 0 ], 'what is rounded is told');
	is_deeply([ map { $_->{state} } @item{ 11, 12 } ], [qw(changed taken)], '… as changed');
};

subtest 'a series' => sub {
	my %series = (%$event, slug => 'series', has_subevents => \1, date_from => undef, date_to => undef);
	my $date = sub ($id, $from, %o) {
		return { id => $id, name => { en => "Night $id" }, event => 'series', active => \1, is_public => \1, date_from => $from, date_to => undef, presale_start => undef,
			presale_end => undef, location => undef, item_price_overrides => [], variation_price_overrides => [], meta_data => {}, seating_plan => undef, %o };
	};
	my @dates = (
		$date->(1, '2031-05-01T18:00:00Z', item_price_overrides => [ { item => 11, disabled => \0, price => '30.004' } ]),
		$date->(2, '2031-05-02T18:00:00Z', item_price_overrides => [ { item => 13, disabled => \1, price => undef } ]),
		$date->(3, '2031-05-03T18:00:00Z', active => \0),
	);
	my @seats = map { { id => 20 + $_, name => "Seats $_", size => $_ * 2, items => [11], variations => [], subevent => $_ } } 1 .. 3;
	my @shirts = map { { id => 30 + $_, name => "Shirts $_", size => undef, items => [13], variations => [], subevent => $_ } } 1, 2;
	my $a = import_into({ event => \%series, items => [ @items[ 0, 2 ] ], quotas => [ @seats, @shirts ], subevents => \@dates,
		orders => [ order('SERIE', 'p', '60.00', [ map { position(11, '30.00', subevent => 1) } 1, 2 ], payments => [ paid('60.00') ]) ] });
	is_status($a, 201, "taken") or diag $a->body;
	my $id = $a->json->{event};
	is(differences($id), '0/0', 'both checks find nothing');
	my %date = lines($a->json, 'subevent');
	is_deeply([ map { scalar grep { /rounded/ } @{ $date{$_}{notes} } } 1 .. 3 ], [ 1, 0, 0 ], 'a price of a date is rounded, which the report says');
	my $view = $http->get("/v1/organizers/$org/events/$id", token => $mine)->json;
	is_deeply([ map { $_->{key} } @{ $view->{pools} } ], [qw(quota-21 quota-31)], 'quotas of the same items are one pool');
	is_status($http->post("/v1/events/$id/publish", undef, token => $mine, key => uuid()), 200, 'published');
	my $try = sub ($type, $date) { $http->post("/v1/events/$id/holds", { items => [ { ticket_type => $type, session => "date-$date", quantity => 1 } ] }) };
	is_problem($try->('item-11', 1), 409, 'sold_out', 'the first night is full');
	my $second = $try->('item-11', 2);
	is_status($second, 201, 'the second is not');
	is($second->json->{total}, 2300, '… at the usual price');
	is_problem($try->('item-11', 3), 409, 'paused', 'the third was not active') or diag $try->('item-11', 3)->body;
	is_status($try->('item-13', 1), 201, 'shirts on the first night');
	is_problem($try->('item-13', 2), 422, 'type_not_in_session', 'disabled on the second');
	is(sql("SELECT price FROM boxoffice.session_price WHERE event_id = $id"), 3000, 'a date has its own price');
};

subtest 'what cannot become an event' => sub {
	my $try = sub ($change, $status, $code, $pointer, $what) {
		my %document = (event => { %$event, slug => 'bad' }, items => \@items, quotas => \@quotas);
		$change->(\%document);
		my $bad = import_into(\%document);
		is_problem($bad, $status, $code, $what) or diag $bad->body;
		is($bad->json->{errors}[0]{pointer}, $pointer, "… at $pointer");
	};
	$try->(sub ($d) { delete $d->{event}{timezone} }, 422, 'invalid_document', '/zone', 'no zone');
	$try->(sub ($d) { delete $d->{event}{timezone}; $d->{zone} = 'Europe/Atlantis' }, 422, 'unknown_reference', '/zone', 'no such zone');
	$try->(sub ($d) { $d->{event}{currency} = 'XXQ' }, 422, 'unknown_reference', '/event/currency', 'no such currency');
	$try->(sub ($d) { $d->{event}{name} = {} }, 422, 'invalid_document', '/event/name', 'no name');
	$try->(sub ($d) { $d->{event}{has_subevents} = \1 }, 422, 'invalid_document', '/subevents', 'a series without dates');
	$try->(sub ($d) { $d->{items} = [ @items[ 0, 0 ] ] }, 422, 'invalid_document', '/items/1/id', 'an item twice');
	$try->(sub ($d) { $d->{items} = [ item(1, 'x', '23,00') ] }, 400, 'invalid_request', '/items/0/default_price', 'money with a comma');
	$try->(sub ($d) { $d->{items} = [ item(1, 'x', '1234567890123.00') ] }, 400, 'invalid_request', '/items/0/default_price', 'too much money');
	$try->(sub ($d) { $d->{quotas} = [ { id => 1, items => [], variations => [] } ] }, 400, 'invalid_request', '/quotas/0/size', 'a quota without size');
	$try->(sub ($d) { $d->{event}{note} = { deep => ["a\0b"] } }, 400, 'invalid_request', '/event/note/deep/0', 'a NUL where we do not look');
	$try->(sub ($d) { $d->{more} = 1 }, 400, 'invalid_request', '/more', 'a member of ours that is none');
	$try->(sub ($d) { $d->{event}{date_from} = 'tomorrow' }, 400, 'invalid_request', '/event/date_from', 'a time that is none');
	is_problem($http->request(POST => $path, body => '{"event":{"name":{"en":"X"},"slug":"x","currency":"EUR","date_from":"2031-12-27T10:00:00Z","more":[1e-99999]},"items":[],"quotas":[]}',
		token => $mine, key => uuid()), 400, 'invalid_request', 'a number that jsonb has no room for');
	is_problem(import_into({ event => $event, items => [], quotas => [] }, token => undef), 401, 'token_missing', 'nobody may');
	is_problem(import_into({ event => $event, items => [], quotas => [] }, token => $t->token('organizer', sub => 'other')), 404, 'not_found', 'nor another organizer');
	is(sql("SELECT count(*) FROM boxoffice.event WHERE slug LIKE 'bad%'"), 0, 'and nothing is left of it');
};

$t->finish;
