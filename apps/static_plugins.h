/* Ponto: the plugins linked into this program, NULL-terminated. Written by configure. */
#ifndef PONTO_STATIC_PLUGINS_H
#define PONTO_STATIC_PLUGINS_H

#include "framework/plugin.h"

extern const struct ponto_plugin *const ponto_static_plugins[];

#endif
