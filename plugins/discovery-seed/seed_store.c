/* The remembered addresses: a list in memory, and one record of the store that follows it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/discovery-seed/seed.h"

#define KEY ponto_bytes("recent", 6)
#define CALL_TIME (5 * PONTO_SECOND)	   /* for the store to answer */
#define WRITE_INTERVAL (1 * PONTO_SECOND)  /* a busy node learns addresses faster than anyone needs them written */
#define SAME_TIME (60 * PONTO_SECOND)	   /* an address that answers again within this is no news */
#define RETRY_INTERVAL (10 * PONTO_SECOND) /* after a store that does not answer */

/* A call of the store, on its pool. It stands on its own: the handle may be closed meanwhile. */
struct seed_job {
	const struct ponto_alloc *alloc;
	struct seed_memory *memory; /* NULL: closed; for done only */
	struct ponto_store store;
	uint8_t group[PONTO_STORE_GROUP_MAX];
	size_t group_len;
	uint64_t deadline, expires;
	bool write;
	uint8_t record[SEED_RECENT_RECORD]; /* to write */
	size_t record_len;
	uint8_t *found; /* read */
	size_t found_len;
	int result;
};

static void start_write(struct seed_memory *memory);

static void job_run(void *arg)
{
	struct seed_job *job = arg;
	struct ponto_bytes group = ponto_bytes(job->group, job->group_len);

	if (job->write)
		job->result = ponto_store_put(job->store, group, KEY, ponto_bytes(job->record, job->record_len),
					      job->expires, 0, job->deadline);
	else
		job->result = ponto_store_get(job->store, group, KEY, job->deadline, job->alloc, &job->found,
					      &job->found_len, NULL);
}

/* What the store gave; a record that cannot be read is worth nothing, and the next write replaces it. */
static void take_record(struct seed_memory *memory, const struct seed_job *job)
{
	const struct ponto_env *env = memory->seed->env;
	int result = job->result;

	if (result == PONTO_OK)
		result = seed_recent_read(&memory->recent, ponto_bytes(job->found, job->found_len),
					  ponto_wall(env->clock), memory->seed->remember);
	memory->loaded =
		result == PONTO_OK || result == PONTO_ENOENT || result == PONTO_ECORRUPT || result == PONTO_EPROTO;
	if (!memory->loaded) /* the store may come back; asking it all the time would not help it */
		memory->next_write = ponto_loop_now(memory->loop) + RETRY_INTERVAL;
	if (result != PONTO_OK && result != PONTO_ENOENT)
		ponto_warning(env->log, SEED_TOPIC, "remembered addresses cannot be read: %s", ponto_strerror(result));
}

static void job_done(void *arg)
{
	struct seed_job *job = arg;
	struct seed_memory *memory = job->memory;
	bool write = job->write;

	if (memory) {
		memory->job = NULL;
		if (!write) {
			take_record(memory, job);
		} else if (job->result) {
			memory->dirty = true;
			ponto_warning(memory->seed->env->log, SEED_TOPIC,
				      "remembered addresses cannot be written: %s", ponto_strerror(job->result));
		}
	}
	ponto_free(job->alloc, job->found);
	ponto_free(job->alloc, job);
	if (!memory)
		return;
	if (memory->dirty)
		start_write(memory);
	if (!write)
		memory->on_loaded(memory->arg); /* last: it may close the handle */
}

static int submit(struct seed_memory *memory, bool write)
{
	struct seed *seed = memory->seed;
	const struct ponto_env *env = seed->env;
	struct seed_job *job = ponto_new(env->alloc, 1, sizeof(*job));
	int result;

	if (!job)
		return PONTO_ENOMEM;
	job->alloc = env->alloc;
	job->memory = memory;
	job->store = (struct ponto_store){(const struct ponto_store_ops *)seed->store.ops, seed->store.self,
					  seed->store.pool};
	memcpy(job->group, memory->group, memory->group_len);
	job->group_len = memory->group_len;
	job->deadline = ponto_mono(env->clock) + CALL_TIME;
	job->write = write;
	if (write) {
		job->record_len = seed_recent_write(&memory->recent, job->record);
		job->expires = ponto_wall(env->clock) + SEED_RECENT_AGE;
	}
	result = ponto_pool_submit(seed->store.pool, memory->loop, job_run, job_done, job);
	if (result) {
		ponto_free(env->alloc, job);
		return result;
	}
	memory->job = job;
	return PONTO_OK;
}

static void write_now(struct seed_memory *memory)
{
	memory->next_write = ponto_loop_now(memory->loop) + WRITE_INTERVAL;
	memory->dirty = submit(memory, true) != PONTO_OK; /* a full queue: at the next interval */
	if (memory->dirty)
		ponto_timer_set(memory->loop, memory->timer, memory->next_write);
}

/* Brings the store to what the list says, now or when it is time. */
static void start_write(struct seed_memory *memory)
{
	if (!memory->seed->store.ops || memory->job)
		return; /* its end comes back here */
	if (ponto_loop_now(memory->loop) < memory->next_write) {
		ponto_timer_set(memory->loop, memory->timer, memory->next_write);
	} else if (memory->loaded) {
		write_now(memory);
	} else if (submit(memory, false) != PONTO_OK) {
		memory->next_write = ponto_loop_now(memory->loop) + WRITE_INTERVAL;
		ponto_timer_set(memory->loop, memory->timer, memory->next_write);
	}
}

static void on_timer(void *arg)
{
	struct seed_memory *memory = arg;

	if (memory->dirty)
		start_write(memory);
}

int seed_memory_init(struct seed_memory *memory, struct seed *seed, struct ponto_loop *loop, const char *topic,
		     void (*on_loaded)(void *arg), void *arg)
{
	char group[PONTO_STORE_GROUP_MAX + 1];
	int len = snprintf(group, sizeof(group), "discovery/%s/%s", seed->env->instance, topic);

	memset(memory, 0, sizeof(*memory));
	if (len < 0 || (size_t)len >= sizeof(group))
		return PONTO_EINVAL;
	memory->seed = seed;
	memory->loop = loop;
	memcpy(memory->group, group, (size_t)len);
	memory->group_len = (size_t)len;
	memory->on_loaded = on_loaded;
	memory->arg = arg;
	return ponto_timer_create(loop, on_timer, memory, &memory->timer);
}

void seed_memory_fini(struct seed_memory *memory)
{
	if (memory->dirty && memory->loaded && !memory->job && submit(memory, true) == PONTO_OK)
		memory->dirty = false;
	if (memory->job)
		memory->job->memory = NULL;
	if (memory->timer)
		ponto_timer_destroy(memory->loop, memory->timer);
	memory->timer = NULL;
}

bool seed_memory_load(struct seed_memory *memory)
{
	if (!memory->seed->store.ops || memory->loaded)
		return true;
	if (memory->job)
		return memory->job->write;
	return submit(memory, false) != PONTO_OK;
}

void seed_memory_add(struct seed_memory *memory, const struct ponto_addr *addr)
{
	uint64_t now = ponto_wall(memory->seed->env->clock);
	struct ponto_addr plain = *addr;

	plain.zone = 0;
	for (size_t i = 0; i < memory->recent.count; i++)
		if (ponto_addr_equal(&memory->recent.entry[i].addr, &plain) && now >= memory->recent.entry[i].seen &&
		    now - memory->recent.entry[i].seen < SAME_TIME)
			return;
	seed_recent_add(&memory->recent, &plain, now, memory->seed->remember);
	memory->dirty = true;
	start_write(memory);
}
