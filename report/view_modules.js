/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program and its libraries: what each uses, by the innermost function that is no allocation function or wrapper of
 * one, what goes through it, and what it lacks: names of functions, and source lines.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom, format = heaptrace.format;

	/* Its functions are those that the program called for malloc() and its kin, whether their names are known or not. */
	const TRACER = "libheaptrace.so";

	/* The module whose function uses the memory of a row; the outermost one where all are allocation functions. */
	function userModule(model, row) {
		let last = 0;

		for (let node = model.rows.node[row]; node !== 0; node = model.nodes.outer[node]) {
			const address = model.nodes.address[node], first = model.addresses.first[address];

			last = model.addresses.module[address];
			if (model.modules[last].name === TRACER)
				continue;
			for (let p = first; p < first + model.addresses.count[address]; p++) {
				if (!model.functions.wrapper(model.places.function[p]))
					return last;
			}
		}
		return last;
	}

	/* How many of the addresses of each module have no name, and no line. */
	function lacks(model) {
		const list = model.modules.map(() => ({addresses: 0, names: 0, lines: 0}));

		for (let a = 0; a < model.addresses.module.length; a++) {
			const entry = list[model.addresses.module[a]];
			/* The last place is the function whose code is at the address. */
			const place = model.addresses.first[a] + model.addresses.count[a] - 1;

			entry.addresses++;
			if (!model.functions.known(model.places.function[place]))
				entry.names++;
			if (model.places.line[place] === 0)
				entry.lines++;
		}
		return list;
	}

	function sums(selection, users) {
		const model = heaptrace.model;
		const list = model.modules.map((module, number) => ({module: module, number: number, now: 0, before: 0, through: 0, rows: 0}));
		const seen = new Int32Array(list.length).fill(-1);
		const searched = selection.search ? selection.search.rows() : null;
		const add = selection.unit === "ns" ? Math.max : (a, b) => a + b;

		for (let r = 0; r < model.rowCount; r++) {
			const now = selection.now[r], before = selection.comparing ? selection.before[r] : 0;

			if ((now === 0 && before === 0) || (searched && !searched[r]))
				continue;
			const user = list[users[r]];
			user.now = add(user.now, now);
			user.before = add(user.before, before);
			user.rows++;
			for (let node = model.rows.node[r]; node !== 0; node = model.nodes.outer[node]) {
				const module = model.addresses.module[model.nodes.address[node]];

				if (seen[module] === r)
					continue;
				seen[module] = r;
				list[module].through = add(list[module].through, now);
			}
		}
		return list;
	}

	function lackText(missing, addresses, why) {
		if (addresses === 0)
			return "";
		if (missing === 0)
			return "all";
		return (missing === addresses ? "none" : format.count(missing) + " of " + format.count(addresses) + " missing") +
			(why ? ": " + why : "");
	}

	function columns(selection, lacking) {
		const value = (n) => format.value(n, selection.unit);
		const title = selection.title.charAt(0).toUpperCase() + selection.title.slice(1);
		const list = [{id: "name", title: "Module", heading: true, value: (entry) => entry.module.name, fill(td, entry) {
			const path = entry.module.path || "(code in no file)";

			td.append(heaptrace.highlight(dom("button", {class: "link", title: "Search for the backtraces through " + path,
				onclick: () => heaptrace.state.set({search: "module:" + path})}), heaptrace.shorten(path, 160),
			selection.search));
		}}, {id: "now", title: title + ", its own", number: true, value: (entry) => entry.now,
			hint: "of backtraces whose innermost function that is no allocation function is in this module",
			text: (entry) => value(entry.now)}];

		if (selection.unit !== "ns")
			list.push({id: "share", title: "Share", number: true, value: (entry) => entry.now,
				text: (entry) => selection.total > 0 ? format.share(entry.now / selection.total) : ""});
		if (selection.comparing)
			list.push({id: "before", title: "Before", number: true, value: (entry) => entry.before,
				text: (entry) => value(entry.before)},
			{id: "change", title: "Change", number: true, value: (entry) => entry.now - entry.before, fill(td, entry) {
				td.append(heaptrace.change(entry.now, entry.before, selection.unit));
				if (entry.now !== entry.before)
					td.classList.add(entry.now > entry.before ? "grown" : "shrunk");
			}});
		return list.concat([
			{id: "through", title: "Through it", number: true, value: (entry) => entry.through,
				hint: "of all backtraces with a frame in this module", text: (entry) => value(entry.through)},
			{id: "rows", title: "Backtraces", number: true, value: (entry) => entry.rows,
				text: (entry) => format.count(entry.rows)},
			{id: "names", title: "Names", short: true, value: (entry) => -lacking[entry.number].names,
				text: (entry) => lackText(lacking[entry.number].names, lacking[entry.number].addresses, entry.module.namesMissing)},
			{id: "lines", title: "Lines", short: true, value: (entry) => -lacking[entry.number].lines,
				text: (entry) => lackText(lacking[entry.number].lines, lacking[entry.number].addresses, entry.module.linesMissing)},
			{id: "build-id", title: "Build id", value: (entry) => entry.module.buildId || "", fill(td, entry) {
				td.append(dom("span", {class: "mono", title: entry.module.buildId}, (entry.module.buildId || "").slice(0, 12)));
			}},
		]);
	}

	/* What to do about it. */
	function advice(lacking, modules) {
		/* That heaptrace's own functions have no lines does not matter to anybody. */
		const without = (what) => modules.filter((module, i) => module.path && module.name !== TRACER &&
			lacking[i].addresses > 0 && lacking[i][what] === lacking[i].addresses).map((module) => heaptrace.shorten(module.name, 60));
		const names = without("names"), lines = without("lines");

		if (names.length === 0 && lines.length === 0)
			return null;
		return dom("p", {class: "muted"}, (names.length > 0 ? "Without any names: " + names.join(", ") + ". " : "") +
			(lines.length > 0 ? "Without any source lines: " + lines.join(", ") + ". " : "") +
			"Packages with debug information (-dbgsym, -debuginfo), or a build with -g, have them; heaptrace --report makes " +
			"the report again, with what is there then.");
	}

	heaptrace.addView({
		id: "modules", title: "Modules", order: 50,
		create(element) {
			const model = heaptrace.model;
			const users = new Uint32Array(model.rowCount);
			const lacking = lacks(model);
			const box = dom("div");

			for (let r = 0; r < model.rowCount; r++)
				users[r] = userModule(model, r);
			heaptrace.state.setDefault("modules.sort", "-now");
			element.append(dom("div", null, advice(lacking, model.modules)), box);
			return {
				update(selection) {
					box.textContent = "";
					box.append(heaptrace.table({
						caption: "Modules: " + selection.label, columns: columns(selection, lacking), limit: 300,
						rows: sums(selection, users).filter((entry) => lacking[entry.number].addresses > 0 || entry.now > 0),
						sort: heaptrace.state.get("modules.sort"),
						onSort: (sort) => heaptrace.state.set({"modules.sort": sort}),
					}));
				},
			};
		},
	});
})();
