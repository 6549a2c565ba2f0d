# SPDX-License-Identifier: GPL-2.0-only
# Python at work: text, json, re, objects, sorting by keys, generators; argument: rounds.
import collections
import json
import re
import sys


class Node:
    def __init__(self, key, value):
        self.key, self.value = key, value
        self.left = self.right = None


def insert(root, key, value):
    if root is None:
        return Node(key, value)
    node = root
    while node.key != key:
        side = 'left' if key < node.key else 'right'
        child = getattr(node, side)
        if child is None:
            child = Node(key, value)
            setattr(node, side, child)
        node = child
    node.value = value
    return root


def in_order(node):
    if node is not None:
        yield from in_order(node.left)
        yield node.key, node.value
        yield from in_order(node.right)


def one_round(seed):
    words = []
    for i in range(2000):
        seed = seed * 1103515245 + 12345 & 0x7fffffff
        words.append('w%d-%s' % (seed % 997, chr(97 + seed // 997 % 26) * (i % 7 + 1)))
    text = ' '.join(words)
    counts = collections.Counter(re.findall(r'w(\d+)-(\w)', text))
    records = [{'id': i, 'key': list(k), 'n': n, 'half': n / 2} for i, (k, n) in enumerate(counts.items())]
    again = json.loads(json.dumps(records, indent=1))
    again.sort(key=lambda r: (r['n'], r['key'][0], -r['id']))
    root = None
    for record in again:
        root = insert(root, hash((record['id'] * 7919) % 10007), tuple(record['key']))
    total = sum(k * len(v) for k, v in in_order(root))
    lines = [re.sub(r'-(\w)', lambda m: '_' + m.group(1).upper(), w).split('_') for w in words]
    return total + sum(len(a) * len(b) for a, b in lines) + len({frozenset(x) for x in lines})


print(sum(one_round(i) for i in range(int(sys.argv[1]))))
