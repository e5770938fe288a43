#include "framework/xml.h"
#include "tests/support/test.h"

#include <stdio.h>

static int parse(const char *text, struct ponto_xml **out)
{
	return ponto_xml_parse(ponto_bytes(text, strlen(text)), out);
}

static struct ponto_xml *parsed(const char *text)
{
	struct ponto_xml *xml;

	if (parse(text, &xml) != PONTO_OK)
		fail_msg("refused: %s", text);
	return xml;
}

static void assert_written(const struct ponto_xml *xml, const char *expected)
{
	char *text;
	size_t len;

	assert_ok(ponto_xml_write(xml, &text, &len));
	assert_int_equal(len, strlen(text));
	assert_int_equal(strncmp(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", 38), 0);
	assert_string_equal(text + 38, expected);
	ponto_xml_free_text(text);
}

static void assert_text(const struct ponto_xml_node *node, const char *expected)
{
	char *text;

	assert_non_null(node);
	assert_ok(ponto_xml_text(node, &text));
	assert_string_equal(text, expected);
	ponto_xml_free_text(text);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void elements_are_found_by_namespace_and_name(void **state)
{
	struct ponto_xml *xml = parsed("<?xml version='1.0'?><!-- c --><s:Envelope xmlns:s='urn:soap' xmlns='urn:d'>"
				       "<?pi?><s:Body><Hello>one</Hello><!-- x --><Hello xmlns='urn:e'>two</Hello><Hello>"
				       "th<b>re</b><![CDATA[e<]]>&amp;&#33;</Hello></s:Body></s:Envelope>");
	struct ponto_xml_node *root = ponto_xml_root(xml), *body, *hello;

	(void)state;
	assert_true(ponto_xml_is(root, "urn:soap", "Envelope"));
	assert_false(ponto_xml_is(root, "", "Envelope"));
	assert_string_equal(ponto_xml_name(root), "Envelope");
	assert_string_equal(ponto_xml_space(root), "urn:soap");
	body = ponto_xml_first(root, "urn:soap", "Body");
	assert_non_null(body);
	assert_null(ponto_xml_first(root, "urn:d", "Body"));
	assert_null(ponto_xml_first(root, NULL, "Hello"));
	hello = ponto_xml_first(body, "urn:d", "Hello");
	assert_text(hello, "one");
	hello = ponto_xml_next(hello, "urn:d", "Hello");
	assert_text(hello, "three<&!");
	assert_null(ponto_xml_next(hello, NULL, "Hello"));
	assert_text(ponto_xml_first(body, "urn:e", "Hello"), "two");
	ponto_xml_destroy(xml);
	ponto_xml_destroy(NULL);
}

static void prefixes_mean_what_is_declared_nearest(void **state)
{
	struct ponto_xml *xml =
		parsed("<a:x xmlns:a='urn:1' xmlns='urn:d'><y xmlns:a='urn:2' xmlns:b='urn:3'><z xmlns='urn:e'/></y>"
		       "<y/></a:x>");
	struct ponto_xml_node *root = ponto_xml_root(xml), *y = ponto_xml_first(root, NULL, "y");
	struct ponto_xml_node *z = ponto_xml_first(y, NULL, "z");

	(void)state;
	assert_string_equal(ponto_xml_declared(root, "a"), "urn:1");
	assert_string_equal(ponto_xml_declared(y, "a"), "urn:2");
	assert_string_equal(ponto_xml_declared(z, "a"), "urn:2");
	assert_string_equal(ponto_xml_declared(z, "b"), "urn:3");
	assert_string_equal(ponto_xml_declared(z, NULL), "urn:e");
	assert_string_equal(ponto_xml_declared(y, NULL), "urn:d");
	y = ponto_xml_next(y, NULL, "y");
	assert_string_equal(ponto_xml_declared(y, "a"), "urn:1");
	assert_null(ponto_xml_declared(y, "b"));
	assert_null(ponto_xml_declared(root, ""));
	ponto_xml_destroy(xml);
}

static void attributes_are_found_by_namespace_and_name(void **state)
{
	struct ponto_xml *xml = parsed("<a xmlns:n='urn:n' x='1 &lt; 2' n:x='other' e='' xml:lang='en'/>");
	struct ponto_xml_node *root = ponto_xml_root(xml);
	char *text = NULL;

	(void)state;
	assert_ok(ponto_xml_attribute(root, NULL, "x", &text));
	assert_string_equal(text, "1 < 2");
	ponto_xml_free_text(text);
	assert_ok(ponto_xml_attribute(root, "urn:n", "x", &text));
	assert_string_equal(text, "other");
	ponto_xml_free_text(text);
	assert_ok(ponto_xml_attribute(root, "", "e", &text));
	assert_string_equal(text, "");
	ponto_xml_free_text(text);
	assert_ok(ponto_xml_attribute(root, "http://www.w3.org/XML/1998/namespace", "lang", &text));
	assert_string_equal(text, "en");
	ponto_xml_free_text(text);
	text = NULL;
	assert_int_equal(ponto_xml_attribute(root, NULL, "lang", &text), PONTO_ENOENT);
	assert_int_equal(ponto_xml_attribute(root, "urn:n", "e", &text), PONTO_ENOENT);
	assert_int_equal(ponto_xml_attribute(root, NULL, "xmlns", &text), PONTO_ENOENT);
	assert_null(text);
	ponto_xml_free_text(NULL);
	ponto_xml_destroy(xml);
}

static void what_is_not_well_formed_is_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "text", "<", "<a", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a/>text", "<a b=1/>", "<a b='1' b='2'/>",
		"<a b='1' b='2'", "<a>&unknown;</a>", "<a>&#0;</a>", "<a>&#x110000;</a>", "<a>\x01</a>", "<a>\xff</a>",
		"<a>\xc0\xaf</a>", "<a><![CDATA[</a>", "<a>]]></a>", "<a><!-- -- --></a>", "<n:a/>", "<a n:b='1'/>",
		"<a xmlns:n=''/>", "<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>", "<1/>", "<a b='<'/>", "<?xml version='1.0'?>",
		" <?xml version='1.0'?><a/>", "<a>&#xD800;</a>",
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct ponto_xml *xml = NULL;

		if (parse(bad[i], &xml) != PONTO_EPROTO || xml)
			fail_msg("not refused: %s", bad[i]);
	}
}

static void a_doctype_is_refused_before_it_does_anything(void **state)
{
	static const char *const bad[] = {
		"<!DOCTYPE a><a/>",
		"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
		"<!DOCTYPE a PUBLIC '-//X//Y' 'http://127.0.0.1/x.dtd'><a/>",
		"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
		"<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1/x'> %p;]><a/>",
		"<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;'>"
		"<!ENTITY n '&m;&m;&m;&m;&m;&m;&m;&m;&m;&m;'><!ENTITY o '&n;&n;&n;&n;&n;&n;&n;&n;&n;&n;'>"
		"<!ENTITY p '&o;&o;&o;&o;&o;&o;&o;&o;&o;&o;'><!ENTITY q '&p;&p;&p;&p;&p;&p;&p;&p;&p;&p;'>]><a>&q;</a>",
		"<!DOCTYPE a [<!ATTLIST a b CDATA 'default'>]><a/>",
		"<!-- c --><!DOCTYPE a><a/>",
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct ponto_xml *xml = NULL;

		assert_int_equal(parse(bad[i], &xml), PONTO_EPROTO);
		assert_null(xml);
	}
}

/* A document of count times part, between head and tail. gives */
static char *repeated(const char *head, const char *part, size_t count, const char *tail)
{
	size_t step = strlen(part);
	char *text = malloc(strlen(head) + count * step + strlen(tail) + 1), *at = text;

	assert_non_null(text);
	at = stpcpy(at, head);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, part);
	strcpy(at, tail);
	return text;
}

static int parse_and_free(char *text)
{
	struct ponto_xml *xml = NULL;
	int result = parse(text, &xml);

	free(text);
	ponto_xml_destroy(xml);
	return result;
}

static void depth_is_bounded(void **state)
{
	char *closing = repeated("", "</a>", PONTO_XML_DEPTH_MAX, "");

	(void)state;
	assert_ok(parse_and_free(repeated("", "<a>", PONTO_XML_DEPTH_MAX, closing)));
	free(closing);
	closing = repeated("", "</a>", PONTO_XML_DEPTH_MAX + 1, "");
	assert_int_equal(parse_and_free(repeated("", "<a>", PONTO_XML_DEPTH_MAX + 1, closing)), PONTO_EPROTO);
	free(closing);
	assert_int_equal(parse_and_free(repeated("", "<a>", 1000000, "")), PONTO_EPROTO);
}

static void size_and_count_are_bounded(void **state)
{
	char *names = malloc(1 << 20), *at = names;

	(void)state;
	assert_ok(parse_and_free(repeated("<a>", "x", PONTO_XML_SIZE_MAX - 7, "</a>")));
	assert_int_equal(parse_and_free(repeated("<a>", "x", PONTO_XML_SIZE_MAX - 6, "</a>")), PONTO_ELIMIT);
	assert_ok(parse_and_free(repeated("<a>", "<b/>", PONTO_XML_NODES_MAX - 1, "</a>")));
	assert_int_equal(parse_and_free(repeated("<a>", "<b/>", PONTO_XML_NODES_MAX, "</a>")), PONTO_ELIMIT);
	assert_non_null(names);
	at = stpcpy(at, "<a");
	for (int i = 0; i < PONTO_XML_ATTRIBUTES_MAX; i++)
		at += sprintf(at, " a%d='=>'", i);
	strcpy(at, "/>");
	assert_ok(parse_and_free(strdup(names)));
	strcpy(at, " b='' />");
	assert_int_equal(parse_and_free(names), PONTO_ELIMIT);
	assert_int_equal(parse_and_free(repeated("<a", " b=''", 500000, "/>")), PONTO_ELIMIT);
	/* equals signs elsewhere are only text */
	assert_ok(parse_and_free(repeated("<a>", "====", 1000, "</a>")));
	assert_ok(parse_and_free(repeated("<a><!-- <b ", "= ", 1000, "--></a>")));
	assert_ok(parse_and_free(repeated("<a><![CDATA[<b ", "= ", 1000, "]]></a>")));
	assert_ok(parse_and_free(repeated("<a><?pi <b ", "= ", 1000, "?></a>")));
}

static void encodings(void **state)
{
	static const uint8_t little[] = "\xff\xfe<\0a\0>\0\x3d\xd8\x09\xde\xe9\0<\0/\0a\0>\0";
	static const uint8_t big[] = "\xfe\xff\0<\0a\0>\xd8\x3d\xde\x09\0\xe9\0<\0/\0a\0>";
	static const uint8_t lone[] = "\xff\xfe<\0a\0>\0\x3d\xd8<\0/\0a\0>\0";
	struct ponto_xml *xml = NULL;

	(void)state;
	xml = parsed("\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><a>\xc3\xa9</a>");
	assert_text(ponto_xml_root(xml), "\xc3\xa9");
	ponto_xml_destroy(xml);
	assert_ok(ponto_xml_parse(ponto_bytes(little, sizeof(little) - 1), &xml));
	assert_text(ponto_xml_root(xml), "\xf0\x9f\x98\x89\xc3\xa9");
	ponto_xml_destroy(xml);
	assert_ok(ponto_xml_parse(ponto_bytes(big, sizeof(big) - 1), &xml));
	assert_text(ponto_xml_root(xml), "\xf0\x9f\x98\x89\xc3\xa9");
	ponto_xml_destroy(xml);
	xml = NULL;
	assert_int_equal(ponto_xml_parse(ponto_bytes(lone, sizeof(lone) - 1), &xml), PONTO_EPROTO);
	assert_int_equal(ponto_xml_parse(ponto_bytes(little, sizeof(little) - 2), &xml), PONTO_EPROTO);
	assert_int_equal(ponto_xml_parse(ponto_bytes(little, 2), &xml), PONTO_EPROTO);
	assert_int_equal(ponto_xml_parse(ponto_bytes(NULL, 0), &xml), PONTO_EPROTO);
	/* a declared encoding is never looked up */
	xml = parsed("<?xml version='1.0' encoding='utf-7'?><a>+ADw-</a>");
	assert_text(ponto_xml_root(xml), "+ADw-");
	ponto_xml_destroy(xml);
	assert_int_equal(parse("<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>", &xml), PONTO_EPROTO);
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void documents_are_built(void **state)
{
	struct ponto_xml_node *root, *body, *node;
	struct ponto_xml *xml;

	(void)state;
	assert_ok(ponto_xml_create("Envelope", "urn:soap", "s", &xml));
	root = ponto_xml_root(xml);
	assert_ok(ponto_xml_add(root, "Body", "urn:soap", "ignored", NULL, &body));
	assert_ok(ponto_xml_add(body, "Hello", "urn:d", NULL, "<&>\"\xc3\xa9 ", &node));
	assert_ok(ponto_xml_set(node, "id", "a\"<&\n'"));
	assert_ok(ponto_xml_set(node, "id", "2\t"));
	assert_ok(ponto_xml_add(node, "Plain", NULL, NULL, "", NULL));
	assert_ok(ponto_xml_add(node, "Same", "urn:d", "x", "y", NULL));
	assert_written(xml, "<s:Envelope xmlns:s=\"urn:soap\"><s:Body><Hello xmlns=\"urn:d\" id=\"2&#9;\">"
			    "&lt;&amp;&gt;\"\xc3\xa9 <Plain xmlns=\"\"/><Same>y</Same></Hello></s:Body></s:Envelope>");
	ponto_xml_destroy(xml);
	assert_ok(ponto_xml_create("a", NULL, NULL, &xml));
	assert_written(xml, "<a/>");
	ponto_xml_destroy(xml);
}

static void a_built_document_reads_back_the_same(void **state)
{
	static const char *const spaces[] = {NULL, "", "urn:a", "urn:b"};
	static const char *const prefixes[] = {NULL, NULL, "p", "q"};
	static const char *const texts[] = {NULL, "", " x ", "a<b>&'\"", "\xe2\x82\xac", "]]>", "line\nline\r"};
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 6);
	for (int n = 0; n < 500; n++) {
		struct ponto_xml *xml, *again;
		struct ponto_xml_node *at;
		char *first, *second;
		size_t first_len, second_len;

		assert_ok(ponto_xml_create("root", spaces[n % 4], prefixes[n % 4], &xml));
		at = ponto_xml_root(xml);
		for (int i = 0; i < 20; i++) {
			size_t s = ponto_random_below(&tr.random, 4), t = ponto_random_below(&tr.random, 7);
			const char *prefix = ponto_random_below(&tr.random, 2) ? prefixes[s] : NULL;
			struct ponto_xml_node *node;

			assert_ok(ponto_xml_add(at, "e", spaces[s], prefix, texts[t], &node));
			assert_string_equal(ponto_xml_space(node), spaces[s] ? spaces[s] : "");
			if (ponto_random_below(&tr.random, 2))
				assert_ok(ponto_xml_set(node, "k", texts[2 + t % 5]));
			if (ponto_random_below(&tr.random, 2))
				at = node;
		}
		assert_ok(ponto_xml_write(xml, &first, &first_len));
		assert_ok(ponto_xml_parse(ponto_bytes(first, first_len), &again));
		assert_ok(ponto_xml_write(again, &second, &second_len));
		assert_string_equal(first, second);
		ponto_xml_free_text(first);
		ponto_xml_free_text(second);
		ponto_xml_destroy(again);
		ponto_xml_destroy(xml);
	}
}

static void what_xml_cannot_hold_is_refused(void **state)
{
	static const char *const names[] = {"", "1a", "a:b", "a b", "<", "a>", "\xff", "-a", ".", "a\n"};
	static const char *const texts[] = {"\x01", "\x1b", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xef\xbf\xbf"};
	static const char *const prefixes[] = {"", "a:b", "xml", "xmlns", "1"};
	struct ponto_xml *xml, *none = NULL;
	struct ponto_xml_node *root, *at;

	(void)state;
	assert_ok(ponto_xml_create("a", NULL, NULL, &xml));
	root = at = ponto_xml_root(xml);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		assert_int_equal(ponto_xml_create(names[i], NULL, NULL, &none), PONTO_EINVAL);
		assert_int_equal(ponto_xml_add(root, names[i], NULL, NULL, NULL, NULL), PONTO_EINVAL);
		assert_int_equal(ponto_xml_set(root, names[i], "x"), PONTO_EINVAL);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(texts); i++) {
		assert_int_equal(ponto_xml_add(root, "b", NULL, NULL, texts[i], NULL), PONTO_EINVAL);
		assert_int_equal(ponto_xml_add(root, "b", texts[i], NULL, NULL, NULL), PONTO_EINVAL);
		assert_int_equal(ponto_xml_set(root, "b", texts[i]), PONTO_EINVAL);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(prefixes); i++)
		assert_int_equal(ponto_xml_add(root, "b", "urn:x", prefixes[i], NULL, NULL), PONTO_EINVAL);
	assert_int_equal(ponto_xml_add(root, "b", NULL, "p", NULL, NULL), PONTO_EINVAL);
	assert_int_equal(ponto_xml_set(root, "xmlns", "urn:x"), PONTO_EINVAL);
	assert_written(xml, "<a/>");
	for (int i = 1; i < PONTO_XML_DEPTH_MAX; i++)
		assert_ok(ponto_xml_add(at, "a", NULL, NULL, NULL, &at));
	assert_int_equal(ponto_xml_add(at, "a", NULL, NULL, NULL, &at), PONTO_ELIMIT);
	ponto_xml_destroy(xml);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(elements_are_found_by_namespace_and_name),
	cmocka_unit_test(prefixes_mean_what_is_declared_nearest),
	cmocka_unit_test(attributes_are_found_by_namespace_and_name),
	cmocka_unit_test(what_is_not_well_formed_is_refused),
	cmocka_unit_test(a_doctype_is_refused_before_it_does_anything),
	cmocka_unit_test(depth_is_bounded),
	cmocka_unit_test(size_and_count_are_bounded),
	cmocka_unit_test(encodings),
	cmocka_unit_test(documents_are_built),
	cmocka_unit_test(a_built_document_reads_back_the_same),
	cmocka_unit_test(what_xml_cannot_hold_is_refused),
};

PONTO_TEST_MAIN(tests)
