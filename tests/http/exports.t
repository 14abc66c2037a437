# Exports: files of any length, made while they are read. What is in them, who may, and clients and servers that leave in
# the middle.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS ();
use Encode           qw(decode);

# Nothing here is cut off for being slow (export_limits.t), but by the one test that sets send_timeout.
my $t = Boxoffice::Test->start(trouble => 1, workers => 1, nginx => sub ($text) {
	$text =~ s/send_timeout\s+[^;]+;/send_timeout 10m;/;
	$text =~ s/boxoffice_exports [^;]*;/boxoffice_exports 2 time=30m rate=0;/;
	return $text =~ s/(boxoffice_pool [^;]*);/$1 connect_timeout=60s;/r;
});
my $http   = $t->http;
my $server = $t->server;
my $json   = Cpanel::JSON::XS->new->utf8;

my $event = $t->event(capacity => 1000, sessions => [ map { { key => $_, starts_at => rfc3339(time + 30 * 86400) } } qw(fri sat) ],
	ticket_types => [ map { { key => $_->[0], name => $_->[0], price => $_->[1], pools => ['house'] } } [ free => 0 ], [ dear => 2000 ] ]);
my $path = "/v1/events/$event->{id}";

sub export ($what, %o) { return $http->get("$path/$what", token => $t->organizer_token, %o) }

# Rows of a CSV file as hashes, by RFC 4180.
sub rows ($csv) {
	my (@rows, @row);
	my $text = decode('UTF-8', $csv, Encode::FB_CROAK);
	while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc) {
		my ($quoted, $plain, $end) = ($1, $2, $3);
		push @row, defined $quoted ? $quoted =~ s/""/"/gr : $plain;
		push(@rows, [@row]), @row = () if $end ne ',';
	}
	is(pos $text // 0, length $text, 'all of it is CSV');
	my $names = shift @rows;
	return map { my $row = $_; +{ map { $names->[$_] => $row->[$_] } 0 .. $#$names } } @rows;
}

sub buy (%o) {
	my $hold = $t->hold($event, items => [ { ticket_type => $o{type} // 'free', session => $o{session} // 'fri', quantity => $o{quantity} // 1 } ])->json;
	my $a = $http->post("$path/orders", { hold => $hold->{id}, secret => $hold->{secret},
		contact => { name => $o{name} // 'Ada Lovelace', email => $o{email} // 'ada@example.org' },
		$o{holders} ? (holders => $o{holders}) : () }, key => uuid());
	die $a->body if $a->status != 201;
	return $a->json;
}

my $formula = buy(name => '=HYPERLINK("http://evil", "x"), y', quantity => 2, holders => [ { name => "+1 \"two\"", email => 'plus@example.org' }, {} ]);
my $zoe     = buy(name => 'Zoë 王芳', session => 'sat');
my $owing   = buy(type => 'dear', name => ' padded ');
$t->pay($event, $owing, amount => 500);

subtest 'tickets as CSV are what SQL says' => sub {
	my $a = export('tickets.csv');
	is_status($a, 200, 'exported');
	is($a->header('Content-Type'), 'text/csv; charset=utf-8', 'as CSV');
	like($a->header('Cache-Control'), qr/no-store/, 'nobody keeps it');
	my @rows = rows($a->body);
	is(scalar @rows, 4, 'all tickets');
	my @sql = $server->rows(q{
		SELECT t.id, t.code, t.state, t.price, t.fee, o.id AS order_id, s.key AS session, y.key AS ticket_type, h.email AS holder_email
		  FROM boxoffice.ticket t JOIN boxoffice.order o ON (o.event_id, o.id) = (t.event_id, t.order_id)
		  JOIN boxoffice.session s ON (s.event_id, s.id) = (t.event_id, t.session_id)
		  JOIN boxoffice.ticket_type y ON (y.event_id, y.id) = (t.event_id, t.ticket_type_id)
		  LEFT JOIN boxoffice.holder h ON (h.event_id, h.ticket_id) = (t.event_id, t.id)
		 WHERE t.event_id = ? ORDER BY t.order_id, t.id}, $event->{id});
	for my $name (sort keys %{ $sql[0] }) {
		is_deeply([ map { $_->{$name} } @rows ], [ map { $_->{$name} // '' } @sql ], $name);
	}
	is($rows[0]{buyer_name}, q{'=HYPERLINK("http://evil", "x"), y}, 'a formula is none any more');
	is($rows[0]{holder_name}, q{'+1 "two"}, 'nor is this');
	is($rows[2]{buyer_name}, 'Zoë 王芳', 'letters of all alphabets');
	is($rows[3]{buyer_name}, ' padded ', 'blanks stay');
	like($rows[3]{placed_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+0[12]:00\z/, 'times are local');
	is($rows[3]{paid_at}, '', 'what is not there is empty');
	unlike($a->body, qr/(?<!\r)\n/, 'lines end as RFC 4180 says');
};

subtest 'orders, and JSON Lines' => sub {
	my @rows = rows(export('orders.csv')->body);
	is_deeply([ map { $_->{code} } @rows ], [ map { $_->{code} } $formula, $zoe, $owing ], 'the oldest first');
	is_deeply([ @{ $rows[2] }{qw(status total paid due tickets test)} ], [ 'pending', 2000, 500, 1500, 1, 'false' ], 'and how it stands');
	my $a = export('orders.jsonl');
	is($a->header('Content-Type'), 'application/jsonl', 'JSON Lines');
	my @lines = map { $json->decode($_) } split /\n/, $a->body;
	is_deeply([ map { $_->{name} } @lines ], [ '=HYPERLINK("http://evil", "x"), y', 'Zoë 王芳', ' padded ' ], 'texts are as they are');
	is_deeply([ map { $_->{id} } @lines ], [ map { $_->{id} } @rows ], 'ids are strings');
	is($lines[2]{paid_at}, undef, 'what is not there is null');
	is(() = export('tickets.jsonl')->body =~ /\n/g, 4, 'tickets');
};

subtest 'what is asked for' => sub {
	is(scalar rows(export('tickets.csv?session=sat')->body), 1, 'one session');
	is(scalar rows(export('tickets.csv?state=valid')->body), 3, 'one state');
	is(scalar rows(export('orders.csv?status=pending')->body), 1, 'one status');
	is(export('orders.jsonl?status=cancelled')->body, '', 'nothing');
	is(scalar rows(export('orders.csv?status=cancelled')->body), 0, 'a row of names is there all the same');
	is(export('orders', headers => [ Accept => 'text/csv' ])->body, export('orders.csv')->body, 'by Accept');
	is(export('tickets', headers => [ Accept => 'application/jsonl;q=1, */*' ])->body, export('tickets.jsonl')->body, 'the first that it names');
	is(export('orders', headers => [ Accept => 'application/json, text/csv' ])->header('Content-Type'), 'application/json', 'others get the list');
	my $head = $http->head("$path/tickets.csv", token => $t->organizer_token);
	is_status($head, 200, 'HEAD');
	is($head->header('Content-Type'), 'text/csv; charset=utf-8', 'says what it would be');
	is_problem(export('tickets.csv?session=sun'), 422, 'unknown_reference', 'no such session');
	is_problem(export('tickets.csv?state=lost'), 400, 'invalid_request', 'no such state');
	is_problem(export('tickets.csv?limit=5'), 400, 'unknown_parameter', 'no such parameter');
	is_problem($http->get('/v1/events/12345/tickets.csv', token => $t->organizer_token), 404, 'not_found', 'no such event');
};

subtest 'who may' => sub {
	for my $what (qw(tickets.csv tickets.jsonl orders.csv orders.jsonl)) {
		is_problem($http->get("$path/$what"), 401, 'token_missing', "$what: not the public");
		is_problem(export($what, token => $t->token('customer')), 403, 'forbidden', 'no customer');
		is_problem(export($what, token => $t->token('scanner', org => $t->organizer)), 403, 'forbidden', 'no scanner');
		is_problem(export($what, token => $t->token('organizer', org => next_id($t->organizer))), 404, 'not_found', 'not another organizer');
		is_status(export($what, token => $t->token('support')), 200, 'support');
	}
	is_problem($http->post("$path/tickets.csv", {}, token => $t->organizer_token), 405, 'method_not_allowed', 'nothing is posted here');
};

# A big event: a hundred thousand tickets in a trial of its own, which has no books to keep.
my $big = $t->event(capacity => 10);
$t->write_orders($big, 25_000, 4);
my $big_path = "/v1/events/$big->{id}/tickets.csv";

sub exporting { return $server->value(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%boxoffice_code.stream(%' AND state = 'active' AND pid <> pg_backend_pid()}) }

# Whether one is under way whose client has not taken what there is.
sub blocked { return $server->value(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%boxoffice_code.stream(%' AND wait_event = 'ClientWrite'}) }

# Begins an export and reads a little of it.
sub begin () {
	my $c = $t->client->connect;
	setsockopt $c->{socket}, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), pack 'i', 65_536;
	$c->send($http->bytes(GET => $big_path, token => $t->organizer_token));
	wait_until(sub { sysread $c->{socket}, $c->{in}, 1000, length $c->{in}; length $c->{in} > 500 }, 'the export begins');
	return $c;
}

# Reads on to the end.
sub read_on ($c) {
	$c->_read_some while !$c->{eof} && eval { $c->_wait(0, time + 60); 1 };
	return $c->{eof};
}

subtest 'a long one' => sub {
	my $a = $http->get($big_path, token => $t->organizer_token, timeout => 120);
	is_status($a, 200, 'exported');
	is(() = $a->body =~ /\r\n/g, 100_001, 'each ticket once, and the names');
	is(scalar(keys %{ { map { $_ => 1 } $a->body =~ /^(\d+),/mg } }), 100_000, 'no two are the same');
	wait_until(sub { !exporting() }, 'its connection ends');
};

subtest 'a client that leaves' => sub {
	my $c = begin();
	is(exporting(), 1, 'one is under way');
	$c->reset;
	wait_until(sub { !exporting() }, 'the statement ends');
	$c = begin();
	$c->close;
	wait_until(sub { !exporting() }, 'also when it closes politely');
	pass('both were let go');
};

# nginx hears of it when the client has taken what there is. (Where that came before send_timeout, two seconds then, by luck,
# this was once a file that was cut off.)
subtest 'a server that dies' => sub {
	my $c = begin();
	wait_until(\&blocked, 'there is more of it than buffers hold');
	$server->dbh->do(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%boxoffice_code.stream(%' AND pid <> pg_backend_pid()});
	ok(read_on($c), 'the connection is closed');
	unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, 'in the middle');
	my ($id) = $c->{in} =~ /^X-Request-Id: (\S+)\r$/m;
	like(Boxoffice::Server::_slurp($server->nginx_log), qr/\[error\].*"ticket_csv" broken off, "unavailable": .*; request id \Q$id\E/, 'the log says whose it was, and why');
	is_status($http->get($big_path, token => $t->organizer_token, timeout => 120), 200, 'and the next is whole again');
};

subtest 'a reload while one is being connected' => sub {
	my $postmaster = $server->postmaster_pid;
	my $old        = ($server->worker_pids)[0];
	my $c          = $t->client->connect;
	kill STOP => $postmaster;
	my $leaving = eval {
		$c->send($http->bytes(GET => "$path/tickets.csv", token => $t->organizer_token));
		wait_until(sub { $t->metric('boxoffice_exports_running') == 1 }, 'it is under way');
		$server->nginx_reload;
		wait_until(sub { Boxoffice::Server::_slurp("/proc/$old/cmdline") =~ /shutting down/ }, 'its worker is told to go');
	};
	kill CONT => $postmaster;
	ok($leaving, 'its worker is told to go') or diag $@;
	is_status($c->answer, 200, 'it is answered by the worker that goes');
	wait_until(sub { !grep { $_ == $old } $server->worker_pids }, 'which then is gone');
};

subtest 'so many at once' => sub {
	my @c = map { begin() } 1 .. 2;
	is_problem($http->get($big_path, token => $t->organizer_token), 503, 'queue_full', 'a third has to wait');
	is_status($t->hold($event, type => 'free', session => 'fri'), 201, 'sales go on');
	$_->close for @c;
	wait_until(sub { !exporting() }, 'both are let go');
	is_status($http->get($big_path, token => $t->organizer_token, timeout => 120), 200, 'then there is room');
};

subtest 'a client that stops reading' => sub {
	my $limit = sub ($time) { $server->nginx_change(sub ($text) { $text =~ s/send_timeout [^;]+;/send_timeout $time;/r }) };
	my ($pid)  = $server->worker_pids;
	my $memory = sub { my ($kb) = Boxoffice::Server::_slurp("/proc/$pid/status") =~ /VmRSS:\s+(\d+)/; $kb };
	my $before = $memory->();
	my $c      = begin();
	wait_until(\&blocked, 'and the server waits');
	# What is freed stays in memory for a while where the address sanitizer looks for later uses; the export has 17 MB.
	cmp_ok($memory->() - $before, '<', $ENV{SERVER_PRELOAD} ? 8192 : 4096, 'costs nginx no memory');
	$c->close;
	wait_until(sub { !exporting() }, 'it is let go');
	$limit->('2s');
	$c = begin();
	wait_until(sub { !exporting() }, 'send_timeout ends it');
	ok(read_on($c), 'the connection is closed');
	unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, 'and what came does not look whole');
};

$t->remove_orders($big);
$t->finish;
