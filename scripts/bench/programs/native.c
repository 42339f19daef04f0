/* Runs a program on the computer itself: the letters and digits that a guest sends go to standard output. */
#include "program.h"

static long system_call(long number, long first, long second, long third) {
  long result;
#ifdef __x86_64__
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
#else
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third) : "memory");
#endif
  return result;
}

#ifdef __x86_64__
enum { WRITE = 1, EXIT = 60 };
#else
enum { WRITE = 4, EXIT = 1 };
#endif

static void send(char letter) { system_call(WRITE, 1, (long)&letter, 1); }

__attribute__((force_align_arg_pointer, noreturn)) void _start(void) {
  send('S');
  u32 result = run(COUNT);
  for (int shift = 28; shift >= 0; shift -= 4) send("0123456789abcdef"[result >> shift & 15]);
  send('E');
  system_call(EXIT, 0, 0, 0);
  for (;;) {
  }
}
