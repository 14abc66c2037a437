package Bench::Site;

# Our own servers: a Boxoffice in a prefix of the bench, made by conf/run like any other; its events are
# made over HTTP as an organizer makes them.

use v5.36;
use HTTP::Tiny     ();
use JSON::PP       ();
use Time::HiRes    qw(time sleep);
use Bench::Process qw(capture run_or_die free_port cpu_us);

my $json = JSON::PP->new->utf8->canonical;

# Rows that a sale makes, in an order that foreign keys allow.
my $hot = join ', ', map { "boxoffice.$_" }
	qw(holder ticket contact order_fee payment "order" claim hold buyer idempotency outbox);

# new(top, prefix, workers)
sub new ($class, %self) {
	return bless {%self}, $class;
}

# Brings it up on ports of its own. A prefix that is there is removed first: every run begins with an
# empty cluster.
sub start ($self) {
	$self->{env} = {
		PREFIX => $self->{prefix}, HOST => '127.0.0.1', PORT => free_port(), PGPORT => 5432,
		WORKERS => $self->{workers}, PG_RESERVE => 120, DEMO => 0, QUIET => 1,
		map { $_ => '' } qw(ROLE SUB ORG ALG TTL),
	};
	$self->remove if -e $self->{prefix} or -l $self->{prefix};
	$self->{up} = 1;
	run_or_die({ env => $self->{env} }, "$self->{top}/conf/run");
	$self->read_settings($self->{prefix});
	$self->check_durable;
	return $self;
}

# A second site beside this one, with an empty cluster of its own.
sub another ($self, $name) {
	my $site = Bench::Site->new(map({ $_ => $self->{$_} } qw(top workers say)), prefix => "$self->{top}/build/bench/$name");
	push @{ $self->{others} }, $site;
	return $site->start;
}

# The site of `make run`, brought up if it is not; it stays up.
sub attach ($class, %self) {
	my $self = $class->new(%self, env => { QUIET => 1, map { $_ => '' } qw(ROLE SUB ORG ALG TTL) });
	run_or_die({ env => $self->{env} }, "$self->{top}/conf/run");
	$self->read_settings($ENV{PREFIX} || "$self->{top}/var");
	return $self;
}

sub read_settings ($self, $prefix) {
	$self->{prefix} = $prefix =~ m{^/} ? $prefix : "$self->{top}/$prefix";
	$self->{dsn}    = $self->conf('dsn');
	($self->{socket}) = $self->{dsn} =~ /host=(\S+)/;
	$self->{kid} = { map { $_ => $self->conf('token', '--kid', $_) } qw(HS256 ES256) };
	open my $in, '<', "$self->{prefix}/settings" or die "$self->{prefix}/settings: $!\n";
	my %setting = map { /^(\w+)=(.*)/ ? ($1 => $2) : () } <$in>;
	@$self{qw(port pgport workers)} = @setting{qw(PORT PGPORT WORKERS)};
	$self->{prefix} = readlink $self->{prefix} if -l $self->{prefix};
	return;
}

sub conf ($self, $script, @arguments) {
	my $text = capture({ env => $self->{env} }, "$self->{top}/conf/$script", @arguments);
	chomp $text;
	return $text;
}

sub stop ($self) {
	$_->stop for @{ $self->{others} };
	return unless delete $self->{up};
	run_or_die({ env => $self->{env} }, "$self->{top}/conf/stop");
	return;
}

sub remove ($self) {
	$self->{up} = 1;
	$self->stop;
	my @paths = -l $self->{prefix} ? (readlink $self->{prefix}) : ();
	run_or_die('rm', '-rf', @paths, $self->{prefix});
	return;
}

sub psql ($self, $sql, %o) {
	my $text = capture({ env => { PSQLRC => '/dev/null', PGOPTIONS => '-c client_min_messages=warning' } },
		'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', defined $o{out} ? ('-o', $o{out}) : (),
		'-d', $o{dsn} // $self->{dsn}, '-c', $sql);
	chomp $text;
	return $text;
}

# What is measured is durable, or it is not measured.
sub check_durable ($self) {
	for my $setting (qw(fsync synchronous_commit full_page_writes)) {
		my $value = $self->psql("SHOW $setting");
		die "$setting is $value\n" if $value ne 'on';
	}
	return;
}

sub token ($self, %claims) {
	local $self->{env}{ROLE} = $claims{role};
	local $self->{env}{ORG}  = $claims{org} // '';
	local $self->{env}{SUB}  = $claims{sub} // '';
	return $self->conf('token');
}

# One request with a JSON body; dies unless it succeeds.
sub call ($self, $method, $path, $token, $body = undef) {
	$self->{http} //= HTTP::Tiny->new(timeout => 30);
	my $answer = $self->{http}->request($method, "http://127.0.0.1:$self->{port}$path", {
		headers => {
			Authorization => "Bearer $token",
			defined $body ? ('Content-Type' => 'application/json') : (),
			$method eq 'POST' ? ('Idempotency-Key' => sprintf 'bench-%.6f-%d', time, ++$self->{calls}) : (),
		},
		defined $body ? (content => $json->encode($body)) : (),
	});
	die "$method $path: $answer->{status} $answer->{content}\n" unless $answer->{success};
	return $answer->{content} ? $json->decode($answer->{content}) : {};
}

sub organizer ($self) {
	return $self->{organizer} //= do {
		my $made = $self->call(POST => '/v1/organizers', $self->token(role => 'admin'),
			{ slug => sprintf('bench-%d-%d', time, $$), name => 'Bench' });
		$self->{organizer_token} = $self->token(role => 'organizer', org => $made->{id}, sub => 'bench');
		$made->{id};
	};
}

# event(capacity => N, sessions => N): a published event with one free ticket type "general" in a session
# pool; its id. Sessions have the keys s0, s1, ….
sub event ($self, %o) {
	my @sessions = map { { key => "s$_", starts_at => '2099-06-24T12:00:00+01:00' } } 0 .. ($o{sessions} // 1) - 1;
	return $self->event_of({
		name => 'Bench', currency => 'GBP', zone => 'Europe/London', locale => 'en-GB',
		slug         => sprintf('bench-%d-%d-%d', time, $$, ++$self->{events}),
		sessions     => \@sessions,
		pools        => [ { key => 'house', name => 'House', scope => 'session', capacity => $o{capacity} } ],
		ticket_types => [ { key => 'general', name => 'General admission', price => 0, pools => ['house'] } ],
	});
}

# A published event from a document as the API takes it; its id.
sub event_of ($self, $document) {
	my $organizer = $self->organizer;
	my $event = $self->call(POST => "/v1/organizers/$organizer/events", $self->{organizer_token}, $document);
	$self->call(POST => "/v1/events/$event->{id}/publish", $self->{organizer_token});
	return $event->{id};
}

# Takes all sales away, so that runs begin alike. The worker may stand in the way with tables
# locked in an order of its own, and either may be the one that gives up.
sub reset ($self) {
	for my $left (reverse 0 .. 4) {
		last if eval { $self->psql(<<~"SQL"); 1 };
			SET lock_timeout = '20s';
			TRUNCATE $hot;
			UPDATE boxoffice.stock SET held = 0, pending = 0, sold = 0, blocked = 0
			 WHERE held <> 0 OR pending <> 0 OR sold <> 0 OR blocked <> 0
			SQL
		die $@ unless $left && $@ =~ /deadlock detected/;
	}
	$self->psql('VACUUM boxoffice.stock');
	return;
}

# Differences that the two checks find in an event: a list of lines, empty when all is well.
sub differences ($self, $event) {
	return split /\n/, $self->psql(<<~"SQL");
		SELECT 'check_inventory ' || c::text FROM boxoffice.check_inventory($event) AS c
		UNION ALL
		SELECT 'check_orders ' || c::text FROM boxoffice.check_orders($event) AS c
		SQL
}

sub pids ($self) {
	my %pid;
	open my $in, '<', "$self->{prefix}/data/postmaster.pid" or die "no postmaster.pid: $!\n";
	($pid{postgres} = <$in>) =~ s/\D//g;
	my ($web) = grep { -s } "$self->{socket}/../web/nginx.pid";
	die "no nginx.pid beside $self->{socket}\n" unless $web;
	open $in, '<', $web or die "$web: $!\n";
	($pid{nginx} = <$in>) =~ s/\D//g;
	return %pid;
}

# CPU time used so far, in microseconds, of nginx and of PostgreSQL.
sub cpu ($self) {
	my %pid = $self->pids;
	return map { $_ => cpu_us($pid{$_}) } keys %pid;
}

sub key_file ($self, $alg) {
	return "$self->{prefix}/keys/" . ($alg eq 'HS256' ? 'hs256.key' : 'es256.pem');
}

1;
