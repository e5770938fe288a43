/* Reading and writing SSDP. */
#include "plugins/discovery-ssdp/ssdp_message.h"

#include <stdio.h>
#include <string.h>

#define GROUP_TEXT "[FF02::C]:1900"
#define SERVER_TEXT "Linux UPnP/1.0 Ponto/" PACKAGE_VERSION

/* ---- reading ------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct ponto_bytes trim(struct ponto_bytes text)
{
	while (text.len > 0 && is_blank(text.data[0])) {
		text.data++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* Cuts the first line off, without its end: CR LF, or LF alone. */
static struct ponto_bytes take_line(struct ponto_bytes *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);
	struct ponto_bytes line = ponto_bytes(text->data, end ? (size_t)(end - text->data) : text->len);
	size_t used = line.len + (end != NULL);

	text->data += used;
	text->len -= used;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool starts_with(struct ponto_bytes line, const char *word)
{
	size_t len = strlen(word);

	return line.len >= len && memcmp(line.data, word, len) == 0;
}

static bool is_name(struct ponto_bytes name, const char *word)
{
	size_t len = strlen(word);

	if (name.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = name.data[i];

		if ((c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c) != word[i])
			return false;
	}
	return true;
}

static unsigned seconds(struct ponto_bytes text)
{
	unsigned value = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return 1;
		value = value * 10 + (unsigned)(text.data[i] - '0');
		if (value >= SSDP_MX)
			return SSDP_MX;
	}
	return value ? value : 1;
}

static struct ponto_bytes unquote(struct ponto_bytes text)
{
	if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
		return ponto_bytes(text.data + 1, text.len - 2);
	return text;
}

static int read_start(struct ponto_bytes line, enum ssdp_kind *kind)
{
	if (starts_with(line, "M-SEARCH * HTTP/1."))
		*kind = SSDP_SEARCH;
	else if (starts_with(line, "NOTIFY * HTTP/1."))
		*kind = SSDP_NOTIFY;
	else if (starts_with(line, "HTTP/1.1 200") || starts_with(line, "HTTP/1.0 200"))
		*kind = SSDP_ANSWER;
	else
		return PONTO_EPROTO;
	return PONTO_OK;
}

struct fields {
	struct ponto_bytes target, man, location, mx;
};

static int read_field(struct ponto_bytes line, struct fields *fields)
{
	const uint8_t *colon = memchr(line.data, ':', line.len);
	struct ponto_bytes name, value, *field;

	if (!colon)
		return PONTO_OK; /* nothing we know begins that way */
	name = trim(ponto_bytes(line.data, (size_t)(colon - line.data)));
	value = trim(ponto_bytes(colon + 1, line.len - (size_t)(colon + 1 - line.data)));
	if (is_name(name, "ST"))
		field = &fields->target;
	else if (is_name(name, "AL"))
		field = &fields->location;
	else if (is_name(name, "MAN"))
		field = &fields->man;
	else if (is_name(name, "MX"))
		field = &fields->mx;
	else
		return PONTO_OK;
	if (field->data)
		return PONTO_EPROTO;
	*field = value;
	return PONTO_OK;
}

int ssdp_parse(struct ponto_bytes text, struct ssdp_message *out)
{
	struct fields fields = {0};
	enum ssdp_kind kind;
	int result;

	if (text.len == 0 || text.len > SSDP_TEXT_MAX || memchr(text.data, '\0', text.len))
		return PONTO_EPROTO;
	result = read_start(take_line(&text), &kind);
	for (unsigned lines = 1; result == PONTO_OK && text.len > 0; lines++) {
		struct ponto_bytes line = take_line(&text);

		if (line.len == 0)
			break;
		result = lines < SSDP_LINES_MAX ? read_field(line, &fields) : PONTO_EPROTO;
	}
	if (result != PONTO_OK)
		return result;
	*out = (struct ssdp_message){
		.kind = kind,
		.target = fields.target,
		.man = unquote(fields.man),
		.location = fields.location,
		.mx = seconds(fields.mx),
	};
	return PONTO_OK;
}

int ssdp_location_parse(struct ponto_bytes text, struct ponto_addr *out)
{
	char copy[PONTO_ADDR_TEXT];
	struct ponto_addr addr;

	if (text.len == 0 || text.len >= sizeof(copy) || text.data[0] != '[' || memchr(text.data, '%', text.len) ||
	    memchr(text.data, '\0', text.len))
		return PONTO_EPROTO;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (ponto_addr_parse(copy, 0, &addr) != PONTO_OK || addr.family != PONTO_FAMILY_IPV6 || addr.port == 0)
		return PONTO_EPROTO;
	*out = addr;
	return PONTO_OK;
}

/* ---- targets -------------------------------------------------------------------- */

static const char *scope_text(enum ponto_scope scope)
{
	switch (scope) {
	case PONTO_SCOPE_GLOBAL:
		return "Global";
	case PONTO_SCOPE_SITE:
		return "SiteLocal";
	case PONTO_SCOPE_LINK:
		return "LinkLocal";
	default:
		return NULL;
	}
}

int ssdp_target(const char *topic, enum ponto_scope scope, char out[SSDP_TARGET_TEXT])
{
	static const char modern[] = "@modern";
	const char *text = scope_text(scope);
	size_t len = strlen(topic);
	int n;

	if (!text)
		return PONTO_ENOTSUP;
	for (const char *c = topic; *c; c++)
		if (*c < ' ' || *c > '~')
			return PONTO_EINVAL;
	if (len + 32 > SSDP_TARGET_TEXT)
		return PONTO_EINVAL;
	if (strncmp(topic, "pnrp/", 5) != 0)
		n = snprintf(out, SSDP_TARGET_TEXT, "urn:ponto:%s: %s", topic, text);
	else if (len >= sizeof(modern) && strcmp(topic + len - strlen(modern), modern) == 0)
		n = snprintf(out, SSDP_TARGET_TEXT, "urn:Ponto Peer Name Resolution Protocol: V5:IPV6:%s", text);
	else
		n = snprintf(out, SSDP_TARGET_TEXT,
			     "urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:%s", text);
	return n > 0 && n < SSDP_TARGET_TEXT ? PONTO_OK : PONTO_EINVAL;
}

/* ---- writing -------------------------------------------------------------------- */

/* All texts are bounded by their parts and fit. */
static size_t written(int n)
{
	return n > 0 && n < SSDP_TEXT_MAX ? (size_t)n : 0;
}

/* "[addr]:port" in one, "addr" in the other. */
static void location_texts(const struct ponto_addr *location, char full[PONTO_ADDR_TEXT], char host[PONTO_ADDR_TEXT])
{
	struct ponto_addr addr = *location;

	addr.zone = 0; /* means nothing to others */
	ponto_addr_format(&addr, full);
	addr.port = 0;
	ponto_addr_format(&addr, host);
}

size_t ssdp_format_search(const char *target, char out[SSDP_TEXT_MAX])
{
	return written(snprintf(out, SSDP_TEXT_MAX,
				"M-SEARCH * HTTP/1.1\r\nHost:" GROUP_TEXT "\r\nST:%s\r\nMan:\"ssdp:discover\"\r\n"
				"MX:%d\r\n\r\n",
				target, SSDP_MX));
}

size_t ssdp_format_answer(const char *target, const struct ponto_addr *location, const char *signature,
			  char out[SSDP_TEXT_MAX])
{
	char full[PONTO_ADDR_TEXT], host[PONTO_ADDR_TEXT];

	location_texts(location, full, host);
	return written(snprintf(out, SSDP_TEXT_MAX,
				"HTTP/1.1 200 OK\r\nST:%s\r\nUSN:%s\r\nLocation:%s\r\nAL:%s\r\n"
				"OPT:\"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n01-NLS:%s\r\n"
				"Cache-Control:max-age=%d\r\nServer:" SERVER_TEXT "\r\nExt:\r\n\r\n",
				target, full, host, full, signature, SSDP_MAX_AGE));
}

size_t ssdp_format_notify(const char *target, const struct ponto_addr *location, const char *signature, bool alive,
			  char out[SSDP_TEXT_MAX])
{
	char full[PONTO_ADDR_TEXT], host[PONTO_ADDR_TEXT];

	location_texts(location, full, host);
	if (!alive)
		return written(snprintf(out, SSDP_TEXT_MAX,
					"NOTIFY * HTTP/1.1\r\nHost:" GROUP_TEXT "\r\nNT:%s\r\nNTS:ssdp:byebye\r\n"
					"USN:%s\r\nOPT:\"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n01-NLS:%s\r\n\r\n",
					target, full, signature));
	return written(snprintf(out, SSDP_TEXT_MAX,
				"NOTIFY * HTTP/1.1\r\nHost:" GROUP_TEXT "\r\nNT:%s\r\nNTS:ssdp:alive\r\nUSN:%s\r\n"
				"Location:%s\r\nAL:%s\r\nOPT:\"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n"
				"01-NLS:%s\r\nCache-Control:max-age=%d\r\nServer:" SERVER_TEXT "\r\n\r\n",
				target, full, host, full, signature, SSDP_MAX_AGE));
}
