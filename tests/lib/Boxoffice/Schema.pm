package Boxoffice::Schema;

# Checks a JSON value against the part of JSON Schema 2020-12 that the contract is written in. A keyword
# it does not know is an error of the schema, never passed over: else a check could vanish unseen.

use v5.36;
use Cpanel::JSON::XS ();
use Exporter         qw(import);
use Scalar::Util     qw(looks_like_number);

our @EXPORT_OK = qw(schema_faults);

my $json = Cpanel::JSON::XS->new->canonical->allow_nonref;

# Says nothing about a value, so nothing to check.
my %comment = map { $_ => 1 } qw(
	title description default example examples deprecated readOnly writeOnly $comment discriminator externalDocs);

my %format = (
	'date-time' => sub ($v) {
		$v =~ /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)\z/
			and $2 >= 1 and $2 <= 12 and $3 >= 1 and $3 <= 31;
	},
	date      => sub ($v) { $v =~ /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\z/ },
	email     => sub ($v) { $v =~ /^[^\s@]+@[^\s@]+\z/ },
	uri       => sub ($v) { $v =~ /^[A-Za-z][A-Za-z0-9+.-]*:\S*\z/ },
	'uri-reference' => sub ($v) { $v =~ /^\S*\z/ },
	uuid      => sub ($v) { $v =~ /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/i },
	id        => sub ($v) { $v =~ /^[1-9]\d{0,18}\z/ },
	int32     => sub ($v) { $v >= -2**31 and $v < 2**31 },
	# The contract's own formats come with a pattern each, which says it all.
	map { $_ => sub ($v) { 1 } } qw(int64 double ref key slug zone currency cursor secret line
		text locale country short_code order_code url),
);

my %check = (
	type => sub ($at, $v, $want, $f, @) {
		my @want = ref $want ? @$want : $want;
		my $is   = schema_type($v);
		return if grep { $_ eq $is or $_ eq 'number' && $is eq 'integer' } @want;
		push @$f, "$at: is $is, not " . join ' or ', @want;
	},
	enum => sub ($at, $v, $want, $f, @) {
		my $is = $json->encode($v);
		push @$f, "$at: $is is none of the enumerated" unless grep { $json->encode($_) eq $is } @$want;
	},
	const => sub ($at, $v, $want, $f, @) {
		push @$f, "$at: is not " . $json->encode($want) if $json->encode($v) ne $json->encode($want);
	},
	minimum          => _number(sub ($v, $w) { $v >= $w }, 'below the minimum'),
	maximum          => _number(sub ($v, $w) { $v <= $w }, 'above the maximum'),
	exclusiveMinimum => _number(sub ($v, $w) { $v > $w },  'not above the minimum'),
	exclusiveMaximum => _number(sub ($v, $w) { $v < $w },  'not below the maximum'),
	multipleOf       => _number(sub ($v, $w) { $v % $w == 0 }, 'no multiple'),
	minLength => _string(sub ($v, $w) { length $v >= $w }, 'too short'),
	maxLength => _string(sub ($v, $w) { length $v <= $w }, 'too long'),
	pattern   => _string(sub ($v, $w) { $v =~ _regex($w) }, 'no match'),
	format    => sub ($at, $v, $want, $f, @) {
		return if !defined $v or ref $v;
		my $is = $format{$want} or die "$at: format $want is not known\n";
		push @$f, "$at: '$v' is no $want" unless $is->($v);
	},
	minItems => _list(sub ($v, $w) { @$v >= $w }, 'too few items'),
	maxItems => _list(sub ($v, $w) { @$v <= $w }, 'too many items'),
	uniqueItems => _list(sub ($v, $w) { my %seen; !$w or !grep { $seen{ $json->encode($_) }++ } @$v }, 'items are not unique'),
	items => sub ($at, $v, $want, $f, $doc, @) {
		return unless ref $v eq 'ARRAY';
		_faults("$at/$_", $v->[$_], $want, $f, $doc) for 0 .. $#$v;
	},
	required => sub ($at, $v, $want, $f, @) {
		return unless ref $v eq 'HASH';
		push @$f, map { "$at: has no member '$_'" } grep { !exists $v->{$_} } @$want;
	},
	properties => sub ($at, $v, $want, $f, $doc, @) {
		return unless ref $v eq 'HASH';
		_faults("$at/$_", $v->{$_}, $want->{$_}, $f, $doc) for grep { exists $v->{$_} } sort keys %$want;
	},
	additionalProperties => sub ($at, $v, $want, $f, $doc, $schema) {
		return unless ref $v eq 'HASH';
		my @more = grep { !exists( ($schema->{properties} // {})->{$_} ) } sort keys %$v;
		if (ref $want eq 'HASH') { _faults("$at/$_", $v->{$_}, $want, $f, $doc) for @more }
		elsif (!$want) { push @$f, map { "$at: has a member '$_' that the schema does not know" } @more }
	},
	maxProperties => sub ($at, $v, $want, $f, @) {
		push @$f, "$at: too many members" if ref $v eq 'HASH' and keys %$v > $want;
	},
	minProperties => sub ($at, $v, $want, $f, @) {
		push @$f, "$at: too few members" if ref $v eq 'HASH' and keys %$v < $want;
	},
	allOf => sub ($at, $v, $want, $f, $doc, @) { _faults($at, $v, $_, $f, $doc) for @$want },
	anyOf => sub ($at, $v, $want, $f, $doc, @) {
		push @$f, "$at: fits none of anyOf" unless grep { !_tried($at, $v, $_, $doc) } @$want;
	},
	oneOf => sub ($at, $v, $want, $f, $doc, @) {
		my $fits = grep { !_tried($at, $v, $_, $doc) } @$want;
		push @$f, "$at: fits $fits of oneOf" if $fits != 1;
	},
	'$ref' => sub ($at, $v, $want, $f, $doc, @) { _faults($at, $v, schema_resolve($doc, $want), $f, $doc) },
);

# What is wrong with the value by the schema, which may refer into the document: a list, empty when it fits.
sub schema_faults ($value, $schema, $document) {
	my @faults;
	_faults('', $value, $schema, \@faults, $document);
	return @faults;
}

sub schema_resolve ($document, $ref) {
	my $at = $document;
	for my $part (split m{/}, $ref =~ s{^#/}{}r) {
		$part =~ s/~1/\//g;
		$part =~ s/~0/~/g;
		$at = (ref $at eq 'HASH' ? $at->{$part} : undef) // die "$ref is not in the document\n";
	}
	return $at;
}

sub schema_type ($v) {
	return 'null' unless defined $v;
	return 'object' if ref $v eq 'HASH';
	return 'array'  if ref $v eq 'ARRAY';
	return 'boolean' if Cpanel::JSON::XS::is_bool($v);
	my $text = $json->encode($v);
	return 'string'  if $text =~ /^"/;
	return 'integer' if $text =~ /^-?\d+\z/;
	return 'number';
}

sub _faults ($at, $v, $schema, $faults, $doc) {
	return if !ref $schema and $schema;    # the schema true
	if (!ref $schema or ref $schema ne 'HASH') { push @$faults, "$at: is not allowed"; return }
	for my $keyword (sort keys %$schema) {
		next if $comment{$keyword} or $keyword =~ /^x-/;
		my $check = $check{$keyword} or die "$at: the schema's keyword $keyword is not known\n";
		$check->($at, $v, $schema->{$keyword}, $faults, $doc, $schema);
	}
	return;
}

sub _tried ($at, $v, $schema, $doc) {
	my @faults;
	_faults($at, $v, $schema, \@faults, $doc);
	return @faults;
}

# ECMA's regular expressions in Perl: \uXXXX, and $ that is the end and not a newline before it.
sub _regex ($ecma) {
	state %made;
	return $made{$ecma} //= do {
		my $perl = $ecma =~ s/\\u([0-9a-fA-F]{4})/\\x{$1}/gr =~ s/(?<!\\)\$\z/\\z/r;
		qr/$perl/;
	};
}

sub _number ($fits, $what) {
	return sub ($at, $v, $want, $f, @) {
		return unless schema_type($v) =~ /^(integer|number)$/;
		push @$f, "$at: $v is $what ($want)" unless $fits->($v, $want);
	};
}

sub _string ($fits, $what) {
	return sub ($at, $v, $want, $f, @) {
		return unless schema_type($v) eq 'string';
		push @$f, "$at: '$v' is $what ($want)" unless $fits->($v, $want);
	};
}

sub _list ($fits, $what) {
	return sub ($at, $v, $want, $f, @) {
		push @$f, "$at: $what" if ref $v eq 'ARRAY' and !$fits->($v, $want);
	};
}

1;
