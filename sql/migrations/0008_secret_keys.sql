-- Keys can be added now (boxoffice_code.secret_rotate), and an event has one of them.
COMMENT ON TABLE boxoffice.secret_key IS
'Keys that secrets of holds and orders (purpose secret) and keyed hashes of e-mail addresses (purpose buyer) are derived from. The newest makes what is new; secrets of older ones open as well, and an event''s hashes are all of the key that was newest when it was made. The first are made at deploy, more by boxoffice_code.secret_rotate; they travel with a dump, so secrets survive a restore.';
