/*
 * secret.h
 *		Secrets of holds and orders, and keyed hashes of what must not be stored in the clear.
 *
 * A secret is derived from the id it belongs to and a key of boxoffice.secret_key, so it is
 * stored nowhere and answers can be made again.  After a rotation of keys an answer has another
 * secret, and both open.
 */
#ifndef BOXOFFICE_SECRET_H
#define BOXOFFICE_SECRET_H

#include "postgres.h"

typedef enum SecretKind
{
	SECRET_HOLD = 'h',
	SECRET_ORDER = 'o'
} SecretKind;

#define SECRET_LEN 22			/* 128 bits in base64url, without padding */
#define BUYER_KEY_LEN 24		/* "e:" and 128 bits in base64url */

/*
 * Writes the secret of (kind, id) by the newest key and a final NUL to out, which has
 * SECRET_LEN + 1 bytes.
 */
extern void secret_make(SecretKind kind, int64 id, char *out);

/* Whether given (may be NULL) is the secret of (kind, id) by any key; of each in constant time. */
extern bool secret_matches(SecretKind kind, int64 id, const char *given);

/*
 * Writes the buyer key of an e-mail address in an event to out, which has BUYER_KEY_LEN + 1 bytes:
 * "e:" and the keyed hash of the address without surrounding blanks, in lower case.
 */
extern void secret_buyer_key(int64 event_id, const char *email, char *out);

#endif							/* BOXOFFICE_SECRET_H */
