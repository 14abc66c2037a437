-- Ids, the clock, and secrets, each against a second opinion in SQL.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

\echo # ids rise, carry the time in milliseconds, and keep the real clock
SELECT bool_and(id > before), count(DISTINCT id) = count(*)
  FROM (SELECT id, lag(id, 1, 0) OVER (ORDER BY n) AS before
          FROM (SELECT n, boxoffice_code.new_id() AS id FROM generate_series(1, 10000) AS n) AS i) AS j;
SET boxoffice.clock_stopped_at = 0;
SET boxoffice.clock_offset = 1000000;
SELECT abs(extract(epoch FROM '2024-01-01 UTC'::timestamptz + (boxoffice_code.new_id() >> 20) * interval '1 ms' - clock_timestamp())) < 10;

\echo # the clock of rules is moved by who may
SELECT boxoffice_code.clock() - interval '1000000 s' BETWEEN statement_timestamp() AND clock_timestamp();
RESET boxoffice.clock_offset;
SELECT boxoffice_code.clock() BETWEEN statement_timestamp() AND clock_timestamp();
\echo # it stands still, and is moved from there
SET boxoffice.clock_stopped_at = 1800000000.25;
SELECT boxoffice_code.clock() AT TIME ZONE 'UTC';
SET boxoffice.clock_offset = 86400;
SELECT boxoffice_code.clock() AT TIME ZONE 'UTC';
RESET boxoffice.clock_offset;
RESET boxoffice.clock_stopped_at;
SET ROLE boxoffice_service;
SET boxoffice.clock_offset = 1;
RESET ROLE;
SET boxoffice.clock_offset = 'soon';
SET boxoffice.clock_offset = 1e12;

\echo # a secret is HMAC-SHA256 of kind and id, cut to 128 bits, in base64url
CREATE FUNCTION pg_temp.xor_all(key bytea, pad integer) RETURNS bytea LANGUAGE sql AS $$
    SELECT decode(string_agg(lpad(to_hex(CASE WHEN i < length(key) THEN get_byte(key, i) ELSE 0 END # pad), 2, '0'), '' ORDER BY i), 'hex')
      FROM generate_series(0, 63) AS i
$$;
CREATE FUNCTION pg_temp.hmac(key bytea, message bytea) RETURNS bytea LANGUAGE sql AS $$
    SELECT sha256(pg_temp.xor_all(k, 92) || sha256(pg_temp.xor_all(k, 54) || message))
      FROM (SELECT CASE WHEN length(key) > 64 THEN sha256(key) ELSE key END AS k) AS s
$$;
\echo # (RFC 4231, cases 2 and 6, for the second opinion itself)
SELECT encode(pg_temp.hmac('Jefe', 'what do ya want for nothing?'), 'hex') = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
       encode(pg_temp.hmac(decode(repeat('aa', 131), 'hex'), 'Test Using Larger Than Block-Size Key - Hash Key First'), 'hex')
           = '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54';
SELECT count(*), bool_and(boxoffice_code.hold_secret(id) =
        rtrim(translate(encode(substr(pg_temp.hmac(k.key, 'h'::bytea || int8send(id)), 1, 16), 'base64'), '+/', '-_'), '='))
  FROM (VALUES (0::bigint), (1), (95726544447602688), (9223372036854775807), (-1)) AS i (id),
       (SELECT key FROM boxoffice.secret_key WHERE purpose = 'secret' ORDER BY kid DESC LIMIT 1) AS k;
