/* Modules, inside. */
#ifndef PONTO_API_WIN32_MODULE_H
#define PONTO_API_WIN32_MODULE_H

#include <stdbool.h>

#include <winbase.h>

/* The module is one of those that are libponto itself, whose messages are the system's. */
bool module_has_messages(HMODULE module);

#endif
