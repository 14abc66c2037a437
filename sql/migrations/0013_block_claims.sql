-- concurrently
-- What was sold out of a block. Only claims that came from one have an entry.
DROP INDEX CONCURRENTLY IF EXISTS boxoffice.claim_block_id_idx;
CREATE INDEX CONCURRENTLY claim_block_id_idx
    ON boxoffice.claim (event_id, block_id) WHERE block_id IS NOT NULL;
