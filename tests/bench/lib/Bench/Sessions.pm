package Bench::Sessions;

# A museum's year: an event with 13,000 sessions against one with a single session, making 10,000 of them at once,
# and the first page of their list.

use v5.36;
use Time::HiRes qw(time);

# rule(count, prefix): what makes so many sessions, 40 a day from 2090 on, with keys prefix1, prefix2, …
sub rule ($count, $prefix) {
	my $days = int(($count + 39) / 40);
	my @day  = gmtime(3786912000 + 86400 * ($days - 1));    # days after 2090-01-01
	return {
		weekdays => [qw(mon tue wed thu fri sat sun)], key => "$prefix\{n}", duration_minutes => 15,
		times => [ map { sprintf '%02d:%02d', 9 + $_ / 4, $_ % 4 * 15 } 0 .. 39 ],
		from => '2090-01-01', to => sprintf('%04d-%02d-%02d', $day[5] + 1900, $day[4] + 1, $day[3]),
	};
}

# add(site, event, count, prefix): makes them; seconds that the request took.
sub add ($site, $event, $count, $prefix) {
	my $began = time;
	my $made  = $site->call(POST => "/v1/events/$event/sessions", $site->{organizer_token}, { rule => rule($count, $prefix) });
	my $took  = time - $began;
	die "made $made->{created} sessions, not $count\n" if $made->{created} != $count;
	return $took;
}

# p99 in milliseconds of the first page as PostgreSQL makes it; nginx would answer from its cache.
sub first_page_ms ($site, $event, $calls = 400) {
	return $site->psql(<<~"SQL");
		CREATE FUNCTION pg_temp.page_ms() RETURNS double precision LANGUAGE plpgsql AS \$\$
		DECLARE began timestamptz;
		BEGIN
			began := clock_timestamp();
			PERFORM api.session_list($event);
			RETURN 1000 * extract(epoch FROM clock_timestamp() - began);
		END \$\$;
		SELECT round((percentile_cont(0.99) WITHIN GROUP (ORDER BY pg_temp.page_ms()))::numeric, 3)
		  FROM generate_series(1, $calls);
		SQL
}

# The measure: rows for the report.
sub measure ($measure) {
	my $site    = $measure->{site};
	my $count   = 13_000;
	my %event   = map { $_ => $site->event(capacity => 100_000_000) } qw(one many);
	add($site, $event{many}, $count, 'n');
	$site->psql("VACUUM (ANALYZE) boxoffice.$_") for qw(session stock inventory_group);
	my $holds = sub ($which, %o) {
		$measure->holds(event => $event{$which}, count => 40_000, warmup => 0, seconds => 60, %o);
	};
	my %results = $measure->interleave(
		one    => sub { $holds->('one') },
		many   => sub { $holds->('many', session => 'n6500') },
		spread => sub { $holds->('many', session => 'n1', sessions => 3000, per_session => 14) },
	);
	my $page  = first_page_ms($site, $event{many});
	my @took  = map { add($site, $site->event(capacity => 60), 10_000, 'k') } 1 .. $measure->{rounds};
	my $cpu   = sub ($name) { Bench::Measure::cpu_sum(@{ $results{$name} }) };
	return (
		Bench::Measure::row("server CPU a hold, $count sessions / 1", 'us', $cpu->('many'), $cpu->('one'), most => 1.3,
			rounds => \%results),
		Bench::Measure::row("… spread over 3000 of them / 1", 'us', $cpu->('spread'), $cpu->('one')),
		Bench::Measure::row('making 10,000 sessions', 's', Bench::Measure::median(@took), undef, most => 3,
			value => Bench::Measure::median(@took)),
		Bench::Measure::row("first page of $count sessions, p99, not cached", 'ms', $page, undef, most => 20, value => $page),
	);
}

1;
