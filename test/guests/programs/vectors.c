/*
 * Loops that a compiler turns into packed instructions, of every width of element, and operations on vectors as the
 * compiler's own types have them: shuffles, comparisons, conversions, shifts by a count per element.
 */
#include "checks.h"

#include <math.h>
#include <string.h>

enum { COUNT = 1000 };

static uint8_t u8[4][COUNT];
static int8_t s8[4][COUNT];
static uint16_t u16[4][COUNT];
static int16_t s16[4][COUNT];
static uint32_t u32[4][COUNT];
static int32_t s32[4][COUNT];
static uint64_t u64[4][COUNT];
static int64_t s64[4][COUNT];
static float f32[4][COUNT];
static double f64[4][COUNT];

static void fill(uint64_t *state) {
    for (int i = 0; i < COUNT; i++) {
        uint64_t a = next_random(state), b = next_random(state), c = next_random(state);
        u8[0][i] = (uint8_t)a, u8[1][i] = (uint8_t)b, u8[2][i] = (uint8_t)c;
        s8[0][i] = (int8_t)(a >> 8), s8[1][i] = (int8_t)(b >> 8), s8[2][i] = (int8_t)(c >> 8);
        u16[0][i] = (uint16_t)(a >> 16), u16[1][i] = (uint16_t)(b >> 16), u16[2][i] = (uint16_t)(c >> 16);
        s16[0][i] = (int16_t)(a >> 24), s16[1][i] = (int16_t)(b >> 24), s16[2][i] = (int16_t)(c >> 24);
        u32[0][i] = (uint32_t)a, u32[1][i] = (uint32_t)b, u32[2][i] = (uint32_t)c;
        s32[0][i] = (int32_t)(a >> 32), s32[1][i] = (int32_t)(b >> 32), s32[2][i] = (int32_t)(c >> 32);
        u64[0][i] = a, u64[1][i] = b, u64[2][i] = c;
        s64[0][i] = (int64_t)(a * 3), s64[1][i] = (int64_t)(b * 3) >> (c & 63), s64[2][i] = (int64_t)(c * 3);
        f32[0][i] = (float)((double)s32[0][i] / 1e6), f32[1][i] = (float)((double)s32[1][i] / 1e7),
        f32[2][i] = (float)s8[0][i];
        f64[0][i] = (double)s32[1][i] / 1e6, f64[1][i] = (double)s64[0][i] / 1e16, f64[2][i] = (double)s16[0][i];
    }
}

#define EACH for (int i = 0; i < COUNT; i++)
#define SUM(array) mix_bytes(14695981039346656037u, array, sizeof array)

/* The same statements for every kind of element. */
#define WHOLE(name, a, type, bits)                                                                   \
    static uint64_t name(void) {                                                                     \
        uint64_t sum = 0;                                                                            \
        EACH a[3][i] = (type)(a[0][i] + a[1][i] * 3);                                                \
        sum = mix(sum, SUM(a[3]));                                                                   \
        EACH a[3][i] = (type)((a[0][i] - a[1][i]) * a[2][i]);                                        \
        sum = mix(sum, SUM(a[3]));                                                                   \
        EACH a[3][i] = a[0][i] < a[1][i] ? a[0][i] : a[2][i] > a[1][i] ? a[2][i] : a[1][i];          \
        sum = mix(sum, SUM(a[3]));                                                                   \
        EACH a[3][i] = (type)((a[0][i] & a[1][i]) ^ (~a[2][i] | a[0][i]));                           \
        sum = mix(sum, SUM(a[3]));                                                                   \
        EACH a[3][i] = (type)((a[0][i] >> 3) + (type)((uint64_t)a[1][i] << 2));                      \
        sum = mix(sum, SUM(a[3]));                                                                   \
        EACH a[3][i] = (type)(a[0][i] >> (a[1][i] & (bits - 1)));                                    \
        sum = mix(sum, SUM(a[3]));                                                                   \
        EACH a[3][i] = (type)((uint64_t)a[0][i] << (a[1][i] & (bits - 1)));                          \
        sum = mix(sum, SUM(a[3]));                                                                   \
        EACH a[3][i] = (type)(a[0][i] == a[2][i] ? 7 : a[1][i] != 0 ? -a[1][i] : a[2][i]);           \
        sum = mix(sum, SUM(a[3]));                                                                   \
        type total = 0, least = a[0][0], most = a[0][0];                                             \
        EACH total = (type)(total + a[0][i]);                                                        \
        EACH least = a[1][i] < least ? a[1][i] : least;                                              \
        EACH most = a[2][i] > most ? a[2][i] : most;                                                 \
        EACH a[3][i] = a[0][COUNT - 1 - i];                                                          \
        for (int i = 0; i < COUNT / 2; i++) a[3][2 * i] = (type)(a[0][2 * i + 1] - a[1][i]);         \
        for (int i = 0; i < COUNT / 4; i++) a[3][i] = (type)(a[0][4 * i] + a[0][4 * i + 2]);         \
        return mix(mix(mix(mix(sum, SUM(a[3])), (uint64_t)total), (uint64_t)least), (uint64_t)most); \
    }

WHOLE(bytes, u8, uint8_t, 8)
WHOLE(signed_bytes, s8, int8_t, 8)
WHOLE(words, u16, uint16_t, 16)
WHOLE(signed_words, s16, int16_t, 16)
WHOLE(doublewords, u32, uint32_t, 32)
WHOLE(signed_doublewords, s32, int32_t, 32)
WHOLE(quadwords, u64, uint64_t, 64)
WHOLE(signed_quadwords, s64, int64_t, 64)

#define REAL(name, a, type, root)                                                            \
    static uint64_t name(void) {                                                             \
        uint64_t sum = 0;                                                                    \
        EACH a[3][i] = a[0][i] * a[1][i] + a[2][i];                                          \
        sum = mix(sum, SUM(a[3]));                                                           \
        EACH a[3][i] = (a[0][i] - a[1][i]) / (a[2][i] * a[2][i] + 1);                        \
        sum = mix(sum, SUM(a[3]));                                                           \
        EACH a[3][i] = a[0][i] < a[1][i] ? a[0][i] : a[2][i];                                \
        sum = mix(sum, SUM(a[3]));                                                           \
        EACH a[3][i] = root(a[0][i] < 0 ? -a[0][i] : a[0][i]);                               \
        sum = mix(sum, SUM(a[3]));                                                           \
        EACH a[3][i] = -(a[0][i] >= a[1][i] && a[2][i] != 3 ? a[1][i] : 2 - a[2][i]);        \
        sum = mix(sum, SUM(a[3]));                                                           \
        type total = 0;                                                                      \
        _Pragma("omp simd reduction(+ : total)") EACH total += a[0][i] * a[2][i];            \
        for (int i = 0; i < COUNT / 2; i++) {                                                \
            a[3][2 * i] = a[0][2 * i] * a[1][2 * i] - a[0][2 * i + 1] * a[1][2 * i + 1];     \
            a[3][2 * i + 1] = a[0][2 * i] * a[1][2 * i + 1] + a[0][2 * i + 1] * a[1][2 * i]; \
        }                                                                                    \
        return mix(mix_bytes(sum, &total, sizeof total), SUM(a[3]));                         \
    }

REAL(singles, f32, float, sqrtf)
REAL(doubles, f64, double, sqrt)

static uint64_t conversions(void) {
    uint64_t sum = 0;
    EACH u16[3][i] = u8[0][i], s32[3][i] = s8[0][i];
    EACH u64[3][i] = u16[0][i], s64[3][i] = s32[0][i];
    sum = mix(mix(mix(mix(sum, SUM(u16[3])), SUM(s32[3])), SUM(u64[3])), SUM(s64[3]));
    EACH u8[3][i] = (uint8_t)u16[0][i], s16[3][i] = (int16_t)s32[0][i];
    EACH u32[3][i] = (uint32_t)u64[0][i], s8[3][i] = (int8_t)s32[1][i];
    sum = mix(mix(mix(mix(sum, SUM(u8[3])), SUM(s16[3])), SUM(u32[3])), SUM(s8[3]));
    EACH f32[3][i] = (float)s32[0][i], f64[3][i] = s32[1][i];
    EACH s32[3][i] = (int32_t)f32[0][i], s64[3][i] = (int64_t)f64[1][i];
    sum = mix(mix(mix(mix(sum, SUM(f32[3])), SUM(f64[3])), SUM(s32[3])), SUM(s64[3]));
    EACH f32[3][i] = (float)f64[0][i], f64[3][i] = f32[1][i];
    EACH u32[3][i] = (uint32_t)(f32[1][i] < 0 ? -f32[1][i] : f32[1][i]);
    sum = mix(mix(mix(sum, SUM(f32[3])), SUM(f64[3])), SUM(u32[3]));
    EACH f32[3][i] = (float)u8[1][i] * 0.5f, f64[3][i] = (double)s16[1][i] + u32[1][i];
    return mix(mix(sum, SUM(f32[3])), SUM(f64[3]));
}

/* What audio and pictures need: saturation, averages, absolute differences, high halves, products of pairs. */
static uint64_t media(void) {
    uint64_t sum = 0;
    int32_t pairs = 0;
    uint32_t apart = 0;
#define WITHIN(value, low, high) ((value) < (low) ? (low) : (value) > (high) ? (high) : (value))
    EACH u8[3][i] = (uint8_t)(u8[0][i] + u8[1][i] > 255 ? 255 : u8[0][i] + u8[1][i]);
    EACH s16[3][i] = (int16_t)WITHIN(s16[0][i] + s16[1][i], -32768, 32767);
    sum = mix(mix(sum, SUM(u8[3])), SUM(s16[3]));
    EACH u8[3][i] = (uint8_t)((u8[0][i] + u8[1][i] + 1) >> 1);
    EACH s16[3][i] = (int16_t)(s16[0][i] * s16[1][i] >> 16);
    EACH u16[3][i] = (uint16_t)((uint32_t)u16[0][i] * u16[1][i] >> 16);
    sum = mix(mix(mix(sum, SUM(u8[3])), SUM(s16[3])), SUM(u16[3]));
    EACH pairs += s16[0][i] * s16[1][i];
    EACH apart += (uint32_t)(u8[0][i] > u8[1][i] ? u8[0][i] - u8[1][i] : u8[1][i] - u8[0][i]);
    EACH s8[3][i] = (int8_t)WITHIN(s16[0][i], -128, 127), u8[3][i] = (uint8_t)WITHIN(s16[1][i], 0, 255);
    sum = mix(mix(mix(mix(sum, SUM(s8[3])), SUM(u8[3])), (uint64_t)pairs), apart);
    EACH s16[3][i] = (int16_t)((s16[0][i] * s16[1][i] + 0x4000) >> 15),
         s32[3][i] = s32[0][i] < 0 ? -s32[0][i] : s32[0][i];
    EACH u64[3][i] = (uint64_t)u32[0][i] * u32[1][i], s64[3][i] = (int64_t)s32[0][i] * s32[1][i];
    sum = mix(mix(mix(mix(sum, SUM(s16[3])), SUM(s32[3])), SUM(u64[3])), SUM(s64[3]));
    /* Each pixel over another, by its own part. */
    EACH u8[3][i] = (uint8_t)((u8[0][i] * u8[2][i] + u8[1][i] * (255 - u8[2][i]) + 128) * 257 >> 16);
    EACH u32[3][i] = u32[0][u16[1][i] % COUNT] + u32[1][u16[2][i] % COUNT];
    EACH f64[3][i] = f64[0][u16[0][i] % COUNT] * 2;
    return mix(mix(mix(sum, SUM(u8[3])), SUM(u32[3])), SUM(f64[3]));
}

#define TYPES(size)                                                                                               \
    typedef uint8_t octets_##size __attribute__((vector_size(size)));                                             \
    typedef int16_t shorts_##size __attribute__((vector_size(size)));                                             \
    typedef int32_t ints_##size __attribute__((vector_size(size)));                                               \
    typedef uint64_t longs_##size __attribute__((vector_size(size)));                                             \
    typedef float singles_##size __attribute__((vector_size(size)));                                              \
    typedef double reals_##size __attribute__((vector_size(size)));                                               \
    static uint64_t vectors_of_##size(void) {                                                                     \
        uint64_t sum = 0;                                                                                         \
        for (int at = 0; at + size * 2 <= COUNT; at += 7) {                                                       \
            octets_##size x, y, z;                                                                                \
            memcpy(&x, u8[0] + at, size), memcpy(&y, u8[1] + at + 3, size);                                       \
            z = __builtin_shuffle(x, y) + __builtin_shuffle(x, y, y ^ x);                                         \
            z ^= (octets_##size)(x > y) | (octets_##size)((shorts_##size)x < (shorts_##size)y);                   \
            ints_##size k = (ints_##size)x, l = (ints_##size)y;                                                   \
            k = __builtin_shuffle(k, l, l) + (k == l) - (k >> (l & 31)) * l + (k << (k & 15));                    \
            longs_##size m = (longs_##size)x, n = (longs_##size)y;                                                \
            m = (m >> (n & 63)) ^ (n << (m & 63)) ^ (longs_##size)(m < n) ^ (m >> 17) * (n & 0xffff);             \
            singles_##size f = __builtin_convertvector((ints_##size)x >> 8, singles_##size),                      \
                           g = __builtin_convertvector(l >> 4, singles_##size);                                   \
            singles_##size h = f * g + (singles_##size)((ints_##size)(f < g) & (ints_##size)g) - f / (g * g + 1); \
            reals_##size o = __builtin_convertvector((longs_##size)y >> 20, reals_##size), p = o * 0.125 - 3;     \
            p = p / (o + 1.5) + (reals_##size)((longs_##size)(p > o) & (longs_##size)o);                          \
            shorts_##size u = (shorts_##size)x * (shorts_##size)y - ((shorts_##size)x >> 5);                      \
            sum = mix_bytes(sum, &z, size), sum = mix_bytes(sum, &k, size), sum = mix_bytes(sum, &m, size);       \
            sum = mix_bytes(sum, &h, size), sum = mix_bytes(sum, &p, size), sum = mix_bytes(sum, &u, size);       \
        }                                                                                                         \
        return sum;                                                                                               \
    }

TYPES(16)
TYPES(32)

void check_vectors(void) {
    static const struct {
        const char *name;
        uint64_t (*check)(void);
    } kinds[] = {
        {"bytes", bytes},
        {"signed bytes", signed_bytes},
        {"words", words},
        {"signed words", signed_words},
        {"doublewords", doublewords},
        {"signed doublewords", signed_doublewords},
        {"quadwords", quadwords},
        {"signed quadwords", signed_quadwords},
        {"floats", singles},
        {"doubles", doubles},
        {"conversions", conversions},
        {"media", media},
        {"vectors of 16 bytes", vectors_of_16},
        {"vectors of 32 bytes", vectors_of_32},
    };
    enum { KINDS = sizeof kinds / sizeof *kinds };
    uint64_t state = 71, sums[KINDS] = {0};
    for (int round = 0; round < rounds; round++) {
        fill(&state);
        for (int i = 0; i < KINDS; i++) sums[i] = mix(sums[i], kinds[i].check());
    }
    for (int i = 0; i < KINDS; i++) report(kinds[i].name, sums[i]);
}
