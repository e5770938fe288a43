/* The spelling of the SDK. */
#include <winnt.h>
