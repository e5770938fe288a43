#include "tests/unit/plugins/plugins.h"

static const char *const needs[] = {"store-good", NULL};

PONTO_PLUGIN(store_user) = {TEST_PLUGIN("store-user"), .needs = needs};
