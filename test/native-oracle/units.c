/*
 * Runs single instructions of the x87, MMX, SSE and AVX units on this machine's own processor, in 64-bit code. Reads cases
 * from standard input, writes what they left to standard output; both are arrays of `struct test_case`. Code and data lie
 * at fixed addresses below 4 GiB, as in oracle-64.c.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define DATA ((uint8_t *)0x200000)
#define CODE ((uint8_t *)0x300000)
#define DATA_SIZE 512
#define STATE_SIZE 1024

struct test_case {
    uint8_t state[STATE_SIZE]; /* as XSAVE writes x87, SSE and AVX */
    uint64_t registers[16];    /* in the order of their encodings */
    uint64_t flags;
    uint8_t memory[DATA_SIZE];
    uint8_t code[15];
    uint8_t length;
    uint64_t fault; /* out: 0, or the vector + 1 */
    uint64_t padding[6];
};

static sigjmp_buf after_fault;
static uint64_t fault_vector;
/* Named by the assembler code below. */
struct test_case current __attribute__((aligned(64)));
uint64_t host_stack;
uint64_t test_entry = (uint64_t)CODE;
extern void enter_test(void);
extern void leave_test(void);

__asm__(
    "enter_test:\n\t"
    "push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
    "mov %rsp, host_stack(%rip)\n\t"
    "mov $7, %eax\n\txor %edx, %edx\n\txrstor64 current(%rip)\n\t"
    "push current+1152(%rip)\n\tpopfq\n\t"
    "mov current+1024(%rip), %rax\n\tmov current+1032(%rip), %rcx\n\tmov current+1040(%rip), %rdx\n\t"
    "mov current+1048(%rip), %rbx\n\tmov current+1056(%rip), %rsp\n\tmov current+1064(%rip), %rbp\n\t"
    "mov current+1072(%rip), %rsi\n\tmov current+1080(%rip), %rdi\n\tmov current+1088(%rip), %r8\n\t"
    "mov current+1096(%rip), %r9\n\tmov current+1104(%rip), %r10\n\tmov current+1112(%rip), %r11\n\t"
    "mov current+1120(%rip), %r12\n\tmov current+1128(%rip), %r13\n\tmov current+1136(%rip), %r14\n\t"
    "mov current+1144(%rip), %r15\n\t"
    "jmp *test_entry(%rip)\n"
    "leave_test:\n\t"
    "mov %rax, current+1024(%rip)\n\tmov %rcx, current+1032(%rip)\n\tmov %rdx, current+1040(%rip)\n\t"
    "mov %rbx, current+1048(%rip)\n\tmov %rsp, current+1056(%rip)\n\tmov %rbp, current+1064(%rip)\n\t"
    "mov %rsi, current+1072(%rip)\n\tmov %rdi, current+1080(%rip)\n\tmov %r8, current+1088(%rip)\n\t"
    "mov %r9, current+1096(%rip)\n\tmov %r10, current+1104(%rip)\n\tmov %r11, current+1112(%rip)\n\t"
    "mov %r12, current+1120(%rip)\n\tmov %r13, current+1128(%rip)\n\tmov %r14, current+1136(%rip)\n\t"
    "mov %r15, current+1144(%rip)\n\t"
    "mov host_stack(%rip), %rsp\n\t"
    "pushfq\n\tpop current+1152(%rip)\n\tcld\n\t"
    "mov $7, %eax\n\txor %edx, %edx\n\txsave64 current(%rip)\n\tfninit\n\tmovl $0x1f80, -8(%rsp)\n\tldmxcsr -8(%rsp)\n\t"
    "pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\tret\n");

static void on_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    (void)number;
    (void)info;
    fault_vector = at->uc_mcontext.gregs[REG_TRAPNO];
    /* Of the state only MXCSR is of interest: an exception that is not masked is told there. */
    memcpy(current.state + 24, &at->uc_mcontext.fpregs->mxcsr, 4);
    siglongjmp(after_fault, 1);
}

static uint8_t *map(uint8_t *place)
{
    return mmap(place, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

int main(void)
{
    static uint8_t signal_stack[1 << 16];
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_NODEFER | SA_ONSTACK | SA_SIGINFO};
    static const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGTRAP};
    if (map(DATA) != DATA || map(CODE) != CODE || sigaltstack(&stack, NULL) != 0) return 2;
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++) sigaction(signals[n], &action, NULL);
    while (fread(&current, sizeof current, 1, stdin) == 1) {
        uint8_t *end = CODE + current.length;
        uint64_t target = (uint64_t)leave_test;
        memcpy(DATA, current.memory, DATA_SIZE);
        memcpy(CODE, current.code, current.length);
        /* jmp *0(%rip), and the address it goes to */
        memcpy(end, "\xff\x25\x00\x00\x00\x00", 6);
        memcpy(end + 6, &target, 8);
        if (sigsetjmp(after_fault, 1) == 0) {
            current.fault = 0;
            enter_test();
        } else {
            current.fault = fault_vector + 1;
            __asm__ volatile("fninit");
        }
        memcpy(current.memory, DATA, DATA_SIZE);
        fwrite(&current, sizeof current, 1, stdout);
    }
    return 0;
}
