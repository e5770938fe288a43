/* PeerDist headers, one a line, and a Range: whatever they say, an answer is decided, its headers can be read again,
 * and a range lies within the entity. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/content/content_coding.h"

static void decide(const struct content_coding *c)
{
	for (unsigned bits = 0; bits < 16; bits++) {
		const struct content_answerable a = {bits & 1, bits & 2, bits & 4, bits & 8};
		enum content_answer answer = content_answer(c, &a);
		char params[CONTENT_PARAMS_TEXT], params_ex[CONTENT_PARAMS_TEXT];
		struct content_coding back;

		FUZZ_REQUIRE(answer == CONTENT_ANSWER_ORDINARY || (a.get && a.validator));
		FUZZ_REQUIRE(answer != CONTENT_ANSWER_V1 || a.hashed_v1);
		FUZZ_REQUIRE(answer != CONTENT_ANSWER_V2 || (a.hashed_v2 && c->has_max && c->max.major == 2));
		content_answer_params(c, answer, INT64_MAX, params, params_ex);
		memset(&back, 0, sizeof(back));
		content_coding_header(&back, CONTENT_PARAMS, params);
		content_coding_header(&back, CONTENT_PARAMS_EX, params_ex);
		FUZZ_REQUIRE(!back.bad_value && back.has_length == (answer >= CONTENT_ANSWER_V1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct content_coding c;
	uint64_t start, length;

	FUZZ_REQUIRE(text);
	memcpy(text, data, size);
	text[size] = 0;
	memset(&c, 0, sizeof(c));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = 0;
		content_coding_header(&c, line, value);
		if (content_range_parse(value, size, &start, &length) == PONTO_OK)
			FUZZ_REQUIRE(length > 0 && start < size && length <= size - start);
	}
	decide(&c);
	free(text);
	return 0;
}
