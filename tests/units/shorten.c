/* SPDX-License-Identifier: GPL-2.0-only */
/* Unit tests of format/shorten.c, speaking TAP; tests/units.t builds and runs it. */
#include "format/shorten.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

static void is(const char *text, size_t columns, const char *want)
{
	char *got = strdup(text);
	size_t len = shorten(got, columns);
	bool good = !strcmp(got, want) && len == strlen(want);

	ok(good, want);
	if (!good)
		printf("# of   %s\n# got  %s (%zu)\n", text, got, len);
	shorten(got, columns);
	if (good && strcmp(got, want))
		ok(false, "and again");
	free(got);
}

static void test_templates(void)
{
	static const char map[] = "std::map<int, std::pair<long, char>, std::less<int> >::at(int&&)";
	static const char base[] =
		"std::__detail::_Map_base<int, std::pair<int const, std::vector<int, "
		"std::allocator<int> > >, std::allocator<std::pair<int const, std::vector<int, "
		"std::allocator<int> > > >, std::__detail::_Select1st, std::equal_to<int>, true>::"
		"operator[](int&&)";

	is(map, 64, map);
	is(map, 63, "std::map<int, std::pair<...>, std::less<int> >::at(int&&)");
	is(map, 57, "std::map<int, std::pair<...>, std::less<int> >::at(int&&)");
	is(map, 56, "std::map<int, std::pair<...>, ...>::at(int&&)");
	is(map, 40, "std::map<int, ...>::at(int&&)");
	is(map, 28, "std::map<...>::at(int&&)");
	is(map, 0, "std::map<...>::at(int&&)");
	is(base, 180, "std::__detail::_Map_base<int, std::pair<int const, std::vector<...> >, "
	   "std::allocator<std::pair<...> >, "
	   "std::__detail::_Select1st, std::equal_to<int>, true>::operator[](int&&)");
	is(base, 140, "std::__detail::_Map_base<int, std::pair<...>, std::allocator<...>, "
	   "std::__detail::_Select1st, std::equal_to<int>, true>::operator[](int&&)");
	is(base, 80, "std::__detail::_Map_base<int, std::pair<...>, ...>::operator[](int&&)");
	is("a<bbbbbb<cccccc>, dddddd<eeeeeeeeee> >", 31, "a<bbbbbb<cccccc>, dddddd<...> >");
	is("a<bbbbbb<cccccc>, dddddd<eeeeeeeeee> >", 30, "a<bbbbbb<...>, dddddd<...> >");
	is("void f<int, long>(a::b<int, long> const&, int)", 43, "void f<int, long>(a::b<...> const&, int)");
	is("void f<int, long>(a::b<int, long> const&, int)", 39, "void f<int, ...>(a::b<...> const&, int)");
	is("void f<int, long>(a::b<int, long> const&, int)", 35, "void f<...>(a::b<...> const&, int)");
	is("void f<int, long>(a::b<int, long> const&, int)", 5, "void f<...>(...)");
	is("a::b::cdefghijklmnopqrstuvwxyz", 10, "a::b::cdefghijklmnopqrstuvwxyz");
	is("f(int, long, char)", 10, "f(...)");
	is("malloc", 3, "malloc");
	is("", 0, "");
}

static void test_operators(void)
{
	is("bool operator< <wide_type>(wide_type, wide_type)", 40, "bool operator< <...>(wide_type, ...)");
	is("bool operator<<wide_type>(wide_type, wide_type)", 40, "bool operator<<wide_type>(...)");
	is("s& operator<< <wide_type>(s&, wide_type)", 33, "s& operator<< <...>(s&, ...)");
	is("s& operator>> <wide_type>(s&, wide_type)", 33, "s& operator>> <...>(s&, ...)");
	is("bool operator><wide_type>(s&, wide_type)", 33, "bool operator><...>(s&, ...)");
	is("a<wide_type>::operator->() const", 26, "a<...>::operator->() const");
	is("a<wide_type>::operator->*(long, long)", 30, "a<...>::operator->*(long, ...)");
	is("auto a::operator<=><wide_type>(int)", 29, "auto a::operator<=><...>(int)");
	is("a<wide_type>::operator()(int, long)", 28, "a<...>::operator()(int, ...)");
	is("a<wide_type>::operator()(int, long)", 24, "a<...>::operator()(...)");
	is("a<wide_type>::operator()()", 0, "a<...>::operator()()");
	is("a::operator std::vector<wide_type>()", 30, "a::operator std::vector<...>()");
	is("myoperator<wide_type>()", 17, "myoperator<...>()");
	is("a<wide_type>::operator new[](unsigned long)", 37, "a<...>::operator new[](unsigned long)");
	is("a::operator\"\" _km<wide_type>(char)", 28, "a::operator\"\" _km<...>(char)");
	is("f<((1)<(2)), wide_type>(((3)>(4)))", 28, "f<(...), wide_type>((...))");
	is("f<((1)<(2)), wide_type>(((3)>(4)))", 10, "f<...>((...))");
	is("decltype ({parm#1}<{parm#2}) f<int, wide_type>(int)", 45, "decltype ({parm#1}<{parm#2}) f<int, ...>(int)");
	is("decltype ({parm#1}->x) f<int, wide_type>(int)", 39, "decltype ({parm#1}->x) f<int, ...>(int)");
}

static void test_others(void)
{
	is("(anonymous namespace)::f<wide_type>(wide_type)", 0, "(anonymous namespace)::f<...>(...)");
	is("a<(anonymous namespace)::wide_type>::f()", 0, "a<...>::f()");
	is("main::{lambda(wide_type, int)#1}::operator()(int) const", 48,
	   "main::{lambda(...)#1}::operator()(int) const");
	is("f::<lambda(wide_type, int)>::operator()() const", 30, "f::<lambda(...)>::operator()() const");
	is("f[abi:cxx11](std::vector<wide_type>)", 30, "f[abi:cxx11](std::vector<...>)");
	is("void f<void (*)(int, long, char)>(int)", 26, "void f<void (*)(...)>(int)");
	/* Rust */
	is("<alloc::vec::Vec<u8> as core::fmt::Write>::write_str", 43,
	   "<alloc::vec::Vec<u8> as ...>::write_str");
	is("<alloc::vec::Vec<wide_type> as core::fmt::Write>::write_str", 53,
	   "<alloc::vec::Vec<...> as core::fmt::Write>::write_str");
	is("<alloc::vec::Vec<u8> as core::fmt::Write>::write_str", 20, "<...>::write_str");
	is("a::b::<wide_type>::{closure#0}", 26, "a::b::<...>::{closure#0}");
	is("a::b::<fn(wide_type) -> other_type>::c::<wide_type, u8>", 49, "a::b::<fn(...) -> other_type>::c::<wide_type, u8>");
	is("a::b::<'<', wide_type>::c", 21, "a::b::<'<', ...>::c");
	is("a::b::<'\\'', \"<(\", wide_type>::c", 28, "a::b::<'\\'', \"<(\", ...>::c");
	is("a::b::<&'a wide<'b>, wide_type>::c", 31, "a::b::<&'a wide<'b>, ...>::c");
	/* damaged */
	is("f(((((((((", 3, "f(((((((((");
	is(">>>>>>))))", 3, ">>>>>>))))");
	is("f(a<b<c<d)", 3, "f(...)");
	is("f<a(wide_type>", 3, "f<a(wide_type>");
	/* UTF-8: columns are characters */
	is("f<\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4>", 7, "f<\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4>");
	is("f<\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4>", 8, "f<...>");
}

static void test_large(void)
{
	size_t n = 60000;
	char *text = malloc(n + 4);

	for (size_t i = 0; i < n; i++)
		text[i] = i < n / 2 ? '<' : '>';
	text[n] = '\0';
	ok(shorten(text, 100) < n, "30000 lists in one another");
	for (size_t i = 0; i < n; i += 8)
		memcpy(text + i, "<abcdef>", 8);
	text[n] = '\0';
	ok(shorten(text, 100) == n / 8 * 5, "7500 lists in a row");
	memset(text, '<', n);
	ok(shorten(text, 100) == n, "60000 brackets that are not closed");
	free(text);
}

int main(void)
{
	test_templates();
	test_operators();
	test_others();
	test_large();
	printf("1..%d\n", tests);
	return failures != 0;
}
