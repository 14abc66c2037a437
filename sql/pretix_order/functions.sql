-- Import of orders from pretix into an event that was imported from there.
--
-- Each order is taken whole or left whole, with its reason in the report. An order that was taken
-- before is left: the first wins. What it takes from stock it takes beside what is free: where it
-- is more, the places are overbooked by as much, as they were sold; the report says so.

-- ---- one order, taken apart
-- ---------------------------------------------------------------------------------------------

-- The positions of an order with what they became. Lines are what one claim can say: places of one
-- type, session, price and fee; a position with add-ons, and those, have lines of their own.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_positions(event boxoffice.event, source jsonb)
    RETURNS TABLE (n bigint, reference text, ticket_type_id bigint, session_id bigint,
        price bigint, fee bigint, cancelled boolean, code text, name text, email text,
        parent text, line bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH fee AS (
        SELECT COALESCE(pg_catalog.sum(boxoffice_code.pretix_minor(
                   f.fee ->> 'value', event.currency)), 0)::bigint AS amount
          FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(source -> 'fees'))
               AS f (fee)
         WHERE (f.fee ->> 'value')::numeric > 0
           AND (f.fee ->> 'canceled')::boolean IS NOT TRUE
    ), position AS (
        SELECT p.n, p.position ->> 'id' AS reference,
               boxoffice_code.pretix_ref(event.id, 'ticket_type', pg_catalog.concat_ws('/',
                   p.position ->> 'item', p.position ->> 'variation')) AS ticket_type_id,
               boxoffice_code.pretix_ref(event.id, 'session',
                   COALESCE(p.position ->> 'subevent', '0')) AS session_id,
               boxoffice_code.pretix_minor(p.position ->> 'price', event.currency) AS price,
               COALESCE((p.position ->> 'canceled')::boolean, false) AS cancelled,
               p.position ->> 'secret' AS code,
               NULLIF(p.position ->> 'attendee_name', '') AS name,
               NULLIF(p.position ->> 'attendee_email', '') AS email,
               p.position ->> 'addon_to' AS parent
          FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(source -> 'positions'))
               WITH ORDINALITY AS p (position, n)
    ), priced AS (
        -- the fee of the order, spread over its live tickets; the first have what does not divide
        SELECT p.*,
               CASE WHEN p.cancelled THEN 0
                    ELSE f.amount / live.count
                         + CASE WHEN live.place <= f.amount % live.count THEN 1 ELSE 0 END
               END AS fee
          FROM position AS p
         CROSS JOIN fee AS f
         CROSS JOIN LATERAL (
            SELECT GREATEST(pg_catalog.count(*) FILTER (WHERE NOT o.cancelled), 1) AS count,
                   pg_catalog.count(*) FILTER (WHERE NOT o.cancelled AND o.n <= p.n) AS place
              FROM position AS o
         ) AS live
    )
    SELECT p.n, p.reference, p.ticket_type_id, p.session_id, p.price, p.fee, p.cancelled,
           p.code, p.name, p.email, p.parent,
           pg_catalog.dense_rank() OVER (ORDER BY
               p.ticket_type_id, p.session_id, p.price, p.fee, p.cancelled,
               COALESCE(p.parent, CASE WHEN EXISTS (
                   SELECT FROM position AS c WHERE c.parent = p.reference)
                   THEN p.reference END, ''))
      FROM priced AS p
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_positions IS
'The positions of an order of pretix: their type, session, price and part of the order''s fees, and the line of the hold that keeps their place.';

-- Where the places of a line are: the type's pools in its session, and its event-wide ones.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_stocks(
    event bigint, ticket_type bigint, session bigint)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT s.id
          FROM boxoffice.ticket_type_pool AS l
          JOIN boxoffice.stock AS s
            ON s.event_id = l.event_id AND s.pool_id = l.pool_id
           AND (s.session_id = session OR s.session_id IS NULL)
         WHERE l.event_id = pretix_stocks.event AND l.ticket_type_id = ticket_type
         ORDER BY s.id);
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_stocks IS
'The stock rows that a place of a type in a session takes from.';

-- The money of an order: confirmed payments in order of time, less what was refunded, the last
-- first. What a paid order lacks (it was paid by something that is not here) is added to it.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_money(
    source jsonb, currency text, status text, total bigint)
    RETURNS TABLE (n bigint, amount bigint, provider text, reference text, at timestamptz)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH payment AS (
        SELECT pg_catalog.row_number() OVER (ORDER BY p.n) AS n,
               boxoffice_code.pretix_minor(p.payment ->> 'amount', currency) AS amount,
               p.payment ->> 'provider' AS provider, p.payment ->> 'local_id' AS local_id,
               COALESCE(p.payment ->> 'payment_date', p.payment ->> 'created') AS at
          FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(source -> 'payments'))
               WITH ORDINALITY AS p (payment, n)
         WHERE p.payment ->> 'state' IN ('confirmed', 'refunded')
    ), refund AS (
        SELECT COALESCE(pg_catalog.sum(boxoffice_code.pretix_minor(
                   r.refund ->> 'amount', currency)), 0)::bigint AS amount
          FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(source -> 'refunds'))
               AS r (refund)
         WHERE r.refund ->> 'state' IN ('done', 'external')
    ), left_of AS (
        SELECT p.*, p.amount - LEAST(p.amount, GREATEST(0, r.amount - COALESCE(pg_catalog.sum(
                   p.amount) OVER (ORDER BY p.n DESC ROWS BETWEEN UNBOUNDED PRECEDING
                                   AND 1 PRECEDING), 0)))::bigint AS kept
          FROM payment AS p
         CROSS JOIN refund AS r
    ), kept AS (
        SELECT l.n, l.kept AS amount, l.provider, 'P-' || l.local_id AS reference,
               l.at::timestamptz AS at
          FROM left_of AS l
         WHERE l.kept > 0
    )
    SELECT k.n, k.amount, k.provider, source ->> 'code' || '-' || k.reference, k.at FROM kept AS k
    UNION ALL
    SELECT 1000000, total - COALESCE(pg_catalog.sum(k.amount), 0)::bigint,
           source ->> 'payment_provider', source ->> 'code', NULL
      FROM kept AS k
    HAVING status = 'paid'
       AND (total - COALESCE(pg_catalog.sum(k.amount), 0) > 0
            OR total = 0 AND pg_catalog.count(*) = 0)
     ORDER BY 1
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_money IS
'What came in for an order of pretix and was not given back, as rows of the ledger.';

-- A code that is free in the event: pretix's own, with a sixth letter if it has five.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_code(event bigint, code text)
    RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    letters CONSTANT text := 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
    found text;
BEGIN
    IF code !~ '^[A-HJ-NP-Z2-9]{5,6}$' THEN
        code := '';
    END IF;
    FOR tries IN 1 .. 64 LOOP
        SELECT code || COALESCE(pg_catalog.string_agg(
                   pg_catalog.substr(letters, 1 + pg_catalog.get_byte(random.bytes, n.n) % 32, 1),
                   ''), '')
          INTO found
          FROM (SELECT pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) AS bytes) AS random
         CROSS JOIN LATERAL pg_catalog.generate_series(
                   0, 5 - pg_catalog.char_length(code)) AS n (n);
        IF NOT EXISTS (SELECT FROM boxoffice.order AS o
                        WHERE o.event_id = pretix_code.event AND o.code = found) THEN
            RETURN found;
        END IF;
        IF pg_catalog.char_length(code) = 6 OR tries = 48 THEN
            code := '';
        END IF;
    END LOOP;
    RAISE EXCEPTION 'no order code is free'
        USING ERRCODE = 'program_limit_exceeded';
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_code IS
'A free order code that begins with the one of pretix, if its letters are ours.';

-- ---- why an order is left
-- ---------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_order_unfit(
    event boxoffice.event, source jsonb, status text)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    live bigint;
    twice bigint;
    unknown text;
BEGIN
    IF boxoffice_code.pretix_ref(event.id, 'order', source ->> 'code') IS NOT NULL THEN
        RETURN 'It was imported before.';
    END IF;
    IF COALESCE((source ->> 'testmode')::boolean, false) <> event.test THEN
        RETURN 'It is of test mode and the event is not, or the other way round.';
    END IF;
    IF source ->> 'status' = 'n' AND (source ->> 'require_approval')::boolean THEN
        RETURN 'It waits for approval: decide that first.';
    END IF;
    SELECT pg_catalog.count(*) FILTER (WHERE status = 'cancelled' OR NOT p.cancelled),
           pg_catalog.count(*) - pg_catalog.count(DISTINCT p.code),
           pg_catalog.min(p.reference) FILTER (
               WHERE p.ticket_type_id IS NULL OR p.session_id IS NULL OR p.price < 0)
      INTO live, twice, unknown
      FROM boxoffice_code.pretix_positions(event, source) AS p;
    IF unknown IS NOT NULL THEN
        RETURN 'Position ' || unknown
            || ' is of an item, variation or date that is not here, or its price is negative.';
    END IF;
    IF live = 0 THEN
        RETURN 'It has no tickets.';
    END IF;
    IF twice > 0 OR EXISTS (
               SELECT FROM boxoffice_code.pretix_positions(event, source) AS p
                 JOIN boxoffice.ticket AS t ON t.event_id = event.id AND t.code = p.code) THEN
        RETURN 'Two tickets would have the same code.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_order_unfit IS
'Why an order of pretix is not imported; NULL if it is.';

-- ---- an order, written
-- ---------------------------------------------------------------------------------------------

-- Marks what the claims of an imported order name as used, also by what has expired or was
-- cancelled: a late payment looks for the rows.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_mark_used(event bigint, hold bigint)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE boxoffice.ticket_type AS t
       SET used = true
     WHERE t.event_id = event AND NOT t.used
       AND t.id IN (
        SELECT c.ticket_type_id
          FROM boxoffice.claim AS c
         WHERE c.event_id = event AND c.owner_id = hold);

    UPDATE boxoffice.stock AS s
       SET used = true
     WHERE s.event_id = event AND NOT s.used
       AND s.id IN (
        SELECT pg_catalog.unnest(c.stock_ids)
          FROM boxoffice.claim AS c
         WHERE c.event_id = event AND c.owner_id = hold);
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_mark_used IS
'Marks the ticket types and stock rows of an imported order as used.';

-- Its hold and claims, and the counters of what they take. Returns by how much places had to be
-- overbooked.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_write_claims(
    event boxoffice.event, made boxoffice."order", source jsonb)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted CONSTANT text := CASE WHEN made.status = 'paid' THEN 'sold'
        WHEN made.status = 'pending' THEN 'pending'
        WHEN made.status = 'expired' THEN 'expired' ELSE 'released' END;
    over bigint;
BEGIN
    INSERT INTO boxoffice.hold (
        event_id, id, status, expires_at, extend_until, created_at, channel)
    VALUES (event.id, made.hold_id, 'ordered', made.placed_at, made.placed_at, made.placed_at,
            made.channel);

    INSERT INTO boxoffice.claim (
        event_id, owner_id, line, state, quantity, group_id, ticket_type_id, session_id,
        unit_price, unit_fee, stock_ids, expires_at, parent_line)
    SELECT event.id, made.hold_id, l.line, CASE WHEN l.cancelled THEN 'released' ELSE wanted END,
           CASE WHEN l.cancelled OR wanted = 'released' THEN 0 ELSE l.quantity END, s.group_id,
           l.ticket_type_id, l.session_id, l.price, l.fee, l.stock_ids,
           CASE WHEN wanted = 'pending' AND NOT l.cancelled
                THEN made.expires_at + event.payment_grace_ms * interval '1 ms' END,
           l.parent_line
      FROM (
        SELECT p.line, p.ticket_type_id, p.session_id, p.price, p.fee, p.cancelled,
               pg_catalog.count(*) AS quantity, pg_catalog.min(parent.line) AS parent_line,
               boxoffice_code.pretix_stocks(event.id, p.ticket_type_id, p.session_id) AS stock_ids
          FROM boxoffice_code.pretix_positions(event, source) AS p
          LEFT JOIN boxoffice_code.pretix_positions(event, source) AS parent
            ON parent.reference = p.parent
         GROUP BY p.line, p.ticket_type_id, p.session_id, p.price, p.fee, p.cancelled
      ) AS l
      JOIN boxoffice.stock AS s ON s.event_id = event.id AND s.id = l.stock_ids[1];

    PERFORM boxoffice_code.pretix_mark_used(event.id, made.hold_id);
    IF wanted NOT IN ('sold', 'pending') THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        SELECT t.id, pg_catalog.sum(c.quantity)::integer AS quantity
          FROM boxoffice.claim AS c
         CROSS JOIN LATERAL pg_catalog.unnest(c.stock_ids) AS t (id)
         WHERE c.event_id = event.id AND c.owner_id = made.hold_id AND c.state = wanted
         GROUP BY t.id
    ), lacking AS (
        SELECT t.id, t.quantity, GREATEST(0, s.held + s.pending + s.sold + s.blocked + t.quantity
                                             - s.capacity - s.overbook) AS lack
          FROM taken AS t
          JOIN boxoffice.stock AS s ON s.event_id = event.id AND s.id = t.id
    ), written AS (
        UPDATE boxoffice.stock AS s
           SET sold = s.sold + CASE WHEN wanted = 'sold' THEN l.quantity ELSE 0 END,
               pending = s.pending + CASE WHEN wanted = 'pending' THEN l.quantity ELSE 0 END,
               overbook = s.overbook + COALESCE(l.lack, 0)
          FROM lacking AS l
         WHERE s.event_id = event.id AND s.id = l.id
    )
    SELECT COALESCE(pg_catalog.max(l.lack), 0) INTO over FROM lacking AS l;
    RETURN over;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_write_claims IS
'Writes the hold and claims of an imported order and what they take from stock; returns by how much that overbooks.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_write_tickets(
    event boxoffice.event, made boxoffice."order", source jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH place AS (
        SELECT p.*, boxoffice_code.new_id() AS id,
               CASE WHEN p.cancelled OR made.status = 'cancelled' THEN 'cancelled'
                    WHEN made.status = 'paid' THEN 'valid'
                    ELSE 'reserved' END AS state
          FROM boxoffice_code.pretix_positions(event, source) AS p
    ), written AS (
        INSERT INTO boxoffice.ticket (
            event_id, id, order_id, line, ticket_type_id, session_id, price, fee, state, code,
            parent_id)
        SELECT event.id, p.id, made.id, p.line, p.ticket_type_id, p.session_id, p.price, p.fee,
               p.state, CASE WHEN p.state = 'valid' THEN p.code END, parent.id
          FROM place AS p
          LEFT JOIN place AS parent ON parent.reference = p.parent
    ), held AS (
        INSERT INTO boxoffice.holder (event_id, ticket_id, name, email)
        SELECT event.id, p.id, p.name, p.email
          FROM place AS p
         WHERE p.name IS NOT NULL OR p.email IS NOT NULL
    ), charged AS (
        INSERT INTO boxoffice.order_fee (
            event_id, order_id, line, kind, name, quantity, unit_amount, amount)
        SELECT event.id, made.id, p.line, 'ticket', t.name, pg_catalog.count(*), p.fee,
               pg_catalog.count(*) * p.fee
          FROM place AS p
          JOIN boxoffice.ticket_type AS t
            ON t.event_id = event.id AND t.id = p.ticket_type_id
         WHERE p.fee > 0 AND p.state <> 'cancelled'
         GROUP BY p.line, p.fee, t.name
    )
    INSERT INTO boxoffice.imported (event_id, source, kind, reference, ref_id)
    SELECT event.id, 'pretix', 'ticket', p.reference, p.id FROM place AS p;
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_write_tickets IS
'Writes the tickets of an imported order with their holders and fees.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_write_money(
    event boxoffice.event, made boxoffice."order", source jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.payment (
        event_id, id, order_id, kind, amount, currency, outcome, method, reference, recorded_by,
        recorded_at)
    SELECT event.id, boxoffice_code.new_id(), made.id,
           CASE WHEN m.amount = 0 THEN 'free' ELSE 'manual' END, m.amount, made.currency,
           CASE made.status
               WHEN 'expired' THEN 'order_expired'
               WHEN 'cancelled' THEN 'order_cancelled'
               WHEN 'pending' THEN 'partial'
               ELSE CASE WHEN m.before >= made.total AND made.total > 0 THEN 'overpaid'
                         WHEN m.before + m.amount >= made.total THEN 'paid'
                         ELSE 'partial' END
           END,
           CASE WHEN m.amount = 0 THEN NULL
                WHEN m.provider IN ('banktransfer', 'sepadebit') THEN 'transfer'
                WHEN m.provider IN ('cash', 'boxoffice') THEN 'cash'
                ELSE 'other' END,
           'pretix ' || m.reference, boxoffice_code.actor_subject(),
           COALESCE(m.at, made.paid_at, made.placed_at)
      FROM (
        SELECT p.*, COALESCE(pg_catalog.sum(p.amount) OVER (
                   ORDER BY p.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
          FROM boxoffice_code.pretix_money(source, made.currency, made.status, made.total) AS p
      ) AS m;
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_write_money IS
'Writes the payments of an imported order into the ledger.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_write_contact(
    event boxoffice.event, made boxoffice."order", source jsonb)
    RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO boxoffice.contact (event_id, order_id, name, email, phone, locale)
    SELECT event.id, made.id,
           COALESCE(NULLIF(source #>> '{invoice_address,name}', ''), (
               SELECT p.name
                 FROM boxoffice_code.pretix_positions(event, source) AS p
                WHERE p.name IS NOT NULL
                ORDER BY p.n
                LIMIT 1), source ->> 'email'),
           source ->> 'email', NULLIF(source ->> 'phone', ''),
           CASE WHEN source ->> 'locale' ~ '^[a-z]{2,3}(-[A-Z]{2})?$' THEN source ->> 'locale' END
     WHERE NULLIF(source ->> 'email', '') IS NOT NULL;

    INSERT INTO boxoffice.order_note (event_id, id, order_id, author, text, created_at)
    SELECT event.id, boxoffice_code.new_id(), made.id, boxoffice_code.actor_subject(),
           pg_catalog.left(pg_catalog.btrim(source ->> 'comment'), 5000), made.placed_at
     WHERE NULLIF(pg_catalog.btrim(source ->> 'comment'), '') IS NOT NULL;
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_write_contact IS
'Writes who bought an imported order, and the organizer''s comment on it.';

-- What the order is to be here: money decides where pretix and we would differ.
CREATE OR REPLACE FUNCTION boxoffice_code.pretix_status(
    event boxoffice.event, source jsonb, total bigint)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE source ->> 'status'
        WHEN 'p' THEN 'paid'
        WHEN 'e' THEN 'expired'
        WHEN 'n' THEN CASE
            WHEN COALESCE((SELECT pg_catalog.sum(m.amount)
                             FROM boxoffice_code.pretix_money(
                                      source, event.currency, 'pending', total) AS m), 0) >= total
            THEN 'paid'
            ELSE 'pending' END
        ELSE 'cancelled' END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_status IS
'The status that an order of pretix gets: pending ones that are paid in full are paid.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_order(
    event boxoffice.event, source jsonb, pointer text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice."order";
    live bigint;
    unfit text;
    over bigint;
BEGIN
    SELECT COALESCE(pg_catalog.sum(p.price + p.fee) FILTER (WHERE NOT p.cancelled), 0)::bigint
      INTO live
      FROM boxoffice_code.pretix_positions(event, source) AS p;
    made.status := boxoffice_code.pretix_status(event, source, live);
    unfit := boxoffice_code.pretix_order_unfit(event, source, made.status);
    IF unfit IS NOT NULL THEN
        RETURN boxoffice_code.pretix_line('order', source ->> 'code', pointer, NULL, ARRAY[unfit]);
    END IF;
    made.event_id := event.id;
    made.id := boxoffice_code.new_id();
    made.hold_id := boxoffice_code.new_id();
    made.code := boxoffice_code.pretix_code(event.id, source ->> 'code');
    made.total := CASE WHEN made.status = 'cancelled' THEN 0 ELSE live END;
    made.currency := event.currency;
    made.test := event.test;
    made.channel := CASE source ->> 'sales_channel' WHEN 'pretixpos' THEN 'box_office'
        ELSE CASE WHEN COALESCE(source ->> 'sales_channel', 'web') = 'web' THEN 'web'
                  ELSE 'api' END END;
    made.placed_at := source ->> 'datetime';
    made.expires_at := CASE WHEN made.status IN ('pending', 'expired')
        THEN COALESCE((source ->> 'expires')::timestamptz, made.placed_at) END;
    made.paid_at := CASE WHEN made.status = 'paid' THEN COALESCE(
        (SELECT pg_catalog.max(m.at)
           FROM boxoffice_code.pretix_money(source, event.currency, 'paid', made.total) AS m),
        made.placed_at) END;
    made.cancelled_at := CASE WHEN made.status = 'cancelled'
        THEN COALESCE((source ->> 'last_modified')::timestamptz, made.placed_at) END;
    INSERT INTO boxoffice.order (
        event_id, id, hold_id, code, status, total, currency, test, channel,
        placed_at, expires_at, paid_at, cancelled_at)
    VALUES (
        made.event_id, made.id, made.hold_id, made.code, made.status, made.total, made.currency,
        made.test, made.channel, made.placed_at, made.expires_at, made.paid_at, made.cancelled_at);
    over := boxoffice_code.pretix_write_claims(event, made, source);
    PERFORM boxoffice_code.pretix_write_tickets(event, made, source);
    PERFORM boxoffice_code.pretix_write_money(event, made, source);
    PERFORM boxoffice_code.pretix_write_contact(event, made, source);
    INSERT INTO boxoffice.imported (event_id, source, kind, reference, ref_id)
    VALUES (event.id, 'pretix', 'order', source ->> 'code', made.id);
    -- for the search; its buyer was told long ago
    INSERT INTO boxoffice.outbox (event_id, id, topic, ref_id, created_at)
    VALUES (event.id, boxoffice_code.new_id(), 'order.changed', made.id, boxoffice_code.clock());
    RETURN boxoffice_code.pretix_line('order', source ->> 'code', pointer, made.id,
        boxoffice_code.pretix_order_notes(event, made, source, over));
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_order IS
'Imports one order of pretix, whole or not at all; returns its line of the report.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_order_notes(
    event boxoffice.event, made boxoffice."order", source jsonb, over bigint)
    RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY[
        boxoffice_code.pretix_note(made.code <> source ->> 'code',
            'Its code is ' || event.short_code || '-' || made.code || '.'),
        boxoffice_code.pretix_note(over > 0,
            'It takes more places than there were: overbooked by ' || over || '.'),
        boxoffice_code.pretix_note(
            pg_catalog.jsonb_array_length(boxoffice_code.list_or_none(source -> 'fees')) > 0,
            'Its fees are in the fees of its tickets.'),
        boxoffice_code.pretix_note(made.status <> 'cancelled' AND made.total
            <> boxoffice_code.pretix_minor(source ->> 'total', event.currency),
            'Its total was ' || (source ->> 'total') || ' and is the sum of its tickets.'),
        boxoffice_code.pretix_note(EXISTS (
            SELECT FROM (
                SELECT p.position ->> 'price'
                  FROM pg_catalog.jsonb_array_elements(
                           boxoffice_code.list_or_none(source -> 'positions')) AS p (position)
                UNION ALL
                SELECT f.fee ->> 'value'
                  FROM pg_catalog.jsonb_array_elements(
                           boxoffice_code.list_or_none(source -> 'fees')) AS f (fee)
                UNION ALL
                SELECT m.payment ->> 'amount'
                  FROM pg_catalog.jsonb_array_elements(
                           boxoffice_code.list_or_none(source -> 'payments')) AS m (payment)
              ) AS a (amount)
             WHERE boxoffice_code.pretix_rounding(a.amount, event.currency) IS NOT NULL),
            'Amounts of it are rounded to what the currency has.'),
        boxoffice_code.pretix_note(made.status = 'paid' AND source ->> 'status' = 'n',
            'It was pending and paid in full: it is paid.'),
        boxoffice_code.pretix_note(
            pg_catalog.jsonb_array_length(boxoffice_code.list_or_none(source -> 'refunds')) > 0,
            'Its payments are less by what was refunded.'),
        boxoffice_code.pretix_note(NULLIF(source ->> 'email', '') IS NULL,
            'It has no e-mail address, so no contact.'),
        boxoffice_code.pretix_note(
            NULLIF(source #>> '{invoice_address,company}', '') IS NOT NULL
            OR NULLIF(source #>> '{invoice_address,street}', '') IS NOT NULL,
            'Its invoice address was left.'),
        boxoffice_code.pretix_note(EXISTS (
            SELECT FROM pg_catalog.jsonb_array_elements(
                       boxoffice_code.list_or_none(source -> 'positions')) AS p (position)
             WHERE pg_catalog.jsonb_array_length(
                       boxoffice_code.list_or_none(p.position -> 'answers')) > 0),
            'Answers to questions were left.'),
        boxoffice_code.pretix_note(EXISTS (
            SELECT FROM pg_catalog.jsonb_array_elements(
                       boxoffice_code.list_or_none(source -> 'positions')) AS p (position)
             WHERE pg_catalog.jsonb_array_length(
                       boxoffice_code.list_or_none(p.position -> 'checkins')) > 0),
            'Check-ins were left.')]
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_order_notes IS
'What the report says of an order that was imported.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_take_orders(event boxoffice.event, orders jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lines jsonb := '[]';
    source jsonb;
    n bigint;
BEGIN
    FOR source, n IN
        SELECT o.element, o.n
          FROM pg_catalog.jsonb_array_elements(boxoffice_code.list_or_none(orders))
               WITH ORDINALITY AS o (element, n)
         ORDER BY o.n
    LOOP
        lines := lines || boxoffice_code.pretix_take_order(event, source, '/orders/' || (n - 1));
    END LOOP;
    RETURN lines;
END
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_take_orders IS
'Imports orders of pretix, one after the other; returns the report''s lines.';

CREATE OR REPLACE FUNCTION boxoffice_code.pretix_report(event boxoffice.event, lines jsonb)
    RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.json_build_object(
               'event', event.id::text,
               'short_code', event.short_code,
               'taken', pg_catalog.count(*) FILTER (WHERE l.line ->> 'state' = 'taken'),
               'changed', pg_catalog.count(*) FILTER (WHERE l.line ->> 'state' = 'changed'),
               'left', pg_catalog.count(*) FILTER (WHERE l.line ->> 'state' = 'left'),
               'lines', lines)
      FROM pg_catalog.jsonb_array_elements(lines) AS l (line)
$$;
COMMENT ON FUNCTION boxoffice_code.pretix_report IS 'The report of an import, with its sums.';
