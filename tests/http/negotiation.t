# What a client accepts: forms (Accept), and compression (Accept-Encoding), which secrets never get.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);

my $t     = Boxoffice::Test->start;
my $http  = $t->http;
my $event = $t->event(capacity => 5000, description => 'Long enough to be worth it. ' x 120);
my $base  = "/v1/events/$event->{id}";
my $org   = '/v1/organizers/' . $t->organizer;
my @mine  = (token => $t->organizer_token);
my $hold  = $t->hold($event, quantity => 1)->json;
my $order = $t->order($event, $t->hold($event, quantity => 10)->json)->json;
my $qr    = "$base/orders/$order->{id}/tickets/$order->{tickets}[0]{id}.svg";

sub accepting ($accept, $path, %o) { return $http->get($path, headers => [ map { (Accept => $_) } ref $accept ? @$accept : $accept ], %o) }

subtest 'forms' => sub {
	my ($json, $csv, $jsonl, $svg) = ('application/json', 'text/csv; charset=utf-8', 'application/jsonl', 'image/svg+xml');
	for (
		[ '*/*'                                        => $json ],
		[ 'application/json'                           => $json ],
		[ 'Application/JSON; charset=utf-8'            => $json ],
		[ 'application/*'                              => $json, 'of two, the path\'s own' ],
		[ 'text/*'                                     => $csv, 'a wildcard' ],
		[ 'text/csv'                                   => $csv ],
		[ 'application/json;q=0.5, text/csv'           => $csv ],
		[ 'text/csv;q=0.5, application/json'           => $json ],
		[ 'text/csv;q=0.5, application/jsonl;q=0.501'  => $jsonl, 'the better of two' ],
		[ 'text/csv, application/json'                 => $csv, 'the first of what is as good' ],
		[ 'application/json, text/csv'                 => $json ],
		[ 'application/json;q=0, */*'                  => $csv, 'not what has no quality' ],
		[ 'application/*;q=0, */*;q=0.1'               => $csv ],
		[ 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' => $json, 'a browser' ],
		[ 'text/csv;q=7, */*'                          => $json, 'what is none is passed over' ],
		[ ''                                           => $json, 'nothing is anything' ],
		[ [ 'text/html', 'text/csv' ]                  => $csv, 'a list in two headers' ],
		[ [ 'text/csv;q=0', '*/*' ]                    => $json ],
	) {
		my ($accept, $type, $why) = @$_;
		my $a = accepting($accept, "$base/orders", @mine);
		is_status($a, 200, $why // (ref $accept ? "@$accept" : $accept)) and is($a->header('Content-Type'), $type, "… is $type");
	}
	is(accepting('image/*, */*;q=0.1', $qr, secret => $order->{secret})->header('Content-Type'), $svg, 'a picture');
	is(accepting('application/*, text/csv', "$base/orders.csv", @mine)->header('Content-Type'), $csv, 'a path that names its form');
};

subtest 'nothing that could be made' => sub {
	my $before = $t->server->value('SELECT count(*) FROM boxoffice.hold');
	for my $accept ('text/html', 'application/xml, image/*', '*/*;q=0', 'application/json;q=0', 'application/json;q=0.000, text/html', 'application/jsonx', 'json/*') {
		is_problem(accepting($accept, $base), 406, 'not_acceptable', "a public page as '$accept'");
		is_problem(accepting($accept, "$base/holds/$hold->{id}", secret => $hold->{secret}), 406, 'not_acceptable', '… a hold');
		is_problem(accepting($accept, "$org/events", @mine), 406, 'not_acceptable', '… an organizer\'s list');
		is_problem($http->post("$base/holds", { items => [ { ticket_type => 'general', quantity => 1 } ] }, headers => [ Accept => $accept ]), 406, 'not_acceptable', '… a hold to be made');
		is_problem(accepting($accept, "$base/orders.csv", @mine), 406, 'not_acceptable', '… an export');
	}
	is($t->server->value('SELECT count(*) FROM boxoffice.hold'), $before, 'and nothing was done');
	is_problem(accepting('image/png', $qr, secret => $order->{secret}), 406, 'not_acceptable', 'a picture of another kind');
	is_problem(accepting('application/json', "$base/orders.csv", @mine), 406, 'not_acceptable', 'a path that names its form has no other');
	is_status($http->head("$base", headers => [ Accept => 'text/html' ]), 406, 'HEAD');
	# what is worse is said first
	is_problem(accepting('text/html', "$org/events"), 401, 'token_missing', 'no token');
	is_problem(accepting('text/html', '/v1/nothing'), 404, 'not_found', 'no such path');
	is_problem(accepting('text/csv', $base), 406, 'not_acceptable', 'no file beside the path');
	is_problem($http->request(PUT => $base, json => {}, headers => [ Accept => 'text/html' ]), 405, 'method_not_allowed', 'no such method');
	is_problem($http->get("$base?x=1", headers => [ Accept => 'text/html' ]), 400, 'unknown_parameter', 'no such parameter');
	is_status($http->request(OPTIONS => $base, headers => [ Accept => 'text/html' ]), 204, 'OPTIONS has no form');
	is(accepting('application/problem+json', '/v1/nothing')->header('Content-Type'), 'application/problem+json', 'a problem has its own');
};

# An answer of the checked client, asked for with gzip; compressed ones are opened.
sub zipped ($path, %o) {
	my $plain = Boxoffice::Http->new(host => $t->server->{host}, port => $t->server->{port});
	my $a     = $plain->get($path, timeout => 60, headers => [ 'Accept-Encoding' => 'gzip', @{ delete $o{headers} // [] } ], %o);
	return ($a, 0, $a->body) if ($a->header('Content-Encoding') // '') ne 'gzip';
	my $packed = $a->body;
	gunzip(\$packed => \my $text) or die "gunzip: $GunzipError\n";
	return ($a, 1, $text);
}

subtest 'compressed' => sub {
	$t->write_orders($event, 30_000);
	for my $kind (qw(csv jsonl)) {
		my $whole = $http->get("$base/orders.$kind", @mine, timeout => 60)->body;
		my ($a, $packed, $text) = zipped("$base/orders.$kind", @mine);
		ok($packed, "orders.$kind");
		like($a->header('Vary') // '', qr/Accept-Encoding/, '… and says so to caches');
		is(length $text, length $whole, '… is as long when opened');
		ok($text eq $whole, '… and the same');
		cmp_ok(length $a->body, '<', length($whole) / 2, '… and short before');
	}
	$t->remove_orders($event, 1000000);
	my ($page, $packed, $text) = zipped($base);
	ok($packed, 'a public page');
	is($text, $http->get($base)->body, '… is the same');
};

# BREACH: who may choose a part of an answer and sees how long it gets learns what else is in it.
subtest 'secrets are not compressed' => sub {
	my $many = $t->event(capacity => 100, ticket_types => [ map { { key => "t$_", name => "Type $_", price => 0, pools => ['house'] } } 1 .. 30 ]);
	my $big  = $http->post("/v1/events/$many->{id}/holds", { items => [ map { { ticket_type => "t$_", quantity => 1 } } 1 .. 30 ] })->json;
	my @secret = ([ "/v1/events/$many->{id}/holds/$big->{id}", secret => $big->{secret} ]);
	my $placed = $http->post("/v1/events/$many->{id}/orders", { hold => $big->{id}, secret => $big->{secret}, contact => { name => 'A' x 150, email => 'a@example.org' } }, key => uuid())->json;
	my $at = "/v1/events/$many->{id}";
	push @secret, [ "$at/orders/$placed->{id}", secret => $placed->{secret} ], [ "$at/orders/$placed->{id}", @mine ], [ "$at/orders/$placed->{id}/tickets", secret => $placed->{secret} ],
		[ "/v1/orders/$placed->{code}", secret => $placed->{secret} ], [ "$at/tickets.csv", @mine ], [ "$at/tickets.jsonl", @mine ];
	for (@secret) {
		my ($path, %o) = @$_;
		my ($a, $packed) = zipped($path, %o);
		is_status($a, 200, $path =~ s/\d{6,}/…/gr);
		cmp_ok(length $a->body, '>', 2048, '… is long enough for gzip');
		ok(!$packed, '… and is sent as it is');
	}
};

# What is opened in a browser stays what it is: no type is guessed, no script runs, a list becomes a file.
subtest 'what a browser is told' => sub {
	my $own = Boxoffice::Http->new(host => $t->server->{host}, port => $t->server->{port});
	for (
		[ 'a public page',          $own->get($base) ],
		[ 'and again, of the cache', $own->get($base) ],
		[ 'a calendar',             $own->get("$base.ics") ],
		[ 'a hold',                 $own->get("$base/holds/$hold->{id}", secret => $hold->{secret}) ],
		[ 'a file',                 $own->get("$base/orders.csv", @mine) ],
		[ 'a picture',              $own->get($qr, secret => $order->{secret}) ],
		[ 'a refusal',              $own->get("$org/events") ],
		[ 'a refusal of nginx',     $own->get('/problem') ],
		[ 'a preflight',            $own->request(OPTIONS => $base) ],
		[ 'health',                 $own->get('/healthz') ],
		[ 'metrics',                $own->get('/metrics') ],
		[ 'the contract',           $own->get('/v1/openapi.json') ],
	) {
		my ($name, $a) = @$_;
		is_deeply([ $a->{raw} =~ /^X-Content-Type-Options: (.*?)\r$/mig ], ['nosniff'], "$name: " . $a->status);
	}
	my $picture = $own->get($qr, secret => $order->{secret});
	is($picture->header('Content-Security-Policy'), q{default-src 'none'; sandbox}, 'a picture has no scripts');
	unlike($picture->body, qr/<style|style=|<script|\bon\w+=|href/, '… and needs none, nor styles of its own');
	is($own->get($base)->header('Content-Security-Policy'), undef, 'JSON is no document');
	is($own->get("$base/orders.$_", @mine)->header('Content-Disposition'), qq{attachment; filename="orders.$_"}, "orders.$_ is saved under its name") for qw(csv jsonl);
	is($own->get("$base/orders", @mine, headers => [ Accept => 'text/csv' ])->header('Content-Disposition'), 'attachment; filename="orders.csv"', '… by Accept, too');
};

$t->finish;
