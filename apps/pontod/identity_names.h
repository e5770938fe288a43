/* pontod: the names that an identity signs, asked of the name services before it is removed. On the daemon's loop. */
#ifndef PONTO_APPS_IDENTITY_NAMES_H
#define PONTO_APPS_IDENTITY_NAMES_H

#include "apps/pontod/pontod.h"

struct identity_names;

/* result PONTO_OK: no name of uid needs the identity any more. Else error says why, in one line. borrows error */
typedef void identity_names_fn(void *arg, int result, const char *error);

/* Looks for names of uid that id signs. release: unregisters them; else they are a refusal, PONTO_EBUSY. done
 * comes once, maybe before the return, and the check is freed after it. PONTO_ENOMEM: no done. copies id */
PONTO_MUST_CHECK int identity_names_start(struct daemon *d, uint32_t uid, const char *id, bool release,
					  identity_names_fn *done, void *arg, struct identity_names **out);

/* Ends it without done. Accepts NULL. */
void identity_names_cancel(struct identity_names *names);

#endif
