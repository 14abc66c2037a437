package Boxoffice::Test;

# What a test file works with: a server of its own, clients whose every answer is held against the OpenAPI
# document, tokens, things to sell; and, at the end, the checks that no test may leave out: no alert, no
# crash, no difference in any event's books, nothing left running.

use v5.36;
use Boxoffice::Http    ();
use Boxoffice::OpenApi ();
use Boxoffice::Server  ();
use Boxoffice::Token   ();
use Cpanel::JSON::XS   ();
use Exporter           qw(import);
use POSIX              qw(strftime);
use Test::More;

our @EXPORT = (@Test::More::EXPORT, qw(uuid rfc3339 next_id wait_until is_problem is_status faults_of));

sub wait_until { goto &Boxoffice::Server::wait_until }

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $json = Cpanel::JSON::XS->new->canonical->allow_nonref;

# start(%options): Boxoffice::Server's options, and trouble => 1 for tests that break things on purpose, in
# which nginx may log errors and PostgreSQL the end of its processes.
sub start ($class, %o) {
	my $server = Boxoffice::Server->start(%o);
	my $self   = bless { server => $server, trouble => $o{trouble}, expected => [], made => 0, owner => $$ }, $class;
	$self->{openapi} = Boxoffice::OpenApi->new("$Boxoffice::Server::TOP/build/openapi.json");
	my $keys = "$server->{prefix}/keys";
	$self->{tokens} = Boxoffice::Token->new(
		issuer     => 'boxoffice',
		audience   => 'boxoffice',
		hs_secret  => Boxoffice::Server::_slurp("$keys/hs256.key"),
		hs_kid     => $self->_kid('HS256'),
		es_private => "$keys/es256.pem",
		es_public  => Boxoffice::Server::_slurp("$keys/es256.pub"),
		es_kid     => $self->_kid('ES256'),
	);
	return $self;
}

# Settings of a server whose DBA has tastes of his own: for start(postgres => …). No answer may depend on them.
sub tastes {
	return ("datestyle = 'german, dmy'", "intervalstyle = 'sql_standard'", "timezone = 'Asia/Kathmandu'", "bytea_output = 'escape'",
		'extra_float_digits = -15', 'standard_conforming_strings = off', 'escape_string_warning = off', 'backslash_quote = off', 'array_nulls = off',
		'quote_all_identifiers = on', 'transform_null_equals = on', "search_path = 'nowhere'", "default_text_search_config = 'pg_catalog.german'",
		'default_transaction_deferrable = on');
}

sub _kid ($self, $algorithm) {
	local $ENV{PREFIX} = $self->{server}{prefix};
	chomp(my $kid = `$Boxoffice::Server::TOP/conf/token --kid $algorithm`);
	return $kid;
}

sub server ($self) { return $self->{server} }
sub tokens ($self) { return $self->{tokens} }

# A good token. customer, organizer, … with claims.
sub token ($self, $role, %claims) { return $self->{tokens}->hs256($role, %claims) }

# The checked client, one kept connection a process.
sub http ($self) { return $self->{http}{$$} //= $self->client }

# Another client; %o as Boxoffice::Http's.
sub client ($self, %o) {
	return Boxoffice::Http->new(host => $self->{server}{host}, port => $self->{server}{port},
		on_answer => sub ($method, $target, $answer, $asked) { $self->check($method, $target, $answer) }, %o);
}

# Holds an answer against the OpenAPI document.
sub check ($self, $method, $target, $answer) {
	my @faults = $self->{openapi}->faults($method, $target, $answer);
	return 1 unless @faults;
	local $Test::Builder::Level = $Test::Builder::Level + 3;
	fail("$method $target: the answer fits the contract");
	diag("  $_") for @faults;
	diag('  ' . substr $answer->{raw}, 0, 1500);
	return 0;
}

# Lines of a log that this test causes on purpose.
sub expect_log ($self, $pattern) { push @{ $self->{expected} }, $pattern; return }

# Things to sell -------------------------------------------------------------------------------------------

# The id of an organizer, made at first use; whoever has a token with org => it is a manager of it.
sub organizer ($self) {
	return $self->{organizer} //= do {
		my $a = $self->http->post('/v1/organizers', { slug => 'test-' . $self->_number, name => 'Test' },
			token => $self->token('admin'), key => uuid());
		die 'no organizer: ' . $a->body . "\n" if $a->status != 201;
		$a->json->{id};
	};
}

sub organizer_token ($self) { return $self->token('organizer', org => $self->organizer) }

sub _number ($self) { return $$ . '-' . ++$self->{made} }

# A document of a small event: one session, one pool, one free ticket type. %o: capacity, price, fee, and any
# member of the document.
sub document ($self, %o) {
	my ($capacity, $price, $fee) = map { delete $o{$_} } qw(capacity price fee);
	my $number = $self->_number;
	return {
		slug       => "event-$number",
		name       => "Event $number",
		currency   => 'EUR',
		zone       => 'Europe/Berlin',
		locale     => 'en',
		sessions     => [ { key => 'main', starts_at => rfc3339(time + 30 * 86400), ends_at => rfc3339(time + 30 * 86400 + 7200) } ],
		pools        => [ { key => 'house', name => 'House', scope => 'session', capacity => $capacity // 100 } ],
		ticket_types => [ { key => 'general', name => 'General', price => $price // 0, fee => $fee // 0, pools => ['house'] } ],
		%o,
	};
}

# Makes and publishes an event; gives the organizer's view of it.
sub event ($self, %o) {
	my $publish = delete $o{publish} // 1;
	my $a = $self->http->post('/v1/organizers/' . $self->organizer . '/events', $self->document(%o),
		token => $self->organizer_token, key => uuid());
	die 'no event: ' . $a->body . "\n" if $a->status != 201;
	my $event = $a->json;
	return $event unless $publish;
	my $p = $self->http->post("/v1/events/$event->{id}/publish", undef, token => $self->organizer_token, key => uuid());
	die 'not published: ' . $p->body . "\n" if $p->status != 200;
	return $event;
}

# Asks for a hold; %o: type, quantity, session, items, token, key, partial.
sub hold ($self, $event, %o) {
	my $items = $o{items} // [ {
		ticket_type => $o{type} // 'general', quantity => $o{quantity} // 1,
		defined $o{session} ? (session => $o{session}) : (),
	} ];
	return ($o{http} // $self->http)->post("/v1/events/$event->{id}/holds",
		{ items => $items, defined $o{partial} ? (partial => $o{partial}) : () },
		map { defined $o{$_} ? ($_ => $o{$_}) : () } qw(token key));
}

# Asks for an order of the hold (its JSON).
sub order ($self, $event, $hold, %o) {
	return ($o{http} // $self->http)->post("/v1/events/$event->{id}/orders",
		{ hold => $hold->{id}, secret => $hold->{secret}, contact => $o{contact} // { name => 'Ada Test', email => 'ada@example.org' },
			defined $o{expected_total} ? (expected_total => $o{expected_total}) : () },
		key => $o{key} // uuid(), defined $o{token} ? (token => $o{token}) : ());
}

# Records a payment for the order (its JSON), by the organizer unless kind is test.
sub pay ($self, $event, $order, %o) {
	my $kind = $o{kind} // 'manual';
	my %body = (kind => $kind, amount => $o{amount} // $order->{total});
	$body{method}    = $o{method} // 'cash' if $kind eq 'manual';
	$body{reference} = $o{reference} if defined $o{reference};
	my @who = $kind eq 'manual' ? (token => $o{token} // $self->organizer_token) : (secret => $order->{secret});
	return ($o{http} // $self->http)->post("/v1/events/$event->{id}/orders/$order->{id}/payments", \%body,
		key => $o{key} // uuid(), @who);
}

# Asserting ------------------------------------------------------------------------------------------------

sub is_status ($answer, $status, $name) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $ok = is($answer && $answer->status, $status, $name);
	diag('  ' . substr $answer ? $answer->{raw} : 'no answer', 0, 1500) unless $ok;
	return $ok;
}

# The answer is the problem document with this status and code.
sub is_problem ($answer, $status, $code, $name) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $got = $answer ? $answer->status . ' ' . $answer->code : 'no answer';
	my $ok  = is($got, "$status $code", $name);
	diag('  ' . substr $answer->{raw}, 0, 1500) if !$ok and $answer;
	return $ok;
}

# The faults of a problem as 'code at pointer', sorted.
sub faults_of ($answer) {
	return [ sort map { "$_->{code} at " . ($_->{pointer} // $_->{parameter} // '') } @{ $answer->json->{errors} // [] } ];
}

sub uuid {
	state $random = do { open my $in, '<:raw', '/dev/urandom' or die "urandom: $!\n"; $in };
	sysread $random, my $bytes, 16;
	vec($bytes, 6, 8) = vec($bytes, 6, 8) & 0x0f | 0x40;
	vec($bytes, 8, 8) = vec($bytes, 8, 8) & 0x3f | 0x80;
	return join '-', unpack 'H8 H4 H4 H4 H12', $bytes;
}

# An id that is not the given one, as a string still.
sub next_id ($id) { my $copy = "$id"; return '' . ($copy + 1) }

sub rfc3339 ($seconds) { return strftime '%Y-%m-%dT%H:%M:%SZ', gmtime $seconds }

# A series of /metrics: its value, summed over labels; 0 when it is not there.
sub metric ($self, $name) {
	my $sum = 0;
	for (split /\n/, $self->client->get('/metrics')->body) { $sum += $1 if /^\Q$name\E(?:\{[^}]*\})? (\S+)/ }
	return $sum;
}

# Writes so many paid orders, each with so many tickets, into an event as if they had been sold: for what is read, since the
# books know nothing of them. remove_orders takes them away again.
sub write_orders ($self, $event, $orders, $tickets = 0) {
	my $dbh = $self->{server}->dbh;
	$dbh->do(q{
		INSERT INTO boxoffice.order (event_id, id, hold_id, code, status, total, currency, test, channel, placed_at, paid_at)
		SELECT e.id, n * 16, n * 16 + 1, lpad(n::text, 6, 'A'), 'paid', 0, 'EUR', false, 'web', now(), now()
		  FROM boxoffice.event e, generate_series(1, ?) AS n WHERE e.id = ?}, undef, $orders, $event->{id});
	$dbh->do(q{
		INSERT INTO boxoffice.ticket (event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code)
		SELECT y.event_id, n * 16 + i, n * 16, 1, y.id, s.id, 0, 0, 'valid', 'T' || n || '-' || i
		  FROM boxoffice.ticket_type y JOIN boxoffice.session s USING (event_id), generate_series(1, ?) AS n, generate_series(2, 1 + ?) AS i
		 WHERE y.event_id = ?}, undef, $orders, $tickets, $event->{id}) if $tickets;
	$dbh->do("ANALYZE boxoffice.$_") for qw("order" ticket);
	return;
}

# Removes orders that a test has written by itself, with ids below a limit, and what the worker has counted of them. As when
# a trial ends, the event is locked: else the worker might begin with it meanwhile.
sub remove_orders ($self, $event, $below = '9223372036854775807') {
	my $dbh = $self->{server}->dbh;
	$dbh->begin_work;
	$dbh->do('SELECT FROM boxoffice.event WHERE id = ? FOR NO KEY UPDATE', undef, $event->{id});
	$dbh->do('SELECT boxoffice_code.order_sums_forget(?, ARRAY(SELECT id FROM boxoffice.order WHERE event_id = ? AND id < ?))', undef, ($event->{id}) x 2, $below);
	$dbh->do('DELETE FROM boxoffice.ticket WHERE event_id = ? AND order_id < ?', undef, $event->{id}, $below);
	$dbh->do('DELETE FROM boxoffice.order WHERE event_id = ? AND id < ?', undef, $event->{id}, $below);
	$dbh->commit;
	return;
}

# The books of all events: rows of the checks, as text; empty when all is well.
sub differences ($self) {
	my @found;
	for my $check (qw(check_inventory check_orders check_reports)) {
		push @found, map { "$check: " . $json->encode($_) }
			$self->{server}->rows("SELECT e.id AS of_event, c.* FROM boxoffice.event e, boxoffice.$check(e.id) c");
	}
	return @found;
}

# The end --------------------------------------------------------------------------------------------------

# Asserts what holds for every test, stops the server and ends the test.
sub finish ($self) {
	my $server = $self->{server};
	is_deeply([ $self->differences ], [], 'check_inventory, check_orders and check_reports find nothing');
	is($self->metric('boxoffice_batch_bisect_total'), 0, 'no batch failed as a whole');
	cmp_ok($self->{openapi}{checked}, '>', 0, "answers held against the contract: $self->{openapi}{checked}");
	delete $self->{http};
	is_deeply([ $server->stop ], [], 'all that was started has ended');
	is_deeply([ $self->log_faults ], [], 'nothing in the logs that should not be there');
	my $cores = `find '$server->{prefix}' -name 'core' -o -name 'core.[0-9]*'`;
	is($cores, '', 'no core');
	done_testing;
	return;
}

# Lines of the logs that tell of a fault.
sub log_faults ($self) {
	my $server = $self->{server};
	my $web    = $self->{trouble} ? qr/\[(alert|emerg|crit)\]/ : qr/\[(alert|emerg|crit|error)\]/;
	my $always = qr/Sanitizer|runtime error:|TRAP:|PANIC|\bFailedAssertion|stack smashing|double free|glibc detected/;
	# The gateway's statements fail for no reason that is not somebody else's doing: what is wrong with a request
	# is found before, and what two requests want from each other has an order of locks.
	my $base = qr/\] \S+ \S+ (XX|22|23|42|40P01)\S* (ERROR|FATAL):|deadlock detected/;
	# A client may leave: nginx does when it ends or is told anew while it connects.
	my $died = qr/FATAL: (?!.*(starting up|shutting down|terminating connection|terminating autovacuum|connection to client lost|"parallel worker"))|terminated by signal|not responding/;
	# A machine that had no time for a new connection: whoever needed it was told, and his test has heard of it.
	my $busy = qr/no connection to PostgreSQL: .*(?:timed out|timeout)/;
	my @faults;
	for my $file (glob "$server->{prefix}/log/nginx/*.log $server->{prefix}/log/*.log") {
		my $nginx = $file =~ m{/nginx/};
		next if $file =~ /access/;
		open my $in, '<', $file or next;
		while (my $line = <$in>) {
			my $bad = $line =~ $always || ($nginx ? $line =~ $web : ($line =~ $base || !$self->{trouble} && $line =~ $died));
			next if !$bad or grep { $line =~ $_ } $busy, @{ $self->{expected} };
			chomp $line;
			push @faults, substr $line, 0, 600;
		}
	}
	return @faults > 20 ? (@faults[ 0 .. 19 ], '…') : @faults;
}

1;
