#!/usr/bin/perl
#
# deploy.t
#		Code is replaced while a sale runs: by what is made over it, and by what must be dropped first. Buyers and
#		readers notice nothing, or are asked to come again.
use v5.36;
use File::Path qw(make_path);
use POSIX      qw(_exit);

use lib 'tests/lib';
use Boxoffice::Test;

my $test   = Boxoffice::Test->start;
my $server = $test->server;
my $event  = $test->event(capacity => 1_000_000);

# ---- two trees to go to and fro between ----

my $top   = $Boxoffice::Server::TOP;
my $tree  = "$server->{prefix}/tree";
make_path("$tree/pg_extension");
system('cp', '-a', "$top/sql", $tree) == 0 or die "cp\n";
system('cp', "$top/pg_extension/boxoffice.control", glob("$top/pg_extension/boxoffice--*.sql"), "$tree/pg_extension") == 0 or die "cp\n";

sub edit ($file, $from, $to) {
	open my $in, '<', "$tree/sql/$file" or die "$file: $!\n";
	my $text = do { local $/; <$in> };
	$text =~ s/$from/$to/ or die "$file has no $from\n";
	open my $out, '>', "$tree/sql/$file" or die "$file: $!\n";
	print {$out} $text;
	close $out or die "$file: $!\n";
	return;
}

# A renamed argument can't be made over: all code is dropped and made again.
edit('venue/functions.sql', qr/venue_find\(organizer bigint, ref text\)/, 'venue_find(owner bigint, ref text)');
edit('venue/functions.sql', qr/venue_find\.organizer/,                    'venue_find.owner');
edit('organizer/api.sql',   qr/'Look at an organizer\.'/,                 q{'Look at one organizer.'});

chomp(my $dsn = do { local @ENV{qw(PREFIX)} = ($server->{prefix}); `$top/conf/dsn` });

sub deploy ($from) {
	my $said = `'$from/sql/deploy' '$dsn' 2>&1`;
	return $? == 0 ? $said : "failed: $said";
}

# ---- buyers, and a reader of what is never cached ----

sub run_client ($seconds) {
	my (%seen, @bad);
	my $http  = $test->client;
	my $token = $test->organizer_token;
	my $until = time + $seconds;
	while (time < $until && !-e "$server->{prefix}/enough") {
		my $hold = $test->hold($event, http => $http, key => uuid());
		my $view = $http->get('/v1/organizers/' . $test->organizer . "/events/$event->{id}", token => $token);
		my $order = $hold->status == 201 ? $test->order($event, $hold->json, http => $http) : undef;
		for my $answer ($hold, $view, $order // ()) {
			$seen{ $answer->status }++;
			push @bad, $answer->{raw} if $answer->status !~ /^(?:200|201)$/ && !($answer->status =~ /^50[34]$/ && $answer->header('Retry-After'));
		}
	}
	return { seen => \%seen, bad => \@bad };
}

my @readers;
for my $n (1 .. 2) {
	pipe my $from, my $to or die "pipe: $!\n";
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		close $from;
		my $told = eval { Cpanel::JSON::XS->new->encode(run_client(900)) } // '{"bad":["the client died"]}';
		print {$to} $told;
		close $to;
		_exit(0);
	}
	close $to;
	push @readers, [ $pid, $from ];
}

my $sold = sub { return $server->value('SELECT sum(sold) FROM boxoffice.stock WHERE event_id = ?', $event->{id}) };
wait_until(sub { $sold->() > 20 }, 'the sale runs');
for my $round (1 .. 3) {
	my $before = $sold->();
	like(deploy($tree), qr/^deploy: code$/m, "$round: other code is deployed");
	wait_until(sub { $sold->() > $before + 10 }, 'the sale goes on');
	$before = $sold->();
	like(deploy($top), qr/^deploy: code$/m, "$round: and what was there before");
	wait_until(sub { $sold->() > $before + 10 }, 'the sale goes on');
}

open my $enough, '>', "$server->{prefix}/enough" or die "enough: $!\n";
close $enough;
my (%seen, @bad);
for (@readers) {
	my ($pid, $from) = @$_;
	my $told = Cpanel::JSON::XS->new->decode(do { local $/; <$from> });
	waitpid $pid, 0;
	$seen{$_} += $told->{seen}{$_} for keys %{ $told->{seen} // {} };
	push @bad, @{ $told->{bad} };
}
is_deeply(\@bad, [], 'no answer but what was asked for, or: come again');
cmp_ok($seen{201} // 0, '>', 100, 'most were served: ' . join(', ', map { "$_: $seen{$_}" } sort keys %seen));
$test->finish;
