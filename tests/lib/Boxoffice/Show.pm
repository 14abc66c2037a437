package Boxoffice::Show;

# An event of the simulation, of a shape that the seed decides, and what buyers and organizers do to it. Each act
# asks one thing, compares the answer with what the model expects, and tells the model what came of it.

use v5.36;
use Boxoffice::Model ();
use Boxoffice::Test  qw(uuid rfc3339);
use List::Util       qw(min sum0 uniq);
use Time::Local      qw(timegm);

my $json = Cpanel::JSON::XS->new->canonical;

my @full     = ('409 all_held', '409 sold_out');
my @subjects = map { "buyer-$_" } 1 .. 5;
my @pending  = ('pending', 'approval');

sub any (@list) { return @list ? $list[ rand @list ] : undef }

sub chance ($share) { return rand() < $share }

sub seconds_of ($text) {
	my ($y, $mo, $d, $h, $mi, $s, $fraction, $zone) =
		$text =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(\.\d+)?(Z|[+-]\d\d:\d\d)$/ or die "no time: $text\n";
	my $shift = $zone eq 'Z' ? 0 : (substr($zone, 1, 2) * 3600 + substr($zone, 4, 2) * 60) * ($zone =~ /^-/ ? -1 : 1);
	return timegm($s, $mi, $h, $d, $mo - 1, $y) - $shift + ($fraction // 0);
}

# What is sold -------------------------------------------------------------------------------------------------

# Pools and types of a random event: sessions with a house each, perhaps a count over all of them, a pass that ties them
# together, add-ons, a bundle, a donation, a type that needs approval.
sub _shape {
	my @sessions = (qw(fri sat sun mon))[ 0 .. int rand 4 ];
	my %pools    = (house => { scope => 'session', capacity => 5 + int rand 40 }, field => { scope => 'session', capacity => 3 + int rand 12 },
		bus => { scope => any('session', 'event'), capacity => 20 });
	my %types = (
		general => { pools => ['house'], price => any(0, 0, 1500), fee => any(0, 30) },
		camper  => { pools => [ 'house', 'field' ], price => 5000, fee => 0 },
		bus     => { pools => ['bus'], price => 300, fee => 0, kind => 'addon', sold_alone => \0,
			addon_to => [ { ticket_type => 'general', max => 4 }, { ticket_type => 'camper' } ] },
	);
	if (chance(0.6)) {
		$pools{early} = { scope => 'event', capacity => 4 + int rand 15 };
		$types{early} = { pools => [ 'house', 'early' ], price => 2000, fee => 50, chance(0.5) ? (buyer_limit => 3) : () };
	}
	$types{week}   = { pools => ['house'], price => 7000, fee => 10, admits => 'all' } if chance(0.5);
	$types{member} = { pools => ['house'], price => any(0, 900), fee => 0, approval => \1 } if chance(0.5);
	$types{family} = { pools => ['field'], price => 3001, fee => 7, bundle => [ { ticket_type => 'general', quantity => 2, share_ppm => 500_000 } ] } if chance(0.5);
	$types{gift}   = { pools => ['bus'], price => 100, fee => 0, kind => 'donation', free_price => \1, price_max => 100_000 } if chance(0.5);
	return { sessions => \@sessions, pools => \%pools, types => \%types, chance(0.5) ? (buyer_limit => 4 + int rand 8) : () };
}

# new(t => Boxoffice::Test, now => the simulated time, ask => how to ask until it is settled, wrong => where to note what
# is wrong): an event, made and published.
sub new ($class, %self) {
	my $shape = _shape();
	my $self  = bless { %self, model => Boxoffice::Model->new(%$shape), holds => {}, orders => {}, payments => {}, blocks => {}, replays => [], off => {}, test => 1 }, $class;
	my $event = $self->{t}->event(
		test => \1, hold_ttl_seconds => 600, hold_extend_max_seconds => 1800, payment_term => { minutes => 30 }, payment_grace_seconds => 120,
		defined $shape->{buyer_limit} ? (buyer_limit => $shape->{buyer_limit}) : (),
		sessions     => [ map { { key => $shape->{sessions}[$_], starts_at => rfc3339($self->now + (300 + $_) * 86400) } } 0 .. $#{ $shape->{sessions} } ],
		pools        => [ map { { key => $_, name => $_, %{ $shape->{pools}{$_} } } } sort keys %{ $shape->{pools} } ],
		# What comes in a bundle must be there before it.
		ticket_types => [ map { { key => $_, name => $_, %{ $shape->{types}{$_} } } } sort { ($a eq 'family') <=> ($b eq 'family') || $a cmp $b } keys %{ $shape->{types} } ],
	);
	$self->{id}     = $event->{id};
	$self->{base}   = "/v1/events/$event->{id}";
	$self->{office} = $self->{t}->token('organizer', org => $self->{t}->organizer, sub => 'office', exp => time + 86400);
	$self->{tokens} = { map { $_ => $self->{t}->token('customer', sub => $_, exp => time + 86400) } @subjects };
	$self->_read_stock;
	return $self;
}

sub now   ($self) { return $self->{now}->() }
sub model ($self) { return $self->{model} }
sub wrong ($self, $text) { push @{ $self->{wrong} }, $text; return }

sub ask ($self, $method, $path, $body, %o) { return $self->{ask}->($method, $self->{base} . $path, $body, %o) }

sub staff ($self, $method, $path, $body = undef) {
	return $self->ask($method, $path, $body, token => $self->{office}, $method eq 'POST' ? (key => uuid()) : ());
}

# Notes when an answer is not one of those expected; whether it went well.
sub expect ($self, $what, $answer, @codes) {
	my $got  = $answer->status . ($answer->code ? ' ' . $answer->code : '');
	my @want = uniq @codes;
	$self->wrong("$what: $got, not " . join(' or ', @want) . ': ' . substr $answer->body, 0, 400) unless grep { $got eq $_ } @want;
	return $answer->status =~ /^2/;
}

# What may be said where places are wanted: by rules that come one after the other, each 1, 0 or undef.
sub _expected ($good, $limit, $fits) {
	my @codes = $good;
	@codes = defined $fits ? @full : ($good, @full) if !$fits;
	return ('422 buyer_limit') if defined $limit and !$limit;
	push @codes, '422 buyer_limit' if !defined $limit;
	return @codes;
}

sub _remember ($self, $path, $body, $key, $id, %o) {
	push @{ $self->{replays} }, { path => $path, body => $body, key => $key, id => $id, at => $self->now, o => \%o };
	return;
}

# Those of lines or tickets whose own session is called off.
sub _off ($self, @of) { return grep { defined $_->{session} && $self->{off}{ $_->{session} } } @of }

# What can't be had since a session is called off: what is in it, and what admits to all.
sub _called_off ($self, @items) {
	my $off = $self->{off};
	return grep { defined $_->{session} ? $off->{ $_->{session} } : $self->{model}{types}{ $_->{ticket_type} // $_->{type} }{admits} && %$off } @items;
}

# Holds ----------------------------------------------------------------------------------------------------------

sub random_items ($self) {
	my $model = $self->{model};
	my @sold  = grep { $_ ne 'bus' } sort keys %{ $model->{types} };
	my %seen;
	my @items;
	for (1 .. any(1, 1, 2, 3)) {
		my $type    = any(@sold);
		my $session = $model->{types}{$type}{admits} ? undef : any(@{ $model->{sessions} });
		next if $seen{"$type/" . ($session // '')}++;
		my $item = { ticket_type => $type, session => $session, quantity => 1 + int rand 4 };
		$item->{addons} = [ { ticket_type => 'bus', quantity => 1 + int rand 2 } ] if $type =~ /^(?:general|camper)$/ && chance(0.3);
		$item->{price}  = 100 + int rand 900                                       if $type eq 'gift' && chance(0.7);
		push @items, $item;
	}
	return @items;
}

# Lines of what a hold answers; what comes out of a block says so.
sub _hold_lines ($hold, $block) {
	return [ map { { type => $_->{ticket_type}, session => $_->{session}, n => $_->{quantity}, child => defined $_->{parent} ? 1 : 0,
		block => defined $_->{parent} ? undef : $block } } @{ $hold->{items} } ];
}

sub note_hold ($self, $answer, $subject, @items) {
	my $model  = $self->{model};
	my $hold   = $answer->json;
	my $secret = $hold->{secret} // $self->{holds}{ $hold->{id} }{secret};    # a change does not say it again
	my $before = $model->claim($hold->{id}) // {};
	my $lines  = $model->placed(_hold_lines($hold, $items[0]{block}), $before->{lines});
	my ($told, $want) = map { $model->told($_) } $lines, $model->lines(@items);
	$self->wrong("hold $hold->{id} has $told, not $want") if $told ne $want and !$hold->{missing};
	# What stays keeps the price that it had.
	$self->wrong("hold $hold->{id} costs $hold->{total}, not " . $model->price(@items))
		if !$hold->{missing} and !($before->{lines} and $self->{repriced}) and $hold->{total} != $model->price(@items);
	$self->{holds}{ $hold->{id} } = { %$hold, secret => $secret, block => $items[0]{block} };
	$model->take($hold->{id}, 'held', seconds_of($hold->{expires_at}), $lines, subject => $subject);
	return $hold;
}

# How many of an item the hold has, which it keeps whatever became of its session since: a pass outlives one of its sessions.
sub _has ($self, $id, $item) {
	my $same = sub ($line) { !$line->{child} && $line->{type} eq $item->{ticket_type} && ($line->{session} // '') eq ($item->{session} // '') };
	return sum0(map { $same->($_) ? $_->{n} : () } @{ ($self->{model}->claim($id) // {})->{lines} // [] });
}

# What a hold of these may be answered with.
sub hold_codes ($self, $good, $subject, $except, @items) {
	my $model = $self->{model};
	return '409 event_cancelled' if $self->_called_off(grep { $_->{quantity} > $self->_has($except, $_) } @items);
	return '409 paused' if $model->{paused} or grep { $model->{types}{$_}{paused} } map { $_->{type} } @{ $model->lines(@items) };
	my $lines = $model->placed($model->lines(@items), ($model->claim($except) // {})->{lines});
	my $fits  = $model->fits($lines, $self->now, $except);
	my @codes = _expected($good, $model->allows(subject => $subject, $lines, $self->now, $except), $fits);
	if (@$lines == 1 and !$items[0]{block} and $except eq '' and defined $fits and !$fits and $codes[0] =~ /^409/) {
		my $code = $model->shortage($lines->[0], $self->now);
		@codes = ("409 $code", grep { !/^409/ } @codes) if $code;
	}
	return @codes;
}

sub hold ($self) {
	my @items   = $self->random_items;
	my $subject = chance(0.5) ? any(@subjects) : undef;
	my $partial = chance(0.15);
	my %o       = (key => uuid(), defined $subject ? (token => $self->{tokens}{$subject}) : ());
	my $body    = { items => \@items, $partial ? (partial => \1) : () };
	my @codes   = $self->hold_codes('201', $subject, '', @items);
	my $part    = $partial ? $self->{model}->part(\@items, $self->now) : undef;
	# With a part of it the places refuse only when there is none at all.
	@codes = ((grep { !/^(?:201|409 (?:all_held|sold_out))$/ } @codes), !$part || @$part ? '201' : (), $part && @$part ? () : @full)
		if $partial and grep { $_ eq '201' or $_ eq '409 all_held' or $_ eq '409 sold_out' } @codes;
	my $a = $self->ask(POST => '/holds', $body, %o);
	$self->expect('hold', $a, @codes) or return;
	$self->_check_partial($a, $part, @items) if $partial;
	$self->note_hold($a, $subject, @items);
	$self->_remember('/holds', $body, delete $o{key}, $a->json->{id}, %o);
	return;
}

# A part is as much as there is, item after item; and what it has not is missing.
sub _check_partial ($self, $answer, $part, @items) {
	my ($hold, $model) = ($answer->json, $self->{model});
	my $has = _hold_lines($hold, undef);
	my ($told, $want) = map { $model->told($_ // []) } $has, $part;
	$self->wrong("hold $hold->{id} has the part $told, not $want") if $part and $told ne $want;
	my @missing = map { { type => $_->{ticket_type}, session => $_->{session}, n => $_->{quantity}, child => 0 } } @{ $hold->{missing} // [] };
	my ($sum, $asked) = map { $model->told([ map { { %$_, child => 0 } } @$_ ]) } [ @$has, @missing ], $model->lines(@items);
	$self->wrong("hold $hold->{id} has and misses $sum, not $asked") if $sum ne $asked;
	return;
}

# Places out of a block, for the organizer: they count to nobody's limit but the office's own.
sub hold_from_block ($self) {
	my $model = $self->{model};
	my $id    = any(sort keys %{ $self->{blocks} }) // return;
	my $kept  = $model->claim($id)->{lines}[0];
	my $type  = $kept->{type} // any(grep { my $t = $_; !$model->{types}{$t}{admits} and $t !~ /^(?:bus|family|gift)$/ and grep { $_ eq $kept->{pool} } @{ $model->{types}{$t}{pools} } } sort keys %{ $model->{types} }) // return;
	return if $type =~ /^(?:bus|family)$/;
	my $session = $model->{types}{$type}{admits} ? undef : $kept->{session} // any(@{ $model->{sessions} });
	my @items   = { ticket_type => $type, session => $session, quantity => 1 + int rand 3, block => $id };
	my @codes   = $self->hold_codes('201', 'office', '', @items);
	my $a = $self->ask(POST => '/holds', { items => \@items, channel => 'phone' }, token => $self->{office}, key => uuid());
	$self->expect('hold from a block', $a, @codes) and $self->note_hold($a, 'office', @items);
	return;
}

# Holds that a write may meet: those that stand for sure, and sometimes one that is over.
sub some_hold ($self) {
	my ($model, $now) = ($self->{model}, $self->now);
	return any(grep { my $s = $model->stands($_, $now); $model->claim($_)->{state} eq 'held' and !defined $s || $s || chance(0.05) } sort keys %{ $self->{holds} });
}

# What a write to a hold may be told by the hold's own state; () if it stands.
sub _hold_over ($self, $id) {
	my $stands = $self->{model}->stands($id, $self->now);
	return ('410 hold_expired', '409 event_cancelled') if $self->_off(@{ $self->{model}->claim($id)->{lines} });
	return ('410 hold_expired', defined $stands ? () : 'perhaps') if !$stands;
	return;
}

sub change_hold ($self) {
	my $model = $self->{model};
	my $id    = $self->some_hold // return;
	my $hold  = $self->{holds}{$id};
	my @items = defined $hold->{block} ? { ticket_type => $hold->{items}[0]{ticket_type}, session => $hold->{items}[0]{session}, quantity => 1 + int rand 4, block => $hold->{block} } : $self->random_items;
	# A donation that stays keeps the price that it had, if none is said.
	$_->{price} //= 100 for grep { $_->{ticket_type} eq 'gift' } @items;
	my $subject = $model->claim($id)->{subject};
	my @over    = $self->_hold_over($id);
	my @codes   = $self->hold_codes('200', $subject, $id, @items);
	push @codes, '200', @full, '422 buyer_limit' if grep { $_ eq '409 paused' } @codes;    # less may be had
	my $a = $self->ask(PATCH => "/holds/$id", { items => \@items }, secret => $hold->{secret}, defined $hold->{block} ? (token => $self->{office}) : ());
	$self->expect("change of hold $id", $a, @over ? (@over, grep { $over[-1] eq 'perhaps' } @codes) : @codes) or return;
	$self->note_hold($a, $subject, @items);
	return;
}

# What is over is released all the same, until it was taken back.
sub release_hold ($self) {
	my $id    = $self->some_hold // return;
	my $claim = $self->{model}->claim($id);
	my @over  = $self->_hold_over($id);
	my @kept  = $claim->{tidied} ? () : '200';
	my $a     = $self->ask(DELETE => "/holds/$id", undef, secret => $self->{holds}{$id}{secret});
	$self->expect("release of hold $id", $a, @over, @over ? @kept : '200') and $self->{model}->set($id, 'gone');
	return;
}

sub extend_hold ($self) {
	my $id   = $self->some_hold // return;
	my @over = $self->_hold_over($id);
	my $a    = $self->ask(POST => "/holds/$id/extend", undef, secret => $self->{holds}{$id}{secret}, key => uuid());
	$self->expect("extension of hold $id", $a, @over, @over && $over[-1] ne 'perhaps' ? () : ('200', '422 extend_limit')) or return;
	$self->{model}->set($id, 'held', seconds_of($a->json->{expires_at}));
	return;
}

# Orders -------------------------------------------------------------------------------------------------------------

# Takes an order's answer into the model, once what it must say was compared.
sub note_order ($self, $order, %more) {
	my $model = $self->{model};
	my $known = $self->{orders}{ $order->{id} } //= {};
	my %block  = map { $_->{id} => $_->{block} } @{ $known->{tickets} // [] };
	my %places = map { $_->{id} => $_->{places} } @{ $known->{tickets} // [] };
	my @of_hold = $known->{id} ? () : map { my $line = $_; map { { %$line, n => 1 } } 1 .. $line->{n} } @{ ($model->claim($order->{hold}) // {})->{lines} // [] };
	$self->_mark_gone($order);
	my @live  = _live($order);
	my $sum   = sum0(map { $_->{price} + $_->{fee} } @live);
	$_->{block} = exists $more{block} ? (defined $_->{parent} ? undef : $more{block}) : $block{ $_->{id} } for @{ $order->{tickets} };
	for my $ticket (@{ $order->{tickets} }) {
		my ($n) = grep { my $l = $of_hold[$_]; $l->{type} eq $ticket->{ticket_type} and ($l->{session} // '') eq ($ticket->{session} // '') and !$l->{child} == !defined $ticket->{parent} } 0 .. $#of_hold;
		$ticket->{places} = $places{ $ticket->{id} } // (defined $n ? (splice @of_hold, $n, 1)->{places} : [ $model->places(_line_of($ticket)) ]);
	}
	%$known = (%$known, %$order, secret => $order->{secret} // $known->{secret});
	$self->wrong("order $order->{id}: total $order->{total}, its tickets cost $sum") if $sum != $order->{total};
	my $owes = $order->{status} =~ /^(?:approval|pending|paid)$/ ? $self->_costs($order) : 0;
	$self->wrong("order $order->{id}: due $order->{due} of $owes, paid $order->{paid}, $order->{status}") if $order->{due} != $owes - $order->{paid};
	my $state = { pending => 'pending', approval => 'pending', paid => 'sold' }->{ $order->{status} } // 'gone';
	my $until = $order->{status} eq 'pending' ? seconds_of($order->{expires_at}) + 120 : $order->{status} eq 'approval' ? seconds_of($order->{expires_at}) : undef;
	my @lines = map { _line_of($_) } @live;
	# An expired order keeps what it had, for a late payment to take again.
	if ($order->{status} ne 'expired' or $model->claim($order->{hold})) {
		$order->{status} eq 'expired' ? $model->set($order->{hold}, 'pending', $self->now - 1000)
			: $model->take($order->{hold}, $state, $until, \@lines, map { exists $more{$_} ? ($_ => $more{$_}) : () } qw(subject email));
	}
	return;
}

# A ticket as a line.
sub _line_of ($ticket) {
	return { type => $ticket->{ticket_type}, session => $ticket->{session}, n => 1, child => defined $ticket->{parent} ? 1 : 0, block => $ticket->{block}, places => $ticket->{places}, had => 1 };
}

# What the order costs: nothing for what is called off.
sub _costs ($self, $order) { return sum0(map { $_->{price} + $_->{fee} } grep { !$self->_off($_) } _live($order)) }

# Marks tickets as gone in what is known, as the model has it; whoever goes with them too.
sub _without ($order, %gone) {
	return [ grep { !$gone{ $_->{id} } and !(defined $_->{parent} and $gone{ $_->{parent} }) } _live($order) ];
}

# The tickets that have their places: one of a session that was called off shows as cancelled, and has it still.
sub _live ($order) { return grep { !$_->{gone} } @{ $order->{tickets} } }

# Notes which tickets of an answer are gone: those that were before, or that show as cancelled and are in no session that
# was called off, or that were just cancelled.
sub _mark_gone ($self, $order, %gone) {
	my $off = $self->{off};
	$gone{ $_->{id} } = 1 for grep { $_->{gone} } @{ $self->{orders}{ $order->{id} }{tickets} // [] };
	for (@{ $order->{tickets} }) {
		my $called_off = defined $_->{session} ? $off->{ $_->{session} } : keys %$off == @{ $self->{model}{sessions} };
		$_->{gone} = $order->{status} eq 'cancelled' || $gone{ $_->{id} } || $_->{state} eq 'cancelled' && !$called_off ? 1 : 0;
	}
	return;
}

sub order ($self) {
	my $model = $self->{model};
	my $id    = $self->some_hold // return;
	my $hold  = $self->{holds}{$id};
	my $email = 's' . int(rand 8) . '@example.org';
	my @over  = $self->_hold_over($id);
	my $lines = $model->claim($id)->{lines};
	my $limit = $model->allows(email => $email, $lines, $self->now);
	my $key   = uuid();
	my $body  = { hold => $id, secret => $hold->{secret}, expected_total => $hold->{total}, contact => { name => 'S', email => $email } };
	my $a     = $self->ask(POST => '/orders', $body, key => $key);
	my @codes = defined $limit ? $limit ? '201' : '422 buyer_limit' : ('201', '422 buyer_limit');
	$self->expect("order of hold $id", $a, @over ? (@over, grep { $over[-1] eq 'perhaps' } @codes) : @codes) or return;
	my $order = $a->json;
	$self->_mark_gone($order);
	my $want  = (grep { $model->{types}{ $_->{type} }{approval} } @$lines) ? 'approval' : $hold->{total} ? 'pending' : 'paid';
	$self->wrong("order $order->{id} is $order->{status}, not $want") if $order->{status} ne $want;
	$self->wrong("order $order->{id} costs $order->{total}, its hold $hold->{total}") if $order->{total} != $hold->{total};
	my ($told, $before) = ($model->told([ map { { type => $_->{ticket_type}, session => $_->{session}, n => 1, child => defined $_->{parent} ? 1 : 0 } } @{ $order->{tickets} } ]), $model->told($lines));
	$self->wrong("order $order->{id} has $told, its hold $before") if $told ne $before;
	$self->note_order($order, email => $email, block => $hold->{block});
	$self->_remember('/orders', $body, $key, $order->{id});
	return;
}

sub some_order ($self, $state, @status) {
	my ($model, $orders) = ($self->{model}, $self->{orders});
	return any(grep { my $o = $orders->{$_}; $model->claim($o->{hold})->{state} eq $state and !@status || grep { $_ eq $o->{status} } @status } sort keys %$orders);
}

# Records a payment: all that is due, or a part of it; perhaps too late.
sub pay ($self) {
	my $model  = $self->{model};
	my $id     = $self->some_order('pending', 'pending') // return;
	my $order  = $self->{orders}{$id};
	my $hold   = $order->{hold};
	my $due    = $order->{total} - $order->{paid};
	return if $due <= 0;    # paid when it was called off already
	my $stands = $model->stands($hold, $self->now);
	my $part   = $due > 1 && chance(0.15) ? 1 + int rand($due - 1) : undef;
	my $claim  = $model->claim($hold);
	my $fits   = $model->fits($claim->{lines}, $self->now, $hold);
	$fits = undef if defined $fits and !$fits and grep { defined $_->{block} } @{ $claim->{lines} };
	my @limits = map { $model->allows($_, $claim->{$_}, $claim->{lines}, $self->now, $hold) } qw(subject email);
	my @want   = $part ? $stands ? 'partial' : defined $stands ? 'order_expired' : ('partial', 'order_expired')
		: $stands ? 'paid'
		: ($fits || !defined $fits || !defined $stands ? 'paid' : (), $fits ? () : 'sold_out', (grep { !$_ } @limits) ? 'order_expired' : ());
	# What is past its deadline, but within the grace, takes no part.
	push @want, 'order_expired' if $part and $stands and $claim->{until} < $self->now + 120 + $Boxoffice::Model::BLUR_S;
	my $key  = uuid();
	my $body = $self->{test} ? { kind => 'test', $part ? (amount => $part) : () } : { kind => 'manual', method => 'cash', amount => $part // $due };
	my %o    = $self->{test} ? (secret => $order->{secret}) : (token => $self->{office});
	my $a    = $self->ask(POST => "/orders/$id/payments", $body, key => $key, %o);
	$self->expect("payment of order $id", $a, '201', $self->_off(_live($order)) ? '409 order_state' : ()) or return;
	my $payment = $a->json;
	$self->wrong("payment of order $id: $payment->{outcome}, not @want") unless $self->_off(_live($order)) or grep { $_ eq $payment->{outcome} } @want;
	$self->{payments}{ $payment->{id} } = $payment->{amount};
	my @blocks = $stands ? () : grep { defined } map { $_->{block} } @{ $order->{tickets} };
	$self->_dropped($order);
	$self->note_order($payment->{order});
	$self->_blocks_left($order) if @blocks and $payment->{outcome} eq 'paid';
	$self->_remember("/orders/$id/payments", $body, $key, $payment->{id}, %o);
	return;
}

# What comes back late comes back without what was called off; whether it had lapsed, only the books know.
sub _dropped ($self, $order) {
	return if !%{ $self->{off} // {} };
	my %gone = map { $_->{id} => 1 } $self->{t}->server->rows("SELECT id FROM boxoffice.ticket
		WHERE event_id = ? AND order_id = ? AND state = 'cancelled'", $self->{id}, $order->{id});
	$_->{gone} = 1 for grep { $gone{ $_->{id} } } @{ $order->{tickets} };
	return;
}

# Places taken again are a block's, or not, as there was room: that the books must say.
sub _blocks_left ($self, $order) {
	my %of = map { ("$_->{type}/" . ($_->{session} // '') => $_->{block}) } $self->{t}->server->rows('SELECT t.key AS type, s.key AS session, c.block_id AS block
		FROM boxoffice.claim c JOIN boxoffice.ticket_type t ON t.event_id = c.event_id AND t.id = c.ticket_type_id
		LEFT JOIN boxoffice.session s ON s.event_id = c.event_id AND s.id = c.session_id
		WHERE c.event_id = ? AND c.owner_id = ? AND c.parent_line IS NULL', $self->{id}, $order->{hold});
	$_->{block} = defined $_->{parent} ? undef : $of{"$_->{ticket_type}/" . ($_->{session} // '')} for @{ $order->{tickets} };
	return $self->_reline($order);
}

sub _reline ($self, $order) {
	$self->{model}->claim($order->{hold})->{lines} =
		[ map { _line_of($_) } _live($order) ];
	return;
}

sub cancel_order ($self) {
	my $id     = $self->some_order(any(qw(pending sold))) // return;
	my $order  = $self->{orders}{$id};
	my $stands = $self->{model}->stands($order->{hold}, $self->now);
	my $a      = $self->staff(POST => "/orders/$id/cancel", {});
	$self->expect("cancel of order $id", $a, '200', $stands ? () : '409 order_state') and $self->note_order($a->json);
	return;
}

sub cancel_ticket ($self) {
	my $id     = $self->some_order(any('pending', 'sold', 'sold')) // return;
	my $order  = $self->{orders}{$id};
	my $stands = $self->{model}->stands($order->{hold}, $self->now);
	# What came in a bundle goes with it alone.
	my %family = map { $_->{id} => 1 } grep { $_->{ticket_type} eq 'family' } @{ $order->{tickets} };
	my %gone   = map { $_->{id} => 1 } grep { chance(0.4) && !(defined $_->{parent} && $family{ $_->{parent} }) } _live($order);
	return if !%gone;
	my $left = _without($order, %gone);
	my $a    = $self->staff(POST => "/orders/$id/cancel", { tickets => [ sort keys %gone ] });
	$self->expect("cancel of tickets of order $id", $a, '200', $stands ? () : '409 order_state') or return;
	my %left = map { $_->{id} => 1 } @$left;
	$self->_mark_gone($a->json, map { $_->{id} => 1 } grep { !$left{ $_->{id} } } _live($order));
	my ($told, $want) = map { join ' ', sort map { $_->{id} } @$_ } [ _live($a->json) ], $left;
	$_->{gone} = !$left{ $_->{id} } for @{ $order->{tickets} };
	$self->wrong("order $id has tickets $told left, not $want") if $told ne $want;
	$self->note_order($a->json);
	return;
}

# Sells at the counter: nobody's subject is counted, a contact's address is.
sub sell ($self) {
	my $model = $self->{model};
	my @items = $self->random_items;
	my $email = chance(0.5) ? 's' . int(rand 8) . '@example.org' : undef;
	my $over  = chance(0.2);
	my $way   = any(qw(later cash part complimentary));
	my $total = $way eq 'complimentary' ? 0 : $model->price(@items);
	$way = 'later' if !$total and $way eq 'part';
	my $key  = uuid();
	my $body = { items => \@items, expected_total => $total,
		defined $email ? (contact => { name => 'C', email => $email }) : (),
		$over ? (override => [ 'buyer_limit', 'paused' ]) : (),
		$way eq 'complimentary' ? (payment => { kind => 'complimentary', reason => 'press' }) : (),
		$way eq 'cash' ? (payment => { kind => 'cash' }) : (),
		$way eq 'part' ? (payment => { kind => 'cash', amount => 1 + int rand($total - 1) }) : () };
	my $paused = $model->{paused} || grep { $model->{types}{ $_->{type} }{paused} } @{ $model->lines(@items) };
	my @codes = $self->_called_off(@items) ? '409 event_cancelled' : $paused && !$over ? '409 paused'
		: _expected('201', $over ? 1 : $model->allows(email => $email, $model->lines(@items), $self->now), $model->fits($model->lines(@items), $self->now));
	my $a = $self->ask(POST => '/sales', $body, token => $self->{office}, key => $key);
	# Whether places or the address come short first is not said.
	push @codes, @full if grep { $_ eq '422 buyer_limit' } @codes and !$model->fits($model->lines(@items), $self->now);
	$self->expect('sale', $a, @codes) or return;
	my $order = $a->json;
	my $want  = !$total || $way eq 'cash' ? 'paid' : 'pending';
	$self->wrong("sale $order->{id} is $order->{status}, not $want") if $order->{status} ne $want;
	$self->wrong("sale $order->{id} costs $order->{total}, not $total") if $order->{total} != $total;
	$self->{holds}{ $order->{hold} } = { id => $order->{hold}, items => [] };
	# Whose limit was overruled is not counted.
	$self->note_order($order, email => $over ? undef : $email, subject => undef, block => undef);
	$self->_remember('/sales', $body, $key, $order->{id}, token => $self->{office});
	return;
}

sub decide ($self) {
	my $id     = $self->some_order('pending', 'approval') // return;
	my $order  = $self->{orders}{$id};
	my $stands = $self->{model}->stands($order->{hold}, $self->now);
	my $yes    = chance(0.7);
	my $a      = $self->staff(POST => "/orders/$id/" . ($yes ? 'approve' : 'deny'), $yes ? undef : { reason => 'no member' });
	$self->expect("decision on order $id", $a, '200', $stands ? () : '409 order_state', $self->_off(_live($order)) ? '409 event_cancelled' : ()) or return;
	my $want = $yes ? $order->{total} > $order->{paid} ? 'pending' : 'paid' : 'cancelled';
	$self->wrong("order $id is $a->{json}{status}, not $want") if $a->json->{status} ne $want and !$self->_off(_live($order));
	$self->note_order($a->json);
	return;
}

# Gives an order more time; one that has expired must have all its places again.
sub extend_order ($self) {
	my $model  = $self->{model};
	my $id     = $self->some_order('pending', 'pending') // return;
	my $order  = $self->{orders}{$id};
	my $claim  = $model->claim($order->{hold});
	my $stands = $model->stands($order->{hold}, $self->now);
	my $fits   = $model->fits($claim->{lines}, $self->now, $order->{hold});
	$fits = undef if defined $fits and !$fits and grep { defined $_->{block} } @{ $claim->{lines} };
	my @limits = map { $model->allows($_, $claim->{$_}, $claim->{lines}, $self->now, $order->{hold}) } qw(subject email);
	my @codes  = $stands || $fits || !defined $stands || !defined $fits ? '200' : ();
	push @codes, '409 sold_out'    if !$stands and !$fits;
	push @codes, '422 buyer_limit' if !$stands and grep { !$_ } @limits;
	my $a = $self->staff(POST => "/orders/$id/extend", { until => rfc3339($self->now + 600 + int rand 3000) });
	$self->expect("extension of order $id", $a, @codes, $self->_off(_live($order)) ? ('409 event_cancelled', '409 order_state') : ()) or return;
	$self->_dropped($order);
	$self->note_order($a->json);
	$self->_blocks_left($order) if !$stands and grep { defined $_->{block} } @{ $order->{tickets} };
	return;
}

# Tickets that can be exchanged: none that belongs to another or has others.
sub _exchangeable ($self, $order) {
	my %parent = map { $_->{parent} => 1 } grep { defined $_->{parent} } @{ $order->{tickets} };
	return grep { !defined $_->{parent} and !$parent{ $_->{id} } and $_->{ticket_type} !~ /^(?:family|gift)$/ } _live($order);
}

sub exchange ($self) {
	my $model  = $self->{model};
	my $id     = $self->some_order(any('pending', 'sold', 'sold'), 'pending', 'paid') // return;
	my $order  = $self->{orders}{$id};
	my $hold   = $order->{hold};
	my @from   = $self->_exchangeable($order);
	my @moved  = grep { defined } map { splice @from, rand @from, 1 } 1 .. min(1 + int rand 3, scalar @from);
	return if !@moved;
	my (@asked, %becomes);
	for my $ticket (@moved) {
		my $type    = any(grep { !/^(?:bus|family|gift)$/ } sort keys %{ $model->{types} });
		my $session = $model->{types}{$type}{admits} ? undef : any(@{ $model->{sessions} });
		push @asked, { ticket => $ticket->{id}, ticket_type => $type, defined $session ? (session => $session) : () };
		$becomes{ $ticket->{id} } = { type => $type, session => $session, n => 1, child => 0 };
	}
	my @lines = map { $becomes{ $_->{id} } // _line_of($_) } _live($order);
	my @codes = $self->_exchange_codes($order, \%becomes, @moved);
	my $a = $self->staff(POST => "/orders/$id/exchange", { tickets => \@asked });
	$self->expect("exchange in order $id", $a, @codes) or return;
	my $now  = $a->json;
	$self->_mark_gone($now);
	my $want = $now->{paid} >= $self->_costs($now) ? 'paid' : 'pending';
	$self->wrong("order $id is $now->{status} after the exchange, not $want") if $now->{status} ne $want;
	my ($told, $wanted) = ($model->told([ map { { type => $_->{ticket_type}, session => $_->{session}, n => 1, child => defined $_->{parent} ? 1 : 0 } } _live($now) ]), $model->told(\@lines));
	$self->wrong("order $id has $told after the exchange, not $wanted") if $told ne $wanted;
	# Also what became the same as before has a new place, which is no block's.
	for my $ticket (@{ $order->{tickets} }) { @{$ticket}{qw(block places)} = () if $becomes{ $ticket->{id} } }
	$self->note_order($now);
	return;
}

# What an exchange may be answered with: all old places are given back, and then each new one is taken, by the limit of its type
# and by what is free.
sub _exchange_codes ($self, $order, $becomes, @moved) {
	my ($model, $now, $hold) = ($self->{model}, $self->now, $order->{hold});
	my ($claim, $stands) = ($model->claim($hold), $model->stands($hold, $now));
	return '409 event_cancelled' if $self->_called_off(values %$becomes);
	return '409 order_state' if defined $stands and !$stands;
	my @codes = defined $stands ? () : '409 order_state';
	my @stays = map { _line_of($_) } grep { !$becomes->{ $_->{id} } } _live($order);
	my @to_come = grep { $becomes->{ $_->{id} }{type} eq $_->{ticket_type} } @moved;
	for my $ticket (@moved) {
		my $to = $becomes->{ $ticket->{id} };
		push @stays, $to;
		@to_come = grep { $_ != $ticket } @to_come;
		if ($to->{type} ne $ticket->{ticket_type}) {
			my $n = sum0(map { $_->{n} } grep { $_->{type} eq $to->{type} } @stays) + grep { $_->{ticket_type} eq $to->{type} } @to_come;
			my @limits = map { $model->allows_type($_, $claim->{$_}, $to->{type}, $n, $now, $hold) } qw(subject email);
			push @codes, '422 buyer_limit' if grep { !$_ } @limits;
			return @codes if grep { defined && !$_ } @limits;
		}
		my $fits = $model->fits(\@stays, $now, $hold);
		push @codes, @full if !$fits;
		return @codes if defined $fits and !$fits;
	}
	return (@codes, '200');
}

sub split_order ($self) {
	my $model = $self->{model};
	my $id    = $self->some_order(any('pending', 'sold', 'sold')) // return;
	my $order = $self->{orders}{$id};
	my @top   = grep { !defined $_->{parent} } _live($order);
	my @goes  = grep { chance(0.5) } @top;
	return if !@goes or @goes == @top;
	my $stands = $model->stands($order->{hold}, $self->now);
	my $email  = chance(0.5) ? 's' . int(rand 8) . '@example.org' : undef;
	my $claim  = $model->claim($order->{hold});
	my %goes   = map { $_->{id} => 1 } @goes;
	my @leaves = grep { $goes{ $_->{id} } or defined $_->{parent} && $goes{ $_->{parent} } } _live($order);
	my %block  = map { $_->{id} => $_->{block} } @{ $order->{tickets} };
	my %places = map { $_->{id} => $_->{places} } @{ $order->{tickets} };
	my $lines  = [ map { _line_of($_) } @leaves ];
	# With another address the numbers go over to that one.
	my $limit = defined $email && $email ne ($claim->{email} // '') ? $model->allows(email => $email, $lines, $self->now) : 1;
	my $a = $self->staff(POST => "/orders/$id/split", { tickets => [ sort keys %goes ], defined $email ? (contact => { name => 'G', email => $email }) : () });
	$self->expect("split of order $id", $a, $limit || !defined $limit ? '201' : (), $limit ? () : '422 buyer_limit', $stands ? () : '409 order_state') or return;
	my ($old, $new) = @{ $a->json }{qw(order split)};
	$self->wrong("order $id: $order->{paid} became $old->{paid} and $new->{paid}") if $order->{paid} != $old->{paid} + $new->{paid};
	$self->wrong("order $id: $order->{total} became $old->{total} and $new->{total}") if $order->{total} != $old->{total} + $new->{total};
	$self->_mark_gone($new, map { $_->{id} => 1 } grep { $_->{gone} } @{ $order->{tickets} });
	my ($told, $want) = map { join ' ', sort map { $_->{id} } @$_ } [ _live($new) ], \@leaves;
	$self->wrong("order $new->{id} has tickets $told, not $want") if $told ne $want;
	$self->note_order($old);
	# What was cancelled goes along, and is gone still, also where all of its session shows as cancelled.
	$self->{orders}{ $new->{id} }{tickets} = [ map { { id => $_->{id}, gone => $_->{gone} } } @{ $new->{tickets} } ];
	$self->{holds}{ $new->{hold} } = { id => $new->{hold}, items => [] };
	$self->note_order($new, subject => $claim->{subject}, email => $email // $claim->{email}, block => undef);
	@{$_}{qw(block places)} = ($block{ $_->{id} }, $places{ $_->{id} }) for @{ $self->{orders}{ $new->{id} }{tickets} };
	$self->_reline($self->{orders}{ $new->{id} });
	return;
}

sub change_contact ($self) {
	my $model  = $self->{model};
	my $id     = $self->some_order(any(qw(pending sold))) // return;
	my $order  = $self->{orders}{$id};
	my $claim  = $model->claim($order->{hold});
	my $stands = $model->stands($order->{hold}, $self->now);
	return if !defined $claim->{email};    # who was not counted stays so, or not: that is another test's subject
	my $email = 's' . int(rand 8) . '@example.org';
	my $limit = $email eq $claim->{email} ? 1 : $model->allows(email => $email, $claim->{lines}, $self->now, $order->{hold});
	my $a     = $self->ask(PATCH => "/orders/$id/contact", { email => $email }, token => $self->{office});
	$self->expect("contact of order $id", $a, $stands && defined $limit && !$limit ? () : '200', $limit ? () : '422 buyer_limit', $stands ? () : '409 order_state') or return;
	$claim->{email} = $email;
	return;
}

# Asks a thing again that was asked before, with its key.
sub replay ($self) {
	my $r = any(grep { $_->{at} > $self->now - 20 * 3600 } @{ $self->{replays} }) // return;
	my $a = $self->ask(POST => $r->{path}, $r->{body}, key => $r->{key}, %{ $r->{o} });
	$self->expect("replay of $r->{path}", $a, '201') or return;
	$self->wrong("replay of $r->{path}: $r->{id} became " . $a->json->{id}) if $a->json->{id} ne $r->{id};
	$self->wrong('a replay does not say so') if ($a->header('Idempotency-Replayed') // '') ne 'true';
	return unless $r->{path} eq '/orders';
	my $other = { %{ $r->{body} }, contact => { name => 'Another', email => 'x@example.org' } };
	$self->expect('another body with the same key', $self->ask(POST => $r->{path}, $other, key => $r->{key}), '422 idempotency_mismatch');
	return;
}

# Organizers ---------------------------------------------------------------------------------------------------------

# Whether a place can have so much room: 1, 0, or undef.
sub _can_have ($self, $place, $room) {
	my ($least, $most) = $self->{model}->taken($place, $self->now);
	return $room >= $most ? 1 : $room < $least ? 0 : undef;
}

sub change_capacity ($self) {
	my $place    = any(sort keys %{ $self->{stock} });
	my $overbook = chance(0.2) ? int rand 4 : 0;
	my $new      = int rand 50;
	my $can      = $self->_can_have($place, $new + $overbook);
	my $a        = $self->staff(PATCH => "/stock/$self->{stock}{$place}", { capacity => $new, overbook => $overbook });
	$self->expect("capacity of $place", $a, $can ? '200' : defined $can ? '409 capacity_taken' : ('200', '409 capacity_taken')) or return;
	$self->{model}{changed}{$place} = $new + $overbook;
	$self->{capacity}{$place} = $new;
	return;
}

sub _capacity ($self, $place) { return $self->{capacity}{$place} // $self->{model}{pools}{ $place =~ s{/.*}{}r }{capacity} }

# All of a pool at once, or of a session; or only what it would be.
sub change_capacities ($self) {
	my $model   = $self->{model};
	my $pool    = any(sort keys %{ $model->{pools} });
	my $add     = 5 - int rand 12;
	my $preview = chance(0.3);
	return if !$add;
	my @places = grep { m{^\Q$pool\E(?:/|$)} } sort keys %{ $self->{stock} };
	my %can    = map { my $to = $self->_capacity($_) + $add; $_ => $to < 0 ? 0 : $self->_can_have($_, $model->capacity($_) + $add) } @places;
	my @no     = grep { defined && !$_ } values %can;
	my @unsure = grep { !defined } values %can;
	my @down   = grep { $self->_capacity($_) + $add < 0 } @places;    # to 0 at least
	return if @down;
	my $a = $self->staff(PATCH => '/stock', { pool => $pool, add => $add, preview => $preview ? \1 : \0 });
	$self->expect("capacities of $pool", $a, $preview ? '200' : @no ? '409 capacity_taken' : @unsure ? ('200', '409 capacity_taken') : '200') or return;
	return if $preview;
	for (@places) {
		my $was = $model->capacity($_);
		$self->{capacity}{$_}      = $self->_capacity($_) + $add;
		$model->{changed}{$_} = $was + $add;
	}
	return;
}

sub move_places ($self) {
	my $model = $self->{model};
	my ($from, $to) = map { any(sort keys %{ $self->{stock} }) } 1, 2;
	return if $from eq $to;
	my $n    = 1 + int rand 5;
	my $left = $self->_capacity($from) - $n;
	my $can  = $left < 0 ? 0 : $self->_can_have($from, $model->capacity($from) - $n);
	my $a    = $self->staff(POST => '/stock/move', { moves => [ { from => $self->{stock}{$from}, to => $self->{stock}{$to}, quantity => $n } ] });
	$self->expect("move of $n from $from to $to", $a, $can ? '200' : defined $can ? ('409 capacity_taken', $left < 0 ? '422 invalid_document' : ()) : ('200', '409 capacity_taken')) or return;
	for ([ $from, -$n ], [ $to, $n ]) {
		my ($place, $more) = @$_;
		my $was = $model->capacity($place);
		$self->{capacity}{$place} = $self->_capacity($place) + $more;
		$model->{changed}{$place} = $was + $more;
	}
	return;
}

sub block ($self) {
	my $model   = $self->{model};
	my $pool    = chance(0.4) ? any(sort keys %{ $model->{pools} }) : undef;
	my $type    = any(grep { !$model->{types}{$_}{bundle} } sort keys %{ $model->{types} });
	my $line    = defined $pool ? { pool => $pool, session => $model->{pools}{$pool}{scope} eq 'event' ? undef : any(@{ $model->{sessions} }) }
		: { type => $type, session => $model->{types}{$type}{admits} ? undef : any(@{ $model->{sessions} }) };
	my %wanted = (quantity => 1 + int rand 6, defined $line->{session} ? (session => $line->{session}) : (), defined $pool ? (pool => $pool) : (ticket_type => $type));
	my $until  = chance(0.5) ? int($self->now + any(100, 400, 900, 3000)) : undef;
	$line->{n}      = $wanted{quantity};
	$line->{places} = [ $model->places($line) ];
	my $fits = $model->fits([ $line ], $self->now);
	my $a    = $self->staff(POST => '/blocks', { channel => 'house', reason => 'simulated', items => [ \%wanted ], defined $until ? (release_at => rfc3339($until)) : () });
	$self->expect('block', $a, $fits ? '201' : defined $fits ? @full : ('201', @full)) or return;
	my $block = $a->json;
	$self->{blocks}{ $block->{id} } = $block->{items}[0]{id};
	$self->{was_block}{ $block->{id} } = 1;
	$model->take($block->{id}, 'blocked', $until, [ $line ]);
	return;
}

sub change_block ($self) {
	my $model  = $self->{model};
	my $id     = any(sort keys %{ $self->{blocks} }) // return;
	my $claim  = $model->claim($id);
	my $stands = $model->stands($id, $self->now);
	my ($least, $most) = $model->left($id, $self->now);
	return if $least != $most or !$stands or $model->due_back($id, $self->now);    # what it keeps is not known
	my $n    = int rand 8;
	my $fits = $n <= $least ? 1 : $model->fits([ { %{ $claim->{lines}[0] }, n => $n - $least } ], $self->now);
	my $a    = $self->staff(PATCH => "/blocks/$id", { items => [ { id => $self->{blocks}{$id}, quantity => $n } ] });
	$self->expect("change of block $id to $n", $a, $fits ? '200' : defined $fits ? @full : ('200', @full)) or return;
	$claim->{lines}[0]{n} += $n - $least;
	return;
}

sub release_block ($self) {
	my $id = any(sort keys %{ $self->{blocks} }) // return;
	$self->expect("release of block $id", $self->staff(DELETE => "/blocks/$id"), '200') or return;
	delete $self->{blocks}{$id};
	$self->{model}->set($id, 'gone');
	return;
}

sub pause ($self) {
	my $model = $self->{model};
	my $verb  = $model->{paused} ? 'resume' : 'pause';
	$self->expect($verb, $self->staff(POST => "/$verb"), '200') and $model->{paused} = !$model->{paused};
	return;
}

# A type costs another price from now on, is paused or sold again.
sub change_type ($self) {
	my $types = $self->{model}{types};
	my $type  = any(sort keys %$types);
	my %patch = chance(0.6) ? (price => $types->{$type}{price} ? 100 + int rand 6000 : 0) : (status => $types->{$type}{paused} ? 'active' : 'paused');
	$patch{price} = 100 if exists $patch{price} and $type eq 'gift';
	$self->expect("change of $type", $self->staff(PATCH => "/ticket-types/$type", \%patch), '200') or return;
	if (defined $patch{price}) { $types->{$type}{price} = $patch{price}; $self->{repriced} = 1 }
	else                       { $types->{$type}{paused} = $patch{status} eq 'paused' }
	return;
}

# One session more: all types are sold in it, and passes sold from now on admit to it.
sub add_session ($self) {
	my $model = $self->{model};
	return if @{ $model->{sessions} } > 5;
	my $key = 'extra-' . @{ $model->{sessions} };
	$self->expect("session $key", $self->staff(POST => '/sessions', { sessions => [ { key => $key, starts_at => rfc3339($self->now + 310 * 86400) } ] }), '200') or return;
	push @{ $model->{sessions} }, $key;
	$self->_read_stock;
	return;
}

sub _read_stock ($self) {
	my $stock = $self->ask(GET => '/stock?limit=100', undef, token => $self->{office})->json->{items};
	$self->{stock} = { map { (defined $_->{session} ? "$_->{pool}/$_->{session}" : $_->{pool}) => $_->{id} } @$stock };
	return $stock;
}

# What is left, as the organizer is shown it.
sub look ($self) {
	my $model = $self->{model};
	my $taken = $model->taken_all($self->now);
	for my $row (@{ $self->_read_stock }) {
		my $place = defined $row->{session} ? "$row->{pool}/$row->{session}" : $row->{pool};
		my ($least, $most) = @{ $taken->{$place} // [ 0, 0 ] };
		my ($from, $to) = map { my $n = $model->capacity($place) - $_; $n < 0 ? 0 : $n } $most, $least;
		$self->wrong("$place shows $row->{available} left, not $from to $to") if $row->{available} < $from or $row->{available} > $to;
		$self->wrong("$place is $row->{state} with $row->{available} left") if !$row->{available} != ($row->{state} =~ /^(?:all_held|sold_out)$/);
	}
	return;
}

sub postpone ($self) {
	my $session = any(grep { !$self->{off}{$_} } @{ $self->{model}{sessions} }) // return;
	$self->expect("postponing $session", $self->staff(POST => "/sessions/$session/postpone", { starts_at => rfc3339($self->now + (300 + int rand 20) * 86400), reason => 'flood' }), '200');
	return;
}

# A session that does not take place: holds with places in it end, orders stay as they are.
sub cancel_session ($self) {
	my $model   = $self->{model};
	my $session = any(@{ $model->{sessions} });
	$self->expect("cancelling $session", $self->staff(POST => "/sessions/$session/cancel", { reason => 'ill' }), '200') or return;
	$self->{off}{$session} = 1;
	for my $id (keys %{ $model->{claims} }) {
		my $claim = $model->claim($id);
		next unless $claim->{state} eq 'held' and grep { ($_->{session} // '') eq $session } @{ $claim->{lines} };
		# What it has in groups of other sessions stays with it until its deadline of before.
		$claim->{ended} = 1;
	}
	return;
}

# The trial is over: its holds and orders are gone, blocks stay.
sub go_live ($self) {
	return if !$self->{test};
	my $model = $self->{model};
	$self->pause if !$model->{paused};
	my $a;
	for (1 .. 50) {
		$a = $self->staff(POST => '/go-live');
		$self->expect('going live', $a, '200') or return;
		last if $a->json->{status} eq 'done';
	}
	$self->wrong('going live does not end') if $a->json->{status} ne 'done';
	for my $id (keys %{ $model->{claims} }) {
		# What was taken out of a block goes back to it, if it still stands.
		delete $model->{claims}{$id} if !$self->{was_block}{$id};
	}
	@{$self}{qw(holds orders payments)} = ({}, {}, {});
	$self->{replays} = [];
	$self->{test}    = 0;
	$self->pause;
	return;
}

# The end of it, for good.
sub cancel ($self) {
	$self->expect('cancelling the event', $self->staff(POST => '/cancel'), '200') or return;
	$self->{over} = 1;
	my @items = $self->random_items;
	$self->expect('hold for a cancelled event', $self->ask(POST => '/holds', { items => \@items }, key => uuid()), '409 event_cancelled');
	my $id = $self->some_order('pending', 'pending') // return;
	my $a  = $self->staff(POST => "/orders/$id/payments", { kind => 'manual', method => 'cash', amount => 5 });
	$self->expect('payment for a cancelled event', $a, '201') or return;
	$self->wrong("payment for a cancelled event: $a->{json}{outcome}") if $a->json->{outcome} ne 'order_cancelled';
	$self->{payments}{ $a->json->{id} } = 5;
	return;
}

# What it does, by weight.
our %ACTS = (
	hold => 30, change_hold => 10, release_hold => 4, extend_hold => 4, hold_from_block => 8, order => 22, pay => 14, cancel_order => 5,
	cancel_ticket => 5, sell => 8, decide => 5, extend_order => 3, exchange => 9, split_order => 5, change_contact => 3, replay => 8,
	change_capacity => 3, change_capacities => 2, move_places => 4, block => 4, change_block => 3, release_block => 2, pause => 1,
	change_type => 2, add_session => 0.7, look => 3, postpone => 0.5, cancel_session => 0.4, go_live => 0.4, cancel => 0.3,
);

# What must hold ---------------------------------------------------------------------------------------------------

# Compares all that is known with the books, read by the rows function in one snapshot.
sub differences ($self, $rows) {
	my $event = $self->{id};
	my @rows  = $rows->('SELECT p.key AS pool, s.key AS session, t.id, t.capacity + t.overbook AS capacity, t.held, t.pending, t.sold, t.blocked
		FROM boxoffice.stock t JOIN boxoffice.pool p ON p.event_id = t.event_id AND p.id = t.pool_id
		LEFT JOIN boxoffice.session s ON s.event_id = t.event_id AND s.id = t.session_id WHERE t.event_id = ?', $event);
	my %place;
	for (@rows) { $_->{place} = defined $_->{session} ? "$_->{pool}/$_->{session}" : $_->{pool}; $place{ $_->{id} } = $_->{place} }
	my (%claims, %counted);
	for my $row ($rows->('SELECT owner_id, state, quantity, stock_ids FROM boxoffice.claim WHERE event_id = ? AND quantity > 0', $event)) {
		$claims{ $row->{owner_id} }{ $row->{state} } += $row->{quantity};
		$counted{ $place{$_} }{ $row->{state} } += $row->{quantity} for @{ $row->{stock_ids} };
	}
	my @wrong = $self->{over} ? () : $self->{model}->differences($self->now, \@rows, \%claims, \%counted);
	push @wrong, $self->_buyers_differ($rows);
	for my $table (qw(hold order payment)) {
		my $seen  = $self->{"${table}s"};
		my %there = map { $_->{id} => 1 } $rows->("SELECT id FROM boxoffice.$table WHERE event_id = ?", $event);
		push @wrong, map { "$table $_ was confirmed and is not there" } grep { !$there{$_} } sort keys %$seen;
		push @wrong, map { "$table $_ is there and nobody was told" } grep { !$seen->{$_} and $table ne 'payment' } sort keys %there;
	}
	return @wrong;
}

# Each counter of a buyer is the sum of the claims that live under his name, taken back or not.
sub _buyers_differ ($self, $rows) {
	return map { "buyer $_->{buyer_key} has $_->{taken} of type $_->{ticket_type_id} by his counter, $_->{live} by his claims" } $rows->(
		q{WITH live AS (
			SELECT k.key, c.ticket_type_id AS type, c.quantity, c.parent_line IS NULL AS own
			  FROM boxoffice.claim c JOIN boxoffice.hold h ON h.event_id = c.event_id AND h.id = c.owner_id
			  LEFT JOIN boxoffice.order o ON o.event_id = c.event_id AND o.hold_id = h.id
			 CROSS JOIN LATERAL (VALUES ('s:' || h.subject), (o.email_key)) AS k (key)
			 WHERE c.event_id = $1 AND c.state IN ('held', 'pending', 'sold') AND k.key IS NOT NULL)
		SELECT b.buyer_key, b.ticket_type_id, b.taken, coalesce(l.n, 0) AS live
		  FROM boxoffice.buyer b
		  LEFT JOIN LATERAL (SELECT sum(x.quantity) AS n FROM live x
			WHERE x.key = b.buyer_key AND CASE b.ticket_type_id WHEN 0 THEN x.own ELSE x.type = b.ticket_type_id END) l ON true
		 WHERE b.event_id = $1 AND b.taken <> coalesce(l.n, 0)}, $self->{id});
}

1;
