/* The spelling of the SDK. */
#include <wincon.h>
