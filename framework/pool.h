/* Ponto: the worker pool as the loop backends see it: jobs in, nothing known
 * about loops. Internal to the framework; thread-safe. */
#ifndef PONTO_POOL_H
#define PONTO_POOL_H

#include "framework/loop.h"

/* Embedded in the backend's own job. */
struct ponto_job {
	struct ponto_job *next;
	void (*run)(struct ponto_job *job); /* on a worker; the job may be gone when it returns */
};

/* PONTO_EBUSY: the queue is full; PONTO_ENOMEM: no thread could be started. takes job on success */
PONTO_MUST_CHECK int ponto_pool_push(struct ponto_pool *pool, struct ponto_job *job);

#endif
