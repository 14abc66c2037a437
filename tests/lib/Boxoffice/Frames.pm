package Boxoffice::Frames;

# HTTP/2 by hand, over TCP without TLS: requests, bodies in pieces, streams that are reset, windows that a test opens as it likes,
# and how each stream ended.

use v5.36;
use Socket qw(PF_INET SOCK_STREAM SOL_SOCKET SO_RCVBUF inet_aton pack_sockaddr_in);

# connect(port, bytes of its buffer): a connection with room for everything, whose streams have windows of 64 KiB.
sub connect ($class, $port, $buffer = 4096) {
	socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
	setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $buffer;
	CORE::connect $socket, pack_sockaddr_in($port, inet_aton('127.0.0.1')) or die "connect: $!\n";
	my $self = bless { socket => $socket, in => '', end => {}, taken => {} }, $class;
	$self->_write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . _frame(4, 0, 0));
	return $self->window(0, 1 << 30);
}

# So many bytes more may come: on a stream, or on all (0).
sub window ($self, $stream, $bytes) { return $self->_write(_frame(8, 0, $stream, pack 'N', $bytes)) }

sub get ($self, $stream, $path, $token) {
	return $self->_write(_frame(1, 5, $stream, _headers(':method' => 'GET', ':path' => $path, authorization => "Bearer $token")));
}

# Begins a POST of JSON; its body comes by data, the last piece of it with a true value.
sub post ($self, $stream, $path, %headers) {
	return $self->_write(_frame(1, 4, $stream, _headers(':method' => 'POST', ':path' => $path, 'content-type' => 'application/json', %headers)));
}

sub data ($self, $stream, $bytes, $last = 0) { return $self->_write(_frame(0, $last ? 1 : 0, $stream, $bytes)) }

# The client does not want it any more.
sub cancel ($self, $stream) { return $self->_write(_frame(3, 0, $stream, pack 'N', 8)) }

sub _headers (@fields) {
	push @fields, ':scheme' => 'http', ':authority' => 'site';
	my ($block, %value) = ('', @fields);
	# Those with a colon come first.
	$block .= "\0" . _string($_) . _string($value{$_}) for sort keys %value;
	return $block;
}

# Reads until the stream has ended, and says how: 'whole', 'reset N' with the error code, or '' if the connection ended before.
sub end ($self, $stream, $seconds = 120) {
	local $SIG{ALRM} = sub { die "stream $stream does not end\n" };
	alarm $seconds;
	until ($self->{end}{$stream}) {
		last unless sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
		while (length $self->{in} >= 9 and length $self->{in} >= 9 + (my $n = unpack 'N', "\0" . substr $self->{in}, 0, 3)) {
			my ($type, $flags, $of, $payload) = unpack 'x3CCNa*', substr $self->{in}, 0, 9 + $n, '';
			$self->{taken}{$of} += $n if $type == 0;
			$self->{end}{$of} = 'reset ' . unpack 'N', $payload if $type == 3;
			$self->{end}{$of} = 'whole' if $type == 0 && $flags & 1;
		}
	}
	alarm 0;
	return $self->{end}{$stream} // '';
}

# How many bytes of a body have come on it.
sub taken ($self, $stream) { return $self->{taken}{$stream} // 0 }

# How many bytes wait to be read.
sub unread ($self) {
	my $fionread = 0x541b;
	ioctl $self->{socket}, $fionread, my $n = pack 'i', 0 or die "ioctl: $!\n";
	return unpack 'i', $n;
}

sub close ($self) { close $self->{socket}; return }

sub _write ($self, $bytes) {
	syswrite($self->{socket}, $bytes) == length $bytes or die "write: $!\n";
	return $self;
}

sub _frame ($type, $flags, $stream, $payload = '') { return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload }

# A string of HPACK: its length, seven bits at a time where it does not fit, and its bytes.
sub _string ($text) {
	my $n = length $text;
	return pack('C', $n) . $text if $n < 127;
	my $bytes = "\x7f";
	for ($n -= 127; $n > 127; $n >>= 7) { $bytes .= chr($n & 127 | 128) }
	return $bytes . chr($n) . $text;
}

1;
