/* The documents and nodes of the interface are libxml2's own, behind other names. */
#include "framework/xml.h"
#include "framework/utf8.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>
#include <libxml/tree.h>
#include <pthread.h>
#include <string.h>

static xmlDoc *doc_of(const struct ponto_xml *xml)
{
	return (xmlDoc *)(uintptr_t)xml;
}

static xmlNode *node_of(const struct ponto_xml_node *node)
{
	return (xmlNode *)(uintptr_t)node;
}

static struct ponto_xml_node *give_node(const xmlNode *node)
{
	return (struct ponto_xml_node *)(uintptr_t)node;
}

static const xmlChar *chars(const char *text)
{
	return (const xmlChar *)text;
}

/* ---- before libxml2 sees it ------------------------------------------------------------- */

static bool starts(struct ponto_bytes text, size_t at, const char *what)
{
	size_t len = strlen(what);

	return len <= text.len - at && memcmp(text.data + at, what, len) == 0;
}

/* The offset behind the next occurrence of end, or of the text's end. */
static size_t behind(struct ponto_bytes text, size_t at, const char *end)
{
	while (at < text.len && !starts(text, at, end))
		at++;
	return at < text.len ? at + strlen(end) : text.len;
}

/* libxml2 compares each attribute of an element with all before it, so a tag with many is refused unparsed. */
static bool crowded_tag(struct ponto_bytes text, size_t *at)
{
	unsigned attributes = 0;
	uint8_t quote = 0;

	for (; *at < text.len; ++*at) {
		uint8_t c = text.data[*at];

		if (quote) {
			if (c == quote)
				quote = 0;
			continue;
		}
		if (c == '>')
			return false;
		if (c == '"' || c == '\'')
			quote = c;
		if (c == '=' && ++attributes > PONTO_XML_ATTRIBUTES_MAX)
			return true;
	}
	return false;
}

static bool crowded(struct ponto_bytes text)
{
	size_t at = 0;

	while (at < text.len) {
		if (text.data[at] != '<')
			at++;
		else if (starts(text, at, "<!--"))
			at = behind(text, at + 4, "-->");
		else if (starts(text, at, "<![CDATA["))
			at = behind(text, at + 9, "]]>");
		else if (starts(text, at, "<?"))
			at = behind(text, at + 2, "?>");
		else if (crowded_tag(text, &at))
			return true;
	}
	return false;
}

static uint8_t *put_utf8(uint8_t *out, uint32_t v)
{
	if (v < 0x80) {
		*out++ = (uint8_t)v;
		return out;
	}
	if (v < 0x800) {
		*out++ = (uint8_t)(0xc0 | v >> 6);
	} else {
		if (v < 0x10000) {
			*out++ = (uint8_t)(0xe0 | v >> 12);
		} else {
			*out++ = (uint8_t)(0xf0 | v >> 18);
			*out++ = (uint8_t)(0x80 | (v >> 12 & 0x3f));
		}
		*out++ = (uint8_t)(0x80 | (v >> 6 & 0x3f));
	}
	*out++ = (uint8_t)(0x80 | (v & 0x3f));
	return out;
}

/* A lone surrogate becomes what libxml2 refuses. gives, freed with xmlFree */
static int from_utf16(struct ponto_bytes text, bool little, struct ponto_bytes *out)
{
	uint8_t *data, *end;

	if (text.len % 2 != 0)
		return PONTO_EPROTO;
	data = end = xmlMalloc(text.len / 2 * 3 + 1);
	if (!data)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < text.len; i += 2) {
		uint32_t v = (uint32_t)text.data[i + little] << 8 | text.data[i + !little];

		if (v >= 0xd800 && v < 0xdc00 && i + 2 < text.len) {
			uint32_t low = (uint32_t)text.data[i + 2 + little] << 8 | text.data[i + 2 + !little];

			if (low >= 0xdc00 && low < 0xe000) {
				v = 0x10000 + ((v - 0xd800) << 10 | (low - 0xdc00));
				i += 2;
			}
		}
		end = put_utf8(end, v);
	}
	*out = ponto_bytes(data, (size_t)(end - data));
	return PONTO_OK;
}

/* ---- parsing ---------------------------------------------------------------------------------- */

struct limits {
	unsigned nodes;
	int result;
};

static void refuse(xmlParserCtxt *ctxt, int result)
{
	((struct limits *)ctxt->_private)->result = result;
	xmlStopParser(ctxt);
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	(void)name;
	(void)public_id;
	(void)system_id;
	refuse(arg, PONTO_EPROTO);
}

static void on_element(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int space_count,
		       const xmlChar **spaces, int attribute_count, int default_count, const xmlChar **attributes)
{
	xmlParserCtxt *ctxt = arg;
	struct limits *limits = ctxt->_private;

	limits->nodes += 1 + (unsigned)space_count + (unsigned)attribute_count;
	if (ctxt->nodeNr >= PONTO_XML_DEPTH_MAX)
		refuse(ctxt, PONTO_EPROTO);
	else if (limits->nodes > PONTO_XML_NODES_MAX)
		refuse(ctxt, PONTO_ELIMIT);
	else
		xmlSAX2StartElementNs(ctxt, name, prefix, uri, space_count, spaces, attribute_count, default_count,
				      attributes);
}

static int parse_utf8(struct ponto_bytes text, struct ponto_xml **out)
{
	struct limits limits = {0, PONTO_OK};
	xmlParserCtxt *ctxt;
	xmlDoc *doc;

	if (text.len == 0)
		return PONTO_EPROTO;
	if (crowded(text))
		return PONTO_ELIMIT;
	ctxt = xmlNewParserCtxt();
	if (!ctxt)
		return PONTO_ENOMEM;
	ctxt->_private = &limits;
	ctxt->sax->internalSubset = on_doctype;
	ctxt->sax->startElementNs = on_element;
	ctxt->sax->comment = NULL;
	ctxt->sax->processingInstruction = NULL;
	doc = xmlCtxtReadMemory(ctxt, (const char *)text.data, (int)text.len, NULL, "UTF-8",
				XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
					XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT);
	if (limits.result == PONTO_OK && (!doc || !ctxt->nsWellFormed || !xmlDocGetRootElement(doc)))
		limits.result = ctxt->errNo == XML_ERR_NO_MEMORY ? PONTO_ENOMEM : PONTO_EPROTO;
	xmlFreeParserCtxt(ctxt);
	if (limits.result == PONTO_OK)
		*out = (struct ponto_xml *)doc;
	else
		xmlFreeDoc(doc);
	return limits.result;
}

static void prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, xmlInitParser);
}

int ponto_xml_parse(struct ponto_bytes text, struct ponto_xml **out)
{
	struct ponto_bytes converted = {NULL, 0};
	int result;

	prepare();
	if (text.len > PONTO_XML_SIZE_MAX)
		return PONTO_ELIMIT;
	if (starts(text, 0, "\xef\xbb\xbf"))
		return parse_utf8(ponto_bytes(text.data + 3, text.len - 3), out);
	if (!starts(text, 0, "\xff\xfe") && !starts(text, 0, "\xfe\xff"))
		return parse_utf8(text, out);
	result = from_utf16(ponto_bytes(text.data + 2, text.len - 2), text.data[0] == 0xff, &converted);
	if (result == PONTO_OK)
		result = parse_utf8(converted, out);
	xmlFree((void *)(uintptr_t)converted.data);
	return result;
}

void ponto_xml_destroy(struct ponto_xml *xml)
{
	if (xml)
		xmlFreeDoc(doc_of(xml));
}

/* ---- looking around ---------------------------------------------------------------------------- */

struct ponto_xml_node *ponto_xml_root(const struct ponto_xml *xml)
{
	return give_node(xmlDocGetRootElement(doc_of(xml)));
}

const char *ponto_xml_name(const struct ponto_xml_node *node)
{
	return (const char *)node_of(node)->name;
}

const char *ponto_xml_space(const struct ponto_xml_node *node)
{
	const xmlNs *ns = node_of(node)->ns;

	return ns && ns->href ? (const char *)ns->href : "";
}

const char *ponto_xml_declared(const struct ponto_xml_node *node, const char *prefix)
{
	for (const xmlNode *at = node_of(node); at && at->type == XML_ELEMENT_NODE; at = at->parent) {
		for (const xmlNs *ns = at->nsDef; ns; ns = ns->next) {
			const char *declared = (const char *)ns->prefix;

			if (declared && prefix ? strcmp(declared, prefix) == 0 : declared == prefix)
				return (const char *)ns->href;
		}
	}
	return NULL;
}

bool ponto_xml_is(const struct ponto_xml_node *node, const char *space, const char *name)
{
	return strcmp(ponto_xml_name(node), name) == 0 && (!space || strcmp(ponto_xml_space(node), space) == 0);
}

static struct ponto_xml_node *find(const xmlNode *node, const char *space, const char *name)
{
	for (; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE && ponto_xml_is(give_node(node), space, name))
			return give_node(node);
	}
	return NULL;
}

struct ponto_xml_node *ponto_xml_first(const struct ponto_xml_node *parent, const char *space, const char *name)
{
	return find(node_of(parent)->children, space, name);
}

struct ponto_xml_node *ponto_xml_next(const struct ponto_xml_node *node, const char *space, const char *name)
{
	return find(node_of(node)->next, space, name);
}

int ponto_xml_text(const struct ponto_xml_node *node, char **out)
{
	xmlChar *text = xmlNodeGetContent(node_of(node));

	if (!text)
		return PONTO_ENOMEM;
	*out = (char *)text;
	return PONTO_OK;
}

int ponto_xml_attribute(const struct ponto_xml_node *node, const char *space, const char *name, char **out)
{
	xmlChar *text;

	if (!xmlHasNsProp(node_of(node), chars(name), space && *space ? chars(space) : NULL))
		return PONTO_ENOENT;
	text = space && *space ? xmlGetNsProp(node_of(node), chars(name), chars(space))
			       : xmlGetNoNsProp(node_of(node), chars(name));
	if (!text)
		return PONTO_ENOMEM;
	*out = (char *)text;
	return PONTO_OK;
}

void ponto_xml_free_text(char *text)
{
	if (text)
		xmlFree(text);
}

/* ---- building ---------------------------------------------------------------------------------- */

/* UTF-8 made of XML 1.0's Char production. */
static bool valid_text(const char *text)
{
	uint32_t point = 0;
	size_t len;

	for (; *text; text += len) {
		len = utf8_decode(text, &point);
		if (len == 0 || !IS_CHAR(point))
			return false;
	}
	return true;
}

static bool valid_name(const char *name)
{
	return valid_text(name) && xmlValidateNCName(chars(name), 0) == 0;
}

static int check(const char *name, const char *space, const char *prefix, const char *text)
{
	if (!valid_name(name) || (space && !valid_text(space)) || (text && !valid_text(text)))
		return PONTO_EINVAL;
	if (prefix && (!valid_name(prefix) || strncmp(prefix, "xml", 3) == 0 || !space || !*space))
		return PONTO_EINVAL;
	return PONTO_OK;
}

/* Puts a node that hangs in its document into a namespace, declaring it where it is not. */
static int set_space(xmlNode *node, const char *space, const char *prefix)
{
	bool none = !space || !*space;
	xmlNs *ns = none ? xmlSearchNs(node->doc, node, NULL) : xmlSearchNsByHref(node->doc, node, chars(space));

	if (none && (!ns || !ns->href || !*ns->href))
		return PONTO_OK;
	if (none || !ns) /* in no namespace below a default one: that has to be said as well */
		ns = xmlNewNs(node, none ? chars("") : chars(space), none || !prefix ? NULL : chars(prefix));
	if (!ns)
		return PONTO_ENOMEM;
	xmlSetNs(node, ns);
	return PONTO_OK;
}

int ponto_xml_create(const char *name, const char *space, const char *prefix, struct ponto_xml **out)
{
	int result = check(name, space, prefix, NULL);
	xmlNode *root;
	xmlDoc *doc;

	prepare();
	if (result != PONTO_OK)
		return result;
	doc = xmlNewDoc(chars("1.0"));
	if (!doc)
		return PONTO_ENOMEM;
	doc->encoding = xmlStrdup(chars("UTF-8")); /* or attributes are written in ASCII and references */
	root = xmlNewDocRawNode(doc, NULL, chars(name), NULL);
	if (!root || !doc->encoding) {
		xmlFreeNode(root);
		xmlFreeDoc(doc);
		return PONTO_ENOMEM;
	}
	xmlDocSetRootElement(doc, root);
	result = set_space(root, space, prefix);
	if (result == PONTO_OK)
		*out = (struct ponto_xml *)doc;
	else
		xmlFreeDoc(doc);
	return result;
}

static unsigned depth(const xmlNode *node)
{
	unsigned n = 0;

	for (; node && node->type == XML_ELEMENT_NODE; node = node->parent)
		n++;
	return n;
}

int ponto_xml_add(struct ponto_xml_node *parent, const char *name, const char *space, const char *prefix,
		  const char *text, struct ponto_xml_node **out)
{
	xmlNode *above = node_of(parent), *node, *content;
	int result = check(name, space, prefix, text);

	if (result != PONTO_OK)
		return result;
	if (depth(above) >= PONTO_XML_DEPTH_MAX)
		return PONTO_ELIMIT;
	node = xmlNewDocRawNode(above->doc, NULL, chars(name), NULL);
	if (!node)
		return PONTO_ENOMEM;
	if (text && *text) {
		content = xmlNewDocText(above->doc, chars(text));
		if (!content || !xmlAddChild(node, content)) {
			xmlFreeNode(content);
			xmlFreeNode(node);
			return PONTO_ENOMEM;
		}
	}
	xmlAddChild(above, node);
	result = set_space(node, space, prefix);
	if (result != PONTO_OK) {
		xmlUnlinkNode(node);
		xmlFreeNode(node);
	} else if (out) {
		*out = give_node(node);
	}
	return result;
}

int ponto_xml_set(struct ponto_xml_node *node, const char *name, const char *value)
{
	if (!valid_name(name) || strcmp(name, "xmlns") == 0 || !valid_text(value))
		return PONTO_EINVAL;
	return xmlSetNsProp(node_of(node), NULL, chars(name), chars(value)) ? PONTO_OK : PONTO_ENOMEM;
}

int ponto_xml_write(const struct ponto_xml *xml, char **out, size_t *len)
{
	xmlBuffer *buffer = xmlBufferCreate();
	int result = PONTO_ENOMEM;

	if (!buffer)
		return PONTO_ENOMEM;
	if (xmlBufferCat(buffer, chars("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")) == 0 &&
	    xmlNodeDump(buffer, doc_of(xml), xmlDocGetRootElement(doc_of(xml)), 0, 0) > 0) {
		*len = (size_t)xmlBufferLength(buffer);
		*out = (char *)xmlBufferDetach(buffer);
		result = PONTO_OK;
	}
	xmlBufferFree(buffer);
	return result;
}
