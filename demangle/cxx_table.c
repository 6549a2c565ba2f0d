/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixed vocabulary of the Itanium C++ ABI: operators (5.1.3, 5.1.6), builtin types
 * (5.1.5.2) and the standard abbreviations (5.1.10).
 */
#include "demangle/cxx.h"

/* Sorted by code. The text of an operator that is a word ends with a space if an operand follows.
 * */
const struct cxx_operator cxx_operators[] = {
	{"aN", CXX_INFIX, "&="},
	{"aS", CXX_INFIX, "="},
	{"aa", CXX_INFIX, "&&"},
	{"ad", CXX_PREFIX, "&"},
	{"an", CXX_INFIX, "&"},
	{"at", CXX_OF_TYPE, "alignof "},
	{"aw", CXX_PREFIX, "co_await "},
	{"az", CXX_OF_VALUE, "alignof "},
	{"cc", CXX_CONVERT_NAMED, "const_cast"},
	{"cl", CXX_CALLING, "()"},
	{"cm", CXX_INFIX, ","},
	{"co", CXX_PREFIX, "~"},
	{"cp", CXX_CALLING, "()"},
	{"dV", CXX_INFIX, "/="},
	{"da", CXX_RELEASE, "delete[] "},
	{"dc", CXX_CONVERT_NAMED, "dynamic_cast"},
	{"de", CXX_PREFIX, "*"},
	{"dl", CXX_RELEASE, "delete "},
	{"ds", CXX_INFIX, ".*"},
	{"dt", CXX_SELECT, "."},
	{"dv", CXX_INFIX, "/"},
	{"eO", CXX_INFIX, "^="},
	{"eo", CXX_INFIX, "^"},
	{"eq", CXX_INFIX, "=="},
	{"ge", CXX_INFIX, ">="},
	{"gt", CXX_INFIX, ">"},
	{"ix", CXX_INDEX, "[]"},
	{"lS", CXX_INFIX, "<<="},
	{"le", CXX_INFIX, "<="},
	{"ls", CXX_INFIX, "<<"},
	{"lt", CXX_INFIX, "<"},
	{"mI", CXX_INFIX, "-="},
	{"mL", CXX_INFIX, "*="},
	{"mi", CXX_INFIX, "-"},
	{"ml", CXX_INFIX, "*"},
	{"mm", CXX_PLUSPLUS, "--"},
	{"na", CXX_ALLOCATE, "new[]"},
	{"ne", CXX_INFIX, "!="},
	{"ng", CXX_PREFIX, "-"},
	{"nt", CXX_PREFIX, "!"},
	{"nw", CXX_ALLOCATE, "new"},
	{"nx", CXX_OF_PARENTHESES, "noexcept "},
	{"oR", CXX_INFIX, "|="},
	{"oo", CXX_INFIX, "||"},
	{"or", CXX_INFIX, "|"},
	{"pL", CXX_INFIX, "+="},
	{"pl", CXX_INFIX, "+"},
	{"pm", CXX_INFIX, "->*"},
	{"pp", CXX_PLUSPLUS, "++"},
	{"ps", CXX_PREFIX, "+"},
	{"pt", CXX_SELECT, "->"},
	{"qu", CXX_CONDITIONAL, "?"},
	{"rM", CXX_INFIX, "%="},
	{"rS", CXX_INFIX, ">>="},
	{"rc", CXX_CONVERT_NAMED, "reinterpret_cast"},
	{"rm", CXX_INFIX, "%"},
	{"rs", CXX_INFIX, ">>"},
	{"sc", CXX_CONVERT_NAMED, "static_cast"},
	{"ss", CXX_INFIX, "<=>"},
	{"st", CXX_OF_TYPE, "sizeof "},
	{"sz", CXX_OF_VALUE, "sizeof "},
	{"te", CXX_OF_PARENTHESES, "typeid "},
	{"ti", CXX_OF_TYPE, "typeid "},
	{"tw", CXX_PREFIX, "throw "},
};

int cxx_operator_find(const char *code)
{
	int low = 0, high = (int)(sizeof(cxx_operators) / sizeof(cxx_operators[0])) - 1;

	while (low <= high) {
		int middle = (low + high) / 2;
		int order = strncmp(code, cxx_operators[middle].code, 2);

		if (!order)
			return middle;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

const char *cxx_builtin(char letter, bool after_d)
{
	static const char plain[26][20] = {
		['a' - 'a'] = "signed char", ['b' - 'a'] = "bool", ['c' - 'a'] = "char",
		['d' - 'a'] = "double", ['e' - 'a'] = "long double", ['f' - 'a'] = "float",
		['g' - 'a'] = "__float128", ['h' - 'a'] = "unsigned char", ['i' - 'a'] = "int",
		['j' - 'a'] = "unsigned int", ['l' - 'a'] = "long",
		['m' - 'a'] = "unsigned long", ['n' - 'a'] = "__int128",
		['o' - 'a'] = "unsigned __int128", ['s' - 'a'] = "short",
		['t' - 'a'] = "unsigned short", ['v' - 'a'] = "void", ['w' - 'a'] = "wchar_t",
		['x' - 'a'] = "long long", ['y' - 'a'] = "unsigned long long",
		['z' - 'a'] = "...",
	};
	static const char extended[26][18] = {
		['a' - 'a'] = "auto", ['c' - 'a'] = "decltype(auto)",
		['d' - 'a'] = "decimal64", ['e' - 'a'] = "decimal128",
		['f' - 'a'] = "decimal32", ['h' - 'a'] = "half", ['i' - 'a'] = "char32_t",
		['n' - 'a'] = "decltype(nullptr)", ['s' - 'a'] = "char16_t",
		['u' - 'a'] = "char8_t",
	};

	const char *text;

	if (letter < 'a' || letter > 'z')
		return NULL;
	text = after_d ? extended[letter - 'a'] : plain[letter - 'a'];
	return *text ? text : NULL;
}

const struct cxx_abbreviation cxx_abbreviations[] = {
	{'a', "std::allocator", "allocator"},
	{'b', "std::basic_string", "basic_string"},
	{'d', "std::basic_iostream<char, std::char_traits<char> >", "basic_iostream"},
	{'i', "std::basic_istream<char, std::char_traits<char> >", "basic_istream"},
	{'o', "std::basic_ostream<char, std::char_traits<char> >", "basic_ostream"},
	{'s', "std::basic_string<char, std::char_traits<char>, std::allocator<char> >",
	 "basic_string"},
	{'\0', "", ""},
};
