/* A table of words found by hash, and the digest of a text in rotations and additions. */
#include "program.h"

enum { BUCKETS = 1024, ENTRIES = 2048, TEXT = 4096 };
static struct entry {
  u32 key, value, next;
} entries[ENTRIES + 1];
static u32 buckets[BUCKETS];
static u32 text[TEXT];

static u32 hash_of(u32 key) {
  key ^= key >> 16;
  key *= 0x85ebca6bu;
  key ^= key >> 13;
  key *= 0xc2b2ae35u;
  return (key ^ key >> 16) % BUCKETS;
}

u32 run(u32 rounds) {
  u32 sum = 0, state = 7;
  for (u32 i = 0; i < TEXT; i++) text[i] = next_random(&state);
  while (rounds--) {
    u32 used = 0;
    for (u32 i = 0; i < BUCKETS; i++) buckets[i] = 0;
    for (u32 i = 0; i < TEXT; i++) {
      u32 key = text[i] & 0xfff, at = buckets[hash_of(key)];
      while (at && entries[at].key != key) at = entries[at].next;
      if (at) {
        entries[at].value++;
      } else if (used < ENTRIES) {
        u32 bucket = hash_of(key);
        entries[++used] = (struct entry){key, 1, buckets[bucket]};
        buckets[bucket] = used;
      }
    }
    u32 a = sum, b = 0x12345678, c = used;
    for (u32 i = 0; i < TEXT; i++) {
      a = (a ^ text[i]) + (b << 7 | b >> 25);
      b = (b + c) ^ (a << 13 | a >> 19);
      c = (c ^ b) + (a << 3 | a >> 29);
    }
    sum = mix(sum, a ^ b ^ c);
  }
  return sum;
}
