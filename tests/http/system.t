# What operators and machines look at: health, readiness, metrics, the contract, and the way from a request to
# its lines in PostgreSQL's log.

use v5.36;
use lib 'tests/lib';
use Boxoffice::Test;
use Cpanel::JSON::XS qw(decode_json);
use IO::Socket::IP   ();

my $t    = Boxoffice::Test->start;
my $http = $t->http;
# unlike $http, for what the contract does not know
my $plain = Boxoffice::Http->new(host => $t->server->{host}, port => $t->server->{port});

is_status($http->get('/healthz'), 200, '/healthz');
is_status($http->get('/readyz'), 200, '/readyz');

subtest 'the contract' => sub {
	my $a = $http->get('/v1/openapi.json');
	is_status($a, 200, '/v1/openapi.json');
	is_deeply($a->json, decode_json(Boxoffice::Server::_slurp("$Boxoffice::Server::TOP/build/openapi.json")), 'is what the build made');
	is($a->json->{openapi}, '3.1.0', 'OpenAPI 3.1');
	ok($a->header('ETag'), 'with an ETag');
	is_status($http->get('/v1/openapi.json', match => $a->header('ETag')), 304, 'that is known again');
};

subtest 'metrics' => sub {
	my $event = $t->event;
	$t->hold($event) for 1 .. 5;
	my $a = $http->get('/metrics');
	is_status($a, 200, '/metrics');
	like($a->header('Content-Type'), qr{^text/plain}, 'as text');
	my %type;
	for my $line (split /\n/, $a->body) {
		if ($line =~ /^# TYPE (\S+) (\S+)$/) { $type{$1} = $2; next }
		next if $line =~ /^# (HELP|EOF)/;
		ok($line =~ /^([a-zA-Z_:][a-zA-Z0-9_:]*?)(?:_bucket|_sum|_count)?(\{[a-zA-Z0-9_]+="[^"\\\n]*"(?:,[a-zA-Z0-9_]+="[^"\\\n]*")*\})? (-?[0-9.eE+-]+|\+Inf|NaN)$/, "well-formed: $line") or next;
		ok($type{$1} // $type{"$1_count"} // $type{"$1_sum"}, "typed: $line") unless $type{ (split /[ {]/, $line)[0] };
	}
	like($a->body, qr/^boxoffice_batch_bisect_total(\{[^}]*\})? 0$/m, 'batches that failed as a whole: none');
	unlike($a->body, qr/nginx_?version/, 'nothing that helps nobody');
};

# The last value of a worker that there is no more was counted for ever.
subtest 'fewer workers' => sub {
	my $server = $t->server;
	my $event  = $t->event;
	is_deeply([ grep { $_->status != 201 } $http->all(map { [ POST => "/v1/events/$event->{id}/holds", { json => { items => [ { ticket_type => 'general', quantity => 1 } ] } } ] } 1 .. 40) ],
		[], 'each worker has had calls');
	cmp_ok($t->metric('boxoffice_lanes'), '>', 1, 'and has lanes');
	my $conf = Boxoffice::Server::_slurp($server->nginx_conf);
	my $set  = sub ($text) { open my $out, '>', $server->nginx_conf or die $!; print {$out} $text; close $out or die $!; $server->nginx_reload };
	my @old  = $server->worker_pids;
	$set->($conf =~ s/^worker_processes \d+;/worker_processes 1;/mr);
	wait_until(sub { my %is = map { $_ => 1 } $server->worker_pids; !grep { $is{$_} } @old }, 'the old workers have gone', 60);
	is($t->metric('boxoffice_lanes'), 0, 'the one that came has none');
	wait_until(sub { $t->metric('boxoffice_connections_open') == $server->{pool} }, 'it has its connections', 60);
	is($t->metric('boxoffice_connections_open'), $server->{pool}, '… and no more are counted');
	# from here on all that PostgreSQL says is told
	$set->($conf =~ s/^(error_log \S+) notice;/$1 info;/mr);
	$http->forget;
};

# What nginx says of a configuration with that line for the database.
sub verdict_with ($line) {
	my $server = $t->server;
	my $file   = "$server->{prefix}/other.conf";
	open my $out, '>', $file or die "$file: $!\n";
	print {$out} Boxoffice::Server::_slurp($server->nginx_conf) =~ s/^\s*boxoffice_database .*\n/$line\n/mr;
	close $out or die "$file: $!\n";
	return $server->nginx_verdict($file);
}

subtest 'which database' => sub {
	like(verdict_with(''), qr/\[emerg\].*needs "boxoffice_database"/, 'none: is said when nginx starts, not when it crashes');
	for ('host=/run/postgresql', 'host=127.0.0.1', 'host=::1', 'hostaddr=127.0.0.1', 'host=db.example hostaddr=127.0.0.1 sslmode=verify-full') {
		like(verdict_with(qq(boxoffice_database "$_";)), qr/test is successful/, $_);
	}
	for ('host=db.example', 'hostaddr=db.example', 'host=db.example hostaddr=db.example') {
		like(verdict_with(qq(boxoffice_database "$_";)), qr/\[emerg\].*neither a directory nor a numeric address/, "$_: a look-up would block");
	}
	for ('host=127.0.0.1,127.0.0.2', 'host=a,b hostaddr=127.0.0.1,127.0.0.2') {
		like(verdict_with(qq(boxoffice_database "$_";)), qr/\[emerg\].*more than one host/, "$_: the one after the other would block");
	}
};

subtest 'what nginx.conf says twice, or without what it needs' => sub {
	my $server = $t->server;
	my $file   = "$server->{prefix}/wrong.conf";
	my $said   = sub ($change) {
		my $conf = Boxoffice::Server::_slurp($server->nginx_conf);
		my $new  = $change->($conf);
		isnt($new, $conf, 'nginx.conf is another');
		open my $out, '>', $file or die "$file: $!\n";
		print {$out} $new;
		close $out or die "$file: $!\n";
		return $server->nginx_verdict($file);
	};
	like($said->(sub ($conf) { $conf =~ s/^(\s*boxoffice_lane batch=\d+)/$1 batch=8/mr }), qr/duplicate parameter "batch=8"/, 'a parameter twice');
	like($said->(sub ($conf) { $conf =~ s/^(\s*boxoffice_token issuer=\S+ .*\n)/$1boxoffice_token issuer=other;\n/mr }), qr/duplicate parameter "issuer=other"/, '… in another line');
	like($said->(sub ($conf) { $conf =~ s/^\s*boxoffice_deny_zone .*\n//mr }), qr/"boxoffice deny" needs "boxoffice_deny_zone"/, 'a list of denied tokens that has no place');
};

# A block inside of a location has a configuration of its own, which knew of no cache, or only of the cache.
subtest 'if and limit_except' => sub {
	my $event = $t->event;
	my $path  = "/v1/events/$event->{id}";
	$t->server->nginx_change(sub ($text) { $text =~ s/(location \/ \{\s+boxoffice api;)/$1 if (\$http_x_probe) { add_header X-Probe seen; } limit_except GET { deny 192.0.2.1; }/r });
	is_status($t->hold($event), 201, 'what is in limit_except is still ours');
	my $looked = $t->metric('boxoffice_cache_total');
	for (1, 2) {
		my $a = $http->get($path, headers => [ 'X-Probe' => 1 ]);
		is_status($a, 200, "GET $path");
		is($a->header('X-Probe'), 'seen', '… in the block');
	}
	is($t->metric('boxoffice_cache_total') - $looked, 2, 'and what is in if is still cached');
};

# What `promtool check metrics` would say: conventions of Prometheus, and what its parser refuses.
subtest 'metrics as Prometheus wants them' => sub {
	my $text = $http->get('/metrics')->body;
	like($text, qr/\n\z/, 'the last line ends');
	my (%help, %type, %series, @wrong);
	my $family = '';
	for my $line (split /\n/, $text) {
		if (my ($name, $help) = $line =~ /^# HELP (\S+) (.+)$/) {
			push @wrong, "$name: HELP twice" if $help{$name}++;
			push @wrong, "$name: a sentence" if $help !~ /^[A-Z].*\.$/;
			$family = $name;
		}
		elsif ($line =~ /^# TYPE (\S+) (counter|gauge|histogram)$/) {
			push @wrong, "$1: TYPE without HELP before it" if $1 ne $family || $type{$1};
			$type{$1} = $2;
		}
		elsif ($line =~ /^(\w+)(\{.*\})? (\S+)$/) {
			my ($name, $labels, $value) = ($1, $2 // '', $3);
			my $of = ($type{$family} // '') eq 'histogram' ? $name =~ s/_(?:bucket|sum|count)$//r : $name;
			push @wrong, "$name: stands with $family" if $of ne $family;
			push @wrong, "$name$labels: twice" if $series{"$name$labels"}++;
			push @wrong, "$name: below 0" if $type{$family} ne 'gauge' && $value < 0;
		}
		else { push @wrong, "not a line: $line" }
	}
	for my $name (sort keys %type) {
		push @wrong, "$name: not ours" if $name !~ /^boxoffice_[a-z]+(?:_[a-z]+)*$/;
		push @wrong, "$name: a $type{$name}" if ($type{$name} eq 'counter') != ($name =~ /_total$/);
		push @wrong, "$name: its unit is no base unit" if $name =~ /_(?:ms|msec|milliseconds|minutes|kb|mb|kilobytes|percent)(?:_|$)/;
		push @wrong, "$name: its name has its type in it" if $name =~ /_(?:counter|gauge|histogram)(?:_|$)/;
	}
	is_deeply(\@wrong, [], 'names, types, order, no series twice');
	my %count;
	for (grep { /_bucket\{/ } split /\n/, $text) {
		my ($of, $le, $n) = /^(\w+_bucket\{(?:.*,)?)le="([^"]+)"\} (\d+)$/ or fail("a bucket: $_"), next;
		push @{ $count{$of} }, [ $le, $n ];
	}
	cmp_ok(scalar keys %count, '>', 2, 'histograms');
	for my $of (sort keys %count) {
		my @bucket = @{ $count{$of} };
		my ($name, $labels) = $of =~ /^(\w+)_bucket\{(.*?),?$/;
		push @wrong, "$of: not in order" if grep { $_ && ($bucket[$_][1] < $bucket[ $_ - 1 ][1] || $bucket[$_][0] ne '+Inf' && $bucket[$_][0] <= $bucket[ $_ - 1 ][0]) } 0 .. $#bucket;
		my $count = $name . '_count' . ($labels ne '' ? "{$labels}" : '') . " $bucket[-1][1]";
		push @wrong, "$of: $count is not there" if $bucket[-1][0] ne '+Inf' || $text !~ /^\Q$count\E$/m;
	}
	is_deeply(\@wrong, [], 'buckets rise to +Inf, which is their count');
};

subtest 'a request id leads to the log' => sub {
	my $event = $t->event;
	my $a  = $t->hold($event);
	my $id = $a->header('X-Request-Id');
	like($id, qr/^[0-9A-Za-z._-]{8,}$/, 'an answer has one');
	my $p = $t->hold($event, quantity => 0);
	is($p->json->{request_id}, $p->header('X-Request-Id'), 'a problem names its own');
	isnt($p->json->{request_id}, $id, 'each has another');
	# A statement that takes too long under a lock of somebody else leaves a line with the request's id.
	my $dbh = $t->server->connect;
	$t->expect_log(qr/lock|deadline|canceling/);
	$dbh->begin_work;
	$dbh->do('SELECT 1 FROM boxoffice.inventory_group WHERE event_id = ? FOR UPDATE', undef, $event->{id});
	my $late = $t->hold($event);
	$dbh->rollback;
	like($late->status . ' ' . $late->code, qr/^50[34] (lock_timeout|deadline|unavailable)$/, 'a lock that somebody keeps');
	cmp_ok($late->header('Retry-After') // 1, '>=', 1, 'says when to ask again');
	my $want = $late->json->{request_id};
	wait_until(sub {
		grep { Boxoffice::Server::_slurp($_) =~ /\Q$want\E/ } glob $t->server->{prefix} . '/log/postgresql-*.log';
	}, 'its id stands in PostgreSQL\'s log');
	pass('its id stands in PostgreSQL\'s log');
	is_status($t->hold($event), 201, 'the next is served');
};

subtest 'what a client sends as its request id' => sub {
	my $a = $http->get('/healthz', headers => [ 'X-Request-Id' => "evil\" ; DROP" ]);
	unlike($a->header('X-Request-Id') // '', qr/evil"/, 'is not taken as it is');
};

subtest 'answers say little of the machine' => sub {
	my $a = $http->get('/nothing');
	is_problem($a, 404, 'not_found', 'an address that is none');
	unlike($a->{raw}, qr{nginx/\d}, 'no version of nginx');
};

# A Range past the end was 500, and anybody could ask for it.
is_status($http->get('/v1/openapi.json', headers => [ Range => 'bytes=99999999-' ]), 200, 'a part of the contract is all of it');

# Functions that are deployed anew while nginx runs.
subtest 'another contract' => sub {
	$t->expect_log(qr/no connection to PostgreSQL: TK907/);
	my $dbh = $t->server->connect;
	my ($args) = $dbh->selectrow_array(q{SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = 'dispatch' AND pronamespace = 'boxoffice_code'::regnamespace});
	$dbh->begin_work;
	$dbh->do("ALTER FUNCTION boxoffice_code.dispatch RENAME TO dispatch_before");
	$dbh->do("CREATE FUNCTION boxoffice_code.dispatch($args) RETURNS SETOF record LANGUAGE plpgsql AS \$\$ BEGIN EXECUTE E'DO \$x\$ BEGIN\\n RAISE EXCEPTION ''of another contract'' USING ERRCODE = ''TK907''; END \$x\$'; END \$\$");
	$dbh->commit;
	my $event = { id => 1 };
	is_problem($t->hold($event), 503, 'contract_mismatch', 'a call');
	# a worker hears of it with its next call
	my $each = sub ($path) { map { $plain->forget; $plain->get($path)->status } 1 .. 20 };
	wait_until(sub { $each->('/v1/orders/A-BCDEFG'); !grep { $_ != 503 } $each->('/readyz') }, 'no worker is ready', 60);
	is_problem($http->get('/readyz'), 503, 'contract_mismatch', 'not ready');
	# not dropped: who has just looked it up may still call it
	$dbh->begin_work;
	$dbh->do("ALTER FUNCTION boxoffice_code.dispatch RENAME TO dispatch_other");
	$dbh->do("ALTER FUNCTION boxoffice_code.dispatch_before RENAME TO dispatch");
	$dbh->commit;
	wait_until(sub { !grep { $_ != 200 } $each->('/readyz') }, 'ready again by itself', 60);
	is_status($http->get('/readyz'), 200, 'ready again');
	my @torn = grep { !/^\d{4}\/\d\d\/\d\d / } split /\n/, Boxoffice::Server::_slurp($t->server->nginx_log);
	is_deeply(\@torn, [], 'what PostgreSQL says in several lines is one in the log');
};

subtest 'throttled, and other refusals of nginx\'s own' => sub {
	$t->expect_log(qr/limiting requests|connect\(\) to unix:\S* failed/);
	my $event = $t->event;
	$t->server->nginx_change(sub ($text) {
		$text =~ s[(location = /healthz \{)][location = /v1/sessions { boxoffice api; proxy_pass http://unix:/nowhere.sock; }\n$1 auth_basic operators; auth_basic_user_file /dev/null;];
		$text =~ s/^(    limit_req_status 429;)/    limit_req_zone \$binary_remote_addr zone=address:1m rate=1r\/m;\n$1/mr
			=~ s/(boxoffice api;)/$1 limit_req zone=address burst=2 nodelay;/r;
	});
	my @answers = $http->all(map { [ GET => "/v1/events/$event->{id}" ] } 1 .. 20);
	my ($refused) = grep { $_->status == 429 } @answers;
	is_problem($refused, 429, 'throttled', 'too many requests from one address');
	cmp_ok($refused->header('Retry-After'), '>=', 1, 'with when to ask again') if $refused;
	cmp_ok(scalar(grep { $_->status == 200 } @answers), '>=', 1, 'some are served');
	my $gone  = $plain->get('/v1/sessions', headers => [ Origin => 'https://shop.example' ]);
	is($gone->status . ' ' . $gone->code, '503 unavailable', 'an origin that is gone');
	for my $name ('X-Request-Id', 'Access-Control-Allow-Origin', 'X-Content-Type-Options', 'Cache-Control') {
		is(scalar(() = $gone->{raw} =~ /^\Q$name\E:/mig), 1, "… has one $name");
	}
	is($gone->json->{request_id}, $gone->header('X-Request-Id'), '… and one id');
	my $who = $plain->get('/healthz');
	is($who->status . ' ' . $who->code, '401 token_missing', 'a password that nginx wants');
	like($who->{raw}, qr/^WWW-Authenticate: Basic realm="operators"/mi, '… is asked for');
};

# It was, so that every `make run` that did not name another failed as well.
subtest 'a port that cannot be had is not remembered' => sub {
	my $server = $t->server;
	my $kept   = Boxoffice::Server::_slurp("$server->{prefix}/settings");
	my $other  = IO::Socket::IP->new(LocalHost => $server->{host}, LocalPort => 0, Listen => 1) or die "no port: $!\n";
	my $conf   = Boxoffice::Server::_slurp($server->nginx_conf);
	for my $port (70_000, 'http', 0, $other->sockport) {
		local %ENV = (%ENV, $server->env, PORT => $port);
		my $said = `$Boxoffice::Server::TOP/conf/run nginx 2>&1`;
		isnt($?, 0, "PORT=$port");
		like($said, qr/^boxoffice: .*PORT/m, '… is refused by its name');
		is_deeply([ sort split /\n/, Boxoffice::Server::_slurp("$server->{prefix}/settings") ], [ sort split /\n/, $kept ], '… and forgotten');
	}
	local %ENV = (%ENV, $server->env, PORT => Boxoffice::Server::_free_port(), NGINX_BIN => 'false');
	like(`$Boxoffice::Server::TOP/conf/run nginx 2>&1`, qr/refuses its configuration/, 'a configuration that nginx refuses');
	is(Boxoffice::Server::_slurp($server->nginx_conf), $conf, '… is not put in the place of the one that it has');
	is_status($http->get('/v1/openapi.json'), 200, 'nginx runs on');
};

# The run that renewed it came no further, and the next found nothing to renew: nginx went on with the old one, whose contract
# the database no longer knew.
subtest 'a module that was renewed before nginx refused its configuration is loaded by the next run' => sub {
	my $server = $t->server;
	my $module = "$server->{prefix}/nginx/ngx_http_boxoffice_module.so";
	# As the kernel has it, of a file that was loaded and is no longer there under its name.
	my $is_old = sub { return Boxoffice::Server::_slurp('/proc/' . $server->nginx_pid . '/maps') =~ /_boxoffice_module\.so \(deleted\)$/m ? 1 : 0 };
	my $run = sub (%o) {
		local %ENV = (%ENV, $server->env, %o);
		my $said = `$Boxoffice::Server::TOP/conf/run nginx 2>&1`;
		$server->_adopt_nginx;
		return $said;
	};
	$server->nginx_stop;
	open my $out, '>>:raw', $module or die "$module: $!\n";
	print {$out} "an older one";
	close $out or die "$module: $!\n";
	$server->nginx_start;
	my $size = -s $module;
	is($is_old->(), 0, 'a module runs');
	like($run->(NGINX_BIN => 'false'), qr/refuses its configuration/, 'nginx refuses its configuration');
	isnt(-s $module, $size, '… when the module is renewed');
	is($is_old->(), 1, '… and the one before runs on');
	my $said = $run->();
	is($?, 0, 'the next run') or diag $said;
	is($is_old->(), 0, '… loads it');
	my $pid = $server->nginx_pid;
	$run->();
	is($server->nginx_pid, $pid, 'one more has nothing to do');
	is_status($http->get('/readyz'), 200, 'and all is well');
};

$t->finish;
