/* The spelling of the SDK. */
#include <minwindef.h>
