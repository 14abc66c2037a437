/*
 * no_gettext.c
 *		gettext that translates nothing, preloaded into servers that run with the address sanitizer.
 *
 * With Debian 12's libc the sanitizer's start leaves gettext's lock with a reader less than none, and PostgreSQL,
 * whose first act is bindtextdomain(), waits for it forever.  Here nobody waits, and messages are English.
 */
#include <stddef.h>

char *
bindtextdomain(const char *domain, const char *directory)
{
	(void) domain;
	return (char *) directory;
}

char *
bind_textdomain_codeset(const char *domain, const char *codeset)
{
	(void) domain;
	return (char *) codeset;
}

char *
textdomain(const char *domain)
{
	return (char *) domain;
}

char *
gettext(const char *text)
{
	return (char *) text;
}

char *
dgettext(const char *domain, const char *text)
{
	(void) domain;
	return (char *) text;
}

char *
dcgettext(const char *domain, const char *text, int category)
{
	(void) domain;
	(void) category;
	return (char *) text;
}

char *
ngettext(const char *one, const char *many, unsigned long count)
{
	return (char *) (count == 1 ? one : many);
}

char *
dngettext(const char *domain, const char *one, const char *many, unsigned long count)
{
	(void) domain;
	return (char *) (count == 1 ? one : many);
}

char *
dcngettext(const char *domain, const char *one, const char *many, unsigned long count, int category)
{
	(void) domain;
	(void) category;
	return (char *) (count == 1 ? one : many);
}
