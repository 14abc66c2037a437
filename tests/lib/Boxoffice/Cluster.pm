package Boxoffice::Cluster;

# A PostgreSQL of a test's own without nginx: a prefix in /tmp that conf/run fills and starts with this build's
# extension. Databases are made as a test wants them; nothing is deployed by itself.

use v5.36;
use Cwd            qw(abs_path);
use DBI            ();
use File::Basename qw(dirname);
use File::Path     qw(remove_tree);
use File::Temp     ();
use Time::HiRes    qw(sleep time);

our $TOP = abs_path(dirname(__FILE__) . '/../../..');

# PostgreSQL has an account of its own, which reads what a test writes.
umask 0022;

# start(lines for PostgreSQL's configuration…)
sub start ($class, @settings) {
	my $prefix = File::Temp::tempdir('boxoffice-cluster-XXXX', TMPDIR => 1);
	chmod 0755, $prefix;
	my $self = bless { prefix => $prefix, owner => $$ }, $class;
	$self->_conf('run', 'cluster');
	chomp($self->{dsn} = $self->_conf('dsn'));
	if (@settings) {
		open my $out, '>>', "$prefix/data/local.conf" or die "local.conf: $!\n";
		say {$out} $_ for @settings;
		close $out or die "local.conf: $!\n";
		$self->restart;
	}
	# No test here pulls the plug: what is written need not reach the disk.
	$self->sql('postgres', 'ALTER SYSTEM SET fsync = off', 'SELECT pg_reload_conf()');
	return $self;
}

sub stop ($self) {
	$self->_conf('stop') if -d $self->{prefix};
	return;
}

sub restart ($self) {
	$self->stop;
	$self->_conf('run', 'cluster');
	return;
}

# The connection string of a database.
sub dsn ($self, $database = 'postgres') {
	return $self->{dsn} =~ s/dbname=\S+/dbname=$database/r;
}

sub create ($self, $database) {
	$self->sql('postgres', "CREATE DATABASE $database");
	return;
}

# What a statement selects, as psql prints it, without alignment; dies if it fails.
sub sql ($self, $database, @statements) {
	return _run('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $self->dsn($database), map { ('-c', $_) } @statements);
}

# A connection that stays.
sub connect ($self, $database) {
	my $dsn = $self->dsn($database) =~ s/ /;/gr;
	$dsn =~ s/user=(\S+?);?$|user=(\S+?);//;
	return DBI->connect("dbi:Pg:$dsn", 'postgres', '', { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
}

# Deploys a tree (this one if none is named) and returns (exit status, what was said).
sub try_deploy ($self, $database, $tree = $TOP, %env) {
	local @ENV{ keys %env } = values %env;
	my $dsn  = $self->dsn($database);
	my $said = `'$tree/sql/deploy' '$dsn' 2>&1`;
	return ($? >> 8, $said);
}

sub deploy ($self, $database, $tree = $TOP) {
	my ($status, $said) = $self->try_deploy($database, $tree);
	die "deploy of $tree failed:\n$said" if $status != 0;
	return $said;
}

# A copy of what deploy reads, to be changed.
sub tree ($self, $name) {
	my $tree = "$self->{prefix}/$name";
	_run('mkdir', '-p', "$tree/pg_extension");
	_run('cp', '-a', "$TOP/sql", $tree);
	_run('cp', glob("$TOP/pg_extension/boxoffice.control"), glob("$TOP/pg_extension/boxoffice--*.sql"), "$tree/pg_extension");
	return $tree;
}

# The schema as pg_dump tells it.
sub schema ($self, $database) {
	my $dump = _run('pg_dump', '-s', '-d', $self->dsn($database));
	return $dump =~ s/^\\(?:un)?restrict .*\n//mgr;
}

# What one database's schema has and another's has not, as diff tells it; empty if they are the same.
sub schema_difference ($self, $got, $wanted) {
	my @files;
	for my $database ($wanted, $got) {
		push @files, "$self->{prefix}/$database.schema";
		open my $out, '>', $files[-1] or die "$files[-1]: $!\n";
		print {$out} $self->schema($database);
		close $out or die "$files[-1]: $!\n";
	}
	return scalar `diff -U2 '$files[0]' '$files[1]' | head -n 40`;
}

sub log_text ($self) {
	return _run('sh', '-c', "cat $self->{prefix}/log/postgresql*.log");
}

# Waits until a test holds, at most so many seconds; whether it did.
sub wait_for ($self, $seconds, $test) {
	my $until = time + $seconds;
	while (time < $until) {
		return 1 if $test->();
		sleep 0.05;
	}
	return 0;
}

sub _conf ($self, $script, @args) {
	local @ENV{qw(PREFIX QUIET PGPORT)} = ($self->{prefix}, 1, 5432);
	return _run("$TOP/conf/$script", @args);
}

sub _run (@command) {
	my $said = File::Temp->new;
	my $pid  = fork // die "fork: $!\n";
	if (!$pid) {
		open STDOUT, '>&', $said       or die $!;
		open STDERR, '>&', $said       or die $!;
		open STDIN,  '<',  '/dev/null' or die $!;
		exec @command or die "$command[0]: $!\n";
	}
	waitpid $pid, 0;
	my $status = $?;
	open my $in, '<', "$said" or die $!;
	my $text = do { local $/; <$in> // '' };
	die "@command failed:\n$text" if $status != 0;
	return $text;
}

sub DESTROY ($self) {
	return if $self->{owner} != $$;
	local ($?, $@);
	eval { $self->stop };
	$ENV{TEST_KEEP} ? print("# kept: $self->{prefix}\n") : remove_tree($self->{prefix});
	return;
}

1;
