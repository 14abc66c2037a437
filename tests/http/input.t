# Bad bodies of every kind: each is refused as what it is, names its field by JSON Pointer, has no effect,
# and never is a 500.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Schema qw(schema_faults);
use Boxoffice::Test;
use Encode qw(encode_utf8);

my $t     = Boxoffice::Test->start;
my $http  = $t->http;
my $event = $t->event(capacity => 1000);
my $holds = "/v1/events/$event->{id}/holds";

sub send_body ($body, %o) { return $http->request(POST => $o{to} // $holds, body => $body, %o) }

sub items ($text) { return qq({"items":[$text]}) }

my $good = '{"ticket_type":"general","quantity":1}';

# Not JSON at all: 400 malformed_json.
my @malformed = (
	[ 'nothing',                        '' ],
	[ 'a space',                        ' ' ],
	[ 'a word',                         'hello' ],
	[ 'half an object',                 '{"items":[' ],
	[ 'an object and more',             items($good) . '{}' ],
	[ 'an object and a NUL',            items($good) . "\0" ],
	[ 'a NUL before it',                "\0" . items($good) ],
	[ 'a comma too many in an object',  '{"items":[],}' ],
	[ 'a comma too many in a list',     items("$good,") ],
	[ 'no comma',                       items("$good $good") ],
	[ 'single quotes',                  "{'items':[]}" ],
	[ 'a member without quotes',        '{items:[]}' ],
	[ 'a comment',                      '/* */' . items($good) ],
	[ 'a byte order mark',              "\xef\xbb\xbf" . items($good) ],
	[ 'UTF-16',                         join '', map { "\0$_" } split //, items($good) ],
	[ 'a raw NUL in a string',          items(qq({"ticket_type":"gen\0eral","quantity":1})) ],
	[ 'a raw newline in a string',      items(qq({"ticket_type":"gen\neral","quantity":1})) ],
	[ 'a string without an end',        items('{"ticket_type":"general') ],
	[ 'an unknown escape',              items('{"ticket_type":"\\x41","quantity":1}') ],
	[ 'half an escape',                 items('{"ticket_type":"\\u00"}') ],
	[ 'a lonely high surrogate',        items('{"ticket_type":"\\ud800","quantity":1}') ],
	[ 'a lonely low surrogate',         items('{"ticket_type":"\\udc00","quantity":1}') ],
	[ 'broken UTF-8: a lonely byte',    items(qq({"ticket_type":"\xff","quantity":1})) ],
	[ 'broken UTF-8: cut short',        items(qq({"ticket_type":"\xc3","quantity":1})) ],
	[ 'broken UTF-8: overlong',         items(qq({"ticket_type":"\xc0\xaf","quantity":1})) ],
	[ 'broken UTF-8: a surrogate',      items(qq({"ticket_type":"\xed\xa0\x80","quantity":1})) ],
	[ 'broken UTF-8: past the last',    items(qq({"ticket_type":"\xf4\x90\x80\x80","quantity":1})) ],
	[ 'broken UTF-8 in a member\'s name', qq({"items":[$good],"\xff":1}) ],
	[ 'a number with a leading zero',   items('{"ticket_type":"general","quantity":01}') ],
	[ 'a number with a plus',           items('{"ticket_type":"general","quantity":+1}') ],
	[ 'a number that ends in a point',  items('{"ticket_type":"general","quantity":1.}') ],
	[ 'a number that starts with one',  items('{"ticket_type":"general","quantity":.5}') ],
	[ 'half an exponent',               items('{"ticket_type":"general","quantity":1e}') ],
	[ 'a hexadecimal number',           items('{"ticket_type":"general","quantity":0x1}') ],
	[ 'NaN',                            items('{"ticket_type":"general","quantity":NaN}') ],
	[ 'Infinity',                       items('{"ticket_type":"general","quantity":Infinity}') ],
	[ 'TRUE in capitals',               qq({"items":[$good],"partial":TRUE}) ],
	[ 'a formfeed between',             qq({"items":\f[$good]}) ],
	[ '10,000 lists in each other',     '[' x 10_000 . ']' x 10_000 ],
	[ '30,000 lists without an end',    '[' x 30_000 ],
	[ '5,000 objects in each other',    '{"a":' x 5_000 . '1' . '}' x 5_000 ],
);
for (@malformed) {
	my ($name, $body) = @$_;
	my $a = send_body($body);
	like($a->status . ' ' . $a->code, qr/^400 (malformed_json|invalid_request)$/, "malformed: $name") or diag substr $a->{raw}, 0, 600;
	is($a->code, 'malformed_json', "… and said so: $name") unless $name =~ /in each other|^nothing$|surrogate$/;
}

# JSON, but not by the contract: 400 invalid_request, and where.
my @invalid = (
	[ 'a list',                       "[$good]",                      [''] ],
	[ 'a string',                     '"items"',                      [''] ],
	[ 'a number',                     '1',                            [''] ],
	[ 'null',                         'null',                         [''] ],
	[ 'an empty object',              '{}',                           ['/items'] ],
	[ 'items null',                   '{"items":null}',               ['/items'] ],
	[ 'items an object',              qq({"items":$good}),            ['/items'] ],
	[ 'no items',                     items(''),                      ['/items'] ],
	[ '51 items',                     items(join ',', ($good) x 51),  ['/items'] ],
	[ 'an item that is null',         items("$good,null"),            ['/items/1'] ],
	[ 'an item that is a list',       items('[]'),                    ['/items/0'] ],
	[ 'an item without a type',       items('{"quantity":1}'),        ['/items/0/ticket_type'] ],
	[ 'an item without a quantity',   items('{"ticket_type":"general"}'), ['/items/0/quantity'] ],
	[ 'an unknown member',            qq({"items":[$good],"discount":100}), ['/discount'] ],
	[ 'an unknown member with / and ~', qq({"items":[$good],"a/b~c":1}), ['/a~1b~0c'] ],
	[ 'an unknown member in an item', items('{"ticket_type":"general","quantity":1,"prize":0}'), ['/items/0/prize'] ],
	[ 'a member twice',               qq({"items":[$good],"items":[$good]}), ['/items'] ],
	[ 'a member twice in an item',    items('{"ticket_type":"general","quantity":1,"quantity":2}'), ['/items/0/quantity'] ],
	[ 'a member twice, once escaped', items('{"ticket_type":"general","quantity":1,"quan\\u0074ity":2}'), ['/items/0/quantity'] ],
	[ 'quantity 0',                   items('{"ticket_type":"general","quantity":0}'), ['/items/0/quantity'] ],
	[ 'quantity -1',                  items('{"ticket_type":"general","quantity":-1}'), ['/items/0/quantity'] ],
	[ 'quantity -0',                  items('{"ticket_type":"general","quantity":-0}'), ['/items/0/quantity'] ],
	[ 'quantity 1001',                items('{"ticket_type":"general","quantity":1001}'), ['/items/0/quantity'] ],
	[ 'quantity 1.5',                 items('{"ticket_type":"general","quantity":1.5}'), ['/items/0/quantity'] ],
	[ 'quantity 2^31',                items('{"ticket_type":"general","quantity":2147483648}'), ['/items/0/quantity'] ],
	[ 'quantity 2^32 + 1',            items('{"ticket_type":"general","quantity":4294967297}'), ['/items/0/quantity'] ],
	[ 'quantity 2^63',                items('{"ticket_type":"general","quantity":9223372036854775808}'), ['/items/0/quantity'] ],
	[ 'quantity 2^64 + 1',            items('{"ticket_type":"general","quantity":18446744073709551617}'), ['/items/0/quantity'] ],
	[ 'quantity of a thousand digits', items('{"ticket_type":"general","quantity":' . '9' x 1000 . '}'), ['/items/0/quantity'] ],
	[ 'quantity 1e400',               items('{"ticket_type":"general","quantity":1e400}'), ['/items/0/quantity'] ],
	[ 'quantity 1e-400',              items('{"ticket_type":"general","quantity":1e-400}'), ['/items/0/quantity'] ],
	[ 'quantity a string',            items('{"ticket_type":"general","quantity":"1"}'), ['/items/0/quantity'] ],
	[ 'quantity true',                items('{"ticket_type":"general","quantity":true}'), ['/items/0/quantity'] ],
	[ 'quantity null',                items('{"ticket_type":"general","quantity":null}'), ['/items/0/quantity'] ],
	[ 'quantity a list',              items('{"ticket_type":"general","quantity":[1]}'), ['/items/0/quantity'] ],
	[ 'type a number',                items('{"ticket_type":1,"quantity":1}'), ['/items/0/ticket_type'] ],
	[ 'type empty',                   items('{"ticket_type":"","quantity":1}'), ['/items/0/ticket_type'] ],
	[ 'type with a NUL',              items('{"ticket_type":"gen\\u0000eral","quantity":1}'), ['/items/0/ticket_type'] ],
	[ 'type with capitals',           items('{"ticket_type":"General","quantity":1}'), ['/items/0/ticket_type'] ],
	[ 'type of 10,000 letters',       items('{"ticket_type":"' . 'a' x 10_000 . '","quantity":1}'), ['/items/0/ticket_type'] ],
	[ 'type that is SQL',             items(q({"ticket_type":"'; DROP TABLE boxoffice.hold; --","quantity":1})), ['/items/0/ticket_type'] ],
	[ 'session a list',               items('{"ticket_type":"general","session":["main"],"quantity":1}'), ['/items/0/session'] ],
	[ 'partial a string',             qq({"items":[$good],"partial":"yes"}), ['/partial'] ],
	[ 'partial 1',                    qq({"items":[$good],"partial":1}), ['/partial'] ],
	[ 'a channel that is none',       qq({"items":[$good],"channel":"back door"}), ['/channel'] ],
	[ 'a role smuggled in',           qq({"items":[$good],"role":"admin"}), ['/role'] ],
	[ 'two faults at once',           items('{"ticket_type":"general","quantity":0},{"ticket_type":7,"quantity":1}'), [ '/items/0/quantity', '/items/1/ticket_type' ] ],
);
for (@invalid) {
	my ($name, $body, $pointers) = @$_;
	my $a = send_body($body);
	is_problem($a, 400, 'invalid_request', "invalid: $name") or next;
	is_deeply([ sort map { $_->{pointer} // '' } @{ $a->json->{errors} // [] } ], $pointers, "… where: $name");
}

# A whole number may be written otherwise, and what is well-formed is read as what it says.
for ([ '1.0', items('{"ticket_type":"general","quantity":1.0}') ], [ '1e0', items('{"ticket_type":"general","quantity":1e0}') ]) {
	like(send_body($_->[1])->status, qr/^(201|400)$/, "a quantity written $_->[0] is taken or refused, not misread");
}
is_status(send_body(items('{"\\u0074icket_type":"gener\\u0061l","quantity":1,"session":null}') . " \t\r\n"), 201, 'escapes, null and spaces are fine');

# Faults have a limit, and so has what is said of them.
my $many = send_body('{"items":[' . join(',', ('{"ticket_type":7,"quantity":0}') x 50) . ']}');
is_problem($many, 400, 'invalid_request', 'a hundred faults');
cmp_ok(scalar @{ $many->json->{errors} }, '<=', 16, 'of which 16 are named');
my $echo = send_body('{"items":[],"' . 'x' x 5000 . '":1}');
is_problem($echo, 400, 'invalid_request', 'a member with a name of 5,000 letters');
cmp_ok(length $echo->body, '<', 10_000, 'is not thrown back whole');
my $quoted = send_body(encode_utf8(qq({"items":[$good],"\\"}<script>\\u2028é😀":1})));
is_problem($quoted, 400, 'invalid_request', 'a member that wants to break out of the answer');

# What people write: nothing that does not show. The contract's pattern and the server are of one opinion about each character.
my $mine = $t->organizer_token;
my $named = $t->event;
my $base = "/v1/events/$named->{id}";
my $summary = sub ($text) { return $http->patch($base, { summary => $text }, token => $mine) };
my $document = $t->{openapi}{document}{components}{schemas};
my @edges = map { my ($from, $to) = @$_; ($from - 1, $from, $to, $to + 1) } [ 0x01, 0x20 ], [ 0x7f, 0xa0 ], [ 0xad, 0xad ], [ 0x34f, 0x34f ],
	[ 0x61c, 0x61c ], [ 0x115f, 0x1160 ], [ 0x1680, 0x1680 ], [ 0x17b4, 0x17b5 ], [ 0x180b, 0x180f ], [ 0x2000, 0x200f ], [ 0x2028, 0x202f ],
	[ 0x205f, 0x206f ], [ 0x2800, 0x2800 ], [ 0x3000, 0x3000 ], [ 0x3164, 0x3164 ], [ 0xfe00, 0xfe0f ], [ 0xfeff, 0xfeff ], [ 0xffa0, 0xffa0 ], [ 0x1f600, 0x1f600 ];
my (@apart, %taken);
for my $code (grep { $_ > 0 } @edges) {
	for my $text (chr $code, 'a' . chr($code) . 'b') {
		my $is = $summary->($text)->status;
		push @apart, sprintf '%s: %d', join(' ', map { sprintf 'U+%04X', ord } split //, $text), $is
			if $is != (schema_faults($text, $document->{Summary}, $document) ? 400 : 200);
		$taken{ length $text }{$is}++;
	}
}
is_deeply(\@apart, [], 'contract and server agree');
ok($taken{1}{200} && $taken{1}{400} && $taken{3}{200} && $taken{3}{400}, 'about characters of every kind');
is($summary->("  \x{a0}Ada ")->json->{summary}, "  \x{a0}Ada ", 'blanks at the ends stay');
my $order = $t->order($named, $t->hold($named)->json)->json;
for my $blank (' ', "\x{a0}", "\x{200b}\x{200d}", "\x{3000} ", "\t", "\n") {
	my $name = join ' ', map { sprintf 'U+%04X', ord } split //, $blank;
	my %by = (token => $mine, key => uuid());
	for (
		[ 'an event',   PATCH => $base,                            { name => $blank },                                                  '/name' ],
		[ 'a contact',  PATCH => "$base/orders/$order->{id}/contact", { name => $blank },                                               '/name' ],
		[ 'a holder',   PATCH => "$base/orders/$order->{id}/holders", { holders => [ { ticket => $order->{tickets}[0]{id}, name => $blank } ] }, '/holders/0/name' ],
		[ 'a note',     POST  => "$base/orders/$order->{id}/notes",   { text => $blank },                                               '/text' ],
		[ 'an organizer', POST => '/v1/organizers',                { slug => 'blank', name => $blank },                                 '/name' ],
		[ 'a block',    POST  => "$base/blocks",                   { channel => 'house', reason => $blank, items => [ { pool => 'house', quantity => 1 } ] }, '/reason' ],
	) {
		my ($of, $method, $path, $body, $pointer) = @$_;
		my $a = $http->request($method => $path, json => $body, %by, $of eq 'an organizer' ? (token => $t->token('admin')) : ());
		is_problem($a, 400, 'invalid_request', "$of of $name");
		is_deeply([ map { "$_->{pointer} $_->{reason}" } @{ $a->json->{errors} } ], ["$pointer format"], '… where and why');
	}
	is_problem($t->order($named, $t->hold($named)->json, contact => { name => $blank, email => 'a@example.org' }), 400, 'invalid_request', "a buyer of $name");
}

# Addresses.
my @addresses = (
	[ '/v1/events/0/holds',                        qr/^(400 invalid_request|404 not_found)$/ ],
	[ '/v1/events/-1/holds',                       qr/^(400 invalid_request|404 not_found)$/ ],
	[ '/v1/events/9223372036854775808/holds',      qr/^(400 invalid_request|404 not_found)$/ ],
	[ '/v1/events/9223372036854775807/holds',      qr/^404 not_found$/ ],
	[ '/v1/events/' . '9' x 200 . '/holds',        qr/^(400 invalid_request|404 not_found)$/ ],
	[ '/v1/events/abc/holds',                      qr/^(400 invalid_request|404 not_found)$/ ],
	[ '/v1/events/1%00/holds',                     qr/^(400 \w+|404 not_found)$/ ],
	[ '/v1/events/%ff/holds',                      qr/^(400 \w+|404 not_found)$/ ],
	[ '/v1/events/%2e%2e/holds',                   qr/^(400 \w+|404 not_found)$/ ],
	[ '/v1/events/1/../../etc/passwd',             qr/^404 not_found$/ ],
	[ "/v1/events/1'%20OR%201=1/holds",            qr/^(400 invalid_request|404 not_found)$/ ],
	[ '/v1/events//holds',                         qr/^(404 not_found|405 method_not_allowed)$/ ],
	[ "/v1/events/$event->{id}/holds/",            qr/^(404 not_found|405 method_not_allowed)$/ ],
	[ "/v1/events/$event->{id}/holdsx",            qr/^404 not_found$/ ],
	[ '/v2/events',                                qr/^404 not_found$/ ],
	[ '/',                                         qr/^404 not_found$/ ],
);
for (@addresses) {
	my ($path, $want) = @$_;
	my $a = send_body(items($good), to => $path);
	like($a->status . ' ' . $a->code, $want, "POST $path");
}
is_problem(send_body(items($good), to => "$holds?x=1"), 400, 'unknown_parameter', 'a parameter that nobody declared');
for ("limit=0", "limit=101", "limit=x", "limit=", "limit=1&limit=2", "limit=1%00", "limit=99999999999999999999", 'cursor=%ff', 'cursor=' . 'a' x 300,
	'from=tomorrow', 'from=2027-02-30T00:00:00Z', 'from=2027-01-01', 'limit') {
	my $a = $http->get("/v1/events/$event->{id}/sessions?$_");
	like($a->status . ' ' . $a->code, qr/^400 (invalid_request|unknown_parameter|bad_request)$/, "sessions?$_") or diag $a->{raw};
}
is_status($http->get("/v1/events/$event->{id}/sessions?limit=1&from=2020-01-01T00:00:00%2B02:00"), 200, 'sessions with good parameters');
is_status($http->get("/v1/events/$event->{id}/sessions?limit=1&from=2020-01-01T00:00:00+02:00"), 200, 'a time as answers have it, not escaped');

# Media types and sizes.
is_problem($http->request(POST => $holds, body => items($good), headers => [ 'Content-Type' => $_ ]), 415, 'unsupported_media', "type $_")
	for 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'multipart/form-data; boundary=x', '';
is_status($http->request(POST => $holds, body => items($good), headers => [ 'Content-Type' => $_ ]), 201, "type $_")
	for 'application/json; charset=utf-8', 'Application/JSON';
is_problem($http->request(POST => $holds, headers => [ 'Content-Length' => 0 ]), 400, 'invalid_request', 'no body and no type');
$t->expect_log(qr/client intended to send too large body/);
for my $size (40_000, 2_000_000) {
	my $a = send_body(items($good) . ' ' x $size);
	is_problem($a, 413, 'body_too_large', "a body of $size bytes");
	$http->forget;
}
my $zip = send_body(items($good), headers => [ 'Content-Type' => 'application/json', 'Content-Encoding' => 'gzip' ]);
like($zip->status, qr/^(201|400|415)$/, 'a body that says it is compressed');

# None of all this had an effect but the good ones.
my $held = $t->server->value('SELECT held FROM boxoffice.stock WHERE event_id = ?', $event->{id});
my $made = $t->server->value('SELECT count(*) FROM boxoffice.hold WHERE event_id = ?', $event->{id});
cmp_ok($held, '<=', 6, "only the good ones took places: $held");
is($made, $held, 'one hold each');
is($t->metric('boxoffice_batch_bisect_total'), 0, 'no batch failed as a whole');

$t->finish;
