/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic with large numbers, each of which is a small block of its own: the steps of Pollard's rho for a factor of
 * 2^P - 1. Does little else but allocate, calculate a few digits, and free. Prints a sum of digits that it came by.
 *
 *	numbers [STEPS [P]]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* digit[0] is the least, of base 2^32. */
struct number {
	int digits;
	uint32_t digit[];
};

static struct number *zero(int digits)
{
	struct number *n = calloc(1, sizeof(*n) + sizeof(*n->digit) * (size_t)digits);

	n->digits = digits;
	return n;
}

static struct number *small(uint32_t value)
{
	struct number *n = zero(1);

	n->digit[0] = value;
	return n;
}

static uint32_t digit_or_0(const struct number *a, int i)
{
	return i < a->digits ? a->digit[i] : 0;
}

static struct number *sum(const struct number *a, const struct number *b)
{
	int digits = a->digits > b->digits ? a->digits : b->digits;
	struct number *n = zero(digits + 1);
	uint64_t carry = 0;

	for (int i = 0; i <= digits; i++) {
		carry += (uint64_t)digit_or_0(a, i) + digit_or_0(b, i);
		n->digit[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return n;
}

static struct number *product(const struct number *a, const struct number *b)
{
	struct number *n = zero(a->digits + b->digits);

	for (int i = 0; i < a->digits; i++) {
		uint64_t carry = 0;

		for (int j = 0; j < b->digits; j++) {
			carry += (uint64_t)a->digit[i] * b->digit[j] + n->digit[i + j];
			n->digit[i + j] = (uint32_t)carry;
			carry >>= 32;
		}
		n->digit[i + b->digits] = (uint32_t)carry;
	}
	return n;
}

/* So many bits of a number from a bit on, as one of its own. */
static struct number *bits(const struct number *a, int from, int count)
{
	struct number *n = zero((count + 31) / 32);

	for (int i = 0; i < n->digits; i++) {
		int at = from / 32 + i;
		uint64_t two = digit_or_0(a, at) | (uint64_t)digit_or_0(a, at + 1) << 32;

		n->digit[i] = (uint32_t)(two >> from % 32);
	}
	if (count % 32)
		n->digit[n->digits - 1] &= (1u << count % 32) - 1;
	return n;
}

/* Modulo 2^p - 1, or that itself for 0: the halves of what has up to 2 p bits are added. Takes a over. */
static struct number *reduced(struct number *a, int p)
{
	for (int round = 0; round < 2; round++) {
		struct number *low = bits(a, 0, p), *high = bits(a, p, p), *both = sum(low, high);

		free(a);
		free(low);
		free(high);
		a = both;
	}
	return a;
}

/* x * x + c */
static struct number *next(struct number *x, const struct number *c, int p)
{
	struct number *square = reduced(product(x, x), p), *n = reduced(sum(square, c), p);

	free(square);
	free(x);
	return n;
}

int main(int argc, char **argv)
{
	long steps = argc > 1 ? atol(argv[1]) : 100000;
	int p = argc > 2 ? atoi(argv[2]) : 67;
	struct number *slow = small(2), *fast = small(2), *c = small(1);
	uint64_t least = 0;

	for (long i = 0; i < steps; i++) {
		slow = next(slow, c, p);
		fast = next(next(fast, c, p), c, p);
		least += slow->digit[0] ^ fast->digit[0];
	}
	printf("%llu\n", (unsigned long long)least);
	free(slow);
	free(fast);
	free(c);
	return 0;
}
