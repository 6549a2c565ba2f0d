// SPDX-License-Identifier: GPL-2.0-only
//
// picture.js HTML SVG DIRECTORY: for tests/tools/pictures. Takes the README's pictures of a report: html.png and svg.png.
'use strict';

const fs = require('fs');
const path = require('path');
const {execFileSync} = require('child_process');
const {run} = require('./harness.js');

process.env.HEAPTRACE_SCREENSHOTS = '1';

run(async t => {
	const [html, svg, directory] = t.args;
	const take = async (page, name) => {
		const file = await page.screenshot(`picture-${name}`);
		execFileSync(process.execPath, [path.join(t.top, 'tests/tools/palette_png.js'), file]);
		fs.copyFileSync(file, path.join(directory, `${name}.png`));
		t.ok(fs.statSync(file).size < 200000, `${name}.png has less than 200 KB`) || t.diag(fs.statSync(file).size);
	};

	const page = await t.open('chromium', html, {width: 1440, height: 1140, hash: '#view=flame&key=size&at=peak'});
	await page.waitFor('[role=tab][aria-selected=true]');
	await take(page, 'html');
	const picture = await t.open('chromium', svg, {width: 1440, height: 700});
	// Zoomed to where the functions begin to differ.
	await picture.evaluate(() => [...document.querySelectorAll('#frames title')].find(e => /^clang::ParseAST/.test(e.textContent))
		.parentNode.dispatchEvent(new MouseEvent('click', {bubbles: true})));
	await take(picture, 'svg');
});
