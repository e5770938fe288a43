/* The spelling of the SDK. */
#include <windows.h>
