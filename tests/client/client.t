# The contract from outside: an independent validator reads the OpenAPI document, a TypeScript client that is generated
# from it buys a ticket, and an independent parser reads the calendars. The packages are those of package-lock.json, installed here by `npm ci`.

use v5.36;
use utf8;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS ();
use Cwd              qw(getcwd);

my $top = $Boxoffice::Server::TOP;
chdir "$top/tests/client" or die "tests/client: $!\n";

# Runs a command: its output, with what it said to stderr, and whether it went well.
sub run (@command) {
	my $quoted = join ' ', map { "'" . s/'/'\\''/gr . "'" } @command;
	my $output = `$quoted 2>&1 </dev/null`;
	return ($output, $? == 0);
}

sub write_file ($name, $text) {
	open my $out, '>:utf8', $name or die "$name: $!\n";
	print {$out} $text;
	close $out or die "$name: $!\n";
	return $name;
}

my $lock = Boxoffice::Server::_slurp('package-lock.json');
if (Boxoffice::Server::_slurp('node_modules/.installed') ne $lock) {
	# A registry that is busy is asked again. What it gives is kept here, since not everybody has a home to write to.
	my ($said, $ok);
	for my $pause (5, 20, 0) {
		($said, $ok) = run(qw(npm ci --no-audit --no-fund --loglevel=error --fetch-retries=5), "--cache=$top/build/npm");
		last if $ok;
		sleep $pause;
	}
	ok($ok, 'npm ci') or BAIL_OUT("npm ci: $said");
	write_file('node_modules/.installed', $lock);
}

my $t = Boxoffice::Test->start;
mkdir 'generated';
my $document = $t->http->get('/v1/openapi.json')->body;
my $served   = write_file('generated/openapi.json', do { my $d = $document; utf8::decode($d); $d });

subtest 'an independent validator' => sub {
	my ($said, $ok) = run('node', 'validate.mjs', $served);
	ok($ok, 'takes it for OpenAPI 3.1') or diag $said;
	my $broken = Cpanel::JSON::XS->new->utf8->decode($document);
	delete $broken->{paths}{'/v1/events'}{get}{responses};
	$broken->{paths}{'/v1/events'}{get}{responses}{200} = {};
	write_file('generated/broken.json', Cpanel::JSON::XS->new->encode($broken));
	($said, $ok) = run('node', 'validate.mjs', 'generated/broken.json');
	ok(!$ok, 'and would not take one whose answer has no description');
};

subtest 'a generated client' => sub {
	my ($said, $ok) = run('node_modules/.bin/openapi-typescript', $served, '--default-non-nullable=false', '-o', 'generated/boxoffice.ts');
	ok($ok, 'is made') or diag $said;
	($said, $ok) = run(qw(node_modules/.bin/tsc -p .));
	ok($ok, 'compiles') or diag $said;
	my $source = Boxoffice::Server::_slurp('buy.ts');
	utf8::decode($source);
	write_file('wrong.ts', $source =~ s/quantity: 2\b/quantity: 'two'/r);
	my $config = Boxoffice::Server::_slurp('tsconfig.json') =~ s/"buy\.ts"/"wrong.ts"/r =~ s/"rootDir"/"noEmit": true, "rootDir"/r;
	write_file('tsconfig.wrong.json', $config);
	($said, $ok) = run(qw(node_modules/.bin/tsc -p tsconfig.wrong.json));
	unlink 'wrong.ts', 'tsconfig.wrong.json';
	ok(!$ok && $said =~ /TS2322/, 'and would not with a quantity that is a word') or diag $said;
	my $address = "http://$t->{server}{host}:$t->{server}{port}";
	($said, $ok) = run('node', 'generated/js/buy.js', $address, $t->token('admin'));
	ok($ok, 'buys') or return diag $said;
	my $bought = Cpanel::JSON::XS->new->utf8->decode($said);
	is($bought->{status}, 'paid', 'two tickets');
	is($bought->{total}, 5300, 'for their price and fees');
	is_deeply($bought->{tickets}, [qw(valid valid)], 'that are valid');
	ok($bought->{svg}, 'with a QR code');
	is($bought->{refused}, 'sold_out', 'and hears why there are no nine more');
};

subtest 'calendars' => sub {
	my $read = sub ($path, %o) {
		my $a = $t->http->get($path, %o);
		is_status($a, 200, $path) or return;
		open my $out, '>:raw', 'generated/calendar.ics' or die "calendar.ics: $!\n";
		print {$out} $a->body;
		close $out or die "calendar.ics: $!\n";
		my ($said, $ok) = run(qw(node calendar.mjs generated/calendar.ics));
		ok($ok, 'an independent parser takes it') or return diag $said;
		return Cpanel::JSON::XS->new->utf8->decode($said);
	};
	my $mine = $t->organizer_token;
	my $org  = $t->organizer;
	my $name = join ' ', 'Fête; 🎪 "quoted", \\ back,', ('größer und länger') x 8;
	my $note = "First.  Two blanks;\nsecond, " . 'ünïcödé ' x 100 . '.';
	$t->http->post("/v1/organizers/$org/venues", { key => 'hall', name => 'Hall: north, left', city => 'Köln', country => 'DE', zone => 'Europe/Berlin',
		latitude => 50.94, longitude => -6.96 }, token => $mine, key => uuid());
	my $event = $t->event(slug => 'calendar', name => $name, description => $note, venue => 'hall', sessions => [
		{ key => 'a', starts_at => '2040-03-25T01:30:00+01:00', ends_at => '2040-03-25T03:30:00+02:00' },
		{ key => 'b', name => 'Evening; late', starts_at => '2040-07-01T23:00:00+02:00' } ]);
	my $told = $read->('/v1/events/calendar.ics');
	is($told->{name}, $name, 'with its name');
	is_deeply([ map { $_->{starts} } @{ $told->{events} } ], [qw(2040-03-25T00:30:00.000Z 2040-07-01T21:00:00.000Z)], 'and its sessions');
	is($told->{events}[0]{ends}, '2040-03-25T01:30:00.000Z', 'that end when they end');
	is($told->{events}[0]{summary}, $name, 'have its name');
	is($told->{events}[1]{summary}, "$name: Evening; late", 'and their own');
	is($told->{events}[0]{description}, $note, 'its text');
	is($told->{events}[0]{location}, 'Hall: north, left, Köln, DE', 'and place');
	is_deeply($told->{events}[0]{geo}, [ 50.94, -6.96 ], 'where it is on the globe');
	my $again = $read->("/v1/organizers/$org.ics");
	is_deeply([ grep { $_->{uid} eq $told->{events}[0]{uid} } @{ $again->{events} } ], [ $told->{events}[0] ], 'the organizer\'s has the same');
	my $order = $t->order($event, $t->hold($event, session => 'b', quantity => 3)->json)->json;
	my $mine_ = $read->("/v1/events/$event->{id}/orders/$order->{id}.ics", secret => $order->{secret});
	is_deeply([ map { "$_->{status} $_->{description}" } @{ $mine_->{events} } ], ["CONFIRMED $order->{code}\n3 × General"], 'an order\'s has what was bought');
	$t->http->post("/v1/events/$event->{id}/cancel", undef, token => $mine, key => uuid());
	$again = $read->("/v1/organizers/$org.ics?limit=999");    # a question that no cache knows
	my ($one) = grep { $_->{uid} eq $told->{events}[0]{uid} } @{ $again->{events} };
	is($one->{status}, 'CANCELLED', 'what is cancelled stays');
	cmp_ok($one->{sequence}, '>', $told->{events}[0]{sequence}, 'with a higher sequence');
	is_deeply($read->('/v1/events/calendar.ics?from=2041-01-01T00:00:00Z')->{events}, [], 'one without events is one, too');
};

chdir $top;
$t->finish;
