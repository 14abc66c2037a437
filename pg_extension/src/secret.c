/*
 * secret.c
 *		HMAC-SHA256 over ids and addresses, with the keys of boxoffice.secret_key.
 *
 * Keys are read once in a backend: they are made at deploy and not changed, since every secret in a
 * buyer's hands hangs on them.  Which rows a purpose has is looked at again only if it had none.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "digest.h"
#include "query.h"
#include "secret.h"

#define SECRET_BYTES 16			/* of the 32 that HMAC-SHA256 gives */

typedef struct SecretKey
{
	const char *purpose;
	DigestKey  *digest;			/* NULL: not read yet */
} SecretKey;

static SecretKey secret_key = {"secret", NULL};
static SecretKey buyer_key = {"buyer", NULL};

static CoreQuery key_query = {
	"SELECT key FROM boxoffice.secret_key WHERE purpose = $1 ORDER BY kid DESC LIMIT 1",
	1, {TEXTOID}
};

static void
secret_key_read(SecretKey *key)
{
	Datum		args[1] = {CStringGetTextDatum(key->purpose)};
	bytea	   *stored;

	query_connect();
	if (query_run(&key_query, args, NULL) != 1)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("there is no key of purpose \"%s\"", key->purpose),
				errhint("Run sql/deploy, which makes the keys."));
	stored = DatumGetByteaPP(query_datum(0, 1));
	key->digest = digest_key((const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
	query_done();
	query_finish();
}

/*
 * 128 bits of HMAC(key, data) in base64url, without padding and without a final NUL: 22
 * characters.
 */
static void
secret_digest(SecretKey *key, const uint8 *data, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8		digest[DIGEST_LEN];
	uint32		bits = 0;
	int			have = 0;

	if (key->digest == NULL)
		secret_key_read(key);
	digest_hmac(key->digest, data, len, digest);
	for (int i = 0; i < SECRET_BYTES; i++)
	{
		bits = bits << 8 | digest[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = digits[bits >> (have - 6) & 0x3F];
	}
	*out = digits[bits << (6 - have) & 0x3F];
}

void
secret_make(SecretKind kind, int64 id, char *out)
{
	uint8		data[9];
	uint64		order = pg_hton64((uint64) id);

	data[0] = (uint8) kind;
	memcpy(data + 1, &order, sizeof(order));
	secret_digest(&secret_key, data, sizeof(data), out);
	out[SECRET_LEN] = '\0';
}

bool
secret_matches(SecretKind kind, int64 id, const char *given)
{
	char		right[SECRET_LEN + 1];
	uint8		difference = 0;

	if (given == NULL || strlen(given) != SECRET_LEN)
		return false;
	secret_make(kind, id, right);
	for (int i = 0; i < SECRET_LEN; i++)
		difference |= (uint8) (right[i] ^ given[i]);
	return difference == 0;
}

void
secret_buyer_key(const char *email, char *out)
{
	const char *end = email + strlen(email);
	char	   *lower;

	while (isspace((unsigned char) *email))
		email++;
	while (end > email && isspace((unsigned char) end[-1]))
		end--;
	lower = str_tolower(email, end - email, C_COLLATION_OID);
	memcpy(out, "e:", 2);
	secret_digest(&buyer_key, (const uint8 *) lower, strlen(lower), out + 2);
	out[BUYER_KEY_LEN] = '\0';
	pfree(lower);
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
