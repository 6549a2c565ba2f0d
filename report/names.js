/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A short form of a C++ or Rust name: without parameters, template arguments and return type. The symbols of operators
 * are kept. For the script of a flame graph (svg.js) as for the page; svg_shorten() in format/svg_text.c does the same.
 *
 *	std::vector<int>& app::Cache<char>::find(char const*) const		app::Cache::find
 *
 * It is a function declaration, because a page can hold several flame graphs.
 */
function heaptraceShortName(name) {
	const kept = [];
	let text = name.replace(/\boperator\s*(\(\)|\[\]|->\*?|<=>|<<=?|>>=?|[<>]=?)|\(anonymous namespace\)|\{lambda[^}]*\}/g,
				(symbol) => "\u0001" + String.fromCharCode(0xe000 + kept.push(symbol) - 1));
	let before;

	do {
		before = text;
		text = text.replace(/<[^<>]*>|\([^()]*\)/g, "");
	} while (text !== before);
	text = text.replace(/ (const|\[clone [^\]]*\])*$/, "").replace(/^.* (?=[^ ]*::)/, "");
	return text.replace(/\u0001(.)/g, (all, c) => kept[c.charCodeAt(0) - 0xe000]) || name;
}
