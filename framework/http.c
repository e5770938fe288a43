#include "framework/http.h"

#include <string.h>
#include <strings.h>

bool ponto_http_is_token(const char *text)
{
	/* Bit c % 32 of word c / 32: !#$%&'*+-.^_`|~, digits, letters. */
	static const uint32_t token[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};

	if (!text || !text[0])
		return false;
	for (; *text; text++) {
		if (!(token[(unsigned char)*text / 32] >> (unsigned char)*text % 32 & 1))
			return false;
	}
	return true;
}

bool ponto_http_is_value(const char *text)
{
	if (!text)
		return false;
	for (; *text; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	}
	return true;
}

bool ponto_http_name_is(const char *name, const char *other)
{
	return strcasecmp(name, other) == 0;
}

const char *ponto_http_find(const struct ponto_http_header *headers, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (ponto_http_name_is(headers[i].name, name))
			return headers[i].value;
	}
	return NULL;
}

/* Headers to be sent; none of those that framing decides. */
static int check_headers(const struct ponto_http_header *headers, size_t count)
{
	static const char *const framing[] = {"Content-Length", "Transfer-Encoding", "Connection"};
	size_t bytes = 0;

	if (count > PONTO_HTTP_HEADERS_MAX)
		return PONTO_ELIMIT;
	for (size_t i = 0; i < count; i++) {
		if (!ponto_http_is_token(headers[i].name) || !ponto_http_is_value(headers[i].value))
			return PONTO_EINVAL;
		for (size_t f = 0; f < PONTO_ARRAY_SIZE(framing); f++) {
			if (ponto_http_name_is(headers[i].name, framing[f]))
				return PONTO_EINVAL;
		}
		bytes += strlen(headers[i].name) + strlen(headers[i].value);
	}
	return bytes > PONTO_HTTP_HEADER_BYTES ? PONTO_ELIMIT : PONTO_OK;
}

int ponto_http_check_listen(const struct ponto_http_listen *listen)
{
	if (listen->local.family != PONTO_FAMILY_IPV4 && listen->local.family != PONTO_FAMILY_IPV6)
		return PONTO_EINVAL;
	return !listen->certificate_file == !listen->key_file ? PONTO_OK : PONTO_EINVAL;
}

int ponto_http_check_response(const struct ponto_http_response *r, bool head)
{
	if (r->status < 200 || r->status > 599)
		return PONTO_EINVAL;
	switch (r->source) {
	case PONTO_HTTP_NOTHING:
		if ((!head && r->status != 304 && r->length != 0) || r->length > INT64_MAX)
			return PONTO_EINVAL;
		break;
	case PONTO_HTTP_DATA:
		if (r->data.len > 0 && !r->data.data)
			return PONTO_EINVAL;
		break;
	case PONTO_HTTP_FILE:
		if (r->fd < 0 || r->offset > INT64_MAX || r->length > INT64_MAX - r->offset)
			return PONTO_EINVAL;
		break;
	case PONTO_HTTP_STREAM:
		if (!r->body || (r->length > INT64_MAX && r->length != PONTO_HTTP_CHUNKED))
			return PONTO_EINVAL;
		break;
	default:
		return PONTO_EINVAL;
	}
	return check_headers(r->headers, r->header_count);
}

/* A URL as it may stand in a request: no spaces, no controls. Anything further is the implementation's. */
static int check_url(const char *url)
{
	const char *host;

	if (strlen(url) > PONTO_HTTP_TARGET_MAX)
		return PONTO_ELIMIT;
	for (const char *at = url; *at; at++) {
		if ((unsigned char)*at <= 0x20 || *at == 0x7f)
			return PONTO_EINVAL;
	}
	host = strstr(url, "://");
	if (!host)
		return PONTO_EINVAL;
	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
		return PONTO_ENOTSUP;
	host += 3;
	if (host[0] == '\0' || strchr("/?#:", host[0]))
		return PONTO_EINVAL;
	/* A user name would go out as a password. */
	return memchr(host, '@', strcspn(host, "/?#")) ? PONTO_EINVAL : PONTO_OK;
}

int ponto_http_check_fetch(const struct ponto_http_fetch *f)
{
	int result;

	if (!ponto_http_is_token(f->method) || !f->url || f->timeout == 0 || (f->body.len > 0 && !f->body.data))
		return PONTO_EINVAL;
	if (f->redirects > 0 && strcmp(f->method, "GET") != 0 && strcmp(f->method, "HEAD") != 0)
		return PONTO_EINVAL;
	result = check_url(f->url);
	return result == PONTO_OK ? check_headers(f->headers, f->header_count) : result;
}
