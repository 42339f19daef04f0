/** Whatever a client sends, and whenever: every request is answered, with success or with what is wrong, and none ends the session. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentShapes, type ObjectShape, type Shape } from '../../debug-adapter/session/requests/argument-shapes.ts';
import { isCommand, unsupportedRequests } from '../../debug-adapter/session/requests/index.ts';
import { readProtocolSchema } from '../../scripts/protocol-schema.ts';
import { FIXTURE, SessionClient } from './support/session-client.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 30);

const { requests } = readProtocolSchema();

const shapeOf = (command: string): ObjectShape => (isCommand(command) ? argumentShapes[command] : {});

const VALUES: Readonly<Record<string, unknown>> = { whole: 1, text: '0x7c00', boolean: false, object: {}, any: {} };

/** Arguments of the right types; `all`: also those that may be missing. */
function sample(shape: Shape, all: boolean): unknown {
  if (typeof shape === 'string') return VALUES[shape];
  if (Array.isArray(shape)) return [sample((shape as readonly [Shape])[0], all)];
  const fields = Object.entries(shape as ObjectShape).filter(([key]) => all || !key.endsWith('?'));
  return Object.fromEntries(fields.map(([key, field]) => [key.replace('?', ''), sample(field, all)]));
}

const needsArguments = (command: string): boolean => Object.keys(shapeOf(command)).some((key) => !key.endsWith('?'));

/** Those that change what state a session is in; the rest can be sent one after the other. */
const LIFECYCLE = new Set([
  'initialize',
  'launch',
  'configurationDone',
  'restart',
  'terminate',
  'disconnect',
  'cancel',
]);
const others = requests.filter((command) => !LIFECYCLE.has(command));

/** The session answered, made no mistake of its own, and still answers. */
async function stillAlive(client: SessionClient): Promise<void> {
  expect(client.transcript.filter((line) => /internal error/i.test(line))).toEqual([]);
  expect(await client.request('threads')).toMatchObject({ threads: [{ id: 1 }] });
}

async function launched(given: object = {}): Promise<SessionClient> {
  const client = new SessionClient();
  await client.launch(given);
  await client.stop();
  return client;
}

/** Every state a session can be in when a request comes. */
const STATES: readonly (readonly [string, () => Promise<SessionClient>])[] = [
  ['before initialize', async () => new SessionClient()],
  [
    'after a launch that failed',
    async () => {
      const client = new SessionClient();
      await client.send('launch', { program: '/nothing.img' });
      return client;
    },
  ],
  [
    'before configurationDone',
    async () => {
      const client = new SessionClient();
      await client.request('launch', FIXTURE);
      return client;
    },
  ],
  ['while the guest stands still', launched],
  [
    'while the guest runs',
    async () => {
      const client = await launched();
      await client.request('continue', { threadId: 1 });
      return client;
    },
  ],
  [
    'after the guest has ended',
    async () => {
      const client = await launched();
      await client.request('continue', { threadId: 1 });
      await client.event('terminated');
      return client;
    },
  ],
  [
    'after terminate',
    async () => {
      const client = await launched();
      await client.request('terminate');
      return client;
    },
  ],
  [
    'after disconnect',
    async () => {
      const client = await launched();
      await client.request('disconnect');
      return client;
    },
  ],
];

describe('requests', () => {
  it('of the protocol are each answered, or refused with a reason', () => {
    expect(requests.length).toBeGreaterThan(40);
    expect(requests.filter((command) => !isCommand(command) && !Object.hasOwn(unsupportedRequests, command))).toEqual(
      [],
    );
  });

  it.each(requests.filter(needsArguments))('%s names each argument that is missing', async (command) => {
    const client = await launched();
    for (const key of Object.keys(shapeOf(command)).filter((name) => !name.endsWith('?'))) {
      const { [key]: _, ...rest } = sample(shapeOf(command), false) as Record<string, unknown>;
      const { success, message } = await client.send(command, rest);
      expect(success).toBe(false);
      expect(message).toMatch(new RegExp(`^${command}: ${key} is missing; give `));
    }
    await stillAlive(client);
  });

  it.each(requests.filter((command) => Object.keys(shapeOf(command)).length > 0))(
    '%s names arguments of a wrong type',
    async (command) => {
      const client = await launched();
      const right = sample(shapeOf(command), true) as Record<string, unknown>;
      for (const [key, shape] of Object.entries(shapeOf(command))) {
        if (shape === 'any') continue;
        const name = key.replace('?', '');
        const wrong = shape === 'text' ? 1.5 : 'not that';
        const { success, message } = await client.send(command, { ...right, [name]: wrong });
        expect(success).toBe(false);
        expect(message).toMatch(new RegExp(`^${command}: ${name} must be .*, not ${JSON.stringify(wrong)}$`));
      }
      await stillAlive(client);
    },
  );

  it('take what is null for missing', async () => {
    const client = await launched();
    const given = { memoryReference: '0x7c00', count: 1, offset: null };
    expect(await client.request('readMemory', given)).toMatchObject({ address: '0x00007c00' });
    expect((await client.send('readMemory', { ...given, count: null })).message).toBe(
      'readMemory: count is missing; give a whole number',
    );
  });

  it.each([[[]], ['text'], [1], [true]])('do not take %j for arguments', async (given) => {
    const client = await launched();
    for (const command of requests.filter(isCommand)) {
      expect((await client.send(command, given as object)).message).toMatch(
        new RegExp(`^${command}: arguments must be an object, not `),
      );
    }
    await stillAlive(client);
  });
});

describe.each(STATES)('%s', (_, enter) => {
  it('every request is answered', async () => {
    const client = await enter();
    for (const command of others) {
      for (const given of [undefined, {}, sample(shapeOf(command), false), sample(shapeOf(command), true)]) {
        const { success, message } = await client.send(command, given as object);
        if (!success) expect(message, command).toMatch(/\w{3}/);
      }
    }
    await stillAlive(client);
  });

  it.each([...LIFECYCLE])('%s is answered', async (command) => {
    const client = await enter();
    for (const given of [undefined, {}, sample(shapeOf(command), true)]) {
      const { success, message } = await client.send(command, given as object);
      if (!success) expect(message, command).toMatch(/\w{3}/);
    }
    await stillAlive(client);
  });

  it('what needs a machine says that it is missing, and only then', async () => {
    const client = await enter();
    const { message = '' } = await client.send('evaluate', { expression: 'eax' });
    const isThere = !['before initialize', 'after a launch that failed'].includes(_);
    expect(message).toBe(isThere ? '' : 'there is no machine yet; launch one first');
  });
});

/** Values of any type and shape, also such that are right by chance. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, -1, 0, 1, 2 ** 31, 2 ** 53, 1.5, 1e300),
  fc.constantFrom<unknown>('', '0', '0x7c00', 'p:0', 'eax', 'eax = 1', '07C0:0000', 'word[ds:si]', 'linear:0x7c00,2'),
  fc.integer(),
  fc.string({ maxLength: 12 }),
  fc.jsonValue({ maxDepth: 2 }),
);

function argumentsOf(shape: Shape): fc.Arbitrary<unknown> {
  if (typeof shape === 'string') {
    const right = shape === 'whole' ? fc.integer({ min: -5, max: 70_000 }) : fc.constant(VALUES[shape]);
    return fc.oneof({ weight: 3, arbitrary: right }, { weight: 2, arbitrary: anything });
  }
  if (Array.isArray(shape)) return fc.array(argumentsOf((shape as readonly [Shape])[0]), { maxLength: 3 });
  const fields = Object.entries(shape as ObjectShape).map(([key, field]) => [key.replace('?', ''), argumentsOf(field)]);
  return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] });
}

it('answers any arguments', { timeout: 600_000 }, async () => {
  const request = fc
    .constantFrom(...requests.filter((command) => command !== 'launch' && command !== 'restart'))
    .chain((command) => fc.tuple(fc.constant(command), fc.oneof(argumentsOf(shapeOf(command)), anything)));
  // fast-check prints the seed of a failure with the requests that led to it.
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 30 }), async (sent) => {
      const client = await launched();
      for (const [command, given] of sent) {
        const { success, message } = await client.send(command, given as object);
        if (!success) expect(message, command).not.toBe('');
        client.host.runOne();
      }
      await stillAlive(client);
    }),
    { numRuns: ROUNDS },
  );
});
