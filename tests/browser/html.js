// SPDX-License-Identifier: GPL-2.0-only
//
// html.js HTML TEXT DIFF PLAIN FREED: for tests/html.t, the reports of a program as a page and as text, of two runs of it,
// of a run without --histogram, and of a program that has freed everything.
'use strict';

const fs = require('fs');
const path = require('path');
const {run, load} = require('./harness.js');

// The report that stands in a page, and a page with another one.
const DOCUMENT = /(<script type="application\/json" id="report">)([^]*?)(<\/script>)/;
const read_document = html => JSON.parse(DOCUMENT.exec(html)[2]);
const with_document = (html, d) => html.replace(DOCUMENT, (all, open, text, close) =>
	open + JSON.stringify(d).replace(/</g, '\\u003c') + close);

const shown = page => page.text('#shown');

// Where a moment is in the chart, and what is needed to press the mouse there.
async function place(page, id) {
	return page.evaluate(moment => {
		document.querySelector('#timeline').scrollIntoView();
		const mark = document.querySelector(`.plot [data-moment="${moment}"]`).getBoundingClientRect();
		return {x: mark.x + mark.width / 2, y: mark.y + mark.height / 2};
	}, id);
}

async function head(t, page, browser, text, d) {
	const line = name => new RegExp(`\\[heaptrace\\] ${name}: (.*)`).exec(text)[1];
	const tiles = (await page.texts('.tile')).map(tile => tile.replace(/\s+/g, ' '));
	const tile = title => tiles.find(one => one.startsWith(title)) || '';

	t.ok(tile('Peak of the heap').includes(line('peak heap memory consumption').split(' after')[0]), `${browser}: the head has the peak`) ||
		t.diag(tiles.join('\n'));
	t.ok(tile('Leaked').includes(line('total memory leaked').split(' in ')[0]), `${browser}: what is leaked`);
	t.ok(tile('Allocation calls').includes(line('calls to allocation functions').split(' ')[0]), `${browser}: the calls`);
	t.ok(tile('Temporary').includes(line('temporary allocations').split(' ')[0]), `${browser}: the temporary ones`);
	t.ok(tile('Peak RSS').includes(line('peak RSS \\(including heaptrace overhead\\)').replace(/^at least /, '')), `${browser}: peak RSS`);
	t.is((await page.texts('ol.findings > li')).map(text => text.replaceAll('\u00a0', ' ')), d.findings || [], `${browser}: the findings`);
	if (!d.memory)
		return t.like(await page.text('#head'), /not known/, `${browser}: where RSS goes is not known`);
	const pieces = await page.evaluate(() => [...document.querySelectorAll('.stack span')].map(e => Number(e.style.flexGrow)));
	// The browser keeps these numbers with six digits.
	t.ok(Math.abs(pieces.reduce((a, b) => a + b, 0) / d.memory['rss-bytes'] - 1) < 1e-5, `${browser}: the parts of RSS are RSS`);
	t.is((await page.texts('.legend li')).length, pieces.length, `${browser}: each has its words`);
}

async function moments(t, page, browser, d) {
	const middle = `s${Math.floor(d.snapshots.length / 2)}`, snapshot = d.snapshots[Math.floor(d.snapshots.length / 2)];
	const size = id => page.evaluate(moment => heaptrace.format.bytes(heaptrace.model.totals('size', moment)), id);
	const state = () => page.evaluate(() => ['at', 'from'].map(name => heaptrace.selection()[name]));
	const totals = await page.evaluate(moment => [heaptrace.selection().total, heaptrace.model.totals('size', moment)], middle);

	t.is(totals, [d.totals.size, snapshot.size], `${browser}: the totals of the end and of a snapshot`);
	t.is(await page.count('.plot [data-moment]'), d.snapshots.length + 3, `${browser}: marks of the start, the snapshots, the peak, the end`);

	const at = await place(page, middle), from = await place(page, 's0');
	await page.page.mouse.click(at.x, at.y);
	t.is(await state(), [middle, 'none'], `${browser}: a click chooses a moment`);
	t.ok((await shown(page)).includes(await size(middle)), `${browser}: what is shown follows`) || t.diag(await shown(page));
	t.is(await page.hash(), `#at=${middle}`, `${browser}: the address, too`);

	await page.page.keyboard.down('Shift');
	await page.page.mouse.click(from.x, from.y);
	await page.page.keyboard.up('Shift');
	t.is(await state(), [middle, 's0'], `${browser}: a click with Shift compares`);
	t.like(await shown(page), /compared with .* change [+\u2212]/, `${browser}: which is said`);
	await page.page.goBack();
	t.is(await state(), [middle, 'none'], `${browser}: the back button`);
	await page.page.goForward();
	t.is(await state(), [middle, 's0'], `${browser}: and forward`);

	await page.press('Escape');
	t.is(await state(), [middle, 'none'], `${browser}: Escape in the timeline ends the comparison`);
	await page.press('ArrowRight');
	t.ok((await state())[0] !== middle, `${browser}: an arrow key goes to the next moment`);
	await page.press('Shift+ArrowLeft');
	t.ok((await state())[1] !== 'none', `${browser}: with Shift, of the one to compare with`);
	t.like(await page.attribute('.handle.from', 'aria-valuetext'), /after .* live/, `${browser}: which a screen reader can say`);

	await page.page.mouse.move(from.x, from.y);
	await page.page.mouse.down();
	await page.page.mouse.move((from.x + at.x) / 2, at.y, {steps: 3});
	await page.page.mouse.move(at.x, at.y, {steps: 3});
	await page.page.mouse.up();
	t.is(await state(), [middle, 's0'], `${browser}: dragging chooses two`);
	await page.screenshot('html-compare');

	await page.select('#at', 'peak');
	await page.select('#from', 'start');
	t.is(await state(), ['peak', 'start'], `${browser}: the choosers choose`);
	t.ok((await shown(page)).includes(await page.evaluate(() => heaptrace.format.bytes(heaptrace.document.totals['heap-peak']))),
		`${browser}: the peak`);
	await page.select('#key', 'total-count');
	t.is(await state(), ['end', 'none'], `${browser}: a key of the end only goes to the end`);
	t.ok((await shown(page)).includes(String(d.totals['total-count'])), `${browser}: with its total`);
	await page.click('.series.rss input');
	t.is(await page.count('.plot .rss-line'), 0, `${browser}: a curve can be left out`);
	await page.click('.series.rss input');
}

// The sums that all keys have at the end are those of the report.
async function keys(t, page, browser, d) {
	for (const key of ['size', 'count', 'heap-peak', 'total-size', 'total-count', 'temporary']) {
		await page.select('#key', key);
		const [total, sum] = await page.evaluate(() =>
			[heaptrace.selection().total, heaptrace.selection().now.reduce((a, b) => a + b, 0)]);
		t.is([total, sum], [d.totals[key], d.totals[key]], `${browser}: the total of ${key}`);
	}
	await page.select('#key', 'size');
}

async function search(t, page, browser) {
	await page.press('/');
	t.is(await page.evaluate(() => document.activeElement.id), 'search', `${browser}: / goes to the search box`);
	await page.page.keyboard.type('cache_grow');
	await page.waitFor(() => location.hash.includes('search=cache_grow'));
	t.like(await page.text('#found'), /^1 of \d+ backtraces, \d+\.\d %$/, `${browser}: the search says what it finds`);
	const share = await page.evaluate(() => {
		const s = heaptrace.selection(), rows = s.search.rows();
		return heaptrace.format.share(s.now.reduce((sum, n, r) => sum + (rows[r] ? n : 0), 0) / s.total);
	});
	t.ok((await page.text('#found')).endsWith(share), `${browser}: with its share`);
	await page.press('Escape');
	t.is(await page.text('#found'), '', `${browser}: Escape empties it`);
	for (const [text, pattern] of [['thread:worker', /^[1-9]/], ['file:phases.c', /^[1-9]/], ['module:no such', /^0 of/],
		['/^cache_(grow|x)$/', /^1 of/], ['/(/', /no valid expression/]]) {
		await page.type('#search', text);
		await page.waitFor(wanted => heaptrace.state.get('search') === wanted, text);
		t.like(await page.text('#found'), pattern, `${browser}: search for ${text}`);
	}
	await page.type('#search', ' ');
	await page.waitFor(() => heaptrace.selection().search === null);
}

async function views(t, page, browser, text, d) {
	const tabs = await page.evaluate(() => [...document.querySelectorAll('[role=tab]')].map(e => e.id));

	for (const tab of tabs) {
		await page.click(`#${tab}`);
		t.is(await page.evaluate(id => [document.getElementById(id).getAttribute('aria-selected'),
			document.querySelectorAll('[role=tab][aria-selected=true]').length,
			[...document.querySelectorAll('[role=tabpanel]')].filter(e => !e.hidden).map(e => e.getAttribute('aria-labelledby'))], tab),
		['true', 1, [tab]], `${browser}: ${tab} opens its view`);
		t.is(await page.count('.panel > .notice'), 0, `${browser}: ${tab} can be shown`);
	}
	await page.press('Home');
	t.is(await page.evaluate(() => document.activeElement.id), tabs[0], `${browser}: Home in the tabs`);
	await page.press('ArrowLeft');
	t.is(await page.evaluate(() => document.activeElement.id), tabs[tabs.length - 1], `${browser}: and to the left`);
	t.is((await page.evaluate(() => document.querySelector('#panel-text pre').textContent)).trim(), d.text.trim(), `${browser}: the text dump`);

	await page.click('#tab-histogram');
	const all = /^ +all +(\d+) +[\d.]+ +(\d+) +([\d.]+)/m.exec(text);
	const sums = await page.evaluate(() => [...document.querySelectorAll('.histogram tbody tr')].map(tr =>
		[...tr.children].slice(3, 5).map(td => Number(td.textContent))).reduce((a, b) => [a[0] + b[0], a[1] + b[1]], [0, 0]));
	t.is(sums, [Number(all[1]), Number(all[2])], `${browser}: the histogram has all calls and blocks`);
	for (const options of ['', '&at=s1']) {
		await page.goto_hash(`#view=histogram&search=file:phases.c${options}`);
		await page.waitFor(hash => location.hash === hash && heaptrace.selection().search, `#view=histogram&search=file:phases.c${options}`);
		t.is(...await page.evaluate(() => {
			const s = heaptrace.selection(), rows = s.search.rows(), now = heaptrace.model.values('count', s.at);
			const heads = [...document.querySelectorAll('.histogram th')].map(th => th.textContent);
			return [[...document.querySelectorAll('.histogram tbody tr')].reduce((sum, tr) =>
				sum + Number(tr.children[heads.indexOf('Live blocks')].textContent), 0), now.reduce((sum, n, r) => sum + (rows[r] ? n : 0), 0)];
		}), `${browser}: the histogram of what is found${options}`);
	}
	t.like((await page.texts('.histogram tbody th'))[0], /^[01]$/, `${browser}: blocks of no size have a bin`);
	await page.goto_hash('#view=histogram');

	await page.click('#tab-threads');
	t.like((await page.texts('#panel-threads tbody')).join('\n'), /worker-one.*\n?.*up to/, `${browser}: the threads`);
	const shares = await page.evaluate(() => [...document.querySelectorAll('#panel-threads tr')].filter(tr => tr.querySelector('td'))
		.map(tr => parseFloat(tr.innerHTML.match(/([\d.]+) %/)[1])).reduce((a, b) => a + b, 0));
	t.ok(shares > 99 && shares < 100.1, `${browser}: alone or in common they have all`) || t.diag(shares);

	await page.click('#tab-modules');
	await page.waitFor('#panel-modules tbody tr');
	t.like((await page.texts('#panel-modules tbody tr'))[0], /\/phases\s.*(MB|KB).*all/s, `${browser}: the modules, the largest first`);
	await page.click('#panel-modules [data-sort=name]');
	t.is(await page.attribute('#panel-modules [aria-sort]', 'aria-sort'), 'ascending', `${browser}: a table sorts`);
	t.like(await page.hash(), /modules\.sort=name/, `${browser}: which is in the address`);
	const through = await page.evaluate(() => {
		const m = heaptrace.model, now = heaptrace.selection().now, sums = m.modules.map(() => 0);
		for (let r = 0; r < m.rowCount; r++)
			for (const module of new Set(m.frames(r).map(frame => frame.module)))
				sums[module] += now[r];
		const column = [...document.querySelectorAll('#panel-modules th')].findIndex(th => th.querySelector('[data-sort=through]'));
		return [...document.querySelectorAll('#panel-modules tbody tr')].map(tr => [tr.children[column].textContent,
			heaptrace.format.bytes(sums[m.modules.findIndex(module => module.path === tr.children[0].firstChild.textContent)])]);
	});
	t.is(through.map(pair => pair[0]), through.map(pair => pair[1]), `${browser}: what goes through each module`);
	await page.click('#panel-modules tbody .link');
	t.like(await page.hash(), /search=module:/, `${browser}: a module leads to a search`);
	await page.type('#search', ' ');
	await page.waitFor(() => heaptrace.selection().search === null);
	for (const time of tabs)
		t.diag(`${browser}: ${time}: ${Math.round(await page.clickTime(`#${time}`))} ms`);
}

// The contrast of two colours, as WCAG 2.1 defines it; texts need 4.5.
async function contrast(t, page, name) {
	const worst = await page.evaluate(() => {
		const style = getComputedStyle(document.documentElement);
		const luminance = color => [1, 3, 5].map(i => parseInt(style.getPropertyValue(color).trim().slice(i, i + 2), 16) / 255)
			.map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
			.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
		const list = [];
		for (const text of ['--text', '--muted', '--accent', '--grown', '--shrunk'])
			for (const ground of ['--ground', '--surface', '--raised', '--accent-ground']) {
				const [a, b] = [luminance(text), luminance(ground)].sort((x, y) => y - x);
				list.push([(a + 0.05) / (b + 0.05), text, ground]);
			}
		for (const [text, ground] of [['--text', '--warn-ground'], ['--text', '--mark'], ['--on-accent', '--accent']]) {
			const [a, b] = [luminance(text), luminance(ground)].sort((x, y) => y - x);
			list.push([(a + 0.05) / (b + 0.05), text, ground]);
		}
		return list.sort((a, b) => a[0] - b[0])[0];
	});

	t.ok(worst[0] >= 4.5, `${name}: texts have contrast`) || t.diag(worst.join(' '));
}

// What has to have a name for a screen reader has one, and nothing is wider than the window.
async function labels(t, page, name) {
	t.is(await page.evaluate(() => [...document.querySelectorAll('button, select, input, svg[role], canvas, [role=slider], [role=img], table')]
		.filter(e => !e.closest('[hidden]') && !(e.textContent.trim() && e.tagName === 'BUTTON') && !e.getAttribute('aria-label') &&
			!e.getAttribute('aria-labelledby') && !e.getAttribute('aria-hidden') && !(e.labels && e.labels.length) && !e.caption &&
			!e.closest('dialog')).map(e => e.outerHTML.slice(0, 100))), [], `${name}: everything has a label`);
	t.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${name}: nothing is wider than the window`) ||
		t.diag(await page.evaluate(() => [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
			.slice(0, 5).map(e => e.outerHTML.slice(0, 80)).join('\n')));
}

// What axe-core, a checker of the rules of WCAG, finds in each view. In one browser: the page is the same.
async function accessibility(t, browser, file, axe, search, options) {
	const name = `${browser}: accessibility, ${options.width}${options.dark ? ' dark' : ''}`;

	if (browser !== 'chromium' || !axe)
		return t.skip(name, axe ? 'it is the same in chromium' : "no npm's axe-core");
	const page = await t.open(browser, file, {...options, hash: `#at=s2&from=s0&search=${search}`});
	await page.evaluate(axe.source);
	for (const tab of await page.evaluate(() => [...document.querySelectorAll('[role=tab]')].map(e => e.id))) {
		await page.click(`#${tab}`);
		t.is(await page.evaluate(async () => (await axe.run()).violations.map(wrong =>
			`${wrong.id}: ${wrong.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' ')}`)), [], `${name}, ${tab}`);
	}
	await page.close();
}

async function looks(t, browser, file, snapshot) {
	for (const dark of [false, true])
		for (const width of [600, 2000]) {
			const page = await t.open(browser, file, {width, height: 1000, dark, hash: `#at=${snapshot}&from=s0`});
			const name = `html-${width}-${dark ? 'dark' : 'light'}`;

			t.is(await page.evaluate(() => document.documentElement.dataset.theme), dark ? 'dark' : 'light', `${browser}: ${name}: the theme`);
			await contrast(t, page, `${browser}: ${name}`);
			await labels(t, page, `${browser}: ${name}`);
			await page.screenshot(name, {full: width === 600});
			if (width === 600 && dark) {
				await page.resize(390, 800);
				await labels(t, page, `${browser}: html-390`);
				await page.screenshot('html-390-dark', {full: true});
			}
			if (width === 2000 && dark) {
				await page.resize(3000, 1200);
				await labels(t, page, `${browser}: html-3000`);
				await page.click('#theme');
				t.is(await page.evaluate(() => document.documentElement.dataset.theme), 'light', `${browser}: the switch of the theme`);
				await page.reload();
				t.is(await page.evaluate(() => document.documentElement.dataset.theme), 'light', `${browser}: is remembered`);
				await page.evaluate(() => localStorage.clear());
			}
			await page.close();
		}
}

async function two_runs(t, browser, file) {
	const d = read_document(fs.readFileSync(file, 'utf8'));
	const page = await t.open(browser, file, {height: 1100});
	const [total, before, sum, sum_before] = await page.evaluate(() => {
		const s = heaptrace.selection(), add = (a, b) => a + b;
		return [s.total, s.totalBefore, s.now.reduce(add, 0), s.before.reduce(add, 0)];
	});

	t.is([total, sum], [d.totals.size, d.totals.size], `${browser}: two runs: the newer one is shown`);
	t.is([before, sum_before], [d.older.totals.size, d.older.totals.size], `${browser}: two runs: compared with the older one`);
	t.like((await page.texts('.runs tbody tr')).join('\n'), /Leaked.*B\s.*B\s+\+.*%/, `${browser}: two runs: the head has both`);
	t.is(await page.count('#timeline .chart'), 2, `${browser}: two runs: the timeline has both`);
	t.is(await page.count('.stack'), [d.memory, d.older.memory].filter(Boolean).length, `${browser}: two runs: where RSS goes, of both`);
	await labels(t, page, `${browser}: two runs`);
	t.is(await page.count('#timeline .chart:first-child .moment-line.from'), 1, `${browser}: two runs: the older one's chart says what is compared`);
	await page.screenshot('html-two-runs', {full: true});
	await page.resize(600, 900);
	await labels(t, page, `${browser}: two runs, 600`);
	await page.select('#from', 'none');
	t.is([await page.evaluate(() => heaptrace.selection().comparing), await page.hash()], [false, '#from=none'],
		`${browser}: two runs: the newer one alone`);
	await page.close();
}

// Reports that lack something.
async function others(t, browser, [html, , , plain, freed]) {
	const directory = path.dirname(html);
	const page = await t.open(browser, plain, {hash: '#view=histogram'});
	t.like(await page.text('#panel-histogram'), /--histogram does/, `${browser}: sizes that were not counted`);
	t.ok(await page.count('#panel-histogram .bar') > 0, `${browser}: are told by the means`);
	await page.close();

	const empty = await t.open(browser, freed);
	t.is(await empty.evaluate(() => [heaptrace.selection().at, heaptrace.selection().total]), ['peak', read_document(fs.readFileSync(freed, 'utf8'))
		.totals['heap-peak']], `${browser}: a program that has freed everything is shown at its peak`);
	await empty.close();

	const text = fs.readFileSync(html, 'utf8');
	const d = read_document(text);
	Object.assign(d, {catalog: null, memory: null, text: null, snapshots: null, findings: [], histogram: null});
	const bare = path.join(directory, 'bare.html');
	fs.writeFileSync(bare, with_document(text, d));
	const last = await t.open(browser, bare);
	t.like(await last.text('#head'), /no memory for the backtraces/, `${browser}: a report without backtraces`);
	for (const tab of await last.evaluate(() => [...document.querySelectorAll('[role=tab]')].map(e => e.id))) {
		await last.click(`#${tab}`);
		t.is(await last.count('.panel > .notice'), 0, `${browser}: without backtraces, ${tab}`);
	}
	await last.close();

	const unfound = await t.open(browser, html, {width: 900, hash: '#view=threads&search=nothinglikethis'});
	t.is(await unfound.texts('#panel-threads tbody td'), ['Nothing that the search finds.'], `${browser}: a table without lines says why`);
	t.ok(await unfound.evaluate(() => [...document.querySelectorAll('.tile .figure')].every(figure => figure.scrollWidth <= figure.clientWidth)),
		`${browser}: figures fit their boxes`);
	const calls = await unfound.evaluate(() => heaptrace.chart.curves({moment: {'since-start-ns': 7e9}, totals: {'heap-peak': 1}, timeline: {
		ns: [0, 1, 2, 3, 4, 5, 6, 7].map(s => s * 1e9), size: Array(8).fill(1), count: Array(8).fill(1), 'rss-bytes': Array(8).fill(null),
		'total-count': [0, 10, null, null, null, null, 60, 80], 'dumps-ns': []}}).calls);
	t.is(calls, [[0, 1e9, 10, false], [1e9, 6e9, 10, true], [6e9, 7e9, 20, false]], `${browser}: where calls were counted seldom, their rate is an average`);
	await unfound.close();

	const silent = await t.open(browser, html, {javascript: false});
	t.like(await silent.text('noscript'), /JavaScript/, `${browser}: without scripts it says why there is nothing`);
	await silent.close();
}

async function printed(t, page, browser) {
	if (browser !== 'chromium')
		return;
	await page.page.emulateMediaType('print');
	await page.waitFor(() => document.documentElement.dataset.theme === 'light');
	t.is([await page.visible('#bar'), await page.visible('.tile'), await page.visible('#shown'), await page.visible('.panel:not([hidden])')],
		[false, true, true, true], `${browser}: paper has the head and the open view, without what is to be pressed`);
	await page.screenshot('html-print', {full: true});
	await page.page.emulateMediaType('screen');
}

run(async t => {
	const [html, text_file, diff] = t.args;
	const text = fs.readFileSync(text_file, 'utf8'), d = read_document(fs.readFileSync(html, 'utf8'));

	if (!d.snapshots || d.snapshots.length < 3)
		return t.skip('the page of a report', 'this run has no snapshots, which the watcher takes');
	const axe = await load('axe-core').catch(() => null);

	await t.each(async browser => {
		const page = await t.open(browser, html, {height: 1000, dark: browser === 'chromium'});

		t.diag(`${browser}: open after ${page.openMilliseconds} ms`);
		await head(t, page, browser, text, d);
		await moments(t, page, browser, d);
		await keys(t, page, browser, d);
		await search(t, page, browser);
		await views(t, page, browser, text, d);
		await page.evaluate(() => { navigator.clipboard.writeText = async copied => { window.copied = copied; }; });
		await page.click('#link');
		t.is(await page.evaluate(() => window.copied === location.href), true, `${browser}: the address can be copied`);
		await page.press('?');
		t.ok(await page.visible('#help'), `${browser}: ? shows help`);
		await page.press('Escape');
		t.ok(!await page.visible('#help'), `${browser}: Escape closes it`);
		await printed(t, page, browser);
		await page.close();

		const hash = '#view=modules&key=count&at=s1&from=start&search=cache_grow&modules.sort=name';
		const restored = await t.open(browser, html, {hash});
		t.is(await restored.evaluate(() => [heaptrace.selection().key, heaptrace.selection().at, heaptrace.selection().from,
			document.getElementById('key').value, document.getElementById('at').value, document.getElementById('from').value,
			document.getElementById('search').value, document.querySelector('[role=tab][aria-selected=true]').id]),
		['count', 's1', 'start', 'count', 's1', 'start', 'cache_grow', 'tab-modules'], `${browser}: the address opens the same view`);
		await restored.goto_hash('#view=text&at=nonsense&key=%zz&from=end');
		await restored.waitFor(() => heaptrace.state.get('view') === 'text');
		t.is(await restored.evaluate(() => [heaptrace.selection().key, heaptrace.selection().at]), ['size', 'end'],
			`${browser}: nonsense in the address does no harm`);
		await restored.close();

		await looks(t, browser, html, 's2');
		await accessibility(t, browser, html, axe, 'cache', {width: 600, dark: true});
		await accessibility(t, browser, diff, axe, 'not_there', {width: 1400, dark: false});
		await two_runs(t, browser, diff);
		await others(t, browser, t.args);
	});
});
