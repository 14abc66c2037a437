# What an export may not do: read as slowly as it likes, or run for as long as it likes. It keeps a snapshot, and one of a few
# places; when it is cut off both are free at once, the log says why, and nobody takes what was sent for the whole.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Frames;
use Boxoffice::Test;
use Time::HiRes qw(sleep time);

my $port   = Boxoffice::Server::_free_port();
my $t      = Boxoffice::Test->start(trouble => 1, workers => 1, nginx => sub ($text) {
	$text =~ s/boxoffice_exports [^;]*;/boxoffice_exports 2 time=60s rate=64k;/;
	$text =~ s/send_timeout\s+[^;]+;/send_timeout 30s; lingering_timeout 1s;/;
	return $text =~ s/^(\s*)(listen [^;]*default_server[^;]*;)/$1$2\n$1listen 127.0.0.1:$port http2;/mr;
});
my $server = $t->server;
my $http   = $t->http;

# A hundred thousand tickets, 17 MB as CSV: more than the buffers between here and there hold.
my $event = $t->event(capacity => 10);
$server->dbh->do(q{
	INSERT INTO boxoffice.order (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, paid_at)
	SELECT e.id, n * 16, n * 16 + 1, lpad(n::text, 6, 'A'), 'paid', 0, 'EUR', false, 'web', now(), now()
	  FROM boxoffice.event e, generate_series(1, 25000) AS n WHERE e.id = ?}, undef, $event->{id});
$server->dbh->do(q{
	INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
	SELECT y.event_id, n * 16 + i, n * 16, 1, y.id, s.id, 0, 0, 'valid', 'T' || n || '-' || i
	  FROM boxoffice.ticket_type y JOIN boxoffice.session s USING (event_id), generate_series(1, 25000) AS n, generate_series(2, 5) AS i
	 WHERE y.event_id = ?}, undef, $event->{id});
$server->dbh->do("ANALYZE boxoffice.$_") for qw("order" ticket);
my $path = "/v1/events/$event->{id}/tickets.csv";

# Exports whose statement runs, that is, whose snapshot is held.
sub snapshots { return $server->value(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%boxoffice_code.stream(%' AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()}) }

sub logged ($pattern) { return scalar grep { /$pattern/ } split /\n/, Boxoffice::Server::_slurp($server->nginx_log) }

# Begins an export.
sub begin (%o) {
	my $c = $t->client->connect;
	setsockopt $c->{socket}, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), pack 'i', $o{buffer} // 4096;
	$c->send($http->bytes(GET => $path, token => $t->organizer_token, %o));
	wait_until(sub { sysread $c->{socket}, $c->{in}, 1000, length $c->{in}; length $c->{in} > 500 }, 'the export begins');
	return $c;
}

# Reads some at a time; whether the connection has ended within so many seconds.
sub sip ($c, $bytes, $pause, $seconds) {
	my $until = time + $seconds;
	while (time < $until) {
		my $n = sysread $c->{socket}, $c->{in}, $bytes, length $c->{in};
		return 1 if defined $n ? $n == 0 : !$!{EAGAIN};
		sleep $pause;
	}
	return 0;
}

sub cut_short ($c, $name) {
	unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, "$name: what came does not look whole");
	cmp_ok(length $c->{in}, '<', 17_000_000, '… and is not');
}

subtest 'a client that sips' => sub {
	my ($broken, $began) = ($t->metric('boxoffice_exports_broken_total'), time);
	my $c = begin(headers => [ 'X-Request-Id' => 'the-slow-one' ]);
	is(snapshots(), 1, 'a snapshot is held');
	is($t->metric('boxoffice_exports_running'), 1, '/metrics shows it');
	# 20 KB a second: never nothing, so that send_timeout is no help
	ok(sip($c, 2000, 0.1, 25), 'is cut off') or return;
	cmp_ok(time - $began, '<', 20, 'in time');
	cut_short($c, 'slow');
	wait_until(sub { !snapshots() }, 'the snapshot is gone', 5);
	is($t->metric('boxoffice_exports_running'), 0, 'and the place free');
	is($t->metric('boxoffice_exports_broken_total') - $broken, 1, 'it is counted');
	is(logged(qr/\[warn\].*"ticket_csv" cut off: the client reads too slowly \(rate= of boxoffice_exports\); \d+ bytes were sent in \d+ ms, .*request id the-slow-one/), 1,
		'the log says who, why, and where to change it') or diag grep { /cut off/ } Boxoffice::Server::_slurp($server->nginx_log);
};

subtest 'a client that reads as it should' => sub {
	my $c = begin(buffer => 65_536);
	# A hundred KB a second: it is waited for nearly always. nginx writes megabytes at once to the kernel, and then for many
	# seconds nothing.
	my ($until, $n) = (time + 16, 0);
	while (time < $until) {
		my $got = sysread $c->{socket}, $c->{in}, 1200, length $c->{in};
		$n += $got // 0;
		sleep 0.01;
	}
	cmp_ok($n / 16, '<', 200_000, "a client of $n bytes in 16 seconds");
	is(snapshots(), 1, 'is not cut off');
	my $a = $c->answer('GET', 60);
	is(() = $a->body =~ /\r\n/g, 100_001, 'and gets all of it');
	is(logged(qr/cut off/), 1, 'nor is anything logged');
};

subtest 'HTTP/2: a stream is cut off, its connection goes on' => sub {
	my $c = Boxoffice::Frames->connect($port);
	$c->get(1, $path, $t->organizer_token);
	# it takes the first 64 KiB, and no more
	is($c->end(1), 'reset 2', 'a stream that nobody reads is reset');
	cmp_ok($c->taken(1), '<', 70_000, 'after what there was room for');
	is(logged(qr/cut off: the client reads too slowly/), 2, 'the log says so');
	wait_until(sub { !snapshots() }, 'the snapshot is gone', 5);
	# More than the client's buffer has room for, left unread while nginx closes the connection.
	$c->get(3, '/v1/openapi.json', $t->organizer_token);
	$c->window(3, 1 << 30);
	my ($old) = $server->worker_pids;
	sleep 1;
	$server->nginx_reload;
	wait_until(sub { !grep { $_ == $old } $server->worker_pids }, 'the worker is gone');
	is($c->end(3), 'whole', 'another is not cut off with it');
	$c->close;
};

subtest 'HTTP/2: send_timeout' => sub {
	$server->nginx_change(sub ($text) { $text =~ s/(boxoffice_exports) [^;]*;/$1 2 rate=0;/r =~ s/send_timeout 30s/send_timeout 2s/r });
	my $c = Boxoffice::Frames->connect($port);
	$c->get(1, $path, $t->organizer_token);
	is($c->end(1), 'reset 2', 'ends a stream that takes nothing');
	is(logged(qr/cut off: the client took nothing for too long \(send_timeout\)/), 1, 'the log says so');
	# reset_timedout_connection is on, as nginx.conf has it: it must not mean the connection that others use.
	$c->get(3, '/v1/openapi.json', $t->organizer_token);
	$c->window(3, 1 << 30);
	my ($old) = $server->worker_pids;
	sleep 0.5;
	$server->nginx_reload;
	wait_until(sub { !grep { $_ == $old } $server->worker_pids }, 'the worker is gone');
	is($c->end(3), 'whole', 'what others asked for comes');
	$c->close;
};

subtest 'an export that takes too long' => sub {
	$server->nginx_change(sub ($text) { $text =~ s/(boxoffice_exports) [^;]*;/$1 1 time=3s;/r =~ s/send_timeout 2s/send_timeout 30s/r =~ s/(boxoffice_pool [^;]*);/$1 connect_timeout=20s;/r });
	my $began = time;
	my $c     = begin();
	is_problem($http->get($path, token => $t->organizer_token), 503, 'queue_full', 'another has to wait');
	# 600 KB a second are enough for rate=, but not to be done in time
	ok(sip($c, 30_000, 0.05, 20), 'is cut off');
	cmp_ok(time - $began, '<', 15, 'in time');
	cut_short($c, 'long');
	is(logged(qr/cut off: it takes too long \(time= of boxoffice_exports\)/), 1, 'the log says so');
	wait_until(sub { !snapshots() }, 'the snapshot is gone', 5);
	my $h2 = Boxoffice::Frames->connect($port);
	$h2->get(1, $path, $t->organizer_token);
	is($h2->end(1), 'reset 2', 'over HTTP/2, too');
	$h2->close;
	is_status($http->get("/v1/events/$event->{id}/orders.csv?status=cancelled", token => $t->organizer_token), 200, 'the next has its place');
	# the same before anything was said
	my $postmaster = $server->postmaster_pid;
	kill STOP => $postmaster;
	my $a = eval { $http->get($path, token => $t->organizer_token) };
	kill CONT => $postmaster;
	is_problem($a, 504, 'deadline', 'one that cannot even begin is told so');
};

$t->remove_orders($event);
$t->finish;
