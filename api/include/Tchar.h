/* The spelling of the SDK. */
#include <tchar.h>
