# The queue in front of the pool: who goes together, and that it is bounded. Over the bound a request is told so at once,
# and those in it are told when their time is up; afterwards everything is as before.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $bound = 20;
my $t = Boxoffice::Test->start(trouble => 1, proxy => 1, workers => 1, pool => 2);
my $http  = $t->http;
my $event = $t->event(capacity => 1000);
my $ask   = [ POST => "/v1/events/$event->{id}/holds", { json => { items => [ { ticket_type => 'general', quantity => 1 } ] } } ];

# The database answers after 600 ms, so that a crowd may be gathered for 300. A machine that stops for longer than that in
# between gets another try; without gathering, none would do.
subtest 'the next batch waits for those who were answered just now' => sub {
	$t->server->nginx_change(sub ($text) { $text =~ s/\btarget=5ms/target=10s/r });
	is_status($t->hold($event), 201, 'nginx is connected');
	$t->server->proxy->tell('delay 300');
	my @clients = map { $http->connect } 1 .. 40;
	my $send    = sub (@some) { $_->send($http->bytes(@$ask[ 0, 1 ], %{ $ask->[2] }, key => uuid())) for @some };
	my $heard   = sub (@some) { is_deeply([ grep { $_ != 201 } map { $_->answer('POST')->status } @some ], [], @some . ' have their places') };
	my $waiting = sub ($n) { wait_until(sub { $t->metric('boxoffice_queue_calls') == $n }, "$n wait") };
	my $batches = sub { $t->metric('boxoffice_batch_calls_count') };
	my $together;
	for (1 .. 20) {
		my $first = $http->connect;
		my $idle  = $t->metric('boxoffice_connections_idle');
		$send->($first);
		wait_until(sub { $t->metric('boxoffice_connections_idle') < $idle }, 'one is on the way');
		$send->(@clients);
		$waiting->(40);
		$heard->($first);
		$heard->(@clients);
		my $before = $batches->();
		$send->(@clients[ 0 .. 19 ]);
		eval { wait_until(sub { $t->metric('boxoffice_queue_calls') == 20 }, 'half of them wait', 0.25) };
		$send->(@clients[ 20 .. 39 ]);
		$heard->(@clients);
		$together = $batches->() == $before + 1;
		last if $together;
	}
	ok($together, 'forty, in two halves, went as one batch');
	$send->(@clients[ 0 .. 9 ]);
	$heard->(@clients[ 0 .. 9 ]);
	$t->server->proxy->tell('pass');
};

$t->server->nginx_change(sub ($text) {
	$text =~ s/^(\s*)boxoffice_queue\s[^;]*;/$1boxoffice_queue $bound;/m or $text =~ s/^(\s*)(boxoffice_database\b)/$1boxoffice_queue $bound;\n$1$2/m;
	return $text;
});
is_status($t->hold($event), 201, 'before');
$t->server->proxy->tell('freeze');
my @answers = $http->all(map { [ @$ask[ 0, 1 ], { %{ $ask->[2] }, key => uuid() } ] } 1 .. 100);
my %count;
$count{ $_->status . ' ' . $_->code }++ for @answers;
my @full = grep { $_->code eq 'queue_full' } @answers;
# By nginx's own clock: this process may have been late to look.
my %took;
wait_until(sub {
	%took = map { /"request_id":"([^"]+)".*"seconds":([0-9.]+)/ ? ($1 => $2) : () } split /\n/, Boxoffice::Server::_slurp("$t->{server}{prefix}/log/nginx/access.log");
	return !grep { !defined $took{ $_->header('X-Request-Id') } } @full;
}, 'they are in the log');
is_deeply([ grep { $_ >= 5 } map { $took{ $_->header('X-Request-Id') } } @full ], [], 'told at once, before the time of any is up');
is_deeply([ grep { ($_->header('Retry-After') // 0) < 1 } @full ], [], '… with when to ask again');
diag(join ', ', map { "$_: $count{$_}" } sort keys %count);
cmp_ok($count{'503 queue_full'} // 0, '>=', 100 - $bound - 2 * 64, 'the queue was full');
cmp_ok($count{'503 queue_full'} // 0, '>', 0, 'for some of a hundred');
is_deeply([ grep { !/^50[34] (queue_full|deadline|outcome_unknown|unavailable|lock_timeout)$/ } keys %count ], [], 'the others ran out of time');
is_status($http->get('/healthz'), 200, 'nginx is alive');
$t->server->proxy->tell('pass');
wait_until(sub { $t->hold($event)->status == 201 }, 'selling again');
my @after = $http->all(map { $ask } 1 .. $bound);
is_deeply([ grep { $_->status != 201 } @after ], [], 'as many as the queue holds are served');

$t->finish;
