/* security-pki: the texts inside certificates, as UTF-16, in the chain's own room. False: too long, not a text, or
 * with a NUL inside; one at the end is a terminator. max counts characters, the terminator not. */
#ifndef SECURITY_PKI_CHAIN_TEXT_H
#define SECURITY_PKI_CHAIN_TEXT_H

#include "plugins/security-pki/pki_chain.h"

bool pki_text_of_string(struct pki_chain *chain, const ASN1_STRING *string, size_t max, struct pnrp_units *out);
bool pki_text_of_type(struct pki_chain *chain, const ASN1_TYPE *value, size_t max, struct pnrp_units *out);

/* All values of a distinguished name, one after the other. */
bool pki_text_of_name(struct pki_chain *chain, const X509_NAME *name, struct pnrp_units *out);

#endif
