# A seeded simulation: two events of random shape at a time, random buyers and organizers, jumps of the clock, deploys, and
# sudden death of backends, workers and the server. After every step: nothing oversold, both checks empty, the books
# as the model has them, buyers' counters what lives under their names, each key one effect, and every 201 that a
# client ever saw is still there. The model also says beforehand what each single step may be answered.
#
#   SEED=12345 STEPS=2000 prove tests/sim/simulation.t        repeats a run, or runs longer
#   SECONDS=20 ACTS='hold order block' prove …                less of it: only these acts
#   TRACE=file …                                              what was done and answered, to compare two runs
#
# The seed decides what is done, and when: the clock of rules stands still between its jumps, and the worker is either
# waited for after each of them or not there at all. So a seed repeats a run, step by step. What runs at the same time (a
# burst, a kill) may still end in more than one way, and the model takes what the answers say. Without SEED it is always the
# same one: a change is judged by itself, not by the dice. SEED=$RANDOM throws them.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Show;
use Boxoffice::Test;
use Cpanel::JSON::XS ();
use List::Util  qw(sum0);
use Time::HiRes qw(time);

my $seed    = $ENV{SEED} // 20_261_123;
my $steps   = $ENV{STEPS};
my $seconds = $ENV{SECONDS} // 40;
srand($seed = int $seed);
diag("SEED=$seed");

my $t      = Boxoffice::Test->start(trouble => 1, postgres => ['boxoffice.worker_tick = 50ms']);
my $server = $t->server;
$t->expect_log(qr/worker process \d+ exited on signal 9/);
my $http = $t->http;
my $json = Cpanel::JSON::XS->new->canonical->allow_nonref;

# The time of rules: of one that comes after whatever was deployed. A late write is accepted for 5 s.
my $time = 2_500_000_000;
$server->clock_stop($time);
$Boxoffice::Model::BLUR_S = 6;
my $now = sub { $time };

my (@wrong, @past, %count, @said);
my $worker = 1;
open my $trace, '>', $ENV{TRACE} // '/dev/null' or die "$ENV{TRACE}: $!\n";

sub any (@list) { return @list ? $list[ rand @list ] : undef }

# What strikes while the next POST is under way, and what is waited for then: see 'struck'.
my ($strike, $after);

# Asks, again while it must, with one key: what settles it. At most so long.
sub ask ($method, $path, $body, %o) {
	my $pid    = $strike && defined $o{key} ? soon($strike) : undef;
	my $answer = settled($method, $path, $body, %o);
	if ($pid) { waitpid $pid, 0; $strike = undef; $after->() }
	push @said, "$method $path " . (defined $body ? $json->encode($body) : '') . (defined $o{key} ? " key $o{key}" : '') . ' → ' . $answer->status . ' ' . $answer->body;
	print {$trace} "  $method ", $path =~ s/\d{6,}/N/gr, ' ', $answer->status, ' ', $answer->code, "\n";
	return $answer;
}

sub settled ($method, $path, $body, %o) {
	my $deadline = time + 120;
	while (time < $deadline) {
		my $answer = eval { $http->request($method, $path, defined $body ? (json => $body) : (), %o) };
		return $answer if $answer and $answer->status !~ /^50[34]$/ and $answer->code ne 'idempotency_running';
		push @wrong, "$method $path: " . $answer->body . ' does not say when to ask again' if $answer and !$answer->header('Retry-After');
		$http->forget unless $answer;
		select undef, undef, undef, 0.02;
	}
	die "$method $path was not settled in 120 s\n";
}

# An event, as soon as whatever was killed before is back.
sub a_show {
	my $show;
	wait_until(sub { $show = eval { Boxoffice::Show->new(t => $t, now => $now, ask => \&ask, wrong => \@wrong) } or $@ =~ /"status":50[34]/ ? 0 : die $@ }, 'an event');
	return $show;
}
my @shows = map { a_show() } 1, 2;

# Many at once, some of them twice with one key, perhaps while something dies.
sub burst ($show, %o) {
	my $model = $show->model;
	my ($item) = $show->random_items;
	my @keys  = map { uuid() } 1 .. 8 + int rand 30;
	my @asked = map { [ POST => "$show->{base}/holds", { json => { items => [$item] }, key => $_ } ] } @keys, @keys[ 0 .. 3 ];
	my $room  = $model->fits([ map { @{ $model->lines($item) } } @keys ], $now->());
	my @codes = $show->hold_codes('201', undef, '', $item);
	@codes = ('201', '409 all_held', '409 sold_out') if !$room and !grep { /paused|cancelled/ } @codes;
	my $pid = $o{trouble} ? soon($o{trouble}) : undef;
	my @answers = eval { $http->all(@asked) };
	waitpid $pid, 0 if $pid;
	$o{after}->() if $o{after};
	my %of_key;
	for my $n (0 .. $#asked) {
		my $key = $asked[$n][2]{key};
		my $a   = $answers[$n];
		# What was not answered, or not settled, is asked again with its key.
		$a = settled(POST => "$show->{base}/holds", { items => [$item] }, key => $key) if !$a or $a->status >= 500 or $a->code eq 'idempotency_running';
		$show->expect('one of a burst', $a, @codes) or next;
		my $id = $a->json->{id};
		push @wrong, "key $key made $of_key{$key} and $id" if $of_key{$key} and $of_key{$key} ne $id;
		next if $of_key{$key};
		$of_key{$key} = $id;
		$show->note_hold($a, undef, $item);
		push @{ $show->{replays} }, { path => '/holds', body => { items => [$item] }, key => $key, id => $id, at => $now->(), o => {} };
	}
	return;
}

# Does something a few milliseconds from now, while this process is busy asking.
sub soon ($what) {
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	select undef, undef, undef, rand 0.02;
	$what->();
	require POSIX;
	POSIX::_exit(0);
}

# A deploy of this very version, when its code was changed: what is called meanwhile must come again, or not notice.
sub deploy {
	my $top = $Boxoffice::Server::TOP;
	chomp(my $dsn = do { local $ENV{PREFIX} = $server->{prefix}; `'$top/conf/dsn'` });
	my $said = `'$top/sql/deploy' '$dsn' 2>&1`;
	return $? == 0;
}

# The worker takes back what is over, to the last claim that no late write can save.
sub tidy {
	return if !$worker;
	my $left = 'SELECT count(*) FROM boxoffice.claim WHERE state IN (?, ?, ?) AND event_id = ANY (?::bigint[]) AND expires_at <= boxoffice_code.clock() - \'5 s\'::interval';
	my $of   = '{' . join(',', map { $_->{id} } @shows) . '}';
	wait_until(sub { !$server->value($left, qw(held pending blocked), $of) }, 'the worker has been by', 60);
	$_->model->tidied($time) for @shows;
	return;
}

# Whatever can be asked with a key happens once, also if something dies meanwhile and the answer is lost.
my @struck = qw(hold extend_hold hold_from_block order pay sell decide extend_order exchange split_order cancel_order cancel_ticket
	move_places block add_session postpone cancel_session go_live);

sub struck ($show) {
	my $kill   = sub ($signal, @pids) { return sub { kill $signal => @pids } };
	my $victim = any($server->backend_pids) // return;
	($strike, $after) = @{ any(
		[ $kill->(KILL => $victim),                              sub { $server->postgres_recovered($victim) } ],
		[ $kill->(TERM => $server->backend_pids),                sub { } ],
		[ $kill->(KILL => $server->worker_pids),                 sub { $http->forget } ],
		[ $kill->(HUP => $server->nginx_pid),                    sub { } ],
	) };
	my $act = any(@struck);
	print {$trace} "  $act\n";
	$show->$act;
	$strike = undef;
	return;
}

my $worker_pid = q{SELECT pid FROM pg_catalog.pg_stat_activity WHERE backend_type = 'boxoffice worker'};

my %trouble = (
	struck => [ 3, \&struck ],
	clock => [ 8, sub ($show) {
		$time += any(20, 60, 60, 120, 300, 300, 700, 2000) + int rand 20;
		$server->clock_stop($time);
		tidy();
	} ],
	# Nobody needs it: who sells takes back what he lacks.
	worker => [ 1.5, sub ($show) {
		$worker = !$worker;
		$server->set('boxoffice.worker_database', $worker ? 'boxoffice' : '');
		my $there = q{SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'boxoffice worker'};
		wait_until(sub { $server->value($there) == $worker }, 'the worker is ' . ($worker ? 'back' : 'gone'), 30);
		tidy();
	} ],
	burst        => [ 5, \&burst ],
	kill_backend => [ 1, sub ($show) {
		my $victim = any($server->backend_pids, $worker ? $server->value($worker_pid) : ()) // return;
		burst($show, trouble => sub { kill KILL => $victim }, after => sub { $server->postgres_recovered($victim) });
	} ],
	end_backends => [ 1, sub ($show) {
		my @victims = $server->backend_pids;
		burst($show, trouble => sub { kill TERM => @victims });
	} ],
	kill_worker => [ 1, sub ($show) {
		my $victim = any($server->worker_pids) // return;
		$http->forget;
		burst($show, trouble => sub { kill KILL => $victim });
	} ],
	reload => [ 1, sub ($show) { my $pid = $server->nginx_pid; burst($show, trouble => sub { kill HUP => $pid }) } ],
	deploy => [ 0.7, sub ($show) {
		$server->dbh->do(q{COMMENT ON FUNCTION api.hold_create IS 'Another.'}) if rand() < 0.5;
		my $failed = "$server->{prefix}/deploy-failed";
		burst($show, trouble => sub { deploy() or do { open my $out, '>', $failed } });
		push @wrong, 'the deploy failed' if -e $failed;
	} ],
	kill_server => [ 0.5, sub ($show) {
		my $pid = $server->postmaster_pid;
		burst($show, trouble => sub { kill KILL => $pid }, after => sub { $server->postgres_kill if $server->postmaster_pid; $server->postgres_start; $server->postgres_recovered($pid) });
	} ],
);

# What must hold after every step, of the events that are on and of those that were.
sub look_over {
	# One snapshot for stock and claims: the worker takes expired claims back between two.
	my $dbh = $server->dbh;
	$dbh->begin_work;
	$dbh->do('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
	push @wrong, $_->differences(sub { $server->rows(@_) }) for @shows;
	$dbh->rollback;
	push @wrong, $t->differences;
	return;
}

my %weight = (%Boxoffice::Show::ACTS, map { $_ => $trouble{$_}[0] } keys %trouble);
if ($ENV{ACTS}) { my %only = map { $_ => 1 } split ' ', $ENV{ACTS}; delete @weight{ grep { !$only{$_} } keys %weight } }
my @names = sort keys %weight;
my $sum   = sum0(values %weight);
my $end   = time + $seconds;
my $done  = 0;
while ($steps ? $done < $steps : time < $end) {
	my $at = rand $sum;
	my ($name) = grep { ($at -= $weight{$_}) < 0 } @names;
	my $show = any(@shows);
	$count{$name}++;
	@said = ();
	print {$trace} $done + 1, " $name ", ($show == $shows[0] ? 1 : 2), "\n";
	my $ok = eval { $trouble{$name} ? $trouble{$name}[1]->($show) : $show->$name; look_over(); 1 };
	push @wrong, "died: $@" unless $ok;
	$done++;
	if (@wrong) {
		fail("step $done, $name of event $show->{id} (SEED=$seed)");
		diag("  $_") for @wrong[ 0 .. ($#wrong < 15 ? $#wrong : 15) ];
		diag("  the step's requests:", map { "\n    " . substr $_, 0, 4000 } @said[ 0 .. ($#said < 9 ? $#said : 9) ]);
		diag('  the model, ' . ($worker ? 'with' : 'without') . ' the worker' . (join '', map { ", $_ is called off" } sort keys %{ $show->{off} }) . ':', map { "\n    $_" } $show->model->report($time));
		last;
	}
	# Another one comes for one that is over.
	@shows = map { $_->{over} ? do { push @past, $_; a_show() } : $_ } @shows;
}
pass("$done steps: " . join ', ', map { "$_ $count{$_}" } sort keys %count);
for my $what (qw(holds orders payments)) { $count{of}{$what} = sum0(map { scalar keys %{ $_->{$what} } } @shows, @past) }
pass(join ', ', map { "$count{of}{$_} $_" } qw(holds orders payments));
push @wrong, map { $_->differences(sub { $server->rows(@_) }) } @past;
is_deeply(\@wrong, [], "nothing was wrong in any of them (SEED=$seed)");

$t->finish;
