#include <p2p.h>

#include "tests/api/api_daemon.h"

struct api_world *api_world_start(void)
{
	struct api_world *w = calloc(1, sizeof(*w));
	char answer[512];

	assert_non_null(w);
	api_daemon_init(&w->daemon);
	api_daemon_start(&w->daemon);
	api_child_start(&w->child);
	assert_string_equal(api_child_say(&w->child, answer, "start"), "00000000");
	return w;
}

void api_world_end(struct api_world *w)
{
	api_child_kill(&w->child);
	api_daemon_clear(&w->daemon);
	free(w);
}

int api_world_setup(void **state)
{
	*state = api_world_start();
	assert_int_equal(PeerPnrpStartup(PNRP_VERSION), S_OK);
	return 0;
}

int api_world_teardown(void **state)
{
	while (PeerPnrpShutdown() == S_OK)
		;
	api_world_end(*state);
	return 0;
}
