# What every route of the contract does with callers who may not, addresses that are none, bodies that are none and
# clients that leave. It reads the contract, so a route that is added is tested the day it is added.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Boxoffice::Token qw(token_sign sign_hmac);
use Cpanel::JSON::XS qw(decode_json);

my $t      = Boxoffice::Test->start;
# HEAD of what streams ends at its first row
$t->expect_log(qr/connection to client lost/);
my $http   = $t->http;
my $event  = $t->event(test => \1);
my $hold   = $t->hold($event)->json;
my $order  = $t->order($event, $t->hold($event)->json)->json;
my $forged = token_sign({ alg => 'HS256', kid => $t->tokens->{hs_kid} }, $t->tokens->claims('admin'), sign_hmac('not it'));
my @roles  = qw(public customer organizer scanner support admin);

# The things that parameters of a path may name.
my %real = (organizer => $t->organizer, event => $event->{id}, hold => $hold->{id}, order => $order->{id},
	ticket => $order->{tickets}[0]{id}, code => $order->{code}, session => 'main', ticket_type => 'general', pool => 'house',
	stock => 1, block => 1, venue => 1, note => 1, subject => 'nobody');

sub address ($path, %part) {
	return $path =~ s/\{(\w+)\}/$part{$1} \/\/ $real{$1} \/\/ die "no example of {$1} for $path\n"/ger;
}

# operationId => { method, path, roles, … } of the whole contract.
my %operation;
my $paths = decode_json(Boxoffice::Server::_slurp("$Boxoffice::Server::TOP/build/openapi.json"))->{paths};
for my $path (keys %$paths) {
	for my $method (grep { /^(get|post|put|patch|delete)$/ } keys %{ $paths->{$path} }) {
		my $is = $paths->{$path}{$method};
		next if $is->{'x-boxoffice'}{served_by};    # nginx itself: system.t
		$operation{ $is->{operationId} } = { %{ $is->{'x-boxoffice'} }, method => uc $method, path => $path, body => $is->{requestBody} };
	}
}
cmp_ok(scalar keys %operation, '>=', 30, 'operations: ' . keys %operation);

# Asks for the operation in a way that is right but for what %o changes.
sub ask ($op, %o) {
	my %part = %{ delete $o{part} // {} };
	my $query = delete $o{query} // '';
	my $body = exists $o{body} ? delete $o{body} : $op->{body} ? '{}' : undef;
	$o{key} //= uuid() if ($op->{idempotency} // '') ne '' and !exists $o{key};
	delete $o{key} unless defined $o{key};
	delete $o{token} unless defined $o{token};
	return $http->request($op->{method}, address($op->{path}, %part) . $query, defined $body ? (body => $body) : (), %o);
}

for my $name (sort keys %operation) {
	my $op     = $operation{$name};
	my %may    = map { $_ => 1 } @{ $op->{roles} };
	my $cached = ($op->{cache} // '') eq 'public';
	my ($who)  = grep { $may{$_} } qw(admin organizer customer public);
	my $token  = $who eq 'public' ? undef : $t->token($who, org => $t->organizer);
	subtest "$name: $op->{method} $op->{path}" => sub {
		is_problem(ask($op), 401, 'token_missing', 'no token') unless $may{public};
		is_problem(ask($op, token => $forged), 401, 'token_invalid', 'a forged token') unless $cached;
		for my $role (grep { !$may{$_} and !$cached } @roles) {
			is_problem(ask($op, token => $t->token($role, org => $t->organizer)), 403, 'forbidden', "a $role");
		}
		is_problem(ask($op, token => $token, query => '?undeclared=1'), 400, 'unknown_parameter', 'a parameter that is not declared');
		for my $part ($op->{path} =~ /\{(\w+)\}/g) {
			for my $bad ('9223372036854775807', '12345', 'x!', '-1', '%00', '%ff', 'a' x 300) {
				my $a = ask($op, token => $token, part => { $part => $bad });
				like($a->status . ' ' . $a->code, qr/^(404 not_found|400 (invalid_request|bad_request))$/, "{$part} is $bad")
					or diag substr $a->{raw}, 0, 500;
			}
		}
		if ($op->{body}) {
			is_problem(ask($op, token => $token, body => '{'), 400, 'malformed_json', 'half a body');
			is_problem(ask($op, token => $token, body => '[]'), 400, 'invalid_request', 'a list as body');
			is_problem(ask($op, token => $token, body => '{"no_such_member":1}'), 400, 'invalid_request', 'an unknown member');
			is_problem(ask($op, token => $token, body => '{}', headers => [ 'Content-Type' => 'text/plain' ]), 415, 'unsupported_media', 'a body of text');
		}
		if (($op->{idempotency} // '') eq 'required') {
			is_problem(ask($op, token => $token, key => undef), 400, 'idempotency_key', 'no Idempotency-Key');
		}
		if (($op->{idempotency} // '') ne '') {
			is_problem(ask($op, token => $token, key => 'k' x 201), 400, 'idempotency_key', 'a key of 201 characters');
			is_problem(ask($op, key => 'no-uuid'), 400, 'idempotency_key', 'nobody with a key that is no UUID') if $may{public};
		}
		my $path = address($op->{path});
		my $flight = $http->request(OPTIONS => $path, headers => [ Origin => 'https://a.example', 'Access-Control-Request-Method' => $op->{method} ]);
		like($flight->status, qr/^20[04]$/, 'a preflight');
		like($flight->header('Access-Control-Allow-Methods') // '', qr/\b$op->{method}\b/, '… allows it');
		my $put = $http->request(PUT => $path, body => '{}');
		is_problem($put, 405, 'method_not_allowed', 'PUT');
		like($put->header('Allow') // '', qr/\b$op->{method}\b/, '… names the method');
		for my $cut (1, 0.5, 0.9) {
			my $bytes = $http->bytes($op->{method}, $path, body => '{}', key => uuid(), defined $token ? (token => $token) : ());
			my $c = $http->connect;
			$c->send(substr $bytes, 0, $cut * length $bytes) if $op->{method} ne 'DELETE' and $name !~ /cancel|go_live|pause|postpone|publish|deny/;
			$c->reset;
		}
		is_status($http->get('/healthz'), 200, 'clients that left did no harm');
	};
}

# Nothing that was refused left a trace.
is($http->get("/v1/events/$event->{id}/holds/$hold->{id}", secret => $hold->{secret})->json->{status}, 'active', 'the hold stands');
is($http->get("/v1/events/$event->{id}/orders/$order->{id}", secret => $order->{secret})->json->{status}, 'paid', 'the order, too');

$t->finish;
