// SPDX-License-Identifier: GPL-2.0-only
//
// speedscope.js FILE WANT...: for tests/speedscope.t. npm's speedscope imports each file, as its command line does, and shows
// what the JSON in WANT says: title; profiles: the name and the weight of each; functions: total, self
// and name of some; names: how the names of some begin.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const {run, BUILT} = require('./harness.js');

const INDEX = path.join(BUILT, 'npm/node_modules/speedscope/dist/release/index.html');

// The rows of tables whose three cells have texts like these.
const rows = patterns => [...document.querySelectorAll('tr')].map(row => [...row.cells].map(cell => cell.innerText.trim()))
	.filter(texts => texts.length === 3 && patterns.every((pattern, i) => new RegExp(pattern).test(texts[i])));

run(async t => {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'heaptrace-speedscope.'));
	await t.each(async browser => {
		if (browser !== 'chromium') {
			t.skip(browser, 'speedscope draws with WebGL, which headless Firefox lacks');
			return;
		}
		for (let i = 0; i + 1 < t.args.length; i += 2) {
			const file = t.args[i], name = path.basename(file), want = JSON.parse(t.args[i + 1]);
			const script = path.join(directory, `${i}.js`);
			const bytes = fs.readFileSync(file).toString('base64');
			fs.writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(name)}, ${JSON.stringify(bytes)})`);
			const page = await t.open(browser, INDEX, {hash: `#localProfilePath=${script}`, width: 1200, height: 2000});
			await page.page.waitForFunction(() => /Left Heavy/.test(document.body.innerText) && /speedscope$/.test(document.title));
			t.is(await page.evaluate(() => document.title), `${want.title} - speedscope`, `${name}: is imported`);
			if (want.profiles)
				t.is((await page.evaluate(rows, ['^[0-9]+$', '', '^[0-9.,]+'])).map(texts => texts.slice(1)).slice(0, want.profiles.length), want.profiles,
				     `${name}: the profiles with their weights`);
			await page.screenshot(`speedscope-${name}`);
			await page.press('3');		// the table of functions
			const seen = (await page.evaluate(rows, ['%\\)$', '%\\)$', '']))
				.map(texts => texts.map(text => text.replace(/ \([^()]*%\)$/, '')));
			for (const begin of want.names || [])
				t.ok(seen.some(row => row[2].startsWith(begin)), `${name}: shows ${begin}`) || t.diag(JSON.stringify(seen));
			for (const texts of want.functions || [])
				t.ok(seen.some(row => JSON.stringify(row) === JSON.stringify(texts)), `${name}: the weights of ${texts[2]}`) ||
					t.diag(JSON.stringify(seen));
			await page.screenshot(`speedscope-${name}-table`);
			await page.close();
		}
	});
	fs.rmSync(directory, {recursive: true});
});
