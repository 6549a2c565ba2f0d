// SPDX-License-Identifier: GPL-2.0-only
//
// tests/html_large.t: the arguments are the report with 100,000 backtraces and, where there is one, that of a compiler.
'use strict';

const fs = require('fs');
const {run} = require('./harness.js');

const TOO_LONG = 60;		// times as long as on an idle machine: a busy or slow one takes any time, but not this

// What is to be changed, and what then is to be seen; each is a click, a key or a letter of a reader.
const STEPS = [
	['flame graph, another figure', {view: 'flame', key: 'total-size'}], ['flame graph, searched', {search: 'a_function'}],
	['flame graph, searched for what is not there', {search: 'nowhere'}], ['flame graph, no search', {search: ''}],
	['flame graph, from allocations', {'flame.from': 'allocation'}], ['flame graph, from main()', {'flame.from': ''}],
	['bottom-up', {view: 'bottom-up'}], ['bottom-up, by names', {'tree.sort': 'name'}], ['bottom-up, another figure', {key: 'size'}],
	['top-down', {view: 'top-down'}], ['top-down, searched', {search: 'libc'}], ['top-down, no search', {search: ''}],
	['callers', {view: 'callers'}], ['callers, by sums', {'callers.sort': '-now'}], ['callers, of another function', {'callers.of': '5'}],
	['backtraces', {view: 'rows'}], ['backtraces, by names', {'rows.sort': 'name'}], ['backtraces, by blocks', {'rows.sort': '-count'}],
	['backtraces, another one', {'rows.open': '17'}], ['backtraces, searched', {search: 'left'}], ['backtraces, of all calls', {search: '', key: 'total-count'}],
];

// Milliseconds until the page has painted what comes of a change.
function time(page, changes) {
	return page.evaluate(c => new Promise(done => {
		const start = performance.now();
		heaptrace.state.set(c);
		requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
	}), changes);
}

async function look(t, browser, file, name, limits) {
	const bytes = fs.statSync(file).size;

	t.ok(bytes < limits.bytes, `${browser}: ${name}: ${(bytes / 1e6).toFixed(1)} MB, less than ${limits.bytes / 1e6} MB`);
	const page = await t.open(browser, file, {width: 1400, height: 900, hash: '#view=flame'});
	t.ok(page.openMilliseconds < limits.open * TOO_LONG, `${browser}: ${name}: opened after ${page.openMilliseconds} ms (${limits.open} on an idle machine)`);
	const times = [];
	for (const [what, changes] of STEPS)
		times.push([what, Math.round(await time(page, changes))]);
	times.sort((a, b) => b[1] - a[1]);
	// The first step of a kind has to add up what later ones find ready: the median of all is what a click takes.
	t.diag(`${browser}: ${name}: ${bytes} bytes, opened after ${page.openMilliseconds} ms; a click takes ${times[times.length >> 1][1]} ms on the median, at most ` +
		times.slice(0, 4).map(([what, ms]) => `${ms} ms (${what})`).join(', '));
	t.ok(times[times.length >> 1][1] < limits.click * TOO_LONG, `${browser}: ${name}: a click is answered`);
	const count = await page.evaluate(() => heaptrace.model.values('total-count', 'end').filter(v => v).length);
	t.like(await page.text('#panel-rows [role=status]'), new RegExp(`^${count} backtraces`), `${browser}: ${name}: the list has all backtraces`);
	const lines = await page.count('#panel-rows table.lines tbody tr');
	t.ok(lines > 25 && lines < 120, `${browser}: ${name}: of which only those in sight have elements (${lines})`);
	await page.page.focus('#panel-rows table.lines');
	await page.press('End');
	t.is(await page.attribute('#panel-rows tr.active', 'aria-rowindex'), String(count + 1), `${browser}: ${name}: and which has an end`);
	await page.close();
}

run(async t => {
	await t.each(async browser => {
		await look(t, browser, t.args[0], '100,000 backtraces', {bytes: 30e6, open: 4000, click: 200});
		if (t.args[1])
			await look(t, browser, t.args[1], 'clang++', {bytes: 5e6, open: 2000, click: 100});
	});
});
