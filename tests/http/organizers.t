# Organizers, who belongs to them, and their venues over HTTP: what may be changed, by whom, and what is refused.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t        = Boxoffice::Test->start(postgres => [ Boxoffice::Test::tastes() ]);
my $http     = $t->http;
my $admin    = $t->token('admin');
my $customer = $t->token('customer');
my $stranger = $t->token('organizer', sub => 'stranger');

sub as ($name) { return $t->token('organizer', sub => $name) }

# Who may not: nobody, a customer, another organizer.
sub closed ($method, $target, $body, $what) {
	my @body = defined $body ? (json => $body) : ();
	is_problem($http->request($method => $target, @body), 401, 'token_missing', "$what: not without a token");
	is_problem($http->request($method => $target, @body, token => $customer), 403, 'forbidden', "$what: not a customer");
	is_problem($http->request($method => $target, @body, token => $stranger), 404, 'not_found', "$what: not another organizer");
	return;
}

sub organizer ($slug, $owner) {
	return $http->post('/v1/organizers', { slug => $slug, name => "The $slug" }, token => as($owner), key => uuid())->json;
}

subtest 'organizers' => sub {
	my ($one, $two) = (organizer('one', 'olga'), organizer('two', 'olga'));
	organizer('three', 'oscar');
	my $list = $http->get('/v1/organizers?limit=1', token => as('olga'));
	is_status($list, 200, 'those that are mine');
	is_deeply([ map { $_->{slug} } @{ $list->json->{items} } ], ['one'], 'a page');
	$list = $http->get('/v1/organizers?cursor=' . $list->json->{next}, token => as('olga'))->json;
	is_deeply([ map { $_->{slug} } @{ $list->{items} } ], ['two'], 'the next, and no other organizer');
	is($list->{next}, undef, 'that was all');
	is_deeply($http->get('/v1/organizers', token => $stranger)->json->{items}, [], 'a stranger has none');
	is($http->get('/v1/organizers', token => $t->token('organizer', sub => 'x', org => $two->{id}))->json->{items}[0]{slug}, 'two', 'a token\'s org is one');
	cmp_ok(scalar @{ $http->get('/v1/organizers', token => $admin)->json->{items} }, '>=', 3, 'an administrator sees all');
	is_problem($http->get('/v1/organizers'), 401, 'token_missing', 'nobody sees none');
	is_problem($http->get('/v1/organizers', token => $customer), 403, 'forbidden', 'nor does a customer');

	my $path = "/v1/organizers/$one->{id}";
	closed(PATCH => $path, { name => 'Mine' }, 'patch');
	is($http->patch($path, { name => 'Eins 🎪' }, token => as('olga'))->json->{name}, 'Eins 🎪', 'another name');
	is($http->patch($path, { slug => 'uno' }, token => as('olga'))->json->{slug}, 'uno', 'another slug');
	is_problem($http->patch($path, { slug => 'two' }, token => as('olga')), 409, 'already_exists', 'the slug of another');
	is_problem($http->patch($path, { slug => undef }, token => as('olga')), 400, 'invalid_request', 'no slug');
	is_problem($http->patch($path, { id => '1' }, token => as('olga')), 400, 'invalid_request', 'another id');
	is_problem($http->patch('/v1/organizers/1', { name => 'x' }, token => $admin), 404, 'not_found', 'an organizer that is none');
};

subtest 'who looked at another version' => sub {
	my $id   = organizer('versions', 'olga')->{id};
	my @mine = (token => as('olga'));
	my $hall = $http->post("/v1/organizers/$id/venues", { key => 'hall', name => 'Hall', zone => 'UTC', city => 'Köln' }, @mine, key => uuid());
	for ([ "/v1/organizers/$id", 'the organizer' ], [ "/v1/organizers/$id/venues/hall", 'a venue' ]) {
		my ($path, $what) = @$_;
		my $tag = $http->get($path, @mine)->header('ETag');
		like($tag, qr/^"\d+"$/, "$what has an ETag");
		my $change = sub ($name, $match) { $http->patch($path, { name => $name }, @mine, headers => [ 'If-Match' => $match ]) };
		my $a = $change->('Zwei', $tag);
		is_status($a, 200, 'who has it may change it');
		isnt($a->header('ETag'), $tag, '… which makes another');
		is($a->header('ETag'), $http->get($path, @mine)->header('ETag'), '… that a look shows, too');
		is_problem($change->('Drei', $tag), 412, 'precondition_failed', 'an older one is refused');
		is($http->get($path, @mine)->json->{name}, 'Zwei', '… and changes nothing');
		is_problem($change->('Drei', '"0", "1"'), 412, 'precondition_failed', 'so are some that never were');
		is_problem($change->('Drei', $a->header('ETag') =~ tr/"//dr), 412, 'precondition_failed', 'nor is it one without its quotes');
		is_status($change->('Drei', '"0", ' . $a->header('ETag')), 200, 'one of several');
		is_status($change->('Vier', '*'), 200, 'any');
		is_status($change->('Vier', 'W/' . $http->get($path, @mine)->header('ETag')), 200, 'one that was marked as weak on its way');
		is_status($http->patch($path, { name => 'Fünf' }, @mine), 200, 'none');
		is_problem($http->patch($path, { name => 'x' }, token => $stranger, headers => [ 'If-Match' => '"0"' ]), 404, 'not_found', 'a stranger does not learn of it');
		is_problem($http->patch($path, { name => undef }, @mine, headers => [ 'If-Match' => '"0"' ]), 400, 'invalid_request', 'what cannot be is said first');
		# All at once with the same tag: one of them is first.
		$tag = $http->get($path, @mine)->header('ETag');
		my @all = $http->all(map { [ PATCH => $path, { json => { name => "Nummer $_" }, @mine, headers => [ 'If-Match' => $tag ] } ] } 1 .. 8);
		is_deeply([ sort map { $_->status } @all ], [ 200, (412) x 7 ], 'of many at once, one');
	}
	my $venue = "/v1/organizers/$id/venues/hall";
	is_problem($http->delete($venue, @mine, headers => [ 'If-Match' => $hall->header('ETag') ]), 412, 'precondition_failed', 'nor is what changed deleted');
	is_status($http->delete($venue, @mine, headers => [ 'If-Match' => $http->get($venue, @mine)->header('ETag') ]), 200, 'but by who knows it');
	# An event as it comes to who takes compressed answers.
	my $event = $t->event(description => 'A long text. ' x 300);
	my $view  = '/v1/organizers/' . $t->organizer . "/events/$event->{id}";
	my $seen  = Boxoffice::Http->new(host => $t->server->{host}, port => $t->server->{port})->get($view, token => $t->organizer_token, headers => [ 'Accept-Encoding' => 'gzip' ]);
	like($seen->header('ETag'), qr{^W/"}, 'the ETag of a compressed answer is weak');
	is_status($http->patch("/v1/events/$event->{id}", { name => 'New' }, token => $t->organizer_token, headers => [ 'If-Match' => $seen->header('ETag') ]), 200, '… and good for a change');
};

subtest 'members' => sub {
	my $id   = organizer('team', 'olga')->{id};
	my $path = "/v1/organizers/$id/members";
	my $add  = sub ($who, $subject, $role) { $http->post($path, { subject => $subject, role => $role }, token => as($who), key => uuid()) };
	closed(GET => $path, undef, 'list');
	closed(POST => $path, { subject => 'eve', role => 'owner' }, 'add');
	closed(PATCH => "$path/olga", { role => 'scanner' }, 'change');
	closed(DELETE => "$path/olga", undef, 'remove');

	is_status($add->('olga', 'auth0|mia', 'manager'), 201, 'an owner adds a manager');
	is_status($add->('auth0|mia', 'bo', 'box_office'), 201, 'a manager the box office');
	is_status($add->('auth0|mia', 'sam', 'scanner'), 201, '… and a scanner');
	is_problem($add->('auth0|mia', 'eve', 'manager'), 403, 'forbidden', '… but no manager');
	is_problem($add->('bo', 'eve', 'scanner'), 403, 'forbidden', 'the box office adds nobody');
	is_problem($add->('olga', 'bo', 'manager'), 409, 'already_exists', 'nobody twice');
	is_problem($add->('olga', 'eve', 'king'), 400, 'invalid_request', 'a role that is none');
	is_problem($add->('olga', '', 'scanner'), 400, 'invalid_request', 'a subject that is none');
	is_problem($add->('olga', "a\nb", 'scanner'), 400, 'invalid_request', '… or of two lines');
	my $page = $http->get("$path?limit=3", token => as('sam'));
	is_deeply([ map { "$_->{subject} $_->{role}" } @{ $page->json->{items} } ], [ 'auth0|mia manager', 'bo box_office', 'olga owner' ], 'a page of members');
	is_deeply([ map { $_->{subject} } @{ $http->get("$path?cursor=" . $page->json->{next}, token => as('sam'))->json->{items} } ], ['sam'], 'and the rest');
	is_deeply($http->get("$path?cursor=999999999999999999", token => as('sam'))->json->{items}, [], 'a cursor of another list is past the end');

	is($http->patch("$path/auth0%7Cmia", { role => 'box_office' }, token => as('olga'))->json->{role}, 'box_office', 'another role');
	is_problem($http->patch("$path/sam", { role => 'box_office' }, token => as('auth0|mia')), 403, 'forbidden', '… goes at once');
	is_status($http->patch("$path/auth0%7Cmia", { role => 'manager' }, token => as('olga')), 200, 'and back');
	is($http->patch("$path/sam", { role => 'box_office' }, token => as('auth0|mia'))->json->{role}, 'box_office', 'a manager gives what is his to give');
	is_problem($http->patch("$path/sam", { role => 'owner' }, token => as('auth0|mia')), 403, 'forbidden', '… and no more');
	is_problem($http->patch("$path/olga", { role => 'scanner' }, token => as('auth0|mia')), 403, 'forbidden', '… nor to an owner');
	is_problem($http->patch("$path/nobody", { role => 'scanner' }, token => as('olga')), 404, 'not_found', 'a member that is none');
	is_problem($http->patch("$path/sam", { role => undef }, token => as('olga')), 400, 'invalid_request', 'no role');
	# %2F was taken for a border of the path, so who had one could be added but not removed.
	for my $subject ('idp/users/7', 'https://idp.example//u?n=7#x', 'a b%2F+c', '/', 'x.csv') {
		my $there = "$path/" . $subject =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
		is_status($add->('olga', $subject, 'scanner'), 201, "'$subject' is added");
		is($http->patch($there, { role => 'box_office' }, token => as('olga'))->json->{subject}, $subject, '… can be named');
		is_status($http->delete($there, token => as('olga')), 200, '… and removed');
	}

	is_problem($http->patch("$path/olga", { role => 'manager' }, token => as('olga')), 409, 'last_owner', 'the last owner stays one');
	is_problem($http->delete("$path/olga", token => as('olga')), 409, 'last_owner', '… and stays');
	is_problem($http->delete("$path/olga", token => $admin), 409, 'last_owner', '… for an administrator too');
	is_problem($http->delete("$path/olga", token => as('auth0|mia')), 403, 'forbidden', 'a manager removes no owner');
	is_status($http->delete("$path/sam", token => as('sam')), 200, 'everybody may leave');
	is_problem($http->get($path, token => as('sam')), 404, 'not_found', '… and sees nothing any more');
	is_status($http->patch("$path/auth0%7Cmia", { role => 'owner' }, token => as('olga')), 200, 'a second owner');
	is_status($http->delete("$path/olga", token => as('olga')), 200, '… lets the first leave');
	is_problem($http->delete("$path/olga", token => as('auth0|mia')), 404, 'not_found', '… once');
};

subtest 'venues' => sub {
	my $org  = $t->organizer;
	my $mine = $t->organizer_token;
	my $path = "/v1/organizers/$org/venues";
	my $made = $http->post($path, { key => 'hall', name => 'Hall', zone => 'Europe/Berlin', city => 'Berlin' }, token => $mine, key => uuid())->json;
	closed(GET => "$path/hall", undef, 'get');
	closed(PATCH => "$path/hall", { name => 'x' }, 'patch');
	closed(DELETE => "$path/hall", undef, 'delete');
	is_deeply($http->get("$path/hall", token => $mine)->json, $made, 'by its key');
	is_deeply($http->get("$path/$made->{id}", token => $mine)->json, $made, '… or id');
	is_problem($http->get("$path/attic", token => $mine), 404, 'not_found', 'a venue that is none');
	my $event = $t->event(venue => 'hall');
	my $a = $http->patch("$path/hall", { name => 'Große Halle', city => undef, latitude => 52.5 }, token => $mine);
	is_deeply([ @{ $a->json }{qw(name city latitude zone)} ], [ 'Große Halle', undef, 52.5, 'Europe/Berlin' ], 'changed');
	is($http->get("/v1/events/$event->{id}")->json->{venue}{name}, 'Große Halle', 'its events show it');
	is($http->get("/v1/organizers/$org/events/$event->{id}", token => $mine)->json->{version}, 3, '… in a version of their own');
	$http->patch("$path/hall", { name => 'Große Halle' }, token => $mine);
	is($http->get("/v1/organizers/$org/events/$event->{id}", token => $mine)->json->{version}, 3, 'what changes nothing makes none');
	$http->post($path, { key => 'barn', name => 'Barn', zone => 'UTC' }, token => $mine, key => uuid());
	is_problem($http->patch("$path/barn", { key => 'hall' }, token => $mine), 409, 'already_exists', 'the key of another');
	is_problem($http->patch("$path/barn", { zone => 'Mars/Base' }, token => $mine), 422, 'unknown_reference', 'a zone that is none');
	is_problem($http->patch("$path/barn", { latitude => 91 }, token => $mine), 400, 'invalid_request', 'north of the pole');
	for my $tiny (qw(1e-99999 0E-99999 1e-99999999999999999999)) {
		is_problem($http->request(PATCH => "$path/barn", body => qq({"latitude":$tiny}), token => $mine), 400, 'invalid_request', "more digits than can be kept: $tiny");
	}
	is_problem($http->patch("$path/barn", { name => undef }, token => $mine), 400, 'invalid_request', 'no name');
	is_problem($http->delete("$path/hall", token => $mine), 409, 'in_use', 'where an event takes place it stays');
	is_status($http->delete("$path/barn", token => $mine), 200, 'another goes');
	is_problem($http->delete("$path/barn", token => $mine), 404, 'not_found', '… once');
};

$t->finish;
