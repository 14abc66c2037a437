# The queue in front of the pool is bounded: over the bound a request is told so at once, and those in it are told when
# their time is up; afterwards everything is as before.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

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
my @answers = $http->all(map { [ @$ask[ 0, 1 ], { %{ $ask->[2] }, key => uuid() } ] } 1 .. 100);
my %count;
$count{ $_->status . ' ' . $_->code }++ for @answers;
my @full = grep { $_->code eq 'queue_full' } @answers;
my ($first_late) = sort { $a <=> $b } map { $_->{at} } grep { $_->code ne 'queue_full' } @answers;
is_deeply([ grep { $_->{at} > $first_late } @full ], [], 'told at once, before the time of any is up');
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
