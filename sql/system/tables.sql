-- What the whole house shares: key material, the currencies' exponents, and who a direct SQL login
-- is.

CREATE TABLE boxoffice.secret_key (
    purpose    text        NOT NULL,
    kid        integer     NOT NULL,
    key        bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT secret_key_pkey PRIMARY KEY (purpose, kid),
    CONSTRAINT secret_key_purpose_check CHECK (purpose IN ('secret', 'buyer')),
    CONSTRAINT secret_key_key_check CHECK (octet_length(key) >= 32)
);
COMMENT ON TABLE boxoffice.secret_key IS
'Keys that secrets of holds and orders (purpose secret) and keyed hashes of e-mail addresses (purpose buyer) are derived from. Made at deploy; travels with a dump, so secrets survive a restore.';

CREATE TABLE boxoffice.currency (
    code     text     NOT NULL,
    exponent smallint NOT NULL,
    CONSTRAINT currency_pkey PRIMARY KEY (code),
    CONSTRAINT currency_code_check CHECK (code ~ '^[A-Z]{3}$'),
    CONSTRAINT currency_exponent_check CHECK (exponent BETWEEN 0 AND 4)
);
COMMENT ON TABLE boxoffice.currency IS
'ISO 4217: how many decimal places a minor unit stands for (JPY 0, EUR 2, BHD 3).';

CREATE TABLE boxoffice.login_actor (
    login        name   NOT NULL,
    subject      text   NOT NULL,
    role         text   NOT NULL,
    organizer_id bigint,
    CONSTRAINT login_actor_pkey PRIMARY KEY (login),
    CONSTRAINT login_actor_role_check
        CHECK (role IN ('public', 'customer', 'organizer', 'scanner', 'support', 'admin'))
);
COMMENT ON TABLE boxoffice.login_actor IS
'Who acts when a function of schema api is called in SQL rather than through the gateway: the session''s login is looked up here; a login without a row acts as public with no subject.';
