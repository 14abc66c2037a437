/*
 * digest.c
 *		Digests by OpenSSL with contexts that are made once in a backend.
 *
 * Every hold has two: its idempotency key's hash and its secret.  PostgreSQL's own functions make
 * and free a context each time, which took a tenth of what a hold costs; here a prepared one is
 * copied.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "utils/memutils.h"

#include "digest.h"

#define BLOCK_LEN 64			/* of SHA-256 */

struct DigestKey
{
	EVP_MD_CTX *inner;			/* after the key's first block */
	EVP_MD_CTX *outer;
};

static EVP_MD_CTX *empty = NULL;	/* SHA-256 of nothing yet */
static EVP_MD_CTX *scratch = NULL;

static void
digest_check(int result)
{
	if (result != 1)
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not compute SHA-256"));
}

static EVP_MD_CTX *
digest_context(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OUT_OF_MEMORY),
				errmsg("out of memory"));
	return context;
}

static void
digest_prepare(void)
{
	if (scratch != NULL)
		return;
	empty = digest_context();
	digest_check(EVP_DigestInit_ex(empty, EVP_sha256(), NULL));
	scratch = digest_context();
}

void
digest_sha256(const DigestPart *parts, int count, uint8 *out)
{
	digest_prepare();
	digest_check(EVP_MD_CTX_copy_ex(scratch, empty));
	for (int i = 0; i < count; i++)
		digest_check(EVP_DigestUpdate(scratch, parts[i].data, parts[i].len));
	digest_check(EVP_DigestFinal_ex(scratch, out, NULL));
}

/* A context that has seen the key's block, each byte mixed with the pad. */
static EVP_MD_CTX *
digest_pad(const uint8 *block, uint8 pad)
{
	EVP_MD_CTX *context = digest_context();
	uint8		padded[BLOCK_LEN];

	for (int i = 0; i < BLOCK_LEN; i++)
		padded[i] = block[i] ^ pad;
	digest_check(EVP_MD_CTX_copy_ex(context, empty));
	digest_check(EVP_DigestUpdate(context, padded, BLOCK_LEN));
	explicit_bzero(padded, sizeof(padded));
	return context;
}

DigestKey *
digest_key(const uint8 *key, size_t len)
{
	DigestKey  *prepared = MemoryContextAlloc(TopMemoryContext, sizeof(DigestKey));
	uint8		block[BLOCK_LEN] = {0};

	digest_prepare();
	if (len > BLOCK_LEN)
	{
		DigestPart	whole = {key, len};

		digest_sha256(&whole, 1, block);
	}
	else
		memcpy(block, key, len);
	prepared->inner = digest_pad(block, 0x36);
	prepared->outer = digest_pad(block, 0x5C);
	explicit_bzero(block, sizeof(block));
	return prepared;
}

void
digest_key_free(DigestKey *key)
{
	EVP_MD_CTX_free(key->inner);
	EVP_MD_CTX_free(key->outer);
	pfree(key);
}

void
digest_hmac(const DigestKey *key, const void *data, size_t len, uint8 *out)
{
	uint8		inner[DIGEST_LEN];

	digest_check(EVP_MD_CTX_copy_ex(scratch, key->inner));
	digest_check(EVP_DigestUpdate(scratch, data, len));
	digest_check(EVP_DigestFinal_ex(scratch, inner, NULL));
	digest_check(EVP_MD_CTX_copy_ex(scratch, key->outer));
	digest_check(EVP_DigestUpdate(scratch, inner, sizeof(inner)));
	digest_check(EVP_DigestFinal_ex(scratch, out, NULL));
}
