/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for what libraries allocate once, keep until the process ends, and mean to keep. LeakSanitizer and valgrind come
 * with such lists, and so does GLib (glib.supp). A rule names a function whose own business the memory is: not dlopen(),
 * say, which runs the constructors of the library that it loads.
 */
#include "rules.h"

const char rules_builtin[] =
	/* The loader: modules, and their thread-local storage */
	"leak:^_dl_map_object\nleak:^_dl_new_object\nleak:^_dl_check_map_versions\nleak:^_dl_allocate_tls\n"
	"leak:^__tls_get_addr\nleak:^dlerror$\nleak:^_dlerror_run\n"
	/* libc: locales, character sets, time zones, name services, and output */
	"leak:^setlocale$\nleak:^textdomain$\nleak:^bindtextdomain$\nleak:^__gconv_load_\nleak:^__gconv_get_\n"
	"leak:^tzset$\nleak:^__nss_\nleak:^_IO_file_doallocate$\n"
	/* GLib: types, signals, interned strings, and what it finds out once about the system */
	"leak:^g_type_register_\nleak:^g_type_add_interface_\nleak:^g_type_class_ref$\nleak:^g_type_init\n"
	"leak:^g_type_interface_add_prerequisite$\nleak:^g_signal_new\nleak:^g_param_spec_\n"
	"leak:^g_quark_from_\nleak:^g_intern_\nleak:^g_private_\nleak:^g_get_language_names\nleak:^g_get_charset$\n"
	"leak:^g_get_filename_charsets$\nleak:^g_get_user_\nleak:^g_get_system_\nleak:^g_get_home_dir$\n"
	"leak:^g_get_prgname$\nleak:^g_set_prgname\n";
