/* The environment of floating point: directions of rounding, exceptions that are raised, and both in the two units. */
#include "checks.h"

#include <fenv.h>
#include <math.h>

/* The compiler must not compute across a change of the direction. */
#define KEPT(type, value)                   \
    ({                                      \
        type kept_ = (value);               \
        __asm__ volatile("" : "+m"(kept_)); \
        kept_;                              \
    })

static const int directions[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};

static uint64_t all_directions(int count) {
    uint64_t state = 51, sum = 0;
    for (int n = 0; n < count; n++) {
        double a = (random_unit(&state) - 0.5) * 1e6, b = random_unit(&state) * 3;
        float c = (float)a, d = (float)b;
        for (int k = 0; k < 4; k++) {
            fesetround(directions[k]);
            double x = KEPT(double, a), y = KEPT(double, b);
            float z = KEPT(float, c), w = KEPT(float, d);
            sum = mix_double(sum, KEPT(double, x + y));
            sum = mix_double(sum, KEPT(double, x *y));
            sum = mix_double(sum, KEPT(double, x / y));
            sum = mix_double(sum, KEPT(double, sqrt(y)));
            sum = mix_float(sum, KEPT(float, z - w));
            sum = mix_float(sum, KEPT(float, z / w));
            sum = mix_float(sum, KEPT(float, (float)x));
            sum = mix_double(mix_double(sum, rint(x)), nearbyint(-y));
            sum = mix(mix(sum, (uint64_t)lrint(x)), (uint64_t)llrintf(w));
            sum = mix_double(mix_double(sum, floor(x)), ceil(y));
            sum = mix_double(mix_float(sum, truncf(z)), round(x));
            long double l = KEPT(long double, (long double)x), m = KEPT(long double, (long double)y / 3);
            sum = mix_double(sum, (double)KEPT(long double, l *m));
            sum = mix_double(sum, (double)KEPT(long double, rintl(l)));
        }
        fesetround(FE_TONEAREST);
    }
    return sum;
}

static uint64_t raised(void) {
    static const double values[] = {0, 1, -1, 0.1, 3, 1e308, -1e308, 1e-308, 5e-324, HUGE_VAL, -HUGE_VAL, NAN};
    enum { VALUES = sizeof values / sizeof *values };
    uint64_t sum = 0;
#define RAISED_BY(type, value) \
    (feclearexcept(FE_ALL_EXCEPT), (void)KEPT(type, value), (uint64_t)fetestexcept(FE_ALL_EXCEPT))
    for (int i = 0; i < VALUES; i++)
        for (int j = 0; j < VALUES; j++) {
            double a = KEPT(double, values[i]), b = KEPT(double, values[j]);
            sum = mix(mix(sum, RAISED_BY(double, a + b)), RAISED_BY(double, a *b));
            sum = mix(mix(sum, RAISED_BY(double, a / b)), RAISED_BY(double, sqrt(a)));
            sum = mix(mix(sum, RAISED_BY(float, (float)a)), RAISED_BY(int, a < b));
            sum = mix(mix(sum, RAISED_BY(int, a == b)), RAISED_BY(long double, (long double)a / (long double)b));
            sum = mix(mix(sum, RAISED_BY(int32_t, (int32_t)a)), RAISED_BY(float, (float)a *(float)b));
        }
    return sum;
}

/* Environments are kept and brought back with what was raised in them. */
static uint64_t environments(void) {
    fenv_t kept;
    fexcept_t flags;
    uint64_t sum = 0;
    for (int k = 0; k < 4; k++) {
        feclearexcept(FE_ALL_EXCEPT);
        fesetround(directions[k]);
        (void)KEPT(double, KEPT(double, 1) / KEPT(double, 3));
        feholdexcept(&kept);
        (void)KEPT(double, KEPT(double, 1) / KEPT(double, 0));
        fegetexceptflag(&flags, FE_DIVBYZERO | FE_INEXACT);
        sum = mix(sum, (uint64_t)fetestexcept(FE_ALL_EXCEPT) << 16 | (uint64_t)fegetround());
        feupdateenv(&kept);
        sum = mix(sum, (uint64_t)fetestexcept(FE_ALL_EXCEPT));
        feclearexcept(FE_ALL_EXCEPT);
        fesetexceptflag(&flags, FE_DIVBYZERO);
        feraiseexcept(FE_UNDERFLOW);
        sum = mix(sum, (uint64_t)fetestexcept(FE_ALL_EXCEPT));
        fesetenv(FE_DFL_ENV);
    }
    feclearexcept(FE_ALL_EXCEPT);
    return sum;
}

void check_rounding(void) {
    report("all directions", all_directions(250 * rounds));
    report("raised", raised());
    report("environments", environments());
    fesetround(FE_TONEAREST);
}
