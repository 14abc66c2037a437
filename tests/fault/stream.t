# The stream between nginx and PostgreSQL is split, delayed, held and cut at every kind of point: answers come whole
# or as a 503, and what was confirmed is there, once.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Load;
use Boxoffice::Test;
use Time::HiRes qw(sleep);

my $t     = Boxoffice::Test->start(trouble => 1, proxy => 1, nginx => sub ($text) { $text =~ s/(boxoffice_pool [^;]*);/$1 connect_timeout=20s;/r });
my $proxy = $t->server->proxy;

sub with_load ($name, $trouble, %o) {
	subtest $name => sub {
		my $event = $t->event(capacity => 1_000_000, test => \1, price => 100);
		my $load  = Boxoffice::Load->start($t, $event, buyers => 3, pay => 1);
		my $ok    = eval { $trouble->($load); 1 };
		my $error = $@;
		$proxy->tell('pass');
		my $on = eval { my $now = $load->count('payment'); wait_until(sub { $load->count('payment') > $now + 5 }, 'purchases after it') };
		$load->stop;
		ok($ok, 'purchases go on in it') or diag $error;
		ok($on, 'and after it');
		is_deeply([ $load->differences ], [], 'what was confirmed is there, once');
		is_deeply([ $t->differences ], [], 'the books agree');
	};
	return;
}

sub bought ($load, $more) {
	my $now = $load->count('payment');
	return wait_until(sub { $load->count('payment') >= $now + $more }, "$more purchases", 180);
}

for my $size (1, 2, 5, 17) {
	with_load("in pieces of $size bytes" => sub ($load) { $proxy->tell("split $size"); $proxy->tell('drop'); bought($load, $size < 5 ? 2 : 5) });
}
with_load('each message 15 ms late' => sub ($load) { $proxy->tell('delay 15'); $proxy->tell('drop'); bought($load, 5) });
with_load('all connections dropped, ten times' => sub ($load) {
	for (1 .. 10) { $proxy->tell('drop'); sleep 0.05 }
	bought($load, 5);
});
with_load('held for a while' => sub ($load) { $proxy->tell('freeze'); sleep 1; $proxy->tell('pass'); bought($load, 5) });

# Each kind of message either side sends while it works and while it connects.
my %types = (up => [qw(0 P B E S)], down => [qw(R K Z 1 2 T D C)]);
for my $way (qw(up down)) {
	for my $type (@{ $types{$way} }) {
		my $sender = $way eq 'up' ? 'nginx' : 'PostgreSQL';
		with_load("cut at $sender\'s message $type" => sub ($load) {
			for my $where (qw(before middle after)) {
				my $cuts = $proxy->tell('count');
				$proxy->tell("cut $where $way $type");
				$proxy->tell('drop') if $type =~ /^[0RKP1]$/;    # seen only on a new connection
				wait_until(sub { $proxy->tell('count') > $cuts }, "a cut $where");
				bought($load, 2);
			}
		});
	}
}

subtest 'PostgreSQL does not answer at all' => sub {
	my $event = $t->event;
	my $body  = { items => [ { ticket_type => 'general', quantity => 1 } ] };
	$proxy->tell('freeze');
	my $key   = uuid();
	my $a     = $t->http->post("/v1/events/$event->{id}/holds", $body, key => $key);
	like($a->status, qr/^50[34]$/, 'is said so: ' . $a->status . ' ' . $a->code);
	is_status($t->http->get('/healthz'), 200, 'nginx is alive');
	$proxy->tell('pass');
	my $b;
	wait_until(sub { ($b = $t->http->post("/v1/events/$event->{id}/holds", $body, key => $key))->status == 201 }, 'asked again with the same key');
	is($t->server->value('SELECT count(*) FROM boxoffice.hold WHERE event_id = ?', $event->{id}), 1, 'it has one effect');
};

subtest 'PostgreSQL refuses connections' => sub {
	my $event = $t->event;
	$proxy->tell('refuse');
	my $a = $t->hold($event);
	is($a->status, 503, 'is said so: ' . $a->code);
	cmp_ok($a->header('Retry-After'), '>=', 1, 'with when to ask again');
	wait_until(sub { $t->http->get('/readyz')->status == 503 }, 'not ready');
	is_status($t->http->get('/healthz'), 200, 'but alive');
	$proxy->tell('pass');
	wait_until(sub { $t->http->get('/readyz')->status == 200 }, 'ready again by itself');
	is_status($t->hold($event), 201, 'and selling');
};

$t->finish;
