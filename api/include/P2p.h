/* The spelling of the SDK. */
#include <p2p.h>
