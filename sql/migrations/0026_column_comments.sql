-- What each column means, where its table's file had said nothing: \d+ tells a DBA all there is.

COMMENT ON COLUMN boxoffice.block.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.block.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.block.channel IS
'For whom the places are kept back, such as house or promoter.';
COMMENT ON COLUMN boxoffice.block.reason IS 'Why, for the organizer''s eyes.';
COMMENT ON COLUMN boxoffice.block.release_at IS
'From when the places go back to sale; NULL: until somebody releases them.';
COMMENT ON COLUMN boxoffice.block.created_by IS 'The token''s subject or the login.';
COMMENT ON COLUMN boxoffice.block.created_at IS 'When it was made.';

COMMENT ON COLUMN boxoffice.buyer.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.buyer.buyer_key IS
's: and the token''s subject, or e: and a keyed hash of the normalised e-mail address.';
COMMENT ON COLUMN boxoffice.buyer.ticket_type_id IS
'The type whose limit it is; 0: the event''s own.';
COMMENT ON COLUMN boxoffice.buyer.taken IS 'Tickets in carts and orders that count.';
COMMENT ON COLUMN boxoffice.buyer.taken_max IS
'The limit, or more where it was lowered below what was taken or is gone: the CHECK holds taken to it.';

COMMENT ON COLUMN boxoffice.change.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.change.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.change.subject IS
'The token''s subject or the login; NULL: nobody was named.';
COMMENT ON COLUMN boxoffice.change.role IS 'The role that it was done in.';
COMMENT ON COLUMN boxoffice.change.changed_at IS 'When.';

COMMENT ON COLUMN boxoffice.claim.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.claim.line IS 'Its number among the owner''s; a ticket names it.';
COMMENT ON COLUMN boxoffice.claim.state IS
'held, pending (ordered, not paid), sold and blocked count in the stock rows; released and expired have been given back.';
COMMENT ON COLUMN boxoffice.claim.quantity IS
'How many pieces; each takes one of every stock row in stock_ids.';
COMMENT ON COLUMN boxoffice.claim.group_id IS 'The inventory group whose lock guards it.';
COMMENT ON COLUMN boxoffice.claim.ticket_type_id IS
'What was taken; NULL: a block of places, whatever is sold of them.';
COMMENT ON COLUMN boxoffice.claim.session_id IS
'The session that the buyer named; NULL: none, as with passes.';
COMMENT ON COLUMN boxoffice.claim.unit_price IS
'What one piece costs without its fee, in minor units, as it was when it was taken.';
COMMENT ON COLUMN boxoffice.claim.unit_fee IS
'The fee of one piece, in minor units, as it was when it was taken.';
COMMENT ON COLUMN boxoffice.claim.stock_ids IS
'The stock rows that it was taken from, ascending, whatever the type is linked to today.';

COMMENT ON COLUMN boxoffice.contact.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.contact.order_id IS 'The order.';
COMMENT ON COLUMN boxoffice.contact.name IS 'The buyer''s name.';
COMMENT ON COLUMN boxoffice.contact.email IS 'The buyer''s address, as it was given.';
COMMENT ON COLUMN boxoffice.contact.phone IS 'The buyer''s telephone number, as it was given.';
COMMENT ON COLUMN boxoffice.contact.locale IS
'The language to write to the buyer in, BCP 47; NULL: it wasn''t said.';

COMMENT ON COLUMN boxoffice.currency.code IS 'ISO 4217: three capital letters.';
COMMENT ON COLUMN boxoffice.currency.exponent IS
'Decimal places of the major unit: amounts are integers of 10 to the power of minus this.';

COMMENT ON COLUMN boxoffice.deployed.source IS 'Hash of the SQL that was deployed.';
COMMENT ON COLUMN boxoffice.deployed.catalog IS
'Hash of functions, views and privileges as that left them.';
COMMENT ON COLUMN boxoffice.deployed.extension IS 'Hash of the extension''s script.';
COMMENT ON COLUMN boxoffice.deployed.deployed_at IS 'When, by the real clock.';

COMMENT ON COLUMN boxoffice.event.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.event.organizer_id IS 'Whose event it is.';
COMMENT ON COLUMN boxoffice.event.slug IS 'Its public name in addresses, unique among all events.';
COMMENT ON COLUMN boxoffice.event.short_code IS
'What its order codes begin with, without letters that look alike.';
COMMENT ON COLUMN boxoffice.event.name IS 'What it is called.';
COMMENT ON COLUMN boxoffice.event.description IS 'The long text.';
COMMENT ON COLUMN boxoffice.event.status IS
'draft: seen by its organizer only; published: on sale within its windows; paused: seen, not sold; cancelled: for good.';
COMMENT ON COLUMN boxoffice.event.test IS
'A trial: payments confirm themselves, and going live removes what was sold.';
COMMENT ON COLUMN boxoffice.event.currency IS 'ISO 4217, of all its amounts.';
COMMENT ON COLUMN boxoffice.event.zone IS 'The IANA time zone of its days and of answers'' times.';
COMMENT ON COLUMN boxoffice.event.locale IS 'The language of its texts, BCP 47.';
COMMENT ON COLUMN boxoffice.event.venue_id IS 'Where it is, of sessions that say nothing else.';
COMMENT ON COLUMN boxoffice.event.sale_starts_at IS
'From when anything is sold; NULL: from the start.';
COMMENT ON COLUMN boxoffice.event.sale_ends_at IS
'Until when anything is sold; NULL: until sessions close.';
COMMENT ON COLUMN boxoffice.event.max_per_order IS
'The most tickets of one order; NULL: no limit of the event''s own.';
COMMENT ON COLUMN boxoffice.event.buyer_limit IS
'The most tickets of one buyer in all his orders; NULL: no limit.';
COMMENT ON COLUMN boxoffice.event.payment_term_minutes IS
'How long after it was placed an order may be paid; NULL where payment_term_days is set.';
COMMENT ON COLUMN boxoffice.event.show_quantity IS
'Whether the public is told how many are left, not only that some are.';
COMMENT ON COLUMN boxoffice.event.created_at IS 'When it was made.';
COMMENT ON COLUMN boxoffice.event.updated_at IS 'When it or a part of it was last changed.';
COMMENT ON COLUMN boxoffice.event.published_at IS 'When it was first published; NULL: never.';

COMMENT ON COLUMN boxoffice.event_code.code IS 'The short code.';
COMMENT ON COLUMN boxoffice.event_code.event_id IS 'The event that it means.';

COMMENT ON COLUMN boxoffice.event_image.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.event_image.position IS 'Its place among the images, from 1.';
COMMENT ON COLUMN boxoffice.event_image.url IS 'Where it is.';

COMMENT ON COLUMN boxoffice.event_place.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.event_place.venue_id IS 'The venue.';
COMMENT ON COLUMN boxoffice.event_place.at IS 'Longitude and latitude of the venue, in degrees.';

COMMENT ON COLUMN boxoffice.event_search.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.event_search.organizer_id IS 'Whose event it is.';
COMMENT ON COLUMN boxoffice.event_search.starts_at IS 'When its first session starts.';
COMMENT ON COLUMN boxoffice.event_search.ends_at IS 'When its last session is over.';

COMMENT ON COLUMN boxoffice.event_slug.slug IS 'The slug.';
COMMENT ON COLUMN boxoffice.event_slug.event_id IS 'The event that it means.';

COMMENT ON COLUMN boxoffice.event_tag.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.event_tag.tag IS 'The word or words.';
COMMENT ON COLUMN boxoffice.event_tag.position IS 'Its place among the tags, from 1.';

COMMENT ON COLUMN boxoffice.hold.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.hold.id IS
'Time-ordered, unique in the database; its secret is derived from it.';
COMMENT ON COLUMN boxoffice.hold.status IS
'active, ordered (became an order), released (given up), expired (its time was over).';
COMMENT ON COLUMN boxoffice.hold.expires_at IS 'The deadline shown to the buyer.';
COMMENT ON COLUMN boxoffice.hold.created_at IS 'When it was made.';
COMMENT ON COLUMN boxoffice.hold.channel IS 'Where it is sold: web, box_office, phone or api.';
COMMENT ON COLUMN boxoffice.hold.checkout_id IS
'The checkout that it belongs to with holds of other events; nothing writes it yet.';

COMMENT ON COLUMN boxoffice.holder.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.holder.ticket_id IS 'The ticket.';
COMMENT ON COLUMN boxoffice.holder.name IS 'Who it is for.';
COMMENT ON COLUMN boxoffice.holder.email IS 'Where to reach them.';

COMMENT ON COLUMN boxoffice.idempotency.event_id IS 'The event; 0: a call outside any.';
COMMENT ON COLUMN boxoffice.idempotency.key_hash IS 'Of caller, operation, event and key.';
COMMENT ON COLUMN boxoffice.idempotency.body_hash IS
'Of what was asked: the same key with another is refused.';
COMMENT ON COLUMN boxoffice.idempotency.ref_id IS
'What came of it: a hold, an order, a payment, or another part.';
COMMENT ON COLUMN boxoffice.idempotency.answer IS
'The stored answer where it cannot be made again; never personal data.';
COMMENT ON COLUMN boxoffice.idempotency.created_at IS 'When; kept for a day.';

COMMENT ON COLUMN boxoffice.imported.event_id IS 'The event that it was imported into.';
COMMENT ON COLUMN boxoffice.imported.source IS 'The system that it comes from.';
COMMENT ON COLUMN boxoffice.imported.kind IS
'What it became: session, ticket_type, pool, order or ticket.';

COMMENT ON COLUMN boxoffice.inventory_group.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.inventory_group.id IS
'Time-ordered, unique in the database; stock rows and claims name it.';

COMMENT ON COLUMN boxoffice.login_actor.login IS 'The database role that calls.';
COMMENT ON COLUMN boxoffice.login_actor.subject IS 'Whom it acts as, as a token''s sub.';
COMMENT ON COLUMN boxoffice.login_actor.role IS 'What it may do, as a token''s role.';
COMMENT ON COLUMN boxoffice.login_actor.organizer_id IS
'For which organizer, as a token''s org; NULL: by its memberships only.';

COMMENT ON COLUMN boxoffice.member.organizer_id IS 'The organizer.';
COMMENT ON COLUMN boxoffice.member.subject IS 'The token''s subject.';
COMMENT ON COLUMN boxoffice.member.role IS
'owner, manager, box_office or scanner; an owner may do what a manager may.';
COMMENT ON COLUMN boxoffice.member.created_at IS 'Since when.';

COMMENT ON COLUMN boxoffice.migration.name IS 'The file.';
COMMENT ON COLUMN boxoffice.migration.hash IS 'Of its content when it was run.';
COMMENT ON COLUMN boxoffice.migration.applied_at IS 'When, by the real clock.';

COMMENT ON COLUMN boxoffice.order.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order.id IS
'Time-ordered, unique in the database; its secret is derived from it.';
COMMENT ON COLUMN boxoffice.order.hold_id IS
'The hold that it was made of, whose claims are its own.';
COMMENT ON COLUMN boxoffice.order.status IS
'approval (waits for the organizer), pending (waits for money), paid, expired, cancelled.';
COMMENT ON COLUMN boxoffice.order.total IS 'Prices and fees of its live tickets, in minor units.';
COMMENT ON COLUMN boxoffice.order.currency IS 'ISO 4217: the event''s when it was placed.';
COMMENT ON COLUMN boxoffice.order.test IS 'Placed in a trial.';
COMMENT ON COLUMN boxoffice.order.channel IS 'Where it was sold: web, box_office, phone or api.';
COMMENT ON COLUMN boxoffice.order.subject IS
'The token''s subject that placed it; NULL without a token.';
COMMENT ON COLUMN boxoffice.order.placed_at IS 'When it was placed.';
COMMENT ON COLUMN boxoffice.order.paid_at IS 'When it was paid in full; NULL: never.';
COMMENT ON COLUMN boxoffice.order.cancelled_at IS 'When it was cancelled.';
COMMENT ON COLUMN boxoffice.order.checkout_id IS
'The checkout that it belongs to with orders of other events; nothing writes it yet.';

COMMENT ON COLUMN boxoffice.order_change.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order_change.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.order_change.order_id IS 'The order.';
COMMENT ON COLUMN boxoffice.order_change.kind IS 'What was done.';
COMMENT ON COLUMN boxoffice.order_change.total_before IS
'The order''s total before, in minor units.';
COMMENT ON COLUMN boxoffice.order_change.total_after IS
'The order''s total after it, in minor units.';
COMMENT ON COLUMN boxoffice.order_change.reason IS 'Why, if it was said.';
COMMENT ON COLUMN boxoffice.order_change.changed_at IS 'When.';

COMMENT ON COLUMN boxoffice.order_fee.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order_fee.order_id IS 'The order.';
COMMENT ON COLUMN boxoffice.order_fee.line IS 'The line of the claim whose tickets it is for.';
COMMENT ON COLUMN boxoffice.order_fee.kind IS 'ticket: the fixed fee of a ticket.';
COMMENT ON COLUMN boxoffice.order_fee.name IS 'What the buyer is shown.';
COMMENT ON COLUMN boxoffice.order_fee.quantity IS
'For how many tickets; those cancelled are no longer in it.';
COMMENT ON COLUMN boxoffice.order_fee.unit_amount IS 'For each, in minor units.';
COMMENT ON COLUMN boxoffice.order_fee.amount IS 'For all: quantity times unit_amount.';

COMMENT ON COLUMN boxoffice.order_note.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order_note.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.order_note.order_id IS 'The order.';
COMMENT ON COLUMN boxoffice.order_note.text IS 'What was noted.';
COMMENT ON COLUMN boxoffice.order_note.created_at IS 'When.';

COMMENT ON COLUMN boxoffice.order_search.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order_search.order_id IS 'The order.';
COMMENT ON COLUMN boxoffice.order_search_horizon.one IS 'Always true, so that there is one row.';
COMMENT ON COLUMN boxoffice.order_search_mark.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order_sum.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order_sum_day.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.order_sum_day.day IS 'The day of payment in the event''s zone.';
COMMENT ON COLUMN boxoffice.order_sum_day.ticket_type_id IS 'The ticket type.';
COMMENT ON COLUMN boxoffice.order_sum_day.channel IS 'Where it was sold.';

COMMENT ON COLUMN boxoffice.organizer.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.organizer.slug IS 'Its public name in addresses.';
COMMENT ON COLUMN boxoffice.organizer.name IS 'What it is called.';
COMMENT ON COLUMN boxoffice.organizer.created_at IS 'Since when.';

COMMENT ON COLUMN boxoffice.outbox.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.outbox.id IS 'Time-ordered: the order of delivery.';
COMMENT ON COLUMN boxoffice.outbox.topic IS 'What happened.';
COMMENT ON COLUMN boxoffice.outbox.ref_id IS 'To which order, payment, ticket, session or event.';
COMMENT ON COLUMN boxoffice.outbox.created_at IS 'When.';

COMMENT ON COLUMN boxoffice.payment.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.payment.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.payment.order_id IS 'The order that it is for.';
COMMENT ON COLUMN boxoffice.payment.kind IS
'free, manual (recorded by staff), test (confirms itself), complimentary, offset (between two orders).';
COMMENT ON COLUMN boxoffice.payment.amount IS
'In minor units; negative only of an offset that leaves its order.';
COMMENT ON COLUMN boxoffice.payment.currency IS 'ISO 4217: the order''s.';
COMMENT ON COLUMN boxoffice.payment.outcome IS 'What it did to its order, see the table.';
COMMENT ON COLUMN boxoffice.payment.method IS
'Of a manual one: cash, transfer, card_terminal or other.';
COMMENT ON COLUMN boxoffice.payment.reference IS 'What whoever recorded it knows it by.';
COMMENT ON COLUMN boxoffice.payment.charge_id IS
'The charge that it is a part of with payments for other orders; nothing writes it yet.';
COMMENT ON COLUMN boxoffice.payment.recorded_by IS
'The token''s subject or the login; NULL: it recorded itself.';
COMMENT ON COLUMN boxoffice.payment.recorded_at IS 'When it was recorded.';

COMMENT ON COLUMN boxoffice.pool.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.pool.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.pool.key IS 'Its name in documents, unique in the event.';
COMMENT ON COLUMN boxoffice.pool.name IS 'What it is called.';
COMMENT ON COLUMN boxoffice.pool.scope IS
'session: one stock row for each session; event: one for all of them.';
COMMENT ON COLUMN boxoffice.pool.overbook IS 'What a new stock row of the pool starts with.';

COMMENT ON COLUMN boxoffice.secret_key.purpose IS 'secret or buyer, see the table.';
COMMENT ON COLUMN boxoffice.secret_key.kid IS 'Its number: the highest is the newest.';
COMMENT ON COLUMN boxoffice.secret_key.key IS 'Random bytes, 32 at least.';
COMMENT ON COLUMN boxoffice.secret_key.created_at IS 'Since when.';

COMMENT ON COLUMN boxoffice.session.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.session.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.session.key IS 'Its name in documents, unique in the event.';
COMMENT ON COLUMN boxoffice.session.name IS 'A name of its own; NULL: the event''s.';
COMMENT ON COLUMN boxoffice.session.status IS
'open, paused (not sold), cancelled (for good; its tickets admit to nothing).';
COMMENT ON COLUMN boxoffice.session.starts_at IS 'When it starts.';
COMMENT ON COLUMN boxoffice.session.ends_at IS 'When it ends; NULL: it isn''t said.';
COMMENT ON COLUMN boxoffice.session.original_starts_at IS
'Of one that was postponed: when it was to start at first.';
COMMENT ON COLUMN boxoffice.session.zone IS 'The IANA time zone of its place.';
COMMENT ON COLUMN boxoffice.session.venue_id IS 'Where it is; NULL: where the event is.';
COMMENT ON COLUMN boxoffice.session.sale_starts_at IS
'From when it is sold; NULL: as the event and the type say.';
COMMENT ON COLUMN boxoffice.session.sale_ends_at IS
'Until when it is sold; NULL: as the event and the type say.';

COMMENT ON COLUMN boxoffice.session_price.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.session_price.ticket_type_id IS 'The ticket type.';
COMMENT ON COLUMN boxoffice.session_price.session_id IS 'The session.';

COMMENT ON COLUMN boxoffice.stock.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.stock.id IS 'Time-ordered, unique in the database; claims name it.';
COMMENT ON COLUMN boxoffice.stock.pool_id IS 'The pool.';
COMMENT ON COLUMN boxoffice.stock.session_id IS
'The session; NULL: the one row of a pool of the whole event.';
COMMENT ON COLUMN boxoffice.stock.group_id IS 'The inventory group whose lock guards it.';
COMMENT ON COLUMN boxoffice.stock.capacity IS
'How many there are; NULL is unlimited, still counted.';
COMMENT ON COLUMN boxoffice.stock.held IS
'In carts, those included whose time is over but which nobody has reclaimed.';
COMMENT ON COLUMN boxoffice.stock.pending IS 'In orders that are not paid, likewise.';
COMMENT ON COLUMN boxoffice.stock.sold IS 'In paid orders.';
COMMENT ON COLUMN boxoffice.stock.blocked IS 'Kept back in blocks.';

COMMENT ON COLUMN boxoffice.stock_change.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.stock_change.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.stock_change.stock_id IS 'The stock row.';
COMMENT ON COLUMN boxoffice.stock_change.pool_key IS 'The key of its pool then.';
COMMENT ON COLUMN boxoffice.stock_change.session_id IS 'Its session; NULL: of the whole event.';
COMMENT ON COLUMN boxoffice.stock_change.overbook_from IS
'How many more than the capacity might be sold before.';
COMMENT ON COLUMN boxoffice.stock_change.overbook_to IS
'How many more than the capacity may be sold since.';
COMMENT ON COLUMN boxoffice.stock_change.changed_by IS 'The token''s subject or the login.';
COMMENT ON COLUMN boxoffice.stock_change.changed_at IS 'When.';

COMMENT ON COLUMN boxoffice.ticket.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.ticket.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.ticket.order_id IS 'The order.';
COMMENT ON COLUMN boxoffice.ticket.line IS 'The line of the order''s claim that holds its place.';
COMMENT ON COLUMN boxoffice.ticket.ticket_type_id IS 'What it is a ticket of.';
COMMENT ON COLUMN boxoffice.ticket.price IS 'Without its fee, in minor units.';
COMMENT ON COLUMN boxoffice.ticket.fee IS 'In minor units; order_fee has the sum.';
COMMENT ON COLUMN boxoffice.ticket.state IS 'reserved (not paid), valid, cancelled.';

COMMENT ON COLUMN boxoffice.ticket_type.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.ticket_type.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.ticket_type.key IS 'Its name in documents, unique in the event.';
COMMENT ON COLUMN boxoffice.ticket_type.name IS 'What it is called.';
COMMENT ON COLUMN boxoffice.ticket_type.description IS 'What the buyer should know of it.';
COMMENT ON COLUMN boxoffice.ticket_type.kind IS 'admission, addon, merchandise or donation.';
COMMENT ON COLUMN boxoffice.ticket_type.status IS
'active, paused (not sold), retired (not sold and not shown any more).';
COMMENT ON COLUMN boxoffice.ticket_type.all_sessions IS
'Sold in every session, those to come included; otherwise in those of ticket_type_session.';
COMMENT ON COLUMN boxoffice.ticket_type.sale_starts_at IS
'From when it is sold; NULL: as the event and the session say.';
COMMENT ON COLUMN boxoffice.ticket_type.sale_ends_at IS
'Until when it is sold; NULL: as the event and the session say.';
COMMENT ON COLUMN boxoffice.ticket_type.min_per_order IS 'The fewest of it in one order, if any.';
COMMENT ON COLUMN boxoffice.ticket_type.max_per_order IS
'The most of it in one order; NULL: no limit.';
COMMENT ON COLUMN boxoffice.ticket_type.buyer_limit IS
'The most of it for one buyer in all his orders; NULL: no limit.';
COMMENT ON COLUMN boxoffice.ticket_type.position IS 'Its place where types are listed.';

COMMENT ON COLUMN boxoffice.ticket_type_addon.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.ticket_type_addon.ticket_type_id IS 'The add-on.';
COMMENT ON COLUMN boxoffice.ticket_type_addon.parent_type_id IS
'The type that it may be bought with.';

COMMENT ON COLUMN boxoffice.ticket_type_bundle.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.ticket_type_bundle.ticket_type_id IS 'The bundle.';
COMMENT ON COLUMN boxoffice.ticket_type_bundle.child_type_id IS 'What comes in it.';
COMMENT ON COLUMN boxoffice.ticket_type_bundle.quantity IS
'How many of that, for each of the bundle.';

COMMENT ON COLUMN boxoffice.ticket_type_pool.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.ticket_type_pool.ticket_type_id IS 'The type.';
COMMENT ON COLUMN boxoffice.ticket_type_pool.pool_id IS
'The pool that a sale of it takes a place from.';

COMMENT ON COLUMN boxoffice.ticket_type_session.event_id IS 'The event.';
COMMENT ON COLUMN boxoffice.ticket_type_session.ticket_type_id IS 'The type.';
COMMENT ON COLUMN boxoffice.ticket_type_session.session_id IS 'A session in which it is sold.';

COMMENT ON COLUMN boxoffice.venue.id IS 'Time-ordered, unique in the database.';
COMMENT ON COLUMN boxoffice.venue.organizer_id IS 'Whose venue it is.';
COMMENT ON COLUMN boxoffice.venue.key IS 'Its name in documents, unique with the organizer.';
COMMENT ON COLUMN boxoffice.venue.name IS 'What it is called.';
COMMENT ON COLUMN boxoffice.venue.address IS 'Street and number, as it is written there.';
COMMENT ON COLUMN boxoffice.venue.city IS 'The city.';
COMMENT ON COLUMN boxoffice.venue.country IS 'ISO 3166-1, two capital letters.';
COMMENT ON COLUMN boxoffice.venue.zone IS 'Its IANA time zone.';
COMMENT ON COLUMN boxoffice.venue.latitude IS 'In degrees, north positive.';
COMMENT ON COLUMN boxoffice.venue.longitude IS 'In degrees, east positive.';
COMMENT ON COLUMN boxoffice.venue.created_at IS 'Since when.';
