/** Boot sectors from source, for tests that run small guests. They need the assembler nasm. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** False where there is no nasm: tests that need it are skipped. */
export const hasNasm: boolean = (() => {
  try {
    execFileSync('nasm', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

export function assemble(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'bios-guest-'));
  try {
    writeFileSync(join(folder, 'guest.asm'), source);
    execFileSync('nasm', ['-f', 'bin', '-o', 'guest.bin', 'guest.asm'], { cwd: folder });
    return new Uint8Array(readFileSync(join(folder, 'guest.bin')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A boot sector around `code`; it ends by `hlt` with interrupts off, which is how tests know that it is done. */
export const bootSector = (code: string, rest = ''): Uint8Array =>
  assemble(`bits 16\norg 7c00h\n${code}\ndone: cli\nhlt\njmp done\ntimes 510-($-$$) db 0\ndw 0aa55h\n${rest}`);
