-- Parts of names of one or two bytes have keys of their own, which rows written before lack. The
-- worker goes through them once more; until it has, a search for such a part looks at older orders
-- one by one. Code of before writes no such keys and knows no such column, so its rows begin anew.
ALTER TABLE boxoffice.order_search_mark
    ADD COLUMN parts_from bigint NOT NULL DEFAULT 9223372036854775807,
    ADD CONSTRAINT order_search_mark_parts_from_check
        CHECK (parts_from >= order_from AND order_from >= 0);
COMMENT ON COLUMN boxoffice.order_search_mark.parts_from IS
'Orders from this id on have keys for parts of names of one or two bytes. 0: all.';
