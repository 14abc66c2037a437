/*
 * secret.c
 *		HMAC-SHA256 over ids and addresses, with the keys of boxoffice.secret_key.
 *
 * A purpose has one key or several, of which the newest makes what is new.  A secret in a buyer's
 * hands opens as long as any of the keys gives it, so adding a key (boxoffice_code.secret_rotate)
 * closes nothing; removing an old one (secret_retire) closes what was made with it.
 *
 * The hash of an address is looked up, not compared: under another key a buyer would begin anew to
 * count against a limit.  So each event has one key for ever, that which was newest when the event
 * was made, by the time in its id.  A key counts for events made a minute after it, so that none is
 * made while the key is on its way to being committed.
 *
 * Keys are read once in a backend, and again when rotation has sent an invalidation of their table
 * (secret_keys_changed): every transaction that begins after that sees the new ones, so a secret
 * is never shown to a backend that does not know its key yet.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "digest.h"
#include "id.h"
#include "query.h"
#include "secret.h"

#define SECRET_BYTES 16			/* of the 32 that HMAC-SHA256 gives */
#define SECRET_KEYS_MAX 64		/* of a purpose; secret_rotate makes no more */
#define BUYER_KEY_SETTLES_US (60 * USECS_PER_SEC)

typedef struct SecretKey
{
	TimestampTz made_at;
	DigestKey  *digest;
} SecretKey;

typedef struct SecretKeys
{
	const char *purpose;
	bool		current;		/* as the table has them */
	int			count;
	SecretKey	keys[SECRET_KEYS_MAX];	/* newest first */
} SecretKeys;

static SecretKeys secret_keys = {"secret"};
static SecretKeys buyer_keys = {"buyer"};
static Oid	keys_table = InvalidOid;
static bool keys_watched = false;

static CoreQuery key_query = {
	"SELECT key, created_at FROM boxoffice.secret_key WHERE purpose = $1"
	" ORDER BY kid DESC LIMIT $2",
	2, {TEXTOID, INT4OID}
};

static void
keys_invalidate(Datum arg, Oid relation)
{
	if (relation == keys_table || relation == InvalidOid)
		secret_keys.current = buyer_keys.current = false;
}

static Oid
keys_table_find(void)
{
	return get_relname_relid("secret_key", get_namespace_oid("boxoffice", false));
}

static void
keys_forget(SecretKeys *keys)
{
	while (keys->count > 0)
		digest_key_free(keys->keys[--keys->count].digest);
}

static void
keys_read(SecretKeys *keys)
{
	Datum		args[2] = {CStringGetTextDatum(keys->purpose), Int32GetDatum(SECRET_KEYS_MAX)};
	int			rows;

	if (!keys_watched)
		CacheRegisterRelcacheCallback(keys_invalidate, (Datum) 0);
	keys_watched = true;
	keys_table = keys_table_find();
	keys_forget(keys);
	keys->current = true;
	query_connect();
	rows = query_run(&key_query, args, NULL);
	for (int row = 0; row < rows; row++)
	{
		bytea	   *stored = DatumGetByteaPP(query_datum(row, 1));
		SecretKey  *key = &keys->keys[row];

		key->digest = digest_key((const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
		key->made_at = query_time(row, 2);
	}
	keys->count = rows;
	query_done();
	query_finish();
}

/* The keys of the purpose, at least one. */
static const SecretKeys *
keys_get(SecretKeys *keys)
{
	if (!keys->current || keys->count == 0)
		keys_read(keys);
	if (keys->count == 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("there is no key of purpose \"%s\"", keys->purpose),
				errhint("Run sql/deploy, which makes the keys."));
	return keys;
}

/*
 * 128 bits of HMAC(key, data) in base64url, without padding and without a final NUL: 22
 * characters.
 */
static void
secret_digest(const SecretKey *key, const uint8 *data, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8		digest[DIGEST_LEN];
	uint32		bits = 0;
	int			have = 0;

	digest_hmac(key->digest, data, len, digest);
	for (int i = 0; i < SECRET_BYTES; i++)
	{
		bits = bits << 8 | digest[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = digits[bits >> (have - 6) & 0x3F];
	}
	*out = digits[bits << (6 - have) & 0x3F];
}

static void
secret_derive(const SecretKey *key, SecretKind kind, int64 id, char *out)
{
	uint8		data[9];
	uint64		order = pg_hton64((uint64) id);

	data[0] = (uint8) kind;
	memcpy(data + 1, &order, sizeof(order));
	secret_digest(key, data, sizeof(data), out);
	out[SECRET_LEN] = '\0';
}

void
secret_make(SecretKind kind, int64 id, char *out)
{
	secret_derive(&keys_get(&secret_keys)->keys[0], kind, id, out);
}

bool
secret_matches(SecretKind kind, int64 id, const char *given)
{
	const SecretKeys *keys;

	if (given == NULL || strlen(given) != SECRET_LEN)
		return false;
	keys = keys_get(&secret_keys);
	for (int k = 0; k < keys->count; k++)
	{
		char		right[SECRET_LEN + 1];
		uint8		difference = 0;

		secret_derive(&keys->keys[k], kind, id, right);
		for (int i = 0; i < SECRET_LEN; i++)
			difference |= (uint8) (right[i] ^ given[i]);
		if (difference == 0)
			return true;
	}
	return false;
}

/* The key that hashes addresses in the event: the newest that was before it, or the oldest. */
static const SecretKey *
buyer_key_of(int64 event_id)
{
	const SecretKeys *keys = keys_get(&buyer_keys);
	TimestampTz made_at = id_time(event_id);
	int			k = 0;

	while (k < keys->count - 1 && keys->keys[k].made_at + BUYER_KEY_SETTLES_US > made_at)
		k++;
	return &keys->keys[k];
}

void
secret_buyer_key(int64 event_id, const char *email, char *out)
{
	const char *end = email + strlen(email);
	char	   *lower;

	while (isspace((unsigned char) *email))
		email++;
	while (end > email && isspace((unsigned char) end[-1]))
		end--;
	lower = str_tolower(email, end - email, C_COLLATION_OID);
	memcpy(out, "e:", 2);
	secret_digest(buyer_key_of(event_id), (const uint8 *) lower, strlen(lower), out + 2);
	out[BUYER_KEY_LEN] = '\0';
	pfree(lower);
}

/*
 * boxoffice_code.secret_keys_changed() RETURNS void
 *
 * Has every backend read the keys again once this transaction has committed.
 */
PG_FUNCTION_INFO_V1(secret_keys_changed);
Datum
secret_keys_changed(PG_FUNCTION_ARGS)
{
	CacheInvalidateRelcacheByRelid(keys_table_find());
	PG_RETURN_VOID();
}

/*
 * boxoffice_code.hold_secret(hold bigint) RETURNS text
 *
 * For support and for tests; granted to nobody.
 */
PG_FUNCTION_INFO_V1(boxoffice_hold_secret);
Datum
boxoffice_hold_secret(PG_FUNCTION_ARGS)
{
	char		out[SECRET_LEN + 1];

	secret_make(SECRET_HOLD, PG_GETARG_INT64(0), out);
	PG_RETURN_TEXT_P(cstring_to_text(out));
}
