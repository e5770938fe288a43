/* The spelling of the SDK. */
#include <sal.h>
