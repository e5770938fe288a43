/* Text at the border: UTF-16 outside, UTF-8 inside. Thread-safe. */
#ifndef PONTO_API_PEER_TEXT_H
#define PONTO_API_PEER_TEXT_H

#include <p2p.h>

#include "engines/pnrp/pnrp_name.h"

#define PEER_CLOUD_UNITS 64 /* longest cloud name that is looked for, NUL included */

/* A peer name in UTF-8. E_INVALIDARG: NULL, or none. borrows name */
HRESULT peer_name_utf8(PCWSTR name, char out[PNRP_NAME_TEXT]);

/* At most max units, as UTF-8 in cap bytes; NULL is the empty text; lone surrogates become U+FFFD. E_INVALIDARG:
 * longer. borrows text */
HRESULT peer_text_utf8(PCWSTR text, size_t max, char *out, size_t cap);

/* Units with the NUL that a text has as UTF-16. It is well-formed UTF-8: it comes from the daemon. */
size_t peer_text_units(const char *text);

/* Writes them. out has room for peer_text_units(text). */
void peer_text_write(const char *text, WCHAR *out);

/* A copy that PeerFreeData frees. E_OUTOFMEMORY */
HRESULT peer_text_give(const char *text, PWSTR *out);

#endif
