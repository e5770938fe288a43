/* The spelling of the SDK. */
#include <minwinbase.h>
