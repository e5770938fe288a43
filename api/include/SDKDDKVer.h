/* The spelling of the SDK. */
#include <sdkddkver.h>
