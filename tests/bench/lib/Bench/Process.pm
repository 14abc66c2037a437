package Bench::Process;

# Child processes of a bench run: started, waited for until they answer, and ended by their id, whatever
# happens; and the CPU time of processes with all their children.

use v5.36;
use Exporter    qw(import);
use IO::Socket::INET ();
use POSIX       ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(start stop stop_all await_port free_port capture run_or_die cpu_us);

my %running;    # pid => what it is
my %pipes;      # pid => where a command's output comes from: kept, or its end would be waited for too early
my $owner = $$;

# start(what, {env, user, log}, command…): a process in the background; its id.
sub start ($what, $options, @command) {
	my $pid = fork // die "cannot fork: $!\n";
	if (!$pid) {
		$SIG{$_} = 'DEFAULT' for qw(INT TERM ALRM HUP);
		local %ENV = (%ENV, %{ $options->{env} // {} });
		open STDIN,  '<', '/dev/null';
		open STDOUT, '>>', $options->{log} // '/dev/null';
		open STDERR, '>&', \*STDOUT;
		chdir $options->{dir} if $options->{dir};
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	$running{$pid} = $what;
	return $pid;
}

# Ends a process that start() started, and waits for it.
sub stop ($pid, $signal = 'TERM') {
	return unless delete $running{$pid};
	kill $signal, $pid;
	my $deadline = time + 10;
	while (waitpid($pid, POSIX::WNOHANG()) == 0) {
		kill 'KILL', $pid if time > $deadline;
		sleep 0.02;
	}
	return;
}

sub stop_all () {
	return if $$ != $owner;
	stop($_) for sort keys %running;
	return;
}

# Waits until something accepts on the port of 127.0.0.1.
sub await_port ($port, $what, $seconds = 20) {
	my $deadline = time + $seconds;
	while (time < $deadline) {
		my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 1);
		return if $socket;
		sleep 0.05;
	}
	die "$what does not answer on port $port\n";
}

sub free_port () {
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)
		or die "no free port: $!\n";
	return $socket->sockport;
}

# Runs a command and returns what it printed; dies with that and its errors when it fails. The first
# argument may be a hash: env, ok (exit statuses besides 0 that are no failure).
sub capture (@command) {
	my $options = ref $command[0] ? shift @command : {};
	local %ENV = (%ENV, %{ $options->{env} // {} });
	my $pid = open(my $out, '-|') // die "cannot fork: $!\n";
	if (!$pid) {
		$SIG{$_} = 'DEFAULT' for qw(INT TERM ALRM HUP);
		open STDIN,  '<',  '/dev/null';
		open STDERR, '>&', \*STDOUT;
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	($running{$pid}, $pipes{$pid}) = ("@command", $out);
	my $text = do { local $/; <$out> } // '';
	delete $running{$pid};
	close delete $pipes{$pid};
	my $status = $? >> 8;
	die "@command\nfailed with status $status:\n$text\n"
		if $? and not grep { $_ == $status } @{ $options->{ok} // [] };
	return $text;
}

sub run_or_die (@command) { capture(@command); return }

# CPU time in microseconds that the processes and all their descendants, living and reaped, have used.
sub cpu_us (@roots) {
	my (%ticks, %children);
	for my $file (glob '/proc/[0-9]*/stat') {
		open my $in, '<', $file or next;
		my $line = <$in> // next;
		my ($pid, $rest) = $line =~ /\A(\d+) \(.*\) (.*)\z/s or next;
		my @field = split ' ', $rest;    # from the third of proc(5) on
		$ticks{$pid} = $field[11] + $field[12] + $field[13] + $field[14];
		push @{ $children{ $field[1] } }, $pid;
	}
	my ($sum, @todo) = (0, @roots);
	while (defined(my $pid = shift @todo)) {
		$sum += $ticks{$pid} // 0;
		push @todo, @{ $children{$pid} // [] };
	}
	return $sum * 1e6 / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

END { my $status = $?; stop_all(); $? = $status }

1;
