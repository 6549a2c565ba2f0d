/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trees of calls, of what view_calls.js has added up, merged by labels. They are made as far as somebody looks at them.
 *
 *	heaptrace.calls.topDown(sums, rest)	from main() inward
 *	heaptrace.calls.bottomUp(sums, rest)	from who uses the memory outward
 *	heaptrace.calls.pathOf(node)		a text that names the node in each tree with the same labels
 *	heaptrace.calls.stackText(sums, node, outward)
 *						the calls from the node to its tree's root as text, innermost first, with one
 *						on each line. outward: it is a tree of bottomUp(). node: may be null
 *
 * A node is {label, parent, depth, total: [], self: []}, with a sum for each figure; the root has depth 0. rest: how much
 * of each figure is not known row by row, which becomes a child of the root with the label REST_LABEL; or null.
 */
"use strict";

(() => {
	const { calls } = heaptrace,
		{ add, SPECIAL, REST_LABEL } = calls;
	const COPIED = 100000; /* characters of a name at most that are copied */
	const MANY = 500; /* calls below a node, from which on small children are left out if they can be */

	/* There can be 100,000 nodes: literals are much quicker than new Array(count).fill(0). */
	const zeros = count =>
		count === 1 ? [0] : count === 2 ? [0, 0] : count === 3 ? [0, 0, 0] : new Array(count).fill(0);

	function makeNode(parent, label, count) {
		return {
			label,
			parent,
			depth: parent ? parent.depth + 1 : 0,
			total: zeros(count),
			self: zeros(count),
			members: [],
			weights: null,
			children: null,
			large: null,
			rest: null,
		};
	}

	function makeRoot(s, rest) {
		const root = makeNode(null, 0, s.figures.length);

		root.members = [0];
		root.total = s.under.map(u => u[0]);
		if (rest && rest.some(r => r > 0)) {
			root.rest = makeNode(root, REST_LABEL, s.figures.length);
			root.rest.total = root.rest.self = rest;
			root.rest.children = [];
			root.total = root.total.map((t, k) => t + rest[k]);
		}
		return root;
	}

	/*
	 * A tree whose nodes are made when they are asked for. each(node, take) calls take(c, i) for each call that belongs to
	 * a child of the node, which is then the child with the label of c. valueOf(node, k, c, i) is its figure k there, and
	 * put(child, node, c, i) adds it to the child. hasMany(node): there may be so many children that large() had better add
	 * up their figures first, and make only the large ones.
	 *
	 *	root
	 *	expand(node)		all children of a node
	 *	large(node, k, least)	{list, count, sum}: the children whose figure k is at least as large; how many others there
	 *				are, and their figures together. The list can have smaller ones, too
	 *	child(node, label)	the child with that label, or undefined
	 *	has(node)		whether it has children
	 */
	function makeTree(s, rest, { each, valueOf, put, has, hasMany, done }) {
		const { label, labels } = s.m,
			slot = new Uint32Array(labels.count + SPECIAL),
			sum = new Float64Array(labels.count + SPECIAL);
		const K = s.figures.length;

		function collect(node, isWanted) {
			const children = [];

			each(node, (c, i) => {
				const l = label[c];

				if (!isWanted(l)) return;
				if (!slot[l]) slot[l] = children.push(makeNode(node, l, K));
				put(children[slot[l] - 1], node, c, i);
			});
			for (const child of children) slot[child.label] = 0;
			done();
			return children;
		}

		function expand(node) {
			if (!node.children) {
				node.children = collect(node, () => true);
				if (node.rest) node.children.push(node.rest);
			}
			return node.children;
		}

		function large(node, k, least) {
			const before = node.large;

			if (node.children || !hasMany(node)) return { list: expand(node), count: 0, sum: 0 };
			if (before && before.k === k && before.least <= least && before.least > least / 16)
				return before;
			const touched = [],
				made = new Map(
					before && before.k === k && before.least > least
						? before.list.map(n => [n.label, n])
						: []
				);
			each(node, (c, i) => {
				if (!sum[label[c]]) touched.push(label[c]);
				add(s.figures[k], sum, label[c], valueOf(node, k, c, i));
			});
			const list = [...made.values(), ...collect(node, l => sum[l] >= least && !made.has(l))];
			const result = { k, least, list, count: 0, sum: 0 };
			if (node.rest && !made.has(REST_LABEL)) list.push(node.rest);
			for (const l of touched) {
				if (sum[l] && sum[l] < least) {
					result.count++;
					result.sum += sum[l];
				}
				sum[l] = 0;
			}
			return (node.large = result);
		}

		const child = (node, l) =>
			(node.large && node.large.list.find(n => n.label === l)) ||
			expand(node).find(n => n.label === l);
		return {
			root: makeRoot(s, rest),
			expand,
			large,
			child,
			has: node => (node.children ? node.children.length > 0 : has(node)),
		};
	}

	/* From the outermost function to who uses the memory. node.total: with what it calls. node.self: without. */
	function topDown(s, rest) {
		const { first, list } = calls.innerOf(s.m),
			{ figures, under, at, used } = s,
			K = figures.length;

		function each(node, take) {
			for (const c of node.members)
				for (let i = first[c]; i < first[c + 1]; i++)
					if (used[list[i]]) take(list[i], 0);
		}
		function has(node) {
			for (const c of node.members)
				for (let i = first[c]; i < first[c + 1]; i++) if (used[list[i]]) return true;
			return false;
		}
		function put(child, node, c) {
			child.members.push(c);
			for (let k = 0; k < K; k++) {
				add(figures[k], child.total, k, under[k][c]);
				add(figures[k], child.self, k, at[k][c]);
			}
		}
		function hasMany(node) {
			let calls = 0;

			for (const c of node.members) calls += first[c + 1] - first[c];
			return calls > MANY;
		}
		return makeTree(s, rest, {
			each,
			has,
			hasMany,
			put,
			valueOf: (node, k, c) => under[k][c],
			done() {},
		});
	}

	/*
	 * From who uses the memory outward. node.total: what is allocated with the calls from the tree's root to the node
	 * as the stack's innermost ones. node.self: of this, what has no further call. The members of a node are calls;
	 * rows whose stacks are the same from there outward are one member. The members' figures stand in node.weights, side by
	 * side; those of a single member are node.total, because most nodes have one.
	 */
	function bottomUp(s, rest) {
		const { outer, count } = s.m,
			{ figures, at } = s,
			K = figures.length,
			place = new Uint32Array(count),
			touched = [];

		/* i is the place of the member that is called, by c; of the root's children, which are called by nobody, 0. */
		function each(node, take) {
			const { members } = node;

			for (let c = 1; !node.depth && c < count; c++) if (s.usedAt[c]) take(c, 0);
			for (let i = 0; node.depth && i < members.length; i++)
				if (outer[members[i]]) take(outer[members[i]], i);
		}
		const valueOf = (node, k, c, i) =>
			node.weights ? node.weights[i * K + k] : node.depth ? node.total[k] : at[k][c];
		function put(child, node, c, i) {
			const known = place[c];

			if (!known) {
				place[c] = child.members.push(c);
				touched.push(c);
				if (child.members.length === 2) child.weights = child.total.slice();
			}
			for (let k = 0; k < K; k++) {
				const value = valueOf(node, k, c, i);

				if (child.weights && known)
					add(figures[k], child.weights, (known - 1) * K + k, value);
				else if (child.weights) child.weights.push(value);
				add(figures[k], child.total, k, value);
				if (!outer[c]) add(figures[k], child.self, k, value);
			}
		}
		function done() {
			for (const c of touched) place[c] = 0;
			touched.length = 0;
		}
		const hasMany = node => !node.depth;
		return makeTree(s, rest, {
			each,
			put,
			valueOf,
			hasMany,
			done,
			has: node => !node.depth || node.members.some(c => outer[c]),
		});
	}

	/* The labels from the root to the node. */
	function pathOf(node) {
		const labels = [];

		for (let n = node; n.depth; n = n.parent) labels.unshift(n.label.toString(36));
		return labels.join(".");
	}

	function stackText(s, node, outward) {
		const names = [];

		for (let n = node; n && n.depth; n = n.parent)
			names.push(heaptrace.shown(s.m.name(n.label), COPIED));
		if (outward) names.reverse();
		return names.map((name, i) => String(i).padStart(2) + " " + name + "\n").join("");
	}

	Object.assign(calls, { topDown, bottomUp, pathOf, stackText });
})();
