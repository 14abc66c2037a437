package Boxoffice::Server;

# One Boxoffice of a test's own: a prefix in /tmp with a PostgreSQL and an nginx on a free port, brought up by
# the same conf/run that a user runs. A template prefix, made once for a build, holds a cluster with everything
# deployed; each server starts from a copy of its data.
#
# Whatever is started here becomes a child of this process (it is made a subreaper), so that what is still
# alive at the end can be found, named and ended, and nothing else is ever touched.

use v5.36;
use Cwd            qw(abs_path);
use DBI            ();
use Errno          qw(ESRCH);
use Fcntl          qw(:flock);
use File::Basename qw(basename dirname);
use File::Path     qw(make_path remove_tree);
use File::Temp     ();
use IO::Socket::INET ();
use POSIX          qw(WNOHANG);
use Scalar::Util   ();
use Time::HiRes    qw(time sleep);

# Held, shared, by each test that has servers from the template; these; and whose all that is.
my $template_use;
my %servers;
my $template_user = 0;

our $TOP = abs_path(dirname(__FILE__) . '/../../..');

# Servers have accounts of their own, which read what a test writes.
umask 0022;

# Where the template and the tree's own PostgreSQL stand. Tests run as root must be readable to others.
# `make check` says where and removes it; tests that prove runs by itself share one that the last of them removes.
sub template_prefix { return $ENV{TEST_TEMPLATE} // _template_family() . getppid }

sub _template_family { return '/tmp/boxoffice-template-' . _digest($TOP) . "-$>-" }

# start(%options): a server, running. Options: workers, pool, proxy (a true value puts Boxoffice::Proxy
# between nginx and PostgreSQL), demo, nginx (a function that changes the text of nginx.conf), postgres (lines
# for PostgreSQL's configuration), patience (seconds for what should end by itself at the end).
sub start ($class, %o) {
	_become_subreaper();
	# Told to end, a test ends its servers too.
	$SIG{$_} //= sub { exit 1 } for qw(HUP INT TERM);
	my $template = _template($o{demo});
	my $prefix   = File::Temp::tempdir('boxoffice-XXXXXX', DIR => '/tmp');
	chmod 0755, $prefix;
	my $self = bless {
		prefix  => $prefix,
		host    => '127.0.0.1',
		port    => _free_port(),
		pgport  => 5432,
		workers => $o{workers} // 2,
		pool    => $o{pool}    // 8,
		owner   => $$,
		%o,
	}, $class;
	_run('cp', '-a', "$template/data", "$template/keys", $prefix);
	_run('cp', $_, $prefix) for grep { -e } map { "$template/$_" } qw(deployed demo);
	symlink "$template/pg", "$prefix/pg" or die "symlink: $!\n";
	# Nobody here pulls the plug: what dies leaves what it has written with the system. So no disk can be too slow.
	open my $out, '>', "$prefix/data/local.conf" or die "local.conf: $!\n";
	print {$out} "$_\n" for 'fsync = off', @{ $o{postgres} // [] };
	close $out or die "local.conf: $!\n";
	Scalar::Util::weaken($servers{$prefix} = $self);
	$self->{settings} = { $self->_settings };
	# Somebody may have been quicker with the port.
	for my $try (1 .. 5) {
		last if eval { $self->_conf('run'); 1 };
		die $@ if $try == 5 or $@ !~ /another program listens/;
		$self->{port} = _free_port();
	}
	$self->_adopt_nginx;
	$self->_put_proxy if $o{proxy};
	$self->nginx_change($o{nginx}) if $o{nginx};
	return $self;
}

# Whether other tests of the same prove may come after this one. It says what it runs, and in which order.
sub _more_to_come {
	open my $in, '<', '/proc/' . getppid . '/cmdline' or return 0;
	my @words = split /\0/, do { local $/; <$in> // '' };
	return 0 if !grep { m{(?:^|/)prove$} } @words;
	return !($words[-1] =~ /\.t$/ && basename($words[-1]) eq basename($0));
}

# What is left of runs that were killed.
sub _sweep_templates {
	my $family = _template_family();
	for my $left (glob "$family*") {
		my ($pid) = $left =~ /^\Q$family\E(\d+)/ or next;
		remove_tree($left) if !-e "/proc/$pid";
	}
	return;
}

END {
	if ($template_user == $$ and !$ENV{TEST_TEMPLATE} and !$ENV{TEST_KEEP}) {
		local ($?, $@, $!);
		my $base = template_prefix();
		eval { $_->stop } for grep { $_ and $_->{owner} == $$ } values %servers;
		remove_tree($base, glob("$base-*"), glob("$base.*")) if !_more_to_come() and flock $template_use, LOCK_EX | LOCK_NB;
	}
}

# The template for this build is made by the first test that needs it. Its name says what it was made from, so that
# a build in the meantime takes nothing away from servers that run; old ones are swept.
sub _template ($demo) {
	my $stamp    = _build_stamp();
	my $base     = template_prefix();
	my $template = "$base-" . _digest("$stamp " . ($demo ? 1 : 0));
	open my $lock, '>', "$base.lock" or die "$base.lock: $!\n";
	flock $lock, LOCK_EX or die "flock: $!\n";
	_sweep_templates() if !$ENV{TEST_TEMPLATE};
	open $template_use, '>', "$base.use" or die "$base.use: $!\n";
	flock $template_use, LOCK_SH or die "flock: $!\n";
	$template_user = $$;
	if (-e "$template/complete") { utime undef, undef, $template; return $template }
	remove_tree($template, grep { -d and -M > 1 / 24 } glob "$base-*");
	make_path($template);
	my %env = (PREFIX => $template, PORT => _free_port(), DEMO => $demo ? 1 : 0, QUIET => 1, FILL_WAL => 0, WORKERS => 1, POOL => 1);
	local @ENV{ keys %env } = values %env;
	_run("$TOP/conf/run");
	my ($pid) = _slurp(glob "$template/run/web/nginx.pid") =~ /^(\d+)/;
	kill QUIT => $pid if $pid;
	_reaped($pid, 60) or die "the template's nginx does not stop\n" if $pid;
	_run("$TOP/conf/stop");
	open my $out, '>', "$template/complete" or die "complete: $!\n";
	close $out;
	return $template;
}

# What the template is made from: a change of any of it makes a new template.
sub _build_stamp {
	my $files = join ' ', map { "'$TOP/$_'" } qw(sql conf pg_extension/boxoffice.so pg_extension/boxoffice.control
		pg_extension/boxoffice--1.0.sql pg_extension/errcodes.txt);
	my $stamp = `find $files -type f -print0 2>/dev/null | sort -z | xargs -0 cat | cksum`;
	chomp $stamp;
	return $stamp;
}

sub _digest ($text) { return substr Digest::SHA::sha1_hex($text), 0, 10 }

use Digest::SHA ();

sub _settings ($self) {
	my $text = `PREFIX='$self->{prefix}' sh -c '. "$TOP/conf/settings" && set' "$TOP/conf/run" 2>&1`;
	return map { /^([A-Z][A-Z0-9_]*)='(.*)'$/ ? ($1 => $2) : () } split /\n/, $text;
}

# Runs a script of conf/ for this prefix.
sub _conf ($self, $script, @arguments) {
	local %ENV = (%ENV, $self->env);
	return _run("$TOP/conf/$script", @arguments);
}

# The environment in which conf/'s scripts mean this server.
sub env ($self) {
	return (PREFIX => $self->{prefix}, HOST => $self->{host}, PORT => $self->{port}, PGPORT => $self->{pgport},
		WORKERS => $self->{workers}, POOL => $self->{pool}, DEMO => 0, QUIET => 1, PREBUILT => 1);
}

# PostgreSQL ------------------------------------------------------------------------------------------------

# A connection of the superuser's, or of another database user's.
sub connect ($self, $user = 'postgres', %o) {
	my $database = $o{database} // 'boxoffice';
	return DBI->connect("dbi:Pg:host=$self->{settings}{PG_SOCKETS};port=$self->{pgport};dbname=$database",
		$user, undef, { RaiseError => 1, PrintError => 0, AutoCommit => 1, AutoInactiveDestroy => 1, pg_enable_utf8 => 1 });
}

# The superuser's connection that the test keeps; made anew after a restart.
sub dbh ($self) {
	delete $self->{dbh} if $self->{dbh} and !$self->{dbh}->ping;
	return $self->{dbh} //= $self->connect;
}

sub rows ($self, $sql, @bind) { return @{ $self->dbh->selectall_arrayref($sql, { Slice => {} }, @bind) } }

sub value ($self, $sql, @bind) { return scalar(($self->dbh->selectrow_array($sql, undef, @bind))[0]) }

sub postmaster_pid ($self) {
	my ($pid) = _slurp("$self->{prefix}/data/postmaster.pid") =~ /^(\d+)/;
	return $pid;
}

# The gateway's backends.
sub backend_pids ($self) {
	return map { $_->{pid} }
		$self->rows("SELECT pid FROM pg_catalog.pg_stat_activity WHERE usename = 'boxoffice_gateway'");
}

sub postgres_stop ($self, $mode = 'fast') {
	delete $self->{dbh};
	my $pid = $self->postmaster_pid;
	_run($self->_as('DB_USER'), "$self->{settings}{PG_BIN}/pg_ctl", 'stop', '-s', '-w', '-t', 180, '-m', $mode, '-D', "$self->{prefix}/data");
	_reaped($pid, 60) or die "PostgreSQL ($pid) does not end\n";
	return;
}

# Waits until PostgreSQL is back after the sudden death of one of its processes. Until the postmaster has heard of it, it
# serves; who collects the dead process begins the recovery, so nothing is left of it then.
sub postgres_recovered ($self, $victim) {
	wait_until(sub { !-e "/proc/$victim" }, "process $victim is collected");
	delete $self->{dbh};
	wait_until(sub { eval { $self->value('SELECT 1') } }, 'PostgreSQL has recovered');
	return;
}

sub postgres_start ($self) {
	_run($self->_serve('DB_USER'), "$self->{settings}{PG_BIN}/pg_ctl", 'start', '-s', '-w', '-t', 180,
		'-D', "$self->{prefix}/data", '-l', "$self->{prefix}/log/postgresql-start.log");
	return;
}

# Ends the server as a power cut does, or what is left of one: no warning, no checkpoint.
sub postgres_kill ($self) {
	delete $self->{dbh};
	kill KILL => $self->_postgres_pids;
	# A process that is ending has no directory any more, but its shared memory still: only when all are collected
	# can another server start.
	wait_until(sub {
		my @left = grep { _slurp("/proc/$_/comm") eq "postgres\n" } $self->_postgres_pids, _children($$);
		waitpid $_, WNOHANG for @left;
		return !@left;
	}, 'PostgreSQL is dead');
	unlink "$self->{prefix}/data/postmaster.pid";
	return;
}

# All processes of the cluster: they work in its data directory. A dead postmaster's children are among them.
sub _postgres_pids ($self) {
	my $data = "$self->{prefix}/data";
	return grep { (readlink("/proc/$_/cwd") // '') eq $data } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

# Moves the server's clock to so many seconds from the real one, for every backend's next statement.
sub clock_offset ($self, $seconds) {
	return $self->_clock_set('boxoffice.clock_offset', $seconds, 'SHOW boxoffice.clock_offset');
}

# Stops the server's clock, which is not moved, at that time, in whole seconds since 1970.
sub clock_stop ($self, $at) {
	return $self->_clock_set('boxoffice.clock_stopped_at', $at, 'SELECT extract(epoch FROM boxoffice_code.clock())');
}

# Lets it go again.
sub clock_go ($self) { return $self->_clock_set('boxoffice.clock_stopped_at', 0, 'SHOW boxoffice.clock_stopped_at') }

sub _clock_set ($self, $setting, $seconds, $told) {
	$self->set($setting, $seconds);
	# The postmaster tells all its backends before it forks the one that answers this.
	wait_until(sub { $self->connect->selectrow_array($told) == $seconds }, 'the clock is set');
	return;
}

# Changes a setting of the whole server that a reload is enough for.
sub set ($self, $setting, $value) {
	$self->dbh->do("ALTER SYSTEM SET $setting = '$value'");
	$self->dbh->do('SELECT pg_catalog.pg_reload_conf()');
	return;
}

# nginx -----------------------------------------------------------------------------------------------------

sub nginx_conf ($self) { return "$self->{prefix}/nginx/nginx.conf" }

sub nginx_pid ($self) { return $self->{nginx_pid} }

sub _adopt_nginx ($self) {
	my $file = $self->{settings}{WEB_PID} // "$self->{prefix}/nginx/nginx.pid";
	wait_until(sub { _slurp($file) =~ /^\d+$/ }, 'nginx has written its pid');
	($self->{nginx_pid}) = _slurp($file) =~ /^(\d+)/;
	return;
}

sub worker_pids ($self) { return _children($self->{nginx_pid}, qr/^nginx: worker process/) }

sub nginx_start ($self) {
	my $web = "$self->{prefix}/nginx";
	_run($self->_serve('WEB_USER'), $self->{settings}{NGINX_BIN}, '-p', "$web/", '-e', $self->nginx_log, '-c', $self->nginx_conf);
	$self->_adopt_nginx;
	return;
}

sub nginx_log ($self) { return "$self->{prefix}/log/nginx/error.log" }

sub nginx_stop ($self, $signal = 'QUIT') {
	my $pid = delete $self->{nginx_pid} or return;
	my @workers = _children($pid);
	kill $signal => $pid;
	for my $p ($pid, $signal eq 'KILL' ? () : @workers) {
		_reaped($p, 90) or die "nginx's process $p does not end after SIG$signal\n";
	}
	kill KILL => @workers if $signal eq 'KILL';
	return;
}

# What nginx says of a configuration.
sub nginx_verdict ($self, $file) {
	my $command = join ' ', map { "'$_'" } $self->_serve('WEB_USER'), $self->{settings}{NGINX_BIN}, '-t', '-p', "$self->{prefix}/nginx/", '-e', 'stderr', '-c', $file;
	return scalar `$command 2>&1`;
}

# Reloads, and waits until workers of the new generation serve.
sub nginx_reload ($self) {
	my %old = map { $_ => 1 } $self->worker_pids;
	kill HUP => $self->{nginx_pid} or die "nginx has gone: $!\n";
	wait_until(sub { grep { !$old{$_} } $self->worker_pids }, 'nginx has new workers');
	return;
}

# Changes nginx.conf by a function of its text and takes it into use.
sub nginx_change ($self, $change) {
	$self->nginx_rewrite($change);
	$self->nginx_stop;
	$self->nginx_start;
	return;
}

# Only the first half of that: for who reloads.
sub nginx_rewrite ($self, $change) {
	my $file = $self->nginx_conf;
	my $text = _slurp($file);
	my $new  = $change->($text);
	die "the change of nginx.conf changed nothing\n" if $new eq $text;
	open my $out, '>', $file or die "$file: $!\n";
	print {$out} $new;
	close $out or die "$file: $!\n";
	return;
}

sub _put_proxy ($self) {
	require Boxoffice::Proxy;
	my $directory = "$self->{prefix}/run/proxy";
	make_path($directory);
	chmod 0755, $directory;
	my $sockets = $self->{settings}{PG_SOCKETS};
	my (undef, undef, $uid, $gid) = getpwnam $self->{settings}{WEB_USER};
	$self->{proxy} = Boxoffice::Proxy->start(listen => "$directory/.s.PGSQL.$self->{pgport}",
		connect => "$sockets/.s.PGSQL.$self->{pgport}", uid => $uid, gid => $gid);
	$self->nginx_change(sub ($text) { $text =~ s/host=\Q$sockets\E\b/host=$directory/gr });
	return;
}

sub proxy ($self) { return $self->{proxy} }

# The end --------------------------------------------------------------------------------------------------

# Stops everything; gives what should not have been left, as sentences.
sub stop ($self) {
	return if $self->{stopped}++;
	my @left;
	delete $self->{dbh};
	eval { $self->nginx_stop; 1 } or push @left, $@;
	(delete $self->{proxy})->stop if ref $self->{proxy};
	eval { $self->postgres_stop; 1 } or push @left, $@ if $self->postmaster_pid;
	push @left, "nginx still listens on $self->{port}"
		if IO::Socket::INET->new(PeerAddr => $self->{host}, PeerPort => $self->{port}, Timeout => 2);
	my $sockets = `find '$self->{prefix}/' -type s 2>/dev/null`;
	push @left, "socket left: $_" for split /\n/, $sockets;
	push @left, $self->_end_descendants;
	return @left;
}

# Ends what is left of what this process started, and names it.
sub _end_descendants ($self) {
	my @left;
	my $deadline = time + ($self->{patience} // 30);
	while (my @children = grep { !_zombie($_) } _children($$)) {
		if (time < $deadline) { sleep 0.05; next }
		push @left, map { "process left: $_ " . (_slurp("/proc/$_/cmdline") =~ tr/\0/ /r) } @children;
		kill KILL => @children;
		last;
	}
	1 while waitpid(-1, WNOHANG) > 0;
	return @left;
}

sub DESTROY ($self) {
	return if $$ != $self->{owner};
	local ($?, $@, $!);
	eval { $self->stop };
	if ($ENV{TEST_KEEP}) { print STDERR "# kept: $self->{prefix}\n" }
	else                 { remove_tree($self->{prefix}, { safe => 0 }) }
	return;
}

# Small things ---------------------------------------------------------------------------------------------

# Waits for a condition with a deadline, and dies with what was waited for.
sub wait_until ($condition, $what, $seconds = 60) {
	my $deadline = time + $seconds;
	my $pause    = 0.005;
	until ($condition->()) {
		die "not within $seconds s: $what\n" if time > $deadline;
		sleep $pause;
		$pause *= 1.5 if $pause < 0.1;
	}
	return 1;
}

# The command prefix that makes a program run as the system's user that conf/settings names.
sub _as ($self, $which) {
	return () if $> != 0;
	my $user = $self->{settings}{$which};
	my $gid  = (getpwnam $user)[3];
	return ('setpriv', "--reuid=$user", "--regid=$gid", '--init-groups', '--');
}

# The same for a server: with the sanitizers' runtime if the build has them, as conf/settings does it.
sub _serve ($self, $which) {
	my $preload = $ENV{SERVER_PRELOAD} or return $self->_as($which);
	return ($self->_as($which), 'env', "LD_PRELOAD=$preload", 'ASAN_OPTIONS=detect_leaks=0:abort_on_error=1',
		'UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1');
}

sub _run (@command) {
	my $output = File::Temp->new;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDIN,  '<', '/dev/null';
		open STDOUT, '>&', $output;
		open STDERR, '>&', $output;
		{ exec { $command[0] } @command }
		print STDERR "$command[0]: $!\n";
		POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return if $? == 0;
	die "@command failed ($?):\n" . _slurp($output->filename);
}

# A port that nobody listens on. Below those that the system gives to outgoing connections: anybody's could have it before
# who asked for it listens there.
sub _free_port {
	my ($low) = _slurp('/proc/sys/net/ipv4/ip_local_port_range') =~ /^(\d+)/;
	my $first = 10_000;
	$low = 32_768 if !$low or $low < $first + 1000;
	for (1 .. 1000) {
		my $port   = $first + int rand $low - $first;
		my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp', ReuseAddr => 1);
		return $port if $socket;
	}
	die "no free port: $!\n";
}

sub _slurp ($file) {
	open my $in, '<:raw', $file or return '';
	local $/;
	return scalar(<$in>) // '';
}

# Live children of a process, optionally those whose command line matches.
sub _children ($parent, $matching = undef) {
	my @children;
	opendir my $proc, '/proc' or die "/proc: $!\n";
	for my $pid (grep { /^\d+$/ } readdir $proc) {
		my ($ppid) = _slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) \S (\d+) /s or next;
		next if $ppid != $parent;
		next if $matching and (_slurp("/proc/$pid/cmdline") !~ $matching);
		push @children, $pid;
	}
	return @children;
}

sub _zombie ($pid) { return _slurp("/proc/$pid/stat") !~ /^\d+ \(.*\) [^ZX] /s }

# Whether the process has ended, collected if it is ours, within the time.
sub _reaped ($pid, $seconds) {
	return eval {
		wait_until(sub {
			waitpid $pid, WNOHANG;
			return !kill(0 => $pid) && $! == ESRCH || _zombie($pid);
		}, "process $pid ends", $seconds);
	};
}

sub _become_subreaper {
	require 'syscall.ph';
	my $prctl = (main->can('SYS_prctl') // __PACKAGE__->can('SYS_prctl'))->();
	my ($set_child_subreaper, $zero) = (36, 0);
	syscall($prctl, $set_child_subreaper, 1, $zero, $zero, $zero) == 0 or die "prctl: $!\n";
	return;
}

1;
