/* The identifiers of the namespace, for the library and for programs without initguid.h. */
#include <initguid.h>
#include <pnrpns.h>
