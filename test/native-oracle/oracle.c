/*
 * Runs single instructions on this machine's own processor. Reads cases from standard input, writes what they left to
 * standard output; both are arrays of `struct test_case`. The caller sees to it that a case is harmless.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct test_case {
    uint64_t rax, rcx, rdx, rbx, flags;
    uint8_t memory[16];
    uint8_t code[15];
    uint8_t length;
    uint64_t fault; /* out: 0, or the vector + 1 */
};

static sigjmp_buf after_fault;
static struct test_case current;

static void on_signal(int number)
{
    siglongjmp(after_fault, number == SIGFPE ? 1 : number == SIGILL ? 7 : 14);
}

/* The tested code sees the memory operand at [rsi]; r14, r15 and the stack are ours. */
static void run(struct test_case *test, void *code)
{
    register struct test_case *state __asm__("r15") = test;
    register void *entry __asm__("r14") = code;
    __asm__ volatile(
        "lea 40(%%r15), %%rsi\n\t"
        "mov 0(%%r15), %%rax\n\t"
        "mov 8(%%r15), %%rcx\n\t"
        "mov 16(%%r15), %%rdx\n\t"
        "mov 24(%%r15), %%rbx\n\t"
        "push 32(%%r15)\n\t"
        "popfq\n\t"
        "call *%%r14\n\t"
        "pushfq\n\t"
        "pop 32(%%r15)\n\t"
        "cld\n\t"
        "mov %%rax, 0(%%r15)\n\t"
        "mov %%rcx, 8(%%r15)\n\t"
        "mov %%rdx, 16(%%r15)\n\t"
        "mov %%rbx, 24(%%r15)\n\t"
        :
        : "r"(state), "r"(entry)
        : "rax", "rcx", "rdx", "rbx", "rsi", "rdi", "memory", "cc");
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) return 2;
    while (fread(&current, sizeof current, 1, stdin) == 1) {
        memcpy(code, current.code, current.length);
        code[current.length] = 0xc3;
        int fault = sigsetjmp(after_fault, 1);
        if (fault == 0) run(&current, code);
        current.fault = fault;
        fwrite(&current, sizeof current, 1, stdout);
    }
    return 0;
}
