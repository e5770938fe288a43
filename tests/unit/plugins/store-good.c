#include "tests/unit/plugins/plugins.h"

static const struct ponto_option options[] = {
	{.name = "size", .type = PONTO_OPTION_INT, .fallback = "10", .min = 1, .max = 100, .doc = "how much it keeps"},
};

PONTO_PLUGIN(store_good) = {TEST_PLUGIN("store-good"), .options = options, .option_count = 1};
