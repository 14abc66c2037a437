-- Sessions: many at once by a list or a rule, local times where clocks change, and what is wrong with them.
\set VERBOSITY terse
\set SHOW_CONTEXT never

SELECT api.organizer_create(slug => 'session-test', name => 'Session Test') ->> 'id' AS organizer \gset
SELECT api.venue_create(:organizer, 'hall', 'The Hall', 'Europe/Berlin') ->> 'id' AS venue \gset
SELECT api.event_create(
    organizer => :organizer, name => 'Museum', slug => 'session-museum', short_code => 'SESSMU', currency => 'EUR',
    zone => 'Europe/Berlin',
    sessions => '[{"key": "first", "starts_at": "2027-01-01T10:00:00Z"}]',
    pools => '[{"key": "entry", "name": "Entry", "scope": "session", "capacity": 60},
               {"key": "tour", "name": "Tour", "scope": "session", "capacity": 10, "overbook": 1},
               {"key": "garden", "name": "Garden", "scope": "session", "capacity": 5},
               {"key": "year", "name": "Year", "scope": "event", "capacity": 1000}]',
    ticket_types => '[{"key": "adult", "name": "Adult", "price": 1600, "pools": ["entry"]},
                      {"key": "tour", "name": "Tour", "price": 2000, "pools": ["entry", "tour"]},
                      {"key": "garden", "name": "Garden", "price": 500, "pools": ["garden", "year"], "sessions": ["first"]}]')
    ->> 'id' AS event \gset

-- the sessions that a rule would make: key, start, moved
CREATE FUNCTION pg_temp.planned(rule jsonb) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', j.item ->> 'key', j.item ->> 'starts_at', CASE WHEN (j.item ->> 'moved')::boolean THEN 'moved' END)
      FROM json_array_elements(api.session_create((SELECT event_id FROM boxoffice.event_slug WHERE slug = 'session-museum'),
               rule => planned.rule, preview => true) -> 'items') AS j (item)
$$;
CREATE FUNCTION pg_temp.at(day text, zone text, VARIADIC times text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('weekdays', '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'::jsonb, 'times', times,
                              'from', day, 'to', day, 'zone', zone)
$$;

-- clocks go forward in Berlin: 02:30 is skipped and becomes 03:30, unless that is asked for as well
SELECT pg_temp.planned(pg_temp.at('2027-03-28', 'Europe/Berlin', '01:59', '02:00', '02:30', '03:00'));
SELECT pg_temp.planned(pg_temp.at('2027-03-28', 'Europe/Berlin', '02:30', '03:30'));
SELECT j ->> 'created' AS created, j -> 'merged_items' AS merged
  FROM unnest(ARRAY[pg_temp.at('2027-03-28', 'Europe/Berlin', '02:30', '03:30', '03:00'), pg_temp.at('2027-03-28', 'Europe/Berlin', '02:30', '03:00')]) AS rule,
       api.session_create((SELECT event_id FROM boxoffice.event_slug WHERE slug = 'session-museum'), rule => rule, preview => true) AS j;
-- the starts of a rule are worked out once (they were once for the plan and once for what was merged)
BEGIN;
SET LOCAL track_functions = 'all';
SELECT count(*) FROM pg_temp.planned(pg_temp.at('2027-03-28', 'Europe/Berlin', '02:30', '03:30'));
SELECT funcname, calls FROM pg_stat_xact_user_functions WHERE funcname = 'session_rule_told';
ROLLBACK;
-- clocks go back: 02:30 comes twice and is the first
SELECT pg_temp.planned(pg_temp.at('2027-10-31', 'Europe/Berlin', '01:30', '02:00', '02:30', '02:59', '03:00'));
-- Lord Howe Island changes by half an hour
SELECT pg_temp.planned(pg_temp.at('2027-10-03', 'Australia/Lord_Howe', '01:59', '02:00', '02:15', '02:30'));
SELECT pg_temp.planned(pg_temp.at('2027-04-04', 'Australia/Lord_Howe', '01:29', '01:30', '01:45', '02:00'));
-- a zone that never changes; one whose offset is not of whole hours; a change at midnight; a day that was skipped
SELECT pg_temp.planned(pg_temp.at('2027-03-28', 'Asia/Tokyo', '02:30'));
SELECT pg_temp.planned(pg_temp.at('2027-03-28', 'Asia/Kathmandu', '02:30'));
SELECT pg_temp.planned(pg_temp.at('2018-11-04', 'America/Sao_Paulo', '00:00', '00:30', '01:00'));
SELECT pg_temp.planned(pg_temp.at('2011-12-30', 'Pacific/Apia', '10:00'));
-- the 29th of February; far years
SELECT pg_temp.planned('{"weekdays": ["tue"], "times": ["10:00"], "from": "2028-02-28", "to": "2028-03-01"}');
SELECT pg_temp.planned(pg_temp.at('2100-03-28', 'Europe/Berlin', '02:30'));
SELECT pg_temp.planned(pg_temp.at('2999-12-31', 'UTC', '23:59'));
SELECT pg_temp.planned(pg_temp.at('1970-01-01', 'UTC', '00:00'));

-- weekdays, days that are left out and days that are added, in order; keys of a pattern
SELECT pg_temp.planned('{"weekdays": ["mon", "wed"], "times": ["18:00", "09:30"], "from": "2027-06-01", "to": "2027-06-10",
    "except_dates": ["2027-06-07"], "extra_dates": ["2027-06-09", "2027-06-12"], "key": "t{n}-{weekday}-{time}"}');

-- made: with stock of all session pools, in groups that regrouping finds the same; a version on
SELECT e.version FROM boxoffice.event AS e WHERE e.id = :event;
SELECT j ->> 'created' AS created, j ->> 'session_count' AS count, j ->> 'version' AS version, j #>> '{items,0,ends_at}' AS ends_at
  FROM api.session_create(:event, rule => '{"weekdays": ["sat", "sun"], "times": ["10:00", "11:00"], "from": "2027-01-02", "to": "2027-01-10",
      "duration_minutes": 50, "name": "Weekend", "venue": "hall", "sale_open_offset_seconds": -86400, "sale_close_offset_seconds": 600,
      "capacities": [{"pool": "entry", "capacity": 80}, {"pool": "tour", "capacity": null, "overbook": 0}],
      "prices": [{"ticket_type": "adult", "price": 1900}], "ticket_types": ["garden", "adult"]}') AS j;
SELECT s.key, s.name, s.status, s.ends_at - s.starts_at AS lasts, s.starts_at - s.sale_starts_at AS opens, s.sale_close_offset_ms AS close,
       s.venue_id = :venue AS venue, string_agg(concat_ws('/', p.key, coalesce(k.capacity::text, '-'), k.overbook), ' ' ORDER BY p.id) AS stock,
       count(DISTINCT k.group_id) AS groups
  FROM boxoffice.session AS s
  JOIN boxoffice.stock AS k ON k.event_id = s.event_id AND k.session_id = s.id
  JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
 WHERE s.event_id = :event GROUP BY s.event_id, s.id ORDER BY s.starts_at;
SELECT (SELECT count(*) FROM boxoffice.inventory_group WHERE event_id = :event) AS groups, boxoffice_code.inventory_regroup(:event) AS after,
       (SELECT count(DISTINCT group_id) FROM boxoffice.stock JOIN boxoffice.pool AS p ON p.event_id = stock.event_id AND p.id = pool_id
         WHERE stock.event_id = :event AND p.key IN ('garden', 'year')) AS garden;
SELECT count(*), min(price), max(price) FROM boxoffice.session_price WHERE event_id = :event;
SELECT t.key, count(x.session_id) FROM boxoffice.ticket_type AS t
  LEFT JOIN boxoffice.ticket_type_session AS x ON x.event_id = t.event_id AND x.ticket_type_id = t.id
 WHERE t.event_id = :event GROUP BY t.key ORDER BY t.key;
SELECT e.starts_at, e.ends_at, e.session_count FROM boxoffice.event AS e WHERE e.id = :event;

-- what is there already is refused, or skipped; a list; keys of local starts
\set VERBOSITY default
SELECT api.session_create(:event, rule => '{"weekdays": ["sun"], "times": ["10:00"], "from": "2027-01-02", "to": "2027-01-10"}');
\set VERBOSITY terse
SELECT j ->> 'created' AS created, j ->> 'skipped' AS skipped, j #>> '{skipped_items,1,key}' AS skipped_second
  FROM api.session_create(:event, duplicates => 'skip',
      rule => '{"weekdays": ["sun"], "times": ["10:00", "12:00"], "from": "2027-01-02", "to": "2027-01-10"}') AS j;
SELECT j ->> 'created' AS created, j ->> 'skipped' AS skipped, j ->> 'version' AS version
  FROM api.session_create(:event, duplicates => 'skip', rule => '{"weekdays": ["sun"], "times": ["10:00"], "from": "2027-01-02", "to": "2027-01-10"}') AS j;
SELECT j.item ->> 'key' AS key, j.item ->> 'starts_at' AS starts_at
  FROM json_array_elements(api.session_create(:event, sessions => '[
      {"starts_at": "2027-05-01T18:30:00+02:00"}, {"starts_at": "2027-05-01T18:30:00+02:00", "zone": "Asia/Tokyo", "status": "paused"},
      {"key": "gala", "starts_at": "2027-04-01T18:30:00+02:00", "prices": [{"ticket_type": "tour", "price": 9900}],
       "capacities": [{"pool": "tour", "capacity": 3}]}]') -> 'items') AS j (item);
SELECT s.key, s.status, p.key AS pool, k.capacity FROM boxoffice.session AS s
  JOIN boxoffice.stock AS k ON k.event_id = s.event_id AND k.session_id = s.id
  JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
 WHERE s.event_id = :event AND s.starts_at BETWEEN '2027-03-01' AND '2027-06-01' AND p.key IN ('entry', 'tour') ORDER BY s.starts_at, s.key, p.id;

-- what is wrong, each where it is
\set VERBOSITY default
SELECT api.session_create(:event);
SELECT api.session_create(:event, sessions => '[{"starts_at": "2027-05-01T18:30:00Z"}]', rule => pg_temp.at('2027-05-01', 'UTC', '10:00'));
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'Mars/Base', '10:00') || '{"venue": "attic", "key": "A {date}",
    "capacities": [{"pool": "year", "capacity": 1}, {"pool": "moon", "capacity": 1}], "ticket_types": ["moon", "adult", "adult"],
    "prices": [{"ticket_type": "sun", "price": 1}]}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'UTC', '10:00') || '{"to": "2027-04-30"}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'UTC', '10:00') || '{"to": "2097-04-30"}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'UTC', '10:00') || '{"weekdays": ["mon"]}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'UTC', '10:00', '11:00') || '{"key": "one-{date}"}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'UTC', '10:00') || '{"key": "this-key-is-very-long-indeed-and-will-get-longer-{date}-{time}"}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'UTC', '10:00') || '{"sale_starts_at": "2027-02-01T00:00:00Z", "sale_ends_at": "2027-01-01T00:00:00Z"}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-05-01', 'UTC', '24:00', '9:30', '10:60') || '{"from": "2027-02-29", "weekdays": ["someday"]}');
SELECT api.session_create(:event, rule => pg_temp.at('2027-01-01', 'UTC', VARIADIC
    ARRAY(SELECT to_char('2027-01-01'::timestamp + n * '10 min'::interval, 'HH24:MI') FROM generate_series(0, 143) AS n)) || '{"to": "2027-12-31"}');
SELECT api.session_create(:event, sessions => '[
    {"key": "a", "starts_at": "2027-05-01T18:30:00Z"}, {"key": "a", "starts_at": "2027-05-02T18:30:00Z"},
    {"key": "b", "starts_at": "2027-05-02T18:30:00Z", "ends_at": "2027-05-02T18:00:00Z"},
    {"key": "c", "starts_at": "2027-05-02T18:30:00Z", "venue": "attic"},
    {"key": "d", "starts_at": "2027-05-02T18:30:00Z", "sale_starts_at": "2027-05-02T18:00:00Z", "sale_ends_at": "2027-05-02T18:00:00Z"},
    {"starts_at": "2027-05-03T18:30:00Z"}, {"starts_at": "2027-05-03T18:30:00Z"}]');
SELECT api.session_create(:event, sessions => '[{"key": "a", "starts_at": "2027-05-01T18:30:00Z", "zone": "Mars/Base"},
    {"key": "b", "starts_at": "2027-05-01T18:30:00Z", "prices": [{"ticket_type": "adult", "price": 1}, {"ticket_type": "adult", "price": 2}]}]');
SELECT api.session_create(:event, sessions => '[]', duplicates => 'perhaps');
SELECT api.session_create(:event, sessions => '[{"starts_at": "2027-05-01"}]', if_match => '"1"');
SELECT api.session_create(:event, sessions => '[{"starts_at": "2027-05-01T18:30:00Z"}]', if_match => '"1"');
SELECT api.session_create(1, sessions => '[{"starts_at": "2027-05-01T18:30:00Z"}]');
\set VERBOSITY terse

-- one session is changed: its end moves along, its first start is kept once it was public
SELECT api.event_publish(:event) ->> 'status' AS status;
CREATE FUNCTION pg_temp.change(session text, patch jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT api.session_change((SELECT event_id FROM boxoffice.event_slug WHERE slug = 'session-museum'), session, patch)::jsonb
$$;
SELECT j ->> 'starts_at' AS starts_at, j ->> 'ends_at' AS ends_at, j ->> 'original_starts_at' AS original
  FROM pg_temp.change('2027-01-02-1000', '{"starts_at": "2027-01-02T12:00:00+01:00"}') AS j;
SELECT j ->> 'starts_at' AS starts_at, j ->> 'ends_at' AS ends_at, j ->> 'original_starts_at' AS original
  FROM pg_temp.change('2027-01-02-1000', '{"starts_at": "2027-01-12T12:00:00+01:00", "ends_at": null}') AS j;
SELECT e.starts_at, e.ends_at, e.session_count FROM boxoffice.event AS e WHERE e.id = :event;
SELECT j ->> 'starts_at' AS starts_at, j ->> 'original_starts_at' AS original
  FROM pg_temp.change('2027-01-02-1000', '{"starts_at": "2027-01-02T10:00:00+01:00"}') AS j;
SELECT j - '{id,version,stock,original_starts_at}'::text[] AS session
  FROM pg_temp.change('gala', '{"name": "Gala", "zone": "Asia/Tokyo", "venue": "hall", "sale_starts_at": "2027-01-01T00:00:00Z",
      "sale_close_offset_seconds": -60, "status": "paused", "prices": [{"ticket_type": "adult", "price": 1}], "ticket_types": ["garden"]}') AS j;
SELECT j ->> 'name' AS name, j ->> 'zone' AS zone, j ->> 'venue' AS venue, j ->> 'prices' AS prices, j ->> 'ticket_types' AS types, j ->> 'sale_starts_at' AS sale
  FROM pg_temp.change('gala', '{"name": null, "zone": null, "venue": null, "sale_starts_at": null, "prices": null, "ticket_types": []}') AS j;
-- a patch that changes nothing makes no version; one of another version is refused
SELECT pg_temp.change('gala', '{"status": "paused"}') ->> 'version' = pg_temp.change('gala', '{}') ->> 'version' AS same;
SELECT api.session_change(:event, 'gala', '{"status": "open"}', if_match => '"1"');
SELECT api.session_change(:event, 'gala', 'true');
-- what is wrong with one
\set VERBOSITY default
SELECT pg_temp.change('gala', '{"ends_at": "2020-01-01T00:00:00Z", "zone": "Mars/Base", "venue": "attic", "sale_starts_at": "2027-01-02T00:00:00Z",
    "sale_ends_at": "2027-01-01T00:00:00Z", "prices": [{"ticket_type": "moon", "price": 1}], "ticket_types": ["adult", "adult"]}');
SELECT pg_temp.change('gala', '{"starts_at": null, "status": "cancelled", "key": "x", "sale_close_offset_seconds": 1e9}');
SELECT pg_temp.change('nothing', '{}');
\set VERBOSITY terse

-- a hold takes the price of its session, and a session that was used stays
SELECT pg_temp.change('2027-01-09-1000', '{"sale_starts_at": null, "prices": [{"ticket_type": "adult", "price": 4200}]}') ->> 'key' AS key;
SELECT j #>> '{items,0,unit_price}' AS price, j ->> 'total' AS total
  FROM api.hold_create(:event, '[{"ticket_type": "adult", "session": "2027-01-09-1000", "quantity": 2}]') AS j;
SELECT j #>> '{items,0,unit_price}' AS price
  FROM api.hold_create(:event, '[{"ticket_type": "adult", "session": "first", "quantity": 1}]') AS j;
SELECT api.session_delete(:event, '2027-01-09-1000');
SELECT j ->> 'key' AS key, j ->> 'session_count' AS count FROM api.session_delete(:event, '2027-01-09-1100') AS j;
SELECT api.session_delete(:event, '2027-01-09-1100');
SELECT (SELECT count(*) FROM boxoffice.inventory_group WHERE event_id = :event) AS groups, boxoffice_code.inventory_regroup(:event) AS after;
-- a paused session does not sell, and sells again
SELECT pg_temp.change('2027-01-09-1000', '{"status": "paused"}') ->> 'status' AS status;
SELECT api.hold_create(:event, '[{"ticket_type": "adult", "session": "2027-01-09-1000", "quantity": 1}]');
SELECT pg_temp.change('2027-01-09-1000', '{"status": "open"}') ->> 'status' AS status;
SELECT api.hold_create(:event, '[{"ticket_type": "adult", "session": "2027-01-09-1000", "quantity": 1}]') ->> 'status' AS status;
-- the organizer's list has what is over, too
SET boxoffice.clock_offset = 31536000;
SELECT json_array_length(api.session_list(:event) -> 'items') AS public, json_array_length(j -> 'items') AS own, j ->> 'next' IS NULL AS all
  FROM api.session_list_own(:organizer, :event, "limit" => 100) AS j;
RESET boxoffice.clock_offset;
SELECT jsonb_array_length(api.session_view(:organizer, :event, 'gala')::jsonb -> 'stock') AS stock;
-- the only session stays
SELECT api.event_create(
    organizer => :organizer, name => 'One', currency => 'EUR', zone => 'UTC', slug => 'session-one',
    sessions => '[{"key": "only", "starts_at": "2040-01-01T10:00:00Z"}]',
    pools => '[{"key": "house", "name": "House", "scope": "event", "capacity": 10}]',
    ticket_types => '[{"key": "t", "name": "T", "price": 5, "pools": ["house"]}]') ->> 'id' AS one \gset
SELECT api.session_delete(:one, 'only');
SELECT api.session_create(:one, sessions => '[{"key": "second", "starts_at": "2040-01-02T10:00:00Z"}]') ->> 'created' AS created;
SELECT api.session_delete(:one, 'only') ->> 'session_count' AS left;
-- one with stock of its own that nobody took, but sold by what is counted for the whole event, stays
SELECT api.event_create(
    organizer => :organizer, name => 'Both', currency => 'EUR', zone => 'UTC', slug => 'session-both',
    sessions => '[{"key": "one", "starts_at": "2040-01-01T10:00:00Z"}, {"key": "two", "starts_at": "2040-01-02T10:00:00Z"}]',
    pools => '[{"key": "house", "name": "House", "scope": "session", "capacity": 10}, {"key": "gifts", "name": "Gifts", "scope": "event", "capacity": 10}]',
    ticket_types => '[{"key": "seat", "name": "Seat", "price": 5, "pools": ["house"]}, {"key": "both", "name": "Both", "price": 5, "pools": ["house", "gifts"]},
                      {"key": "gift", "name": "Gift", "price": 5, "pools": ["gifts"]}]') ->> 'id' AS both \gset
SELECT api.event_publish(:both) ->> 'status' AS status;
SELECT api.hold_create(:both, '[{"ticket_type": "gift", "session": "two", "quantity": 1}]') ->> 'status' AS status;
SELECT api.session_delete(:both, 'two');
-- the other, of which nothing was taken, goes: what the event counts was sold in 'two' alone, and a
-- type that admits to all of the event names no session (once, either was enough to refuse)
SELECT api.session_create(:both, sessions => '[{"key": "three", "starts_at": "2040-01-03T10:00:00Z"}]') ->> 'created' AS created;
SELECT api.ticket_type_create(:both, 'shirt', 'Shirt', 5, kind => 'merchandise', admits => 'all', pools => '["gifts"]') ->> 'key' AS key;
SELECT api.hold_create(:both, '[{"ticket_type": "shirt", "quantity": 2}]') ->> 'status' AS status;
SELECT api.session_delete(:both, 'one') ->> 'session_count' AS left;
SELECT api.session_delete(:both, 'two');
-- of a crowd nobody asks each while all wait
BEGIN;
INSERT INTO boxoffice.claim (event_id, owner_id, line, state, quantity, group_id, unit_price, unit_fee, stock_ids)
SELECT c.event_id, n, 0, 'released', c.quantity, c.group_id, c.unit_price, c.unit_fee, c.stock_ids
  FROM generate_series(1, 10000) AS n, (SELECT * FROM boxoffice.claim WHERE event_id = :both LIMIT 1) AS c;
SELECT api.session_delete(:both, 'three');
ROLLBACK;
SELECT api.session_delete(:both, 'three') ->> 'session_count' AS left;
SELECT * FROM boxoffice.check_inventory(:both);

SELECT e.session_count, count(*) FROM boxoffice.event AS e JOIN boxoffice.session AS s ON s.event_id = e.id WHERE e.id = :event GROUP BY 1;
SELECT * FROM boxoffice.check_inventory(:event);
