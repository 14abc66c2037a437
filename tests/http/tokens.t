# Tokens: who gets in, and every trick that must not. Each refusal is a problem document, 401 with
# WWW-Authenticate, and never says which check failed to whoever forges.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Boxoffice::Token qw(token_sign token_parts sign_hmac sign_ecdsa);
use MIME::Base64     qw(encode_base64url decode_base64url);
use Time::HiRes      qw(sleep);

my $t    = Boxoffice::Test->start;
my $http = $t->http;
my $k    = $t->tokens;
my $org  = $t->organizer;
my $url  = "/v1/organizers/$org/events";

my $claims = $k->claims('organizer', org => $org);
my $header = { alg => 'HS256', typ => 'JWT', kid => $k->{hs_kid} };
my $hs     = sign_hmac($k->{hs_secret});
my $es     = sign_ecdsa($k->{es_private});
my $good   = token_sign($header, $claims, $hs);

# A token with some claims changed; undef takes one away.
sub claiming (%claims) {
	return token_sign($header, $k->claims('organizer', org => $org, %claims), $hs);
}

# A token with some of its header changed, properly signed with the HS256 secret.
sub heading (%change) {
	my %all = (%$header, %change);
	delete @all{ grep { !defined $all{$_} } keys %all };
	return token_sign(\%all, $claims, $hs);
}

sub changed ($token, $part, $change) {
	my @parts = token_parts($token);
	$parts[$part] = $change->($parts[$part]);
	return join '.', @parts;
}

sub asked ($token) {
	return $http->get($url, token => $token);
}

# Who gets in.
my $now = time;
my @good = (
	[ 'HS256',                                       $good ],
	[ 'ES256',                                       $k->es256('organizer', org => $org) ],
	[ 'an admin',                                    $k->hs256('admin') ],
	[ 'aud as a list that has ours',                 claiming(aud => [ 'other', $k->{audience} ]) ],
	[ 'expired, within the leeway',                  sub { claiming(exp => time - 2) } ],
	[ 'not valid yet, within the leeway',            sub { claiming(nbf => time + 28) } ],
	[ 'claims nobody knows',                         claiming(flavour => { of => ['ice'] }) ],
	[ 'no typ in the header',                        heading(typ => undef) ],
);
is_status(asked(ref $_->[1] ? $_->[1]->() : $_->[1]), 200, "let in: $_->[0]") for @good;
is_status($http->get($url, headers => [ Authorization => "bearer $good" ]), 200, 'let in: the scheme in lower case');

# Who does not. What is forged, the token.
my $pem    = $k->{es_public};
my $der    = decode_base64url(($pem =~ s/-----[^-]+-----|\s//gr) =~ tr{+/}{-_}r);
my $es_tok = $k->es256('organizer', org => $org);
my $none   = sub ($alg) { token_sign({ %$header, alg => $alg }, $claims, sub ($text) { '' }) };
my $es_raw = sub ($signature) { token_sign({ alg => 'ES256', kid => $k->{es_kid} }, $claims, sub ($text) { $signature }) };
my @forged = (
	[ 'nothing but dots',             '..' ],
	[ 'one part',                     'abc' ],
	[ 'two parts',                    join('.', (token_parts($good))[ 0, 1 ]) ],
	[ 'four parts',                   "$good.abc" ],
	[ 'an empty signature',           changed($good, 2, sub ($p) { '' }) ],
	[ 'an empty payload',             changed($good, 1, sub ($p) { '' }) ],
	[ 'an empty header',              changed($good, 0, sub ($p) { '' }) ],
	[ 'letters that are not base64',  changed($good, 1, sub ($p) { "$p!*" }) ],
	[ 'a changed payload',            changed($good, 1, sub ($p) { encode_base64url(decode_base64url($p) =~ s/organizer/admin/r) }) ],
	[ 'a changed signature',          changed($good, 2, sub ($p) { $p =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/er }) ],
	[ 'a cut signature',              changed($good, 2, sub ($p) { substr $p, 0, 20 }) ],
	[ 'another secret',               token_sign($header, $claims, sign_hmac('not the secret')) ],
	[ 'an empty secret',              token_sign($header, $claims, sign_hmac('')) ],
	[ 'alg none',                     $none->('none') ],
	[ 'alg None',                     $none->('None') ],
	[ 'alg NONE with a signature',    heading(alg => 'NONE') ],
	[ 'alg empty',                    $none->('') ],
	[ 'no alg',                       heading(alg => undef) ],
	[ 'alg a number',                 heading(alg => 256) ],
	[ 'alg in lower case',            heading(alg => 'hs256') ],
	[ 'HS384 with the right secret',  token_sign({ %$header, alg => 'HS384' }, $claims, sign_hmac($k->{hs_secret}, 384)) ],
	[ 'HS512 with the right secret',  token_sign({ %$header, alg => 'HS512' }, $claims, sign_hmac($k->{hs_secret}, 512)) ],
	[ 'RS256',                        heading(alg => 'RS256') ],
	[ 'HS256 by the public PEM, kid of ES256', token_sign({ %$header, kid => $k->{es_kid} }, $claims, sign_hmac($pem)) ],
	[ 'the same without the PEM\'s last newline', token_sign({ %$header, kid => $k->{es_kid} }, $claims, sign_hmac($pem =~ s/\n\z//r)) ],
	[ 'HS256 by the public DER, kid of ES256', token_sign({ %$header, kid => $k->{es_kid} }, $claims, sign_hmac($der)) ],
	[ 'HS256 by the public PEM, kid of HS256', token_sign($header, $claims, sign_hmac($pem)) ],
	[ 'HS256 by its secret, kid of ES256',     heading(kid => $k->{es_kid}) ],
	[ 'ES256 with the kid of HS256',  token_sign({ alg => 'ES256', kid => $k->{hs_kid} }, $claims, $es) ],
	[ 'ES256 by the HS256 secret',    token_sign({ alg => 'ES256', kid => $k->{es_kid} }, $claims, $hs) ],
	[ 'ES256 with r and s zero',      $es_raw->("\0" x 64) ],
	[ 'ES256 with a byte too few',    changed($es_tok, 2, sub ($p) { encode_base64url(substr decode_base64url($p), 0, 63) }) ],
	[ 'ES256 with a byte too many',   changed($es_tok, 2, sub ($p) { encode_base64url(decode_base64url($p) . 'x') }) ],
	[ 'ES256 with ones',              $es_raw->("\xff" x 64) ],
	[ 'ES256 with no signature',      $es_raw->('') ],
	[ 'ES256 of another text',        join('.', (token_parts($k->es256('admin')))[ 0, 1 ], (token_parts($es_tok))[2]) ],
	[ 'no kid',                       heading(kid => undef) ],
	[ 'an unknown kid',               heading(kid => 'nobody') ],
	[ 'an empty kid',                 heading(kid => '') ],
	[ 'kid a number',                 heading(kid => 1) ],
	[ 'kid a list',                   heading(kid => [ $k->{hs_kid} ]) ],
	[ 'kid a path',                   heading(kid => '../../../../dev/null') ],
	[ 'kid with a NUL',               heading(kid => "$k->{hs_kid}\0") ],
	[ 'crit that nobody understands', heading(crit => ['exp']) ],
	[ 'a key of its own in jwk',      token_sign({ %$header, kid => 'mine', jwk => { kty => 'oct', k => 'bWluZQ' } }, $claims, sign_hmac('mine')) ],
	[ 'the header a list',            token_sign('["HS256"]', $claims, $hs) ],
	[ 'the header not JSON',          token_sign('HS256', $claims, $hs) ],
	[ 'the header with two alg',      token_sign(qq({"alg":"none","alg":"HS256","kid":"$k->{hs_kid}"}), $claims, $hs) ],
	[ 'the payload a list',           token_sign($header, '["admin"]', $hs) ],
	[ 'the payload a string',         token_sign($header, '"admin"', $hs) ],
	[ 'the payload not JSON',         token_sign($header, 'admin', $hs) ],
	[ 'the payload broken UTF-8',     token_sign($header, qq({"sub":"\xff"}), $hs) ],
	[ 'another issuer',               claiming(iss => 'https://evil.example') ],
	[ 'no issuer',                    claiming(iss => undef) ],
	[ 'the issuer in a list',         claiming(iss => [ $k->{issuer} ]) ],
	[ 'another audience',             claiming(aud => 'other') ],
	[ 'no audience',                  claiming(aud => undef) ],
	[ 'a list without our audience',  claiming(aud => [ 'a', 'b' ]) ],
	[ 'an empty list of audiences',   claiming(aud => []) ],
	[ 'audience a number',            claiming(aud => 7) ],
	[ 'no exp',                       claiming(exp => undef) ],
	[ 'exp a string',                 claiming(exp => '' . ($now + 3600)) ],
	[ 'exp true',                     claiming(exp => \1) ],
	[ 'not valid for an hour',        claiming(nbf => $now + 3600) ],
	[ 'nbf a string',                 claiming(nbf => 'today') ],
	[ 'a role that is none',          claiming(role => 'god') ],
	[ 'the role in a list',           claiming(role => ['admin']) ],
	[ 'the role with a NUL',          token_sign($header, qq({"iss":"$k->{issuer}","aud":"$k->{audience}","sub":"x","role":"admin\\u0000","exp":9999999999}), $hs) ],
	[ 'no subject',                   claiming(sub => undef) ],
	[ 'an empty subject',             claiming(sub => '') ],
	[ 'a subject with a NUL',         claiming(sub => "a\0b") ],
	[ 'a subject that is no string',  claiming(sub => { is => 'me' }) ],
	[ 'org not a number',             claiming(org => 'all') ],
	[ 'org a list',                   claiming(org => [$org]) ],
);
for (@forged) {
	my ($name, $token) = @$_;
	my $answer = asked($token);
	is_problem($answer, 401, 'token_invalid', "kept out: $name");
	like($answer->header('WWW-Authenticate'), qr/^Bearer\b/, "… with WWW-Authenticate: $name");
}

# Expired is said so: the client can get a new one.
for ([ 'an hour ago', $now - 3600 ], [ 'past the leeway', $now - 120 ], [ 'in 1970', 1 ]) {
	is_problem(asked(claiming(exp => $_->[1])), 401, 'token_expired', "kept out: expired $_->[0]");
}
# … but only to who could sign it.
is_problem(asked(token_sign($header, $k->claims('organizer', exp => 1), sign_hmac('x'))), 401, 'token_invalid',
	'kept out: expired and forged');

# No token at all.
is_problem($http->get($url), 401, 'token_missing', 'no token');
for ('', 'Bearer', 'Bearer ', 'Basic YTpi') {
	my $answer = $http->get($url, headers => [ Authorization => $_ ]);
	is($answer->status, 401, "nothing of use in '$_'");
	like($answer->code, qr/^token_(missing|invalid)$/, '… and says so');
}
is_problem($http->get("$url?access_token=$good"), 400, 'unknown_parameter', 'a token in the address is not looked at');

# A token that is cached as good still ends.
my $ending;
for my $left (3, 6, 12, 24) {    # seconds; more where asking takes so long
	$ending = claiming(exp => time - 30 + $left);
	last if 2 == grep { asked($ending)->status == 200 } 1, 2;
}
continue { $ending = undef }
ok(defined $ending, 'a token before its end, twice');
wait_until(sub { asked($ending)->status == 401 }, 'the cached token ends');
is_problem(asked($ending), 401, 'token_expired', 'and after it, though it was cached');

# A forged token is not taken for the good one that was cached, nor kept as good itself.
for (1 .. 2) {
	is_status(asked($good), 200, 'the good token');
	is_problem(asked(changed($good, 2, sub ($p) { ucfirst lc $p })), 401, 'token_invalid', 'its like with another signature');
}

# Signed, but not allowed.
my $event = $t->event;
is_problem($http->get($url, token => $k->hs256($_)), 403, 'forbidden', "no business of a $_") for qw(customer scanner public);
is_problem(asked(claiming(role => undef)), 403, 'forbidden', 'nor of one without a role');
is_problem($http->get($url, token => $k->hs256('organizer', org => next_id($org))), 404, 'not_found',
	'another organizer\'s are not there');
is_problem($http->post("/v1/events/$event->{id}/pause", undef, key => uuid(), token => $k->hs256('organizer', org => next_id($org))),
	404, 'not_found', '… to be changed either');
is_problem($http->post('/v1/organizers', { slug => 'x', name => 'X' }, token => $k->hs256('customer'), key => uuid()),
	403, 'forbidden', 'a customer makes no organizer');

# On a route for everybody a bad token is refused, where it would have counted, and ignored where it would not.
is_problem($t->hold($event, token => "$good.x"), 401, 'token_invalid', 'a hold with a bad token');
is_status($http->get("/v1/events/$event->{id}", token => "$good.x"), 200, 'a public page with a bad token');

# A token that was lost is denied before it ends, also where it is cached as good: on each worker at once.
subtest 'denied' => sub {
	my $office = $t->client(socket => $t->server->{settings}{WEB_SOCKETS} . '/admin.sock');
	my $deny   = sub ($query, $token) { $office->request(POST => "/deny?$query", defined $token ? (token => $token) : ()) };
	my $until  = time + 600;
	my $lost   = claiming(jti => 'lost-1');
	my $left   = claiming(sub => 'left the house');
	for ($lost, $left) {
		my @answers = $http->all(map { [ GET => $url, { token => $_ } ] } ($_) x 20);
		is_deeply([ grep { $_->status != 200 } @answers ], [], 'good everywhere');
	}
	is_problem($deny->("jti=lost-1&until=$until", undef), 401, 'token_missing', 'nobody denies');
	is_problem($deny->("jti=lost-1&until=$until", $good), 403, 'forbidden', 'nor does an organizer');
	is_problem($deny->("jti=x&sub=y&until=$until", $k->hs256('admin')), 400, 'invalid_request', 'nor two at once');
	is_problem($deny->("jti=lost-1&until=1", $k->hs256('admin')), 400, 'invalid_request', 'nor can it be done for the past');
	is_status($deny->("jti=lost-1&until=$until", $k->hs256('admin')), 204, 'an administrator denies a token');
	is_status($deny->("sub=left%20the%20house&until=$until", $k->hs256('admin')), 204, '… and a person');
	for my $token ($lost, $left) {
		my @answers = $http->all(map { [ GET => $url, { token => $token } ] } 1 .. 20);
		is_deeply([ grep { $_->status . $_->code ne '401token_invalid' } @answers ], [], 'kept out by each worker');
	}
	is_status(asked(claiming(jti => 'another')), 200, 'others are not');
	$t->server->nginx_reload;
	wait_until(sub { $t->server->worker_pids == 2 }, 'the old workers have gone');
	is_problem(asked($lost), 401, 'token_invalid', 'nor is it forgotten by a reload');
};

# Keys go in and out by reloads, while requests come: a new one is good beside the old ones, and what a key signed is good
# no longer than the key, also where the token was kept as good.
subtest 'another key' => sub {
	my $server = $t->server;
	my $pem    = "$server->{prefix}/next.pem";
	system("openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $pem && openssl pkey -in $pem -pubout -out $pem.pub && chmod 0644 $pem.pub") == 0 or die "openssl\n";
	my $next   = token_sign({ alg => 'ES256', typ => 'JWT', kid => 'next' }, $claims, sign_ecdsa($pem));
	my $reload = sub ($change) {
		$server->nginx_rewrite($change);
		$server->nginx_reload;
		wait_until(sub { $server->worker_pids == 2 }, 'the old workers have gone');
		$http->forget;
	};
	my $wrong = sub ($token) { join ' ', grep { $_ ne 200 } map { $_->status } $http->all(map { [ GET => $url, { token => $token } ] } 1 .. 20) };
	is_problem(asked($next), 401, 'token_invalid', 'a key that is not there yet');
	$reload->(sub ($text) { $text =~ s/^(\s*)(?=boxoffice_token_key )/$1boxoffice_token_key next ES256 file=$pem.pub;\n$1/mr });
	is($wrong->($_), '', 'good by each worker') for $next, $good, $k->es256('organizer', org => $org);
	$reload->(sub ($text) { $text =~ s/^\s*boxoffice_token_key next .*\n//mr });
	is_problem(asked($next), 401, 'token_invalid', 'its tokens have gone with it');
	is($wrong->($good), '', 'others have not');
};

# Lengths.
my $long = $http->get($url, token => 'a' x 6000);
cmp_ok($long->status, '>=', 400, 'a token of 6,000 bytes');
cmp_ok($long->status, '<',  500, '… is the client\'s fault');
$http->forget;
my $huge = $http->get($url, token => 'a' x 60_000);
like($huge->status, qr/^4(00|01|31)$/, 'a token of 60,000 bytes');

$t->finish;
