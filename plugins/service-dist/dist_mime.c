#include "plugins/service-dist/dist_mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TYPES_MAX 8192

struct entry {
	const char *extension, *type;
};

struct dist_mime {
	const struct ponto_alloc *alloc;
	struct entry *entries; /* by extension */
	size_t count, room;
	char *text; /* of those read */
};

static const struct entry built_in[] = {
	{"avif", "image/avif"},		{"css", "text/css"},	    {"csv", "text/csv"},
	{"gif", "image/gif"},		{"gz", "application/gzip"}, {"htm", "text/html"},
	{"html", "text/html"},		{"ico", "image/x-icon"},    {"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},		{"js", "text/javascript"},  {"json", "application/json"},
	{"md", "text/markdown"},	{"mp3", "audio/mpeg"},	    {"mp4", "video/mp4"},
	{"pdf", "application/pdf"},	{"png", "image/png"},	    {"svg", "image/svg+xml"},
	{"txt", "text/plain"},		{"wasm", "application/wasm"}, {"webm", "video/webm"},
	{"webp", "image/webp"},		{"xml", "application/xml"}, {"zip", "application/zip"},
};

static int compare(const void *a, const void *b)
{
	return strcasecmp(((const struct entry *)a)->extension, ((const struct entry *)b)->extension);
}

static const char *find(const struct entry *entries, size_t count, const char *extension)
{
	struct entry key = {extension, NULL};
	const struct entry *found = count ? bsearch(&key, entries, count, sizeof(*entries), compare) : NULL;

	return found ? found->type : NULL;
}

static bool add(struct dist_mime *mime, const char *extension, const char *type)
{
	if (mime->count == mime->room) {
		size_t room = mime->room ? 2 * mime->room : 256;
		struct entry *entries = ponto_resize(mime->alloc, mime->entries, room, sizeof(*entries));

		if (!entries)
			return false;
		mime->entries = entries;
		mime->room = room;
	}
	mime->entries[mime->count++] = (struct entry){extension, type};
	return true;
}

/* A line: a type, then its extensions. */
static bool take_line(struct dist_mime *mime, char *line)
{
	char *rest, *type = strtok_r(line, " \t\r", &rest), *extension;

	if (!type || *type == '#')
		return true;
	while ((extension = strtok_r(NULL, " \t\r", &rest)) && mime->count < TYPES_MAX) {
		if (!add(mime, extension, type))
			return false;
	}
	return true;
}

static int read_all(struct dist_mime *mime, FILE *file)
{
	size_t size = 256u * 1024, len;
	char *rest, *line;

	mime->text = ponto_new(mime->alloc, 1, size);
	if (!mime->text)
		return PONTO_ENOMEM;
	len = fread(mime->text, 1, size - 1, file);
	mime->text[len] = '\0';
	for (line = strtok_r(mime->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!take_line(mime, line))
			return PONTO_ENOMEM;
	}
	if (mime->count)
		qsort(mime->entries, mime->count, sizeof(*mime->entries), compare);
	return PONTO_OK;
}

int dist_mime_load(const struct ponto_alloc *alloc, const char *path, struct dist_mime **out)
{
	struct dist_mime *mime = ponto_new(alloc, 1, sizeof(*mime));
	FILE *file;
	int result = PONTO_OK;

	if (!mime)
		return PONTO_ENOMEM;
	mime->alloc = alloc;
	file = fopen(path, "re");
	if (file) {
		result = read_all(mime, file);
		fclose(file);
	}
	if (result != PONTO_OK) {
		dist_mime_free(mime);
		return result;
	}
	*out = mime;
	return PONTO_OK;
}

void dist_mime_free(struct dist_mime *mime)
{
	if (!mime)
		return;
	ponto_free(mime->alloc, mime->text);
	ponto_free(mime->alloc, mime->entries);
	ponto_free(mime->alloc, mime);
}

const char *dist_mime_of(const struct dist_mime *mime, const char *path)
{
	const char *name = strrchr(path, '/'), *dot, *type = NULL;

	name = name ? name + 1 : path;
	dot = strrchr(name, '.');
	if (dot && dot != name) {
		type = find(mime->entries, mime->count, dot + 1);
		if (!type)
			type = find(built_in, PONTO_ARRAY_SIZE(built_in), dot + 1);
	}
	return type ? type : "application/octet-stream";
}
