/*
 * digest.h
 *		SHA-256 and HMAC-SHA256 of short texts, quickly.
 */
#ifndef BOXOFFICE_DIGEST_H
#define BOXOFFICE_DIGEST_H

#include "postgres.h"

#define DIGEST_LEN 32

/* A part of what is hashed. */
typedef struct DigestPart
{
	const void *data;
	size_t		len;
} DigestPart;

/* A key prepared for many HMACs. */
typedef struct DigestKey DigestKey;

/* SHA-256 of the parts one after another. */
extern void digest_sha256(const DigestPart *parts, int count, uint8 *out);

/* Prepares a key, for the backend's life or until it is freed. */
extern DigestKey *digest_key(const uint8 *key, size_t len);
extern void digest_key_free(DigestKey *key);

/* HMAC-SHA256 (RFC 2104). */
extern void digest_hmac(const DigestKey *key, const void *data, size_t len, uint8 *out);

#endif							/* BOXOFFICE_DIGEST_H */
