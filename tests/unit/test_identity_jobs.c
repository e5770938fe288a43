/* What the component "identity" does on a worker, with every allocation refused in turn, its own and those of
 * security-pki: a call that fails leaves the user's identities as they were. */
#include <stdio.h>

#include "apps/pontod/identity_job.h"
#include "tests/conform/security_suite.h"

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;

#define ALICE 1000u
#define PASSWORD "secret"

static const char *const quick[] = {"iterations=1000", NULL};

/* The sources under test ask here, so that one count is over both. */
static struct security_fixture *f;

static void *allocate(void *ctx, size_t size)
{
	(void)ctx;
	return f->alloc.alloc(f->alloc.ctx, size);
}

static void *resize(void *ctx, void *block, size_t size)
{
	(void)ctx;
	return f->alloc.resize(f->alloc.ctx, block, size);
}

static void release(void *ctx, void *block)
{
	(void)ctx;
	f->alloc.release(f->alloc.ctx, block);
}

extern const struct ponto_alloc failing_alloc_system;
const struct ponto_alloc failing_alloc_system = {allocate, resize, release, NULL};

/* ---- a user with two identities ------------------------------------------------------------------ */

static bool kept; /* in files */
static char first[PONTO_IDENTITY_ID], second[PONTO_IDENTITY_ID];
static uint8_t *exported[2]; /* of one that is not there: as text, in XML */
static size_t exported_len[2];

static int run(identity_job_fn *fn, const ProtobufCMessage *request, uint8_t **reply, size_t *len)
{
	struct identity_job job = {.security = f->security, .clock = &f->clock.clock, .uid = ALICE};

	job.request = (ProtobufCMessage *)(uintptr_t)request;
	fn(&job);
	if (reply && job.result == PONTO_OK) {
		*reply = malloc(job.reply_len + 1);
		memcpy(*reply, job.reply, job.reply_len);
		*len = job.reply_len;
	}
	ponto_free(&failing_alloc_system, job.reply);
	return job.result;
}

static void export_one(const char *id, bool xml, int n)
{
	Ponto__Identity__V1__ExportRequest request = PONTO__IDENTITY__V1__EXPORT_REQUEST__INIT;
	Ponto__Identity__V1__ExportReply *reply;
	uint8_t *data;
	size_t len;

	request.id = (char *)(uintptr_t)id;
	request.password = (char *)(uintptr_t)PASSWORD;
	request.has_xml = request.xml = xml;
	assert_ok(run(identity_run_export, &request.base, &data, &len));
	reply = ponto__identity__v1__export_reply__unpack(NULL, len, data);
	assert_non_null(reply);
	exported_len[n] = reply->data.len;
	exported[n] = malloc(reply->data.len);
	memcpy(exported[n], reply->data.data, reply->data.len);
	ponto__identity__v1__export_reply__free_unpacked(reply, NULL);
	free(data);
}

static void begin(void)
{
	struct ponto_identity_change chosen = {.make_default = true};
	struct ponto_identity me;

	f = security_fixture_new(&security_pki_LTX_ponto_plugin, kept, quick);
	assert_ok(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_WINDOWS, "first", &me));
	strcpy(first, me.id);
	assert_ok(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_WINDOWS, "second", &me));
	strcpy(second, me.id);
	assert_ok(ponto_identity_change(f->security, ALICE, second, &chosen));
	assert_ok(ponto_identity_create(f->security, ALICE, PONTO_PROFILE_WINDOWS, "away", &me));
	export_one(me.id, false, 0);
	export_one(me.id, true, 1);
	assert_ok(ponto_identity_remove(f->security, ALICE, me.id));
}

static void end(void)
{
	free(exported[0]);
	free(exported[1]);
	security_fixture_free(f);
}

static uint8_t *all_there_is(size_t *len)
{
	Ponto__Identity__V1__ListRequest request = PONTO__IDENTITY__V1__LIST_REQUEST__INIT;
	uint8_t *reply;

	assert_ok(run(identity_run_list, &request.base, &reply, len));
	return reply;
}

/* ---- calls ------------------------------------------------------------------------------------------ */

typedef int call_fn(void);

static int create(void)
{
	Ponto__Identity__V1__CreateRequest request = PONTO__IDENTITY__V1__CREATE_REQUEST__INIT;

	request.profile = (char *)(uintptr_t) "windows";
	request.name = (char *)(uintptr_t) "";
	request.classifier = (char *)(uintptr_t) "new";
	return run(identity_run_create, &request.base, NULL, NULL);
}

static int delete_default(void)
{
	Ponto__Identity__V1__DeleteRequest request = PONTO__IDENTITY__V1__DELETE_REQUEST__INIT;

	request.id = second;
	return run(identity_run_delete, &request.base, NULL, NULL);
}

static int change(void)
{
	Ponto__Identity__V1__ChangeRequest request = PONTO__IDENTITY__V1__CHANGE_REQUEST__INIT;

	request.id = first;
	request.name = (char *)(uintptr_t) "renamed";
	request.classifier = (char *)(uintptr_t) "classified";
	request.has_make_default = request.make_default = true;
	return run(identity_run_change, &request.base, NULL, NULL);
}

static int import(int n)
{
	Ponto__Identity__V1__ImportRequest request = PONTO__IDENTITY__V1__IMPORT_REQUEST__INIT;

	request.password = (char *)(uintptr_t)PASSWORD;
	request.data.data = exported[n];
	request.data.len = exported_len[n];
	return run(identity_run_import, &request.base, NULL, NULL);
}

static int import_text(void)
{
	return import(0);
}

static int import_xml(void)
{
	return import(1);
}

/* Until a call asks for no more: refused it fails and has changed nothing, not refused it has. */
static void all_or_nothing(call_fn *call)
{
	bool refused = true;

	for (size_t n = 1; refused; n++) {
		uint8_t *before, *after;
		size_t before_len, after_len;
		int result;

		begin();
		before = all_there_is(&before_len);
		f->counted.fail_at = f->counted.made + n;
		result = call();
		f->counted.fail_at = 0;
		refused = f->counted.refused;
		assert_int_equal(result, refused ? PONTO_ENOMEM : PONTO_OK);
		after = all_there_is(&after_len);
		assert_int_equal(before_len == after_len && memcmp(before, after, before_len) == 0, refused);
		free(before);
		free(after);
		end();
		assert_true(n > 1 || refused);
	}
}

static void in_memory(void **state)
{
	(void)state;
	kept = false;
	all_or_nothing(create);
	all_or_nothing(delete_default);
	all_or_nothing(change);
	all_or_nothing(import_text);
	all_or_nothing(import_xml);
}

static void in_files(void **state)
{
	(void)state;
	kept = true;
	all_or_nothing(create);
	all_or_nothing(delete_default);
	all_or_nothing(change);
	all_or_nothing(import_text);
	all_or_nothing(import_xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory),
		cmocka_unit_test(in_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
