/* The ways of control: recursion, jumps out of functions, tables of functions and of labels, arguments by count. */
#include "checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int ackermann(int m, int n) { return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1)); }

static int queens(unsigned columns, unsigned left, unsigned right, unsigned all) {
    int count = columns == all;
    for (unsigned free = all & ~(columns | left | right); free != 0; free &= free - 1) {
        unsigned place = free & -free;
        count += queens(columns | place, (left | place) << 1, (right | place) >> 1, all);
    }
    return count;
}

static uint64_t permutations(int *items, int count, int at, uint64_t sum) {
    if (at == count) return mix_bytes(sum, items, (size_t)count * sizeof *items);
    for (int i = at; i < count; i++) {
        int other = items[at];
        items[at] = items[i], items[i] = other;
        sum = permutations(items, count, at + 1, sum);
        items[i] = items[at], items[at] = other;
    }
    return sum;
}

static jmp_buf outside;

static void deep(int depth, int value) {
    volatile char space[64];
    space[depth & 63] = (char)value;
    if (depth == 0) longjmp(outside, value);
    deep(depth - 1, value + space[depth & 63] % 2);
}

static uint64_t jumps(int count) {
    volatile uint64_t sum = 0;
    for (volatile int i = 1; i <= count; i++) {
        volatile double kept = i / 3.0;
        int value = setjmp(outside);
        if (value == 0) deep(i % 90, i);
        sum = mix(sum, (uint64_t)value);
        sum = mix_double(sum, kept);
    }
    return sum;
}

static int64_t total(const char *kinds, ...) {
    va_list given, again;
    int64_t sum = 0;
    va_start(given, kinds);
    va_copy(again, given);
    for (const char *kind = kinds; *kind != 0; kind++) switch (*kind) {
        case 'i': sum += va_arg(given, int); break;
        case 'l': sum += va_arg(given, long long); break;
        case 'd': sum += (int64_t)(va_arg(given, double) * 8); break;
        case 'e': sum += (int64_t)(va_arg(given, long double) * 16); break;
        case 's': sum += (int64_t)strlen(va_arg(given, const char *)); break;
        }
    sum = sum * 31 + va_arg(again, int);
    va_end(again);
    va_end(given);
    return sum;
}

/* A small machine of our own, by computed jumps: numbers on a stack. */
static int64_t interpret(const uint8_t *code, int64_t start) {
    static const void *const labels[] = {&&push,      &&add,     &&subtract, &&multiply, &&swap,
                                         &&duplicate, &&jump_if, &&divide,   &&stop};
    int64_t stack[32] = {start}, *top = stack;
    int left = 2000;
#define NEXT                          \
    do {                              \
        if (left-- == 0) return *top; \
        goto *labels[*code++];        \
    } while (0)
    NEXT;
push:
    *++top = (int8_t)*code++;
    NEXT;
add:
    top[-1] = (int64_t)((uint64_t)top[-1] + (uint64_t)*top), top--;
    NEXT;
subtract:
    top[-1] = (int64_t)((uint64_t)top[-1] - (uint64_t)*top), top--;
    NEXT;
multiply:
    top[-1] = (int64_t)((uint64_t)top[-1] * (uint64_t)*top), top--;
    NEXT;
divide:
    top[-1] /= *top | 1, top--;
    NEXT;
swap:
    {
        int64_t other = *top;
        *top = top[-1];
        top[-1] = other;
    }
    NEXT;
duplicate:
    top[1] = *top, top++;
    NEXT;
jump_if:
    {
        int by = (int8_t)*code++;
        if (*top-- != 0) code += by;
    }
    NEXT;
stop:
    return *top;
}

static int twice(int x) { return 2 * x; }
static int less(int x) { return x - 7; }
static int turned(int x) { return (int)((unsigned)x << 5 | (unsigned)x >> 27); }
static int mixed(int x) { return x ^ x >> 3; }

static uint64_t calls(int count) {
    int (*const functions[])(int) = {twice, less, turned, mixed};
    uint64_t state = 91, sum = 0;
    int x = 1;
    for (int i = 0; i < count; i++) {
        x = (int)((unsigned)functions[next_random(&state) >> 62](x) + 1u);
        sum = mix(sum, (uint64_t)x);
    }
    return sum;
}

static uint64_t cases(int count) {
    uint64_t state = 92, sum = 0;
    for (int i = 0; i < count; i++) {
        uint64_t x = next_random(&state);
        switch (x >> 59) {
        case 0: sum += x; break;
        case 1: sum ^= x; break;
        case 2: sum *= 5; break;
        case 3: sum -= x << 3; break;
        case 5: sum = ~sum; break;
        case 7: sum = sum << 9 | sum >> 55; break;
        case 11: sum /= 3; break;
        case 13: sum %= 1000000007; break;
        case 17:
        case 19:
        case 23: sum += 0x12345; break;
        default: sum = mix(sum, x);
        }
    }
    return sum;
}

void check_control(void) {
    int items[] = {1, 2, 3, 4, 5, 6, 7};
    /* Halves the number (the first one pushed is kept below) until it is 0, adding what is left over. */
    static const uint8_t code[] = {0, 1, 4, 5, 0, 3, 7, 4, 0, 2, 3, 1, 5, 0, 100, 2, 6, (uint8_t)-15, 1, 8};
    uint64_t sum = 0;
    report("Ackermann", (uint64_t)ackermann(2, 60 * rounds));
    report("queens", (uint64_t)queens(0, 0, 0, 0xff));
    report("permutations", permutations(items, 7, 0, 0));
    report("jumps", jumps(400 * rounds));
    for (int i = 0; i < 200; i++)
        sum = mix(sum, (uint64_t)total("idlsedidide", i, i * 1.5, 1LL << i % 60, "text", 2.5L * i, 3.25, -i, 0.5, i,
                                       1.0, 7.5L));
    report("arguments", sum);
    for (int i = 0; i < 50 * rounds; i++) sum = mix(sum, (uint64_t)interpret(code, i * 977));
    report("computed jumps", sum);
    report("calls", calls(5000 * rounds));
    report("cases", cases(5000 * rounds));
}
