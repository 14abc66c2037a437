# The controls: what the harness says when something is wrong indeed. Without them, tests that pass would prove little.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Load;
use Boxoffice::Test;
use POSIX ();

subtest 'sales that a crash loses are missed' => sub {
	my $t = Boxoffice::Test->start(trouble => 1, postgres => [ 'synchronous_commit = off', 'checkpoint_timeout = 1d' ]);
	# Who would write, now and then, what the others leave, stands still: it is lost for certain.
	kill STOP => $t->server->value(q{SELECT pid FROM pg_catalog.pg_stat_activity WHERE backend_type = 'walwriter'});
	my $event = $t->event(capacity => 1_000_000, test => \1, price => 100);
	my $load  = Boxoffice::Load->start($t, $event, buyers => 4, pay => 1, deadline => 10);
	wait_until(sub { $load->count('payment') > 100 }, 'purchases', 60);
	$t->server->postgres_kill;
	$t->server->postgres_start;
	wait_until(sub { eval { $t->server->value('SELECT 1') } }, 'PostgreSQL has recovered');
	$load->stop;
	ok(scalar(grep { /was confirmed and is not there/ } $load->differences), 'with commits that do not wait for the disk');
	is_deeply([ $t->server->stop ], [], 'all has ended');
};

subtest 'books that do not agree are seen' => sub {
	my $t     = Boxoffice::Test->start(patience => 5);
	my $event = $t->event;
	$t->order($event, $t->hold($event)->json);
	is_deeply([ $t->differences ], [], 'they do agree');
	my $dbh = $t->server->dbh;
	for my $wrong ('stock SET sold = sold + 1', 'stock SET blocked = blocked + 1', 'claim SET quantity = quantity + 1',
		q(claim SET state = 'released'), 'order SET total = total + 1', q(ticket SET state = 'reserved')) {
		$dbh->begin_work;
		$dbh->do("UPDATE boxoffice.$wrong WHERE event_id = ?", undef, $event->{id});
		cmp_ok(scalar($t->differences), '>', 0, "UPDATE $wrong");
		$dbh->rollback;
	}
	is_deeply([ $t->differences ], [], 'and again');

	subtest 'and so is what is left running, or logged' => sub {
		my $log = $t->server->nginx_log;
		open my $out, '>>', $log or die "$log: $!\n";
		print {$out} "2026/01/01 00:00:00 [alert] 1#1: *1 open socket #3 left in connection 4\n";
		close $out;
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			if (fork // die "fork: $!\n") { POSIX::_exit(0) }
			exec 'sleep', '600';
		}
		waitpid $pid, 0;
		my @left = $t->server->stop;
		is(scalar @left, 1, 'one process');
		like($left[0], qr/^process left: \d+ sleep 600/, 'is named, and ended');
		is(scalar(() = $t->log_faults), 1, 'one alert');
	};
};

done_testing;
