#include "plugins/service-dist/dist_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugins/service-dist/dist_info.h"

#define INDEX "index.html"

const char *dist_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = {
		{301, "301 Moved Permanently"},
		{400, "400 Bad Request"},
		{403, "403 Forbidden"},
		{404, "404 Not Found"},
		{405, "405 Method Not Allowed"},
		{412, "412 Precondition Failed"},
		{414, "414 URI Too Long"},
		{416, "416 Range Not Satisfiable"},
		{431, "431 Request Header Fields Too Large"},
		{501, "501 Not Implemented"},
		{502, "502 Bad Gateway"},
		{503, "503 Service Unavailable"},
		{504, "504 Gateway Timeout"},
	};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(texts); i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	return "500 Internal Server Error";
}

void dist_answer_header(struct dist_answer *answer, const char *name, const char *format, ...)
{
	char *value = answer->text + answer->text_len;
	size_t room = sizeof(answer->text) - answer->text_len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(value, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room || answer->header_count == DIST_ANSWER_HEADERS)
		return;
	answer->headers[answer->header_count++] = (struct ponto_http_header){name, value};
	answer->text_len += (size_t)len + 1;
}

/* ---- the file ------------------------------------------------------------------------- */

static int open_below(int folder, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN); /* something was renamed meanwhile */
	return (int)fd;
}

static unsigned status_of(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return 503;
	case ENAMETOOLONG:
		return 414;
	default:
		return 404;
	}
}

/* A path that ends with a slash means what lies in that folder. */
static unsigned open_file(const struct dist_house *house, const char *path, int *fd, struct stat *st)
{
	char name[DIST_PATH_MAX + sizeof(INDEX)];
	size_t len = strlen(path);

	snprintf(name, sizeof(name), "%s%s", path, len == 0 || path[len - 1] == '/' ? INDEX : "");
	*fd = open_below(house->folder, name, 0);
	if (*fd < 0)
		return status_of(errno);
	if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
		return 200;
	close(*fd);
	*fd = -1;
	return S_ISDIR(st->st_mode) && len > 0 && path[len - 1] != '/' ? 301 : 404;
}

/* ---- Content Information --------------------------------------------------------------- */

struct kept_set {
	struct dist_hashes *hashes;
	const struct dist_file *file;
	enum content_algo algo;
};

static int each_segment(void *arg, dist_segment_fn *fn, void *fn_arg)
{
	const struct kept_set *set = arg;

	return dist_hashes_load(set->hashes, set->file, set->algo, fn, fn_arg);
}

/* In an unnamed file, whose descriptor the kernel sends from: however large, it takes no memory of ours. */
static int describe(const struct dist_house *house, const struct dist_file *file, enum content_algo algo,
		    uint64_t start, uint64_t length, int *out)
{
	struct kept_set set = {house->hashes, file, algo};
	struct dist_segments segments = {each_segment, &set};
	struct content_layout layout;
	uint8_t ks[CONTENT_HASH_MAX];
	FILE *spool = NULL;
	int fd, result = house->ks(house->ks_arg, algo, ks);

	if (result == PONTO_OK)
		result = dist_info_layout(&segments, algo, file->size, start, length, &layout);
	if (result == PONTO_OK) {
		spool = tmpfile();
		result = spool ? dist_info_write(&segments, &layout, ks, spool) : PONTO_EIO;
	}
	if (result == PONTO_OK) {
		fd = fcntl(fileno(spool), F_DUPFD_CLOEXEC, 0);
		if (fd >= 0)
			*out = fd;
		else
			result = PONTO_EIO;
	}
	if (spool)
		fclose(spool);
	ponto_wipe(ks, sizeof(ks));
	return result;
}

#define THERE 1 /* no result of the store's */

static int first_segment(void *arg, const struct content_segment *segment)
{
	(void)arg;
	(void)segment;
	return THERE;
}

static bool kept(const struct dist_house *house, const struct dist_file *file, enum content_algo algo)
{
	return house->hashes && dist_hashes_load(house->hashes, file, algo, first_segment, NULL) == THERE;
}

static bool wants_v2(const struct content_coding *coding, bool v2)
{
	return v2 && coding->has_ex && coding->has_max && coding->max.major >= 2;
}

enum content_algo dist_file_wish(const struct content_coding *coding, enum content_algo algo, bool v2)
{
	return wants_v2(coding, v2) ? CONTENT_TRUNCATED : algo;
}

/* What is wanted of PeerDist, and what can be had. */
static enum content_answer decide(const struct dist_house *house, const struct dist_ask *ask, struct dist_answer *a,
				  unsigned status)
{
	const struct content_coding *coding = &ask->coding;
	struct content_answerable can = {.get = ask->get && a->file.size > 0 && (status == 200 || status == 206),
					 .validator = true};
	enum content_answer answer;
	bool v2_wanted = wants_v2(coding, house->v2);

	if (!can.get || !(coding->accepted || coding->hash_request))
		return CONTENT_ANSWER_ORDINARY;
	can.hashed_v1 = kept(house, &a->file, house->algo);
	can.hashed_v2 = v2_wanted && kept(house, &a->file, CONTENT_TRUNCATED);
	answer = content_answer(coding, &can);
	if (answer != CONTENT_ANSWER_ORDINARY && answer != CONTENT_ANSWER_V2 &&
	    (v2_wanted || answer == CONTENT_ANSWER_MAKE))
		a->wish = dist_file_wish(coding, house->algo, house->v2);
	return answer;
}

/* The body becomes Content Information, if it can. */
static void encode(const struct dist_house *house, const struct dist_ask *ask, struct dist_answer *a)
{
	char params[CONTENT_PARAMS_TEXT], params_ex[CONTENT_PARAMS_TEXT];
	enum content_answer answer = decide(house, ask, a, a->status);
	uint64_t entity = a->length;
	struct stat st;
	int info;

	if (answer == CONTENT_ANSWER_V1 || answer == CONTENT_ANSWER_V2) {
		if (describe(house, &a->file, answer == CONTENT_ANSWER_V2 ? CONTENT_TRUNCATED : house->algo, a->offset,
			     a->length, &info) != PONTO_OK ||
		    fstat(info, &st) != 0)
			return;
		if (a->fd >= 0)
			close(a->fd);
		a->fd = info;
		a->offset = 0;
		a->length = (uint64_t)st.st_size;
		a->encoded = true;
		dist_answer_header(a, "Content-Encoding", "peerdist");
	}
	content_answer_params(&ask->coding, answer, entity, params, params_ex);
	if (*params)
		dist_answer_header(a, CONTENT_PARAMS, "%s", params);
	if (*params_ex)
		dist_answer_header(a, CONTENT_PARAMS_EX, "%s", params_ex);
}

/* ---- the answer -------------------------------------------------------------------------- */

/* False: several ranges, or something else that is answered with all of it, and without PeerDist. */
static bool choose_range(const struct dist_ask *ask, const struct dist_validators *validators, struct dist_answer *a)
{
	uint64_t start, length;
	int result;

	a->length = a->file.size;
	if (!ask->range || !ask->get || !dist_range_applies(&ask->conditions, validators))
		return true;
	result = content_range_parse(ask->range, a->file.size, &start, &length);
	if (result == PONTO_EINVAL) {
		a->status = 416;
		dist_answer_header(a, "Content-Range", "bytes */%" PRIu64, a->file.size);
	} else if (result == PONTO_OK) {
		a->status = 206;
		a->offset = start;
		a->length = length;
		dist_answer_header(a, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, start,
				   start + length - 1, a->file.size);
	}
	return result != PONTO_ENOTSUP;
}

static void without_body(struct dist_answer *a)
{
	close(a->fd);
	a->fd = -1;
	a->offset = a->length = 0;
}

static const char *named(const char *path)
{
	size_t len = strlen(path);

	return len == 0 || path[len - 1] == '/' ? INDEX : path;
}

void dist_file_answer(const struct dist_house *house, const struct dist_ask *ask, struct dist_answer *a)
{
	char etag[64], modified[DIST_DATE_TEXT];
	struct dist_validators validators = {.etag = etag, .now = house->now};
	struct stat st;
	bool plain;

	memset(a, 0, sizeof(*a));
	a->fd = -1;
	a->status = open_file(house, ask->path, &a->fd, &st);
	if (a->status != 200)
		return;
	a->file = dist_file_of(&st);
	validators.modified = st.st_mtim.tv_sec;
	snprintf(etag, sizeof(etag), "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", a->file.inode, a->file.size,
		 a->file.changed);
	dist_date_format(validators.modified, modified);
	dist_answer_header(a, "ETag", "%s", etag);
	dist_answer_header(a, "Last-Modified", "%s", modified);
	dist_answer_header(a, "Accept-Ranges", "bytes");
	dist_answer_header(a, "Vary", CONTENT_VARY);
	a->status = dist_precondition(&ask->conditions, &validators);
	if (a->status != 200) {
		without_body(a);
		a->length = a->status == 304 ? a->file.size : 0; /* what 200 would have had */
		return;
	}
	plain = !choose_range(ask, &validators, a);
	if (a->status == 416) {
		without_body(a);
		return;
	}
	dist_answer_header(a, "Content-Type", "%s", dist_mime_of(house->mime, named(ask->path)));
	if (!plain)
		encode(house, ask, a);
}

void dist_file_describe(const struct dist_house *house, const struct dist_ask *ask,
			const struct dist_validators *validators, struct dist_answer *a)
{
	a->fd = -1;
	a->status = 200;
	if (choose_range(ask, validators, a) && a->status != 416)
		encode(house, ask, a);
}
