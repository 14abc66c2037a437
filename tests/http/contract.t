# The contract and the database say the same: each operation is one function of schema api, with the
# contract's names, roles and summary, and there is no other function in it.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS qw(decode_json);

my $t  = Boxoffice::Test->start;
my $db = $t->server->connect;
my $document = decode_json(Boxoffice::Server::_slurp("$Boxoffice::Server::TOP/build/openapi.json"));

# What a $ref names.
sub resolve ($node) {
	while (ref $node eq 'HASH' and $node->{'$ref'}) {
		my @path = split m{/}, $node->{'$ref'} =~ s{^#/}{}r;
		$node = $document;
		$node = $node->{$_} for @path;
	}
	return $node;
}

# The arguments that an operation's function must have (and whether they are required), and those it may have.
sub arguments_of ($operation) {
	my $x = $operation->{'x-boxoffice'};
	my %must;
	my %may = (idempotency_key => 1);
	$may{secret} = 1 if $x->{secret};
	for my $parameter (map { resolve($_) } @{ $operation->{parameters} }) {
		my $name = lc $parameter->{name} =~ tr/-/_/r;
		$must{$name} = $parameter->{required} ? 1 : 0 unless $name eq 'idempotency_key' or $name eq 'boxoffice_secret';
	}
	if (my $body = $operation->{requestBody}) {
		my $schema = resolve($body->{content}{'application/json'}{schema});
		my %required = map { $_ => 1 } @{ $schema->{required} // [] };
		if   ($x->{patch}) { $must{patch} = 1 }
		else               { $must{$_} = $required{$_} // 0 for keys %{ $schema->{properties} } }
	}
	return (\%must, \%may);
}

# The SQL types that a value of the schema can be given as.
sub types_of ($node) {
	my $schema = resolve($node);
	my ($type) = grep { $_ ne 'null' } ref $schema->{type} ? @{ $schema->{type} } : $schema->{type};
	my $format = $schema->{format} // '';
	return 'bigint'                        if $format eq 'id';
	return 'timestamp with time zone'      if $format eq 'date-time';
	return 'date'                          if $format eq 'date';
	return 'text'                          if $type eq 'string';
	return 'boolean'                       if $type eq 'boolean';
	return 'double precision'              if $type eq 'number';
	return ('bigint', $schema->{maximum} < 2**31 ? 'integer' : ()) if $type eq 'integer';
	return 'jsonb'                         if $type eq 'object';
	my ($item) = types_of($schema->{items});
	return ('jsonb', $item =~ /^(?:bigint|text)$/ ? "${item}[]" : ());
}

# What each argument of an operation's function may be.
sub argument_types ($operation) {
	my %types = (secret => ['text'], idempotency_key => ['text'], patch => ['jsonb']);
	for my $parameter (map { resolve($_) } @{ $operation->{parameters} }) {
		$types{ lc $parameter->{name} =~ tr/-/_/r } //= [ types_of($parameter->{schema}) ];
	}
	if (my $body = $operation->{requestBody}) {
		my $members = resolve($body->{content}{'application/json'}{schema})->{properties};
		$types{$_} = [ types_of($members->{$_}) ] for keys %$members;
	}
	return \%types;
}

my %functions = map { $_->{proname} => $_ } @{ $db->selectall_arrayref(q{
	SELECT p.proname, p.proargnames,
	       ARRAY(SELECT pg_catalog.format_type(t.oid, NULL)
	               FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS t (oid, n) ORDER BY t.n) AS types, p.prosecdef, p.proconfig::text AS config, p.provolatile, p.pronargs, p.pronargdefaults,
	       pg_catalog.pg_get_userbyid(p.proowner) AS owner,
	       pg_catalog.obj_description(p.oid, 'pg_proc') AS comment,
	       ARRAY(SELECT pg_catalog.substr(r.rolname, 11) FROM pg_catalog.pg_roles AS r
	              WHERE r.rolname IN ('boxoffice_public', 'boxoffice_customer', 'boxoffice_organizer',
	                                  'boxoffice_scanner', 'boxoffice_support', 'boxoffice_admin')
	                AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')) AS roles
	  FROM pg_catalog.pg_proc AS p
	 WHERE p.pronamespace = 'api'::regnamespace}, { Slice => {} }) };
is(scalar keys %functions, $db->selectrow_array(
	q{SELECT count(*) FROM pg_catalog.pg_proc WHERE pronamespace = 'api'::regnamespace}), 'no name is there twice');

for my $path (sort keys %{ $document->{paths} }) {
	for my $method (sort keys %{ $document->{paths}{$path} }) {
		my $operation = $document->{paths}{$path}{$method};
		my $name      = $operation->{operationId};
		my $x         = $operation->{'x-boxoffice'};
		next if $x->{served_by};
		my $function = delete $functions{$name};
		ok($function, "$name: api.$name is there") or next;
		my ($must, $may) = arguments_of($operation);
		my @names   = @{ $function->{proargnames} // [] }[0 .. $function->{pronargs} - 1];
		my @missing = grep { my $wanted = $_; !grep { $_ eq $wanted } @names } sort keys %$must;
		my @extra   = grep { !exists $must->{$_} and !$may->{$_} } @names;
		is("@missing", '', "$name: no argument is missing");
		is("@extra",   '', "$name: each argument is in the contract");
		my @needed = @names[0 .. $#names - $function->{pronargdefaults}];
		is(join(' ', sort @needed), join(' ', sort grep { $must->{$_} } keys %$must), "$name: the required ones have no default");
		my $types = argument_types($operation);
		my @wrong = map { "$names[$_] $function->{types}[$_]" }
			grep { my $is = $function->{types}[$_]; !grep { $_ eq $is } @{ $types->{ $names[$_] } // [$is] } } 0 .. $#names;
		is("@wrong", '', "$name: each argument's type can take what the contract gives");
		is($names[0], 'event', "$name: event comes first") if $path =~ m{^/v1/events/\{event\}};
		is(join(' ', sort @{ $function->{roles} }), join(' ', sort @{ $x->{roles} }), "$name: EXECUTE as the contract says");
		is((split /\n/, $function->{comment} // '')[0], $operation->{summary}, "$name: the comment begins with the summary");
		ok($function->{prosecdef} && $function->{owner} eq 'boxoffice_code'
			&& ($function->{config} // '') =~ /search_path=/, "$name: runs as boxoffice_code with a pinned search_path");
	}
}
is(join(' ', sort keys %functions), '', 'no function without an operation');

$t->finish;
