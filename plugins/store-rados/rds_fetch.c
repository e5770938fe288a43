#include "plugins/store-rados/rds_fetch.h"

#include <errno.h>
#include <string.h>

#define TRIES 64    /* times that a record changes between two round trips of one reader */
#define AHEAD 64    /* entries read along when a place was not known: the next reads are likely theirs */
#define BLOB_LOST 4 /* times that the blob of one unchanged entry is looked for */

struct fetch {
	struct rds_store *store;
	const char *object;
	struct ponto_bytes key;
	uint64_t hash, deadline;
	uint8_t guess[RDS_PLACED_MAX];
	size_t guess_len;
	bool cold;
	unsigned lost;
};

void rds_value_free(struct rds_value *value)
{
	rds_op_free(value->op);
	value->op = NULL;
}

void rds_blob_object(const uint8_t id[RDS_BLOB_ID], char out[RDS_BLOB_OBJECT])
{
	memcpy(out, "b.", 2);
	ponto_hex(ponto_bytes(id, RDS_BLOB_ID), out + 2);
}

/* Keeps where the records after this one lie. */
static void keep_hints(struct fetch *f, rados_omap_iter_t page)
{
	struct ponto_bytes object = ponto_bytes(f->object, strlen(f->object)), key, raw;

	while (rds_op_next(page, &key, &raw)) {
		if (raw.len > 0 && raw.len <= RDS_PLACED_MAX && raw.data[0] == RDS_EXTENT)
			rds_hint_set(&f->store->hints, rds_hint_hash(object, key), raw.data, raw.len);
	}
}

/* The entry, and the data where the guess says. PONTO_ENOENT: no such record. */
static int ask(struct fetch *f, const struct rds_entry *place, struct rds_op **out, struct ponto_bytes *raw)
{
	const char *name = (const char *)f->key.data;
	struct ponto_bytes key;
	struct rds_op *op;
	int error, result = rds_op_new(f->store, false, f->deadline, &op);

	if (result)
		return result;
	rds_op_keys(op, &name, &f->key.len, 1);
	if (place)
		result = rds_op_data(op, (uint64_t)place->unit * RDS_UNIT, place->len);
	if (result) {
		rds_op_free(op);
		return result;
	}
	if (place && f->cold)
		rds_op_page(op, name, "k", AHEAD);
	result = rds_op_run(op, f->object, f->deadline, &error);
	if (result)
		return result;
	if (error)
		result = rds_failed(f->store, op->link, error, false);
	else if (!rds_op_next(op->keys, &key, raw))
		result = PONTO_ENOENT;
	if (result) {
		rds_op_free(op);
		return result;
	}
	if (place && f->cold)
		keep_hints(f, op->page);
	*out = op;
	return PONTO_OK;
}

/* RDS_AGAIN: the blob is gone, so the entry must have changed. */
static int ask_blob(struct fetch *f, const struct rds_entry *entry, struct rds_op **out)
{
	char object[RDS_BLOB_OBJECT];
	struct rds_op *op;
	int error, result = rds_op_new(f->store, false, f->deadline, &op);

	if (result)
		return result;
	result = rds_op_data(op, 0, (size_t)entry->len + 1);
	if (result) {
		rds_op_free(op);
		return result;
	}
	rds_blob_object(entry->id, object);
	result = rds_op_run(op, object, f->deadline, &error);
	if (result)
		return result;
	if (error)
		result = rds_failed(f->store, op->link, error, false);
	else if (op->data_len != entry->len)
		result = PONTO_ECORRUPT;
	if (result == PONTO_ENOENT)
		result = ++f->lost < BLOB_LOST ? RDS_AGAIN : PONTO_ECORRUPT;
	if (result)
		rds_op_free(op);
	else
		*out = op;
	return result;
}

/* One attempt. RDS_AGAIN: now the guess is better. */
static int attempt(struct fetch *f, struct rds_value *out)
{
	struct ponto_bytes raw = {NULL, 0}, guess = ponto_bytes(f->guess, f->guess_len);
	struct rds_entry place, entry;
	struct rds_op *op, *blob = NULL;
	bool placed = f->guess_len > 0 && rds_entry_decode(guess, &place) && place.kind == RDS_EXTENT;
	int result = ask(f, placed ? &place : NULL, &op, &raw);

	if (result) {
		if (result == PONTO_ENOENT)
			rds_hint_set(&f->store->hints, f->hash, NULL, 0);
		return result;
	}
	if (!rds_entry_decode(raw, &entry))
		result = PONTO_ECORRUPT;
	else if (rds_entry_expired(&entry, ponto_wall(f->store->env->clock)))
		result = PONTO_ENOENT;
	else if (entry.kind == RDS_EXTENT && !(placed && ponto_bytes_equal(raw, guess)))
		result = RDS_AGAIN;
	else if (entry.kind == RDS_EXTENT && op->data_len != entry.len)
		result = PONTO_ECORRUPT;
	if (!result && entry.kind == RDS_BLOB)
		result = ask_blob(f, &entry, &blob);
	if (raw.len > 0 && raw.len <= RDS_PLACED_MAX) {
		memcpy(out->placed, raw.data, raw.len);
		if (result == RDS_AGAIN)
			memcpy(f->guess, raw.data, raw.len);
		f->guess_len = raw.len;
	}
	if (result) {
		f->cold = true;
		rds_op_free(op);
		return result;
	}
	out->entry = entry;
	out->raw = entry.kind == RDS_INLINE ? raw : ponto_bytes(out->placed, raw.len);
	out->op = op;
	out->value = entry.kind == RDS_INLINE ? entry.value : ponto_bytes(op->data, entry.len);
	rds_hint_set(&f->store->hints, f->hash, out->placed, entry.kind == RDS_EXTENT ? raw.len : 0);
	if (entry.kind == RDS_BLOB) {
		rds_op_free(op);
		out->op = blob;
		out->value = ponto_bytes(blob->data, entry.len);
	}
	return PONTO_OK;
}

int rds_fetch(struct rds_store *store, const char *object, struct ponto_bytes key, struct ponto_bytes guess,
	      uint64_t deadline, struct rds_value *out)
{
	struct fetch f = {.store = store, .object = object, .key = key, .deadline = deadline};
	int result = RDS_AGAIN;

	f.hash = rds_hint_hash(ponto_bytes(object, strlen(object)), key);
	if (guess.len > 0 && guess.len <= RDS_PLACED_MAX) {
		memcpy(f.guess, guess.data, guess.len);
		f.guess_len = guess.len;
	} else {
		f.guess_len = rds_hint_get(&store->hints, f.hash, f.guess);
	}
	for (unsigned i = 0; result == RDS_AGAIN && i < TRIES; i++)
		result = attempt(&f, out);
	return result == RDS_AGAIN ? PONTO_EIO : result;
}

int rds_get(void *self, struct ponto_bytes group, struct ponto_bytes key, uint64_t deadline,
	    const struct ponto_alloc *alloc, uint8_t **value, size_t *len, uint64_t *expires)
{
	struct rds_store *store = self;
	char object[RDS_OBJECT_MAX], name[RDS_KEY_MAX];
	struct rds_value found;
	uint8_t *copy;
	int result = ponto_store_check_record(group, key, 0, 0);

	if (result)
		return result;
	rds_object_name(group, object);
	result = rds_fetch(store, object, ponto_bytes(name, rds_key_name(key, name)), ponto_bytes(NULL, 0), deadline,
			   &found);
	if (result)
		return result;
	copy = ponto_bytes_dup(alloc, found.value);
	if (!copy) {
		result = PONTO_ENOMEM;
	} else if (rds_late(store, deadline)) {
		ponto_free(alloc, copy);
		result = PONTO_ETIME;
	} else {
		*value = copy;
		*len = found.value.len;
		if (expires)
			*expires = found.entry.expires;
	}
	rds_value_free(&found);
	return result;
}
