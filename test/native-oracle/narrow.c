/*
 * Operations on numbers of 32 and 64 bits as this machine's own SSE does them. Reads cases from standard input, writes
 * what they left to standard output; both are arrays of `struct test_case`.
 */
#define _GNU_SOURCE
#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

struct test_case {
    uint64_t x, y;
    uint64_t result; /* out; as it was where an exception was raised */
    uint32_t control;
    uint32_t status;    /* out: MXCSR */
    uint32_t operation; /* 0 to 4: addsd, subsd, mulsd, divsd, sqrtsd; from 8 the same of single precision */
    uint32_t raised;    /* out */
};

static sigjmp_buf after_fault;
static uint32_t status_at_fault;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    status_at_fault = ((ucontext_t *)context)->uc_mcontext.fpregs->mxcsr;
    siglongjmp(after_fault, 1);
}

#define RUN(instruction) \
    __asm__ volatile(instruction " %1, %0" : "+x"(x) : "x"(y)); \
    break

int main(void)
{
    static struct test_case test;
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_NODEFER | SA_SIGINFO};
    sigaction(SIGFPE, &action, NULL);
    while (fread(&test, sizeof test, 1, stdin) == 1) {
        volatile __m128i result = _mm_cvtsi64_si128((long long)test.x);
        test.raised = sigsetjmp(after_fault, 1) != 0;
        if (!test.raised) {
            __m128i x = _mm_cvtsi64_si128((long long)test.x), y = _mm_cvtsi64_si128((long long)test.y);
            _mm_setcsr(test.control);
            switch (test.operation) {
            case 0: RUN("addsd");
            case 1: RUN("subsd");
            case 2: RUN("mulsd");
            case 3: RUN("divsd");
            case 4: RUN("sqrtsd");
            case 8: RUN("addss");
            case 9: RUN("subss");
            case 10: RUN("mulss");
            case 11: RUN("divss");
            case 12: RUN("sqrtss");
            default: break;
            }
            result = x;
        }
        test.status = test.raised ? status_at_fault : _mm_getcsr();
        _mm_setcsr(0x1f80);
        test.result = (uint64_t)_mm_cvtsi128_si64(result);
        fwrite(&test, sizeof test, 1, stdout);
    }
    return 0;
}
