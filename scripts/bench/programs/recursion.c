/* Functions that call themselves: Fibonacci's numbers, and the placings of eight queens. */
#include "program.h"

static u32 fibonacci(u32 n);
/* Kept from being folded into a loop. */
static u32 (*volatile again)(u32) = fibonacci;

__attribute__((noinline)) static u32 fibonacci(u32 n) {
  if (n < 2) return n;
  return again(n - 1) + fibonacci(n - 2);
}

__attribute__((noinline)) static u32 queens(u32 columns, u32 left, u32 right) {
  if (columns == 0xff) return 1;
  u32 count = 0;
  for (u32 free = ~(columns | left | right) & 0xff; free;) {
    u32 place = free & -free;
    free ^= place;
    count += queens(columns | place, (left | place) << 1, (right | place) >> 1);
  }
  return count;
}

u32 run(u32 rounds) {
  u32 sum = 0;
  again = fibonacci;
  while (rounds--) sum = mix(sum, fibonacci(16 + rounds % 3) * 256 + queens(0, 0, 0));
  return sum;
}
