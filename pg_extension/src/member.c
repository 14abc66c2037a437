/*
 * member.c
 *		Rights of an organizer's people in core operations; SQL has boxoffice_code.require_member.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "member.h"
#include "query.h"

static CoreQuery member_query = {
	"SELECT role FROM boxoffice.member WHERE organizer_id = $1 AND subject = $2",
	2, {INT8OID, TEXTOID}
};

static bool
member_role_may(const char *role, MemberRight right)
{
	if (strcmp(role, "owner") == 0 || strcmp(role, "manager") == 0)
		return true;
	return strcmp(role, "box_office") == 0 && right != MEMBER_MANAGES;
}

bool
member_may(const Actor *actor, int64 organizer_id, MemberRight right)
{
	Datum		args[2];
	bool		may;

	if (actor->role == ROLE_ADMIN || (actor->role == ROLE_SUPPORT && right == MEMBER_SEES))
		return true;
	if (actor->role != ROLE_ORGANIZER)
		return false;
	if (actor->organizer_id != 0 && actor->organizer_id == organizer_id)
		return true;
	if (actor->subject == NULL)
		return false;
	args[0] = Int64GetDatum(organizer_id);
	args[1] = CStringGetTextDatum(actor->subject);
	may = query_run(&member_query, args, NULL) == 1 && member_role_may(query_text(0, 1), right);
	query_done();
	return may;
}
