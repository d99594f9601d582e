/* base/random.c: see random.h. */
#include "base/random.h"

uint64_t random_at(uint64_t seed, uint64_t number)
{
    uint64_t z = seed + number * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double random_share(uint64_t seed, uint64_t number)
{
    return (double)(random_at(seed, number) >> 11) * 0x1p-53;
}
