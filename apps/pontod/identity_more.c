/* What the component "identity" does beside making and keeping keys: classifiers, the default identity, cards and
 * exports in XML, signatures for programs. */
#include <pthread.h>
#include <string.h>

#include "apps/pontod/identity_job.h"
#include "apps/pontod/identity_xml.h"

#define UNNAMED "-" /* until its id is known */

static const struct ponto_alloc *const mem = &ponto_alloc_system;

/* PONTO_OK with an empty detail where the plugin has none. */
int identity_detail_of(struct identity_job *job, const char *id, struct ponto_identity_detail *out)
{
	int result = ponto_identity_detail(job->security, job->uid, id, out);

	if (result != PONTO_ENOTSUP)
		return result;
	memset(out, 0, sizeof(*out));
	return PONTO_OK;
}

const char *identity_name_or_id(const char *name, const char *id)
{
	return name && !*name ? id : name;
}

/* "authority.classifier" */
static void peer_name_of(const char *id, const char *classifier, char out[IDENTITY_XML_NAME])
{
	size_t len = strlen(id);

	memcpy(out, id, len);
	out[len] = '.';
	strcpy(out + len + 1, classifier);
}

/* ---- making one -------------------------------------------------------------------------- */

int identity_make(struct identity_job *job, const struct identity_wish *wish, struct ponto_identity *out)
{
	struct ponto_identity_change change = {.classifier = wish->classifier};
	const char *name = *wish->name ? wish->name : UNNAMED;
	int result;

	if (wish->key.len)
		result = ponto_identity_adopt(job->security, job->uid, wish->profile, name, wish->key, out);
	else
		result = ponto_identity_create(job->security, job->uid, wish->profile, name, out);
	if (result == PONTO_OK && !*wish->name)
		change.name = out->id;
	if (result != PONTO_OK || (!change.name && !change.classifier))
		return result;
	result = ponto_identity_change(job->security, job->uid, out->id, &change);
	if (result == PONTO_OK)
		return ponto_identity_get(job->security, job->uid, out->id, out);
	if (ponto_identity_remove(job->security, job->uid, out->id) != PONTO_OK)
		result = PONTO_EIO;
	return result;
}

/* ---- the default ------------------------------------------------------------------------ */

struct choice {
	struct identity_job *job;
	struct ponto_identity first;
	bool any;
};

static bool take_first(void *arg, const struct ponto_identity *identity)
{
	struct choice *choice = arg;

	choice->first = *identity;
	choice->any = true;
	return false;
}

struct ids {
	char (*id)[PONTO_IDENTITY_ID];
	size_t count;
	bool failed;
};

static bool collect(void *arg, const struct ponto_identity *identity)
{
	struct ids *ids = arg;
	void *more = ponto_resize(mem, ids->id, ids->count + 1, sizeof(*ids->id));

	ids->failed = !more;
	if (!more)
		return false;
	ids->id = more;
	memcpy(ids->id[ids->count++], identity->id, PONTO_IDENTITY_ID);
	return true;
}

/* The one that was chosen, else the oldest. PONTO_ENOENT: there is none. */
int identity_default(struct identity_job *job, struct ponto_identity *out)
{
	struct choice choice = {.job = job};
	struct ponto_identity_detail detail;
	struct ids ids = {0};
	int result = ponto_identity_list(job->security, job->uid, collect, &ids);

	if (!result && ids.failed)
		result = PONTO_ENOMEM;
	for (size_t i = 0; !result && i < ids.count; i++) {
		if (identity_detail_of(job, ids.id[i], &detail) != PONTO_OK || !detail.is_default)
			continue;
		result = ponto_identity_get(job->security, job->uid, ids.id[i], out);
		ponto_free(mem, ids.id);
		return result;
	}
	ponto_free(mem, ids.id);
	if (!result)
		result = ponto_identity_list(job->security, job->uid, take_first, &choice);
	if (!result && !choice.any)
		result = PONTO_ENOENT;
	if (!result)
		*out = choice.first;
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
		identity_job_pack_one(job, &identity);
	else if (job->result == PONTO_ENOENT)
		job->error = "you have no identity";
}

/* ---- changes ------------------------------------------------------------------------------ */

void identity_run_change(struct identity_job *job)
{
	const Ponto__Identity__V1__ChangeRequest *r = (const Ponto__Identity__V1__ChangeRequest *)job->request;
	struct ponto_identity_change change = {identity_name_or_id(r->name, r->id), r->classifier, r->make_default};
	struct ponto_identity identity;

	job->result = ponto_identity_change(job->security, job->uid, r->id, &change);
	if (job->result == PONTO_EINVAL)
		job->error = "a name has 1 to 255 bytes of UTF-8 without control characters, a classifier at most 149 "
			     "characters";
	if (job->result == PONTO_OK)
		job->result = ponto_identity_get(job->security, job->uid, r->id, &identity);
	if (job->result == PONTO_OK)
		identity_job_pack_one(job, &identity);
}

/* ---- XML ------------------------------------------------------------------------------------ */

static void pack_text(struct identity_job *job, char *text)
{
	Ponto__Identity__V1__CardReply reply = PONTO__IDENTITY__V1__CARD_REPLY__INIT;

	reply.data.data = (uint8_t *)text;
	reply.data.len = strlen(text);
	identity_job_pack(job, &reply.base);
	ponto_wipe(text, strlen(text));
	ponto_free(mem, text);
}

void identity_run_card(struct identity_job *job)
{
	const Ponto__Identity__V1__CardRequest *r = (const Ponto__Identity__V1__CardRequest *)job->request;
	uint8_t *message = NULL;
	char *text = NULL;
	size_t len;

	job->result = ponto_identity_card(job->security, job->uid, r->id, mem, &message, &len);
	if (job->result == PONTO_OK)
		job->result = identity_xml_card(ponto_bytes(message, len), mem, &text);
	ponto_free(mem, message);
	if (job->result == PONTO_OK)
		pack_text(job, text);
	else if (job->result == PONTO_ENOTSUP)
		job->error = "only identities of the windows profile have a card";
}

/* Answered as ExportReply, whose bytes are those of CardReply. */
void identity_run_export_xml(struct identity_job *job)
{
	const Ponto__Identity__V1__ExportRequest *r = (const Ponto__Identity__V1__ExportRequest *)job->request;
	char name[IDENTITY_XML_NAME], *text = NULL;
	struct ponto_identity_detail detail;
	uint8_t *pfx = NULL;
	size_t len = 0;

	job->result = identity_detail_of(job, r->id, &detail);
	if (job->result == PONTO_OK)
		job->result = ponto_identity_export_pfx(job->security, job->uid, r->id, r->password, mem, &pfx, &len);
	if (job->result == PONTO_OK) {
		peer_name_of(r->id, detail.classifier, name);
		job->result = identity_xml_export(name, ponto_bytes(pfx, len), mem, &text);
	}
	if (pfx)
		ponto_wipe(pfx, len);
	ponto_free(mem, pfx);
	if (job->result == PONTO_OK)
		pack_text(job, text);
	else if (job->result == PONTO_ENOTSUP)
		job->error = "only identities of the windows profile can be written as XML";
}

int identity_import_xml(struct identity_job *job, struct ponto_bytes text, const char *password,
			struct ponto_identity *out)
{
	char name[IDENTITY_XML_NAME];
	uint8_t *pfx = NULL;
	size_t len = 0;
	int result = identity_xml_read_export(text, mem, name, &pfx, &len);

	if (result)
		return result;
	result = ponto_identity_import_pfx(job->security, job->uid, name, ponto_bytes(pfx, len), password, out);
	ponto_wipe(pfx, len);
	ponto_free(mem, pfx);
	return result;
}

/* ---- signatures ------------------------------------------------------------------------------- */

void identity_run_sign(struct identity_job *job)
{
	const Ponto__Identity__V1__SignRequest *r = (const Ponto__Identity__V1__SignRequest *)job->request;
	Ponto__Identity__V1__SignReply reply = PONTO__IDENTITY__V1__SIGN_REPLY__INIT;
	uint8_t signature[PONTO_SIGNATURE_MAX];
	size_t len;

	job->result =
		ponto_sign(job->security, job->uid, r->id, ponto_bytes(r->data.data, r->data.len), signature, &len);
	if (job->result)
		return;
	reply.signature.data = signature;
	reply.signature.len = len;
	identity_job_pack(job, &reply.base);
}
