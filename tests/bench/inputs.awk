# SPDX-License-Identifier: GPL-2.0-only
#
# Writes the inputs that the real programs work on; the same bytes everywhere.
#
#	awk -f inputs.awk -v kind=json|sql|cpp|git|xml|smt -v size=NUMBER
#
# size: records, rows, classes, commits, elements or formulas.

# 0 .. n-1. Every product stays below 2^53, so that all awks agree.
function random(n) {
	seed = (seed * 16807) % 2147483647
	return seed % n
}

function word(  i, w) {
	w = ""
	for (i = 2 + random(3); i > 0; i--)
		w = w substr("kalemirosunatobepiduvogehafizyqaxuwecijo", 1 + 2 * random(20), 2)
	return w
}

function words(n,  i, text) {
	text = word()
	for (i = 1; i < n; i++)
		text = text " " word()
	return text
}

function json(  i) {
	print "["
	for (i = 1; i <= size; i++)
		printf "{\"id\":%d,\"name\":\"%s\",\"price\":%d.%02d,\"tags\":[\"%s\",\"%s\",\"%s\"]," \
			"\"at\":{\"x\":%d,\"y\":-%d},\"text\":\"%s\",\"live\":%s}%s\n",
			i, words(2), random(1000), random(100), word(), word(), word(),
			random(90), random(180), words(4), random(2) ? "true" : "null", i < size ? "," : ""
	print "]"
}

function sql(  i) {
	print "PRAGMA journal_mode=OFF;"
	print "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, note TEXT);"
	print "CREATE INDEX by_name ON item(name);"
	print "BEGIN;"
	for (i = 1; i <= size; i++)
		printf "INSERT INTO item VALUES(%d, '%s', %d.5, '%s');\n", i, words(2), random(1000), words(5)
	print "COMMIT;"
	print "SELECT count(*), sum(length(a.note)) FROM item a JOIN item b ON a.name = b.name;"
	print "SELECT substr(name, 1, 3) AS k, avg(price), group_concat(id) FROM item GROUP BY k"
	print "ORDER BY 2 LIMIT 5;"
}

function cpp(  i) {
	print "#include <functional>\n#include <map>\n#include <memory>\n#include <string>"
	print "#include <tuple>\n#include <utility>\n#include <variant>\n#include <vector>\n"
	print "template <int N> struct tag {\n\tint value = N;"
	print "\tbool operator<(const tag &o) const { return value < o.value; }\n};"
	print "template <class... T> struct list {};"
	print "template <class L, class... T> struct append;"
	print "template <class... A, class... T>"
	print "struct append<list<A...>, T...> { using type = list<A..., T...>; };"
	print "template <int N> struct range {"
	print "\tusing type = typename append<typename range<N - 1>::type, tag<N>>::type;\n};"
	print "template <> struct range<0> { using type = list<>; };"
	print "template <class L> struct to_tuple;"
	print "template <class... T> struct to_tuple<list<T...>> { using type = std::tuple<T...>; };\n"
	for (i = 1; i <= size; i++) {
		printf "int use%d(int n)\n{\n", i
		printf "\tusing row = typename to_tuple<typename range<%d>::type>::type;\n", 3 + i % 24
		printf "\tstd::map<tag<%d>, std::vector<std::variant<tag<%d>, std::string, int>>> m;\n", i, i + 1
		printf "\tstd::map<std::string, std::function<int(tag<%d>)>> f;\n", i
		printf "\tm[tag<%d>{n}].push_back(std::string(\"%s\"));\n", i, word()
		printf "\tf[\"%s\"] = [n](tag<%d> t) { return t.value + n; };\n", word(), i
		print "\tauto p = std::make_shared<row>();"
		print "\tint sum = std::apply([](const auto &...t) { return (t.value + ...); }, *p);"
		print "\tfor (auto &[k, v] : m)\n\t\tfor (auto &e : v)"
		print "\t\t\tsum += k.value + static_cast<int>(e.index());"
		printf "\treturn sum + f.begin()->second(tag<%d>{n});\n}\n\n", i
	}
}

# A stream for git fast-import: each commit changes some lines of some of 40 files.
function git(  i, j, k, file, text) {
	for (i = 0; i < 40; i++)
		for (j = 0; j < 120; j++)
			line[i, j] = words(6)
	for (i = 1; i <= size; i++) {
		printf "commit refs/heads/main\ncommitter A U Thor <author@example.com> %d +0000\n", 1700000000 + 600 * i
		text = words(5) "\n\n" words(12) "\n"
		printf "data %d\n%s\n", length(text), text
		for (k = i == 1 ? 40 : 2; k > 0; k--) {
			file = i == 1 ? k - 1 : random(40)
			for (j = 0; j < 6; j++)
				line[file, random(120)] = words(6)
			text = ""
			for (j = 0; j < 120; j++)
				text = text line[file, j] "\n"
			printf "M 100644 inline dir%d/file%d.txt\ndata %d\n%s\n", file % 5, file, length(text), text
		}
	}
}

function xml(  i) {
	print "<?xml version=\"1.0\"?>\n<items>"
	for (i = 1; i <= size; i++)
		printf "<item id=\"%d\" live=\"%s\"><name>%s</name><price currency=\"EUR\">%d.%02d</price>" \
			"<tags><tag>%s</tag><tag>%s</tag><tag>%s</tag></tags><at x=\"%d\" y=\"-%d\"/>" \
			"<text>%s <b>%s</b> %s</text></item>\n",
			i, random(2) ? "true" : "false", words(2), random(1000), random(100),
			word(), word(), word(), random(90), random(180), words(5), word(), words(4)
	print "</items>"
}

# Formulas for a solver: which two numbers have this product? Each is solved anew.
function smt(  i) {
	for (i = 1; i <= size; i++) {
		print "(declare-const a (_ BitVec 24))\n(declare-const b (_ BitVec 24))"
		printf "(assert (= (bvmul a b) (_ bv%d 24)))\n", 1048577 + 2 * random(524288)
		print "(assert (and (bvugt a (_ bv1 24)) (bvule a b) (bvult b (_ bv4096 24))))"
		print "(check-sat)\n(reset)"
	}
}

BEGIN {
	seed = 20231114
	if (kind == "json")
		json()
	else if (kind == "sql")
		sql()
	else if (kind == "cpp")
		cpp()
	else if (kind == "git")
		git()
	else if (kind == "xml")
		xml()
	else if (kind == "smt")
		smt()
	else
		exit 2
}
