/* The spelling of the SDK. */
#include <ws2ipdef.h>
