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
# Time: what ends within the next or last few seconds is neither sure to be there nor sure to be gone: servers read a clock
# that goes a little later than the model, and a late write is accepted. So answers are 1, 0 or undef, which is too close
# to tell. Nor is it sure, until somebody says that the worker has been by (tidied), what still counts to a buyer of what is
# over: whoever sells takes back no more than he needs.

use v5.36;
use List::Util qw(max min sum0);

our $BLUR_S = 12;    # longer than the 5 s in which a late write is accepted, and, where the clock goes, a slow machine's requests

# new(pools => { key => { scope, capacity } }, types => { key => { pools => [...], price, fee, bundle, admits, buyer_limit } },
# sessions => [keys], buyer_limit).
sub new ($class, %self) {
	return bless { claims => {}, changed => {}, %self }, $class;
}

sub claim ($self, $id) { return $self->{claims}{$id} }

sub take ($self, $id, $state, $until, $lines, %more) {
	$self->{claims}{$id} = { %{ $self->{claims}{$id} // {} }, state => $state, until => $until, lines => $lines, tidied => 0, %more };
	return;
}

sub set ($self, $id, $state, $until = undef) {
	@{ $self->{claims}{$id} }{qw(state until tidied)} = ($state, $until, 0);
	return;
}

# The worker has taken back all that was over at that time.
sub tidied ($self, $now) {
	for (keys %{ $self->{claims} }) {
		my $stands = $self->stands($_, $now);
		$self->{claims}{$_}{tidied} = 1 if defined $stands and !$stands;
	}
	return;
}

# Whether the claim stands at that time.
sub stands ($self, $id, $now) {
	my $claim = $self->{claims}{$id} or return 0;
	return 0 if $claim->{state} eq 'gone';
	return $claim->{ended} ? undef : 1 if !defined $claim->{until} or $claim->{until} > $now + $BLUR_S;
	return undef if $claim->{until} >= $now - $BLUR_S;
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
			push @placed, { %$line, n => $m, places => $part->[0], had => 1 };
			$part->[1] -= $m;
			$n -= $m;
		}
		push @placed, { %$line, n => $n, places => [ $self->places($line) ] } if $n;
	}
	return \@placed;
}

sub _kind ($line) { return join '/', $line->{type}, $line->{session} // '', $line->{child} ? 1 : 0, $line->{block} // '' }

# Whether the line had its place out of a block which is over: it has it as if it had come from what is free.
sub _outlives ($self, $line, $now) {
	my $stands = $self->stands($line->{block}, $now);
	return $line->{had} && defined $stands && !$stands;
}

# What lines want of free places and of blocks: { place => n }, { block => n }.
sub _wants ($self, $lines, $now) {
	my (%place, %block);
	for my $line (@$lines) {
		my %kept;
		if (defined $line->{block} and !$self->_outlives($line, $now)) {
			$block{ $line->{block} } += $line->{n};
			%kept = map { $_ => 1 } $self->places($self->{claims}{ $line->{block} }{lines}[0]);
		}
		$place{$_} += $line->{n} for grep { !$kept{$_} } $self->places($line);
	}
	return (\%place, \%block);
}

# Whether so much can be taken, leaving out one claim.
sub fits ($self, $lines, $now, $except = '') {
	my ($place, $block) = $self->_wants($lines, $now);
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
		return 0 if $block->{$_} > $most or defined $stands && !$stands;
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
		next if defined $sure and !$sure and $claim->{tidied};
		my $n = sum0(map { $_->{n} } grep { defined $type ? $_->{type} eq $type : !$_->{child} } @{ $claim->{lines} });
		$least += $n if $sure;
		$most  += $n;
	}
	return ($least, $most);
}

# Whether the limit of a type, or the event's own (undef), lets somebody (of => subject or email) have so many.
sub allows_type ($self, $of, $who, $type, $n, $now, $except = '') {
	my $limit = defined $type ? $self->{types}{$type}{buyer_limit} : $self->{buyer_limit};
	return 1 if !defined $who or !defined $limit or !$n;
	my ($least, $most) = $self->_counted($of, $who, $type, $now, $except);
	return $least + $n > $limit ? 0 : $most + $n > $limit ? undef : 1;
}

# Whether the limits let somebody have that.
sub allows ($self, $of, $who, $lines, $now, $except = '') {
	my %of_type = map { $_->{type} => 1 } @$lines;
	my $sure    = 1;
	for my $type (undef, sort keys %of_type) {
		my $n = sum0(map { $_->{n} } grep { defined $type ? $_->{type} eq $type : !$_->{child} } @$lines);
		my $allowed = $self->allows_type($of, $who, $type, $n, $now, $except);
		return 0 if defined $allowed and !$allowed;
		$sure = undef if !defined $allowed;
	}
	return $sure;
}

# What a hold that takes a part gets of these, one after the other: lines, or undef if it is too close to tell.
sub part ($self, $items, $now) {
	my @has;
	for my $item (@$items) {
		for my $n (reverse 0 .. $item->{quantity}) {
			my @with = $n ? (@has, @{ $self->lines({ %$item, quantity => $n }) }) : @has;
			my $fits = $n ? $self->fits(\@with, $now) : 1;
			return if !defined $fits;
			next   if !$fits;
			@has = @with;
			last;
		}
	}
	return \@has;
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

# Whether it is over by its time alone, and perhaps nobody has taken it back.
sub _lapsed ($self, $id, $now) {
	my ($claim, $stands) = ($self->{claims}{$id}, $self->stands($id, $now));
	return $claim->{state} =~ /^(?:held|pending)$/ && !$claim->{tidied} && defined $stands && !$stands;
}

# How much of what was taken out of a block has lapsed, and goes back to it when somebody takes it back.
sub due_back ($self, $id, $now) {
	my @lapsed = grep { $self->_lapsed($_, $now) } keys %{ $self->{claims} };
	return sum0(map { $_->{n} } grep { ($_->{block} // '') eq $id } map { @{ $self->{claims}{$_}{lines} } } @lapsed);
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
		my ($least, $most) = $self->left($id, $now);
		$least -= $self->due_back($id, $now);
		return $got >= $least && $got <= $most ? () : "$id: keeps $got, by the model $least to $most of $claim->{lines}[0]{n}";
	}
	my $want = sum0(map { $_->{n} } @{ $claim->{lines} });
	return $got == $want ? () : "$id: $want $claim->{state} by the model, in the books " . _told($found);
}

# All that the model knows, for whoever looks for what went wrong.
sub report ($self, $now) {
	my $taken = $self->taken_all($now);
	my @lines;
	for my $place (sort map { $self->places({ type => $_, session => undef }) } keys %{ $self->{types} }) {
		next if @lines and $lines[-1] =~ /^\Q$place\E:/;
		my ($least, $most) = @{ $taken->{$place} // [ 0, 0 ] };
		push @lines, "$place: " . ($least == $most ? $least : "$least to $most") . ' of ' . $self->capacity($place);
	}
	for my $id (sort keys %{ $self->{claims} }) {
		my $claim  = $self->{claims}{$id};
		my $stands = $self->stands($id, $now);
		next if $claim->{state} eq 'gone' and !grep { ($_->{block} // '') eq $id } map { @{ $_->{lines} } } values %{ $self->{claims} };
		push @lines, join ' ', $id, $claim->{state}, defined $stands ? $stands ? 'stands' : 'over' : 'perhaps',
			(defined $claim->{until} ? sprintf 'until %+.0f s', $claim->{until} - $now : ()), (map { "$_=$claim->{$_}" } grep { $claim->{$_} } qw(subject email ended tidied)),
			'has', join ', ', map { my $l = $_; "$l->{n} " . join '/', $l->{type} // $l->{pool}, $l->{session} // '*', $l->{child} ? 'with' : 'own', defined $l->{block} ? "of $l->{block}" : () } @{ $claim->{lines} };
	}
	return @lines;
}

sub _told ($found) { return join(', ', map { "$found->{$_} $_" } sort keys %$found) || 'nothing' }

1;
