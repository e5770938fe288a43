#include "tests/unit/plugins/plugins.h"

static const char *const needs[] = {"store-nowhere", NULL};

PONTO_PLUGIN(store_missing) = {TEST_PLUGIN("store-missing"), .needs = needs};
