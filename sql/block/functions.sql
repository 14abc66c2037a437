-- Blocks as answers show them, and how they are changed.
--
-- What a block keeps are claims, as a hold's are, so changing them takes the way of every claim:
-- the locks of the groups, then expired ones back where places are short, then a look, then the
-- write.

CREATE OR REPLACE FUNCTION boxoffice_code.block_json(event bigint, block bigint)
    RETURNS json
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT json_build_object(
               'id', b.id::text,
               'channel', b.channel,
               'reason', b.reason,
               'release_at', boxoffice_code.time_text(b.release_at, e.zone),
               'created_by', b.created_by,
               'created_at', boxoffice_code.time_text(b.created_at, e.zone),
               'zone', e.zone,
               'left', (SELECT COALESCE(sum(c.quantity), 0)
                          FROM boxoffice.claim AS c
                         WHERE c.event_id = b.event_id
                           AND c.owner_id = b.id
                           AND c.state = 'blocked'),
               'held', t.held,
               'pending', t.pending,
               'sold', t.sold,
               'items', (
                    SELECT COALESCE(json_agg(json_build_object(
                               'id', c.line::text,
                               'ticket_type', t.key,
                               'pool', CASE WHEN c.ticket_type_id IS NULL THEN p.key END,
                               'session', s.key,
                               'quantity', CASE c.state WHEN 'blocked' THEN c.quantity ELSE 0 END)
                               ORDER BY c.line), '[]')
                      FROM boxoffice.claim AS c
                      LEFT JOIN boxoffice.ticket_type AS t
                        ON t.event_id = c.event_id AND t.id = c.ticket_type_id
                      LEFT JOIN boxoffice.stock AS k
                        ON k.event_id = c.event_id AND k.id = c.stock_ids[1]
                      LEFT JOIN boxoffice.pool AS p ON p.event_id = k.event_id AND p.id = k.pool_id
                      LEFT JOIN boxoffice.session AS s
                        ON s.event_id = c.event_id AND s.id = c.session_id
                     WHERE c.event_id = b.event_id AND c.owner_id = b.id))
      FROM boxoffice.block AS b
      JOIN boxoffice.event AS e ON e.id = b.event_id
     CROSS JOIN LATERAL (
        SELECT COALESCE(sum(c.quantity) FILTER (WHERE c.state = 'held'), 0) AS held,
               COALESCE(sum(c.quantity) FILTER (WHERE c.state = 'pending'), 0) AS pending,
               COALESCE(sum(c.quantity) FILTER (WHERE c.state = 'sold'), 0) AS sold
          FROM boxoffice.claim AS c
         WHERE c.event_id = b.event_id AND c.block_id = b.id
      ) AS t
     WHERE b.event_id = block_json.event AND b.id = block_json.block
$$;
COMMENT ON FUNCTION boxoffice_code.block_json IS 'A block as its organizer sees it.';

-- The block, for who may see it, or change it if roles are named; refuses others.
CREATE OR REPLACE FUNCTION boxoffice_code.block_find(
    event bigint, block bigint, VARIADIC roles text[] DEFAULT '{}')
    RETURNS boxoffice.block
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boxoffice.block;
    owner bigint;
BEGIN
    SELECT e.organizer_id INTO owner FROM boxoffice.event AS e WHERE e.id = block_find.event;
    SELECT *
      INTO found
      FROM boxoffice.block AS b
     WHERE b.event_id = block_find.event AND b.id = block_find.block;
    IF found.id IS NULL THEN
        PERFORM boxoffice_code.refuse('not_found', 'block');
    END IF;
    PERFORM boxoffice_code.require_member(owner, VARIADIC roles);
    RETURN found;
END
$$;
COMMENT ON FUNCTION boxoffice_code.block_find IS
'A block, for its organizer''s people; refuses strangers.';

-- The lines of a block beside what they are wanted to keep (items: a list of id and quantity);
-- those that are not named stay as they are.
CREATE OR REPLACE FUNCTION boxoffice_code.block_lines(
    event bigint, block bigint, items jsonb)
    RETURNS TABLE (
        line smallint, state text, stock_ids bigint[], quantity integer, wanted integer, n bigint)
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.line, c.state, c.stock_ids, c.quantity,
           CASE WHEN i.n IS NULL THEN c.quantity ELSE (i.item ->> 'quantity')::integer END, i.n - 1
      FROM (
        SELECT x.line, x.state, x.stock_ids, x.quantity
          FROM boxoffice.claim AS x
         WHERE x.event_id = block_lines.event AND x.owner_id = block_lines.block
      ) AS c
      FULL JOIN pg_catalog.jsonb_array_elements(COALESCE(items, '[]'))
                WITH ORDINALITY AS i (item, n)
        ON c.line = (i.item ->> 'id')::bigint
$$;
COMMENT ON FUNCTION boxoffice_code.block_lines IS
'The lines of a block beside what they are wanted to keep.';

-- How many places more (or less) each stock row keeps back for what is wanted.
CREATE OR REPLACE FUNCTION boxoffice_code.block_gains(event bigint, block bigint, items jsonb)
    RETURNS TABLE (stock bigint, gain bigint, places bigint, free bigint, waiting bigint)
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.id, g.gain, s.capacity::bigint + s.overbook,
           s.capacity::bigint + s.overbook - s.held - s.pending - s.sold - s.blocked,
           s.held::bigint + s.pending
      FROM (
        SELECT stock.id, pg_catalog.sum(l.wanted - l.quantity) AS gain
          FROM boxoffice_code.block_lines(event, block, items) AS l
         CROSS JOIN LATERAL pg_catalog.unnest(l.stock_ids) AS stock (id)
         WHERE l.state = 'blocked'
         GROUP BY stock.id
      ) AS g
      JOIN boxoffice.stock AS s ON s.event_id = block_gains.event AND s.id = g.id
     ORDER BY s.id
$$;
COMMENT ON FUNCTION boxoffice_code.block_gains IS
'How many places more each stock row would keep back, and how many it has.';

-- Whether places that were taken out of a block had lapsed at a time, and will be back in it.
CREATE OR REPLACE FUNCTION boxoffice_code.block_lapsed(
    event bigint, block bigint, at timestamptz)
    RETURNS boolean
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM boxoffice.claim AS c
         WHERE c.event_id = block_lapsed.event
           AND c.block_id = block_lapsed.block
           AND c.state IN ('held', 'pending')
           AND c.expires_at <= block_lapsed.at)
$$;
COMMENT ON FUNCTION boxoffice_code.block_lapsed IS
'Whether places out of a block have lapsed and are not yet back in it.';

-- Locks the groups of a block's rows and takes back what has expired where it wants more; all that
-- has where some lapsed out of the block itself, or it would keep that beside what it is to keep;
-- refuses where that is more than can be taken back at once.
CREATE OR REPLACE FUNCTION boxoffice_code.block_lock(event bigint, block bigint, items jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now CONSTANT timestamptz := boxoffice_code.clock();
    lapsed CONSTANT boolean :=
        items IS NOT NULL AND boxoffice_code.block_lapsed(event, block, now);
    stocks bigint[];
    limits bigint[];
BEGIN
    SELECT pg_catalog.array_agg(g.stock),
           pg_catalog.array_agg(CASE WHEN lapsed THEN 0 ELSE g.places - GREATEST(g.gain, 0) END)
      INTO stocks, limits
      FROM boxoffice_code.block_gains(event, block, items) AS g;
    PERFORM boxoffice_code.stock_reclaim(
        event, COALESCE(stocks, '{}'), COALESCE(limits, '{}'));
    IF lapsed AND boxoffice_code.block_lapsed(event, block, now) THEN
        PERFORM boxoffice_code.refuse('reclaiming');
    END IF;
END
$$;
COMMENT ON FUNCTION boxoffice_code.block_lock IS
'Locks the groups of a block''s stock rows, and makes room where it wants more.';

CREATE OR REPLACE FUNCTION boxoffice_code.block_faults(event bigint, block bigint, items jsonb)
    RETURNS jsonb
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.jsonb_agg(f.fault)
      FROM (
        SELECT boxoffice_code.fault(
                   CASE WHEN l.line IS NULL THEN 'unknown_reference' ELSE 'invalid_document' END,
                   pg_catalog.format('/items/%s/id', l.n),
                   CASE WHEN l.line IS NULL THEN 'The block has no such line.'
                        WHEN l.state <> 'blocked' THEN 'The line was released.'
                        ELSE 'The line is named twice.' END) AS fault
          FROM (
            SELECT x.*, pg_catalog.count(*) OVER (PARTITION BY x.line) AS times
              FROM boxoffice_code.block_lines(event, block, items) AS x
          ) AS l
         WHERE l.n IS NOT NULL AND (l.line IS NULL OR l.state <> 'blocked' OR l.times > 1)
        UNION ALL
        SELECT boxoffice_code.fault(
                   CASE WHEN g.free + g.waiting < g.gain THEN 'sold_out' ELSE 'all_held' END,
                   pg_catalog.format('/items/%s/quantity', (
                        SELECT pg_catalog.min(l.n)
                          FROM boxoffice_code.block_lines(event, block, items) AS l
                         WHERE g.stock = ANY (l.stock_ids) AND l.wanted > l.quantity)), NULL)
               || pg_catalog.jsonb_build_object('available', GREATEST(g.free, 0))
          FROM boxoffice_code.block_gains(event, block, items) AS g
         WHERE g.gain > GREATEST(g.free, 0)
      ) AS f
$$;
COMMENT ON FUNCTION boxoffice_code.block_faults IS
'What is in the way of keeping so much: lines that are none, and places that are not free.';

-- Writes what a block keeps and until when. Under the locks.
CREATE OR REPLACE FUNCTION boxoffice_code.block_write(
    event bigint, block bigint, items jsonb, release_at timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE boxoffice.stock AS s
       SET blocked = s.blocked + g.gain
      FROM boxoffice_code.block_gains(event, block, items) AS g
     WHERE s.event_id = block_write.event AND s.id = g.stock AND g.gain <> 0;
    UPDATE boxoffice.claim AS c
       SET quantity = l.wanted,
           expires_at = release_at
      FROM boxoffice_code.block_lines(event, block, items) AS l
     WHERE c.event_id = block_write.event
       AND c.owner_id = block_write.block
       AND c.line = l.line
       AND c.state = 'blocked';
END
$$;
COMMENT ON FUNCTION boxoffice_code.block_write IS
'Writes how much the lines of a block keep, and until when.';
