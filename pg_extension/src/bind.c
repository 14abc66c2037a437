/*
 * bind.c
 *		Binds requests to the contract: text in, BoundValue or faults out.
 *
 * One pass over the text, led by the schema.  A text that is not well-formed
 * is one fault (malformed_json); in a well-formed one each wrong member is a
 * fault of its own, named by its JSON Pointer, up to FAULTS_MAX.
 */
#include "postgres.h"

#include <float.h>

#include "bind.h"
#include "json.h"

#define LIST_INITIAL 4
#define POINTER_MAX 500
#define NAME_SHOWN_MAX 64
#define NUMBER_TEXT_MAX 64
#define NUMBER_EXPONENT_MIN (-400)	/* below that of any double; jsonb has no room from -16384 on */
#define ANYTHING_MAX 1000000		/* of what is not looked into: characters, items */

/* One step from the body's root to the value at hand; on the stack while it is bound. */
typedef struct Step
{
	const struct Step *above;
	const char *name;			/* a member, or NULL: */
	int			name_len;
	int			index;			/* an item of a list */
} Step;

typedef struct Binder
{
	JsonInput	in;
	int			flags;
	const char *parameter;		/* whose text it is; NULL: a body */
	ErrorCode	code;			/* of its faults */
	BindFaults *faults;
} Binder;

static bool bind_value(Binder *binder, const Schema *schema, const Step *step, BoundValue *value);

/* ---------------------------------------------------------------- faults */

/* Appends one reference token, escaped by RFC 6901; a long one is cut. */
static int
append_token(char *to, int room, const Step *step)
{
	int			len = 0;
	int			shown = Min(step->name_len, NAME_SHOWN_MAX);

	if (step->name == NULL)
		return snprintf(to, room, "/%d", step->index);
	while (shown < step->name_len && shown > 0 && (step->name[shown] & 0xc0) == 0x80)
		shown--;				/* not in the middle of a character */
	if (room < shown * 2 + 2)
		return 0;
	to[len++] = '/';
	for (int i = 0; i < shown; i++)
	{
		char		c = step->name[i];

		if (c == '~' || c == '/')
			to[len++] = '~';
		to[len++] = c == '~' ? '0' : c == '/' ? '1' : c;
	}
	to[len] = '\0';
	return len;
}

static int
append_pointer(char *to, int room, const Step *step)
{
	int			len = 0;

	if (step == NULL)
		return 0;
	len = append_pointer(to, room, step->above);
	return len + append_token(to + len, room - len, step);
}

static char *
pointer_of(const Step *step)
{
	char		text[POINTER_MAX];

	text[0] = '\0';
	append_pointer(text, sizeof(text), step);
	return pstrdup(text);
}

static void
add_fault(BindFaults *faults, ErrorCode code, const char *pointer, const char *facts,
		  const char *detail)
{
	if (faults->count == FAULTS_MAX)
		return;
	faults->list[faults->count++] = (Fault) {
		.code = code, .pointer = pointer, .facts = facts, .detail = detail
	};
}

/* facts: without the reason */
static void
fault_at(Binder *binder, const Step *step, const char *reason, const char *facts,
		 const char *detail)
{
	if (binder->faults->count == FAULTS_MAX)
		return;
	add_fault(binder->faults, binder->code,
			  binder->parameter ? binder->parameter : pointer_of(step),
			  psprintf("\"reason\":\"%s\"%s%s", reason, facts ? "," : "", facts ? facts : ""),
			  detail);
}

static void
fault_limit(Binder *binder, const Step *step, const char *reason, int64 limit, const char *what,
			const char *unit)
{
	const char *fact = strncmp(reason, "min", 3) == 0 ? "min" : "max";

	fault_at(binder, step, reason, psprintf("\"%s\":" INT64_FORMAT, fact, limit),
			 psprintf("must %s at %s " INT64_FORMAT "%s", what, fact[1] == 'i' ? "least" : "most",
					  limit, unit));
}

/* What the schema takes; where it takes several types, the first of these. */
static const char *
types_wanted(const Schema *schema)
{
	if (schema->types & TYPE_OBJECT)
		return "must be an object";
	if (schema->types & TYPE_ARRAY)
		return "must be a list";
	if (schema->types & TYPE_BOOLEAN)
		return "must be true or false";
	if (schema->types & TYPE_INTEGER)
		return "must be a whole number";
	if (schema->types & TYPE_NUMBER)
		return "must be a number";
	return "must be a string";
}

static const char *
format_wanted(Format format)
{
	switch (format)
	{
		case FORMAT_ID:
			return "must be an id: a string of digits";
		case FORMAT_REF:
			return "must be a key or an id";
		case FORMAT_KEY:
			return "must be a key: at most 63 of a-z, 0-9, - and _, the first no sign";
		case FORMAT_SLUG:
			return "must be a slug: lower-case letters, digits and - inside, at most 63";
		case FORMAT_SHORT_CODE:
			return "must be 3 to 8 capital letters and digits without I, O, 0 and 1";
		case FORMAT_CURRENCY:
			return "must be a currency by ISO 4217, such as EUR";
		case FORMAT_COUNTRY:
			return "must be a country by ISO 3166, such as DE";
		case FORMAT_LOCALE:
			return "must be a language such as en or en-GB";
		case FORMAT_ZONE:
			return "must be a time zone such as Europe/London";
		case FORMAT_LINE:
			return "must be one line with something in it to see, without control characters";
		case FORMAT_TEXT:
			return "must have something in it to see";
		case FORMAT_EMAIL:
			return "must be an e-mail address";
		case FORMAT_DECIMAL:
			return "must be a number as text, such as 23.00";
		case FORMAT_DATE_TIME:
			return "must be a time by RFC 3339 with an offset, such as 2027-01-31T20:00:00+01:00";
		case FORMAT_DATE:
			return "must be a date that there is, such as 2027-01-31";
		case FORMAT_MONTH:
			return "must be a month, such as 2027-01";
		case FORMAT_CLOCK:
			return "must be a local time from 00:00 to 23:59";
		default:
			return "does not have the form that is asked for";
	}
}

static void
fault_enum(Binder *binder, const Schema *schema, const Step *step)
{
	char		list[POINTER_MAX];
	int			len = 0;

	list[0] = '\0';
	for (int i = 0; i < schema->enum_count && len < (int) sizeof(list); i++)
		len += snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
						schema->enum_values[i]);
	fault_at(binder, step, "enum", NULL, psprintf("must be one of: %s", list));
}

/* ---------------------------------------------------------------- strings */

static int
count_characters(const char *text, int len)
{
	int			count = 0;

	for (int i = 0; i < len; i++)
		count += (text[i] & 0xc0) != 0x80;
	return count;
}

static bool
in_enum(const Schema *schema, const char *text, int len)
{
	for (int i = 0; i < schema->enum_count; i++)
		if ((int) strlen(schema->enum_values[i]) == len &&
			memcmp(schema->enum_values[i], text, len) == 0)
			return true;
	return false;
}

static void
check_length(Binder *binder, const Schema *schema, const Step *step, const char *text, int len)
{
	int			count;

	if (len >= schema->min * 4 && len <= schema->max)
		return;					/* whatever its characters are */
	count = count_characters(text, len);
	if (count < schema->min)
		fault_limit(binder, step, "min_length", schema->min, "have", " characters");
	else if (count > schema->max)
		fault_limit(binder, step, "max_length", schema->max, "have", " characters");
}

/* Checks a string against the schema and sets its value; text lives as long as the value. */
static void
bind_string(Binder *binder, const Schema *schema, const Step *step, const char *text, int len,
			BoundValue *value)
{
	int			faults_before = binder->faults->count;
	bool		fits = true;

	check_length(binder, schema, step, text, len);
	if (binder->faults->count > faults_before)
		return;
	if (schema->enum_count > 0 && !in_enum(schema, text, len))
	{
		fault_enum(binder, schema, step);
		return;
	}

	if (schema->format == FORMAT_ID)
	{
		value->kind = BOUND_INT;
		fits = format_parse_id(text, len, &value->as.integer);
	}
	else if (schema->format == FORMAT_DATE_TIME)
	{
		value->kind = BOUND_TIME;
		fits = format_parse_time(text, len, &value->as.time);
	}
	else
	{
		value->kind = BOUND_STRING;
		value->as.string.data = text;
		value->as.string.len = len;
		fits = format_matches(schema->format, text, len);
	}
	if (!fits)
		fault_at(binder, step, "format", NULL, format_wanted(schema->format));
}

static bool
bind_json_string(Binder *binder, const Schema *schema, const Step *step, BoundValue *value)
{
	JsonString	string;

	if (!json_read_string(&binder->in, &string))
		return false;
	if ((schema->types & TYPE_STRING) == 0)
		fault_at(binder, step, "type", NULL, types_wanted(schema));
	else if (string.has_nul)
		fault_at(binder, step, "nul", NULL, "must not contain a NUL character");
	else if (string.has_lone_surrogate)
		fault_at(binder, step, "utf8", NULL, "must not contain half of a surrogate pair");
	else
		bind_string(binder, schema, step, string.data, string.len, value);
	return true;
}

/* ---------------------------------------------------------------- numbers */

/* False if it is no int64. */
static bool
parse_int64(const char *text, int len, int64 *number)
{
	bool		negative = len > 0 && text[0] == '-';
	int64		value = 0;

	for (int i = negative; i < len; i++)
	{
		int			digit = text[i] - '0';

		/* downwards: there is one negative number more than there are positive ones */
		if (value < (PG_INT64_MIN + digit) / 10)
			return false;
		value = value * 10 - digit;
	}
	if (!negative && value == PG_INT64_MIN)
		return false;
	*number = negative ? value : -value;
	return true;
}

static void
bind_integer(Binder *binder, const Schema *schema, const Step *step, const JsonNumber *number,
			 BoundValue *value)
{
	bool		negative = number->text[0] == '-';
	bool		beyond;			/* all that an integer can be, and so any limit */

	value->kind = BOUND_INT;
	if (!number->whole)
	{
		fault_at(binder, step, "type", NULL, "must be a whole number, without point or exponent");
		return;
	}
	beyond = !parse_int64(number->text, number->len, &value->as.integer);
	if (beyond ? negative : value->as.integer < schema->min)
		fault_limit(binder, step, "minimum", schema->min, "be", "");
	else if (beyond || value->as.integer > schema->max)
		fault_limit(binder, step, "maximum", schema->max, "be", "");
}

static bool
has_tiny_exponent(const char *text)
{
	const char *exponent = strpbrk(text, "eE");

	return exponent != NULL && strtol(exponent + 1, NULL, 10) < NUMBER_EXPONENT_MIN;
}

static void
bind_double(Binder *binder, const Schema *schema, const Step *step, const JsonNumber *number,
			BoundValue *value)
{
	char		text[NUMBER_TEXT_MAX + 1];

	value->kind = BOUND_DOUBLE;
	if (number->len > NUMBER_TEXT_MAX)
	{
		fault_at(binder, step, "type", NULL, "has too many digits");
		return;
	}
	memcpy(text, number->text, number->len);
	text[number->len] = '\0';
	if (has_tiny_exponent(text))
	{
		fault_at(binder, step, "type", NULL, "has too many digits");
		return;
	}
	value->as.number = strtod(text, NULL);
	if (!(value->as.number >= schema->number_min && value->as.number <= schema->number_max))
		fault_at(binder, step, value->as.number > 0 ? "maximum" : "minimum",
				 psprintf("\"min\":%g,\"max\":%g", schema->number_min, schema->number_max),
				 psprintf("must be between %g and %g", schema->number_min, schema->number_max));
}

static bool
bind_number(Binder *binder, const Schema *schema, const Step *step, BoundValue *value)
{
	JsonNumber	number;

	if (!json_read_number(&binder->in, &number))
		return false;
	if (schema->types & TYPE_INTEGER)
		bind_integer(binder, schema, step, &number, value);
	else if (schema->types & TYPE_NUMBER)
		bind_double(binder, schema, step, &number, value);
	else if ((binder->flags & BIND_FROM_SQL) && (schema->types & TYPE_STRING) && number.whole)
		bind_string(binder, schema, step, pnstrdup(number.text, number.len), number.len, value);
	else
		fault_at(binder, step, "type", NULL, types_wanted(schema));
	return true;
}

/* ---------------------------------------------------------------- lists and objects */

static void
grow_list(BoundValue *value, int *room)
{
	if (value->as.list.count < *room)
		return;
	*room = *room ? *room * 2 : LIST_INITIAL;
	value->as.list.items = value->as.list.items
		? repalloc(value->as.list.items, *room * sizeof(BoundValue))
		: palloc(*room * sizeof(BoundValue));
}

/* Binds the items; those past the maximum are only stepped over. */
static bool
bind_items(Binder *binder, const Schema *schema, const Step *step, BoundValue *value, int *count)
{
	int			room = 0;

	for (*count = 0;; (*count)++)
	{
		Step		below = {.above = step, .name = NULL, .index = *count};

		json_skip_space(&binder->in);
		if (*count >= schema->max)
		{
			if (!json_skip_value(&binder->in))
				return false;
		}
		else
		{
			grow_list(value, &room);
			if (!bind_value(binder, schema->items, &below,
							&value->as.list.items[value->as.list.count++]))
				return false;
		}
		json_skip_space(&binder->in);
		if (json_peek(&binder->in) == ']')
			break;
		if (!json_expect(&binder->in, ',', "a comma or the end of the list is expected"))
			return false;
	}
	(*count)++;
	return true;
}

static bool
bind_list(Binder *binder, const Schema *schema, const Step *step, BoundValue *value)
{
	int			count = 0;

	if ((schema->types & TYPE_ARRAY) == 0)
	{
		fault_at(binder, step, "type", NULL, types_wanted(schema));
		return json_skip_value(&binder->in);
	}
	if (!json_enter(&binder->in))
		return false;
	value->kind = BOUND_LIST;
	value->as.list.items = NULL;
	value->as.list.count = 0;
	json_skip_space(&binder->in);
	if (json_peek(&binder->in) != ']' && !bind_items(binder, schema, step, value, &count))
		return false;
	binder->in.at++;
	binder->in.depth--;
	if (count < schema->min)
		fault_limit(binder, step, "min_items", schema->min, "have", " items");
	else if (count > schema->max)
		fault_limit(binder, step, "max_items", schema->max, "have", " items");
	return true;
}

static int
find_member(const Schema *schema, const JsonString *name)
{
	if (name->has_nul || name->has_lone_surrogate)
		return -1;
	for (int i = 0; i < schema->member_count; i++)
		if (schema->members[i].name_len == name->len &&
			memcmp(schema->members[i].name, name->data, name->len) == 0)
			return i;
	return -1;
}

/* What a document of somebody else's making may hold where we do not look: what jsonb can store. */
static const Schema anything = {
	.types = TYPE_NULL | TYPE_BOOLEAN | TYPE_NUMBER | TYPE_STRING | TYPE_ARRAY | TYPE_OBJECT,
	.max = ANYTHING_MAX,
	.number_min = -DBL_MAX,
	.number_max = DBL_MAX,
	.items = &anything,
	.open = true,
};

/* Binds one member whose name has been read. */
static bool
bind_member(Binder *binder, const Schema *schema, const Step *step, const JsonString *name,
			BoundValue *members, uint64 *seen)
{
	int			index = find_member(schema, name);
	Step		below = {.above = step, .name = name->data, .name_len = name->len};

	if (index < 0 && schema->open && !name->has_nul && !name->has_lone_surrogate)
	{
		BoundValue	unread;

		return bind_value(binder, &anything, &below, &unread);
	}
	if (index < 0)
	{
		fault_at(binder, &below, "unknown", NULL, "is not known here");
		return json_skip_value(&binder->in);
	}
	if (*seen & (UINT64CONST(1) << index))
	{
		fault_at(binder, &below, "duplicate", NULL, "must be there once");
		return json_skip_value(&binder->in);
	}
	if (!bind_value(binder, schema->members[index].schema, &below, &members[index]))
		return false;
	/* From SQL a null may stand for what is absent: then it isn't there if it is required. */
	if (members[index].kind != BOUND_ABSENT || members[index].raw[0] != 'n')
		*seen |= UINT64CONST(1) << index;
	return true;
}

static bool
bind_members(Binder *binder, const Schema *schema, const Step *step, BoundValue *members,
			 uint64 *seen)
{
	JsonString	name;

	json_skip_space(&binder->in);
	if (json_peek(&binder->in) == '}')
		return true;
	for (;;)
	{
		json_skip_space(&binder->in);
		if (!json_read_string(&binder->in, &name))
			return false;
		json_skip_space(&binder->in);
		if (!json_expect(&binder->in, ':', "a colon is expected"))
			return false;
		json_skip_space(&binder->in);
		if (!bind_member(binder, schema, step, &name, members, seen))
			return false;
		pfree(unconstify(char *, name.data));
		json_skip_space(&binder->in);
		if (json_peek(&binder->in) == '}')
			return true;
		if (!json_expect(&binder->in, ',', "a comma or the end of the object is expected"))
			return false;
	}
}

static void
check_members(Binder *binder, const Schema *schema, const Step *step, uint64 seen)
{
	int			count = 0;

	for (int i = 0; i < schema->member_count; i++)
	{
		const Member *member = &schema->members[i];
		Step		below = {.above = step, .name = member->name, .name_len = member->name_len};

		if (seen & (UINT64CONST(1) << i))
			count++;
		else if (member->required)
			fault_at(binder, &below, "required", NULL, "is required");
	}
	if (count < schema->min_members)
		fault_limit(binder, step, "min_members", schema->min_members, "have", " members");
	if (schema->max_members > 0 && count > schema->max_members)
		fault_limit(binder, step, "max_members", schema->max_members, "have", " members");
}

static bool
bind_object(Binder *binder, const Schema *schema, const Step *step, BoundValue *value)
{
	uint64		seen = 0;

	if ((schema->types & TYPE_OBJECT) == 0)
	{
		fault_at(binder, step, "type", NULL, types_wanted(schema));
		return json_skip_value(&binder->in);
	}
	if (!json_enter(&binder->in))
		return false;
	value->kind = BOUND_OBJECT;
	value->as.members = palloc0(Max(schema->member_count, 1) * sizeof(BoundValue));
	if (!bind_members(binder, schema, step, value->as.members, &seen))
		return false;
	binder->in.at++;
	binder->in.depth--;
	check_members(binder, schema, step, seen);
	return true;
}

/* ---------------------------------------------------------------- values */

static bool
bind_boolean(Binder *binder, const Schema *schema, const Step *step, BoundValue *value)
{
	bool		is_true = json_peek(&binder->in) == 't';

	if (!json_read_word(&binder->in, is_true ? "true" : "false"))
		return false;
	value->kind = BOUND_BOOL;
	value->as.boolean = is_true;
	if ((schema->types & TYPE_BOOLEAN) == 0)
		fault_at(binder, step, "type", NULL, types_wanted(schema));
	return true;
}

static bool
bind_null(Binder *binder, const Schema *schema, const Step *step, BoundValue *value)
{
	if (!json_read_word(&binder->in, "null"))
		return false;
	value->kind = BOUND_NULL;
	if (schema->types & TYPE_NULL)
		return true;
	if (step != NULL && step->name != NULL	/* a list's item is there, whatever it is */
		&& (binder->flags & (BIND_FROM_SQL | BIND_PATCH)) == BIND_FROM_SQL)
		value->kind = BOUND_ABSENT;
	else
		fault_at(binder, step, "type", NULL, psprintf("%s, not null", types_wanted(schema)));
	return true;
}

/* False only if the text is not well-formed. */
static bool
bind_value(Binder *binder, const Schema *schema, const Step *step, BoundValue *value)
{
	bool		well_formed;

	value->kind = BOUND_ABSENT;
	value->raw = binder->in.at;
	switch (json_peek(&binder->in))
	{
		case '{':
			well_formed = bind_object(binder, schema, step, value);
			break;
		case '[':
			well_formed = bind_list(binder, schema, step, value);
			break;
		case '"':
			well_formed = bind_json_string(binder, schema, step, value);
			break;
		case 't':
		case 'f':
			well_formed = bind_boolean(binder, schema, step, value);
			break;
		case 'n':
			well_formed = bind_null(binder, schema, step, value);
			break;
		default:
			well_formed = bind_number(binder, schema, step, value);
	}
	value->raw_len = binder->in.at - value->raw;
	return well_formed;
}

static bool
bind_document(Binder *binder, const Schema *schema, BoundValue *value)
{
	json_skip_space(&binder->in);
	if (!bind_value(binder, schema, NULL, value))
		return false;
	json_skip_space(&binder->in);
	return binder->in.at == binder->in.end
		|| json_fail(&binder->in, "more text after the value");
}

bool
bind_json(const Schema *schema, const char *text, int len, int flags,
		  BoundValue *value, BindFaults *faults)
{
	Binder		binder = {.flags = flags, .code = ERR_INVALID_REQUEST, .faults = faults};

	if (!json_utf8_valid(text, len))
	{
		add_fault(faults, ERR_MALFORMED_JSON, "", "\"reason\":\"utf8\"", "the text is not UTF-8");
		return false;
	}
	json_open(&binder.in, text, len);
	if (bind_document(&binder, schema, value))
		return faults->count == 0;

	faults->count = 0;			/* what was found in it so far means nothing */
	add_fault(faults, ERR_MALFORMED_JSON, "", "\"reason\":\"syntax\"",
			  psprintf("at byte %d: %s", (int) (binder.in.at - text) + 1, binder.in.problem));
	return false;
}

/* ---------------------------------------------------------------- parameters */

bool
bind_param(const Parameter *param, const char *text, int len, BoundValue *value, BindFaults *faults)
{
	Binder		binder = {.parameter = param->name, .faults = faults};
	const Schema *schema = param->schema;
	int			faults_before = faults->count;

	/* no path that does not fit leads anywhere */
	binder.code = param->place == PARAM_PATH ? ERR_NOT_FOUND : ERR_INVALID_REQUEST;
	value->kind = BOUND_ABSENT;
	value->raw = text;
	value->raw_len = len;
	json_open(&binder.in, text, len);
	if (!json_utf8_valid(text, len))
		fault_at(&binder, NULL, "utf8", NULL, "must be UTF-8");
	else if (memchr(text, '\0', len) != NULL)
		fault_at(&binder, NULL, "nul", NULL, "must not contain a NUL character");
	else if (schema->types & TYPE_STRING)
		bind_string(&binder, schema, NULL, text, len, value);
	else if (schema->types & TYPE_BOOLEAN)
	{
		value->kind = BOUND_BOOL;
		value->as.boolean = len == 4 && memcmp(text, "true", 4) == 0;
		if (!value->as.boolean && !(len == 5 && memcmp(text, "false", 5) == 0))
			fault_at(&binder, NULL, "type", NULL, types_wanted(schema));
	}
	else if (len == 0 || !bind_number(&binder, schema, NULL, value) ||
			 binder.in.at != binder.in.end)
	{
		/* what the beginning says as a number is not what was said */
		faults->count = faults_before;
		fault_at(&binder, NULL, "type", NULL, types_wanted(schema));
	}
	return faults->count == faults_before;
}

/* A plus sign is a plus sign: times carry one. */
int
percent_decode(const char *from, int len, char *to)
{
	int			out = 0;

	for (int i = 0; i < len; i++)
	{
		if (from[i] != '%')
		{
			to[out++] = from[i];
			continue;
		}
		if (i + 2 >= len || hex_digit(from[i + 1]) < 0 || hex_digit(from[i + 2]) < 0)
			return -1;
		to[out++] = hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]);
		i += 2;
	}
	return out;
}

static int
find_param(const Operation *operation, const char *name, int len)
{
	for (int i = 0; i < operation->param_count; i++)
		if ((int) strlen(operation->params[i].name) == len &&
			memcmp(operation->params[i].name, name, len) == 0)
			return i;
	return -1;
}

/*
 * In a query a plus sign is a blank, so a time as our answers have it, put there as it is, has lost
 * the sign of its offset: a blank can't be anything else there.
 */
static void
mend_offset(const Parameter *param, char *text, int len)
{
	if (param->place == PARAM_QUERY && param->schema->format == FORMAT_DATE_TIME && len > 6 &&
		text[len - 6] == ' ')
		text[len - 6] = '+';
}

/* Binds one `name=value`. */
static void
bind_pair(const Operation *operation, const char *pair, int len, BoundValue *values,
		  BindFaults *faults)
{
	const char *equals = memchr(pair, '=', len);
	int			name_len = equals ? equals - pair : len;
	const char *encoded = equals ? equals + 1 : pair + len;
	int			encoded_len = pair + len - encoded;
	int			index = find_param(operation, pair, name_len);
	char	   *text;
	int			text_len;

	if (index < 0)
	{
		add_fault(faults, ERR_UNKNOWN_PARAMETER, pnstrdup(pair, Min(name_len, NAME_SHOWN_MAX)),
				  NULL, "is not known here");
		return;
	}
	text = palloc(encoded_len + 1);
	text_len = percent_decode(encoded, encoded_len, text);
	if (values[index].kind != BOUND_ABSENT)
		add_fault(faults, ERR_INVALID_REQUEST, operation->params[index].name,
				  "\"reason\":\"duplicate\"", "must be there once");
	else if (text_len < 0)
		add_fault(faults, ERR_INVALID_REQUEST, operation->params[index].name,
				  "\"reason\":\"format\"", "has a broken percent escape");
	else
	{
		text[text_len] = '\0';
		mend_offset(&operation->params[index], text, text_len);
		bind_param(&operation->params[index], text, text_len, &values[index], faults);
	}
}

bool
bind_params(const Operation *operation, const char *text, BoundValue *values, BindFaults *faults)
{
	const char *at = text;
	int			faults_before = faults->count;

	memset(values, 0, operation->param_count * sizeof(BoundValue));
	while (at != NULL && *at != '\0')
	{
		const char *next = strchr(at, '&');

		bind_pair(operation, at, next ? next - at : (int) strlen(at), values, faults);
		at = next ? next + 1 : NULL;
	}
	for (int i = 0; faults->count == faults_before && i < operation->param_count; i++)
		if (operation->params[i].required && values[i].kind == BOUND_ABSENT)
			add_fault(faults, ERR_INVALID_REQUEST, operation->params[i].name,
					  "\"reason\":\"required\"", "is required");
	return faults->count == faults_before;
}
