/* Identities on their way to others and back: cards, and exports under a password, in XML or as text. On a worker. */
#include <string.h>

#include "apps/pontod/identity_job.h"
#include "apps/pontod/identity_xml.h"

static const struct ponto_alloc *const mem = &ponto_alloc_system;

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

/* ---- out ---------------------------------------------------------------------------------- */

/* "authority.classifier" */
static void peer_name_of(const char *id, const char *classifier, char out[IDENTITY_XML_NAME])
{
	size_t len = strlen(id);

	memcpy(out, id, len);
	out[len] = '.';
	strcpy(out + len + 1, classifier);
}

/* Answered as ExportReply, whose bytes are those of CardReply. */
static void export_xml(struct identity_job *job)
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

void identity_run_export(struct identity_job *job)
{
	const Ponto__Identity__V1__ExportRequest *r = (const Ponto__Identity__V1__ExportRequest *)job->request;
	Ponto__Identity__V1__ExportReply reply = PONTO__IDENTITY__V1__EXPORT_REPLY__INIT;
	uint8_t *data;
	size_t len;

	if (!r->password[0]) {
		job->result = PONTO_EINVAL;
		job->error = "a password is needed";
		return;
	}
	if (r->xml) {
		export_xml(job);
		return;
	}
	job->result = ponto_identity_export(job->security, job->uid, r->id, r->password, mem, &data, &len);
	if (job->result)
		return;
	reply.data.data = data;
	reply.data.len = len;
	identity_job_pack(job, &reply.base);
	ponto_free(mem, data);
}

/* ---- in ------------------------------------------------------------------------------------ */

static int import_xml(struct identity_job *job, struct ponto_bytes text, const char *password,
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

void identity_run_import(struct identity_job *job)
{
	const Ponto__Identity__V1__ImportRequest *r = (const Ponto__Identity__V1__ImportRequest *)job->request;
	struct ponto_bytes data = ponto_bytes(r->data.data, r->data.len);
	struct ponto_identity identity;
	bool xml = identity_xml_is(data);

	if (r->data.len > (xml ? IDENTITY_XML_MAX : PONTO_EXPORT_MAX)) {
		job->result = PONTO_EPROTO;
		job->error = "larger than an exported identity can be";
		return;
	}
	if (xml)
		job->result = import_xml(job, data, r->password, &identity);
	else
		job->result = ponto_identity_import(job->security, job->uid, data, r->password, &identity);
	if (job->result == PONTO_OK)
		identity_job_pack_new(job, identity.id);
	else if (job->result == PONTO_EEXIST)
		identity_job_say(job, "%s is here already", identity.id);
	else if (job->result == PONTO_EAUTH)
		job->error = xml ? "the password does not fit, or it is damaged" : "the password does not fit";
	else if (job->result == PONTO_EPROTO)
		job->error = "this is no exported identity, or it is damaged";
}
