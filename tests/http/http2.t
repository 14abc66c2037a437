# HTTP/2, as nginx.conf proposes it for TLS: here without, on a socket of its own. A sale from the page to the
# ticket, and what is refused.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Frames;
use Boxoffice::Test;
use Cpanel::JSON::XS qw(decode_json encode_json);

my $port   = Boxoffice::Server::_free_port();
my $t      = Boxoffice::Test->start(trouble => 1, workers => 1, nginx => sub ($text) {
	my ($sockets) = $text =~ m{listen unix:(\S+)/admin\.sock} or die "no socket in nginx.conf\n";
	$text =~ s/send_timeout\s+[^;]+;/send_timeout 10m; lingering_timeout 1s;/;
	return $text =~ s/^(\s*)(listen [^;]*default_server[^;]*;)/$1$2\n$1listen unix:$sockets\/http2.sock http2;\n$1listen 127.0.0.1:$port http2;/mr;
});
my $server = $t->server;
$t->expect_log(qr/client intended to send too large body/);
my $socket = "$server->{settings}{WEB_SOCKETS}/http2.sock";
my $event  = $t->event(capacity => 40);
my $base   = "/v1/events/$event->{id}";

# curl's answers: a list of [status, version, body].
sub asked (@arguments) {
	open my $out, '-|', 'curl', '-s', '--http2-prior-knowledge', '--unix-socket', $socket, '-w', "\n%{http_code} %{http_version}\n", @arguments or die "curl: $!\n";
	my @lines = <$out>;
	close $out;
	my ($status, $version) = split ' ', pop @lines;
	return ($status, $version, join '', @lines);
}

sub posted ($path, $body, @more) {
	return asked('-X', 'POST', '-H', 'Content-Type: application/json', '-H', 'Idempotency-Key: ' . uuid(), '-d', encode_json($body), @more, "http://site$path");
}

my ($status, $version, $body) = asked("http://site$base");
is("$status $version", '200 2', 'the page');
is(decode_json($body)->{id}, $event->{id}, 'is the event\'s');
($status, $version, $body) = posted("$base/holds", { items => [ { ticket_type => 'general', quantity => 2 } ] });
is("$status $version", '201 2', 'a hold') or diag $body;
my $hold = decode_json($body);
($status, $version, $body) = posted("$base/orders", { hold => $hold->{id}, secret => $hold->{secret}, contact => { name => 'Ada', email => 'ada@example.org' } });
is("$status $version", '201 2', 'its order') or diag $body;
my $order = decode_json($body);
($status, undef, $body) = asked('-H', "Boxoffice-Secret: $order->{secret}", "http://site$base/orders/$order->{id}/tickets");
is($status, 200, 'and its tickets');
is(scalar @{ decode_json($body)->{items} }, 2, 'two');
($status, undef, $body) = posted("$base/holds", { items => [ { ticket_type => 'general', quantity => 0 } ] });
is($status, 400, 'a bad one');
is(decode_json($body)->{code}, 'invalid_request', 'is told what is wrong');
($status, undef, $body) = asked('-X', 'POST', '-H', "Idempotency-Key: " . uuid(), '-H', "Authorization: Bearer " . $t->organizer_token, "http://site$base/orders/$order->{id}/cancel");
is($status, 200, 'a body that may be left out is') or diag $body;
my $large = "$server->{prefix}/large.json";
open my $file, '>', $large or die "$large: $!\n";
print {$file} encode_json({ items => [ map { { ticket_type => 'x' x 60, quantity => 1 } } 1 .. 30_000 ] });
close $file;
($status) = asked('-X', 'POST', '-H', 'Content-Type: application/json', '--data-binary', "\@$large", "http://site$base/holds");
like($status, qr/^(?:413|000)$/, 'a body of two megabytes is refused, or its stream reset while it is sent');
($status, undef, $body) = asked('-H', 'Authorization: Bearer x.y.z', "http://site/v1/organizers/" . $t->organizer . '/events');
is($status, 401, 'a bad token');
(undef, undef, $body) = asked('-H', 'Authorization: Bearer ', "http://site/v1/organizers/" . $t->organizer . '/events');
is(decode_json($body)->{code}, 'token_invalid', 'an empty one has not expired');

subtest 'an export that breaks off takes nothing else of its connection with it' => sub {
	my $big = $t->event(capacity => 1000, sessions => [ map { { key => "s$_", starts_at => rfc3339(time + 86400 * $_) } } 1 .. 40 ]);
	$t->write_orders($big, 20_000);
	my $c = Boxoffice::Frames->connect($port);
	# The connection has room for all, a stream for its 64 KiB: the export waits for more, and hears then that the server has left.
	$c->get(1, "/v1/events/$big->{id}/orders.csv", $t->organizer_token);
	wait_until(sub { ($server->value(q{SELECT wait_event FROM pg_stat_activity WHERE query LIKE '%boxoffice_code.stream(%' AND pid <> pg_backend_pid()}) // '') eq 'ClientWrite' }, 'an export waits');
	$server->dbh->do(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%boxoffice_code.stream(%' AND pid <> pg_backend_pid()});
	$c->window(1, 1 << 30);
	like($c->end(1), qr/^reset/, 'its stream is reset');
	my ($old) = $server->worker_pids;
	$c->get(3, "/v1/events/$big->{id}/sessions?limit=40", $t->organizer_token);
	wait_until(sub { $c->unread > 1000 }, 'it is on its way');
	$server->nginx_reload;
	wait_until(sub { !grep { $_ == $old } $server->worker_pids }, 'the worker is gone');
	is($c->end(3), 'whole', 'what was not read yet when the server closed the connection comes');
	$t->remove_orders($big);
};

subtest 'streams that are reset, at every point of a request' => sub {
	my $show = $t->event(capacity => 100_000);
	my $body = encode_json({ items => [ { ticket_type => 'general', quantity => 1 } ] });
	my ($held, $made) = (0, 0);
	for my $round (1 .. 10) {
		my $c = Boxoffice::Frames->connect($port, 1 << 20);
		my @whole;
		for my $n (1 .. 60) {
			my $stream = 2 * $n - 1;
			my $fate   = $n % 6;
			$c->post($stream, "/v1/events/$show->{id}/holds", $n % 2 ? ('idempotency-key' => uuid()) : ());
			$c->data($stream, substr $body, 0, 10) if $fate == 1;
			$c->data($stream, $body)               if $fate == 2;
			$c->data($stream, $body, 1)            if $fate > 2;
			$c->cancel($stream)                    if $fate < 5;
			push @whole, $stream                   if $fate == 5;
		}
		# Every other connection goes with all that is on it.
		if ($round % 2) { is_deeply([ grep { $c->end($_) ne 'whole' } @whole ], [], 'who stayed has an answer'); $made += @whole }
		$c->close;
	}
	# And while its batch is under way: it waits for a lock.
	my $dbh = $server->connect;
	$dbh->begin_work;
	$dbh->do('SELECT FROM boxoffice.inventory_group WHERE event_id = ? FOR UPDATE', undef, $show->{id});
	my ($left, $c) = map { Boxoffice::Frames->connect($port, 1 << 20) } 1, 2;
	for my $stream (map { 2 * $_ - 1 } 1 .. 20) {
		for ($left, $c) { $_->post($stream, "/v1/events/$show->{id}/holds"); $_->data($stream, $body, 1) }
	}
	wait_until(sub { $server->value(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'boxoffice_gateway' AND wait_event_type = 'Lock'}) }, 'a batch waits');
	$c->cancel(4 * $_ - 1) for 1 .. 10;
	$left->close;
	$dbh->rollback;
	is_deeply([ grep { $c->end(4 * $_ - 3) ne 'whole' } 1 .. 10 ], [], 'who stayed has an answer');
	$c->close;
	wait_until(sub { !$t->metric('boxoffice_queue_calls') && $t->metric('boxoffice_connections_open') == $t->metric('boxoffice_connections_idle') }, 'all that was sent has ended');
	my ($row) = $server->rows('SELECT s.held, (SELECT count(*) FROM boxoffice.hold h WHERE h.event_id = s.event_id) AS holds FROM boxoffice.stock s WHERE s.event_id = ?', $show->{id});
	is($row->{held}, $row->{holds}, "what was flushed is a hold, whole: $row->{holds}");
	cmp_ok($row->{holds}, '>=', $made, 'and whoever stayed has his');
};

$t->finish;
