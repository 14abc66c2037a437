# HTTP/2, as nginx.conf proposes it for TLS: here without, on a socket of its own. A sale from the page to the
# ticket, and what is refused.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS qw(decode_json encode_json);

my $t      = Boxoffice::Test->start(trouble => 1, nginx => sub ($text) {
	my ($sockets) = $text =~ m{listen unix:(\S+)/admin\.sock} or die "no socket in nginx.conf\n";
	return $text =~ s/^(\s*)(listen [^;]*default_server[^;]*;)/$1$2\n$1listen unix:$sockets\/http2.sock http2;/mr;
});
my $server = $t->server;
$t->expect_log(qr/client intended to send too large body/);
my $socket = "$server->{settings}{WEB_SOCKETS}/http2.sock";
my $event  = $t->event(capacity => 40);
my $base   = "/v1/events/$event->{id}";

# curl's answers: a list of [status, version, body].
sub asked (@arguments) {
	open my $out, '-|', 'curl', '-s', '--http2-prior-knowledge', '--unix-socket', $socket, '-w', "\n%{http_code} %{http_version}\n", @arguments or die "curl: $!\n";
	my @lines = <$out>;
	close $out;
	my ($status, $version) = split ' ', pop @lines;
	return ($status, $version, join '', @lines);
}

sub posted ($path, $body, @more) {
	return asked('-X', 'POST', '-H', 'Content-Type: application/json', '-H', 'Idempotency-Key: ' . uuid(), '-d', encode_json($body), @more, "http://site$path");
}

my ($status, $version, $body) = asked("http://site$base");
is("$status $version", '200 2', 'the page');
is(decode_json($body)->{id}, $event->{id}, 'is the event\'s');
($status, $version, $body) = posted("$base/holds", { items => [ { ticket_type => 'general', quantity => 2 } ] });
is("$status $version", '201 2', 'a hold') or diag $body;
my $hold = decode_json($body);
($status, $version, $body) = posted("$base/orders", { hold => $hold->{id}, secret => $hold->{secret}, contact => { name => 'Ada', email => 'ada@example.org' } });
is("$status $version", '201 2', 'its order') or diag $body;
my $order = decode_json($body);
($status, undef, $body) = asked('-H', "Boxoffice-Secret: $order->{secret}", "http://site$base/orders/$order->{id}/tickets");
is($status, 200, 'and its tickets');
is(scalar @{ decode_json($body)->{items} }, 2, 'two');
($status, undef, $body) = posted("$base/holds", { items => [ { ticket_type => 'general', quantity => 0 } ] });
is($status, 400, 'a bad one');
is(decode_json($body)->{code}, 'invalid_request', 'is told what is wrong');
my $large = "$server->{prefix}/large.json";
open my $file, '>', $large or die "$large: $!\n";
print {$file} encode_json({ items => [ map { { ticket_type => 'x' x 60, quantity => 1 } } 1 .. 30_000 ] });
close $file;
($status) = asked('-X', 'POST', '-H', 'Content-Type: application/json', '--data-binary', "\@$large", "http://site$base/holds");
like($status, qr/^(?:413|000)$/, 'a body of two megabytes is refused, or its stream reset while it is sent');
($status, undef, $body) = asked('-H', 'Authorization: Bearer x.y.z', "http://site/v1/organizers/" . $t->organizer . '/events');
is($status, 401, 'a bad token');

$t->finish;
