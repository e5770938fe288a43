#include "plugins/store-rados/rds_entry.h"

#include "framework/cursor.h"
#include "plugins/store-rados/rds_area.h"

size_t rds_entry_encode(const struct rds_entry *entry, uint8_t *out)
{
	struct ponto_writer w = ponto_writer(out, entry->kind == RDS_INLINE ? RDS_ENTRY_MAX : RDS_PLACED_MAX);

	ponto_write_u8(&w, (uint8_t)entry->kind);
	ponto_write_be64(&w, entry->expires);
	if (entry->kind == RDS_INLINE) {
		ponto_write_bytes(&w, entry->value);
	} else if (entry->kind == RDS_EXTENT) {
		ponto_write_be64(&w, entry->tag);
		ponto_write_be32(&w, entry->unit);
		ponto_write_be32(&w, entry->len);
	} else {
		ponto_write_copy(&w, entry->id, RDS_BLOB_ID);
		ponto_write_be32(&w, entry->len);
	}
	return w.failed ? 0 : (size_t)w.pos;
}

bool rds_entry_decode(struct ponto_bytes bytes, struct rds_entry *out)
{
	struct ponto_reader r = ponto_reader(bytes);
	struct rds_entry entry = {.kind = (enum rds_kind)ponto_read_u8(&r)};

	entry.expires = ponto_read_be64(&r);
	if (entry.kind == RDS_INLINE) {
		entry.value = ponto_read_bytes(&r, ponto_reader_left(&r));
		entry.len = (uint32_t)entry.value.len;
		ponto_reader_require(&r, entry.value.len <= RDS_INLINE_MAX);
	} else if (entry.kind == RDS_EXTENT) {
		entry.tag = ponto_read_be64(&r);
		entry.unit = ponto_read_be32(&r);
		entry.len = ponto_read_be32(&r);
		ponto_reader_require(&r, entry.len > 0 && entry.len <= RDS_EXTENT_MAX &&
						 entry.unit <= RDS_UNITS - rds_units(entry.len));
	} else if (entry.kind == RDS_BLOB) {
		ponto_read_copy(&r, entry.id, RDS_BLOB_ID);
		entry.len = ponto_read_be32(&r);
		ponto_reader_require(&r, entry.len <= PONTO_STORE_VALUE_MAX);
	} else {
		ponto_reader_fail(&r);
	}
	if (ponto_reader_done(&r) != PONTO_OK)
		return false;
	*out = entry;
	return true;
}
