# An on-sale of ten events at once: 256 connections, some of whose clients go away in the middle of a request or before its
# answer; a tenth of what comes is rubbish, a tenth repeats a key; organizers change capacities and pause meanwhile, the clock
# jumps and the worker takes back what expired. At the end each event has sold exactly what its buyers were told, nothing was
# answered with 500, and no batch failed as a whole.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS ();
use IO::Poll         qw(POLLIN POLLOUT POLLHUP POLLERR);
use List::Util       qw(sum0);
use POSIX            ();
use Socket           qw(MSG_NOSIGNAL);
use Time::HiRes      qw(time sleep);

my $seconds = $ENV{SECONDS} // 12;
my ($crowds, $connections) = (4, 64);
my $json   = Cpanel::JSON::XS->new->canonical->utf8;
my $t      = Boxoffice::Test->start(workers => 2);
my $server = $t->server;

# ---- what is sold: one group, three, four; passes over all sessions, add-ons, limits per buyer ----

my @shapes = (
	{ sessions => ['main'], pools => { house => 'session' }, types => { general => ['house'] }, limit => 6 },
	{ sessions => [qw(fri sat sun)], pools => { house => 'session' }, types => { general => ['house'], other => ['house'] } },
	{ sessions => [qw(fri sat)], pools => { house => 'session', early => 'event', bus => 'event' },
		types => { general => ['house'], early => [ 'house', 'early' ], week => ['house'], bus => ['bus'] } },
	{ sessions => [qw(fri sat)], pools => { house => 'session', field => 'session' }, types => { general => ['house'], camper => ['field'] } },
);
my @events;
for my $n (0 .. 9) {
	my $shape = $shapes[ $n % @shapes ];
	my $event = $t->event(
		hold_ttl_seconds => 120,
		defined $shape->{limit} ? (buyer_limit => $shape->{limit}) : (),
		sessions     => [ map { { key => $shape->{sessions}[$_], starts_at => rfc3339(time + (30 + $_) * 86400) } } 0 .. $#{ $shape->{sessions} } ],
		pools        => [ map { { key => $_, name => $_, scope => $shape->{pools}{$_}, capacity => 150 } } sort keys %{ $shape->{pools} } ],
		ticket_types => [ map { { key => $_, name => $_, price => 0, pools => $shape->{types}{$_}, $_ eq 'week' ? (admits => 'all') : (),
			$_ eq 'bus' ? (kind => 'addon', sold_alone => \0, addon_to => [ { ticket_type => 'general' } ]) : () } } sort keys %{ $shape->{types} } ],
	);
	push @events, { %$shape, id => $event->{id}, base => "/v1/events/$event->{id}" };
}
my %event_of = map { $_->{id} => $_ } @events;
my $office   = $t->organizer_token;
my %tokens   = map { $_ => $t->token('customer', sub => "crowd-$_") } 1 .. 40;
my $notes    = "$server->{prefix}/crowd";
mkdir $notes or die "notes: $!\n";

my @rubbish = (
	'{', '[]', '{"items":[]}', '{"items":[{"ticket_type":"general","quantity":0}]}', '{"items":[{"ticket_type":"general","quantity":1e999}]}',
	'{"items":[{"ticket_type":"nothing","quantity":1}]}', qq({"items":[{"ticket_type":"\xff","quantity":1}]}), '{"items":[{"ticket_type":"gen\\u0000","quantity":1}]}',
	'{"items":[{"ticket_type":"general","quantity":1}],"x":1},{"role":"admin"}', '[' x 5000, '{"items":[{"ticket_type":"general","quantity":1,"session":"moon"}]}',
);

sub any (@list) { return $list[ rand @list ] }

# ---- one of the crowds: a process with so many connections ----

my (%known, @settled, @held, $out);

sub jot ($what) { print {$out} $json->encode($what), "\n"; return }

sub wanted_item ($event) {
	my $type = any(grep { $_ ne 'bus' } sort keys %{ $event->{types} });
	my $item = { ticket_type => $type, quantity => 1 + int rand 3 };
	$item->{session} = any(@{ $event->{sessions} }) if $type ne 'week';
	$item->{addons}  = [ { ticket_type => 'bus', quantity => 1 } ] if $event->{types}{bus} and $type eq 'general' and rand() < 0.3;
	return $item;
}

# What a connection asks next.
sub next_job {
	my $roll  = rand;
	my $event = any(@events);
	return { what => 'rubbish', path => "$event->{base}/holds", body => any(@rubbish) } if $roll < 0.1;
	return { %{ any(@settled) }, again => 1 } if $roll < 0.2 and @settled;
	if ($roll < 0.55 and @held) {
		my $hold = splice @held, rand @held, 1;
		return { what => 'order', path => "/v1/events/$hold->{event}/orders", key => uuid(), token => $hold->{token},
			body => $json->encode({ hold => $hold->{id}, secret => $hold->{secret}, contact => { name => 'C', email => 'c' . int(rand 1e6) . '@example.org' } }) };
	}
	return { what => 'hold', path => "$event->{base}/holds", key => uuid(), token => rand() < 0.3 ? any(sort keys %tokens) : undef,
		body => $json->encode({ items => [ wanted_item($event) ], rand() < 0.1 ? (partial => \1) : () }) };
}

my %fine = map { $_ => 1 } '409 all_held', '409 sold_out', '409 paused', '422 buyer_limit', '410 hold_expired';

# What an answer settles.
sub settle ($job, $answer) {
	my $code = $answer->status . ' ' . $answer->code;
	if (rand() < 0.05) { jot({ fault => "$_: $answer->{raw}" }) for $t->{openapi}->faults('POST', $job->{path}, $answer) }
	if ($job->{what} eq 'rubbish') {
		jot({ fault => "rubbish $job->{body}: $answer->{raw}" }) if $answer->status !~ /^(?:4\d\d|50[34])$/;
		return 1;
	}
	if ($answer->status =~ /^50[34]$/ or $answer->code eq 'idempotency_running') {
		jot({ fault => "no Retry-After: $answer->{raw}" }) if !$answer->header('Retry-After');
		return 0;
	}
	if ($answer->status != 201) {
		jot({ fault => "$job->{what}: $answer->{raw}" }) if !$fine{$code} or $job->{again};
		jot({ what => 'refused', code => $code });
		return 1;
	}
	my $got   = $answer->json;
	my $first = $known{ $job->{key} };
	jot({ fault => "key $job->{key} made $first and $got->{id}" }) if $first and $first ne $got->{id};
	return 1 if $first;
	$known{ $job->{key} } = $got->{id};
	push @settled, { %$job };
	jot({ what => $job->{what}, id => $got->{id}, event => $got->{event}, tickets => [ map { [ $_->{ticket_type}, $_->{session} ] } @{ $got->{tickets} // [] } ] });
	push @held, { id => $got->{id}, secret => $got->{secret}, event => $got->{event}, token => $job->{token} } if $job->{what} eq 'hold' and !$job->{late};
	return 1;
}

sub bytes_of ($http, $job) {
	return $http->bytes(POST => $job->{path}, body => $job->{body}, map { defined $job->{$_} ? ($_ => $_ eq 'token' ? $tokens{ $job->{token} } : $job->{$_}) : () } qw(key token));
}

sub start_job ($http, $slot) {
	my $job = next_job();
	my $all = bytes_of($http, $job);
	%$slot = (c => $slot->{c} // $http->connect, job => $job, out => $all, at => time);
	# It goes away: in the middle of what it asks, or before the answer.
	if ($job->{key} and !$job->{again} and rand() < 0.08) {
		$slot->{leaves} = 1;
		$slot->{out}    = substr $all, 0, rand length $all if rand() < 0.5;
	}
	return;
}

sub crowd ($number) {
	srand($number * 104729 + $$);
	open $out, '>', "$notes/$number" or die "notes: $!\n";
	my $http = Boxoffice::Http->new(host => $server->{host}, port => $server->{port});
	my $poll = IO::Poll->new;
	my (%by_fd, @unsettled);
	my $began = time;
	my $begin = sub ($slot) {
		start_job($http, $slot);
		$poll->mask($slot->{c}{socket} => POLLIN | POLLOUT);
		$by_fd{ fileno $slot->{c}{socket} } = $slot;
	};
	my $leave = sub ($slot) {
		$poll->remove($slot->{c}{socket});
		delete $by_fd{ fileno $slot->{c}{socket} };
		rand() < 0.5 ? $slot->{c}->reset : $slot->{c}->close;
		delete $slot->{c};
	};
	$begin->({}) for 1 .. $connections;
	# On a slow machine for longer: so many that what may happen does.
	my $until = time + $seconds;
	while (%by_fd) {
		$until = time + 1 if time >= $until and (@unsettled < 8 or keys %known < 30) and time < $began + 300;
		$poll->poll(0.2);
		for my $slot (values %by_fd) {
			my $events = $poll->events($slot->{c}{socket});
			if ($events & POLLOUT and length $slot->{out}) {
				my $sent = send $slot->{c}{socket}, $slot->{out}, MSG_NOSIGNAL;
				substr $slot->{out}, 0, $sent // 0, '';
			}
			if (!length $slot->{out}) {
				if ($slot->{leaves}) {
					push @unsettled, $slot->{job};
					$leave->($slot);
					$begin->($slot) if time < $until;
					next;
				}
				$poll->mask($slot->{c}{socket} => POLLIN);
			}
			$slot->{c}->_read_some if $events & (POLLIN | POLLHUP | POLLERR);
			my $answer = eval { $slot->{c}->_take('POST') };
			jot({ fault => "no HTTP: $@" }) if $@;
			if ($answer) {
				push @unsettled, $slot->{job} if !settle($slot->{job}, $answer) and $slot->{job}{what} ne 'rubbish' and !$slot->{job}{again};
				$leave->($slot) if $answer->closes;
			}
			elsif ($slot->{c}{eof} or time - $slot->{at} > 90) {
				jot({ fault => "no answer to $slot->{job}{what} within " . int(time - $slot->{at}) . ' s' }) if !$slot->{c}{eof};
				push @unsettled, $slot->{job} if $slot->{job}{key} and !$slot->{job}{again};
				$leave->($slot);
			}
			else { next }
			time < $until ? $begin->($slot) : $slot->{c} ? $leave->($slot) : next;
		}
	}
	# Who does not know what came of it asks again with the key; all of them together have so long.
	my $deadline = time + 180;
	for my $job (@unsettled) {
		my $answer;
		last if time > $deadline;    # one was not settled: that is enough
		1 until ($answer = eval { $http->request(POST => $job->{path}, body => $job->{body}, map { defined $job->{$_} ? ($_ => $_ eq 'token' ? $tokens{ $job->{token} } : $job->{$_}) : () } qw(key token)) })
			&& settle({ %$job, late => 1 }, $answer) or time > $deadline;
		jot({ fault => "$job->{what} with key $job->{key} was not settled" }) if time > $deadline;
	}
	jot({ what => 'unsettled', n => scalar @unsettled });
	close $out;
	return;
}

# ---- an organizer who changes capacities, and pauses now and then ----

sub organizer {
	srand($$);
	open $out, '>', "$notes/organizer" or die "notes: $!\n";
	my $http  = Boxoffice::Http->new(host => $server->{host}, port => $server->{port});
	my @stock = map { my $e = $_; map { [ $e, $_->{id} ] } @{ $http->get("$e->{base}/stock?limit=100", token => $office)->json->{items} } } @events;
	my $until = time + $seconds;
	while (time < $until) {
		my ($event, $id) = @{ any(@stock) };
		my $a = $http->patch("$event->{base}/stock/$id", { capacity => 100 + int rand 200 }, token => $office);
		jot({ fault => "capacity: $a->{raw}" }) if ($a->status . ' ' . $a->code) !~ /^(?:200 |409 capacity_taken|50[34] \w+)$/;
		if (rand() < 0.1) {
			for my $verb (qw(pause resume)) {
				my $done;
				for (1 .. 100) {
					$done = $http->post("$event->{base}/$verb", undef, token => $office, key => uuid());
					last if $done->status == 200;
					jot({ fault => "$verb: $done->{raw}" }) if $done->status !~ /^50[34]$/;
				}
				sleep 0.05;
			}
		}
		sleep 0.02;
	}
	close $out;
	return;
}

# ---- all of them at once, while the clock jumps ----

my @pids;
for my $number (1 .. $crowds, 'organizer') {
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		my $ok = eval { $number eq 'organizer' ? organizer() : crowd($number); 1 };
		jot({ fault => "$number died: $@" }) if !$ok;
		POSIX::_exit(0);
	}
	push @pids, $pid;
}
my $offset = 0;
for (1 .. 3) {
	sleep $seconds / 4;
	$server->clock_offset($offset += 130);
}
waitpid $_, 0 for @pids;

my @told;
for my $file (glob "$notes/*") {
	open my $in, '<', $file or die "$file: $!\n";
	push @told, map { $json->decode($_) } <$in>;
}
my @faults = map { substr $_->{fault}, 0, 700 } grep { $_->{fault} } @told;
is(scalar @faults, 0, 'each was answered as it should be') or diag map { "  $_\n" } grep { defined } @faults[ 0 .. 5 ];

# Nothing is held any more once all that expired was taken back.
$server->clock_offset($offset += 2000);
wait_until(sub { !$server->value('SELECT sum(held) FROM boxoffice.stock') }, 'the worker has taken back what expired', 60);
my (%sold, %count, @differ);
for my $order (grep { ($_->{what} // '') eq 'order' } @told) {
	my $event = $event_of{ $order->{event} };
	for my $ticket (@{ $order->{tickets} }) {
		my ($type, $session) = @$ticket;
		for my $pool (@{ $event->{types}{$type} }) {
			$sold{ $event->{id} }{$_}++ for $event->{pools}{$pool} eq 'event' ? $pool : map { "$pool/$_" } $session // @{ $event->{sessions} };
		}
	}
}
for my $row ($server->rows("SELECT t.event_id, p.key || coalesce('/' || s.key, '') AS place, t.sold FROM boxoffice.stock t
	JOIN boxoffice.pool p ON p.event_id = t.event_id AND p.id = t.pool_id LEFT JOIN boxoffice.session s ON s.event_id = t.event_id AND s.id = t.session_id")) {
	my $want = $sold{ $row->{event_id} }{ $row->{place} } // 0;
	push @differ, "$row->{event_id} $row->{place}: sold $row->{sold}, buyers have $want" if $row->{sold} != $want;
}
is_deeply(\@differ, [], 'sold is what buyers have, to the place');
for my $what (qw(hold order)) {
	my %seen  = map { $_->{id} => 1 } grep { ($_->{what} // '') eq $what } @told;
	my %there = map { $_->{id} => 1 } $server->rows("SELECT id FROM boxoffice.$what");
	is_deeply([ [ grep { !$there{$_} } sort keys %seen ], [ grep { !$seen{$_} } sort keys %there ] ], [ [], [] ], scalar(keys %seen) . " ${what}s: each that was told is there, and no other");
}
$count{ $_->{what} eq 'refused' ? $_->{code} : $_->{what} } += $_->{n} // 1 for grep { $_->{what} } @told;
diag(join ', ', map { "$_: $count{$_}" } sort keys %count);
cmp_ok($count{$_} // 0, '>', 20, "there were enough: $_") for qw(hold order unsettled);
$t->finish;
