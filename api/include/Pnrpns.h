/* The spelling of the SDK. */
#include <pnrpns.h>
