
/*
 * Tokens: who asks.
 */


#ifndef _NGX_HTTP_BOXOFFICE_TOKEN_H_INCLUDED_
#define _NGX_HTTP_BOXOFFICE_TOKEN_H_INCLUDED_


#include "ngx_http_boxoffice_module.h"


#define NGX_HTTP_BOXOFFICE_TOKEN_LEN    4096
#define NGX_HTTP_BOXOFFICE_SUBJECT_LEN  255
#define NGX_HTTP_BOXOFFICE_JTI_LEN      255


typedef enum {
    NGX_HTTP_BOXOFFICE_HS256 = 0,
    NGX_HTTP_BOXOFFICE_ES256
} ngx_http_boxoffice_alg_e;


/* a key is parsed once, when the configuration is read */

typedef struct {
    ngx_str_t              kid;
    ngx_uint_t             alg;
    void                  *pkey;         /* EVP_PKEY, of ES256 */
    void                  *mac;          /* EVP_MAC_CTX with the secret */
} ngx_http_boxoffice_key_t;


struct ngx_http_boxoffice_tokens_s {
    ngx_array_t            keys;         /* of ngx_http_boxoffice_key_t */
    ngx_str_t              issuer;
    ngx_str_t              audience;
    time_t                 leeway;
    ngx_uint_t             cache_size;
    ngx_shm_zone_t        *deny_zone;
};


/* what a token says of its bearer; strings lie where the reader put them */

typedef struct {
    ngx_uint_t             role;         /* index into the list of roles */
    int64_t                organizer;
    time_t                 expires;
    ngx_str_t              subject;
    ngx_str_t              jti;          /* empty: none */
} ngx_http_boxoffice_claims_t;


/*
 * Adds a key; what is wrong with it is returned, or NULL.  The secret of HS256
 * has at least 32 bytes, ES256 wants a public key on P-256 in PEM.
 */
char *ngx_http_boxoffice_token_key(ngx_pool_t *pool,
    ngx_http_boxoffice_tokens_t *tokens, ngx_str_t *kid, ngx_str_t *alg,
    ngx_str_t *material);

ngx_int_t ngx_http_boxoffice_token_init(ngx_cycle_t *cycle,
    ngx_http_boxoffice_tokens_t *tokens);

void ngx_http_boxoffice_token_exit(void);

/*
 * Verifies a token that is not known yet.  Returns an error of the list or
 * NGX_HTTP_BOXOFFICE_E_NONE.  The claims' strings are valid until the next
 * call.
 */
ngx_uint_t ngx_http_boxoffice_token_verify(
    ngx_http_boxoffice_tokens_t *tokens, ngx_str_t *token, time_t now,
    ngx_http_boxoffice_claims_t *claims);

/*
 * Checks a token and says who it is of; the strings of the actor then lie in
 * the request's pool or in constant memory.  Returns why not, or
 * NGX_HTTP_BOXOFFICE_E_NONE.
 */
ngx_uint_t ngx_http_boxoffice_token_check(ngx_http_request_t *r,
    ngx_str_t *token, ngx_http_boxoffice_actor_t *actor);


#endif /* _NGX_HTTP_BOXOFFICE_TOKEN_H_INCLUDED_ */
