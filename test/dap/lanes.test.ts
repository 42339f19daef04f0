/** Lanes of vectors, and the x87's stack, as names in expressions: read, watched, set. */
import { beforeEach, expect, it } from 'vitest';
import { SessionClient } from './support/session-client.ts';

let client: SessionClient;

beforeEach(async () => {
  client = new SessionClient();
  await client.launch({ cpu: 'max' });
  await client.stop();
});

const evaluate = async (expression: string, context: string): Promise<unknown> => {
  const response = await client.send('evaluate', { expression, context });
  return response.success ? response.body?.result : response.message;
};

it('are read and set as what they hold', async () => {
  expect(await evaluate('xmm0.f32[1] = 1.5', 'repl')).toBe('1.5');
  expect(await evaluate('xmm0.u32[1]', 'watch')).toBe('0x3fc00000 (1069547520)');
  expect(await evaluate('xmm0.u64[0]', 'watch')).toBe('0x3fc0000000000000 (4593671619917905920)');
  expect(await evaluate('XMM0.f32[1],x', 'watch')).toBe('0x3fc00000');
  expect(await evaluate('ymm3.f64[3] = -0.25', 'repl')).toBe('-0.25');
  expect(await evaluate('mm2.i16[3] = -2', 'repl')).toBe('-2');
  expect(await evaluate('mm2.u8[7]', 'watch')).toBe('0xff (255)');
  expect(await client.request('setExpression', { expression: 'ymm3.f64[3]', value: '2.5' })).toEqual({ value: '2.5' });
  expect(await client.request('setExpression', { expression: 'xmm0.u8[15]', value: '7' })).toEqual({ value: '0x07' });
  expect(await evaluate('xmm0.u8[15] + 1', 'watch')).toBe('0x0000000000000008');
});

it.each([
  ['xmm0.f32[4]', 'no register, flag or label is called xmm0.f32[4]'],
  ['mm2.f32[0]', 'no register, flag or label is called mm2.f32[0]'],
  ['xmm99.u8[0]', 'no register, flag or label is called xmm99.u8[0]'],
])('are only those that there are: %s', async (expression, message) => {
  expect(await evaluate(expression, 'watch')).toContain(message);
});

it('stand in conditions by their bits', async () => {
  await evaluate('xmm1.u16[2] = 7', 'repl');
  await client.request('setFunctionBreakpoints', {
    breakpoints: [
      { name: 'count', condition: 'xmm1.u16[2] == 8' },
      { name: 'count', condition: 'xmm1.u16[2] == 7' },
    ],
  });
  await client.request('continue', { threadId: 1 });
  const { hitBreakpointIds } = await client.event('stopped');
  expect(hitBreakpointIds).toHaveLength(1);
});

it('stand beside the stack of the x87, which is numbers, too', async () => {
  expect(await evaluate('st0', 'watch')).toMatch(/^0 · .*, FPR0$/);
  expect(await evaluate('st0 = 1.5', 'repl')).toMatch(/^1\.5 · /);
  expect(await client.request('setExpression', { expression: 'ST(1)', value: '-2' })).toEqual({
    value: expect.stringMatching(/^-2 · .*, FPR1$/),
  });
  expect(await evaluate('st(1)', 'watch')).toMatch(/^-2 · /);
  expect(await evaluate('fpr1', 'clipboard')).not.toContain('no register');
  expect(await evaluate('st0 = nothing', 'repl')).toBe('ST0 cannot be set to nothing');
});
