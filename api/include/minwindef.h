/* The base types: see windef.h. */
#include <windef.h>
