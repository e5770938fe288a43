#include "tests/unit/plugins/plugins.h"

static const char *const needs[] = {"store-a", NULL};

PONTO_PLUGIN(store_b) = {TEST_PLUGIN("store-b"), .needs = needs};
