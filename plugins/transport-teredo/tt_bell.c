#include "plugins/transport-teredo/tt.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void rung(void *arg, unsigned events)
{
	struct tt_bell *bell = arg;
	uint64_t count;

	(void)events;
	/* One ring or many, it is emptied; not blocking. */
	if (read(bell->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		bell->fn(bell->arg);
}

int tt_bell_open(struct tt_bell *bell, struct ponto_loop *loop, ponto_loop_fn *fn, void *arg)
{
	int result;

	*bell = (struct tt_bell){.loop = loop, .fd = -1, .fn = fn, .arg = arg};
	if (ponto_loop_sim(loop))
		return ponto_timer_create(loop, fn, arg, &bell->timer);
	bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (bell->fd < 0)
		return PONTO_EIO;
	result = ponto_watch_create(loop, bell->fd, PONTO_READABLE, rung, bell, &bell->watch);
	if (result != PONTO_OK) {
		close(bell->fd);
		bell->fd = -1;
	}
	return result;
}

void tt_bell_ring(struct tt_bell *bell)
{
	if (bell->timer) {
		ponto_timer_set(bell->loop, bell->timer, ponto_loop_now(bell->loop));
		return;
	}
	while (eventfd_write(bell->fd, 1) < 0 && errno == EINTR)
		;
}

void tt_bell_close(struct tt_bell *bell)
{
	if (bell->loop) {
		ponto_timer_destroy(bell->loop, bell->timer);
		ponto_watch_destroy(bell->loop, bell->watch);
	}
	if (bell->fd >= 0)
		close(bell->fd);
	*bell = (struct tt_bell){.fd = -1};
}
