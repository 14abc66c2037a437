'use strict';
/*
 * The peer of `make bench`: a hold as a good application server would do it.
 *
 * The same request as Boxoffice's POST /v1/events/{event}/holds, with the same
 * duties: the token is verified (issuer, audience, expiry; verified tokens are
 * cached), the body is validated by a schema that names the wrong field, the
 * hold, its line, the counter and the idempotency key are written in one
 * durable transaction, and the answer follows the commit. It is written to be
 * fast: one prepared statement, the catalogue in memory, no logging, one
 * process a core.
 *
 * Environment: PORT, WORKERS, POOL (connections a process), PGHOST and the
 * other variables of libpq, HS256_KEY_FILE, EVENT, TICKET_TYPE, SESSION.
 */
const cluster = require('node:cluster');
const crypto = require('node:crypto');
const fs = require('node:fs');
const Fastify = require('fastify');
const { createVerifier } = require('fast-jwt');
const { Pool } = require('pg');

const HOLD_MS = 15 * 60 * 1000;

const holdSchema = {
  params: {
    type: 'object',
    properties: { event: { type: 'string', pattern: '^[0-9]{1,19}$' } },
  },
  headers: {
    type: 'object',
    properties: { 'idempotency-key': { type: 'string', minLength: 1, maxLength: 200 } },
  },
  body: {
    type: 'object',
    required: ['items'],
    additionalProperties: false,
    properties: {
      partial: { type: 'boolean' },
      items: {
        type: 'array',
        minItems: 1,
        maxItems: 1,
        items: {
          type: 'object',
          required: ['ticket_type', 'quantity'],
          additionalProperties: false,
          properties: {
            ticket_type: { type: 'string', minLength: 1, maxLength: 63 },
            session: { type: 'string', minLength: 1, maxLength: 63 },
            quantity: { type: 'integer', minimum: 1, maximum: 1000 },
          },
        },
      },
    },
  },
  response: {
    201: {
      type: 'object',
      properties: {
        id: { type: 'string' },
        secret: { type: 'string' },
        status: { type: 'string' },
        expires_at: { type: 'string' },
        expires_in: { type: 'integer' },
        items: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              id: { type: 'string' },
              ticket_type: { type: 'string' },
              session: { type: 'string' },
              quantity: { type: 'integer' },
              unit_price: { type: 'integer' },
              total: { type: 'integer' },
            },
          },
        },
        total: { type: 'integer' },
        currency: { type: 'string' },
      },
    },
  },
};

/*
 * One statement is one transaction and one round trip. In trials the usual
 * BEGIN, INSERT, UPDATE, COMMIT reached a third to a half of it: the hot row's
 * lock was held while the event loop got round to sending COMMIT.
 */
const HOLD_INSERT = {
  name: 'hold_insert',
  text: `WITH taken AS (
             UPDATE stock SET held = held + $9
             WHERE event_id = $1 AND ticket_type = $6 AND held + sold + $9 <= capacity
               AND NOT EXISTS (SELECT FROM idempotency WHERE event_id = $1 AND key_hash = $8)
             RETURNING unit_price),
         h AS (
             INSERT INTO hold (event_id, secret, status, subject, expires_at, created_at)
             SELECT $1, $2, 'active', $3, $4, $5 FROM taken RETURNING id),
         l AS (
             INSERT INTO hold_line (hold_id, line, ticket_type, session, quantity, unit_price)
             SELECT h.id, 1, $6, $7, $9, taken.unit_price FROM h, taken),
         i AS (
             INSERT INTO idempotency (event_id, key_hash, body_hash, hold_id, created_at)
             SELECT $1, $8, $10, h.id, $5 FROM h)
         SELECT id FROM h`,
};
const KEY_READ = {
  name: 'key_read',
  text: `SELECT i.body_hash, h.id, h.secret, h.status, h.expires_at
         FROM idempotency i JOIN hold h ON h.id = i.hold_id
         WHERE i.event_id = $1 AND i.key_hash = $2`,
};
const UNIQUE_VIOLATION = '23505';

class Refusal extends Error {
  constructor(status, code) {
    super(code);
    this.statusCode = status;
  }
}

const sha256 = (text) => crypto.createHash('sha256').update(text).digest().subarray(0, 16);

function answer(hold, item, type, session) {
  return {
    id: String(hold.id),
    secret: hold.secret,
    status: hold.status,
    expires_at: hold.expires_at.toISOString(),
    expires_in: Math.round((hold.expires_at - Date.now()) / 1000),
    items: [{
      id: `${hold.id}-1`,
      ticket_type: item.ticket_type,
      session,
      quantity: item.quantity,
      unit_price: type.unit_price,
      total: type.unit_price * item.quantity,
    }],
    total: type.unit_price * item.quantity,
    currency: 'GBP',
  };
}

// Nothing was made: was it made before, under the same key, or is nothing left?
async function firstAnswer(pool, call) {
  const first = (await pool.query({ ...KEY_READ, values: [call.event, call.keyHash] })).rows[0];
  if (!first) throw new Refusal(409, 'sold_out');
  if (!first.body_hash.equals(call.bodyHash)) throw new Refusal(422, 'idempotency_mismatch');
  return first;
}

async function createHold(pool, call) {
  const now = new Date();
  const hold = {
    secret: crypto.randomBytes(16).toString('base64url'),
    status: 'active',
    expires_at: new Date(now.getTime() + HOLD_MS),
  };
  try {
    const made = await pool.query({
      ...HOLD_INSERT,
      values: [call.event, hold.secret, call.subject, hold.expires_at, now, call.item.ticket_type,
        call.session, call.keyHash, call.item.quantity, call.bodyHash],
    });
    if (made.rowCount === 0) return await firstAnswer(pool, call);
    hold.id = made.rows[0].id;
    return hold;
  } catch (error) {
    // the same key at the same time: its transaction won, ours is undone
    if (error.code === UNIQUE_VIOLATION) return firstAnswer(pool, call);
    throw error;
  }
}

function readCatalogue() {
  const type = { unit_price: 0, sessions: new Set([process.env.SESSION]) };
  return new Map([[process.env.EVENT, new Map([[process.env.TICKET_TYPE, type]])]]);
}

function build() {
  const app = Fastify({ logger: false, bodyLimit: 65536 });
  const pool = new Pool({ max: Number(process.env.POOL || 8) });
  const verify = createVerifier({
    key: fs.readFileSync(process.env.HS256_KEY_FILE),
    algorithms: ['HS256'],
    allowedIss: process.env.ISS || 'boxoffice',
    allowedAud: process.env.AUD || 'boxoffice',
    cache: 20000,
  });
  const catalogue = readCatalogue();

  app.addHook('onRequest', async (request) => {
    const header = request.headers.authorization || '';
    if (!header.startsWith('Bearer ')) throw new Refusal(401, 'token_missing');
    try {
      request.claims = verify(header.slice(7));
    } catch {
      throw new Refusal(401, 'token_invalid');
    }
  });

  app.post('/v1/events/:event/holds', { schema: holdSchema }, async (request, reply) => {
    const item = request.body.items[0];
    const type = catalogue.get(request.params.event)?.get(item.ticket_type);
    if (!type) throw new Refusal(404, 'not_found');
    const session = item.session || process.env.SESSION;
    if (!type.sessions.has(session)) throw new Refusal(422, 'type_not_in_session');
    const hold = await createHold(pool, {
      event: request.params.event,
      item,
      session,
      subject: request.claims.sub,
      keyHash: sha256(`${request.claims.sub}\0${request.headers['idempotency-key'] || crypto.randomUUID()}`),
      bodyHash: sha256(JSON.stringify(request.body)),
    });
    reply.code(201);
    return answer(hold, item, type, session);
  });
  return app;
}

if (cluster.isPrimary) {
  const workers = Number(process.env.WORKERS || 2);
  for (let i = 0; i < workers; i++) cluster.fork();
  cluster.on('exit', () => process.exit(1));
} else {
  build().listen({ host: '127.0.0.1', port: Number(process.env.PORT) }).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
