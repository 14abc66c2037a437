# Early release of locks (commit.c): the next batch comes in before this one's flush is over, and nobody is answered
# before the flush of what he sees.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Load;
use Boxoffice::Test;
use POSIX ();

# WAL that nobody flushes in passing; and none but a request's at all.
my @lazy  = ('wal_writer_delay = 10s', 'wal_writer_flush_after = 1GB');
my @alone = (@lazy, "boxoffice.worker_database = ''", 'autovacuum = off', 'wal_level = minimal', 'max_wal_senders = 0');

sub library_has_switches ($t) {
	return $t->server->value(q(SELECT extra_desc FROM pg_settings WHERE name = 'boxoffice.debug_flush_ms')) !~ /^Without effect/;
}

sub set ($t, $name, $value) {
	$t->server->dbh->do("ALTER SYSTEM SET $name = $value");
	$t->server->dbh->do('SELECT pg_reload_conf()');
	wait_until(sub { $t->server->value("SELECT setting FROM pg_settings WHERE name = '$name'") eq $value }, "$name is $value");
	return;
}

# Sells, kills the server, and says what it had confirmed and no longer has.
sub lost_in_a_crash ($t) {
	my $event = $t->event(capacity => 1_000_000, test => \1, price => 100);
	my $load  = Boxoffice::Load->start($t, $event, buyers => 4, pay => 1, deadline => 10);
	wait_until(sub { $load->count('payment') > 100 }, 'purchases', 60);
	$t->server->postgres_kill;
	$t->server->postgres_start;
	wait_until(sub { eval { $t->server->value('SELECT 1') } }, 'PostgreSQL has recovered');
	$load->stop;
	return grep { /was confirmed and is not there/ } $load->differences;
}

# Runs a sub in a child; gives back what asks whether it has ended.
sub apart ($run) {
	my $pid = fork // die "fork: $!\n";
	if (!$pid) { $run->(); POSIX::_exit(0) }
	my $ended = 0;
	return sub ($wait = 0) { return $ended ||= waitpid($pid, $wait ? 0 : POSIX::WNOHANG) == $pid };
}

# Whether the commit of the transaction that wrote a hold is among the WAL that is flushed. The WAL's ends would not
# tell: other processes write there too.
sub is_on_disk ($t, $since, $hold) {
	return $t->server->value(<<~'SQL', $since, $hold) > 0;
		SELECT count(*)
		  FROM pg_catalog.pg_get_wal_records_info_till_end_of_wal(?) AS r, boxoffice.hold AS h
		 WHERE h.id = ? AND r.resource_manager = 'Transaction' AND r.record_type LIKE 'COMMIT%'
		   AND (r.xid = h.xmin OR r.description ~ ('subxacts:.*\m' || h.xmin || '\M'))
		SQL
}

subtest 'a crash takes nothing that was confirmed' => sub {
	my $t = Boxoffice::Test->start(trouble => 1, postgres => \@lazy);
	is($t->server->value('SHOW boxoffice.early_release'), 'on', 'locks are released early');
	is_deeply([ lost_in_a_crash($t) ], [], 'all is there');
	is_deeply([ $t->server->stop ], [], 'all has ended');
};

subtest 'the control: without the flush it does' => sub {
	my $t = Boxoffice::Test->start(trouble => 1, postgres => \@lazy);
	plan skip_all => 'a library without assertions' if !library_has_switches($t);
	set($t, 'boxoffice.debug_flush_ms', '-1');
	cmp_ok(scalar(lost_in_a_crash($t)), '>', 0, 'sales are missed');
	is_deeply([ $t->server->stop ], [], 'all has ended');
};

subtest 'while a flush is waited for' => sub {
	my $t = Boxoffice::Test->start(trouble => 1, postgres => \@alone);
	plan skip_all => 'a library without assertions' if !library_has_switches($t);
	my $server = $t->server;
	$server->dbh->do('CREATE EXTENSION pg_walinspect SCHEMA pg_catalog');
	my $since  = $server->value('SELECT pg_current_wal_flush_lsn()');
	my $event  = $t->event;
	my $old    = $t->hold($event)->json;
	my $holds  = sub { $server->value('SELECT count(*) FROM boxoffice.hold WHERE event_id = ?', $event->{id}) };
	my $locked = sub { $server->value('SELECT count(*) FROM pg_locks WHERE relation = ?::regclass', 'boxoffice.inventory_group') };
	set($t, 'boxoffice.debug_flush_ms', '6000');

	my $answered = apart(sub { $t->hold($event, http => $t->client) });
	wait_until(sub { $holds->() == 2 }, 'another sees the hold');
	my $new = $server->value('SELECT id FROM boxoffice.hold WHERE event_id = ? AND id <> ?', $event->{id}, $old->{id});
	ok(!$answered->(), 'its buyer has no answer yet');
	is($locked->(), 0, 'the locks of its places are gone');
	ok(is_on_disk($t, $since, $old->{id}), 'the hold before it is on disk');
	ok(!is_on_disk($t, $since, $new), 'it is not, yet');
	is($t->client->get("/v1/events/$event->{id}/holds/$old->{id}", secret => $old->{secret})->status, 200, 'who only reads');
	ok(!$answered->(), 'is answered first');
	ok(is_on_disk($t, $since, $new), 'but after the flush of what he may have seen');
	ok($answered->(1), 'then the buyer');

	set($t, 'boxoffice.early_release', 'off');
	set($t, 'boxoffice.debug_flush_ms', '0');
	my $last = $t->hold($event);
	is($last->status, 201, 'switched off, PostgreSQL\'s own order stands');
	ok(is_on_disk($t, $since, $last->json->{id}), 'and what is answered is on disk');
	is_deeply([ $t->differences ], [], 'the books agree');
	is_deeply([ $t->server->stop ], [], 'all has ended');
};

done_testing;
