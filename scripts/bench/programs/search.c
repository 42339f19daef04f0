/* Words looked for in a text: by the first letter, and by leaps from the last one. */
#include "program.h"

enum { TEXT = 1 << 15, WORD = 9 };
static u8 text[TEXT];

static u32 plain(const u8 *word, u32 length) {
  u32 found = 0;
  for (u32 i = 0; i + length <= TEXT; i++) {
    u32 k = 0;
    while (k < length && text[i + k] == word[k]) k++;
    found += k == length;
  }
  return found;
}

static u32 leaping(const u8 *word, u32 length) {
  u8 leaps[256];
  for (u32 i = 0; i < 256; i++) leaps[i] = length;
  for (u32 i = 0; i + 1 < length; i++) leaps[word[i]] = length - 1 - i;
  u32 found = 0;
  for (u32 i = length - 1; i < TEXT; i += leaps[text[i]]) {
    u32 k = 0;
    while (k < length && text[i - k] == word[length - 1 - k]) k++;
    found += k == length;
  }
  return found;
}

u32 run(u32 rounds) {
  u32 sum = 0, state = 11;
  for (u32 i = 0; i < TEXT; i++) text[i] = 'a' + next_random(&state) % 7;
  while (rounds--) {
    const u8 *word = text + next_random(&state) % (TEXT - WORD);
    sum = mix(sum, plain(word, WORD) * 31 + leaping(word, WORD));
  }
  return sum;
}
