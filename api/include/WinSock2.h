/* The spelling of the SDK. */
#include <winsock2.h>
