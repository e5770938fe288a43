/* ponto-map: asks a gateway for a port by NAT-PMP or UPnP and says in one line what came of it.
 *
 *     ponto-map natpmp|upnp map|unmap GATEWAY LOCAL tcp|udp PORT EXTERNAL LIFETIME exact|any DESCRIPTION CONTROL TYPE
 *
 * A process of its own because the libraries block, read what a stranger sends into memory without a limit and cannot be
 * interrupted: so it is limited, and whoever started it may end it at any time. CONTROL and TYPE are "-" or what a
 * former answer said. Answers, exit status 0:
 *
 *     held ADDRESS PORT LIFETIME CONTROL TYPE      LIFETIME 0: without end
 *     given-back
 *     refused WORDS                                the gateway says no
 *     silent WORDS                                 nobody answers, or not as he should */
#ifndef MAP_H
#define MAP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define MAP_URL 256
#define MAP_TYPE 128

struct map_task {
	bool unmap, tcp, exact;
	struct in_addr gateway, local;
	char local_text[INET_ADDRSTRLEN];
	uint16_t port, external;
	uint32_t lifetime;
	const char *description, *control, *type;
};

struct map_answer {
	struct in_addr external;
	uint16_t port;
	uint32_t lifetime;
	char control[MAP_URL], type[MAP_TYPE];
	char words[128];
};

enum map_result { MAP_HELD, MAP_GIVEN_BACK, MAP_REFUSED, MAP_SILENT };

enum map_result map_natpmp(const struct map_task *task, struct map_answer *out);
enum map_result map_upnp(const struct map_task *task, struct map_answer *out);

#endif
