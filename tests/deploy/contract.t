#!/usr/bin/perl
#
# contract.t
#		The contract and the catalog agree: each operation is a function of schema api with its parameters and
#		members as arguments, its summary as comment, and its roles as grants; and there is no other function.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../lib';
use Boxoffice::Cluster;

my $cluster = Boxoffice::Cluster->start;
$cluster->create('agree');
$cluster->deploy('agree');

open my $in, '<:raw', "$Boxoffice::Cluster::TOP/build/openapi.json" or die "openapi.json: $!\n";
my $contract = decode_json(do { local $/; <$in> });

sub resolved ($thing) {
	while (my $ref = $thing->{'$ref'}) {
		$thing = $contract;
		$thing = $thing->{$_} for grep { $_ ne '#' } split m{/}, $ref;
	}
	return $thing;
}

# name => whether it is required
sub inputs ($path, $operation) {
	my %input;
	for my $parameter (map { resolved($_) } @{ $path->{parameters} // [] }, @{ $operation->{parameters} // [] }) {
		my $name = lc($parameter->{name}) =~ tr/-/_/r;
		$name = 'secret' if $name eq 'boxoffice_secret';
		$input{$name} = $name ne 'idempotency_key' && $parameter->{required} ? 1 : 0;
	}
	my $content = $operation->{requestBody} && $operation->{requestBody}{content}{'application/json'};
	if ($content) {
		my $schema   = resolved($content->{schema});
		my %required = map { $_ => 1 } @{ $schema->{required} // [] };
		$input{$_} = $required{$_} // 0 for keys %{ $schema->{properties} };
	}
	return %input;
}

my %function;
for my $line (split /\n/, $cluster->sql('agree', q{
	SELECT concat_ws('|', p.proname, p.pronargs - p.pronargdefaults, array_to_string(p.proargnames, ','),
			split_part(obj_description(p.oid), E'\n', 1),
			(SELECT string_agg(substr(r.rolname, 11), ',' ORDER BY r.rolname)
			   FROM pg_roles AS r
			  WHERE r.rolname IN ('boxoffice_public', 'boxoffice_customer', 'boxoffice_organizer',
					'boxoffice_scanner', 'boxoffice_support', 'boxoffice_admin')
				AND has_function_privilege(r.oid, p.oid, 'EXECUTE')))
	  FROM pg_proc AS p
	 WHERE p.pronamespace = 'api'::regnamespace})) {
	my ($name, $required, $arguments, $summary, $roles) = split /\|/, $line;
	my @names = split /,/, $arguments;
	my %argument;
	@argument{@names} = map { $_ < $required ? 1 : 0 } 0 .. $#names;
	$function{$name} = { arguments => \%argument, summary => $summary, roles => $roles // '' };
}

for my $route (sort keys %{ $contract->{paths} }) {
	my $path = $contract->{paths}{$route};
	for my $method (sort grep { ref $path->{$_} eq 'HASH' && $path->{$_}{operationId} } keys %$path) {
		my $operation = $path->{$method};
		my $rules     = $operation->{'x-boxoffice'};
		next if ($rules->{served_by} // '') eq 'nginx';
		my $name  = $operation->{operationId};
		my $found = delete $function{$name} or do { fail("$name is a function"); next };
		is($found->{summary}, $operation->{summary} =~ s/\s+\z//r, "$name: its comment begins with the summary");
		my @roles = sort { $a cmp $b } @{ $rules->{roles} };
		@roles = qw(admin customer organizer public scanner support) if ($rules->{cache} // '') eq 'public';
		is($found->{roles}, join(',', @roles), "$name: its roles are its grants");
		agree($name, { inputs($path, $operation) }, $found->{arguments});
	}
}
is_deeply([ sort keys %function ], [], 'no function is outside the contract');

# What the contract takes is an argument, required in both or in neither; a secret, a key or an ETag may be
# arguments of direct calls only.
sub agree ($name, $input, $argument) {
	my @wrong;
	for my $member (sort keys %$input) {
		next if $member =~ /^(?:idempotency_key|if_match|secret)$/ && !exists $argument->{$member};
		push @wrong, "no argument $member" if !exists $argument->{$member};
		push @wrong, "$member is required on one side only"
			if exists $argument->{$member} && $input->{$member} != $argument->{$member};
	}
	push @wrong, map { "an argument $_ that the contract has not" }
		grep { !exists $input->{$_} && !/^(?:idempotency_key|if_match|secret)$/ } sort keys %$argument;
	is(join('; ', @wrong), '', "$name: its arguments are the contract's");
	return;
}

done_testing();
