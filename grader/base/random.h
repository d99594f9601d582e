/* base/random.h: numbers that follow from a seed and a place, the same on every machine and in every order of asking. */
#ifndef GRADER_BASE_RANDOM_H
#define GRADER_BASE_RANDOM_H

#include <stdint.h>

/* The number-th output, from 1, of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)
 * started with that seed: small, well mixed, and easy to write down again in any language. */
uint64_t random_at(uint64_t seed, uint64_t number);

/* The same as a share: 0 <= share < 1. */
double random_share(uint64_t seed, uint64_t number);

#endif
