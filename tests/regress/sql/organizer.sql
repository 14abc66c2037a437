-- Organizers, their members and venues: who may what.
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE ROLE test_ann LOGIN;
CREATE ROLE test_bob LOGIN;
CREATE ROLE test_tim LOGIN;
GRANT boxoffice_service TO test_ann, test_bob, test_tim;
INSERT INTO boxoffice.login_actor (login, subject, role, organizer_id) VALUES
    ('test_ann', 'ann', 'organizer', NULL),
    ('test_bob', 'bob', 'organizer', NULL),
    ('test_tim', 'tim', 'support', NULL);

-- whoever makes an organizer is its owner
SET SESSION AUTHORIZATION test_ann;
SELECT api.organizer_create(slug => 'ann-events', name => 'Ann Events') ->> 'slug' AS slug,
       api.organizer_create(slug => 'ann-again', name => 'Ann Again') ->> 'name' AS name;
SELECT api.organizer_create(slug => 'ann-events', name => 'Another');
SELECT api.organizer_create(slug => 'No Slug', name => 'x');
RESET SESSION AUTHORIZATION;
SELECT o.slug, m.subject, m.role
  FROM boxoffice.member AS m
  JOIN boxoffice.organizer AS o ON o.id = m.organizer_id
 ORDER BY o.slug;
SELECT o.id AS ann FROM boxoffice.organizer AS o WHERE o.slug = 'ann-events' \gset

-- a stranger is told that there is no such thing; support reads, and that is all
SET SESSION AUTHORIZATION test_bob;
SELECT api.organizer_get(:ann);
SELECT api.venue_list(:ann);
SELECT api.venue_create(:ann, 'barn', 'The Barn', 'Europe/London');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION test_tim;
SELECT api.organizer_get(:ann) ->> 'name' AS name;
SELECT api.venue_create(:ann, 'barn', 'The Barn', 'Europe/London');
RESET SESSION AUTHORIZATION;

-- members: a scanner belongs to it, but makes no venues
INSERT INTO boxoffice.member (organizer_id, subject, role, created_at)
VALUES (:ann, 'bob', 'scanner', boxoffice_code.clock());
SET SESSION AUTHORIZATION test_bob;
SELECT api.organizer_get(:ann) ->> 'slug' AS slug;
SELECT api.venue_create(:ann, 'barn', 'The Barn', 'Europe/London');
RESET SESSION AUTHORIZATION;
UPDATE boxoffice.member SET role = 'manager' WHERE subject = 'bob';
SET SESSION AUTHORIZATION test_bob;
SELECT (api.venue_create(
    :ann, 'barn', 'The Barn', 'Europe/London', city => 'Pilton', country => 'GB',
    latitude => 51.15, longitude => -2.58))::jsonb - 'id' AS venue;
SELECT api.venue_create(:ann, 'barn', 'Another Barn', 'Europe/London');
SELECT api.venue_create(:ann, 'moon', 'Moon', 'Moon/Crater');
SELECT api.venue_create(:ann, 'utc3', 'POSIX', 'UTC+3');
RESET SESSION AUTHORIZATION;

-- administrators may everything, but not with what does not exist
SELECT api.organizer_get(1);
SELECT api.venue_list(1);

-- pages of venues
SELECT pg_catalog.count(api.venue_create(:ann, 'v' || n, 'Venue ' || n, 'UTC'))
  FROM pg_catalog.generate_series(1, 4) AS n;
SELECT api.venue_list(:ann, "limit" => 2) AS page \gset
SELECT j.item ->> 'key' AS key FROM json_array_elements(:'page'::json -> 'items') AS j (item);
SELECT api.venue_list(:ann, cursor => :'page'::json ->> 'next', "limit" => 3) AS page \gset
SELECT j.item ->> 'key' AS key FROM json_array_elements(:'page'::json -> 'items') AS j (item);
SELECT :'page'::json ->> 'next' IS NULL AS last;
SELECT api.venue_list(:ann, cursor => 'nonsense');

-- who looked at another version changes nothing
SELECT boxoffice_code.content_etag(boxoffice_code.organizer_json(o)) AS tag
  FROM boxoffice.organizer AS o WHERE o.id = :ann \gset
SELECT boxoffice_code.content_etag('{"a": 1, "b": "x : y"}') = boxoffice_code.content_etag('{"a":1,"b":"x : y"}') AS same,
       boxoffice_code.content_etag('{"a": 1}') = boxoffice_code.content_etag('{"a": 2}') AS other;
SELECT api.organizer_change(:ann, '{"name": "Ann"}', if_match => :'tag') ->> 'name' AS name;
SELECT api.organizer_change(:ann, '{"name": "Anna"}', if_match => :'tag');
SELECT api.venue_change(:ann, 'v1', '{"name": "One"}', if_match => '"0", W/"1"');
SELECT api.venue_delete(:ann, 'v1', if_match => '"0"');
SELECT api.venue_change(:ann, 'v1', '{"name": "One"}', if_match => ' * ') ->> 'name' AS name;

-- the ways in which a zone can be wrong
SELECT z.name, boxoffice_code.zone_known(z.name)
  FROM (VALUES ('Europe/London'), ('America/Argentina/Buenos_Aires'), ('UTC'), ('Etc/GMT+3'),
               ('EST5EDT'), ('CET'), ('+03'), ('europe/london'), ('Europe/Atlantis'),
               ('../etc/passwd'), ('')) AS z (name);

-- times are told with the offset of the zone at that time
SELECT boxoffice_code.time_text(t.at::timestamptz, t.zone)
  FROM (VALUES ('2027-06-23 07:00:00+00', 'Europe/London'), ('2027-12-23 07:00:00+00', 'Europe/London'),
               ('2027-06-23 07:00:00+00', 'America/St_Johns'), ('2027-06-23 07:00:00+00', 'Asia/Kathmandu'),
               ('2027-10-31 00:30:00+00', 'Europe/Berlin'), ('2027-10-31 01:30:00+00', 'Europe/Berlin'),
               ('2027-06-23 07:00:00.999+00', 'UTC'), (NULL, 'UTC')) AS t (at, zone);
SELECT boxoffice_code.time_text('0044-03-15 12:00:00+00 BC', 'UTC');
SELECT boxoffice_code.time_text('10000-01-01 00:00:00+00', 'UTC');
SELECT boxoffice_code.time_text('infinity', 'UTC');

DELETE FROM boxoffice.login_actor WHERE login LIKE 'test\_%';
DROP ROLE test_ann, test_bob, test_tim;
