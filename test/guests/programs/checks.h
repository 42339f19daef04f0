/*
 * What the parts of the program share. A part goes through one kind of work and reports checksums of everything that
 * came out, so that two processors that run the same program agree line by line. Nothing depends on time, addresses or
 * randomness of the system.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <stddef.h>
#include <stdint.h>

/* How often a part does its work; the first argument of the program. */
extern int rounds;

void check_integers(void);
void check_text(void);
void check_sorting(void);
void check_digests(void);
void check_floats(void);
void check_rounding(void);
void check_extended(void);
void check_vectors(void);
void check_library(void);
void check_control(void);
void check_signals(void);

/* Prints a line. */
void report(const char *name, uint64_t sum);

/* A number with 64 random bits from a state that the caller keeps (xorshift64*). */
uint64_t next_random(uint64_t *state);

/* A checksum that has taken in so many bytes more (FNV-1a). */
uint64_t mix_bytes(uint64_t sum, const void *bytes, size_t size);

static inline uint64_t mix(uint64_t sum, uint64_t value) {
    sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
    return sum ^ sum >> 29;
}

/* NaNs count as one: their signs and payloads depend on the order of operands, which a compiler may choose. */
static inline uint64_t mix_double(uint64_t sum, double value) {
    union {
        double value;
        uint64_t bits;
    } both = {value};
    return mix(sum, value != value ? 0x7ff8000000000000u : both.bits);
}

static inline uint64_t mix_float(uint64_t sum, float value) {
    union {
        float value;
        uint32_t bits;
    } both = {value};
    return mix(sum, value != value ? 0x7fc00000u : both.bits);
}

/*
 * As mix_double, of the upper 32 bits of the significand: for what the x87 approximates, where processors differ in the
 * last bit of 64.
 */
static inline uint64_t mix_approximated(uint64_t sum, double value) {
    union {
        double value;
        uint64_t bits;
    } both = {value};
    return mix(sum, value != value ? 0x7ff8000000000000u : (both.bits + 0x100000) >> 21);
}

/* A double in [0, 1) of 53 random bits. */
static inline double random_unit(uint64_t *state) { return (double)(next_random(state) >> 11) * 0x1p-53; }

#endif
