/* Field-by-field comparison of what the PNRP codec decodes, for tests and fuzz targets: views by their bytes,
 * route_ignored not at all, since encoding forgets it. */
#ifndef PONTO_TESTS_UNIT_PNRP_EQUAL_H
#define PONTO_TESTS_UNIT_PNRP_EQUAL_H

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_cpa.h"

bool message_equal(const struct pnrp_message *a, const struct pnrp_message *b);
bool buffer_equal(const struct pnrp_authority_buffer *a, const struct pnrp_authority_buffer *b);
bool cpa_equal(const struct pnrp_cpa *a, const struct pnrp_cpa *b);
bool payload_equal(const struct pnrp_payload *a, const struct pnrp_payload *b);

#endif
