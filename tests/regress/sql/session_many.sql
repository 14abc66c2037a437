-- Many sessions changed at once: which ones are meant, what becomes of them, what a preview says, and what is refused.
\set VERBOSITY terse
\set SHOW_CONTEXT never

SELECT api.organizer_create(slug => 'bulk-test', name => 'Bulk Test') ->> 'id' AS organizer \gset
SELECT api.venue_create(:organizer, 'barn', 'The Barn', 'Europe/Berlin') ->> 'id' AS venue \gset
SELECT api.event_create(
    organizer => :organizer, name => 'Cave', slug => 'bulk-cave', short_code => 'BULKCA', currency => 'EUR', zone => 'Europe/Berlin',
    sessions => '[{"key": "first", "starts_at": "2031-03-01T12:00:00Z"}]',
    pools => '[{"key": "entry", "name": "Entry", "scope": "session", "capacity": 10},
               {"key": "lamp", "name": "Lamp", "scope": "session", "capacity": null},
               {"key": "year", "name": "Year", "scope": "event", "capacity": 1000}]',
    ticket_types => '[{"key": "adult", "name": "Adult", "price": 1600, "pools": ["entry"]},
                      {"key": "child", "name": "Child", "price": 800, "pools": ["entry", "lamp"]}]') ->> 'id' AS event \gset
-- a week around the change to summer time, at ten and at half past two
SELECT j ->> 'created' AS created FROM api.session_create(:event, rule => '{"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "times": ["10:00", "14:30"], "from": "2031-03-26", "to": "2031-04-01", "duration_minutes": 60, "key": "{weekday}-{time}",
    "prices": [{"ticket_type": "child", "price": 700}]}') AS j;
SELECT api.event_publish(:event) ->> 'status' AS status;
CREATE FUNCTION pg_temp.bulk(filter jsonb, change jsonb, preview boolean DEFAULT false) RETURNS jsonb LANGUAGE sql AS $$
    SELECT api.session_change_many((SELECT event_id FROM boxoffice.event_slug WHERE slug = 'bulk-cave'),
               jsonb_build_object('where', filter, 'patch', change, 'preview', preview, 'reason', 'test'))::jsonb
$$;
CREATE FUNCTION pg_temp.said(answer jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', CASE WHEN (answer ->> 'preview')::boolean THEN 'preview' END, answer ->> 'matched', 'matched', answer ->> 'changed', 'changed:',
               (SELECT string_agg(concat(m ->> 'member', ' ', m ->> 'sessions'), ', ' ORDER BY n)
                  FROM jsonb_array_elements(answer -> 'members') WITH ORDINALITY AS m (m, n)),
               '[' || (SELECT string_agg(i ->> 'key', ' ' ORDER BY n) FROM jsonb_array_elements(answer -> 'items') WITH ORDINALITY AS i (i, n) WHERE n <= 4) || ']')
$$;

\echo # which ones: all that is said must fit; days and times are those where a session takes place
SELECT pg_temp.said(pg_temp.bulk(filter, '{"name": "x"}', true)) FROM unnest(ARRAY[
    '{"weekdays": ["sat", "sun"]}', '{"times": ["14:30"], "weekdays": ["sun", "mon"]}', '{"times": ["12:30"]}',
    '{"from": "2031-03-29T23:00:00Z", "to": "2031-03-30T22:00:00Z"}', '{"from": "2031-03-30T08:00:00Z", "to": "2031-03-30T12:30:00Z"}',
    '{"sessions": ["sun-1430", "first"]}', '{"sessions": ["sun-1430", "first"], "times": ["14:30"]}', '{"status": "paused"}',
    '{"status": "open", "to": "2031-03-02T00:00:00Z"}']::jsonb[]) AS filter;
SELECT pg_temp.said(pg_temp.bulk(jsonb_build_object('sessions', jsonb_build_array(s.id::text)), '{"name": "x"}', true))
  FROM boxoffice.session AS s WHERE s.event_id = :event AND s.key = 'wed-1000';

\echo # a preview changes nothing; what it says then happens, once
SELECT e.version FROM boxoffice.event AS e WHERE e.id = :event \gset
SELECT pg_temp.said(pg_temp.bulk('{"weekdays": ["sat", "sun"]}', '{"name": "Weekend", "status": "paused", "venue": "barn", "duration_minutes": 45,
    "sale_open_offset_seconds": -86400, "sale_ends_at": "2031-03-31T00:00:00Z", "sale_close_offset_seconds": -600,
    "prices": [{"ticket_type": "adult", "price": 1900}, {"ticket_type": "child", "price": null}],
    "capacities": [{"pool": "entry", "capacity": 12, "overbook": 1}, {"pool": "lamp", "overbook": 2}]}', preview)) FROM unnest('{t,f,f}'::boolean[]) AS preview;
SELECT e.version - :version AS versions FROM boxoffice.event AS e WHERE e.id = :event;
SELECT s.key, s.name, s.status, s.venue_id = :venue AS venue, s.ends_at - s.starts_at AS lasts, s.starts_at - s.sale_starts_at AS opens, s.sale_close_offset_ms AS close,
       (SELECT string_agg(concat(t.key, ' ', p.price), ', ' ORDER BY t.key) FROM boxoffice.session_price AS p
          JOIN boxoffice.ticket_type AS t ON t.event_id = p.event_id AND t.id = p.ticket_type_id
         WHERE p.event_id = s.event_id AND p.session_id = s.id) AS prices,
       (SELECT string_agg(concat(p.key, ' ', coalesce(k.capacity::text, '-'), '+', k.overbook), ', ' ORDER BY p.id) FROM boxoffice.stock AS k
          JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
         WHERE k.event_id = s.event_id AND k.session_id = s.id) AS stock
  FROM boxoffice.session AS s WHERE s.event_id = :event AND s.key ~ '^(fri|sat|sun)' ORDER BY s.starts_at;
SELECT c.operation, c.part, c.patch -> 'where' AS filter FROM boxoffice.change AS c WHERE c.event_id = :event ORDER BY c.id DESC LIMIT 2;
SELECT DISTINCT c.reason, c.capacity_from, c.capacity_to FROM boxoffice.stock_change AS c WHERE c.event_id = :event;
SELECT api.hold_create(:event, '[{"ticket_type": "adult", "session": "sat-1000", "quantity": 1}]');
SELECT pg_temp.said(pg_temp.bulk('{"status": "paused"}', '{"status": "open", "sale_starts_at": null, "name": null}'));
SELECT j #>> '{items,0,unit_price}' AS price FROM api.hold_create(:event, '[{"ticket_type": "adult", "session": "sat-1000", "quantity": 11}]') AS j;
-- so many more
SELECT pg_temp.said(pg_temp.bulk('{"times": ["14:30"]}', '{"capacities": [{"pool": "entry", "add": 5}, {"pool": "lamp", "add": -5}]}'));
SELECT DISTINCT k.capacity FROM boxoffice.stock AS k JOIN boxoffice.session AS s ON s.event_id = k.event_id AND s.id = k.session_id
  JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
 WHERE k.event_id = :event AND p.key = 'entry' AND s.key LIKE '%1430' ORDER BY 1;

\echo # all or none: what is refused is named where the request says it
-- the detail without the stock row's id, which is another one each time
CREATE FUNCTION pg_temp.refused(filter jsonb, change jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    RETURN pg_temp.bulk(filter, change);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, regexp_replace(said, '"stock":"\d+",', '', 'g'));
END
$$;
SELECT pg_temp.refused('{"weekdays": ["fri", "sat"]}', '{"name": "Never", "capacities": [{"pool": "lamp", "overbook": 3}, {"pool": "entry", "capacity": 4}]}');
SELECT count(*) FROM boxoffice.session AS s WHERE s.event_id = :event AND s.name = 'Never';
SELECT j -> 'stock' ->> 'refused_count' AS refused, j #>> '{stock,refused,0,session}' AS session, j #>> '{stock,refused,0,min}' AS min
  FROM pg_temp.bulk('{"weekdays": ["fri", "sat"]}', '{"capacities": [{"pool": "entry", "capacity": 4}]}', true) AS j;
SELECT api.session_cancel(:event, 'tue-1000') ->> 'status' AS status;
SELECT j -> 'refused_count' AS refused, r ->> 'code' AS code, r ->> 'pointer' AS pointer, r ->> 'session' AS session
  FROM pg_temp.bulk('{"sessions": ["fri-1000", "tue-1000", "nowhere", "99"]}', '{"sale_starts_at": "2031-03-31T00:00:00Z", "sale_ends_at": "2031-03-30T00:00:00Z"}', true) AS j,
       jsonb_array_elements(j -> 'refused') AS r;
SELECT pg_temp.said(pg_temp.bulk('{"weekdays": ["tue"]}', '{"status": "paused"}'));
\set VERBOSITY default
SELECT pg_temp.bulk('{"sessions": ["fri-1000", "tue-1000", "nowhere"]}', '{"status": "paused"}');
SELECT pg_temp.bulk('{"weekdays": ["sat", "mon"]}', '{"sale_starts_at": "2031-03-31T00:00:00Z"}');
SELECT pg_temp.bulk('{"times": ["10:00"]}', '{"venue": "attic", "sale_starts_at": null, "sale_open_offset_seconds": 1,
    "prices": [{"ticket_type": "moon", "price": 1}, {"ticket_type": "adult", "price": 1}, {"ticket_type": "adult", "price": 2}],
    "capacities": [{"pool": "year", "capacity": 1}, {"pool": "sea", "add": 1}, {"pool": "entry"}, {"pool": "lamp", "capacity": 1, "add": 1}]}');
SELECT pg_temp.bulk('{}', '{}');
SELECT pg_temp.bulk('{"weekdays": ["someday"], "times": ["25:00"], "from": "tomorrow"}', '{"status": "cancelled", "starts_at": null, "prices": [{"ticket_type": "adult", "price": -1}]}');
\set VERBOSITY terse
SELECT api.session_change_many(:event, '{"where": {"times": ["10:00"]}, "patch": {"name": "x"}}', if_match => '"1"');
SELECT api.session_change_many(1, '{"where": {"times": ["10:00"]}, "patch": {"name": "x"}}');
SELECT * FROM boxoffice.check_inventory(:event);
SELECT api.event_cancel(:event) ->> 'status' AS status;
SELECT pg_temp.bulk('{"times": ["10:00"]}', '{"name": "x"}');
