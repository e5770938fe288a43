/* ponto-sim: thousands of real engines in one process and virtual time. */
#include <stdio.h>
#include <string.h>

#include "apps/ponto-sim/attack.h"
#include "apps/ponto-sim/scenario.h"

static int run(const struct psim_options *o)
{
	static struct psim_report report;
	int status = PSIM_OK;

	if (o->attack)
		return psim_attack(o);
	psim_scenario(o, &report);
	if (o->json)
		psim_print_json(&report);
	else
		psim_print(&report);
	if (o->svg && psim_draw(&report) != PONTO_OK)
		status = PSIM_FAILED;
	if (o->check && !psim_good(&report)) {
		fputs("ponto-sim: a figure misses its mark\n", stderr);
		status = PSIM_FAILED;
	}
	psim_report_clear(&report);
	return status;
}

int main(int argc, char **argv)
{
	struct psim_options options;
	bool help;
	int status;

	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("ponto-sim " PACKAGE_VERSION);
		return PSIM_OK;
	}
	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		psim_help();
		return PSIM_OK;
	}
	if (argc < 2 || strcmp(argv[1], "pnrp") != 0) {
		fputs("ponto-sim: name a protocol: ponto-sim pnrp (try --help)\n", stderr);
		return PSIM_USAGE;
	}
	status = psim_options_parse(argc, argv, &options, &help);
	if (status == PSIM_OK && help)
		psim_help();
	else if (status == PSIM_OK)
		status = run(&options);
	return status;
}
