# HTTP as the wire has it: methods, CORS, HEAD, pipelined, half-closed, slow and aborted connections, requests
# that are none.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Time::HiRes qw(sleep time);

my $t     = Boxoffice::Test->start(nginx => sub ($text) { $text =~ s/client_body_timeout\s+[^;]+;/client_body_timeout 10m;/r });
# nginx starts anew with that, maybe while it connects
$t->expect_log(qr/connection to client lost/);
my $http  = $t->http;
my $event = $t->event(capacity => 1000);
my $holds = "/v1/events/$event->{id}/holds";
my $view  = "/v1/events/$event->{id}";
my $body  = { items => [ { ticket_type => 'general', quantity => 1 } ] };

# One that begins to send its body now and ends when a call has not so much time: see 'slow clients'.
my $late  = $http->connect;
my $began = time;
my $slow  = $http->bytes(POST => $holds, json => $body);
$late->send(substr $slow, 0, -5);

sub held { return $t->server->value('SELECT held FROM boxoffice.stock WHERE event_id = ?', $event->{id}) }

# The answers to some bytes on a connection of its own; () when it is closed without one.
sub raw ($bytes, %o) {
	my $c = $http->connect;
	eval { $c->send($bytes); 1 };
	$c->half_close if $o{half_close};
	my @answers;
	while (@answers < ($o{answers} // 1)) {
		my $answer = eval { $c->answer($o{method} // 'POST') } or last;
		push @answers, $answer;
	}
	$c->close;
	return @answers;
}

subtest 'methods' => sub {
	for ([ PUT => $holds, 'POST' ], [ DELETE => $view . '/stock', 'GET' ], [ GET => $holds, 'POST' ], [ POST => '/v1/openapi.json', 'GET' ],
		[ PATCH => '/v1/events', 'GET' ], [ PUT => "$holds/1", 'GET, PATCH, DELETE' ]) {
		my ($method, $path, $allowed) = @$_;
		my $a = $http->request($method, $path, $method eq 'GET' || $method eq 'DELETE' ? () : (json => {}));
		is_problem($a, 405, 'method_not_allowed', "$method $path");
		my %allow = map { $_ => 1 } split /\s*,\s*/, $a->header('Allow') // '';
		is_deeply([ grep { !$allow{$_} } split /, /, $allowed ], [], "… Allow has $allowed: " . ($a->header('Allow') // 'nothing'));
		ok(!$allow{$method}, "… and not $method");
	}
	for (qw(TRACE CONNECT BREW PROPFIND)) {
		my ($a) = raw($http->bytes($_, $view));
		ok(!$a || $a->status =~ /^(400|405)$/, "$_ is refused") or diag $a->{raw};
	}
};

subtest 'HEAD' => sub {
	my ($get, $head) = ($http->get($view), $http->head($view));
	is_status($head, 200, 'HEAD of a page');
	is($head->body, '', 'has no body');
	is($head->header($_), $get->header($_), "and GET's $_") for qw(Content-Type ETag);
	is($http->head('/v1/events/12345678')->status, 404, 'HEAD of nothing');
	is_status($http->head('/healthz'), 200, 'HEAD of /healthz');
};

subtest 'CORS' => sub {
	my $a = $http->request(OPTIONS => $holds, headers => [ Origin => 'https://shop.example', 'Access-Control-Request-Method' => 'POST',
		'Access-Control-Request-Headers' => 'content-type, idempotency-key, authorization, boxoffice-secret' ]);
	like($a->status, qr/^20[04]$/, 'a preflight is answered');
	is($a->header('Access-Control-Allow-Origin'), '*', 'for any origin');
	like($a->header('Access-Control-Allow-Methods'), qr/\bPOST\b/, 'with the method');
	like(lc $a->header('Access-Control-Allow-Headers'), qr/\Q$_\E/, "and the header $_") for qw(content-type idempotency-key authorization boxoffice-secret);
	is($a->header('Access-Control-Allow-Credentials'), undef, 'without credentials');
	like($a->header('Access-Control-Max-Age') // '', qr/^\d+$/, 'for a while');
	my $real = $http->post($holds, $body, headers => [ Origin => 'https://shop.example' ]);
	is($real->header('Access-Control-Allow-Origin'), '*', 'the request itself is for any origin');
	like(lc($real->header('Access-Control-Expose-Headers') // ''), qr/retry-after/, 'and scripts may read Retry-After');
	my $error = $http->post($holds, {}, headers => [ Origin => 'https://shop.example' ]);
	is($error->header('Access-Control-Allow-Origin'), '*', 'a refusal can be read, too');
	my $contract = $http->request(OPTIONS => '/v1/openapi.json', headers => [ Origin => 'https://shop.example', 'Access-Control-Request-Method' => 'GET',
		'Access-Control-Request-Headers' => 'x-request-id' ]);
	is_status($contract, 204, 'a preflight of the contract');
	like(lc $contract->header('Access-Control-Allow-Headers'), qr/x-request-id/, '… allows what every request may have');
	is($contract->header('Access-Control-Allow-Origin'), '*', '… for any origin');
	is_status($http->get('/v1/openapi.json', headers => [ Origin => 'https://shop.example' ]), 200, '… and then it is read');
};

subtest 'pipelined requests' => sub {
	my $before = held();
	my @answers = raw(join('', map { $http->bytes(POST => $holds, json => $body) } 1 .. 20), answers => 20);
	is_deeply([ map { $_->status } @answers ], [ (201) x 20 ], 'twenty holds at once on one connection');
	is(held() - $before, 20, 'twenty are held');
	my @mixed = raw($http->bytes(POST => $holds, json => $body) . $http->bytes(GET => $view) . $http->bytes(POST => $holds, body => '{') . $http->bytes(GET => '/healthz'), answers => 4);
	is_deeply([ map { $_->status } @mixed ], [ 201, 200, 400, 200 ], 'mixed ones are answered in order');
};

subtest 'half-closed connections' => sub {
	my ($a) = raw($http->bytes(POST => $holds, json => $body), half_close => 1);
	ok(!$a || $a->status == 201, 'a client that has said all it wants gets its answer, or a clean close') or diag $a->{raw};
	my ($none) = raw(substr($http->bytes(POST => $holds, json => $body), 0, -5), half_close => 1);
	ok(!$none || $none->status == 400, 'one that stopped in the body gets none');
	my ($empty) = raw('', half_close => 1);
	ok(!$empty, 'one that said nothing gets none');
};

subtest 'slow clients' => sub {
	my $c = $http->connect;
	my $bytes = $http->bytes(POST => $holds, json => $body);
	for (unpack '(a16)*', $bytes) { $c->send($_); sleep 0.01 }
	is_status($c->answer('POST'), 201, 'a request in pieces of sixteen bytes');
	for (split //, $http->bytes(GET => '/healthz')) { $c->send($_); sleep 0.001 }
	is_status($c->answer('GET'), 200, 'one byte at a time');
	$c->close;
	my @sleepers = map { my $s = $http->connect; $s->send(substr $bytes, 0, 100); $s } 1 .. 50;
	is_status($http->post($holds, $body), 201, 'fifty that sleep in their headers keep nobody waiting');
	$_->close for @sleepers;
	# The time it took to send was taken from its call's deadline, and from those of who went with it: nothing was left to
	# wait for a lock.
	wait_until(sub { time - $began > 5.2 }, 'more than a call\'s deadline has gone by', 20);
	my $dbh = $t->server->connect;
	$dbh->begin_work;
	$dbh->do('SELECT 1 FROM boxoffice.inventory_group WHERE event_id = ? FOR UPDATE', undef, $event->{id});
	$late->send(substr $slow, -5);
	wait_until(sub { $t->server->value(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'boxoffice_gateway' AND wait_event_type = 'Lock'}) },
		'its call waits for a lock', 20);
	$dbh->rollback;
	is_status($late->answer('POST'), 201, 'a body that takes longer than a call may');
	$late->close;
};

subtest 'aborted clients' => sub {
	my $bytes = $http->bytes(POST => $holds, json => $body);
	for my $cut (1, 10, 40, length($bytes) - 10, length $bytes) {
		for (1 .. 10) {
			my $c = $http->connect;
			$c->send(substr $bytes, 0, $cut);
			$_ % 2 ? $c->reset : $c->close;
		}
	}
	is_status($http->post($holds, $body), 201, 'the next one is served');
	# A key lets the client ask what became of a request whose answer it never read.
	my $key = uuid();
	my $c = $http->connect;
	$c->send($http->bytes(POST => $holds, json => $body, key => $key));
	$c->reset;
	my $again;
	wait_until(sub { ($again = $http->post($holds, $body, key => $key))->status != 409 }, 'the first call has ended');
	is_status($again, 201, 'the same key asks again');
	is($t->server->value('SELECT sum(quantity) FROM boxoffice.claim WHERE event_id = ? AND owner_id = ?', $event->{id}, $again->json->{id}), 1, 'one hold');
};

subtest 'not HTTP' => sub {
	$t->expect_log(qr/client sent (invalid|both)/);
	my $host = "Host: x\r\n";
	my $json = "Content-Type: application/json\r\n";
	my @none = (
		[ 'noise',                        "\0\1\2\3\r\n\r\n" ],
		[ 'a TLS hello',                  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . "x" x 100 . "\r\n\r\n" ],
		[ 'no version',                   "GET $view\r\n\r\n" ],
		[ 'a version that is none',       "GET $view HTTP/9.9\r\n$host\r\n" ],
		[ 'no Host',                      "GET $view HTTP/1.1\r\n\r\n" ],
		[ 'two Hosts',                    "GET $view HTTP/1.1\r\n$host$host\r\n" ],
		[ 'a space in the path',          "GET /v1/ev ents HTTP/1.1\r\n$host\r\n" ],
		[ 'a broken escape in the path',  "GET /v1/%zz HTTP/1.1\r\n$host\r\n" ],
		[ 'a length that is no number',   "POST $holds HTTP/1.1\r\n${host}${json}Content-Length: many\r\n\r\n{}" ],
		[ 'a negative length',            "POST $holds HTTP/1.1\r\n${host}${json}Content-Length: -1\r\n\r\n{}" ],
		[ 'two lengths',                  "POST $holds HTTP/1.1\r\n${host}${json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} " ],
		[ 'a length and chunks',          "POST $holds HTTP/1.1\r\n${host}${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" ],
		[ 'a chunk that is none',         "POST $holds HTTP/1.1\r\n${host}${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" ],
		[ 'an encoding nobody knows',     "POST $holds HTTP/1.1\r\n${host}${json}Transfer-Encoding: gzip\r\n\r\n{}" ],
		[ 'a header of 100,000 bytes',    "GET $view HTTP/1.1\r\n${host}X: " . 'x' x 100_000 . "\r\n\r\n" ],
		[ 'an address of 100,000 bytes',  "GET /v1/" . 'x' x 100_000 . " HTTP/1.1\r\n$host\r\n" ],
		[ 'a thousand headers',           "GET $view HTTP/1.1\r\n$host" . join('', map { "X-$_: " . 'y' x 100 . "\r\n" } 1 .. 1000) . "\r\n" ],
		[ 'a header with a NUL',          "GET $view HTTP/1.1\r\n${host}X: a\0b\r\n\r\n" ],
	);
	for (@none) {
		my ($name, $bytes) = @$_;
		my ($a) = raw($bytes, method => $bytes =~ /^(\w+) / ? $1 : 'GET');
		ok(!$a || $a->status =~ /^(4\d\d|501|505)$/, "$name is refused, or the connection closed: " . ($a ? $a->status : 'closed')) or diag $a->{raw};
		next unless $a;
		like($a->header('Content-Type'), qr{^application/problem\+json}, '… as a problem document') if $a->status < 500;
		$t->check(($bytes =~ /^(\w+) /)[0] // 'GET', '/nowhere', $a) if $a->status < 500;
	}
	my ($chunked) = raw("POST $holds HTTP/1.1\r\n${host}${json}Transfer-Encoding: chunked\r\n\r\n"
		. join('', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack '(a7)*', '{"items":[{"ticket_type":"general","quantity":1}]}') . "0\r\n\r\n");
	is_status($chunked, 201, 'a body in chunks is a body');
	my ($expect) = raw("POST $holds HTTP/1.1\r\n${host}${json}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}");
	like($expect->status, qr/^(100|400)$/, 'Expect: 100-continue is understood');
	my ($old) = raw("GET $view HTTP/1.0\r\n\r\n", method => 'GET');
	ok(!$old || $old->status == 200, 'HTTP/1.0 is served') or diag $old->{raw};
	my ($absolute) = raw("GET http://tickets.example$view HTTP/1.1\r\nHost: tickets.example\r\n\r\n", method => 'GET');
	is_status($absolute, 200, 'a request by its whole address');
};

subtest 'a request smuggled behind another' => sub {
	my $before = held();
	my $inner  = $http->bytes(POST => $holds, json => $body);
	my @answers = raw("GET $view HTTP/1.1\r\nHost: x\r\nContent-Length: " . length($inner) . "\r\n\r\n$inner" . $http->bytes(GET => '/healthz'), answers => 2, method => 'GET');
	is_deeply([ map { $_->status } @answers ], [ 415, 200 ], 'the next is what comes after it');
	is(held() - $before, 0, 'the body of a GET is no request');
};

$t->finish;
