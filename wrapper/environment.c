/* SPDX-License-Identifier: GPL-2.0-only */
/* See environment.h. */
#include "environment.h"

#include "options/options.h"
#include "quit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether an option has a relative path, so that the environment form depends on the current directory. */
static bool names_relative(const struct options *o)
{
	return options_print_env(o, "/", NULL, 0) != options_print_env(o, NULL, NULL, 0);
}

char *environment_options(const struct options *o)
{
	char *cwd = getcwd(NULL, 0);
	size_t size_bytes;
	char *text;

	if (cwd && cwd[0] != '/') {	/* "(unreachable)/..." after a chroot or unmount */
		free(cwd);
		cwd = NULL;
	}
	if (!cwd && names_relative(o))
		quit_saying(EXIT_SETUP, "the current directory has no path: name files with "
		    "absolute paths");
	size_bytes = options_print_env(o, cwd, NULL, 0) + 1;
	text = malloc(size_bytes);
	if (!text)
		quit_saying(EXIT_SETUP, "out of memory");
	options_print_env(o, cwd, text, size_bytes);
	free(cwd);
	return text;
}

/* The value if the entry is NAME=value, else NULL. */
static const char *env_value(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '=' ? entry + len + 1 : NULL;
}

char **environment_make(const char *library, const char *options)
{
	const char *preloaded = NULL;	/* of several LD_PRELOAD the loader takes the last one */
	size_t count = 0, kept = 0;
	char **env;

	while (environ[count])
		count++;
	env = calloc(count + 3, sizeof(*env));
	if (!env)
		quit_saying(EXIT_SETUP, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const char *value = env_value(environ[i], "LD_PRELOAD");

		if (value)
			preloaded = value;
		else if (!env_value(environ[i], OPTIONS_ENV))
			env[kept++] = environ[i];
	}
	env[kept++] = preloaded && *preloaded ? formatted("LD_PRELOAD=%s:%s", library, preloaded)
					      : formatted("LD_PRELOAD=%s", library);
	env[kept] = formatted(OPTIONS_ENV "=%s", options);
	return env;
}
