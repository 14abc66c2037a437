# When things go wrong, over HTTP: sessions cancelled and postponed, events postponed, and what is owed back.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;
my $mine = $t->organizer_token;
my $else = $t->token('organizer', sub => 'stranger');

sub act ($event, $what, $body = undef, %o) {
	return $http->request(POST => "/v1/events/$event->{id}/$what", token => $mine, key => uuid(), defined $body ? (json => $body) : (), %o);
}

sub bought ($event, @sessions) {
	my $hold = $t->hold($event, items => [ map { { ticket_type => 'general', session => $_, quantity => 1 } } @sessions ])->json;
	my $order = $t->order($event, $hold)->json;
	$t->pay($event, $order, kind => 'test');
	return $order;
}

sub look ($event, $order) { return $http->get("/v1/events/$event->{id}/orders/$order->{id}", secret => $order->{secret})->json }

my $start = time + 9e6;
my @days  = map { { key => "day$_", starts_at => rfc3339($start + 86400 * $_), ends_at => rfc3339($start + 86400 * $_ + 7200) } } 1 .. 3;

subtest 'a session is cancelled' => sub {
	my $event = $t->event(test => \1, price => 1000, capacity => 10, sessions => \@days);
	my $both  = bought($event, 'day1', 'day2');
	my $one   = bought($event, 'day1');
	my $other = bought($event, 'day2');
	my $held  = $t->hold($event, items => [ { ticket_type => 'general', session => 'day1', quantity => 1 } ])->json;
	my $owed  = "/v1/events/$event->{id}/owed";
	is_deeply($http->get($owed, token => $mine)->json->{items}, [], 'nothing is owed');
	is_problem(act($event, 'sessions/day1/cancel', {}, token => undef), 401, 'token_missing', 'nobody cancels');
	is_problem(act($event, 'sessions/day1/cancel', {}, token => $t->token('customer')), 403, 'forbidden', 'a customer does not');
	is_problem(act($event, 'sessions/day1/cancel', {}, token => $else), 404, 'not_found', 'nor does another organizer');
	is_problem(act($event, 'sessions/day9/cancel', {}), 404, 'not_found', 'a session that is none');
	is_problem(act($event, 'sessions/day1/cancel', { reason => '' }), 400, 'invalid_request', 'a reason that is none');
	is_problem(act($event, 'sessions/day1/cancel', {}, headers => [ 'If-Match' => '"1"' ]), 412, 'precondition_failed', 'an old version');
	my $a = act($event, 'sessions/day1/cancel', { preview => \1 });
	is_status($a, 200, 'a preview');
	is_deeply([ @{ $a->json }{qw(tickets orders amount status)} ], [ 2, 2, 2000, 'open' ], '… says what it would be');
	$a = act($event, 'sessions/day1/cancel', { reason => 'Die Sängerin ist krank' });
	is_status($a, 200, 'cancelled');
	is($a->json->{holds_ended}, 1, 'and the hold on it');
	is($a->header('ETag'), '"' . $a->json->{version} . '"', 'with the new version');
	is_status(act($event, 'sessions/day1/cancel'), 200, 'again changes nothing');
	is_problem($t->hold($event, items => [ { ticket_type => 'general', session => 'day1', quantity => 1 } ]), 409, 'event_cancelled', 'nothing is sold');
	is_problem($t->order($event, $held), 410, 'hold_expired', 'what was held is gone');
	is(look($event, $both)->{due}, -1000, 'one of two is owed');
	is(look($event, $one)->{due}, -1000, 'one of one');
	is(look($event, $other)->{due}, 0, 'none of the other day');
	is_deeply([ map { $_->{state} } @{ look($event, $both)->{tickets} } ], [qw(cancelled valid)], 'the ticket is not valid');
	my $list = $http->get($owed, token => $mine);
	is_status($list, 200, 'what is owed');
	is_deeply([ @{ $list->json }{qw(orders amount)} ], [ 2, 2000 ], '… in sum');
	is_deeply([ map { "$_->{code} $_->{due}" } @{ $list->json->{items} } ], [ "$one->{code} -1000", "$both->{code} -1000" ], '… by order');
	my $first = $http->get("$owed?limit=1", token => $mine)->json;
	my $second = $http->get("$owed?limit=1&cursor=$first->{next}", token => $mine)->json;
	is_deeply([ map { $_->{code} } @{ $first->{items} }, @{ $second->{items} } ], [ $one->{code}, $both->{code} ], '… page by page');
	is_problem($http->get($owed), 401, 'token_missing', 'not for nobody');
	is_problem($http->get($owed, token => $else), 404, 'not_found', 'nor another organizer');
	is_problem($http->get("$owed?cursor=x", token => $mine), 400, 'invalid_request', 'a cursor that is none');
};

subtest 'a session is postponed' => sub {
	my $event = $t->event(price => 0, capacity => 10, sessions => \@days);
	my $order = $t->order($event, $t->hold($event, items => [ { ticket_type => 'general', session => 'day2', quantity => 1 } ])->json)->json;
	my $url   = 'sessions/day2/postpone';
	my $to    = { starts_at => rfc3339($start + 86400 * 30) };
	is_problem(act($event, $url, $to, token => undef), 401, 'token_missing', 'nobody postpones');
	is_problem(act($event, $url, $to, token => $t->token('customer')), 403, 'forbidden', 'a customer does not');
	is_problem(act($event, $url, $to, token => $else), 404, 'not_found', 'nor does another organizer');
	is_problem(act($event, $url, {}), 400, 'invalid_request', 'to no time');
	is_problem(act($event, $url, { starts_at => 'soon' }), 400, 'invalid_request', 'nor soon');
	is_problem(act($event, $url, { starts_at => rfc3339(time - 60) }), 422, 'invalid_document', 'nor into the past');
	my $a = act($event, $url, $to);
	is_status($a, 200, 'postponed');
	is_deeply([ @{ $a->json }{qw(tickets orders status)} ], [ 1, 1, 'open' ], 'its tickets stay');
	ok($a->json->{original_starts_at}, 'and when it was first announced');
	is(look($event, $order)->{tickets}[0]{state}, 'valid', 'they are valid');
	my ($shown) = grep { $_->{key} eq 'day2' } @{ $http->get("/v1/events/$event->{id}/sessions")->json->{items} };
	is($shown->{original_starts_at}, $a->json->{original_starts_at}, 'everybody sees it');

	is_problem(act($event, 'postpone', $to, token => undef), 401, 'token_missing', 'nobody postpones an event');
	is_problem(act($event, 'postpone', $to, token => $t->token('customer')), 403, 'forbidden', 'a customer does not');
	is_problem(act($event, 'postpone', $to, token => $else), 404, 'not_found', 'nor does another organizer');
	is_problem(act($event, 'postpone', { starts_at => rfc3339(time - 60) }), 422, 'invalid_document', 'nor into the past');
	$a = act($event, 'postpone', { starts_at => rfc3339($start + 86400 * 101), reason => 'Flood' });
	is_status($a, 200, 'an event is postponed');
	is(scalar(grep { $_->{original_starts_at} } @{ $a->json->{sessions} }), 3, 'all its sessions are');
	act($event, 'cancel');
	is_problem(act($event, 'postpone', $to), 409, 'event_cancelled', 'not once it is cancelled');
	is_problem(act($event, $url, $to), 409, 'event_cancelled', 'nor its sessions');
};

$t->finish;
