/* The spelling of the SDK. */
#include <ws2tcpip.h>
