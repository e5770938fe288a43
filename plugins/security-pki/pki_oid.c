#include <stdio.h>
#include <string.h>

#include "plugins/security-pki/pki_chain.h"

const uint8_t pki_certificate_version[4] = {1, 0, 2, 0};

/* By its bytes: OpenSSL writes a long hostile number out in quadratic time. */
bool pki_oid_is(const ASN1_OBJECT *oid, uint8_t a, uint8_t b)
{
	const uint8_t want[] = {0x2b, 6, 1, 4, 1, 0x82, 0x37, 44, a, b}; /* 1.3.6.1.4.1.311.44.a.b */

	return OBJ_length(oid) == sizeof(want) && memcmp(OBJ_get0_data(oid), want, sizeof(want)) == 0;
}

ASN1_OBJECT *pki_oid_make(uint8_t a, uint8_t b)
{
	char text[40];

	snprintf(text, sizeof(text), "1.3.6.1.4.1.311.44.%u.%u", a, b);
	return OBJ_txt2obj(text, 1);
}
