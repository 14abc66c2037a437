# Organizers, venues and events over HTTP: a whole event in one document, what is wrong with one, and its life from
# draft to cancelled.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;
my $org  = $t->organizer;
my $mine = $t->organizer_token;
my $path = "/v1/organizers/$org/events";

sub make ($document, %o) { return $http->post($path, $document, token => $mine, key => uuid(), %o) }

sub act ($event, $what, %o) {
	return $http->request(POST => "/v1/events/$event->{id}/$what", token => $mine, key => uuid(), %o);
}

subtest 'organizers and venues' => sub {
	my $token = $t->token('organizer', sub => 'founder');
	my $a = $http->post('/v1/organizers', { slug => 'founded', name => 'Gegründet 🎪' }, token => $token, key => uuid());
	is_status($a, 201, 'an organizer is made');
	is($a->json->{name}, 'Gegründet 🎪', 'with any letters');
	unlike($a->body, qr/[:,\[\{] |" /, 'and no blanks between them');
	my $signs = "a \" : \\ , { b\\\\\" }  c";
	is($http->post('/v1/organizers', { slug => 'odd', name => $signs }, token => $token, key => uuid())->json->{name}, $signs, '… but within a text');
	my $id = $a->json->{id};
	is_status($http->get("/v1/organizers/$id", token => $token), 200, 'who made it owns it');
	is_problem($http->get("/v1/organizers/$id", token => $mine), 404, 'not_found', 'others do not see it');
	is_problem($http->get("/v1/organizers/$id"), 401, 'token_missing', 'nor does nobody');
	is_problem($http->post('/v1/organizers', { slug => 'founded', name => 'Again' }, token => $token, key => uuid()), 409, 'already_exists', 'its slug is taken');
	for ([ { slug => 'Big', name => 'x' }, '/slug' ], [ { slug => '-a', name => 'x' }, '/slug' ], [ { slug => 'a' x 64, name => 'x' }, '/slug' ],
		[ { slug => 'ok', name => '' }, '/name' ], [ { slug => 'ok', name => 'x' x 201 }, '/name' ], [ { slug => 'ok' }, '/name' ]) {
		my $bad = $http->post('/v1/organizers', $_->[0], token => $token, key => uuid());
		is_problem($bad, 400, 'invalid_request', 'a bad document');
		is($bad->json->{errors}[0]{pointer}, $_->[1], "… at $_->[1]");
	}
	my $venue = { key => 'hall', name => 'Hall', city => 'Köln', country => 'DE', zone => 'Europe/Berlin', latitude => 50.9, longitude => 6.9 };
	is_status($http->post("/v1/organizers/$org/venues", $venue, token => $mine, key => uuid()), 201, 'a venue is made');
	is_problem($http->post("/v1/organizers/$org/venues", $venue, token => $mine, key => uuid()), 409, 'already_exists', 'once');
	is_problem($http->post("/v1/organizers/$org/venues", { %$venue, key => 'x', latitude => 91 }, token => $mine, key => uuid()), 400, 'invalid_request', 'not beyond the pole');
	is_problem($http->post("/v1/organizers/$org/venues", { %$venue, key => 'x' }, token => $token, key => uuid()), 404, 'not_found', 'not by another organizer');
	my $odd = $http->post("/v1/organizers/$org/venues", { %$venue, key => 'x', zone => 'Europe/Atlantis' }, token => $mine, key => uuid());
	like($odd->status, qr/^4(00|22)$/, 'nor in a zone that is none');
	my $list = $http->get("/v1/organizers/$org/venues", token => $mine)->json;
	is_deeply([ map { $_->{key} } @{ $list->{items} } ], ['hall'], 'they are listed');
};

subtest 'a whole event in one document' => sub {
	my $start = time + 50 * 86400;
	my $a = make({
		name => 'Konferenz', slug => 'konferenz', short_code => 'KNF', currency => 'EUR', zone => 'Europe/Berlin', locale => 'de-DE', venue => 'hall',
		max_per_order => 10, show_quantity => \1, description => "Zwei Tage.\nMit Kaffee.",
		sessions => [ map { { key => "tag$_", name => "Tag $_", starts_at => rfc3339($start + 86400 * $_), ends_at => rfc3339($start + 86400 * $_ + 3600) } } 1, 2 ],
		pools => [ { key => 'saal', name => 'Saal', scope => 'session', capacity => 300 }, { key => 'frueh', name => 'Frühbucher', scope => 'event', capacity => 50 } ],
		ticket_types => [
			{ key => 'normal', name => 'Normal', price => 20000, fee => 500, pools => ['saal'] },
			{ key => 'frueh', name => 'Frühbucher', price => 15000, pools => [ 'saal', 'frueh' ] },
			{ key => 'presse', name => 'Presse', price => 0, pools => ['saal'], hidden => \1, sessions => ['tag1'] },
		],
	});
	is_status($a, 201, 'made');
	my $event = $a->json;
	is($event->{status}, 'draft', 'a draft');
	is(scalar @{ $event->{sessions} }, 2, 'with its sessions');
	is_deeply([ map { $_->{key} } @{ $event->{ticket_types} } ], [qw(normal frueh presse)], 'and types in order');
	is($a->header('ETag'), qq("$event->{version}"), 'its ETag is its version') or 1;
	my $view = $http->get("$path/$event->{id}", token => $mine);
	is_deeply($view->json, $event, 'the organizer\'s view is the same');
	is_status(act($event, 'publish'), 200, 'published');
	my $page = $http->get('/v1/events/konferenz');
	is_status($page, 200, 'its page');
	is_deeply([ map { $_->{key} } @{ $page->json->{ticket_types} } ], [qw(normal frueh)], 'without the hidden type');
	my ($first) = @{ $page->json->{sessions} };
	my %left = map { $_->{ticket_type} => $_->{available} } @{ $first->{availability} };
	is_deeply(\%left, { normal => 300, frueh => 50 }, 'with what is left');
	like($first->{starts_at}, qr/[+-]\d\d:\d\d$/, 'times have the session\'s offset');
	is($page->json->{venue}{key} // $page->json->{venue}{name}, $page->json->{venue}{key} ? 'hall' : 'Hall', 'and the venue');
	my $listed = $http->get("/v1/events?organizer=$org")->json;
	is_deeply([ map { $_->{slug} } @{ $listed->{items} } ], ['konferenz'], 'it is listed');
	is($listed->{items}[0]{price_from}, 15000, 'from its lowest price');
};

subtest 'documents that contradict themselves' => sub {
	my $bad = sub ($name, $code, $pointer, %change) {
		my $a = make($t->document(%change));
		my $status = $code eq 'invalid_request' ? 400 : 422;
		is_problem($a, $status, $code, $name) or return;
		is_deeply([ map { $_->{pointer} } @{ $a->json->{errors} } ], [$pointer], "… at $pointer") if defined $pointer;
	};
	my $session = sub (%o) { { key => 'main', starts_at => rfc3339(time + 9e6), %o } };
	my $pool    = sub (%o) { { key => 'house', name => 'House', scope => 'session', capacity => 10, %o } };
	my $type    = sub (%o) { { key => 'general', name => 'General', price => 0, pools => ['house'], %o } };
	$bad->('no session', 'invalid_request', '/sessions', sessions => []);
	$bad->('no pool', 'invalid_request', '/pools', pools => []);
	$bad->('two sessions of a key', 'invalid_document', undef, sessions => [ $session->(), $session->() ]);
	$bad->('two pools of a key', 'invalid_document', undef, pools => [ $pool->(), $pool->() ]);
	$bad->('two types of a key', 'invalid_document', undef, ticket_types => [ $type->(), $type->() ]);
	$bad->('a session that ends before it starts', 'invalid_document', undef, sessions => [ $session->(ends_at => rfc3339(time)) ]);
	$bad->('a sale that ends before it starts', 'invalid_document', undef, sale_starts_at => rfc3339(time + 100), sale_ends_at => rfc3339(time));
	$bad->('a pool that is none', 'unknown_reference', '/ticket_types/0/pools/0', ticket_types => [ $type->(pools => ['moon']) ]);
	$bad->('a session that is none', 'unknown_reference', '/ticket_types/0/sessions/0', ticket_types => [ $type->(sessions => ['moon']) ]);
	$bad->('a venue that is none', 'unknown_reference', '/venue', venue => 'moon');
	$bad->('more at least than at most', 'invalid_document', undef, ticket_types => [ $type->(min_per_order => 5, max_per_order => 4) ]);
	$bad->('a capacity below zero', 'invalid_request', '/pools/0/capacity', pools => [ $pool->(capacity => -1) ]);
	$bad->('a price below zero', 'invalid_request', '/ticket_types/0/price', ticket_types => [ $type->(price => -1) ]);
	$bad->('a price with a fraction', 'invalid_request', '/ticket_types/0/price', ticket_types => [ $type->(price => 9.99) ]);
	$bad->('a time without an offset', 'invalid_request', '/sessions/0/starts_at', sessions => [ $session->(starts_at => '2027-06-23T18:00:00') ]);
	$bad->('tomorrow', 'invalid_request', '/sessions/0/starts_at', sessions => [ $session->(starts_at => 'tomorrow') ]);
	$bad->('the 30th of February', 'invalid_request', '/sessions/0/starts_at', sessions => [ $session->(starts_at => '2027-02-30T18:00:00Z') ]);
	$bad->('the year 294277', 'invalid_request', '/sessions/0/starts_at', sessions => [ $session->(starts_at => '294277-01-01T00:00:00Z') ]);
	$bad->('201 sessions', 'invalid_request', '/sessions', sessions => [ map { $session->(key => "s$_") } 1 .. 201 ]);
	$bad->('a term of minutes and days', 'invalid_request', undef, payment_term => { minutes => 1, days => 1 });
	$bad->('a term of neither', 'invalid_request', undef, payment_term => {});
	$bad->('a slug of capitals', 'invalid_request', '/slug', slug => 'Big');
	$bad->('a text with a NUL', 'invalid_request', '/name', name => "a\0b");
	for ([ currency => 'XXQ' ], [ zone => 'Mars/Olympus' ]) {
		my $a = make($t->document($_->[0] => $_->[1]));
		like($a->status . ' ' . $a->code, qr/^(400 invalid_request|422 (unknown_reference|invalid_document))$/, "$_->[0] $_->[1] is none");
	}
	is_problem(make($t->document(slug => 'konferenz')), 409, 'already_exists', 'a slug that is taken');
	is_problem(make($t->document(short_code => 'KNF')), 409, 'already_exists', 'a short code that is taken');
	is($t->server->value("SELECT count(*) FROM boxoffice.event WHERE organizer_id = ?", $org), 1, 'none of them left anything');
};

subtest 'two hundred sessions' => sub {
	my $a = make($t->document(sessions => [ map { { key => "slot$_", starts_at => rfc3339(time + 86400 + 600 * $_) } } 1 .. 200 ]));
	is_status($a, 201, 'in one document');
	my $event = $a->json;
	is($event->{session_count}, 200, 'all there');
	act($event, 'publish');
	my (@keys, $next);
	my $pages = 0;
	do {
		my $page = $http->get("/v1/events/$event->{id}/sessions?limit=60" . ($next ? "&cursor=$next" : ''))->json;
		push @keys, map { $_->{key} } @{ $page->{items} };
		$next = $page->{next};
		$pages++;
	} while $next and $pages < 10;
	is_deeply(\@keys, [ map { "slot$_" } 1 .. 200 ], 'in pages, each once, in order');
	is($pages, 4, 'four of them');
	my $window = $http->get("/v1/events/$event->{id}/sessions?from=" . rfc3339(time + 86400 + 6000) . '&to=' . rfc3339(time + 86400 + 12000) . '&limit=100')->json;
	cmp_ok(abs(@{ $window->{items} } - 10), '<=', 1, 'those of a window of time');
	is(scalar @{ $http->get("/v1/events/$event->{id}")->json->{sessions} }, 20, 'the page has the next twenty');
};

subtest 'the life of an event' => sub {
	my $event = $t->event(publish => 0);
	my $etag  = $http->get("$path/$event->{id}", token => $mine)->header('ETag');
	is_problem(act($event, 'publish', headers => [ 'If-Match' => '"999"' ]), 412, 'precondition_failed', 'a version that is not the newest');
	is_status(act($event, 'publish', headers => [ 'If-Match' => $etag ]), 200, 'published');
	is_status(act($event, 'publish'), 200, 'again changes nothing');
	is_problem(act($event, 'publish', headers => [ 'If-Match' => $etag ]), 412, 'precondition_failed', 'the old version is no more');
	my $hold = $t->hold($event)->json;
	is_status(act($event, 'pause'), 200, 'paused');
	is_problem($t->hold($event), 409, 'paused', 'nothing is sold');
	is_status($t->order($event, $hold), 201, 'but what is held can be ordered');
	is_problem(act($event, 'publish', token => $t->token('customer')), 403, 'forbidden', 'a customer does not publish');
	is_problem(act($event, 'pause', token => undef), 401, 'token_missing', 'nobody does not pause');
	is_status(act($event, 'resume'), 200, 'resumed');
	my $second = $t->hold($event)->json;
	my $order  = $t->order($event, $t->hold($event)->json)->json;
	is_status(act($event, 'cancel'), 200, 'cancelled');
	is_status(act($event, 'cancel'), 200, 'again changes nothing');
	is_problem($t->hold($event), 409, 'event_cancelled', 'nothing is sold');
	my $dead = $t->order($event, $second);
	like($dead->status . ' ' . $dead->code, qr/^(409 event_cancelled|410 hold_(expired|released))$/, 'what was held is gone');
	my $look = $http->get("/v1/events/$event->{id}/orders/$order->{id}", secret => $order->{secret})->json;
	is($look->{tickets}[0]{state}, 'cancelled', 'its tickets are not valid any more');
	my $resume = act($event, 'resume');
	is($resume->status, 409, 'it does not come back: ' . $resume->code);
	is_problem(act({ id => 12345 }, 'publish'), 404, 'not_found', 'an event that is none');
};

subtest 'the end of a test' => sub {
	my $event = $t->event(test => \1, price => 100, capacity => 20);
	for (1 .. 5) {
		my $order = $t->order($event, $t->hold($event, quantity => 2)->json)->json;
		$t->pay($event, $order, kind => 'test');
	}
	$t->hold($event);
	is_problem(act($event, 'go-live'), 409, 'event_state', 'not while it sells');
	act($event, 'pause');
	my $a = act($event, 'go-live');
	is_status($a, 200, 'goes live');
	for (1 .. 50) { last if $a->json->{status} eq 'done'; $a = act($event, 'go-live') }
	is($a->json->{status}, 'done', 'in the end');
	is($a->json->{event}{test}, Cpanel::JSON::XS::false(), 'it is no test any more');
	is($a->json->{event}{pools}[0]{$_}, 0, "no $_ is left of it") for qw(held pending sold);
	is($t->server->value('SELECT count(*) FROM boxoffice.order WHERE event_id = ?', $event->{id}), 0, 'nor an order');
	is_status(act($event, 'resume'), 200, 'it goes on sale');
	my $order = $t->order($event, $t->hold($event)->json)->json;
	is_problem($t->pay($event, $order, kind => 'test'), 409, 'test_event_only', 'and takes no test money');
	my $again = act($event, 'go-live');
	like($again->status, qr/^(200|409)$/, 'going live again does no harm');
	is($t->server->value('SELECT count(*) FROM boxoffice.order WHERE event_id = ?', $event->{id}), 1, 'the real order stays');
};

$t->finish;
