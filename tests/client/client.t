# The contract from outside: an independent validator reads the OpenAPI document, and a TypeScript client that is
# generated from it buys a ticket. The packages are those of package-lock.json, installed here by `npm ci`.

use v5.36;
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
	my ($said, $ok) = run(qw(npm ci --no-audit --no-fund --loglevel=error));
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

chdir $top;
$t->finish;
