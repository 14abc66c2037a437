/*
 * email.c
 *		The form of an e-mail address under which one mailbox is one buyer.
 *
 * It is hashed for limits per buyer and never written to: mail goes to the
 * address as it was given.  What a provider ignores in an address, the limit
 * ignores as well; of other providers nothing is known, so theirs is kept.
 */
#include "email.h"

#include <stdbool.h>
#include <string.h>

typedef struct Provider
{
	const char *domain;
	const char *canonical;		/* the same mailboxes under another name */
	bool		ignores_dots;
} Provider;

/* Providers that deliver name+anything to name. */
static const Provider providers[] = {
	{"fastmail.com", "fastmail.com", false},
	{"gmail.com", "gmail.com", true},
	{"googlemail.com", "gmail.com", true},
	{"hey.com", "hey.com", false},
	{"hotmail.com", "hotmail.com", false},
	{"icloud.com", "icloud.com", false},
	{"live.com", "live.com", false},
	{"mailbox.org", "mailbox.org", false},
	{"me.com", "icloud.com", false},
	{"msn.com", "msn.com", false},
	{"outlook.com", "outlook.com", false},
	{"pm.me", "proton.me", false},
	{"posteo.de", "posteo.de", false},
	{"proton.me", "proton.me", false},
	{"protonmail.com", "proton.me", false},
	{"zoho.com", "zoho.com", false},
};

static const Provider *
provider_of(const char *domain)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
		if (strcmp(providers[i].domain, domain) == 0)
			return &providers[i];
	return NULL;
}

/* Drops what the provider ignores from a local part; returns its new length. */
static size_t
local_part_reduce(char *local, size_t length, const Provider *provider)
{
	const char *plus = memchr(local, '+', length);
	size_t		kept = 0;

	if (plus != NULL && plus != local)
		length = (size_t) (plus - local);
	for (size_t i = 0; i < length; i++)
		if (!(provider->ignores_dots && local[i] == '.'))
			local[kept++] = local[i];
	return kept;
}

/*
 * Writes the normal form: ASCII letters in lower case, and for providers known
 * to ignore it, without the +part, with the provider's first name for itself.
 * Returns its length; an address without @ or too long is only lowered and cut.
 */
size_t
email_normalise(const char *address, char normal[EMAIL_LENGTH_MAX + 1])
{
	const Provider *provider;
	char	   *at;
	size_t		length = 0;

	for (; address[length] != '\0' && length < EMAIL_LENGTH_MAX; length++)
		normal[length] = address[length] >= 'A' && address[length] <= 'Z' ?
			(char) (address[length] - 'A' + 'a') : address[length];
	normal[length] = '\0';

	at = strrchr(normal, '@');
	provider = at == NULL ? NULL : provider_of(at + 1);
	if (provider != NULL)
	{
		size_t		domain = strlen(provider->canonical);

		length = local_part_reduce(normal, (size_t) (at - normal), provider);
		if (length + 1 + domain > EMAIL_LENGTH_MAX)
			length = EMAIL_LENGTH_MAX - 1 - domain;
		normal[length++] = '@';
		memcpy(normal + length, provider->canonical, domain + 1);
		length += domain;
	}
	return length;
}
