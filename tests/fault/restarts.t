# Reload, restart and sudden death of every process while buyers buy: what was confirmed is there, nothing is there
# twice, and the sale goes on without a hand.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Load;
use Boxoffice::Test;
use Time::HiRes qw(sleep);

my $t      = Boxoffice::Test->start(trouble => 1);
my $server = $t->server;

# Lets buyers buy, does what is to be done, waits until they have bought some more, and compares.
sub under_load ($name, $trouble) {
	subtest $name => sub {
		my $event = $t->event(capacity => 1_000_000, test => \1, price => 100);
		my $load  = Boxoffice::Load->start($t, $event, buyers => 4, pay => 1);
		my $some  = sub ($n) { wait_until(sub { $load->count('payment') >= $n }, "$n purchases", 60) };
		my $ok    = eval {
			$some->(20);
			$trouble->();
			$some->($load->count('payment') + 20);
			1;
		};
		my $error = $@;
		$load->stop;
		ok($ok, 'the sale goes on by itself') or diag $error;
		is_deeply([ $load->differences ], [], 'what was confirmed is there, once');
		is_deeply([ $t->differences ], [], 'the books agree');
		cmp_ok(scalar($load->notes('payment')), '>=', 40, 'purchases: ' . $load->notes('payment'));
	};
	return;
}

sub one_of (@list) { return $list[ rand @list ] }

under_load('nginx reloads, five times' => sub {
	for (1 .. 5) { $server->nginx_reload; sleep 0.1 }
});
under_load('nginx restarts' => sub { $server->nginx_stop; $server->nginx_start });
under_load('nginx is stopped at once' => sub { $server->nginx_stop('TERM'); $server->nginx_start });
under_load('PostgreSQL restarts' => sub { $server->postgres_stop('fast'); $server->postgres_start });
under_load('PostgreSQL is stopped immediately' => sub { $server->postgres_stop('immediate'); $server->postgres_start });

$t->expect_log(qr/worker process \d+ exited on signal 9/);
under_load('workers of nginx are killed' => sub {
	for (1 .. 3) {
		my $pid = one_of($server->worker_pids);
		kill KILL => $pid;
		wait_until(sub { my @w = $server->worker_pids; @w == $server->{workers} && !grep { $_ == $pid } @w }, 'another takes its place');
	}
});
under_load('a backend is terminated' => sub {
	$server->dbh->do("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = 'boxoffice_gateway'") for 1 .. 3;
});
under_load('a backend is killed' => sub {
	my $pid = one_of($server->backend_pids);
	kill KILL => $pid;
	$server->postgres_recovered($pid);
});
under_load('the server is killed' => sub { $server->postgres_kill; $server->postgres_start });

# Where the counter of ids begins in a millisecond: the least of many, each of a millisecond of its own.
sub ids_begin { return $server->value('SELECT min(boxoffice_code.new_id() & 1048575) FROM generate_series(1, 20) AS n, LATERAL (SELECT pg_catalog.pg_sleep(0.002 + 0 * n)) AS s') }

subtest 'ids of a clock that was set back' => sub {
	my @begins;
	for my $restart (sub { $server->postgres_stop; $server->postgres_start }, sub { $server->postgres_kill; $server->postgres_start }) {
		push @begins, ids_begin();
		$restart->();
	}
	push @begins, ids_begin();
	isnt($begins[$_], $begins[ $_ - 1 ], 'elsewhere after a restart: what comes again is no id that was given out') for 1 .. 2;
	# by the connection that asks again at the end: each of nginx's workers is ready by itself
	wait_until(sub { $t->http->get('/readyz')->status == 200 }, 'ready again');
};

my ($log) = map { Boxoffice::Server::_slurp($_) } $server->nginx_log;
unlike($log, qr/open socket \S+ left/, 'no socket was left at any of it');
is_status($t->http->get('/readyz'), 200, 'ready at the end');

$t->finish;
