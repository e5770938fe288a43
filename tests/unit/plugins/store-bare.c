#include "tests/unit/plugins/plugins.h"

/* No descriptor. */
int store_bare(void);
int store_bare(void)
{
	return ops.create == NULL;
}
