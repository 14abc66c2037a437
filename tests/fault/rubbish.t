# A hot lane fed with rubbish: each bad request gets its own refusal, each good one its places, and no batch fails
# as a whole.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Load;
use Boxoffice::Test;

my $t     = Boxoffice::Test->start(workers => 1);
my $http  = $t->http;
my $event = $t->event(capacity => 1_000_000, max_per_order => 50);
my $holds = "/v1/events/$event->{id}/holds";

my @rubbish = (
	[ 400, '{' ],
	[ 400, '' ],
	[ 400, '[]' ],
	[ 400, '{"items":[]}' ],
	[ 400, '{"items":[{"ticket_type":"general","quantity":0}]}' ],
	[ 400, '{"items":[{"ticket_type":"general","quantity":-5}]}' ],
	[ 400, '{"items":[{"ticket_type":"general","quantity":1e999}]}' ],
	[ 400, qq({"items":[{"ticket_type":"\xff\xfe","quantity":1}]}) ],
	[ 400, '{"items":[{"ticket_type":"gen\\u0000","quantity":1}]}' ],
	[ 400, qq({"items":[{"ticket_type":"general\0","quantity":1}]}) ],
	[ 400, '{"items":[{"ticket_type":"general","quantity":1}],"x":1},{"role":"admin"}' ],
	[ 400, '[' x 20_000 ],
	[ 400, '{"items":[' . join(',', ('{"ticket_type":"general","quantity":1}') x 51) . ']}' ],
	[ 422, '{"items":[{"ticket_type":"nothing","quantity":1}]}' ],
	[ 422, '{"items":[{"ticket_type":"general","quantity":1,"session":"moon"}]}' ],
	[ 422, '{"items":[{"ticket_type":"general","quantity":51}]}' ],
);
my $good = '{"items":[{"ticket_type":"general","quantity":1}]}';

my ($asked, $held) = (0, 0);
for my $round (1 .. 12) {
	my (@requests, @want);
	for my $n (1 .. 200) {
		my $bad = $n % 10 == 0 ? $rubbish[ ($round * 20 + $n / 10) % @rubbish ] : undef;
		push @requests, [ POST => $holds, { body => $bad ? $bad->[1] : $good, key => uuid() } ];
		push @want, $bad ? $bad->[0] : 201;
		$held++ unless $bad;
	}
	my @answers = $http->all(@requests);
	my @odd = grep { !$answers[$_] or $answers[$_]->status != $want[$_] } 0 .. $#want;
	is(scalar @odd, 0, "round $round: each its own answer")
		or diag map { "  $requests[$_][2]{body}: " . ($answers[$_] ? $answers[$_]{raw} : 'none') . "\n" } grep { defined } @odd[ 0 .. 3 ];
	$asked += @want;
}
is($t->server->value('SELECT held FROM boxoffice.stock WHERE event_id = ?', $event->{id}), $held, "$held places of $asked requests");
is($t->metric('boxoffice_batch_bisect_total'), 0, 'none of which failed as a whole');

# The same from buyers who keep at it, with orders between.
my $second = $t->event(capacity => 1_000_000);
my $load   = Boxoffice::Load->start($t, $second, buyers => 6, rubbish => 5);
wait_until(sub { $load->count('rubbish') > 150 and $load->count('order') > 300 }, 'enough rubbish and orders', 60);
$load->stop;
is_deeply([ $load->differences ], [], 'what was confirmed is there, once');

$t->finish;
