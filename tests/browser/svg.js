// SPDX-License-Identifier: GPL-2.0-only
//
// tests/svg.t, in browsers: flame graphs of tests/subjects/svg.c (size 32,000 in all; total-size 52,000), of a second run
// beside it, in a page as an image, of python3, with hostile names, and of 100,000 backtraces.
'use strict';

const {run} = require('./harness.js');

// These run in the page.
const frameOf = name => [...document.querySelectorAll('.frame')].find(g => g.querySelector('title').textContent.split('\n')[0] === name);
const box = (name) => {
	const g = [...document.querySelectorAll('.frame')].find(e => e.querySelector('title').textContent.split('\n')[0] === name);
	const rect = g && g.querySelector('rect');

	return rect ? [Math.round(rect.getCTM().e), Math.round(rect.width.baseVal.value)] : null;
};
const mark = name => {
	for (const g of document.querySelectorAll('#wanted'))
		g.removeAttribute('id');
	[...document.querySelectorAll('.frame')].find(e => e.querySelector('title').textContent.split('\n')[0] === name).id = 'wanted';
};
// What is wrong with the layout: frames outside of the window, and names outside of their frames.
const misplaced = () => {
	const wrong = [];

	for (const g of document.querySelectorAll('.frame')) {
		const r = g.querySelector('rect').getBoundingClientRect(), t = g.querySelector('text');

		if (r.left < -1 || r.right > innerWidth + 1)
			wrong.push(`frame from ${r.left} to ${r.right}`);
		if (t && t.getBoundingClientRect().right > r.right + 1)
			wrong.push(`${t.textContent}: text to ${t.getBoundingClientRect().right}, frame to ${r.right}`);
	}
	return wrong.slice(0, 3);
};

async function zooms(t, browser, page) {
	const width = 1200;

	t.is(await page.evaluate(box, 'parse'), [0, width / 2 - 1], `${browser}: a frame is as wide as its share`);
	await page.evaluate(mark, 'nested');
	await page.click('#wanted');
	t.is(await page.evaluate(box, 'nested'), [0, width - 1], `${browser}: a click gives a frame the whole width`);
	t.is(await page.evaluate(box, 'parse'), null, `${browser}: and hides those beside it`);
	t.ok(await page.count('.frame.outer') === 5, `${browser}: what has called it stands faded above it`);
	await page.press('Escape');
	t.is([await page.evaluate(box, 'parse'), await page.count('.frame.outer')], [[0, width / 2 - 1], 0],
		`${browser}: Escape shows all again`);
	for (let i = 0; i < 30 && await page.evaluate(() => !document.activeElement.matches('.frame')); i++)
		await page.press('Tab');
	for (let i = 0; i < 5; i++)
		await page.press('ArrowDown');
	t.like(await page.text('.detail'), /^16\.000 KB \(50\.0 %\), 11 blocks: parse - known$/, `${browser}: Tab and arrows go to a frame`);
	await page.press('Enter');
	t.is([await page.evaluate(box, 'parse'), await page.evaluate(() => document.activeElement.querySelector('title').textContent.split('\n')[0])],
		[[0, width - 1], 'parse'], `${browser}: Enter zooms, and the focus stays`);
	t.is(await page.evaluate(box, 'load'), [0, width * 10 / 16 - 1], `${browser}: inside, widths are shares of it`);
	await page.click('.bar button');
	t.is(await page.evaluate(box, 'parse'), [0, width / 2 - 1], `${browser}: the button leaves the zoom`);
}

async function searches(t, browser, page) {
	const status = () => page.text('.status');

	await page.press('Control+f');
	t.ok(await page.evaluate(() => document.activeElement.matches('input')), `${browser}: Ctrl-F goes to the search`);
	await page.type('.search', 'NESTED');
	t.is(await status(), 'matched 12.5 % (4.000 KB) in 1 function', `${browser}: nested matches count once`);
	t.is(await page.count('.frame.hit'), 3, `${browser}: what matches is marked`);
	await page.type('.search', '^(load|keep)$');
	t.is(await status(), 'matched 50.0 % (16.000 KB) in 2 functions', `${browser}: a regular expression`);
	await page.type('.search', 'main');
	t.like(await status(), /^matched 100\.0 % /, `${browser}: outer functions have all that is in them`);
	await page.type('.search', '[(');
	t.like(await status(), /^matched 0\.0 % .* in 0 functions/, `${browser}: what is no regular expression matches nothing`);
	await page.press('Escape');
	t.is([await status(), await page.count('.frame.hit')], ['', 0], `${browser}: Escape clears it`);
	await page.click('.module text');
	t.ok(await page.count('.frame.hit') > 0, `${browser}: a click in the legend finds a module`);
	await page.press('Escape');
}

async function known(t, browser) {
	const page = await t.open(browser, t.args[0]);

	t.is(await page.evaluate(misplaced), [], `${browser}: names are in frames, frames in the window`);
	t.is(await page.evaluate(`(${frameOf})('load').querySelector('title').textContent`),
		'load\nknown\n10.000 KB (31.3 %), 10 blocks', `${browser}: a tooltip has size, share and count`);
	await page.evaluate(mark, 'load');
	await page.hover('#wanted');
	t.like(await page.text('.detail'), /^10\.000 KB \(31\.3 %\), 10 blocks: load - known$/, `${browser}: so has the line above the frames`);
	await zooms(t, browser, page);
	await searches(t, browser, page);
	await addresses(t, browser, page);
	await page.page.select('select', 'total-size');
	t.is(await page.evaluate(box, 'load'), [0, Math.round(1200 * 30 / 52) - 1], `${browser}: another key`);
	await page.page.select('select', 'size');
	await page.evaluate(() => [...document.querySelectorAll('.bar button')].find(b => b.textContent === 'Turn over').id = 'turn');
	await page.click('#turn');
	t.ok(await page.evaluate(`(${frameOf})('load').getBoundingClientRect().top < (${frameOf})('main').getBoundingClientRect().top`),
		`${browser}: turned over, main() is below`);
	await page.click('#turn');
	for (const width of [600, 3000]) {
		await page.resize(width, 800);
		await page.waitFor(w => {
			const r = document.querySelector('.frame rect').getBoundingClientRect();

			return Math.round(r.width) === w - 1;
		}, width);
		t.is(await page.evaluate(misplaced), [], `${browser}: at ${width} pixels, too`);
	}
	await page.close();
}

// A view that is sent to a colleague, and numbers that nobody has sent.
async function addresses(t, browser, page) {
	await page.evaluate(mark, 'keep');
	await page.click('#wanted');
	await page.type('.search', 'a&b #');
	const hash = await page.hash();
	t.like(hash, /^#zoom=\d+&search=a%26b%20%23$/, `${browser}: the view is in the address`);
	const other = await t.open(browser, t.args[0], {hash});
	t.is([await other.evaluate(box, 'keep'), await other.evaluate(() => document.querySelector('.search').value)],
		[[0, 1199], 'a&b #'], `${browser}: which opens it again`);
	for (const odd of ['#zoom=999999', '#zoom=-1', '#zoom=1.5', '#zoom=x&search=%zz', '#%'])
		await other.goto_hash(odd);
	await other.waitFor(() => document.querySelectorAll('.frame.outer').length === 0);
	t.is(await other.count('.frame.outer'), 0, `${browser}: an address that makes no sense shows all`);
	await other.close();
	await page.press('Escape', 'Escape');
	t.is(await page.hash(), '', `${browser}: and none is left behind`);
}

async function compared(t, browser) {
	const page = await t.open(browser, t.args[1], {height: 500});

	t.is(await page.evaluate(`(${frameOf})('load').querySelector('rect').getAttribute('class')`), 'g4', `${browser}: --diff: grown`);
	t.is(await page.evaluate(box, 'dropped'), null, `${browser}: --diff: what is gone has no width`);
	await page.page.select('select', 'size, older run');
	t.is(await page.evaluate(`(${frameOf})('dropped').querySelector('rect').getAttribute('class')`), 's4',
		`${browser}: --diff: the older run has it`);
	t.is((await page.evaluate(box, 'load'))[1], 1200 * 10 / 32 - 1, `${browser}: --diff: with widths of the older run`);
	await page.screenshot('svg-diff');
	await page.close();
}

// Each theme at two widths, and what is seen without scripts.
async function looks(t, browser) {
	for (const dark of [false, true]) {
		const page = await t.open(browser, t.args[3], {dark, width: 600, height: 800});

		await page.screenshot(`svg-600-${dark ? 'dark' : 'light'}`);
		await page.resize(2000, 800);
		await page.waitFor(() => document.querySelector('.frame rect').getBoundingClientRect().width > 1900);
		await page.type('.search', 'import');
		await page.screenshot(`svg-2000-${dark ? 'dark' : 'light'}`);
		t.is(await page.evaluate(() => getComputedStyle(document.querySelector('.page')).fill), dark ? 'rgb(21, 24, 28)' : 'rgb(255, 255, 255)',
			`${browser}: ${dark ? 'dark' : 'light'}`);
		t.is(await page.evaluate(misplaced), [], `${browser}: python3: names are in frames, frames in the window`);
		await page.close();
	}

	const still = await t.open(browser, t.args[0], {javascript: false, width: 800, height: 400});

	t.like((await still.texts('#frames text')).join(' '), /main.*parse.*load/s, `${browser}: without scripts the frames have names`);
	t.is(await still.count('.bar'), 0, `${browser}: and no search that does not work`);
	await still.screenshot('svg-still');
	await still.close();

	const image = await t.open(browser, t.args[2], {width: 800, height: 400});

	t.is(await image.evaluate(() => document.querySelector('img').naturalHeight > 200), true, `${browser}: as an image of a page`);
	await image.screenshot('svg-image');
	await image.close();
}

async function odd(t, browser) {
	const evil = await t.open(browser, t.args[4]);

	t.ok((await evil.texts('.frame title')).some(text => text.includes('<script>alert(1)</script>]]></title>')),
		`${browser}: a hostile name is text`);
	await evil.screenshot('svg-hostile');
	await evil.close();

	const many = await t.open(browser, t.args[5]);

	t.ok(await many.count('.frame') > 100, `${browser}: 100,000 backtraces open`);
	t.diag(`${browser}: 100,000 backtraces: opened after ${many.openMilliseconds} ms`);
	await many.evaluate(mark, 'main');
	const ms = await many.clickTime('#wanted');
	t.diag(`${browser}: 100,000 backtraces: a click takes ${Math.round(ms)} ms`);
	t.ok(await many.count('.frame') < 9500, `${browser}: with so many frames as a browser can bear`);
	await many.screenshot('svg-many');
	await many.close();
}

run(async t => {
	await t.each(async browser => {
		await known(t, browser);
		await compared(t, browser);
		await looks(t, browser);
		await odd(t, browser);
	});
});
