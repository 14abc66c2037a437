# Public pages from nginx's own cache: everybody gets the same bytes, and nobody gets what is not public.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $t     = Boxoffice::Test->start;
my $http  = $t->http;
my $event = $t->event(capacity => 10, ticket_types => [
	{ key => 'general', name => 'General', price => 0, pools => ['house'] },
	{ key => 'crew', name => 'Crew secret', price => 0, pools => ['house'], hidden => \1 },
]);
my $view = "/v1/events/$event->{id}";
my $own  = '/v1/organizers/' . $t->organizer . "/events/$event->{id}";

# How often nginx has asked PostgreSQL, for whatever.
sub calls { return $t->metric('boxoffice_batch_calls_count') }

# nginx said 304 to an organizer's list and to an export for If-None-Match: *, and 412 for any If-Match, neither of them in the contract.
subtest 'conditions' => sub {
	my %mine = (token => $t->organizer_token);
	my $list = '/v1/organizers/' . $t->organizer . '/events';
	my $hold = $t->hold($event)->json;
	my @conditions = ([ 'If-None-Match' => '*' ], [ 'If-None-Match' => '"x"' ], [ 'If-Match' => '"x"' ], [ 'If-Unmodified-Since' => 'Mon, 01 Jan 1990 00:00:00 GMT' ],
		[ 'If-Modified-Since' => 'Mon, 01 Jan 2300 00:00:00 GMT' ]);
	for ([ 'a list', $list, %mine ], [ 'an export', "$view/orders.csv", %mine ], [ 'a hold', "$view/holds/$hold->{id}", secret => $hold->{secret} ], [ 'its health', '/healthz' ]) {
		my ($what, $path, %who) = @$_;
		for my $condition (@conditions) {
			my $a = $http->get($path, %who, headers => $condition);
			is_status($a, 200, "$what has no tag: @$condition");
			ok(length $a->body, '… all of it');
		}
	}
	# The answer was broken off that the cache was being filled with: an alert in the log.
	is_status($http->get("$view/sessions?limit=$_", headers => $conditions[ $_ % 5 ]), 200, "a public page that is not in the cache: @{ $conditions[ $_ % 5 ] }") for grep { $_ % 5 } 11 .. 19;
	is_status($http->get($view, match => $http->get($view)->header('ETag')), 304, 'one that is known again');
	for ([ 'an organizer\'s view', "$list/$event->{id}", %mine ], [ 'the contract', '/v1/openapi.json' ]) {
		my ($what, $path, %who) = @$_;
		my $tag = $http->get($path, %who)->header('ETag');
		is_status($http->get($path, %who, match => $tag), 304, "$what is known again");
		is_status($http->get($path, %who, headers => [ 'If-Match' => $tag ]), 200, '… is the one that is wanted');
		my $no = $http->get($path, %who, headers => [ 'If-Match' => '"x"' ]);
		is_problem($no, 412, 'precondition_failed', '… is not another');
		is($no->header('Connection'), 'close', '… and the connection ends, as it says');
		$http->forget;
	}
};

subtest 'ETag and 304' => sub {
	my $a = $http->get($view);
	is_status($a, 200, 'the page');
	my $etag = $a->header('ETag');
	like($etag, qr/^(W\/)?"[!#-~]+"$/, 'has an ETag');
	my $b = $http->get($view, match => $etag);
	is_status($b, 304, 'which is known again');
	is($b->body, '', 'without a body');
	is($b->header('ETag'), $etag, 'and named again');
	is_status($http->get($view, match => '"another"'), 200, 'another is not');
	is_status($http->get($view, match => qq("a", $etag, "b")), 304, 'one of a list is');
	is_status($http->get($view, match => '*'), 304, '* is');
	is_status($http->head($view, match => $etag), 304, 'for HEAD, too');
	like($a->header('Cache-Control'), qr/public|max-age/, 'it may be kept');
};

subtest 'everybody gets the same bytes' => sub {
	my $plain = $http->get($view);
	for my $who (qw(customer organizer admin)) {
		my $a = $http->get($view, token => $t->token($who, org => $t->organizer));
		is($a->body, $plain->body, "$who gets what nobody gets");
		is($a->header('ETag'), $plain->header('ETag'), 'of the same version');
	}
	unlike($plain->body, qr/Crew secret/, 'a hidden type is not in it');
	is($http->get($view, headers => [ 'Accept-Language' => 'de', Cookie => 'a=b', 'X-Forwarded-For' => '1.2.3.4' ])->body, $plain->body, 'whatever else is sent');
	is($http->get("/v1/events/$event->{slug}")->json->{id}, $event->{id}, 'the slug names the same event');
};

subtest 'the organizer\'s view is never cached' => sub {
	my $mine = $http->get($own, token => $t->organizer_token);
	is_status($mine, 200, 'the organizer sees it');
	like($mine->body, qr/Crew secret/, 'with the hidden type');
	like($mine->header('Cache-Control'), qr/no-store|private/, 'not to be kept');
	for (1 .. 3) {
		is_problem($http->get($own), 401, 'token_missing', 'nobody else does, from a cache or not');
		is_problem($http->get($own, token => $t->token('organizer', org => next_id($t->organizer))), 404, 'not_found', 'nor another organizer');
	}
	is($http->get($own, token => $t->organizer_token)->header('X-Cache-Status') // 'none', 'none', 'no cache was asked') or 1;
};

subtest 'a page is asked of the database once' => sub {
	$http->get($view);
	my ($before, $began) = (calls(), time);
	$http->get($view) for 1 .. 300;
	my ($after, $seconds) = (calls(), 1 + time - $began);
	# it is asked anew each second, by as many workers
	cmp_ok($after - $before, '<=', 1 + 2 * $seconds, 'three hundred looks, ' . ($after - $before) . ' calls');
};

subtest 'what is not declared is refused, not a way past the cache' => sub {
	my $bad = $http->get("$view?x=1");
	is_problem($bad, 400, 'unknown_parameter', '?x=1');
	is_deeply($bad->json->{errors}, [ { code => 'unknown_parameter', parameter => 'x' } ], '… which it is');
	is_problem($http->get("$view?"), 400, 'unknown_parameter', 'an empty question') if $http->get("$view?")->status != 200;
	is_problem($http->get("/v1/events/$event->{id}/sessions?limit=5&cachebuster=1"), 400, 'unknown_parameter', 'among declared ones');
	my ($a, $b) = map { $http->get("/v1/events/$event->{id}/sessions?$_") } 'limit=5&from=2020-01-01T00:00:00Z', 'from=2020-01-01T00:00:00Z&limit=5';
	is($a->body, $b->body, 'their order does not matter');
};

subtest 'drafts are not there' => sub {
	my $draft = $t->event(publish => 0);
	is_problem($http->get("/v1/events/$draft->{id}"), 404, 'not_found', 'a draft is not public');
	is_problem($http->get("/v1/events/$draft->{id}", token => $t->organizer_token), 404, 'not_found', 'nor for its organizer on the public page');
	is_status($http->get('/v1/organizers/' . $t->organizer . "/events/$draft->{id}", token => $t->organizer_token), 200, 'who has a page of his own');
	my $p = $http->request(POST => "/v1/events/$draft->{id}/publish", token => $t->organizer_token, key => uuid());
	is_status($p, 200, 'once published');
	wait_until(sub { $http->get("/v1/events/$draft->{id}")->status == 200 }, 'the page is there soon');
	pass('it is there');
};

subtest 'a change is seen soon' => sub {
	my $before = $http->get($view);
	is_status($http->request(POST => "/v1/events/$event->{id}/pause", token => $t->organizer_token, key => uuid()), 200, 'the sale is paused');
	wait_until(sub { $http->get($view)->body ne $before->body }, 'the page changes');
	isnt($http->get($view)->header('ETag'), $before->header('ETag'), 'and has another ETag');
	is_problem($t->hold($event), 409, 'paused', 'the sale itself stopped at once');
	is_status($http->request(POST => "/v1/events/$event->{id}/resume", token => $t->organizer_token, key => uuid()), 200, 'it goes on');
};

# The first look after a quiet time was once answered from the cache however old that was, up to ten minutes, and only
# the second one saw the change.
subtest 'nobody is shown an old page, only because nobody looked meanwhile' => sub {
	wait_until(sub { $http->get($view)->json->{status} eq 'published' }, 'the page says that it is on sale');
	is_status($http->request(POST => "/v1/events/$event->{id}/pause", token => $t->organizer_token, key => uuid()), 200, 'the sale is paused');
	my $old = time + 4;
	wait_until(sub { time > $old }, 'what is kept is old');
	is($http->get($view)->json->{status}, 'paused', 'the next look sees it');
	is_status($http->request(POST => "/v1/events/$event->{id}/resume", token => $t->organizer_token, key => uuid()), 200, 'it goes on');
};

subtest 'PostgreSQL away, pages still there' => sub {
	$http->get($view);
	$t->expect_log(qr/boxoffice|connect|server closed|terminat/);
	$t->server->postgres_stop;
	is_status($http->get($view), 200, 'a page that was looked at before') for 1 .. 3;
	$t->server->postgres_start;
	wait_until(sub { $http->get('/readyz')->status == 200 }, 'ready again');
	is_status($http->get($view), 200, 'and after');
};

$t->finish;
