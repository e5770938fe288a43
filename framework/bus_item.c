/* The hand-over of items from the broker to the components' threads, over inproc. */
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
	ponto_free(alloc, item);
}

int bus_item_send(void *router, struct bus_item *item)
{
	int sent;

	BUS_TSAN_RELEASE(item);
	do {
		sent = zmq_send(router, item->route, strlen(item->route), ZMQ_SNDMORE | ZMQ_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return PONTO_EUNREACH;
	do {
		sent = zmq_send(router, &item, sizeof(item), ZMQ_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? PONTO_EUNREACH : PONTO_OK;
}

struct bus_item *bus_item_receive(void *dealer)
{
	struct bus_item *item;
	int got;

	do {
		got = zmq_recv(dealer, &item, sizeof(item), ZMQ_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return NULL;
	BUS_TSAN_ACQUIRE(item);
	return item;
}
