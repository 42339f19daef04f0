/* Runs all parts of the program, or those that are named behind the number of rounds: `checks ROUNDS [PART…]`. */
#include "checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    void (*check)(void);
} parts[] = {
    {"integers", check_integers}, {"text", check_text},       {"sorting", check_sorting},
    {"digests", check_digests},   {"floats", check_floats},   {"rounding", check_rounding},
    {"extended", check_extended}, {"vectors", check_vectors}, {"library", check_library},
    {"control", check_control},   {"signals", check_signals},
};

int rounds = 1;
static const char *part = "";

void report(const char *name, uint64_t sum) { printf("%s: %s %016" PRIx64 "\n", part, name, sum); }

uint64_t next_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

uint64_t mix_bytes(uint64_t sum, const void *bytes, size_t size) {
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++) sum = (sum ^ byte[i]) * 0x100000001b3u;
    return sum;
}

static int is_wanted(const char *name, int count, char **names) {
    if (count == 0) return 1;
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return 1;
    return 0;
}

int main(int count, char **arguments) {
    if (count > 1) rounds = atoi(arguments[1]);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        part = parts[i].name;
        if (is_wanted(part, count - 2 < 0 ? 0 : count - 2, arguments + 2)) parts[i].check();
        fflush(stdout);
    }
    puts("all parts ran");
}
