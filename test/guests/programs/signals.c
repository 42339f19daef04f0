/* What a processor and its kernel make of errors: the signal, its cause, and the program that goes on behind it. */
#define _GNU_SOURCE
#include "checks.h"

#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf outside;
static uint8_t *pages;
static size_t page_size;
static volatile uint64_t sum;
static volatile int faults;

static void went_wrong(int number, siginfo_t *info, void *context) {
    (void)context;
    sum = mix(sum, (uint64_t)number << 8 | (uint64_t)(info->si_code & 0xff));
    /* A general-protection fault has no address. */
    if (number == SIGSEGV && info->si_addr != NULL) sum = mix(sum, (uint64_t)((uint8_t *)info->si_addr - pages));
    /* What a handler does to the registers of floating point must not be seen outside. */
    volatile double other = 1;
    for (int i = 2; i < 20; i++) other = other * i / 3;
    fesetround(FE_UPWARD);
    siglongjmp(outside, 1);
}

/* The page is made accessible and the access is made again. */
static void mend(int number, siginfo_t *info, void *context) {
    (void)context;
    size_t at = (size_t)((uint8_t *)info->si_addr - pages) / page_size;
    sum = mix(sum, (uint64_t)number << 32 | at);
    volatile float other = 2;
    for (int i = 2; i < 20; i++) other = other * (float)i / 5;
    faults++;
    mprotect(pages + at * page_size, page_size, PROT_READ | PROT_WRITE);
}

static void on(int number, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    sigaction(number, &action, NULL);
}

static volatile int zero, one = 1, least = -2147483647 - 1;
static volatile double big = 1e308, nothing;
static volatile float small = 1e-38f;

static void divide(void) { one = one / zero; }
static void divide_least(void) { one = least / (zero - 1); }
static void read_nothing(void) { one = pages[page_size + 5]; }
static void write_read_only(void) { pages[2 * page_size + 7] = 1; }
static void undefined(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static void divide_by_nothing(void) { big = big / nothing; }
static void too_big(void) { big = big * big; }
static void not_a_number(void) { big = nothing / nothing; }
static void too_small(void) { small = small * small; }
static void not_whole(void) { big = 1 / 3.0 * big; }
static void extended_by_nothing(void) {
    long double result = (long double)big / (long double)nothing;
    big = (double)result;
}

static uint64_t one_error(void (*error)(void), int unmasked) {
    sum = 0;
    volatile double kept = 0.1;
    if (sigsetjmp(outside, 1) == 0) {
        feclearexcept(FE_ALL_EXCEPT);
        feenableexcept(unmasked);
        kept = kept + 1;
        error();
        sum = mix(sum, 1);
    }
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
    big = 1e308, small = 1e-38f, one = 1;
    sum = mix_double(sum, kept);
    return sum;
}

/* Sums over pages that appear when they are touched, with all registers in use. */
static uint64_t touched(void) {
    enum { PAGES = 40 };
    sum = 0, faults = 0;
    mprotect(pages, PAGES * page_size, PROT_NONE);
    double total = 1;
    float part = 1;
    uint64_t whole = 1;
    for (size_t at = 0; at < PAGES * page_size; at += 256) {
        /* Every other word crosses into the next line, and at the end of a page into the next page. */
        uint8_t *word = pages + at + (at + 256 < PAGES * page_size ? 252 : 0);
        uint64_t value;
        memcpy(&value, word, 8);
        value += at;
        memcpy(word, &value, 8);
        total = total * 1.0001 + (double)value, part = part / 1.01f + (float)at, whole = mix(whole, value);
    }
    return mix(mix_float(mix_double(mix(sum, whole), total), part), (uint64_t)faults);
}

void check_signals(void) {
    static const struct {
        const char *name;
        void (*error)(void);
        int unmasked;
    } errors[] = {
        {"division by zero", divide, 0},
        {"division that overflows", divide_least, 0},
        {"read of no page", read_nothing, 0},
        {"write of a read-only page", write_read_only, 0},
        {"undefined instruction", undefined, 0},
        {"breakpoint", breakpoint, 0},
        {"privileged instruction", privileged, 0},
        {"FE_DIVBYZERO", divide_by_nothing, FE_DIVBYZERO},
        {"FE_OVERFLOW", too_big, FE_OVERFLOW},
        {"FE_INVALID", not_a_number, FE_INVALID},
        {"FE_UNDERFLOW", too_small, FE_UNDERFLOW},
        {"FE_INEXACT", not_whole, FE_INEXACT},
        {"FE_DIVBYZERO of the x87", extended_by_nothing, FE_DIVBYZERO},
        {"masked", divide_by_nothing, FE_INVALID},
    };
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    pages = mmap(NULL, 40 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 2 * page_size, page_size, PROT_READ);
    static const int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGTRAP};
    for (int i = 0; i < 4; i++) on(signals[i], went_wrong);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        report(errors[i].name, one_error(errors[i].error, errors[i].unmasked));
    on(SIGSEGV, mend);
    report("touched pages", touched());
    munmap(pages, 40 * page_size);
}
