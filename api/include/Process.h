/* The spelling of the SDK. */
#include <process.h>
