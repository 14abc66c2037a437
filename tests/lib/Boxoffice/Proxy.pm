package Boxoffice::Proxy;

# Stands between the gateway and PostgreSQL on a unix socket and ill-treats the stream: splits it, delays
# it, holds it, cuts it before, in the middle of or after a message of a named kind. It knows the framing
# of PostgreSQL's protocol and nothing else of it. Runs in a process of its own, told what to do by lines.

use v5.36;
use IO::Handle       ();
use IO::Poll         qw(POLLIN POLLOUT POLLHUP POLLERR);
use IO::Socket::UNIX ();
use Socket           qw(AF_UNIX SOCK_STREAM PF_UNSPEC MSG_NOSIGNAL);
use Time::HiRes      qw(time sleep);

# start(listen, connect): sockets' paths. The listening one may be in another directory of the same name,
# so that libpq finds it by host and port.
sub start ($class, %o) {
	socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
	$_->autoflush for $here, $there;
	my $listener = IO::Socket::UNIX->new(Local => $o{listen}, Listen => 128)
		or die "cannot listen on $o{listen}: $!\n";
	chmod 0777, $o{listen};
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		close $here;
		$) = "$o{gid} $o{gid}", $> = $o{uid} if defined $o{uid} and $> == 0;
		eval { _run($listener, $o{connect}, $there); 1 } or print STDERR "proxy: $@";
		require POSIX;
		POSIX::_exit(0);
	}
	close $there;
	return bless { pid => $pid, control => $here, listen => $o{listen} }, $class;
}

# Orders, each acknowledged before this returns:
#   pass                                   what comes goes on at once (how it starts); also thaws
#   split N                                in pieces of N bytes, each written alone (the rest of a long message in larger ones)
#   delay MS                               each message waits so long
#   freeze                                 nothing goes on in either direction, connections stay
#   cut before|middle|after up|down T      at the next message of type T (its letter; * any) in that direction
#   drop                                   ends all connections now
#   refuse                                 ends all, and new ones as they come
# count: how many cuts have happened; connections: how many stand.
sub tell ($self, $order) {
	my $control = $self->{control};
	print {$control} "$order\n";
	my $answer = <$control> // die "the proxy has ended\n";
	chomp $answer;
	die "the proxy does not know: $order\n" if $answer eq '?';
	return $answer;
}

sub stop ($self) {
	my $pid = delete $self->{pid} or return;
	close $self->{control};
	waitpid $pid, 0;
	unlink $self->{listen};
	return;
}

sub DESTROY ($self) { local $?; $self->stop; return }

sub _run ($listener, $target, $control) {
	my $state = { mode => 'pass', links => {}, cuts => 0 };
	$listener->blocking(0);
	while (1) {
		my $poll = IO::Poll->new;
		$poll->mask($control  => POLLIN);
		$poll->mask($listener => POLLIN);
		my $frozen = $state->{mode} eq 'freeze';
		my $now    = time;
		my $wait   = 5;
		for my $link (values %{ $state->{links} }) {
			for my $way (qw(up down)) {
				my ($from, $to) = $way eq 'up' ? @$link{qw(client server)} : @$link{qw(server client)};
				my $flow = $link->{$way};
				my $due  = _due($flow);
				$poll->mask($from => ($poll->mask($from) // 0) | POLLIN) if !$frozen and $flow->{queued} < 1_000_000;
				$poll->mask($to => ($poll->mask($to) // 0) | POLLOUT) if !$frozen and defined $due and $due <= $now;
				$wait = $due - $now if !$frozen and defined $due and $due > $now and $due - $now < $wait;
			}
		}
		$poll->poll($wait);
		if ($poll->events($control)) {
			my $line = <$control> // return;
			chomp $line;
			my $said = _order($state, $line);
			print {$control} "$said\n";
		}
		if ($poll->events($listener) and my $client = $listener->accept) {
			_link($state, $client, $target);
		}
		next if $state->{mode} eq 'freeze';
		for my $id (keys %{ $state->{links} }) {
			my $link = $state->{links}{$id};
			_move($state, $link, $poll) or _end($state, $id);
		}
	}
}

sub _order ($state, $line) {
	my ($verb, @rest) = split ' ', $line;
	return $state->{cuts} if $verb eq 'count';
	return scalar keys %{ $state->{links} } if $verb eq 'connections';
	if ($verb eq 'drop' or $verb eq 'refuse') { _end($state, $_) for keys %{ $state->{links} } }
	if ($verb eq 'cut') { $state->{cut} = [@rest]; return 'ok' }
	return 'ok' if $verb eq 'drop';
	return '?' unless $verb =~ /^(pass|split|delay|freeze|refuse)$/;
	$state->{mode} = $verb;
	$state->{n}    = $rest[0];
	delete $state->{cut} if $verb eq 'pass';
	return 'ok';
}

sub _link ($state, $client, $target) {
	return close $client if $state->{mode} eq 'refuse';
	my $server = IO::Socket::UNIX->new(Peer => $target) or return close $client;
	$_->blocking(0) for $client, $server;
	my $new = sub { { in => '', out => [], queued => 0, eof => 0 } };
	$state->{links}{ fileno $client } =
		{ client => $client, server => $server, up => $new->(), down => $new->(), started => 0 };
	return;
}

sub _end ($state, $id) {
	my $link = delete $state->{links}{$id} or return;
	close $link->{client};
	close $link->{server};
	return;
}

# When the first piece that waits in this flow may go, or undef.
sub _due ($flow) { return @{ $flow->{out} } ? $flow->{out}[0][0] : undef }

# Moves what can be moved; false when the connection is over.
sub _move ($state, $link, $poll) {
	for my $way (qw(up down)) {
		my ($from, $to) = $way eq 'up' ? @$link{qw(client server)} : @$link{qw(server client)};
		my $flow = $link->{$way};
		if ($poll->events($from) & (POLLIN | POLLHUP | POLLERR)) {
			my $n = sysread $from, $flow->{in}, 65536, length $flow->{in};
			$flow->{eof} = 1 if defined $n ? $n == 0 : !$!{EAGAIN};
		}
		_take($state, $link, $way);
		while (defined(my $due = _due($flow))) {
			last if $due > time;
			my $piece = $flow->{out}[0][1];
			my $n = length $piece ? send $to, $piece, MSG_NOSIGNAL : 0;
			if (!defined $n) { last if $!{EAGAIN}; return 0 }
			$flow->{queued} -= $n;
			if ($n < length $piece) { substr $flow->{out}[0][1], 0, $n, ''; last }
			shift @{ $flow->{out} };
			sleep 0.0002 if $state->{mode} eq 'split';    # so that the reader sees each piece alone
		}
		return 0 if $flow->{cut} and !@{ $flow->{out} };
		return 0 if $flow->{eof} and !@{ $flow->{out} };
	}
	return 1;
}

# Cuts whole messages off what has come in, and queues them as the mode says.
sub _take ($state, $link, $way) {
	my $flow = $link->{$way};
	until ($flow->{cut}) {
		my ($type, $length);
		if ($way eq 'up' and !$link->{started}) {    # the startup message has no type
			last if length $flow->{in} < 4;
			($type, $length) = ('0', unpack 'N', $flow->{in});
		}
		else {
			last if length $flow->{in} < 5;
			($type, $length) = unpack 'a N', $flow->{in};
			$length++;
		}
		last if length $flow->{in} < $length;
		$link->{started} = 1 if $way eq 'up';
		my $message = substr $flow->{in}, 0, $length, '';
		my $cut     = $state->{cut};
		if ($cut and $cut->[1] eq $way and $cut->[2] eq $type || $cut->[2] eq '*') {
			delete $state->{cut};
			$state->{cuts}++;
			$flow->{cut} = 1;
			$message = $cut->[0] eq 'before' ? '' : $cut->[0] eq 'middle' ? substr($message, 0, int(length($message) / 2) || 1) : $message;
		}
		_queue($state, $flow, $message);
	}
	return;
}

sub _queue ($state, $flow, $message) {
	my $at = time + ($state->{mode} eq 'delay' ? $state->{n} / 1000 : 0);
	$flow->{queued} += length $message;
	if ($state->{mode} eq 'split') {
		# Where a reader could stumble is where a message begins; a slow machine must be done with it before its time is up.
		my $rest = length($message) - 32 * $state->{n};
		my $size = $rest > 0 ? 1 + int $rest / 16 : 1;
		push @{ $flow->{out} }, map { [ $at, $_ ] } grep { length } unpack "(a$state->{n})32(a$size)*", $message;
	}
	else { push @{ $flow->{out} }, [ $at, $message ] }
	return;
}

1;
