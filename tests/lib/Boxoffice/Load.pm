package Boxoffice::Load;

# Buyers who keep buying while a test breaks things. Each asks every question with a key of its own, and asks
# it again with the same key until it has an answer that settles it: so at the end the database must hold
# exactly what the buyers were told, nothing less and nothing twice.

use v5.36;
use Boxoffice::Http  ();
use Boxoffice::Test  ();
use Cpanel::JSON::XS ();
use File::Temp       ();
use POSIX            ();
use Time::HiRes      qw(time sleep);

my $json = Cpanel::JSON::XS->new->canonical->utf8;

# start($t, $event, buyers => 4, pay => whether orders are paid with test money, quantity => at most so many,
# deadline => seconds a question may stay unsettled, rubbish => one request in so many is nonsense).
sub start ($class, $t, $event, %o) {
	my $self = bless { t => $t, event => $event, buyers => 4, quantity => 3, deadline => 180, %o, pids => [] }, $class;
	$self->{directory} = File::Temp->newdir;
	for my $n (1 .. $self->{buyers}) {
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			my $ok = eval { $self->_buyer($n); 1 };
			$self->_note({ fault => "a buyer died: $@" }) unless $ok;
			POSIX::_exit(0);
		}
		push @{ $self->{pids} }, $pid;
	}
	return $self;
}

# Lets the buyers settle what they have asked, and reads what they were told.
sub stop ($self) {
	kill TERM => @{ $self->{pids} };
	waitpid $_, 0 for @{ $self->{pids} };
	my @notes;
	for my $file (glob "$self->{directory}/*") {
		open my $in, '<', $file or die "$file: $!\n";
		push @notes, map { $json->decode($_) } <$in>;
	}
	$self->{notes} = \@notes;
	return $self;
}

# How many purchases have been told complete so far.
sub count ($self, $what = 'order') {
	my $n = 0;
	for my $file (glob "$self->{directory}/*") {
		open my $in, '<', $file or next;
		$n += grep { /"what":"$what"/ } <$in>;
	}
	return $n;
}

sub notes ($self, $what) { return grep { ($_->{what} // '') eq $what } @{ $self->{notes} } }

# What does not agree between what the buyers were told and what the database holds: sentences.
sub differences ($self) {
	my $event = $self->{event}{id};
	my $rows  = sub ($sql) { map { $_->{id} => $_ } $self->{t}->server->rows($sql, $event) };
	my @wrong = map { $_->{fault} } grep { $_->{fault} } @{ $self->{notes} };
	my %table = (
		hold    => { $rows->('SELECT id FROM boxoffice.hold WHERE event_id = ?') },
		order   => { $rows->('SELECT id, status, hold_id FROM boxoffice.order WHERE event_id = ?') },
		payment => { $rows->("SELECT id FROM boxoffice.payment WHERE event_id = ? AND kind <> 'free'") },
	);
	for my $what (sort keys %table) {
		my (%key, %told);
		for my $note ($self->notes($what)) {
			$told{ $note->{id} }++;
			push @wrong, "$what $note->{id} was confirmed and is not there" unless $table{$what}{ $note->{id} };
			my $first = $key{ $note->{key} } //= $note->{id};
			push @wrong, "key $note->{key} made $what $first and $note->{id}" if $first ne $note->{id};
		}
		push @wrong, "$what $_ is there and nobody was told" for grep { !$told{$_} } sort keys %{ $table{$what} };
	}
	for my $note ($self->notes('order')) {
		my $row = $table{order}{ $note->{id} } or next;
		push @wrong, "order $note->{id} was $note->{status} and is $row->{status}" if $note->{status} eq 'paid' and $row->{status} ne 'paid';
	}
	my %by_hold;
	$by_hold{ $_->{hold_id} }++ for values %{ $table{order} };
	push @wrong, map { "hold $_ became $by_hold{$_} orders" } grep { $by_hold{$_} > 1 } sort keys %by_hold;
	return @wrong > 30 ? (@wrong[ 0 .. 29 ], scalar(@wrong) . ' in all') : @wrong;
}

sub _note ($self, $note) {
	$self->{out} //= do {
		open my $out, '>>', "$self->{directory}/$$" or die "notes: $!\n";
		$out->autoflush(1);
		$out;
	};
	print { $self->{out} } $json->encode($note), "\n";
	return;
}

sub _buyer ($self, $number) {
	local $SIG{TERM} = sub { $self->{enough} = 1 };
	srand($number * 7919 + $$);
	my $t      = $self->{t};
	my @tokens = (undef, map { $t->token('customer', sub => "buyer-$number-$_") } 1 .. 3);
	$self->{http} = Boxoffice::Http->new(
		host => $t->server->{host}, port => $t->server->{port}, timeout => 60,
		on_answer => sub ($method, $target, $answer, $asked) {
			$self->_note({ fault => "$method $target: $_: " . substr $answer->body, 0, 300 }) for $t->{openapi}->faults($method, $target, $answer);
			# Whatever breaks, a buyer is told to come again, and when.
			$self->_note({ fault => "$method $target: " . substr $answer->{raw}, 0, 600 })
				if $answer->status >= 500 and $answer->status !~ /^50[34]$/ || !$answer->header('Retry-After');
		});
	my $path = "/v1/events/$self->{event}{id}";
	until ($self->{enough}) {
		my $token = $tokens[ rand @tokens ];
		$self->_rubbish($path) if $self->{rubbish} and rand($self->{rubbish}) < 1;
		my $hold = $self->_settle('hold', "$path/holds",
			{ items => [ { ticket_type => 'general', quantity => 1 + int rand $self->{quantity} } ] }, token => $token) or next;
		next if $self->{only_holds};
		my $order = $self->_settle('order', "$path/orders",
			{ hold => $hold->{id}, secret => $hold->{secret}, contact => { name => 'B', email => "b$number\@example.org" } }, token => $token) or next;
		next unless $self->{pay};
		$self->_settle('payment', "$path/orders/$order->{id}/payments", { kind => 'test' }, token => $token, secret => $order->{secret});
	}
	return;
}

# Asks until the answer settles it: the JSON of a success, undef for a refusal.
sub _settle ($self, $what, $path, $body, %o) {
	my $key      = Boxoffice::Test::uuid();
	my $deadline = time + $self->{deadline};
	my %options  = (key => $key, map { defined $o{$_} ? ($_ => $o{$_}) : () } keys %o);
	while (time < $deadline) {
		my $answer = eval { $self->{http}->post($path, $body, %options) };
		if (!$answer) { $self->{http}->forget; sleep 0.02; next }
		my $status = $answer->status;
		if ($status == 201) {
			my $got = $answer->json;
			$self->_note({ what => $what, key => $key, id => $got->{id}, status => $got->{status} // $got->{outcome} // '' });
			return $got;
		}
		if ($status >= 500 or $status == 429 or $answer->code eq 'idempotency_running') { sleep 0.02; next }
		return if $answer->code =~ /^(all_held|sold_out)$/;
		$self->_note({ fault => "$what: $status " . $answer->body });
		return;
	}
	$self->_note({ fault => "$what with key $key was not settled in $self->{deadline} s" });
	return;
}

my @rubbish = (
	'{', '[]', '{"items":[]}', '{"items":[{"ticket_type":"general","quantity":0}]}',
	'{"items":[{"ticket_type":"general","quantity":-5}]}', '{"items":[{"ticket_type":"nothing","quantity":1}]}',
	qq({"items":[{"ticket_type":"\xff","quantity":1}]}), '{"items":[{"ticket_type":"gen\\u0000","quantity":1}]}',
	'{"items":[{"ticket_type":"general","quantity":1e999}]}', '{"items":[{"ticket_type":"general","quantity":1}],"x":1},{"role":"admin"}',
	'{"items":[{"ticket_type":"general","quantity":1,"session":"moon"}]}', '[' x 5000,
	'{"items":[{"ticket_type":"general","quantity":1,"block":"1"}]}', '{"items":[{"ticket_type":"general","quantity":1001}]}',
	'{"items":[{"ticket_type":"general","quantity":1}],"channel":"phone"}',
);

# A request that is nonsense: it must be refused, as the client's fault, and disturb nobody.
sub _rubbish ($self, $path) {
	my $body   = $rubbish[ rand @rubbish ];
	my $answer = eval { $self->{http}->request(POST => "$path/holds", body => $body) };
	if (!$answer) { $self->{http}->forget; return }
	$self->_note({ what => 'rubbish', id => $answer->status, key => $body });
	$self->_note({ fault => "$body was answered with " . $answer->status . ' ' . $answer->body })
		unless $answer->status =~ /^4\d\d$/ or $answer->status == 503 or $answer->status == 504;
	return;
}

1;
