/* The spelling of the SDK. */
#include <strsafe.h>
