// Buys a ticket with a client whose types are generated from /v1/openapi.json: an organizer makes an event, a buyer
// without a token holds, orders and pays, and gets a QR code. What the types do not allow does not compile.
//
// node generated/js/buy.js ADDRESS ADMIN-TOKEN     prints what was bought as JSON
import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import type { components, paths } from './generated/boxoffice.js';

const [address, token] = process.argv.slice(2);
if (!address || !token) throw new Error('usage: buy.js ADDRESS ADMIN-TOKEN');

const shop = createClient<paths>({ baseUrl: address });
const office = createClient<paths>({ baseUrl: address, headers: { authorization: `Bearer ${token}` } });

type Problem = components['schemas']['Problem'];

// What an answer brought, or its problem as an exception.
function got<T>(answer: { data?: T; error?: Problem | undefined; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.url}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

const key = () => ({ 'Idempotency-Key': randomUUID() });

const name = `client-${randomUUID().slice(0, 8)}`;
const organizer = got(
  await office.POST('/v1/organizers', { params: { header: key() }, body: { slug: name, name: 'Client' } }),
);
const event = got(
  await office.POST('/v1/organizers/{organizer}/events', {
    params: { path: { organizer: organizer.id }, header: key() },
    body: {
      name: 'An evening',
      slug: name,
      currency: 'EUR',
      zone: 'Europe/Berlin',
      locale: 'de-DE',
      test: true,
      show_quantity: true,
      sessions: [{ key: 'evening', starts_at: new Date(Date.now() + 864e5).toISOString() }],
      pools: [{ key: 'house', name: 'House', scope: 'session', capacity: 10 }],
      ticket_types: [
        { key: 'seat', name: 'Seat', price: 2500, fee: 150, pools: ['house'] },
      ],
    },
  }),
);
got(await office.POST('/v1/events/{event}/publish', { params: { path: { event: event.id }, header: key() } }));

const page = got(await shop.GET('/v1/events/{event}', { params: { path: { event: event.slug } } }));
const type = page.ticket_types[0];
const session = page.sessions[0];
if (!type || !session) throw new Error('the page sells nothing');
const hold = got(
  await shop.POST('/v1/events/{event}/holds', {
    params: { path: { event: page.id }, header: key() },
    body: { items: [{ ticket_type: type.key, session: session.key, quantity: 2 }] },
  }),
);
if (!hold.secret) throw new Error('the hold has no secret');
const order = got(
  await shop.POST('/v1/events/{event}/orders', {
    params: { path: { event: page.id }, header: key() },
    body: {
      hold: hold.id,
      secret: hold.secret,
      contact: { name: 'Ada Client', email: 'ada@example.org' },
      expected_total: hold.total,
    },
  }),
);
const secret = { 'Boxoffice-Secret': order.secret ?? '' };
const payment = got(
  await shop.POST('/v1/events/{event}/orders/{order}/payments', {
    params: { path: { event: page.id, order: order.id }, header: { ...key(), ...secret } },
    body: { kind: 'test' },
  }),
);
const ticket = payment.order.tickets[0];
if (!ticket) throw new Error('the order has no ticket');
const picture = got(
  await shop.GET('/v1/events/{event}/orders/{order}/tickets/{ticket}.svg', {
    params: { path: { event: page.id, order: order.id, ticket: ticket.id }, header: secret },
    parseAs: 'text',
  }),
);
const refused = await shop.POST('/v1/events/{event}/holds', {
  params: { path: { event: page.id }, header: key() },
  body: { items: [{ ticket_type: type.key, quantity: 9 }] },
});
console.log(
  JSON.stringify({
    total: payment.order.total,
    status: payment.order.status,
    tickets: payment.order.tickets.map((each) => each.state),
    code: ticket.code,
    svg: picture.trimEnd().endsWith('</svg>'),
    refused: refused.error?.code,
  }),
);
