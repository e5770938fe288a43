/* UPnP's Internet gateway devices by miniupnpc. Only the gateway itself is asked: what else answers a search, or where
 * else a device points to, is not. */
#include "plugins/mapping-gateway/map.h"

#include <arpa/inet.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/miniwget.h>
#include <miniupnpc/upnpcommands.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SEARCH_MS 1500
#define SEARCHES 2 /* a datagram may be lost. UPnP Device Architecture 1.1, 1.3.2 */
#define TTL 2
#define DEVICES 4 /* that are looked at */
#define OTHER_PORTS 4
#define FIRST_PORT 49152u
#define HTTP_OK 200

enum { CONFLICT = 718, PERMANENT_ONLY = 725, NOT_AUTHORIZED = 606, NO_SUCH_ENTRY = 714 };

/* Printable, without blanks, and short: it goes through a line of text. */
static bool plain(const char *text, size_t most)
{
	size_t len = strlen(text);

	if (len == 0 || len >= most)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

/* Whether url is http://GATEWAY/… or http://GATEWAY:PORT/…, the gateway by number. */
static bool at_gateway(const char *url, struct in_addr gateway)
{
	static const char scheme[] = "http://";
	char host[INET_ADDRSTRLEN];
	struct in_addr addr;
	size_t len;

	if (!url || !plain(url, MAP_URL) || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	url += sizeof(scheme) - 1;
	len = strcspn(url, ":/");
	if (len >= sizeof(host))
		return false;
	memcpy(host, url, len);
	host[len] = '\0';
	url += len;
	if (*url == ':')
		url += 1 + strspn(url + 1, "0123456789");
	return *url == '/' && inet_pton(AF_INET, host, &addr) == 1 && addr.s_addr == gateway.s_addr;
}

static bool connection(const char *type)
{
	static const char *const prefixes[] = {"urn:schemas-upnp-org:service:WANIPConnection:",
					       "urn:schemas-upnp-org:service:WANPPPConnection:"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(type, prefixes[i], strlen(prefixes[i])) == 0)
			return plain(type, MAP_TYPE);
	return false;
}

/* The control address of a device's connection, if it has one at the gateway. */
static bool look_at(const struct map_task *t, const struct UPNPDev *device, struct map_answer *out)
{
	struct IGDdatas data = {0};
	struct UPNPUrls urls = {0};
	char local[64];
	int size = 0, status = 0;
	char *xml = miniwget_getaddr(device->descURL, &size, local, sizeof(local), 0, &status);
	bool found = false;

	if (xml && status == HTTP_OK && size > 0) {
		parserootdesc(xml, size, &data);
		GetUPNPUrls(&urls, &data, device->descURL, 0);
		found = connection(data.first.servicetype) && at_gateway(urls.controlURL, t->gateway);
	}
	if (found) {
		snprintf(out->control, sizeof(out->control), "%s", urls.controlURL);
		snprintf(out->type, sizeof(out->type), "%s", data.first.servicetype);
	}
	FreeUPNPUrls(&urls);
	free(xml);
	return found;
}

static bool search(const struct map_task *t, struct map_answer *out)
{
	static const char *const types[] = {"urn:schemas-upnp-org:device:InternetGatewayDevice:1", NULL};
	unsigned looked = 0, elsewhere = 0;
	int error = 0;
	struct UPNPDev *devices = NULL;
	bool found = false;

	for (unsigned i = 0; i < SEARCHES && !devices; i++)
		devices = upnpDiscoverDevices(types, SEARCH_MS, t->local_text, "/nonexistent", UPNP_LOCAL_PORT_ANY, 0,
					      TTL, &error, 0);
	for (const struct UPNPDev *d = devices; d && !found && looked < DEVICES; d = d->pNext) {
		if (!at_gateway(d->descURL, t->gateway)) {
			elsewhere++;
			continue;
		}
		looked++;
		found = look_at(t, d, out);
	}
	freeUPNPDevlist(devices);
	if (!found)
		snprintf(out->words, sizeof(out->words), "%s",
			 looked	     ? "the gateway describes no connection of its own"
			 : elsewhere ? "only another host answers, not the gateway"
				     : "no answer");
	return found;
}

static enum map_result failed(int error, struct map_answer *out)
{
	if (error > 0)
		snprintf(out->words, sizeof(out->words), "%s, error %d",
			 error == CONFLICT	   ? "the port is taken"
			 : error == NOT_AUTHORIZED ? "not authorized"
						   : "refused",
			 error);
	else
		snprintf(out->words, sizeof(out->words), "the gateway's answer cannot be used");
	return error > 0 ? MAP_REFUSED : MAP_SILENT;
}

static int add(const struct map_task *t, const struct map_answer *at, uint16_t external, uint32_t *lifetime)
{
	char outside[8], inside[8], lease[16];
	int error;

	snprintf(outside, sizeof(outside), "%u", external);
	snprintf(inside, sizeof(inside), "%u", t->port);
	snprintf(lease, sizeof(lease), "%lu", (unsigned long)*lifetime);
	error = UPNP_AddPortMapping(at->control, at->type, outside, inside, t->local_text, t->description,
				    t->tcp ? "TCP" : "UDP", NULL, lease);
	if (error != PERMANENT_ONLY || !*lifetime)
		return error;
	*lifetime = 0;
	return UPNP_AddPortMapping(at->control, at->type, outside, inside, t->local_text, t->description,
				   t->tcp ? "TCP" : "UDP", NULL, "0");
}

static uint16_t drawn(void)
{
	uint16_t number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return (uint16_t)FIRST_PORT;
	return (uint16_t)(FIRST_PORT + number % (65536 - FIRST_PORT));
}

static enum map_result unmap(const struct map_task *t, struct map_answer *out)
{
	char outside[8];
	int error;

	snprintf(outside, sizeof(outside), "%u", t->external);
	error = UPNP_DeletePortMapping(out->control, out->type, outside, t->tcp ? "TCP" : "UDP", NULL);
	return error && error != NO_SUCH_ENTRY ? failed(error, out) : MAP_GIVEN_BACK;
}

static enum map_result map(const struct map_task *t, struct map_answer *out)
{
	char address[64] = "";
	int error;

	error = UPNP_GetExternalIPAddress(out->control, out->type, address);
	if (error) {
		/* RFC 6081 5.3.3: what was had before goes. */
		if (t->control)
			(void)unmap(t, out);
		return failed(error, out);
	}
	if (inet_pton(AF_INET, address, &out->external) != 1 || !out->external.s_addr) {
		snprintf(out->words, sizeof(out->words), "the gateway has no address outside");
		return MAP_REFUSED;
	}
	out->port = t->external;
	out->lifetime = t->lifetime;
	error = add(t, out, out->port, &out->lifetime);
	for (unsigned i = 0; error == CONFLICT && !t->exact && i < OTHER_PORTS; i++) {
		out->port = drawn();
		error = add(t, out, out->port, &out->lifetime);
	}
	return error ? failed(error, out) : MAP_HELD;
}

enum map_result map_upnp(const struct map_task *task, struct map_answer *out)
{
	if (task->control) {
		if (!at_gateway(task->control, task->gateway) || !connection(task->type)) {
			snprintf(out->words, sizeof(out->words), "not the gateway's");
			return MAP_SILENT;
		}
		snprintf(out->control, sizeof(out->control), "%s", task->control);
		snprintf(out->type, sizeof(out->type), "%s", task->type);
	} else if (!search(task, out)) {
		return MAP_SILENT;
	}
	return task->unmap ? unmap(task, out) : map(task, out);
}
