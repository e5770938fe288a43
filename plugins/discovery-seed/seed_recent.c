#include "plugins/discovery-seed/seed_recent.h"

#include <string.h>

#include "framework/cursor.h"

void seed_recent_add(struct seed_recent *recent, const struct ponto_addr *addr, uint64_t seen, size_t limit)
{
	struct ponto_addr plain = *addr;
	size_t at, old;

	plain.zone = 0;
	plain.reserved = 0;
	for (old = 0; old < recent->count && !ponto_addr_equal(&recent->entry[old].addr, &plain); old++)
		;
	if (old < recent->count) {
		if (recent->entry[old].seen > seen)
			return;
		recent->count--;
		memmove(&recent->entry[old], &recent->entry[old + 1], (recent->count - old) * sizeof(recent->entry[0]));
	}
	for (at = 0; at < recent->count && recent->entry[at].seen > seen; at++)
		;
	if (at >= limit)
		return;
	if (recent->count >= limit)
		recent->count = limit - 1;
	memmove(&recent->entry[at + 1], &recent->entry[at], (recent->count - at) * sizeof(recent->entry[0]));
	recent->entry[at].addr = plain;
	recent->entry[at].seen = seen;
	recent->count++;
}

size_t seed_recent_write(const struct seed_recent *recent, uint8_t out[SEED_RECENT_RECORD])
{
	struct ponto_writer w = ponto_writer(out, SEED_RECENT_RECORD);

	ponto_write_u8(&w, 1);
	ponto_write_u8(&w, (uint8_t)recent->count);
	for (size_t i = 0; i < recent->count; i++) {
		ponto_write_u8(&w, recent->entry[i].addr.family);
		ponto_write_be16(&w, recent->entry[i].addr.port);
		ponto_write_copy(&w, recent->entry[i].addr.ip, 16);
		ponto_write_be64(&w, recent->entry[i].seen);
	}
	return (size_t)w.pos;
}

int seed_recent_read(struct seed_recent *recent, struct ponto_bytes record, uint64_t now, size_t limit)
{
	static const uint8_t zeros[12];
	struct ponto_reader r = ponto_reader(record);
	struct seed_recent seen = {0};
	uint8_t version = ponto_read_u8(&r);
	uint8_t count = ponto_read_u8(&r);
	int result;

	ponto_reader_require(&r, version == 1 && count <= SEED_RECENT_MAX);
	for (uint8_t i = 0; i < count && !r.failed; i++) {
		struct ponto_addr *addr = &seen.entry[i].addr;

		addr->family = ponto_read_u8(&r);
		addr->port = ponto_read_be16(&r);
		ponto_read_copy(&r, addr->ip, 16);
		seen.entry[i].seen = ponto_read_be64(&r);
		ponto_reader_require(&r, addr->port != 0 && ponto_addr_scope(addr) != PONTO_SCOPE_NONE);
		ponto_reader_require(&r, addr->family != PONTO_FAMILY_IPV4 || memcmp(addr->ip + 4, zeros, 12) == 0);
	}
	result = ponto_reader_done(&r);
	if (result)
		return result;
	for (uint8_t i = 0; i < count;
	     i++) /* a time to come: the clock was set back; it stays for as long as any other */
		if (seen.entry[i].seen > now || now - seen.entry[i].seen < SEED_RECENT_AGE)
			seed_recent_add(recent, &seen.entry[i].addr,
					seen.entry[i].seen < now ? seen.entry[i].seen : now, limit);
	return PONTO_OK;
}
