-- The public events of before there was a directory are entered in it. All that are in it already
-- cost one look at each.

SELECT boxoffice_code.sweep_search(0, 1000000);
