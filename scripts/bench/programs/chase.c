/* A list that leads through 2,000 pages in no order, as caches and translation buffers dislike it. */
#include "program.h"

enum { PAGES = 2000, PAGE = 4096 / sizeof(u32) };

u32 run(u32 rounds) {
#ifdef NATIVE
  static u32 memory[PAGES * PAGE];
#else
  u32 *memory = (u32 *)0x400000;
#endif
  /* Sattolo's way to one cycle through all pages. */
  for (u32 i = 0; i < PAGES; i++) memory[i * PAGE] = i;
  u32 state = 9;
  for (u32 i = PAGES - 1; i > 0; i--) {
    u32 j = next_random(&state) % i, swapped = memory[i * PAGE];
    memory[i * PAGE] = memory[j * PAGE];
    memory[j * PAGE] = swapped;
  }
  u32 sum = 0, at = 0;
  while (rounds--) {
    for (u32 i = 0; i < PAGES; i++) {
      at = memory[at * PAGE];
      sum += memory[at * PAGE + (at & 15) + 1]++ ^ at;
    }
  }
  return sum;
}
