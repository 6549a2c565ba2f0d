// SPDX-License-Identifier: GPL-2.0-only
//
// html_windows.js ALL CLEARED ONE EACH...: for tests/html_windows.t, the pages of all windows of a run, of those after a
// clear, of one window, and of each window alone.
'use strict';

const {run, load} = require('./harness.js');

const chosen = page => page.evaluate(() => [heaptrace.selection().window ? heaptrace.selection().window.number : 0,
	document.getElementById('window').value]);
const bytes = (page, n) => page.evaluate(number => heaptrace.format.bytes(number), n);
const total = page => page.evaluate(() => heaptrace.selection().total);

// What each view of a page shows of its rows.
async function views(page) {
	const seen = {};

	for (const [view, selector] of [['bottom-up', '#panel-bottom-up tbody tr'], ['rows', '#panel-rows table.lines tbody tr'],
		['threads', '#panel-threads tbody tr']]) {
		await page.click(`#tab-${view}`);
		await page.waitFor(selector);
		seen[view] = (await page.texts(selector)).map(text => text.replace(/\s+/g, ' ').trim());
	}
	return seen;
}

async function choose(t, page, browser, each) {
	const totals = [];

	for (const file of each) {
		const alone = await t.open(browser, file);
		totals.push(await total(alone));
		await alone.close();
	}
	const sum = await total(page);
	t.is(sum, totals.reduce((a, b) => a + b, 0), `${browser}: all windows are shown first`);
	t.is(await chosen(page), [0, 'all'], `${browser}: which the chooser says`);
	t.is((await page.texts('#window option')).length, each.length + 1, `${browser}: and it has each window`);
	t.like((await page.texts('#window option'))[1], /^1: 0 ns to .* \u201cwarm\u201d: /, `${browser}: by number, time and mark`);

	await page.select('#window', '2');
	t.is([await chosen(page), await total(page)], [[2, '2'], totals[1]], `${browser}: the chooser chooses one`);
	t.is(await page.hash(), '#window=2', `${browser}: the address holds it`);
	t.like(await page.text('#shown'), /^Live bytes of window 2 at the end: .* The summary at the top is of all windows\.$/,
		`${browser}: which is said`);
	/* What is announced comes a moment later. */
	await page.waitFor(() => document.getElementById('announcer').textContent.includes('window 2'));
	t.ok(true, `${browser}: to screen readers, too`);
	t.is([await page.count('.plot .outside'), await page.count('.plot .window')], [2, 1], `${browser}: the chart shows where it is`);
	await page.evaluate(() => history.back());
	await page.waitFor(() => heaptrace.state.get('window') === 'all');
	t.is([await chosen(page), await total(page)], [[0, 'all'], sum], `${browser}: the back button`);
	t.is(await page.count('.plot .outside'), 0, `${browser}: and the chart has all again`);

	await page.press('w');
	t.is(await page.evaluate(() => document.activeElement.id), 'window', `${browser}: w goes to the chooser`);
	await page.evaluate(() => document.activeElement.blur());
	await page.click('#windows > summary');
	const rows = (await page.texts('#windows tbody tr')).map(text => text.replace(/\s+/g, ' '));
	t.is(rows.length, each.length + 1, `${browser}: the table has each, and all`);
	t.ok(rows[1].startsWith('window 2') && rows[1].includes(await bytes(page, totals[1])), `${browser}: with its live bytes`) || t.diag(rows[1]);
	await page.click('#windows tr[data-window="1"] button');
	t.is([await chosen(page), await page.attribute('#windows tr.chosen', 'data-window')], [[1, '1'], '1'],
		`${browser}: a window in the table can be pressed`);
	await page.click('#windows tr[data-window="all"] button');
	t.is(await chosen(page), [0, 'all'], `${browser}: and so can all of them`);
	await page.click('#windows > summary');
}

// The moments of a window: before it there is nothing, and what it has at each is said by the chooser of moments.
async function moments(t, page, browser) {
	await page.goto_hash('#window=2&at=s0');
	await page.waitFor(() => heaptrace.state.get('at') === 's0' && heaptrace.selection().window);
	t.is(await total(page), 0, `${browser}: before a window begins it has nothing`);
	const last = await page.evaluate(() => heaptrace.document.snapshots.length - 1);
	await page.select('#at', `s${last}`);
	await page.select('#from', 'start');
	t.ok(await total(page) > 40000, `${browser}: later, what was allocated in it`) || t.diag(await total(page));
	t.like(await page.text('#shown'), /of window 2 after .*, compared with the start: .*before ~?0 bytes/, `${browser}: two moments of a window`);
	await page.evaluate(() => { document.getElementById('moments').open = true; });
	const told = await page.text(`#moments tr[data-moment="s${last}"]`);
	t.ok(told.includes(await page.evaluate(() => heaptrace.format.bytes(heaptrace.selection().total))), `${browser}: the table of moments follows`) ||
		t.diag(told);
	await page.select('#from', 'none');
	await page.select('#at', 'end');
}

// Each view shows what it shows in a page of that window alone.
async function same(t, page, browser, each) {
	for (const number of [2, each.length]) {
		await page.goto_hash(`#window=${number}&search=phases.c`);
		await page.waitFor(n => heaptrace.selection().window && heaptrace.selection().window.number === n, number);
		const here = await views(page), alone = await t.open(browser, each[number - 1], {hash: '#search=phases.c'}), there = await views(alone);
		for (const view of Object.keys(there))
			t.is(here[view], there[view], `${browser}: window ${number}: ${view} is that of its own page`);
		await alone.close();
	}
	await page.select('#window', '1');
	t.ok(!(await views(page)).threads.join().includes('third-helper'), `${browser}: a thread of another window has no part in it`);
	await page.click('#tab-histogram');
	t.like(await page.text('#panel-histogram'), /were counted for all windows together/, `${browser}: sizes are told by the means`);
	await page.click('#tab-text');
	t.like(await page.text('#panel-text .tools'), /It is of all windows: heaptrace --window=NUM/, `${browser}: the text dump is of all`);
}

run(async t => {
	const [all, cleared, one, ...each] = t.args, axe = await load('axe-core').catch(() => null);

	await t.each(async browser => {
		const page = await t.open(browser, all, {height: 1000});
		await choose(t, page, browser, each);
		await moments(t, page, browser);
		await same(t, page, browser, each);
		await page.goto_hash('#window=99');
		await page.waitFor(() => heaptrace.state.get('window') === '99');
		t.is(await chosen(page), [0, 'all'], `${browser}: a window that is none shows all`);
		await page.close();

		for (const [width, dark] of [[600, true], [1400, false]]) {
			const opened = await t.open(browser, all, {width, dark, height: 1000, hash: '#window=2&view=rows'});
			t.is(await chosen(opened), [2, '2'], `${browser}: ${width}: the address opens the window`);
			await opened.click('#windows > summary');
			t.ok(await opened.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${browser}: ${width}: nothing is wider`);
			await opened.screenshot(`html-windows-${width}`, {full: true});
			if (axe && browser === 'chromium') {
				await opened.evaluate(axe.source);
				t.is(await opened.evaluate(async () => (await axe.run()).violations.map(wrong =>
					`${wrong.id}: ${wrong.nodes[0].html.slice(0, 200)}`)), [], `${browser}: ${width}: accessibility`);
			}
			await opened.close();
		}
		const after = await t.open(browser, cleared);
		t.like((await after.texts('#window option')).pop(), /^2 others: heaptrace --window=1-4$/, `${browser}: windows before a clear are named`) ||
			t.diag((await after.texts('#window option')).join('\n'));
		await after.close();
		const alone = await t.open(browser, one);
		t.is([await alone.count('#window'), await alone.count('#windows')], [0, 0], `${browser}: of one window there is no choice`);
		await alone.close();
	});
});
