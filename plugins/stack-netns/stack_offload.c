#include "plugins/stack-netns/stack_offload.h"

#include <string.h>

/* Offsets into a segment, header of IPv6 included. */
#define PAYLOAD_LENGTH 4
#define NEXT_HEADER 6
#define ADDRESSES 8
#define SEQUENCE (OFFLOAD_IP + 4)
#define OFFSET (OFFLOAD_IP + 12)
#define FLAGS (OFFLOAD_IP + 13)
#define CHECKSUM (OFFLOAD_IP + 16)
#define HEADER_MIN (OFFLOAD_IP + 20)

#define TCP 6
#define FIN 0x01
#define PSH 0x08
#define ACK 0x10
#define CWR 0x80

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, (uint16_t)(value >> 16));
	put16(p + 2, (uint16_t)value);
}

static size_t header_of(const uint8_t *packet)
{
	return OFFLOAD_IP + (size_t)(packet[OFFSET] >> 4) * 4;
}

bool offload_is_tcp(struct ponto_bytes packet)
{
	const uint8_t *p = packet.data;

	return packet.len >= HEADER_MIN && p[0] >> 4 == 6 && p[NEXT_HEADER] == TCP &&
	       get16(p + PAYLOAD_LENGTH) + (size_t)OFFLOAD_IP == packet.len && header_of(p) >= HEADER_MIN &&
	       header_of(p) <= packet.len;
}

/* RFC 1071: in whatever byte order, eight at a time. */
static uint64_t sum(uint64_t total, const uint8_t *p, size_t len)
{
	uint64_t word = 0;

	for (; len >= 4; p += 4, len -= 4) {
		uint32_t half;

		memcpy(&half, p, 4);
		total += half;
	}
	memcpy(&word, p, len);
	return total + (uint32_t)word;
}

/* In the order of the bytes in memory. */
static uint16_t fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

static uint64_t pseudo_header(const uint8_t *packet, size_t len)
{
	uint8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, TCP};

	put32(rest, (uint32_t)(len - OFFLOAD_IP));
	return sum(sum(0, packet + ADDRESSES, 32), rest, sizeof(rest));
}

uint16_t offload_checksum(const uint8_t *packet, size_t len)
{
	return (uint16_t)~fold(sum(pseudo_header(packet, len), packet + OFFLOAD_IP, len - OFFLOAD_IP));
}

bool offload_complete(uint8_t *packet, size_t len, size_t start, size_t offset)
{
	uint16_t value;

	if (start > len || offset + sizeof(value) > len - start)
		return false;
	value = (uint16_t)~fold(sum(0, packet + start, len - start));
	/* 0 is none in UDP, RFC 8200 8.1, and the same as ffff elsewhere. */
	if (value == 0)
		value = 0xffff;
	memcpy(packet + start + offset, &value, sizeof(value));
	return true;
}

void offload_set_checksum(uint8_t *packet, size_t len)
{
	uint16_t value;

	memset(packet + CHECKSUM, 0, 2);
	value = offload_checksum(packet, len);
	memcpy(packet + CHECKSUM, &value, 2);
}

size_t offload_cut(struct ponto_bytes large, size_t size, size_t i, uint8_t *out, size_t cap)
{
	size_t header = header_of(large.data), payload = large.len - header;
	size_t at = i * size, len = payload - at < size ? payload - at : size;

	/* One without payload is itself. */
	if (size == 0 || (at >= payload && !(i == 0 && payload == 0)) || header + len > cap)
		return 0;
	memcpy(out, large.data, header);
	memcpy(out + header, large.data + header + at, len);
	put16(out + PAYLOAD_LENGTH, (uint16_t)(header + len - OFFLOAD_IP));
	put32(out + SEQUENCE, get32(large.data + SEQUENCE) + (uint32_t)at);
	if (at + len < payload)
		out[FLAGS] &= (uint8_t)~(FIN | PSH);
	if (i > 0)
		out[FLAGS] &= (uint8_t)~CWR;
	offload_set_checksum(out, header + len);
	return header + len;
}

/* Whether the packet goes on where the join ends, and differs in nothing else. */
static bool continues(const struct offload_join *join, struct ponto_bytes packet)
{
	const uint8_t *a = join->packet, *b = packet.data;
	size_t header = header_of(a);

	return header_of(b) == header && memcmp(a, b, PAYLOAD_LENGTH) == 0 &&
	       memcmp(a + NEXT_HEADER, b + NEXT_HEADER, SEQUENCE - NEXT_HEADER) == 0 &&
	       get32(b + SEQUENCE) == get32(a + SEQUENCE) + (uint32_t)(join->len - header) &&
	       memcmp(a + SEQUENCE + 4, b + SEQUENCE + 4, FLAGS - SEQUENCE - 4) == 0 && /* acknowledgement, offset */
	       memcmp(a + FLAGS + 1, b + FLAGS + 1, 2) == 0 &&				 /* window */
	       memcmp(a + CHECKSUM + 2, b + CHECKSUM + 2, header - CHECKSUM - 2) == 0;	 /* urgent pointer, options */
}

bool offload_add(struct offload_join *join, struct ponto_bytes packet)
{
	size_t header, payload;

	if (!offload_is_tcp(packet))
		return false;
	header = header_of(packet.data);
	payload = packet.len - header;
	if (join->len == 0) {
		memcpy(join->packet, packet.data, packet.len);
		join->len = packet.len;
		join->size = payload;
		join->count = 1;
		join->last = payload == 0 || packet.data[FLAGS] != ACK;
		/* Joined, its checksum will not be looked at again; alone, the kernel looks at it. */
		if (!join->last)
			join->last = offload_checksum(packet.data, packet.len) != 0;
		return true;
	}
	if (join->last || payload == 0 || payload > join->size || join->len + payload > OFFLOAD_LARGEST ||
	    (packet.data[FLAGS] & ~PSH) != ACK || !continues(join, packet) ||
	    offload_checksum(packet.data, packet.len) != 0)
		return false;
	memcpy(join->packet + join->len, packet.data + header, payload);
	join->len += payload;
	join->count++;
	join->packet[FLAGS] |= packet.data[FLAGS];
	join->last = payload < join->size || packet.data[FLAGS] & PSH;
	return true;
}

void offload_finish(struct offload_join *join)
{
	uint16_t value = fold(pseudo_header(join->packet, join->len));

	put16(join->packet + PAYLOAD_LENGTH, (uint16_t)(join->len - OFFLOAD_IP));
	memcpy(join->packet + CHECKSUM, &value, 2);
}
