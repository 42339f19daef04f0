/*
 * Runs single instructions of 64-bit code on this machine's own processor. Reads cases from standard input, writes what
 * they left to standard output; both are arrays of `struct test_case`. Code and data lie at fixed addresses below 4 GiB,
 * so that a case means the same in an emulator. The caller sees to it that a case is harmless.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define DATA ((uint8_t *)0x200000)
#define CODE ((uint8_t *)0x300000)
#define DATA_SIZE 512

struct test_case {
    uint64_t registers[16]; /* in the order of their encodings */
    uint64_t flags;
    uint8_t memory[DATA_SIZE];
    uint8_t code[15];
    uint8_t length;
    uint64_t fault; /* out: 0, or the vector + 1 */
};

static sigjmp_buf after_fault;
/* Named by the assembler code below. */
struct test_case current;
uint64_t host_stack;
uint64_t test_entry = (uint64_t)CODE;
extern void enter_test(void);
extern void leave_test(void);

__asm__(
    "enter_test:\n\t"
    "push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
    "mov %rsp, host_stack(%rip)\n\t"
    "push current+128(%rip)\n\tpopfq\n\t"
    "mov current+0(%rip), %rax\n\tmov current+8(%rip), %rcx\n\tmov current+16(%rip), %rdx\n\t"
    "mov current+24(%rip), %rbx\n\tmov current+32(%rip), %rsp\n\tmov current+40(%rip), %rbp\n\t"
    "mov current+48(%rip), %rsi\n\tmov current+56(%rip), %rdi\n\tmov current+64(%rip), %r8\n\t"
    "mov current+72(%rip), %r9\n\tmov current+80(%rip), %r10\n\tmov current+88(%rip), %r11\n\t"
    "mov current+96(%rip), %r12\n\tmov current+104(%rip), %r13\n\tmov current+112(%rip), %r14\n\t"
    "mov current+120(%rip), %r15\n\t"
    "jmp *test_entry(%rip)\n"
    "leave_test:\n\t"
    "mov %rax, current+0(%rip)\n\tmov %rcx, current+8(%rip)\n\tmov %rdx, current+16(%rip)\n\t"
    "mov %rbx, current+24(%rip)\n\tmov %rsp, current+32(%rip)\n\tmov %rbp, current+40(%rip)\n\t"
    "mov %rsi, current+48(%rip)\n\tmov %rdi, current+56(%rip)\n\tmov %r8, current+64(%rip)\n\t"
    "mov %r9, current+72(%rip)\n\tmov %r10, current+80(%rip)\n\tmov %r11, current+88(%rip)\n\t"
    "mov %r12, current+96(%rip)\n\tmov %r13, current+104(%rip)\n\tmov %r14, current+112(%rip)\n\t"
    "mov %r15, current+120(%rip)\n\t"
    "mov host_stack(%rip), %rsp\n\t"
    "pushfq\n\tpop current+128(%rip)\n\tcld\n\t"
    "pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\tret\n");

static void on_signal(int number)
{
    siglongjmp(after_fault, number == SIGFPE ? 1 : number == SIGILL ? 7 : 14);
}

static uint8_t *map(uint8_t *place)
{
    return mmap(place, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

int main(void)
{
    static uint8_t signal_stack[1 << 16];
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER | SA_ONSTACK};
    if (map(DATA) != DATA || map(CODE) != CODE || sigaltstack(&stack, NULL) != 0) return 2;
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    while (fread(&current, sizeof current, 1, stdin) == 1) {
        uint8_t *end = CODE + current.length;
        uint64_t target = (uint64_t)leave_test;
        memcpy(DATA, current.memory, DATA_SIZE);
        memcpy(CODE, current.code, current.length);
        memcpy(end, "\xff\x25\x00\x00\x00\x00", 6); /* JMP [RIP] */
        memcpy(end + 6, &target, 8);
        int fault = sigsetjmp(after_fault, 1);
        if (fault == 0) enter_test();
        memcpy(current.memory, DATA, DATA_SIZE);
        current.fault = fault;
        fwrite(&current, sizeof current, 1, stdout);
    }
    return 0;
}
