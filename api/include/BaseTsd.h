/* The spelling of the SDK. */
#include <basetsd.h>
