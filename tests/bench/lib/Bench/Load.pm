package Bench::Load;

# Runs the load generator and reads its result.

use v5.36;
use Exporter       qw(import);
use JSON::PP       ();
use Bench::Process qw(capture start);

our @EXPORT_OK = qw(load load_options load_result);

my $number = 0;

# Hash to options: {connections => 256} is --connections 256.
sub load_options (%o) {
	return map { (my $name = $_) =~ tr/_/-/; defined $o{$_} ? ("--$name", $o{$_}) : () } sort keys %o;
}

sub load_result ($file) {
	open my $in, '<', $file or die "no result of the load generator in $file\n";
	local $/;
	return JSON::PP->new->decode(<$in>);
}

# load(program, options…): what the program reports, as a hash. An answer that could not be read is an
# error: a wrong peer must not be measured.
sub load ($program, %o) {
	my $file = "$program-" . ++$number . '.json';
	capture($program, load_options(%o, json => $file));
	my $result = load_result($file);
	unlink $file;
	return $result;
}

1;
