#!/usr/bin/perl
#
# readme.t
#		README's first sale and first query do what README says: its lines are run as they stand there.
use v5.36;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use File::Temp     ();
use lib dirname(abs_path(__FILE__)) . '/lib';
use Boxoffice::Server ();
use Test::More;

my $top    = abs_path(dirname(__FILE__) . '/..');
my $server = Boxoffice::Server->start(demo => 1);
my $folder = File::Temp->newdir;

# The lines that a shell is given, and what it says.
sub said ($name, $text) {
	open my $out, '>', "$folder/$name" or die $!;
	print {$out} $text;
	close $out or die $!;
	return scalar `cd $folder && bash -euo pipefail ./$name 2>&1`;
}

my $lines = `$top/conf/first-sale http://127.0.0.1:$server->{port}`;
like($lines, qr/^SITE=http.*ticket\.svg/s, 'README has the lines of a sale');
my $answer = said('sale', $lines);
is($?, 0, 'they run') or diag($answer);
like($answer, qr/"status": "active"/, 'places are held');
like($answer, qr/"status": "paid"/,   'the order is paid, since it is free');
like($answer, qr/"state": "valid"/,   'its tickets are valid');
like(scalar `cat $folder/ticket.svg`, qr/^(?:<\?xml[^>]*>\s*)?<svg .*<\/svg>\s*\z/s, 'the ticket is a picture');

my $readme = do { local (@ARGV, $/) = "$top/README.md"; <> };
my ($queries) = $readme =~ /^## The first query\n.*?^```sql\n(.*?)^```\n/ms;
for my $query (grep { /\S/ } split /;[^\n]*\n/, $queries) {
	(my $title = $query) =~ s/^\s*(?:--.*\n)*|\s+/ /g;
	ok(eval { $server->rows($query); 1 }, substr $title, 0, 60) or diag($@);
}
is(scalar $server->rows('SELECT * FROM boxoffice.check_inventory(NULL)'), 0, 'nothing is sold twice');
is_deeply([ $server->stop ], [], 'nothing is left');
done_testing();
