/* The spelling of the SDK. */
#include <specstrings.h>
