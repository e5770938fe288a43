#include "tests/unit/plugins/plugins.h"

/* A kind that does not exist. */
PONTO_PLUGIN(store_number) = {.abi = PONTO_PLUGIN_ABI, .kind = PONTO_KIND_LIMIT, .name = "store-number"};
