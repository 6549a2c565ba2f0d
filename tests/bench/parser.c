/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recursive descent parser of arithmetic, on a text that it makes itself: builds the syntax tree of each line, adds
 * it up, and frees it.
 *
 *	parser [LINES [ROUNDS]]
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tree {
	char kind;		/* + - * / of two, ~ of one, n a number, v a variable */
	long value;
	char *name;
	struct tree *left, *right;
};

static const char *at;

static struct tree *expression(void);

static struct tree *leaf(char kind)
{
	struct tree *t = calloc(1, sizeof(*t));

	t->kind = kind;
	return t;
}

static struct tree *branch(char kind, struct tree *left, struct tree *right)
{
	struct tree *t = malloc(sizeof(*t));

	*t = (struct tree){ .kind = kind, .left = left, .right = right };
	return t;
}

static struct tree *primary(void)
{
	struct tree *t;

	if (*at == '(') {
		at++;
		t = expression();
		at++;
		return t;
	}
	if (*at == '-') {
		at++;
		return branch('~', primary(), NULL);
	}
	if (isalpha((unsigned char)*at)) {
		const char *from = at;

		while (isalpha((unsigned char)*at))
			at++;
		t = leaf('v');
		t->name = malloc((size_t)(at - from) + 1);
		memcpy(t->name, from, (size_t)(at - from));
		t->name[at - from] = 0;
		return t;
	}
	t = leaf('n');
	while (isdigit((unsigned char)*at))
		t->value = t->value * 10 + (*at++ - '0');
	return t;
}

static struct tree *term(void)
{
	struct tree *t = primary();

	while (*at == '*' || *at == '/') {
		char kind = *at++;

		t = branch(kind, t, primary());
	}
	return t;
}

static struct tree *expression(void)
{
	struct tree *t = term();

	while (*at == '+' || *at == '-') {
		char kind = *at++;

		t = branch(kind, t, term());
	}
	return t;
}

static long value_of(const struct tree *t)
{
	long right;

	switch (t->kind) {
	case 'n':
		return t->value;
	case 'v':
		return (long)strlen(t->name);
	case '~':
		return -value_of(t->left);
	case '+':
		return value_of(t->left) + value_of(t->right);
	case '-':
		return value_of(t->left) - value_of(t->right);
	case '*':
		return (value_of(t->left) * value_of(t->right)) % 1000003;
	default:
		right = value_of(t->right);
		return right ? value_of(t->left) / right : 0;
	}
}

static void destroy(struct tree *t)
{
	if (!t)
		return;
	destroy(t->left);
	destroy(t->right);
	free(t->name);
	free(t);
}

static uint64_t seed = 88172645463325252u;

static unsigned random_below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 24) % n);
}

/* Writes an expression with at most so many levels of parentheses. */
static char *write_expression(char *to, int levels)
{
	unsigned terms = 1 + random_below(3);

	for (unsigned i = 0; i < terms; i++) {
		if (i)
			*to++ = "+-*/"[random_below(4)];
		if (levels && random_below(3)) {
			*to++ = '(';
			to = write_expression(to, levels - 1);
			*to++ = ')';
		} else if (random_below(4)) {
			to += sprintf(to, "%u", random_below(1000));
		} else {
			to += sprintf(to, "name%c", 'a' + (int)random_below(26));
		}
	}
	*to = 0;
	return to;
}

int main(int argc, char **argv)
{
	int lines = argc > 1 ? atoi(argv[1]) : 200, rounds = argc > 2 ? atoi(argv[2]) : 20;
	char **text = malloc(sizeof(*text) * (size_t)lines), *line = malloc(1 << 20);
	long sum = 0;

	for (int i = 0; i < lines; i++) {
		write_expression(line, 6);
		text[i] = strdup(line);
	}
	for (int r = 0; r < rounds; r++) {
		for (int i = 0; i < lines; i++) {
			struct tree *t;

			at = text[i];
			t = expression();
			sum += value_of(t);
			destroy(t);
		}
	}
	printf("%ld\n", sum);
	for (int i = 0; i < lines; i++)
		free(text[i]);
	free(text);
	free(line);
	return 0;
}
