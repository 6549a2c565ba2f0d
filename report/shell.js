/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is around the views: the bar with the choosers and the search box, the tabs, themes, printing, the keyboard,
 * help.
 *
 *	heaptrace.addView({id: "flame", title: "Flame graph", order: 10,
 *		create(element) -> {update(selection), resize()}})
 *
 * create() fills the element of a view when the view is first opened. update() follows at once, and again at each
 * change of heaptrace.state while the view is open, or when it is opened after one; the selection is the same object
 * if only names of views have changed. resize(), which a view can leave out, is called when its width, or the colours
 * of the page, have changed. An exception becomes a message in place of the view.
 */
(function () {
	"use strict";

	const views = [];
	let open = null;		/* the view that is shown */
	let typing = 0;

	const byId = (id) => document.getElementById(id);
	const dom = heaptrace.dom;

	heaptrace.addView = function (view) {
		views.push({id: view.id, title: view.title, order: view.order, create: view.create,
			instance: null, stale: true, tab: null, panel: null});
	};

	/* ---- Views ---- */

	function fail(view, error) {
		console.error(error);
		view.panel.textContent = "";
		view.panel.append(dom("p", {class: "notice"}, "This view could not be shown: " + error.message));
		view.instance = {update() {}};
	}

	function update(view) {
		try {
			if (view.instance === null)
				view.instance = view.create(view.panel) || {update() {}};
			view.instance.update(heaptrace.selection());
		} catch (error) {
			fail(view, error);
		}
		view.stale = false;
	}

	function resize() {
		if (!open || !open.instance || !open.instance.resize)
			return;
		try {
			open.instance.resize();
		} catch (error) {
			fail(open, error);
		}
	}

	function show(view) {
		open = view;
		for (const other of views) {
			const active = other === view;

			other.tab.setAttribute("aria-selected", String(active));
			other.tab.tabIndex = active ? 0 : -1;
			other.panel.hidden = !active;
		}
		if (view.stale)
			update(view);
		else
			resize();
	}

	function chosenView() {
		return views.find((view) => view.id === heaptrace.state.get("view")) || views[0];
	}

	function moveTab(event) {
		const at = views.indexOf(open);
		const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: views.length - 1}[event.key];

		if (to === undefined || event.ctrlKey || event.altKey || event.metaKey)
			return;
		event.preventDefault();
		const view = views[(to + views.length) % views.length];
		heaptrace.state.set({view: view.id});
		view.tab.focus();
	}

	function buildViews() {
		views.sort((a, b) => a.order - b.order);
		heaptrace.state.setDefault("view", views[0].id);
		for (const view of views) {
			view.tab = dom("button", {role: "tab", id: "tab-" + view.id, "aria-controls": "panel-" + view.id,
				onclick: () => heaptrace.state.set({view: view.id})}, view.title);
			view.panel = dom("div", {role: "tabpanel", id: "panel-" + view.id, class: "panel", tabindex: "-1",
				"aria-labelledby": "tab-" + view.id, hidden: true});
			byId("tabs").append(view.tab);
			byId("panels").append(view.panel);
		}
		byId("tabs").addEventListener("keydown", moveTab);
	}

	/* ---- The choosers ---- */

	function option(value, text, disabled) {
		return dom("option", {value: value, disabled: disabled}, text);
	}

	/* The moment as a chooser has it, with the size of the heap: "304.000 ms: 2.830 MB", "the end: 3.609 MB" */
	function momentOption(moment, key) {
		const total = moment.kind === "start" ? null : heaptrace.model.totals("size", moment.id);
		const name = moment.kind === "snapshot" ? heaptrace.format.ns(moment.ns) : moment.label;

		return option(moment.id, name + (total === null ? "" : ": " + heaptrace.format.bytes(total)),
			!heaptrace.isKnown(key, moment.id) && !heaptrace.isKnown("size", moment.id));
	}

	/* "2: 834.603 ms to 1.165 secs: 4.000 KB", and the first of its marks. */
	function windowOption(window, selection) {
		const total = selection.unit === "ns" ? null : heaptrace.windows.total(window, selection.key, selection.at);
		const marks = window.marks.length === 0 ? "" :
			" \u201c" + window.marks[0] + "\u201d" + (window.marks.length > 1 ? " \u2026" : "");

		return option(window.number, window.number + ": " + heaptrace.windows.times(window) + marks +
			(total === null ? "" : ": " + heaptrace.format.value(total, selection.unit)));
	}

	function fillWindows(selection) {
		const windows = heaptrace.windows, box = byId("window");

		if (!box)
			return;
		box.textContent = "";
		box.append(option("all", "all " + windows.list.length + " windows"),
			...windows.list.map((window) => windowOption(window, selection)));
		if (windows.others > 0)
			box.append(option("others", windows.others + (windows.others === 1 ? " other" : " others") +
				": heaptrace --window=1-" + (windows.others + windows.list.length), true));
		box.value = selection.window ? selection.window.number : "all";
	}

	function fillChoosers(selection) {
		const model = heaptrace.model, at = byId("at"), from = byId("from");

		byId("key").value = selection.key;
		at.textContent = from.textContent = "";
		from.append(option("none", "nothing"));
		if (model.diff)
			from.append(option("older", "the older run"));
		for (const moment of model.moments) {
			at.append(momentOption(moment, selection.key));
			if (moment.id !== "end")
				from.append(momentOption(moment, selection.key));
		}
		at.value = selection.at;
		from.value = selection.from;
		fillWindows(selection);
	}

	function search(text, options) {
		heaptrace.state.set({search: text}, options);
	}

	/* Typing makes one step of the browser's history, when it begins; each letter changes that step. */
	function typed() {
		const text = byId("search").value;

		window.clearTimeout(typing);
		typing = window.setTimeout(function () {
			search(text, {replace: heaptrace.state.get("search") !== "" && text !== ""});
		}, 150);
	}

	function chooser(id, label, onchange) {
		return dom("label", {class: "chooser", for: id}, label, dom("select", {id: id, onchange: onchange}));
	}

	function buildChoosers() {
		const bar = byId("choosers");

		bar.append(chooser("key", "Show", () => heaptrace.chooseKey(byId("key").value)),
			heaptrace.windows.list.length === 0 ? "" :
				chooser("window", "of", () => heaptrace.state.set({window: byId("window").value})),
			chooser("at", "at", () => heaptrace.chooseMoments(byId("at").value, undefined)),
			chooser("from", "compared with", () => heaptrace.chooseMoments(undefined, byId("from").value)),
			dom("label", {class: "chooser search", for: "search"}, dom("span", {class: "hidden"}, "Search"),
				dom("input", {id: "search", type: "search", autocomplete: "off", spellcheck: "false",
					placeholder: "Search functions, files, threads\u2026  ( / )", oninput: typed,
					"aria-describedby": "found"})),
			dom("output", {id: "found", for: "search"}));
		for (const key of heaptrace.model.keys)
			byId("key").append(option(key.name, key.title));
	}

	/* "12 of 840 backtraces, 43.2 %" */
	function foundText(selection) {
		const search = selection.search, rows = search && search.valid ? search.rows() : null;
		let count = 0, all = 0, found = 0;

		if (!search)
			return "";
		if (!search.valid)
			return "no valid expression";
		for (let r = 0; r < rows.length; r++) {
			const shown = selection.now[r] !== 0 || (selection.before !== null && selection.before[r] !== 0);

			all += shown ? 1 : 0;
			if (rows[r]) {
				count += shown ? 1 : 0;
				found += selection.now[r];
			}
		}
		if (all === 0)
			return "no backtraces here";
		return heaptrace.format.count(count) + " of " + heaptrace.format.count(all) + " backtraces" +
			(selection.total > 0 && selection.unit !== "ns" ?
				", " + heaptrace.format.share(found / selection.total) : "");
	}

	/* The sentence above a view, which is also what a printed page says about it. */
	function shownText(selection) {
		const value = (n) => heaptrace.format.value(n, selection.unit);
		let text = heaptrace.capital(selection.label);

		if (selection.unit !== "ns")
			text += ": " + value(selection.total);
		if (selection.comparing && selection.unit !== "ns")
			text += ", before " + value(selection.totalBefore) + ", change " +
				heaptrace.change(selection.total, selection.totalBefore, selection.unit);
		if (selection.rest > 0 && selection.unit !== "ns")
			text += "; of these " + value(selection.rest) + " are not known by backtrace";
		return text + "." + (selection.window ? " The summary at the top is of all windows." : "");
	}

	function refresh(changed) {
		const selection = heaptrace.selection();
		const box = byId("search");

		fillChoosers(selection);
		if (document.activeElement !== box)
			box.value = heaptrace.state.get("search");
		box.setAttribute("aria-invalid", String(Boolean(selection.search && !selection.search.valid)));
		byId("found").textContent = foundText(selection);
		byId("shown").textContent = shownText(selection);
		byId("shown").dataset.search = selection.search ? " Search: " + selection.search.text : "";
		if (changed && (changed.has("key") || changed.has("at") || changed.has("from") || changed.has("window")))
			heaptrace.announce(shownText(selection));
		for (const view of views)
			view.stale = true;
		show(chosenView());
	}

	/* ---- Themes ---- */

	const dark = window.matchMedia("(prefers-color-scheme: dark)");
	const paper = window.matchMedia("print");
	let chosenTheme = null;		/* "light", "dark", or null: what the system has */

	function applyTheme() {
		const isDark = chosenTheme === null ? dark.matches : chosenTheme === "dark";

		document.documentElement.dataset.theme = isDark && !paper.matches ? "dark" : "light";
		byId("theme").setAttribute("aria-pressed", String(isDark));
		resize();
	}

	function buildTheme() {
		try {
			chosenTheme = window.localStorage.getItem("heaptrace-theme");
		} catch (error) {
			chosenTheme = null;	/* pages from disk have no storage in some browsers */
		}
		byId("theme").addEventListener("click", function () {
			chosenTheme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
			try {
				window.localStorage.setItem("heaptrace-theme", chosenTheme);
			} catch (error) {
				/* then the choice lasts as long as the page */
			}
			applyTheme();
		});
		dark.addEventListener("change", applyTheme);
		paper.addEventListener("change", applyTheme);
		applyTheme();
	}

	/* ---- Keyboard and help ---- */

	const KEYS = [
		["/", "go to the search box; Escape empties it"],
		["1 \u2026 9", "open a view"],
		["\u2190 \u2192", "in the tabs: the view beside; in the timeline: the moment before or after"],
		["Shift \u2190 \u2192", "in the timeline: the moment to compare with"],
		["k", "go to the choice of the figure"],
		["m", "go to the timeline"],
		["w", "go to the choice of the window, if blocks were recorded in several"],
		["d", "dark or light"],
		["?", "this help"],
	];

	const HINTS = [
		"Click into the timeline to look at an earlier moment; click with Shift, or drag, to compare two.",
		"The choosers under the timeline do the same. Everything below follows.",
		"Snapshots have live bytes and blocks; the other figures are known at the end of the run only.",
		"A window is a part of the run in which blocks were recorded (heaptrace --control): its figures are those of the blocks " +
			"that were allocated in it, also at later moments.",
		"The search looks in functions, source files, modules and threads. Write module:libc, file:parse, " +
			"function:grow or thread:worker to look in one of these, /^std::/ for a regular expression.",
		"The address of the page holds the view: copy it (Copy link) to show somebody else, who has the same file, " +
			"what you see. The browser's back button goes to the view before.",
	];

	function buildHelp() {
		const help = byId("help");

		help.append(dom("h2", {id: "help-title"}, "Keys and hints"),
			dom("table", {class: "keys"}, dom("tbody", null, KEYS.map((line) => dom("tr", null,
				dom("th", {scope: "row"}, dom("kbd", null, line[0])), dom("td", null, line[1]))))),
			dom("ul", null, HINTS.map((hint) => dom("li", null, hint))),
			dom("button", {class: "button", autofocus: true, onclick: () => help.close()}, "Close"));
		byId("help-open").addEventListener("click", () => help.showModal());
	}

	function keyPressed(event) {
		const at = event.target;
		/* Choosers take letters, and boxes for text take everything. */
		const writes = (at.tagName === "INPUT" && !/^(checkbox|radio|button)$/.test(at.type)) ||
			at.tagName === "TEXTAREA" || (at.tagName === "SELECT" && !/^[/?]$/.test(event.key));

		if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || byId("help").open)
			return;
		if (event.key === "Escape" && at.id === "search") {
			at.value = "";
			window.clearTimeout(typing);
			search("");
		}
		if (writes)
			return;
		const actions = {
			"/": () => byId("search").focus(), k: () => byId("key").focus(), d: () => byId("theme").click(),
			m: () => heaptrace.focusTimeline(), w: () => byId("window") && byId("window").focus(),
			"?": () => byId("help").showModal(),
		};

		if (actions[event.key]) {
			event.preventDefault();
			actions[event.key]();
		} else if (/^[1-9]$/.test(event.key) && views[Number(event.key) - 1]) {
			heaptrace.state.set({view: views[Number(event.key) - 1].id});
		}
	}

	/* ---- The start ---- */

	function watchWidth() {
		let width = 0;

		new ResizeObserver(function (entries) {
			const now = Math.round(entries[0].contentRect.width);

			if (now !== width && width !== 0)
				resize();
			width = now;
		}).observe(byId("panels"));
	}

	heaptrace.startShell = function () {
		buildChoosers();
		buildViews();
		buildHelp();
		buildTheme();
		byId("print").addEventListener("click", () => window.print());
		byId("link").addEventListener("click", () => heaptrace.copy(window.location.href, byId("link")));
		byId("skip").addEventListener("click", function () {
			byId("views").scrollIntoView();
			open.tab.focus();
		});
		document.addEventListener("keydown", keyPressed);
		heaptrace.state.onChange(refresh);
		watchWidth();
		refresh(null);
	};
})();
