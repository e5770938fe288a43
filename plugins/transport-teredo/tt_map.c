/* The service port mapped by the NAT itself. RFC 6081 5.3.3, 5.3.5. */
#include "plugins/transport-teredo/tt.h"

#include <string.h>

#define DESCRIPTION "TEREDO"

static void tell(struct tt_hub *hub, const struct ponto_mapping_info *info)
{
	struct teredo_endpoint external;
	int result = PONTO_ENOENT;

	if (info->state == PONTO_MAPPING_HELD && teredo_endpoint_from(&info->external, &external))
		result = PONTO_OK;
	teredo_client_mapped(hub->client, ponto_loop_now(hub->loop), result, result == PONTO_OK ? &external : NULL);
}

static void changed(void *arg, const struct ponto_mapping_info *info)
{
	struct tt_hub *hub = arg;

	hub->map_info = *info;
	tell(hub, info);
	tt_hub_pump(hub);
}

void tt_map_open(struct tt_hub *hub)
{
	static const struct ponto_mapping_events events = {changed};
	struct ponto_mapping_want want = {.protocol = 17, .description = DESCRIPTION};
	size_t count = 0;
	int result;

	tt_map_close(hub);
	result = ponto_datagrams_local(hub->service.d, &want.local, 1, &count);
	if (result == PONTO_OK && count == 0)
		result = PONTO_ENOENT;
	if (result == PONTO_OK)
		result = ponto_mapping_open(hub->mapping, hub->loop, &want, &events, hub, &hub->map);
	if (result == PONTO_OK)
		return;
	ponto_warning(hub->env->log, TT_TOPIC, "the NAT is not asked for a port: %s", ponto_strerror(result));
	hub->map = NULL;
	tell(hub, &hub->map_info);
}

void tt_map_close(struct tt_hub *hub)
{
	ponto_mapping_close(hub->mapping, hub->map);
	hub->map = NULL;
	memset(&hub->map_info, 0, sizeof(hub->map_info));
}
