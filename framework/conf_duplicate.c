#include "framework/conf_load.h"

#include <string.h>

/* Which name is set twice: libconfig stops there and tells only the line. */

/* A name that is set, or (len 0) the end of a group. */
struct mark {
	const char *name;
	size_t len;
	unsigned depth; /* of the group it lies in, for an end the group around it */
	unsigned line;
};

struct marks {
	const struct ponto_alloc *alloc;
	struct mark *list;
	size_t count, cap;
};

static bool add(struct marks *m, const char *name, size_t len, unsigned depth, unsigned line)
{
	if (m->count == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 64;
		struct mark *grown = ponto_resize(m->alloc, m->list, cap, sizeof(*grown));

		if (!grown)
			return false;
		m->list = grown;
		m->cap = cap;
	}
	m->list[m->count++] = (struct mark){name, len, depth, line};
	return true;
}

/* The length of a comment or string at text, else 0. All are closed: the source was checked. */
static size_t opaque_len(const char *text)
{
	size_t len = 1;

	if (*text == '#' || (text[0] == '/' && text[1] == '/'))
		return strcspn(text, "\n");
	if (text[0] == '/' && text[1] == '*')
		return (size_t)(strstr(text + 2, "*/") + 2 - text);
	if (*text != '"')
		return 0;
	while (text[len] != '"')
		len += text[len] == '\\' && text[len + 1] ? 2 : 1;
	return len + 1;
}

/* Everything up to the end of line last. */
static bool collect(struct marks *m, const char *text, unsigned last)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*";
	static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*0123456789_-";
	unsigned depth = 0, line = 1;

	while (*text && line <= last) {
		size_t len = opaque_len(text);

		if (len == 0 && strchr(letters, *text)) {
			const char *after;

			len = strspn(text, more);
			after = text + len + strspn(text + len, " \t\r\n\f");
			if ((*after == '=' || *after == ':') && !add(m, text, len, depth, line))
				return false;
		} else if (len == 0) {
			len = 1;
			depth += *text == '{';
			if (*text == '}' && depth > 0 && !add(m, text, 0, --depth, line))
				return false;
		}
		for (; len > 0; len--)
			line += *text++ == '\n';
	}
	return true;
}

bool conf_find_duplicate(const struct ponto_conf_source *source, unsigned line, char *name, size_t size,
			 unsigned *first)
{
	struct marks m = {.alloc = source->alloc};
	bool found = false;

	if (!collect(&m, source->text.data, line))
		m.count = 0;
	for (size_t i = 0; i < m.count && !found; i++) {
		const struct mark *a = &m.list[i], *b = a;

		while (a->len > 0 && a->line == line && b > m.list && (--b)->depth >= a->depth && !found) {
			if (b->depth != a->depth || b->len != a->len || memcmp(b->name, a->name, a->len) != 0)
				continue;
			found = true;
			*first = b->line;
			size = a->len < size ? a->len + 1 : size;
			memcpy(name, a->name, size - 1);
			name[size - 1] = '\0';
		}
	}
	ponto_free(source->alloc, m.list);
	return found;
}
