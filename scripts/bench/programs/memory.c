/* Memory copied and filled: by string instructions, as libraries do it, and word by word. */
#include "program.h"

enum { SIZE = 1 << 18 };
static u8 source[SIZE], target[SIZE];

static void copy(void *to, const void *from, unsigned long count) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void fill(void *to, u32 value, unsigned long count) {
  __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(value) : "memory");
}

u32 run(u32 rounds) {
  u32 sum = 0;
  while (rounds--) {
    fill(source, rounds * 0x01010101u, SIZE / 4);
    copy(target, source + 1, SIZE - 1);
    for (u32 start = 0; start < SIZE; start += 4096) copy(source + start, target + start + 64, 100);
    volatile u32 *words = (volatile u32 *)target;
    for (u32 i = 0; i < 4096; i++) words[i + 4096] = words[i] + i;
    sum = mix(sum, words[rounds % 8192] + source[4096]);
  }
  return sum;
}
