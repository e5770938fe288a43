#include "plugins/transport-sim/sim_internal.h"

#include <string.h>

/* Packets are cut from slabs by size and used again, so that a world in its stride allocates nothing. */

struct sim_slab {
	struct sim_slab *next;
	uint8_t packets[]; /* from the first whole cache line on */
};

static const struct {
	size_t room;  /* bytes of payload */
	size_t count; /* packets a slab */
} classes[SIM_SIZE_CLASSES] = {{512, 64}, {2048, 16}, {SIM_PAYLOAD_MAX, 1}};

static bool add_slab(struct sim_packets *packets, uint8_t size_class)
{
	size_t align = PONTO_CACHE_LINE;
	size_t stride = (sizeof(struct sim_packet) + SIM_SENDER + classes[size_class].room + align - 1) / align * align;
	struct sim_slab *slab =
		ponto_resize(packets->alloc, NULL, 1, sizeof(*slab) + align + stride * classes[size_class].count);
	uint8_t *first;

	if (!slab)
		return false;
	slab->next = packets->slabs;
	packets->slabs = slab;
	first = slab->packets + -(uintptr_t)slab->packets % align;
	for (size_t i = 0; i < classes[size_class].count; i++) {
		struct sim_packet *packet = (struct sim_packet *)(void *)(first + i * stride);

		packet->size_class = size_class;
		sim_packet_free(packets, packet);
	}
	return true;
}

struct sim_packet *sim_packet_new(struct sim_packets *packets, const struct ponto_datagram *d)
{
	struct sim_packet *packet;
	uint8_t size_class = 0;

	while (d->data.len > classes[size_class].room)
		size_class++;
	if (!packets->spare[size_class] && !add_slab(packets, size_class))
		return NULL;
	packet = packets->spare[size_class];
	packets->spare[size_class] = packet->next;
	packet->datagram = *d;
	packet->datagram.data.data = packet->traced + SIM_SENDER;
	memcpy(packet->traced, d->peer.ip, SIM_SENDER);
	if (d->data.len > 0)
		memcpy(packet->traced + SIM_SENDER, d->data.data, d->data.len);
	return packet;
}

void sim_packet_free(struct sim_packets *packets, struct sim_packet *packet)
{
	packet->next = packets->spare[packet->size_class];
	packets->spare[packet->size_class] = packet;
}

void sim_packets_fini(struct sim_packets *packets)
{
	while (packets->slabs) {
		struct sim_slab *slab = packets->slabs;

		packets->slabs = slab->next;
		ponto_free(packets->alloc, slab);
	}
}
