/* What small computers do all day: a list sorted and searched, a small matrix of integers, words told apart by states, and a
 * check sum over all of it. */
#include "program.h"

enum { LINKS = 64, SIDE = 12, TEXT = 256 };
static struct link {
  struct link *next;
  u16 key, value;
} links[LINKS];
static u16 first[SIDE][SIDE], second[SIDE][SIDE];
static u8 text[TEXT];
static u32 kinds[6];

static u32 check(u32 sum, u16 value) {
  for (u32 bit = 0; bit < 16; bit++, value >>= 1) sum = (sum >> 1) ^ ((sum ^ value) & 1 ? 0xedb88320u : 0);
  return sum;
}

static struct link *merge_sort(struct link *list, u32 count) {
  if (count < 2) {
    if (list) list->next = 0;
    return list;
  }
  struct link *middle = list, *head = 0, **end = &head;
  for (u32 i = 0; i < count / 2; i++) middle = middle->next;
  struct link *right = merge_sort(middle, count - count / 2), *left = merge_sort(list, count / 2);
  while (left && right) {
    struct link **smaller = left->key <= right->key ? &left : &right;
    *end = *smaller;
    end = &(*smaller)->next;
    *smaller = *end;
  }
  *end = left ? left : right;
  return head;
}

static u32 lists(u32 sum, u32 *state) {
  for (u32 i = 0; i < LINKS; i++) links[i] = (struct link){i + 1 < LINKS ? &links[i + 1] : 0, next_random(state), i};
  struct link *list = merge_sort(links, LINKS);
  for (struct link *at = list; at; at = at->next) sum = check(sum, at->value);
  for (u32 tries = 0; tries < 16; tries++) {
    u16 wanted = next_random(state);
    struct link *at = list;
    while (at && at->key < wanted) at = at->next;
    sum += at ? at->value : 0;
  }
  return sum;
}

static u32 matrices(u32 sum, u32 *state) {
  for (u32 i = 0; i < SIDE; i++)
    for (u32 j = 0; j < SIDE; j++) {
      first[i][j] = next_random(state) & 0xff;
      second[i][j] = next_random(state) & 0xff;
    }
  for (u32 i = 0; i < SIDE; i++)
    for (u32 j = 0; j < SIDE; j++) {
      u32 dot = 0;
      for (u32 k = 0; k < SIDE; k++) dot += first[i][k] * second[k][j];
      sum = mix(sum, dot >> 2);
    }
  return sum;
}

enum state { BEGIN, INTEGER, FRACTION, EXPONENT, WORD, WRONG };

static enum state follow(enum state state, u8 letter) {
  switch (state) {
    case BEGIN:
      if (letter >= '0' && letter <= '9') return INTEGER;
      return letter == '.' ? FRACTION : letter >= 'a' ? WORD : WRONG;
    case INTEGER:
      if (letter >= '0' && letter <= '9') return INTEGER;
      return letter == '.' ? FRACTION : letter == 'e' ? EXPONENT : WRONG;
    case FRACTION:
      if (letter >= '0' && letter <= '9') return FRACTION;
      return letter == 'e' ? EXPONENT : WRONG;
    case EXPONENT:
      return letter >= '0' && letter <= '9' ? EXPONENT : WRONG;
    case WORD:
      return letter >= 'a' ? WORD : WRONG;
    default:
      return WRONG;
  }
}

static u32 words(u32 sum, u32 *state) {
  for (u32 i = 0; i < TEXT; i++) text[i] = "0123456789..eex, , "[next_random(state) % 19];
  enum state now = BEGIN;
  for (u32 i = 0; i < TEXT; i++) {
    if (text[i] == ',' || text[i] == ' ') {
      kinds[now]++;
      now = BEGIN;
    } else {
      now = follow(now, text[i]);
    }
  }
  for (u32 i = 0; i < 6; i++) sum = check(sum, kinds[i]);
  return sum;
}

u32 run(u32 rounds) {
  u32 sum = 0, state = 13;
  while (rounds--) sum = words(matrices(lists(sum, &state), &state), &state);
  return sum;
}
