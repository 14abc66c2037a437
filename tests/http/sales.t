# Sales by staff over HTTP: everything in one call, and who may.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;

my $t    = Boxoffice::Test->start;
my $http = $t->http;

sub sell ($event, %o) {
	my @auth = exists $o{token} ? ($o{token} ? (token => $o{token}) : ()) : (token => $t->organizer_token);
	my $key  = exists $o{key} ? $o{key} : uuid();
	return $http->post("/v1/events/$event->{id}/sales",
		$o{body} // { items => [ { ticket_type => 'general', quantity => $o{quantity} // 1 } ], %{ $o{more} // {} } },
		@auth, defined $key ? (key => $key) : ());
}

my $event = $t->event(capacity => 5, price => 2000, fee => 100);

subtest 'cash at the counter' => sub {
	my $key = uuid();
	my $a   = sell($event, quantity => 2, more => { payment => { kind => 'cash' }, expected_total => 4200 }, key => $key);
	is_status($a, 201, 'sold');
	my $order = $a->json;
	is($order->{status}, 'paid', 'and paid');
	is($order->{channel}, 'box_office', 'at the box office');
	ok(!exists $order->{contact}, 'to nobody in particular');
	is($_->{state}, 'valid', 'a valid ticket') for @{ $order->{tickets} };
	is_status($http->get("/v1/events/$event->{id}/orders/$order->{id}", secret => $order->{secret}), 200, 'the secret opens it');
	my $again = sell($event, quantity => 2, more => { payment => { kind => 'cash' }, expected_total => 4200 }, key => $key);
	is_status($again, 201, 'the same key');
	is($again->header('Idempotency-Replayed'), 'true', 'is the same sale');
	is($again->json->{id}, $order->{id}, 'of the same order');
	is_problem(sell($event, quantity => 1, key => $key), 422, 'idempotency_mismatch', 'the key is for nothing else');
};

subtest 'on the phone, for later, and for nothing' => sub {
	my $a = sell($event, more => { channel => 'phone', contact => { name => 'Ada', email => 'ada@example.org' }, holders => [ { name => 'Grace' } ] });
	is_status($a, 201, 'sold');
	is($a->json->{status}, 'pending', 'to be paid');
	is($a->json->{contact}{email}, 'ada@example.org', 'by her');
	my $free = sell($event, more => { payment => { kind => 'complimentary', reason => 'press' } });
	is_status($free, 201, 'complimentary');
	is($free->json->{total}, 0, 'for nothing');
	is($free->json->{status}, 'paid', 'and valid');
};

subtest 'what is refused' => sub {
	is_problem(sell($event, token => undef), 401, 'token_missing', 'nobody sells');
	is_problem(sell($event, token => $t->token('customer')), 403, 'forbidden', 'a customer does not');
	is_problem(sell($event, token => $t->token('scanner', org => $t->organizer)), 403, 'forbidden', 'a scanner does not');
	is_problem(sell($event, token => $t->token('support')), 403, 'forbidden', 'support does not');
	is_problem(sell($event, token => $t->token('organizer', org => '12345')), 404, 'not_found', 'another organizer does not');
	is_problem(sell({ id => next_id($event->{id}) }), 404, 'not_found', 'an event that is none');
	is_problem(sell($event, key => undef), 400, 'idempotency_key', 'without a key');
	is_problem(sell($event, quantity => 4), 409, 'sold_out', 'more than there are, of which some are sold');
	is_problem(sell($event, more => { expected_total => 1 }), 409, 'price_changed', 'another price');
	is_problem(sell($event, more => { payment => { kind => 'complimentary' } }), 422, 'invalid_document', 'for no reason');
	is_problem(sell($event, body => { items => [ { ticket_type => 'none', quantity => 1 } ] }), 422, 'unknown_reference', 'a type that is none');
	for ([ 'no items', {}, '/items' ], [ 'an empty list', { items => [] }, '/items' ],
		[ 'a member more', { items => [ { ticket_type => 'general', quantity => 1 } ], discount => 5 }, '/discount' ],
		[ 'a free amount', { items => [ { ticket_type => 'general', quantity => 1 } ], payment => { kind => 'cash', amount => -1 } }, '/payment/amount' ],
		[ 'another way to pay', { items => [ { ticket_type => 'general', quantity => 1 } ], payment => { kind => 'shells' } }, '/payment/kind' ],
		[ 'the web', { items => [ { ticket_type => 'general', quantity => 1 } ], channel => 'web' }, '/channel' ],
		[ 'the capacity overruled', { items => [ { ticket_type => 'general', quantity => 1 } ], override => ['sold_out'] }, '/override/0' ]) {
		my ($name, $body, $pointer) = @$_;
		my $a = sell($event, body => $body);
		is_problem($a, 400, 'invalid_request', $name);
		is_deeply([ map { $_->{pointer} } @{ $a->json->{errors} } ], [$pointer], 'named by pointer');
	}
};

subtest 'what a cart is refused for, a sale is too' => sub {
	my $more = $t->event(ticket_types => [
		{ key => 'day',  name => 'Day',  price => 1000, pools => ['house'] },
		{ key => 'tour', name => 'Tour', price => 300,  pools => ['house'], kind => 'addon', sold_alone => \0, addon_to => [ { ticket_type => 'day', min => 1, max => 1 } ] } ]);
	my $of = sub (@items) { return sell($more, body => { items => \@items }) };
	my %tour = (ticket_type => 'tour', quantity => 1);
	is_problem($of->({ ticket_type => 'day', quantity => 1, price => 900, addons => [ \%tour ] }), 422, 'price_out_of_range', 'another price');
	is_problem($of->(\%tour), 422, 'not_sold_alone', 'an add-on alone');
	is_problem($of->({ ticket_type => 'day', quantity => 1 }), 422, 'addon_required', 'a ticket without what it must have');
	is_problem($of->({ ticket_type => 'day', quantity => 1, addons => [ { %tour, quantity => 2 } ] }), 422, 'addon_limit', 'too much of it');
	is_status($of->({ ticket_type => 'day', quantity => 1, addons => [ \%tour ] }), 201, 'both');
};

subtest 'staff overrule a pause by saying so' => sub {
	is_status($http->post("/v1/events/$event->{id}/pause", undef, token => $t->organizer_token, key => uuid()), 200, 'paused');
	is_problem(sell($event), 409, 'paused', 'a sale is paused too');
	is_status(sell($event, more => { override => ['paused'], payment => { kind => 'card_terminal', reference => 'T-7' } }), 201, 'but for who overrules it');
	is_problem(sell($event, more => { override => ['paused'] }), 409, 'all_held', 'never more than there is: one waits for its money');
};

# The sale that people watch, of a few hundred places: on this server, as on that of `make run`.
subtest 'make onsale' => sub {
	my $server = $t->server;
	my $play   = sub {
		local %ENV = (%ENV, $server->env, CAPACITY => 300, BUYERS => 2000, CONNECTIONS => 16);
		my $said = `timeout 500 $Boxoffice::Server::TOP/tests/bench/onsale 2>&1 </dev/null`;
		return ($? >> 8, $said);
	};
	my $events = sub { return $server->value(q{SELECT max(id) FROM boxoffice.event WHERE slug LIKE 'festival-%'}) };
	my ($status, $said) = $play->();
	is($status, 0, 'is played to its end') or diag $said;
	like($said, qr/^300 tickets in \d+ orders sold\b/m, 'until it is sold out');
	like($said, qr/^differences: 0$/m, '… and the books agree');
	my $sold = q{SELECT count(*) FROM boxoffice.ticket WHERE event_id = ? AND state = 'valid'};
	is($server->value($sold, $events->()), 300, '… with what is stored');

	# Places that nobody was told of, in each event that is made from now on.
	my $dbh = $server->dbh;
	$dbh->do(q{CREATE FUNCTION public.stray() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$ BEGIN
		INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, unit_price, unit_fee, stock_ids)
		VALUES (NEW.id, 1, 1, 'sold', 1, 1, 0, 0, '{1}'); RETURN NULL; END $$});
	$dbh->do('CREATE TRIGGER stray AFTER INSERT ON boxoffice.event FOR EACH ROW EXECUTE FUNCTION public.stray()');
	($status, $said) = $play->();
	$dbh->do('DROP TRIGGER stray ON boxoffice.event');
	$dbh->do('DROP FUNCTION public.stray()');
	$dbh->do('DELETE FROM boxoffice.claim WHERE event_id = ? AND owner_id = 1', undef, $events->());
	is($status, 1, 'a difference is told by the exit status') or diag $said;
	like($said, qr/^differences: [1-9]/m, '… counted');
	like($said, qr/^  check_inventory /m, '… and shown');
	is($server->value($sold, $events->()), 300, '… of a sale that went well otherwise');
	{
		local %ENV = (%ENV, $server->env, BUYERS => 'many');
		my $no = `$Boxoffice::Server::TOP/tests/bench/onsale 2>&1 </dev/null`;
		is($? >> 8, 2, 'one that cannot be played has a status of its own');
		like($no, qr/^onsale: BUYERS/m, '… and says why');
	}
};

$t->finish;
