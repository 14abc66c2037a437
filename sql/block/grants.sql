-- Who may do what with the functions of this subject.

GRANT EXECUTE ON FUNCTION api.block_list, api.block_get
    TO boxoffice_organizer, boxoffice_support, boxoffice_admin;
GRANT EXECUTE ON FUNCTION api.block_create, api.block_change, api.block_release
    TO boxoffice_organizer, boxoffice_admin;
