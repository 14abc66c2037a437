# What is wrong with a request before it means anything, on every kind of route: public and cached, in an event's lane, an
# organizer's, an export. Each gets a problem document of the contract or a clean close, never a fault of the server, and the
# connection tells nobody else's answer afterwards.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;
use Boxoffice::Token qw(token_sign sign_hmac);

my $t = Boxoffice::Test->start(nginx => sub ($text) { $text =~ s/client_(header|body)_timeout\s+[^;]+;/client_$1_timeout 10m;/gr });
$t->expect_log(qr/client (?:intended to send too large (?:chunked )?body|sent (?:invalid|both|too))|invalid chunk|connection to client lost/);
my $http  = $t->http;
my $event = $t->event(capacity => 1000);
my $base  = "/v1/events/$event->{id}";
my $org   = '/v1/organizers/' . $t->organizer;
my $mine  = $t->organizer_token;
my $good  = '{"items":[{"ticket_type":"general","quantity":1}]}';

# [what it is, method, path, options]: how it is asked for when nothing is wrong, and what is answered then.
my @reads = (
	[ 'a public page',       GET => $base,                 {} ],
	[ 'a public list',       GET => "$base/sessions",      {} ],
	[ 'an organizer\'s view', GET => "$org/events",        { token => $mine } ],
	[ 'an export',           GET => "$base/tickets.csv",   { token => $mine } ],
);
my @writes = (
	[ 'in a lane',                POST  => "$base/holds",  {},                 201, $good ],
	[ 'an organizer\'s document', POST  => "$org/venues",  { token => $mine }, 201, undef ],
	[ 'an organizer\'s patch',    PATCH => $base,          { token => $mine }, 200, '{"summary":"x"}' ],
);
my $venues = 0;
sub body_of ($write) { return $write->[5] // sprintf '{"key":"v%d","name":"V","zone":"UTC"}', ++$venues }

# The answers to some bytes on a connection of its own, up to the close or so many.
sub raw ($bytes, $method = 'GET', %o) {
	my $c = $http->connect;
	eval { $c->send($bytes); 1 };
	$c->half_close if $o{half_close};
	my @answers;
	while (@answers < ($o{answers} // 1)) {
		my $answer = eval { $c->answer(ref $method ? $method->[@answers] : $method, $o{wait} // 60) } or last;
		push @answers, $answer;
	}
	$c->close;
	return @answers;
}

# A refusal by the contract, or the end of the connection; nothing else.
sub refused ($a, $want, $name) {
	return pass("$name: closed") if !$a && $want =~ /closed/;
	my $is = $a ? $a->status . ' ' . $a->code : 'closed';
	return like($is, qr/^(?:$want)$/, "$name: $is") || diag $a ? substr $a->{raw}, 0, 400 : 'no answer';
}

subtest 'bodies' => sub {
	my @bad = (
		[ 'half a document',              '{"items":[',                      '400 malformed_json' ],
		[ 'a member twice',               '{"a":1,"a":2}',                   '400 invalid_request' ],
		[ 'a number of 1,000 digits',     '{"name":' . '9' x 1000 . '}',     '400 invalid_request' ],
		[ 'a number beyond all',          '{"name":1e999999999999}',         '400 invalid_request' ],
		[ 'broken UTF-8',                 qq({"name":"\xff\xfe"}),           '400 malformed_json' ],
		[ 'an overlong NUL',              qq({"name":"\xc0\x80"}),           '400 malformed_json' ],
		[ 'a raw NUL',                    qq({"name":"a\0b"}),               '400 malformed_json' ],
		[ 'a NUL by an escape',           '{"name":"a\\u0000b"}',            '400 invalid_request' ],
		[ 'half a surrogate',             '{"name":"\\ud800"}',              '400 (?:malformed_json|invalid_request)' ],
		[ '16,000 lists in each other',   '[' x 16_000,                      '400 malformed_json' ],
		[ 'objects in each other',        '{"a":' x 3_000 . '1' . '}' x 3_000, '400 (?:malformed_json|invalid_request)' ],
		[ 'a member nobody knows',        '{"__proto__":{"role":"admin"}}',  '400 invalid_request' ],
		[ 'a list',                       '[]',                              '400 invalid_request' ],
		[ 'nothing',                      '',                                '400 (?:malformed_json|invalid_request)' ],
		[ '2 MB',                         ' ' x 2_000_000,                   '413 body_too_large' ],
	);
	for my $write (@writes) {
		my ($what, $method, $path, $o) = @$write;
		for (@bad) {
			my ($name, $body, $want) = @$_;
			my $a = $http->request($method => $path, body => $body, %$o);
			refused($a, $want, "$what, $name");
			$http->forget if length $body > 1_000_000;
		}
		is_problem($http->request($method => $path, body => body_of($write), %$o, headers => [ 'Content-Type' => 'text/plain' ]), 415, 'unsupported_media', "$what, text");
		is_status($http->request($method => $path, body => body_of($write), %$o), $write->[4], "$what: a good one after all");
	}
};

# An operation whose contract has no body takes none or an empty object, and names what else there is. nginx dropped it unread:
# `{"until": …}` sent to …/pause was taken, as if it had been understood.
subtest 'a body where there is none in the contract' => sub {
	my @no_body = (@reads, [ 'an act of staff', POST => "$base/pause", { token => $mine } ], [ 'a removal', DELETE => "$base/blocks/12345", { token => $mine } ]);
	for (@no_body) {
		my ($what, $method, $path, $o) = @$_;
		my $good = $method eq 'GET' ? '200 ' : $method eq 'POST' ? '(?:200 |409 event_state)' : '404 not_found';
		for my $type ('application/json', 'text/plain') {
			for my $none ('{}', " \r\n{ \t}\n ", '   ', '') {
				refused($http->request($method => $path, body => $none, %$o, headers => [ 'Content-Type' => $type ]), $good, "$what, $type '$none'" =~ s/\s+/ /gr);
			}
		}
		my ($a) = raw($http->bytes($method => $path, %$o, headers => [ 'Transfer-Encoding' => 'chunked' ]) . "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", $method);
		refused($a, $good, "$what, an empty object in two chunks");
		my $b = $http->request($method => $path, body => '{"until":1,"a":{"b":2}}', %$o);
		is_problem($b, 400, 'invalid_request', "$what, with members");
		is_deeply(faults_of($b), [ 'invalid_request at /a', 'invalid_request at /until' ], '… each of them named');
		for (
			[ '{}{}',             '400 malformed_json' ],
			[ '{"a":',            '400 malformed_json' ],
			[ '}{',               '400 malformed_json' ],
			[ '{',                '400 malformed_json' ],
			[ "{\0}",             '400 malformed_json' ],
			[ '[]',               '400 invalid_request' ],
			[ 'null',             '400 invalid_request' ],
			[ 'x' x 200_000,      '400 malformed_json' ],
			[ ' ' x 2_000_000,    '413 body_too_large' ],
		) {
			my ($body, $want) = @$_;
			refused($http->request($method => $path, body => $body, %$o), $want, "$what, " . substr $body, 0, 10);
			$http->forget;
		}
		is_problem($http->request($method => $path, body => '{"a":1}', %$o, headers => [ 'Content-Type' => 'text/plain' ]), 415, 'unsupported_media', "$what, text");
		is_problem($http->request($method => $path, body => '{"a":1}', headers => [ 'Content-Type' => 'application/json' ]), 401, 'token_missing', "$what, nobody's") if $o->{token};
	}
	is_status($http->post("$base/resume", undef, token => $mine), 200, 'on it goes');
	my ($head) = raw($http->bytes(HEAD => $base, body => '{"a":1}') . $http->bytes(GET => '/healthz'), [qw(HEAD GET)]);
	is_status($head, 400, 'HEAD with a body');
};

# Its length was told to the origin, which then took the next request on the connection between them for the body.
subtest 'a body on a public page is not in the way of others' => sub {
	my @wrong;
	for my $limit (1 .. 40) {
		my $odd  = $http->request(GET => "$base/sessions?limit=$limit", body => '{' . ' ' x 38 . '}');
		my $next = $http->get("$base/sessions?limit=" . ($limit + 50));
		my $bad  = $http->request(GET => "$base/sessions?limit=$limit", body => 'x' x 40);
		push @wrong, grep { $_ ne '200' } map { $_->status } $odd, $next, $http->get("$base/sessions?limit=" . ($limit + 50));
		push @wrong, $bad->status if $bad->status != 400;
	}
	is_deeply(\@wrong, [], 'all get their page');
};

subtest 'chunks, lengths and Expect' => sub {
	for my $write (@writes) {
		my ($what, $method, $path, $o, $status) = @$write;
		my $head = sub (@headers) { $http->bytes($method => $path, %$o, headers => [ 'Content-Type' => 'application/json', @headers ]) };
		my $in_chunks = sub ($body, $n = 5) { join('', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack "(a$n)*", $body) . "0\r\n\r\n" };
		my ($a) = raw($head->('Transfer-Encoding' => 'chunked') . $in_chunks->(body_of($write)), $method);
		is_status($a, $status, "$what, in chunks");
		my @two = raw($head->('Transfer-Encoding' => 'chunked') . $in_chunks->('{"x"') . $http->bytes(GET => '/healthz'), [ $method, 'GET' ], answers => 2);
		is(join(' ', map { $_->status } @two), '400 200', "$what, bad chunks of a document, and the next request");
		for (
			[ 'a chunk that is none',        [ 'Transfer-Encoding' => 'chunked' ], "xyz\r\n{}\r\n0\r\n\r\n" ],
			[ 'a chunk of 2^64 bytes',       [ 'Transfer-Encoding' => 'chunked' ], "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n" ],
			[ 'a chunk shorter than it says', [ 'Transfer-Encoding' => 'chunked' ], "2\r\n{}}}\r\n0\r\n\r\n" ],
			[ 'both a length and chunks',    [ 'Transfer-Encoding' => 'chunked', 'Content-Length' => 4 ], "0\r\n\r\n" ],
			[ 'two lengths',                 [ 'Content-Length' => 2, 'content-length' => 3 ], '{} ' ],
			[ 'a length below none',         [ 'Content-Length' => -1 ], '{}' ],
			[ 'a length of 2^64',            [ 'Content-Length' => '18446744073709551616' ], '{}' ],
			[ 'a length with a plus',        [ 'Content-Length' => '+2' ], '{}' ],
			[ 'a length in words',           [ 'Content-Length' => 'two' ], '{}' ],
			[ 'a coding nobody knows',       [ 'Transfer-Encoding' => 'xchunked' ], '{}' ],
			[ 'chunks said twice',           [ 'Transfer-Encoding' => 'chunked', 'transfer-encoding' => 'chunked' ], "0\r\n\r\n" ],
		) {
			my ($name, $headers, $body) = @$_;
			my ($b) = raw($head->(@$headers) . $body, $method);
			refused($b, '(?:400|413|501) \w*|closed', "$what, $name");
		}
		my ($large) = raw($head->('Transfer-Encoding' => 'chunked') . $in_chunks->(' ' x 2_000_000, 50_000), $method);
		refused($large, '413 body_too_large|closed', "$what, 2 MB in chunks");
		my $c = $http->connect;
		my $body = body_of($write);
		$c->send($head->('Content-Length' => length $body, Expect => '100-continue'));
		is_status($c->answer($method), 100, "$what, Expect: 100-continue: go on");
		is_status($c->send($body)->answer($method), $status, '… and the answer');
		$c->send($head->('Content-Length' => 2_000_000, Expect => '100-continue'));
		my $no = eval { $c->answer($method) };
		refused($no, '413 body_too_large', "$what, 2 MB announced: no");
		$c->close;
	}
};

subtest 'headers' => sub {
	for my $route (@reads, @writes) {
		my ($what, $method, $path, $o) = @$route;
		my @body = $method eq 'GET' ? () : (body => '{}');
		my $with = sub (@headers) { (raw($http->bytes($method => $path, %$o, @body, headers => \@headers), $method))[0] };
		refused($with->('X-Long' => 'y' x 9_000), '431 headers_too_large', "$what, a long one");
		refused($with->(map { ("X-$_" => 'y' x 200) } 1 .. 500), '431 headers_too_large', "$what, many");
		refused($with->('X-NUL' => "a\0b"), '400 \w+|closed', "$what, one with a NUL");
		refused($with->(Authorization => 'Bearer a.b.c', Authorization => 'Bearer d.e.f'), '400 bad_request', "$what, two tokens") if $path ne $base;
		refused($with->('Boxoffice-Secret' => "s\xe9"), '400 invalid_request', "$what, a secret with an accent") if $what !~ /public/;
		refused($with->('If-Match' => "\xff" x 10), '400 invalid_request', "$what, an If-Match of no letters") if $method eq 'PATCH';
		my $a = $with->('X-Request-Id' => 'a b"<script>');
		unlike($a->header('X-Request-Id'), qr/script/, "$what, a request id that is none");
	}
};

subtest 'methods' => sub {
	for my $route (@reads, @writes) {
		my ($what, undef, $path, $o) = @$route;
		for my $method (qw(TRACE CONNECT BREW get PROPFIND)) {
			my ($a) = raw($http->bytes($method => $path, %$o), $method);
			refused($a, '(?:400|405) \w+|closed', "$what, $method");
		}
		my ($options) = raw($http->bytes(OPTIONS => $path), 'OPTIONS');
		is_status($options, 204, "$what, OPTIONS");
		like($options->header('Allow'), qr/\bOPTIONS\b/, '… says what there is');
		my ($head) = raw($http->bytes(HEAD => $path, %$o) . $http->bytes(GET => '/healthz'), [qw(HEAD GET)], answers => 1);
		my %get = map { $_ => 1 } split /, /, $options->header('Allow');
		is_status($head, $get{GET} ? 200 : 405, "$what, HEAD");
	}
};

subtest 'one request after another that was wrong' => sub {
	for my $route (@reads, @writes) {
		my ($what, $method, $path, $o) = @$route;
		my @body = $method eq 'GET' ? () : (body => '{"a":');
		my $bad  = $http->bytes($method => "$path?nothing=1", %$o, @body);
		my @two  = raw($bad . $http->bytes(GET => '/v1/nothing') . $http->bytes(GET => $base), [ $method, 'GET', 'GET' ], answers => 3);
		is(join(' ', map { $_->status . ' ' . $_->code } @two), '400 unknown_parameter 404 not_found 200 ', "$what: each its own answer, in order");
		my ($half) = raw(substr($http->bytes($method => $path, %$o, @body), 0, -3), $method, half_close => 1);
		refused($half, '400 \w+|closed', "$what, half a request and then nothing");
		my ($whole) = raw($http->bytes($method => $path, %$o, @body), $method, half_close => 1);
		ok(!$whole || $whole->status == (@body ? 400 : 200), "$what, half-closed after it: " . ($whole ? $whole->status : 'closed'));
	}
};

subtest 'slow clients' => sub {
	$t->server->nginx_change(sub ($text) { $text =~ s/client_(header|body)_timeout\s+[^;]+;/client_$1_timeout 2s;/gr });
	my @slow;
	for my $route (@reads, @writes) {
		my ($what, $method, $path, $o) = @$route;
		my $bytes = $http->bytes($method => $path, %$o, $method eq 'GET' ? () : (body => $good));
		# one stops in its headers, one in its body
		for my $at (30, $method eq 'GET' ? () : length($bytes) - 5) {
			my $c = $http->connect;
			$c->send(substr $bytes, 0, $at);
			push @slow, [ $c, "$what, stopped after $at bytes", $method ];
		}
	}
	is_status($t->hold($event), 201, 'they keep nobody waiting');
	for (@slow) {
		my ($c, $name, $method) = @$_;
		my $a = eval { $c->answer($method) };
		refused($a, '408 \w*|closed', $name);
		ok($c->closed, '… and the connection is closed');
		$c->close;
	}
	$t->server->nginx_change(sub ($text) { $text =~ s/client_(header|body)_timeout\s+[^;]+;/client_$1_timeout 10m;/gr });
};

subtest 'paths' => sub {
	my $id = $event->{id};
	for (
		[ "/v1/events%2F$id",                '404 not_found', 'a slash that is no border' ],
		[ "/v1/events/$id%2Fholds",          '(?:400|404) \w+' ],
		[ "/v1/events/$id%2Fholds%2F1",      '(?:400|404) \w+' ],
		[ "/v1/events/$id%252Fsessions",     '(?:400|404) \w+', 'encoded twice' ],
		[ "/v1/events/%2F$id",               '(?:400|404) \w+' ],
		[ "/v1/events/x%2F..%2F$id",         '404 not_found', 'a way up that is none' ],
		[ "$base%2Fsessions?limit=1",        '(?:400|404) \w+' ],
		[ "/v1%2Fevents/$id/sessions",       '404 not_found' ],
		[ "/v1/events/$id/",                 '404 not_found', 'a slash at the end' ],
		[ "/v1/%65vents/$id/%73essions",     '200 ', 'a letter is a letter' ],
		[ "/v1/events/$id%00",               '400 \w+' ],
		[ "/v1/events/%00",                  '400 \w+' ],
		[ "/v1/events/..%2F..%2Fetc/passwd", '(?:400|404) \w+' ],
		[ "/v1/..//../../etc/passwd",        '(?:400|404) \w+' ],
		[ '/v1/events/../../../..',          '(?:400|404) \w+' ],
		[ "/v1/events/$id/..%2f",            '(?:400|404) \w+' ],
		[ "/v1/events/%",                    '400 \w+' ],
		[ "/v1/events/%4",                   '400 \w+' ],
		[ "/v1/events/%zz",                  '400 \w+' ],
		[ "/v1/events/%ff%fe",               '(?:400|404) \w+', 'broken UTF-8' ],
		# neither is a key for nginx's cache, which would log an error and ask the database
		[ "/v1/events/" . 'a' x 3_400,       '(?:400|404) \w+', '3,400 letters' ],
		[ "/v1/events/" . 'a' x 7_000,       '400 bad_request', '7,000 letters' ],
		[ "/v1/events/" . '%c3%a4' x 1_200,  '400 bad_request', '7,000 letters once they are written so' ],
		[ "/v1/events/" . 'a' x 9_000,       '(?:414 |431 |400 )\w*', '9,000 letters' ],
		[ "/v1/events/$id;jsessionid=1",     '(?:400|404) \w+' ],
		[ "/V1/events/$id",                  '404 not_found', 'capitals' ],
		[ "/v1/events/-$id",                 '(?:400|404) \w+' ],
		[ "/v1/events/0$id",                 '(?:400|404) \w+' ],
		[ "/v1/events/$id.0",                '(?:400|404) \w+' ],
		[ "/v1/events/+$id",                 '(?:400|404) \w+' ],
		[ "/v1/events/ $id",                 '400 \w*|closed' ],
		[ "/v1/events/99999999999999999999", '(?:400|404) \w+' ],
		[ "$org%2Fevents",                   '(?:400|404) \w+' ],
		[ "$org%2fevents",                   '(?:400|404) \w+' ],
		[ "/v1/organizers/%2e%2e/events",    '200 ', 'a dot is a dot, and two lead up' ],
		[ "/v1/events/$id/tickets.csv%00",   '400 \w+' ],
		[ "/v1/events/$id/tickets%2Ecsv",    '200 ', 'a dot is a dot' ],
	) {
		my ($path, $want, $name) = @$_;
		my ($a) = raw($http->bytes(GET => $path, token => $mine));
		refused($a, $want, $name // $path);
	}
	is_status((raw($http->bytes(GET => "/v1//events/./x/../$id")))[0], 200, 'what leads there is there');
};

subtest 'queries' => sub {
	for my $read (@reads) {
		my ($what, undef, $path, $o) = @$read;
		for (
			[ 'x=1',                       'unknown_parameter' ],
			[ '=1',                        'unknown_parameter|invalid_request|bad_request' ],
			[ 'x',                         'unknown_parameter' ],
			[ '%00=1',                     'unknown_parameter|invalid_request|bad_request' ],
			[ 'x=' . 'y' x 5_000,          'unknown_parameter' ],
			[ join('&', map { "x$_=1" } 1 .. 500), 'unknown_parameter' ],
			[ 'access_token=a.b.c',        'unknown_parameter' ],
		) {
			my ($query, $code) = @$_;
			refused($http->get("$path?$query", %$o), "400 (?:$code)", "$what, ?" . substr $query, 0, 30);
		}
		is_status($http->get("$path?", %$o), 200, "$what, an empty query");
	}
	for my $pair ([ "$base/sessions", 'limit', 5 ], [ "$org/events", 'limit', 5 ], [ "$base/tickets.csv", 'session', 'main' ]) {
		my ($path, $name, $value) = @$pair;
		is_status($http->get("$path?$name=$value", token => $mine), 200, "$path: $name");
		refused($http->get("$path?$name=$value&$name=$value", token => $mine), '400 (?:invalid_request|bad_request|unknown_parameter)', '… twice');
		refused($http->get("$path?$name=", token => $mine), '400 invalid_request', '… empty');
		refused($http->get("$path?$name", token => $mine), '400 (?:invalid_request|bad_request)', '… without a value');
		refused($http->get("$path?$name=" . 'a' x 5_000, token => $mine), '400 (?:invalid_request|bad_request)', '… overlong');
		refused($http->get("$path?$name=%ff", token => $mine), '400 (?:invalid_request|bad_request)', '… broken UTF-8');
		refused($http->get("$path?$name=a%00b", token => $mine), '400 (?:invalid_request|bad_request)', '… with a NUL');
		refused($http->get("$path?$name=%", token => $mine), '400 (?:invalid_request|bad_request)', '… half an escape');
	}
};

# tests/http/tokens.t has the whole list, on one route: here what matters most, on each kind.
subtest 'tokens' => sub {
	my $k      = $t->tokens;
	my $header = { alg => 'HS256', typ => 'JWT', kid => $k->{hs_kid} };
	my $claims = $k->claims('organizer', org => $t->organizer);
	my $hs     = sign_hmac($k->{hs_secret});
	my $with   = sub (%c) { my %all = (%$claims, %c); delete @all{ grep { !defined $all{$_} } keys %all }; token_sign($header, \%all, $hs) };
	my $text   = sub ($json) { token_sign($header, $json, $hs) };
	my $pairs  = join ',', map { qq("$_":) . ($claims->{$_} =~ /^\d+$/ && $_ ne 'org' ? $claims->{$_} : qq("$claims->{$_}")) } sort keys %$claims;
	my @bad = (
		[ 'alg none',                    token_sign({ %$header, alg => 'none' }, $claims, sub ($text) { '' }) ],
		[ 'HS256 by the public PEM',     token_sign({ %$header, kid => $k->{es_kid} }, $claims, sign_hmac($k->{es_public})) ],
		[ 'kid a path',                  token_sign({ %$header, kid => '../../../../dev/null' }, $claims, sign_hmac('')) ],
		[ 'kid SQL',                     token_sign({ %$header, kid => "' OR 1=1 --" }, $claims, $hs) ],
		[ 'no exp',                      $with->(exp => undef) ],
		[ 'an audience in a list without us', $with->(aud => [ 'a', 'b' ]) ],
		[ 'nbf in an hour',              $with->(nbf => time + 3600) ],
		[ 'exp beyond all',              $text->("{$pairs}" =~ s/"exp":\d+/"exp":1e400/r) ],
		[ 'exp past 64 bits',            $text->("{$pairs}" =~ s/"exp":\d+/"exp":99999999999999999999/r) ],
		[ 'a claim twice, roles',        $text->("{$pairs,\"role\":\"admin\"}") ],
		[ 'a claim twice, subjects',     $text->("{$pairs,\"sub\":\"somebody\"}") ],
		[ 'a claim twice, once escaped', $text->("{$pairs,\"r\\u006fle\":\"admin\"}") ],
		[ 'deep claims',                 $text->("{$pairs,\"x\":" . '[' x 1_500 . ']' x 1_500 . '}') ],
		[ 'broken UTF-8 in a claim',     $text->("{$pairs,\"x\":\"\xff\"}") ],
		[ '6,000 bytes of nothing',      'x' x 6_000 ],
	);
	my @routes = ([ 'in a lane', POST => "$base/holds", $good ], [ 'an organizer\'s view', GET => "$org/events" ], [ 'an export', GET => "$base/tickets.csv" ], [ 'an organizer\'s patch', PATCH => $base, '{"summary":"y"}' ]);
	for my $route (@routes) {
		my ($what, $method, $path, $body) = @$route;
		for (@bad) {
			my ($name, $token) = @$_;
			my $a = $http->request($method => $path, token => $token, defined $body ? (body => $body) : ());
			refused($a, '401 token_invalid', "$what, $name");
		}
		my $a = $http->request($method => $path, token => $with->(aud => [ 'other', $k->{audience} ]), defined $body ? (body => $body) : ());
		cmp_ok($a->status, '<', 300, "$what: an audience in a list with us is good");
	}
	for (@bad) {
		my ($name, $token) = @$_;
		is_status($http->get($base, token => $token), 200, "a public page is the same for everybody: $name");
	}
};

is($t->metric('boxoffice_batch_bisect_total'), 0, 'no batch failed as a whole');
my ($faults) = grep { /status="500"/ } split /\n/, $t->client->get('/metrics')->body;
is($faults, undef, 'nothing was answered with 500');
$t->finish;
