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
  return assembleListed(source).image;
}

/** The same with the assembler's listing, from which the debugger knows lines and labels. */
export function assembleListed(source: string): { readonly image: Uint8Array; readonly listing: string } {
  const folder = mkdtempSync(join(tmpdir(), 'bios-guest-'));
  try {
    writeFileSync(join(folder, 'guest.asm'), source);
    execFileSync('nasm', ['-f', 'bin', '-o', 'guest.bin', '-l', 'guest.lst', 'guest.asm'], { cwd: folder });
    const image = new Uint8Array(readFileSync(join(folder, 'guest.bin')));
    return { image, listing: readFileSync(join(folder, 'guest.lst'), 'latin1') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A boot sector around `code`; it ends by `hlt` with interrupts off, which is how tests know that it is done. */
export const bootSector = (code: string, rest = ''): Uint8Array => assemble(bootSectorSource(code, rest));

/** The source of such a boot sector. */
export function bootSectorSource(code: string, rest = ''): string {
  return `bits 16\norg 7c00h\n${code}\ndone: cli\nhlt\njmp done\ntimes 510-($-$$) db 0\ndw 0aa55h\n${rest}`;
}
