/* A product of two matrices of 48 × 48 numbers of double precision: with the x87 or with SSE, as it is compiled. */
#include "program.h"

enum { SIZE = 48 };
static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

u32 run(u32 rounds) {
  u32 sum = 0, state = 3;
  while (rounds--) {
    for (u32 i = 0; i < SIZE; i++)
      for (u32 j = 0; j < SIZE; j++) {
        left[i][j] = (int)(next_random(&state) & 0xff) - 128;
        right[i][j] = (int)(next_random(&state) & 0xff) - 128;
        product[i][j] = 0;
      }
    for (u32 i = 0; i < SIZE; i++)
      for (u32 k = 0; k < SIZE; k++) {
        double factor = left[i][k];
        for (u32 j = 0; j < SIZE; j++) product[i][j] += factor * right[k][j];
      }
    for (u32 i = 0; i < SIZE; i++) sum = mix(sum, (u32)(int)product[i][i]);
  }
  return sum;
}
