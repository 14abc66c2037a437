/*
 * token.c
 *		Signs JSON Web Tokens: HS256 and ES256 (RFC 7515, 7518).
 *
 * All tokens of a set have the same length, so the set is one block with a
 * stride: subjects are numbered with a fixed number of digits, and both kinds
 * of signature have a fixed size.
 */
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "token.h"

#define TOKEN_MAX 1024
#define KEY_MAX 512
#define LIFETIME_S (6 * 3600)

typedef struct Signer
{
	bool		elliptic;
	unsigned char secret[KEY_MAX];
	size_t		secret_len;
	EVP_PKEY   *pair;
	EVP_MD_CTX *digest;
} Signer;

/* Appends base64url without padding; returns the number of characters. */
static size_t
base64url(const unsigned char *from, size_t len, char *to)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t		out = 0;

	for (size_t i = 0; i < len; i += 3)
	{
		uint32_t	three = (uint32_t) from[i] << 16;

		three |= i + 1 < len ? (uint32_t) from[i + 1] << 8 : 0;
		three |= i + 2 < len ? from[i + 2] : 0;
		to[out++] = alphabet[three >> 18];
		to[out++] = alphabet[three >> 12 & 63];
		if (i + 1 < len)
			to[out++] = alphabet[three >> 6 & 63];
		if (i + 2 < len)
			to[out++] = alphabet[three & 63];
	}
	return out;
}

static void
signer_open(Signer *signer, const Options *options)
{
	FILE	   *file = fopen(options->key_file, "r");

	if (file == NULL)
		die("cannot open the key file %s", options->key_file);
	signer->elliptic = strcmp(options->alg, "ES256") == 0;
	if (signer->elliptic)
	{
		signer->pair = PEM_read_PrivateKey(file, NULL, NULL, NULL);
		signer->digest = EVP_MD_CTX_new();
		if (signer->pair == NULL || signer->digest == NULL)
			die("%s holds no private key in PEM", options->key_file);
	}
	else
	{
		signer->secret_len = fread(signer->secret, 1, KEY_MAX, file);
		if (signer->secret_len > 0 && signer->secret[signer->secret_len - 1] == '\n')
			signer->secret_len--;
		if (signer->secret_len < 32)
			die("%s holds fewer than 32 bytes", options->key_file);
	}
	fclose(file);
}

static void
signer_close(Signer *signer)
{
	EVP_MD_CTX_free(signer->digest);
	EVP_PKEY_free(signer->pair);
}

/* ECDSA as JWS wants it: r and s of 32 bytes each, not DER. */
static void
sign_elliptic(Signer *signer, const char *text, size_t len, unsigned char signature[64])
{
	unsigned char der[128];
	const unsigned char *at = der;
	size_t		der_len = sizeof(der);
	ECDSA_SIG  *parts;

	if (EVP_DigestSignInit(signer->digest, NULL, EVP_sha256(), NULL, signer->pair) != 1 ||
		EVP_DigestSign(signer->digest, der, &der_len, (const unsigned char *) text, len) != 1)
		die("could not sign a token");
	parts = d2i_ECDSA_SIG(NULL, &at, (long) der_len);
	if (parts == NULL ||
		BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, 32) != 32 ||
		BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + 32, 32) != 32)
		die("the key is not on P-256");
	ECDSA_SIG_free(parts);
}

/* Returns the signature's size in bytes. */
static size_t
sign(Signer *signer, const char *text, size_t len, unsigned char signature[64])
{
	unsigned int size = 32;

	if (signer->elliptic)
	{
		sign_elliptic(signer, text, len, signature);
		return 64;
	}
	if (HMAC(EVP_sha256(), signer->secret, (int) signer->secret_len,
			 (const unsigned char *) text, len, signature, &size) == NULL)
		die("could not sign a token");
	return size;
}

static size_t
header_make(const Options *options, char *into)
{
	char		text[256];
	int			len = snprintf(text, sizeof(text), "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
							   options->alg, options->kid);

	if (len < 0 || len >= (int) sizeof(text))
		die("the key's id is too long");
	return base64url((const unsigned char *) text, (size_t) len, into);
}

static size_t
claims_make(const Options *options, int64_t number, time_t at, char *into)
{
	char		text[512];
	int			len = snprintf(text, sizeof(text),
							   "{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"buyer-%08llx-%07lld\","
							   "\"role\":\"customer\",\"iat\":%lld,\"exp\":%lld}",
							   options->iss, options->aud,
							   (unsigned long long) (options->nonce & 0xffffffff),
							   (long long) number, (long long) at,
							   (long long) at + LIFETIME_S);

	if (len < 0 || len >= (int) sizeof(text))
		die("the issuer or the audience is too long");
	return base64url((const unsigned char *) text, (size_t) len, into);
}

void
token_set_make(TokenSet *set, const Options *options)
{
	Signer		signer = {0};
	char		token[TOKEN_MAX];
	size_t		header_len = header_make(options, token);
	time_t		at = time(NULL);

	signer_open(&signer, options);
	set->count = options->subjects;
	token[header_len] = '.';
	for (int64_t i = 0; i < set->count; i++)
	{
		unsigned char signature[64];
		size_t		len = header_len + 1;

		len += claims_make(options, i, at, token + len);
		token[len] = '.';
		len += 1 + base64url(signature, sign(&signer, token, len, signature), token + len + 1);
		if (set->text == NULL)
		{
			set->stride = len;
			set->text = alloc_or_die((size_t) set->count, len);
		}
		if (len != set->stride)
			die("tokens of different lengths");
		memcpy(set->text + set->stride * (size_t) i, token, len);
	}
	signer_close(&signer);
}
