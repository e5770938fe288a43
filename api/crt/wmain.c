/* main for programs that have a wmain, in an archive of its own: the linker takes it only when there is no other main.
 * Arguments and environment are UTF-8 that becomes UTF-16. A wmain may have any of the usual parameters, and in C++ the
 * linkage of C++: whichever of these names is there is called. */
#include <stdio.h>
#include <stdlib.h>

#include <ponto.h>

typedef int wmain_function(int argc, WCHAR **argv, WCHAR **envp);

#define MAYBE(name, symbol) extern wmain_function name __asm__(symbol) __attribute__((weak))
MAYBE(in_c, "wmain");
MAYBE(no_arguments, "_Z5wmainv");
MAYBE(short_two, "_Z5wmainiPPw");
MAYBE(short_three, "_Z5wmainiPPwS0_");
MAYBE(short_const, "_Z5wmainiPPKw");
MAYBE(char16_two, "_Z5wmainiPPDs");
MAYBE(char16_three, "_Z5wmainiPPDsS0_");
MAYBE(char16_const, "_Z5wmainiPPKDs");

/* As Microsoft's C library calls them; they last as long as the program. */
WCHAR **__wargv, **_wenviron;

int main(int argc, char **argv, char **envp);

int main(int argc, char **argv, char **envp)
{
	wmain_function *const functions[] = {in_c,	  no_arguments, short_two,    short_three,
					     short_const, char16_two,	char16_three, char16_const};

	__wargv = PontoWideArguments(argv);
	_wenviron = PontoWideArguments(envp);
	if (!__wargv || !_wenviron) {
		fputs("no memory for the arguments\n", stderr);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i])
			return functions[i](argc, __wargv, _wenviron);
	fputs("this program has neither main nor wmain\n", stderr);
	return EXIT_FAILURE;
}
