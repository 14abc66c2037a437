package Bench::Measure;

# The measures of DESIGN §13: each runs ours and its peer in turn and gives back rows for the report. A
# ratio is made of medians over the rounds; both sides of a ratio ran interleaved in those same rounds.

use v5.36;
use Time::HiRes    qw(sleep time);
use Bench::Books   ();
use Bench::Load    qw(load load_options load_result);
use Bench::Past    ();
use Bench::Process qw(start stop capture);
use Bench::Sessions ();

# Name, method, what it is for the list. In this order they run: what needs empty tables comes first.
our @measures = (
	[ past     => 'CPU a hold with 1,000,000 past orders in the event, against none' ],
	[ capacity => 'CPU a hold at a capacity of 1,000,000, against 1,000' ],
	[ hold     => 'durable holds over HTTP, against pgbench, Fastify and return 200' ],
	[ purchase => 'whole purchases, against pgbench -N' ],
	[ get      => 'the cached GET of an event, against return 200' ],
	[ token    => 'a new ES256 token on every request, against a new HS256 one' ],
	[ quiet    => 'a quiet event beside a flood on another' ],
	[ analyst  => 'holds after an analyst\'s report was left open, against before' ],
	[ sessions => 'CPU a hold with 13,000 sessions, against 1; making 10,000; the first page' ],
	[ lists    => 'first pages of lists and searches with 10,000,000 tickets' ],
	[ export   => '1,000,000 tickets as CSV, against COPY of the same rows' ],
	[ sellout  => 'a pool of 50,000 sold to twice as many buyers' ],
);

# new(site, peer, load, rounds, seconds, scale, say)
sub new ($class, %self) { return bless {%self}, $class }

sub median (@values) {
	my @sorted = sort { $a <=> $b } @values;
	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

# Runs the named subs in turn, rounds times; name => [results].
sub interleave ($self, @named) {
	my %results;
	for my $round (1 .. $self->{rounds}) {
		for (my $i = 0; $i < @named; $i += 2) {
			my ($name, $run) = @named[ $i, $i + 1 ];
			my $result = $run->();
			push @{ $results{$name} }, $result;
			$self->{say}->(sprintf '  round %d  %-12s %s', $round, $name, describe($result));
		}
	}
	return %results;
}

sub describe ($result) {
	my @parts = sprintf '%9.0f/s', $result->{rate};
	push @parts, sprintf 'p99 %6.2f ms', $result->{p99_ms} if $result->{p99_ms};
	push @parts, sprintf 'CPU us: nginx %.1f PostgreSQL %.1f', $result->{nginx_us}, $result->{postgres_us}
		if defined $result->{nginx_us};
	push @parts, join ' ', map { "$_:$result->{odd}{$_}" } sort keys %{ $result->{odd} };
	return join '  ', @parts;
}

sub of ($field, @results) { return median(map { $_->{$field} } @results) }

# A row of the report. least or most is the bar; neither: reported only.
sub row ($measure, $unit, $ours, $peer, %o) {
	my $ratio = $peer ? $ours / $peer : undef;
	my $value = $o{value} // $ratio;
	my $good  = defined $o{least} ? $value >= $o{least} : defined $o{most} ? $value <= $o{most} : undef;
	return { measure => $measure, unit => $unit, ours => $ours, peer => $peer, ratio => $ratio, good => $good, %o };
}

sub cpu_of (@results) {
	return (nginx_us => of('nginx_us', @results), postgres_us => of('postgres_us', @results));
}

# Ours under load, with CPU by program. Every answer must be 2xx unless the caller expects others.
sub ours ($self, %o) {
	my %before = $self->{site}->cpu;
	my $result = $self->drive($self->{site}{port}, %o);
	my %after  = $self->{site}->cpu;
	$result->{"${_}_us"} = ($after{$_} - $before{$_}) / $result->{answers} for qw(nginx postgres);
	return $result;
}

# The load generator against a port: rate of 2xx answers or of completed buyers, latencies, oddities.
sub drive ($self, $port, %o) {
	my $buyers  = delete $o{by_buyer};
	my $load    = load($self->{load}, port => $port, connections => 256, seconds => $self->{seconds}, warmup => 1,
		$self->signing(delete $o{alg} // 'HS256'), %o);
	my $answers = 0;
	$answers += $_ for values %{ $load->{status} };
	my %odd = map { $_ => $load->{status}{$_} } grep { $_ >= 300 } keys %{ $load->{status} };
	$odd{$_} = $load->{$_} for grep { $load->{$_} } qw(lost bad failed);
	die "nothing was answered\n" if !$answers;
	my $latency = $load->{ $buyers ? 'buyer' : 'request' };
	return {
		rate    => $load->{ $buyers ? 'completed_per_s' : 'ok_per_s' },
		answers => $answers,
		done    => $load->{completed},
		(map { ($_ . '_ms' => $latency->{"${_}_us"} / 1000) } qw(p50 p99 p999)),
		odd  => \%odd,
		load => $load,
	};
}

sub signing ($self, $alg) {
	return () if $alg eq 'none';
	return (
		alg => $alg, key_file => $self->{site}->key_file($alg), kid => $self->{site}{kid}{$alg},
		iss => 'boxoffice', aud => 'boxoffice',
	);
}

# An event that no run sells out.
sub large ($self) { return $self->{large} //= $self->{site}->event(capacity => 100_000_000) }

# A fresh run of holds on one hot ticket type.
sub holds ($self, %o) {
	my $event = delete $o{event} // $self->large;
	$self->{site}->reset unless delete $o{keep};
	return $self->ours(scenario => 'hold', event => $event, type => 'general', session => 's0', %o);
}

sub hold ($self) {
	my ($site, $peer) = @$self{qw(site peer)};
	my $event    = $self->large;
	my @request  = (scenario => 'hold', event => $event, type => 'general', session => 's0');
	my $fastify  = $peer->fastify(event => $event, capacity => 100_000_000);
	my $plain    = $peer->nginx;
	my %results  = $self->interleave(
		ours     => sub { $self->holds },
		'ours v4' => sub { $self->holds(key_version => 4) },
		pgbench  => sub { $peer->pgbench_update($self->{seconds}) },
		fastify  => sub { $self->drive($fastify, @request) },
		'return' => sub { $self->drive($plain, @request) },
	);
	$peer->stop_all;
	my ($ours, %cpu) = (of(rate => @{ $results{ours} }), cpu_of(@{ $results{ours} }));
	my $p99 = of(p99_ms => @{ $results{ours} });
	return (
		row('holds / pgbench UPDATE of one row', '/s', $ours, of(rate => @{ $results{pgbench} }), least => 12, %cpu,
			rounds => \%results),
		row('holds / Fastify + pg', '/s', $ours, of(rate => @{ $results{fastify} }), least => 12),
		row('holds / nginx return 200', '/s', $ours, of(rate => @{ $results{return} }), least => 0.25, aim => 0.5),
		row('p99 of those holds', 'ms', $p99, of(p99_ms => @{ $results{return} }), value => $p99, most => 20),
		row('holds with random keys (UUID v4) / v7', '/s', of(rate => @{ $results{'ours v4'} }), $ours,
			cpu_of(@{ $results{'ours v4'} })),
	);
}

sub purchase ($self) {
	my $event   = $self->large;
	my %results = $self->interleave(
		ours => sub {
			$self->{site}->reset;
			$self->ours(scenario => 'purchase', event => $event, type => 'general', session => 's0', by_buyer => 1);
		},
		pgbench => sub { $self->{peer}->pgbench_simple($self->{seconds}) },
	);
	return row('purchases / pgbench -N', '/s', of(rate => @{ $results{ours} }), of(rate => @{ $results{pgbench} }),
		least => 1, cpu_of(@{ $results{ours} }), rounds => \%results);
}

sub get ($self) {
	my $event   = $self->large;
	my $plain   = $self->{peer}->nginx;
	my @request = (scenario => 'get', path => "/v1/events/$event", alg => 'none');
	my %results = $self->interleave(
		ours     => sub { $self->ours(@request) },
		'return' => sub { $self->drive($plain, @request) },
	);
	$self->{peer}->stop_all;
	return row('cached GET of an event / return 200', '/s', of(rate => @{ $results{ours} }),
		of(rate => @{ $results{return} }), least => 0.6, cpu_of(@{ $results{ours} }), rounds => \%results);
}

# A fixed number of holds over 100 sessions, 1,000 a session: at a capacity of 1,000 each is filled to the
# last place. The same requests at 1,000,000 differ in nothing but the capacity.
sub capacity ($self) {
	my %event = map { $_ => $self->{site}->event(capacity => $_, sessions => 100) } 1_000, 1_000_000;
	my $run   = sub ($capacity) {
		$self->holds(event => $event{$capacity}, sessions => 100, session => 's', per_session => 1000,
			count => 100_000, warmup => 0, seconds => 60);
	};
	my %results = $self->interleave(small => sub { $run->(1_000) }, large => sub { $run->(1_000_000) });
	return row('server CPU a hold, capacity 1,000,000 / 1,000', 'us', cpu_sum(@{ $results{large} }),
		cpu_sum(@{ $results{small} }), most => 1.2, cpu_of(@{ $results{large} }), rounds => \%results);
}

sub cpu_sum (@results) { return median(map { $_->{nginx_us} + $_->{postgres_us} } @results) }

# Holds in an event with 1,000,000 orders and, in turn, in one without: a site for each, as the tables are
# what a history makes large.
sub past ($self) {
	my %site = (empty => $self->{site}, past => $self->{site}->another('past'));
	my %event = map { $_ => $site{$_}->event(capacity => 100_000_000) } sort keys %site;
	my $run = sub ($which) {
		local $self->{site} = $site{$which};
		return $self->holds(event => $event{$which}, keep => 1, count => 100_000, warmup => 0, seconds => 60);
	};
	my $began = time;
	Bench::Past::make($site{past}, $event{past}, $self->{scale} * 1_000_000);
	$self->{say}->(sprintf '  %d past orders in %.1f s', $self->{scale} * 1_000_000, time - $began);
	my @differences = $site{past}->differences($event{past});
	die "past orders do not pass the checks: @differences[0 .. ($#differences > 2 ? 2 : $#differences)]\n" if @differences;
	$run->($_) for sort keys %site;    # the first run of a cluster makes caches and files
	my %results = $self->interleave(
		empty => sub { $site{empty}->reset; $run->('empty') },
		past  => sub { $run->('past') },
	);
	$site{past}->remove;
	return row('server CPU a hold, 1,000,000 past orders / none', 'us', cpu_sum(@{ $results{past} }),
		cpu_sum(@{ $results{empty} }), most => 1.2, cpu_of(@{ $results{past} }), rounds => \%results);
}

# As many tokens as requests. ES256 tokens are made beforehand, as all are.
sub token ($self) {
	my %count   = (HS256 => int 150_000 * $self->{scale}, ES256 => int 40_000 * $self->{scale});
	my $run     = sub ($alg) {
		$self->holds(alg => $alg, count => $count{$alg}, subjects => $count{$alg}, warmup => 0, seconds => 60);
	};
	my %results = $self->interleave(ES256 => sub { $run->('ES256') }, HS256 => sub { $run->('HS256') });
	return row('holds, new ES256 token each / new HS256 token each', '/s', of(rate => @{ $results{ES256} }),
		of(rate => @{ $results{HS256} }), cpu_of(@{ $results{ES256} }), rounds => \%results);
}

# 50 buyers a second in open loop, alone and beside 256 connections on another event.
sub quiet ($self) {
	my $site  = $self->{site};
	my %event = map { $_ => $site->event(capacity => 100_000_000) } qw(quiet hot);
	my @quiet = (scenario => 'hold', event => $event{quiet}, type => 'general', session => 's0', connections => 16,
		rate => 50, seconds => $self->{seconds} + 2);
	my %results = $self->interleave(
		alone  => sub { $site->reset; $self->ours(@quiet) },
		beside => sub {
			$site->reset;
			my $file = "$self->{load}-flood.json";
			my $pid  = start('flood', {}, $self->{load}, load_options($self->signing('HS256'), port => $site->{port},
				scenario => 'hold', connections => 256, event => $event{hot}, type => 'general', session => 's0',
				seconds => $self->{seconds} + 4, json => $file));
			sleep 0.7;
			my $result = $self->ours(@quiet);
			waitpid $pid, 0;
			stop($pid);
			$result->{flood} = load_result($file);
			$self->{say}->(sprintf '                         flood %9.0f/s', $result->{flood}{ok_per_s});
			unlink $file;
			return $result;
		},
	);
	my ($beside, $alone) = map { of(p99_ms => @{ $results{$_} }) } qw(beside alone);
	my $row = row('p99 of a quiet event beside a flood / alone', 'ms', $beside, $alone, most => 5,
		rounds => \%results, bar => '<= 5 or 15 ms');
	$row->{good} = $row->{ratio} <= 5 || $beside <= 15;
	return $row;
}

# An analyst reads a report in a transaction and leaves it open while holds flood in. The session ends by
# its own timeout; holds/s in the seconds after that, against the same run without a report.
sub analyst ($self) {
	my $site    = $self->{site};
	my $event   = $self->large;
	my $timeout = $site->psql('SHOW idle_in_transaction_session_timeout',
		dsn => $site->{dsn} =~ s/user=\S+/user=boxoffice_analyst/r);
	my $wait    = $timeout =~ /^(\d+)s$/ ? $1 : $timeout =~ /^(\d+)min$/ ? 60 * $1 : die "the analyst's timeout is $timeout\n";
	die "the analyst's timeout of $timeout is longer than a run\n" if $wait < 1 or $wait > 60;
	my %results = $self->interleave(
		without => sub { $self->holds(warmup => $wait + 1) },
		report  => sub {
			$site->reset;
			my $pid    = $self->open_report;
			my $result = $self->holds(keep => 1, warmup => $wait + 1);
			my $left   = $site->psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'boxoffice_analyst'");
			stop($pid);
			die "the analyst's session is still there\n" if $left;
			return $result;
		},
	);
	return row("holds after a report was left open for $timeout / without", '/s', of(rate => @{ $results{report} }),
		of(rate => @{ $results{without} }), least => 0.9, cpu_of(@{ $results{report} }), rounds => \%results);
}

# A session that begins, reads, and then says nothing more: psql waits for more input from the pipe.
sub open_report ($self) {
	my $dsn = $self->{site}{dsn} =~ s/user=\S+/user=boxoffice_analyst/r;
	my $sql = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM report.inventory;';
	my $pid = start('report', {}, 'sh', '-c', '(echo "$2"; sleep 120) | psql -XAtq -d "$1"; :', 'sh', $dsn, $sql);
	for (1 .. 100) {
		return $pid if $self->{site}->psql("SELECT count(*) FROM pg_stat_activity
			WHERE usename = 'boxoffice_analyst' AND state = 'idle in transaction'") > 0;
		sleep 0.05;
	}
	die "the analyst's report does not open\n";
}

sub sessions ($self) { return Bench::Sessions::measure($self) }

# Everybody wants one ticket and insists until it is sold or sold out.
sub sellout ($self) {
	my $site  = $self->{site};
	my $pool  = int 50_000 * $self->{scale};
	$site->reset;
	my $event  = $site->event(capacity => $pool);
	my $result = $self->ours(scenario => 'sellout', event => $event, type => 'general', session => 's0', by_buyer => 1,
		connections => 512, count => 2 * $pool, subjects => 2 * $pool, warmup => 0, seconds => 120);
	my ($load, @differences) = ($result->{load}, $site->differences($event));
	my $sold = $site->psql("SELECT sum(sold) FROM boxoffice.stock WHERE event_id = $event");
	$self->{say}->(sprintf '  sold %d (stock says %d), refused %d, failed %d, retried %d, lost %d, differences %d, %.0f tickets/s',
		$load->{tickets}, $sold, @$load{qw(refused failed retries lost)}, scalar @differences, $result->{rate});
	my $row = row("sold of $pool to twice as many buyers", 'tickets', $load->{tickets}, $pool, cpu_of($result),
		value => 1, bar => 'all, 0 differences', rounds => { ours => [$result] });
	$row->{good} = $load->{tickets} == $pool && $sold == $pool && $load->{refused} == $pool && !@differences;
	return $row;
}

# First pages, each asked 300 times in 300 ways, with ten million tickets of a million orders in one event.
sub lists ($self) {
	my $site   = $self->{site}->another('lists');
	my $event  = $site->event(capacity => 100_000_000);
	my $orders = $self->{scale} * 1_000_000;
	my $began  = time;
	Bench::Books::make($site, $event, $orders, 10);
	$self->{say}->(sprintf '  %d tickets in %.1f s', $orders * 10, time - $began);
	my @names = split /\n/, $site->psql("SELECT substr(name, strpos(name, ' ') + 2, 5) FROM boxoffice.contact WHERE event_id = $event ORDER BY order_id LIMIT 300");
	my $events = int 10_000 * $self->{scale};
	Bench::Books::events($site, $event, $events);
	my %paths = (
		'orders'                   => [ map { "orders?limit=$_" } (1 .. 100) x 3 ],
		'orders by address'        => [ map { 'orders?email=past-' . int(1 + $_ * $orders / 301) . '@example.com' } 1 .. 300 ],
		'orders by part of a name' => [ map { "orders?name=$_" } @names ],
		'orders by two letters'    => [ map { 'orders?name=' . substr $_, 0, 2 } @names ],
		'orders by channel'        => [ map { "orders?channel=phone&limit=$_" } (1 .. 100) x 3 ],
	);
	my %asked = map { $_ => [ map { "/v1/events/$event/$_" } @{ $paths{$_} } ] } keys %paths;
	# each another, so that nginx's cache has none of them
	$asked{'events by words'} = [ map { "/v1/events?q=word$_" . ($_ % 3 ? '' : '%20bench') . ($_ % 2 ? '' : '&sort=date') } 1 .. 300 ];
	my @rows;
	for my $name (sort keys %asked) {
		my $of = $name =~ /^events/ ? "$events events" : '10,000,000 tickets';
		Bench::Books::p99($site, map { s/word/wor/r } @{ $asked{$name} }[ 0 .. 20 ]);
		my $p99 = Bench::Books::p99($site, @{ $asked{$name} });
		$self->{say}->(sprintf '  %-28s p99 %6.2f ms', $name, $p99);
		push @rows, row("p99 of $name, $of", 'ms', $p99, undef, value => $p99, most => 20);
	}
	$site->remove;
	return @rows;
}

sub export ($self) {
	my $site    = $self->{site}->another('export');
	my $event   = $site->event(capacity => 100_000_000);
	my $tickets = $self->{scale} * 1_000_000;
	Bench::Books::make($site, $event, $tickets / 4, 4);
	my $ours = sub {
		my $got = Bench::Books::export($site, "/v1/events/$event/tickets.csv");
		die "$got->{lines} lines for $tickets tickets\n" if $got->{lines} != $tickets + 1;
		return { rate => $tickets / $got->{seconds}, grew => $got->{grew} };
	};
	my %results = $self->interleave(ours => $ours, copy => sub { return { rate => $tickets / Bench::Books::copy($site, $event) } });
	my $grew    = (sort { $b <=> $a } map { $_->{grew} } @{ $results{ours} })[0];
	$site->remove;
	return (
		row('tickets exported as CSV / COPY by psql', '/s', of(rate => @{ $results{ours} }), of(rate => @{ $results{copy} }), least => 0.3,
			rounds => \%results),
		row('memory that an export grows by', 'MB', $grew, undef, value => $grew, most => 8),
	);
}

1;
