# The queue in front of the pool is bounded: over the bound a request is told so at once, and those in it are told when
# their time is up; afterwards everything is as before.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Time::HiRes qw(time);

my $bound = 20;
my $t = Boxoffice::Test->start(trouble => 1, proxy => 1, workers => 1, pool => 2);
$t->server->nginx_change(sub ($text) {
	$text =~ s/^(\s*)boxoffice_queue\s[^;]*;/$1boxoffice_queue $bound;/m or $text =~ s/^(\s*)(boxoffice_database\b)/$1boxoffice_queue $bound;\n$1$2/m;
	return $text;
});
my $http  = $t->http;
my $event = $t->event(capacity => 1000);
my $ask   = [ POST => "/v1/events/$event->{id}/holds", { json => { items => [ { ticket_type => 'general', quantity => 1 } ] } } ];

is_status($t->hold($event), 201, 'before');
$t->server->proxy->tell('freeze');
my $start   = time;
my @answers = $http->all(map { [ @$ask[ 0, 1 ], { %{ $ask->[2] }, key => uuid() } ] } 1 .. 100);
my %count;
my $slow_ones = 0;
for my $a (@answers) {
	$count{ $a->status . ' ' . $a->code }++;
	if ($a->code eq 'queue_full') {
		cmp_ok($a->{at} - $start, '<', 2, 'told at once') or last;
		cmp_ok($a->header('Retry-After'), '>=', 1, '… with when to ask again');
	}
	else { $slow_ones++ }
}
diag(join ', ', map { "$_: $count{$_}" } sort keys %count);
cmp_ok($count{'503 queue_full'} // 0, '>=', 100 - $bound - 2 * 64, 'the queue was full');
cmp_ok($count{'503 queue_full'} // 0, '>', 0, 'for some of a hundred');
is_deeply([ grep { !/^50[34] (queue_full|deadline|outcome_unknown|unavailable|lock_timeout)$/ } keys %count ], [], 'the others ran out of time');
is_status($http->get('/healthz'), 200, 'nginx is alive');
$t->server->proxy->tell('pass');
wait_until(sub { $t->hold($event)->status == 201 }, 'selling again', 20);
my @after = $http->all(map { $ask } 1 .. $bound);
is_deeply([ grep { $_->status != 201 } @after ], [], 'as many as the queue holds are served');

$t->finish;
