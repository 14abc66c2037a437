# A seeded simulation: random buyers and organizers, jumps of the clock, sudden death of backends, workers and the
# server. After every step: nothing oversold, both checks empty, the books as the model has them, each key one
# effect, and every 201 that a client ever saw is still there.
#
#   SEED=12345 STEPS=2000 prove tests/sim/simulation.t        repeats a run, or runs longer
#
# The seed decides what is done; what runs at the same time (a burst, a kill) may still end in more than one way, and
# the model takes what the answers say.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Model;
use Boxoffice::Test;
use List::Util  qw(sum0);
use Time::HiRes qw(time);
use Time::Local qw(timegm);

my $seed    = $ENV{SEED} // time ^ $$;
my $steps   = $ENV{STEPS};
my $seconds = $ENV{SECONDS} // 60;
srand($seed = int $seed);
diag("SEED=$seed");

my $t      = Boxoffice::Test->start(trouble => 1);
my $server = $t->server;
$t->expect_log(qr/worker process \d+ exited on signal 9/);
my $http = $t->http;

my %types = (
	general => { pools => ['house'],            price => 0,    fee => 0 },
	early   => { pools => [ 'house', 'early' ], price => 2000, fee => 50 },
	camper  => { pools => [ 'house', 'field' ], price => 5000, fee => 0 },
	week    => { pools => ['house'],            price => 7000, fee => 10, admits => 'all' },
	bus     => { pools => ['bus'],              price => 300,  fee => 0, kind => 'addon', sold_alone => \0, addon_to => [ { ticket_type => 'general', max => 4 }, { ticket_type => 'camper' } ] },
);
my @sold     = grep { $_ ne 'bus' } sort keys %types;
my @sessions = qw(fri sat sun);
my $model    = Boxoffice::Model->new(
	pools => { house => { scope => 'session', capacity => 40 }, early => { scope => 'event', capacity => 15 }, field => { scope => 'session', capacity => 12 },
		bus => { scope => 'session', capacity => 20 } },
	types    => \%types,
	sessions => \@sessions,
);
my $event = $t->event(
	test => \1, hold_ttl_seconds => 600, hold_extend_max_seconds => 1800, payment_term => { minutes => 30 }, payment_grace_seconds => 120,
	sessions     => [ map { { key => $sessions[$_], starts_at => rfc3339(time + 300 * 86400 + $_ * 86400) } } 0 .. 2 ],
	pools        => [ map { { key => $_, name => $_, %{ $model->{pools}{$_} } } } sort keys %{ $model->{pools} } ],
	ticket_types => [ map { { key => $_, name => $_, %{ $types{$_} } } } sort keys %types ],
);
my $base   = "/v1/events/$event->{id}";
my $office = $t->token('organizer', org => $t->organizer, exp => time + 86400);
my %stock  = map { (defined $_->{session} ? "$_->{pool}/$_->{session}" : $_->{pool}) => $_->{id} }
	@{ $http->get("$base/stock", token => $office)->json->{items} };

my $offset = 0;
my (%holds, %orders, %payments, @replays, %count);
my $now = sub { time + $offset };

sub any (@list) { return @list ? $list[ rand @list ] : undef }

sub seconds_of ($text) {
	my ($y, $mo, $d, $h, $mi, $s, $fraction, $zone) =
		$text =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(\.\d+)?(Z|[+-]\d\d:\d\d)$/ or die "no time: $text\n";
	my $shift = $zone eq 'Z' ? 0 : (substr($zone, 1, 2) * 3600 + substr($zone, 4, 2) * 60) * ($zone =~ /^-/ ? -1 : 1);
	return timegm($s, $mi, $h, $d, $mo - 1, $y) - $shift + ($fraction // 0);
}

# Asks, again while it must, with one key: what settles it. At most so long.
sub ask ($method, $path, $body, %o) {
	my $deadline = time + 40;
	while (time < $deadline) {
		my $answer = eval { $http->request($method, "$base$path", defined $body ? (json => $body) : (), %o) };
		return $answer if $answer and $answer->status !~ /^50[34]$/ and $answer->code ne 'idempotency_running';
		$http->forget unless $answer;
		select undef, undef, undef, 0.02;
	}
	die "$method $path was not settled in 40 s\n";
}

# Notes when an answer is not one of those expected; true when it is.
my @wrong;
sub expect ($what, $answer, @codes) {
	my $got = $answer->status . ($answer->code ? ' ' . $answer->code : '');
	return 1 if grep { $got eq $_ } @codes;
	push @wrong, "$what: $got, not " . join(' or ', @codes) . ': ' . substr $answer->body, 0, 400;
	return 0;
}

sub went_well ($answer) { return $answer->status =~ /^2/ }

sub remember ($method, $path, $body, $key, $answer, %o) {
	push @replays, { method => $method, path => $path, body => $body, key => $key, id => $answer->json->{id}, at => $now->(), o => \%o };
	return;
}

my @full = ('409 all_held', '409 sold_out');

# A type and a session to sell it in; a pass, which takes a place in each, names none.
sub random_kind {
	my $type = any(@sold);
	return [ $type, $types{$type}{admits} ? undef : any(@sessions) ];
}

sub random_items {
	my %seen;
	my @items = map { { ticket_type => $_->[0], session => $_->[1], quantity => 1 + int rand 4 } }
		grep { !$seen{ join ' ', map { $_ // '' } @$_ }++ } map { random_kind() } 1 .. 1 + int rand 2;
	for (@items) {
		$_->{addons} = [ { ticket_type => 'bus', quantity => 1 + int rand 2 } ] if $_->{ticket_type} =~ /^(?:general|camper)$/ && rand() < 0.4;
	}
	return @items;
}

sub noted_hold ($answer, @items) {
	my $hold = $answer->json;
	my $secret = $hold->{secret} // $holds{ $hold->{id} }{secret};    # a change does not say it again
	$holds{ $hold->{id} } = { %$hold, secret => $secret, wanted => \@items };
	$model->take($hold->{id}, 'held', seconds_of($hold->{expires_at}), $model->lines(@items));
	return $hold;
}

my %do;

$do{hold} = [ 30, sub {
	my @items = random_items();
	my $key   = uuid();
	my $fits  = $model->fits($model->lines(@items), $now->());
	my $body  = { items => \@items };
	my $a     = ask(POST => '/holds', $body, key => $key);
	return expect('hold', $a, '409 paused') if $model->{paused};
	expect('hold', $a, $fits ? '201' : defined $fits ? @full : ('201', @full));
	return unless went_well($a);
	noted_hold($a, @items);
	remember(POST => '/holds', $body, $key, $a);
} ];

# Holds of one quantity that a write may meet: those that stand for sure, and sometimes one that is over.
sub some_hold {
	return any(grep { my $s = $model->stands($_, $now->()); $model->claim($_)->{state} eq 'held' and !defined $s || $s || rand() < 0.05 } sort keys %holds);
}

$do{change} = [ 12, sub {
	my $id     = some_hold() // return;
	my $stands = $model->stands($id, $now->());
	my @items  = random_items();
	my $fits   = $model->fits($model->lines(@items), $now->(), $id);
	my $a      = ask(PATCH => "/holds/$id", { items => \@items }, secret => $holds{$id}{secret});
	return expect('change of a hold that is over', $a, '410 hold_expired') if defined $stands and !$stands;
	my @good = $model->{paused} ? ('409 paused', '200', @full) : $fits ? '200' : defined $fits ? @full : ('200', @full);
	expect('change', $a, @good, defined $stands ? () : '410 hold_expired');
	noted_hold($a, @items) if went_well($a);
} ];

$do{release} = [ 5, sub {
	my $id     = some_hold() // return;
	my $stands = $model->stands($id, $now->());
	my $a      = ask(DELETE => "/holds/$id", undef, secret => $holds{$id}{secret});
	expect('release', $a, '200', $stands ? () : '410 hold_expired');
	$model->set($id, 'gone') if went_well($a);
} ];

$do{extend} = [ 5, sub {
	my $id     = some_hold() // return;
	my $stands = $model->stands($id, $now->());
	my $a      = ask(POST => "/holds/$id/extend", undef, secret => $holds{$id}{secret}, key => uuid());
	expect('extend', $a, defined $stands && !$stands ? '410 hold_expired' : ('200', '422 extend_limit', $stands ? () : '410 hold_expired'));
	$model->set($id, 'held', seconds_of($a->json->{expires_at})) if went_well($a);
} ];

$do{order} = [ 25, sub {
	my $id     = some_hold() // return;
	my $stands = $model->stands($id, $now->());
	my $key    = uuid();
	my $total  = $model->price(@{ $holds{$id}{wanted} });
	my $body   = { hold => $id, secret => $holds{$id}{secret}, expected_total => $total, contact => { name => 'S', email => 's' . int(rand 50) . '@example.org' } };
	my $a      = ask(POST => '/orders', $body, key => $key);
	expect('order', $a, defined $stands && !$stands ? '410 hold_expired' : ('201', $stands ? () : '410 hold_expired'));
	return unless went_well($a);
	my $order = $a->json;
	push @wrong, "order $order->{id}: total $order->{total}, not $total" if $order->{total} != $total;
	push @wrong, "order $order->{id}: is $order->{status}" if $order->{status} ne ($total ? 'pending' : 'paid');
	$orders{ $order->{id} } = { %$order, hold => $id, paid => $order->{paid} };
	$total ? $model->set($id, 'pending', seconds_of($order->{expires_at}) + 120) : $model->set($id, 'sold');
	remember(POST => '/orders', $body, $key, $a);
} ];

sub some_order ($state) {
	return any(grep { $model->claim($orders{$_}{hold})->{state} eq $state } sort keys %orders);
}

$do{pay} = [ 15, sub {
	my $id     = some_order('pending') // return;
	my $order  = $orders{$id};
	my $hold   = $order->{hold};
	my $stands = $model->stands($hold, $now->());
	my $fits   = $model->fits($model->claim($hold)->{lines}, $now->(), $hold);
	my $key    = uuid();
	my $a = ask(POST => "/orders/$id/payments", { kind => 'test' }, key => $key, secret => $order->{secret});
	expect('pay', $a, '201') or return;
	my $payment = $a->json;
	my @want = $stands || $fits ? 'paid' : defined $stands && defined $fits ? 'sold_out' : qw(paid sold_out);
	push @wrong, "payment of order $id: $payment->{outcome}, not @want" unless grep { $_ eq $payment->{outcome} } @want;
	$payments{ $payment->{id} } = $payment->{amount};
	$model->set($hold, $payment->{outcome} eq 'paid' ? 'sold' : 'gone');
	push @wrong, "order $id: due " . $payment->{order}{due} if $payment->{order}{due} != ($payment->{outcome} eq 'paid' ? 0 : -$payment->{amount});
	remember(POST => "/orders/$id/payments", { kind => 'test' }, $key, $a, secret => $order->{secret});
} ];

$do{cancel} = [ 6, sub {
	my $id = some_order(any(qw(pending sold))) // return;
	my $hold   = $orders{$id}{hold};
	my $stands = $model->stands($hold, $now->());
	my $a      = ask(POST => "/orders/$id/cancel", {}, token => $office, key => uuid());
	expect('cancel', $a, '200', $stands ? () : '409 order_state');
	$model->set($hold, 'gone') if went_well($a);
} ];

$do{cancel_one} = [ 4, sub {
	my $id   = some_order('sold') // return;
	my $hold = $orders{$id}{hold};
	my @live = grep { !$_->{gone} } @{ $orders{$id}{tickets} };
	my $ticket = any(@live) // return;
	my $a = ask(POST => "/orders/$id/cancel", { tickets => [ $ticket->{id} ] }, token => $office, key => uuid());
	expect('cancel of one ticket', $a, '200') or return;
	for my $gone ($ticket, grep { ($_->{parent} // '') eq $ticket->{id} } @live) {
		$gone->{gone} = 1;
		my ($line) = grep { $_->[0] eq $gone->{ticket_type} and ($_->[2] // '') eq ($gone->{session} // '') and $_->[3] > 0 } @{ $model->claim($hold)->{lines} };
		$line->[3]--;
	}
	$model->set($hold, 'gone') if !grep { !$_->{gone} } @live;
} ];

$do{replay} = [ 8, sub {
	my $r = any(grep { $_->{at} > $now->() - 20 * 3600 } @replays) // return;
	my $a = ask($r->{method}, $r->{path}, $r->{body}, key => $r->{key}, %{ $r->{o} });
	expect('replay', $a, '201') or return;
	push @wrong, "replay of $r->{path}: $r->{id} became " . $a->json->{id} if $a->json->{id} ne $r->{id};
	push @wrong, 'a replay does not say so' if ($a->header('Idempotency-Replayed') // '') ne 'true';
	my $other = { %{ $r->{body} }, contact => { name => 'Another', email => 'x@example.org' } };
	return unless $r->{path} eq '/orders';
	expect('another body with the same key', ask(POST => $r->{path}, $other, key => $r->{key}), '422 idempotency_mismatch');
} ];

$do{capacity} = [ 4, sub {
	my $place = any(sort keys %stock);
	my $new   = int rand 60;
	my ($least, $most) = $model->taken($place, $now->());
	my $a = ask(PATCH => "/stock/$stock{$place}", { capacity => $new }, token => $office);
	expect("capacity of $place", $a, $new >= $most ? '200' : $new < $least ? '409 capacity_taken' : ('200', '409 capacity_taken'));
	$model->{changed}{$place} = $new if went_well($a);
} ];

my %blocks;
$do{block} = [ 3, sub {
	my ($item) = random_items();
	delete $item->{addons};
	my $fits   = $model->fits($model->lines($item), $now->());
	my $a      = ask(POST => '/blocks', { channel => 'house', reason => 'simulated', items => [$item] }, token => $office, key => uuid());
	expect('block', $a, $fits ? '201' : defined $fits ? @full : ('201', @full));
	return unless went_well($a);
	$blocks{ $a->json->{id} } = 1;
	$model->take($a->json->{id}, 'blocked', undef, $model->lines($item));
} ];

$do{unblock} = [ 3, sub {
	my $id = any(sort keys %blocks) // return;
	expect('release of a block', ask(DELETE => "/blocks/$id", undef, token => $office), '200') or return;
	delete $blocks{$id};
	$model->set($id, 'gone');
} ];

$do{pause} = [ 1, sub {
	my $verb = $model->{paused} ? 'resume' : 'pause';
	expect($verb, ask(POST => "/$verb", undef, token => $office, key => uuid()), '200') or return;
	$model->{paused} = !$model->{paused};
} ];

$do{clock} = [ 8, sub {
	$offset += any(20, 60, 60, 120, 300, 300, 700, 2000);
	$server->clock_offset($offset);
} ];

# Many at once, some of them twice with one key, perhaps while something dies.
sub burst (%o) {
	my ($type, $session) = @{ random_kind() };
	my $item  = { ticket_type => $type, session => $session, quantity => 1 };
	my @keys  = map { uuid() } 1 .. 8 + int rand 30;
	my @asked = map { [ POST => "$base/holds", { json => { items => [$item] }, key => $_ } ] } @keys, @keys[ 0 .. 3 ];
	my $room  = $model->fits([ map { @{ $model->lines($item) } } @keys ], $now->());
	my $pid   = $o{trouble} ? soon($o{trouble}) : undef;
	my @answers = eval { $http->all(@asked) };
	waitpid $pid, 0 if $pid;
	$o{after}->() if $o{after};
	my (%of_key, @ids);
	for my $n (0 .. $#asked) {
		my $key = $asked[$n][2]{key};
		my $a   = $answers[$n];
		# What was not answered, or not settled, is asked again with its key.
		$a = ask(POST => '/holds', { items => [$item] }, key => $key) if !$a or $a->status >= 500 or $a->code eq 'idempotency_running';
		expect('one of a burst', $a, '201', $model->{paused} ? '409 paused' : $room ? () : @full);
		next unless went_well($a);
		my $id = $a->json->{id};
		push @wrong, "key $key made $of_key{$key} and $id" if $of_key{$key} and $of_key{$key} ne $id;
		next if $of_key{$key};
		$of_key{$key} = $id;
		noted_hold($a, $item);
		remember(POST => '/holds', { items => [$item] }, $key, $a);
	}
	return;
}

# Does something a few milliseconds from now, while this process is busy asking.
sub soon ($what) {
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	select undef, undef, undef, rand 0.02;
	$what->();
	require POSIX;
	POSIX::_exit(0);
}

$do{burst} = [ 6, sub { burst() } ];

my $recovered = sub { delete $server->{dbh}; wait_until(sub { eval { $server->value('SELECT 1') } }, 'PostgreSQL has recovered', 30) };
$do{kill_backend} = [ 1, sub {
	my $victim = any($server->backend_pids) // return;
	burst(trouble => sub { kill KILL => $victim }, after => $recovered);
} ];
$do{end_backends} = [ 1, sub {
	my @victims = $server->backend_pids;
	burst(trouble => sub { kill TERM => @victims });
} ];
$do{kill_worker} = [ 1, sub {
	my $victim = any($server->worker_pids) // return;
	$http->forget;
	burst(trouble => sub { kill KILL => $victim });
} ];
$do{reload} = [ 1, sub { my $pid = $server->nginx_pid; burst(trouble => sub { kill HUP => $pid }) } ];
$do{kill_server} = [ 0.5, sub {
	my $pid = $server->postmaster_pid;
	burst(trouble => sub { kill KILL => $pid }, after => sub { $server->postgres_kill if $server->postmaster_pid; $server->postgres_start; $recovered->() });
} ];

# What must hold after every step.
sub look_over {
	my $at = $now->();
	# One snapshot for stock and claims: the worker takes expired claims back between two.
	$server->dbh->begin_work;
	$server->dbh->do('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
	my @rows = $server->rows('SELECT p.key AS pool, s.key AS session, t.id, t.capacity + t.overbook AS capacity, t.held, t.pending, t.sold, t.blocked
		FROM boxoffice.stock t JOIN boxoffice.pool p ON p.event_id = t.event_id AND p.id = t.pool_id
		LEFT JOIN boxoffice.session s ON s.event_id = t.event_id AND s.id = t.session_id WHERE t.event_id = ?', $event->{id});
	my %place;
	for (@rows) { $_->{place} = defined $_->{session} ? "$_->{pool}/$_->{session}" : $_->{pool}; $place{ $_->{id} } = $_->{place} }
	my (%claims, %counted);
	for my $row ($server->rows('SELECT owner_id, state, quantity, stock_ids FROM boxoffice.claim WHERE event_id = ? AND quantity > 0', $event->{id})) {
		$claims{ $row->{owner_id} }{ $row->{state} } += $row->{quantity};
		$counted{ $place{$_} }{ $row->{state} } += $row->{quantity} for @{ $row->{stock_ids} };
	}
	$server->dbh->rollback;
	push @wrong, $model->differences($at, \@rows, \%claims, \%counted);
	push @wrong, $t->differences;
	for ([ hold => \%holds ], [ order => \%orders ], [ payment => \%payments ]) {
		my ($table, $seen) = @$_;
		my %there = map { $_->{id} => 1 } $server->rows("SELECT id FROM boxoffice.$table WHERE event_id = ?", $event->{id});
		push @wrong, map { "$table $_ was confirmed and is not there" } grep { !$there{$_} } sort keys %$seen;
		push @wrong, map { "$table $_ is there and nobody was told" } grep { !$seen->{$_} and !($table eq 'payment') } sort keys %there;
	}
	return;
}

my @names  = sort keys %do;
my $weight = sum0(map { $_->[0] } values %do);
my $end    = time + $seconds;
my $done   = 0;
while ($steps ? $done < $steps : time < $end) {
	my $at = rand $weight;
	my ($name) = grep { ($at -= $do{$_}[0]) < 0 } @names;
	$count{$name}++;
	my $ok = eval { $do{$name}[1]->(); look_over(); 1 };
	push @wrong, "died: $@" unless $ok;
	$done++;
	if (@wrong) {
		fail("step $done, $name (SEED=$seed)");
		diag("  $_") for @wrong[ 0 .. ($#wrong < 15 ? $#wrong : 15) ];
		last;
	}
}
pass("$done steps: " . join ', ', map { "$_ $count{$_}" } sort keys %count);
pass(sprintf '%d holds, %d orders, %d payments', map { scalar keys %$_ } \%holds, \%orders, \%payments);
is_deeply(\@wrong, [], "nothing was wrong in any of them (SEED=$seed)");

$t->finish;
