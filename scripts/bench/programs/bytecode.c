/* An interpreter of bytecode: a stack machine that looks for the most steps of a Collatz sequence below a bound. */
#include "program.h"

enum op { PUSH, LOAD, STORE, ADD, TRIPLE, HALVE, ODD, LESS, MAXIMUM, JUMP, JUMP_IF_NOT, END };
enum { NUMBER, STEPS, BEST, BOUND, START, VARIABLES };

/* The numbers of the lines that are jumped to. */
enum { NEXT_START = 0, NEXT_STEP = 8, EVEN = 22, ENDED = 26, DONE = 34 };

static const struct {
  u8 op, operand;
} code[] = {
    {LOAD, START},  {LOAD, BOUND},  {LESS, 0},      {JUMP_IF_NOT, DONE}, {PUSH, 0},           {STORE, STEPS},
    {LOAD, START},  {STORE, NUMBER}, {PUSH, 1},     {LOAD, NUMBER},      {LESS, 0},           {JUMP_IF_NOT, ENDED},
    {LOAD, STEPS},  {ADD, 1},       {STORE, STEPS}, {LOAD, NUMBER},      {ODD, 0},            {JUMP_IF_NOT, EVEN},
    {LOAD, NUMBER}, {TRIPLE, 1},    {STORE, NUMBER}, {JUMP, NEXT_STEP},  {LOAD, NUMBER},      {HALVE, 0},
    {STORE, NUMBER}, {JUMP, NEXT_STEP}, {LOAD, BEST}, {LOAD, STEPS},     {MAXIMUM, 0},        {STORE, BEST},
    {LOAD, START},  {ADD, 1},       {STORE, START}, {JUMP, NEXT_START},  {END, 0},
};

static u32 stack[8], variables[VARIABLES];

static u32 interpret(void) {
  u32 *top = stack, at = 0;
  for (;;) {
    u8 operand = code[at].operand;
    switch ((enum op)code[at++].op) {
      case PUSH: *++top = operand; break;
      case LOAD: *++top = variables[operand]; break;
      case STORE: variables[operand] = *top--; break;
      case ADD: *top += operand; break;
      case TRIPLE: *top = 3 * *top + operand; break;
      case HALVE: *top >>= 1; break;
      case ODD: *top &= 1; break;
      case LESS: top--; *top = top[0] < top[1]; break;
      case MAXIMUM: top--; if (top[0] < top[1]) *top = top[1]; break;
      case JUMP: at = operand; break;
      case JUMP_IF_NOT: if (!*top--) at = operand; break;
      case END: return variables[BEST];
    }
  }
}

u32 run(u32 rounds) {
  u32 sum = 0;
  while (rounds--) {
    variables[BEST] = 0;
    variables[START] = 1;
    variables[BOUND] = 1000 + (rounds & 15);
    sum = mix(sum, interpret());
  }
  return sum;
}
