/* Ponto: XML in memory. Pure and hardened: no entity is expanded, no DTD is
 * read, nothing is fetched; size and depth are bounded. Not for sharing
 * between threads. W3C XML 1.0, Namespaces in XML 1.0. */
#ifndef PONTO_XML_H
#define PONTO_XML_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_XML_SIZE_MAX (4u * 1024 * 1024) /* bytes of a document */
#define PONTO_XML_DEPTH_MAX 64
#define PONTO_XML_NODES_MAX 65536    /* elements and attributes of a document */
#define PONTO_XML_ATTRIBUTES_MAX 256 /* of one element, namespace declarations included */

struct ponto_xml;	/* a document */
struct ponto_xml_node;	/* an element, owned by its document */

/* UTF-8, or UTF-16 with a byte order mark; whatever encoding the document declares is ignored. PONTO_EPROTO: not
 * well-formed (namespaces included), has a DOCTYPE, or too deep; PONTO_ELIMIT: larger than the limits above.
 * Comments and processing instructions are dropped. borrows text. gives */
PONTO_MUST_CHECK int ponto_xml_parse(struct ponto_bytes text, struct ponto_xml **out);

/* A document with one root element. space: namespace URI or NULL; prefix: NULL for the default namespace. Errors as
 * of ponto_xml_add. copies. gives */
PONTO_MUST_CHECK int ponto_xml_create(const char *name, const char *space, const char *prefix, struct ponto_xml **out);
void ponto_xml_destroy(struct ponto_xml *xml);

struct ponto_xml_node *ponto_xml_root(const struct ponto_xml *xml);

/* Local name and namespace URI ("" for none). Live as long as the document. */
const char *ponto_xml_name(const struct ponto_xml_node *node);
const char *ponto_xml_space(const struct ponto_xml_node *node);
bool ponto_xml_is(const struct ponto_xml_node *node, const char *space, const char *name);

/* What a prefix means at this element (NULL: the default namespace), for names that stand in text; NULL when it is not
 * declared. Lives as long as the document. */
const char *ponto_xml_declared(const struct ponto_xml_node *node, const char *prefix);

/* Child elements only; NULL when there is none. space NULL matches any. */
struct ponto_xml_node *ponto_xml_first(const struct ponto_xml_node *parent, const char *space, const char *name);
struct ponto_xml_node *ponto_xml_next(const struct ponto_xml_node *node, const char *space, const char *name);

/* The element's text, its descendants' included. PONTO_ENOMEM. gives, freed with ponto_xml_free_text */
PONTO_MUST_CHECK int ponto_xml_text(const struct ponto_xml_node *node, char **out);
/* PONTO_ENOENT when the attribute is missing. gives, freed with ponto_xml_free_text */
PONTO_MUST_CHECK int ponto_xml_attribute(const struct ponto_xml_node *node, const char *space, const char *name,
					 char **out);
void ponto_xml_free_text(char *text);

/* Builders. PONTO_EINVAL: not a name without colon, or not UTF-8 made of characters XML allows; PONTO_ELIMIT: too
 * deep. text NULL: none; a space not yet declared is declared on the node with prefix. copies. gives by way of the
 * document */
PONTO_MUST_CHECK int ponto_xml_add(struct ponto_xml_node *parent, const char *name, const char *space,
				   const char *prefix, const char *text, struct ponto_xml_node **out);
PONTO_MUST_CHECK int ponto_xml_set(struct ponto_xml_node *node, const char *name, const char *value);

/* UTF-8 with an XML declaration, no white space added. gives, freed with ponto_xml_free_text */
PONTO_MUST_CHECK int ponto_xml_write(const struct ponto_xml *xml, char **out, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
