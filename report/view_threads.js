/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has allocated. A backtrace knows up to four threads that have allocated with it, and whether there are more, but
 * not how much each of them has. So what several threads share stands in a list of its own, and is not divided.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom, format = heaptrace.format;

	const threadName = (thread) => thread.name || "thread " + thread.id;
	const isShared = (set) => set.many || set.threads.length > 1;

	/* The sum of each set of threads: [{set, now, before, rows}...], without those that have nothing. */
	function sumSets(selection) {
		const model = heaptrace.model;
		const sums = model.threadSets.map((set) => ({set: set, now: 0, before: 0, rows: 0}));
		const found = selection.search ? selection.search.rows() : null;
		/* Ages do not add up: the oldest counts. */
		const add = selection.unit === "ns" ? Math.max : (a, b) => a + b;

		for (let r = 0; r < model.rowCount; r++) {
			const now = selection.now[r], before = selection.comparing ? selection.before[r] : 0;
			const sum = sums[model.rows.threadSet[r]];

			if ((now === 0 && before === 0) || (found && !found[r]))
				continue;
			sum.rows++;
			sum.now = add(sum.now, now);
			sum.before = add(sum.before, before);
		}
		return sums.filter((sum) => sum.rows > 0);
	}

	/*
	 * The threads: [{name, ids, now, before, together, rows}...]; keyOf(thread, set) says which of them are one
	 * entry: those of the same name, or each for itself.
	 */
	function sumThreads(sums, keyOf) {
		const entries = new Map();

		function entryOf(thread, set) {
			const key = keyOf(thread, set);

			if (!entries.has(key))
				entries.set(key, {name: threadName(thread), ids: new Set(),
					now: 0, before: 0, together: 0, rows: 0});
			entries.get(key).ids.add(thread.id);
			return entries.get(key);
		}
		for (const sum of sums) {
			const list = new Set(sum.set.threads.map((thread) => entryOf(thread, sum.set)));
			const alone = list.size === 1 && !sum.set.many;

			for (const entry of list) {
				entry.rows++;
				entry.now += alone ? sum.now : 0;
				entry.before += alone ? sum.before : 0;
				entry.together += alone ? 0 : sum.now;
			}
		}
		return Array.from(entries.values());
	}

	const rowsColumn = {id: "rows", title: "Backtraces", number: true, value: (entry) => entry.rows,
		text: (entry) => format.count(entry.rows)};

	function nameColumn(selection) {
		return {id: "name", title: "Thread", heading: true, value: (entry) => entry.name, fill(td, entry) {
			const link = dom("button", {class: "link", title: "Search for the backtraces of this thread",
				onclick: () => heaptrace.state.set({search: "thread:" + entry.name})});

			td.append(heaptrace.highlight(link, entry.name, selection.search));
		}};
	}

	function threadTable(selection, threads) {
		const ids = (entry) => entry.ids.size > 3 ? format.count(entry.ids.size) + " threads" :
			Array.from(entry.ids).join(", ");
		const together = (entry) => entry.together === 0 ? "" :
			"up to " + format.value(entry.together, selection.unit);

		return heaptrace.table({
			caption: "Threads: " + selection.label, rows: threads, limit: 200, sort: "threads.sort",
			columns: [
				nameColumn(selection),
				{id: "id", title: "Id", number: true, value: (entry) => Math.min(...entry.ids), text: ids},
				...heaptrace.valueColumns(selection, heaptrace.capital(selection.title) + ", alone"),
				{id: "together", title: "With others", number: true, value: (entry) => entry.together,
					text: together, hint: "of backtraces with which other threads have allocated, too"},
				rowsColumn,
			],
		});
	}

	function setTable(selection, sums) {
		const withId = (thread) => threadName(thread) + " (" + thread.id + ")";
		const names = (sum) => sum.set.threads.map(withId).join(", ") + (sum.set.many ? ", and more" : "");

		return heaptrace.table({
			caption: "Backtraces of several threads: " + selection.label, rows: sums, limit: 100,
			sort: "threads.sets",
			columns: [
				{id: "threads", title: "Threads", heading: true, text: names,
					value: (sum) => sum.set.threads.length},
				...heaptrace.valueColumns(selection, "Together"), rowsColumn,
			],
		});
	}

	/* Two runs can have the same id for different threads. */
	function keyOfThread() {
		const d = heaptrace.document;
		const older = new Set(d.older ? heaptrace.model.threadSets.slice(d.catalog["thread-sets"].length) : []);

		return (thread, set) => thread.id + (older.has(set) ? " in the older run" : "");
	}

	function fill(box, selection, byName) {
		const sums = sumSets(selection), shared = sums.filter((sum) => isShared(sum.set));

		box.textContent = "";
		box.append(threadTable(selection, sumThreads(sums, byName ? threadName : keyOfThread())));
		if (shared.length === 0)
			return;
		box.append(dom("h3", null, "Backtraces that several threads have in common"),
			dom("p", {class: "muted"}, "How much of these each thread has is not known. A backtrace keeps four threads " +
				"at most; \u201cand more\u201d says that there were others."), setTable(selection, shared));
	}

	heaptrace.addView({
		id: "threads", title: "Threads", order: 45,
		create(element) {
			const state = heaptrace.state, tables = dom("div");
			const byName = dom("input", {type: "checkbox",
				onchange: () => state.set({"threads.by": byName.checked ? "name" : "thread"})});

			/* Threads of two runs have their names in common, not their ids. */
			state.setDefault("threads.by", heaptrace.model.diff ? "name" : "thread");
			state.setDefault("threads.sort", "-now");
			state.setDefault("threads.sets", "-now");
			element.append(dom("div", {class: "tools"},
				dom("label", null, byName, " threads of the same name together")), tables);
			return {
				update(selection) {
					byName.checked = state.get("threads.by") === "name";
					fill(tables, selection, byName.checked);
				},
			};
		},
	});
})();
