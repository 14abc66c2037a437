#!/usr/bin/perl
#
# restore.t
#		A dump and its restore lose nothing: rows, keys, secrets that match, and a sale that goes on.
use v5.36;
use JSON::PP qw(decode_json);
use Test::More;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../lib';
use Boxoffice::Cluster;

# Two servers: a dump is for the day on which the first is gone.
my $cluster = Boxoffice::Cluster->start;
my $another = Boxoffice::Cluster->start;
my %server  = (sold => $cluster, restored => $another);
$server{$_}->create($_) for keys %server;
$cluster->deploy('sold');

sub sql ($database, @statements) { return $server{$database}->sql($database, @statements) }

# ---- a sale ----

system("'$Boxoffice::Cluster::TOP/conf/demo/load' '" . $cluster->dsn('sold') . "' >/dev/null") == 0
	or die "the demo is not loaded\n";
my ($event) = sql('sold', q{SELECT id FROM boxoffice.event WHERE slug = 'open-house'}) =~ /(\d+)/;

sub hold ($database, $quantity) {
	return decode_json(sql($database,
		qq{SELECT api.hold_create($event, '[{"ticket_type": "visitor", "session": "saturday", "quantity": $quantity}]')}));
}

sub order ($database, $hold, $name) {
	return decode_json(sql($database, qq{
		SELECT api.order_create(event => $event, hold => '$hold->{id}', secret => '$hold->{secret}',
			contact => '{"name": "$name", "email": "$name\@example.com"}', idempotency_key => '$name')}));
}

my $held   = hold('sold', 3);
my $bought = hold('sold', 2);
my $order  = order('sold', $bought, 'ann');
is($order->{status}, 'paid', 'an order is there to be kept');

# ---- dump, restore ----

my $dump = "$cluster->{prefix}/sold.dump";
my ($from, $to) = map { $server{$_}->dsn($_) } qw(sold restored);
my $globals = "$cluster->{prefix}/globals.sql";
is(system("pg_dumpall --globals-only -f '$globals' -d '$from' 2>&1"), 0, 'roles are dumped');
like(scalar `psql -XAtq -d '$to' -f '$globals' 2>&1`, qr/^(?:[^\n]*role "postgres" already exists\n)?\z/, 'they are restored');
is(system("pg_dump -Fc -f '$dump' '$from' 2>&1"), 0, 'it is dumped');
is(scalar `pg_restore --exit-on-error -d '$to' '$dump' 2>&1`, '', 'it is restored, without a word');

sub contents ($database) {
	my $tables = sql($database, q{
		SELECT string_agg(format('SELECT %L AS name, count(*), md5(string_agg(t::text, %L ORDER BY t::text)) FROM %s AS t', c.oid::regclass, '|', c.oid::regclass), ' UNION ALL ')
		  FROM pg_class AS c
		 WHERE c.relnamespace = 'boxoffice'::regnamespace AND c.relkind = 'r'});
	return sql($database, "SELECT * FROM ($tables) AS counted ORDER BY name");
}

is(contents('restored'), contents('sold'), 'every row of every table is there');
is(sql('restored', q{
	SELECT p.oid::regprocedure FROM pg_proc AS p
	 WHERE p.prosecdef AND p.proowner NOT IN ('boxoffice_code'::regrole, 'boxoffice_owner'::regrole)
	   AND p.pronamespace::regnamespace::text IN ('boxoffice', 'boxoffice_code', 'api')}), '',
	'nothing acts as the superuser who restored it');

# ---- secrets match, and the sale goes on ----

my $seen = decode_json(sql('restored', qq{SELECT api.hold_get($event, $held->{id}, secret => '$held->{secret}')}));
is($seen->{status}, 'active', 'the secret of a hold opens it');
my $tickets = sql('restored', qq{SELECT api.ticket_list($event, $order->{id}, secret => '$order->{secret}')});
is(() = $tickets =~ /"valid"/g, 2, 'the secret of an order too');
is(order('restored', $bought, 'ann')->{code}, $order->{code}, 'an idempotency key of before gives the answer of before');
is(order('restored', $held, 'bob')->{status}, 'paid', 'a hold of before becomes an order');
is(hold('restored', 1)->{status}, 'active', 'and places are held');
is(sql('restored', "SELECT * FROM boxoffice.check_inventory($event)"), '', 'the inventory agrees');
is(sql('restored', "SELECT * FROM boxoffice.check_orders($event)"), '', 'the orders agree');

# ---- deploy finds nothing that matters ----

$another->deploy('restored');
is($another->deploy('restored'), "deploy: nothing to do\n", 'deploy is content with it');
ok($another->schema('restored') eq $cluster->schema('sold'), 'and it is what it was');

# ---- dropping the extension under a sale ----

my $rows = contents('sold');
sql('sold', 'DROP EXTENSION boxoffice CASCADE');
is(contents('sold'), $rows, 'DROP EXTENSION CASCADE loses no row');
$cluster->deploy('sold');
is(contents('sold') =~ s/^boxoffice\.deployed.*\n//mr, $rows =~ s/^boxoffice\.deployed.*\n//mr, '… nor does the deploy after it');
$seen = decode_json(sql('sold', qq{SELECT api.hold_get($event, $held->{id}, secret => '$held->{secret}')}));
is($seen->{status}, 'active', '… and the sale goes on');
is(order('sold', $held, 'cid')->{status}, 'paid', '… to the end');

done_testing();
