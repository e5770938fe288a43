/* Handles of either kind begin with their calls. */
#include "plugins/stack-netns/stack.h"

struct head {
	const struct ponto_transport_ops *ops;
};

static const struct ponto_transport_ops *of_stream(struct ponto_stream_handle *s)
{
	return ((struct head *)(void *)s)->ops;
}

static const struct ponto_transport_ops *of_listener(struct ponto_listener_handle *l)
{
	return ((struct head *)(void *)l)->ops;
}

int stack_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg)
{
	return of_stream(s)->adopt(s, events, arg);
}

int stack_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken)
{
	return of_stream(s)->write(s, data, taken);
}

void stack_resume(struct ponto_stream_handle *s)
{
	of_stream(s)->resume(s);
}

int stack_shutdown(struct ponto_stream_handle *s)
{
	return of_stream(s)->shutdown(s);
}

void stack_abort(struct ponto_stream_handle *s)
{
	of_stream(s)->abort(s);
}

int stack_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer)
{
	return of_stream(s)->ends(s, local, peer);
}

void stack_unlisten(struct ponto_listener_handle *l)
{
	of_listener(l)->unlisten(l);
}

int stack_listening(struct ponto_listener_handle *l, struct ponto_addr *out)
{
	return of_listener(l)->listening(l, out);
}
