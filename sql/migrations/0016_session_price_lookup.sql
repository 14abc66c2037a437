-- An index by price is taken for looking prices up while the table is small, and then reads all
-- prices of a type in the event; nothing else needs it.

DROP INDEX boxoffice.session_price_lowest_idx;
