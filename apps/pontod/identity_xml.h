/* Identities as XML, as the Windows identity manager writes them ([MS-PPSEC] 2.2.5.2 for the card; the export as the
 * SDK shows it): one line of UTF-8 without declaration.
 *
 *     <PEERIDENTITYINFO VERSION="1.0"><IDC …>base64 of a PKCS #7 message</IDC></PEERIDENTITYINFO>
 *     <PEERIDENTITYEXPORT VERSION="1.0"><PEERNAME>authority.classifier</PEERNAME><DATA …>base64 of a PFX</DATA>…
 *
 * Pure but for the allocator. What is read is hostile. */
#ifndef PONTO_APPS_IDENTITY_XML_H
#define PONTO_APPS_IDENTITY_XML_H

#include "framework/base.h"

#define IDENTITY_XML_MAX 65536 /* bytes of a text that is read */
#define IDENTITY_XML_NAME 512  /* bytes of a peer name, NUL included */

/* gives *text, NUL-terminated */
PONTO_MUST_CHECK int identity_xml_card(struct ponto_bytes message, const struct ponto_alloc *alloc, char **text);
PONTO_MUST_CHECK int identity_xml_export(const char *peer_name, struct ponto_bytes pfx, const struct ponto_alloc *alloc,
					 char **text);

/* Whether this is meant as XML at all: it begins with '<', a byte order mark, or white space before. */
bool identity_xml_is(struct ponto_bytes text);

/* PONTO_EPROTO: no such document. gives *data (wipe it), the bytes in IDC or DATA */
PONTO_MUST_CHECK int identity_xml_read_card(struct ponto_bytes text, const struct ponto_alloc *alloc, uint8_t **data,
					    size_t *len);
PONTO_MUST_CHECK int identity_xml_read_export(struct ponto_bytes text, const struct ponto_alloc *alloc,
					      char peer_name[IDENTITY_XML_NAME], uint8_t **data, size_t *len);

#endif
