#include "tests/unit/plugins/plugins.h"

/* Says it is a transport, is called a store. */
PONTO_PLUGIN(store_kind) = {.abi = PONTO_PLUGIN_ABI, .kind = PONTO_KIND_TRANSPORT, .name = "store-kind",
	.version = "1", .summary = "a plugin for the loader's test", .vtable = &ops.head};
