/* discovery-ssdp: the texts on the wire: what is sought, the search, the answer, the announcement.
 *
 * Pure. Simple Service Discovery Protocol, UPnP Device Architecture 1.0 section 1, as [MS-PNRP] 3.1.4.2.2,
 * 3.1.5.1 and 3.2.4.1 use it: the target has blanks in it, and AL is a bare RFC 2732 host and port. What is sent
 * follows Windows' own texts byte for byte; what is read may differ in case, blanks and order. */
#ifndef DISCOVERY_SSDP_MESSAGE_H
#define DISCOVERY_SSDP_MESSAGE_H

#include "framework/base.h"

#define SSDP_PORT 1900
#define SSDP_TEXT_MAX 1024   /* bytes of a message; a longer one is not read */
#define SSDP_LINES_MAX 48    /* of its head */
#define SSDP_TARGET_TEXT 160 /* bytes of a target, NUL included */
#define SSDP_SIGNATURE 32    /* digits of 01-NLS, which tell one publication from the next */
#define SSDP_MAX_AGE 14400   /* seconds an announcement holds */
#define SSDP_MX 3	     /* seconds within which we want answers, and at most take to give one */

enum ssdp_kind {
	SSDP_SEARCH = 1, /* M-SEARCH */
	SSDP_ANSWER,	 /* 200 to one */
	SSDP_NOTIFY,
};

/* Views into the text that was read; empty where there was no such line. */
struct ssdp_message {
	enum ssdp_kind kind;
	struct ponto_bytes target;   /* ST */
	struct ponto_bytes man;	     /* MAN, without its quotes */
	struct ponto_bytes location; /* AL */
	unsigned mx;		     /* MX; 1 where it is missing or not a number, at most SSDP_MX */
};

/* PONTO_EPROTO: none of the three, too long, or a line of those above twice. */
PONTO_MUST_CHECK int ssdp_parse(struct ponto_bytes text, struct ssdp_message *out);

/* "[2001:db8::1]:3540" and nothing else: RFC 2732, a port, no zone. PONTO_EPROTO. */
PONTO_MUST_CHECK int ssdp_location_parse(struct ponto_bytes text, struct ponto_addr *out);

/* What a topic is called on the wire. PNRP's clouds ("pnrp/…") have the name [MS-PNRP] 3.1.4.2.2 gives them, those of
 * the modern profile ("…@modern") one of their own, other topics "urn:ponto:TOPIC: SCOPE".
 * PONTO_ENOTSUP: no multicast in that scope; PONTO_EINVAL: the topic is too long or not printable. */
PONTO_MUST_CHECK int ssdp_target(const char *topic, enum ponto_scope scope, char out[SSDP_TARGET_TEXT]);

/* Texts to send: their length. */
size_t ssdp_format_search(const char *target, char out[SSDP_TEXT_MAX]);
size_t ssdp_format_answer(const char *target, const struct ponto_addr *location, const char *signature,
			  char out[SSDP_TEXT_MAX]);
/* alive: the announcement, else its end. */
size_t ssdp_format_notify(const char *target, const struct ponto_addr *location, const char *signature, bool alive,
			  char out[SSDP_TEXT_MAX]);

#endif
