/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program and its libraries: what each uses, by the innermost function that is no allocation function or wrapper of
 * one, what goes through it, and what it lacks: names of functions, and source lines.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom, format = heaptrace.format;

	/* Its functions are those that the program called for malloc() and its kin, whether their names are known or
	 * not. */
	const TRACER = "libheaptrace.so";

	/* How many addresses each module has, and how many of these lack a name and a line: [{addresses, names,
	 * lines}...] */
	function countLacks(model) {
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

	/*
	 * 1 for each node whose module no node outward of it has. The modules outward of a node are a set, and few sets
	 * differ: sets[] has them as bytes, one for each module.
	 */
	function outermostOfModule(model) {
		const count = model.modules.length, outermost = new Uint8Array(model.nodes.outer.length);
		const setOf = new Uint32Array(outermost.length), sets = [new Uint8Array(count)], larger = new Map();

		for (let n = 1; n < outermost.length; n++) {
			const set = setOf[model.nodes.outer[n]], module = model.addresses.module[model.nodes.address[n]];
			const key = set * count + module;

			if (sets[set][module]) {
				setOf[n] = set;
				continue;
			}
			outermost[n] = 1;
			if (!larger.has(key)) {
				larger.set(key, sets.length);
				sets.push(Uint8Array.from(sets[set]));
				sets[sets.length - 1][module] = 1;
			}
			setOf[n] = larger.get(key);
		}
		return outermost;
	}

	/*
	 * The sums of the modules: [{module, lacks, now, before, through, rows}...]. facts: of each module lacks, of each row
	 * users, its user module, and of each node outermost.
	 */
	function sums(selection, facts) {
		const model = heaptrace.model, outer = model.nodes.outer;
		const list = model.modules.map((module, i) =>
			({module: module, lacks: facts.lacks[i], now: 0, before: 0, through: 0, rows: 0}));
		const through = new Float64Array(outer.length);
		const found = selection.search ? selection.search.rows() : null;
		const add = selection.unit === "ns" ? Math.max : (a, b) => a + b;

		for (let r = 0; r < model.rowCount; r++) {
			const now = selection.now[r], before = selection.comparing ? selection.before[r] : 0;
			const user = list[facts.users[r]], node = model.rows.node[r];

			if ((now === 0 && before === 0) || (found && !found[r]))
				continue;
			user.now = add(user.now, now);
			user.before = add(user.before, before);
			user.rows++;
			through[node] = add(through[node], now);
		}
		/* Inner nodes come after outer ones: what is in them is in these, too. */
		for (let n = outer.length - 1; n > 0; n--) {
			const entry = list[model.addresses.module[model.nodes.address[n]]];

			through[outer[n]] = add(through[outer[n]], through[n]);
			if (facts.outermost[n])
				entry.through = add(entry.through, through[n]);
		}
		return list.filter((entry) => entry.lacks.addresses > 0 || entry.now > 0 || entry.before > 0);
	}

	/* "all", "none: no symbols there", "3 of 40 missing" */
	function lackText(missing, addresses, why) {
		const reason = why ? ": " + why : "";

		if (addresses === 0)
			return "";
		if (missing === 0)
			return "all";
		return missing === addresses ? "none" + reason :
			format.count(missing) + " of " + format.count(addresses) + " missing" + reason;
	}

	function nameColumn(selection) {
		return {id: "name", title: "Module", heading: true, value: (entry) => entry.module.name, fill(td, entry) {
			const path = entry.module.path || "(code in no file)";
			const link = dom("button", {class: "link", title: "Search for the backtraces through " + path,
				onclick: () => heaptrace.state.set({search: "module:" + path})});

			td.append(heaptrace.highlight(link, heaptrace.shorten(path, 160), selection.search));
			if (entry.module.name === TRACER)
				td.append(dom("span", {class: "muted"}, " (malloc and others, which heaptrace answers)"));
		}};
	}

	function columns(selection) {
		const own = heaptrace.capital(selection.title) + ", its own";

		return [
			nameColumn(selection),
			...heaptrace.valueColumns(selection, own,
				"of backtraces whose innermost function that is no allocation function is in this module"),
			{id: "through", title: "Through it", number: true, hint: "of all backtraces with a frame in this module",
				value: (entry) => entry.through, text: (entry) => format.value(entry.through, selection.unit)},
			{id: "rows", title: "Backtraces", number: true, value: (entry) => entry.rows,
				text: (entry) => format.count(entry.rows)},
			{id: "names", title: "Names", short: true, value: (entry) => -entry.lacks.names,
				text: (entry) => lackText(entry.lacks.names, entry.lacks.addresses, entry.module.namesMissing)},
			{id: "lines", title: "Lines", short: true, value: (entry) => -entry.lacks.lines,
				text: (entry) => lackText(entry.lacks.lines, entry.lacks.addresses, entry.module.linesMissing)},
			{id: "build-id", title: "Build id", value: (entry) => entry.module.buildId || "", fill(td, entry) {
				const id = entry.module.buildId || "";

				td.append(dom("span", {class: "mono", title: id}, id.slice(0, 12)));
			}},
		];
	}

	/* What lacks everything, and what to do about it. That heaptrace's own functions have no lines matters to
	 * nobody. */
	function advice(lacks, modules) {
		const without = (what) => modules.filter((module, i) => module.path && module.name !== TRACER &&
			lacks[i].addresses > 0 && lacks[i][what] === lacks[i].addresses)
			.map((module) => heaptrace.shorten(module.name, 60)).join(", ");
		const names = without("names"), lines = without("lines");

		if (!names && !lines)
			return null;
		return dom("p", {class: "muted"}, (names ? "Without any names: " + names + ". " : "") +
			(lines ? "Without any source lines: " + lines + ". " : "") +
			"Packages with debug information (-dbgsym, -debuginfo), or a build with -g, have them; " +
			"heaptrace --report makes the report again, with what is there then.");
	}

	heaptrace.addView({
		id: "modules", title: "Modules", order: 50,
		create(element) {
			const model = heaptrace.model, box = dom("div");
			const facts = {users: heaptrace.calls.userModules(), lacks: countLacks(model), outermost: outermostOfModule(model)};

			heaptrace.state.setDefault("modules.sort", "-now");
			element.append(dom("div", null, advice(facts.lacks, model.modules)), box);
			return {
				update(selection) {
					box.textContent = "";
					box.append(heaptrace.table({
						caption: "Modules: " + selection.label, columns: columns(selection), limit: 300,
						rows: sums(selection, facts), sort: "modules.sort",
					}));
				},
			};
		},
	});
})();
