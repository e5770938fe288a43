/* A user's identities in one list, and the one among them that stands for all where a program names none. On a worker.
 */
#include <pthread.h>
#include <string.h>

#include "apps/pontod/identity_job.h"

#define LIST_MAX 1024 /* identities in one answer */

static const struct ponto_alloc *const mem = &ponto_alloc_system;

int identity_detail_of(struct identity_job *job, const char *id, struct ponto_identity_detail *out)
{
	int result = ponto_identity_detail(job->security, job->uid, id, out);

	if (result != PONTO_ENOTSUP)
		return result;
	memset(out, 0, sizeof(*out));
	return PONTO_OK;
}

/* ---- the list ---------------------------------------------------------------------------- */

struct listing {
	struct identity_entry *entries; /* oldest first */
	size_t count, room;
	bool failed;
};

static bool add(void *arg, const struct ponto_identity *identity)
{
	struct listing *l = arg;

	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		struct identity_entry *grown = ponto_resize(mem, l->entries, room, sizeof(*grown));

		if (!grown) {
			l->failed = true;
			return false;
		}
		l->entries = grown;
		l->room = room;
	}
	l->entries[l->count++].identity = *identity;
	return l->count < LIST_MAX;
}

/* Those removed meanwhile, or damaged, are left out. */
static int add_details(struct identity_job *job, struct listing *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct identity_entry *entry = &l->entries[kept];
		int result;

		entry->identity = l->entries[i].identity;
		result = identity_detail_of(job, entry->identity.id, &entry->detail);
		if (result == PONTO_OK)
			kept++;
		else if (result != PONTO_ENOENT && result != PONTO_ECORRUPT && result != PONTO_EACCES)
			return result;
	}
	l->count = kept;
	return PONTO_OK;
}

/* The one that was chosen is the default, else the oldest. gives l->entries, even on failure */
static int read_list(struct identity_job *job, struct listing *l)
{
	int result = ponto_identity_list(job->security, job->uid, add, l);
	bool chosen = false;

	if (result == PONTO_OK)
		result = l->failed ? PONTO_ENOMEM : add_details(job, l);
	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < l->count; i++)
		chosen = chosen || l->entries[i].detail.is_default;
	if (l->count > 0 && !chosen)
		l->entries[0].detail.is_default = true;
	return PONTO_OK;
}

void identity_run_list(struct identity_job *job)
{
	Ponto__Identity__V1__ListReply reply = PONTO__IDENTITY__V1__LIST_REPLY__INIT;
	Ponto__Identity__V1__Identity *items = NULL, **list = NULL;
	struct listing l = {0};

	job->result = read_list(job, &l);
	if (job->result)
		goto out;
	items = ponto_new(mem, l.count + 1, sizeof(*items));
	list = ponto_new(mem, l.count + 1, sizeof(Ponto__Identity__V1__Identity *));
	if (!items || !list) {
		job->result = PONTO_ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < l.count; i++) {
		identity_describe(&l.entries[i], &items[i]);
		list[i] = &items[i];
	}
	reply.n_identity = l.count;
	reply.identity = list;
	identity_job_pack(job, &reply.base);
out:
	ponto_free(mem, items);
	ponto_free(mem, list);
	ponto_free(mem, l.entries);
}

/* ---- the default --------------------------------------------------------------------------- */

int identity_default(struct identity_job *job, struct ponto_identity *out)
{
	struct listing l = {0};
	int result = read_list(job, &l);
	size_t i = 0;

	while (result == PONTO_OK && i < l.count && !l.entries[i].detail.is_default)
		i++;
	if (result == PONTO_OK && i == l.count)
		result = PONTO_ENOENT;
	if (result == PONTO_OK)
		*out = l.entries[i].identity;
	ponto_free(mem, l.entries);
	return result;
}

/* One for a user who has none, even if several of his programs ask at once. */
static int make_default(struct identity_job *job, struct ponto_identity *out)
{
	static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
	const struct identity_wish wish = {.profile = PONTO_PROFILE_WINDOWS, .name = ""};
	int result;

	pthread_mutex_lock(&making);
	result = identity_default(job, out);
	if (result == PONTO_ENOENT)
		result = identity_make(job, &wish, out);
	pthread_mutex_unlock(&making);
	return result;
}

void identity_run_default(struct identity_job *job)
{
	const Ponto__Identity__V1__DefaultRequest *r = (const Ponto__Identity__V1__DefaultRequest *)job->request;
	struct ponto_identity identity;

	job->result = identity_default(job, &identity);
	if (job->result == PONTO_ENOENT && r->make)
		job->result = make_default(job, &identity);
	if (job->result == PONTO_OK)
		identity_job_pack_one(job, identity.id);
	else if (job->result == PONTO_ENOENT)
		job->error = "you have no identity";
}
