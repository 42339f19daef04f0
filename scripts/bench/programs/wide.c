/* Products and quotients of 64 bits: powers by a modulus, greatest common divisors, decimal digits. */
#include "program.h"

static u64 divide(u64 dividend, u32 divisor, u32 *rest) {
#ifdef __x86_64__
  *rest = dividend % divisor;
  return dividend / divisor;
#else
  /* What a library does for a divisor of 32 bits. */
  u32 high = dividend >> 32, low = dividend, above = high / divisor, remainder = high % divisor;
  __asm__("divl %4" : "=a"(low), "=d"(*rest) : "0"(low), "1"(remainder), "r"(divisor));
  return (u64)above << 32 | low;
#endif
}

static u32 power(u32 base, u32 exponent, u32 modulus) {
  u32 result = 1;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) divide((u64)result * base, modulus, &result);
    divide((u64)base * base, modulus, &base);
  }
  return result;
}

u32 run(u32 rounds) {
  u32 sum = 0, state = 5;
  while (rounds--) {
    u32 a = next_random(&state) | 1, b = next_random(&state) | 0x80000000u;
    u32 value = power(a, b, 0xfffffffbu), digits = 0, digit;
    for (u64 rest = (u64)a * b; rest; digits += digit) rest = divide(rest, 10, &digit);
    while (b) {
      u32 next = a % b;
      a = b;
      b = next;
    }
    sum = mix(sum, value + digits + a);
  }
  return sum;
}
