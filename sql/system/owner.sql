-- Keys that secrets and hashes hang on: how a DBA adds one and takes one away. As the owner of the
-- tables, since boxoffice_code may only read the keys; nobody else may execute these.

-- 32 bytes: a hash over four random UUIDs, each 122 bits from the server's strong source of
-- randomness.
CREATE OR REPLACE FUNCTION boxoffice_code.secret_key_make()
    RETURNS bytea
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.sha256(pg_catalog.string_agg(
               pg_catalog.uuid_send(pg_catalog.gen_random_uuid()), ''))
      FROM pg_catalog.generate_series(1, 4)
$$;
COMMENT ON FUNCTION boxoffice_code.secret_key_make IS 'A new random key of 32 bytes.';

CREATE OR REPLACE FUNCTION boxoffice_code.secret_rotate(purpose text DEFAULT 'secret')
    RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys_max CONSTANT integer := 64;
    newest integer;
    keys bigint;
BEGIN
    LOCK TABLE boxoffice.secret_key IN SHARE ROW EXCLUSIVE MODE;
    SELECT max(k.kid), count(*)
      INTO newest, keys
      FROM boxoffice.secret_key AS k
     WHERE k.purpose = secret_rotate.purpose;
    IF newest IS NULL THEN
        RAISE EXCEPTION 'there is no purpose "%"', purpose
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Purposes are secret and buyer.';
    ELSIF keys >= keys_max THEN
        RAISE EXCEPTION 'purpose "%" has % keys, which is the most it can have', purpose, keys
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Retire the oldest: secret_retire().';
    END IF;
    INSERT INTO boxoffice.secret_key (purpose, kid, key, created_at)
    VALUES (purpose, newest + 1, boxoffice_code.secret_key_make(), pg_catalog.clock_timestamp());
    PERFORM boxoffice_code.secret_keys_changed();
    RETURN newest + 1;
END
$$;
COMMENT ON FUNCTION boxoffice_code.secret_rotate IS
'Adds a key and returns its number; from the commit on it makes what is new. Purpose secret: secrets of holds and orders, those made before open as well. Purpose buyer: hashes of e-mail addresses in events made from a minute later on; an event keeps its key for ever, so no limit per buyer begins anew. For a DBA.';

CREATE OR REPLACE FUNCTION boxoffice_code.secret_retire(kid integer)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    LOCK TABLE boxoffice.secret_key IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM boxoffice.secret_key AS k
     WHERE k.purpose = 'secret'
       AND k.kid = secret_retire.kid
       AND EXISTS (
        SELECT FROM boxoffice.secret_key AS n WHERE n.purpose = k.purpose AND n.kid > k.kid);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no key % that another has followed', kid
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Add a key first: secret_rotate().';
    END IF;
    PERFORM boxoffice_code.secret_keys_changed();
END
$$;
COMMENT ON FUNCTION boxoffice_code.secret_retire IS
'Removes a key of purpose secret that a newer one has followed: secrets made with it open nothing any more, and whoever holds one needs another. Keys of purpose buyer stay: events hang on them. For a DBA.';
