/* Quicksort, ended by insertion, of 4,096 numbers. */
#include "program.h"

enum { SIZE = 4096, SHORT = 12 };
static u32 numbers[SIZE];

static void sort(u32 *first, u32 *last) {
  while (last - first > SHORT) {
    u32 pivot = first[(last - first) >> 1];
    u32 *low = first, *high = last;
    while (low <= high) {
      while (*low < pivot) low++;
      while (*high > pivot) high--;
      if (low <= high) {
        u32 swapped = *low;
        *low++ = *high;
        *high-- = swapped;
      }
    }
    sort(first, high);
    first = low;
  }
  for (u32 *at = first + 1; at <= last; at++) {
    u32 value = *at, *to = at;
    for (; to > first && to[-1] > value; to--) *to = to[-1];
    *to = value;
  }
}

u32 run(u32 rounds) {
  u32 sum = 0, state = 1;
  while (rounds--) {
    for (u32 i = 0; i < SIZE; i++) numbers[i] = next_random(&state);
    sort(numbers, numbers + SIZE - 1);
    for (u32 i = 0; i < SIZE; i += 64) sum = mix(sum, numbers[i]);
  }
  return sum;
}
