/* Integer arithmetic of all widths: multiplication and division, shifts, bits, overflow, numbers of several words. */
#include "checks.h"

#define WIDTH(name, type, unsigned_type)                                                                            \
    static uint64_t name(uint64_t seed, int count) {                                                                \
        uint64_t state = seed, sum = 0;                                                                             \
        for (int i = 0; i < count; i++) {                                                                           \
            unsigned_type a = (unsigned_type)next_random(&state);                                                   \
            unsigned_type b = (unsigned_type)(next_random(&state) >> (i % 56));                                     \
            type sa = (type)a, sb = (type)b, product, difference, total;                                            \
            int bits = (int)sizeof(type) * 8, by = (int)(b % bits);                                                 \
            if (b == 0) b = 1;                                                                                      \
            if (sb == 0 || sb == -1) sb = 3;                                                                        \
            sum = mix(sum, (unsigned_type)(a / b) ^ (unsigned_type)(a % b) << 1);                                   \
            sum = mix(sum, (unsigned_type)(sa / sb) + (unsigned_type)(sa % sb) * 3u);                               \
            sum = mix(sum, (unsigned_type)(a * b) ^ (unsigned_type)(a << by) ^ (unsigned_type)(a >> by));           \
            sum = mix(sum, (unsigned_type)(sa >> by) + (unsigned_type)(a << by | a >> ((bits - by) % bits)));       \
            sum = mix(sum, (uint64_t)__builtin_mul_overflow(sa, sb, &product) + (unsigned_type)product * 2u);       \
            sum = mix(sum, (uint64_t)__builtin_sub_overflow(sa, sb, &difference) + (unsigned_type)difference * 2u); \
            sum = mix(sum, (uint64_t)__builtin_add_overflow(sa, sb, &total) + (unsigned_type)total * 2u);           \
            sum = mix(sum, (uint64_t)((sa < sb) + 2 * (a < b) + 4 * (sa <= sb) + 8 * (a <= b)));                    \
        }                                                                                                           \
        return sum;                                                                                                 \
    }

WIDTH(bytes, int8_t, uint8_t)
WIDTH(words, int16_t, uint16_t)
WIDTH(doublewords, int32_t, uint32_t)
WIDTH(quadwords, int64_t, uint64_t)

static uint64_t bits(int count) {
    uint64_t state = 5, sum = 0;
    for (int i = 0; i < count; i++) {
        uint64_t a = next_random(&state) >> (i % 60) | 1;
        uint32_t b = (uint32_t)a | 0x100;
        sum = mix(sum, (uint64_t)__builtin_popcountll(a) << 8 | (uint64_t)__builtin_clzll(a));
        sum = mix(sum,
                  (uint64_t)__builtin_ctz(b) << 8 | (uint64_t)__builtin_clz(b) | (uint64_t)__builtin_parityll(a) << 20);
        sum = mix(sum, __builtin_bswap64(a) ^ __builtin_bswap32(b) ^ __builtin_bswap16((uint16_t)b));
        sum = mix(sum, (a & (a - 1)) ^ (a & -a) << 1 ^ (a ^ (a - 1)) ^ (~a & (uint64_t)b));
        sum = mix(sum, a >> 7 & ((UINT64_C(1) << (b & 31)) - 1));
    }
    return sum;
}

/* Products of 64 bits from halves, so that it says the same without numbers of 128 bits. */
static uint64_t high_product(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
    return (uint64_t)((unsigned __int128)a * b >> 64);
#else
    uint64_t low = (a & 0xffffffffu) * (b & 0xffffffffu), middle = (a >> 32) * (b & 0xffffffffu) + (low >> 32);
    uint64_t other = (a & 0xffffffffu) * (b >> 32) + (middle & 0xffffffffu);
    return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
#endif
}

/* Factorials as words of 64 bits, divided again by small numbers until 1 is left. */
static uint64_t long_numbers(int count) {
    enum { WORDS = 40 };
    uint64_t number[WORDS] = {1}, sum = 0;
    for (int factor = 2; factor <= count; factor++) {
        uint64_t carry = 0;
        for (int i = 0; i < WORDS; i++) {
            uint64_t low = number[i] * (uint64_t)factor, high = high_product(number[i], (uint64_t)factor);
            number[i] = low + carry;
            carry = high + (number[i] < low);
        }
        for (int i = 0; i < WORDS; i++) sum = mix(sum, number[i]);
    }
    for (int divisor = count; divisor >= 2; divisor--) {
        uint64_t rest = 0;
        for (int i = WORDS * 2 - 1; i >= 0; i--) {
            uint64_t half = number[i / 2] >> (i % 2 * 32) & 0xffffffffu, part = rest << 32 | half;
            uint64_t keep = number[i / 2] & ~(UINT64_C(0xffffffff) << (i % 2 * 32));
            number[i / 2] = keep | part / (uint64_t)divisor << (i % 2 * 32);
            rest = part % (uint64_t)divisor;
        }
        sum = mix(sum, rest);
    }
    return mix(sum, number[0]);
}

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1) result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

/* Miller's and Rabin's test below 2^32, and Euclid's algorithm with its factors. */
static uint64_t primes(int count) {
    static const uint32_t witnesses[] = {2, 3, 5, 7};
    uint64_t state = 6, sum = 0;
    for (int i = 0; i < count; i++) {
        uint32_t n = (uint32_t)next_random(&state) | 1;
        if (n < 9) continue;
        uint32_t odd = n - 1;
        int twos = __builtin_ctz(odd), is_prime = 1;
        odd >>= twos;
        for (int w = 0; w < 4 && is_prime; w++) {
            uint64_t x = power(witnesses[w], odd, n);
            int composite = x != 1 && x != n - 1;
            for (int t = 1; t < twos && composite; t++) composite = (x = x * x % n) != n - 1;
            is_prime = !composite;
        }
        int64_t r0 = n, r1 = (int64_t)(next_random(&state) >> 33) | 1, s0 = 1, s1 = 0;
        while (r1 != 0) {
            int64_t quotient = r0 / r1, r = r0 % r1, s = s0 - quotient * s1;
            r0 = r1, r1 = r, s0 = s1, s1 = s;
        }
        sum = mix(sum, (uint64_t)is_prime << 40 | (uint64_t)r0);
        sum = mix(sum, (uint64_t)s1);
    }
    return sum;
}

static uint64_t sieve(void) {
    static uint8_t composite[60000];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sizeof composite; i++) composite[i] = i < 2;
    for (uint32_t i = 2; i < sizeof composite; i++) {
        if (composite[i]) continue;
        for (uint32_t j = i * i; i < 300 && j < sizeof composite; j += i) composite[j] = 1;
        sum = mix(sum, i);
    }
    return sum;
}

static uint64_t collatz(int count) {
    uint64_t longest = 0, sum = 0;
    for (uint64_t start = 1; start < (uint64_t)count; start++) {
        uint64_t n = start, steps = 0;
        for (; n != 1; steps++) n = n & 1 ? 3 * n + 1 : n / 2;
        if (steps > longest) longest = steps, sum = mix(sum, start << 16 | steps);
    }
    return sum;
}

void check_integers(void) {
    report("8 bits", bytes(1, 6000 * rounds));
    report("16 bits", words(2, 6000 * rounds));
    report("32 bits", doublewords(3, 6000 * rounds));
    report("64 bits", quadwords(4, 6000 * rounds));
    report("bits", bits(6000 * rounds));
    report("long numbers", long_numbers(160));
    report("primes", primes(400 * rounds));
    report("sieve", sieve());
    report("collatz", collatz(4000 * rounds));
}
