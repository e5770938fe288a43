#include "tests/unit/plugins/plugins.h"

/* Built for an ABI that is not ours; nothing behind the first number may be read. */
PONTO_PLUGIN(store_abi) = {.abi = PONTO_PLUGIN_ABI + 1, .name = (const char *)1};
