
/*
 * Tokens: JSON Web Tokens (RFC 7519) signed with HS256 or ES256 (RFC 7518).
 *
 * The header chooses a key by its "kid", and that is all it chooses: its "alg"
 * must be that of the key, which is compared before anything is computed, and
 * "crit" is refused, as nothing is understood that could be critical.  So no
 * token is checked with a key of another kind, and none without a key.
 *
 * libjwt is not used.  Its 1.10 takes an HS256 token signed with a public PEM,
 * expired tokens, and anything where no key is given, and parses the PEM for
 * each token: 414 us for ES256, of which the signature is 60.  What it would
 * be good for, taking a header and claims apart, is a decoded part given to
 * jansson, which it stands on itself: we do that in one place, with limits on
 * lengths and depth that it has not.  conf/token signs with openssl, so that
 * no test verifies with the code that signed.
 *
 * Two things are remembered, each in bounded memory of the worker: which key a
 * header means, as all tokens of an issuer have the same; and tokens that have
 * been verified.  A remembered token is still compared with the time and with
 * the list of those that are denied.
 */


#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "ngx_http_boxoffice_deny.h"
#include "ngx_http_boxoffice_metrics.h"
#include "ngx_http_boxoffice_text.h"
#include "ngx_http_boxoffice_token.h"


#define NGX_HTTP_BOXOFFICE_SECRET_MIN  32
#define NGX_HTTP_BOXOFFICE_HS256_LEN   32
#define NGX_HTTP_BOXOFFICE_ES256_LEN   64

#define NGX_HTTP_BOXOFFICE_HEADERS     8      /* headers remembered */
#define NGX_HTTP_BOXOFFICE_HEADER_LEN  256
#define NGX_HTTP_BOXOFFICE_WAYS        4      /* places for one token */


typedef struct {
    size_t                           len;
    ngx_http_boxoffice_key_t        *key;
    u_char                           text[NGX_HTTP_BOXOFFICE_HEADER_LEN];
} ngx_http_boxoffice_header_t;


typedef struct {
    u_char                          *text;    /* token, subject, jti */
    size_t                           len;
    uint32_t                         hash;
    ngx_uint_t                       used;
    ngx_http_boxoffice_claims_t      claims;
} ngx_http_boxoffice_known_t;


typedef struct {
    ngx_http_boxoffice_tokens_t     *conf;
    ngx_log_t                       *log;

    EVP_MD_CTX                      *digest;
    EVP_MAC_CTX                    **macs;    /* by key */

    ngx_http_boxoffice_header_t      headers[NGX_HTTP_BOXOFFICE_HEADERS];
    ngx_uint_t                       next_header;

    ngx_http_boxoffice_known_t      *known;
    ngx_uint_t                       mask;    /* of sets, not of places */
    ngx_uint_t                       clock;

    u_char                           payload[NGX_HTTP_BOXOFFICE_TOKEN_LEN];
    u_char                           strings[NGX_HTTP_BOXOFFICE_SUBJECT_LEN
                                             + NGX_HTTP_BOXOFFICE_JTI_LEN];
} ngx_http_boxoffice_verifier_t;


static void ngx_http_boxoffice_token_key_cleanup(void *data);
static char *ngx_http_boxoffice_token_hs256(ngx_http_boxoffice_key_t *key,
    ngx_str_t *material);
static char *ngx_http_boxoffice_token_es256(ngx_http_boxoffice_key_t *key,
    ngx_str_t *material);

static ngx_http_boxoffice_key_t *ngx_http_boxoffice_token_header(
    ngx_http_boxoffice_tokens_t *tokens, ngx_str_t *header);
static ngx_http_boxoffice_key_t *ngx_http_boxoffice_token_read_header(
    ngx_http_boxoffice_tokens_t *tokens, ngx_str_t *header);
static ngx_uint_t ngx_http_boxoffice_token_is(json_t *value,
    const ngx_str_t *text);
static ngx_int_t ngx_http_boxoffice_token_decode(u_char *buf, size_t size,
    ngx_str_t *text, ngx_str_t *decoded);
static ngx_int_t ngx_http_boxoffice_token_signed(
    ngx_http_boxoffice_tokens_t *tokens, ngx_http_boxoffice_key_t *key,
    ngx_str_t *text, ngx_str_t *signature);
static ngx_int_t ngx_http_boxoffice_token_mac(EVP_MAC_CTX *mac,
    ngx_str_t *text, u_char *signature);
static ngx_int_t ngx_http_boxoffice_token_ecdsa(EVP_PKEY *pkey,
    ngx_str_t *text, u_char *signature);
static ngx_uint_t ngx_http_boxoffice_token_claims(
    ngx_http_boxoffice_tokens_t *tokens, json_t *json, time_t now,
    ngx_http_boxoffice_claims_t *claims);
static ngx_int_t ngx_http_boxoffice_token_time(json_t *value, time_t *t);
static ngx_uint_t ngx_http_boxoffice_token_audience(json_t *value,
    const ngx_str_t *audience);
static ngx_int_t ngx_http_boxoffice_token_string(json_t *value, u_char *buf,
    size_t max, ngx_str_t *text);
static ngx_int_t ngx_http_boxoffice_token_role(json_t *value,
    ngx_uint_t *role);

static ngx_http_boxoffice_known_t *ngx_http_boxoffice_token_find(
    ngx_str_t *token, uint32_t hash);
static ngx_http_boxoffice_known_t *ngx_http_boxoffice_token_remember(
    ngx_str_t *token, uint32_t hash, ngx_http_boxoffice_claims_t *claims);


static ngx_http_boxoffice_verifier_t  ngx_http_boxoffice_verifier;


static const ngx_str_t  ngx_http_boxoffice_roles[] = {
    ngx_string("public"),
    ngx_string("customer"),
    ngx_string("organizer"),
    ngx_string("scanner"),
    ngx_string("support"),
    ngx_string("admin"),
    ngx_null_string
};

#define NGX_HTTP_BOXOFFICE_CUSTOMER  1


static const ngx_str_t  ngx_http_boxoffice_algs[] = {
    ngx_string("HS256"),
    ngx_string("ES256")
};


char *
ngx_http_boxoffice_token_key(ngx_pool_t *pool,
    ngx_http_boxoffice_tokens_t *tokens, ngx_str_t *kid, ngx_str_t *alg,
    ngx_str_t *material)
{
    char                      *wrong;
    ngx_uint_t                 i;
    ngx_pool_cleanup_t        *cln;
    ngx_http_boxoffice_key_t  *key;

    key = tokens->keys.elts;

    for (i = 0; i < tokens->keys.nelts; i++) {
        if (key[i].kid.len == kid->len
            && ngx_memcmp(key[i].kid.data, kid->data, kid->len) == 0)
        {
            return "has a key with this id already";
        }
    }

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_http_boxoffice_key_t));
    key = ngx_array_push(&tokens->keys);

    if (cln == NULL || key == NULL) {
        return "cannot be stored";
    }

    ngx_memzero(key, sizeof(ngx_http_boxoffice_key_t));
    key->kid = *kid;

    if (alg->len == 5 && ngx_memcmp(alg->data, "HS256", 5) == 0) {
        key->alg = NGX_HTTP_BOXOFFICE_HS256;
        wrong = ngx_http_boxoffice_token_hs256(key, material);

    } else if (alg->len == 5 && ngx_memcmp(alg->data, "ES256", 5) == 0) {
        key->alg = NGX_HTTP_BOXOFFICE_ES256;
        wrong = ngx_http_boxoffice_token_es256(key, material);

    } else {
        return "knows the algorithms HS256 and ES256 only";
    }

    /* the array may move, the cleanup has a copy */

    ngx_memcpy(cln->data, key, sizeof(ngx_http_boxoffice_key_t));
    cln->handler = ngx_http_boxoffice_token_key_cleanup;

    return wrong;
}


static void
ngx_http_boxoffice_token_key_cleanup(void *data)
{
    ngx_http_boxoffice_key_t *key = data;

    EVP_PKEY_free(key->pkey);
    EVP_MAC_CTX_free(key->mac);
}


static char *
ngx_http_boxoffice_token_hs256(ngx_http_boxoffice_key_t *key,
    ngx_str_t *material)
{
    EVP_MAC     *mac;
    OSSL_PARAM   params[2];

    if (material->len < NGX_HTTP_BOXOFFICE_SECRET_MIN) {
        return "has a secret of fewer than 32 bytes";
    }

    /* a public key as the secret: whoever has read it could sign */

    if (ngx_strncmp(material->data, "-----BEGIN ", 11) == 0) {
        return "has a key in PEM, which is no secret";
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 "SHA256", 0);
    params[1] = OSSL_PARAM_construct_end();

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    key->mac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);

    if (key->mac == NULL
        || EVP_MAC_init(key->mac, material->data, material->len, params) != 1)
    {
        return "cannot use this secret";
    }

    return NULL;
}


static char *
ngx_http_boxoffice_token_es256(ngx_http_boxoffice_key_t *key,
    ngx_str_t *material)
{
    BIO     *bio;
    char     group[32];
    size_t   len;

    bio = BIO_new_mem_buf(material->data, material->len);
    if (bio == NULL) {
        return "cannot be stored";
    }

    key->pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);

    if (key->pkey == NULL) {
        ERR_clear_error();
        return "has no public key in PEM";
    }

    if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_EC
        || EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), &len) != 1
        || ngx_strcmp(group, "prime256v1") != 0)
    {
        return "has a public key that is not on P-256";
    }

    return NULL;
}


ngx_int_t
ngx_http_boxoffice_token_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_tokens_t *tokens)
{
    ngx_uint_t                      i, sets;
    ngx_http_boxoffice_key_t       *key;
    ngx_http_boxoffice_verifier_t  *verifier;

    verifier = &ngx_http_boxoffice_verifier;

    verifier->log = cycle->log;

    for (sets = 1; sets * NGX_HTTP_BOXOFFICE_WAYS < tokens->cache_size; ) {
        sets *= 2;
    }

    verifier->mask = sets - 1;
    verifier->known = ngx_pcalloc(cycle->pool,
                                  sets * NGX_HTTP_BOXOFFICE_WAYS
                                  * sizeof(ngx_http_boxoffice_known_t));

    verifier->macs = ngx_pcalloc(cycle->pool, (tokens->keys.nelts + 1)
                                              * sizeof(EVP_MAC_CTX *));
    verifier->digest = EVP_MD_CTX_new();

    if (verifier->known == NULL || verifier->macs == NULL
        || verifier->digest == NULL)
    {
        return NGX_ERROR;
    }

    /* computing changes a context: the configuration's stay as they are */

    key = tokens->keys.elts;

    for (i = 0; i < tokens->keys.nelts; i++) {

        if (key[i].mac == NULL) {
            continue;
        }

        verifier->macs[i] = EVP_MAC_CTX_dup(key[i].mac);
        if (verifier->macs[i] == NULL) {
            return NGX_ERROR;
        }
    }

    verifier->conf = tokens;

    return NGX_OK;
}


void
ngx_http_boxoffice_token_exit(void)
{
    ngx_uint_t                      i;
    ngx_http_boxoffice_verifier_t  *verifier;

    verifier = &ngx_http_boxoffice_verifier;

    if (verifier->conf == NULL) {
        return;
    }

    for (i = 0; i < verifier->conf->keys.nelts; i++) {
        EVP_MAC_CTX_free(verifier->macs[i]);
    }

    for (i = 0; i < (verifier->mask + 1) * NGX_HTTP_BOXOFFICE_WAYS; i++) {
        if (verifier->known[i].text) {
            ngx_free(verifier->known[i].text);
        }
    }

    EVP_MD_CTX_free(verifier->digest);
    verifier->conf = NULL;
}


ngx_uint_t
ngx_http_boxoffice_token_check(ngx_http_request_t *r, ngx_str_t *token,
    ngx_http_boxoffice_actor_t *actor)
{
    uint32_t                      hash;
    ngx_uint_t                    error;
    ngx_http_boxoffice_known_t   *known;
    ngx_http_boxoffice_claims_t   claims, *c;
    ngx_http_boxoffice_tokens_t  *tokens;

    tokens = ngx_http_boxoffice_verifier.conf;

    if (tokens == NULL || token->len == 0
        || token->len > NGX_HTTP_BOXOFFICE_TOKEN_LEN)
    {
        return NGX_HTTP_BOXOFFICE_E_TOKEN_INVALID;
    }

    hash = ngx_murmur_hash2(token->data, token->len);
    known = ngx_http_boxoffice_token_find(token, hash);

    if (known) {
        ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_TOKEN_HIT);
        c = &known->claims;

    } else {
        ngx_http_boxoffice_metrics_count(NGX_HTTP_BOXOFFICE_M_TOKEN_MISS);

        error = ngx_http_boxoffice_token_verify(tokens, token, ngx_time(),
                                                &claims);

        if (error != NGX_HTTP_BOXOFFICE_E_NONE) {
            ngx_http_boxoffice_metrics_count(
                                          NGX_HTTP_BOXOFFICE_M_TOKEN_REFUSED);
            return error;
        }

        known = ngx_http_boxoffice_token_remember(token, hash, &claims);
        c = known ? &known->claims : &claims;
    }

    if (c->expires + tokens->leeway <= ngx_time()) {
        return NGX_HTTP_BOXOFFICE_E_TOKEN_EXPIRED;
    }

    if (ngx_http_boxoffice_deny_has(tokens->deny_zone, c)) {
        return NGX_HTTP_BOXOFFICE_E_TOKEN_INVALID;
    }

    /* what is remembered may be forgotten before the answer comes */

    actor->subject.data = ngx_pstrdup(r->pool, &c->subject);
    if (actor->subject.data == NULL) {
        return NGX_HTTP_BOXOFFICE_E_INTERNAL;
    }

    actor->subject.len = c->subject.len;
    actor->role = ngx_http_boxoffice_roles[c->role];
    actor->organizer = c->organizer;

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


ngx_uint_t
ngx_http_boxoffice_token_verify(ngx_http_boxoffice_tokens_t *tokens,
    ngx_str_t *token, time_t now, ngx_http_boxoffice_claims_t *claims)
{
    u_char                         *dot1, *dot2, *last;
    json_t                         *json;
    ngx_str_t                       header, payload, signature, text, decoded;
    ngx_uint_t                      error;
    ngx_http_boxoffice_key_t       *key;
    ngx_http_boxoffice_verifier_t  *verifier;

    verifier = &ngx_http_boxoffice_verifier;
    error = NGX_HTTP_BOXOFFICE_E_TOKEN_INVALID;

    last = token->data + token->len;
    dot1 = ngx_strlchr(token->data, last, '.');
    dot2 = dot1 ? ngx_strlchr(dot1 + 1, last, '.') : NULL;

    if (dot2 == NULL || token->len > NGX_HTTP_BOXOFFICE_TOKEN_LEN) {
        return error;
    }

    header.data = token->data;
    header.len = dot1 - header.data;
    payload.data = dot1 + 1;
    payload.len = dot2 - payload.data;
    signature.data = dot2 + 1;
    signature.len = last - signature.data;
    text.data = token->data;
    text.len = dot2 - text.data;

    key = ngx_http_boxoffice_token_header(tokens, &header);

    if (key == NULL
        || ngx_http_boxoffice_token_signed(tokens, key, &text, &signature)
           != NGX_OK
        || ngx_http_boxoffice_token_decode(verifier->payload,
                                           sizeof(verifier->payload),
                                           &payload, &decoded)
           != NGX_OK)
    {
        return error;
    }

    json = json_loadb((char *) decoded.data, decoded.len,
                      JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(json)) {
        error = ngx_http_boxoffice_token_claims(tokens, json, now, claims);
    }

    json_decref(json);

    return error;
}


/* the key that a header means, or NULL */

static ngx_http_boxoffice_key_t *
ngx_http_boxoffice_token_header(ngx_http_boxoffice_tokens_t *tokens,
    ngx_str_t *header)
{
    ngx_uint_t                      i;
    ngx_http_boxoffice_key_t       *key;
    ngx_http_boxoffice_header_t    *h;
    ngx_http_boxoffice_verifier_t  *verifier;

    verifier = &ngx_http_boxoffice_verifier;

    for (i = 0; i < NGX_HTTP_BOXOFFICE_HEADERS; i++) {
        h = &verifier->headers[i];

        if (h->key && h->len == header->len
            && ngx_memcmp(h->text, header->data, header->len) == 0)
        {
            return h->key;
        }
    }

    if (header->len > NGX_HTTP_BOXOFFICE_HEADER_LEN) {
        return NULL;
    }

    key = ngx_http_boxoffice_token_read_header(tokens, header);

    if (key) {
        h = &verifier->headers[verifier->next_header++
                               % NGX_HTTP_BOXOFFICE_HEADERS];
        h->key = key;
        h->len = header->len;
        ngx_memcpy(h->text, header->data, header->len);
    }

    return key;
}


static ngx_http_boxoffice_key_t *
ngx_http_boxoffice_token_read_header(ngx_http_boxoffice_tokens_t *tokens,
    ngx_str_t *header)
{
    u_char                     buf[NGX_HTTP_BOXOFFICE_HEADER_LEN];
    json_t                    *json;
    ngx_str_t                  decoded;
    ngx_uint_t                 i;
    ngx_http_boxoffice_key_t  *key, *found;

    if (ngx_http_boxoffice_token_decode(buf, sizeof(buf), header, &decoded)
        != NGX_OK)
    {
        return NULL;
    }

    json = json_loadb((char *) decoded.data, decoded.len,
                      JSON_REJECT_DUPLICATES, NULL);

    found = NULL;
    key = tokens->keys.elts;

    for (i = 0; i < tokens->keys.nelts; i++) {

        if (ngx_http_boxoffice_token_is(json_object_get(json, "kid"),
                                        &key[i].kid)
            && ngx_http_boxoffice_token_is(json_object_get(json, "alg"),
                                      &ngx_http_boxoffice_algs[key[i].alg])
            && json_object_get(json, "crit") == NULL)
        {
            found = &key[i];
        }
    }

    json_decref(json);

    return found;
}


static ngx_uint_t
ngx_http_boxoffice_token_is(json_t *value, const ngx_str_t *text)
{
    return json_is_string(value)
           && json_string_length(value) == text->len
           && ngx_memcmp(json_string_value(value), text->data, text->len)
              == 0;
}


/* base64url without padding, as RFC 7515 wants it */

static ngx_int_t
ngx_http_boxoffice_token_decode(u_char *buf, size_t size, ngx_str_t *text,
    ngx_str_t *decoded)
{
    if (text->len == 0 || ngx_base64_decoded_length(text->len) > size
        || ngx_strlchr(text->data, text->data + text->len, '='))
    {
        return NGX_ERROR;
    }

    decoded->data = buf;

    return ngx_decode_base64url(decoded, text);
}


static ngx_int_t
ngx_http_boxoffice_token_signed(ngx_http_boxoffice_tokens_t *tokens,
    ngx_http_boxoffice_key_t *key, ngx_str_t *text, ngx_str_t *signature)
{
    u_char                          buf[NGX_HTTP_BOXOFFICE_ES256_LEN + 4];
    ngx_str_t                       decoded;
    ngx_uint_t                      i;
    ngx_http_boxoffice_verifier_t  *verifier;

    verifier = &ngx_http_boxoffice_verifier;

    if (ngx_http_boxoffice_token_decode(buf, sizeof(buf), signature, &decoded)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (key->alg == NGX_HTTP_BOXOFFICE_HS256
        && decoded.len == NGX_HTTP_BOXOFFICE_HS256_LEN)
    {
        i = key - (ngx_http_boxoffice_key_t *) tokens->keys.elts;

        return ngx_http_boxoffice_token_mac(verifier->macs[i], text,
                                            decoded.data);
    }

    if (key->alg == NGX_HTTP_BOXOFFICE_ES256
        && decoded.len == NGX_HTTP_BOXOFFICE_ES256_LEN)
    {
        return ngx_http_boxoffice_token_ecdsa(key->pkey, text, decoded.data);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_boxoffice_token_mac(EVP_MAC_CTX *mac, ngx_str_t *text,
    u_char *signature)
{
    size_t  len;
    u_char  computed[NGX_HTTP_BOXOFFICE_HS256_LEN];

    /* without a key: the one that it was made with */

    if (EVP_MAC_init(mac, NULL, 0, NULL) != 1
        || EVP_MAC_update(mac, text->data, text->len) != 1
        || EVP_MAC_final(mac, computed, &len, sizeof(computed)) != 1
        || len != sizeof(computed))
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return CRYPTO_memcmp(computed, signature, len) == 0 ? NGX_OK
                                                        : NGX_DECLINED;
}


/* a token has the two numbers side by side, OpenSSL wants them in DER */

static ngx_int_t
ngx_http_boxoffice_token_ecdsa(EVP_PKEY *pkey, ngx_str_t *text,
    u_char *signature)
{
    int          len;
    u_char      *der;
    BIGNUM      *number, *second;
    ECDSA_SIG   *sig;
    EVP_MD_CTX  *digest;
    ngx_int_t    rc;

    rc = NGX_ERROR;
    der = NULL;
    digest = ngx_http_boxoffice_verifier.digest;

    sig = ECDSA_SIG_new();
    number = BN_bin2bn(signature, NGX_HTTP_BOXOFFICE_ES256_LEN / 2, NULL);
    second = BN_bin2bn(signature + NGX_HTTP_BOXOFFICE_ES256_LEN / 2,
                       NGX_HTTP_BOXOFFICE_ES256_LEN / 2, NULL);

    if (sig == NULL || number == NULL || second == NULL
        || ECDSA_SIG_set0(sig, number, second) != 1)
    {
        BN_free(number);
        BN_free(second);
        ECDSA_SIG_free(sig);
        return rc;
    }

    len = i2d_ECDSA_SIG(sig, &der);

    if (len > 0
        && EVP_MD_CTX_reset(digest) == 1
        && EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, pkey) == 1)
    {
        rc = EVP_DigestVerify(digest, der, len, text->data, text->len) == 1
             ? NGX_OK : NGX_DECLINED;
    }

    ERR_clear_error();
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);

    return rc;
}


static ngx_uint_t
ngx_http_boxoffice_token_claims(ngx_http_boxoffice_tokens_t *tokens,
    json_t *json, time_t now, ngx_http_boxoffice_claims_t *claims)
{
    json_t     *org, *jti, *nbf;
    u_char     *strings;
    time_t      begins;
    ngx_uint_t  error;

    error = NGX_HTTP_BOXOFFICE_E_TOKEN_INVALID;
    strings = ngx_http_boxoffice_verifier.strings;

    if (!ngx_http_boxoffice_token_is(json_object_get(json, "iss"),
                                     &tokens->issuer)
        || !ngx_http_boxoffice_token_audience(json_object_get(json, "aud"),
                                              &tokens->audience)
        || ngx_http_boxoffice_token_time(json_object_get(json, "exp"),
                                         &claims->expires)
           != NGX_OK
        || ngx_http_boxoffice_token_string(json_object_get(json, "sub"),
                                           strings,
                                           NGX_HTTP_BOXOFFICE_SUBJECT_LEN,
                                           &claims->subject)
           != NGX_OK
        || ngx_http_boxoffice_token_role(json_object_get(json, "role"),
                                         &claims->role)
           != NGX_OK)
    {
        return error;
    }

    claims->jti.len = 0;
    claims->jti.data = strings + NGX_HTTP_BOXOFFICE_SUBJECT_LEN;
    claims->organizer = 0;

    jti = json_object_get(json, "jti");
    org = json_object_get(json, "org");
    nbf = json_object_get(json, "nbf");

    if (jti
        && ngx_http_boxoffice_token_string(jti, claims->jti.data,
                                           NGX_HTTP_BOXOFFICE_JTI_LEN,
                                           &claims->jti)
           != NGX_OK)
    {
        return error;
    }

    if (org) {
        claims->organizer = ngx_http_boxoffice_text_id(
                                        (u_char *) json_string_value(org),
                                        json_string_length(org));

        if (claims->organizer == 0) {
            return error;
        }
    }

    if (nbf
        && (ngx_http_boxoffice_token_time(nbf, &begins) != NGX_OK
            || begins > now + tokens->leeway))
    {
        return error;
    }

    if (claims->expires + tokens->leeway <= now) {
        return NGX_HTTP_BOXOFFICE_E_TOKEN_EXPIRED;
    }

    return NGX_HTTP_BOXOFFICE_E_NONE;
}


/* seconds since 1970; a fraction is cut off (RFC 7519, NumericDate) */

static ngx_int_t
ngx_http_boxoffice_token_time(json_t *value, time_t *t)
{
    double  seconds;

    if (!json_is_number(value)) {
        return NGX_ERROR;
    }

    seconds = json_number_value(value);

    /* what a double holds exactly, and no sum with a leeway overflows */

    if (!(seconds >= 0 && seconds < 9007199254740992.0)) {
        return NGX_ERROR;
    }

    *t = (time_t) seconds;

    return NGX_OK;
}


/* a string, or a list of strings with ours in it */

static ngx_uint_t
ngx_http_boxoffice_token_audience(json_t *value, const ngx_str_t *audience)
{
    size_t  i;

    if (!json_is_array(value)) {
        return ngx_http_boxoffice_token_is(value, audience);
    }

    for (i = 0; i < json_array_size(value); i++) {
        if (ngx_http_boxoffice_token_is(json_array_get(value, i), audience)) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_boxoffice_token_string(json_t *value, u_char *buf, size_t max,
    ngx_str_t *text)
{
    if (!json_is_string(value) || json_string_length(value) == 0
        || json_string_length(value) > max)
    {
        return NGX_ERROR;
    }

    text->data = buf;
    text->len = json_string_length(value);
    ngx_memcpy(buf, json_string_value(value), text->len);

    /* jansson has seen to it; but a bad one would fail a whole batch */

    return ngx_http_boxoffice_text_utf8(buf, text->len) ? NGX_OK : NGX_ERROR;
}


/* somebody known who is nothing else is a customer */

static ngx_int_t
ngx_http_boxoffice_token_role(json_t *value, ngx_uint_t *role)
{
    ngx_uint_t  i;

    if (value == NULL) {
        *role = NGX_HTTP_BOXOFFICE_CUSTOMER;
        return NGX_OK;
    }

    for (i = 0; ngx_http_boxoffice_roles[i].len; i++) {

        if (ngx_http_boxoffice_token_is(value,
                                        &ngx_http_boxoffice_roles[i]))
        {
            *role = i;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static ngx_http_boxoffice_known_t *
ngx_http_boxoffice_token_find(ngx_str_t *token, uint32_t hash)
{
    ngx_uint_t                      i;
    ngx_http_boxoffice_known_t     *known;
    ngx_http_boxoffice_verifier_t  *verifier;

    verifier = &ngx_http_boxoffice_verifier;
    known = &verifier->known[(hash & verifier->mask)
                             * NGX_HTTP_BOXOFFICE_WAYS];

    for (i = 0; i < NGX_HTTP_BOXOFFICE_WAYS; i++) {

        if (known[i].hash == hash && known[i].len == token->len
            && ngx_memcmp(known[i].text, token->data, token->len) == 0)
        {
            known[i].used = ++verifier->clock;
            return &known[i];
        }
    }

    return NULL;
}


/* in place of the one of its set that was not used for the longest time */

static ngx_http_boxoffice_known_t *
ngx_http_boxoffice_token_remember(ngx_str_t *token, uint32_t hash,
    ngx_http_boxoffice_claims_t *claims)
{
    u_char                         *p, *text;
    ngx_uint_t                      i;
    ngx_http_boxoffice_known_t     *set, *known;
    ngx_http_boxoffice_verifier_t  *verifier;

    verifier = &ngx_http_boxoffice_verifier;
    set = &verifier->known[(hash & verifier->mask) * NGX_HTTP_BOXOFFICE_WAYS];
    known = set;

    for (i = 1; i < NGX_HTTP_BOXOFFICE_WAYS; i++) {
        if (set[i].used < known->used) {
            known = &set[i];
        }
    }

    text = ngx_alloc(token->len + claims->subject.len + claims->jti.len,
                     verifier->log);
    if (text == NULL) {
        return NULL;
    }

    if (known->text) {
        ngx_free(known->text);
    }

    known->text = text;
    known->len = token->len;
    known->hash = hash;
    known->used = ++verifier->clock;
    known->claims = *claims;

    p = ngx_cpymem(text, token->data, token->len);

    known->claims.subject.data = p;
    p = ngx_cpymem(p, claims->subject.data, claims->subject.len);

    known->claims.jti.data = p;
    ngx_memcpy(p, claims->jti.data, claims->jti.len);

    return known;
}
