/* The vtable that the loader's test plugins share: it is checked, never called. */
#ifndef PONTO_TESTS_UNIT_PLUGINS_H
#define PONTO_TESTS_UNIT_PLUGINS_H

#include "framework/store.h"

static int nothing(void)
{
	return PONTO_ENOTSUP;
}

#define NOTHING(member) .member = (__typeof__(((struct ponto_store_ops *)0)->member))(void (*)(void))nothing

static const struct ponto_store_ops ops = {
	.head = {PONTO_STORE_ABI, sizeof(ops)},
	NOTHING(create), NOTHING(destroy), NOTHING(get),    NOTHING(put),   NOTHING(remove),
	NOTHING(iterate), NOTHING(groups), NOTHING(batch), NOTHING(flush),
};

#define TEST_PLUGIN(n) .abi = PONTO_PLUGIN_ABI, .kind = PONTO_KIND_STORE, .name = n, .version = "1", \
	.summary = "a plugin for the loader's test", .vtable = &ops.head

#endif
