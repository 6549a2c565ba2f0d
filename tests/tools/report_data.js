/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node report_data.js CHECK FILE...: reads documents of --format=json and --format=html by report/data.js, and prints what
 * is wrong, a line for each; nothing if all is right.
 *
 *	sums FILE		the figures of all rows are the totals, at each moment
 *	same FILE FILE		both documents have the same model
 *	stacks FILE TEXT	the rows with calls, and their frames, are those of a text dump by --sort=total-count --top=0
 *	diff FILE		the two runs of a document with --diff are whole, and are what the entries add up to
 *	windows FILE FILE...	the windows of a document add up to all of it, and each is what a document of that window has
 *	histograms FILE FILE	both documents have the same histograms of rows
 *	figures FILE		shares, times and sizes are those of the file, whose lines are PART WHOLE SHARE TIME SIZE with
 *				tabs between them
 *	find FILE TEXT...	prints the functions whose names contain each text, as JSON texts
 *	seconds FILE		prints the processor seconds that reading the document takes
 */
"use strict";

const assert = require("assert");
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const MOST = 10;	/* lines that are printed */
let wrong = 0;

function complain(text) {
	if (wrong++ < MOST)
		console.log(text);
}

function compare(what, got, want) {
	if (got !== want)
		complain(`${what}: ${got}, not ${want}`);
}

const source = (name) => fs.readFileSync(path.join(__dirname, "../../report", name), "utf8");

/* A context in which data.js has run. */
function scriptContext() {
	const context = vm.createContext({ console });

	vm.runInContext(source("data.js"), context);
	return context;
}

/* Reads a document as the page does. Returns what data.js has made of it. */
function load(file) {
	const context = scriptContext();
	const text = fs.readFileSync(file, "utf8"), begin = text.indexOf('id="report">');

	context.text = begin < 0 ? text : text.slice(begin + 12, text.indexOf("</script>", begin));
	vm.runInContext("heaptrace.load(text)", context);
	return vm.runInContext("heaptrace", context);
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

function checkSums(file) {
	const { document: d, model } = load(file);
	let snapshots = 0;

	assert(model.rowCount > 0);
	for (const key of model.keys) {
		if (["peak-size", "peak-count", "age"].includes(key.name))
			continue;
		compare(`${key.name} at the end`, sum(model.values(key.name, "end")), d.totals[key.name]);
		compare(`total of ${key.name}`, model.totals(key.name, "end"), d.totals[key.name]);
	}
	compare("size at the peak", sum(model.values("size", "peak")), d.totals["peak-size"]);
	(d.snapshots || []).forEach((s, i) => {
		snapshots++;
		for (const key of ["size", "count"]) {
			const total = sum(model.values(key, "s" + i)) + s["rest-" + key];

			compare(`total of ${key} at snapshot ${i}`, model.totals(key, "s" + i), total);
			/* The rows were read an instant after the totals. */
			if (Math.abs(total - s[key]) > s[key] / 20)
				compare(`${key} at snapshot ${i}`, total, s[key]);
		}
		compare(`calls at snapshot ${i}`, model.totals("total-count", "s" + i), s["total-count"]);
	});
	compare("moments", model.moments.length, snapshots + 3);
	compare("the first moment", model.moments[0].id, "start");
	compare("the last moment", model.moments[model.moments.length - 1].id, "end");
	model.moments.forEach((m, i) => {
		if (i && m.ns < model.moments[i - 1].ns)
			complain(`moment ${m.id} is not in order`);
	});
	if (snapshots < Number(process.argv[4] || 0))
		complain(`${snapshots} snapshots`);
}

/* The same with windows.js, as the page has it. */
function loadWithWindows(file) {
	const heaptrace = load(file);

	vm.runInContext(source("windows.js"), vm.createContext({ heaptrace }));
	return heaptrace;
}

const LARGEST = ["peak-size", "peak-count", "age"];	/* keys whose figures are no sums */

function checkWindows(file, ...others) {
	const heaptrace = loadWithWindows(file), { windows, model } = heaptrace;

	compare("windows", windows.list.length, others.length);
	for (const moment of model.moments) {
		for (const key of model.keys) {
			const all = model.values(key.name, moment.id);
			const added = new Float64Array(model.rowCount);

			for (const [i, window] of windows.list.entries()) {
				windows.choose(String(window.number));
				const values = model.values(key.name, moment.id), alone = load(others[i]).model;
				const what = `${key.name} of window ${window.number} at ${moment.id}`;

				compare(`${what} known`, values === null, all === null);
				if (!values)
					continue;
				values.forEach((value, row) => {
					added[row] = LARGEST.includes(key.name) ? Math.max(added[row], value) : added[row] + value;
				});
				compare(`total of ${what}`, model.totals(key.name, moment.id), sum(values));
				compare(what, sum(values), sum(alone.values(key.name, moment.id)));
			}
			windows.choose("all");
			/* What a backtrace has at once in several windows is at least its peak. */
			if (all)
				all.forEach((value, row) => {
					if (key.name.startsWith("peak-") ? added[row] > value : added[row] !== value)
						complain(`${key.name} of row ${row} at ${moment.id}: ${value}, of all windows ${added[row]}`);
				});
		}
	}
}

/* A model as plain lists, to be compared. */
function plain(heaptrace) {
	const m = heaptrace.model, list = (a) => Array.from(a);
	const functions = Array.from({ length: m.functions.count }, (_, f) =>
		[m.functions.name(f), m.functions.known(f), m.functions.module(f), m.functions.wrapper(f)]);
	const values = {};

	for (const moment of m.moments) {
		for (const key of m.keys) {
			const found = m.values(key.name, moment.id), older = m.diff && m.diff.values(key.name, moment.id);

			values[key.name + " " + moment.id] = [found && list(found), older && list(older)];
		}
	}
	return JSON.parse(JSON.stringify({
		functions, values, texts: m.texts, modules: m.modules, places: Object.values(m.places).map(list),
		addresses: Object.values(m.addresses).map(list), nodes: Object.values(m.nodes).map(list),
		rows: Object.values(m.rows).map(list), moments: m.moments, full: m.tableFull, sets: m.threadSets,
		entries: m.diff && m.diff.entries, entryOfRow: m.diff && m.diff.entryOfRow,
	}));
}

function checkSame(a, b) {
	const one = plain(load(a)), other = plain(load(b));

	for (const name of Object.keys(one)) {
		try {
			assert.deepStrictEqual(one[name], other[name]);
		} catch (error) {
			complain(`${name}: ${error.message.slice(0, 300)}`);
		}
	}
}

/* The line of a frame in a text dump, but for how far in a function the address is. */
function frameLine(model, frame, number) {
	const module = model.modules[frame.module], offset = model.addresses.offset[frame.address];
	const pc = "0x" + (BigInt(Math.round(offset)) + BigInt(module.bias || 0)).toString(16);
	let line = `${String(number).padStart(2)} [${pc.padStart(14)}] `;

	if (model.functions.known(frame.function))
		line += model.functions.name(frame.function);
	else if (!frame.module || frame.inlined)
		line += "?";
	else
		line += `${module.path} (+0x${offset.toString(16)})`;
	if (frame.inlined)
		line += " (inlined)";
	if (frame.file)
		line += ` at ${frame.file}:${frame.line || "?"}`;
	return line;
}

function checkStacks(file, dump) {
	const { model, format } = load(file), value = (key, row) => model.values(key, "end")[row];
	const rows = Array.from({ length: model.rowCount }, (_, row) => row).filter((row) => value("total-count", row));
	const got = [], want = [];

	for (const row of rows) {
		const head = `[count/peak: ${value("count", row)}/${value("peak-count", row)}] ` +
			`[size/peak: ${format.bytes(value("size", row))}/${format.bytes(value("peak-size", row))}] ` +
			`[age: ${format.ns(value("age", row))}] [total-count: ${value("total-count", row)}]`;

		got.push([head].concat(model.frames(row).map((frame, i) => frameLine(model, frame, i))).join("\n"));
	}
	for (const part of fs.readFileSync(dump, "utf8").split(/^=== backtrace #\d+ === /m).slice(1)) {
		const lines = part.split("\n").filter((line, i) => !i || /^[ \d]+\d \[/.test(line));

		lines[0] = lines[0].replace(/ \[threads?: [^\]]*\]/, "").replace(/ \[share: .*/, "");
		want.push(lines.map((line) => line.replace(/ \+0x[0-9a-f]+(?= at |$)/, "")).join("\n"));
	}
	compare("rows", got.length, want.length);
	got.sort();
	want.sort();
	for (let i = 0; i < got.length && i < want.length; i++) {
		if (got[i] !== want[i]) {
			const a = got[i].split("\n"), b = want[i].split("\n");
			const at = a.findIndex((line, n) => line !== b[n]);

			compare(`row ${i}, line ${at}`, a[at], b[at]);
			break;
		}
	}
}

function checkDiff(file) {
	const { document: d, model } = load(file), x = model.diff;

	assert(x && x.entries && x.entryOfRow.length === model.rowCount && x.newCount > 0 && x.newCount < model.rowCount);
	for (const key of model.keys) {
		const is = new Float64Array(x.entries.count), was = new Float64Array(x.entries.count);
		const add = key.name === "age" ? Math.max : (a, b) => a + b;

		for (let row = 0; row < model.rowCount; row++) {
			const entry = x.entryOfRow[row];

			is[entry] = add(is[entry], model.values(key.name, "end")[row]);
			was[entry] = add(was[entry], x.values(key.name, "end")[row]);
			if (row < x.newCount ? x.values(key.name, "end")[row] : model.values(key.name, "end")[row])
				complain(`${key.name} of row ${row}, of the other run`);
		}
		compare(`${key.name} of the entries`, is.join(), x.entries.is[key.name].join());
		compare(`${key.name} of the older entries`, was.join(), x.entries.was[key.name].join());
	}
	compare("size of the older run", x.totals("size", "end"), d.older.totals.size);
	compare("size at the older run's peak", x.totals("size", "peak"), d.older.totals["heap-peak"]);
	for (let i = 0; i < x.entries.count; i++) {
		const names = [x.entries.new[i], x.entries.old[i]].map((row) =>
			row < 0 ? null : model.frames(row).map((f) => model.functions.name(f.function)));
		const shared = names[0] && names[1] && names[1].filter((name) => names[0].includes(name)).length;

		if (!names[0] && !names[1])
			complain(`entry ${i} is in neither run`);
		if (shared !== null && shared < names[1].length / 3)
			complain(`entry ${i}: ${names.join(" and ")}`);
	}
}

function checkHistograms(a, b) {
	const full = (bin) => bin.calls || bin.count;
	const filled = (h) => h &&
		Object.assign({}, h, { powers: h.powers.filter(full), classes: h.classes && h.classes.filter(full) });
	const read = (file) => JSON.parse(JSON.stringify(load(file).document.catalog.rows.histogram)).map(filled);
	const one = read(a), other = read(b);

	compare("rows with bins", one.length > 0 && one.some((h) => h.powers.length), true);
	one.forEach((h, i) => {
		try {
			assert.deepStrictEqual(h, other[i]);
		} catch (error) {
			complain(`row ${i}: ${error.message.slice(0, 300)}`);
		}
	});
}

function find(file, ...texts) {
	const { model } = load(file);

	for (const text of texts) {
		for (let f = 0; f < model.functions.count; f++) {
			if (model.functions.name(f).includes(text))
				console.log(JSON.stringify(model.functions.name(f)));
		}
	}
}

/* The page, and the script of a flame graph, write figures as the text dump does. */
function checkFigures(file) {
	const { format } = vm.runInContext("heaptrace", scriptContext());
	const names = ["milli", "counted", "bytesText", "timeText", "shareText"];
	const functions = names.map((name) => source("svg.js").match(new RegExp(`^function ${name}\\([^]*?^}$`, "m"))[0]);
	const svg = new Function(`${functions.join("\n")}; return { bytesText, timeText, shareText };`)();

	for (const line of fs.readFileSync(file, "utf8").trim().split("\n")) {
		const [part, whole, share, time, size] = line.split("\t").map((text, i) => i < 2 ? Number(text) : text);

		compare(`${part} of ${whole}`, format.share(part / whole), share);
		compare(`${part} of ${whole} in a flame graph`, svg.shareText(part, whole), share);
		compare(`${part} ns`, format.ns(part), time);
		compare(`${part} ns in a flame graph`, svg.timeText(part), time);
		compare(`${part} bytes`, format.bytes(part), size);
		compare(`${part} bytes in a flame graph`, svg.bytesText(part), size);
	}
}

function seconds(file) {
	load(file);
	console.log(process.cpuUsage().user / 1e6);
}

const checks = {
	sums: checkSums, same: checkSame, stacks: checkStacks, diff: checkDiff, windows: checkWindows, histograms: checkHistograms,
	find, seconds, figures: checkFigures,
};

checks[process.argv[2]](...process.argv.slice(3));
process.exitCode = wrong ? 1 : 0;
