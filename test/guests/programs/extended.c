/* Numbers of 80 bits: long double in memory and in registers, its functions, and the x87's own instructions. */
#include "checks.h"

#include <complex.h>
#include <math.h>
#include <string.h>

static uint64_t mix_extended(uint64_t sum, long double value) {
    uint64_t words[2] = {0};
    if (value != value) return mix(sum, 0x7fffu);
    memcpy(words, &value, 10);
    return mix(mix(sum, words[0]), words[1]);
}

static uint64_t arithmetic(int count) {
    long double total = 0, product = 1, matrix[6][6];
    uint64_t state = 61, sum = 0;
    for (int i = 0; i < count; i++) {
        uint64_t random = next_random(&state);
        long double a = (long double)(int64_t)random, b = (long double)next_random(&state) + 0.5L;
        sum = mix_extended(mix_extended(sum, a + b), a - b);
        sum = mix_extended(mix_extended(sum, a * b), a / b);
        sum = mix_extended(mix_extended(sum, sqrtl(b)), fmodl(a, b / 1e9L));
        sum = mix_extended(mix_extended(sum, a / (double)b), b * (int32_t)random);
        sum = mix_extended(mix_extended(sum, a + (float)b), b - (int16_t)random);
        sum = mix(sum, (uint64_t)((a < b) | (a == b) << 1 | (fabsl(a) > b) << 2));
        sum = mix(mix(sum, (uint64_t)(int64_t)(a / 3)), (uint64_t)(b / 5));
        total += a / 7, product *= 1 + 1 / (b + 1e12L);
        sum = mix_extended(mix_extended(sum, total), product);
    }
    for (int i = 0; i < 36; i++) matrix[i / 6][i % 6] = (long double)(i * i % 11) / 7 + (i % 7 == 0);
    for (int k = 0; k < 6; k++)
        for (int i = k + 1; i < 6; i++)
            for (int j = 5; j >= k; j--) matrix[i][j] -= matrix[k][j] * matrix[i][k] / matrix[k][k];
    for (int i = 0; i < 36; i++) sum = mix_extended(sum, matrix[i / 6][i % 6]);
    return sum;
}

static uint64_t roundings(int count) {
    uint64_t state = 62, sum = 0;
    for (int i = 0; i < count; i++) {
        long double a = ((long double)(int64_t)next_random(&state)) * 0x1p-40L;
        long double whole;
        int exponent;
        sum = mix_extended(mix_extended(sum, floorl(a)), ceill(a));
        sum = mix_extended(mix_extended(sum, truncl(a)), roundl(a));
        sum = mix_extended(mix_extended(sum, rintl(a)), modfl(a, &whole));
        sum = mix_extended(sum, whole);
        sum = mix_extended(sum, frexpl(a, &exponent));
        sum = mix_extended(mix(sum, (uint64_t)exponent), ldexpl(a, i % 300 - 150));
        sum = mix_extended(mix_extended(sum, remainderl(a, 3.7L)), nextafterl(a, 0));
        sum = mix_extended(mix_extended(sum, scalbnl(a, -16000)), logbl(a));
        sum = mix_extended(mix_extended(sum, fmal(a, a, -a)), fdiml(a, 1));
        sum = mix_float(mix_double(sum, (double)a), (float)a);
    }
    return sum;
}

static uint64_t functions(int count) {
    uint64_t state = 63, sum = 0;
    for (int i = 0; i < count; i++) {
        long double a = (long double)random_unit(&state) * 4 + 0.01L, b = (long double)random_unit(&state) * 2 - 1;
        sum = mix_approximated(mix_approximated(sum, sinl(a)), cosl(a));
        sum = mix_approximated(mix_approximated(sum, tanl(b)), atanl(a));
        sum = mix_approximated(mix_approximated(sum, atan2l(b, a)), asinl(b));
        sum = mix_approximated(mix_approximated(sum, logl(a)), log2l(a));
        sum = mix_approximated(mix_approximated(sum, log10l(a)), log1pl(a));
        sum = mix_approximated(mix_approximated(sum, expl(b)), exp2l(b));
        sum = mix_approximated(mix_approximated(sum, expm1l(b)), powl(a, b));
        sum = mix_approximated(mix_approximated(sum, sinhl(b)), tanhl(b));
        sum = mix_approximated(mix_approximated(sum, cbrtl(a)), hypotl(a, b));
        sum = mix_approximated(mix_approximated(sum, erfl(b)), erfcl(a));
    }
    return sum;
}

static uint64_t instructions(int count) {
    uint64_t state = 64, sum = 0;
    for (int i = 0; i < count; i++) {
        long double a = (long double)random_unit(&state), b = (long double)(i % 50) + a, x, y;
        __asm__("fsincos" : "=t"(x), "=u"(y) : "0"(b));
        sum = mix_approximated(mix_approximated(sum, x), y);
        __asm__("fpatan" : "=t"(x) : "0"(a), "u"(b) : "st(1)");
        sum = mix_approximated(sum, x);
        __asm__("fyl2x" : "=t"(x) : "0"(b + 1), "u"(a) : "st(1)");
        sum = mix_approximated(sum, x);
        __asm__("fyl2xp1" : "=t"(x) : "0"(a / 4), "u"(b) : "st(1)");
        sum = mix_approximated(sum, x);
        __asm__("f2xm1" : "=t"(x) : "0"(a));
        sum = mix_approximated(sum, x);
        __asm__("fptan\n\tfstp %%st(0)" : "=t"(x) : "0"(a));
        sum = mix_approximated(sum, x);
        __asm__("fscale" : "=t"(x) : "0"(a), "u"(b));
        sum = mix_extended(sum, x);
        __asm__("fxtract" : "=t"(x), "=u"(y) : "0"(b + 0.25L));
        sum = mix_extended(mix_extended(sum, x), y);
        __asm__("1: fprem\n\tfnstsw %%ax\n\tsahf\n\tjp 1b" : "=t"(x) : "0"(b * 1e15L), "u"(a + 0.5L) : "ax", "cc");
        sum = mix_extended(sum, x);
        __asm__("fprem1" : "=t"(x) : "0"(b), "u"(a + 0.5L));
        sum = mix_extended(sum, x);
        uint8_t decimal[10];
        __asm__("fbstp %0" : "=m"(decimal) : "t"(b * 123456789012345.0L) : "st");
        sum = mix_bytes(sum, decimal, sizeof decimal);
        __asm__("fbld %1" : "=t"(x) : "m"(decimal));
        sum = mix_extended(sum, x);
    }
    return sum;
}

static uint64_t complex_numbers(int count) {
    double _Complex z = 0.3 + 0.4 * I, w = 1;
    long double _Complex l = 0.1L + 0.2L * I;
    uint64_t sum = 0;
    for (int i = 1; i <= count; i++) {
        z = z * z + (0.25 - 0.3 * I) / (double)i;
        w = w * (z - 0.5) / (1.5 + 0.1 * I);
        l = l * l - (0.4L + 0.3L * I) / (long double)i;
        sum = mix_double(mix_double(sum, creal(z)), cimag(w));
        sum = mix_extended(mix_extended(sum, creall(l)), cimagl(conjl(l)));
    }
    return sum;
}

/* The whole state is written, spoiled and brought back. */
static uint64_t saved_state(void) {
    static uint8_t image[108], moved[28];
    uint64_t sum = 0;
    long double x, y;
    __asm__ volatile("fldpi\n\tfldl2e\n\tfldln2\n\tfchs\n\tfnsave %2\n\tfld1\n\tfldz\n\tfrstor %2\n\tfnstenv "
                     "%3\n\tfldenv %3\n\tfaddp"
                     : "=t"(x), "=u"(y), "+m"(image), "=m"(moved));
    sum = mix_extended(mix_extended(sum, x), y);
    __asm__ volatile("fstp %%st(0)" ::: "st");
    /* Control, status and tags; the pointers behind them are addresses. */
    sum = mix_bytes(mix_bytes(sum, image, 2), image + 4, 2);
    sum = mix_bytes(mix_bytes(sum, image + 8, 2), image + 28, 30);
    return sum;
}

void check_extended(void) {
    report("arithmetic", arithmetic(800 * rounds));
    report("roundings", roundings(200 * rounds));
    report("functions", functions(25 * rounds));
    report("instructions", instructions(100 * rounds));
    report("complex numbers", complex_numbers(400 * rounds));
    report("saved state", saved_state());
}
