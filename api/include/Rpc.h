/* The spelling of the SDK. */
#include <rpc.h>
