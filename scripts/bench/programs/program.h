/* What the bench's programs share. Each defines `run`, which does so many rounds and returns a sum of what came out. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

/* The loader calls what lies first. */
__attribute__((section(".text.entry"))) u32 run(u32 rounds);

/* Numbers that look random (xorshift). */
static inline u32 next_random(u32 *state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* Mixes a result into a sum. */
static inline u32 mix(u32 sum, u32 value) { return (sum << 5 | sum >> 27) + value * 0x9e3779b1u; }
