/* ponto-sim: thousands of real engines in one process and virtual time. */
#include <stdio.h>
#include <string.h>

#include "apps/ponto-sim/attack.h"
#include "apps/ponto-sim/scenario.h"
#include "apps/ponto-sim/teredo_story.h"

static int finish(bool drawn, bool good)
{
	if (!good)
		fputs("ponto-sim: a figure misses its mark\n", stderr);
	return drawn && good ? PSIM_OK : PSIM_FAILED;
}

static int pnrp(int argc, char **argv)
{
	static struct psim_report report;
	struct psim_options o;
	bool help;
	int status = psim_options_parse(argc, argv, &o, &help);

	if (status == PSIM_OK && help)
		psim_help();
	if (status != PSIM_OK || help)
		return status;
	if (o.attack)
		return psim_attack(&o);
	psim_scenario(&o, &report);
	if (o.json)
		psim_print_json(&report);
	else
		psim_print(&report);
	status = finish(!o.svg || psim_draw(&report) == PONTO_OK, !o.check || psim_good(&report));
	psim_report_clear(&report);
	return status;
}

static int teredo(int argc, char **argv)
{
	static struct tsim_report report;
	struct tsim_options o;
	bool help;
	int status = tsim_options_parse(argc, argv, &o, &help);

	if (status == PSIM_OK && help)
		tsim_help();
	if (status != PSIM_OK || help)
		return status;
	tsim_story(&o, &report);
	if (o.json)
		tsim_print_json(&report);
	else
		tsim_print(&report);
	status = finish(!o.svg || tsim_draw(&report) == PONTO_OK, !o.check || tsim_good(&report));
	tsim_report_clear(&report);
	return status;
}

int main(int argc, char **argv)
{
	const char *what = argc >= 2 ? argv[1] : "";

	if (strcmp(what, "pnrp") == 0)
		return pnrp(argc, argv);
	if (strcmp(what, "teredo") == 0)
		return teredo(argc, argv);
	if (strcmp(what, "--version") == 0) {
		puts("ponto-sim " PACKAGE_VERSION);
		return PSIM_OK;
	}
	if (strcmp(what, "--help") == 0) {
		psim_help();
		putchar('\n');
		tsim_help();
		return PSIM_OK;
	}
	fputs("ponto-sim: name a protocol: ponto-sim pnrp, ponto-sim teredo (try --help)\n", stderr);
	return PSIM_USAGE;
}
