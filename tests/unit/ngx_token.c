/*
 * ngx_token.c
 *		Tokens that must be believed, and many more that must not be (TAP).
 */
#include "ngx_shim.h"
#include "ngx_http_boxoffice_deny.h"
#include "ngx_http_boxoffice_metrics.h"
#include "ngx_http_boxoffice_token.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>

#define NOW			1700000000
#define SECRET		"0123456789abcdef0123456789abcdef"
#define CLAIMS		"\"iss\":\"box\",\"aud\":\"office\",\"sub\":\"alice\""
#define LATER		"\"exp\":1700000100"
#define HS			"{\"alg\":\"HS256\",\"kid\":\"h\"}"
#define ES			"{\"alg\":\"ES256\",\"kid\":\"e\"}"
#define GOOD		NGX_HTTP_BOXOFFICE_E_NONE
#define INVALID		NGX_HTTP_BOXOFFICE_E_TOKEN_INVALID
#define EXPIRED		NGX_HTTP_BOXOFFICE_E_TOKEN_EXPIRED

static ngx_http_boxoffice_tokens_t tokens;
static ngx_http_boxoffice_claims_t claims;
static EVP_PKEY *pair;
static ngx_str_t pem;

/* What the verifier counts and asks is not looked at here. */
void
ngx_http_boxoffice_metrics_count(ngx_uint_t counter)
{
	(void) counter;
}

ngx_uint_t
ngx_http_boxoffice_deny_has(ngx_shm_zone_t *zone, ngx_http_boxoffice_claims_t *c)
{
	(void) zone;
	(void) c;
	return 0;
}

static size_t
base64url(char *dst, const void *src, size_t len)
{
	int			n = EVP_EncodeBlock((unsigned char *) dst, src, (int) len);

	while (n && dst[n - 1] == '=')
		n--;
	for (int i = 0; i < n; i++)
		dst[i] = dst[i] == '+' ? '-' : dst[i] == '/' ? '_' : dst[i];
	dst[n] = '\0';
	return (size_t) n;
}

/* OpenSSL signs in DER; a token has both numbers in 32 bytes each. */
static void
sign_es256(const char *text, unsigned char *raw)
{
	unsigned char der[80];
	const unsigned char *p = der;
	size_t		len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG  *sig;

	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pair);
	EVP_DigestSign(ctx, der, &len, (const unsigned char *) text, strlen(text));
	EVP_MD_CTX_free(ctx);
	sig = d2i_ECDSA_SIG(NULL, &p, (long) len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
}

/* How a token is signed: as it should be, with what is not the key, or not. */
enum signing
{
	WITH_SECRET, WITH_PAIR, WITH_PEM, WITH_NOTHING
};

static ngx_str_t
make(const char *header, const char *payload, enum signing with)
{
	static char text[8192];
	unsigned char sig[64];
	unsigned	len = 0;
	size_t		n = base64url(text, header, strlen(header));

	text[n++] = '.';
	n += base64url(text + n, payload, strlen(payload));
	if (with == WITH_PAIR)
	{
		sign_es256(text, sig);
		len = 64;
	}
	else if (with == WITH_SECRET)
		HMAC(EVP_sha256(), SECRET, 32, (unsigned char *) text, n, sig, &len);
	else if (with == WITH_PEM)
		HMAC(EVP_sha256(), pem.data, (int) pem.len, (unsigned char *) text, n, sig, &len);
	text[n++] = '.';
	n += base64url(text + n, sig, len);
	return (ngx_str_t) {n, (u_char *) text};
}

static void
expect(ngx_uint_t wanted, const char *header, const char *payload, enum signing with, const char *what)
{
	ngx_str_t	token = make(header, payload, with);

	/* exactly as long as it is, for the sanitizer */
	token.data = memcpy(ngx_palloc(NULL, token.len), token.data, token.len);
	check(ngx_http_boxoffice_token_verify(&tokens, &token, NOW, &claims) == wanted, what);
}

static void
test_good(void)
{
	expect(GOOD, HS, "{" CLAIMS "," LATER "}", WITH_SECRET, "HS256");
	check(claims.subject.len == 5 && memcmp(claims.subject.data, "alice", 5) == 0 && claims.role == 1 &&
		  claims.organizer == 0 && claims.expires == NOW + 100 && claims.jti.len == 0, "what it says; a customer by default");
	expect(GOOD, ES, "{" CLAIMS "," LATER ",\"role\":\"organizer\",\"org\":\"77\",\"jti\":\"x\"}", WITH_PAIR, "ES256");
	check(claims.role == 2 && claims.organizer == 77 && claims.jti.len == 1, "role, organizer, id");
	expect(GOOD, HS, "{\"iss\":\"box\",\"aud\":[\"a\",\"office\"],\"sub\":\"b\"," LATER "}", WITH_SECRET, "one audience of several");
	expect(GOOD, HS, "{" CLAIMS ",\"exp\":1699999971}", WITH_SECRET, "expired within the leeway");
	expect(GOOD, HS, "{" CLAIMS "," LATER ",\"nbf\":1700000030}", WITH_SECRET, "begins within the leeway");
	expect(GOOD, HS, "{" CLAIMS ",\"exp\":1700000100.5}", WITH_SECRET, "a fraction of a second");
}

static void
test_algorithms(void)
{
	const char *payload = "{" CLAIMS "," LATER "}";

	expect(INVALID, "{\"alg\":\"none\",\"kid\":\"h\"}", payload, WITH_NOTHING, "alg none");
	expect(INVALID, "{\"alg\":\"none\",\"kid\":\"h\"}", payload, WITH_SECRET, "alg none, signed");
	expect(INVALID, "{\"alg\":\"NonE\",\"kid\":\"e\"}", payload, WITH_NOTHING, "alg NonE");
	expect(INVALID, "{\"alg\":\"HS256\",\"kid\":\"e\"}", payload, WITH_PEM, "HS256 with the public key as the secret");
	expect(INVALID, "{\"alg\":\"ES256\",\"kid\":\"h\"}", payload, WITH_PAIR, "ES256 under the secret's id");
	expect(INVALID, "{\"alg\":\"ES256\",\"kid\":\"h\"}", payload, WITH_SECRET, "the secret's key, called ES256");
	expect(INVALID, "{\"alg\":\"HS512\",\"kid\":\"h\"}", payload, WITH_SECRET, "HS512");
	expect(INVALID, "{\"alg\":\"HS256\"}", payload, WITH_SECRET, "no key's id");
	expect(INVALID, "{\"alg\":\"HS256\",\"kid\":\"x\"}", payload, WITH_SECRET, "an unknown key");
	expect(INVALID, "{\"alg\":\"HS256\",\"kid\":[\"h\"]}", payload, WITH_SECRET, "a list of keys");
	expect(INVALID, "{\"kid\":\"h\"}", payload, WITH_SECRET, "no algorithm");
	expect(INVALID, "{\"alg\":\"HS256\",\"kid\":\"h\",\"crit\":[\"exp\"]}", payload, WITH_SECRET, "something critical");
	expect(INVALID, "{\"alg\":\"HS256\",\"alg\":\"HS256\",\"kid\":\"h\"}", payload, WITH_SECRET, "an algorithm twice");
	expect(INVALID, "[]", payload, WITH_SECRET, "a header that is a list");
	expect(INVALID, HS, payload, WITH_NOTHING, "no signature");
	expect(INVALID, HS, payload, WITH_PEM, "another secret");
	expect(INVALID, HS, payload, WITH_PAIR, "a signature of another length");
}

static void
test_claims(void)
{
	expect(EXPIRED, HS, "{" CLAIMS ",\"exp\":1699999970}", WITH_SECRET, "expired");
	expect(INVALID, HS, "{" CLAIMS "}", WITH_SECRET, "never expires");
	expect(INVALID, HS, "{" CLAIMS ",\"exp\":\"1700000100\"}", WITH_SECRET, "expires at a string");
	expect(INVALID, HS, "{" CLAIMS ",\"exp\":1e300}", WITH_SECRET, "expires beyond all time");
	expect(INVALID, HS, "{" CLAIMS ",\"exp\":99999999999999999999}", WITH_SECRET, "expires at more than 64 bits");
	expect(INVALID, HS, "{" CLAIMS ",\"exp\":-1}", WITH_SECRET, "expired before 1970");
	expect(INVALID, HS, "{" CLAIMS ",\"exp\":null}", WITH_SECRET, "expires at null");
	expect(INVALID, HS, "{" CLAIMS "," LATER ",\"nbf\":1700000031}", WITH_SECRET, "not yet");
	expect(INVALID, HS, "{" CLAIMS "," LATER ",\"nbf\":\"0\"}", WITH_SECRET, "begins at a string");
	expect(INVALID, HS, "{\"aud\":\"office\",\"sub\":\"a\"," LATER "}", WITH_SECRET, "no issuer");
	expect(INVALID, HS, "{\"iss\":\"boxx\",\"aud\":\"office\",\"sub\":\"a\"," LATER "}", WITH_SECRET, "another issuer");
	expect(INVALID, HS, "{\"iss\":\"box\",\"sub\":\"a\"," LATER "}", WITH_SECRET, "no audience");
	expect(INVALID, HS, "{\"iss\":\"box\",\"aud\":[],\"sub\":\"a\"," LATER "}", WITH_SECRET, "nobody as audience");
	expect(INVALID, HS, "{\"iss\":\"box\",\"aud\":\"offic\",\"sub\":\"a\"," LATER "}", WITH_SECRET, "another audience");
	expect(INVALID, HS, "{\"iss\":\"box\",\"aud\":[[\"office\"]],\"sub\":\"a\"," LATER "}", WITH_SECRET, "a list in the audience");
	expect(INVALID, HS, "{\"iss\":\"box\",\"aud\":\"office\"," LATER "}", WITH_SECRET, "no subject");
	expect(INVALID, HS, "{\"iss\":\"box\",\"aud\":\"office\",\"sub\":\"\"," LATER "}", WITH_SECRET, "an empty subject");
	expect(INVALID, HS, "{\"iss\":\"box\",\"aud\":\"office\",\"sub\":\"a\\u0000b\"," LATER "}", WITH_SECRET, "NUL in the subject");
	expect(INVALID, HS, "{\"iss\":\"box\",\"aud\":\"office\",\"sub\":\"\xff\"," LATER "}", WITH_SECRET, "a subject that is not UTF-8");
	expect(INVALID, HS, "{" CLAIMS "," LATER ",\"role\":\"root\"}", WITH_SECRET, "an unknown role");
	expect(INVALID, HS, "{" CLAIMS "," LATER ",\"role\":\"customer\",\"role\":\"admin\"}", WITH_SECRET, "a role twice");
	expect(INVALID, HS, "{" CLAIMS "," LATER ",\"org\":7}", WITH_SECRET, "an organizer as a number");
	expect(INVALID, HS, "{" CLAIMS "," LATER ",\"org\":\"07\"}", WITH_SECRET, "an organizer that is no id");
	expect(INVALID, HS, "{" CLAIMS "," LATER, WITH_SECRET, "claims cut short");
	expect(INVALID, HS, "{" CLAIMS "," LATER "}x", WITH_SECRET, "more than claims");
}

/* A changed bit anywhere makes a token invalid, save those of the last character that are no part of the signature. */
static void
test_each_bit(const char *header, enum signing with, const char *what)
{
	ngx_str_t	made = make(header, "{" CLAIMS "," LATER "}", with);
	ngx_str_t	token = {made.len, memcpy(ngx_palloc(NULL, made.len), made.data, made.len)};
	size_t		accepted = 0;

	for (size_t i = 0; i + 1 < token.len; i++)
		for (int bit = 0; bit < 8; bit++)
		{
			token.data[i] ^= (u_char) (1 << bit);
			accepted += ngx_http_boxoffice_token_verify(&tokens, &token, NOW, &claims) == GOOD;
			token.data[i] ^= (u_char) (1 << bit);
		}
	check(accepted == 0, what);
	accepted = 0;
	for (size_t len = 0; len < token.len; len++)
	{
		ngx_str_t	cut = {len, token.data};

		accepted += ngx_http_boxoffice_token_verify(&tokens, &cut, NOW, &claims) == GOOD;
	}
	check(accepted == 0, "nor does any beginning of it do");
}

static void
test_keys(void)
{
	ngx_str_t	h = str("h"),
				x = str("x"),
				hs = str("HS256"),
				es = str("ES256"),
				rs = str("RS256"),
				secret = str(SECRET),
				little = str("short"),
				junk = str("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	ngx_uint_t	n = tokens.keys.nelts;

	check(ngx_http_boxoffice_token_key(NULL, &tokens, &h, &hs, &secret) != NULL, "no second key of one id");
	check(ngx_http_boxoffice_token_key(NULL, &tokens, &x, &hs, &little) != NULL, "no secret of a few bytes");
	tokens.keys.nelts = n;
	check(ngx_http_boxoffice_token_key(NULL, &tokens, &x, &hs, &pem) != NULL, "no public key as a secret");
	tokens.keys.nelts = n;
	check(ngx_http_boxoffice_token_key(NULL, &tokens, &x, &rs, &secret) != NULL, "no other algorithm");
	tokens.keys.nelts = n;
	check(ngx_http_boxoffice_token_key(NULL, &tokens, &x, &es, &junk) != NULL, "no key that is none");
	tokens.keys.nelts = n;
	check(ngx_http_boxoffice_token_key(NULL, &tokens, &x, &es, &secret) != NULL, "no secret for ES256");
	tokens.keys.nelts = n;
}

static void
setup(ngx_cycle_t *cycle)
{
	ngx_str_t	h = str("h"),
				e = str("e"),
				hs = str("HS256"),
				es = str("ES256"),
				secret = str(SECRET);
	BIO		   *bio = BIO_new(BIO_s_mem());
	char	   *text;

	pair = EVP_EC_gen("P-256");
	PEM_write_bio_PUBKEY(bio, pair);
	pem.len = (size_t) BIO_get_mem_data(bio, &text);
	pem.data = memcpy(ngx_palloc(NULL, pem.len), text, pem.len);
	BIO_free(bio);
	tokens.keys = (ngx_array_t) {ngx_pcalloc(NULL, 8 * sizeof(ngx_http_boxoffice_key_t)), 0, sizeof(ngx_http_boxoffice_key_t), 8, NULL};
	tokens.issuer = str("box");
	tokens.audience = str("office");
	tokens.leeway = 30;
	tokens.cache_size = 16;
	set_time(NOW);
	check(ngx_http_boxoffice_token_key(NULL, &tokens, &h, &hs, &secret) == NULL, "a secret");
	check(ngx_http_boxoffice_token_key(NULL, &tokens, &e, &es, &pem) == NULL, "a public key");
	test_keys();
	check(ngx_http_boxoffice_token_init(cycle, &tokens) == NGX_OK, "a worker begins");
}

int
main(void)
{
	ngx_cycle_t cycle = {0};

	setup(&cycle);
	test_good();
	test_algorithms();
	test_claims();
	test_each_bit(HS, WITH_SECRET, "HS256: no bit may change");
	test_each_bit(ES, WITH_PAIR, "ES256: no bit may change");
	ngx_http_boxoffice_token_exit();
	EVP_PKEY_free(pair);
	return finish();
}
