-- Until when an order can be paid: minutes, days on the calendar of the event's zone, and what caps both.
SET timezone = 'UTC';
\pset format unaligned
\pset tuples_only on

\echo minutes are minutes, also across a change of clocks (FIELD 121)
SELECT boxoffice_code.payment_deadline('2027-03-28 00:45:00+00', 30, NULL, 'Europe/Berlin', NULL);

\echo days end at 23:59:59 local time, also across a change of clocks (FIELD 119)
SELECT placed, zone, boxoffice_code.payment_deadline(placed, NULL, days, zone, NULL)
  FROM (VALUES
    (timestamptz '2027-01-10 12:00:00+00', 5, 'Europe/Berlin'),
    ('2027-03-25 12:00:00+00', 5, 'Europe/Berlin'),
    ('2027-10-28 12:00:00+00', 5, 'Europe/Berlin'),
    ('2027-03-12 23:30:00+00', 5, 'America/New_York'),
    ('2027-01-10 23:30:00+00', 1, 'Asia/Tokyo'),
    ('2027-01-10 23:30:00+00', 1, 'Pacific/Kiritimati'),
    ('2028-02-28 12:00:00+00', 1, 'Europe/London'),
    ('2027-12-31 12:00:00+00', 1, 'Europe/London'),
    ('2018-02-16 12:00:00+00', 1, 'America/Sao_Paulo'),
    ('2011-12-28 22:00:00+00', 1, 'Pacific/Apia')
  ) AS case_ (placed, days, zone);

\echo a last moment in 3 days caps a term of 5, one in 7 days does not (FIELD 122)
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', NULL, 5, 'UTC', last)
  FROM (VALUES (timestamptz '2027-01-13 12:00:00+00'), ('2027-01-17 12:00:00+00')) AS case_ (last);
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', 60, NULL, 'UTC', '2027-01-10 12:10:00+00');

\echo nothing is due before it was placed
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', 60, NULL, 'UTC', '2027-01-10 11:00:00+00');

\echo what is not a term
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', NULL, NULL, 'UTC', NULL);
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', 30, 5, 'UTC', NULL);
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', 0, NULL, 'UTC', NULL);
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', NULL, 366, 'UTC', NULL);
SELECT boxoffice_code.payment_deadline('2027-01-10 12:00:00+00', NULL, 1, 'Mars/Olympus', NULL);
