-- What makes a database one of controls: here nobody locks what they read, the core by its switch for tests, and the
-- functions in SQL because the clause is taken out of them. Compare-and-set, constraints and unique keys stay, so a
-- control shows what goes wrong without the lock, or the second guard that stops it.
DO $$
DECLARE
    locking regprocedure;
BEGIN
    EXECUTE format('ALTER DATABASE %I SET boxoffice.debug_skip_lock = on', current_database());
    FOR locking IN
        SELECT p.oid FROM pg_proc AS p
         WHERE p.pronamespace IN ('api'::regnamespace, 'boxoffice_code'::regnamespace)
           AND p.prosrc ~ '\yFOR (NO KEY )?(UPDATE|SHARE)\y'
    LOOP
        EXECUTE regexp_replace(pg_get_functiondef(locking), '\yFOR (NO KEY )?(UPDATE|SHARE)\y( OF \w+)?(\s+SKIP LOCKED)?', '', 'g');
    END LOOP;
END
$$;

-- The check of an event's books is without its lock when it looks more than once: see check_inventory.spec.
ALTER FUNCTION hold_test.check_at_once VOLATILE;
