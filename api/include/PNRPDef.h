/* The spelling of the SDK. */
#include <pnrpdef.h>
