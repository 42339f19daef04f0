/* The functions of libm in double and float, over small and large numbers and the edges of where they are defined. */
#define _GNU_SOURCE
#include "checks.h"

#include <math.h>

/* In 32-bit code most of them end in an instruction of the x87 that approximates. */
#ifdef __i386__
#define MIX_RESULT mix_approximated
#else
#define MIX_RESULT mix_double
#endif

typedef double (*of_double)(double);
typedef float (*of_float)(float);
typedef double (*of_two)(double, double);
typedef float (*of_two_floats)(float, float);

static const double edges[] = {0,    -0.0, 1,    -1,       0.5,       0x1p-1074, 0x1p-1022, 1e-20, 709, 710,
                               -745, -746, 1e22, HUGE_VAL, -HUGE_VAL, NAN,       171.5,     3,     -2.5};
enum { EDGES = sizeof edges / sizeof *edges };

static uint64_t of_doubles(of_double function, int count) {
    uint64_t state = 81, sum = 0;
    for (int i = 0; i < EDGES; i++) sum = MIX_RESULT(sum, function(edges[i]));
    for (int i = 0; i < count; i++) {
        double x = random_unit(&state);
        sum = MIX_RESULT(MIX_RESULT(sum, function(x)), function(-x * 20));
        sum = MIX_RESULT(MIX_RESULT(sum, function(x * 1e5)), function(ldexp(x, i % 200 - 100)));
    }
    return sum;
}

static uint64_t of_floats(of_float function, int count) {
    uint64_t state = 82, sum = 0;
    for (int i = 0; i < EDGES; i++) sum = mix_float(sum, function((float)edges[i]));
    for (int i = 0; i < count; i++) {
        float x = (float)random_unit(&state);
        sum = mix_float(mix_float(sum, function(x)), function(-x * 20));
        sum = mix_float(mix_float(sum, function(x * 1e5f)), function(ldexpf(x, i % 100 - 50)));
    }
    return sum;
}

static uint64_t of_pairs(of_two function, of_two_floats float_function, int count) {
    uint64_t state = 83, sum = 0;
    for (int i = 0; i < EDGES; i++)
        for (int j = 0; j < EDGES; j++) {
            sum = MIX_RESULT(sum, function(edges[i], edges[j]));
            sum = mix_float(sum, float_function((float)edges[i], (float)edges[j]));
        }
    for (int i = 0; i < count; i++) {
        double x = random_unit(&state) * 10, y = (random_unit(&state) - 0.5) * (1 << i % 12);
        sum = MIX_RESULT(MIX_RESULT(sum, function(x, y)), function(y, x));
        sum = mix_float(mix_float(sum, float_function((float)x, (float)y)), float_function((float)y, (float)x));
    }
    return sum;
}

static uint64_t others(int count) {
    uint64_t state = 84, sum = 0;
    for (int i = 0; i < count; i++) {
        double x = (random_unit(&state) - 0.5) * 1e3, y = random_unit(&state) * 7, z = random_unit(&state), whole, sine,
               cosine;
        int exponent, quotient;
        sum = mix_double(mix_double(sum, fma(x, y, z)), frexp(x, &exponent));
        sum = mix_double(mix(sum, (uint64_t)exponent), modf(x, &whole));
        sum = mix_double(mix_double(sum, whole), remquo(x, y, &quotient));
        sum = mix(mix(sum, (uint64_t)(quotient & 7)), (uint64_t)ilogb(z));
        sincos(x, &sine, &cosine);
        sum = mix_double(mix_double(sum, sine), cosine);
        sum = mix_double(mix_double(sum, scalbn(x, i % 2000 - 1000)), jn(2, y));
        sum = mix_float(mix_float(sum, fmaf((float)x, (float)y, (float)-z)), nextafterf((float)x, 0));
        sum = mix(mix_double(sum, nextafter(x, y)), (uint64_t)lround(x));
    }
    return sum;
}

void check_library(void) {
#define ONE(name)            \
    {                        \
        #name, name, name##f \
    }
    static const struct {
        const char *name;
        of_double function;
        of_float float_function;
    } ones[] = {
        ONE(sin),   ONE(cos),       ONE(tan),    ONE(asin),  ONE(acos),  ONE(atan),      ONE(sinh),
        ONE(cosh),  ONE(tanh),      ONE(asinh),  ONE(acosh), ONE(atanh), ONE(exp),       ONE(exp2),
        ONE(expm1), ONE(log),       ONE(log2),   ONE(log10), ONE(log1p), ONE(sqrt),      ONE(cbrt),
        ONE(erf),   ONE(erfc),      ONE(tgamma), ONE(floor), ONE(ceil),  ONE(round),     ONE(trunc),
        ONE(rint),  ONE(nearbyint), ONE(logb),   ONE(j0),    ONE(y1),    ONE(roundeven),
    };
#define TWO(name)            \
    {                        \
        #name, name, name##f \
    }
    static const struct {
        const char *name;
        of_two function;
        of_two_floats float_function;
    } twos[] = {TWO(atan2), TWO(pow),  TWO(fmod), TWO(remainder), TWO(hypot),
                TWO(fmin),  TWO(fmax), TWO(fdim), TWO(copysign)};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        report(ones[i].name,
               mix(of_doubles(ones[i].function, 40 * rounds), of_floats(ones[i].float_function, 40 * rounds)));
    for (size_t i = 0; i < sizeof twos / sizeof *twos; i++)
        report(twos[i].name, of_pairs(twos[i].function, twos[i].float_function, 60 * rounds));
    report("others", others(100 * rounds));
}
