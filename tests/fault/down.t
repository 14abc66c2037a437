# PostgreSQL goes and comes: 503 with Retry-After at once, and selling again without a hand.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $t     = Boxoffice::Test->start(trouble => 1);
my $http  = $t->http;
my $event = $t->event;
my $body  = { items => [ { ticket_type => 'general', quantity => 1 } ] };
my $holds = "/v1/events/$event->{id}/holds";

sub is_down ($name) {
	my $a = $http->post($holds, $body);
	is_problem($a, 503, 'unavailable', "$name: a hold");
	cmp_ok($a->header('Retry-After'), '>=', 1, '… with when to ask again');
	is($a->json->{retry}, 'later', '… and that it helps');
	my $own = $http->get('/v1/organizers/' . $t->organizer . '/events', token => $t->organizer_token);
	is_problem($own, 503, 'unavailable', "$name: the organizer's view");
	my @many = $http->all(map { [ POST => $holds, { json => $body } ] } 1 .. 60);
	is_deeply([ grep { !$_ or $_->status != 503 } @many ], [], "$name: sixty at once");
	is_status($http->get('/healthz'), 200, "$name: nginx is alive");
	is($http->get('/readyz')->status, 503, "$name: and not ready");
	is_status($http->get('/metrics'), 200, "$name: and can be measured");
	is_problem($http->get($holds), 405, 'method_not_allowed', "$name: what nginx knows by itself it says");
	is_problem($http->post($holds, $body, token => 'x.y.z'), 401, 'token_invalid', "$name: a bad token is bad all the same");
	return;
}

sub comes_back ($name) {
	wait_until(sub { $http->get('/readyz')->status == 200 }, "$name: ready again");
	pass("$name: ready again");
	wait_until(sub { $http->post($holds, $body)->status == 201 }, "$name: selling again");
	pass("$name: selling again");
	return;
}

is_status($http->post($holds, $body), 201, 'before');
$t->server->postgres_stop;
is_down('stopped');
$t->server->postgres_start;
comes_back('started');

$t->server->postgres_kill;
is_down('killed');
$t->server->postgres_start;
comes_back('started');

subtest 'nginx starts before PostgreSQL' => sub {
	$t->server->nginx_stop;
	$t->server->postgres_stop;
	$http->forget;
	$t->server->nginx_start;
	wait_until(sub { eval { $http->get('/healthz')->status == 200 } }, 'nginx serves');
	is_down('not there yet');
	$t->server->postgres_start;
	comes_back('started');
};

$t->finish;
