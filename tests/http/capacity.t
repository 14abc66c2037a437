# Capacity over HTTP: pools, changes of many stock rows, moves, previews, and who changed what.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;
my $mine = $t->organizer_token;

sub path ($event, $what) { return "/v1/events/$event->{id}/$what" }
sub stock ($event, $filter = '') { return $http->get(path($event, "stock?limit=100$filter"), token => $mine)->json->{items} }
sub make ($event, %pool) {
	return $http->post(path($event, 'pools'), { key => 'balcony', name => 'Balcony', scope => 'session', capacity => 5, %pool }, token => $mine, key => uuid());
}

subtest 'pools' => sub {
	my $event = $t->event(capacity => 10);
	my $a = make($event);
	is_status($a, 201, 'a pool is made');
	is($a->json->{capacity}, 5, 'as asked');
	is_problem(make($event), 409, 'already_exists', 'its key is taken');
	is_problem(make($event, key => 'x', overbook => -1), 400, 'invalid_request', 'a bad one is none');
	is_problem(make($event, key => 'x', colour => 'red'), 400, 'invalid_request', 'nor one with more members');
	is_problem($http->post(path($event, 'pools'), { key => 'y' }, token => $t->token('customer')), 403, 'forbidden', 'a customer makes none');
	is_problem($http->post(path($event, 'pools'), { key => 'y' }), 401, 'token_missing', 'nor does nobody');
	my $stranger = $t->token('organizer', sub => 'stranger');
	my $whole = { key => 'y', name => 'Y', scope => 'event', capacity => undef };
	is_problem($http->post(path($event, 'pools'), $whole, token => $stranger, key => uuid()), 404, 'not_found', 'another organizer does not see the event');
	my $key = uuid();
	my ($first, $second) = map { $http->post(path($event, 'pools'), $whole, token => $mine, key => $key) } 1, 2;
	is_status($_, 201, 'an unlimited one for the event') for $first, $second;
	is($second->json->{id}, $first->json->{id}, 'twice with one key is once');
	my $list = $http->get(path($event, 'pools'), token => $mine);
	is_deeply([ map { $_->{key} } @{ $list->json->{items} } ], [qw(house balcony y)], 'they are listed');
	is_problem($http->get(path($event, 'pools')), 401, 'token_missing', 'not to nobody');

	my $url = path($event, 'pools/house');
	$t->hold($event, quantity => 6);
	my $preview = $http->patch($url, { capacity => 5, preview => \1 }, token => $mine);
	is_status($preview, 200, 'a preview');
	is($preview->json->{stock}{refused}[0]{min}, 6, '… says what would be refused, and why');
	is_problem($http->patch($url, { capacity => 5 }, token => $mine), 409, 'capacity_taken', 'and it is');
	my $cut = $http->patch($url, { capacity => 6, reason => 'Fewer chairs 🪑' }, token => $mine);
	is_status($cut, 200, 'down to what is taken');
	is_deeply([ @{ $cut->json->{stock} }{qw(available_before available_after)} ], [ 4, 0 ], '… and what came of it');
	is_problem($t->hold($event), 409, 'all_held', 'nothing is left');
	is_problem($http->patch($url, { capacity => 5 }, token => $mine, headers => [ 'If-Match' => '"1"' ]), 412, 'precondition_failed', 'an old version');
	is_problem($http->patch(path($event, 'pools/moon'), { capacity => 5 }, token => $mine), 404, 'not_found', 'a pool that is none');
	is_problem($http->patch($url, { capacity => 'many' }, token => $mine), 400, 'invalid_request', 'a capacity that is none');
	is_problem($http->delete($url, token => $mine), 409, 'in_use', 'a pool in use stays');
	is_status($http->delete("$url?preview=true", token => $mine), 200, '… and a preview says why');
	is_problem($http->delete("$url?preview=perhaps", token => $mine), 400, 'invalid_request', '… if it is asked for');
	is_problem($http->delete(path($event, 'pools/balcony'), token => $t->token('customer')), 403, 'forbidden', 'a customer removes none');
	is_status($http->delete(path($event, 'pools/balcony'), token => $mine), 200, 'one that is not used goes');
	is_problem($http->delete(path($event, 'pools/balcony'), token => $mine), 404, 'not_found', 'once');
	my ($entry) = @{ $http->get(path($event, 'stock-changes'), token => $mine)->json->{items} };
	is_deeply([ @$entry{qw(pool capacity_from capacity_to reason)} ], [ 'house', 10, 6, 'Fewer chairs 🪑' ], 'who, when and why is kept');
	is_problem($http->get(path($event, 'stock-changes')), 401, 'token_missing', 'not for nobody');
	is_problem($http->get(path($event, 'stock-changes'), token => $stranger), 404, 'not_found', 'nor for strangers');
};

subtest 'one row' => sub {
	my $event = $t->event(capacity => 10);
	my ($row) = @{ stock($event) };
	my $patch = sub ($body, %o) { $http->patch(path($event, "stock/$row->{id}"), $body, token => $mine, %o) };
	my $books = sub { [ stock($event), $http->get(path($event, 'stock-changes'), token => $mine)->json->{items}, $t->server->dbh->selectrow_array('SELECT version FROM boxoffice.event WHERE id = ?', undef, $event->{id}) ] };
	$t->hold($event, quantity => 6);
	my $before = $books->();
	my $a = $patch->({ capacity => 8, overbook => 1, reason => 'Perhaps', preview => \1 });
	is_status($a, 200, 'a preview');
	is_deeply([ @{ $a->json }{qw(capacity overbook held available state)} ], [ 8, 1, 6, 3, 'available' ], '… says how it would be');
	is_problem($patch->({ capacity => 5, preview => \1 }), 409, 'capacity_taken', '… and what would be refused, as it is');
	is_problem($patch->({ capacity => 5 }), 409, 'capacity_taken', 'it is');
	is_problem($patch->({ capacity => 5, preview => 'yes' }), 400, 'invalid_request', 'a preview that is neither');
	is_problem($http->patch(path($event, 'stock/1'), { capacity => 5, preview => \1 }, token => $mine), 404, 'not_found', 'of a row that is none');
	is_problem($patch->({ capacity => 8, preview => \1 }, token => undef), 401, 'token_missing', '… by nobody');
	is_problem($patch->({ capacity => 8, preview => \1 }, token => $t->token('customer')), 403, 'forbidden', '… by a customer');
	is_problem($patch->({ capacity => 8, preview => \1 }, token => $t->token('organizer', sub => 'stranger')), 404, 'not_found', '… by another organizer');
	is_problem($patch->({ capacity => 8, preview => \1 }, headers => [ 'If-Match' => '"1"' ]), 412, 'precondition_failed', '… of an old version');
	is_deeply($books->(), $before, 'nothing was changed by all that');
	is_deeply([ @{ $patch->({ capacity => 8, preview => \0 })->json }{qw(capacity available)} ], [ 8, 2 ], 'without it it is');
};

subtest 'many rows' => sub {
	my $start = time + 9e6;
	my $event = $t->event(capacity => 10, sessions => [ map { { key => "day$_", starts_at => rfc3339($start + 86400 * $_) } } 1 .. 30 ]);
	my $all = path($event, 'stock');
	my $a = $http->patch($all, { pool => 'house', from => rfc3339($start + 86400 * 10), to => rfc3339($start + 86400 * 20), add => -3, preview => \1 }, token => $mine);
	is_status($a, 200, 'a preview of ten days');
	is_deeply([ @{ $a->json }{qw(rows changed capacity_before capacity_after)} ], [ 10, 10, 100, 70 ], '… in sum');
	is(scalar(grep { $_->{capacity} != 10 } @{ stock($event) }), 0, '… changed nothing');
	$a = $http->patch($all, { pool => 'house', session => 'day7', capacity => 4, overbook => 1, reason => 'One more' }, token => $mine);
	is_status($a, 200, 'one day');
	is_deeply([ @{ stock($event, '&session=day7')->[0] }{qw(capacity overbook)} ], [ 4, 1 ], '… it is');
	is_problem($http->patch($all, { capacity => 4, reason => 'x' }, token => $mine), 422, 'invalid_document', 'no row is named');
	is_problem($http->patch($all, { session => 'day31', capacity => 4 }, token => $mine), 422, 'unknown_reference', 'a session that is none');
	is_problem($http->patch($all, { pool => 'house', capacity => 4 }, token => $t->token('customer')), 403, 'forbidden', 'a customer');
	is_problem($http->patch($all, { pool => 'house', capacity => 4 }), 401, 'token_missing', 'nobody');
	is_problem($http->patch('/v1/events/1/stock', { pool => 'house', capacity => 4 }, token => $mine), 404, 'not_found', 'an event that is none');

	my ($x, $y) = @{ stock($event, '&pool=house') }[ 0, 1 ];
	my $move = sub (%o) { $http->post(path($event, 'stock/move'), { moves => [ { from => $x->{id}, to => $y->{id}, quantity => 4 } ], %o }, token => $mine, key => uuid()) };
	$a = $move->(preview => \1);
	is_status($a, 200, 'a preview of a move');
	is_deeply([ @{ $a->json }{qw(capacity_before capacity_after)} ], [ 20, 20 ], '… loses nothing');
	is_status($move->(), 200, 'a move');
	is_deeply([ map { $_->{capacity} } @{ stock($event, '&pool=house') }[ 0, 1 ] ], [ 6, 14 ], '… of four');
	is_problem($move->(moves => [ { from => $x->{id}, to => $y->{id}, quantity => 7 } ]), 409, 'capacity_taken', 'more than there are');
	is_problem($move->(moves => [ { from => $x->{id}, to => '77', quantity => 1 } ]), 422, 'unknown_reference', 'to a row that is none');
	my $self = $move->(moves => [ map { { from => $x->{id}, to => $_->{id}, quantity => 1 } } $y, $x ]);
	is_problem($self, 422, 'invalid_document', 'to the row that gives them');
	is_deeply(faults_of($self), ['invalid_document at /moves/1/to'], '… which');
	is_problem($move->(moves => [ { from => $x->{id}, to => $y->{id}, quantity => 1.5 } ]), 400, 'invalid_request', 'half a place');
	is_problem($http->post(path($event, 'stock/move'), { moves => [] }), 401, 'token_missing', 'by nobody');

	my (@seen, $next);
	do {
		my $page = $http->get(path($event, 'stock?pool=house&limit=7' . ($next ? "&cursor=$next" : '')), token => $mine)->json;
		push @seen, map { $_->{session} } @{ $page->{items} };
		$next = $page->{next};
	} while $next and @seen < 100;
	is_deeply(\@seen, [ map { "day$_" } 1 .. 30 ], 'a pool page by page');
	is_problem($http->get(path($event, 'stock?pool=moon'), token => $mine), 422, 'unknown_reference', 'a pool that is none');
	is_problem($http->get(path($event, 'stock?cursor=x'), token => $mine), 400, 'invalid_request', 'a cursor that is none');
	is_problem($http->get(path($event, 'stock?colour=red'), token => $mine), 400, 'unknown_parameter', 'a filter that is none');
};

subtest 'blocks' => sub {
	my $event = $t->event(capacity => 10);
	my $block = $http->post(path($event, 'blocks'), { channel => 'agency', reason => 'Allotment', items => [ { pool => 'house', quantity => 6 } ] },
		token => $mine, key => uuid())->json;
	my $url = path($event, "blocks/$block->{id}");
	is_deeply($http->get($url, token => $mine)->json, $block, 'is there to be looked at');
	is_problem($http->get($url), 401, 'token_missing', 'not by nobody');
	is_problem($http->get($url, token => $t->token('customer')), 403, 'forbidden', 'nor by a customer');
	is_problem($http->get($url, token => $t->token('organizer', sub => 'stranger')), 404, 'not_found', 'nor by another organizer');
	is_deeply([ map { $_->{id} } @{ $http->get(path($event, 'blocks?channel=agency'), token => $mine)->json->{items} } ], [ $block->{id} ], 'it is listed');
	is_deeply($http->get(path($event, 'blocks?channel=house'), token => $mine)->json->{items}, [], 'for its channel');
	is_problem($http->get(path($event, 'blocks')), 401, 'token_missing', 'not to nobody');
	is_status($t->hold($event, token => $mine, items => [ { ticket_type => 'general', quantity => 2, block => $block->{id} } ]), 201, 'two are held out of it');
	my $a = $http->patch($url, { items => [ { id => '1', quantity => 1 } ], release_at => rfc3339(time + 86400) }, token => $mine);
	is_status($a, 200, 'it shrinks');
	is_deeply([ @{ $a->json }{qw(left held)} ], [ 1, 2 ], '… to one, and two that are held');
	is_status($t->hold($event, quantity => 7), 201, 'the others are free');
	is_problem($http->patch($url, { items => [ { id => '1', quantity => 2 } ] }, token => $mine), 409, 'all_held', 'it cannot grow');
	is_problem($http->patch($url, { items => [ { id => '9', quantity => 2 } ] }, token => $mine), 422, 'unknown_reference', 'a line that is none');
	is_problem($http->patch($url, { items => [ { id => '1' } ] }, token => $mine), 400, 'invalid_request', 'no quantity');
	is_problem($http->patch($url, { reason => 'x' }, token => $t->token('customer')), 403, 'forbidden', 'a customer changes nothing');
	is_problem($http->patch($url, { reason => 'x' }), 401, 'token_missing', 'nor does nobody');
	is_problem($http->patch(path($event, 'blocks/17'), { reason => 'x' }, token => $mine), 404, 'not_found', 'a block that is none');
};

$t->finish;
