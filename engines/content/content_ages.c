/* Extensible Blob version 1: [MS-PCCRR] 2.2.6, 2.2.1.5. */
#include "engines/content/content_codec.h"

#define VERSION 1
#define HEAD 4
#define ENTRY 4
#define UNIT_MAX 4
#define HUNDREDTHS 3 /* the unit that is sent */

static uint64_t unit_microseconds(uint8_t unit)
{
	return unit == 1 ? PONTO_SECOND : unit == 2 ? PONTO_SECOND / 10 : unit == 3 ? PONTO_SECOND / 100 : PONTO_MS;
}

int content_ages_decode(struct ponto_bytes blob, struct content_ages *out)
{
	struct ponto_reader r = ponto_reader(blob);
	struct content_ages ages;

	/* In the order that 2.2.6.1.1 demands: size, unit, size again. */
	ponto_reader_require(&r, ponto_read_be16(&r) == VERSION);
	ages.unit = ponto_read_u8(&r);
	ages.count = ponto_read_u8(&r);
	ponto_reader_require(&r, ages.unit >= 1 && ages.unit <= UNIT_MAX);
	ages.bytes = ponto_read_bytes(&r, (uint64_t)ages.count * ENTRY);
	if (r.failed)
		return PONTO_EPROTO;
	*out = ages;
	return PONTO_OK;
}

void content_age_at(const struct content_ages *ages, unsigned i, uint8_t *index, uint64_t *age)
{
	struct ponto_reader r = ponto_reader(ages->bytes);

	ponto_read_skip(&r, (uint64_t)i * ENTRY);
	*index = ponto_read_u8(&r);
	*age = ponto_read_little(&r, 3) * unit_microseconds(ages->unit);
}

void content_ages_start(uint8_t blob[CONTENT_AGES_BYTES], size_t *len)
{
	struct ponto_writer w = ponto_writer(blob, CONTENT_AGES_BYTES);

	ponto_write_be16(&w, VERSION);
	ponto_write_u8(&w, HUNDREDTHS);
	ponto_write_u8(&w, 0);
	*len = (size_t)w.pos;
}

int content_ages_append(uint8_t index, uint64_t age, uint8_t blob[CONTENT_AGES_BYTES], size_t *len)
{
	struct ponto_writer w = ponto_writer(blob, CONTENT_AGES_BYTES);
	uint64_t units = age / unit_microseconds(HUNDREDTHS);

	w.pos = *len;
	ponto_write_u8(&w, index);
	ponto_write_little(&w, units < 0xffffff ? units : 0xffffff, 3);
	if (!w.failed)
		blob[3]++;
	return ponto_writer_done(&w, len);
}
