# Finding public events and their sessions over HTTP: filters, pages, bad input, and that each question has an answer
# of its own in the cache.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start(postgres => [ Boxoffice::Test::tastes() ]);
my $http = $t->http;
my $org  = $t->organizer;
my $mine = $t->organizer_token;

sub slugs ($a) { return join ' ', map { $_->{slug} } @{ $a->json->{items} } }

is_status($http->post("/v1/organizers/$org/venues", { key => 'hall', name => 'Die Halle', city => 'Köln', country => 'DE', zone => 'Europe/Berlin',
	latitude => 50.94, longitude => 6.96 }, token => $mine, key => uuid()), 201, 'a venue');
my $soon = time + 400 * 86400;
my $day  = sub ($n) { rfc3339($soon + 86400 * $n) };
my $rock = $t->event(slug => 'rock', name => 'Röck & Roll', venue => 'hall', sessions => [ map { { key => "d$_", starts_at => $day->($_) } } 1 .. 5 ]);
my $tea  = $t->event(slug => 'tea', name => 'Tea', description => 'With a rock band.', capacity => 1, sessions => [ { key => 'five', starts_at => $day->(3) } ]);
my $no   = $t->event(slug => 'no', name => 'Rock draft', publish => 0);

subtest 'events' => sub {
	is(slugs($http->get('/v1/events')), 'tea rock', 'all that are public, the newest first');
	is(slugs($http->get('/v1/events?sort=date')), 'rock tea', 'by date');
	is(slugs($http->get('/v1/events?q=R%C3%96CK')), 'rock tea', 'by words, the best first');
	is(slugs($http->get('/v1/events?q=roll+rock')), 'rock', 'all of them');
	is(slugs($http->get('/v1/events?city=k%C3%B6ln&country=DE')), 'rock', 'by place');
	is(slugs($http->get('/v1/events?near=51,7&within_km=30')), 'rock', 'near a point');
	like($t->server->value(q{SELECT api.event_list(near => '51,7', within_km => 30)}), qr/"rock"/, '… for who asks in SQL too');
	is(slugs($http->get("/v1/events?organizer=$org&from=" . $day->(3) . '&to=' . $day->(4))), 'tea rock', 'by time');
	is(slugs($http->get('/v1/events?from=' . $day->(4))), 'rock', 'what comes later');
	is(slugs($http->get('/v1/events?category=music')), '', 'by category');
	is(slugs($http->get('/v1/events?tag=loud')), '', 'by tag');
	my $page = $http->get('/v1/events?q=rock&limit=1');
	is(slugs($page), 'rock', 'a page');
	$page = $http->get('/v1/events?q=rock&limit=1&cursor=' . $page->json->{next});
	is(slugs($page), 'tea', 'and the next');
	is($page->json->{next}, undef, 'which is the last');
	is_status($http->head('/v1/events?q=rock'), 200, 'HEAD works');
	is_status($http->get('/v1/events?q=rock', match => $http->get('/v1/events?q=rock')->header('ETag')), 304, 'and so does If-None-Match');
	like($http->get('/v1/events?q=rock')->header('Cache-Control'), qr/public/, 'it may be kept');
	is($http->get('/v1/events?q=rock', token => 'rubbish')->status, 200, 'no token is looked at');
};

subtest 'a calendar' => sub {
	my $a = $http->get('/v1/sessions?from=' . $day->(3) . '&to=' . $day->(5));
	is_status($a, 200, 'sessions of all events in a range');
	is_deeply([ sort map { "$_->{event}{slug}/$_->{key}" } @{ $a->json->{items} } ], [qw(rock/d3 rock/d4 tea/five)], 'those that start in it');
	is_deeply([ map { $_->{availability} } @{ $a->json->{items} } ], [qw(available available available)], 'with places');
	is_status($t->hold($tea), 201, 'the last place of one is held');
	my %state = map { $_->{key} => $_->{availability} } @{ $http->get('/v1/sessions?q=tea')->json->{items} };
	is_deeply(\%state, { five => 'all_held' }, 'which is told');
	my (@keys, $next);
	do {
		my $page = $http->get('/v1/sessions?limit=2&q=roll' . ($next ? "&cursor=$next" : ''))->json;
		push @keys, map { $_->{key} } @{ $page->{items} };
		$next = $page->{next};
	} while $next;
	is_deeply(\@keys, [qw(d1 d2 d3 d4 d5)], 'in pages, each once');
};

subtest 'bad input' => sub {
	for my $path ('/v1/events', '/v1/sessions') {
		for (split ' ', 'q= q=%00 q=%ff country=Germany organizer=x near=1 near=91,0 near=x,y near=0,181 within_km=5 near=1,1&within_km=0 near=1,1&within_km=3000
			category=A%20B city= from=today to=2027-02-30T00:00:00Z cursor=%21 limit=0 limit=101') {
			is_problem($http->get("$path?$_"), 400, 'invalid_request', "$path?$_");
		}
		is_problem($http->get("$path?colour=red"), 400, 'unknown_parameter', 'what is not declared');
		is_problem($http->get("$path?q=" . 'x' x 201), 400, 'invalid_request', 'a long text');
		is_status($http->get("$path?q=%27%29%3B%20DROP%20TABLE%20x%3B--%5C%25s"), 200, 'signs are signs');
		is_problem($http->post($path, {}, key => uuid()), 405, 'method_not_allowed', 'not posted to');
	}
	is_problem($http->get('/v1/events?sort=price'), 400, 'invalid_request', 'an order that is none');
	is_problem($http->get('/v1/events?sort=relevance'), 400, 'invalid_request', 'relevant to nothing');
	is_problem($http->get('/v1/events?sort=date&cursor=17'), 400, 'invalid_request', 'a cursor of another order');
};

$t->finish;
