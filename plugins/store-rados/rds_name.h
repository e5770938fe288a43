/* store-rados: groups and keys as names that RADOS can have, and back (README.md, "Layout").
 *
 * Pure, thread-safe, no allocation. librados takes object names and some keys as C strings, so neither holds a NUL. */
#ifndef PONTO_PLUGINS_STORE_RADOS_NAME_H
#define PONTO_PLUGINS_STORE_RADOS_NAME_H

#include "framework/store.h"

/* A group's object: "g." and the group, bytes other than letters, digits, '-', '_', '.' and '/' as %XX. NUL included.
 */
#define RDS_OBJECT_MAX (2 + 3 * PONTO_STORE_GROUP_MAX + 1)
void rds_object_name(struct ponto_bytes group, char out[RDS_OBJECT_MAX]);

/* The reverse; false: not exactly what rds_object_name makes. */
bool rds_object_group(struct ponto_bytes object, uint8_t out[PONTO_STORE_GROUP_MAX], size_t *len);

/* A record's key in its group's omap: "k" and the key, 00 as 01 01 and 01 as 01 02. That keeps the byte order, and
 * what starts a key starts its name. Returns the length; a NUL follows. */
#define RDS_KEY_MAX (1 + 2 * PONTO_STORE_KEY_MAX + 1)
size_t rds_key_name(struct ponto_bytes key, char out[RDS_KEY_MAX]);

/* The reverse; false: not exactly what rds_key_name makes of a key that may be. */
bool rds_name_key(struct ponto_bytes name, uint8_t out[PONTO_STORE_KEY_MAX], size_t *len);

/* Where RADOS places an object: rjenkins over namespace, 0x1f and name, as every pool does it. */
uint32_t rds_position(struct ponto_bytes nspace, struct ponto_bytes object);

/* The order in which objects of a namespace are listed, as of strcmp: by the bits of their places, the lowest first,
 * then by name. */
int rds_order(struct ponto_bytes nspace, const char *a, const char *b);

#endif
