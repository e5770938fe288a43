#include "plugins/service-teredo-relay/teredo_tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TURN 64 /* packets read before others have theirs */

struct teredo_tun {
	const struct ponto_env *env;
	struct teredo_tun_events events;
	void *arg;
	struct ponto_watch *watch;
	int fd;
	bool closed, busy;
	uint8_t packet[TEREDO_TUN_PACKET];
};

bool teredo_tun_fits(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (strlen(text) < IFNAMSIZ && !strchr(text, '/') && !strchr(text, '%') && !strchr(text, ' '))
		return true;
	snprintf(why, size, "\"%s\" is no name of an interface", text);
	return false;
}

static void release(struct teredo_tun *tun)
{
	ponto_free(tun->env->alloc, tun);
}

void teredo_tun_close(struct teredo_tun *tun)
{
	if (!tun)
		return;
	ponto_watch_destroy(tun->env->loop, tun->watch);
	tun->watch = NULL;
	if (tun->fd >= 0)
		close(tun->fd);
	tun->fd = -1;
	tun->closed = true;
	if (!tun->busy)
		release(tun);
}

static void readable(void *arg, unsigned events)
{
	struct teredo_tun *tun = arg;

	(void)events;
	tun->busy = true;
	for (unsigned i = 0; i < TURN && !tun->closed; i++) {
		ssize_t n = read(tun->fd, tun->packet, sizeof(tun->packet));

		if (n <= 0)
			break;
		/* The host sends IPv4 into it as well, if it is told to. */
		if (tun->events.receive && tun->packet[0] >> 4 == 6)
			tun->events.receive(tun->arg, ponto_bytes(tun->packet, (size_t)n));
	}
	if (tun->events.drained && !tun->closed)
		tun->events.drained(tun->arg);
	tun->busy = false;
	if (tun->closed)
		release(tun);
}

/* Only an interface that is there already: with the name of none the kernel would make one, given the privilege, that
 * nobody routes into. */
static int attach(struct teredo_tun *tun, const char *topic, const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	struct ponto_log *log = tun->env->log;

	if (if_nametoindex(name) == 0) {
		ponto_error(log, topic, "no interface '%s': ip tuntap add dev %s mode tun user USER makes one", name,
			    name);
		return PONTO_ECONF;
	}
	tun->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun->fd < 0) {
		ponto_error(log, topic, "/dev/net/tun: %s", strerror(errno));
		return errno == EACCES || errno == EPERM ? PONTO_EACCES : PONTO_EIO;
	}
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(tun->fd, TUNSETIFF, &request) == 0)
		return PONTO_OK;
	if (errno == EPERM) {
		ponto_error(log, topic, "the interface '%s' belongs to somebody else", name);
		return PONTO_EACCES;
	}
	ponto_error(log, topic, "the interface '%s' cannot be used: %s", name, strerror(errno));
	return PONTO_EIO;
}

int teredo_tun_open(const struct ponto_env *env, const char *topic, const char *name,
		    const struct teredo_tun_events *events, void *arg, struct teredo_tun **out)
{
	struct teredo_tun *tun;
	int result;

	if (env->simulation) {
		ponto_error(env->log, topic, "a simulated node has no interfaces");
		return PONTO_ECONF;
	}
	tun = ponto_new(env->alloc, 1, sizeof(*tun));
	if (!tun)
		return PONTO_ENOMEM;
	tun->env = env;
	if (events)
		tun->events = *events;
	tun->arg = arg;
	tun->fd = -1;
	result = attach(tun, topic, name);
	if (result == PONTO_OK)
		result = ponto_watch_create(env->loop, tun->fd, PONTO_READABLE, readable, tun, &tun->watch);
	if (result != PONTO_OK) {
		teredo_tun_close(tun);
		return result;
	}
	*out = tun;
	return PONTO_OK;
}

int teredo_tun_send(struct teredo_tun *tun, struct ponto_bytes packet)
{
	ssize_t n;

	do {
		n = write(tun->fd, packet.data, packet.len);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)packet.len ? PONTO_OK : PONTO_EIO;
}
