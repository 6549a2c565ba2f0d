// SPDX-License-Identifier: GPL-2.0-only
//
// pprof.js FILE TYPE=SUM... : for tests/pprof.t. npm's pprof-format decodes the profile, which has these sums; what its parts
// refer to is there, and what it makes of them again is decoded to the same.
'use strict';

const fs = require('fs');
const zlib = require('zlib');
const {run} = require('./harness.js');

run(async t => {
	const {Profile} = t.modules['pprof-format'];
	const bytes = fs.readFileSync(t.args[0]);
	const profile = Profile.decode(t.args[0].endsWith('.gz') ? zlib.gunzipSync(bytes) : bytes);
	const text = i => profile.stringTable.strings[Number(i)];
	const sums = profile.sampleType.map((type, i) =>
		`${text(type.type)}=${profile.sample.reduce((sum, sample) => sum + Number(sample.value[i]), 0)}`);
	t.is(sums, t.args.slice(1), 'pprof-format: the sums');
	t.is(text(profile.defaultSampleType), 'inuse_space', 'pprof-format: the default type');
	t.like(text(profile.comment[1]), /^process \d+ \(pprof\), dump \d+/, 'pprof-format: the comment');
	t.like(text(profile.dropFrames), /(^|[|(])malloc\|/, 'pprof-format: the frames that are no users of memory');
	t.ok(text(0) === '' && Number(profile.period) === 1 && Number(profile.durationNanos) > 0, 'pprof-format: single fields');

	const ids = list => new Set(list.map(element => Number(element.id)));
	const locations = ids(profile.location), functions = ids(profile.function), mappings = ids(profile.mapping);
	t.is([locations.size, functions.size, mappings.size], [profile.location.length, profile.function.length, profile.mapping.length],
	     'pprof-format: no id is there twice');
	t.ok(profile.sample.every(sample => sample.locationId.length && sample.locationId.every(id => locations.has(Number(id)))),
	     'pprof-format: the locations of samples');
	t.ok(profile.location.every(l => l.line.length && l.line.every(line => functions.has(Number(line.functionId)))),
	     'pprof-format: the functions of locations');
	const where = new Map(profile.mapping.map(m => [Number(m.id), m]));
	t.is(profile.location.filter(l => Number(l.mappingId) && !(BigInt(l.address) >= BigInt(where.get(Number(l.mappingId)).memoryStart) &&
		BigInt(l.address) < BigInt(where.get(Number(l.mappingId)).memoryLimit))).length, 0, 'pprof-format: addresses lie in their mappings');
	t.ok(profile.function.every(f => text(f.name) && text(f.systemName) && text(f.filename) !== undefined), 'pprof-format: names');
	t.ok(Buffer.from(profile.encode()).equals(Buffer.from(Profile.decode(profile.encode()).encode())), 'pprof-format: it can be encoded again');
}, {modules: ['pprof-format'], browsers: false});
