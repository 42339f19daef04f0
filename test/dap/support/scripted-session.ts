/** Sessions on the toy machine. */
import { SessionClient } from './session-client.ts';
import { createToyMachine, type ToyMachine } from './toy-machine.ts';

/** A session on the toy machine, whose answers a test writes beforehand. */
export async function scripted(
  code: readonly number[],
  given: object = {},
  cpuCount = 1,
): Promise<{ client: SessionClient; toy: ToyMachine }> {
  const toy = createToyMachine(code, cpuCount);
  const client = new SessionClient(() => toy);
  await client.launch({ stopOnEntry: 'reset', ...given });
  await client.stop();
  return { client, toy };
}
