# Everybody at everything at once: several processes do to the same two events, and the same orders, all that the simulation
# knows: hold, order, pay, sell, exchange, split, cancel, extend, approve, block, move, cut, pause, add sessions. Nobody foretells
# an answer here; but nothing is a 500 or a deadlock, every answer fits the contract, what was confirmed is there, and the
# books and buyers' counters agree at the end.
#
#   SEED=$RANDOM SECONDS=60 prove tests/fault/melee.t       other acts, for longer
#
# Without SEED it is always the same one: a change is judged by itself, not by the dice.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Show;
use Boxoffice::Test;
use List::Util  qw(sum0);
use POSIX       ();
use Time::HiRes qw(time sleep);

my $seed    = int($ENV{SEED} // 20_261_123);
my $seconds = $ENV{SECONDS} // 15;
srand($seed);
diag("SEED=$seed");

my $t      = Boxoffice::Test->start;
my $server = $t->server;
my $offset = 0;
my $notes  = "$server->{prefix}/melee";
mkdir $notes or die "notes: $!\n";

my ($http, $out, @ignored);

sub jot ($text) {
	$out //= do { open my $file, '>>', "$notes/$$" or die "notes: $!\n"; $file->autoflush(1); $file };
	print {$out} $text =~ tr/\n/ /r, "\n";
	return;
}

# Asks until it is settled; what is no settled answer must say when to come again.
sub ask ($method, $path, $body, %o) {
	$http->{$$} //= Boxoffice::Http->new(host => $server->{host}, port => $server->{port});
	my $deadline = time + 180;
	while (time < $deadline) {
		my $answer = $http->{$$}->request($method, $path, defined $body ? (json => $body) : (), %o);
		jot("fault $method $path: $_: " . substr $answer->body, 0, 500) for $t->{openapi}->faults($method, $path, $answer);
		if ($answer->status !~ /^50[34]$/ and $answer->code ne 'idempotency_running') {
			jot("there $1 " . $answer->json->{id}) if $answer->status == 201 and $path =~ m{/(hold|order)s$};
			jot('did ' . ($answer->code || $answer->status));
			return $answer;
		}
		jot("fault $method $path does not say when to come again") if !$answer->header('Retry-After');
		sleep 0.02;
	}
	jot("fault $method $path was not settled in 180 s");
	die "not settled\n";
}

my @shows = map { Boxoffice::Show->new(t => $t, now => sub { time + $offset }, ask => \&ask, wrong => \@ignored) } 1, 2;

my %weight = %Boxoffice::Show::ACTS;
delete @weight{qw(go_live cancel look)};
@weight{qw(cancel_session pause exchange split_order cancel_ticket extend_order)} = (0.05, 0.4, 15, 10, 8, 8);
my @names = sort keys %weight;
my $sum   = sum0(values %weight);

sub act ($show, @only) {
	my $at = rand $sum;
	my ($name) = @only ? $only[ rand @only ] : grep { ($at -= $weight{$_}) < 0 } @names;
	# What comes of it is not what the model of one process alone expects.
	my $ok = eval { $show->$name; 1 };
	jot("died $name: $@") if !$ok;
	return;
}

# Orders and holds that all of them will be at.
act($_ % 2 ? $shows[0] : $shows[1], qw(hold hold order order sell pay block)) for 1 .. 150;

my @pids;
for my $number (1 .. 6) {
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		delete $server->{dbh};
		undef $out;
		srand($seed + $number);
		# At least so many, however slow the machine is.
		my ($until, $acts) = (time + $seconds, 0);
		act($shows[ rand @shows ]) while time < $until or $acts++ < 60;
		POSIX::_exit(0);
	}
	push @pids, $pid;
}
for (1 .. 4) {
	sleep $seconds / 5;
	$server->clock_offset($offset += (60, 300, 700, 2000)[ rand 4 ]);
}
waitpid $_, 0 for @pids;
# Sales go on where a pause was the last thing.
for (@shows) { ask(POST => "$_->{base}/resume", undef, token => $_->{office}, key => uuid()) }

my (@faults, %did, %there, %died);
for my $file (glob "$notes/*") {
	open my $in, '<', $file or die "$file: $!\n";
	while (<$in>) {
		chomp;
		if    (/^fault (.*)/)             { push @faults, $1 }
		elsif (/^did (.*)/)               { $did{$1}++ }
		elsif (/^there (\w+) (\d+)/)      { $there{$1}{$2} = 1 }
		elsif (/^died (\w+: .{0,200})/)   { $died{$1}++ }
	}
}
is_deeply([ splice @faults, 0, 10 ], [], 'each answer was as the contract has it, and none a 500');
diag(join ', ', map { "$did{$_} $_" } sort keys %did);
diag("died: $_ ($died{$_})") for sort keys %died;
my %found = map { my $what = $_; $what => { map { $_->{id} => 1 } $server->rows("SELECT id FROM boxoffice.$what") } } qw(hold order);
for my $what (qw(hold order)) {
	is_deeply([ grep { !$found{$what}{$_} } sort keys %{ $there{$what} } ], [], scalar(keys %{ $there{$what} }) . " ${what}s are there as was told");
}
is_deeply([ map { $_->_buyers_differ(sub { $server->rows(@_) }) } @shows ], [], "buyers' counters are what lives under their names");
cmp_ok($did{201} // 0, '>', 100, 'much was done');
$t->finish;
