#include "tests/unit/plugins/plugins.h"

/* Its file is called store-other, it calls itself store-good. */
PONTO_PLUGIN(store_other) = {TEST_PLUGIN("store-good")};
