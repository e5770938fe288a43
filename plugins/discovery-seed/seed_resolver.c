#include "plugins/discovery-seed/seed_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS_MAX 2u

struct question {
	struct question *next;
	char host[PONTO_SEED_HOST];
	uint8_t family;
	struct seed_answer answer;
};

struct queue {
	struct question *head, *tail;
};

struct seed_resolver {
	pthread_mutex_t lock;
	unsigned threads; /* at work; the last one out after closing frees all */
	bool closed;
	int fd;
	struct queue asked, answered;
};

static void push(struct queue *queue, struct question *q)
{
	q->next = NULL;
	if (queue->tail)
		queue->tail->next = q;
	else
		queue->head = q;
	queue->tail = q;
}

static struct question *pop(struct queue *queue)
{
	struct question *q = queue->head;

	if (q) {
		queue->head = q->next;
		if (!queue->head)
			queue->tail = NULL;
	}
	return q;
}

static void dispose(struct seed_resolver *resolver)
{
	struct question *q;

	while ((q = pop(&resolver->asked)) || (q = pop(&resolver->answered)))
		free(q);
	close(resolver->fd);
	pthread_mutex_destroy(&resolver->lock);
	free(resolver);
}

int seed_resolver_create(struct seed_resolver **out)
{
	struct seed_resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return PONTO_ENOMEM;
	resolver->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resolver->fd < 0) {
		free(resolver);
		return PONTO_EBUSY;
	}
	pthread_mutex_init(&resolver->lock, NULL);
	*out = resolver;
	return PONTO_OK;
}

void seed_resolver_close(struct seed_resolver *resolver)
{
	bool last;

	if (!resolver)
		return;
	pthread_mutex_lock(&resolver->lock);
	resolver->closed = true;
	last = resolver->threads == 0;
	pthread_mutex_unlock(&resolver->lock);
	if (last)
		dispose(resolver);
}

int seed_resolver_fd(const struct seed_resolver *resolver)
{
	return resolver->fd;
}

/* One sockaddr into our form; false for a family that is none of ours. */
static bool convert(const struct addrinfo *from, struct ponto_addr *to)
{
	memset(to, 0, sizeof(*to));
	if (from->ai_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)from->ai_addr;

		to->family = PONTO_FAMILY_IPV6;
		to->zone = sin6->sin6_scope_id;
		memcpy(to->ip, &sin6->sin6_addr, 16);
	} else if (from->ai_family == AF_INET) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)from->ai_addr;

		to->family = PONTO_FAMILY_IPV4;
		memcpy(to->ip, &sin->sin_addr, 4);
	}
	return to->family != PONTO_FAMILY_NONE;
}

static void resolve(struct question *q)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
	struct seed_answer *answer = &q->answer;

	hints.ai_family = q->family == PONTO_FAMILY_IPV6   ? AF_INET6
			  : q->family == PONTO_FAMILY_IPV4 ? AF_INET
							   : AF_UNSPEC;
	answer->error = getaddrinfo(q->host, NULL, &hints, &list);
	if (answer->error) {
		snprintf(answer->reason, sizeof(answer->reason), "%s", gai_strerror(answer->error));
		return;
	}
	for (const struct addrinfo *ai = list; ai && answer->count < SEED_ANSWER_MAX; ai = ai->ai_next)
		if (convert(ai, &answer->addrs[answer->count]))
			answer->count++;
	freeaddrinfo(list);
}

static void *work(void *arg)
{
	struct seed_resolver *resolver = arg;
	const uint64_t one = 1;
	struct question *q;
	bool last;

	pthread_mutex_lock(&resolver->lock);
	while (!resolver->closed && (q = pop(&resolver->asked))) {
		pthread_mutex_unlock(&resolver->lock);
		resolve(q);
		pthread_mutex_lock(&resolver->lock);
		push(&resolver->answered, q);
		if (!resolver->closed && write(resolver->fd, &one, sizeof(one)) < 0)
			continue; /* full: then it is readable already */
	}
	resolver->threads--;
	last = resolver->closed && resolver->threads == 0;
	pthread_mutex_unlock(&resolver->lock);
	if (last)
		dispose(resolver);
	return NULL;
}

/* The caller holds the lock. */
static bool start_thread(struct seed_resolver *resolver)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int failed;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all); /* signals belong to the program's own threads */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(&thread, &attr, work, resolver);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (!failed)
		resolver->threads++;
	return !failed;
}

int seed_resolver_ask(struct seed_resolver *resolver, const char *host, uint8_t family, size_t tag)
{
	struct question *q = calloc(1, sizeof(*q));
	int result = PONTO_OK;

	if (!q)
		return PONTO_ENOMEM;
	snprintf(q->host, sizeof(q->host), "%s", host);
	q->family = family;
	q->answer.tag = tag;
	pthread_mutex_lock(&resolver->lock);
	if (resolver->threads < THREADS_MAX && !start_thread(resolver) && resolver->threads == 0) {
		result = PONTO_EBUSY;
		free(q);
	} else {
		push(&resolver->asked, q);
	}
	pthread_mutex_unlock(&resolver->lock);
	return result;
}

bool seed_resolver_take(struct seed_resolver *resolver, struct seed_answer *out)
{
	struct question *q;
	uint64_t count;

	pthread_mutex_lock(&resolver->lock);
	q = pop(&resolver->answered);
	if (!q && read(resolver->fd, &count, sizeof(count)) < 0)
		count = 0; /* nothing there: as it should be */
	pthread_mutex_unlock(&resolver->lock);
	if (!q)
		return false;
	*out = q->answer;
	free(q);
	return true;
}

static socklen_t to_sockaddr(const struct ponto_addr *addr, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *sin = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (addr->family == PONTO_FAMILY_IPV6) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(addr->port);
		sin6->sin6_scope_id = addr->zone;
		memcpy(&sin6->sin6_addr, addr->ip, 16);
		return sizeof(*sin6);
	}
	sin->sin_family = AF_INET;
	sin->sin_port = htons(addr->port);
	memcpy(&sin->sin_addr, addr->ip, 4);
	return sizeof(*sin);
}

static void from_sockaddr(const struct sockaddr_storage *in, struct ponto_addr *out)
{
	struct addrinfo info = {.ai_family = in->ss_family, .ai_addr = (struct sockaddr *)(uintptr_t)in};

	if (!convert(&info, out))
		*out = (struct ponto_addr){0};
}

void seed_source_of(const struct ponto_addr *addr, struct ponto_addr *out)
{
	struct sockaddr_storage storage;
	socklen_t len = to_sockaddr(addr, &storage);
	int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*out = (struct ponto_addr){0};
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&storage, len) == 0) {
		len = sizeof(storage);
		if (getsockname(fd, (struct sockaddr *)&storage, &len) == 0)
			from_sockaddr(&storage, out);
	}
	close(fd);
}
