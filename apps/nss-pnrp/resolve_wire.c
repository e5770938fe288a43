#include "apps/nss-pnrp/resolve_wire.h"

#include <arpa/inet.h>
#include <string.h>

#include "framework/cursor.h"

/* Field numbers: apps/pontod/node.proto, plugins/service-pnrp/pnrp.proto. */
enum { ANSWER_RESULT = 1, ANSWER_PAYLOAD = 3, ANSWER_PENDING = 4 };
enum { REQUEST_NAME = 1, REQUEST_HOST = 11 };
enum { REPLY_MATCH = 1, MATCH_ENDPOINT = 4, ENDPOINT_ADDRESS = 1 };

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct field {
	uint32_t number;
	uint32_t wire;
	uint64_t value;		  /* of WIRE_VARINT */
	struct ponto_bytes bytes; /* of WIRE_BYTES */
};

static uint64_t read_varint(struct ponto_reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = ponto_read_u8(r);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	ponto_reader_fail(r);
	return 0;
}

/* false at the end and after a fault */
static bool next_field(struct ponto_reader *r, struct field *out)
{
	uint64_t tag;

	*out = (struct field){0};
	if (ponto_reader_left(r) == 0)
		return false;
	tag = read_varint(r);
	ponto_reader_require(r, tag >> 3 != 0 && tag >> 3 <= UINT32_MAX);
	out->number = (uint32_t)(tag >> 3);
	out->wire = tag & 7;
	switch (out->wire) {
	case WIRE_VARINT:
		out->value = read_varint(r);
		break;
	case WIRE_64:
		ponto_read_skip(r, 8);
		break;
	case WIRE_BYTES:
		out->bytes = ponto_read_bytes(r, read_varint(r));
		break;
	case WIRE_32:
		ponto_read_skip(r, 4);
		break;
	default:
		ponto_reader_fail(r);
	}
	return !r->failed;
}

/* "fe80::1%2": the zone is a number. */
static bool read_address(struct ponto_bytes text, struct resolve_address *out)
{
	char copy[INET6_ADDRSTRLEN];
	const uint8_t *percent = memchr(text.data, '%', text.len);
	size_t len = percent ? (size_t)(percent - text.data) : text.len;
	uint64_t scope = 0;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, len);
	copy[len] = '\0';
	for (size_t i = len + 1; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		scope = scope * 10 + (uint64_t)(text.data[i] - '0');
		if (scope > UINT32_MAX)
			return false;
	}
	if (inet_pton(AF_INET6, copy, out->ip) != 1)
		return false;
	out->scope = (uint32_t)scope;
	return true;
}

/* Each address once, however many ports it is named with. */
static void add_address(const struct resolve_address *address, struct resolve_answer *out)
{
	for (size_t i = 0; i < out->count; i++)
		if (memcmp(&out->address[i], address, sizeof(*address)) == 0)
			return;
	if (out->count < RESOLVE_ADDRESSES)
		out->address[out->count++] = *address;
}

static int read_endpoint(struct ponto_bytes bytes, struct resolve_answer *out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct resolve_address address;
	struct field f;

	while (next_field(&r, &f)) {
		if (f.number != ENDPOINT_ADDRESS || f.wire != WIRE_BYTES)
			continue;
		if (!read_address(f.bytes, &address))
			return PONTO_EPROTO;
		add_address(&address, out);
	}
	return ponto_reader_done(&r);
}

static int read_match(struct ponto_bytes bytes, struct resolve_answer *out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct field f;

	while (next_field(&r, &f)) {
		if (f.number != MATCH_ENDPOINT || f.wire != WIRE_BYTES)
			continue;
		if (read_endpoint(f.bytes, out) != PONTO_OK)
			return PONTO_EPROTO;
	}
	return ponto_reader_done(&r);
}

static int read_reply(struct ponto_bytes bytes, struct resolve_answer *out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct field f;

	while (next_field(&r, &f)) {
		if (f.number != REPLY_MATCH || f.wire != WIRE_BYTES)
			continue;
		if (read_match(f.bytes, out) != PONTO_OK)
			return PONTO_EPROTO;
	}
	return ponto_reader_done(&r);
}

int resolve_answer_read(struct ponto_bytes packet, struct resolve_answer *out)
{
	struct ponto_reader r = ponto_reader(packet);
	struct resolve_answer answer = {0};
	bool has_result = false;
	struct field f;

	while (next_field(&r, &f)) {
		if (f.number == ANSWER_RESULT && f.wire == WIRE_VARINT) {
			uint32_t zigzag = (uint32_t)f.value;

			answer.result = (int)((zigzag >> 1) ^ (0u - (zigzag & 1)));
			has_result = true;
		} else if (f.number == ANSWER_PENDING && f.wire == WIRE_VARINT) {
			answer.pending = f.value != 0;
		} else if (f.number == ANSWER_PAYLOAD && f.wire == WIRE_BYTES) {
			if (read_reply(f.bytes, &answer) != PONTO_OK)
				return PONTO_EPROTO;
		}
	}
	if (ponto_reader_done(&r) != PONTO_OK || !has_result)
		return PONTO_EPROTO;
	*out = answer;
	return PONTO_OK;
}

int resolve_request_write(const char *host, uint8_t data[RESOLVE_REQUEST_MAX], size_t *len)
{
	struct ponto_writer w = ponto_writer(data, RESOLVE_REQUEST_MAX);
	size_t host_len = strnlen(host, RESOLVE_HOST_MAX + 1);

	if (host_len > RESOLVE_HOST_MAX)
		return PONTO_ELIMIT;
	ponto_write_u8(&w, REQUEST_NAME << 3 | WIRE_BYTES); /* required, and empty */
	ponto_write_u8(&w, 0);
	ponto_write_u8(&w, REQUEST_HOST << 3 | WIRE_BYTES);
	if (host_len > 0x7f)
		ponto_write_u8(&w, (uint8_t)(host_len | 0x80));
	ponto_write_u8(&w, (uint8_t)(host_len > 0x7f ? host_len >> 7 : host_len));
	ponto_write_copy(&w, host, host_len);
	return ponto_writer_done(&w, len);
}
