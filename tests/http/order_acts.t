# What staff do to orders over HTTP: approve, deny, give more time.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;

sub path ($event, $order) { return "/v1/events/$event->{id}/orders/$order->{id}" }

# An act of staff, unless %o says by whom.
sub act ($event, $order, $what, $body = undef, %o) {
	my %who = exists $o{token} || exists $o{secret} ? () : (token => $t->organizer_token);
	return $http->post(path($event, $order) . "/$what", $body, key => uuid(), %who, map { defined $o{$_} ? ($_ => $o{$_}) : () } keys %o);
}

sub look ($event, $order) { return $http->get(path($event, $order), secret => $order->{secret})->json }

sub placed ($event, %o) { return $t->order($event, $t->hold($event, %o)->json)->json }

# Nobody but the organizer's people, and of them only those of this one.
sub only_staff ($event, $order, $what, $body) {
	is_problem(act($event, $order, $what, $body, token => undef), 401, 'token_missing', "$what: nobody");
	is_problem(act($event, $order, $what, $body, token => $t->token('customer')), 403, 'forbidden', "$what: no customer");
	is_problem(act($event, $order, $what, $body, token => $t->token('support')), 403, 'forbidden', "$what: no support");
	is_problem(act($event, $order, $what, $body, token => $t->token('organizer', org => '12345')), 404, 'not_found', "$what: no other organizer");
	is_problem(act($event, { id => next_id($order->{id}) }, $what, $body), 404, 'not_found', "$what: an order that is none");
	return;
}

subtest 'approval' => sub {
	my $event = $t->event(price => 1000, capacity => 4, approval => \1);
	my $order = placed($event, quantity => 2);
	is($order->{status}, 'approval', 'it waits');
	ok($order->{expires_at}, 'until a time');
	only_staff($event, $order, 'approve', undef);
	my $a = act($event, $order, 'approve');
	is_status($a, 200, 'approved');
	is($a->json->{status}, 'pending', 'it is to be paid');
	ok(!exists $a->json->{secret}, 'staff are not given the secret');
	is_problem(act($event, $order, 'approve'), 409, 'order_state', 'once');
	is($t->pay($event, $order)->json->{outcome}, 'paid', 'and is');

	my $other = placed($event);
	only_staff($event, $other, 'deny', { reason => 'x' });
	is_problem(act($event, $other, 'deny', {}), 400, 'invalid_request', 'a denial has a reason');
	is_problem(act($event, $other, 'deny', { reason => '' }), 400, 'invalid_request', 'not an empty one');
	my $key = uuid();
	is_status(act($event, $other, 'deny', { reason => 'no member' }, key => $key), 200, 'denied');
	is(look($event, $other)->{status}, 'cancelled', 'it is cancelled');
	my $again = act($event, $other, 'deny', { reason => 'no member' }, key => $key);
	is_status($again, 200, 'the same key');
	is($again->header('Idempotency-Replayed'), 'true', 'is the same denial');
	ok(!exists $again->json->{secret}, 'still without the secret');
	is_problem(act($event, $other, 'deny', { reason => 'no member' }), 409, 'order_state', 'once');

	my $gone = placed($event);
	is_status(act($event, $gone, 'cancel', {}, secret => $gone->{secret}), 200, 'a buyer may give up');
};

subtest 'more time' => sub {
	my $event = $t->event(price => 1000, capacity => 1, payment_grace_seconds => 0);
	my $order = placed($event);
	only_staff($event, $order, 'extend', { until => rfc3339(time + 86400) });
	my $until = rfc3339(time + 86400);
	my $a     = act($event, $order, 'extend', { until => $until });
	is_status($a, 200, 'extended');
	is_problem(act($event, $order, 'extend', { until => 'tomorrow' }), 400, 'invalid_request', 'to no time');
	is_problem(act($event, $order, 'extend', { until => rfc3339(time - 5) }), 422, 'invalid_document', 'to the past');
	is_problem(act($event, $order, 'extend', { until => rfc3339(time + 86400 * 40) }), 422, 'extend_limit', 'past the session');
	$t->server->clock_offset(2 * 86400);
	is_status($t->hold($event), 201, 'when that is over another has the place');
	is_problem(act($event, $order, 'extend', { until => rfc3339(time + 86400 * 3) }), 409, 'sold_out', 'and it can not be had again');
	$t->server->clock_offset(0);
};

$t->finish;
