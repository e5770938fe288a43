/* The spelling of the SDK. */
#include <winerror.h>
