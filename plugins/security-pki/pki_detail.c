/* What an identity has beside its key: display name and classifier in its own file, and who is its owner's default. */
#include <string.h>

#include "plugins/security-pki/pki.h"

/* The owner's choice; empty when there is none. The caller holds the lock. */
static int read_default(struct pki *pki, uint32_t owner, char out[PONTO_IDENTITY_ID])
{
	uint8_t *text = NULL;
	size_t len = 0;
	int result = pki_vault_get(pki->vault, PKI_DEFAULT, owner, PKI_OWNER_ID, pki->env->alloc, &text, &len);

	out[0] = '\0';
	if (result == PONTO_ENOENT)
		return PONTO_OK;
	if (!result && len == PONTO_IDENTITY_ID - 1) {
		memcpy(out, text, len);
		out[len] = '\0';
	}
	ponto_free(pki->env->alloc, text);
	return result == PONTO_ECORRUPT ? PONTO_OK : result; /* no choice */
}

int pki_identity_detail(void *self, uint32_t owner, const char *id, struct ponto_identity_detail *out)
{
	char chosen[PONTO_IDENTITY_ID];
	struct pki_record record;
	struct pki *pki = self;
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_rwlock_rdlock(&pki->lock);
	result = pki_describe(pki, owner, id, &record);
	if (!result)
		result = read_default(pki, owner, chosen);
	pthread_rwlock_unlock(&pki->lock);
	if (result)
		return result;
	strcpy(out->classifier, record.classifier);
	out->is_default = strcmp(chosen, id) == 0;
	return PONTO_OK;
}

/* The identity's file as it shall be. The caller holds the lock. gives *text */
static int render(struct pki *pki, uint32_t owner, const char *id, const struct ponto_identity_change *change,
		  uint8_t **text, size_t *len)
{
	struct pki_record record;
	EVP_PKEY *key = NULL;
	int result = pki_load_key(pki, owner, id, &record, &key);

	if (!result && change->name)
		strcpy(record.identity.name, change->name);
	if (!result && change->classifier)
		strcpy(record.classifier, change->classifier);
	if (!result)
		result = pki_file_write(&pki->crypto, &record, key, ponto_bytes(pki->secret, pki->secret_len),
					pki->iterations, pki->env->alloc, text, len);
	EVP_PKEY_free(key);
	return result;
}

/* An empty id is no choice. */
static int write_default(struct pki *pki, uint32_t owner, const char *id)
{
	int result = *id ? pki_vault_put(pki->vault, PKI_DEFAULT, owner, PKI_OWNER_ID, ponto_bytes(id, strlen(id)))
			 : pki_vault_remove(pki->vault, PKI_DEFAULT, owner, PKI_OWNER_ID);

	return result == PONTO_ENOENT ? PONTO_OK : result;
}

/* Two files are written or none: the choice, which is easily taken back, first. The caller holds the lock for writing.
 */
static int write_change(struct pki *pki, uint32_t owner, const char *id, bool make_default, struct ponto_bytes text)
{
	char before[PONTO_IDENTITY_ID] = "";
	int result = make_default ? read_default(pki, owner, before) : PONTO_OK;

	if (!result && make_default)
		result = write_default(pki, owner, id);
	if (result || text.len == 0)
		return result;
	result = pki_vault_put(pki->vault, PKI_IDENTITY, owner, id, text);
	if (result && make_default && write_default(pki, owner, before))
		ponto_error(pki->env->log, PKI_TOPIC, "the default identity of uid %u stays %s", owner, id);
	return result;
}

int pki_identity_change(void *self, uint32_t owner, const char *id, const struct ponto_identity_change *change)
{
	struct pki_record record;
	struct pki *pki = self;
	uint8_t *text = NULL;
	size_t len = 0;
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	if ((change->name && !ponto_identity_name_valid(change->name)) ||
	    (change->classifier && !ponto_identity_classifier_valid(change->classifier)))
		return PONTO_EINVAL;
	pthread_rwlock_wrlock(&pki->lock);
	result = pki_describe(pki, owner, id, &record);
	if (!result && (change->name || change->classifier))
		result = render(pki, owner, id, change, &text, &len);
	if (!result)
		result = write_change(pki, owner, id, change->make_default, ponto_bytes(text, len));
	pthread_rwlock_unlock(&pki->lock);
	pki_free_text(pki->env->alloc, text, len);
	return result;
}
