import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'x86vm-dap-'));
afterAll(() => rmSync(folder, { recursive: true }));

function frame(message: object): string {
  const body = JSON.stringify(message);
  return `Content-Length: ${body.length}\r\n\r\n${body}`;
}

const requests = (...commands: readonly (readonly [string, object])[]): string =>
  commands
    .map(([command, given], index) => frame({ seq: index + 1, type: 'request', command, arguments: given }))
    .join('');

it('ends its process when the client is gone while a guest runs', async () => {
  const program = join(folder, 'loop.img');
  const image = new Uint8Array(512);
  image.set([0xeb, 0xfe]);
  image.set([0x55, 0xaa], 510);
  writeFileSync(program, image);
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const server = spawn(process.execPath, [main, 'dap'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise((settle) => server.once('close', settle));
  server.stdin.write(
    requests(
      ['initialize', { adapterID: 'x86vm' }],
      ['launch', { program, stopOnEntry: false }],
      ['configurationDone', {}],
    ),
  );
  let said = '';
  await new Promise<void>((settle) => {
    server.stdout.on('data', (bytes) => {
      said += String(bytes);
      if (said.includes('"configurationDone"')) settle();
    });
  });
  expect(said).toContain('"command":"launch","success":true');
  // As when an editor's window is closed: nobody says goodbye.
  server.stdin.end();
  expect(await closed).toBe(0);
});
