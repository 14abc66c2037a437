# The catalogue over HTTP: what an organizer changes of an event and its parts, who may, and what is refused.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t        = Boxoffice::Test->start(postgres => [ Boxoffice::Test::tastes() ]);
my $http     = $t->http;
my $org      = $t->organizer;
my $mine     = $t->organizer_token;
my $customer = $t->token('customer');
my $stranger = $t->token('organizer', sub => 'stranger');

# Who may not: nobody, a customer, another organizer.
sub closed ($method, $target, $body, $what) {
	my @body = defined $body ? (json => $body) : ();
	is_problem($http->request($method => $target, @body), 401, 'token_missing', "$what: not without a token");
	is_problem($http->request($method => $target, @body, token => $customer), 403, 'forbidden', "$what: not a customer");
	is_problem($http->request($method => $target, @body, token => $stranger), 404, 'not_found', "$what: not another organizer");
	return;
}

subtest 'who changed what' => sub {
	my $event = $t->event;
	my $path  = "/v1/events/$event->{id}/changes";
	my $first = $http->get("$path?limit=1", token => $mine);
	is_status($first, 200, 'a page');
	is($first->json->{items}[0]{operation}, 'event_publish', 'the newest first');
	is($first->json->{items}[0]{version}, 2, 'with the version it made');
	my $second = $http->get("$path?limit=1&cursor=" . $first->json->{next}, token => $mine)->json;
	is($second->{items}[0]{operation}, 'event_create', 'then the one before');
	is($second->{next}, undef, 'that was the last');
	closed(GET => $path, undef, 'changes');
	is_status($http->get($path, token => $t->token('support')), 200, 'support may look');
	is_problem($http->get("$path?cursor=x", token => $mine), 400, 'invalid_request', 'a cursor that is none');
	is_problem($http->get('/v1/events/1/changes', token => $mine), 404, 'not_found', 'of no event');
};

subtest 'an event is changed' => sub {
	my $event = $t->event(publish => 0);
	my $path  = "/v1/events/$event->{id}";
	my $old   = $event->{slug};
	closed(PATCH => $path, { name => 'Mine' }, 'patch');
	my $a = $http->patch($path, { name => 'Neuer Name 🎪', summary => 'Kurz gesagt', description => "Lang\nund breit", category => 'music',
		tags => [ 'Jazz', ' jazz ', 'Für  Kinder' ], images => [ { url => 'https://img.example.org/a.jpg?w=100', alt => 'Die Bühne' } ],
		max_per_order => 4, buyer_limit => 8, hold_ttl_seconds => 60, payment_term => { days => 3 }, payment_grace_seconds => 0,
		late_payment => \0, show_quantity => \1, locale => 'de-AT' }, token => $mine, headers => [ 'If-Match' => '"1"' ]);
	is_status($a, 200, 'many settings at once');
	is($a->header('ETag'), '"2"', 'the next version');
	my $is = $a->json;
	is_deeply([ @$is{qw(name summary description category locale max_per_order buyer_limit hold_ttl_seconds hold_extend_max_seconds)} ],
		[ 'Neuer Name 🎪', 'Kurz gesagt', "Lang\nund breit", 'music', 'de-AT', 4, 8, 60, 660 ], 'as asked');
	is_deeply([ $is->{tags}, $is->{images}, $is->{payment_term} ],
		[ [ 'jazz', 'für kinder' ], [ { url => 'https://img.example.org/a.jpg?w=100', alt => 'Die Bühne' } ], { days => 3 } ], '… in lists and objects too');
	is_problem($http->patch($path, { name => 'Late' }, token => $mine, headers => [ 'If-Match' => '"1"' ]), 412, 'precondition_failed', 'a version that is gone');
	is($http->patch($path, { name => 'Neuer Name 🎪' }, token => $mine)->json->{version}, 2, 'what changes nothing makes no version');
	is($http->patch($path, {}, token => $mine)->json->{version}, 2, 'nor does nothing');
	$is = $http->patch($path, { summary => undef, tags => undef, images => [], max_per_order => undef, payment_term => { minutes => 20 },
		hold_ttl_seconds => 30 }, token => $mine)->json;
	is_deeply([ @$is{qw(summary tags images max_per_order payment_term hold_extend_max_seconds description)} ],
		[ undef, [], [], undef, { minutes => 20 }, 330, "Lang\nund breit" ], 'null takes away, what is left out stays');

	$http->post("$path/publish", undef, token => $mine, key => uuid());
	is_status($http->patch($path, { slug => "$old-new", category => 'film' }, token => $mine), 200, 'another slug');
	my $public = sub ($ref) { $http->get("/v1/events/$ref") };
	is($public->("$old-new")->json->{category}, 'film', 'the public sees it by the new one');
	is($public->($old)->json->{slug}, "$old-new", '… and by the old, which tells the new');
	my $other = $t->event(publish => 0);
	is_problem($http->patch("/v1/events/$other->{id}", { slug => $old }, token => $mine), 409, 'already_exists', 'nobody else gets the old one');
	my $free = $other->{slug};
	is_status($http->patch("/v1/events/$other->{id}", { slug => "$free-2" }, token => $mine), 200, 'a draft');
	is_status($http->patch("/v1/events/$event->{id}", { slug => $free }, token => $mine), 200, '… gives its old slug back');
};

subtest 'what of an event can not be changed' => sub {
	my $venue = $http->post("/v1/organizers/$org/venues", { key => 'hall', name => 'Hall', zone => 'Europe/Berlin' }, token => $mine, key => uuid())->json;
	my $event = $t->event(price => 1000);
	my $other = $t->event(publish => 0);
	my $path  = "/v1/events/$event->{id}";
	my $bad   = sub ($patch, $status, $code, $at, $name) {
		my $a = $http->patch($path, $patch, token => $mine);
		is_problem($a, $status, $code, $name);
		is_deeply(faults_of($a), [ "$code at $at" ], '… where') if defined $at;
	};
	$bad->({ nmae => 'x' }, 400, 'invalid_request', '/nmae', 'a member that is none');
	$bad->({ id => '1' }, 400, 'invalid_request', '/id', 'the id');
	$bad->({ status => 'published' }, 400, 'invalid_request', '/status', 'the status');
	$bad->({ name => undef }, 400, 'invalid_request', '/name', 'no name');
	$bad->({ name => "a\0b" }, 400, 'invalid_request', '/name', 'a NUL');
	$bad->({ late_payment => undef }, 400, 'invalid_request', '/late_payment', 'neither yes nor no');
	$bad->({ max_per_order => 0 }, 400, 'invalid_request', '/max_per_order', 'a maximum of nothing');
	$bad->({ category => 'opera' }, 400, 'invalid_request', '/category', 'a category that is none');
	$bad->({ tags => [ map { "t$_" } 1 .. 21 ] }, 400, 'invalid_request', '/tags', '21 tags');
	$bad->({ images => [ { url => 'https://a.example/' } ] }, 400, 'invalid_request', '/images/0/alt', 'an image without a text');
	for ('http://a.example/x', 'https://', 'javascript:alert(1)', 'https://a.example/"x', 'https://a b/', 'https://a.example:x/', "https://a.example/\x{fc}") {
		$bad->({ images => [ { url => $_, alt => '' } ] }, 400, 'invalid_request', '/images/0/url', "an address that is none: $_");
	}
	$bad->({ currency => 'XXQ' }, 422, 'unknown_reference', '/currency', 'a currency that is none');
	$bad->({ zone => 'Mars/Base' }, 422, 'unknown_reference', '/zone', 'a zone that is none');
	$bad->({ venue => 'nowhere' }, 422, 'unknown_reference', '/venue', 'a venue that is none');
	$bad->({ slug => $other->{slug} }, 409, 'already_exists', '/slug', 'the slug of another event');
	$bad->({ short_code => $other->{short_code} }, 409, 'already_exists', '/short_code', 'the code of another event');
	$bad->({ sale_starts_at => rfc3339(time + 100), sale_ends_at => rfc3339(time) }, 422, 'invalid_document', '/sale_ends_at', 'a sale that ends first');
	$bad->({ hold_ttl_seconds => 600, hold_extend_max_seconds => 500 }, 422, 'invalid_document', '/hold_extend_max_seconds', 'less than one hold');
	$bad->({ payment_term => { minutes => 5, days => 5 } }, 422, 'invalid_document', '/payment_term', 'minutes and days');
	$bad->({ payment_term => { minutes => undef } }, 422, 'invalid_document', '/payment_term', 'neither');
	is_status($http->patch($path, { venue => 'hall', zone => 'Europe/Vienna', currency => 'CHF', short_code => 'CHANGED9' }, token => $mine), 200, 'before there are orders');
	is($http->get("/v1/organizers/$org/events/$event->{id}", token => $mine)->json->{sessions}[0]{zone}, 'Europe/Vienna', 'sessions follow the zone');

	my $hold = $t->hold($event)->json;
	$bad->({ currency => 'EUR' }, 409, 'in_use', '/currency', 'the currency of what is held');
	is_status($http->patch($path, { short_code => 'CHANGED8' }, token => $mine), 200, 'but the code');
	my $order = $t->order($event, $hold)->json;
	like($order->{code}, qr/^CHANGED8-/, '… which orders have at once');
	$bad->({ currency => 'EUR' }, 409, 'in_use', '/currency', 'the currency of an order');
	$bad->({ short_code => 'CHANGED7' }, 409, 'in_use', '/short_code', 'the code of an order');
	$bad->({ zone => 'Europe/Berlin' }, 409, 'in_use', '/zone', 'the zone of an order');
	is_status($http->patch($path, { zone => 'Europe/Vienna', currency => 'CHF', name => 'Same' }, token => $mine), 200, 'what they are they may be');
	is_status($http->patch($path, { max_per_order => 1 }, token => $mine), 200, 'fewer an order');
	is_problem($t->hold($event, quantity => 2), 422, 'max_per_order', 'go for the next hold');
};

subtest 'ticket types come, change and go' => sub {
	my $event = $t->event(price => 1000,
		sessions => [ map { { key => $_, starts_at => rfc3339(time + 86400 * 30) } } qw(one two three) ],
		pools    => [ { key => 'house', name => 'House', scope => 'session', capacity => 50 }, { key => 'early', name => 'Early', scope => 'event', capacity => 10 } ]);
	my $path = "/v1/events/$event->{id}/ticket-types";
	my $new  = { key => 'student', name => 'Student', price => 500, fee => 50, pools => ['house'], sessions => [ 'one', 'two' ], max_per_order => 2 };
	closed(POST => $path, $new, 'post');
	closed(PATCH => "$path/general", { price => 1 }, 'patch');
	closed(DELETE => "$path/general", undef, 'delete');

	my $a = $http->post($path, $new, token => $mine, key => uuid(), headers => [ 'If-Match' => '"2"' ]);
	is_status($a, 201, 'a new type');
	is($a->header('ETag'), '"3"', 'makes a version of the event');
	is_deeply([ @{ $a->json->{ticket_type} }{qw(key price fee pools sessions max_per_order status)} ], [ 'student', 500, 50, ['house'], [ 'one', 'two' ], 2, 'active' ], 'as asked');
	is_status($t->hold($event, type => 'student', session => 'two'), 201, 'it sells at once');
	is_problem($t->hold($event, type => 'student', session => 'three'), 422, 'type_not_in_session', '… where it is sold');
	is_problem($http->post($path, { %$new, key => 'old' }, token => $mine, key => uuid(), headers => [ 'If-Match' => '"2"' ]), 412, 'precondition_failed', 'a version that is gone');
	my $bad = sub ($change, $status, $code, $at, $name) {
		my $a = $http->post($path, { %$new, key => 'bad', %$change }, token => $mine, key => uuid());
		is_problem($a, $status, $code, $name);
		is_deeply(faults_of($a), [ "$code at $at" ], '… where');
	};
	$bad->({ key => 'student' }, 409, 'already_exists', '/key', 'a key that is taken');
	$bad->({ pools => ['moon'] }, 422, 'unknown_reference', '/pools/0', 'a pool that is none');
	$bad->({ pools => [ 'house', 'house' ] }, 422, 'invalid_document', '/pools/1', 'a pool twice');
	$bad->({ sessions => [ 'one', 'moon' ] }, 422, 'unknown_reference', '/sessions/1', 'a session that is none');
	$bad->({ min_per_order => 3 }, 422, 'invalid_document', '/max_per_order', 'more at least than at most');
	$bad->({ sale_starts_at => rfc3339(time + 60), sale_ends_at => rfc3339(time) }, 422, 'invalid_document', '/sale_ends_at', 'a sale that ends first');
	$bad->({ addon_to => [ { ticket_type => 'moon' } ] }, 422, 'unknown_reference', '/addon_to/0/ticket_type', 'an add-on to nothing');
	$bad->({ price => -1 }, 400, 'invalid_request', '/price', 'a price below zero');
	$bad->({ colour => 'red' }, 400, 'invalid_request', '/colour', 'a member that is none');
	is(scalar @{ $http->get("/v1/organizers/$org/events/$event->{id}", token => $mine)->json->{ticket_types} }, 2, 'none of them left anything');

	my $hold = $t->hold($event, session => 'one', quantity => 2)->json;
	$a = $http->patch("$path/general", { price => 2000, name => 'Standard', description => 'Alles drin', position => 2 }, token => $mine);
	is_status($a, 200, 'another price');
	is($a->json->{ticket_type}{price}, 2000, '… is told');
	is_deeply([ map { $_->{key} } @{ $http->get("/v1/organizers/$org/events/$event->{id}", token => $mine)->json->{ticket_types} } ], [ 'student', 'general' ], 'another place');
	is($t->hold($event, session => 'one')->json->{total}, 2000, 'the next hold pays it');
	is_status($t->order($event, $hold, expected_total => 2000), 201, 'who holds pays what was told');
	is_problem($http->patch("$path/moon", { price => 1 }, token => $mine), 404, 'not_found', 'a type that is none');
	is_problem($http->patch("$path/general", { price => undef }, token => $mine), 400, 'invalid_request', 'no price');
	is_problem($http->patch("$path/general", { key => 'student' }, token => $mine), 409, 'already_exists', 'the key of another');
	is_problem($http->patch("$path/general", { status => 'retired' }, token => $mine), 400, 'invalid_request', 'retired is what DELETE makes');
	is_problem($http->patch("$path/general", { price_max => 5 }, token => $mine), 422, 'invalid_document', 'a most of a fixed price');
	is($http->patch("$path/general", { price => 2000 }, token => $mine)->json->{version}, $http->patch("$path/general", {}, token => $mine)->json->{version}, 'what changes nothing makes no version');
	my $id = $a->json->{ticket_type}{id};
	is($http->patch("$path/$id", { status => 'paused' }, token => $mine)->json->{ticket_type}{status}, 'paused', 'paused, by its id');
	is_problem($t->hold($event, session => 'one'), 409, 'paused', '… and not sold');
	$http->patch("$path/$id", { status => 'active' }, token => $mine);

	$a = $http->post($path, { key => 'unused', name => 'Unused', price => 1, pools => ['house'] }, token => $mine, key => uuid());
	is($http->delete("$path/unused", token => $mine)->json->{outcome}, 'deleted', 'what was never used is deleted');
	is_problem($http->delete("$path/unused", token => $mine), 404, 'not_found', '… once');
	$a = $http->delete("$path/general", token => $mine, headers => [ 'If-Match' => '"1"' ]);
	is_problem($a, 412, 'precondition_failed', 'not by who looked at an older version');
	$a = $http->delete("$path/general", token => $mine);
	is_deeply([ $a->json->{outcome}, $a->json->{ticket_type}{status} ], [ 'retired', 'retired' ], 'what was used is retired');
	is($http->delete("$path/general", token => $mine)->json->{version}, $a->json->{version}, '… again changes nothing');
	is_deeply([ map { $_->{key} } @{ $http->get("/v1/events/$event->{id}")->json->{ticket_types} } ], ['student'], '… and is not shown');
	isnt($t->hold($event, session => 'one')->status, 201, '… nor sold');
	is_status($http->patch("$path/general", { status => 'active' }, token => $mine), 200, 'it comes back');
	is_status($t->hold($event, session => 'one'), 201, '… and sells');
};

subtest 'what a type takes from, while it is taken' => sub {
	my $event = $t->event(
		sessions => [ map { { key => $_, starts_at => rfc3339(time + 86400 * 30) } } qw(one two three) ],
		pools    => [ { key => 'house', name => 'House', scope => 'session', capacity => 50 }, { key => 'early', name => 'Early', scope => 'event', capacity => 3 } ],
		ticket_types => [ { key => 'general', name => 'General', price => 0, pools => ['house'], sessions => [ 'one', 'two' ] } ]);
	my $path = "/v1/events/$event->{id}/ticket-types/general";
	is_deeply($http->patch($path, { pools => [ 'early', 'house' ] }, token => $mine)->json->{ticket_type}{pools}, [ 'house', 'early' ], 'two pools');
	is_status($t->hold($event, session => 'one', quantity => 3), 201, 'three of them');
	is_problem($t->hold($event, session => 'two'), 409, 'all_held', '… are all there are');
	my $a = $http->patch($path, { pools => ['house'] }, token => $mine);
	is_problem($a, 409, 'in_use', 'one pool, while places are held');
	is_deeply(faults_of($a), ['in_use at /pools'], '… where');
	is_problem($http->patch($path, { admits => 'all' }, token => $mine), 409, 'in_use', 'nor is it a pass now');
	is_status($http->patch($path, { pools => [ 'house', 'early' ] }, token => $mine), 200, 'what it takes from it may take from');
	is_problem($http->patch($path, { sessions => ['two'] }, token => $mine), 409, 'in_use', 'not without the session where it is held');
	is_status($http->patch($path, { sessions => [ 'one', 'three' ] }, token => $mine), 200, 'but without another, and in a new one');
	is_status($http->patch($path, { sessions => undef }, token => $mine), 200, 'or in all');
	is_problem($http->patch($path, { sessions => [] }, token => $mine), 400, 'invalid_request', 'or in none');
};

subtest 'an event is a draft again, and goes' => sub {
	my $event = $t->event;
	my $path  = "/v1/events/$event->{id}";
	my $post  = sub ($what, %o) { $http->request(POST => "$path/$what", token => $mine, key => uuid(), %o) };
	closed(POST => "$path/unpublish", undef, 'unpublish');
	closed(DELETE => $path, undef, 'delete');
	is_problem($http->delete($path, token => $mine), 409, 'event_state', 'a published event is not deleted');
	my $hold = $t->hold($event)->json;
	is_problem($post->('unpublish'), 409, 'in_use', 'nor made a draft while somebody holds a place');
	$http->delete("$path/holds/$hold->{id}", headers => [ 'Boxoffice-Secret' => $hold->{secret} ]);
	is_problem($post->('unpublish', headers => [ 'If-Match' => '"1"' ]), 412, 'precondition_failed', 'a version that is gone');
	is($post->('unpublish')->json->{status}, 'draft', 'a draft');
	is($post->('unpublish')->json->{version}, 3, '… again changes nothing');
	is_problem($http->delete($path, token => $mine, headers => [ 'If-Match' => '"2"' ]), 412, 'precondition_failed', 'deleted by who has seen it only');
	my $a;
	for (1 .. 5) { $a = $http->delete($path, token => $mine); last if $a->status != 200 or $a->json->{status} eq 'done' }
	is_status($a, 200, 'deleted');
	is_problem($http->delete($path, token => $mine), 404, 'not_found', '… once');
	my @left = map { $_->{name} } grep { $t->server->value("SELECT count(*) FROM boxoffice.$_->{name} WHERE event_id = ?", $event->{id}) }
		$t->server->rows(q{SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'event_id'
			WHERE c.relnamespace = 'boxoffice'::regnamespace AND c.relkind = 'r' AND c.relname <> 'outbox'});
	is_deeply(\@left, [], 'no table has anything of it');

	$event = $t->event;
	$path  = "/v1/events/$event->{id}";
	$t->order($event, $t->hold($event)->json);
	is_problem($post->('unpublish'), 409, 'in_use', 'what was ordered stays public');
	is_status($post->('cancel'), 200, 'it can be cancelled');
	is_problem($post->('unpublish'), 409, 'event_cancelled', '… for good');
	is_problem($http->delete($path, token => $mine), 409, 'event_state', '… and is not deleted');
};

subtest 'an event like another' => sub {
	my $source = $t->event(price => 1000, name => 'Gala', summary => 'Eine Gala', tags => ['gala'],
		images   => [ { url => 'https://img.example.org/g.jpg', alt => 'Gala' } ], category => 'music', test => \1, payment_term => { days => 5 },
		sessions => [ { key => 'a', starts_at => '2036-01-29T20:00:00+01:00', ends_at => '2036-01-29T22:00:00+01:00' }, { key => 'b', starts_at => '2036-01-30T20:00:00+01:00' } ],
		pools    => [ { key => 'house', name => 'House', scope => 'session', capacity => 20 }, { key => 'vip', name => 'VIP', scope => 'event', capacity => 5, overbook => 1 } ],
		ticket_types => [ { key => 'general', name => 'General', price => 1000, pools => ['house'] }, { key => 'vip', name => 'VIP', price => 5000, fee => 10, pools => [ 'house', 'vip' ], sessions => ['b'] },
			{ key => 'old', name => 'Old', price => 1, pools => ['house'] } ]);
	my $path = "/v1/events/$source->{id}";
	closed(POST => "$path/clone", {}, 'clone');
	my $hold = $t->hold($source, type => 'vip', session => 'b', quantity => 2);
	is_status($t->order($source, $hold->json), 201, 'two are sold of the first');
	$t->hold($source, type => 'old', session => 'a');
	$http->delete("$path/ticket-types/old", token => $mine);
	is_status($http->post("$path/blocks", { channel => 'house', reason => 'Friends', items => [ { ticket_type => 'general', session => 'a', quantity => 3 }, { pool => 'vip', quantity => 1 } ] },
		token => $mine, key => uuid()), 201, 'some are kept back');
	my $a = $http->post("$path/clone", { name => 'Gala 2', starts_at => '2036-07-15T20:00:00+02:00', test => \0, blocks => \1 }, token => $mine, key => uuid());
	is_status($a, 201, 'another');
	is($a->header('ETag'), '"1"', 'at its first version');
	my $is = $a->json;
	is_deeply([ @$is{qw(status name summary category currency session_count published_at)} ], [ 'draft', 'Gala 2', 'Eine Gala', 'music', 'EUR', 2, undef ], 'as the first');
	is_deeply([ @$is{qw(tags images payment_term)} ], [ ['gala'], [ { url => 'https://img.example.org/g.jpg', alt => 'Gala' } ], { days => 5 } ], '… in all its settings');
	ok(!$is->{test}, 'but no test');
	isnt($is->{slug}, $source->{slug}, 'with a slug of its own');
	is_deeply([ map { [ @$_{qw(key starts_at ends_at)} ] } @{ $is->{sessions} } ],
		[ [ 'a', '2036-07-15T20:00:00+02:00', '2036-07-15T22:00:00+02:00' ], [ 'b', '2036-07-16T20:00:00+02:00', undef ] ], 'eight in the evening stays eight');
	is_deeply([ map { [ @$_{qw(key capacity overbook held pending sold blocked)} ] } @{ $is->{pools} } ],
		[ [ 'house', 20, 0, 0, 0, 0, 3 ], [ 'vip', 5, 1, 0, 0, 0, 1 ] ], 'nothing is sold, the same is kept back');
	is_deeply([ map { [ @$_{qw(key price fee pools sessions)} ] } @{ $is->{ticket_types} } ],
		[ [ 'general', 1000, 0, ['house'], undef ], [ 'vip', 5000, 10, [ 'house', 'vip' ], ['b'] ] ], 'types and their links; none that is retired');
	is_status($http->post("/v1/events/$is->{id}/publish", undef, token => $mine, key => uuid()), 200, 'it can be published');
	is($http->get("/v1/events/$is->{id}/changes", token => $mine)->json->{items}[-1]{part}, $source->{id}, 'the ledger tells of what it is a clone');
	$a = $http->post("$path/clone", { shift_days => 70 }, token => $mine, key => uuid())->json;
	is($a->{sessions}[0]{starts_at}, '2036-04-08T20:00:00+02:00', 'moved by days, into summer time');
	is_deeply([ $a->{name}, $a->{pools}[0]{blocked} ], [ 'Gala', 0 ], 'without blocks');
	is($http->post("$path/clone", {}, token => $mine, key => uuid())->json->{sessions}[0]{starts_at}, '2036-01-29T20:00:00+01:00', 'or at the same time');
	is_problem($http->post("$path/clone", { shift_days => 1, starts_at => rfc3339(time) }, token => $mine, key => uuid()), 422, 'invalid_document', 'both ways of moving');
	is_problem($http->post("$path/clone", { slug => $source->{slug} }, token => $mine, key => uuid()), 409, 'already_exists', 'a slug that is taken');
	is_problem($http->post("$path/clone", { shift_days => 'x' }, token => $mine, key => uuid()), 400, 'invalid_request', 'days that are none');
	my $key = uuid();
	my @two = map { $http->post("$path/clone", { name => 'Once' }, token => $mine, key => $key)->json->{id} } 1, 2;
	is($two[0], $two[1], 'a key makes one');
};

$t->finish;
