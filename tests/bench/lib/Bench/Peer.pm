package Bench::Peer;

# What ours is compared with, each on the same machine and the same PostgreSQL settings: pgbench, nginx's
# return 200, and the Fastify service beside this file.

use v5.36;
use Bench::Process qw(start stop await_port free_port capture run_or_die cpu_us);

# new(top, site, build)
sub new ($class, %self) {
	my $self = bless {%self}, $class;
	$self->{dsn} = $self->{site}{dsn} =~ s/dbname=\S+/dbname=peer/r;
	$self->{site}->psql('CREATE DATABASE peer');
	return $self;
}

sub stop_all ($self) {
	stop(delete $self->{$_}) for grep { $self->{$_} } qw(nginx_pid fastify_pid);
	return;
}

# A plain nginx with as many workers that answers everything with 200; its port.
sub nginx ($self) {
	return $self->{nginx_port} if $self->{nginx_pid};
	my $port = $self->{nginx_port} = free_port();
	my $dir  = "$self->{build}/return200";
	my $user = $> == 0 ? 'user www-data;' : '';
	run_or_die('mkdir', '-p', $dir);
	open my $out, '>', "$dir/nginx.conf" or die "$dir/nginx.conf: $!\n";
	print {$out} <<~"CONF";
		$user
		daemon off;
		worker_processes $self->{site}{workers};
		pid $dir/nginx.pid;
		error_log $dir/error.log;
		events { worker_connections 4096; }
		http {
		    access_log off;
		    keepalive_requests 100000000;
		    client_body_temp_path $dir/body;
		    proxy_temp_path $dir/proxy;
		    fastcgi_temp_path $dir/fastcgi;
		    uwsgi_temp_path $dir/uwsgi;
		    scgi_temp_path $dir/scgi;
		    server {
		        listen 127.0.0.1:$port reuseport backlog=4096;
		        location / { default_type application/json; return 200 '{"ok":true}'; }
		    }
		}
		CONF
	close $out or die "$dir/nginx.conf: $!\n";
	$self->{nginx_pid} = start('nginx return 200', { log => "$dir/output.log" },
		$self->{nginx}, '-p', "$dir/", '-e', "$dir/error.log", '-c', "$dir/nginx.conf");
	await_port($port, 'nginx return 200');
	return $port;
}

# The Fastify service, selling one event; its port.
sub fastify ($self, %o) {
	my $dir = "$self->{build}/fastify";
	$self->fastify_install($dir) unless $self->{fastify_installed}++;
	stop(delete $self->{fastify_pid}) if $self->{fastify_pid};
	$self->fastify_stock(%o);
	my $port = free_port();
	$self->{fastify_pid} = start('Fastify', {
		log => "$dir/output.log",
		env => {
			PORT => $port, WORKERS => $self->{site}{workers}, POOL => $o{pool} // 8, NODE_ENV => 'production',
			PGHOST => $self->{site}{socket}, PGPORT => $self->{site}{pgport}, PGUSER => 'postgres', PGDATABASE => 'peer',
			HS256_KEY_FILE => $self->{site}->key_file('HS256'),
			EVENT => $o{event}, TICKET_TYPE => 'general', SESSION => 's0',
		},
	}, 'node', "$dir/server.js");
	await_port($port, 'the Fastify service');
	return $port;
}

# Its packages are those of the lock file, installed once into the build directory.
sub fastify_install ($self, $dir) {
	run_or_die('mkdir', '-p', $dir);
	run_or_die('cp', (map { "$self->{top}/tests/bench/fastify/$_" } qw(package.json package-lock.json server.js schema.sql)), $dir);
	return if -e "$dir/node_modules/.package-lock.json"
		and -M "$dir/node_modules/.package-lock.json" < -M "$self->{top}/tests/bench/fastify/package-lock.json";
	run_or_die('npm', 'ci', '--prefix', $dir, '--no-audit', '--no-fund', '--omit=dev', '--ignore-scripts');
	return;
}

sub fastify_stock ($self, %o) {
	run_or_die('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $self->{dsn},
		'-f', "$self->{top}/tests/bench/fastify/schema.sql");
	$self->{site}->psql("INSERT INTO stock (event_id, ticket_type, capacity, unit_price)
		VALUES ($o{event}, 'general', $o{capacity}, 0)", dsn => $self->{dsn});
	return;
}

sub fastify_cpu ($self) { return $self->{fastify_pid} ? cpu_us($self->{fastify_pid}) : 0 }
sub nginx_cpu   ($self) { return $self->{nginx_pid} ? cpu_us($self->{nginx_pid}) : 0 }

# pgbench for so many seconds; transactions per second, and their number.
sub pgbench ($self, $seconds, @options) {
	my %pid = $self->{site}->pids;
	my ($bin) = capture($self->{pg_config}, '--bindir') =~ /(\S+)/;
	my $before = cpu_us($pid{postgres});
	my $text   = capture("$bin/pgbench", '-n', '-T', $seconds, @options, $self->{dsn});
	my ($tps)   = $text =~ /^tps = ([\d.]+)/m or die "pgbench says no tps:\n$text\n";
	my ($count) = $text =~ /transactions actually processed: (\d+)/;
	my ($mean)  = $text =~ /latency average = ([\d.]+)/;
	return {
		rate => $tps, count => $count, mean_ms => $mean,
		postgres_us => $count ? (cpu_us($pid{postgres}) - $before) / $count : 0,
	};
}

# The plain UPDATE of one row: 64 clients, two threads, prepared.
sub pgbench_update ($self, $seconds) {
	my $script = "$self->{build}/update.sql";
	if (!$self->{update_ready}++) {
		$self->{site}->psql(<<~'SQL', dsn => $self->{dsn});
			DROP TABLE IF EXISTS one;
			CREATE TABLE one (id integer PRIMARY KEY, available bigint NOT NULL) WITH (fillfactor = 30);
			INSERT INTO one VALUES (1, 1000000000)
			SQL
		open my $out, '>', $script or die "$script: $!\n";
		print {$out} "UPDATE one SET available = available - 1 WHERE id = 1;\n";
		close $out or die "$script: $!\n";
	}
	return $self->pgbench($seconds, '-M', 'prepared', '-j', 2, '-c', 64, '-f', $script);
}

# pgbench's own simple update (-N), 32 clients.
sub pgbench_simple ($self, $seconds) {
	if (!$self->{simple_ready}++) {
		my ($bin) = capture($self->{pg_config}, '--bindir') =~ /(\S+)/;
		run_or_die("$bin/pgbench", '-i', '-q', '-s', 10, $self->{dsn});
		$self->pgbench(3, '-N', '-M', 'prepared', '-j', 2, '-c', 32);    # warm: first writes of pages
	}
	return $self->pgbench($seconds, '-N', '-M', 'prepared', '-j', 2, '-c', 32);
}

1;
