/*
 * Runs single instructions of 16-, 32- and 64-bit code on this machine's own processor, at privilege level 3. Reads cases
 * from standard input, writes what they left to standard output; both are arrays of `struct test_case`. Code and data lie
 * at fixed places below 64 KiB, so that a case means the same in an emulator. What follows the instruction is HLT, so
 * that every case ends with an exception, whose signal tells vector, error code, address and all registers.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096
#define DATA ((uint8_t *)0x8000)
#define READ_ONLY ((uint8_t *)0xa000)
#define CODE ((uint8_t *)0xc000)
/* What a case says of the data page: its last bytes. The rest is zero. */
#define WINDOW 1024
#define STATE 832
#define HLT 0xf4

/* Why nothing can be asked here; the caller says it in words. */
#define NO_PLACE 3
#define NO_FSGSBASE 4
#define NO_LDT 5
/* The vector of a case that has not come to an exception in time. */
#define NO_END 255

struct test_case {
    uint64_t registers[16]; /* in the order of their encodings */
    uint64_t rip;
    uint64_t flags;
    uint64_t fs_base, gs_base;
    uint16_t selectors[8]; /* ES, CS, SS, DS, FS, GS, in the order of their encodings; two unused */
    uint64_t vector, error, address; /* out */
    uint8_t memory[WINDOW];
    uint8_t code[16];
    uint8_t state[STATE]; /* x87, SSE and AVX as XSAVE writes them */
};

/* Named by the assembler code below. */
struct test_case current;
uint8_t state[STATE] __attribute__((aligned(64)));
uint64_t host_stack, host_fs_base;
extern void enter_test(void);
extern void on_signal(int, siginfo_t *, void *);

__asm__(
    ".globl enter_test, on_signal, after_test\n"
    "enter_test:\n\t"
    "push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
    "mov %rsp, host_stack(%rip)\n\t"
    "rdfsbase %rax\n\tmov %rax, host_fs_base(%rip)\n\t"
    "mov $7, %eax\n\txor %edx, %edx\n\txrstor64 state(%rip)\n\t"
    "lea current(%rip), %r15\n\t"
    "movzwl 160(%r15), %eax\n\tmov %eax, %es\n\t"
    "movzwl 166(%r15), %eax\n\tmov %eax, %ds\n\t"
    "movzwl 168(%r15), %eax\n\tmov %eax, %fs\n\t"
    "movzwl 170(%r15), %eax\n\tmov %eax, %gs\n\t"
    "cmpw $0, 168(%r15)\n\tjne 1f\n\tmov 144(%r15), %rax\n\twrfsbase %rax\n1:\t"
    "cmpw $0, 170(%r15)\n\tjne 2f\n\tmov 152(%r15), %rax\n\twrgsbase %rax\n2:\t"
    "movzwl 164(%r15), %eax\n\tpush %rax\n\t"
    "push 32(%r15)\n\tpush 136(%r15)\n\t"
    "movzwl 162(%r15), %eax\n\tpush %rax\n\tpush 128(%r15)\n\t"
    "mov 0(%r15), %rax\n\tmov 8(%r15), %rcx\n\tmov 16(%r15), %rdx\n\tmov 24(%r15), %rbx\n\t"
    "mov 40(%r15), %rbp\n\tmov 48(%r15), %rsi\n\tmov 56(%r15), %rdi\n\tmov 64(%r15), %r8\n\t"
    "mov 72(%r15), %r9\n\tmov 80(%r15), %r10\n\tmov 88(%r15), %r11\n\tmov 96(%r15), %r12\n\t"
    "mov 104(%r15), %r13\n\tmov 112(%r15), %r14\n\tmov 120(%r15), %r15\n\t"
    "iretq\n"
    /* The kernel is left behind without a return from the signal: the registers of the host are all that is needed. */
    "on_signal:\n\t"
    "pushfq\n\tandq $~0x44000, (%rsp)\n\tpopfq\n\t"
    "lea current(%rip), %rcx\n\t"
    "mov %es, %eax\n\tmov %ax, 160(%rcx)\n\t"
    "mov %ds, %eax\n\tmov %ax, 166(%rcx)\n\t"
    "mov %fs, %eax\n\tmov %ax, 168(%rcx)\n\t"
    "mov %gs, %eax\n\tmov %ax, 170(%rcx)\n\t"
    "rdfsbase %rax\n\tmov %rax, 144(%rcx)\n\t"
    "rdgsbase %rax\n\tmov %rax, 152(%rcx)\n\t"
    "xor %eax, %eax\n\tmov %eax, %es\n\tmov %eax, %ds\n\tmov %eax, %fs\n\tmov %eax, %gs\n\t"
    "mov host_fs_base(%rip), %rax\n\twrfsbase %rax\n\t"
    "mov %edi, %esi\n\tmov %rdx, %rdi\n\tcall keep\n"
    "after_test:\n\t"
    "mov host_stack(%rip), %rsp\n\t"
    "pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\tret\n");

__attribute__((used)) void keep(const ucontext_t *context, int signal)
{
    static const uint8_t places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                       REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    const greg_t *registers = context->uc_mcontext.gregs;
    uint64_t selectors = registers[REG_CSGSFS];
    for (int n = 0; n < 16; n++) current.registers[n] = registers[places[n]];
    current.rip = registers[REG_RIP];
    current.flags = registers[REG_EFL];
    current.selectors[1] = selectors;
    current.selectors[2] = selectors >> 48;
    current.vector = signal == SIGALRM ? NO_END : registers[REG_TRAPNO];
    current.error = registers[REG_ERR];
    current.address = registers[REG_CR2];
    memcpy(current.state, context->uc_mcontext.fpregs, STATE);
    __asm__ volatile("fninit");
}

static int map(uint8_t *place, int protection)
{
    return mmap(place, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == place;
}

/* The descriptors at 0Fh, 17h…: the caller has the same, in the processor's own form. */
static int write_descriptors(void)
{
    struct user_desc descriptors[] = {
        {.entry_number = 0, .base_addr = 0x8000, .limit = 0xfff, .seg_32bit = 1, .useable = 1},
        {.entry_number = 1, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .read_exec_only = 1, .useable = 1},
        {.entry_number = 2, .limit = 0x8dff, .seg_32bit = 1, .contents = 1, .useable = 1},
        {.entry_number = 3, .limit = 0xffff, .seg_32bit = 1, .seg_not_present = 1, .useable = 1},
        {.entry_number = 4, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .contents = 2, .read_exec_only = 1, .useable = 1},
        {.entry_number = 5, .limit = 0xffff, .contents = 2, .useable = 1},
        {.entry_number = 6, .limit = 0xffff, .useable = 1},
    };
    for (unsigned n = 0; n < sizeof descriptors / sizeof *descriptors; n++)
        if (syscall(SYS_modify_ldt, 0x11, &descriptors[n], sizeof *descriptors) != 0) return 0;
    return 1;
}

int main(void)
{
    static const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGALRM};
    static uint8_t signal_stack[1 << 16] __attribute__((aligned(64)));
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    static const struct itimerval patience = {.it_value = {.tv_sec = 1}};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_NODEFER | SA_ONSTACK | SA_SIGINFO};
    if (!map(DATA, PROT_READ | PROT_WRITE) || !map(CODE, PROT_READ | PROT_WRITE | PROT_EXEC)) return NO_PLACE;
    if (!map(READ_ONLY, PROT_READ)) return NO_PLACE;
    if ((getauxval(AT_HWCAP2) & 2) == 0) return NO_FSGSBASE;
    if (!write_descriptors()) return NO_LDT;
    sigaltstack(&stack, NULL);
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++) sigaction(signals[n], &action, NULL);
    while (fread(&current, sizeof current, 1, stdin) == 1) {
        memset(DATA, 0, PAGE);
        memset(CODE, HLT, PAGE);
        memcpy(DATA + PAGE - WINDOW, current.memory, WINDOW);
        uint64_t room = (uint64_t)CODE + PAGE - current.rip;
        memcpy((void *)current.rip, current.code, room < 16 ? room : 16);
        memcpy(state, current.state, STATE);
        *(volatile uint8_t *)READ_ONLY;
        setitimer(ITIMER_REAL, &patience, NULL);
        enter_test();
        memcpy(current.memory, DATA + PAGE - WINDOW, WINDOW);
        fwrite(&current, sizeof current, 1, stdout);
    }
    return 0;
}
