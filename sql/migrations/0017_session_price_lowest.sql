-- The lowest price of a type in an event, which lists of events show, is a probe of this index;
-- 0016 took it away too soon.

CREATE INDEX session_price_lowest_idx
    ON boxoffice.session_price (event_id, ticket_type_id, price);
