package Boxoffice::Http;

# An HTTP client for tests: connections on raw sockets that send any bytes at any pace and take answers
# apart strictly, and on top of them requests with JSON. It never follows, retries or repairs anything.

use v5.36;
use Cpanel::JSON::XS  ();
use IO::Poll          qw(POLLIN POLLOUT POLLHUP POLLERR);
use IO::Socket::INET  ();
use IO::Socket::UNIX  ();
use Socket            qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY SHUT_WR MSG_NOSIGNAL);
use Time::HiRes       qw(time);

my $json = Cpanel::JSON::XS->new->utf8->canonical->allow_nonref;

# new(host, port [, socket => the path of a unix socket instead] [, on_answer => sub ($method, $target, $answer, $asked)]): a place to send requests to.
# on_answer sees every answer that a request of this client gets.
sub new ($class, %self) {
	return bless { timeout => 60, %self }, $class;
}

# A new raw connection.
sub connect ($self) {
	my $socket = defined $self->{socket}
		? IO::Socket::UNIX->new(Peer => $self->{socket})
		: IO::Socket::INET->new(PeerAddr => $self->{host}, PeerPort => $self->{port}, Timeout => $self->{timeout});
	die 'cannot connect to ' . ($self->{socket} // "$self->{host}:$self->{port}") . ": $!\n" unless $socket;
	$socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1) unless defined $self->{socket};
	$socket->blocking(0);
	return bless { socket => $socket, in => '', timeout => $self->{timeout}, eof => 0 },
		'Boxoffice::Http::Connection';
}

# The bytes of a request. Options: headers (array of pairs), body (bytes), json (anything), token, key
# (Idempotency-Key), secret (Boxoffice-Secret), match (If-None-Match), close.
sub bytes ($self, $method, $target, %o) {
	my @headers = (Host => "$self->{host}:$self->{port}");
	push @headers, Authorization     => "Bearer $o{token}" if defined $o{token};
	push @headers, 'Idempotency-Key' => $o{key}            if defined $o{key};
	push @headers, 'Boxoffice-Secret' => $o{secret}        if defined $o{secret};
	push @headers, 'If-None-Match'   => $o{match}          if defined $o{match};
	push @headers, Connection        => 'close'            if $o{close};
	my $body = exists $o{json} ? $json->encode($o{json}) : $o{body};
	my %given = map { lc $_ => 1 } @{ $o{headers} // [] }[grep { !($_ % 2) } 0 .. $#{ $o{headers} // [] }];
	if (defined $body) {
		push @headers, 'Content-Type' => 'application/json' unless $given{'content-type'};
		push @headers, 'Content-Length' => length $body
			unless $given{'content-length'} or $given{'transfer-encoding'};
	}
	push @headers, @{ $o{headers} // [] };
	my $text = "$method $target HTTP/1.1\r\n";
	while (my ($name, $value) = splice @headers, 0, 2) { $text .= "$name: $value\r\n" }
	return "$text\r\n" . ($body // '');
}

# One request on a kept connection (made anew when the server has closed it), and its answer.
sub request ($self, $method, $target, %o) {
	my $answer;
	for my $attempt (1, 2) {
		my $fresh = !$self->{kept};
		my $c     = $self->{kept} //= $self->connect;
		my $sent  = eval { $c->send($self->bytes($method, $target, %o)); 1 };
		$answer = eval { $c->answer($method, $o{timeout} // $self->{timeout}) };
		last if $answer;
		my $error = $@;
		delete $self->{kept};
		# A kept connection that the server closed between requests is no answer, but no fault either.
		next if !$fresh and $c->{in} eq '' and $c->{eof};
		die $error || "connection closed without an answer to $method $target\n";
	}
	delete $self->{kept} if $o{close} or $answer->closes;
	$self->{on_answer}->($method, $target, $answer, \%o) if $self->{on_answer};
	return $answer;
}

sub get    ($self, $target, %o) { return $self->request(GET    => $target, %o) }
sub head   ($self, $target, %o) { return $self->request(HEAD   => $target, %o) }
sub delete ($self, $target, %o) { return $self->request(DELETE => $target, %o) }
# A body of undef is no body.
sub post  ($self, $target, $body, %o) { return $self->request(POST  => $target, defined $body ? (json => $body) : (), %o) }
sub patch ($self, $target, $body, %o) { return $self->request(PATCH => $target, json => $body, %o) }

# Drops the kept connection.
sub forget ($self) { delete $self->{kept}; return }

# Sends many requests at once, each on a connection of its own, and gives their answers in order; undef
# for one whose connection ended without a whole answer. Each request: [method, target, options].
sub all ($self, @requests) {
	my @flights = map { { asked => $_, c => $self->connect, out => $self->bytes($_->[0], $_->[1], %{ $_->[2] // {} }) } }
		@requests;
	my $deadline = time + $self->{timeout};
	my $poll     = IO::Poll->new;
	my %by_fd    = map { fileno($_->{c}{socket}) => $_ } @flights;
	$poll->mask($_->{c}{socket} => POLLIN | POLLOUT) for @flights;
	while (%by_fd) {
		my $left = $deadline - time;
		die sprintf "%d of %d requests unanswered\n", scalar keys %by_fd, scalar @flights if $left <= 0;
		$poll->poll($left);
		for my $fd (keys %by_fd) {
			my $f      = $by_fd{$fd};
			my $events = $poll->events($f->{c}{socket}) or next;
			if ($events & POLLOUT and length $f->{out}) {
				my $n = send $f->{c}{socket}, $f->{out}, MSG_NOSIGNAL;
				substr $f->{out}, 0, $n // 0, '';
			}
			$poll->mask($f->{c}{socket} => POLLIN) unless length $f->{out};
			$f->{c}->_read_some if $events & (POLLIN | POLLHUP | POLLERR);
			$f->{answer} = eval { $f->{c}->_take($f->{asked}[0]) };
			if ($f->{answer} or $f->{c}{eof} or $@) {
				$poll->remove($f->{c}{socket});
				CORE::delete $by_fd{$fd};
			}
		}
	}
	for my $f (@flights) {
		$f->{c}->close;
		$self->{on_answer}->($f->{asked}[0], $f->{asked}[1], $f->{answer}, $f->{asked}[2] // {})
			if $self->{on_answer} and $f->{answer};
	}
	return map { $_->{answer} } @flights;
}

package Boxoffice::Http::Connection;

use Time::HiRes qw(time);
use Socket      qw(SOL_SOCKET SO_LINGER SHUT_WR MSG_NOSIGNAL);

# Sends bytes, all of them, or dies when the server has gone or a timeout has passed.
sub send ($self, $bytes) {
	my $deadline = time + $self->{timeout};
	while (length $bytes) {
		my $n = CORE::send $self->{socket}, $bytes, MSG_NOSIGNAL;
		if (defined $n) { substr $bytes, 0, $n, ''; next }
		die "send: $!\n" unless $!{EAGAIN} or $!{EINTR};
		$self->_wait(1, $deadline);
	}
	return $self;
}

# The next answer on this connection; dies at the deadline or when the connection ends before it.
sub answer ($self, $method = 'GET', $timeout = $self->{timeout}) {
	my $deadline = time + $timeout;
	while (1) {
		my $answer = $self->_take($method);
		return $answer if $answer;
		die "connection closed in the middle of an answer: " . substr($self->{in}, 0, 200) . "\n" if $self->{eof};
		$self->_wait(0, $deadline);
		$self->_read_some;
	}
}

# Whether the server closes the connection (having sent nothing more) within the timeout.
sub closed ($self, $timeout = $self->{timeout}) {
	my $deadline = time + $timeout;
	until ($self->{eof}) {
		return 0 unless eval { $self->_wait(0, $deadline); 1 };
		$self->_read_some;
	}
	return $self->{in} eq '';
}

# No more will be sent from this side; answers can still be read.
sub half_close ($self) { shutdown $self->{socket}, SHUT_WR; return $self }

sub close ($self) { close $self->{socket}; return }

# Ends the connection with a reset, as a client that crashed does.
sub reset ($self) {
	setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
	return $self->close;
}

sub _wait ($self, $write, $deadline) {
	my $left = $deadline - time;
	die "no answer in time\n" if $left <= 0;
	my $set = '';
	vec($set, fileno $self->{socket}, 1) = 1;
	my ($r, $w) = $write ? (undef, $set) : ($set, undef);
	my $n = select $r, $w, undef, $left;
	die "no answer in time\n" if $n == 0;
	return;
}

sub _read_some ($self) {
	while (1) {
		my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
		if (!defined $n) {
			return if $!{EAGAIN} or $!{EINTR};
			$self->{eof} = 1;    # reset by the server
			return;
		}
		$self->{eof} = 1, return if $n == 0;
	}
}

# Takes one whole answer off the input, or gives undef when it is not all there yet. What was taken apart is kept: a long
# answer that comes in many pieces is read once.
sub _take ($self, $method) {
	my $head = $self->{head} //= $self->_head or return;
	return unless $self->_body($method, $head);
	my $raw = substr $self->{in}, 0, $head->{end}, '';
	CORE::delete $self->{head};
	return bless { %$head{qw(status headers body)}, raw => $raw, at => time }, 'Boxoffice::Http::Answer';
}

# Status and headers of the answer that the input begins with, and where its body begins.
sub _head ($self) {
	my $end = index $self->{in}, "\r\n\r\n";
	return if $end < 0;
	my ($status_line, @lines) = split /\r\n/, substr $self->{in}, 0, $end;
	my ($status) = $status_line =~ m{^HTTP/1\.1 (\d{3}) ?[^\r\n]*\z}
		or die "not an HTTP status line: $status_line\n";
	my %headers;
	for (@lines) {
		my ($name, $value) = /^([!#\$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\z/
			or die "not an HTTP header: $_\n";
		push @{ $headers{ lc $name } }, $value;
	}
	return { status => $status, headers => \%headers, body => '', end => $end + 4 };
}

# Takes over what has come of the body; whether that is all of it.
sub _body ($self, $method, $head) {
	my ($status, $headers) = @$head{qw(status headers)};
	return 1 if $method eq 'HEAD' or $status < 200 or $status == 204 or $status == 304;
	if (($headers->{'transfer-encoding'} // [''])->[0] eq 'chunked') {
		my $size;
		do { $size = $self->_chunk($head) // return 0 } while ($size);
		return 1;
	}
	my $length = $headers->{'content-length'};
	die "two Content-Length headers\n" if $length and @$length > 1;
	my $have = length($self->{in}) - $head->{end};
	return 0 if $length ? $have < $length->[0] : !$self->{eof};
	$head->{body} = substr $self->{in}, $head->{end}, $length ? $length->[0] : $have;
	$head->{end} += length $head->{body};
	return 1;
}

# The size of the next chunk, which is added to the body; undef when it is not all there yet.
sub _chunk ($self, $head) {
	my $at = index $self->{in}, "\r\n", $head->{end};
	return if $at < 0;
	my $size = substr $self->{in}, $head->{end}, $at - $head->{end};
	die "not a chunk: $size\n" if $size !~ /^[0-9a-fA-F]+\z/;
	$size = hex $size;
	return if length $self->{in} < $at + 2 + $size + 2;
	$head->{body} .= substr $self->{in}, $at + 2, $size;
	$head->{end} = $at + 2 + $size + 2;
	return $size;
}

package Boxoffice::Http::Answer;

sub status ($self) { return $self->{status} }
sub body   ($self) { return $self->{body} }

# A header's value, or undef; dies when it was sent twice.
sub header ($self, $name) {
	my $values = $self->{headers}{ lc $name } or return;
	die "header $name sent twice\n" if @$values > 1;
	return $values->[0];
}

sub closes ($self) { return lc($self->header('Connection') // '') eq 'close' }

# The body as JSON. Strict: UTF-8, and no duplicate members.
sub json ($self) {
	return $self->{json} //= do {
		my $strict = Cpanel::JSON::XS->new->utf8->allow_dupkeys(0);
		eval { $strict->decode($self->{body}) }
			// die "the body of this $self->{status} is not JSON: $@" . substr($self->{body}, 0, 300) . "\n";
	};
}

# The problem's word, '' for an answer that is no problem document.
sub code ($self) {
	return '' if $self->{body} eq '' or !defined $self->header('Content-Type');
	return '' unless $self->header('Content-Type') =~ m{^application/problem\+json};
	return $self->json->{code} // '';
}

1;
