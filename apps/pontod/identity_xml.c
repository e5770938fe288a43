#include "apps/pontod/identity_xml.h"

#include <string.h>

#include "framework/cursor.h"
#include "framework/xml.h"

#define DATATYPES "urn:schemas-microsoft-com:datatypes"
#define BASE64 "bin.base64"
#define TYPED " xmlns:dt=\"" DATATYPES "\" dt:dt=\"" BASE64 "\">"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Of XML. */
static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- base64: RFC 4648 ------------------------------------------------------------------ */

static void write_base64(struct ponto_writer *w, struct ponto_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)bytes.data[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes.data[i + 1] << 8;
		if (left > 2)
			group |= bytes.data[i + 2];
		ponto_write_u8(w, (uint8_t)digits[group >> 18]);
		ponto_write_u8(w, (uint8_t)digits[group >> 12 & 63]);
		ponto_write_u8(w, (uint8_t)(left > 1 ? digits[group >> 6 & 63] : '='));
		ponto_write_u8(w, (uint8_t)(left > 2 ? digits[group & 63] : '='));
	}
}

/* White space anywhere, as Windows breaks its lines. Result at most 3/4 of the text. */
static int read_base64(const char *text, uint8_t *out, size_t *len)
{
	uint32_t group = 0;
	unsigned bits = 0, padding = 0, count = 0;
	size_t used = 0;

	for (; *text; text++) {
		const char *digit = strchr(digits, *text);

		if (is_space(*text))
			continue;
		if (*text == '=' && ++padding <= 2)
			continue;
		if (!digit || padding)
			return PONTO_EPROTO;
		count++;
		group = group << 6 | (uint32_t)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[used++] = (uint8_t)(group >> bits);
		}
	}
	if ((count + padding) % 4 != 0 || used == 0 || (group & ((1u << bits) - 1)) != 0)
		return PONTO_EPROTO;
	*len = used;
	return PONTO_OK;
}

/* ---- writing ----------------------------------------------------------------------------- */

static void write_text(struct ponto_writer *w, const char *text)
{
	ponto_write_copy(w, text, strlen(text));
}

static void write_escaped(struct ponto_writer *w, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			write_text(w, "&amp;");
		else if (*text == '<')
			write_text(w, "&lt;");
		else if (*text == '>')
			write_text(w, "&gt;");
		else
			ponto_write_u8(w, (uint8_t)*text);
	}
}

static int finish(struct ponto_writer *w, const struct ponto_alloc *alloc, char *text, char **out)
{
	size_t len;
	int result;

	ponto_write_u8(w, 0);
	result = ponto_writer_done(w, &len);
	if (result != PONTO_OK) {
		ponto_free(alloc, text);
		return result;
	}
	*out = text;
	return PONTO_OK;
}

int identity_xml_card(struct ponto_bytes message, const struct ponto_alloc *alloc, char **text)
{
	size_t room = message.len / 3 * 4 + 512;
	char *data = ponto_new(alloc, room, 1);
	struct ponto_writer w = ponto_writer(data, room);

	if (!data)
		return PONTO_ENOMEM;
	write_text(&w, "<PEERIDENTITYINFO VERSION=\"1.0\"><IDC" TYPED);
	write_base64(&w, message);
	write_text(&w, "</IDC></PEERIDENTITYINFO>");
	return finish(&w, alloc, data, text);
}

int identity_xml_export(const char *peer_name, struct ponto_bytes pfx, const struct ponto_alloc *alloc, char **text)
{
	size_t room = pfx.len / 3 * 4 + 5 * strlen(peer_name) + 512;
	char *data = ponto_new(alloc, room, 1);
	struct ponto_writer w = ponto_writer(data, room);

	if (!data)
		return PONTO_ENOMEM;
	write_text(&w, "<PEERIDENTITYEXPORT VERSION=\"1.0\"><PEERNAME>");
	write_escaped(&w, peer_name);
	write_text(&w, "</PEERNAME><DATA" TYPED);
	write_base64(&w, pfx);
	write_text(&w, "</DATA></PEERIDENTITYEXPORT>");
	return finish(&w, alloc, data, text);
}

/* ---- reading ------------------------------------------------------------------------------ */

bool identity_xml_is(struct ponto_bytes text)
{
	size_t i = 0;

	while (i < text.len && is_space((char)text.data[i]))
		i++;
	return i < text.len && (text.data[i] == '<' || text.data[i] >= 0x80);
}

/* Whether an attribute has that value; PONTO_EPROTO: not. */
static int demand(const struct ponto_xml_node *node, const char *space, const char *name, const char *wanted)
{
	char *value = NULL;
	int result = ponto_xml_attribute(node, space, name, &value);

	if (result == PONTO_ENOENT || (result == PONTO_OK && strcmp(value, wanted) != 0))
		result = PONTO_EPROTO;
	ponto_xml_free_text(value);
	return result;
}

/* The document with this root element, in version 1.0. gives *out */
static int open_document(struct ponto_bytes text, const char *root, struct ponto_xml **out)
{
	int result = text.len > IDENTITY_XML_MAX ? PONTO_EPROTO : ponto_xml_parse(text, out);

	if (result != PONTO_OK)
		return result == PONTO_ENOMEM ? result : PONTO_EPROTO;
	if (!ponto_xml_is(ponto_xml_root(*out), "", root))
		result = PONTO_EPROTO;
	else
		result = demand(ponto_xml_root(*out), "", "VERSION", "1.0");
	if (result != PONTO_OK)
		ponto_xml_destroy(*out);
	return result;
}

/* The one child of that name; NULL: none, or several. */
static const struct ponto_xml_node *only(const struct ponto_xml *xml, const char *name)
{
	const struct ponto_xml_node *node = ponto_xml_first(ponto_xml_root(xml), "", name);

	return node && !ponto_xml_next(node, "", name) ? node : NULL;
}

/* Characters that are not white space. */
static size_t substance(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += !is_space(*text);
	return n;
}

/* Nothing stands beside the texts that were read, which have so many characters. */
static int demand_substance(const struct ponto_xml *xml, size_t count)
{
	char *text;
	int result = ponto_xml_text(ponto_xml_root(xml), &text);

	if (result != PONTO_OK)
		return result;
	result = substance(text) == count ? PONTO_OK : PONTO_EPROTO;
	ponto_xml_free_text(text);
	return result;
}

/* beside: characters of the other texts. */
static int only_bytes(const struct ponto_xml *xml, const char *name, size_t beside, const struct ponto_alloc *alloc,
		      uint8_t **data, size_t *len)
{
	const struct ponto_xml_node *node = only(xml, name);
	char *text = NULL;
	uint8_t *bytes = NULL;
	int result = node ? demand(node, DATATYPES, "dt", BASE64) : PONTO_EPROTO;

	if (result == PONTO_OK)
		result = ponto_xml_text(node, &text);
	if (result != PONTO_OK)
		return result;
	result = demand_substance(xml, beside + substance(text));
	if (result != PONTO_OK)
		goto out;
	bytes = ponto_new(alloc, strlen(text) + 1, 1);
	result = bytes ? read_base64(text, bytes, len) : PONTO_ENOMEM;
	if (result == PONTO_OK)
		*data = bytes;
	else
		ponto_free(alloc, bytes);
out:
	ponto_xml_free_text(text);
	return result;
}

int identity_xml_read_card(struct ponto_bytes text, const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	struct ponto_xml *xml;
	int result = open_document(text, "PEERIDENTITYINFO", &xml);

	if (result != PONTO_OK)
		return result;
	result = only_bytes(xml, "IDC", 0, alloc, data, len);
	ponto_xml_destroy(xml);
	return result;
}

int identity_xml_read_export(struct ponto_bytes text, const struct ponto_alloc *alloc,
			     char peer_name[IDENTITY_XML_NAME], uint8_t **data, size_t *len)
{
	const struct ponto_xml_node *node;
	struct ponto_xml *xml;
	char *name = NULL;
	int result = open_document(text, "PEERIDENTITYEXPORT", &xml);

	if (result != PONTO_OK)
		return result;
	node = only(xml, "PEERNAME");
	result = node ? ponto_xml_text(node, &name) : PONTO_EPROTO;
	if (result == PONTO_OK && strlen(name) >= IDENTITY_XML_NAME)
		result = PONTO_EPROTO;
	if (result == PONTO_OK)
		result = only_bytes(xml, "DATA", substance(name), alloc, data, len);
	if (result == PONTO_OK)
		strcpy(peer_name, name);
	ponto_xml_free_text(name);
	ponto_xml_destroy(xml);
	return result;
}
