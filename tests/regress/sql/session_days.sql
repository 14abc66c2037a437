-- Sessions by days: local days, what counts, the lowest price and how much is left; and the way there from an event.
\set VERBOSITY terse
\set SHOW_CONTEXT never

SELECT api.organizer_create(slug => 'days-test', name => 'Days Test') ->> 'id' AS organizer \gset
SELECT api.event_create(
    organizer => :organizer, name => 'Ferry', slug => 'days-ferry', short_code => 'DAYSFE', currency => 'EUR', zone => 'Europe/Berlin',
    sessions => '[{"key": "tokyo", "starts_at": "2031-06-01T20:00:00Z", "zone": "Asia/Tokyo"},
                  {"key": "late", "starts_at": "2031-06-01T21:59:00Z"}, {"key": "next", "starts_at": "2031-06-01T22:00:00Z"},
                  {"key": "noon", "starts_at": "2031-06-02T10:00:00Z"}, {"key": "off", "starts_at": "2031-06-02T05:00:00Z"},
                  {"key": "shut", "starts_at": "2031-06-04T10:00:00Z"}, {"key": "far", "starts_at": "2031-09-09T10:00:00Z"}]',
    pools => '[{"key": "deck", "name": "Deck", "scope": "session", "capacity": 10}, {"key": "car", "name": "Cars", "scope": "session", "capacity": 2},
               {"key": "year", "name": "Year", "scope": "event", "capacity": 30}]',
    ticket_types => '[{"key": "adult", "name": "Adult", "price": 1600, "fee": 100, "pools": ["deck"]},
                      {"key": "child", "name": "Child", "price": 900, "pools": ["deck"], "sessions": ["noon", "far"]},
                      {"key": "car", "name": "Car", "price": 5000, "pools": ["deck", "car", "year"]},
                      {"key": "map", "name": "Map", "kind": "merchandise", "price": 50, "pools": ["year"]},
                      {"key": "secret", "name": "Secret", "price": 1, "pools": ["deck"], "hidden": true},
                      {"key": "pass", "name": "Pass", "price": 20, "pools": ["year"], "admits": "all"}]') ->> 'id' AS event \gset
SELECT api.event_publish(:event) ->> 'status' AS status;
SELECT api.session_change(:event, 'next', '{"prices": [{"ticket_type": "adult", "price": 1200}]}') ->> 'key' AS key;
SELECT api.session_cancel(:event, 'off') ->> 'status' AS status;
SELECT api.session_change(:event, 'shut', '{"status": "paused"}') ->> 'status' AS status;
CREATE FUNCTION pg_temp.days("from" date DEFAULT NULL, "to" date DEFAULT NULL) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT CASE WHEN d IS NULL THEN concat_ws(' ', j ->> 'from', 'to', j ->> 'to', 'next', coalesce(j ->> 'next', '-'))
                ELSE concat_ws(' ', d ->> 'date', d ->> 'sessions', d ->> 'selling', d ->> 'starts_at', coalesce(d ->> 'price_from', '-'), coalesce(d ->> 'state', '-')) END
      FROM (SELECT api.session_days((SELECT event_id FROM boxoffice.event_slug WHERE slug = 'days-ferry'), days.from, days.to)::jsonb AS j) AS said,
           LATERAL (SELECT NULL::jsonb AS d UNION ALL SELECT jsonb_array_elements(j -> 'items')) AS x
$$;

\echo # days are those where a session takes place; what is cancelled is no session, what is paused does not sell
SELECT pg_temp.days();
SELECT pg_temp.days('2031-06-02', '2031-06-02');
SELECT pg_temp.days('2031-06-05');
SELECT pg_temp.days('2031-06-05', '2031-09-09');
SELECT pg_temp.days('2031-09-10');
\echo # how much is left: of the session that has most, of what lets in; what has expired is free
SELECT count(api.hold_create(event => :event, items => jsonb_build_array(jsonb_build_object('ticket_type', 'adult', 'session', key, 'quantity', n))))
  FROM (VALUES ('noon', 9), ('late', 10), ('next', 3)) AS h (key, n);
SELECT pg_temp.days('2031-06-01', '2031-06-02');
SELECT count(api.hold_create(event => :event, items => '[{"ticket_type": "adult", "session": "next", "quantity": 7}]'));
SELECT count(api.hold_create(event => :event, items => '[{"ticket_type": "adult", "session": "noon", "quantity": 1}]'));
SELECT pg_temp.days('2031-06-01', '2031-06-02');
SET boxoffice.clock_offset = 1000;
SELECT pg_temp.days('2031-06-01', '2031-06-02');
RESET boxoffice.clock_offset;
\echo # what is over is left out, unless its day is asked for; the first day is that of the next session
SELECT extract(epoch FROM '2031-06-02T00:00:00Z' - boxoffice_code.clock())::integer AS later \gset
SET boxoffice.clock_offset = :later;
SELECT pg_temp.days();
SELECT pg_temp.days('2031-06-01');
RESET boxoffice.clock_offset;
SELECT extract(epoch FROM '2032-06-02T00:00:00Z' - boxoffice_code.clock())::integer AS later \gset
SET boxoffice.clock_offset = :later;
SELECT pg_temp.days();
RESET boxoffice.clock_offset;
\echo # the most that may be asked for
SELECT (api.session_days(:event, '2031-06-01', '2031-09-08')::jsonb ->> 'to');
SELECT api.session_days(:event, '2031-06-01', '2031-09-09');
SELECT api.session_days(:event, '2031-06-01', '2031-05-31');
SELECT api.session_days(:event, "from" => 'infinity');
SELECT api.session_days(:event, "to" => '-infinity');
SELECT api.session_days(1);
\echo # an event says where its sessions are, and how to go on after those that it shows
SELECT j -> 'links' ->> 'sessions' = format('/v1/events/%s/sessions', :event) AS sessions, j -> 'links' ->> 'days' = format('/v1/events/%s/sessions/days', :event) AS days,
       j ->> 'sessions_next' AS next, j ->> 'session_count' AS count FROM api.event_get('days-ferry') AS j;
SELECT j ->> 'created' AS created FROM api.session_create(:event, rule => '{"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "times": ["10:00"],
    "from": "2031-10-01", "to": "2031-10-20"}') AS j;
SELECT j #>> '{sessions,19,key}' AS last, j ->> 'session_count' AS count, api.session_list(:event, cursor => j ->> 'sessions_next') #>> '{items,0,key}' AS goes_on_with
  FROM api.event_get('days-ferry') AS j;
