/* The spelling of the SDK. */
#include <rpcdce.h>
