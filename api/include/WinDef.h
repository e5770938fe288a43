/* The spelling of the SDK. */
#include <windef.h>
