/* The stream suite over two hosts in private namespaces, whose packets are handed over here: as they come, and by a way
 * that loses and doubles some. */
#include "tests/support/test.h"

#include <stdio.h>

#include "plugins/stack-netns/stack.h"
#include "tests/conform/stream_suite.h"

struct subject {
	const char *name;
	unsigned loss; /* of so many packets one */
	enum stack_kind kind;
	struct ponto_env env;
	struct ponto_loop *loop;
	struct stack *stack[2];
	struct ponto_test_random random;
	struct way {
		struct subject *s;
		unsigned to;
	} way[2];
};

struct run {
	struct subject *subject;
	size_t index;
};

static void carry(void *arg, const struct ponto_bytes *packets, size_t count)
{
	struct way *way = arg;
	struct subject *s = way->s;
	struct stack *to = s->stack[way->to];

	for (size_t i = 0; i < count; i++) {
		uint64_t fate = s->loss ? ponto_random_below(&s->random.random, s->loss) : 9;

		assert_true(packets[i].len <= STACK_MTU);
		if (fate == 0)
			continue;
		stack_input(to, packets[i]);
		if (fate == 1)
			stack_input(to, packets[i]);
	}
	stack_flush(to);
}

static int subject_open(void *ctx, struct stream_bed *bed)
{
	static const char *const addresses[] = {"2001:0:c000:20a::1", "2001:0:c000:20a::2"};
	static const struct tcp_settings settings = {
		.connect_timeout = 20 * PONTO_SECOND, .keepalive = 60, .send_timeout = 60, .backlog = 128, .max_streams = 1024};
	struct subject *s = ctx;

	s->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI, .size = sizeof(s->env), .instance = "stack", .alloc = &ponto_alloc_system};
	ponto_test_random_init(&s->random, 7);
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &s->loop));
	for (unsigned i = 0; i < 2; i++) {
		assert_ok(stack_create(&s->env, &settings, s->kind, &s->stack[i]));
		assert_ok(ponto_addr_parse(addresses[i], 0, &bed->local[i]));
		assert_ok(stack_address(s->stack[i], bed->local[i].ip));
		s->way[i] = (struct way){s, 1 - i};
		bed->loop[i] = s->loop;
		bed->transport[i] = stack_streams(s->stack[i]);
	}
	assert_ok(ponto_addr_parse("2001:db8::ffff", 0, &bed->foreign));
	for (unsigned i = 0; i < 2; i++)
		assert_ok(stack_attach(s->stack[i], s->loop, carry, &s->way[i]));
	return PONTO_OK;
}

static void subject_close(void *ctx, struct stream_bed *bed)
{
	struct subject *s = ctx;

	(void)bed;
	for (unsigned i = 0; i < 2; i++) {
		stack_detach(s->stack[i]);
		stack_destroy(s->stack[i]);
	}
	ponto_loop_destroy(s->loop);
}

static void run_case(void **state)
{
	struct run *run = *state;
	struct stream_subject subject = {subject_open, subject_close, run->subject};
	char why[512];

	if (!stream_suite_run(run->index, &subject, why, sizeof(why)))
		fail_msg("%s", why);
}

static bool forbidden(void)
{
	static const struct tcp_settings settings;
	struct ponto_env env = {.abi = PONTO_PLUGIN_ABI, .size = sizeof(env), .alloc = &ponto_alloc_system};
	struct stack *stack;
	int result = stack_create(&env, &settings, STACK_KERNEL, &stack);

	if (result == PONTO_OK)
		stack_destroy(stack);
	return result == PONTO_EACCES || result == PONTO_ENOTSUP;
}

int main(void)
{
	static struct subject subjects[] = {{.name = "stack-netns"}, {.name = "stack-netns, lossy", .loss = 60},
					    {.name = "lwIP", .kind = STACK_LWIP},
					    {.name = "lwIP, lossy", .kind = STACK_LWIP, .loss = 60}};
	static struct CMUnitTest tests[PONTO_ARRAY_SIZE(subjects) * 32];
	static struct run runs[PONTO_ARRAY_SIZE(tests)];
	static char names[PONTO_ARRAY_SIZE(tests)][64];
	size_t count = 0;

	if (forbidden()) {
		puts("1..0 # SKIP no unprivileged namespaces here");
		return 0;
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(subjects); i++) {
		for (size_t j = 0; j < stream_suite_count(); j++, count++) {
			snprintf(names[count], sizeof(names[count]), "%s (%s)", stream_suite_name(j), subjects[i].name);
			runs[count] = (struct run){&subjects[i], j};
			tests[count] = (struct CMUnitTest){names[count], run_case, NULL, NULL, &runs[count]};
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("stream", tests, count, NULL, NULL);
}
