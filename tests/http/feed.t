# What other programs read, over HTTP: calendars of events, organizers and orders, and schema.org. That an independent
# parser takes the calendars is in tests/client.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start(postgres => [ Boxoffice::Test::tastes() ]);
my $http = $t->http;
my $org  = $t->organizer;
my $mine = $t->organizer_token;

is_status($http->post("/v1/organizers/$org/venues", { key => 'hall', name => 'Die Halle', city => 'Köln', country => 'DE', zone => 'Europe/Berlin' },
	token => $mine, key => uuid()), 201, 'a venue');
my $event = $t->event(slug => 'feed', name => 'A long name; with signs, accents éèê and 🎪 tents, so that its lines must be folded somewhere', venue => 'hall',
	description => "One.  Two.\nThree", price => 500, fee => 50);
my $draft = $t->event(publish => 0);

sub is_calendar ($a, $name) {
	is_status($a, 200, $name) or return '';
	is($a->header('Content-Type'), 'text/calendar; charset=utf-8', '… of its type');
	my $body = $a->body;
	unlike($body, qr/[^\r]\n|\r[^\n]/, '… in lines that end with CRLF');
	is((grep { length > 75 } split /\r\n/, $body), 0, '… of at most 75 octets');
	$body =~ s/\r\n //g;
	utf8::decode($body);
	return $body;
}

subtest 'an event\'s' => sub {
	my $body = is_calendar($http->get('/v1/events/feed.ics'), 'a calendar');
	like($body, qr/^DESCRIPTION:One\.  Two\.\\nThree\r$/m, 'blanks in a text stay');
	like($body, qr/^SUMMARY:A long name\\; with signs\\, accents éèê and 🎪 tents\\, so/m, 'signs are escaped');
	is(is_calendar($http->get("/v1/events/$event->{id}.ics"), 'by its id'), $body, 'is the same');
	is($t->server->value('SELECT boxoffice_code.ical_text(?)', "a;b,c\\d\r\ne\x01"), 'a\\;b\\,c\\\\d\\ne', '… for who asks in SQL too');
	unlike(is_calendar($http->get('/v1/events/feed.ics?to=2021-01-01T00:00:00Z&from=2020-01-01T00:00:00Z&limit=1'), 'a range'), qr/^BEGIN:VEVENT/m, 'without sessions');
	like($http->get('/v1/events/feed.ics')->header('Cache-Control'), qr/public/, 'may be kept');
	is_status($http->get('/v1/events/feed.ics', match => $http->get('/v1/events/feed.ics')->header('ETag')), 304, 'and is known again');
	is_status($http->head('/v1/events/feed.ics'), 200, 'HEAD works');
	is_status($http->get('/v1/events/feed'), 200, 'the page is still there');
	is_problem($http->get("/v1/events/$draft->{id}.ics"), 404, 'not_found', 'a draft has none');
	is_problem($http->get('/v1/events/none.ics'), 404, 'not_found', 'nor what is not there');
	is_problem($http->get('/v1/events/A%20b.ics'), 404, 'not_found', 'nor what is no name');
	for (qw(limit=0 limit=1001 from=x to=2027-13-01T00:00:00Z)) {
		is_problem($http->get("/v1/events/feed.ics?$_"), 400, 'invalid_request', $_);
	}
	is_problem($http->get('/v1/events/feed.ics?q=1'), 400, 'unknown_parameter', 'q');
};

subtest 'an organizer\'s' => sub {
	my $body = is_calendar($http->get("/v1/organizers/$org.ics"), 'a calendar');
	is((() = $body =~ /^BEGIN:VEVENT/mg), 1, 'of what is public');
	is_problem($http->get('/v1/organizers/' . next_id($org) . '.ics'), 404, 'not_found', 'of another');
	is_problem($http->get('/v1/organizers/x.ics'), 404, 'not_found', 'of none');
	is_problem($http->get("/v1/organizers/$org"), 401, 'token_missing', 'the organizer itself is not public');
};

subtest 'an order\'s' => sub {
	my $hold  = $t->hold($event, quantity => 2)->json;
	my $order = $t->order($event, $hold)->json;
	my $path  = "/v1/events/$event->{id}/orders/$order->{id}.ics";
	my $a     = $http->get($path, secret => $order->{secret});
	my $body  = is_calendar($a, 'a calendar');
	like($body, qr/^STATUS:TENTATIVE\r$/m, 'tentative until it is paid');
	like($body, qr/^DESCRIPTION:\Q$order->{code}\E\\n2 × General\r$/m, 'says what was bought');
	unlike($body, qr/Ada|example\.org|\Q$order->{secret}\E/, 'and not by whom');
	like($a->header('Cache-Control'), qr/no-store/, 'is not kept');
	is_status($t->pay($event, $order), 201, 'paid');
	like(is_calendar($http->get($path, secret => $order->{secret}), 'then'), qr/^STATUS:CONFIRMED\r$/m, 'it is confirmed');
	is_calendar($http->get($path, token => $mine), 'the organizer sees it, too: a calendar');
	is_problem($http->get($path), 404, 'not_found', 'nobody else does');
	is_problem($http->get($path, secret => 'wrong-secret-wrong'), 404, 'not_found', 'with a wrong secret');
	is_problem($http->get($path, token => $t->token('organizer', org => next_id($org))), 404, 'not_found', 'or as another organizer');
	is_problem($http->get($path, token => $t->token('scanner', org => $org)), 403, 'forbidden', 'or at the door');
	is_problem($http->get($path, token => 'rubbish'), 401, 'token_invalid', 'or with a bad token');
	is_problem($http->get("/v1/events/$event->{id}/orders/1.ics", secret => $order->{secret}), 404, 'not_found', 'another order');
};

subtest 'schema.org' => sub {
	my $a = $http->get('/v1/events/feed.jsonld');
	is_status($a, 200, 'a description');
	like($a->header('Content-Type'), qr{^application/ld\+json(;|$)}, 'of its type');
	my $ld = $a->json;
	# What Google's documentation of the type Event requires: name, startDate and location with its address.
	ok(length $ld->{$_}, "has $_") for qw(name startDate);
	is($ld->{location}{'@type'}, 'Place', 'has a place');
	is($ld->{location}{address}{addressLocality}, 'Köln', 'with its address');
	is($ld->{'@context'}, 'https://schema.org', 'of the vocabulary');
	is($ld->{description}, "One.  Two.\nThree", 'with its text');
	is_deeply([ map { "$_->{name} $_->{price} $_->{priceCurrency}" } @{ $ld->{offers} } ], ['General 5.50 EUR'], 'and its price with the fee');
	my $tags = $t->event(slug => 'feed-tags', name => 'A </script><!-- B');
	$a = $http->get('/v1/events/feed-tags.jsonld');
	unlike($a->body, qr/</, 'no name ends the script of a page that it is put into');
	is($a->json->{name}, 'A </script><!-- B', 'and each stays as it is');
	unlike($t->server->value('SELECT api.event_jsonld(?)', 'feed-tags'), qr/</, '… in SQL too');
	my $series = $t->event(slug => 'feed-series', sessions => [ map { { key => "d$_", starts_at => rfc3339(time + 86400 * (30 + $_)) } } 1 .. 120 ]);
	$ld = $http->get('/v1/events/feed-series.jsonld')->json;
	is($ld->{'@type'}, 'EventSeries', 'several sessions are a series');
	is(scalar @{ $ld->{subEvent} }, 100, 'of which the next hundred are told');
	is_problem($http->get("/v1/events/$draft->{id}.jsonld"), 404, 'not_found', 'a draft has none');
	is_problem($http->get('/v1/events/feed.jsonld?x=1'), 400, 'unknown_parameter', 'what is not declared');
};

$t->finish;
