package Boxoffice::PgRegress;

# Runs a schedule of pg_regress or pg_isolation_regress as TAP: a cluster in a directory of its own, with the SQL
# deployed into a database named after the kind, and the differences shown where a test fails.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp ();
use Test::More;

our @EXPORT_OK = qw(run_schedule);

my $top = abs_path(dirname(__FILE__) . '/../../..');

# PostgreSQL has an account of its own, which reads what a test writes.
umask 0022;
my %runner = (
	regress   => 'src/test/regress/pg_regress',
	isolation => 'src/test/isolation/pg_isolation_regress',
);

# The time of rules: noon in Greenwich on a Monday of November 2026.
my $clock = 1795435200;

# run_schedule(kind): the whole test file.
sub run_schedule
{
	my ($kind) = @_;
	my $input = "$top/tests/$kind";
	plan skip_all => "no schedule in tests/$kind" if !-e "$input/schedule";

	my $prefix = File::Temp::tempdir("boxoffice-$kind-XXXX", TMPDIR => 1);
	chmod 0755, $prefix;
	local @ENV{qw(PREFIX QUIET PGPORT PGDATABASE)} = ($prefix, 1, 5432, 'postgres');
	my $ok = eval { run_in($prefix, $kind, $input); 1 };
	my $why = $@;
	command("$top/conf/stop");
	my $alarming = alarming_lines($prefix);
	is($alarming, '', 'no crash, no broken invariant in the log');
	diag($why) if !$ok;
	fail('the schedule ran') if !$ok;
	$ENV{TEST_KEEP} ? diag("kept: $prefix") : remove_tree($prefix);
	done_testing();
	return;
}

# The races run a second time where the library can leave locks out (see its debug.h): in a database whose SQL has
# them left out too, against outputs of their own. These are the controls: each shows what the lock is there for.
sub run_in
{
	my ($prefix, $kind, $input) = @_;
	command("$top/conf/run", 'cluster');
	my $dsn = `$top/conf/dsn`;
	chomp $dsn;
	# what a plan is must not hang on whether statistics were gathered in between
	command('psql', '-XAtq', '-o', '/dev/null', '-d', on($dsn, 'postgres'), '-c', 'ALTER SYSTEM SET autovacuum = off', '-c', 'SELECT pg_reload_conf()');
	my @setup = sort glob "$input/setup/*.sql";
	run_pass($dsn, $kind, $kind, $input, @setup);
	return if !-d "$input/control";
	if (can_skip_locks(on($dsn, $kind)))
	{
		run_pass($dsn, $kind, "${kind}_control", control_input($input, $kind), @setup, "$input/control.sql");
	}
	else
	{
		isnt($ENV{BOXOFFICE_VARIANT} // '', 'checked', 'no controls: this library cannot leave a lock out');
	}
	return;
}

# Whether the library was built so that boxoffice.debug_skip_lock has an effect.
sub can_skip_locks
{
	my ($dsn) = @_;
	return `psql -XAtqd '$dsn' -c "SELECT extra_desc FROM pg_settings WHERE name = 'boxoffice.debug_skip_lock'"` !~ /^Without effect/;
}

sub on
{
	my ($dsn, $database) = @_;
	return $dsn =~ s/dbname=\S+/dbname=$database/r;
}

# Where pg_regress looks for the same specs with the controls' outputs.
sub control_input
{
	my ($input, $kind) = @_;
	my $there = "$top/build/${kind}_control.input";
	remove_tree($there);
	make_path($there);
	symlink "$input/$_->[0]", "$there/$_->[1]" or die "$there: $!"
		for [ 'specs', 'specs' ], [ 'control', 'expected' ], [ 'schedule', 'schedule' ];
	return $there;
}

# Runs the schedule in a new database.
sub run_pass
{
	my ($dsn, $kind, $database, $input, @setup) = @_;
	my $output = "$top/build/$database";
	remove_tree($output);
	make_path($output);
	command('psql', '-XAtqd', on($dsn, 'postgres'), '-c', "CREATE DATABASE $database");
	command("$top/sql/deploy", on($dsn, $database));
	# It is the same moment for ever: dates in the tests don't go by, and a slow machine misses no deadline.
	command('psql', '-XAtqd', on($dsn, $database), '-c', "ALTER DATABASE $database SET boxoffice.clock_stopped_at = $clock");
	command('psql', '-XAtqd', on($dsn, $database), '-v', 'ON_ERROR_STOP=1', '-f', $_) for @setup;

	my ($host) = $dsn =~ /host=(\S+)/;
	my $lib = `\${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config} --pkglibdir`;
	chomp $lib;
	my $schedule = schedule($input, $output);
	my @command = ("$lib/pgxs/$runner{$kind}", "--inputdir=$input", "--outputdir=$output", "--host=$host",
		'--port=5432', '--user=postgres', '--use-existing', "--dbname=$database", "--schedule=$schedule");
	push @command, '--bindir=' . dirname($lib) . '/bin' if $kind eq 'regress';
	open my $said, '-|', join(' ', map { "'$_'" } @command) . ' 2>&1' or die "$command[0]: $!";
	my @other;
	while (<$said>)
	{
		if    (/^(?:test|     ) (\S+)\s+\.\.\. (ok|FAILED|failed)/) { report($1, $2 eq 'ok', $database, $kind, $input, $output) }
		elsif (/\S/)                                                { push @other, $_ }
	}
	close $said;
	ok($? == 0, "pg_regress is content with $database") or diag(@other);
	return;
}

# The lines of the schedule, or of it those that ONLY names.
sub schedule
{
	my ($input, $output) = @_;
	my $only = $ENV{ONLY} or return "$input/schedule";
	open my $out, '>', "$output/schedule" or die "$output/schedule: $!";
	print {$out} "test: $_\n" for split ' ', $only;
	close $out or die "$output/schedule: $!";
	return "$output/schedule";
}

sub report
{
	my ($name, $good, $database, $kind, $input, $output) = @_;
	ok($good, $database eq $kind ? $name : "$name: control") or diag(scalar `diff -U3 '$input/expected/$name.out' '$output/results/$name.out' | head -n 60`);
	return;
}

# A test makes errors on purpose; a crash, a failed assertion or a sanitizer's word is never on purpose.
sub alarming_lines
{
	my ($prefix) = @_;
	return scalar `cat $prefix/log/*.log | grep -aE 'PANIC|TRAP:|terminated by signal|ERROR: AddressSan|runtime error:| XX[0-9A-Z]{3} ' | head -n 20`;
}

sub command
{
	my (@command) = @_;
	my $said = File::Temp->new;
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		open STDOUT, '>&', $said or die $!;
		open STDERR, '>&', $said or die $!;
		open STDIN, '<', '/dev/null' or die $!;
		exec @command or die "$command[0]: $!";
	}
	waitpid $pid, 0;
	return if $? == 0;
	open my $in, '<', "$said" or die $!;
	die "@command failed:\n", <$in>;
}

1;
