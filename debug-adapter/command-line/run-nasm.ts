/** Assembling a source with the NASM on PATH into an image and a listing with its map appended. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { AssemblerResult } from '../host.ts';
import { parseNasmMessages } from './nasm-messages.ts';

/** NASM needs milliseconds; only a source that never ends takes this long. */
const NASM_TIME_MAX_MS = 60_000;
const NASM_OUTPUT_SIZE_MAX = 4 * 1024 * 1024;

/** Results that are kept; a process that lives for days assembles often. */
const RUNS_KEPT = 32;

let temporaryDirectory: string | undefined;
let runCount = 0;

/** A directory inside the one of this process, which is removed when the process ends. */
async function makeRunDirectory(): Promise<string> {
  if (temporaryDirectory === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'x86-vm-debugger-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    temporaryDirectory = made;
  }
  const parent = temporaryDirectory;
  runCount += 1;
  await rm(join(parent, String(runCount - RUNS_KEPT)), { recursive: true, force: true });
  const directory = join(parent, String(runCount));
  await mkdir(directory, { recursive: true });
  return directory;
}

/**
 * Assembles; rejects only if NASM cannot be run, or has to be ended because `signal` says so. The source's directory is the
 * working and an include directory.
 */
export async function assembleWithNasm(source: string, nasm = 'nasm', signal?: AbortSignal): Promise<AssemblerResult> {
  const path = resolve(source);
  const directory = await makeRunDirectory();
  const name = basename(path).replace(/\.[^.]*$/, '') || 'program';
  const image = join(directory, `${name}.img`);
  const listing = join(directory, `${name}.lst`);
  const map = join(directory, 'sections.map');
  const plain = ['-f', 'bin', '-I', dirname(path) + sep, '-l', listing, '-o', image, path];
  // A map's name ends at the first space, and NASM before 2.14 cannot be told about it from outside.
  const mapped = /\s/.test(map) ? plain : ['--before', `[map all ${map}]`, ...plain];
  let run = await runNasm(nasm, mapped, dirname(path), signal);
  if (run.failed && /unrecogni[sz]ed option/.test(run.text)) run = await runNasm(nasm, plain, dirname(path), signal);
  const messages = parseNasmMessages(run.text, path);
  if (run.failed && !messages.some(({ severity }) => severity === 'error')) {
    const message = run.text.trim() || 'NASM failed and did not say why';
    messages.push({ severity: 'error', file: path, line: 1, message });
  }
  if (run.failed) return { messages };
  if (await exists(map)) await appendFile(listing, `\n${await readFile(map, 'utf8')}`);
  return { image, listing, messages };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

interface NasmRun {
  readonly failed: boolean;
  readonly text: string;
}

function runNasm(
  nasm: string,
  options: readonly string[],
  directory: string,
  signal: AbortSignal | undefined,
): Promise<NasmRun> {
  const limits = {
    cwd: directory,
    timeout: NASM_TIME_MAX_MS,
    maxBuffer: NASM_OUTPUT_SIZE_MAX,
    ...(signal && { signal }),
  };
  return new Promise((settle, reject) => {
    execFile(nasm, options, limits, (error, _output, text) => {
      const code = error?.code as unknown;
      if (code === 'ENOENT') {
        reject(
          new Error(
            `${nasm} was not found on PATH. Install it (Debian and Ubuntu: apt install nasm; macOS: brew install nasm; ` +
              'Windows: https://nasm.us), or give a prebuilt image together with its listing.',
          ),
        );
      } else if (code === 'ABORT_ERR') {
        reject(new Error(`${nasm} was ended with the session`));
      } else if (error?.killed === true) {
        reject(new Error(`${nasm} did not finish within ${NASM_TIME_MAX_MS / 1000} s and was ended`));
      } else settle({ failed: error !== null, text });
    });
  });
}
