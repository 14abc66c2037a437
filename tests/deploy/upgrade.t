#!/usr/bin/perl
#
# upgrade.t
#		sql/deploy: fresh and upgraded databases are identical, a second run changes nothing, what somebody broke is
#		repaired, and what can't be done safely is refused.
use v5.36;
use Test::More;
use POSIX       ();

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../lib';
use Boxoffice::Cluster;

my $cluster = Boxoffice::Cluster->start;

sub slurp ($file) {
	open my $in, '<', $file or die "$file: $!\n";
	local $/;
	return scalar <$in>;
}

# Changes a file of a copied tree; dies if there is nothing to change, so that a test can't go stale.
sub edit ($file, $from, $to) {
	my $text = slurp($file);
	$text =~ s/$from/$to/ or die "$file has no $from\n";
	append($file, '>', $text);
	return;
}

sub append ($file, $mode, $text) {
	open my $out, $mode, $file or die "$file: $!\n";
	print {$out} $text;
	close $out or die "$file: $!\n";
	return;
}

sub same_schema ($got, $wanted, $title) {
	is($cluster->schema_difference($got, $wanted), '', $title);
	return;
}

# ---- fresh, and again ----

$cluster->create($_) for qw(fresh upgraded migrated);
like($cluster->deploy('fresh'), qr/^deploy: code$/m, 'a fresh database is deployed');
is($cluster->deploy('fresh'), "deploy: nothing to do\n", 'a second run has nothing to do');
$cluster->create("$_ TEMPLATE fresh") for qw(untouched doubled);
my $keys = $cluster->sql('fresh', 'SELECT purpose, kid, key FROM boxoffice.secret_key ORDER BY purpose');
is(() = $keys =~ /\n/g, 2, 'there are keys');

# ---- an older tree, upgraded ----

my $old = $cluster->tree('old');
edit("$old/sql/venue/functions.sql", qr/venue_find\(organizer bigint, ref text\)/, 'venue_find(owner bigint, ref text)');
edit("$old/sql/venue/functions.sql", qr/venue_find\.organizer/,                    'venue_find.owner');
edit("$old/sql/report/views.sql", qr/       p\.scope,\n/, '');
edit("$old/sql/report/views.sql", qr/COMMENT ON COLUMN report\.inventory\.scope.*?;\n/s, '');
edit("$old/sql/organizer/api.sql", qr/COMMENT ON FUNCTION api\.organizer_get IS '/, "COMMENT ON FUNCTION api.organizer_get IS 'Once: ");
append("$old/sql/event/api.sql", '>>', <<'SQL');
CREATE OR REPLACE FUNCTION api.event_old(event bigint) RETURNS json LANGUAGE sql AS 'SELECT NULL::json';
COMMENT ON FUNCTION api.event_old IS 'Gone since.';
SQL
append("$old/sql/report/views.sql", '>>', "CREATE VIEW report.old AS SELECT 1 AS one;\n");
append("$old/sql/payment/grants.sql", '>>', <<'SQL');
GRANT DELETE ON boxoffice.payment TO boxoffice_code;
GRANT SELECT ON boxoffice.contact TO boxoffice_analyst;
GRANT EXECUTE ON FUNCTION api.event_old TO boxoffice_public, PUBLIC;
SQL
$cluster->deploy('upgraded', $old);
is($cluster->sql('upgraded', q{SELECT has_table_privilege('boxoffice_code', 'boxoffice.payment', 'DELETE')}), "t\n",
	'the older tree was another');
chomp(my $organizer = $cluster->sql('upgraded', q{SELECT api.organizer_create('kept', 'Kept') ->> 'id'}));
$cluster->sql('upgraded', <<"SQL");
SELECT api.event_publish((api.event_create(
    organizer => $organizer, name => 'Kept', currency => 'EUR', zone => 'Europe/Berlin', slug => 'kept',
    sessions => '[{"key": "s", "starts_at": "2040-06-01T10:00:00Z"}]', pools => '[{"key": "p", "name": "P", "scope": "event", "capacity": 1}]',
    ticket_types => '[{"key": "t", "name": "T", "price": 0, "pools": ["p"]}]') ->> 'id')::bigint);
DELETE FROM boxoffice.event_search;
SQL
$keys = $cluster->sql('upgraded', 'SELECT * FROM boxoffice.secret_key ORDER BY purpose');
like($cluster->deploy('upgraded'), qr/^deploy: code$/m, 'it is upgraded');
same_schema('upgraded', 'fresh', 'an upgraded database is identical to a fresh one');
is($cluster->sql('upgraded', 'SELECT * FROM boxoffice.secret_key ORDER BY purpose'), $keys, 'keys are never made anew');
is($cluster->sql('upgraded', "SELECT slug FROM boxoffice.organizer WHERE id = $organizer"), "kept\n", 'data are kept');
is($cluster->sql('upgraded', q{SELECT api.event_list(q => 'kept') #>> '{items,0,slug}'}), "kept\n",
	'… and events that were published before there was a directory are found in it');
is($cluster->deploy('upgraded'), "deploy: nothing to do\n", 'then there is nothing to do');

# ---- what somebody broke ----

$cluster->sql('upgraded', <<'SQL');
CREATE FUNCTION api.intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1';
GRANT UPDATE ON boxoffice.payment TO boxoffice_code;
GRANT SELECT (email) ON boxoffice.contact TO boxoffice_report;
REVOKE EXECUTE ON FUNCTION api.event_get FROM boxoffice_public;
ALTER FUNCTION api.event_list RESET ALL;
DROP FUNCTION api.event_get(text);
DROP VIEW report.sales_by_day;
COMMENT ON FUNCTION api.event_cancel IS NULL;
GRANT CREATE ON SCHEMA api TO boxoffice_service;
SQL
$cluster->deploy('upgraded');
same_schema('upgraded', 'fresh', 'what somebody broke is repaired');

# ---- what a DBA made ----

$cluster->sql('upgraded', <<'SQL');
CREATE ROLE own_reader;
GRANT USAGE ON SCHEMA boxoffice TO own_reader;
GRANT SELECT ON boxoffice.event TO own_reader;
CREATE INDEX own_index ON boxoffice.order (placed_at);
CREATE VIEW public.own_view AS SELECT event, available FROM report.inventory;
SQL
my $changed = $cluster->tree('changed');
edit("$changed/sql/organizer/api.sql", qr/COMMENT ON FUNCTION api\.organizer_get IS '/, "COMMENT ON FUNCTION api.organizer_get IS 'Later: ");
like($cluster->deploy('upgraded', $changed), qr/^deploy: code$/m, 'code changes beneath a view of one\'s own');
is($cluster->sql('upgraded', 'SELECT count(*) FROM public.own_view'), "1\n", '… which stays');
is($cluster->sql('upgraded', q{SELECT has_table_privilege('own_reader', 'boxoffice.event', 'SELECT')}), "t\n",
	'… and so do privileges of one\'s own roles');
my ($status, $said) = $cluster->try_deploy('upgraded', $old);
is($status, 1, 'a column that a view of one\'s own may need is not dropped');
like($said, qr/own_view/, '… and one is told which view');
is($cluster->sql('upgraded', 'SELECT count(*) FROM public.own_view'), "1\n", '… and nothing has changed');
$cluster->sql('upgraded', 'DROP VIEW public.own_view; DROP INDEX boxoffice.own_index; DROP OWNED BY own_reader');
$cluster->deploy('upgraded');
same_schema('upgraded', 'fresh', 'without them it is identical again');

# ---- migrations ----

my $new = $cluster->tree('new');
mkdir "$new/sql/migrations";
append("$new/sql/migrations/9001_order_note.sql", '>', <<'SQL');
ALTER TABLE boxoffice.order ADD COLUMN note text;
COMMENT ON COLUMN boxoffice.order.note IS 'What the organizer notes.';
SQL
append("$new/sql/migrations/9002_order_placed_at.sql", '>', <<'SQL');
-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.order_placed_at_idx;
CREATE INDEX CONCURRENTLY order_placed_at_idx ON boxoffice.order (placed_at);
SQL
like($cluster->deploy('migrated', $new), qr/9001_order_note.*9002_order_placed_at/s, 'a fresh database gets the migrations too');
like($cluster->deploy('upgraded', $new), qr/9001_order_note.*9002_order_placed_at/s, 'an older one is migrated');
same_schema('upgraded', 'migrated', 'migrated and fresh are identical');
is($cluster->deploy('upgraded', $new), "deploy: nothing to do\n", 'each migration runs once');
$cluster->sql('upgraded', q{DELETE FROM boxoffice.migration WHERE name LIKE 'migrations/9002%'});
like($cluster->deploy('upgraded', $new), qr/9002/, 'a concurrent one that was interrupted is run again');
same_schema('upgraded', 'migrated', '… with the same result');

my $unique = $cluster->tree('unique');
mkdir "$unique/sql/migrations";
append("$unique/sql/migrations/9001_name.sql", '>', <<'SQL');
-- concurrently
CREATE UNIQUE INDEX CONCURRENTLY organizer_name_idx ON boxoffice.organizer (name);
SQL
$cluster->sql('doubled', "SELECT api.organizer_create('a' || n, 'Same') FROM generate_series(1, 2) AS n");
my ($broke) = $cluster->try_deploy('doubled', $unique);
is($broke, 1, 'an index that can not be built is an error');
$cluster->sql('doubled', "DELETE FROM boxoffice.member; DELETE FROM boxoffice.organizer WHERE slug = 'a2'");
append("$unique/sql/migrations/9001_name.sql", '>', "-- concurrently\nSELECT 1;\n");
my ($still, $why) = $cluster->try_deploy('doubled', $unique);
like($why, qr/an index in schema boxoffice is not valid/, '… and what it left is not passed over');

# A sale in progress holds a lock: the migration lets it pass and comes again.
append("$new/sql/migrations/9003_order_flag.sql", '>', "ALTER TABLE boxoffice.order ADD COLUMN flag boolean;\n");
my $sale = $cluster->connect('upgraded');
$sale->begin_work;
$sale->do('LOCK TABLE boxoffice.order IN ROW EXCLUSIVE MODE');
my $pid = fork // die "fork: $!";
if (!$pid) {
	my $deployed = eval { $cluster->deploy('upgraded', $new) };
	POSIX::_exit($deployed && $deployed =~ /9003/ ? 0 : 1);
}
my $waiting = $sale->prepare(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'boxoffice.order'::regclass});
my $seen = $cluster->wait_for(60, sub { $sale->selectrow_array($waiting) });
my $gave_way = $seen && $cluster->wait_for(60, sub { !$sale->selectrow_array($waiting) });
$sale->rollback;
waitpid $pid, 0;
ok($gave_way, 'a migration waits no longer than its lock timeout') or diag($seen ? 'it went on waiting' : 'it never waited');
is($?, 0, '… and is done when the lock is free');
$sale->disconnect;

# ---- what is refused ----

append("$new/sql/event/tables.sql", '>>', "-- changed\n");
($status, $said) = $cluster->try_deploy('upgraded', $new);
is($status, 1, 'a table\'s file that was changed after it was run is refused');
like($said, qr{sql/event/tables\.sql was changed.*write a migration}, '… and the way out is told');

my $newer = $cluster->tree('newer');
edit("$newer/sql/MANIFEST", qr/^library \d+$/m, 'library 999');
($status, $said) = $cluster->try_deploy('upgraded', $newer);
is($status, 1, 'a library older than the SQL is refused');
like($said, qr/needs library 999/, '… and it is said what is needed');
$cluster->create('unready');
($status, $said) = $cluster->try_deploy('unready', $newer);
is($status, 1, 'in a fresh database too');

my $broken = $cluster->tree('broken');
append("$broken/sql/event/api.sql", '>>', <<'SQL');
CREATE FUNCTION api.broken() RETURNS bigint LANGUAGE sql AS 'SELECT id FROM boxoffice.nothing';
SQL
($status, $said) = $cluster->try_deploy('fresh', $broken);
is($status, 1, 'a body that names what is not there is refused');
is($cluster->sql('fresh', q{SELECT to_regprocedure('api.broken()') IS NULL}), "t\n", '… and nothing of it stays');
($status, $said) = $cluster->try_deploy('fresh', "$cluster->{prefix}/nowhere");
isnt($status, 0, 'a tree that is not there is no success');
$cluster->sql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
($status, $said) = $cluster->try_deploy('latin');
like($said, qr/the encoding of the database is LATIN1/, 'another encoding than UTF8 is refused');
is(system("'$Boxoffice::Cluster::TOP/sql/deploy' --help >/dev/null 2>&1") >> 8, 2, 'wrong arguments are told apart');

# ---- the extension goes, and comes back ----

my $rows = counts('fresh');
$cluster->sql('fresh', 'DROP EXTENSION boxoffice CASCADE');
is(counts('fresh'), $rows, 'DROP EXTENSION CASCADE loses no table and no row');
like($cluster->deploy('fresh'), qr/^deploy: code$/m, 'and deploy brings it back');
same_schema('fresh', 'untouched', '… to what it was');

# ---- who deploys need not be a superuser once roles and extension are there ----

$cluster->sql('fresh', <<'SQL');
CREATE ROLE deployer IN ROLE boxoffice_owner, boxoffice_code, boxoffice_report;
GRANT CREATE ON DATABASE fresh TO deployer;
SQL
($status, $said) = $cluster->try_deploy('fresh', $changed, PGOPTIONS => '-c role=deployer');
is($status, 0, 'a member of the owners can deploy') or diag($said);
like($cluster->sql('fresh', q{SELECT obj_description('api.organizer_get'::regproc)}), qr/^Later: /, '… other code');

sub counts ($database) {
	my $tables = $cluster->sql($database, q{
		SELECT string_agg(format('SELECT %L, count(*) FROM %s', c.oid::regclass, c.oid::regclass), ' UNION ALL ' ORDER BY c.relname)
		  FROM pg_class AS c WHERE c.relnamespace = 'boxoffice'::regnamespace AND c.relkind = 'r'});
	return $cluster->sql($database, "SELECT * FROM ($tables) AS counted ORDER BY 1");
}

done_testing();
