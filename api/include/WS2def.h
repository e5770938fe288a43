/* The spelling of the SDK. */
#include <ws2def.h>
