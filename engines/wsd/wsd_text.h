/* WS-Discovery: hexadecimal and base64 in element texts. For the folder's own files only. Pure. */
#ifndef ENGINES_WSD_WSD_TEXT_H
#define ENGINES_WSD_WSD_TEXT_H

#include "framework/cursor.h"

/* XML's white space. */
static inline bool wsd_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word of a white-space list, *text moves behind it; false at the end. A view into *text. */
bool wsd_word(const char **text, struct ponto_bytes *out);

/* Upper case, as deployed peers compare text. */
void wsd_write_hex(struct ponto_writer *w, struct ponto_bytes bytes);
void wsd_write_base64(struct ponto_writer *w, struct ponto_bytes bytes);

/* Either case. PONTO_EPROTO: another character, an odd number, more than cap bytes. */
PONTO_MUST_CHECK int wsd_read_hex(struct ponto_bytes text, uint8_t *out, size_t cap, size_t *len);

/* White space within is skipped. PONTO_EPROTO: another character, bad padding, more than cap bytes. */
PONTO_MUST_CHECK int wsd_read_base64(const char *text, uint8_t *out, size_t cap, size_t *len);

/* Digits only, up to UINT64_MAX. */
PONTO_MUST_CHECK int wsd_read_number(const char *text, uint64_t *out);

#endif
