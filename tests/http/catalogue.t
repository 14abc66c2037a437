# The catalogue over HTTP: what an organizer changes of an event and its parts, who may, and what is refused.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t        = Boxoffice::Test->start;
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

$t->finish;
