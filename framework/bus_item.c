/* The hand-over of items between the broker and the components' threads, over inproc. */
#include "framework/bus_private.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

void bus_item_free(const struct ponto_alloc *alloc, struct bus_item *item)
{
	if (!item)
		return;
	if (item->kind == BUS_ITEM_CALL) {
		struct bus_call *call = (struct bus_call *)item;

		bus_call_free(alloc, call->request);
		ponto_free(alloc, call->reply);
	}
	ponto_free(alloc, item->data);
	ponto_free(alloc, item);
}

int bus_item_send(void *socket, struct bus_item *item, bool wait)
{
	int sent;

	BUS_TSAN_RELEASE(item);
	do {
		sent = zmq_send(socket, &item, sizeof(item), wait ? 0 : ZMQ_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent == (int)sizeof(item))
		return PONTO_OK;
	return errno == EAGAIN ? PONTO_EBUSY : PONTO_EUNREACH;
}

static int receive(void *socket, void *data, size_t size)
{
	int got;

	do {
		got = zmq_recv(socket, data, size, ZMQ_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	return got;
}

struct bus_item *bus_item_receive(void *socket, uint8_t *route, size_t *route_len)
{
	struct bus_item *item = NULL;
	int got;

	if (route) {
		got = receive(socket, route, BUS_ROUTE_MAX);
		if (got < 0)
			return NULL;
		*route_len = (size_t)got;
	}
	got = receive(socket, &item, sizeof(item));
	if (got != (int)sizeof(item))
		return NULL;
	BUS_TSAN_ACQUIRE(item);
	return item;
}
