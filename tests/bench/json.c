/*
 * json.c
 *		A scanner that knows strings and depth, and nothing else of JSON.
 */
#include <string.h>

#include "json.h"

/* From the opening quote to just past the closing one, or to the end. */
static const char *
string_end(const char *at, const char *end)
{
	for (at++; at < end; at++)
	{
		if (*at == '\\')
			at++;
		else if (*at == '"')
			return at + 1;
	}
	return end;
}

static const char *
skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* Just past the value that starts at "at". */
static const char *
value_end(const char *at, const char *end)
{
	int			depth = 0;

	while (at < end)
	{
		if (*at == '"')
			at = string_end(at, end);
		else if (depth == 0 && (*at == ',' || *at == '}' || *at == ']'))
			return at;
		else
		{
			if (*at == '{' || *at == '[')
				depth++;
			else if (*at == '}' || *at == ']')
				depth--;
			at++;
		}
	}
	return end;
}

static JsonText
unquoted(const char *from, const char *to)
{
	while (to > from && (to[-1] == ' ' || to[-1] == '\n'))
		to--;
	if (to - from >= 2 && *from == '"')
		return (JsonText) {from + 1, (size_t) (to - from - 2)};
	return (JsonText) {from, (size_t) (to - from)};
}

bool
json_member(JsonText text, const char *name, JsonText *value)
{
	const char *end = text.data + text.len;
	const char *at = skip_space(text.data, end);

	if (at == end || *at != '{')
		return false;
	for (at = skip_space(at + 1, end); at < end && *at == '"'; at = skip_space(at + 1, end))
	{
		const char *past = string_end(at, end);
		JsonText	found = unquoted(at, past);

		at = skip_space(past, end);
		if (at == end || *at != ':')
			return false;
		at = skip_space(at + 1, end);
		past = value_end(at, end);
		if (past == at)
			return false;
		if (json_is(found, name))
		{
			*value = unquoted(at, past);
			return true;
		}
		at = past;
		if (at == end || *at != ',')
			return false;
	}
	return false;
}

bool
json_copy(JsonText text, const char *name, char *into, size_t size)
{
	JsonText	value;

	if (!json_member(text, name, &value) || value.len >= size)
		return false;
	memcpy(into, value.data, value.len);
	into[value.len] = '\0';
	return true;
}

int
json_count(JsonText text, const char *name, const char *value)
{
	const char *at = text.data;
	const char *end = text.data + text.len;
	bool		named = false;
	int			count = 0;

	while (at < end)
	{
		const char *past;
		JsonText	found;

		if (*at != '"')
		{
			at++;
			continue;
		}
		past = string_end(at, end);
		found = unquoted(at, past);
		at = skip_space(past, end);
		if (at < end && *at == ':')
			named = json_is(found, name);
		else
		{
			count += named && json_is(found, value);
			named = false;
		}
	}
	return count;
}

bool
json_is(JsonText text, const char *word)
{
	return strlen(word) == text.len && memcmp(text.data, word, text.len) == 0;
}
