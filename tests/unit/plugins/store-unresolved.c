#include "tests/unit/plugins/plugins.h"

/* Calls a function that no library has. */
int ponto_function_of_nobody(void);
int store_unresolved(void);
int store_unresolved(void)
{
	return ponto_function_of_nobody();
}

PONTO_PLUGIN(store_unresolved) = {TEST_PLUGIN("store-unresolved")};
