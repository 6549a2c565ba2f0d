/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has allocated. A backtrace knows up to four threads that have allocated with it, and whether there are more, but not
 * how much each of them has. So what several threads share stands in a list of its own, and is not divided.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom, format = heaptrace.format;

	const threadName = (thread) => thread.name || "thread " + thread.id;

	/* The sum of each set of threads: [{set, now, before, rows}...], without those that have nothing. */
	function sumSets(selection) {
		const model = heaptrace.model;
		const sums = model.threadSets.map((set) => ({set: set, now: 0, before: 0, rows: 0}));
		const searched = selection.search ? selection.search.rows() : null;

		for (let r = 0; r < model.rowCount; r++) {
			const now = selection.now[r], before = selection.comparing ? selection.before[r] : 0;

			if ((now === 0 && before === 0) || (searched && !searched[r]))
				continue;
			const sum = sums[model.rows.threadSet[r]];
			sum.rows++;
			/* Ages do not add up: the oldest counts. */
			sum.now = selection.unit === "ns" ? Math.max(sum.now, now) : sum.now + now;
			sum.before = selection.unit === "ns" ? Math.max(sum.before, before) : sum.before + before;
		}
		return sums.filter((sum) => sum.rows > 0);
	}

	/* The threads, or with byName the names of threads: [{name, ids, now, before, together, rows}...]. */
	function sumThreads(sums, byName, older) {
		const threads = new Map();

		for (const sum of sums) {
			const shared = sum.set.many || sum.set.threads.length > 1;
			const seen = new Set();

			for (const thread of sum.set.threads) {
				/* Two runs can have the same id for different threads. */
				const key = byName ? threadName(thread) : thread.id + (older && older.has(sum.set) ? " older" : "");

				if (!threads.has(key))
					threads.set(key, {name: threadName(thread), ids: new Set(), now: 0, before: 0, together: 0, rows: 0});
				const entry = threads.get(key);
				entry.ids.add(thread.id);
				if (seen.has(entry))
					continue;
				seen.add(entry);
				entry.rows += sum.rows;
				if (shared && !(byName && !sum.set.many && sum.set.threads.every((other) => threadName(other) === key))) {
					entry.together += sum.now;
				} else {
					entry.now += sum.now;
					entry.before += sum.before;
				}
			}
		}
		return Array.from(threads.values());
	}

	function changeCell(selection) {
		return function (td, entry) {
			td.append(heaptrace.change(entry.now, entry.before, selection.unit));
			if (entry.now !== entry.before)
				td.classList.add(entry.now > entry.before ? "grown" : "shrunk");
		};
	}

	function valueColumns(selection, title) {
		const value = (n) => format.value(n, selection.unit);
		const columns = [{id: "now", title: title, number: true, value: (entry) => entry.now,
			text: (entry) => value(entry.now)}];

		if (selection.unit !== "ns")
			columns.push({id: "share", title: "Share", number: true, value: (entry) => entry.now,
				text: (entry) => selection.total > 0 ? format.share(entry.now / selection.total) : ""});
		if (selection.comparing)
			columns.push({id: "before", title: "Before", number: true, value: (entry) => entry.before,
				text: (entry) => value(entry.before)},
			{id: "change", title: "Change", number: true, value: (entry) => entry.now - entry.before,
				fill: changeCell(selection)});
		return columns;
	}

	const rowsColumn = {id: "rows", title: "Backtraces", number: true, value: (entry) => entry.rows,
		text: (entry) => format.count(entry.rows)};

	function threadTable(selection, threads) {
		const title = selection.title.charAt(0).toUpperCase() + selection.title.slice(1);
		const columns = [{id: "name", title: "Thread", heading: true, value: (entry) => entry.name, fill(td, entry) {
			td.append(heaptrace.highlight(dom("button", {class: "link", title: "Search for the backtraces of this thread",
				onclick: () => heaptrace.state.set({search: "thread:" + entry.name})}), entry.name, selection.search));
		}}, {id: "id", title: "Id", number: true, value: (entry) => Math.min(...entry.ids),
			text: (entry) => entry.ids.size > 3 ? format.count(entry.ids.size) + " threads" : Array.from(entry.ids).join(", ")}];

		return heaptrace.table({
			caption: "Threads: " + selection.label, rows: threads, limit: 200,
			sort: heaptrace.state.get("threads.sort"), onSort: (sort) => heaptrace.state.set({"threads.sort": sort}),
			columns: columns.concat(valueColumns(selection, title + ", alone"), [
				{id: "together", title: "With others", number: true, value: (entry) => entry.together,
					hint: "of backtraces with which other threads have allocated, too: at most so much is this thread's",
					text: (entry) => entry.together > 0 ? "up to " + format.value(entry.together, selection.unit) : ""},
				rowsColumn]),
		});
	}

	function setTable(selection, sums) {
		return heaptrace.table({
			caption: "Backtraces of several threads: " + selection.label, rows: sums, limit: 100,
			sort: heaptrace.state.get("threads.sets"), onSort: (sort) => heaptrace.state.set({"threads.sets": sort}),
			columns: [{id: "threads", title: "Threads", heading: true, value: (sum) => sum.set.threads.length,
				text: (sum) => sum.set.threads.map((thread) => threadName(thread) + " (" + thread.id + ")").join(", ") +
					(sum.set.many ? ", and more" : "")}].concat(valueColumns(selection, "Together"), [rowsColumn]),
		});
	}

	heaptrace.addView({
		id: "threads", title: "Threads", order: 45,
		create(element) {
			const tables = dom("div");
			const byName = dom("input", {type: "checkbox", id: "threads-by-name",
				onchange: () => heaptrace.state.set({"threads.by": byName.checked ? "name" : "thread"})});

			/* Threads of two runs have their names in common, not their ids. */
			heaptrace.state.setDefault("threads.by", heaptrace.model.diff ? "name" : "thread");
			heaptrace.state.setDefault("threads.sort", "-now");
			heaptrace.state.setDefault("threads.sets", "-now");
			element.append(dom("div", {class: "tools panel-tools"},
				dom("label", null, byName, " threads of the same name together")), tables);
			return {
				update(selection) {
					const sums = sumSets(selection), d = heaptrace.document;
					const shared = sums.filter((sum) => sum.set.many || sum.set.threads.length > 1);
					const older = d.older ? new Set(heaptrace.model.threadSets.slice(d.catalog["thread-sets"].length)) : null;

					byName.checked = heaptrace.state.get("threads.by") === "name";
					tables.textContent = "";
					tables.append(threadTable(selection, sumThreads(sums, byName.checked, older)));
					if (shared.length > 0)
						tables.append(dom("h3", null, "Backtraces that several threads have in common"),
							dom("p", {class: "muted"}, "How much of these each thread has is not known. A backtrace keeps four " +
								"threads at most; \u201cand more\u201d says that there were others."), setTable(selection, shared));
				},
			};
		},
	});
})();
