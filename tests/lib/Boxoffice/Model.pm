package Boxoffice::Model;

# What the simulation expects the books to say: a second, slow and simple account of one event, kept in Perl. It
# knows who holds what of which (pool, session), and when that ends; it never asks the database.
#
# Time: what ends within the next or last few seconds is neither sure to be there nor sure to be gone, because the
# servers read their clock a little later than the model. `least` and `most` bound what is taken.

use v5.36;

our $BLUR_S = 12;    # longer than the 5 s in which a late write is accepted, and a slow machine's requests

# new(pools => { key => { scope, capacity } }, types => { key => { pools => [...], price, fee } }, sessions => [keys]).
# A line without a session is of a pass: it takes a place in each.
sub new ($class, %self) {
	return bless { claims => {}, overbook => {}, %self }, $class;
}

# Claims: id of hold or block => { state => held|pending|sold|blocked|gone, until => seconds or undef, lines => [[type
# or undef, pool keys, session or undef, quantity, whether it is of add-ons], …] }.
sub claim ($self, $id) { return $self->{claims}{$id} }

sub take ($self, $id, $state, $until, $lines) {
	$self->{claims}{$id} = { state => $state, until => $until, lines => $lines };
	return;
}

sub set ($self, $id, $state, $until = undef) {
	@{ $self->{claims}{$id} }{qw(state until)} = ($state, $until);
	return;
}

# Whether the claim stands at that time: 1, 0, or undef when it is too close to tell.
sub stands ($self, $id, $now) {
	my $claim = $self->{claims}{$id} or return 0;
	return 0 if $claim->{state} eq 'gone';
	return 1 if !defined $claim->{until} or $claim->{until} > $now + $BLUR_S;
	return 0 if $claim->{until} < $now - $BLUR_S;
	return undef;
}

# The places where a line of a type in a session, or of a pass, is counted in a pool: one for an event pool.
sub places ($self, $pool, $session) {
	return $pool if $self->{pools}{$pool}{scope} eq 'event';
	return map { "$pool/$_" } $session // @{ $self->{sessions} };
}

sub capacity ($self, $place) {
	my ($pool) = split m{/}, $place;
	return $self->{changed}{$place} // $self->{pools}{$pool}{capacity};
}

# (at least, at most) what is taken of a place, leaving out one claim.
sub taken ($self, $place, $now, $except = '') {
	my ($least, $most) = (0, 0);
	for my $id (keys %{ $self->{claims} }) {
		next if $id eq $except;
		my $stands = $self->stands($id, $now);
		next if defined $stands and !$stands;
		for my $line (@{ $self->{claims}{$id}{lines} }) {
			my ($type, $pools, $session, $quantity) = @$line;
			next unless grep { $_ eq $place } map { $self->places($_, $session) } @$pools;
			$most += $quantity;
			$least += $quantity if $stands;
		}
	}
	return ($least, $most);
}

# Whether so much more can be taken: 1, 0, or undef when it is too close to tell. lines: [[type, pools, session, quantity]].
sub fits ($self, $lines, $now, $except = '') {
	my %want;
	for my $line (@$lines) {
		my ($type, $pools, $session, $quantity) = @$line;
		$want{$_} += $quantity for map { $self->places($_, $session) } @$pools;
	}
	my $sure = 1;
	for my $place (sort keys %want) {
		my ($least, $most) = $self->taken($place, $now, $except);
		my $room = $self->capacity($place);
		return 0 if $least + $want{$place} > $room;
		$sure = undef if $most + $want{$place} > $room;
	}
	return $sure;
}

sub line ($self, $type, $session, $quantity, $child) {
	return [ $type, $self->{types}{$type}{pools}, $session, $quantity, $child ];
}

# An item's own line, and those of its add-ons: so many for each, in its session.
sub lines ($self, @items) {
	return [ map {
		my $item = $_;
		($self->line(@{$item}{qw(ticket_type session quantity)}, 0),
			map { $self->line($_->{ticket_type}, $item->{session}, $_->{quantity} * $item->{quantity}, 1) } @{ $item->{addons} // [] })
	} @items ];
}

sub price ($self, @items) {
	my $sum = 0;
	$sum += $_->[3] * ($self->{types}{ $_->[0] }{price} + $self->{types}{ $_->[0] }{fee}) for @{ $self->lines(@items) };
	return $sum;
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
	for my $id (sort keys %{ $self->{claims} }) {
		my $claim = $self->{claims}{$id};
		my $want  = 0;
		$want += $_->[3] for @{ $claim->{lines} };
		my $found  = $claims->{$id} // {};
		my $stands = $self->stands($id, $now);
		next unless defined $stands;
		if ($stands) {
			my $got = $found->{ $claim->{state} } // 0;
			push @wrong, "$id: $want $claim->{state} by the model, in the books " . _told($found) if $got != $want;
		}
		elsif (my @live = grep { $found->{$_} } $claim->{state} eq 'gone' ? qw(held pending sold blocked) : qw(sold blocked)) {
			push @wrong, "$id: gone by the model, in the books " . _told($found);
		}
	}
	push @wrong, map { "$_ is in the books and not in the model: " . _told($claims->{$_}) }
		grep { !$self->{claims}{$_} } sort keys %$claims;
	return @wrong;
}

sub _told ($found) { return join(', ', map { "$found->{$_} $_" } sort keys %$found) || 'nothing' }

1;
