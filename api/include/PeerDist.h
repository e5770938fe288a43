/* The spelling of the SDK. */
#include <peerdist.h>
