package Boxoffice::Model;

# What the simulation expects the books to say: a second, slow and simple account of one event, kept in Perl. It
# knows who has what of which (type, session), out of which block, until when, and under whose limit; it never asks
# the database.
#
# A claim (of a hold, of an order under its hold's id, or of a block) is { state, until, lines, subject, email }. state:
# held, pending, sold, blocked or gone; until: seconds, undef for ever. A line is { type, session, n, child, block }, a
# block's { type or pool, session, n }, n being what it kept at first: what stands of what was taken out of it goes off.
# A line of a pass has no session: it takes a place in each that there is when it is taken, and keeps these (places).
#
# Time: what ends within the next or last few seconds is neither sure to be there nor sure to be gone, because the
# servers read their clock a little later than the model. So answers are 1, 0 or undef, which is too close to tell.

use v5.36;
use List::Util  qw(max min sum0);
use Time::HiRes qw(time);

our $BLUR_S  = 12;    # longer than the 5 s in which a late write is accepted, and a slow machine's requests
our $TIDY_S  = 20;    # how long (by the real clock) the worker may take to give a buyer's numbers back

# new(pools => { key => { scope, capacity } }, types => { key => { pools => [...], price, fee, bundle, admits, buyer_limit } },
# sessions => [keys], buyer_limit).
sub new ($class, %self) {
	return bless { claims => {}, changed => {}, %self }, $class;
}

sub claim ($self, $id) { return $self->{claims}{$id} }

sub take ($self, $id, $state, $until, $lines, %more) {
	$self->{claims}{$id} = { %{ $self->{claims}{$id} // {} }, state => $state, until => $until, lines => $lines, %more };
	return;
}

sub set ($self, $id, $state, $until = undef) {
	@{ $self->{claims}{$id} }{qw(state until)} = ($state, $until);
	return;
}

# Whether the claim stands at that time.
sub stands ($self, $id, $now) {
	my $claim = $self->{claims}{$id} or return 0;
	return 0 if $claim->{state} eq 'gone';
	return $claim->{ended} ? undef : 1 if !defined $claim->{until} or $claim->{until} > $now + $BLUR_S;
	return undef if $claim->{until} >= $now - $BLUR_S;
	$claim->{seen_over} //= time;
	return 0;
}

# Each claim that may stand at that time, with whether it is sure to.
sub _standing ($self, $now, $except) {
	return map { my $sure = $self->stands($_, $now); $_ ne $except && (!defined $sure || $sure) ? [ $self->{claims}{$_}, $sure ] : () }
		keys %{ $self->{claims} };
}

# The places where a line is counted, those of now unless it has its own: one for an event pool.
sub places ($self, $line) {
	return @{ $line->{places} } if $line->{places};
	my @pools = defined $line->{pool} ? $line->{pool} : @{ $self->{types}{ $line->{type} }{pools} };
	return map { my $pool = $_; $self->{pools}{$pool}{scope} eq 'event' ? $pool : map { "$pool/$_" } $line->{session} // @{ $self->{sessions} } } @pools;
}

sub capacity ($self, $place) {
	my ($pool) = split m{/}, $place;
	return $self->{changed}{$place} // $self->{pools}{$pool}{capacity};
}

# (at least, at most) what is left of a block's line: what it kept at first without what stands of what was taken out.
sub left ($self, $id, $now, $except = '') {
	my $line = $self->{claims}{$id}{lines}[0];
	my ($least, $most) = ($line->{n}, $line->{n});
	for ($self->_standing($now, $except)) {
		my ($claim, $sure) = @$_;
		my $out = sum0(map { $_->{n} } grep { ($_->{block} // '') eq $id } @{ $claim->{lines} });
		$least -= $out;
		$most  -= $out if $sure;
	}
	return ($least, $most);
}

# Place => [at least, at most] of what is taken, by state, leaving out one claim.
sub taken_all ($self, $now, $except = '') {
	my %taken;
	my $count = sub ($line, $least, $most) {
		for my $place ($self->places($line)) {
			$taken{$place}[0] += $least;
			$taken{$place}[1] += $most;
		}
	};
	for my $id (keys %{ $self->{claims} }) {
		next if $id eq $except;
		my $claim = $self->{claims}{$id};
		my $sure  = $self->stands($id, $now);
		next if defined $sure and !$sure;
		if ($claim->{state} eq 'blocked') {
			my ($least, $most) = $self->left($id, $now, $except);
			$count->($claim->{lines}[0], $sure ? max($least, 0) : 0, $most);
			next;
		}
		$count->($_, $sure ? $_->{n} : 0, $_->{n}) for @{ $claim->{lines} };
	}
	return \%taken;
}

sub taken ($self, $place, $now, $except = '') {
	return @{ $self->taken_all($now, $except)->{$place} // [ 0, 0 ] };
}

# Lines as a claim has them: what was there before keeps its places, the rest has those of now.
sub placed ($self, $lines, $before = []) {
	my %kept;
	push @{ $kept{ _kind($_) } }, [ $_->{places}, $_->{n} ] for grep { $_->{places} } @$before;
	my @placed;
	for my $line (@$lines) {
		my $n = $line->{n};
		for my $part (@{ $kept{ _kind($line) } // [] }) {
			my $m = min($n, $part->[1]) or next;
			push @placed, { %$line, n => $m, places => $part->[0] };
			$part->[1] -= $m;
			$n -= $m;
		}
		push @placed, { %$line, n => $n, places => [ $self->places($line) ] } if $n;
	}
	return \@placed;
}

sub _kind ($line) { return join '/', $line->{type}, $line->{session} // '', $line->{child} ? 1 : 0, $line->{block} // '' }

# What lines want of free places and of blocks: { place => n }, { block => n }.
sub _wants ($self, $lines) {
	my (%place, %block);
	for my $line (@$lines) {
		my %kept;
		if (defined $line->{block}) {
			$block{ $line->{block} } += $line->{n};
			%kept = map { $_ => 1 } $self->places($self->{claims}{ $line->{block} }{lines}[0]);
		}
		$place{$_} += $line->{n} for grep { !$kept{$_} } $self->places($line);
	}
	return (\%place, \%block);
}

# Whether so much can be taken, leaving out one claim.
sub fits ($self, $lines, $now, $except = '') {
	my ($place, $block) = $self->_wants($lines);
	my $taken = $self->taken_all($now, $except);
	my $sure  = 1;
	for (keys %$place) {
		my ($least, $most) = @{ $taken->{$_} // [ 0, 0 ] };
		my $room = $self->capacity($_);
		return 0 if $least + $place->{$_} > $room;
		$sure = undef if $most + $place->{$_} > $room;
	}
	for (keys %$block) {
		my $stands = $self->stands($_, $now);
		my ($least, $most) = $self->left($_, $now, $except);
		return 0 if $block->{$_} > $most or $self->{claims}{$_}{state} eq 'gone';
		$sure = undef if $block->{$_} > $least or !$stands;
	}
	return $sure;
}

# Why one line that does not fit by itself is refused: sold_out if it would not fit without what others may still let
# go, else all_held; undef if it is too close to tell.
sub shortage ($self, $line, $now) {
	my $taken = $self->taken_all($now);
	my %losable;
	for ($self->_standing($now, '')) {
		my ($claim, $sure) = @$_;
		return if !$sure;
		next unless $claim->{state} =~ /^(?:held|pending)$/;
		for my $other (@{ $claim->{lines} }) { $losable{$_} += $other->{n} for $self->places($other) }
	}
	my $code;
	for my $place ($self->places($line)) {
		my $free = $self->capacity($place) - ($taken->{$place}[1] // 0);
		next if $free >= $line->{n};
		return 'sold_out' if $free + ($losable{$place} // 0) < $line->{n};
		$code = 'all_held';
	}
	return $code;
}

# (at least, at most) what counts for a buyer (of => subject or email) under a type's limit, or under the event's.
sub _counted ($self, $of, $who, $type, $now, $except) {
	my ($least, $most) = (0, 0);
	for my $id (keys %{ $self->{claims} }) {
		my $claim = $self->{claims}{$id};
		next if $id eq $except or ($claim->{$of} // '') ne $who or $claim->{state} !~ /^(?:held|pending|sold)$/;
		my $sure = $self->stands($id, $now);
		next if defined $sure and !$sure and time > $claim->{seen_over} + $TIDY_S;
		my $n = sum0(map { $_->{n} } grep { defined $type ? $_->{type} eq $type : !$_->{child} } @{ $claim->{lines} });
		$least += $n if $sure;
		$most  += $n;
	}
	return ($least, $most);
}

# Whether the limits let somebody (of => subject or email) have that.
sub allows ($self, $of, $who, $lines, $now, $except = '') {
	return 1 if !defined $who;
	my %of_type = map { $_->{type} => 1 } @$lines;
	my $sure    = 1;
	for my $type (undef, sort keys %of_type) {
		my $limit = defined $type ? $self->{types}{$type}{buyer_limit} : $self->{buyer_limit};
		next if !defined $limit;
		my $n = sum0(map { $_->{n} } grep { defined $type ? $_->{type} eq $type : !$_->{child} } @$lines) or next;
		my ($least, $most) = $self->_counted($of, $who, $type, $now, $except);
		return 0 if $least + $n > $limit;
		$sure = undef if $most + $n > $limit;
	}
	return $sure;
}

# An item's own line, those of its add-ons (so many for each, in its session), and of what comes in its bundle.
sub lines ($self, @items) {
	my @lines;
	for my $item (@items) {
		my ($type, $session, $n) = @{$item}{qw(ticket_type session quantity)};
		push @lines, { type => $type, session => $session, n => $n, child => 0, block => $item->{block} };
		push @lines, map { { type => $_->{ticket_type}, session => $session, n => $n * $_->{quantity}, child => 1 } }
			@{ $item->{addons} // [] }, @{ $self->{types}{$type}{bundle} // [] };
	}
	return \@lines;
}

sub price ($self, @items) {
	my $each = sub ($part) {
		my $type = $self->{types}{ $part->{ticket_type} };
		return $part->{quantity} * (($part->{price} // $type->{price}) + ($type->{fee} // 0));
	};
	my $sum = 0;
	for my $item (@items) { $sum += $each->($item) + $item->{quantity} * sum0(map { $each->($_) } @{ $item->{addons} // [] }) }
	return $sum;
}

# Lines added up, as text to compare.
sub told ($self, $lines) {
	my %n;
	$n{ join '/', $_->{type}, $_->{session} // '*', $_->{child} ? 'with' : 'own' } += $_->{n} for @$lines;
	return join ', ', map { "$n{$_} $_" } grep { $n{$_} } sort keys %n;
}

# Compares the model with rows of boxoffice.claim (owner_id, state, quantity) and boxoffice.stock: sentences.
# stock: rows of (place, capacity, held, pending, sold, blocked), claims: owner => { state => quantity }, and
# counted: place => { state => quantity }, summed over claims by whoever read them.
sub differences ($self, $now, $stock, $claims, $counted) {
	my @wrong;
	for my $row (@$stock) {
		my $place = $row->{place};
		my $sum   = 0;
		for my $state (qw(held pending sold blocked)) {
			my $want = $counted->{$place}{$state} // 0;
			push @wrong, "$place: $state is $row->{$state}, its claims say $want" if $row->{$state} != $want;
			$sum += $row->{$state};
		}
		push @wrong, "$place is oversold: $sum of $row->{capacity}" if defined $row->{capacity} and $sum > $row->{capacity};
		my $capacity = $self->capacity($place);
		push @wrong, "$place: capacity is $row->{capacity}, not $capacity" if $row->{capacity} != $capacity;
	}
	push @wrong, map { $self->_claim_differs($now, $_, $claims->{$_} // {}) } sort keys %{ $self->{claims} };
	push @wrong, map { "$_ is in the books and not in the model: " . _told($claims->{$_}) }
		grep { !$self->{claims}{$_} } sort keys %$claims;
	return @wrong;
}

sub _claim_differs ($self, $now, $id, $found) {
	my $claim  = $self->{claims}{$id};
	my $stands = $self->stands($id, $now);
	my $got    = $found->{ $claim->{state} } // 0;
	return if !defined $stands;
	if (!$stands) {
		my @live = grep { $found->{$_} } $claim->{state} eq 'gone' ? qw(held pending sold blocked) : qw(sold);
		return @live ? "$id: gone by the model, in the books " . _told($found) : ();
	}
	if ($claim->{state} eq 'blocked') {
		# What lapsed of what was taken out goes back when somebody takes it back.
		my ($least, $most) = $self->left($id, $now);
		my ($kept) = @{ $claim->{lines} };
		$least -= sum0(map { $_->{n} } grep { ($_->{block} // '') eq $id } map { @{ $_->{lines} } } grep { $_->{state} =~ /^(?:held|pending)$/ && $_->{seen_over} } values %{ $self->{claims} });
		return $got >= $least && $got <= $most ? () : "$id: keeps $got, by the model $least to $most of $kept->{n}";
	}
	my $want = sum0(map { $_->{n} } @{ $claim->{lines} });
	return $got == $want ? () : "$id: $want $claim->{state} by the model, in the books " . _told($found);
}

sub _told ($found) { return join(', ', map { "$found->{$_} $_" } sort keys %$found) || 'nothing' }

1;
