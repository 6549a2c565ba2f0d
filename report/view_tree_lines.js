/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lines of a tree that are in sight: its nodes of view_call_trees.js, with the children of those that are open. An
 * only child is not indented, so that long chains of calls stay in sight.
 *
 *	const lines = new heaptrace.TreeLines(sort)	sort(children) puts the children of a node in order
 *	lines.show(tree)	another tree; what was open in the one before is opened again
 *	lines.list		the nodes in sight; node.open, node.indent, and node.only: it is not indented
 *	lines.refresh()		makes the list again, for another order
 *	lines.toggle(line)	opens or closes line number `line`
 *	lines.openLarge(most)	opens what leads to several lines of at least 1 % of the whole, up to about so many lines
 *	lines.closeAll()
 *	lines.follow(path)	opens what hides the line with that path (heaptrace.calls.pathOf()), and returns its
 *				number; or -1
 */
"use strict";

heaptrace.TreeLines = class {
	constructor(sort) {
		this.sort = sort;
		this.opened = new Set(); /* the paths of the lines that are open */
		this.tree = null;
		this.list = [];
	}

	show(tree) {
		this.tree = tree;
		this.reopen(tree.root);
		const top = tree.expand(tree.root);
		if (top.length === 1 && !this.opened.size) this.open(top[0]);
		this.refresh();
	}

	refresh() {
		this.list = this.below(this.tree.root);
	}

	reopen(node) {
		for (const child of this.tree.expand(node)) {
			if (this.opened.has(heaptrace.calls.pathOf(child)) && this.tree.has(child)) {
				child.open = true;
				this.reopen(child);
			}
		}
	}

	/* All lines below a node that are in sight. */
	below(node) {
		const sorted = n => this.sort(this.tree.expand(n).slice()).reverse();
		const list = [],
			stack = [sorted(node)];

		node.indent = node.depth ? node.indent : -1;
		while (stack.length) {
			const next = stack[stack.length - 1].pop();

			if (!next) {
				stack.pop();
				continue;
			}
			const { parent } = next;
			next.only =
				parent.depth > 0 && parent.children.length === 1 && !parent.self.some(v => v);
			next.indent = parent.indent + (next.only ? 0 : 1);
			list.push(next);
			if (next.open) stack.push(sorted(next));
		}
		return list;
	}

	setOpen(node) {
		node.open = true;
		this.opened.add(heaptrace.calls.pathOf(node));
	}

	/* Opens a node, and those below it as long as there is only one. */
	open(node) {
		const CHAIN = 64; /* calls at most that open at once */

		for (let n = node, i = 0; i < CHAIN; i++) {
			this.setOpen(n);
			const children = this.tree.expand(n);
			if (children.length !== 1 || !this.tree.has(children[0])) break;
			n = children[0];
		}
	}

	toggle(line) {
		const node = this.list[line];
		let end = line + 1;

		if (node.open) {
			node.open = false;
			this.opened.delete(heaptrace.calls.pathOf(node));
			while (end < this.list.length && this.list[end].depth > node.depth) end++;
			this.list = this.list.slice(0, line + 1).concat(this.list.slice(end));
		} else if (this.tree.has(node)) {
			this.open(node);
			this.list = this.list.slice(0, end).concat(this.below(node), this.list.slice(end));
		}
	}

	openLarge(most) {
		const { root } = this.tree,
			least = Math.abs(root.total[0]) / 100,
			queue = [root];
		let count = 0;

		while (queue.length && count < most) {
			const chain = [queue.shift()];
			let large;

			do {
				large = this.tree
					.expand(chain[chain.length - 1])
					.filter(child => child.total[0] >= least);
				if (large.length === 1) chain.push(large[0]);
			} while (large.length === 1);
			if (large.length === 0) continue;
			for (const node of chain) {
				this.setOpen(node);
				count += node.children.length;
			}
			queue.push(...large);
		}
		this.refresh();
	}

	closeAll() {
		const close = node => {
			node.open = false;
			for (const child of node.children || []) close(child);
		};

		this.opened.clear();
		close(this.tree.root);
		this.refresh();
	}

	follow(path) {
		let node = this.tree.root;

		if (!path) return -1;
		for (const label of path.split(".").map(n => parseInt(n, 36))) {
			const next = this.tree.expand(node).find(child => child.label === label);

			if (!next) return -1;
			if (node.depth) node.open = true;
			node = next;
		}
		this.refresh();
		return this.list.indexOf(node);
	}
};
