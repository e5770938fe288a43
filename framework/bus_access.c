/* Who may connect: the daemon's own user, root, and one configured group; remote administrators by their CURVE
 * key. libzmq asks through ZAP (RFC 27) before a connection's first message is read. */
#include "framework/bus_private.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ZAP_FRAMES 8
#define ZAP_FRAME_SIZE 256

static bool read_number(const char **text, uint64_t max, char end, uint64_t *out)
{
	uint64_t value = 0;
	const char *p = *text;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > max)
			return false;
	}
	if (*p != end)
		return false;
	*text = end ? p + 1 : p;
	*out = value;
	return true;
}

int bus_peer_parse(const char *text, uint32_t *uid, uint32_t *gid, int32_t *pid)
{
	static const char host[] = "localhost:";
	uint64_t u, g, p;

	if (strncmp(text, host, sizeof(host) - 1) != 0)
		return PONTO_EPROTO;
	text += sizeof(host) - 1;
	if (!read_number(&text, UINT32_MAX - 1, ':', &u) || !read_number(&text, UINT32_MAX - 1, ':', &g) ||
	    !read_number(&text, INT32_MAX, '\0', &p))
		return PONTO_EPROTO;
	*uid = (uint32_t)u;
	*gid = (uint32_t)g;
	*pid = (int32_t)p;
	return PONTO_OK;
}

int bus_access_group(struct bus_access *access, const char *group)
{
	static const size_t size = 65536;
	char *buffer = malloc(size);
	struct group entry, *found = NULL;
	struct passwd user, *known;
	char user_buffer[4096];

	if (!buffer)
		return PONTO_ENOMEM;
	if (getgrnam_r(group, &entry, buffer, size, &found) != 0 || !found) {
		free(buffer);
		return PONTO_ENOENT;
	}
	access->group_set = true;
	access->group = found->gr_gid;
	for (char **name = found->gr_mem; *name && access->member_count < BUS_MEMBERS_MAX; name++) {
		known = NULL;
		if (getpwnam_r(*name, &user, user_buffer, sizeof(user_buffer), &known) == 0 && known)
			access->members[access->member_count++] = known->pw_uid;
	}
	free(buffer);
	return PONTO_OK;
}

bool bus_access_local(const struct bus_access *access, uint32_t uid, uint32_t gid)
{
	if (uid == 0 || uid == access->own_uid)
		return true;
	if (!access->group_set)
		return false;
	if (gid == access->group)
		return true;
	for (size_t i = 0; i < access->member_count; i++) {
		if (access->members[i] == uid)
			return true;
	}
	return false;
}

bool bus_access_curve(const struct bus_access *access, const uint8_t key[32])
{
	bool known = false;

	for (size_t i = 0; i < access->curve_client_count; i++)
		known |= ponto_bytes_equal_secret(ponto_bytes(access->curve_clients[i], 32), ponto_bytes(key, 32));
	return known;
}

struct zap_frame {
	uint8_t data[ZAP_FRAME_SIZE + 1];
	size_t len;
};

/* version, request id, domain, address, identity, mechanism, credentials */
static bool zap_receive(void *socket, struct zap_frame frames[ZAP_FRAMES], size_t *count)
{
	int more = 1;
	size_t size = sizeof(more);

	*count = 0;
	while (more) {
		uint8_t scratch[ZAP_FRAME_SIZE];
		struct zap_frame *f = *count < ZAP_FRAMES ? &frames[(*count)++] : NULL;
		int got;

		do {
			got = zmq_recv(socket, f ? f->data : scratch, ZAP_FRAME_SIZE, ZMQ_DONTWAIT);
		} while (got < 0 && errno == EINTR);
		if (got < 0)
			return false;
		if (f) {
			f->len = got > ZAP_FRAME_SIZE ? 0 : (size_t)got; /* longer than any we know: matches nothing */
			f->data[f->len] = '\0';
		}
		if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) != 0)
			return false;
	}
	return true;
}

static bool zap_allowed(const struct bus_access *access, const struct zap_frame *f, size_t count)
{
	const char *mechanism = (const char *)f[5].data;
	uint32_t uid, gid;
	int32_t pid;

	if (count < 6 || strcmp((const char *)f[0].data, "1.0") != 0)
		return false;
	if (strcmp((const char *)f[2].data, "ponto") == 0)
		return strcmp(mechanism, "NULL") == 0 &&
		       bus_peer_parse((const char *)f[3].data, &uid, &gid, &pid) == PONTO_OK &&
		       bus_access_local(access, uid, gid);
	if (strcmp((const char *)f[2].data, "ponto-remote") == 0)
		return strcmp(mechanism, "CURVE") == 0 && count == 7 && f[6].len == 32 &&
		       bus_access_curve(access, f[6].data);
	return false;
}

static void zap_answer(void *socket, const struct zap_frame *id, bool allowed)
{
	static const char *const texts[2][3] = {{"400", "not permitted", ""}, {"200", "", ""}};

	/* failing sends: the asking session has gone, libzmq drops the rest */
	(void)zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
	(void)zmq_send(socket, id->data, id->len, ZMQ_SNDMORE);
	for (size_t i = 0; i < 3; i++)
		(void)zmq_send(socket, texts[allowed][i], strlen(texts[allowed][i]), ZMQ_SNDMORE);
	(void)zmq_send(socket, "", 0, 0);
}

bool bus_access_serve(const struct bus_access *access, void *socket, struct ponto_log *log,
		      struct ponto_counter *refused)
{
	struct zap_frame frames[ZAP_FRAMES];
	size_t count;
	bool allowed;

	memset(frames, 0, sizeof(frames));
	if (!zap_receive(socket, frames, &count))
		return false;
	allowed = zap_allowed(access, frames, count);
	if (!allowed) {
		ponto_counter_add(refused, 1);
		ponto_warning(log, "bus.access", "refused a connection from %s (%s)", (const char *)frames[3].data,
			      (const char *)frames[2].data);
	}
	zap_answer(socket, &frames[1], allowed);
	return true;
}
