#include "engines/ring/ring_reassembly.h"

#include <string.h>

void ring_reassembly_init(struct ring_reassembly *r, const struct ponto_alloc *alloc, uint32_t count_max,
			  uint32_t bytes_max)
{
	memset(r, 0, sizeof(*r));
	r->alloc = alloc;
	r->count_max = count_max;
	r->bytes_max = bytes_max;
}

void ring_reassembly_clear(struct ring_reassembly *r)
{
	while (r->list) {
		struct ring_partial *p = r->list;

		r->list = p->next;
		ponto_free(r->alloc, p);
	}
	r->count = r->bytes = 0;
}

static struct ring_partial **find(struct ring_reassembly *r, uint32_t message_id, const struct ponto_addr *from)
{
	struct ring_partial **at = &r->list;

	while (*at && ((*at)->message_id != message_id || !ponto_addr_equal(&(*at)->from, from)))
		at = &(*at)->next;
	return at;
}

static struct ring_partial *unlink_entry(struct ring_reassembly *r, struct ring_partial **at)
{
	struct ring_partial *p = *at;

	*at = p->next;
	r->count--;
	r->bytes -= (uint32_t)(sizeof(*p) + p->size);
	return p;
}

static int open_entry(struct ring_reassembly *r, const struct ring_fragment *f, struct ring_partial **at)
{
	size_t need = sizeof(struct ring_partial) + f->size;
	unsigned same_request = 0;
	struct ring_partial *p;

	for (p = r->list; p; p = p->next)
		same_request += p->acked_id == f->acked_id;
	if (r->count >= r->count_max || r->bytes + need > r->bytes_max || same_request >= RING_PER_REQUEST_MAX)
		return PONTO_ELIMIT;
	p = ponto_new(r->alloc, 1, need);
	if (!p)
		return PONTO_ENOMEM;
	p->from = f->from;
	p->message_id = f->message_id;
	p->acked_id = f->acked_id;
	p->size = f->size;
	*at = p;
	r->count++;
	r->bytes += (uint32_t)need;
	return PONTO_OK;
}

static uint32_t all_fragments(const struct ring_fragment *f)
{
	unsigned count = (f->size + f->unit - 1u) / f->unit;

	return count >= 32 ? UINT32_MAX : (UINT32_C(1) << count) - 1;
}

/* Within size, and full unless the last. */
static bool sound(const struct ring_fragment *f)
{
	size_t end = (size_t)f->offset + f->data.len;

	return f->data.len > 0 && end <= f->size && f->offset % f->unit == 0 &&
	       f->size <= (size_t)f->unit * RING_FRAGMENTS_MAX && f->data.len <= f->unit &&
	       (f->data.len == f->unit || end == f->size);
}

int ring_reassembly_add(struct ring_reassembly *r, const struct ring_fragment *f, struct ring_partial **whole)
{
	struct ring_partial **at = find(r, f->message_id, &f->from);
	struct ring_partial *p;
	int result;

	if (!sound(f) || (*at && ((*at)->size != f->size || (*at)->acked_id != f->acked_id))) {
		if (*at)
			ponto_free(r->alloc, unlink_entry(r, at));
		return PONTO_EPROTO;
	}
	if (!*at) {
		result = open_entry(r, f, at);
		if (result)
			return result;
	}
	p = *at;
	memcpy(p->bytes + f->offset, f->data.data, f->data.len);
	p->have |= UINT32_C(1) << (f->offset / f->unit);
	if (p->have != all_fragments(f))
		return PONTO_EBUSY;
	*whole = unlink_entry(r, at);
	return PONTO_OK;
}

void ring_reassembly_release(struct ring_reassembly *r, struct ring_partial *whole)
{
	ponto_free(r->alloc, whole);
}

void ring_reassembly_forget(struct ring_reassembly *r, uint32_t acked_id)
{
	struct ring_partial **at = &r->list;

	while (*at) {
		if ((*at)->acked_id == acked_id)
			ponto_free(r->alloc, unlink_entry(r, at));
		else
			at = &(*at)->next;
	}
}
