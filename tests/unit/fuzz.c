/*
 * Feeds the binder with texts that are nearly right: seeded changes of good bodies and parameters,
 * for every operation of the contract. Whatever comes, it is bound or it has faults, and no byte
 * outside of it is read.
 *
 * FUZZ_SEED and FUZZ_ROUNDS choose other texts and more of them. With -DLIBFUZZER (clang
 * -fsanitize=fuzzer) the same check is led by coverage instead.
 */
#include "postgres.h"

#include "bind.h"

#define TEXT_MAX 2048

const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";	/* the shim's palloc frees nothing */
}

/* Exactly as much memory as there is text, so that the sanitizer sees a step too far. */
static char *
exactly(const char *text, int len)
{
	char	   *copy = malloc(len > 0 ? len : 1);

	assert(copy != NULL);
	memcpy(copy, text, len);
	return copy;
}

/* Binds the text as a body and as parameters; false if what comes of it makes no sense. */
static bool
bind_both(const Operation *operation, const char *text, int len, int flags)
{
	char	   *body = exactly(text, len);
	char	   *params = pnstrdup(text, len);
	BoundValue	value;
	BoundValue *values = palloc0((operation->param_count + 1) * sizeof(BoundValue));
	BindFaults	faults = {.count = 0};
	bool		good = true;

	if (operation->body != NULL)
	{
		bool		fits = bind_json(operation->body, body, len, flags, &value, &faults);

		good = fits == (faults.count == 0) && faults.count <= FAULTS_MAX;
	}
	faults.count = 0;
	if (good)
		good = bind_params(operation, params, values, &faults) == (faults.count == 0);
	free(body);
	free(params);
	free(values);
	return good;
}

#ifdef LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);
int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	if (size > 1 && !bind_both(&operations[data[0] % operation_count], (const char *) data + 1,
							   size - 1, data[0] & 1))
		abort();
	return 0;
}

#else

static const char *const good_texts[] = {
	"{\"items\":[{\"ticket_type\":\"general\",\"session\":null,\"quantity\":2,\"block\":\"12\"}],"
	"\"partial\":true,\"channel\":\"web\"}",
	"{\"hold\":\"62914560000001\",\"secret\":\"x\",\"contact\":{\"name\":\"Zo\\u00eb \\ud83d\\ude00\","
	"\"email\":\"a@example.org\",\"phone\":null},\"expected_total\":75700,\"holders\":[{\"name\":\"A\"}]}",
	"{\"key\":\"farm\",\"name\":\"W\xc3\xb6rthy\",\"zone\":\"Europe/London\",\"latitude\":51.15e0,"
	"\"longitude\":-2.58}",
	"{\"name\":\"E\",\"currency\":\"GBP\",\"zone\":\"UTC\",\"payment_term\":{\"days\":5},\"sessions\":"
	"[{\"key\":\"a\",\"starts_at\":\"2027-06-23T08:00:00.5+01:00\"}],\"pools\":[],\"ticket_types\":[{}]}",
	"event=7&hold=8&from=2000-01-01T00%3A00%3A00%2B00:00&limit=5&cursor=a.b&if_match=%22x%22",
};

static const char *const pieces[] = {
	"\"", "\\", "{", "}", "[", "]", ",", ":", "null", "true", "0", "-", "1e9", ".", "\\u0000", "\\ud83d",
	"\xc3", "\xff", "%", "%4", "&", "=", "99999999999999999999", "\"items\":", "2027-02-30T00:00:00Z", " "
};

static uint64 state;

static uint32
next_random(uint32 below)
{
	state = state * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return (uint32) (state >> 33) % below;
}

/* Replaces, removes or puts in a byte or a piece. */
static int
change(char *text, int len)
{
	int			at = next_random(len + 1);
	const char *piece = pieces[next_random(lengthof(pieces))];
	int			piece_len = strlen(piece);
	int			wanted = next_random(4);
	int			removed = Min(wanted, len - at);

	if (next_random(3) == 0 && len > at)
	{
		text[at] = (char) next_random(256);
		return len;
	}
	if (next_random(2) == 0)
		piece_len = 0;
	if (len - removed + piece_len > TEXT_MAX)
		return len;
	memmove(text + at + piece_len, text + at + removed, len - at - removed);
	memcpy(text + at, piece, piece_len);
	return len - removed + piece_len;
}

static long
setting(const char *name, long otherwise)
{
	const char *given = getenv(name);

	return given != NULL ? atol(given) : otherwise;
}

int
main(void)
{
	long		rounds = setting("FUZZ_ROUNDS", 100000);
	long		bad = 0;

	state = setting("FUZZ_SEED", 1);
	for (long i = 0; i < rounds; i++)
	{
		char		text[TEXT_MAX];
		const char *good = good_texts[next_random(lengthof(good_texts))];
		int			len = strlen(good);

		memcpy(text, good, len);
		for (int changes = next_random(6); changes > 0; changes--)
			len = change(text, len);
		if (!bind_both(&operations[next_random(operation_count)], text, len, next_random(2)))
			printf("# round %ld: %.*s\n", ++bad, len, text);
	}
	printf("%sok 1 - %ld texts are bound or have faults\n1..1\n", bad ? "not " : "", rounds);
	return bad > 0;
}

#endif
