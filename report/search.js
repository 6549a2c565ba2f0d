/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the search box says, for all views. heaptrace.search(text) is null where the text is empty, otherwise
 *
 *	text		as it was typed
 *	valid		false: it is an unfinished regular expression, which matches nothing
 *	matches(string)	whether a string contains what is searched for, in upper or lower case
 *	find(string)	[start, end] of the first occurrence, or null, for marking it
 *	functions()	Uint8Array, 1 for each function whose name matches
 *	nodes()		Uint8Array, 1 for each node from which outward a frame matches: its function, file or module
 *	rows()		Uint8Array, 1 for each row with such a frame, or with a thread whose name matches
 *
 * The text is looked for in names of functions, source files, modules and threads, or only in one of these when it
 * starts with function:, file:, module: or thread:. Between slashes it is a regular expression: /^std::(map|set)/
 */
(function () {
	"use strict";

	const FIELDS = ["function", "file", "module", "thread"];

	function finder(pattern) {
		const slashes = /^\/(.+)\/$/.exec(pattern);

		if (slashes) {
			try {
				const expression = new RegExp(slashes[1], "i");
				return function (string) {
					const match = expression.exec(string);
					return match && match[0] ? [match.index, match.index + match[0].length] : null;
				};
			} catch (error) {
				return null;
			}
		}
		const wanted = pattern.toLowerCase();
		return function (string) {
			const at = string.toLowerCase().indexOf(wanted);
			return at >= 0 ? [at, at + wanted.length] : null;
		};
	}

	/* Calls make() once, when the result is first asked for. */
	function lazy(make) {
		let result = null;

		return () => result === null ? (result = make()) : result;
	}

	function matchFunctions(has, field) {
		const functions = heaptrace.model.functions;
		const found = new Uint8Array(functions.count);

		if (field === "" || field === "function") {
			for (let f = 0; f < functions.count; f++)
				found[f] = has(functions.name(f)) ? 1 : 0;
		}
		return found;
	}

	/* Texts and modules are looked through once each, not once for each of the many addresses that refer to
	 * them. */
	function matchNodes(has, field, functions) {
		const model = heaptrace.model;
		const any = field === "";
		const texts = new Int8Array(model.texts.length).fill(-1);
		const modules = model.modules.map((module) => (any || field === "module") && has(module.path));
		const addresses = new Uint8Array(model.addresses.module.length);
		const nodes = new Uint8Array(model.nodes.outer.length);

		function fileMatches(text) {
			if (texts[text] < 0)
				texts[text] = has(model.texts[text]) ? 1 : 0;
			return texts[text] === 1;
		}
		for (let a = 0; a < addresses.length; a++) {
			const first = model.addresses.first[a];

			if (modules[model.addresses.module[a]])
				addresses[a] = 1;
			for (let p = first; p < first + model.addresses.count[a] && !addresses[a]; p++) {
				if (functions[model.places.function[p]] ||
				    ((any || field === "file") && fileMatches(model.places.file[p])))
					addresses[a] = 1;
			}
		}
		/* A node comes after its outer node, so that one is already known. Node 0 is the root. */
		for (let n = 1; n < nodes.length; n++)
			nodes[n] = addresses[model.nodes.address[n]] | nodes[model.nodes.outer[n]];
		return nodes;
	}

	function matchRows(has, field, nodes) {
		const model = heaptrace.model;
		const rows = new Uint8Array(model.rowCount);
		const sets = field === "" || field === "thread" ?
			model.threadSets.map((set) => set.threads.some((thread) => has(thread.name || ""))) : [];

		for (let r = 0; r < rows.length; r++)
			rows[r] = nodes[model.rows.node[r]] || sets[model.rows.threadSet[r]] ? 1 : 0;
		return rows;
	}

	heaptrace.search = function (text) {
		const colon = text.indexOf(":");
		/* "std::string" is no field: a name of a field stands before the first colon. */
		const isField = FIELDS.includes(text.slice(0, colon)) && text[colon + 1] !== ":";
		const field = isField ? text.slice(0, colon) : "";
		const pattern = (field === "" ? text : text.slice(colon + 1)).trim();

		if (pattern === "")
			return null;
		const find = finder(pattern) || (() => null);
		const has = (string) => find(string) !== null;
		const functions = lazy(() => matchFunctions(has, field));
		const nodes = lazy(() => matchNodes(has, field, functions()));

		return {
			text: text, field: field, valid: finder(pattern) !== null, matches: has, find: find,
			functions: functions, nodes: nodes, rows: lazy(() => matchRows(has, field, nodes())),
		};
	};
})();
