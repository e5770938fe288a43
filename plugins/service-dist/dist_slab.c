#include "plugins/service-dist/dist_slab.h"

#include <string.h>

void dist_slab_init(struct dist_slab *slab, const struct ponto_alloc *alloc, size_t size)
{
	*slab = (struct dist_slab){.alloc = alloc, .size = size};
}

void dist_slab_clear(struct dist_slab *slab)
{
	for (size_t i = 0; i < slab->room; i++)
		ponto_free(slab->alloc, slab->pieces[i]);
	ponto_free(slab->alloc, slab->pieces);
	dist_slab_init(slab, slab->alloc, slab->size);
}

static bool make_room(struct dist_slab *slab, size_t piece)
{
	size_t room = slab->room ? 2 * slab->room : 4;
	uint8_t **pieces;

	if (piece < slab->room)
		return true;
	pieces = ponto_resize(slab->alloc, slab->pieces, room, sizeof(*pieces));
	if (!pieces)
		return false;
	memset(pieces + slab->room, 0, (room - slab->room) * sizeof(*pieces));
	slab->pieces = pieces;
	slab->room = room;
	return true;
}

uint32_t dist_slab_take(struct dist_slab *slab)
{
	uint32_t number = slab->free ? slab->free : slab->made + 1;
	size_t piece = number / DIST_SLAB_PIECE;
	uint8_t *thing;

	if (number == 0 || !make_room(slab, piece))
		return 0;
	if (!slab->pieces[piece])
		slab->pieces[piece] = ponto_new(slab->alloc, DIST_SLAB_PIECE, slab->size);
	if (!slab->pieces[piece])
		return 0;
	thing = dist_slab_at(slab, number);
	if (slab->free)
		memcpy(&slab->free, thing, sizeof(slab->free));
	else
		slab->made = number;
	memset(thing, 0, slab->size);
	return number;
}

void dist_slab_give(struct dist_slab *slab, uint32_t number)
{
	uint8_t *thing = dist_slab_at(slab, number);

	ponto_wipe(thing, slab->size);
	memcpy(thing, &slab->free, sizeof(slab->free));
	slab->free = number;
}
