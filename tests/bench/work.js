// SPDX-License-Identifier: GPL-2.0-only
// Node at work: what V8 keeps in its own heap does not call malloc, so this also uses what
// does: Buffers, typed arrays, JSON, regular expressions, compression. Argument: rounds.
'use strict';
const zlib = require('zlib');

let sum = 0;
for (let round = 0; round < Number(process.argv[2]); round++) {
	const records = [];
	let seed = 42 + round;
	for (let i = 0; i < 3000; i++) {
		seed = (seed * 16807) % 2147483647;
		records.push({ id: i, name: 'n' + seed.toString(36), tags: ['a' + seed % 7, 'b' + seed % 11] });
	}
	const text = JSON.stringify(records);
	const back = JSON.parse(text).filter((r) => /[aeiou]\d/.test(r.name));
	const groups = new Map();
	for (const r of back) {
		if (!groups.has(r.tags[0]))
			groups.set(r.tags[0], []);
		groups.get(r.tags[0]).push(r.name.replace(/[0-9]+/g, (d) => '<' + d + '>'));
	}
	for (const [key, names] of groups)
		sum += key.length + names.sort().join().length;
	const views = [];
	for (let i = 0; i < 3000; i++)
		views.push(new Float64Array(16 + i % 64), Buffer.alloc(5000 + i % 512, i & 255));
	sum += views.reduce((n, v) => n + v.length, 0);
	for (let i = 0; i < 20; i++)
		sum += zlib.inflateSync(zlib.deflateSync(text.slice(i * 100, i * 100 + 4000))).length;
}
console.log(sum);
