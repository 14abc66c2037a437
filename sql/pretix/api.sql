-- Endpoints of the import from pretix.

CREATE OR REPLACE FUNCTION api.pretix_import(
    organizer bigint, event jsonb, items jsonb, quotas jsonb, subevents jsonb DEFAULT NULL,
    orders jsonb DEFAULT NULL, zone text DEFAULT NULL, locale text DEFAULT 'en')
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    document CONSTANT jsonb := boxoffice_code.require_fits(
        'pretix_import', pg_catalog.jsonb_build_object(
            'event', event, 'items', items, 'quotas', quotas, 'subevents', subevents,
            'orders', orders, 'zone', zone, 'locale', locale));
    place CONSTANT text := COALESCE(zone, event ->> 'timezone');
    faults jsonb;
    lines jsonb := '[]';
    made boxoffice.event;
BEGIN
    locale := document ->> 'locale';
    PERFORM boxoffice_code.require_organizer(organizer, 'manager');
    SELECT pg_catalog.jsonb_agg(f.fault)
      INTO faults
      FROM boxoffice_code.pretix_faults(document, place, locale) AS f (fault);
    IF faults IS NOT NULL THEN
        PERFORM boxoffice_code.refuse_all(faults);
    END IF;
    made := boxoffice_code.pretix_take_event(organizer, event, place, locale);
    lines := lines || boxoffice_code.pretix_event_line(made, event, locale);
    lines := lines || boxoffice_code.pretix_take_sessions(made, document, locale);
    lines := lines || boxoffice_code.pretix_take_types(made, document, locale);
    lines := lines || boxoffice_code.pretix_take_pools(made, document);
    lines := boxoffice_code.pretix_take_unlinked(made.id, lines);
    IF (event ->> 'has_subevents')::boolean THEN
        PERFORM boxoffice_code.pretix_take_overrides(made, document);
    END IF;
    PERFORM boxoffice_code.inventory_regroup(made.id);
    lines := lines || boxoffice_code.pretix_take_orders(made, orders);
    made := boxoffice_code.event_changed(made.id, 'pretix_import');
    RETURN boxoffice_code.pretix_report(made, lines);
END
$$;
COMMENT ON FUNCTION api.pretix_import IS
'Make an event of pretix''s documents.
The event with its items, quotas, dates and the first of its orders, as pretix''s REST API gives
them. All or nothing; what was changed or left is in the report.';

CREATE OR REPLACE FUNCTION api.pretix_import_orders(event bigint, orders jsonb)
    RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made boxoffice.event;
    lines jsonb;
BEGIN
    PERFORM boxoffice_code.require_fits('pretix_import_orders',
        pg_catalog.jsonb_build_object('orders', orders));
    made := boxoffice_code.event_lock(event, NULL, 'manager');
    IF NOT EXISTS (
        SELECT FROM boxoffice.imported AS i WHERE i.event_id = pretix_import_orders.event) THEN
        PERFORM boxoffice_code.refuse(
            'event_state', '', '{}', 'The event was not imported from pretix.');
    END IF;
    PERFORM boxoffice_code.event_lock_groups(event);
    lines := boxoffice_code.pretix_take_orders(made, orders);
    made := boxoffice_code.event_changed(event, 'pretix_import_orders');
    RETURN boxoffice_code.pretix_report(made, lines);
END
$$;
COMMENT ON FUNCTION api.pretix_import_orders IS
'Take more orders of pretix into an event that came from there.
Orders that were taken before are left as they are, so a page may be sent again.';
