/* The spelling of the SDK. */
#include <wincrypt.h>
