/* The spelling of the SDK. */
#include <guiddef.h>
