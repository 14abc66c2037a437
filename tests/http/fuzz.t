# Every operation of the contract with values that nobody would send: at the ends of what is allowed, just beyond, of
# another type, missing, unknown. Whatever the answer, it is one of the contract's, never a fault of the server, and at the
# end every event's books are right.
#
# What is sent comes from the contract's schemas and from a seed: FUZZ_SEED=N repeats a run, FUZZ_COUNT=N is how many
# requests an operation gets.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS ();
use List::Util qw(min sum);

my $seed  = $ENV{FUZZ_SEED}  // 20261122;
my $count = $ENV{FUZZ_COUNT} // 24;
srand $seed;

my $t        = Boxoffice::Test->start;
my $http     = $t->http;
my $contract = $http->get('/v1/openapi.json')->json;
my ($true, $false) = map { $_ ? Cpanel::JSON::XS::true() : Cpanel::JSON::XS::false() } 1, 0;

my %seen;    # statuses

sub pick (@of) { return $of[ rand @of ] }
sub chance ($one_in) { return rand() < 1 / $one_in }

sub resolved ($schema) {
	while (my $ref = $schema->{'$ref'}) {
		$schema = $contract;
		$schema = $schema->{$_} for split m{/}, $ref =~ s{^#/}{}r;
	}
	return $schema;
}

# Values -----------------------------------------------------------------------------------------------------------------

# What is wrong nearly everywhere.
my @odd = (undef, $true, $false, 0, -1, 1, 2**31, -2**31 - 1, 9007199254740993, '9223372036854775808', 1.5, '', ' ', '0', '-1', 'a' x 300, "line\nline", '🎪',
	"a'b\"c\\d", '%_', 'null', '2027-02-29T00:00:00Z', '2999-12-31T23:59:59+15:00', '1970-01-01T00:00:00Z', 'infinity', [], [ [] ], {}, { a => 1 }, [ undef ]);

# What a reference may mean here; filled by the fixture.
my %thing;

my %of_format = (
	id     => sub { pick(values %thing, '1', '9223372036854775807') },
	ref    => sub { pick('general', 'main', 'house', 'dear', values %thing) },
	key    => sub { pick('general', 'main', 'house', 'k' . int rand 50, 'x' x 63) },
	slug   => sub { 'slug-' . int rand 1e9 },
	short_code => sub { join '', map { pick('A' .. 'H', 'J' .. 'N', 2 .. 9) } 1 .. 8 },
	order_code => sub { 'ABC-ABCDEF' },
	currency   => sub { pick(qw(EUR JPY BHD XXX)) },
	country    => sub { pick(qw(DE GB ZZ)) },
	locale     => sub { pick(qw(en de-DE zzz)) },
	zone       => sub { pick('Europe/Berlin', 'UTC', 'Australia/Lord_Howe', 'Moon/Base') },
	secret     => sub { pick('x' x 16, 'y' x 64) },
	cursor     => sub { pick('x', '1', '0.0', 'MTIz', '9' x 40, '-1', '1.2.3') },
	email      => sub { pick('ada@example.org', 'a@b.co') },
	url        => sub { 'https://example.org/' . int rand 100 },
	decimal    => sub { pick('0', '23.00', '-1.5', '999999999999.9999') },
	'date-time' => sub { pick(rfc3339(time), rfc3339(time + rand(60) * 86400), '1970-01-01T00:00:00Z', '2999-12-31T23:59:59Z', '2031-03-30T02:30:00+01:00') },
	date  => sub { pick('2031-03-30', '2028-02-29', '2999-12-31', '1970-01-01') },
	month => sub { pick('2031-03', '2999-12', '1970-01') },
	clock => sub { pick('00:00', '02:30', '23:59') },
);

sub text_of ($schema) {
	my ($least, $most) = ($schema->{minLength} // 0, min($schema->{maxLength} // 40, 2000));
	my $make = $of_format{ $schema->{format} // '' };
	return $make->() if $make;
	return pick('x' x $most, 'x' x ($least || 1), 'Ä' x min($most, 20), "It's \"so\" \\ <b>", '=1+1') =~ s/^(.{0,$most}).*/$1/sr;
}

# A value that fits the schema, or nearly: one in $wrong is odd.
sub value_of ($schema, $wrong, $depth = 0) {
	$schema = resolved($schema);
	return pick(@odd) if $wrong && chance($wrong);
	return pick(@{ $schema->{enum} }) if $schema->{enum};
	my @types = ref $schema->{type} ? @{ $schema->{type} } : ($schema->{type} // 'object');
	my $type  = pick(grep { $_ ne 'null' || chance(4) } @types) // $types[0];
	return undef             if $type eq 'null';
	return pick($true, $false) if $type eq 'boolean';
	return text_of($schema)  if $type eq 'string';
	return pick($schema->{minimum}, $schema->{maximum}, $schema->{minimum} + 1, 1, 2, 100) if $type =~ /^(integer|number)$/;
	if ($type eq 'array') {
		my $n = pick($schema->{minItems} // 0, 1, 1, 2, min(20, $schema->{maxItems} // 20));
		return [ map { value_of($schema->{items}, $wrong, $depth + 1) } 1 .. $n ];
	}
	my %required = map { $_ => 1 } @{ $schema->{required} // [] };
	my %object;
	for my $name (sort keys %{ $schema->{properties} // {} }) {
		next if !$required{$name} && chance($depth > 1 ? 1.3 : 2);
		next if $wrong && chance($wrong * 3);
		$object{$name} = value_of($schema->{properties}{$name}, $wrong, $depth + 1);
	}
	$object{unknown} = 1 if $wrong && chance($wrong * 2);
	return \%object;
}

# Requests ---------------------------------------------------------------------------------------------------------------

# An event with something of everything, so that an operation has what it works on.
sub fixture () {
	my $event = $t->event(
		capacity => 50, payment_term => { minutes => 60 },
		sessions => [ map { { key => $_->[0], starts_at => rfc3339(time + $_->[1] * 86400) } } [ main => 30 ], [ late => 31 ] ],
		ticket_types => [ { key => 'general', name => 'General', price => 0, pools => ['house'] }, { key => 'dear', name => 'Dear', price => 5000, fee => 50, pools => ['house'] } ]);
	my %made = (event => $event->{id}, organizer => $t->organizer);
	$made{hold} = $t->hold($event, session => 'main')->json;
	my @orders = map { $t->order($event, $t->hold($event, type => 'dear', session => $_, quantity => 2)->json)->json } qw(main late);
	$t->pay($event, $orders[0]);
	$made{orders}  = \@orders;
	$made{block}   = $t->server->value('SELECT 1');
	my $stock      = $http->get("/v1/events/$event->{id}/stock", token => $t->organizer_token)->json->{items};
	my $block      = $http->post("/v1/events/$event->{id}/blocks", { stock => $stock->[0]{id}, quantity => 2, channel => 'house', reason => 'guests' }, token => $t->organizer_token, key => uuid());
	$made{stock}   = $stock->[0]{id};
	$made{block}   = $block->status == 201 ? $block->json->{id} : '1';
	$made{session} = $event->{sessions}[0]{id};
	$made{ticket_type} = $event->{ticket_types}[0]{id};
	$made{pool}    = $event->{pools}[0]{id};
	%thing = map { $_ => $made{$_} } qw(event organizer stock block session ticket_type pool);
	$thing{order} = $orders[0]{id};
	return \%made;
}

# What a path's parameter is, and the secret that opens it.
sub place ($made, $path) {
	my $order  = pick(@{ $made->{orders} });
	my $ticket = $order->{tickets}[0]{id};
	my %value  = (%$made, hold => $made->{hold}{id}, order => $order->{id}, ticket => $ticket, code => $order->{code});
	my $secret = $path =~ /\{hold\}/ ? $made->{hold}{secret} : $order->{secret};
	$path =~ s/\{(\w+)\}/chance(12) ? pick('1', '0', 'x', '%00', 'general', 'a' x 80) : $value{$1} \/\/ pick(values %thing)/ge;
	return ($path, $secret);
}

sub escaped ($text) {
	utf8::encode($text);
	return $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

sub query ($operation, $wrong) {
	my @pairs;
	for my $param (map { resolved($_) } @{ $operation->{parameters} // [] }) {
		next if $param->{in} ne 'query' || (!$param->{required} && chance(2));
		my $value = value_of($param->{schema}, $wrong);
		$value = 'x' if !defined $value || ref $value && ref $value ne ref $true;
		$value = $value ? 'true' : 'false' if ref $value;
		push @pairs, "$param->{name}=" . escaped("$value");
	}
	return @pairs ? '?' . join('&', @pairs) : '';
}

sub try_once ($made, $path, $method, $operation, $wrong) {
	my ($target, $secret) = place($made, $path);
	my $body  = resolved($operation->{requestBody} // {})->{content}{'application/json'}{schema};
	my $token = chance(10) ? $t->token(pick(qw(customer scanner support admin))) : $t->organizer_token;
	my %o     = (key => uuid(), secret => $secret, chance(15) ? () : (token => $token));
	$o{json} = value_of($body, $wrong) if $body;
	$target .= query($operation, $wrong);
	my $answer = $http->request(uc $method, $target, %o);
	$seen{ $answer->status }++;
	return unless $answer->status >= 500;
	diag("FUZZ_SEED=$seed $method $target " . Cpanel::JSON::XS->new->canonical->allow_nonref->encode($o{json}));
	return;
}

for my $path (sort keys %{ $contract->{paths} }) {
	next if $path !~ m{^/v1/} || $path eq '/v1/openapi.json';
	for my $method (grep { $contract->{paths}{$path}{$_}{operationId} } qw(get post patch delete)) {
		my $operation = $contract->{paths}{$path}{$method};
		my $made      = fixture();
		# half of them fit the contract and are only strange; the others are wrong more and more often
		try_once($made, $path, $method, $operation, $_ % 2 ? 0 : pick(5, 12, 40)) for 1 .. $count;
		pass("$operation->{operationId}: $count requests");
	}
}

# A fuzzer whose requests are all refused at the door finds nothing.
cmp_ok($seen{200} + $seen{201}, '>', 0.1 * sum(values %seen), 'many of them went through');
diag(join ', ', map { "$_: $seen{$_}" } sort keys %seen);
$t->finish;
