package Bench::Books;

# What the organizer's people read: an event with very many tickets, first pages of its lists, and exports. The tickets are
# made set-wise with their indexes built after. They have no holds and claims, which nothing here reads, so the checks
# of the books are not asked about them.

use v5.36;
use HTTP::Tiny  ();
use Time::HiRes qw(time);

my @tables = map { "boxoffice.$_" } qw("order" contact ticket payment order_search order_sum order_sum_day);

# make(site, event, orders, per): so many paid orders with so many tickets each, of buyers with different names.
sub make ($site, $event, $orders, $per) {
	my $tables = join ', ', map { "'$_'::regclass" } @tables;
	$site->psql(<<~"SQL");
		SET synchronous_commit = off;
		SET maintenance_work_mem = '512MB';
		SET session_replication_role = replica;
		CREATE TEMP TABLE kept AS
		SELECT i.indrelid::regclass AS of_table, i.indexrelid::regclass::text AS name, c.conname,
		       CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
		            ELSE format('ALTER TABLE %s ADD CONSTRAINT %s %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) END AS again
		  FROM pg_index AS i LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
		 WHERE i.indrelid IN ($tables);
		DO \$\$ DECLARE k record; BEGIN
		    FOR k IN SELECT * FROM kept LOOP
		        EXECUTE CASE WHEN k.conname IS NULL THEN 'DROP INDEX ' || k.name
		                     ELSE format('ALTER TABLE %s DROP CONSTRAINT %s', k.of_table, k.conname) END;
		    END LOOP;
		END \$\$;

		CREATE TEMP TABLE past AS
		SELECT ((extract(epoch FROM now()) * 1000)::bigint - 1704067200000 - 30 * 86400000::bigint + n * 2 << 20) AS id,
		       now() - interval '30 days' + n * interval '2 ms' AS at, (n * 685385681::bigint) & 1073741823 AS scrambled, n
		  FROM generate_series(1::bigint, $orders) AS n;
		INSERT INTO boxoffice."order" (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, paid_at)
		SELECT $event, id, id + 99, translate(lpad(to_hex(scrambled), 8, '0'), '01', 'XY'), 'paid', 0, 'GBP', false,
		       CASE WHEN n % 1000 = 0 THEN 'phone' ELSE 'web' END, at, at
		  FROM past;
		INSERT INTO boxoffice.contact (event_id, order_id, name, email)
		SELECT $event, id, (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan', 'Joan', 'Donald', 'Frances'])[1 + n % 8] || ' '
		       || initcap(translate(substr(md5(scrambled::text), 1, 7), '0123456789', 'oiszeasgbn')), 'past-' || n || '\@example.com'
		  FROM past;
		INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
		SELECT $event, p.id + k, p.id, 1, t.id, s.id, 0, 0, 'valid', upper(to_hex(p.scrambled * 16 + k))
		  FROM past AS p CROSS JOIN generate_series(1, $per) AS k
		  JOIN boxoffice.ticket_type AS t ON t.event_id = $event
		  JOIN boxoffice.session AS s ON s.event_id = $event;
		INSERT INTO boxoffice.payment (event_id, id, order_id, kind, amount, currency, outcome, recorded_at)
		SELECT $event, id + 98, id, 'free', 0, 'GBP', 'paid', at FROM past;
		INSERT INTO boxoffice.order_search (event_id, order_id, changed_at, keys, counted)
		SELECT $event, p.id, p.at, boxoffice_code.search_keys($event, ARRAY['t:paid', 'c:' || o.channel, 'e:' || c.email, 's:' || s.id]
		           || ARRAY(SELECT 'w:' || span || ':' || (p.id >> span) FROM unnest(boxoffice_code.order_spans()) AS span), ARRAY[lower(c.name)])
		       || boxoffice_code.search_parts($event, ARRAY[lower(c.name)]),
		       jsonb_build_object('status', 'paid', 'total', 0, 'paid', 0, 'day', (p.at AT TIME ZONE 'Europe/London')::date,
		           'channel', o.channel, 'types', (SELECT jsonb_build_object(t.id, jsonb_build_array($per, 0, 0, 0)) FROM boxoffice.ticket_type AS t WHERE t.event_id = $event))
		  FROM past AS p
		  JOIN boxoffice."order" AS o ON o.id = p.id AND o.event_id = $event
		  JOIN boxoffice.contact AS c ON c.order_id = p.id AND c.event_id = $event
		  JOIN boxoffice.session AS s ON s.event_id = $event;
		INSERT INTO boxoffice.order_sum VALUES ($event, $orders, $orders, 0, 0, $orders * $per);
		INSERT INTO boxoffice.order_sum_day (event_id, day, ticket_type_id, channel, orders, tickets, cancelled, price, fees)
		SELECT $event, (s.counted ->> 'day')::date, t.id, s.counted ->> 'channel', count(*), count(*) * $per, 0, 0, 0
		  FROM boxoffice.order_search AS s JOIN boxoffice.ticket_type AS t ON t.event_id = $event WHERE s.event_id = $event GROUP BY 2, 3, 4;
		INSERT INTO boxoffice.order_search_mark (event_id, outbox_id, order_from, parts_from, sums_from)
		SELECT $event, COALESCE(max(id), 0), 0, 0, 0 FROM boxoffice.outbox WHERE event_id = $event
		    ON CONFLICT (event_id) DO UPDATE SET order_from = 0, parts_from = 0, sums_from = 0;
		DO \$\$ DECLARE k record; BEGIN
		    FOR k IN SELECT * FROM kept LOOP EXECUTE k.again; END LOOP;
		END \$\$;
		SQL
	$site->psql("VACUUM (ANALYZE) $_") for @tables;
	$site->psql('CHECKPOINT');
	return;
}

# events(site, event, count): so many public events beside this one, with names of five words among a thousand, in the directory as
# publishing enters them.
sub events ($site, $event, $count) {
	$site->psql(<<~"SQL");
		SET synchronous_commit = off;
		INSERT INTO boxoffice.event
		SELECT (jsonb_populate_record(e, jsonb_build_object('id', e.id + n, 'slug', 'bench-event-' || n, 'short_code', 'BB' || translate(lpad(to_hex(n), 4, '0'), '0123456789abcdef', 'GHJKLMNPQRABCDEF'),
		            'starts_at', e.starts_at + n * interval '1 minute', 'ends_at', e.ends_at + n * interval '1 minute',
		            'name', (SELECT string_agg('word' || mod(n * 7919 + k * k * 104729, 1000), ' ') FROM generate_series(1, 5) AS k)))).*
		  FROM boxoffice.event AS e CROSS JOIN generate_series(1, $count) AS n WHERE e.id = $event;
		SELECT boxoffice_code.sweep_search(0, 1000000);
		SQL
	$site->psql("VACUUM (ANALYZE) boxoffice.$_") for qw(event event_search);
	return;
}

# The p99 in ms of asking for these paths one after the other; each must be answered with 200.
sub p99 ($site, @paths) {
	my $http = HTTP::Tiny->new(timeout => 30);
	my %with = (headers => { Authorization => "Bearer $site->{organizer_token}" });
	my @took;
	for my $path (@paths) {
		my $began  = time;
		my $answer = $http->get("http://127.0.0.1:$site->{port}$path", \%with);
		push @took, (time - $began) * 1000;
		die "$path: $answer->{status} $answer->{content}\n" if $answer->{status} != 200;
	}
	@took = sort { $a <=> $b } @took;
	return $took[ int(0.99 * $#took) ];
}

# The memory of a process that is its own, in MB: what others share (caches, libraries) is not.
sub memory ($pid) {
	open my $in, '<', "/proc/$pid/status" or return 0;
	my ($kb) = map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$in>;
	return ($kb // 0) / 1024;
}

sub children ($pid) {
	open my $in, '<', "/proc/$pid/task/$pid/children" or return ();
	return split ' ', <$in> // '';
}

# Exports a file to nowhere: seconds, lines, and by how many MB the memory of its backend and of nginx's workers grew
# from the first tenth of a second on.
sub export ($site, $path) {
	my %pid     = $site->pids;
	my @workers = children($pid{nginx});
	my ($began, $lines, $backend, $first, $most) = (time, 0);
	my $look = sub {
		$backend //= $site->psql(q{SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%boxoffice_code.stream(%' AND pid <> pg_backend_pid()});
		my $now = $backend ? memory($backend) + eval { my $sum = 0; $sum += memory($_) for @workers; $sum } : 0;
		$first //= $now;
		$most = $now if $now > ($most // 0);
	};
	my $next   = $began + 0.1;
	my $answer = HTTP::Tiny->new(timeout => 120)->get("http://127.0.0.1:$site->{port}$path", {
		headers       => { Authorization => "Bearer $site->{organizer_token}" },
		data_callback => sub ($piece, $) {
			$lines += $piece =~ tr/\n//;
			if (time > $next) { $look->(); $next = time + 0.5 }
		},
	});
	die "$path: $answer->{status} $answer->{content}\n" if $answer->{status} != 200;
	return { seconds => time - $began, lines => $lines, grew => ($most // 0) - ($first // 0) };
}

# The same rows by COPY of psql: seconds.
sub copy ($site, $event) {
	my $query = $site->psql("SELECT prosrc FROM pg_proc WHERE oid = 'boxoffice_code.ticket_export'::regproc") =~ s/.*\$query\$(.*)\$query\$.*/$1/sr;
	my %value = (1 => "$event\::bigint", 2 => 'NULL::bigint', 3 => 'NULL::text');
	$query =~ s/\$([123])/$value{$1}/g;
	my $began = time;
	$site->psql("COPY ($query) TO STDOUT (FORMAT csv, HEADER)", out => '/dev/null');
	return time - $began;
}

1;
