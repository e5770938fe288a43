/* The spelling of the SDK. */
#include <wtypes.h>
