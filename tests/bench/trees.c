/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recursion with many distinct stacks: binary trees, each node allocated by the call that its depth stands for, built
 * and freed again and again. A tree of depth D has 2^(D+1) - 1 nodes, and as many distinct stacks.
 *
 *	trees DEPTH ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>

struct node {
	struct node *left, *right;
	long value;
};

static __attribute__((noinline)) struct node *build(int depth)
{
	struct node *n = malloc(sizeof(*n));

	n->value = depth;
	n->left = depth ? build(depth - 1) : NULL;
	n->right = depth ? build(depth - 1) : NULL;
	return n;
}

static __attribute__((noinline)) long take_down(struct node *n)
{
	long sum = 1;

	if (n->left)
		sum += take_down(n->left);
	if (n->right)
		sum += take_down(n->right);
	free(n);
	return sum;
}

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 10, rounds = argc > 2 ? atoi(argv[2]) : 100;
	long nodes = 0;

	for (int i = 0; i < rounds; i++)
		nodes += take_down(build(depth));
	printf("%ld\n", nodes);
	return 0;
}
