-- Who sees which schema, what the gateway may execute, and key material.

GRANT USAGE ON SCHEMA boxoffice, boxoffice_code, api TO boxoffice_code;
GRANT USAGE ON SCHEMA boxoffice, boxoffice_code, report TO boxoffice_report;
GRANT USAGE ON SCHEMA boxoffice_code TO boxoffice_gateway;
GRANT USAGE ON SCHEMA api TO boxoffice_service, boxoffice_public, boxoffice_customer,
    boxoffice_organizer, boxoffice_scanner, boxoffice_support, boxoffice_admin;
GRANT USAGE ON SCHEMA report TO boxoffice_analyst;

GRANT SELECT ON boxoffice.secret_key, boxoffice.currency, boxoffice.login_actor TO boxoffice_code;
GRANT SELECT ON boxoffice.currency TO boxoffice_report;
GRANT EXECUTE ON FUNCTION boxoffice_code.secret_keys_changed TO boxoffice_owner;

GRANT EXECUTE ON FUNCTION boxoffice_code.dispatch, boxoffice_code.stream TO boxoffice_gateway;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA api TO boxoffice_service;
