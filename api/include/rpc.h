/* UUIDs are all of it that is offered. */
#include <rpcdce.h>
