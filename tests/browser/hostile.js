// SPDX-License-Identifier: GPL-2.0-only
//
// hostile.js SVG HTML: for tests/hostile.t. The names are text in both, and nothing of them runs.
'use strict';

const fs = require('fs');
const {run} = require('./harness.js');

// Names that have to be seen as they are, and what becomes an element or a variable where one is not escaped.
const NAME = 'n01</script><script>window.hostile=1</script>';
const broken = () => [window.hostile, document.querySelectorAll('[data-hostile], img, [onmouseover], [href^="javascript"]').length];

run(async t => {
	const [svg, html] = t.args;
	await t.each(async browser => {
		if (fs.existsSync(svg)) {
			const picture = await t.open(browser, svg);
			t.ok((await picture.texts('title')).join('\n').includes('n01</script>'), `${browser}: svg: the names are text`);
			t.is(await picture.evaluate(broken), [null, 0], `${browser}: svg: nothing of the names runs`);
			await picture.screenshot('hostile-svg');
		}

		const page = await t.open(browser, html);
		const tabs = await page.evaluate(() => [...document.querySelectorAll('[role=tab]')].map(e => e.id));
		const seen = [];
		for (const tab of tabs) {
			await page.click(`[id="${tab}"]`);
			const text = (await page.texts('body')).join('\n');
			if (text.includes(NAME))
				seen.push(tab);
			t.is(await page.evaluate(broken), [null, 0], `${browser}: html, ${tab}: nothing of the names runs`);
			await page.screenshot(`hostile-html-${tab}`);
		}
		t.ok(seen.length > 0, `${browser}: html: the names are text`) || t.diag(`in none of ${tabs}`);
		t.diag(`${browser}: names seen in ${seen}`);
	});
});
