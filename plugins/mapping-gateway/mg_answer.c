/* The line that ponto-map writes. What is in it was said by the gateway, or by somebody who plays one. */
#include "plugins/mapping-gateway/mg.h"

#include <stdio.h>
#include <string.h>

/* The next word of a line, one blank behind it. False: there is none, or it does not fit. */
static bool word(struct ponto_reader *r, char *out, size_t size)
{
	size_t len = 0;

	while (ponto_reader_left(r)) {
		uint8_t c = ponto_read_u8(r);

		if (c == ' ')
			break;
		if (c < ' ' || c > '~' || len + 1 >= size)
			return false;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return len > 0;
}

static bool number(struct ponto_reader *r, uint64_t most, uint64_t *out)
{
	char text[16];

	return word(r, text, sizeof(text)) && ponto_bytes_decimal(ponto_bytes(text, strlen(text)), most, out);
}

static bool read_held(struct ponto_reader *r, struct mg_answer *a)
{
	uint64_t port, lifetime;
	char address[16];

	if (!word(r, address, sizeof(address)) || ponto_addr_parse(address, 0, &a->external) != PONTO_OK ||
	    a->external.family != PONTO_FAMILY_IPV4 || a->external.port || !number(r, UINT16_MAX, &port) || !port ||
	    !number(r, UINT32_MAX, &lifetime) || !word(r, a->control, sizeof(a->control)) ||
	    !word(r, a->type, sizeof(a->type)) || ponto_reader_left(r))
		return false;
	a->external.port = (uint16_t)port;
	a->lifetime = (uint32_t)lifetime;
	if (strcmp(a->control, "-") == 0)
		a->control[0] = a->type[0] = '\0';
	return true;
}

/* What is left of the line, whatever cannot be printed left out. */
static void rest(struct ponto_reader *r, char *out, size_t size)
{
	size_t len = 0;

	while (ponto_reader_left(r) && len + 1 < size) {
		uint8_t c = ponto_read_u8(r);

		if (c >= ' ' && c <= '~')
			out[len++] = (char)c;
	}
	out[len] = '\0';
}

void mg_answer_read(struct ponto_bytes line, struct mg_answer *out)
{
	const char *end = line.len ? memchr(line.data, '\n', line.len) : NULL;
	struct mg_answer a = {.kind = MG_ANSWER_NONE};
	struct ponto_reader r;
	char first[16];

	if (end && (const uint8_t *)end == line.data + line.len - 1) {
		r = ponto_reader(ponto_bytes(line.data, line.len - 1));
		if (!word(&r, first, sizeof(first)))
			a.kind = MG_ANSWER_NONE;
		else if (strcmp(first, "held") == 0 && read_held(&r, &a))
			a.kind = MG_ANSWER_HELD;
		else if (strcmp(first, "given-back") == 0 && !ponto_reader_left(&r))
			a.kind = MG_ANSWER_GIVEN_BACK;
		else if (strcmp(first, "refused") == 0)
			a.kind = MG_ANSWER_REFUSED;
		else if (strcmp(first, "silent") == 0)
			a.kind = MG_ANSWER_SILENT;
		if (a.kind == MG_ANSWER_REFUSED || a.kind == MG_ANSWER_SILENT)
			rest(&r, a.words, sizeof(a.words));
	}
	if (a.kind == MG_ANSWER_NONE) {
		memset(&a, 0, sizeof(a));
		snprintf(a.words, sizeof(a.words), "what was answered cannot be used");
	}
	*out = a;
}
