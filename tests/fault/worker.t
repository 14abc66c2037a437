#!/usr/bin/perl
#
# worker.t
#		The background worker expires, wakes, tidies, and survives: a poisoned event, its own death, the
#		extension's going and coming, an impatient shutdown.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(time);

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../lib';
use Boxoffice::Cluster;

my $cluster = Boxoffice::Cluster->start("boxoffice.worker_database = 'sale, later'", 'boxoffice.worker_tick = 50ms');
my $seconds = 60;    # generous: other tests may have the processors

sub sql ($statement) { return $cluster->sql('sale', $statement) =~ s/\n\z//r }

sub workers ($type = 'boxoffice worker') {
	return $cluster->sql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = '$type' ORDER BY pid") =~ s/\n/ /gr;
}

sub hold ($event, $quantity = 1) {
	return decode_json(sql(qq{SELECT api.hold_create($event, '[{"ticket_type": "visitor", "quantity": $quantity}]')}))->{id};
}

sub logged ($pattern) {
	my $log = $cluster->log_text;
	return scalar(() = $log =~ /$pattern/g);
}

sub move_clock ($by) {
	$cluster->sql('postgres', "ALTER SYSTEM SET boxoffice.clock_offset = $by", 'SELECT pg_reload_conf()');
	return;
}

# ---- it waits for its database, and for the deploy ----

ok($cluster->wait_for($seconds, sub { workers('boxoffice launcher') =~ /\d/ }), 'the launcher runs');
is(workers(), '', 'without a database there is no worker');
$cluster->create('sale');
ok($cluster->wait_for($seconds, sub { workers() =~ /\d/ }), 'a database that is made later gets one');
ok($cluster->wait_for($seconds, sub { logged(qr/boxoffice is not deployed/) }), 'it says that nothing is deployed');
$cluster->deploy('sale');

# ---- it expires ----

sql(q{SELECT api.organizer_create('worker', 'Worker')});
my @events = map { sql(qq{
	SELECT api.event_create(organizer => o.id, name => 'Worker $_', currency => 'EUR', zone => 'Europe/Berlin', slug => 'worker-$_',
		sessions => '[{"key": "only", "starts_at": "2035-06-01T10:00:00Z"}]',
		pools => '[{"key": "house", "name": "House", "scope": "event", "capacity": 1000}]',
		ticket_types => '[{"key": "visitor", "name": "Visitor", "price": 0, "pools": ["house"]}]') ->> 'id'
	  FROM boxoffice.organizer AS o WHERE o.slug = 'worker'}) } 1 .. 3;
sql("SELECT api.event_publish($_)") for @events;

sub held ($event) { return sql("SELECT sum(held) FROM boxoffice.stock WHERE event_id = $event") }

sub status ($event, $hold) { return sql("SELECT status FROM boxoffice.hold WHERE event_id = $event AND id = $hold") }

my $hold = hold($events[0], 5);
is(held($events[0]), 5, 'places are held');
move_clock(1000);
ok($cluster->wait_for($seconds, sub { held($events[0]) == 0 }), 'the worker gives back what has expired, without anybody asking');
is(status($events[0], $hold), 'expired', '… and writes so');

# ---- a poisoned event ----

# The first event's counter has lost what its claim has taken: giving it back would make it negative.
hold($_, 2) for @events;
sql("UPDATE boxoffice.stock SET held = 0 WHERE event_id = $events[0]");
move_clock(2000);
ok($cluster->wait_for($seconds, sub { held($events[1]) == 0 && held($events[2]) == 0 }), 'a poisoned event stops no other');
ok($cluster->wait_for($seconds, sub { logged(qr/boxoffice worker, task expire_claims of event $events[0]/) }),
	'it is logged with its task and event');
hold($events[1]);
move_clock(3000);
ok($cluster->wait_for($seconds, sub { held($events[1]) == 0 }), 'and goes on doing so');
my $failures = logged(qr/task expire_claims of event $events[0]/);
cmp_ok($failures, '<=', 10, 'what fails is tried less and less often');
unlike($cluster->log_text, qr/task expire_\w+ of event (?:$events[1]|$events[2])/, 'no other event failed');
sql("UPDATE boxoffice.stock SET held = 2 WHERE event_id = $events[0]");
ok($cluster->wait_for(60, sub { held($events[0]) == 0 }), 'once it is repaired it is done too');

# ---- it wakes readers of the outbox ----

my $reader = $cluster->connect('sale');
$reader->do('LISTEN boxoffice_outbox');
sql("SELECT api.event_pause($events[2])");
ok($cluster->wait_for(25, sub { $reader->pg_notifies }), 'a reader of the outbox is woken');
$reader->disconnect;

# ---- it tidies, a little at a time ----

# A sweep passes once an hour, and leaves messages of which the search has not heard: it must have heard of all of them.
sub search_waits { return sql('SELECT count(*) FROM boxoffice_code.order_search_due()') }

sql(qq{INSERT INTO boxoffice.hold (event_id, id, status, expires_at, extend_until, created_at, channel)
	SELECT $events[2], n, CASE WHEN n % 2 = 0 THEN 'expired' ELSE 'ordered' END, at, at, at, 'web'
	  FROM generate_series(1, 5000) AS n CROSS JOIN (SELECT now() - '3 days'::interval) AS t (at)});
sql(qq{INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, unit_price, unit_fee, stock_ids)
	SELECT $events[2], n, 1, CASE WHEN n % 2 = 0 THEN 'expired' ELSE 'sold' END, 1, 1, 0, 0, '{1}' FROM generate_series(1, 5000) AS n});
sql(qq{INSERT INTO boxoffice.idempotency (event_id, key_hash, body_hash, ref_id, created_at)
	SELECT $events[2], gen_random_uuid(), gen_random_uuid(), 1, now() - n * '15 s'::interval FROM generate_series(1, 11520) AS n});
ok($cluster->wait_for($seconds, sub { search_waits() == 0 }), 'the search hears of every message');
sql("UPDATE boxoffice.outbox SET delivered_at = now() - '2 days'::interval WHERE event_id = $events[0]");
sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'boxoffice worker' AND datname = 'sale'");
ok($cluster->wait_for($seconds, sub { sql("SELECT count(*) FROM boxoffice.hold WHERE event_id = $events[2] AND status = 'expired' AND id <= 5000") == 0 }),
	'old holds that came to nothing are removed');
is(sql("SELECT count(*) FROM boxoffice.claim WHERE event_id = $events[2] AND owner_id <= 5000"), 2500, '… with their claims');
is(sql("SELECT count(*) FROM boxoffice.hold WHERE event_id = $events[2] AND id <= 5000"), 2500, '… and no other');
ok($cluster->wait_for($seconds, sub { sql("SELECT count(*) FROM boxoffice.idempotency WHERE created_at < now() - '1 day 1 hour'::interval") == 0 }),
	'old idempotency keys are removed');
cmp_ok(sql('SELECT count(*) FROM boxoffice.idempotency'), '>', 5000, '… and no young ones');
ok($cluster->wait_for($seconds, sub { sql("SELECT count(*) FROM boxoffice.outbox WHERE event_id = $events[0]") == 0 }), 'what was delivered leaves the outbox');
cmp_ok(sql("SELECT count(*) FROM boxoffice.outbox WHERE event_id = $events[1]"), '>', 0, '… and nothing else');

# What nobody delivers goes too, in the end.
sql("UPDATE boxoffice.outbox SET created_at = now() - '29 days'::interval WHERE event_id = $events[1]");
sql("UPDATE boxoffice.outbox SET created_at = now() - '31 days'::interval WHERE event_id = $events[2]");
my $young = sql("SELECT count(*) FROM boxoffice.outbox WHERE event_id = $events[1]");
sub end_worker { return sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'boxoffice worker' AND datname = 'sale'") }
end_worker();
ok($cluster->wait_for($seconds, sub { sql("SELECT count(*) FROM boxoffice.outbox WHERE event_id = $events[2]") == 0 }),
	'what was not delivered for 30 days leaves the outbox');
is(sql("SELECT count(*) FROM boxoffice.outbox WHERE event_id = $events[1]"), $young, '… and nothing younger');
$cluster->sql('postgres', q{ALTER SYSTEM SET boxoffice.outbox_keep = '28d'}, 'SELECT pg_reload_conf()');
end_worker();
ok($cluster->wait_for($seconds, sub { sql("SELECT count(*) FROM boxoffice.outbox WHERE event_id = $events[1]") == 0 }), 'or for as long as the setting says');
sql("DELETE FROM boxoffice.claim WHERE event_id = $events[2]");
sql("DELETE FROM boxoffice.hold WHERE event_id = $events[2]");

# ---- it is ended, and starts again, alone ----

my $before = workers();
sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('boxoffice worker', 'boxoffice launcher')");
ok($cluster->wait_for($seconds, sub { my $now = workers(); $now =~ /\d/ && $now ne $before }), 'terminated, it starts again');
hold($events[1], 3);
move_clock(4000);
ok($cluster->wait_for($seconds, sub { held($events[1]) == 0 }), '… and works');
ok($cluster->wait_for($seconds, sub { workers() =~ /^\d+ $/ }), '… as the only one') or diag(workers());
$cluster->create('later');
ok($cluster->wait_for($seconds, sub { workers() =~ /^\d+ \d+ $/ }), 'another database has its own');
# Dropping one waits until every process has taken part in a barrier, an idle launcher too.
$cluster->create('gone');
is(eval { $cluster->sql('postgres', q{SET statement_timeout = '20s'}, 'DROP DATABASE gone') } // $@, '', 'and others can be dropped');

# ---- the extension goes and comes ----

my $said = logged(qr/boxoffice is not deployed/);
$cluster->sql('sale', 'DROP EXTENSION boxoffice CASCADE');
ok($cluster->wait_for($seconds, sub { logged(qr/boxoffice is not deployed/) > $said }), 'it notices that the extension is gone');
$cluster->deploy('sale');
hold($events[1], 3);
move_clock(5000);
ok($cluster->wait_for($seconds, sub { held($events[1]) == 0 }), 'and works again when it is back');
my $log = $cluster->log_text;
unlike($log, qr/PANIC|TRAP:|terminated by signal/, 'nothing crashed');

# ---- it is killed, which takes the whole server through recovery ----

my ($pid) = workers() =~ /(\d+)/;
hold($events[1], 4);
kill KILL => $pid;
ok($cluster->wait_for(60, sub { my $now = eval { workers() } // ''; $now =~ /^\d+ \d+ $/ && $now !~ /\b$pid\b/ }), 'killed, it comes back with the server');
is(held($events[1]), 4, 'what was confirmed is there');
move_clock(6000);
ok($cluster->wait_for($seconds, sub { held($events[1]) == 0 }), 'and is given back when its time is over');

# ---- shutting down ----

hold($events[1], 2);
my $since = time;
$cluster->stop;
cmp_ok(time - $since, '<', 10, 'the server stops without waiting for it');
unlike($cluster->log_text, qr/canceling statement due to user request/, '… and without a word from it');

done_testing();
