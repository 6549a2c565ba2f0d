/* SPDX-License-Identifier: GPL-2.0-only */
/* See wrappers.h. */
#include "wrappers.h"

#include <stddef.h>
#include <string.h>

/*
 * Bare names (wrappers_bare_name()), one behind the other. A name that ends in `*` stands for all that begin so. To
 * keep the list short, names that end in malloc, strdup and the like need not be here: see `endings`.
 */
static const char names[] =
	/* C. glibc's own functions behind strdup(), asprintf() and getline() have other names than these. */
	"*valloc\0" "reallocarray\0" "aligned_alloc\0" "wcsdup\0" "asprintf\0" "vasprintf\0"
	"__asprintf*\0" "__vasprintf*\0" "___asprintf*\0" "x2realloc*\0" "xpalloc\0" "xasprintf\0" "xvasprintf\0"
	"*mem_alloc\0" "_obstack_*\0" "objalloc_alloc\0" "_objalloc_alloc\0"
	/* C++: operators, mangled and demangled, and the allocators of libstdc++ and libc++. Further down, is_internal()
	 * knows what else of these libraries stands between a container and its allocator. */
	"operator new\0" "operator new[]\0" "*::operator new*\0" "_Znw*\0" "_Zna*\0"
	"std::allocator*\0" "std::allocate*\0" "std::make_unique*\0" "std::make_shared*\0" "std::pmr::*\0"
	"std::__1::allocator*\0" "std::__1::allocate*\0" "std::__1::make_unique*\0" "std::__1::make_shared*\0"
	"llvm::allocate_buffer\0" "llvm::MallocAllocator*\0" "llvm::BumpPtrAllocator*\0" "llvm::AllocatorBase*\0"
	"llvm::SmallVectorBase::*\0" "llvm::SmallVectorTemplateBase::grow*\0" "QArrayData::*allocate*\0"
	"QTypedArrayData::*allocate*\0"
	/* Rust */
	"alloc::*\0" "__rust_*\0" "__rdl_*\0" "__rg_*\0"
	/* glib */
	"g_malloc*\0" "g_realloc*\0" "g_try_*\0" "g_slice_alloc*\0" "g_slice_copy\0" "g_strdup*\0" "g_memdup*\0"
	/* Python */
	"PyMem_*\0" "_PyMem_*\0" "PyObject_Malloc\0" "_PyObject_GC_*\0" "_PyObject_New*\0" "PyType_GenericAlloc\0"
	"PyType_GenericNew\0" "gc_alloc\0" "_PyType_AllocNoTrack\0"
	/* Perl, Ruby, Tcl, Lua, PHP, OCaml */
	"Perl_safesys*\0" "Perl_savepv*\0" "Perl_more_bodies\0" "Perl_get_arena\0" "ruby_x*\0" "objspace_x*\0" "Tcl_Alloc\0"
	"TclpAlloc\0" "luaM_*\0" "l_alloc\0" "_safe_*alloc*\0" "caml_alloc_*\0" "caml_stat_alloc*\0"
	/* Libraries and servers */
	"sqlite3Malloc*\0" "sqlite3_malloc*\0" "sqlite3_realloc*\0" "sqlite3DbMalloc*\0" "sqlite3DbRealloc*\0"
	"sqlite3MemMalloc\0" "mallocWithAlarm\0" "dbMallocRaw*\0" "dbReallocFinish\0" "pcache1Alloc\0"
	"z*malloc*\0" "zcalloc*\0" "zrealloc*\0" "ztry*\0" "apr_p*alloc*\0" "ngx_*alloc\0" "_talloc*\0" "talloc_*\0"
	"je_*\0" "mi_*\0" "tc_*\0" "mallocx\0" "ggc_*alloc*\0";

/* A name that ends in one of these, in any case of letters, and with digits or an underscore behind it or not, is a
 * wrapper, too: xmalloc, zmalloc, git__malloc, xmlMalloc, PyMem_RawMalloc, CRYPTO_zalloc, malloc0, sh_xrealloc. */
static const char endings[] = "malloc\0" "calloc\0" "realloc\0" "zalloc\0" "memalign\0" "strdup\0" "strndup\0" "memdup\0";

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool ends_like_malloc(const char *name)
{
	size_t len = strlen(name);

	while (len && (name[len - 1] == '_' || (name[len - 1] >= '0' && name[len - 1] <= '9')))
		len--;
	for (const char *end = endings; *end; end += strlen(end) + 1) {
		size_t bytes = strlen(end), same = 0;

		while (same < bytes && bytes <= len && lower(name[len - bytes + same]) == end[same])
			same++;
		if (same == bytes)
			return true;
	}
	return false;
}

/* Whether the name is the pattern, in which a `*` stands for any text. */
static bool matches(const char *name, const char *pattern)
{
	const char *star = NULL, *from = name;

	while (*name || *pattern == '*') {
		if (*pattern == '*') {
			star = pattern++;
			from = name;
		} else if (*pattern && *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++from;
			if (!*name && *pattern)
				return false;
		} else {
			return false;
		}
	}
	return !*pattern;
}

/* Whether the function is one that the C++ library keeps for itself, as its reserved name says: std::vector<int>::
 * _M_realloc_insert(), std::__new_allocator<int>::allocate(), __gnu_cxx::__alloc_traits<...>::allocate(). */
static bool is_internal(const char *name)
{
	const char *own = strncmp(name, "std::", 5) ? NULL : name + 5;

	if (!strncmp(name, "__gnu_cxx::", 11))
		return true;
	if (own && !strncmp(own, "__1::", 5))
		own += 5;
	else if (own && !strncmp(own, "__cxx11::", 9))
		own += 9;
	return own && (!strncmp(own, "__", 2) || strstr(own, "::_") || *own == '_');
}

/* Whether the name is of the crate alloc, which is Rust's: "<alloc::vec::Vec<T> as core::clone::Clone>::clone",
 * "<T as alloc::slice::hack::ConvertVec>::to_vec". */
static bool is_alloc_method(const char *function)
{
	return *function == '<' && (!strncmp(function + 1, "alloc::", 7) || strstr(function, " as alloc::"));
}

/* How many characters of the text are the symbol of an operator that has brackets or a comparison in it, which elsewhere
 * begin or end parameters and template arguments; 0: there is none. */
static size_t symbol_bytes(const char *text)
{
	static const char symbols[][4] = {	/* the longer ones before those that they begin with */
		"()", "[]", "->*", "->", "<=>", "<<=", ">>=", "<<", ">>", "<=", ">=", "<", ">",
	};

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		if (!strncmp(text, symbols[i], strlen(symbols[i])))
			return strlen(symbols[i]);
	}
	return 0;
}

/* Whether text[0..len) ends in the word `operator`, behind which a symbol or a type belongs to the name. */
static bool ends_in_operator(const char *text, size_t len)
{
	return len >= 8 && !memcmp(text + len - 8, "operator", 8) && (len == 8 || text[len - 9] == ':');
}

void wrappers_bare_name(const char *function, char name[WRAPPERS_NAME_BYTES])
{
	bool in_operator = false;
	unsigned depth = 0;
	size_t len = 0;

	for (const char *at = function; *at; at++) {
		char c = *at;

		if (!depth && ends_in_operator(name, len)) {
			size_t bytes = symbol_bytes(at);

			in_operator = true;
			for (; bytes && len < WRAPPERS_NAME_BYTES - 1; bytes--)
				name[len++] = *at++;
			c = *at;
			if (!c)
				break;
		}
		if (!strncmp(at, "(anonymous namespace)", 21)) {
			at += 20;
			c = '?';
		} else if (!depth && (c == '(' || c == '.' || c == '@') && len) {
			break;
		} else if (c == '<' || c == '>' || c == '(' || c == ')') {
			depth = c == '<' || c == '(' ? depth + 1 : depth ? depth - 1 : 0;
			continue;
		}
		if (depth || (c == ' ' && in_operator && at[1] == '<'))
			continue;
		if (c == ' ' && !in_operator)
			len = 0;		/* what came before is the type that the function returns */
		else if (len < WRAPPERS_NAME_BYTES - 1)
			name[len++] = c;
	}
	name[len && name[len - 1] == ' ' ? len - 1 : len] = '\0';
}

bool wrappers_is(const char *function)
{
	char name[WRAPPERS_NAME_BYTES];

	if (!function)
		return false;
	if (is_alloc_method(function))
		return true;
	wrappers_bare_name(function, name);
	if (ends_like_malloc(name) || is_internal(name))
		return true;
	for (const char *pattern = names; *pattern; pattern += strlen(pattern) + 1) {
		if (matches(name, pattern))
			return true;
	}
	return false;
}

bool wrappers_is_skipped(const struct options *o, const char *function)
{
	for (unsigned i = 0; function && i < o->skip_count; i++) {
		if (strstr(function, o->skip[i]))
			return true;
	}
	return false;
}

bool wrappers_is_of(const struct options *o, const char *function, const char *module)
{
	static const char library[] = "/libheaptrace.so";
	size_t length = module ? strlen(module) : 0;

	if (!function)
		return length >= sizeof(library) - 1 && !strcmp(module + length - (sizeof(library) - 1), library);
	return wrappers_is(function) || wrappers_is_skipped(o, function);
}
