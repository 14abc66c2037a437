package Bench::Report;

# The table for people and the file for programs.

use v5.36;
use JSON::PP ();

my $line = "%-52s %12s %12s %8s %14s %7s %9s  %s\n";

sub table (@rows) {
	my $text = sprintf $line, 'measure', 'ours', 'peer', 'ratio', 'bar', 'nginx', 'postgres', '';
	$text .= sprintf $line, ('') x 5, 'CPU us', 'CPU us', '';
	for my $row (@rows) {
		$text .= sprintf $line, $row->{measure}, number($row->{ours}, $row->{unit}), number($row->{peer}, $row->{unit}),
			defined $row->{ratio} ? sprintf('%.2f', $row->{ratio}) : '', bar($row),
			(map { defined $row->{$_} ? sprintf '%.1f', $row->{$_} : '' } qw(nginx_us postgres_us)),
			!defined $row->{good} ? '' : $row->{good} ? 'ok' : 'BELOW THE BAR';
	}
	return $text;
}

sub number ($value, $unit) {
	return '' unless defined $value;
	my $text = $value >= 1000 ? sprintf('%.0f', $value) : sprintf('%.2f', $value);
	1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
	return $unit eq '/s' ? "$text/s" : $unit eq 'tickets' ? $text : "$text $unit";
}

sub bar ($row) {
	return $row->{bar} if $row->{bar};
	return ">= $row->{least}" . ($row->{aim} ? " ($row->{aim})" : '') if defined $row->{least};
	return "<= $row->{most}" . (defined $row->{value} ? " $row->{unit}" : '') if defined $row->{most};
	return 'reported';
}

sub write_json ($file, $about, @rows) {
	open my $out, '>', "$file.new" or die "$file.new: $!\n";
	my @plain = map { my %row = %$_; $row{good} = $row{good} ? JSON::PP::true : JSON::PP::false if defined $row{good}; \%row } @rows;
	print {$out} JSON::PP->new->utf8->canonical->pretty->encode({ %$about, measures => \@plain });
	close $out or die "$file.new: $!\n";
	rename "$file.new", $file or die "$file: $!\n";
	return;
}

1;
