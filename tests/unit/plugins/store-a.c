#include "tests/unit/plugins/plugins.h"

static const char *const needs[] = {"store-b", NULL};

PONTO_PLUGIN(store_a) = {TEST_PLUGIN("store-a"), .needs = needs};
