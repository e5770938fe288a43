/* The spelling of the SDK. */
#include <winnls.h>
