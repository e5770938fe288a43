/* The component "identity": certificate chains, by which one identity lets another use its peer names. */
#include <string.h>

#include "apps/pontod/identity_job.h"

#define LIST_MAX 1024				 /* chains in one answer */
#define DAY (UINT64_C(24) * 3600 * PONTO_SECOND) /* microseconds */
#define DAYS_MAX 3650
#define CLOCK_SKEW (UINT64_C(10) * 60 * PONTO_SECOND) /* others' clocks may be slow by this */
#define ROLES 3

static const struct ponto_alloc *const mem = &ponto_alloc_system;

static const struct {
	const char *name;
	uint32_t role;
} roles[ROLES] = {{"admin", PONTO_ROLE_ADMIN}, {"member", PONTO_ROLE_MEMBER}, {"inviting", PONTO_ROLE_INVITING}};

static void describe(const struct ponto_chain *from, Ponto__Identity__V1__Chain *to)
{
	ponto__identity__v1__chain__init(to);
	to->id = (char *)(uintptr_t)from->id;
	to->root = (char *)(uintptr_t)from->root;
	to->leaf = (char *)(uintptr_t)from->leaf;
	to->profile = (char *)(uintptr_t)(from->profile == PONTO_PROFILE_MODERN ? "modern" : "windows");
	to->certificates = from->certificates;
	to->not_before_us = from->not_before;
	to->not_after_us = from->not_after;
	to->size = (uint32_t)from->size;
}

static void explain(struct identity_job *job)
{
	if (job->result == PONTO_ENOENT)
		job->error = "no such certificate chain";
	else if (job->result == PONTO_ENOTSUP)
		job->error =
			"only identities of profile windows have certificate chains, and only security-pki makes them";
}

/* ---- delegating --------------------------------------------------------------------------- */

static bool read_roles(const Ponto__Identity__V1__DelegateRequest *r, uint32_t *out)
{
	*out = r->n_role ? 0 : PONTO_ROLE_MEMBER;
	for (size_t i = 0; i < r->n_role; i++) {
		size_t k = 0;

		while (k < ROLES && strcmp(r->role[i], roles[k].name) != 0)
			k++;
		if (k == ROLES)
			return false;
		*out |= roles[k].role;
	}
	return true;
}

/* The chain that is continued, if there is one. gives *chain */
static int fetch(struct identity_job *job, const char *id, uint8_t **chain, size_t *len)
{
	int result;

	if (!id || !*id)
		return PONTO_OK;
	result = ponto_chain_get(job->security, job->uid, id, false, mem, chain, len);
	if (result == PONTO_ENOENT)
		job->error = "no such certificate chain";
	return result;
}

static void explain_delegate(struct identity_job *job)
{
	if (job->error)
		return;
	if (job->result == PONTO_EAUTH)
		job->error = "the chain does not end in this identity, or does not let it delegate that, or is over";
	else if (job->result == PONTO_EINVAL)
		job->error =
			"a public key of profile windows, a name of at most 255 bytes and up to 64 classifiers of at "
			"most 149 characters are wanted";
	else if (job->result == PONTO_ELIMIT)
		job->error = "a chain has at most 25 certificates and 31744 bytes";
	else if (job->result != PONTO_ENOENT)
		explain(job);
}

/* Keeps nothing here: the chain is the delegate's, who has the key. */
static void reply_delegate(struct identity_job *job, uint8_t *text, size_t len)
{
	Ponto__Identity__V1__DelegateReply reply = PONTO__IDENTITY__V1__DELEGATE_REPLY__INIT;
	Ponto__Identity__V1__Chain item;
	struct ponto_chain chain;

	job->result = ponto_chain_read(job->security, ponto_bytes(text, len), NULL, NULL, &chain);
	if (job->result != PONTO_OK)
		return;
	describe(&chain, &item);
	reply.chain = &item;
	reply.data.data = text;
	reply.data.len = len;
	identity_job_pack(job, &reply.base);
}

void identity_run_delegate(struct identity_job *job)
{
	const Ponto__Identity__V1__DelegateRequest *r = (const Ponto__Identity__V1__DelegateRequest *)job->request;
	uint64_t now = ponto_wall(job->clock);
	struct ponto_delegation d = {.public_key = ponto_bytes(r->public_key.data, r->public_key.len),
				     .name = r->name,
				     .classifiers = (const char *const *)r->classifier,
				     .classifier_count = r->n_classifier,
				     .not_before = now > CLOCK_SKEW ? now - CLOCK_SKEW : 0,
				     .not_after = now + r->days * DAY};
	uint8_t *chain = NULL, *text = NULL;
	size_t chain_len = 0, len = 0;

	job->result = PONTO_EINVAL;
	if (r->days < 1 || r->days > DAYS_MAX) {
		job->error = "a delegation lasts 1 to 3650 days";
		return;
	}
	if (!read_roles(r, &d.roles)) {
		job->error = "a role is admin, member or inviting";
		return;
	}
	job->result = fetch(job, r->chain, &chain, &chain_len);
	if (job->result == PONTO_OK)
		job->result = ponto_chain_issue(job->security, job->uid, r->id, ponto_bytes(chain, chain_len), &d, true,
						mem, &text, &len);
	explain_delegate(job);
	if (job->result == PONTO_OK)
		reply_delegate(job, text, len);
	ponto_free(mem, text);
	ponto_free(mem, chain);
}

/* ---- looking ---------------------------------------------------------------------------------- */

struct chains {
	struct ponto_chain *list;
	size_t count, room;
	bool failed;
};

static bool add_chain(void *arg, const struct ponto_chain *chain)
{
	struct chains *c = arg;

	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 16;
		struct ponto_chain *grown = ponto_resize(mem, c->list, room, sizeof(*grown));

		if (!grown) {
			c->failed = true;
			return false;
		}
		c->list = grown;
		c->room = room;
	}
	c->list[c->count++] = *chain;
	return c->count < LIST_MAX;
}

void identity_run_chain_list(struct identity_job *job)
{
	Ponto__Identity__V1__ChainListReply reply = PONTO__IDENTITY__V1__CHAIN_LIST_REPLY__INIT;
	Ponto__Identity__V1__Chain *items = NULL, **list = NULL;
	struct chains c = {0};

	job->result = ponto_chain_list(job->security, job->uid, add_chain, &c);
	if (job->result == PONTO_OK && c.failed)
		job->result = PONTO_ENOMEM;
	explain(job);
	if (job->result == PONTO_OK) {
		items = ponto_new(mem, c.count + 1, sizeof(*items));
		list = ponto_new(mem, c.count + 1, sizeof(Ponto__Identity__V1__Chain *));
		if (!items || !list)
			job->result = PONTO_ENOMEM;
	}
	if (job->result == PONTO_OK) {
		for (size_t i = 0; i < c.count; i++) {
			describe(&c.list[i], &items[i]);
			list[i] = &items[i];
		}
		reply.n_chain = c.count;
		reply.chain = list;
		identity_job_pack(job, &reply.base);
	}
	ponto_free(mem, items);
	ponto_free(mem, list);
	ponto_free(mem, c.list);
}

/* A certificate and what its message shows. */
struct shown {
	Ponto__Identity__V1__Certificate message;
	char id[PONTO_IDENTITY_ID], name[PONTO_IDENTITY_NAME];
	char *role[ROLES];
	char **classifier; /* owned, with its texts */
	size_t classifier_count;
};

struct showing {
	struct shown *certificates; /* PONTO_CHAIN_CERTIFICATES of them */
	size_t count;
	bool failed;
};

static bool show_certificate(void *arg, const struct ponto_certificate *c)
{
	struct showing *showing = arg;
	struct shown *s = &showing->certificates[showing->count++];

	ponto__identity__v1__certificate__init(&s->message);
	memcpy(s->id, c->id, sizeof(s->id));
	memcpy(s->name, c->name, sizeof(s->name));
	s->message.id = s->id;
	s->message.name = s->name;
	s->message.not_before_us = c->not_before;
	s->message.not_after_us = c->not_after;
	s->message.role = s->role;
	for (size_t i = 0; i < ROLES; i++)
		if (c->roles & roles[i].role)
			s->role[s->message.n_role++] = (char *)(uintptr_t)roles[i].name;
	s->classifier = ponto_new(mem, c->classifier_count + 1, sizeof(char *));
	while (s->classifier && s->classifier_count < c->classifier_count) {
		char *copy = ponto_strdup(mem, c->classifiers[s->classifier_count]);

		if (!copy)
			break;
		s->classifier[s->classifier_count++] = copy;
	}
	s->message.classifier = s->classifier;
	s->message.n_classifier = s->classifier_count;
	showing->failed = !s->classifier || s->classifier_count < c->classifier_count;
	return !showing->failed && showing->count < PONTO_CHAIN_CERTIFICATES;
}

static void reply_show(struct identity_job *job, const struct ponto_chain *chain, struct showing *showing)
{
	Ponto__Identity__V1__ChainShowReply reply = PONTO__IDENTITY__V1__CHAIN_SHOW_REPLY__INIT;
	Ponto__Identity__V1__Certificate *list[PONTO_CHAIN_CERTIFICATES];
	Ponto__Identity__V1__Chain item;

	describe(chain, &item);
	reply.chain = &item;
	for (size_t i = 0; i < showing->count; i++)
		list[i] = &showing->certificates[i].message;
	reply.certificate = list;
	reply.n_certificate = showing->count;
	identity_job_pack(job, &reply.base);
}

void identity_run_chain_show(struct identity_job *job)
{
	const Ponto__Identity__V1__ChainShowRequest *r = (const Ponto__Identity__V1__ChainShowRequest *)job->request;
	struct showing showing = {ponto_new(mem, PONTO_CHAIN_CERTIFICATES, sizeof(struct shown)), 0, false};
	struct ponto_chain chain;
	uint8_t *der = NULL;
	size_t len = 0;

	job->result = showing.certificates ? ponto_chain_get(job->security, job->uid, r->id, false, mem, &der, &len)
					   : PONTO_ENOMEM;
	if (job->result == PONTO_OK)
		job->result =
			ponto_chain_read(job->security, ponto_bytes(der, len), show_certificate, &showing, &chain);
	if (job->result == PONTO_OK && showing.failed)
		job->result = PONTO_ENOMEM;
	explain(job);
	if (job->result == PONTO_OK)
		reply_show(job, &chain, &showing);
	for (size_t i = 0; i < showing.count; i++) {
		for (size_t k = 0; k < showing.certificates[i].classifier_count; k++)
			ponto_free(mem, showing.certificates[i].classifier[k]);
		ponto_free(mem, showing.certificates[i].classifier);
	}
	ponto_free(mem, showing.certificates);
	ponto_free(mem, der);
}

/* ---- in and out ---------------------------------------------------------------------------------- */

void identity_run_chain_export(struct identity_job *job)
{
	const Ponto__Identity__V1__ChainExportRequest *r =
		(const Ponto__Identity__V1__ChainExportRequest *)job->request;
	Ponto__Identity__V1__ChainExportReply reply = PONTO__IDENTITY__V1__CHAIN_EXPORT_REPLY__INIT;

	job->result = ponto_chain_get(job->security, job->uid, r->id, true, mem, &reply.data.data, &reply.data.len);
	explain(job);
	if (job->result)
		return;
	identity_job_pack(job, &reply.base);
	ponto_free(mem, reply.data.data);
}

void identity_run_chain_import(struct identity_job *job)
{
	const Ponto__Identity__V1__ChainImportRequest *r =
		(const Ponto__Identity__V1__ChainImportRequest *)job->request;
	Ponto__Identity__V1__ChainImportReply reply = PONTO__IDENTITY__V1__CHAIN_IMPORT_REPLY__INIT;
	Ponto__Identity__V1__Chain item;
	struct ponto_chain chain;

	job->result = ponto_chain_add(job->security, job->uid, ponto_bytes(r->data.data, r->data.len), &chain);
	if (job->result == PONTO_OK) {
		describe(&chain, &item);
		reply.chain = &item;
		identity_job_pack(job, &reply.base);
	} else if (job->result == PONTO_ENOENT) {
		job->error = "the chain is for an identity you do not have";
	} else if (job->result == PONTO_EPROTO) {
		job->error = "this is no certificate chain, or it is damaged";
	} else if (job->result == PONTO_EAUTH) {
		job->error = "a certificate is not signed by the one before it, or was not entitled to what it grants";
	} else {
		explain(job);
	}
}

void identity_run_chain_delete(struct identity_job *job)
{
	const Ponto__Identity__V1__ChainDeleteRequest *r =
		(const Ponto__Identity__V1__ChainDeleteRequest *)job->request;
	Ponto__Identity__V1__ChainDeleteReply reply = PONTO__IDENTITY__V1__CHAIN_DELETE_REPLY__INIT;

	job->result = ponto_chain_remove(job->security, job->uid, r->id);
	explain(job);
	if (job->result == PONTO_OK)
		identity_job_pack(job, &reply.base);
}
