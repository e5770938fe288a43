/* The state of the service, and notifications of its changes. */
#ifndef PONTO_API_PEERDIST_STATUS_H
#define PONTO_API_PEERDIST_STATUS_H

#include "api/peerdist/object.h"

/* Under the lock: the instance's notification, if there is one, ends with ERROR_OPERATION_ABORTED. False: none. */
bool pd_watch_end(struct pd_object *instance);

/* In the child of a fork. */
void pd_watch_forget(void);

#endif
