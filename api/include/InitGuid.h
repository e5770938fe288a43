/* The spelling of the SDK. */
#include <initguid.h>
