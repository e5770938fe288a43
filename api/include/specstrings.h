/* The annotations: see sal.h. */
#include <sal.h>
