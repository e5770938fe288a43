/* Ponto, internal to the framework: what the options of the group "node" accept beyond their types. Whatever the
 * daemon could not start with is refused here, so that checking a file and starting with it are of one mind. */
#ifndef PONTO_CONF_NODE_H
#define PONTO_CONF_NODE_H

#include "framework/conf_load.h"

/* ponto_option.fits of the options of that name. */
bool conf_fits_state(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_socket(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_group(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_user(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_grant(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_log(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_remote(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_keys(const char *text, int64_t number, char *why, size_t size);
bool conf_fits_resolve(const char *text, int64_t number, char *why, size_t size);

/* What several options are together: "remote" needs its keys. */
void conf_check_node(struct conf_loader *l);

#endif
