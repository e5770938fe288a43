/* NAT-PMP by libnatpmp. RFC 6886. */
#include "plugins/mapping-gateway/map.h"

#include <errno.h>
#include <natpmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 3000 /* RFC 6886 3.1: sent again after 250, 500, 1000 ms, … */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *words(int error)
{
	switch (error) {
	case NATPMP_ERR_NOTAUTHORIZED:
		return "not authorized";
	case NATPMP_ERR_NETWORKFAILURE:
		return "the gateway has no address outside";
	case NATPMP_ERR_OUTOFRESOURCES:
		return "out of resources";
	case NATPMP_ERR_UNSUPPORTEDVERSION:
	case NATPMP_ERR_UNSUPPORTEDOPCODE:
		return "not spoken there";
	case NATPMP_ERR_NOGATEWAYSUPPORT:
		return "nothing listens there";
	default:
		return "no answer";
	}
}

static enum map_result failed(int error, struct map_answer *out)
{
	bool no = error == NATPMP_ERR_NOTAUTHORIZED || error == NATPMP_ERR_NETWORKFAILURE ||
		  error == NATPMP_ERR_OUTOFRESOURCES;

	snprintf(out->words, sizeof(out->words), "%s", words(error));
	return no ? MAP_REFUSED : MAP_SILENT;
}

/* Waits for the answer to what was sent, of that type. 0, or the library's error. */
static int answered(natpmp_t *n, uint16_t type, int64_t until, natpmpresp_t *response)
{
	struct pollfd p = {.fd = n->s, .events = POLLIN};
	struct timeval again;
	int result, wait;

	for (;;) {
		int64_t left = until - now_ms();

		if (left <= 0)
			return NATPMP_TRYAGAIN;
		wait = (int)left;
		if (getnatpmprequesttimeout(n, &again) == 0 && again.tv_sec * 1000 + again.tv_usec / 1000 < left)
			wait = (int)(again.tv_sec * 1000 + again.tv_usec / 1000);
		if (poll(&p, 1, wait < 0 ? 0 : wait) < 0 && errno != EINTR)
			return NATPMP_ERR_RECVFROM;
		memset(response, 0, sizeof(*response));
		result = readnatpmpresponseorretry(n, response);
		/* Of another type, or not from there: not the answer. */
		if (result == NATPMP_TRYAGAIN || result == NATPMP_ERR_WRONGPACKETSOURCE ||
		    (result == 0 && response->type != type))
			continue;
		return result;
	}
}

static int ask(natpmp_t *n, const struct map_task *t, uint16_t external, uint32_t lifetime, int64_t until,
	       natpmpresp_t *response)
{
	if (sendnewportmappingrequest(n, t->tcp ? NATPMP_PROTOCOL_TCP : NATPMP_PROTOCOL_UDP, t->port, external,
				      lifetime) < 0)
		return NATPMP_ERR_SENDERR;
	return answered(n, t->tcp ? NATPMP_RESPTYPE_TCPPORTMAPPING : NATPMP_RESPTYPE_UDPPORTMAPPING, until, response);
}

static enum map_result talk(natpmp_t *n, const struct map_task *t, struct map_answer *out)
{
	int64_t until = now_ms() + PATIENCE_MS;
	natpmpresp_t r;
	int error;

	if (t->unmap) {
		error = ask(n, t, 0, 0, until, &r);
		return error ? failed(error, out) : MAP_GIVEN_BACK;
	}
	error = sendpublicaddressrequest(n) < 0 ? NATPMP_ERR_SENDERR
						: answered(n, NATPMP_RESPTYPE_PUBLICADDRESS, until, &r);
	if (error)
		return failed(error, out);
	out->external = r.pnu.publicaddress.addr;
	error = ask(n, t, t->external, t->lifetime, now_ms() + PATIENCE_MS, &r);
	if (error)
		return failed(error, out);
	out->port = r.pnu.newportmapping.mappedpublicport;
	out->lifetime = r.pnu.newportmapping.lifetime;
	if (r.pnu.newportmapping.privateport != t->port || !out->port || !out->lifetime || !out->external.s_addr) {
		snprintf(out->words, sizeof(out->words), "an answer that makes no sense");
		return MAP_SILENT;
	}
	if (t->exact && out->port != t->external) {
		if (ask(n, t, 0, 0, now_ms() + PATIENCE_MS, &r))
			out->lifetime = 0; /* it expires */
		snprintf(out->words, sizeof(out->words), "port %u is taken", t->external);
		return MAP_REFUSED;
	}
	return MAP_HELD;
}

enum map_result map_natpmp(const struct map_task *task, struct map_answer *out)
{
	enum map_result result;
	natpmp_t n;

	if (initnatpmp(&n, 1, task->gateway.s_addr) < 0)
		return failed(NATPMP_ERR_CONNECTERR, out);
	result = talk(&n, task, out);
	closenatpmp(&n);
	return result;
}
