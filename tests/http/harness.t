# The harness itself: a checker that passes everything would make every other test worthless.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Schema qw(schema_faults);
use Boxoffice::Token  qw(token_sign sign_hmac);
use Cpanel::JSON::XS  qw(decode_json);
use MIME::Base64      qw(decode_base64url);
use Test::More;

my $document = { components => { schemas => { Id => { type => 'string', pattern => '^[1-9][0-9]*$' } } } };

# schema, value, what it finds (the beginning of its only sentence; '' for nothing)
my @table = (
	[ { type => 'integer' }, '1',   '' ],
	[ { type => 'integer' }, '1.5', ': is number' ],
	[ { type => 'integer' }, '"1"', ': is string' ],
	[ { type => 'number' },  '1',   '' ],
	[ { type => 'boolean' }, 'true', '' ],
	[ { type => 'boolean' }, '1',    ': is integer' ],
	[ { type => [ 'string', 'null' ] }, 'null', '' ],
	[ { type => [ 'string', 'null' ] }, '[]',   ': is array' ],
	[ { enum => [ 'a', 'b' ] }, '"c"', ': "c" is none' ],
	[ { const => 'a' }, '"b"', ': is not' ],
	[ { type => 'integer', minimum => 1 }, '0', ': 0 is below' ],
	[ { type => 'integer', maximum => 1 }, '2', ': 2 is above' ],
	[ { minLength => 2 }, '"a"',   ": 'a' is too short" ],
	[ { maxLength => 2 }, '"abc"', ": 'abc' is too long" ],
	[ { maxLength => 2 }, '"\u00e9\u00e9"', '' ],
	[ { pattern => '^a$' }, '"b"', ": 'b' is no match" ],
	[ { pattern => '^[^\u0000-\u001f]*$' }, '"a\nb"', ": 'a\nb' is no match" ],
	[ { pattern => '^[^\u0000-\u001f]*$' }, '"u"',   '' ],
	[ { pattern => '^a$' }, '"a\n"', ": 'a\n' is no match" ],
	[ { format => 'date-time' }, '"2027-06-23T18:00:00+01:00"', '' ],
	[ { format => 'date-time' }, '"2027-06-23 18:00:00"',       ": '2027" ],
	[ { type => 'array', items => { type => 'integer' } }, '[1,"a"]', '/1: is string' ],
	[ { minItems => 1 }, '[]', ': too few' ],
	[ { type => 'object', required => ['a'] }, '{}', ": has no member 'a'" ],
	[ { properties => { a => { type => 'integer' } } }, '{"a":null}', '/a: is null' ],
	[ { properties => { a => {} }, additionalProperties => \0 }, '{"a":1,"b":2}', ": has a member 'b'" ],
	[ { additionalProperties => { type => 'integer' } }, '{"b":"x"}', '/b: is string' ],
	[ { '$ref' => '#/components/schemas/Id' }, '"0"', ": '0' is no match" ],
	[ { anyOf => [ { type => 'null' }, { '$ref' => '#/components/schemas/Id' } ] }, '"12"', '' ],
	[ { anyOf => [ { type => 'null' }, { '$ref' => '#/components/schemas/Id' } ] }, '12', ': fits none' ],
	[ { oneOf => [ { type => 'integer' }, { minimum => 1 } ] }, '1', ': fits 2' ],
	[ { allOf => [ { type => 'integer' }, { minimum => 1 } ] }, '0', ': 0 is below' ],
);
for my $row (@table) {
	my ($schema, $text, $want) = @$row;
	$schema = { %$schema, additionalProperties => Cpanel::JSON::XS::false() } if ref(($schema->{additionalProperties} // '')) eq 'SCALAR';
	my @faults = schema_faults(Cpanel::JSON::XS->new->allow_nonref->decode($text), $schema, $document);
	my $name = "$text by " . Cpanel::JSON::XS->new->canonical->encode($schema);
	if ($want eq '') { is_deeply(\@faults, [], "$name: fits") }
	else             { ok(@faults == 1 && index($faults[0], $want) == 0, "$name: $want") or diag "@faults" }
}
ok(!eval { schema_faults(1, { sometimes => 1 }, {}); 1 }, 'a keyword that is not known is not passed over');

# RFC 7515, appendix A.1: its key, signing input and signature.
my $secret = decode_base64url('AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow');
my $token  = token_sign("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
	"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}", sign_hmac($secret));
is((split /\./, $token)[2], 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', 'signs as RFC 7515 says');

done_testing;
