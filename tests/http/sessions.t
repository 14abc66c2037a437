# Sessions over HTTP: many at once by a list or a rule.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;
use Time::Local qw(timegm);

my $t    = Boxoffice::Test->start;
my $http = $t->http;
my $mine = $t->organizer_token;
my $year = 1 + (gmtime)[5] + 1900;

sub add ($event, $body, %o) { return $http->post("/v1/events/$event->{id}/sessions", $body, token => $mine, key => uuid(), %o) }

sub rule (%o) {
	return { weekdays => [qw(mon tue wed thu fri sat sun)], times => ['10:00'], from => "$year-03-01", to => "$year-03-03", %o };
}

subtest 'a rule' => sub {
	my $event = $t->event;
	my $path  = "/v1/events/$event->{id}/sessions";
	my $seen  = add($event, { rule => rule(), preview => \1 });
	is_status($seen, 200, 'a preview');
	is($seen->json->{created}, 3, 'says how many');
	is($http->get("$path?limit=99")->json->{items}[1], undef, 'and makes none');
	my $key  = uuid();
	my $body = { rule => rule(duration_minutes => 30, prices => [ { ticket_type => 'general', price => 700 } ], capacities => [ { pool => 'house', capacity => 7 } ]) };
	my $made = add($event, $body, key => $key);
	is_status($made, 200, 'made');
	is($made->json->{session_count}, 4, 'they are there');
	is($made->header('ETag'), '"' . $made->json->{version} . '"', 'the event has a new version');
	my $again = add($event, $body, key => $key);
	is($again->header('Idempotency-Replayed'), 'true', 'asked again with its key it is the same answer');
	is($again->body, $made->body, '… to the letter');
	is_problem(add($event, $body), 409, 'already_exists', 'asked anew they are there');
	is(add($event, { %$body, duplicates => 'skip' })->json->{skipped}, 3, 'or skipped');
	is_deeply([ grep { /$year-03/ } map { $_->{key} } @{ $http->get($path)->json->{items} } ], [ map { "$year-03-0$_-1000" } 1 .. 3 ], 'in the list');
	my $hold = $t->hold($event, session => "$year-03-02-1000", quantity => 7);
	is_status($hold, 201, 'they sell');
	is($hold->json->{total}, 4900, '… at the price that they were given');
	my ($shown) = grep { $_->{key} eq "$year-03-01-1000" } @{ $http->get("$path?limit=98")->json->{items} };
	is($shown->{availability}[0]{price}, 700, 'which the list tells');
	is($shown->{state}, 'available', '… and how much there is');
	is_problem($t->hold($event, session => "$year-03-02-1000"), 409, 'all_held', 'as many as they were given');
	is_problem(add($event, { rule => rule(to => "$year-03-04") }, headers => [ 'If-Match' => '"1"' ]), 412, 'precondition_failed', 'not over somebody else\'s change');
};

subtest 'a list, and who may' => sub {
	my $event = $t->event;
	my $list  = { sessions => [ { starts_at => "$year-05-01T18:00:00Z" }, { key => 'gala', starts_at => "$year-05-02T18:00:00Z", name => 'Gala', status => 'paused' } ] };
	my $other = $t->token('organizer', sub => 'stranger', org => next_id($t->organizer));
	is_problem(add($event, $list, token => undef), 401, 'token_missing', 'not nobody');
	is_problem(add($event, $list, token => $t->token('customer')), 403, 'forbidden', 'not a customer');
	is_problem(add($event, $list, token => $other), 404, 'not_found', 'not another organizer');
	is_problem(add({ id => 1 }, $list), 404, 'not_found', 'not for an event that is none');
	is_status(add($event, $list), 200, 'made');
	is_problem($t->hold($event, session => 'gala'), 409, 'paused', 'one that is paused does not sell');
	# In a month in which no hour comes twice: their keys are made of their local starts.
	my $may  = timegm(0, 0, 0, 5, 4, $year);
	my @many = map { { starts_at => rfc3339($may + 600 * $_) } } 1 .. 5000;
	my $many = add($event, { sessions => \@many });
	is_status($many, 200, '5,000 in one request');
	is(scalar @{ $many->json->{items} }, 100, 'the first of them are told');
};

subtest 'what is wrong with one' => sub {
	my $event = $t->event;
	my $bad = sub ($name, $status, $code, $pointer, $body) {
		my $a = add($event, $body);
		is_problem($a, $status, $code, $name) and is($a->json->{errors}[0]{pointer} // '', $pointer, "… at $pointer");
	};
	my $fit = sub ($name, $pointer, %o) { $bad->($name, 400, 'invalid_request', "/rule$pointer", { rule => rule(%o) }) };
	$fit->('no weekday',       '/weekdays',      weekdays => []);
	$fit->('a strange weekday', '/weekdays/0',   weekdays => ['Monday']);
	$fit->('no time',          '/times',         times => []);
	$fit->('24:00',            '/times/0',       times => ['24:00']);
	$fit->('a time of seconds', '/times/0',      times => ['10:00:00']);
	$fit->('the 30th of February', '/from',      from => "$year-02-30");
	$fit->('a date of words',  '/to',            to => 'tomorrow');
	$fit->('a year too far',   '/to',            to => '3000-01-01');
	$fit->('an exception that is none', '/except_dates/0', except_dates => ['x']);
	$fit->('a price below zero', '/prices/0/price', prices => [ { ticket_type => 'general', price => -1 } ]);
	$fit->('a capacity that is missing', '/capacities/0/capacity', capacities => [ { pool => 'house' } ]);
	$fit->('an unknown member', '/colour',       colour => 'red');
	$bad->('no session', 400, 'invalid_request', '/sessions', { sessions => [] });
	$bad->('a start without an offset', 400, 'invalid_request', '/sessions/0/starts_at', { sessions => [ { starts_at => "$year-05-01T18:00:00" } ] });
	$bad->('neither list nor rule', 422, 'invalid_document', '', {});
	$bad->('both', 422, 'invalid_document', '', { rule => rule(), sessions => [ { starts_at => "$year-05-01T18:00:00Z" } ] });
	$bad->('days the wrong way round', 422, 'invalid_document', '/rule/to', { rule => rule(to => "$year-02-01") });
	$bad->('a zone that is none', 422, 'unknown_reference', '/rule/zone', { rule => rule(zone => 'Mars/Olympus') });
	$bad->('a pool that is none', 422, 'unknown_reference', '/rule/capacities/0/pool', { rule => rule(capacities => [ { pool => 'moon', capacity => 1 } ]) });
	$bad->('a type that is none', 422, 'unknown_reference', '/rule/ticket_types/0', { rule => rule(ticket_types => ['moon']) });
	$bad->('too many', 422, 'invalid_document', '/rule', { rule => rule(to => ($year + 5) . '-01-01', times => [ map { sprintf '%02d:00', $_ } 0 .. 23 ]) });
	# Five million starts were found out, each by itself, until the deadline came.
	$bad->('far too many', 422, 'invalid_document', '/rule', { rule => rule(weekdays => [qw(mon tue wed thu fri sat sun)], to => ($year + 9) . '-01-01', except_dates => [],
		times => [ map { my $h = $_; map { sprintf '%02d:%02d', $h, $_ } 0 .. 59 } 0 .. 23 ]) });
	$bad->('two of a key', 422, 'invalid_document', '/sessions/1/key', { sessions => [ map { { key => 'a', starts_at => "$year-05-01T18:00:00Z" } } 1, 2 ] });
};

subtest 'one session is changed and deleted' => sub {
	my $event = $t->event;
	add($event, { sessions => [ map { { key => "s$_", starts_at => "$year-06-0${_}T18:00:00Z" } } 1 .. 3 ] });
	my $path  = "/v1/events/$event->{id}/sessions";
	my $own   = '/v1/organizers/' . $t->organizer . "/events/$event->{id}/sessions";
	my $patch = sub ($session, $body, %o) { $http->request(PATCH => "$path/$session", json => $body, token => $mine, %o) };
	my $drop  = sub ($session, %o) { $http->request(DELETE => "$path/$session", token => $mine, %o) };
	my $other = $t->token('organizer', sub => 'stranger', org => next_id($t->organizer));
	my $seen  = $http->get("$own/s1", token => $mine);
	is_status($seen, 200, 'the organizer sees one');
	is($seen->json->{stock}[0]{capacity}, 100, '… with its stock');
	my $made = $patch->('s1', { name => 'First', starts_at => "$year-06-01T19:00:00Z" }, headers => [ 'If-Match' => $seen->header('ETag') ]);
	is_status($made, 200, 'changed');
	is($made->json->{original_starts_at}, "$year-06-01T20:00:00+02:00", 'its first start is kept');
	is_problem($patch->('s1', { name => 'x' }, headers => [ 'If-Match' => $seen->header('ETag') ]), 412, 'precondition_failed', 'the version of before is no more');
	is_status($patch->('s2', { status => 'paused' }), 200, 'paused');
	is_problem($t->hold($event, session => 's2'), 409, 'paused', 'it does not sell');
	is_status($patch->('s2', { status => 'open', prices => [ { ticket_type => 'general', price => 500 } ] }), 200, 'open, and at a price');
	is($t->hold($event, session => 's2')->json->{total}, 500, 'it sells at that');
	my $was  = $http->get("$own/s2", token => $mine);
	my $what = $patch->('s2', { name => 'Perhaps', starts_at => "$year-06-02T20:00:00Z", prices => [ { ticket_type => 'general', price => 700 } ], preview => \1 });
	is_status($what, 200, 'a preview');
	is_deeply([ @{ $what->json }{qw(name starts_at prices)} ], [ 'Perhaps', "$year-06-02T22:00:00+02:00", [ { ticket_type => 'general', price => 700 } ] ], '… says how it would be');
	is($what->header('ETag'), $was->header('ETag'), '… at the version that stays');
	is_problem($patch->('s2', { zone => 'Mars/Base', preview => \1 }), 422, 'unknown_reference', '… and what would be refused');
	is_problem($patch->('s2', { name => 'x', preview => 1 }), 400, 'invalid_request', '… if it is one');
	is_deeply($http->get("$own/s2", token => $mine)->json, $was->json, 'nothing was changed by that');
	is_problem($drop->('s2'), 409, 'in_use', 'one that was used is not deleted');
	is_status($drop->('s3'), 200, 'one that was not is');
	is_problem($drop->('s3'), 404, 'not_found', 'once');
	is_problem($t->hold($event, session => 's3'), 422, 'unknown_reference', 'it does not sell');
	is(scalar @{ $http->get("$own?from=$year-06-01T00:00:00Z&to=$year-06-30T00:00:00Z", token => $mine)->json->{items} }, 2, 'the organizer lists them');
	for ([ 'a change', $patch, { name => 'x' } ], [ 'a deletion', $drop ]) {
		my ($what, $do, @body) = @$_;
		is_problem($do->('s1', @body, token => undef), 401, 'token_missing', "$what: not nobody");
		is_problem($do->('s1', @body, token => $t->token('customer')), 403, 'forbidden', '… not a customer');
		is_problem($do->('s1', @body, token => $other), 404, 'not_found', '… not another organizer');
		is_problem($do->('moon', @body), 404, 'not_found', '… not of a session that is none');
	}
	is_problem($http->get($own), 401, 'token_missing', 'lists are not for nobody');
	is_problem($http->get($own, token => $other), 404, 'not_found', '… nor for another organizer');
	for ([ '/status', status => 'cancelled' ], [ '/starts_at', starts_at => undef ], [ '/starts_at', starts_at => 'soon' ], [ '/key', key => 'x' ],
		[ '/sale_close_offset_seconds', sale_close_offset_seconds => 1e12 ], [ '/name', name => "a\nb" ]) {
		my ($pointer, %body) = @$_;
		my $bad = $patch->('s1', \%body);
		is_problem($bad, 400, 'invalid_request', 'a bad patch') and is($bad->json->{errors}[0]{pointer}, $pointer, "… at $pointer");
	}
	for ([ '/zone', zone => 'Mars/Base' ], [ '/venue', venue => 'attic' ], [ '/ends_at', ends_at => '2020-01-01T00:00:00Z' ],
		[ '/ticket_types/0', ticket_types => ['moon'] ]) {
		my ($pointer, %body) = @$_;
		my $bad = $patch->('s1', \%body);
		is($bad->status, 422, 'a patch that contradicts') and is($bad->json->{errors}[0]{pointer}, $pointer, "… at $pointer");
	}
};

subtest 'many are changed at once' => sub {
	my $event = $t->event;
	add($event, { rule => rule(key => 'b{n}', times => [ '10:00', '20:00' ]) });
	my $path  = "/v1/events/$event->{id}/sessions";
	my $bulk  = sub ($body, %o) { $http->request(PATCH => $path, json => $body, token => $mine, %o) };
	my $other = $t->token('organizer', sub => 'stranger', org => next_id($t->organizer));
	my %late  = (where => { times => ['20:00'] }, patch => { status => 'paused', prices => [ { ticket_type => 'general', price => 900 } ], capacities => [ { pool => 'house', capacity => 3 } ] });
	my $seen  = $bulk->({ %late, preview => \1 });
	is_status($seen, 200, 'a preview');
	is_deeply([ map { $seen->json->{$_} } qw(matched changed) ], [ 3, 3 ], 'says how many');
	is_deeply([ map { "$_->{member} $_->{sessions}" } @{ $seen->json->{members} } ], [ 'capacities 3', 'prices 3', 'status 3' ], '… and what');
	is($seen->json->{stock}{capacity_after}, 9, '… and what comes of the places');
	is_status($t->hold($event, session => 'b2', quantity => 4), 201, 'and changes nothing');
	my $full = $bulk->(\%late, headers => [ 'If-Match' => $seen->header('ETag') ]);
	is_problem($full, 409, 'capacity_taken', 'more is taken than would be there');
	is_deeply([ @{ $full->json->{errors}[0] }{qw(pointer session min)} ], [ '/patch/capacities/0', 'b2', 4 ], '… in which session is said');
	is_status($t->hold($event, session => 'b4'), 201, '… and none was changed');
	$late{patch}{capacities}[0]{capacity} = 4;
	my $made = $bulk->(\%late, headers => [ 'If-Match' => $seen->header('ETag') ]);
	is_status($made, 200, 'changed');
	isnt($made->header('ETag'), $seen->header('ETag'), 'the event has a new version');
	is_problem($t->hold($event, session => 'b4'), 409, 'paused', 'none of them sells');
	is_status($t->hold($event, session => 'b3'), 201, '… others do');
	is_problem($bulk->(\%late, headers => [ 'If-Match' => $seen->header('ETag') ]), 412, 'precondition_failed', 'the version of before is no more');
	is($bulk->({ where => { sessions => ['b4'] }, patch => { status => 'open' } })->json->{items}[0]{key}, 'b4', 'one that is named opens again');
	is($t->hold($event, session => 'b4')->json->{total}, 900, '… and sells at its new price');

	is_problem($bulk->(\%late, token => undef), 401, 'token_missing', 'not nobody');
	is_problem($bulk->(\%late, token => $t->token('customer')), 403, 'forbidden', 'not a customer');
	is_problem($bulk->(\%late, token => $t->token('scanner')), 403, 'forbidden', 'not a scanner');
	is_problem($bulk->(\%late, token => $other), 404, 'not_found', 'not another organizer');
	is_problem($http->request(PATCH => '/v1/events/1/sessions', json => \%late, token => $mine), 404, 'not_found', 'not of an event that is none');
	for ([ 400, 'invalid_request', '/where', {}, { name => 'x' } ], [ 400, 'invalid_request', '/patch', { times => ['20:00'] }, {} ],
		[ 400, 'invalid_request', '/where/weekdays/0', { weekdays => ['Monday'] }, { name => 'x' } ],
		[ 400, 'invalid_request', '/where/from', { from => 'soon' }, { name => 'x' } ],
		[ 400, 'invalid_request', '/where/sessions', { sessions => [ map { "b$_" } 1 .. 1001 ] }, { name => 'x' } ],
		[ 400, 'invalid_request', '/patch/status', { times => ['20:00'] }, { status => 'cancelled' } ],
		[ 400, 'invalid_request', '/patch/starts_at', { times => ['20:00'] }, { starts_at => "$year-03-01T10:00:00Z" } ],
		[ 400, 'invalid_request', '/patch/prices/0/price', { times => ['20:00'] }, { prices => [ { ticket_type => 'general', price => -1 } ] } ],
		[ 422, 'unknown_reference', '/where/sessions/1', { sessions => [ 'b1', 'moon' ] }, { name => 'x' } ],
		[ 422, 'unknown_reference', '/patch/capacities/0/pool', { times => ['20:00'] }, { capacities => [ { pool => 'moon', capacity => 1 } ] } ],
		[ 422, 'invalid_document', '/patch/capacities/0', { times => ['20:00'] }, { capacities => [ { pool => 'house' } ] } ],
		[ 422, 'invalid_document', '/patch/sale_ends_at', { times => ['20:00'] }, { sale_starts_at => "$year-02-02T00:00:00Z", sale_ends_at => "$year-02-01T00:00:00Z" } ]) {
		my ($status, $code, $pointer, $where, $patch) = @$_;
		my $bad = $bulk->({ where => $where, patch => $patch });
		is_problem($bad, $status, $code, "refused at $pointer") and is($bad->json->{errors}[0]{pointer}, $pointer, '… which is said');
	}
};

subtest 'a calendar by days' => sub {
	my $event = $t->event;
	add($event, { rule => rule(key => 'd{n}', times => [ '10:00', '20:00' ]) });
	my $seen = $http->get("/v1/events/$event->{id}");
	is_status($seen, 200, 'an event');
	my $days = $seen->json->{links}{days};
	is($http->get($seen->json->{links}{sessions})->json->{items}[1]{key}, 'd1', 'says where its sessions are');
	my $got = $http->get("$days?from=$year-03-01&to=$year-03-31");
	is_status($got, 200, '… and where their days are');
	is_deeply([ map { "$_->{date} $_->{sessions} $_->{selling} $_->{state}" } @{ $got->json->{items} } ], [ map { "$year-03-0$_ 2 2 available" } 1 .. 3 ], 'each with how many there are');
	like($got->json->{items}[0]{starts_at}, qr/^$year-03-01T10:00:00\+/, 'and the first start');
	is($http->get("$days?from=$year-03-01&to=$year-03-31")->header('ETag'), $got->header('ETag'), 'the same for everybody');
	is_status($http->get($days), 200, 'beginning with the next one');
	is_problem($http->get("/v1/events/1/sessions/days"), 404, 'not_found', 'not of an event that is none');
	for ([ 'from=soon', 'from' ], [ "from=$year-02-30", 'from' ], [ "from=$year-03-01&to=$year-02-01", 'to' ], [ "from=$year-01-01&to=$year-12-31", 'to' ], [ 'day=1', 'day' ]) {
		my ($query, $name) = @$_;
		my $bad = $http->get("$days?$query");
		is_problem($bad, 400, 'invalid_request', $query) if $name ne 'day';
		is($bad->status, 400, "$query is refused");
		is($bad->json->{errors}[0]{parameter}, $name, '… which is said') if $name ne 'day';
	}
	my $late = $http->request(PATCH => "/v1/events/$event->{id}/sessions/days", json => { name => 'x' }, token => $mine);
	is_problem($late, 405, 'method_not_allowed', 'it is read only');
};

$t->finish;
