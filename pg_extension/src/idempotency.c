/*
 * idempotency.c
 *		Keys of a batch, found by one statement and stored by one insertion.
 *
 * Who looks for keys holds the lock of the inventory groups its calls are about.  Two batches
 * with the same key are mostly in the same group, so that the second waits and finds what the
 * first stored.  Where they are not, the unique index decides at the insertion, and the second
 * batch is repeated.
 *
 * The hash is cryptographic since callers choose their keys: who could make one that collides
 * with another caller's would be given that caller's answer.
 */
#include "postgres.h"

#include "port/pg_bswap.h"
#include "utils/uuid.h"

#include "bulk.h"
#include "contract.h"
#include "digest.h"
#include "idempotency.h"
#include "json.h"
#include "query.h"

static CoreQuery find_query = {
	"SELECT key_hash, body_hash, ref_id, answer FROM boxoffice.idempotency"
	" WHERE event_id = $1 AND key_hash = ANY ($2)",
	2, {INT8OID, UUIDARRAYOID}
};

/* A table from hashes to the first call of the batch that has it; open addressing. */
typedef struct KeyTable
{
	int		   *slots;			/* index of a call plus one, 0: free */
	uint32		mask;
} KeyTable;

/*
 * Where the key is a UUID of version 7, whose first 48 bits are the time, the hash begins with them
 * too: keys that come together then lie together, and neither looking nor storing goes all over the
 * index.  The other 80 bits stay those of the digest.
 */
static void
key_keep_time(const char *key, uint8 *hash)
{
	uint8		time[6];
	int			digits[12];

	if (strlen(key) != 36 || key[8] != '-' || key[13] != '-' || key[14] != '7')
		return;
	for (int i = 0; i < lengthof(digits); i++)
	{
		digits[i] = hex_digit(key[i < 8 ? i : i + 1]);
		if (digits[i] < 0)
			return;
	}
	for (int i = 0; i < lengthof(time); i++)
		time[i] = (uint8) (digits[2 * i] << 4 | digits[2 * i + 1]);
	memcpy(hash, time, sizeof(time));
}

void
idempotency_hash(const Call *call, uint8 *hash)
{
	const char *subject = call->actor.subject ? call->actor.subject : "";
	const char *name = call->operation->name;
	uint64		event = pg_hton64((uint64) call->event_id);
	uint8		digest[DIGEST_LEN];
	DigestPart	parts[4] = {
		{&event, sizeof(event)},
		{name, strlen(name) + 1},	/* the NULs keep the parts apart */
		{subject, strlen(subject) + 1},
		{call->key, strlen(call->key)}
	};

	digest_sha256(parts, lengthof(parts), digest);
	memcpy(hash, digest, UUID_LEN);
	key_keep_time(call->key, hash);
}

/* The place of a hash in the table: taken by the call that has it, or free. */
static int *
key_slot(const KeyTable *table, const IdempotencyKey *keys, const uint8 *hash)
{
	uint32		at;

	memcpy(&at, hash, sizeof(at));
	for (at &= table->mask; table->slots[at] != 0; at = (at + 1) & table->mask)
		if (memcmp(keys[table->slots[at] - 1].hash, hash, UUID_LEN) == 0)
			break;
	return &table->slots[at];
}

static KeyTable
key_table(int count)
{
	KeyTable	table;
	uint32		size = 4;

	while (size < (uint32) count * 2)
		size *= 2;
	table.slots = palloc0_array(int, size);
	table.mask = size - 1;
	return table;
}

/* Hashes the keys and finds duplicates; returns how many different ones there are, in hashes. */
static int
idempotency_collect(Call *calls, int count, IdempotencyKey *keys, const KeyTable *table,
					uint8 (*hashes)[16])
{
	int			different = 0;

	for (int i = 0; i < count; i++)
	{
		int		   *slot;

		if (calls[i].key == NULL || calls[i].reply.done)
			continue;
		idempotency_hash(&calls[i], keys[i].hash);
		slot = key_slot(table, keys, keys[i].hash);
		if (*slot != 0)
		{
			keys[i].found = KEY_DUPLICATE;
			keys[i].first = *slot - 1;
			continue;
		}
		keys[i].found = KEY_NEW;
		keys[i].first = i;
		*slot = i + 1;
		memcpy(hashes[different++], keys[i].hash, UUID_LEN);
	}
	return different;
}

static void
idempotency_read(int row, IdempotencyKey *keys, const KeyTable *table)
{
	int			slot = *key_slot(table, keys, DatumGetUUIDP(query_datum(row, 1))->data);
	IdempotencyKey *key = &keys[slot - 1];

	Assert(slot != 0);
	memcpy(key->body_hash, DatumGetUUIDP(query_datum(row, 2))->data, UUID_LEN);
	key->found = KEY_REPLAY;
	key->ref_id = query_int8(row, 3);
	key->answer = query_text(row, 4);
}

/* Of a stored key, tells who asked the same from who asked something else. */
static void
idempotency_judge(Call *call, IdempotencyKey *key, const IdempotencyKey *keys)
{
	if (key->found == KEY_DUPLICATE && keys[key->first].found != KEY_NEW)
	{
		const IdempotencyKey *first = &keys[key->first];

		memcpy(key->body_hash, first->body_hash, UUID_LEN);
		key->ref_id = first->ref_id;
		key->answer = first->answer;
		key->found = KEY_REPLAY;
	}
	if (key->found != KEY_REPLAY || memcmp(key->body_hash, call->body_hash, UUID_LEN) == 0)
		return;
	key->found = KEY_MISMATCH;
	reply_refuse(call, ERR_IDEMPOTENCY_MISMATCH, "", NULL);
}

IdempotencyKey *
idempotency_find(Call *calls, int count)
{
	IdempotencyKey *keys = palloc0_array(IdempotencyKey, count + 1);
	uint8		(*hashes)[16] = palloc((size_t) (count + 1) * 16);
	KeyTable	table = key_table(count);
	int			different = idempotency_collect(calls, count, keys, &table, hashes);
	Datum		args[2];
	int			rows;

	if (different == 0)
		return keys;
	args[0] = Int64GetDatum(calls[0].event_id);
	args[1] = array_uuid(hashes, different);
	rows = query_run(&find_query, args, NULL);
	for (int row = 0; row < rows; row++)
		idempotency_read(row, keys, &table);
	query_done();
	for (int i = 0; i < count && rows > 0; i++)
		idempotency_judge(&calls[i], &keys[i], keys);
	return keys;
}

bool
idempotency_turn(const Call *calls, int index, IdempotencyKey *keys)
{
	IdempotencyKey *key = &keys[index];

	if (key->found == KEY_DUPLICATE && calls[keys[key->first].first].reply.fault_count > 0)
	{
		keys[key->first].first = index;
		key->found = KEY_NEW;
	}
	return key->found == KEY_NONE || key->found == KEY_NEW;
}

void
idempotency_copy(Call *calls, int index, const IdempotencyKey *keys)
{
	Call	   *call = &calls[index];
	const Call *first = &calls[keys[keys[index].first].first];

	Assert(keys[index].found == KEY_DUPLICATE);
	Assert(first->reply.done && first->reply.fault_count == 0);
	if (memcmp(call->body_hash, first->body_hash, sizeof(call->body_hash)) == 0)
	{
		call->reply = first->reply;
		call->reply.replayed = true;
	}
	else
		reply_refuse(call, ERR_IDEMPOTENCY_MISMATCH, "", NULL);
}

static int
key_compare(const void *a, const void *b)
{
	return memcmp((*(const IdempotencyKey *const *) a)->hash,
				  (*(const IdempotencyKey *const *) b)->hash, UUID_LEN);
}

static void
idempotency_insert(const Call *calls, const IdempotencyKey *keys,
				   const IdempotencyKey *const *stored, int n, TimestampTz now)
{
	static const char *const columns[] = {
		"event_id", "key_hash", "body_hash", "ref_id", "answer", "created_at"
	};
	Bulk	   *bulk = bulk_begin("idempotency", columns, lengthof(columns), n);

	for (int i = 0; i < n; i++)
	{
		const Call *call = &calls[stored[i] - keys];

		bulk_int8(bulk, call->event_id);
		bulk_datum(bulk, UUIDPGetDatum((const pg_uuid_t *) stored[i]->hash));
		bulk_datum(bulk, UUIDPGetDatum((const pg_uuid_t *) call->body_hash));
		bulk_int8(bulk, stored[i]->ref_id);
		bulk_text(bulk, stored[i]->answer);
		bulk_time(bulk, now);
		bulk_row(bulk);
	}
	bulk_end(bulk);
}

void
idempotency_store(Call *calls, int count, const IdempotencyKey *keys, TimestampTz now)
{
	const IdempotencyKey **stored = palloc_array(const IdempotencyKey *, count + 1);
	MemoryContext caller = CurrentMemoryContext;
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (keys[i].found == KEY_NEW && keys[i].ref_id != 0 && calls[i].reply.fault_count == 0)
			stored[n++] = &keys[i];
	if (n == 0)
		return;
	qsort(stored, n, sizeof(stored[0]), key_compare);
	PG_TRY();
	{
		idempotency_insert(calls, keys, stored, n, now);
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_UNIQUE_VIOLATION)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("an idempotency key was stored meanwhile"),
				errhint("The transaction might succeed if retried."));
	}
	PG_END_TRY();
}
