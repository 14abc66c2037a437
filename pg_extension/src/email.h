/*
 * email.h
 *		The form of an e-mail address under which one mailbox is one buyer.
 *
 * Pure C: no PostgreSQL.
 */
#ifndef BOXOFFICE_EMAIL_H
#define BOXOFFICE_EMAIL_H

#include <stddef.h>

#define EMAIL_LENGTH_MAX 254		/* RFC 5321, the longest forward path less its brackets */

extern size_t email_normalise(const char *address, char normal[EMAIL_LENGTH_MAX + 1]);

#endif							/* BOXOFFICE_EMAIL_H */
