/* Kernels in double and float: matrices, Fourier's transform, bodies, fractals, sums, conversions, special values. */
#include "checks.h"

#include <math.h>
#include <string.h>

enum { N = 24, POINTS = 256 };

#define LINEAR(name, real, mix_real)                                                                         \
    static uint64_t name(int count) {                                                                        \
        static real a[N][N], b[N][N], c[N][N];                                                               \
        uint64_t state = 41, sum = 0;                                                                        \
        for (int n = 0; n < count; n++) {                                                                    \
            for (int i = 0; i < N; i++)                                                                      \
                for (int j = 0; j < N; j++) {                                                                \
                    a[i][j] = (real)(random_unit(&state) - 0.5);                                             \
                    b[i][j] = (real)(random_unit(&state) * 8);                                               \
                    c[i][j] = 0;                                                                             \
                }                                                                                            \
            for (int i = 0; i < N; i++)                                                                      \
                for (int k = 0; k < N; k++)                                                                  \
                    for (int j = 0; j < N; j++) c[i][j] += a[i][k] * b[k][j];                                \
            for (int k = 0; k < N; k++) {                                                                    \
                int pivot = k;                                                                               \
                for (int i = k + 1; i < N; i++)                                                              \
                    if ((c[i][k] < 0 ? -c[i][k] : c[i][k]) > (c[pivot][k] < 0 ? -c[pivot][k] : c[pivot][k])) \
                        pivot = i;                                                                           \
                for (int j = 0; j < N; j++) {                                                                \
                    real other = c[k][j];                                                                    \
                    c[k][j] = c[pivot][j];                                                                   \
                    c[pivot][j] = other;                                                                     \
                }                                                                                            \
                for (int i = k + 1; i < N; i++) {                                                            \
                    real factor = c[i][k] /= c[k][k];                                                        \
                    for (int j = k + 1; j < N; j++) c[i][j] -= factor * c[k][j];                             \
                }                                                                                            \
            }                                                                                                \
            for (int i = 0; i < N; i++)                                                                      \
                for (int j = 0; j < N; j++) sum = mix_real(sum, c[i][j]);                                    \
        }                                                                                                    \
        return sum;                                                                                          \
    }

LINEAR(linear_double, double, mix_double)
LINEAR(linear_float, float, mix_float)

/* In place, by halves; the roots of unity by repeated half angles, so that no library function has a part in it. */
static void transform(double *re, double *im, int count, double sign) {
    for (int i = 1, j = 0; i < count; i++) {
        int bit = count >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i >= j) continue;
        double r = re[i], s = im[i];
        re[i] = re[j], im[i] = im[j], re[j] = r, im[j] = s;
    }
    double cosine = -1, sine = 0;
    for (int size = 2; size <= count; size *= 2) {
        for (int start = 0; start < count; start += size) {
            double wr = 1, wi = 0;
            for (int k = start; k < start + size / 2; k++) {
                int other = k + size / 2;
                double r = re[other] * wr - im[other] * wi, s = re[other] * wi + im[other] * wr,
                       next = wr * cosine - wi * sine;
                re[other] = re[k] - r, im[other] = im[k] - s, re[k] += r, im[k] += s;
                wi = wr * sine + wi * cosine, wr = next;
            }
        }
        double half = sqrt((1 + cosine) / 2);
        sine = cosine == -1 ? sign : sine / (2 * half);
        cosine = half;
    }
}

static uint64_t fourier(int count) {
    double re[POINTS], im[POINTS];
    uint64_t state = 42, sum = 0;
    for (int i = 0; i < POINTS; i++) re[i] = random_unit(&state) * 100, im[i] = random_unit(&state) - 0.5;
    for (int n = 0; n < count; n++) {
        transform(re, im, POINTS, 1);
        for (int i = 0; i < POINTS; i++) sum = mix_double(mix_double(sum, re[i]), im[i]);
        transform(re, im, POINTS, -1);
        for (int i = 0; i < POINTS; i++) sum = mix_double(mix_double(sum, re[i] /= POINTS), im[i] /= POINTS);
    }
    return sum;
}

static uint64_t bodies(int count) {
    enum { BODIES = 8 };
    double place[BODIES][3], speed[BODIES][3], mass[BODIES];
    uint64_t state = 43, sum = 0;
    for (int i = 0; i < BODIES; i++) {
        mass[i] = random_unit(&state) + 0.1;
        for (int k = 0; k < 3; k++) place[i][k] = random_unit(&state) * 10, speed[i][k] = random_unit(&state) - 0.5;
    }
    for (int n = 0; n < count; n++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                double d[3], square = 1e-3;
                for (int k = 0; k < 3; k++) d[k] = place[i][k] - place[j][k], square += d[k] * d[k];
                double pull = 0.01 / (square * sqrt(square));
                for (int k = 0; k < 3; k++) speed[i][k] -= d[k] * mass[j] * pull, speed[j][k] += d[k] * mass[i] * pull;
            }
        for (int i = 0; i < BODIES; i++)
            for (int k = 0; k < 3; k++) sum = mix_double(sum, place[i][k] += 0.01 * speed[i][k]);
    }
    return sum;
}

static uint64_t fractal(int size) {
    uint64_t sum = 0;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            float cr = (float)x * 3.0f / (float)size - 2.25f, ci = (float)y * 2.5f / (float)size - 1.25f, r = 0, i = 0;
            uint64_t steps = 0;
            for (; steps < 60 && r * r + i * i < 4; steps++) {
                float next = r * r - i * i + cr;
                i = 2 * r * i + ci, r = next;
            }
            sum = mix(sum, steps);
        }
    return sum;
}

/* All conversions between whole numbers and both kinds, from values that fit. */
static uint64_t conversions(int count) {
    uint64_t state = 44, sum = 0;
    for (int i = 0; i < count; i++) {
        uint64_t random = next_random(&state);
        int64_t whole = (int64_t)random >> (random & 63);
        uint64_t natural = next_random(&state) >> (random >> 8 & 63);
        double d = (double)whole, e = (double)natural;
        float f = (float)whole, g = (float)natural;
        sum = mix_double(mix_double(sum, d), e);
        sum = mix_float(mix_float(sum, f), g);
        sum = mix_float(mix_double(sum, (double)f * 1.1), (float)(e / 3));
        sum = mix_double(mix_float(sum, (float)(int32_t)whole), (double)(uint32_t)natural);
        d /= 3, e /= 7, f /= 3, g /= 7;
        sum = mix(mix(sum, (uint64_t)(int64_t)d), (uint64_t)e);
        sum = mix(mix(sum, (uint64_t)(int64_t)f), (uint64_t)g);
        sum = mix(mix(sum, (uint64_t)(int32_t)(d / 4294967296)), (uint32_t)(e / 4294967296));
        sum = mix(mix(sum, (uint64_t)(int16_t)(d / 0x1p48)), (uint8_t)(g / 0x1p57f));
        sum = mix(mix(sum, (uint64_t)llrint(d)), (uint64_t)lrintf(f / 0x1p33f));
    }
    return sum;
}

/* Everything with everything, of values at the edges. */
static uint64_t edges(void) {
    static volatile const double values[] = {0,         -0.0,         1,
                                             -1,        0.1,          1.5,
                                             2.5,       -3.5,         0x1p-1022,
                                             0x1p-1074, -0x1.8p-1060, 0x1.fffffffffffffp1023,
                                             0x1p52,    0x1p53,       0x1.0000000000001p53,
                                             4.9e-310,  1e300,        -1e300,
                                             1e-300,    0x1p63,       0x1p31,
                                             3.4e38,    1e-40,        0x1.ffffffp127,
                                             HUGE_VAL,  -HUGE_VAL,    NAN};
    enum { VALUES = sizeof values / sizeof *values };
    uint64_t sum = 0;
    for (int i = 0; i < VALUES; i++)
        for (int j = 0; j < VALUES; j++) {
            double a = values[i], b = values[j];
            float c = (float)a, d = (float)b;
            sum = mix_double(mix_double(mix_double(mix_double(sum, a + b), a - b), a * b), a / b);
            sum = mix_float(mix_float(mix_float(mix_float(sum, c + d), c - d), c * d), c / d);
            sum = mix_double(mix_float(sum, sqrtf(c)), sqrt(b));
            sum = mix(sum, (uint64_t)((a < b) | (a <= b) << 1 | (a == b) << 2 | (c != d) << 3 | (c > d) << 4 |
                                      !!isunordered(a, b) << 5));
            sum = mix_double(mix_float(sum, c < d ? c : d), a > b ? a : b);
            sum = mix(sum, (uint64_t)(fpclassify(a) << 8 | fpclassify(c) << 4 | !!signbit(a) | !!signbit(d) << 1));
            sum = mix_double(mix_double(sum, copysign(a, b)), fabs(b));
        }
    return sum;
}

/* A sum with its error carried along (Kahan), a square root by Newton, a polynomial by Horner. */
static uint64_t series(int count) {
    double total = 0, error = 0, polynomial = 0;
    float root = 1;
    uint64_t state = 45, sum = 0;
    for (int i = 1; i <= count; i++) {
        double x = 1.0 / ((double)i * i) - error, next = total + x;
        error = (next - total) - x;
        total = next;
        root = 0.5f * (root + (float)i / root);
        polynomial = polynomial * 0.99 + random_unit(&state);
        sum = mix_float(mix_double(mix_double(sum, total), polynomial), root);
    }
    return sum;
}

void check_floats(void) {
    report("linear, double", linear_double(8 * rounds));
    report("linear, float", linear_float(8 * rounds));
    report("Fourier", fourier(12 * rounds));
    report("bodies", bodies(200 * rounds));
    report("fractal", fractal(40));
    report("conversions", conversions(2000 * rounds));
    report("edges", edges());
    report("series", series(4000 * rounds));
}
