/* The cache over a restart: one record, "cache", in the group "pnrp/routes/<cloud>" of the store.
 *
 * Version 1 (1 byte), count (2), then per entry its ID (32), port (2), number of addresses (1) and these (16 each);
 * big-endian. Zones are not kept: interface numbers change with every start. */
#include <stdio.h>
#include <string.h>

#include "framework/cursor.h"
#include "plugins/service-pnrp/svc.h"

#define TOPIC "service.pnrp.routes"
#define KEY ponto_bytes("cache", 5)
#define VERSION 1
#define ROUTES_MAX 64 /* enough for every leaf set of some names and all levels of the cache */
#define RECORD_MAX (3 + ROUTES_MAX * (RING_ID_SIZE + 3 + 16 * PNRP_ROUTE_ADDRS_MAX))
#define CALL_TIME (5 * PONTO_SECOND)
#define WRITE_INTERVAL (60 * PONTO_SECOND)
#define AGE (UINT64_C(7) * 24 * 3600 * PONTO_SECOND) /* after that nobody is where he was */

struct routes_job {
	struct svc *svc;
	char group[SVC_CLOUD_TEXT + 16];
	uint64_t deadline, expires;
	bool write;
	uint8_t *record; /* to write, or read */
	size_t len;
	int result;
};

static struct ponto_bytes group_of(const struct routes_job *job)
{
	return ponto_bytes(job->group, strlen(job->group));
}

static void job_run(void *arg)
{
	struct routes_job *job = arg;
	struct svc *svc = job->svc;

	if (job->write)
		job->result = ponto_store_put(svc->store, group_of(job), KEY, ponto_bytes(job->record, job->len),
					      job->expires, 0, job->deadline);
	else
		job->result = ponto_store_get(svc->store, group_of(job), KEY, job->deadline, svc->env->alloc,
					      &job->record, &job->len, NULL);
}

static struct routes_job *job_new(struct svc *svc)
{
	struct routes_job *job = ponto_new(svc->env->alloc, 1, sizeof(*job));

	if (!job)
		return NULL;
	job->svc = svc;
	job->deadline = ponto_mono(svc->env->clock) + CALL_TIME;
	job->expires = ponto_wall(svc->env->clock) + AGE;
	snprintf(job->group, sizeof(job->group), "pnrp/routes/%s", svc->cloud);
	return job;
}

static void job_free(struct routes_job *job)
{
	ponto_free(job->svc->env->alloc, job->record);
	ponto_free(job->svc->env->alloc, job);
}

static int submit(struct routes_job *job, ponto_loop_fn *done)
{
	struct svc *svc = job->svc;
	int result = ponto_pool_submit(svc->store.pool, svc->env->loop, job_run, done, job);

	if (result == PONTO_OK)
		svc->jobs++;
	else
		job_free(job);
	return result;
}

/* ---- reading ----------------------------------------------------------------------- */

static void read_route(struct ponto_reader *r, struct pnrp_route *out)
{
	uint16_t port;

	memset(out, 0, sizeof(*out));
	ponto_read_copy(r, out->id.b, RING_ID_SIZE);
	port = ponto_read_be16(r);
	out->addr_count = ponto_read_u8(r);
	ponto_reader_require(r, out->addr_count >= 1 && out->addr_count <= PNRP_ROUTE_ADDRS_MAX);
	for (size_t i = 0; i < out->addr_count && !r->failed; i++) {
		out->addrs[i].family = PONTO_FAMILY_IPV6;
		out->addrs[i].port = port;
		ponto_read_copy(r, out->addrs[i].ip, 16);
	}
}

/* Gives *out, for the caller to free. */
static int read_record(struct svc *svc, struct ponto_bytes record, struct pnrp_route **out, size_t *count)
{
	struct ponto_reader r = ponto_reader(record);
	struct pnrp_route *routes;
	size_t n;

	ponto_reader_require(&r, ponto_read_u8(&r) == VERSION);
	n = ponto_read_be16(&r);
	ponto_reader_require(&r, n >= 1 && n <= ROUTES_MAX);
	if (r.failed)
		return PONTO_EPROTO;
	routes = ponto_new(svc->env->alloc, n, sizeof(*routes));
	if (!routes)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < n && !r.failed; i++)
		read_route(&r, &routes[i]);
	if (ponto_reader_done(&r) != PONTO_OK) {
		ponto_free(svc->env->alloc, routes);
		return PONTO_EPROTO;
	}
	*out = routes;
	*count = n;
	return PONTO_OK;
}

/* How many entries are asked whether they are still there. */
static size_t recall(struct svc *svc, const struct routes_job *job)
{
	struct pnrp_route *routes = NULL;
	size_t count = 0, asked = 0;
	int result = job->result;

	if (result == PONTO_OK)
		result = read_record(svc, ponto_bytes(job->record, job->len), &routes, &count);
	if (result == PONTO_OK)
		asked = pnrp_engine_recall(svc->engine, svc_now(svc), routes, count);
	else if (result != PONTO_ENOENT)
		ponto_warning(svc->env->log, TOPIC, "%s: the cache kept before cannot be read: %s", svc->cloud,
			      ponto_strerror(result));
	ponto_free(svc->env->alloc, routes);
	return asked;
}

static void load_done(void *arg)
{
	struct routes_job *job = arg;
	struct svc *svc = job->svc;

	svc->jobs--;
	svc->recalling = false;
	if (!svc->stopped) {
		if (recall(svc, job) > 0)
			svc->held_sources &= ~(unsigned)PNRP_SOURCE_REMEMBERED;
		svc_discover(svc, svc->held_sources);
		svc->held_sources = 0;
	}
	job_free(job);
	svc_pump(svc);
	svc_check_stopped(svc);
}

void svc_routes_load(struct svc *svc)
{
	struct routes_job *job = svc->has_store ? job_new(svc) : NULL;

	svc->routes_at = svc_now(svc) + WRITE_INTERVAL;
	if (job && submit(job, load_done) == PONTO_OK)
		svc->recalling = true;
}

/* ---- writing ------------------------------------------------------------------------- */

struct writing {
	struct ponto_writer w;
	bool leaves;	 /* these, or the others */
	uint32_t stride; /* of the others every so manieth, evenly over the levels */
	uint32_t seen;
	uint16_t count;
};

static bool write_route(void *arg, const struct pnrp_route *route)
{
	struct writing *writing = arg;

	if (route->leaf != writing->leaves || writing->seen++ % writing->stride)
		return true;
	if (writing->count == ROUTES_MAX)
		return false;
	ponto_write_copy(&writing->w, route->id.b, RING_ID_SIZE);
	ponto_write_be16(&writing->w, route->addrs[0].port);
	ponto_write_u8(&writing->w, (uint8_t)route->addr_count);
	for (size_t i = 0; i < route->addr_count; i++)
		ponto_write_copy(&writing->w, route->addrs[i].ip, 16);
	writing->count++;
	return true;
}

static int make_record(struct svc *svc, struct routes_job *job)
{
	struct writing writing = {.leaves = true, .stride = 1};
	struct pnrp_status status;

	job->record = ponto_new(svc->env->alloc, 1, RECORD_MAX);
	if (!job->record)
		return PONTO_ENOMEM;
	pnrp_engine_status(svc->engine, &status);
	writing.w = ponto_writer(job->record, RECORD_MAX);
	ponto_write_u8(&writing.w, VERSION);
	ponto_write_be16(&writing.w, 0);
	pnrp_engine_each_route(svc->engine, write_route, &writing);
	writing.leaves = false;
	writing.stride = 1 + (status.cache_entries - writing.count) / (ROUTES_MAX - writing.count + 1u);
	writing.seen = 0;
	pnrp_engine_each_route(svc->engine, write_route, &writing);
	ponto_patch_be16(&writing.w, 1, writing.count);
	return writing.count ? ponto_writer_done(&writing.w, &job->len) : PONTO_ENOENT;
}

static void write_done(void *arg)
{
	struct routes_job *job = arg;
	struct svc *svc = job->svc;

	svc->jobs--;
	if (job->result != PONTO_OK)
		ponto_warning(svc->env->log, TOPIC, "%s: the cache cannot be kept: %s", svc->cloud,
			      ponto_strerror(job->result));
	job_free(job);
	svc_check_stopped(svc);
}

void svc_routes_save(struct svc *svc)
{
	const struct pnrp_stats *stats = pnrp_engine_stats(svc->engine);
	uint64_t changes = stats->cached + stats->uncached;
	struct routes_job *job;

	svc->routes_at = svc_now(svc) + WRITE_INTERVAL;
	if (!svc->has_store || changes == svc->routes_changes || pnrp_engine_state(svc->engine) != PNRP_CLOUD_ACTIVE)
		return;
	job = job_new(svc);
	if (!job)
		return; /* at the next interval */
	job->write = true;
	if (make_record(svc, job) != PONTO_OK)
		job_free(job);
	else if (submit(job, write_done) == PONTO_OK)
		svc->routes_changes = changes;
}

void svc_routes_tick(struct svc *svc)
{
	if (svc_now(svc) >= svc->routes_at)
		svc_routes_save(svc);
}
