-- The tenant and who belongs to it.

CREATE TABLE boxoffice.organizer (
    id         bigint      NOT NULL,
    slug       text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT organizer_pkey PRIMARY KEY (id),
    CONSTRAINT organizer_slug_key UNIQUE (slug),
    CONSTRAINT organizer_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    CONSTRAINT organizer_name_check CHECK (char_length(name) BETWEEN 1 AND 200)
);
COMMENT ON TABLE boxoffice.organizer IS 'The tenant: has members, venues and events.';

CREATE TABLE boxoffice.member (
    organizer_id bigint      NOT NULL,
    subject      text        NOT NULL,
    role         text        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT member_pkey PRIMARY KEY (organizer_id, subject),
    CONSTRAINT member_organizer_id_fkey FOREIGN KEY (organizer_id)
        REFERENCES boxoffice.organizer (id),
    CONSTRAINT member_subject_check CHECK (char_length(subject) BETWEEN 1 AND 200),
    CONSTRAINT member_role_check CHECK (role IN ('owner', 'manager', 'box_office', 'scanner'))
);
COMMENT ON TABLE boxoffice.member IS
'Who belongs to an organizer: the token''s subject and what they may do. A token whose org claim names the organizer is a manager of it without a row here.';
CREATE INDEX member_subject_idx ON boxoffice.member (subject);

-- Only boxoffice_report is subject to policies: functions bypass them. An analyst whose login
-- stands in boxoffice.login_actor with an organizer sees that one only, as every view joins the
-- organizer.
ALTER TABLE boxoffice.organizer ENABLE ROW LEVEL SECURITY;
CREATE POLICY organizer_report ON boxoffice.organizer FOR SELECT TO boxoffice_report
    USING (COALESCE(
        id = (SELECT a.organizer_id FROM boxoffice.login_actor AS a WHERE a.login = SESSION_USER),
        true));
COMMENT ON POLICY organizer_report ON boxoffice.organizer IS
'An analyst''s login that boxoffice.login_actor ties to an organizer sees that one only.';
