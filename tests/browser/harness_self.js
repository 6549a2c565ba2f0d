// SPDX-License-Identifier: GPL-2.0-only
//
// harness_self.js DIRECTORY: for tests/browsers.t, which has written the pages.
'use strict';

const fs = require('fs');
const {run} = require('./harness.js');

// What getComputedStyle() says of the text that the colour scheme chooses.
const scheme = () => getComputedStyle(document.getElementById('scheme'), '::before').content;

process.env.HEAPTRACE_SCREENSHOTS = '1';

run(async t => {
	const directory = t.args[0];
	await t.each(async browser => {
		const page = await t.open(browser, `${directory}/page.html`, {width: 600, height: 500});
		t.is(await page.text('#script'), 'with scripts', `${browser}: scripts run`);
		t.is(await page.evaluate(() => [innerWidth, innerHeight]), [600, 500], `${browser}: the window has the size asked for`);
		await page.type('#input', 'typed <b>');
		await page.click('#button');
		t.is(await page.text('#result'), 'typed <b>', `${browser}: typing and clicking`);
		t.is(await page.hash(), '#clicked', `${browser}: the address changes`);
		t.ok(await page.clickTime('#button') < 10000, `${browser}: the time of a click`);
		t.is(await page.evaluate(scheme), '"light"', `${browser}: light`);
		const picture = await page.screenshot('harness', {full: true});
		t.is(fs.readFileSync(picture).toString('latin1', 1, 4), 'PNG', `${browser}: a picture is written`);
		await page.close();

		const dark = await t.open(browser, `${directory}/page.html`, {dark: true, hash: '#given'});
		t.is(await dark.evaluate(scheme), '"dark"', `${browser}: dark`);
		t.is(await dark.hash(), '#given', `${browser}: opened with an address`);

		const still = await t.open(browser, `${directory}/page.html`, {javascript: false});
		t.is(await still.text('#script'), 'without scripts', `${browser}: no scripts where none are wanted`);

		for (const [file, pattern] of [['error', /said/], ['throws', /nowhere/], ['dialog', /opened/], ['outside', /heaptrace.invalid/]]) {
			const bad = await t.open(browser, `${directory}/${file}.html`);
			for (let tries = 0; tries < 100 && !bad.wrong.length; tries++)
				await new Promise(resolve => setTimeout(resolve, 50));
			t.like(bad.take_wrong().join('\n'), pattern, `${browser}: seen: ${file}`);
			await bad.page.close();
			t.pages.delete(bad);
		}
	});
});
