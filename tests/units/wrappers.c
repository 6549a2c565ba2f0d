/* SPDX-License-Identifier: GPL-2.0-only */
/* Which functions are wrappers of allocation functions (analysis/wrappers.h), and names without their trimmings. */
#include "analysis/wrappers.h"

#include <stdio.h>
#include <string.h>

static int tests;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

static void bare(const char *function, const char *want)
{
	char name[WRAPPERS_NAME_BYTES];

	wrappers_bare_name(function, name);
	if (strcmp(name, want))
		printf("# %s: got %s\n", function, name);
	ok(!strcmp(name, want), want);
}

static const char *const wrappers[] = {
	"malloc", "calloc", "realloc", "posix_memalign", "memalign", "aligned_alloc", "__libc_pvalloc", "__strdup", "strndup",
	"malloc@plt", "xmalloc", "xcalloc", "sh_xmalloc", "do_xmalloc", "xmalloc.part.0", "zmalloc_usable", "git__malloc", "xmlMalloc",
	"CRYPTO_zalloc", "jv_mem_alloc", "operator new(unsigned long)", "operator new[](unsigned long, std::align_val_t)",
	"_Znwm", "Pool::operator new(unsigned long)", "std::allocator<int>::allocate(unsigned long)",
	"std::__new_allocator<std::pair<int const, Foo<int> > >::allocate(unsigned long, void const*)",
	"std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&, unsigned long)",
	"__gnu_cxx::new_allocator<char>::allocate(unsigned long, void const*)",
	"std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)",
	"void std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(int*, int&&)",
	"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::_M_create(unsigned long&, unsigned long)",
	"std::__1::allocator<int>::allocate(unsigned long)", "std::__1::__libcpp_allocate(unsigned long, unsigned long)",
	"std::make_unique<Foo>(int&&)", "__rust_alloc", "alloc::raw_vec::finish_grow", "__rdl_alloc_zeroed",
	"alloc::raw_vec::RawVec<T,A>::reserve::do_reserve_and_handle",
	"<alloc::vec::Vec<T> as core::clone::Clone>::clone", "<T as alloc::slice::hack::ConvertVec>::to_vec",
	"g_malloc0", "g_malloc_n", "g_strdup_printf", "g_slice_alloc0", "PyMem_RawMalloc", "PyObject_Malloc",
	"_PyObject_GC_New", "_PyMem_RawRealloc", "PyType_GenericAlloc", "Perl_safesysmalloc", "Perl_savepvn",
	"sqlite3MallocZero", "sqlite3DbMallocRawNN", "sqlite3DbStrDup", "zcalloc", "ngx_palloc", "apr_palloc",
};

static const char *const others[] = {
	"main", "parse(char const*)", "allocate_session", "std::vector<int>::push_back(int&&)", "Parser::malloc_free_list(int)",
	"std::map<int, int>::operator[](int const&)", "load(std::allocator<int> const&)", "PyList_New", "operator+(Text, Text)",
	"std::basic_string<char> join<char>(std::allocator<char>)", "core::option::Option<T>::unwrap",
	"<server::Session as core::default::Default>::default", "g_hash_table_insert", "Perl_newSVpvn", "zend_compile",
	"<signal handler called>", "", "mallocator::use", "(anonymous namespace)::store(int)",
};

int main(void)
{
	bare("void std::vector<int>::push_back(int&&) [clone .part.0]", "std::vector::push_back");
	bare("(anonymous namespace)::Parser::next(char) const", "?::Parser::next");
	bare("std::ostream& operator<< <char>(std::ostream&, char)", "operator<<");
	bare("Map<int, Less<int> >::operator()(int)", "Map::operator()");
	bare("Map<int>::operator()<char>(int)", "Map::operator()");
	bare("bool Key<int>::operator<(Key const&) const", "Key::operator<");
	bare("bool operator< <int>(Key<int> const&, Key<int> const&)", "operator<");
	bare("std::strong_ordering Key::operator<=>(Key const&) const", "Key::operator<=>");
	bare("Node* List<Node>::iterator::operator->() const", "List::iterator::operator->");
	bare("Text& Text::operator[](unsigned long)", "Text::operator[]");
	bare("Text operator+(Text const&, Text const&)", "operator+");
	bare("Text::operator unsigned long() const", "Text::operator unsigned long");
	bare("Text::operator std::vector<int>() const", "Text::operator std::vector");
	bare("my_operator(int)", "my_operator");
	bare("operator", "operator");
	bare("Key::operator<", "Key::operator<");
	bare("xmalloc.part.0", "xmalloc");
	bare("operator new[](unsigned long)", "operator new[]");
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		ok(wrappers_is(wrappers[i]), wrappers[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ok(!wrappers_is(others[i]), *others[i] ? others[i] : "no name");
	ok(!wrappers_is(NULL), "an unknown function");
	printf("1..%d\n", tests);
	return 0;
}
