/* The sieve of Eratosthenes over 64 KiB of flags. */
#include "program.h"

enum { SIZE = 1 << 16 };
static u8 crossed[SIZE];

u32 run(u32 rounds) {
  u32 sum = 0;
  while (rounds--) {
    for (u32 i = 0; i < SIZE; i++) crossed[i] = 0;
    u32 count = 0;
    for (u32 i = 2; i < SIZE; i++) {
      if (crossed[i]) continue;
      count++;
      for (u32 multiple = i + i; multiple < SIZE; multiple += i) crossed[multiple] = 1;
    }
    sum = mix(sum, count);
  }
  return sum;
}
