-- An event of many sessions costs what one of few does, where it can: rows that are read are counted, not time.
\set VERBOSITY terse
\set SHOW_CONTEXT never

SELECT api.organizer_create(slug => 'many-test', name => 'Many Test') ->> 'id' AS organizer \gset
SELECT api.venue_create(:organizer, 'annex', 'The Annex', 'Europe/Berlin') ->> 'id' AS venue \gset
-- 40 sessions a day, each with its own inventory group
CREATE FUNCTION pg_temp.make(organizer bigint, code text, days integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
BEGIN
    made := api.event_create(
        organizer => make.organizer, name => 'Tower ' || code, slug => 'many-' || lower(code), short_code => code, currency => 'EUR',
        zone => 'Europe/Berlin', test => true,
        sessions => '[{"key": "first", "starts_at": "2031-01-31T08:00:00Z", "name": "Opening", "venue": "annex"}]',
        pools => '[{"key": "entry", "name": "Entry", "scope": "session", "capacity": 60},
                   {"key": "lift", "name": "Lift", "scope": "session", "capacity": 10},
                   {"key": "spare", "name": "Spare", "scope": "session", "capacity": 10}]',
        ticket_types => '[{"key": "adult", "name": "Adult", "price": 1600, "pools": ["entry"]},
                          {"key": "lift", "name": "Lift", "price": 2000, "pools": ["entry", "lift"]},
                          {"key": "view", "name": "View", "price": 300, "pools": ["spare"]}]') ->> 'id';
    PERFORM api.session_create(made, rule => jsonb_build_object(
        'weekdays', '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'::jsonb, 'key', 'n{n}', 'name', 'Up and down', 'duration_minutes', 15,
        'times', (SELECT jsonb_agg(to_char(time '09:00' + n * interval '15 min', 'HH24:MI')) FROM generate_series(0, 39) AS n),
        'from', '2031-02-01', 'to', to_char(date '2031-02-01' + days - 1, 'YYYY-MM-DD')));
    PERFORM api.event_publish(made);
    RETURN made;
END
$$;
SELECT pg_temp.make(:organizer, 'FEWSES', 1) AS few, pg_temp.make(:organizer, 'MANYSES', 20) AS many \gset
ANALYZE boxoffice.session, boxoffice.stock, boxoffice.inventory_group;
-- How many rows of tables and entries of their indexes a statement reads.
CREATE FUNCTION pg_temp.rows_read(tables text[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(pg_stat_get_xact_tuples_returned(c.oid)) FROM pg_class AS c
     WHERE c.oid IN (SELECT ('boxoffice.' || quote_ident(t))::regclass FROM unnest(tables) AS t
                     UNION SELECT i.indexrelid FROM pg_index AS i, unnest(tables) AS t
                      WHERE i.indrelid = ('boxoffice.' || quote_ident(t))::regclass)
$$;
CREATE FUNCTION pg_temp.reads(statement text, tables text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_temp.rows_read(tables);
    after bigint;
BEGIN
    BEGIN
        EXECUTE statement;
        after := pg_temp.rows_read(tables);
        RAISE EXCEPTION USING ERRCODE = 'TK000';
    EXCEPTION WHEN SQLSTATE 'TK000' THEN
        RETURN after - before;
    END;
END
$$;
-- how many rows more the event of 801 sessions reads than that of 41
CREATE FUNCTION pg_temp.more(few bigint, many bigint, statement text, VARIADIC tables text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a bigint := pg_temp.reads(format(statement, few), tables);
    b bigint := pg_temp.reads(format(statement, many), tables);
BEGIN
    RETURN CASE WHEN b - a BETWEEN -50 AND 50 THEN 'no more rows'
                WHEN b - a < 760 THEN format('%s rows and %s', a, b)
                ELSE 'more rows: ' || b / 760 || ' for each session that is more' END;
END
$$;

\echo # the directory is written with each change: names and venues of sessions are found one by one
SELECT pg_temp.more(:few, :many, 'SELECT boxoffice_code.search_refresh(%s)', 'session');
SELECT pg_temp.more(:few, :many, 'SELECT api.session_change(%s, ''n5'', ''{"name": "Other"}'')', 'session');
SELECT n FROM boxoffice_code.session_names(:many, 500) AS n;
SELECT n FROM boxoffice_code.session_names(:many, 1) AS n;
SELECT v = :venue AS annex FROM boxoffice_code.session_venues(:many, 1000) AS v;
SELECT event_id = :many AS many FROM boxoffice.event_search WHERE event_id IN (:few, :many) AND words @@ 'opening & down' ORDER BY 1;
SELECT count(*) FROM boxoffice_code.session_names(1, 500);
SELECT count(*) FROM boxoffice_code.session_venues(1, 500);

\echo # the days of a calendar read what is on them
SELECT pg_temp.reads(format('SELECT api.session_days(%s, ''2031-02-03'', ''2031-02-03'')', :many), '{session,stock,session_price}') < 700 AS bounded;
SELECT pg_temp.more(:few, :many, 'SELECT api.event_get(''%s'')', 'session', 'stock');
-- and no more of each session when there are many
SELECT pg_temp.reads(format('SELECT api.session_days(%s, ''2031-02-01'', ''2031-02-20'')', :many), '{session,stock,session_price}') / 800
       <= pg_temp.reads(format('SELECT api.session_days(%s, ''2031-02-01'', ''2031-02-02'')', :many), '{session,stock,session_price}') / 80 AS no_more_each;

\echo # a type is made, described or removed without a look at stock rows or groups, unless it joins pools
SELECT pg_temp.more(:few, :many, 'SELECT api.ticket_type_create(%s, ''child'', ''Child'', 800, pools => ''["entry"]'')', 'stock', 'inventory_group');
SELECT pg_temp.more(:few, :many, 'SELECT api.ticket_type_change(%s, ''adult'', ''{"name": "Grown-up", "description": "Over 14", "position": 2}'')',
                    'stock', 'inventory_group');
SELECT pg_temp.more(:few, :many, 'SELECT api.ticket_type_change(%s, ''adult'', ''{"price": 1700}'')', 'stock');
SELECT pg_temp.more(:few, :many, 'SELECT api.ticket_type_delete(%s, ''adult'')', 'stock');

\echo # the worker looks at some groups a tick, and goes on where it ended
SELECT count(api.hold_create(event => :many, items => jsonb_build_array(jsonb_build_object('ticket_type', 'adult', 'session', 'n' || n, 'quantity', 1))))
  FROM generate_series(1, 70) AS n;
SELECT d.task IS NULL AS ended, d.event_id - :many AS event, d.group_id AS group FROM boxoffice_code.worker_due(:many - 1, 0, 50) AS d
 WHERE d.task IS DISTINCT FROM 'index_orders' \gset
SELECT :'ended' AS ended, :event AS event,
       (SELECT count(*) FROM boxoffice_code.expired_look(:many, :group, NULL) WHERE event_id = :many) AS left_to_see,
       (SELECT count(*) FROM boxoffice_code.expired_look(:many, :group, 10) WHERE event_id = :many) AS next_seen;
SELECT count(*) AS nothing_of_it FROM boxoffice_code.worker_due(:many, :group, NULL) AS d WHERE d.event_id = :many AND d.task LIKE 'expire%';
-- of an event with something due it sees the first group alone
SET boxoffice.clock_offset = 1000;
SELECT d.task, d.event_id = :many AS many, d.group_id IS NOT NULL AS "group" FROM boxoffice_code.worker_due(:many - 1, 0, 1) AS d
 WHERE d.task IS DISTINCT FROM 'index_orders';
SELECT count(*) FROM boxoffice_code.expired_look(:many - 1, 0, NULL) WHERE event_id = :many;
-- a step takes back what 64 groups have, and knows whether there may be more
SELECT pg_temp.reads(format('SELECT boxoffice_code.worker_do(''expire_claims'', %s)', :many), '{claim}') < 500 AS bounded;
SELECT boxoffice_code.worker_do('expire_claims', :many) AS more;
SELECT count(*) AS lapsed_yet FROM boxoffice.claim WHERE event_id = :many AND state = 'held';
SELECT boxoffice_code.worker_do('expire_claims', :many) AS more;
SELECT count(*) AS lapsed_yet FROM boxoffice.claim WHERE event_id = :many AND state = 'held';
SELECT boxoffice_code.worker_do('expire_claims', :many) AS more;
RESET boxoffice.clock_offset;
-- and begins at the group that is due, however many have claims that are not
BEGIN;
SET LOCAL boxoffice.clock_offset = 600;
SELECT count(api.hold_create(event => :many, items => jsonb_build_array(jsonb_build_object('ticket_type', 'adult', 'session', 'n' || n, 'quantity', 1))))
  FROM generate_series(1, 700) AS n;
SET LOCAL boxoffice.clock_offset = 0;
SELECT count(api.hold_create(event => :many, items => '[{"ticket_type": "adult", "session": "n750", "quantity": 1}]'));
SET LOCAL boxoffice.clock_offset = 1000;
SELECT string_agg(DISTINCT d.task, ', ') AS tasks, max(d.group_id) AS group FROM boxoffice_code.worker_due(:many - 1, 0, NULL) AS d
 WHERE d.event_id = :many AND d.task LIKE 'expire%' \gset
SELECT :'tasks' AS tasks, pg_temp.reads(format('SELECT boxoffice_code.worker_do(''expire_orders'', %s, %s)', :many, :group), '{claim}') < 50 AS bounded,
       pg_temp.reads(format('SELECT boxoffice_code.worker_do(''expire_claims'', %s, %s)', :many, :group), '{claim}') < 50 AS bounded,
       pg_temp.reads(format('SELECT boxoffice_code.worker_do(''expire_claims'', %s)', :many), '{claim}') > 700 AS looked_at_all;
-- no further than 400 groups: what is due behind them is left to the next look
SELECT boxoffice_code.expire_claims(:many, 10, (SELECT min(c.group_id) FROM boxoffice.claim AS c WHERE c.event_id = :many AND c.state = 'held')) AS seen_from_the_first,
       boxoffice_code.expire_claims(:many, 10, :group) AS seen_there;
ROLLBACK;

\echo # what was never sold is answered without a look at the claims of what was
SELECT count(api.hold_create(event => :many, items => jsonb_build_array(jsonb_build_object('ticket_type', 'adult', 'session', 'n' || n, 'quantity', 1))))
  FROM generate_series(701, 800) AS n;
SELECT key, used FROM boxoffice.ticket_type WHERE event_id = :many ORDER BY 1;
SELECT pg_temp.reads(format('SELECT api.ticket_type_delete(%s, ''view'')', :many), '{claim}') AS claims_read;
SELECT pg_temp.reads(format('SELECT api.ticket_type_change(%s, ''view'', ''{"sessions": ["first"]}'')', :many), '{claim}') AS claims_read;
SELECT pg_temp.reads(format('SELECT api.ticket_type_change(%s, ''view'', ''{"pools": ["entry"]}'')', :many), '{claim}') AS claims_read;
SELECT api.ticket_type_delete(:many, 'adult') ->> 'outcome' AS outcome \gset
SELECT :'outcome' AS outcome, status FROM boxoffice.ticket_type WHERE event_id = :many AND key = 'adult';
SELECT api.ticket_type_change(:many, 'adult', '{"status": "active"}') ->> 'outcome' AS outcome;

\echo # a hold may be older than the type that it was changed to: the type stays, and what it takes from
SELECT h ->> 'id' AS hold, h ->> 'secret' AS secret
  FROM api.hold_create(event => :few, items => '[{"ticket_type": "adult", "session": "n1", "quantity": 1}]') AS h \gset
SELECT api.ticket_type_create(:few, 'late', 'Late', 500, pools => '["entry"]') ->> 'outcome' AS outcome;
SELECT api.hold_change(event => :few, hold => :hold, secret => :'secret',
    items => '[{"ticket_type": "late", "session": "n1", "quantity": 1}]') #>> '{items,0,ticket_type}' AS holds;
SELECT api.ticket_type_change(:few, 'late', '{"pools": ["spare"]}');
SELECT api.ticket_type_delete(:few, 'late') ->> 'outcome' AS outcome;
SELECT * FROM boxoffice.check_inventory(:few);
-- what a rolled back sale has marked is not remembered
SELECT api.ticket_type_create(:few, 'tried', 'Tried', 500, pools => '["spare"]') ->> 'outcome' AS outcome;
BEGIN;
SELECT count(api.hold_create(event => :few, items => '[{"ticket_type": "tried", "session": "n2", "quantity": 1}]')) FROM generate_series(1, 2);
SELECT used FROM boxoffice.ticket_type WHERE event_id = :few AND key = 'tried';
ROLLBACK;
SELECT used FROM boxoffice.ticket_type WHERE event_id = :few AND key = 'tried';
SELECT count(api.hold_create(event => :few, items => '[{"ticket_type": "tried", "session": "n2", "quantity": 1}]')) FROM generate_series(1, 2);
SELECT used FROM boxoffice.ticket_type WHERE event_id = :few AND key = 'tried';

\echo # a clone writes each stock row once, in the group that it stays in
CREATE FUNCTION pg_temp.writes(statement text, written regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    added bigint := pg_stat_get_xact_tuples_inserted(written);
    changed bigint := pg_stat_get_xact_tuples_updated(written);
BEGIN
    EXECUTE statement;
    RETURN format('%s rows added, %s written again', pg_stat_get_xact_tuples_inserted(written) - added, pg_stat_get_xact_tuples_updated(written) - changed);
END
$$;
CREATE FUNCTION pg_temp.regroups(event bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    groups bigint := (SELECT count(*) FROM boxoffice.inventory_group AS g WHERE g.event_id = event);
    changed bigint := pg_stat_get_xact_tuples_updated('boxoffice.stock'::regclass);
    after bigint := boxoffice_code.inventory_regroup(event);
BEGIN
    RETURN format('%s groups of %s, %s rows change theirs', after, groups, pg_stat_get_xact_tuples_updated('boxoffice.stock'::regclass) - changed);
END
$$;
SELECT pg_temp.writes(format('SELECT api.event_clone(%s, slug => ''many-clone'')', :few), 'boxoffice.stock');
SELECT event_id AS clone FROM boxoffice.event_slug WHERE slug = 'many-clone' \gset
SELECT pg_temp.regroups(:clone);
SELECT count(*) FILTER (WHERE k.session_id IS NOT NULL) AS of_sessions, count(DISTINCT k.session_id) AS sessions, sum(k.capacity) AS places,
       (SELECT sum(s.capacity) FROM boxoffice.stock AS s WHERE s.event_id = :few) AS places_of_it, bool_or(k.used) AS used
  FROM boxoffice.stock AS k WHERE k.event_id = :clone;
-- pools of the whole event, and those that a pass takes from, are one group; a session that is cancelled has none
SELECT api.pool_create(:clone, 'house', 'House', 'event', 500) ->> 'key' AS pool;
SELECT api.ticket_type_create(:clone, 'pass', 'Pass', 9000, pools => '["spare"]', admits => 'all') ->> 'outcome' AS outcome;
SELECT api.ticket_type_create(:clone, 'seat', 'Seat', 900, pools => '["house", "lift"]') ->> 'outcome' AS outcome;
SELECT api.session_cancel(:clone, 'n1', reason => 'Rain') ->> 'status' AS status;
SELECT pg_temp.writes(format('SELECT api.event_clone(%s, slug => ''many-clone-2'')', :clone), 'boxoffice.stock');
SELECT event_id AS clone FROM boxoffice.event_slug WHERE slug = 'many-clone-2' \gset
SELECT pg_temp.regroups(:clone);
SELECT count(DISTINCT k.session_id) AS sessions, count(DISTINCT k.group_id) AS groups,
       count(DISTINCT k.group_id) FILTER (WHERE p.key IN ('house', 'lift', 'entry')) AS of_house, count(DISTINCT k.group_id) FILTER (WHERE p.key = 'spare') AS of_pass
  FROM boxoffice.stock AS k JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id WHERE k.event_id = :clone;
