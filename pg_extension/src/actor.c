/*
 * actor.c
 *		Who the running call acts for; SQL asks by boxoffice_code.actor_*().
 *
 * Knows nothing of what an actor may do: GRANT decides that (dispatch.c), and
 * membership of an organizer is decided in SQL.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "actor.h"
#include "boxoffice.h"
#include "dispatch.h"

PG_FUNCTION_INFO_V1(actor_subject);
PG_FUNCTION_INFO_V1(actor_role);
PG_FUNCTION_INFO_V1(actor_organizer);

static const char *const role_names[] = {
	[ROLE_PUBLIC] = "public",
	[ROLE_CUSTOMER] = "customer",
	[ROLE_ORGANIZER] = "organizer",
	[ROLE_SCANNER] = "scanner",
	[ROLE_SUPPORT] = "support",
	[ROLE_ADMIN] = "admin",
};

static const Actor *current_actor = NULL;	/* set by the dispatcher */
static Actor login_actor;		/* derived from the session's login */
static Oid	login_actor_of = InvalidOid;	/* whose it is, until the transaction ends */

const char *
actor_role_name(ActorRole role)
{
	return role_names[role];
}

/* False if there is no role of that name. */
bool
actor_role_parse(const char *name, ActorRole *role)
{
	for (int i = 0; i < lengthof(role_names); i++)
	{
		if (strcmp(role_names[i], name) == 0)
		{
			*role = i;
			return true;
		}
	}
	return false;
}

/* The actor must outlive the call, or the next actor_set() or actor_clear(). */
void
actor_set(const Actor *actor)
{
	current_actor = actor;
}

void
actor_clear(void)
{
	current_actor = NULL;
}

const Actor *
actor_current(void)
{
	return current_actor;
}

static void
actor_forget(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		current_actor = NULL;
		call_context = NULL;
		login_actor_of = InvalidOid;
	}
}

void
actor_init(void)
{
	RegisterXactCallback(actor_forget, NULL);
}

static bool
is_owner(Oid login)
{
	Oid			owner = get_role_oid("boxoffice_owner", true);

	return superuser_arg(login) || (OidIsValid(owner) && has_privs_of_role(login, owner));
}

/* Reads boxoffice.login_actor; leaves the actor public if the login has no row. */
static void
read_login_row(Oid login, Actor *actor)
{
	Oid			types[] = {NAMEOID};
	Datum		values[] = {CStringGetDatum(GetUserNameFromId(login, false))};
	HeapTuple	row;
	bool		isnull;
	char	   *role;
	Datum		organizer;

	/* whatever the caller's search_path has for an operator must not run as boxoffice_code */
	if (SPI_execute_with_args("SELECT subject, role, organizer_id FROM boxoffice.login_actor"
							  " WHERE login OPERATOR(pg_catalog.=) $1",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read boxoffice.login_actor");
	if (SPI_processed == 0)
		return;

	row = SPI_tuptable->vals[0];
	actor->subject = MemoryContextStrdup(TopTransactionContext,
										 SPI_getvalue(row, SPI_tuptable->tupdesc, 1));
	role = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);
	if (!actor_role_parse(role, &actor->role))
		elog(ERROR, "unknown role \"%s\" in boxoffice.login_actor", role);
	organizer = SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull);
	actor->organizer_id = isnull ? 0 : DatumGetInt64(organizer);
}

/* As the owner of our code, who may read the table whoever asks. */
static void
read_login_actor(Oid login, Actor *actor)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(get_role_oid("boxoffice_code", false),
						   context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	read_login_row(login, actor);
	SPI_finish();
	SetUserIdAndSecContext(user, context);
}

/* Who acts: the dispatched call's actor, else the one that belongs to the session's login. */
const Actor *
actor_get(void)
{
	Oid			login = GetSessionUserId();

	if (current_actor != NULL)
		return current_actor;
	if (login_actor_of == login)
		return &login_actor;

	login_actor_of = InvalidOid;	/* should reading fail */
	memset(&login_actor, 0, sizeof(login_actor));
	if (is_owner(login))
	{
		login_actor.role = ROLE_ADMIN;
		login_actor.subject = MemoryContextStrdup(TopTransactionContext,
												  GetUserNameFromId(login, false));
	}
	else
		read_login_actor(login, &login_actor);
	login_actor_of = login;
	return &login_actor;
}

/* boxoffice_code.actor_subject() RETURNS text: NULL is nobody. */
Datum
actor_subject(PG_FUNCTION_ARGS)
{
	const Actor *actor = actor_get();

	if (actor->subject == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(actor->subject));
}

/* boxoffice_code.actor_role() RETURNS text */
Datum
actor_role(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(role_names[actor_get()->role]));
}

/* boxoffice_code.actor_organizer() RETURNS bigint: the token's org claim, or NULL. */
Datum
actor_organizer(PG_FUNCTION_ARGS)
{
	const Actor *actor = actor_get();

	if (actor->organizer_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(actor->organizer_id);
}
