/* Identities, one at a time: made, shown, changed, removed, and signing for programs. What fails leaves all as it was,
 * so an answer is ready before what cannot be undone. On a worker. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apps/pontod/identity_job.h"

#define UNNAMED "-" /* until its id is known */

static const struct ponto_alloc *const mem = &ponto_alloc_system;

/* ---- answers ------------------------------------------------------------------------ */

void identity_job_pack(struct identity_job *job, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	job->reply = ponto_new(mem, size + 1, 1);
	if (job->reply)
		job->reply_len = protobuf_c_message_pack(message, job->reply);
	else
		job->result = PONTO_ENOMEM;
}

void identity_job_say(struct identity_job *job, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(job->own_error, sizeof(job->own_error), format, args);
	va_end(args);
	job->error = job->own_error;
}

void identity_describe(const struct identity_entry *from, Ponto__Identity__V1__Identity *to)
{
	const struct ponto_identity *identity = &from->identity;

	ponto__identity__v1__identity__init(to);
	to->id = (char *)(uintptr_t)identity->id;
	to->name = (char *)(uintptr_t)identity->name;
	to->profile = (char *)(uintptr_t)(identity->profile == PONTO_PROFILE_MODERN ? "modern" : "windows");
	to->uid = identity->owner;
	to->created_us = identity->created;
	to->public_key.data = (uint8_t *)(uintptr_t)identity->public_key;
	to->public_key.len = identity->public_key_len;
	to->classifier = (char *)(uintptr_t)from->detail.classifier;
	to->has_is_default = true;
	to->is_default = from->detail.is_default;
}

/* Create, Show, Import and others answer one identity as their first field: the same bytes. */
static void pack_entry(struct identity_job *job, const struct identity_entry *entry)
{
	Ponto__Identity__V1__ShowReply reply = PONTO__IDENTITY__V1__SHOW_REPLY__INIT;
	Ponto__Identity__V1__Identity item;

	identity_describe(entry, &item);
	reply.identity = &item;
	identity_job_pack(job, &reply.base);
}

/* All that is shown of one. */
static int read_entry(struct identity_job *job, const char *id, struct identity_entry *out)
{
	struct ponto_identity chosen;
	int result = ponto_identity_get(job->security, job->uid, id, &out->identity);

	if (result == PONTO_OK)
		result = identity_detail_of(job, id, &out->detail);
	if (result == PONTO_OK)
		result = identity_default(job, &chosen);
	if (result == PONTO_OK)
		out->detail.is_default = strcmp(chosen.id, id) == 0;
	return result;
}

void identity_job_pack_one(struct identity_job *job, const char *id)
{
	struct identity_entry entry;

	job->result = read_entry(job, id, &entry);
	if (job->result == PONTO_OK)
		pack_entry(job, &entry);
}

void identity_job_pack_new(struct identity_job *job, const char *id)
{
	identity_job_pack_one(job, id);
	if (job->result != PONTO_OK && ponto_identity_remove(job->security, job->uid, id) != PONTO_OK)
		job->result = PONTO_EIO;
}

/* ---- making one ---------------------------------------------------------------------- */

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
		result = ponto_identity_get(job->security, job->uid, out->id, out);
	if (result != PONTO_OK && ponto_identity_remove(job->security, job->uid, out->id) != PONTO_OK)
		result = PONTO_EIO;
	return result;
}

static uint32_t profile_of(const char *name)
{
	if (strcmp(name, "windows") == 0)
		return PONTO_PROFILE_WINDOWS;
	return strcmp(name, "modern") == 0 ? PONTO_PROFILE_MODERN : 0;
}

void identity_run_create(struct identity_job *job)
{
	const Ponto__Identity__V1__CreateRequest *r = (const Ponto__Identity__V1__CreateRequest *)job->request;
	struct identity_wish wish = {profile_of(r->profile), r->name, NULL, ponto_bytes(r->key.data, r->key.len)};
	struct ponto_identity identity;

	if (r->classifier && *r->classifier)
		wish.classifier = r->classifier;
	job->result = PONTO_EINVAL;
	if (!wish.profile)
		job->error = "a profile is windows or modern";
	else if (wish.classifier && !ponto_identity_classifier_valid(wish.classifier))
		job->error = "a classifier has at most 149 characters, none of them a control character";
	else
		job->result = identity_make(job, &wish, &identity);
	if (job->result == PONTO_OK)
		identity_job_pack_new(job, identity.id);
	else if (job->result == PONTO_EEXIST)
		identity_job_say(job, "%s is here already", identity.id);
	else if (job->result == PONTO_EPROTO)
		job->error = "this is no private key of that profile in PEM";
	else if (job->result == PONTO_EINVAL && !job->error)
		job->error = "a name has 1 to 255 bytes of UTF-8 without control characters";
}

/* ---- what becomes of it -------------------------------------------------------------- */

void identity_run_show(struct identity_job *job)
{
	const Ponto__Identity__V1__ShowRequest *r = (const Ponto__Identity__V1__ShowRequest *)job->request;

	identity_job_pack_one(job, r->id);
}

void identity_run_change(struct identity_job *job)
{
	const Ponto__Identity__V1__ChangeRequest *r = (const Ponto__Identity__V1__ChangeRequest *)job->request;
	/* what shall have no name is called by its id */
	struct ponto_identity_change change = {r->name && !*r->name ? r->id : r->name, r->classifier, r->make_default};
	struct identity_entry entry;

	if ((change.name && !ponto_identity_name_valid(change.name)) ||
	    (change.classifier && !ponto_identity_classifier_valid(change.classifier))) {
		job->result = PONTO_EINVAL;
		job->error = "a name has 1 to 255 bytes of UTF-8 without control characters, a classifier at most 149 "
			     "characters";
		return;
	}
	job->result = read_entry(job, r->id, &entry);
	if (job->result)
		return;
	if (change.name)
		strcpy(entry.identity.name, change.name);
	if (change.classifier)
		strcpy(entry.detail.classifier, change.classifier);
	entry.detail.is_default |= change.make_default;
	pack_entry(job, &entry);
	if (job->result == PONTO_OK)
		job->result = ponto_identity_change(job->security, job->uid, r->id, &change);
}

void identity_run_delete(struct identity_job *job)
{
	const Ponto__Identity__V1__DeleteRequest *r = (const Ponto__Identity__V1__DeleteRequest *)job->request;
	Ponto__Identity__V1__DeleteReply reply = PONTO__IDENTITY__V1__DELETE_REPLY__INIT;

	identity_job_pack(job, &reply.base);
	if (job->result == PONTO_OK)
		job->result = ponto_identity_remove(job->security, job->uid, r->id);
}

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
