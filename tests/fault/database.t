# PostgreSQL in trouble while buyers buy: no connections left, rows and tables locked by somebody else's transaction, statements
# cancelled or timed out, a backend that stands still, tables changed and written anew, an extension that is gone, a disk that is
# full, an old snapshot. Whoever can't be served is told when to come again (503 or
# 504 with Retry-After, which every buyer asserts), other events go on, nothing that was confirmed is lost, and all goes on by
# itself afterwards.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Load;
use Boxoffice::Test;
use Time::HiRes qw(sleep);

my $t      = Boxoffice::Test->start(trouble => 1);
my $server = $t->server;
my $other  = $t->event(capacity => 100_000);
$t->expect_log(qr/deadlock detected|40P01/);
$t->expect_log(qr/ 42883 ERROR: +function boxoffice_code\.\w+\(.*\) does not exist|XX000 ERROR: +cache lookup failed for function/);

# Lets buyers buy, does what is to be done, waits until they have bought some more, and compares.
sub under_load ($name, $trouble, %o) {
	subtest $name => sub {
		my $event = $t->event(capacity => 1_000_000, test => \1, price => 100);
		my $load  = Boxoffice::Load->start($t, $event, buyers => 4, pay => 1);
		my $some  = sub ($n) { wait_until(sub { $load->count('payment') >= $n }, "$n purchases", 60) };
		my $ok    = eval {
			$some->(10);
			$trouble->($event);
			$some->($load->count('payment') + 10);
			1;
		};
		my $error = $@;
		$load->stop;
		ok($ok, 'the sale goes on by itself') or diag $error;
		is_deeply([ $load->differences ], [], 'what was confirmed is there, once; whoever was not served was told when to come again');
		is_deeply([ $t->differences ], [], 'the books agree');
	};
	return;
}

# One hold is refused so, with when to come again.
sub is_told ($event, $status, $code, $name) {
	return is_answer_told($t->client->post("/v1/events/$event->{id}/holds", { items => [ { ticket_type => 'general', quantity => 1 } ] }, close => 1),
		$status, $code, $name);
}

# One hold is refused for a lock of a DBA's. Who stands behind other batches waits for theirs first and for the DBA's then,
# half the deadline each, or all of it before it is sent.
sub is_told_of_lock ($event, $name) {
	my $answer = $t->hold($event, http => $t->client);
	like($answer->status . ' ' . $answer->code, qr/^(?:503 lock_timeout|504 deadline)$/, $name);
	return cmp_ok($answer->header('Retry-After') // 0, '>=', 1, '… with when to ask again');
}

# A hold of the event that nobody else buys in is served; no time, or a lock of a moment ago, may take it more than one try.
sub is_served ($name) {
	my $answer;
	wait_until(sub { $answer = $t->hold($other, http => $t->client); $answer->status !~ /^50[34]$/ }, $name);
	return is_status($answer, 201, $name);
}

# Rows that SQL writes get the default of a column it does not know.
sub is_catalogue_written {
	my $made = $t->event;
	my $base = "/v1/events/$made->{id}";
	my %o    = (token => $t->organizer_token);
	is_status($t->http->post("$base/pools", { key => 'more', name => 'More', scope => 'event', capacity => 5 }, %o, key => uuid()), 201, 'a pool');
	is_status($t->http->post("$base/clone", { name => 'Again' }, %o, key => uuid()), 201, 'a copy of an event');
	is_deeply([ $t->differences ], [], 'and the checks look at their own columns');
	return;
}

# Events that are published while a table that this reads gets and loses a column all the time: one that has looked at its row
# type before, and waits for it then, is done again.
sub are_published_beside_columns {
	my $dba = fork // die "fork: $!\n";
	if (!$dba) {
		my $dbh = $server->connect;
		$dbh->do(q{SET lock_timeout = '300ms'});
		while (1) { for my $what ('ADD COLUMN IF NOT EXISTS of_another int', 'DROP COLUMN IF EXISTS of_another') { eval { $dbh->do("ALTER TABLE boxoffice.venue $what") }; sleep 0.01 } }
	}
	my %told;
	for (1 .. 40) {
		my $made;
		wait_until(sub { $made = eval { $t->event(publish => 0) } or $@ =~ /"status":50[34]/ ? 0 : die $@ }, 'made');
		wait_until(sub { my $a = $t->http->post("/v1/events/$made->{id}/publish", undef, token => $t->organizer_token, key => uuid()); $told{ $a->status }++; $a->status !~ /^50[34]$/ }, 'published');
	}
	kill KILL => $dba;
	waitpid $dba, 0;
	patiently('ALTER TABLE boxoffice.venue DROP COLUMN IF EXISTS of_another');
	return is_deeply([ grep { !/^(?:200|50[34])$/ } keys %told ], [], 'published beside columns that come and go: ' . join ', ', map { "$_ $told{$_}" } sort keys %told);
}

# Whether a statement of the gateway's waits for a lock.
sub lanes_wait { return $server->value(q{SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = 'boxoffice_gateway' AND wait_event_type = 'Lock'}) }

# The first hold that is refused, asked for in the event that nobody else buys in; one that the machine had no time for does not
# count, nor one that was under way when the trouble began.
sub is_told_soon ($status, $code, $name) {
	my $answer;
	wait_until(sub { $answer = $t->hold($other, http => $t->client); $answer->status !~ /^(?:201|504)$/ && $answer->code !~ /^(?:outcome_unknown|lock_timeout|queue_full)$/ }, $name);
	return is_answer_told($answer, $status, $code, $name);
}

sub is_answer_told ($answer, $status, $code, $name) {
	is_problem($answer, $status, $code, $name);
	cmp_ok($answer->header('Retry-After') // 0, '>=', 1, '… with when to ask again');
	return;
}

# Sets something for the gateway's role, and waits until nobody works without it.
sub set_for_gateway ($what) {
	$server->dbh->do("ALTER ROLE boxoffice_gateway $what");
	my %old = map { $_ => 1 } $server->backend_pids;
	$server->dbh->do("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = 'boxoffice_gateway'");
	return wait_until(sub { my @now = $server->backend_pids; @now && !grep { $old{$_} } @now }, 'nginx is back');
}

sub sells ($event, $name) { return is_status($t->hold($event, http => $t->client), 201, $name) }

under_load('no connection is left' => sub ($event) {
	my $max   = $server->value('SHOW max_connections');
	my @eaten = ($server->dbh);
	# The gateway's end one after the other, and somebody else is quicker. Not before all are his can the gateway get none.
	wait_until(sub {
		$server->dbh->do("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = 'boxoffice_gateway'");
		while (@eaten < $max) { push @eaten, eval { $server->connect } // last }
		return @eaten == $max;
	}, 'the gateway has no connection');
	is(scalar($server->backend_pids), 0, scalar(@eaten) . " of $max are somebody else's");
	is_told($event, 503, 'unavailable', 'a hold');
	is($t->client->get('/readyz')->status, 503, 'not ready');
	shift @eaten;
	$_->disconnect for @eaten;
	wait_until(sub { $t->client->get('/readyz')->status == 200 }, 'ready again');
});

under_load("a DBA's transaction keeps the event's group" => sub ($event) {
	my $dba = $server->connect;
	$dba->begin_work;
	$dba->do('SELECT FROM boxoffice.inventory_group WHERE event_id = ? FOR UPDATE', undef, $event->{id});
	is_told_of_lock($event, 'a hold');
	my ($stock) = $server->value('SELECT id FROM boxoffice.stock WHERE event_id = ?', $event->{id});
	my $cut = $t->client->patch("/v1/events/$event->{id}/stock/$stock", { capacity => 900_000 }, token => $t->organizer_token);
	is_problem($cut, 503, 'lock_timeout', 'a capacity');
	cmp_ok($cut->header('Retry-After') // 0, '>=', 1, '… with when to ask again');
	my $pause = $t->client->post("/v1/events/$event->{id}/pause", undef, token => $t->organizer_token, key => uuid());
	like($pause->status . ' ' . $pause->code, qr/^(?:503 lock_timeout|504 deadline)$/, 'a pause, which has the event first and the group then');
	sells($other, 'another event sells');
	$dba->rollback;
});

under_load('a DBA locks a table' => sub ($event) {
	my $dba = $server->connect;
	$dba->begin_work;
	$dba->do('LOCK TABLE boxoffice.claim IN ACCESS EXCLUSIVE MODE');
	is_told_of_lock($event, 'a hold');
	$dba->rollback;
});

under_load('statements are cancelled' => sub ($event) {
	for (1 .. 30) {
		$server->dbh->do("SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = 'boxoffice_gateway' AND state = 'active'");
		sleep 0.03;
	}
});

under_load('a statement timeout that nothing can meet' => sub ($event) {
	my $set = \&set_for_gateway;
	my $dba = $server->connect;
	$set->("SET statement_timeout = '300ms'");
	$dba->begin_work;
	$dba->do('SELECT FROM boxoffice.inventory_group WHERE event_id = ? FOR UPDATE', undef, $event->{id});
	my $answer = $t->client->post("/v1/events/$event->{id}/holds", { items => [ { ticket_type => 'general', quantity => 1 } ] }, close => 1);
	like($answer->status . ' ' . $answer->code, qr/^(?:503 (?:lock_timeout|unavailable)|504 deadline)$/, 'a hold');
	cmp_ok($answer->header('Retry-After') // 0, '>=', 1, '… with when to ask again');
	$dba->rollback;
	$set->('RESET statement_timeout');
});

# The tables that every sale reads or writes.
my @hot = map { "boxoffice.$_" } qw(inventory_group idempotency stock buyer hold claim "order" ticket contact payment outbox event session ticket_type);

# As often as it takes to get the locks: nobody may wait for a DBA for longer than a deadline.
sub patiently (@statements) {
	my $dba = $server->connect;
	$dba->do(q{SET lock_timeout = '1s'});
	for my $sql (@statements) {
		wait_until(sub { eval { $dba->do($sql); 1 } or $@ =~ /lock timeout|deadlock detected/ ? 0 : die $@ }, $sql);
	}
	return;
}

under_load('columns and indexes come and go, tables are written anew' => sub ($event) {
	my @all = map { $_->{name} } $server->rows(q{SELECT oid::regclass AS name FROM pg_catalog.pg_class WHERE relnamespace = 'boxoffice'::regnamespace AND relkind = 'r'});
	patiently(map { "ALTER TABLE $_ ADD COLUMN of_a_dba int NOT NULL DEFAULT 7" } @all);
	is_served('a hold, with plans made before');
	is_catalogue_written();
	are_published_beside_columns();
	patiently(map { ("VACUUM FULL ANALYZE $_", "REINDEX TABLE CONCURRENTLY $_") } @hot);
	$server->set('plan_cache_mode', 'force_generic_plan');
	$server->set('enable_indexscan', 'off');
	patiently('CREATE INDEX CONCURRENTLY of_a_dba ON boxoffice.claim (event_id, of_a_dba)');
	is_served('a hold, with plans of another kind');
	patiently(map { "ALTER TABLE $_ DROP COLUMN of_a_dba" } @all);
	$server->dbh->do("ALTER SYSTEM RESET $_") for qw(plan_cache_mode enable_indexscan);
	$server->dbh->do('SELECT pg_catalog.pg_reload_conf()');
	is_served('a hold, with all as it was');
});

under_load('a DBA locks in another order' => sub ($event) {
	for (1 .. 2) {
		my $dba = $server->connect;
		$dba->begin_work;
		$dba->do('SELECT FROM boxoffice.stock WHERE event_id = ? FOR UPDATE', undef, $event->{id});
		wait_until(sub { lanes_wait() }, 'a batch has its group and waits for the stock');
		# One of the two is ended by PostgreSQL; a batch is tried once more.
		eval { $dba->do('SELECT FROM boxoffice.inventory_group WHERE event_id = ? FOR UPDATE', undef, $event->{id}) };
		$dba->rollback;
	}
});

under_load('a backend stands still' => sub ($event) {
	# One that has a batch: nginx hears nothing of it until its time is up.
	my ($pid, $before) = (undef, $t->metric('boxoffice_outcome_unknown_total'));
	# PostgreSQL itself is not asked then: the one that stands may hold what a question needs.
	my $works = sub { Boxoffice::Server::_slurp("/proc/$pid/cmdline") =~ /\] (?:PARSE|BIND|SELECT)/ };
	wait_until(sub {
		($pid) = map { $_->{pid} } $server->rows(q{SELECT pid FROM pg_catalog.pg_stat_activity WHERE usename = 'boxoffice_gateway' AND state = 'active'}) or return;
		kill STOP => $pid;
		wait_until(sub { !-e "/proc/$pid" || Boxoffice::Server::_slurp("/proc/$pid/stat") =~ /\) T / }, 'it stands');
		return 1 if $works->();
		kill CONT => $pid;
		return;
	}, 'a batch stands still');
	my $told = eval { wait_until(sub { $t->metric('boxoffice_outcome_unknown_total') > $before }, 'who was in it is told'); 1 };
	kill CONT => $pid;
	ok($told, 'who was in it is told that nobody knows') or diag $@;
});

under_load('the extension is dropped, and deployed again' => sub ($event) {
	chomp(my $dsn = do { local $ENV{PREFIX} = $server->{prefix}; `'$Boxoffice::Server::TOP/conf/dsn'` });
	patiently('SET client_min_messages = error', 'DROP EXTENSION boxoffice CASCADE');
	is_told_soon(503, 'contract_mismatch', 'a hold');
	wait_until(sub { my $a = $t->client->get('/readyz'); $a->status == 503 && $a->code eq 'contract_mismatch' }, 'not ready');
	my $said = `'$Boxoffice::Server::TOP/sql/deploy' '$dsn' 2>&1`;
	is($?, 0, 'a deploy brings it back') or diag $said;
	wait_until(sub { $t->client->get('/readyz')->status == 200 }, 'ready again');
});

under_load('a database that takes no writes' => sub ($event) {
	my $set = sub ($value) {
		$server->dbh->do("ALTER SYSTEM SET default_transaction_read_only = $value");
		$server->dbh->do('SELECT pg_catalog.pg_reload_conf()');
	};
	$set->('on');
	is_told_soon(503, 'unavailable', 'a hold');
	$server->dbh->do('SET default_transaction_read_only = off');
	$set->('off');
});

under_load('a DBA makes another isolation the default' => sub ($event) {
	my $set = \&set_for_gateway;
	$set->("SET default_transaction_isolation = 'repeatable read'");
	for (1 .. 3) { wait_until(sub { $t->hold($other, http => $t->client)->status == 201 }, 'it is not asked for') }
	$set->('RESET default_transaction_isolation');
});

under_load('an old snapshot is left open' => sub ($event) {
	my $analyst = $server->connect;
	$analyst->begin_work;
	$analyst->do('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
	my ($seen) = $analyst->selectrow_array('SELECT count(*) FROM boxoffice.order WHERE event_id = ?', undef, $event->{id});
	wait_until(sub { $server->value('SELECT count(*) FROM boxoffice.order WHERE event_id = ?', $event->{id}) > $seen + 20 }, 'the sale goes on beside it', 60);
	is_deeply($analyst->selectall_arrayref('SELECT * FROM boxoffice.check_inventory(?)', undef, $event->{id}), [], 'its books agree, too');
	$analyst->rollback;
});

# A disk of its own that is full: it takes a mount, which not everybody may do.
SKIP: {
	my $disk = "$server->{prefix}/disk";
	mkdir $disk;
	system('mount', '-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', $disk) == 0 or skip 'nobody may mount here', 1;
	my $mounted = eval {
		mkdir "$disk/space" or die "mkdir: $!\n";
		my (undef, undef, $uid, $gid) = getpwnam $server->{settings}{DB_USER};
		chown $uid, $gid, "$disk/space" if $> == 0;
		$server->dbh->do("CREATE TABLESPACE small LOCATION '$disk/space'");
		1;
	};
	under_load('the disk is full' => sub ($event) {
		die $@ if !$mounted;
		$server->dbh->do("ALTER TABLE boxoffice.$_ SET TABLESPACE small") for qw(hold claim idempotency);
		open my $ballast, '>', "$disk/ballast" or die "ballast: $!\n";
		1 while syswrite $ballast, 'x' x 65536;
		is_told_soon(503, 'unavailable', 'a hold, once it is full');
		close $ballast;
		unlink "$disk/ballast";
	});
	# Nothing else may be on the disk when it goes.
	for my $table (qw(hold claim idempotency)) { $server->dbh->do("ALTER TABLE boxoffice.$table SET TABLESPACE pg_default") }
	$server->dbh->do('DROP TABLESPACE small');
	$server->dbh->do('CHECKPOINT');
	system('umount', $disk) == 0 or diag 'not unmounted';
}

is_status($t->http->get('/readyz'), 200, 'ready at the end');
$t->finish;
