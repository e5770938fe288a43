/* The spelling of the SDK. */
#include <winbase.h>
