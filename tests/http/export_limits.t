# What an export may not do: read as slowly as it likes, or run for as long as it likes. It keeps a snapshot, and one of a few
# places; when it is cut off both are free at once, the log says why, and nobody takes what was sent for the whole.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Frames;
use Boxoffice::Test;
use Time::HiRes qw(sleep time);

my $port = Boxoffice::Server::_free_port();
my $t    = Boxoffice::Test->start(trouble => 1, workers => 1, nginx => sub ($text) {
	$text =~ s/boxoffice_exports [^;]*;/boxoffice_exports 2 time=30m rate=32k window=2s;/;
	$text =~ s/send_timeout\s+[^;]+;/send_timeout 10m; lingering_timeout 1s;/;
	$text =~ s/(boxoffice_pool [^;]*);/$1 connect_timeout=60s;/;
	return $text =~ s/^(\s*)(listen [^;]*default_server[^;]*;)/$1$2\n$1listen 127.0.0.1:$port http2;/mr;
});
my $server = $t->server;
my $http   = $t->http;

# Changes the numbers of these directives.
sub limit (%to) {
	$server->nginx_change(sub ($text) { $text =~ s/\b$_ [^;]*;/$_ $to{$_};/ for keys %to; $text });
	return;
}

# Fifty thousand tickets, 8 MB as CSV: more than the buffers between here and there hold.
my $event = $t->event(capacity => 10);
$t->write_orders($event, 12_500, 4);
my $path = "/v1/events/$event->{id}/tickets.csv";

# Exports whose statement runs, that is, whose snapshot is held.
sub snapshots { return $server->value(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%boxoffice_code.stream(%' AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()}) }

sub logged ($pattern) { return scalar grep { /$pattern/ } split /\n/, Boxoffice::Server::_slurp($server->nginx_log) }

# Begins an export.
sub begin (%o) {
	my $c = $t->client->connect;
	setsockopt $c->{socket}, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), pack 'i', $o{buffer} // 65_536;
	$c->send($http->bytes(GET => $path, token => $t->organizer_token, %o));
	wait_until(sub { sysread $c->{socket}, $c->{in}, 1000, length $c->{in}; length $c->{in} > 500 }, 'the export begins');
	return $c;
}

# Reads so many bytes at a time, until the connection has ended; whether it has within a minute.
sub sip ($c, $bytes, $pause) {
	my $until = time + 60;
	while (time < $until) {
		my $n = sysread $c->{socket}, $c->{in}, $bytes, length $c->{in};
		return 1 if defined $n ? $n == 0 : !$!{EAGAIN};
		sleep $pause;
	}
	return 0;
}

# What is asked for after a stream was cut off comes whole: it is more than the client's buffer has room for, and is left
# unread while nginx closes the connection.
sub comes_whole ($c, $name) {
	$c->get(3, '/v1/openapi.json', $t->organizer_token);
	$c->window(3, 1 << 30);
	wait_until(sub { $c->unread > 20_000 }, 'it is on its way');
	my ($old) = $server->worker_pids;
	$server->nginx_reload;
	wait_until(sub { !grep { $_ == $old } $server->worker_pids }, 'the worker is gone');
	is($c->end(3), 'whole', $name);
	$c->close;
	return;
}

sub cut_short ($c, $name) {
	unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, "$name: what came does not look whole");
	cmp_ok(scalar(() = $c->{in} =~ /\n/g), '<', 50_000, '… and is not');
}

subtest 'a client that sips' => sub {
	# Who is late with his questions begins again: it may have been cut off before.
	my ($broken, $c, $id);
	wait_until(sub {
		wait_until(sub { !snapshots() && !$t->metric('boxoffice_exports_running') }, 'the one before is gone');
		$broken = $t->metric('boxoffice_exports_broken_total');
		$c      = begin(buffer => 4096, headers => [ 'X-Request-Id' => $id = uuid() ]);
		return snapshots() == 1 && $t->metric('boxoffice_exports_running') == 1;
	}, 'a snapshot is held, and /metrics shows it', 120);
	# Four KB a second: never nothing, so that send_timeout is no help
	ok(sip($c, 400, 0.1), 'is cut off') or return;
	cut_short($c, 'slow');
	wait_until(sub { !snapshots() }, 'the snapshot is gone');
	is($t->metric('boxoffice_exports_running'), 0, 'and the place free');
	is($t->metric('boxoffice_exports_broken_total') - $broken, 1, 'it is counted');
	is(logged(qr/\[warn\].*"ticket_csv" cut off: the client reads too slowly \(rate= of boxoffice_exports\); \d+ bytes were sent in \d+ ms, .*request id $id/), 1,
		'the log says who, why, and where to change it') or diag grep { /cut off/ } Boxoffice::Server::_slurp($server->nginx_log);
};

subtest 'HTTP/2: a stream is cut off, its connection goes on' => sub {
	my $before = logged(qr/cut off: the client reads too slowly/);
	my $c      = Boxoffice::Frames->connect($port, 65_536);
	$c->get(1, $path, $t->organizer_token);
	# it takes the first 64 KiB, and no more
	is($c->end(1), 'reset 2', 'a stream that nobody reads is reset');
	cmp_ok($c->taken(1), '<', 70_000, 'after what there was room for');
	is(logged(qr/cut off: the client reads too slowly/) - $before, 1, 'the log says so');
	wait_until(sub { !snapshots() }, 'the snapshot is gone');
	comes_whole($c, 'another is not cut off with it');
};

# A client that is waited for nearly always. nginx writes megabytes at once to the kernel, and then nothing for longer than
# the time that is judged, in which the client takes them from there. (It reads many times as fast as it must: it may
# stand still for a while, where others have the processors.)
subtest 'a client that reads as it should' => sub {
	limit(boxoffice_exports => '2 time=30m rate=4k window=2s');
	my $before = logged(qr/cut off/);
	my $c      = begin();
	my ($until, $n) = (time + 5, 0);
	while (time < $until) {
		$n += sysread($c->{socket}, $c->{in}, 2400, length $c->{in}) // 0;
		sleep 0.01;
	}
	cmp_ok($n / 5, '<', 300_000, "a client of $n bytes in 5 seconds");
	is(snapshots(), 1, 'is not cut off');
	my $a = $c->answer('GET', 120);
	is(() = $a->body =~ /\r\n/g, 50_001, 'and gets all of it');
	is(logged(qr/cut off/), $before, 'nor is anything logged');
};

subtest 'HTTP/2: send_timeout' => sub {
	limit(boxoffice_exports => '2 rate=0', send_timeout => '2s');
	my $c = Boxoffice::Frames->connect($port, 65_536);
	$c->get(1, $path, $t->organizer_token);
	is($c->end(1), 'reset 2', 'ends a stream that takes nothing');
	is(logged(qr/cut off: the client took nothing for too long \(send_timeout\)/), 1, 'the log says so');
	# reset_timedout_connection is on, as nginx.conf has it: it must not mean the connection that others use.
	comes_whole($c, 'what others asked for comes');
};

subtest 'an export that takes too long' => sub {
	limit(boxoffice_exports => '1 time=3s', send_timeout => '10m');
	my ($c, $id);
	# Who is late with the second question begins again.
	wait_until(sub {
		$c = begin(headers => [ 'X-Request-Id' => $id = uuid() ]);
		return $http->get($path, token => $t->organizer_token)->code eq 'queue_full';
	}, 'another has to wait');
	# 600 KB a second are enough for rate=, but not to be done in time
	ok(sip($c, 30_000, 0.05), 'is cut off');
	cut_short($c, 'long');
	is(logged(qr/cut off: it takes too long \(time= of boxoffice_exports\); .*request id $id/), 1, 'the log says so');
	wait_until(sub { !snapshots() }, 'the snapshot is gone');
	my $h2 = Boxoffice::Frames->connect($port, 65_536);
	$h2->get(1, $path, $t->organizer_token);
	is($h2->end(1), 'reset 2', 'over HTTP/2, too');
	$h2->close;
	# Three seconds are little for a machine that is busy.
	ok(wait_until(sub { $http->get("/v1/events/$event->{id}/orders.csv?status=cancelled", token => $t->organizer_token)->status == 200 }, 'the next has its place'), 'the next has its place');
	# the same before anything was said
	my $postmaster = $server->postmaster_pid;
	kill STOP => $postmaster;
	my $a = eval { $http->get($path, token => $t->organizer_token) };
	kill CONT => $postmaster;
	is_problem($a, 504, 'deadline', 'one that cannot even begin is told so');
};

$t->remove_orders($event);
$t->finish;
