package Boxoffice::Token;

# Makes tokens: good ones, and forged ones of every kind. Signs by itself (HMAC in Perl, ECDSA with
# the openssl program), so that what is tested is never also what made the test's input.

use v5.36;
use Cpanel::JSON::XS ();
use Digest::SHA      qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Exporter         qw(import);
use IPC::Open2       qw(open2);
use MIME::Base64     qw(encode_base64url);

our @EXPORT_OK = qw(token_sign token_parts sign_hmac sign_ecdsa);

my $json = Cpanel::JSON::XS->new->canonical->utf8;

# new(hs_kid, hs_secret, es_kid, es_private (a PEM file), issuer, audience): the keys the gateway trusts.
sub new ($class, %keys) {
	return bless {%keys}, $class;
}

# The claims of a good token for role, to be changed by %claims (undef takes a claim away).
sub claims ($self, $role, %claims) {
	my $now  = time;
	my %base = (
		iss  => $self->{issuer},
		aud  => $self->{audience},
		sub  => "test-$role",
		role => $role,
		iat  => $now,
		exp  => $now + 3600,
	);
	my %all = (%base, %claims);
	delete @all{ grep { !defined $all{$_} } keys %all };
	return \%all;
}

# A good HS256 token.
sub hs256 ($self, $role, %claims) {
	return token_sign({ alg => 'HS256', typ => 'JWT', kid => $self->{hs_kid} },
		$self->claims($role, %claims), sign_hmac($self->{hs_secret}));
}

# A good ES256 token.
sub es256 ($self, $role, %claims) {
	return token_sign({ alg => 'ES256', typ => 'JWT', kid => $self->{es_kid} },
		$self->claims($role, %claims), sign_ecdsa($self->{es_private}));
}

# Header and claims (hash references, or strings to be taken as they are) signed by code.
sub token_sign ($header, $claims, $sign) {
	my ($head, $body) = map { encode_base64url(ref $_ ? $json->encode($_) : $_) } $header, $claims;
	return "$head.$body." . encode_base64url($sign->("$head.$body"));
}

sub token_parts ($token) { return split /\./, $token, -1 }

sub sign_hmac ($secret, $bits = 256) {
	my $hmac = { 256 => \&hmac_sha256, 384 => \&hmac_sha384, 512 => \&hmac_sha512 }->{$bits};
	return sub ($text) { $hmac->($text, $secret) };
}

# ECDSA on P-256 as RFC 7518 wants it: r and s, 32 bytes each, not DER.
sub sign_ecdsa ($pem_file) {
	return sub ($text) {
		my $pid = open2(my $out, my $in, 'openssl', 'dgst', '-sha256', '-sign', $pem_file);
		print {$in} $text;
		close $in;
		local $/;
		binmode $out;
		my $der = <$out>;
		waitpid $pid, 0;
		die "openssl could not sign with $pem_file\n" if $? or !length $der;
		return join '', map { substr(("\0" x 32) . $_, -32) } _der_integers($der);
	};
}

sub _der_integers ($der) {
	my ($type, $length, @bytes) = unpack 'C C a*', $der;
	my $rest = $bytes[0];
	my @integers;
	while (length $rest) {
		my ($tag, $len) = unpack 'C C', $rest;
		die "not a DER integer\n" unless $tag == 2;
		push @integers, substr $rest, 2, $len;
		$rest = substr $rest, 2 + $len;
	}
	return @integers;
}

1;
