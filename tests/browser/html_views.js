// SPDX-License-Identifier: GPL-2.0-only
//
// tests/html_views.t: the views of the HTML report that add up memory. The argument is the directory with the reports
// (shop.html, real.html) and the same as JSON with its groups by function.
'use strict';

const fs = require('fs');
const path = require('path');
const {run} = require('./harness.js');

const LINE = 19;		// pixels of a level of the flame graph: view_flame_canvas.js

const read = file => JSON.parse(fs.readFileSync(file, 'utf8'));

// Keeps what is copied, by whichever way, in place of the clipboard.
async function catchCopies(page) {
	await page.evaluate(() => {
		window.copied = null;
		document.execCommand = () => {
			window.copied = document.activeElement.value;
			return true;
		};
		if (navigator.clipboard)
			navigator.clipboard.writeText = async text => {
				window.copied = text;
			};
	});
}

// The lines in sight of the table in an open view: [[cell, ...], ...].
function lines(page, view, table = 0) {
	return page.evaluate((v, n) => [...document.querySelectorAll(`#panel-${v} table.lines`)[n].querySelectorAll('tbody tr:not(.space)')]
		.map(tr => [...tr.children].map(td => td.textContent)), view, table);
}

// Changes the state as a link does, and waits until the views have followed.
async function set(page, changes) {
	await page.evaluate(c => new Promise(done => {
		heaptrace.state.set(c);
		requestAnimationFrame(() => requestAnimationFrame(done));
	}), changes);
}

// The names without the module behind them, and without the sign in front of them.
const bare = name => name.replace(/^[\u25b8\u25be]/, '');

// What the first lines of the bottom-up tree, and the functions of the view of callers, say of each key is what --group=function says.
async function compareGroups(t, browser, file, groups) {
	const page = await t.open(browser, file, {width: 1300, height: 900, hash: '#view=bottom-up'});
	const {list} = groups;
	const different = [];

	for (const key of await page.evaluate(() => heaptrace.keys.map(k => k.name))) {
		await set(page, {key, view: 'bottom-up', 'tree.sort': '-now'});
		const [got, own] = await page.evaluate(() => {
			const {calls} = heaptrace, figures = calls.figuresOf(heaptrace.selection()), sums = calls.sums('function', false, figures, null);
			const tree = calls.bottomUp(sums, null), named = n => [sums.m.name(n.label), n.total[0]];
			const functions = calls.functions(sums).filter(e => e.self[0]).map(e => [sums.m.name(e.label), e.self[0]]);
			return [tree.expand(tree.root).filter(n => n.total[0]).map(named).sort(), functions.sort()];
		});
		const want = list.filter(g => g[key]).map(g => [g.function || (g.module ? path.basename(g.module) + ' (no names)' : '(code in no file)'), g[key]])
			.sort();
		// By JavaScript's order of the pairs as texts, on both sides.
		if (JSON.stringify(got) !== JSON.stringify(want) || JSON.stringify(own) !== JSON.stringify(want))
			different.push([key, got, own, want]);
		const shown = await lines(page, 'bottom-up'), largest = Math.max(...want.map(w => w[1]));
		const text = await page.evaluate((n, k) => heaptrace.format.value(n, heaptrace.findKey(k).unit), largest, key);
		if (shown[0][1] !== text)
			different.push([key, 'shown', shown[0], text]);
	}
	t.is(different, [], `${browser}, ${path.basename(file)}: functions have the sums of --group=function, for each key`);
	await page.close();
}

async function flame(t, browser, page) {
	const hash = () => page.hash();
	const canvas = '#panel-flame canvas';

	t.is(await page.attribute(canvas, 'role'), 'application', `${browser}: the flame graph has a role`);
	t.like(await page.attribute(canvas, 'aria-label'), /Flame graph of live bytes.*arrow keys/, `${browser}: and a label that says what it is`);
	// By the keyboard: root, and inward by the widest boxes.
	await page.page.focus(canvas);
	await page.press('Home', 'ArrowDown', 'ArrowDown');
	const about = await page.text('#flame-about');
	t.like(about, /^__libc_start|^main|^_start/, `${browser}: arrow keys go inward`);
	await page.waitFor(text => document.getElementById('announcer').textContent.startsWith(text), about.slice(0, 20));
	t.ok(true, `${browser}: and what they come to is announced`);
	await page.press('Enter');
	t.like(await hash(), /flame\.zoom=[0-9a-z]+\.[0-9a-z]+/, `${browser}: Enter zooms in, and the address has it`);
	const zoomed = await hash();
	await page.press('Escape');
	t.ok(await hash() !== zoomed, `${browser}: Escape zooms out`);
	await page.press('Home');
	t.ok(!/flame\.zoom/.test(await hash()), `${browser}: Home shows the whole`);

	// By the mouse.
	await page.hover(canvas);
	await page.click(canvas, {x: 40, y: 2 * LINE + 8});
	t.like(await hash(), /flame\.zoom=/, `${browser}: a click zooms in`);
	const address = await hash();
	await page.page.mouse.move(0, 0);
	const box = await (await page.waitFor(canvas)).boundingBox();
	await page.page.mouse.move(box.x + 40, box.y + 4 * LINE + 8);
	await page.waitFor(() => !document.querySelector('#panel-flame .tip').hidden);
	t.like(await page.text('#panel-flame .tip'), /KB \(\d+\.\d %/, `${browser}: the tooltip has size and share`);
	await page.reload();
	t.is(await hash(), address, `${browser}: the address is kept`);
	t.like(await page.attribute(canvas, 'aria-label'), /zoomed to/, `${browser}: and opens the same zoom again`);
	await set(page, {'flame.zoom': ''});

	// Search: item() has 80 KB of 186 KB of the program's own, and of 72 KB of libstdc++.
	await page.type('#search', 'item');
	await page.waitFor(() => document.querySelector('#panel-flame .matched').textContent);
	t.like(await page.text('#panel-flame .matched'), /^Found: 80\.000 KB, [34]\d\.\d % of the width/, `${browser}: a search says how much it finds`);
	await set(page, {search: ''});

	// Figures of boxes in each direction and order, from the tree that is drawn.
	const drawn = await page.evaluate(() => {
		const {calls} = heaptrace, sums = calls.sums('function', true, calls.figuresOf(heaptrace.selection()), null), out = {};
		for (const [name, make] of [['topDown', calls.topDown], ['bottomUp', calls.bottomUp]]) {
			const tree = make(sums, null);
			let find = {};
			(function walk(node, path) {
				for (const child of tree.expand(node)) {
					const names = path.concat(sums.m.name(child.label));
					find[names.join(';')] = child.total[0];
					walk(child, names);
				}
			})(tree.root, []);
			out[name] = Object.entries(find).filter(([k]) => /item/.test(k) && /(?:first|second)\(\)$|malloc$/.test(k));
		}
		return out;
	});
	t.is(drawn.bottomUp.map(([k, v]) => [k, v]).sort(), [['malloc;item(unsigned long);first()', 60000], ['malloc;item(unsigned long);second()', 20000]],
		`${browser}: from the allocation outward`);
	t.is(drawn.topDown.map(([k, v]) => [k.replace(/^.*main;/, ''), v]).sort(),
		[['first();item(unsigned long);malloc', 60000], ['second();item(unsigned long);malloc', 20000]], `${browser}: from main() inward`);
	const painted = await page.evaluate(c => {
		const e = document.querySelector(c), data = e.getContext('2d').getImageData(0, 0, e.width, e.height).data, colours = new Set();
		for (let i = 0; i < data.length; i += 4)
			colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
		return colours.size;
	}, canvas);
	t.ok(painted > 8, `${browser}: boxes and names are painted`);
	if (browser === 'chromium') {
		await page.page.setViewport({width: 1300, height: 900, deviceScaleFactor: 2});
		await page.reload();
		await page.waitFor(canvas);
		t.is(await page.evaluate(c => {
			const e = document.querySelector(c);
			return [e.width / e.clientWidth, e.height / e.clientHeight];
		}, canvas), [2, 2], `${browser}: with as many points as a screen of a high density has`);
		await page.page.setViewport({width: 1300, height: 900, deviceScaleFactor: 1});
		await page.reload();
		await page.waitFor(canvas);
	}
}

async function trees(t, browser, page) {
	const table = '#panel-bottom-up table.lines';

	await set(page, {view: 'bottom-up', 'tree.sort': ''});
	let shown = await lines(page, 'bottom-up');
	t.is(shown.slice(0, 2).map(line => [bare(line[0]), line[1], line[3]]), [['late()shop', '100.000 KB', '200'], ['item(unsigned long)shop', '80.000 KB', '80']],
		`${browser}: bottom-up begins with who uses most, allocation functions looked through`);
	t.is(await page.attribute(table, 'role'), 'treegrid', `${browser}: it is a treegrid`);

	// Opening by the keyboard, with the levels that screen readers say.
	await page.page.focus(table);
	await page.press('ArrowDown', 'ArrowRight');
	shown = await lines(page, 'bottom-up');
	t.is(shown.slice(1, 4).map(line => [bare(line[0]), line[1]]), [['item(unsigned long)shop', '80.000 KB'], ['first()shop', '60.000 KB'], ['second()shop', '20.000 KB']],
		`${browser}: the right arrow opens a line, the largest first`);
	t.is(await page.evaluate(() => [...document.querySelectorAll('#panel-bottom-up tbody tr[aria-level]')].slice(0, 3).map(tr => [tr.getAttribute('aria-level'),
		tr.getAttribute('aria-expanded')])), [['1', 'false'], ['1', 'true'], ['2', 'false']], `${browser}: levels and what is open are there for screen readers`);
	t.like(await page.attribute(table, 'aria-activedescendant'), /-1$/, `${browser}: and which line is active`);
	await page.press('ArrowDown', 'ArrowDown');
	const address = await page.hash();
	await catchCopies(page);
	await page.evaluate(() => [...document.querySelectorAll('#panel-bottom-up button')].find(b => b.textContent === 'Copy stack').click());
	t.is(await page.evaluate(() => window.copied), ' 0 item(unsigned long)\n 1 second()\n', `${browser}: the stack of the active line is copied`);
	await page.press('ArrowLeft', 'ArrowLeft');
	t.is((await lines(page, 'bottom-up')).slice(1, 3).map(line => line[0][0]), ['\u25b8', '\u25b8'], `${browser}: the left arrow closes it`);
	t.like(address, /bottom-up\.line=/, `${browser}: the address has the active line`);
	await page.goto_hash(address.replace('view=bottom-up', 'view=bottom-up&x=1'));
	await page.waitFor(() => document.querySelector('#panel-bottom-up tr.active .name').textContent === 'second()');
	t.ok(true, `${browser}: and opens it again`);

	// Sorting by a head, and a search that leaves lines out.
	await page.click('#panel-bottom-up th:first-child button');
	shown = await lines(page, 'bottom-up');
	const names = shown.filter(line => !/^(?:first|second)/.test(bare(line[0]))).map(line => bare(line[0]));
	t.is(names.slice(0, 3), names.slice().sort().slice(0, 3), `${browser}: a click on the head sorts by names`);
	t.is(await page.attribute('#panel-bottom-up th:first-child', 'aria-sort'), 'ascending', `${browser}: which the head says`);
	t.like(await page.hash(), /tree\.sort=name/, `${browser}: and the address`);
	await page.page.focus('#panel-bottom-up th:nth-child(2) button');
	await page.press('Enter');
	t.like(await page.hash(), /tree\.sort=-now/, `${browser}: heads can be pressed by the keyboard`);
	await set(page, {'tree.sort': '', 'bottom-up.line': '', search: 'second'});
	shown = await lines(page, 'bottom-up');
	t.is([shown.length > 0, bare(shown[0][0]), ...shown.slice(1).map(line => line[1])].slice(0, 3), [true, 'item(unsigned long)shop', '20.000 KB'],
		`${browser}: a search leaves the stacks in which it finds something`);
	await set(page, {search: '', 'tree.wrappers': 'yes'});
	t.is((await lines(page, 'bottom-up')).slice(0, 1).map(line => bare(line[0]).replace(/(malloc).*/, '$1')), ['malloc'], `${browser}: allocation functions on request`);
	await set(page, {'tree.wrappers': '', 'tree.merge': 'line', 'tree.sort': '-now'});
	t.like(bare((await lines(page, 'bottom-up'))[0][0]), /^late\(\) at shop\.cc:26/, `${browser}: merged by lines`);
	await set(page, {'tree.merge': 'module'});
	t.is(bare((await lines(page, 'bottom-up'))[0][0]), 'shop', `${browser}: merged by modules`);

	// Top-down: main() has all that is not the threads' and the libraries' own; self is what it uses itself.
	await set(page, {'tree.merge': '', view: 'top-down'});
	await page.evaluate(() => [...document.querySelectorAll('#panel-top-down button')].find(b => b.textContent === 'Open large ones').click());
	shown = (await lines(page, 'top-down')).map(line => [bare(line[0]).replace(/\)shop$/, ')'), line[1], line[3]]);
	t.is(shown.find(line => line[0] === 'first()'), ['first()', '60.000 KB', '0 bytes'], `${browser}: top-down has the sums of what is called`);
	await page.evaluate(() => [...document.querySelectorAll('#panel-top-down button')].find(b => b.textContent === 'Close all').click());
	t.ok((await lines(page, 'top-down')).every(line => line[0].startsWith('\u25b8')), `${browser}: and all lines can be closed`);
	t.is(shown.find(line => line[0] === 'late()'), ['late()', '107.800 KB', '100.000 KB'], `${browser}: and what functions use themselves`);
}

async function callers(t, browser, page) {
	const choose = async name => {
		await page.evaluate(wanted => [...document.querySelectorAll('#panel-callers table.lines')][0].querySelectorAll('tbody tr:not(.space)').forEach(tr => {
			if (tr.children[0].textContent === wanted)
				tr.click();
		}), name);
		await page.waitFor(wanted => document.querySelector('.chosen-name').textContent === wanted, name);
		return [(await lines(page, 'callers', 1)).map(line => line.slice(0, 2)), (await lines(page, 'callers', 2)).map(line => line.slice(0, 2))];
	};

	await set(page, {view: 'callers', 'callers.sort': '-now'});
	const [up, down] = await choose('item(unsigned long)');
	t.is(up, [['first()', '60.000 KB'], ['second()', '20.000 KB']], `${browser}: the callers of a function, with their sums`);
	t.is(down, [['(uses it itself)', '80.000 KB']], `${browser}: and what it calls`);
	t.like(await page.hash(), /callers\.of=/, `${browser}: the address has the function`);
	// even() and odd() call each other, three times each; the 5000 bytes count once.
	const [odds, evens] = await choose('even(int)');
	t.is(odds.sort(), [['main', '5.000 KB'], ['odd(int)', '5.000 KB']], `${browser}: recursion counts once for each caller`);
	t.is(evens.sort(), [['(uses it itself)', '5.000 KB'], ['odd(int)', '5.000 KB']], `${browser}: and for each function that is called`);
	const list = await lines(page, 'callers');
	t.is(list.find(line => line[0] === 'even(int)').slice(1, 2).concat(list.find(line => line[0] === 'odd(int)').slice(1, 2)), ['5.000 KB', '5.000 KB'],
		`${browser}: and in the sum of a function`);
	const neighbour = await page.evaluate(() => {
		[...document.querySelectorAll('#panel-callers table.lines')][1].querySelectorAll('tbody tr:not(.space)')[0].click();
		return document.querySelector('.chosen-name').textContent;
	});
	t.ok(['main', 'odd(int)'].includes(neighbour), `${browser}: a click on a caller goes there`);
	await set(page, {search: 'fill'});
	t.is((await lines(page, 'callers')).map(line => line[0]), [], `${browser}: the list has nothing that is not live`);
	await set(page, {key: 'total-size'});
	t.is((await lines(page, 'callers')).map(line => line.slice(0, 2)), [['fill()', '28.000 KB']], `${browser}: the search filters the list, for another key`);
	await set(page, {search: '', key: 'size'});
}

async function rows(t, browser, page, groups) {
	await set(page, {view: 'rows'});
	const own = async () => (await lines(page, 'rows')).filter(line => !/^libstdc/.test(line[0]));
	let shown = await own();
	const heads = await page.texts('#panel-rows th');

	t.is(shown.slice(0, 3).map(line => [line[0], line[1], line[2]]), [['late()', 'shop.cc:26', '100.000 KB'], ['item(unsigned long)', 'shop.cc:9', '60.000 KB'],
		['item(unsigned long)', 'shop.cc:9', '20.000 KB']], `${browser}: backtraces with who uses them, and where`);
	t.is(heads.slice(4, 12).map(h => h.trim()), ['count', 'peak-size', 'peak-count', 'heap-peak', 'total-size', 'total-count', 'temporary', 'age'], `${browser}: with all keys`);
	t.is(shown[2].slice(4, 10), ['20', '40.000 KB', '40', '20.000 KB', '40.000 KB', '40'], `${browser}: and their figures`);
	await page.evaluate(() => [...document.querySelectorAll('#panel-rows tbody tr:not(.space)')].find(tr => tr.children[2].textContent === '20.000 KB').click());
	const stack = await page.texts('#panel-rows .stack-lines .frame-name');
	t.is(stack.slice(0, 4), ['malloc', 'item(unsigned long)', 'second()', 'main'], `${browser}: a click shows the whole stack`);
	t.like(await page.text('#panel-rows .stack-lines'), /shop\.cc:9[^]*shop\.cc:11/, `${browser}: with source lines`);
	const address = await page.hash();
	await catchCopies(page);
	await page.click('#panel-rows .detail .button');
	t.like(await page.evaluate(() => window.copied), /^backtrace of row \d+: live bytes at the end: 20\.000 KB\.\n 0 malloc \[libheaptrace\.so\+0x[0-9a-f]+\]\n 1 item\(unsigned long\) at \S*shop\.cc:9 \[shop\+0x[0-9a-f]+\]\n 2 second/,
		`${browser}: and copies it as text`);
	t.like(address, /rows\.open=\d+/, `${browser}: the address has the backtrace`);
	await set(page, {'rows.open': ''});
	await page.goto_hash(address);
	await page.waitFor(() => document.querySelectorAll('#panel-rows .stack-lines .frame-name')[2].textContent === 'second()');
	t.ok(true, `${browser}: and opens it again`);
	await page.page.focus('#panel-rows table.lines');
	await page.press('Home', 'Enter');
	t.is((await page.texts('#panel-rows .stack-lines .frame-name')).slice(0, 2), ['malloc', 'late()'], `${browser}: Enter opens the active line`);
	await set(page, {key: 'total-count'});
	await page.evaluate(() => [...document.querySelectorAll('#panel-rows th button')].find(b => b.textContent.startsWith('total-size')).click());
	shown = await own();
	const column = (await page.texts('#panel-rows th')).findIndex(h => h.startsWith('total-size'));
	t.is(shown.slice(0, 3).map(line => [line[0], line[column]]), [['churn()', '192.000 KB'], ['late()', '100.000 KB'], ['item(unsigned long)', '60.000 KB']],
		`${browser}: sorted by another key, with what is freed`);
	await set(page, {search: 'thread:clerk'});
	t.is((await lines(page, 'rows')).map(line => line[0]), ['clerk(void*)'], `${browser}: found by the thread`);
	await set(page, {search: '', key: 'size', 'rows.sort': ''});
	t.is(await page.evaluate(() => heaptrace.model.values('size', 'end').reduce((a, b) => a + b)), groups.list.reduce((a, g) => a + g.size, 0), `${browser}: all together is the total`);
}

// Two moments: before empty() and late(), and the end.
async function compare(t, browser, page) {
	const before = await page.evaluate(() => heaptrace.model.moments.filter(m => m.kind === 'snapshot' && heaptrace.model.values('size', m.id)
		.reduce((a, b) => a + b) > 100000 && m.ns < 850e6).map(m => m.id).pop());

	if (!before) {
		t.skip(`${browser}: two moments`, 'the watcher took no snapshot in the first 0.8 seconds');
		return;
	}
	await set(page, {from: before, view: 'bottom-up'});
	const texts = line => [bare(line[0]), line[1], line[3], line[4]];
	const shown = (await lines(page, 'bottom-up')).map(texts);
	t.is(shown.find(line => line[0] === 'late()shop'), ['late()shop', '100.000 KB', '0 bytes', '+100.000 KB'], `${browser}: what has grown between two moments`);
	t.is(shown.find(line => line[0] === 'item(unsigned long)shop'), ['item(unsigned long)shop', '80.000 KB', '100.000 KB', '\u221220.000 KB'], `${browser}: what has shrunk`);
	t.is(shown.find(line => line[0] === 'fill()shop'), ['fill()shop', '0 bytes', '28.000 KB', '\u221228.000 KB'], `${browser}: and what is gone`);
	t.is(shown[0][0], 'late()shop', `${browser}: the largest growth first`);
	await set(page, {view: 'rows'});
	t.is((await lines(page, 'rows')).filter(line => line[0] === 'fill()').map(line => [line[2], line[3], line[1]]), [['0 bytes', '28.000 KB', '\u221228.000 KB']],
		`${browser}: in the backtraces, too`);
	await set(page, {view: 'callers', 'callers.of': ''});
	t.is((await lines(page, 'callers')).find(line => line[0] === 'second()').slice(-1), ['\u221220.000 KB'], `${browser}: and for callers`);

	// Growth is red, shrinkage blue: the widest box at the level of the functions that main() has called.
	for (const [width, hue, words] of [['change', 'red', 'more'], ['before', 'blue', 'less']]) {
		await set(page, {view: 'flame', 'flame.width': width});
		const [red, blue] = await page.evaluate(() => {
			const e = document.querySelector('#panel-flame canvas'), data = e.getContext('2d').getImageData(0, 0, e.width, e.height).data;
			let r = 0, b = 0;
			for (let i = 0; i < data.length; i += 4) {
				r += data[i] > data[i + 2] + 40;
				b += data[i + 2] > data[i] + 40;
			}
			return [r, b];
		});
		t.ok(hue === 'red' ? red > 1000 : blue > 1000, `${browser}: ${words} is ${hue}, where ${width} is wide (${red}, ${blue})`);
	}
	await set(page, {'flame.width': '', from: 'none'});
}

// Two runs: late() has four times as many blocks as before, old_stock() is gone, new_stock() is new.
async function diff(t, browser, file) {
	const page = await t.open(browser, file, {width: 1300, height: 900, hash: '#view=rows'});
	const heads = (await page.texts('#panel-rows th')).map(h => h.trim().replace(/ .$/, ''));
	const columns = ['Used by', 'Run', 'Now', 'Before', 'Change'].map(h => heads.indexOf(h));
	const shown = (await lines(page, 'rows')).map(line => columns.map(c => line[c]));
	const of = name => shown.filter(line => line[0] === name);

	t.is(of('late()'), [['late()', 'both', '100.000 KB', '25.000 KB', '+75.000 KB']], `${browser}: two runs: a backtrace of both`);
	t.is(of('void new_stock<0>()'), [['void new_stock<0>()', 'new', '7.000 KB', '0 bytes', '+7.000 KB']], `${browser}: two runs: a new one`);
	t.is(of('void old_stock<0>()'), [['void old_stock<0>()', 'gone', '0 bytes', '30.000 KB', '\u221230.000 KB']], `${browser}: two runs: one that is gone`);
	t.is(of('rack()'), [['rack()', 'alike', '800 bytes', '900 bytes', '\u2212100 bytes']], `${browser}: two runs: a pair that is much alike`);
	await set(page, {at: 'peak'});
	const peaks = (await lines(page, 'rows')).map(line => columns.map(c => line[c])).filter(line => line[0] === 'late()');
	t.is(peaks.map(line => line.slice(0, 4)), [['late()', 'both', '100.000 KB', '25.000 KB']], `${browser}: two runs: the peaks are paired, too`);
	await set(page, {at: ''});
	await page.evaluate(() => [...document.querySelectorAll('#panel-rows tbody tr')].find(tr => tr.children[0].textContent === 'void old_stock<0>()').click());
	t.is((await page.texts('#panel-rows .stack-lines .frame-name')).slice(0, 4), ['malloc', 'void old_stock<0>()', 'void old_stock<1>()', 'void old_stock<2>()'], `${browser}: two runs: with its stack`);
	t.like(await page.hash(), /rows\.open=o\d+/, `${browser}: two runs: which the address names`);
	await set(page, {search: 'old_stock'});
	t.is((await lines(page, 'rows')).map(line => line[0]), ['void old_stock<0>()'], `${browser}: two runs: the search finds it`);
	await set(page, {search: '', view: 'bottom-up'});
	const tree = (await lines(page, 'bottom-up')).map(line => [bare(line[0]).replace(/(shop|older)$/, ''), line[1], line[3], line[4]]);
	t.is(tree.filter(line => /late|stock/.test(line[0])).sort(), [['late()', '100.000 KB', '25.000 KB', '+75.000 KB'], ['void new_stock<0>()', '7.000 KB', '0 bytes', '+7.000 KB'],
		['void old_stock<0>()', '0 bytes', '30.000 KB', '\u221230.000 KB']], `${browser}: two runs: in the tree`);
	await page.close();
}

// Whatever an address says, also one of another report or of another version: a view shows something, and no figure is
// none. The states are random, but the same in each run.
async function addresses(t, browser, file) {
	const page = await t.open(browser, file, {width: 900, height: 700});
	const wrong = await page.evaluate(async () => {
		const moments = heaptrace.model.moments.map(m => m.id), found = [];
		const values = {
			view: ['flame', 'bottom-up', 'top-down', 'callers', 'rows'], key: heaptrace.keys.map(k => k.name), at: [...moments, 'x'],
			from: ['none', 'older', ...moments], search: ['', 'st', '/^s/', 'thread:clerk', 'module:libc', 'nowhere', '/(/'],
			'flame.shape': ['flame', ''], 'flame.from': ['allocation', 'x', ''], 'flame.merge': ['line', 'module', ''],
			'flame.width': ['before', 'change', ''], 'flame.colour': ['module', ''], 'flame.wrappers': ['yes', ''],
			'flame.zoom': ['5.6.7', 'zz', '-', ''], 'tree.sort': ['name', '-now', 'change', '-self', 'x', '-second', ''],
			'tree.merge': ['line', 'module', ''], 'tree.wrappers': ['yes', ''], 'bottom-up.line': ['8.9', '4', 'zz.1', ''],
			'top-down.line': ['4.5', '5', ''], 'callers.of': ['5', 'zz', '-1', ''], 'callers.sort': ['name', '-now', 'change', 'x', ''],
			'rows.open': ['1', 'o2', '99999', ''], 'rows.sort': ['name', '-place', 'age', '-threads', 'state', 'x', ''],
		};
		let seed = 42;
		const pick = list => {
			seed = seed * 1103515245 + 12345 & 0x7fffffff;
			return list[(seed >> 8) % list.length];
		};
		for (let i = 0; i < 80; i++) {
			const changes = {view: pick(values.view)};
			for (const name of [pick(Object.keys(values)), pick(Object.keys(values)), pick(Object.keys(values))])
				changes[name] = pick(values[name]);
			heaptrace.state.set(changes);
			if (i % 8 === 0)
				await new Promise(done => requestAnimationFrame(done));
			const panel = [...document.querySelectorAll('[role=tabpanel]')].find(e => !e.hidden);
			for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'Enter', 'Escape'])
				panel.querySelector('canvas, table.lines').dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
			if (/could not be shown|NaN|undefined|Infinity/.test(panel.textContent))
				found.push(location.hash + ': ' + panel.textContent.slice(0, 200));
		}
		return found;
	});
	t.is(wrong, [], `${browser}, ${path.basename(file)}: each address shows something`);
	await page.close();
}

run(async t => {
	const dir = t.args[0], groups = read(path.join(dir, 'shop.json')).groups;

	await t.each(async browser => {
		await compareGroups(t, browser, path.join(dir, 'shop.html'), groups);
		await compareGroups(t, browser, path.join(dir, 'real.html'), read(path.join(dir, 'real.json')).groups);
		const page = await t.open(browser, path.join(dir, 'shop.html'), {width: 1300, height: 900, hash: '#view=flame'});
		await flame(t, browser, page);
		await trees(t, browser, page);
		await callers(t, browser, page);
		await rows(t, browser, page, groups);
		await compare(t, browser, page);
		await diff(t, browser, path.join(dir, 'diff.html'));
		await addresses(t, browser, path.join(dir, 'diff.html'));
		for (const [width, dark] of [[600, false], [600, true], [2000, false], [2000, true]]) {
			// It would have to start anew for the other colours, which html.js has it do.
			if (dark && browser === 'firefox')
				continue;
			const picture = await t.open(browser, path.join(dir, 'shop.html'), {width, height: 1100, dark, hash: '#view=flame'});
			for (const view of dark === width > 1000 ? ['flame', 'bottom-up', 'callers', 'rows'] : ['flame']) {
				await set(picture, {view});
				await picture.evaluate(() => document.getElementById('views').scrollIntoView());
				await picture.screenshot(`views-${view}-${width}-${dark ? 'dark' : 'light'}`);
			}
			const wide = await picture.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
			t.ok(wide <= 0, `${browser}: the page is not wider than ${width} pixels`);
			await picture.close();
		}
	});
});
