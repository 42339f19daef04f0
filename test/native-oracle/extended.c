/*
 * Operations on numbers of 80 bits as this machine's own x87 does them. Reads cases from standard input, writes what they
 * left to standard output; both are arrays of `struct test_case`.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct test_case {
    uint8_t x[16];
    uint8_t y[16];
    uint8_t result[16]; /* out */
    uint16_t control;
    uint16_t status; /* out */
    uint8_t operation;
    uint8_t padding[11];
};

int main(void)
{
    static struct test_case test;
    while (fread(&test, sizeof test, 1, stdin) == 1) {
        uint16_t status, mask = 0x37f;
        uint32_t environment[7];
        __asm__ volatile("fninit\n\tfldt %0\n\tfldt %1\n\tfldcw %2\n\tfnclex"
                         :
                         : "m"(test.y), "m"(test.x), "m"(test.control));
        switch (test.operation) {
        case 0: __asm__ volatile("fadd %st(1), %st"); break;
        case 1: __asm__ volatile("fsub %st(1), %st"); break;
        case 2: __asm__ volatile("fmul %st(1), %st"); break;
        case 3: __asm__ volatile("fdiv %st(1), %st"); break;
        case 4: __asm__ volatile("fsqrt"); break;
        default: break;
        }
        __asm__ volatile("fnstsw %0" : "=m"(status));
        /* The environment is saved with all exceptions masked, so that the store below does not trap. */
        __asm__ volatile("fnstenv %0" : "=m"(environment));
        __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(mask));
        __asm__ volatile("fstpt %0" : "=m"(test.result));
        __asm__ volatile("fninit");
        test.status = status;
        fwrite(&test, sizeof test, 1, stdout);
    }
    return 0;
}
